"""An image is pushed to a real registry, and run from there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.local_registry import PASSWORD, LocalRegistry, docker_config
from docktasks.engine.client import DockerEngine
from tests.support.commands import docker
from tests.support.project import ProjectUnderTest


@pytest.fixture
def repository(registry: LocalRegistry) -> Iterator[str]:
    """A repository of the registry. Its names are removed from the engine afterwards; the image has others."""
    name = f"{registry.address}/team/app"
    yield name
    names = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", name).split()
    docker("image", "rm", *(name for name in names if not name.endswith(":<none>")))


@pytest.fixture
def elsewhere(engine: DockerEngine, checkout: Path, repository: str) -> Iterator[ProjectUnderTest]:
    """The tasks on a machine that does not have the app's source. Its containers end before the image is removed."""
    assert repository
    project = ProjectUnderTest(engine, checkout, APP_DIR="/nowhere")
    yield project
    project.end()


def test_commit_is_pushed_and_runs_elsewhere(
    built_project: ProjectUnderTest,
    elsewhere: ProjectUnderTest,
    registry: LocalRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    """The same commit has the same digest twice. Another machine runs it, also when the registry has died."""
    record = tmp_path / "release.json"
    output = built_project.succeeds("push", f"--to={repository}", f"--record={record}")
    pushed = json.loads(record.read_text())
    assert f"Pushed: {pushed['image']} " in output
    assert pushed["tags"] == [pushed["revision"][:12], "1.0.0", "latest"]
    assert {"http.files", "image.secrets"} <= {*pushed["verified"]["gate"], *pushed["verified"]["verify"]}
    again = built_project.succeeds("push", f"--to={repository}", f"--record={record}", "--immutable", "--tag=version")
    assert f"Pushed: {pushed['image']} (1.0.0)" in again

    by_tag = elsewhere.succeeds("run-prod", f"--image={repository}:latest")
    assert f"{repository}:latest is {pushed['image']}." in by_tag
    assert elsewhere.container().release == pushed["release"]
    compared = elsewhere.succeeds("verify", f"--url={elsewhere.container().url}", f"--image={pushed['image']}")
    assert "all as the image has them" in compared
    registry.stop()
    assert "Serving already" in elsewhere.succeeds("run-prod", f"--image={pushed['image']}")
    refused = elsewhere.fails("run-prod", f"--image={repository}:1.0.0")
    assert f"{elsewhere.name}-prod keeps serving." in refused
    elsewhere.assert_one_release_serves()
    registry.start()


@pytest.mark.long
def test_what_is_not_committed_is_not_pushed(
    built_project: ProjectUnderTest, repository: str, tmp_path: Path, registry: LocalRegistry
) -> None:
    """Neither is an image that does not pass, and a registry that does not answer gets a clear error."""
    record = tmp_path / "release.json"
    page = built_project.checkout / "hello-dock/index.html"
    text = page.read_text()
    try:
        page.write_text(text.replace("</body>", "<!-- edited --></body>"))
        assert "not committed" in built_project.fails("push", f"--to={repository}", f"--record={record}")
    finally:
        page.write_text(text)
    registry.stop()
    dead = built_project.fails("push", f"--to={repository}", f"--record={record}")
    registry.start()
    assert "could not be pushed" in dead
    assert "The registry has nothing new." in dead
    assert not record.exists()
    foreign = built_project.fails("run-prod", "--image=hello-dock-base-nginx:none")
    assert "cannot be pulled" in foreign


@pytest.mark.long
def test_registry_with_a_certificate_and_a_password(
    built_project: ProjectUnderTest, project: ProjectUnderTest, tmp_path: Path
) -> None:
    """Without the right login nothing is pushed or run, and what serves keeps serving."""
    registry = LocalRegistry(tmp_path, is_protected=True)
    registry.start()
    repository, record = f"{registry.address}/team/app", tmp_path / "release.json"
    login = docker_config(tmp_path / "right", registry.address, PASSWORD)
    push = ("push", f"--to={repository}", "--tag=version", f"--record={record}")
    try:
        for folder in ("none", "wrong"):
            config = docker_config(
                tmp_path / folder, registry.address if folder == "wrong" else "other.example", "wrong"
            )
            refused = built_project.fails(*push, **config)
            assert "The registry has nothing new." in refused
            assert f"docker login {registry.address}" in refused
            assert not record.exists()
        built_project.succeeds(*push, **login)
        pushed = json.loads(record.read_text())
        docker("image", "rm", f"{repository}:1.0.0")
        project.succeeds("run-prod", f"--image={pushed['image']}", **login)
        served = project.container()
        output = project.fails("run-prod", f"--image={repository}:1.0.0", DOCKER_CONFIG=str(tmp_path / "wrong"))
        assert f"docker login {registry.address}" in output
        assert project.container().id == served.id
        project.assert_one_release_serves()
    finally:
        registry.stop()
        project.end()
        docker(
            "image",
            "rm",
            *docker("image", "ls", "--digests", "--format", "{{.Repository}}@{{.Digest}}", repository).split(),
        )
