"""Releases on an engine with the classic image store, and on one with containerd's, which gives images other ids."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.local_registry import LocalRegistry
from docktasks.app.project import Project
from docktasks.engine.client import DockerEngine
from docktasks.engine.models import Image
from docktasks.images.sizes import unpacked_size
from tests.support.checkouts import make_repository
from tests.support.commands import PrintingRunner, docker
from tests.support.image_store import Store
from tests.support.long_forms import IS_LONG_FORM, long
from tests.support.project import ProjectUnderTest

RUNS = 10 if IS_LONG_FORM else 3
ATTESTED = {"BUILDX_NO_DEFAULT_ATTESTATIONS": "0"}
"""Lets each build attest its time, so that each image has another id in containerd's store."""


@pytest.fixture(scope="module", params=[long("classic"), "containerd"])
def store(request: pytest.FixtureRequest, engine: DockerEngine) -> Store:
    """Each of the two stores."""
    return Store(engine) if request.param == "classic" else request.getfixturevalue("containerd")


def releases(project: ProjectUnderTest) -> list[str]:
    """Return the ids of the listed releases, the latest first."""
    return re.findall(r"^ *([0-9a-f]{12}) ", project.succeeds("releases"), re.MULTILINE)


def image_of(project: ProjectUnderTest) -> Image:
    """Return the image that was built last."""
    image = project.engine.image(project.image)
    assert image is not None
    return image


@pytest.mark.long  # the next test has one commit twice
def test_one_commit_is_one_release(store: Store, checkout: Path, raft: Path) -> None:
    """Only the first run-prod starts a container, whatever id each build has."""
    project = store.project(checkout, raft)
    try:
        project.succeeds("run-prod")
        first, ids = project.container(), {image_of(project).id}
        for run in range(1, RUNS):
            output = project.succeeds("run-prod", **(ATTESTED if run % 2 else {}))
            ids.add(image_of(project).id)
            assert "Serving already: " in output
        assert store.engine.containerd_store is (len(ids) > 1)
        assert project.container().id == first.id
        assert releases(project) == [first.release]
        assert "There is no earlier release." in project.fails("rollback")
    finally:
        project.end()


def test_releases_are_swapped_rolled_back_and_verified(containerd: Store, checkout: Path, raft: Path) -> None:
    """One commit is one release, a changed script another. Every task finds the image of the container that serves."""
    project = containerd.project(checkout, raft)
    try:
        project.succeeds("run-prod")
        first, image_id = project.container().release, image_of(project).id
        assert "Serving already: " in project.succeeds("run-prod", **ATTESTED)
        assert image_of(project).id != image_id
        (raft / "raft.js").write_text("document.body.append('Another release. '.repeat(40))\n")
        make_repository(raft)
        assert "Serving: " in project.succeeds("run-prod")
        second = project.container().release
        assert releases(project) == [second, first]
        assert first in project.succeeds("rollback")
        assert project.container().release == first
        assert f"release {second}" in project.succeeds("rollback", f"--to={second[:6]}")
        output = project.succeeds("verify", "--strict", "--group=image", "--group=container", "--group=http")
        assert " 0 failed, 0 skipped" in output
        project.assert_one_release_serves()
    finally:
        project.end()


@pytest.mark.long  # the test before has the store that is not this machine's
def test_release_is_the_same_in_both_stores(
    engine: DockerEngine, containerd: Store, checkout: Path, raft: Path, tmp_path: Path
) -> None:
    """Whether it was built there or loaded, it has one id and one size. The stores' own ids and sizes differ."""
    here, there = Store(engine).project(checkout, raft), containerd.project(checkout, raft)
    there.name = there.environ["INVOKE_APP_NAME"] = here.name
    try:
        printed = [project.succeeds("build-prod").splitlines()[-1] for project in (here, there)]
        built = [image_of(project) for project in (here, there)]
        archive = tmp_path / "raft.tar"
        docker("image", "save", "--output", str(archive), there.image, host=containerd.host)
        docker("image", "tag", here.image, f"{here.name}:built")
        docker("image", "load", "--quiet", "--input", str(archive))
        images = [*built, image_of(here)]
        assert len({image.release for image in images}) == 1
        assert built[0].id != built[1].id
        assert built[0].size != built[1].size
        runner = PrintingRunner(checkout)
        sizes = {
            unpacked_size(Project(runner, project.engine, project.settings()), image_of(project))
            for project in (here, there)
        }
        assert sizes == {built[0].size}
        assert printed[0] == printed[1]
    finally:
        there.end()
        here.end()


@pytest.mark.long
def test_release_is_the_same_after_push_and_pull(
    engine: DockerEngine, containerd: Store, checkout: Path, raft: Path, tmp_path: Path
) -> None:
    """A registry compresses the layers, and both stores get the release from it that one of them has built."""
    project, registry = Store(engine).project(checkout, raft), LocalRegistry(tmp_path)
    reference = f"{registry.address}/raft:1"
    pulled = []
    try:
        project.succeeds("build-prod")
        built = image_of(project)
        docker("image", "tag", project.image, reference)
        for store in (Store(engine), containerd):
            registry.start(*store.prefix)
            if store is not containerd:
                docker("image", "push", "--quiet", reference)
                docker("image", "rm", reference, project.image)
            docker("image", "pull", "--quiet", reference, host=store.host)
            pulled.append(store.engine.image(reference))
            registry.stop()
        assert [image and image.release for image in pulled] == [built.release, built.release]
    finally:
        registry.stop()
        for host in ("", containerd.host):
            docker("image", "rm", "--force", reference, host=host)
        project.end()
