"""An index for two platforms on a pinned base image, from a real registry, by an engine with each image store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.local_registry import LocalRegistry
from docktasks.app.project import Project
from docktasks.images import base_images
from docktasks.images.build import BASE_DIGEST_LABEL, BASE_LABEL
from tests.support.commands import PrintingRunner, docker
from tests.support.image_store import Store
from tests.support.project import ProjectUnderTest

BARE = "FROM scratch\nCOPY --from=base /etc/passwd /etc/passwd\nENV NGINX_VERSION=1.30.7\n"
"""A base image for another platform. It has no program, so that nothing can run in the stage that is built on it."""
BOTH = "--platforms=linux/amd64,linux/arm64"


@dataclass(frozen=True)
class Ship:
    """A project on an engine, a registry in the engine's network, and the settings that name its base images."""

    project: ProjectUnderTest
    registry: LocalRegistry
    settings: dict[str, str]
    host: str

    @property
    def base(self) -> str:
        """The name of the base image with nginx for this machine, and without a program for arm64."""
        return self.settings["INVOKE_BASES_NGINX_IMAGE"]

    def docker(self, *args: str, stdin: str = "") -> str:
        """Run a docker command on the engine, in its network."""
        return docker(*args, stdin=stdin, host=self.host)


@pytest.fixture(params=["classic", "containerd"])
def ship(request: pytest.FixtureRequest, built_project: ProjectUnderTest, checkout: Path, raft: Path) -> Iterator[Ship]:
    """One of the two stores, with base images in a registry."""
    engine = built_project.engine
    store = Store(engine) if request.param == "classic" else request.getfixturevalue("containerd")
    project, registry = store.project(checkout, raft), LocalRegistry(raft.parent)
    names = Project(PrintingRunner(checkout), engine, built_project.settings())
    node, nginx = (base_images.resolve(names, kind).reference for kind in ("node", "nginx"))
    registry.start(*store.prefix)
    settings = {
        "INVOKE_BASES_NGINX_IMAGE": f"{registry.address}/base/nginx:stable",
        "INVOKE_BASES_NODE_IMAGE": f"{registry.address}/base/node:lts",
    }
    ship = Ship(project, registry, settings, store.host)
    try:
        ship.docker("image", "tag", node, settings["INVOKE_BASES_NODE_IMAGE"])
        ship.docker("image", "push", "--quiet", settings["INVOKE_BASES_NODE_IMAGE"])
        push_base(ship, nginx, store.prefix)
        yield ship
    finally:
        listed = ship.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", f"{registry.address}/*/*")
        ship.docker("image", "rm", "--force", *(name for name in listed.split() if not name.endswith(":<none>")))
        registry.stop()
        project.end()


def push_base(ship: Ship, nginx: str, prefix: tuple[str, ...]) -> None:
    """Push nginx for this machine, and an image for arm64, behind one index."""
    name = ship.base.rpartition(":")[0]
    ship.docker("image", "tag", nginx, f"{name}:amd64")
    dockerfile = f"FROM --platform=linux/amd64 {nginx} AS base\n{BARE}"
    options = ["--quiet", "--provenance=false", "--platform=linux/arm64"]
    ship.docker("image", "build", *options, "--tag", f"{name}:arm64", "-", stdin=dockerfile)
    for architecture in ("amd64", "arm64"):
        ship.docker("image", "push", "--quiet", f"{name}:{architecture}")
    index = ["imagetools", "create", "--tag", ship.base, f"{name}:amd64", f"{name}:arm64"]
    PrintingRunner(ship.project.checkout)([*prefix, "docker", "buildx", *index])


@pytest.mark.long
def test_two_platforms_are_pushed_on_a_pinned_base(ship: Ship, raft: Path, tmp_path: Path) -> None:
    """No program of the other platform runs. The image for arm64 has the same layer, and true labels."""
    project, settings, record = ship.project, ship.settings, tmp_path / "release.json"
    repository = f"{ship.registry.address}/team/both"
    (raft / ".git/info/exclude").write_text("bases.lock\n")
    assert "linux/arm64: none -> sha256:" in project.succeeds("bases", "--update", **settings)
    arguments = (f"--to={repository}", f"--record={record}")
    project.succeeds("push", *arguments, BOTH, **settings)
    pushed = json.loads(record.read_text())
    again = project.succeeds("push", *arguments, BOTH, "--immutable", "--tag=version", **settings)
    assert f"Pushed: {pushed['image']} (0.1.0)" in again
    locked = json.loads((raft / "bases.lock").read_text())["bases"][ship.base]
    assert pushed["base"] == {"name": ship.base, "digest": locked["digest"]}
    images = {}
    for platform, digest in pushed["platforms"].items():
        ship.docker("image", "pull", "--quiet", f"--platform={platform}", f"{repository}@{digest}")
        image = project.engine.image(f"{repository}@{digest}")
        assert image is not None
        assert f"linux/{image.architecture}" == platform
        assert (image.labels[BASE_LABEL], image.labels[BASE_DIGEST_LABEL]) == (ship.base, locked["digest"])
        images[platform] = image
    own, other = images["linux/amd64"], images["linux/arm64"]
    assert own.layers[-1] == other.layers[-1]
    assert own.layers[:-1] != other.layers[:-1]
    assert (own.user, own.release != other.release) == (other.user, True)
    name = f"{repository}@{pushed['platforms']['linux/amd64']}"
    assert "1 passed" in project.succeeds("verify", f"--image={name}", "--only=image.claims", **settings)
    ran = project.succeeds("run-prod", f"--image={pushed['image']}", **settings)
    assert "Serving" in ran
    assert project.container().release == own.release
    refused = project.fails("push", *arguments, "--platforms=linux/s390x", **settings)
    assert "for linux/s390x" in refused
    unpinned = project.fails("build-prod", **settings | {"INVOKE_BASES_NGINX_IMAGE": f"{ship.base}-2"})
    assert f"bases.lock does not have {ship.base}-2" in unpinned
    project.assert_one_release_serves()
