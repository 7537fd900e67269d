from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.checkout import VITE_VERSION, copy_app
from docktasks.dev.node_modules import FILLING_SUFFIX
from docktasks.engine.client import DockerEngine
from tests.support.checkouts import OTHER_OWNER, chown_tree, write_app
from tests.support.commands import docker
from tests.support.project import ProjectFactory, ProjectUnderTest
from tests.support.running_task import DEV_READY, RunningTask, StartTask

REINSTALLED = "Serving with the new dependencies"
SMALL = {
    "package.json": json.dumps({
        "name": "quay", "version": "0.1.0", "private": True, "type": "module",
        "scripts": {"serve": "vite", "test": "node --test"}, "devDependencies": {"vite": VITE_VERSION},
    }),
    "index.html": '<!doctype html><title>Quay</title><script type="module" src="/main.js"></script>\n',
    "main.js": "document.title = 'Quay'\n",
    "quay.test.js": "import test from 'node:test'\ntest('the quay stands', () => {})\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def quay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small app without a lock file that does not belong to root."""
    return chown_tree(write_app(tmp_path_factory.mktemp("quay") / "quay", SMALL))


@pytest.fixture(scope="module")
def project(engine: DockerEngine, checkout: Path, quay: Path) -> Iterator[ProjectUnderTest]:
    """The project of that app. Its image is built once."""
    project = ProjectUnderTest(engine, checkout, APP_DIR=str(quay))
    yield project
    project.end()


@pytest.fixture
def dev_task(project: ProjectUnderTest, start_task: StartTask) -> Iterator[RunningTask]:
    """The dev server of that app, in the foreground."""
    task = start_task(project, "dev")
    task.wait_for(DEV_READY)
    yield task
    project.succeeds("stop")
    task.wait_for_exit(60)


def test_dev_follows_a_package_that_npm_installs_in_the_container(
    project: ProjectUnderTest, dev_task: RunningTask, quay: Path, engine: DockerEngine
) -> None:
    """`invoke npm -- install` writes package.json and the lock file as the owner. The server gets another volume."""
    before, address = project.node_modules_volumes(), project.container("dev").url
    project.succeeds("npm", "--", "install", "nanoid@5")
    dev_task.wait_for(REINSTALLED)
    assert "nanoid" in json.loads((quay / "package.json").read_text())["dependencies"]
    for name in ("package.json", "package-lock.json", "."):
        assert (quay / name).stat().st_uid == OTHER_OWNER[0]
        assert (quay / name).stat().st_gid == OTHER_OWNER[1]
    assert "package-lock.json and package.json changed: installing the dependencies." in dev_task.output
    assert len(before) == len(project.node_modules_volumes()) == 1
    assert project.node_modules_volumes() != before
    assert project.container("dev").url == address
    assert project.get("/node_modules/nanoid/package.json", "dev").status_code == 200
    assert engine.exec(f"{project.name}-dev", ["ls", "node_modules/nanoid/package.json"]).ok


def test_dev_follows_a_lock_file_that_is_written_on_the_host(
    project: ProjectUnderTest, dev_task: RunningTask, quay: Path
) -> None:
    """dev follows a change of package.json or the lock file. It keeps serving when the installation fails."""
    package, lock = quay / "package.json", quay / "package-lock.json"
    files = {path: path.read_text() for path in (package, lock) if path.exists()}
    broken = json.loads(package.read_text())
    broken.setdefault("dependencies", {})["no-such-package-of-hello-dock-5f2c"] = "1.0.0"
    try:
        package.write_text(json.dumps(broken))
        dev_task.wait_for("The dev server keeps running with the previous dependencies.")
        assert project.get(role="dev").status_code == 200
    finally:
        for path, text in files.items():
            path.write_text(text)
    dev_task.wait_for(REINSTALLED)
    assert project.get(role="dev").status_code == 200


def test_task_test_passes_on_the_output_and_exit_code_of_the_apps_tests(project: ProjectUnderTest) -> None:
    """`invoke test` prints what the app's tests print, and ends with their exit code."""
    assert "the quay stands" in project.succeeds("test")
    result = project.invoke("test", "--", "no-such-file.test.js")
    assert result.code not in (0, None)
    assert "Traceback" not in result.output


@pytest.mark.long  # test_tools.py has a shell with a keyboard
def test_shell_opens_in_the_running_dev_container(project: ProjectUnderTest) -> None:
    """`invoke shell` runs commands in the dev container, and is refused where none runs."""
    assert "is not running" in project.fails("shell")
    project.succeeds("dev", "--detach")
    # The script exits by itself, because the end of a short input can get lost (moby/moby#37870).
    result = project.invoke("shell", stdin="pwd\nexit 7\n")
    assert result.code == 7, result.output
    assert "\n/home/node/app\n" in result.output
    project.succeeds("stop")


@pytest.mark.long  # test_killed.py kills a task while it fills the volume
def test_dev_replaces_a_half_filled_volume(project: ProjectUnderTest, engine: DockerEngine) -> None:
    """dev makes the volume again after an interrupted start, although Docker takes it for full."""
    project.succeeds("dev", "--detach")
    project.succeeds("stop")
    (volume,) = project.node_modules_volumes()
    mount = ["--mount", f"type=volume,source={volume},target=/m"]
    image = f"{project.name}:dev"
    docker("container", "run", "--rm", "--user", "0", *mount, image, "sh", "-c", "rm -r /m/vite && ls /m")
    docker("volume", "create", "--label", f"hello-dock.project={project.name}", f"{volume}{FILLING_SUFFIX}")
    project.succeeds("dev", "--detach")
    assert engine.exec(f"{project.name}-dev", ["ls", "node_modules/vite/package.json"]).ok
    assert project.node_modules_volumes() == [volume]


def test_dev_names_a_package_manager_that_it_cannot_use(new_project: ProjectFactory, tmp_path: Path) -> None:
    """dev refuses a package manager that it does not know."""
    app = copy_app(tmp_path / "app")
    content = json.loads((app / "package.json").read_text()) | {"packageManager": "deno@2.1.0"}
    (app / "package.json").write_text(json.dumps(content))
    assert "names the package manager 'deno@2.1.0'" in new_project(APP_DIR=str(app)).fails("dev")
