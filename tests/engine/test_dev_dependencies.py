from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from docktasks.dev.node_modules import FILLING_SUFFIX
from docktasks.engine.client import DockerEngine
from tests.conftest import NewProject, Start
from tests.engine.apps import OWNER, copy_app, own, write_app
from tests.engine.support import Foreground, Project, docker

READY = "Ctrl-C stops it."
FOLLOWED = "Serving with the new dependencies after"
SMALL = {
    "package.json": json.dumps({
        "name": "quay", "version": "0.1.0", "private": True, "type": "module",
        "scripts": {"serve": "vite", "test": "node --test"}, "devDependencies": {"vite": "^8.0.16"},
    }),
    "index.html": '<!doctype html><title>Quay</title><script type="module" src="/main.js"></script>\n',
    "main.js": "document.title = 'Quay'\n",
    "quay.test.js": "import test from 'node:test'\ntest('the quay stands', () => {})\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def quay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small app of somebody else's, without a lock file."""
    return own(write_app(tmp_path_factory.mktemp("quay") / "quay", SMALL))


@pytest.fixture(scope="module")
def project(engine: DockerEngine, checkout: Path, quay: Path) -> Iterator[Project]:
    """The project of that app, whose image is built once."""
    project = Project(engine, checkout, APP_DIR=str(quay))
    yield project
    project.end()


@pytest.fixture
def running(project: Project, start: Start) -> Iterator[Foreground]:
    """Its dev server in the foreground."""
    task = start(project, "dev")
    task.until(READY)
    yield task
    project.does("stop")
    task.process.wait(10)


def volumes(project: Project) -> list[str]:
    """The volumes for modules, and their marks."""
    return [name for name in project.engine.volumes(project.name) if "-modules-" in name]


def test_a_package_installed_in_the_container_is_followed(
    project: Project, running: Foreground, quay: Path, engine: DockerEngine
) -> None:
    """`invoke npm -- install` writes package.json and the lock file as the owner; the server gets another volume."""
    before, address = volumes(project), project.container("dev").url
    project.does("npm", "--", "install", "nanoid@5")
    running.until(FOLLOWED)
    assert "nanoid" in json.loads((quay / "package.json").read_text())["dependencies"]
    for name in ("package.json", "package-lock.json", "."):
        assert (quay / name).stat().st_uid == OWNER[0]
        assert (quay / name).stat().st_gid == OWNER[1]
    assert "package-lock.json and package.json changed: installing the dependencies." in running.output
    assert len(before) == len(volumes(project)) == 1
    assert volumes(project) != before
    assert project.container("dev").url == address
    assert project.page("/node_modules/nanoid/package.json", "dev").status_code == 200
    assert engine.exec(f"{project.name}-dev", ["ls", "node_modules/nanoid/package.json"]).ok


def test_a_lock_file_written_on_the_host_is_followed(project: Project, running: Foreground, quay: Path) -> None:
    """As by `npm install x` there, or a change of branch; and what it cannot install is told, while it goes on."""
    package, lock = quay / "package.json", quay / "package-lock.json"
    there = {path: path.read_text() for path in (package, lock) if path.exists()}
    broken = json.loads(package.read_text())
    broken.setdefault("dependencies", {})["no-such-package-of-hello-dock-5f2c"] = "1.0.0"
    try:
        package.write_text(json.dumps(broken))
        running.until("The dev server keeps running with the previous dependencies.")
        assert project.page(role="dev").status_code == 200
    finally:
        for path, text in there.items():
            path.write_text(text)
    running.until(FOLLOWED)
    assert project.page(role="dev").status_code == 200


def test_the_apps_tests_run_in_the_container(project: Project) -> None:
    """`invoke test` passes on what they say, and what they end with."""
    assert "the quay stands" in project.does("test")
    done = project.invoke("test", "--", "no-such-file.test.js")
    assert done.code not in (0, None)
    assert "Traceback" not in done.output


def test_a_shell_is_in_the_container_that_runs(project: Project) -> None:
    """And where none runs, that is told."""
    assert "is not running" in project.fails("shell")
    project.does("dev", "--detach")
    # It leaves by itself: an input's end that comes at once can get lost on its way (as in moby/moby#37870).
    done = project.invoke("shell", given="pwd\nexit 7\n")
    assert done.code == 7, done.output
    assert "\n/home/node/app\n" in done.output
    project.does("stop")


def test_a_half_filled_volume_is_not_used(project: Project, engine: DockerEngine) -> None:
    """A first start that was cut short leaves a volume that Docker takes for full: it is made anew."""
    project.does("dev", "--detach")
    project.does("stop")
    (volume,) = volumes(project)
    mount = ["--mount", f"type=volume,source={volume},target=/m"]
    image = f"{project.name}:dev"
    docker("container", "run", "--rm", "--user", "0", *mount, image, "sh", "-c", "rm -r /m/vite && ls /m")
    docker("volume", "create", "--label", f"hello-dock.project={project.name}", f"{volume}{FILLING_SUFFIX}")
    project.does("dev", "--detach")
    assert engine.exec(f"{project.name}-dev", ["ls", "node_modules/vite/package.json"]).ok
    assert volumes(project) == [volume]


def test_a_package_manager_that_cannot_be_used_is_told(new_project: NewProject, tmp_path: Path) -> None:
    """Before anything is built."""
    app = copy_app(tmp_path / "app")
    content = json.loads((app / "package.json").read_text()) | {"packageManager": "bun@1.2.0"}
    (app / "package.json").write_text(json.dumps(content))
    assert "names the package manager 'bun@1.2.0'" in new_project(APP_DIR=str(app)).fails("dev")
