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


def test_package_manager_runs_in_the_existing_image(project: Project, engine: FakeEngine, run: Runner) -> None:
    """No image is built, because that one has the manager."""
    engine.image_store["hello-dock:dev"] = DEV_IMAGE
    args = tools.package_manager(project, ["install", "nanoid"]).args
    assert run.ran == []
    assert args[-4:] == ["hello-dock:dev", "npm", "install", "nanoid"]
    assert "type=volume,target=/home/node/app/node_modules" in args
    assert "npm_config_cache=/var/cache/npm" in args


def test_package_manager_builds_a_missing_image_and_installs_nothing(project: Project, run: Runner) -> None:
    """An installation would fail where no lock file fits, and `invoke npm -- install` is to make one."""
    tools.package_manager(project, ["ls"])
    assert [" ".join(args[1:3]) for args in run.ran] == ["image build"]


@pytest.mark.parametrize(("has", "builds"), [("pnpm@10.1.0", False), ("pnpm@9.0.0", True), ("", True)])
def test_package_manager_of_an_image_is_that_of_the_app(
    settings: Settings, run: Runner, engine: FakeEngine, *, has: str, builds: bool
) -> None:
    """The image is from before package.json named another package manager, or another version."""
    make_app(settings.root / "shop", packageManager="pnpm@10.1.0")
    engine.image_store["hello-dock:dev"] = replace(DEV_IMAGE, labels={"hello-dock.manager": has})
    tools.package_manager(Project(run, engine, configured(settings.root, app_dir="shop")), ["install"])
    assert bool(run.ran) is builds


def test_package_manager_of_the_app_writes_only_the_lock_file(
    settings: Settings, run: Runner, engine: FakeEngine
) -> None:
    """`invoke npm` runs the app's pnpm, whose old and new versions read variables of different names."""
    make_app(settings.root / "shop", packageManager="pnpm@10.1.0")
    engine.image_store["hello-dock:dev"] = replace(DEV_IMAGE, labels={"hello-dock.manager": "pnpm@10.1.0"})
    project = Project(run, engine, configured(settings.root, app_dir="shop"))
    args = tools.package_manager(project, ["add", "nanoid"]).args
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
        tools.package_manager(project, ["ls"])


@pytest.mark.parametrize(("watch", "words"), [(False, ["--", "-t", "env"]), (True, ["--", "--watch", "-t", "env"])])
def test_tests_run_with_the_volume_of_the_dev_server(
    shop: Project, engine: FakeEngine, run: Runner, *, watch: bool, words: list[str]
) -> None:
    """The arguments follow the script's name; a new volume is filled first and has no marker afterwards."""
    args = tools.tests(shop, ["-t", "env"], watch=watch).args
    assert args[args.index("hello-dock:dev") :] == ["hello-dock:dev", "npm", "run", "test", *words]
    (volume,) = engine.volume_names
    mount = f"type=volume,source={volume},target=/home/node/app/node_modules"
    assert mount in args
    (installation,) = [line for line in run.ran if "hello-dock-dev-install" in line and "run" in line]
    assert mount in installation


def test_tests_fill_a_volume_only_once(shop: Project, run: Runner) -> None:
    """The second run finds the volume filled."""
    tools.tests(shop, [], watch=False)
    run.ran.clear()
    tools.tests(shop, [], watch=False)
    assert [" ".join(args[1:3]) for args in run.ran] == ["image build"]


def test_tests_report_an_installation_that_fails(shop: Project, engine: FakeEngine, run: Runner) -> None:
    """No half filled volume stays."""
    run.answers["docker container run --rm"] = Result(1, "ENOSPC: no space left on device, write")
    with pytest.raises(BuildError, match="The disk is full"):
        tools.tests(shop, [], watch=False)
    assert engine.volume_names == []


def test_tests_need_a_script_in_package_json(project: Project) -> None:
    """The error has a line to add."""
    with pytest.raises(AppError, match="has no script test") as caught:
        tools.tests(project, [], watch=False)
    assert '"test": "vitest run"' in caught.value.how


@pytest.mark.parametrize("runs_until_stopped", [False, True])
def test_run_attached_removes_the_container_of_a_killed_tool(
    project: Project, run: Runner, *, runs_until_stopped: bool
) -> None:
    """A kill reaches only the task. It is the usual end of a tool that runs until it is stopped."""

    def kill(_args: list[str], remove: Callable[[], object]) -> int:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except KeyboardInterrupt:
            remove()
            raise
        return 0

    tool = tools.Tool(["docker"], "hello-dock-dev-test-1", runs_until_stopped)
    with nullcontext() if runs_until_stopped else pytest.raises(KeyboardInterrupt):
        assert tools.run_attached(project, kill, tool) == 0
    container, network = "hello-dock-dev-test-1", "hello-dock-dev"
    assert run.verbs == [f"network create {network}", f"rm {container}", f"network rm {network}"]


def test_run_attached_keeps_the_network_of_a_running_dev_server(
    project: Project, run: Runner, engine: FakeEngine
) -> None:
    """The network was there before, and the dev container is still in it."""
    labels = {"hello-dock.project": "hello-dock"}
    engine.network_store["hello-dock-dev"] = Network(labels, members=("hello-dock-dev",))
    assert tools.run_attached(project, lambda _args, _remove: 0, tools.Tool(["docker"], "hello-dock-dev-test-1")) == 0
    assert run.ran == []


@pytest.mark.parametrize(("runs_until_stopped", "code", "expected"), [(False, 130, 130), (True, 130, 0), (True, 1, 1)])
def test_run_attached_returns_the_tools_exit_code(
    project: Project, *, runs_until_stopped: bool, code: int, expected: int
) -> None:
    """A code that says "stopped" is no failure of a tool that runs until it is stopped."""
    tool = tools.Tool(["docker"], "hello-dock-dev-test-1", runs_until_stopped)
    assert tools.run_attached(project, lambda _args, _remove: code, tool) == expected


def test_shell_opens_in_the_running_container(settings: Settings) -> None:
    """Docker gets no --tty here, because a test has no terminal."""
    engine = FakeEngine(own_container("dev"))
    assert tools.shell_args(Project(Runner(engine), engine, settings)) == [
        "docker", "container", "exec", "--interactive", "hello-dock-dev", "sh",
    ]  # fmt: skip


@pytest.mark.parametrize("engine", [FakeEngine(), FakeEngine(own_container("dev", state="exited"))])
def test_shell_needs_a_running_container(settings: Settings, engine: FakeEngine) -> None:
    """The error names the task that starts it."""
    with pytest.raises(StartError, match="is not running") as caught:
        tools.shell_args(Project(Runner(engine), engine, settings))
    assert caught.value.how == "Start it first: invoke dev"
