"""The shell part of the action for CI, on an engine with containerd's store, which can export a cache."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from benchmarks.local_registry import LocalRegistry
from tests.support.checkouts import make_repository
from tests.support.commands import docker
from tests.support.github_action import CompositeAction
from tests.support.image_store import RAFT, Store

TOKEN = "npm_" + "a1B2" * 9


@pytest.fixture
def installed_checkout(checkout: Path) -> Path:
    """A copy of this checkout in which `bootstrap` finds the packages installed, as after its first call."""
    (checkout / ".venv").mkdir(exist_ok=True)
    (checkout / ".venv/bin").unlink(missing_ok=True)
    (checkout / ".venv/bin").symlink_to(Path(sys.executable).parent)
    (checkout / ".venv/made-from").write_text(f"{checkout}\n{(checkout / '.ci/requirements.lock').read_text()}")
    return checkout


def run(action: CompositeAction, store: Store) -> str:
    """Run the steps, which must succeed, and return what they print."""
    results = list(action.run(*store.prefix))
    assert [name for name, result in results if not result.ok] == []
    return "\n".join(result.output for _, result in results)


def pushed_id(store: Store, repository: str) -> str:
    """Return the id of the image that the registry has as latest."""
    docker("image", "pull", "--quiet", f"{repository}:latest", host=store.host)
    return docker("image", "inspect", "--format", "{{.Id}}", f"{repository}:latest", host=store.host)


def test_action_builds_verifies_and_pushes_with_a_cache(
    containerd: Store, installed_checkout: Path, raft: Path, tmp_path: Path
) -> None:
    """The first run fills the cache and pushes the image that was verified. A new builder takes the layers from it.

    A fault fails the step Verify with an annotation, and nothing is pushed.
    """
    project = containerd.project(installed_checkout, raft)
    registry = LocalRegistry(tmp_path)
    environ = project.environ | {"DOCKER_CONFIG": str(tmp_path / "docker"), "BUILDKIT_PROGRESS": "plain"}
    folder = installed_checkout / ".github/actions/hello-dock"
    flags = "--group=image --group=http --skip=http.files"
    inputs = {"app": "raft", "cache": "runner", "verify": flags, "push": f"{registry.address}/raft", "password": "-"}
    try:
        registry.start(*containerd.prefix)
        action = CompositeAction(folder, tmp_path, environ, **inputs)
        assert " 0 failed" in run(action, containerd)
        serving = project.container().image_id
        assert pushed_id(containerd, inputs["push"]) == serving
        assert re.search(r"(?m)^digest=sha256:[0-9a-f]{64}$", action.outputs.read_text())
        assert (tmp_path / "temp/hello-dock-verify/verify.html").is_file()

        docker("builder", "prune", "--all", "--force", host=containerd.host)
        (raft / "raft.js").write_text(f"const token = '{TOKEN}'\n{RAFT['raft.js']}")
        make_repository(raft)
        *passed, (name, result) = action.run(*containerd.prefix)
        built = next(step.output for title, step in passed if title == "Build and run")
        (installation,) = re.findall(r"(?m)^#(\d+) \[dependencies .* before-source$", built)
        assert f"\n#{installation} CACHED\n" in built
        assert (name, result.code) == ("Verify", 1)
        assert "\n::error title=image.secrets (" in result.output
        assert pushed_id(containerd, inputs["push"]) == serving
    finally:
        registry.stop()
        project.end()
