"""Fixtures of the tests that use a real engine. Each cleans up whatever happens; tests/unit uses none of them."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from docktasks.engine.client import DockerEngine
from docktasks.engine.connect import connect
from docktasks.errors import EngineError
from docktasks.verify.probes import chromium_path
from tests.engine.apps import copy_app, copy_checkout
from tests.engine.own_engine import OwnEngine, possible
from tests.engine.support import Foreground, Project, docker, new_name

Start = Callable[..., Foreground]


# Stands in front of the docker command line: at a given command it ends the whole task, itself with it.
DOCKER = """#!/bin/sh
case "$*" in
"$FAULT_AT"*) [ -e "$FAULT_DONE" ] && exec {docker} "$@" ;;
*) exec {docker} "$@" ;;
esac
: >"$FAULT_DONE"
group=$(ps -o pgid= -p $$ | tr -d ' ')
case "$FAULT" in
killed-before) kill -KILL "-$group" ;;
killed-during) {docker} "$@" & sleep 0.05; kill -KILL "-$group" ;;
killed-after) {docker} "$@"; kill -KILL "-$group" ;;
slow) {docker} "$@"; sleep 2 ;;
ctrl-c) (sleep 0.05; kill -INT "-$group") & {docker} "$@" ;;
esac
"""


class NewProject:
    """Makes projects, and knows which; another checkout, and settings (APP_DIR="…"), can be given."""

    def __init__(self, engine: DockerEngine, checkout: Path) -> None:
        self.engine, self.checkout = engine, checkout
        self.made: list[Project] = []

    def __call__(self, checkout: Path | None = None, **settings: str) -> Project:
        """Make one."""
        self.made.append(Project(self.engine, checkout or self.checkout, **settings))
        return self.made[-1]


def pytest_configure() -> None:
    """Have the tasks that tests start hear a Ctrl-C, which what a shell starts in the background (&) ignores."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def engine() -> Iterator[DockerEngine]:
    """The engine of this machine; without one the test is skipped, and in CI it fails."""
    try:
        found = connect()
    except EngineError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no engine: {error.what}")
    yield found
    found.client.close()


@pytest.fixture
def own_engine(tmp_path: Path) -> Iterator[OwnEngine]:
    """A second engine, started."""
    if not possible():
        pytest.skip("a second engine takes root, dockerd, unshare, nsenter and ip")
    found = OwnEngine(tmp_path)
    try:
        found.start()
        yield found
    finally:
        found.end()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of this machine's browser; without one the test is skipped, and in CI it fails."""
    found = chromium_path.find_chromium()
    if not found and not os.environ.get("CI"):
        pytest.skip("no Chromium: invoke setup --browser")
    assert found, "no Chromium: invoke setup --browser"
    return found


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this checkout with a commit of its own, so that nothing a test does is seen in the original."""
    return copy_checkout(tmp_path_factory.mktemp("copy") / "checkout")


@pytest.fixture(scope="session")
def good(engine: DockerEngine, checkout: Path) -> Iterator[Project]:
    """A project whose production image is built, once for all tests: they add to that image, and never change it."""
    project = Project(engine, checkout)
    project.build = project.does("build-prod")
    yield project
    project.end()


@pytest.fixture(scope="module")
def builds(
    engine: DockerEngine, checkout: Path, good: Project, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[str]]:
    """Two builds of the app that differ in the page, in what it loads at once, and in what it loads later."""
    app = copy_app(tmp_path_factory.mktemp("other") / "app")
    for name in ("index.html", "src/views/TasksView.vue", "src/views/ImageView.vue", "src/App.vue"):
        path = app / name
        path.write_text(path.read_text().replace("</template>", "<!----><i>second</i></template>"))
    page = app / "index.html"
    page.write_text(page.read_text().replace("<title>hello-dock</title>", "<title>second build</title>"))
    other = Project(engine, checkout, APP_DIR=str(app))
    try:
        other.does("build-prod")
        yield [good.image, other.image]
    finally:
        other.end()


@pytest.fixture
def new_project(engine: DockerEngine, checkout: Path) -> Iterator[NewProject]:
    """Makes projects that are gone after the test."""
    make = NewProject(engine, checkout)
    yield make
    for project in reversed(make.made):
        project.end()


@pytest.fixture
def project(new_project: NewProject) -> Project:
    """A project with nothing built yet."""
    return new_project()


@pytest.fixture
def staged(project: Project, good: Project) -> Project:
    """A project whose production image is there, for `run-prod --no-build`."""
    project.stage(good.image)
    return project


@pytest.fixture
def serving(staged: Project) -> Project:
    """A project that serves."""
    staged.does("run-prod", "--no-build")
    return staged


@pytest.fixture(scope="module")
def standing(engine: DockerEngine, checkout: Path, good: Project) -> Iterator[Project]:
    """A project that serves, and does so again after each test."""
    project = Project(engine, checkout)
    try:
        project.stage(good.image)
        project.does("run-prod", "--no-build")
        yield project
    finally:
        project.end()


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A copy of the app, to be edited."""
    return copy_app(tmp_path / "app")


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts tasks that go on."""
    started: list[Foreground] = []

    def begin(project: Project, *args: str, **env: str) -> Foreground:
        started.append(Foreground(project, *args, **env))
        return started[-1]

    yield begin
    for task in started:
        task.end()


@pytest.fixture
def faulty(tmp_path: Path) -> dict[str, str]:
    """An environment in which docker is cut short where FAULT_AT says."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "docker"
    script.write_text(DOCKER.format(docker=shutil.which("docker")))
    script.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}", "FAULT_DONE": str(tmp_path / "done")}


@pytest.fixture
def unrelated_container(good: Project, engine: DockerEngine) -> Iterator[str]:
    """Name of a running container that is not ours and publishes a port; an image and a volume have that name, too."""
    base = engine.image(good.image)
    assert base is not None
    name = new_name()
    origin = base.labels["org.opencontainers.image.base.name"]
    docker("image", "build", "--quiet", "--tag", name, "-", given=f"FROM {origin}\nLABEL somebody=else\n")
    docker("volume", "create", name)
    publish = ["--publish", "127.0.0.1::80", "--mount", f"type=volume,source={name},target=/data"]
    try:
        docker("container", "run", "--detach", "--name", name, *publish, name)
        yield name
    finally:
        docker("container", "rm", "--force", name)
        docker("volume", "rm", "--force", name)
        docker("image", "rm", "--force", name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the logs of the project's containers when a test fails."""
    report = yield
    if report.failed and call.when != "teardown":
        given = list(getattr(item, "funcargs", {}).values())
        projects = {each for each in given if isinstance(each, Project)}
        projects.update(project for each in given if isinstance(each, NewProject) for project in each.made)
        for project in projects:
            report.sections += project.logs()
    return report
