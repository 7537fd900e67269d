"""Fixtures of the tests that use a real engine. Each removes what it made. tests/unit uses none of them."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from benchmarks.checkout import copy_app
from benchmarks.local_registry import LocalRegistry
from benchmarks.own_engine import CONTAINERD_STORE, OwnEngine, can_start
from docktasks.app.project import Project
from docktasks.engine.client import DockerEngine
from docktasks.engine.connect import connect
from docktasks.errors import EngineError
from docktasks.images import base_images
from docktasks.verify import chromium_path
from tests.support.checkouts import copy_checkout, make_repository, write_app
from tests.support.commands import PrintingRunner, docker
from tests.support.image_store import RAFT, Store
from tests.support.long_forms import IS_LONG_FORM
from tests.support.project import RUN_STAGED, ProjectFactory, ProjectUnderTest, new_name
from tests.support.running_task import RunningTask, StartTask

INTERRUPTING_DOCKER = """#!/bin/sh
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
"""A docker command that ends the task that called it, once, at the first command that begins with FAULT_AT.

FAULT says how: `killed-before`, `killed-during` or `killed-after` that command, `ctrl-c` during it; `slow` only waits.
The file FAULT_DONE then exists.
"""


def pytest_configure() -> None:
    """Let the tasks that tests start receive Ctrl-C and a hangup, which a shell (`&`) and nohup have ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        # A started program does not inherit a function, and the tests themselves still outlive the hangup.
        signal.signal(signal.SIGHUP, lambda *_: None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that are marked `long`, unless MATRIX=all asks for them, or their own ids."""
    if IS_LONG_FORM or any("::" in arg for arg in config.args):
        return
    long_items = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=long_items)
    items[:] = [item for item in items if item not in long_items]


@pytest.fixture(scope="session")
def engine() -> Iterator[DockerEngine]:
    """The engine of this machine. Without one the test is skipped; in CI it fails."""
    try:
        engine = connect()
    except EngineError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no engine: {error.what}")
    yield engine
    engine.client.close()


@pytest.fixture
def own_engine(request: pytest.FixtureRequest) -> Iterator[OwnEngine]:
    """A second engine that runs, and that a test may stop and kill. Its parameter is the content of daemon.json."""
    if not can_start():
        pytest.skip("a second engine takes root, dockerd, unshare, nsenter and ip")
    engine = OwnEngine(config=getattr(request, "param", None))
    try:
        engine.start()
        yield engine
    finally:
        print(engine.log())
        engine.end()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser on this machine. Without one the test is skipped; in CI it fails."""
    path = chromium_path.find_chromium()
    if not path and not os.environ.get("CI"):
        pytest.skip("no Chromium: invoke setup --browser")
    assert path, "no Chromium: invoke setup --browser"
    return path


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRegistry]:
    """A real registry. The engine uses registries on the loopback address without TLS."""
    registry = LocalRegistry(tmp_path_factory.mktemp("registry"))
    registry.start()
    yield registry
    registry.stop()


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this checkout with one commit, so that no test changes the original."""
    return copy_checkout(tmp_path_factory.mktemp("copy") / "checkout")


@pytest.fixture(scope="session")
def built_project(engine: DockerEngine, checkout: Path) -> Iterator[ProjectUnderTest]:
    """A project whose production image is built once for all tests. They build on that image and never change it."""
    project = ProjectUnderTest(engine, checkout)
    project.build = project.succeeds("build-prod")
    yield project
    project.end()


@pytest.fixture(scope="module")
def two_builds(
    engine: DockerEngine, checkout: Path, built_project: ProjectUnderTest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[str]]:
    """Names of two images of the app that differ in the page, in a chunk that it loads at once, and in lazy chunks."""
    app = copy_app(tmp_path_factory.mktemp("other") / "app")
    for name in ("index.html", "src/views/TasksView.vue", "src/views/ImageView.vue", "src/App.vue"):
        path = app / name
        path.write_text(path.read_text().replace("</template>", "<!----><i>second</i></template>"))
    page = app / "index.html"
    page.write_text(page.read_text().replace("<title>hello-dock</title>", "<title>second build</title>"))
    second_project = ProjectUnderTest(engine, checkout, APP_DIR=str(app))
    try:
        second_project.succeeds("build-prod")
        yield [built_project.image, second_project.image]
    finally:
        second_project.end()


@pytest.fixture
def new_project(engine: DockerEngine, checkout: Path) -> Iterator[ProjectFactory]:
    """A function that makes projects, which are removed after the test."""
    factory = ProjectFactory(engine, checkout)
    yield factory
    for project in reversed(factory.projects):
        project.end()


@pytest.fixture
def project(new_project: ProjectFactory) -> ProjectUnderTest:
    """A project with nothing built."""
    return new_project()


@pytest.fixture
def staged_project(project: ProjectUnderTest, built_project: ProjectUnderTest) -> ProjectUnderTest:
    """A project that has a production image and does not run."""
    project.stage(built_project.image)
    return project


@pytest.fixture
def running_project(staged_project: ProjectUnderTest) -> ProjectUnderTest:
    """A project whose release serves."""
    staged_project.succeeds(*RUN_STAGED)
    return staged_project


@pytest.fixture(scope="module")
def shared_running_project(
    engine: DockerEngine, checkout: Path, built_project: ProjectUnderTest
) -> Iterator[ProjectUnderTest]:
    """A project whose release serves, one for all tests of a module. Each test leaves it serving."""
    project = ProjectUnderTest(engine, checkout)
    try:
        project.stage(built_project.image)
        project.succeeds(*RUN_STAGED)
        yield project
    finally:
        project.end()


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A copy of the app that a test may edit."""
    return copy_app(tmp_path / "app")


@pytest.fixture
def start_task() -> Iterator[StartTask]:
    """A function that starts a task and does not wait for it. The tasks are killed after the test."""
    tasks: list[RunningTask] = []

    def start(project: ProjectUnderTest, *args: str, **env: str) -> RunningTask:
        tasks.append(RunningTask(project, *args, **env))
        return tasks[-1]

    yield start
    for task in tasks:
        task.end()


@pytest.fixture
def interrupting_docker(tmp_path: Path) -> dict[str, str]:
    """Environment variables with which a task finds INTERRUPTING_DOCKER as its docker command."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "docker"
    script.write_text(INTERRUPTING_DOCKER.format(docker=shutil.which("docker")))
    script.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}", "FAULT_DONE": str(tmp_path / "done")}


@pytest.fixture
def unrelated_container(built_project: ProjectUnderTest, engine: DockerEngine) -> Iterator[str]:
    """The name of a running container that is not ours and publishes a port. An image and a volume share the name."""
    image = engine.image(built_project.image)
    assert image is not None
    name = new_name()
    base = image.labels["org.opencontainers.image.base.name"]
    docker("image", "build", "--quiet", "--tag", name, "-", stdin=f"FROM {base}\nLABEL somebody=else\n")
    docker("volume", "create", name)
    publish = ["--publish", "127.0.0.1::80", "--mount", f"type=volume,source={name},target=/data"]
    try:
        docker("container", "run", "--detach", "--name", name, *publish, name)
        yield name
    finally:
        docker("container", "rm", "--force", name)
        docker("volume", "rm", "--force", name)
        docker("image", "rm", "--force", name)


@pytest.fixture(scope="session")
def archive(engine: DockerEngine, built_project: ProjectUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base images, as `docker image save` writes them."""
    project = Project(PrintingRunner(built_project.checkout), engine, built_project.settings())
    bases = [base_images.resolve(project, kind).reference for kind in ("node", "nginx")]
    path = tmp_path_factory.mktemp("bases") / "bases.tar"
    docker("image", "save", "--output", str(path), *bases)
    return path


@pytest.fixture(scope="session")
def containerd(archive: Path) -> Iterator[Store]:
    """A second engine, with containerd's store. It has the base images, and no network."""
    if not can_start():
        pytest.skip("a second engine takes root, dockerd, unshare, nsenter and ip")
    engine = OwnEngine(config=CONTAINERD_STORE, disk_size="3g")
    try:
        engine.start()
        docker("image", "load", "--quiet", "--input", str(archive), host=engine.host)
        yield Store(engine.connect(), engine.host, engine.enter)
    finally:
        print(engine.log())
        engine.end()


@pytest.fixture
def raft(tmp_path: Path) -> Path:
    """A small app that needs no package, in a repository with one commit."""
    return make_repository(write_app(tmp_path / "raft", RAFT))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the logs of the projects' containers to the report of a failed test."""
    report = yield
    if report.failed and call.when != "teardown":
        fixtures = list(getattr(item, "funcargs", {}).values())
        projects = {fixture for fixture in fixtures if isinstance(fixture, ProjectUnderTest)}
        for factory in fixtures:
            projects.update(factory.projects if isinstance(factory, ProjectFactory) else ())
        for project in projects:
            report.sections += project.logs()
    return report
