from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace

import pytest

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.dev import tools
from docktasks.engine.models import Image, Network
from docktasks.errors import AppError, BuildError, StartError
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured, make_app
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.runner import Runner

DEV_IMAGE = Image("sha256:1", tags=("hello-dock:dev",))


@pytest.fixture
def shop(settings: Settings, run: Runner, engine: FakeEngine) -> Project:
    """The project of an app that has tests."""
    make_app(settings.root / "shop", scripts={"test": "vitest"})
    return Project(run, engine, configured(settings.root, app_dir="shop"))


def changes(run: Runner) -> list[str]:
    """Return the commands in short, but for the ones that make and remove the network of a tool."""
    return [" ".join(args[1:3]) for args in run.ran if args[1] != "network"]


def test_package_manager_runs_in_the_existing_image(project: Project, engine: FakeEngine, run: Runner) -> None:
    """No image is built, because that one has the manager."""
    engine.image_store["hello-dock:dev"] = DEV_IMAGE
    assert tools.run_package_manager(project, ["install", "nanoid"]) == 0
    (args,) = run.attached
    assert changes(run) == []
    assert args[-4:] == ["hello-dock:dev", "npm", "install", "nanoid"]
    assert "type=volume,target=/home/node/app/node_modules" in args
    assert "npm_config_cache=/var/cache/npm" in args


def test_package_manager_builds_a_missing_image_and_installs_nothing(project: Project, run: Runner) -> None:
    """An installation would fail where no lock file fits, and `invoke npm -- install` is to make one."""
    tools.run_package_manager(project, ["ls"])
    assert changes(run) == ["image build"]


@pytest.mark.parametrize(("has", "builds"), [("pnpm@10.1.0", False), ("pnpm@9.0.0", True), ("", True)])
def test_package_manager_of_an_image_is_that_of_the_app(
    settings: Settings, run: Runner, engine: FakeEngine, *, has: str, builds: bool
) -> None:
    """The image is from before package.json named another package manager, or another version."""
    make_app(settings.root / "shop", packageManager="pnpm@10.1.0")
    engine.image_store["hello-dock:dev"] = replace(DEV_IMAGE, labels={"hello-dock.manager": has})
    tools.run_package_manager(Project(run, engine, configured(settings.root, app_dir="shop")), ["install"])
    assert bool(changes(run)) is builds


def test_package_manager_of_the_app_writes_only_the_lock_file(
    settings: Settings, run: Runner, engine: FakeEngine
) -> None:
    """`invoke npm` runs the app's pnpm, whose old and new versions read variables of different names."""
    make_app(settings.root / "shop", packageManager="pnpm@10.1.0")
    engine.image_store["hello-dock:dev"] = replace(DEV_IMAGE, labels={"hello-dock.manager": "pnpm@10.1.0"})
    project = Project(run, engine, configured(settings.root, app_dir="shop"))
    assert tools.run_package_manager(project, ["add", "nanoid"]) == 0
    (args,) = run.attached
    assert args[-3:] == ["pnpm", "add", "nanoid"]
    assert {"npm_config_lockfile_only=true", "pnpm_config_lockfile_only=true"} < set(args)
    assert "type=volume,source=hello-dock-shared-downloads-1000,target=/var/cache/npm" in " ".join(args)


def test_package_manager_needs_a_mountpoint_in_the_checkout(
    project: Project, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read-only checkout is an error before anything runs."""

    def refuse(*_args: object, **_options: object) -> None:
        raise OSError(30, "Read-only file system")

    engine.image_store["hello-dock:dev"] = DEV_IMAGE
    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    with pytest.raises(AppError, match="cannot be created: Read-only file system"):
        tools.run_package_manager(project, ["ls"])


@pytest.mark.parametrize(("watch", "words"), [(False, ["--", "-t", "env"]), (True, ["--", "--watch", "-t", "env"])])
def test_tests_run_with_the_volume_of_the_dev_server(
    shop: Project, engine: FakeEngine, run: Runner, *, watch: bool, words: list[str]
) -> None:
    """The arguments follow the script's name; a new volume is filled first and has no marker afterwards."""
    assert tools.run_tests(shop, ["-t", "env"], watch=watch) == 0
    (args,) = run.attached
    assert args[args.index("hello-dock:dev") :] == ["hello-dock:dev", "npm", "run", "test", *words]
    (volume,) = engine.volume_names
    mount = f"type=volume,source={volume},target=/home/node/app/node_modules"
    assert mount in args
    (installation,) = [line for line in run.ran if "hello-dock-dev-install" in line and "run" in line]
    assert mount in installation


def test_tests_fill_a_volume_only_once(shop: Project, run: Runner) -> None:
    """The second run finds the volume filled."""
    tools.run_tests(shop, [], watch=False)
    run.ran.clear()
    tools.run_tests(shop, [], watch=False)
    assert changes(run) == ["image build"]


def test_tests_report_an_installation_that_fails(shop: Project, engine: FakeEngine, run: Runner) -> None:
    """No half filled volume stays."""
    run.answers["docker container run --rm"] = Result(1, "ENOSPC: no space left on device, write")
    with pytest.raises(BuildError, match="The disk is full"):
        tools.run_tests(shop, [], watch=False)
    assert engine.volume_names == []


def test_tests_need_a_script_in_package_json(project: Project) -> None:
    """The error has a line to add."""
    with pytest.raises(AppError, match="has no script test") as caught:
        tools.run_tests(project, [], watch=False)
    assert '"test": "vitest run"' in caught.value.how


@pytest.mark.parametrize(
    ("code", "watch", "expected"), [(137, True, 0), (137, False, 137), (143, True, 0), (1, True, 1)]
)
def test_tests_that_run_until_they_are_stopped_may_be_killed(
    shop: Project, run: Runner, code: int, expected: int, *, watch: bool
) -> None:
    """`invoke stop` in another terminal kills them. Tests that end by themselves have failed then."""
    run.attached_code = code
    assert tools.run_tests(shop, [], watch=watch) == expected


@pytest.mark.parametrize("watch", [False, True])
def test_container_of_a_killed_tool_is_removed(shop: Project, run: Runner, *, watch: bool) -> None:
    """A kill reaches only the task. It is the usual end of a tool that runs until it is stopped."""

    class KilledRunner(Runner):
        def attach(self, args: list[str], end: Callable[[], object] = lambda: None) -> int:
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            except KeyboardInterrupt:
                end()
                raise
            return super().attach(args, end)

    run = KilledRunner(run.engine)
    with nullcontext() if watch else pytest.raises(KeyboardInterrupt):
        assert tools.run_tests(replace(shop, run=run), [], watch=watch) == 0
    removal, network = run.verbs[-2:]
    assert removal.startswith("rm hello-dock-dev-test-")
    assert network == "network rm hello-dock-dev"


def test_network_of_a_running_dev_server_stays(project: Project, run: Runner, engine: FakeEngine) -> None:
    """It was there before, and the dev container is still in it."""
    engine.image_store["hello-dock:dev"] = DEV_IMAGE
    labels = {"hello-dock.project": "hello-dock"}
    engine.network_store["hello-dock-dev"] = Network(labels, members=("hello-dock-dev",))
    assert tools.run_package_manager(project, ["ls"]) == 0
    assert run.ran == []


@pytest.mark.parametrize(("watch", "code", "expected"), [(False, 130, 130), (True, 130, 0), (True, 1, 1)])
def test_exit_code_is_that_of_the_tool(shop: Project, run: Runner, *, watch: bool, code: int, expected: int) -> None:
    """A code that says "stopped" is no failure of a tool that runs until it is stopped."""
    run.attached_code = code
    assert tools.run_tests(shop, [], watch=watch) == expected


def test_shell_opens_in_the_running_container(settings: Settings) -> None:
    """Docker gets no --tty here, because a test has no terminal."""
    engine = FakeEngine(own_container("dev"))
    run = Runner(engine)
    assert tools.open_shell(Project(run, engine, settings)) == 0
    assert run.attached == [["docker", "container", "exec", "--interactive", "hello-dock-dev", "sh"]]


@pytest.mark.parametrize("engine", [FakeEngine(), FakeEngine(own_container("dev", state="exited"))])
def test_shell_needs_a_running_container(settings: Settings, engine: FakeEngine) -> None:
    """The error names the task that starts it."""
    with pytest.raises(StartError, match="is not running") as caught:
        tools.open_shell(Project(Runner(engine), engine, settings))
    assert caught.value.how == "Start it first: invoke dev"
