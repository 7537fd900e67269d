"""A registry that fails in the middle of a push: one clear error, no later tag moved, and what serves keeps serving."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.local_registry import LocalRegistry, debian_program, docker_config
from tests.support.commands import docker
from tests.support.project import ProjectUnderTest
from tests.support.registry_proxy import NEVER, RegistryProxy, running_proxy

pytestmark = pytest.mark.long  # tests/unit/ship/test_push.py has the order of the tags; the engine retries for a minute


@pytest.fixture
def proxy(registry: LocalRegistry) -> Iterator[RegistryProxy]:
    """A server in front of the registry. What was pushed through it is removed from the engine."""
    with running_proxy(registry) as proxy:
        yield proxy
        remove(f"{proxy.address}/*/*")


def remove(pattern: str) -> None:
    """Remove the images of this name from the engine. They have others, too."""
    listed = docker(
        "image", "ls", "--format", "{{.Repository}}:{{.Tag}} {{.Repository}}@{{.Digest}}", "--digests", pattern
    )
    names = {name for line in listed.splitlines() for name in line.split() if "<none>" not in name}
    if names:  # the last name of a digest takes the digest with it
        docker("image", "rm", "--force", *sorted(names))


def tags_of(registry: LocalRegistry, path: str) -> dict[str, str]:
    """Return the digest of each tag that the registry has, by its files."""
    folder = registry.folder / "data/docker/registry/v2/repositories" / path / "_manifests/tags"
    return {tag.name: (tag / "current/link").read_text() for tag in folder.glob("*") if (tag / "current/link").exists()}


def test_registry_that_dies_during_a_push(
    built_project: ProjectUnderTest,
    shared_running_project: ProjectUnderTest,
    registry: LocalRegistry,
    proxy: RegistryProxy,
    tmp_path: Path,
) -> None:
    """The error says what was pushed before. The next push sends what is missing, and gives the same digest."""
    record = tmp_path / "release.json"
    push = ("push", f"--to={proxy.address}/faults/dies", f"--record={record}")
    proxy.dies_at = "PATCH "
    output = built_project.fails(*push)
    assert "could not be pushed" in output
    assert "The registry has nothing new." in output
    assert "Try again when the registry answers" in output
    assert tags_of(registry, "faults/dies") == {}
    proxy.dies_at = r"PUT .*/manifests/1\.0\.0$"
    output = built_project.fails(*push)
    revision = built_project.engine.image(built_project.image).labels["org.opencontainers.image.revision"][:12]  # type: ignore[union-attr]
    assert f"Pushed before it: {proxy.address}/faults/dies:{revision}." in output
    assert not record.exists()
    before = tags_of(registry, "faults/dies")
    assert [*before] == [revision]
    proxy.dies_at = NEVER
    built_project.succeeds(*push)
    after = tags_of(registry, "faults/dies")
    assert after == dict.fromkeys((revision, "1.0.0", "latest"), before[revision])
    assert json.loads(record.read_text())["digest"] == before[revision]
    shared_running_project.assert_one_release_serves()


def test_registry_that_dies_while_it_is_signed(
    built_project: ProjectUnderTest,
    shared_running_project: ProjectUnderTest,
    registry: LocalRegistry,
    proxy: RegistryProxy,
    tmp_path: Path,
) -> None:
    """No tag but the commit's means the image that has no signature. The next push signs it."""
    program = Path(debian_program("cosign", tmp_path))
    environ = {"COSIGN_PASSWORD": "p", "PATH": f"{program.parent}:{os.environ['PATH']}"}
    subprocess.run([program, "generate-key-pair"], cwd=tmp_path, env=os.environ | environ, check=True)
    record = tmp_path / "release.json"
    key = (f"--key={tmp_path / 'cosign.key'}", f"--record={record}")
    push = ("push", f"--to={proxy.address}/faults/signs", *key)
    for suffix in (".sig", ".att"):
        proxy.dies_at = rf"PUT .*\{suffix}$"
        output = built_project.fails(*push, **environ)
        assert "is pushed, but not signed" in output
        assert not record.exists()
        assert {"1.0.0", "latest"}.isdisjoint(tags_of(registry, "faults/signs"))
        proxy.dies_at = NEVER
    built_project.succeeds(*push, **environ)
    image = json.loads(record.read_text())["image"]
    proof = built_project.succeeds(
        "verify", "--attested", f"--image={image}", f"--key={tmp_path / 'cosign.pub'}", **environ
    )
    assert f"Proved: {image}" in proof
    shared_running_project.assert_one_release_serves()


def test_token_that_expires_during_a_push(
    built_project: ProjectUnderTest, shared_running_project: ProjectUnderTest, registry: LocalRegistry, tmp_path: Path
) -> None:
    """The registry gives no other one, because the login has expired, too."""
    with running_proxy(registry, has_tokens=True) as proxy:
        login = docker_config(tmp_path / "login", proxy.address, "an old password")
        push = ("push", f"--to={proxy.address}/faults/token", f"--record={tmp_path / 'release.json'}")
        proxy.expires_at = "PATCH "
        output = built_project.fails(*push, **login)
        assert "could not be pushed" in output
        assert f"docker login {proxy.address}" in output
        assert tags_of(registry, "faults/token") == {}
        proxy.expires_at = NEVER
        built_project.succeeds(*push, **login)
        pushed = json.loads((tmp_path / "release.json").read_text())["image"]
        remove(f"{proxy.address}/*/*")
        proxy.expires_at = ""
        output = shared_running_project.fails("run-prod", f"--image={pushed}", **login)
        assert f"docker login {proxy.address}" in output
        assert f"{shared_running_project.name}-prod keeps serving." in output
        shared_running_project.assert_one_release_serves()
        remove(f"{proxy.address}/*/*")


def test_full_disk_of_the_registry(
    built_project: ProjectUnderTest, shared_running_project: ProjectUnderTest, tmp_path: Path
) -> None:
    """The error does not blame the image."""
    if os.geteuid():
        pytest.skip("a small disk takes root")
    registry = LocalRegistry(tmp_path)
    (tmp_path / "data").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", tmp_path / "data"], check=True)
    try:
        registry.start()
        record = tmp_path / "release.json"
        output = built_project.fails("push", f"--to={registry.address}/faults/full", f"--record={record}")
        assert "could not be pushed" in output
        assert "because its disk is full" in output or "A disk is full" in output
        assert not record.exists()
        shared_running_project.assert_one_release_serves()
    finally:
        registry.stop()
        subprocess.run(["umount", tmp_path / "data"], check=True)
        remove(f"{registry.address}/*/*")


def test_tag_that_somebody_has_moved_since(
    built_project: ProjectUnderTest, shared_running_project: ProjectUnderTest, registry: LocalRegistry, tmp_path: Path
) -> None:
    """Named by both, tag and digest, the image is not run. By its digest it is still the same."""
    record, repository = tmp_path / "release.json", f"{registry.address}/faults/moved"
    built_project.succeeds("push", f"--to={repository}", f"--record={record}", "--tag=version")
    digest = json.loads(record.read_text())["digest"]
    shared_running_project.stage(built_project.image, "LABEL somebody=else", tag=f"{repository}:1.0.0")
    docker("image", "push", "--quiet", f"{repository}:1.0.0")
    try:
        output = shared_running_project.fails("run-prod", f"--image={repository}:1.0.0@{digest}")
        assert f"{repository}:1.0.0 means sha256:" in output
        assert f"now, and not {digest}" in output
        assert f"{shared_running_project.name}-prod keeps serving." in output
        shared_running_project.assert_one_release_serves()
        refused = built_project.fails(
            "push", f"--to={repository}", "--immutable", "--tag=version", f"--record={record}"
        )
        assert f"{repository}:1.0.0 exists, and is another image" in refused
        assert "Serving" in shared_running_project.succeeds("run-prod", f"--image={repository}@{digest}")
        shared_running_project.assert_one_release_serves()
    finally:
        remove(repository)
