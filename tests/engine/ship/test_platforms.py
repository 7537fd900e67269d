"""An index for two platforms on a pinned base image, from a real registry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.local_registry import LocalRegistry
from docktasks.images.build import BASE_DIGEST_LABEL, BASE_LABEL
from tests.support.commands import docker
from tests.support.project import ProjectUnderTest

BARE = "FROM scratch\nCOPY --from=base /etc/passwd /etc/passwd\nENV NGINX_VERSION=1.30.7\n"
"""A base image for another platform. It has no program, so that nothing can run in the stage that is built on it."""


@pytest.fixture
def base(registry: LocalRegistry, built_project: ProjectUnderTest) -> Iterator[str]:
    """The name of a base image with nginx for this machine, and without a program for arm64."""
    name = f"{registry.address}/base/nginx"
    image = built_project.engine.image(built_project.image)
    assert image is not None
    docker("image", "tag", image.labels[BASE_LABEL], f"{name}:amd64")
    dockerfile = f"FROM --platform=linux/amd64 {image.labels[BASE_LABEL]} AS base\n{BARE}"
    docker("image", "build", "--quiet", "--platform=linux/arm64", "--tag", f"{name}:arm64", "-", stdin=dockerfile)
    for architecture in ("amd64", "arm64"):
        docker("image", "push", "--quiet", f"{name}:{architecture}")
        docker("image", "rm", f"{name}:{architecture}")
    docker("buildx", "imagetools", "create", "--tag", f"{name}:stable", f"{name}:amd64", f"{name}:arm64")
    yield f"{name}:stable"
    images = docker("image", "ls", "--format", "{{.Repository}}@{{.Digest}}", "--digests", name).split()
    docker("image", "rm", *(image for image in images if "<none>" not in image))


@pytest.mark.long
def test_two_platforms_are_pushed_on_a_pinned_base(
    built_project: ProjectUnderTest, registry: LocalRegistry, base: str, tmp_path: Path
) -> None:
    """No program of the other platform runs. The image for arm64 has the same layer, and true labels."""
    settings = {"INVOKE_BASES_NGINX_IMAGE": base}
    node = next(word for word in built_project.build.split() if word.startswith("NODE_IMAGE=")).partition("=")[2]
    docker("image", "tag", node, f"{registry.address}/base/node:lts")
    docker("image", "push", "--quiet", f"{registry.address}/base/node:lts")
    settings["INVOKE_BASES_NODE_IMAGE"] = f"{registry.address}/base/node:lts"
    repository, record = f"{registry.address}/team/both", tmp_path / "release.json"
    lock = built_project.checkout / "hello-dock/bases.lock"
    exclude = built_project.checkout / ".git/info/exclude"
    try:
        exclude.write_text("bases.lock\n")
        assert "linux/arm64: none -> sha256:" in built_project.succeeds("bases", "--update", **settings)
        arguments = (f"--to={repository}", f"--record={record}")
        built_project.succeeds("push", *arguments, "--platforms=linux/amd64,linux/arm64", **settings)
        pushed = json.loads(record.read_text())
        again = built_project.succeeds(
            "push", *arguments, "--platforms=linux/amd64,linux/arm64", "--immutable", "--tag=version", **settings
        )
        assert f"Pushed: {pushed['image']} (1.0.0)" in again
        locked = json.loads(lock.read_text())["bases"][base]
        assert pushed["base"] == {"name": base, "digest": locked["digest"]}
        images = {}
        for platform, digest in pushed["platforms"].items():
            docker("image", "pull", "--quiet", f"{repository}@{digest}")
            image = built_project.engine.image(f"{repository}@{digest}")
            assert image is not None
            assert f"linux/{image.architecture}" == platform
            assert (image.labels[BASE_LABEL], image.labels[BASE_DIGEST_LABEL]) == (base, locked["digest"])
            images[platform] = image
        own, other = images["linux/amd64"], images["linux/arm64"]
        assert own.layers[-1] == other.layers[-1]
        assert own.layers[:-1] != other.layers[:-1]
        assert (own.user, own.release != other.release) == (other.user, True)
        verdicts = built_project.succeeds(
            "verify", f"--image={repository}@{pushed['platforms']['linux/amd64']}", "--only=image.claims", **settings
        )
        assert "1 passed" in verdicts
        refused = built_project.fails("push", *arguments, "--platforms=linux/s390x", **settings)
        assert "for linux/s390x" in refused
        unpinned = built_project.fails("build-prod", **settings | {"INVOKE_BASES_NGINX_IMAGE": f"{base}-2"})
        assert f"bases.lock does not have {base}-2" in unpinned
    finally:
        lock.unlink(missing_ok=True)
        exclude.write_text("")
        names = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository).split()
        docker("image", "rm", *(name for name in names if not name.endswith(":<none>")))
