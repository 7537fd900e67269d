from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import nullcontext

import pytest

from docktasks import tools
from docktasks.answers import Image
from docktasks.errors import AppError, StartError
from docktasks.settings import Settings
from tests.unit.fakes import FakeEngine, Runner, configured, make_app, ours

NODE = {"node:lts-alpine": Image("sha256:node", tags=("node:lts-alpine",))}


def test_the_package_manager_runs_in_the_image_there_is(settings: Settings) -> None:
    """Nothing is built: while package.json and lock file are out of step, that would fail."""
    engine = FakeEngine(images=NODE | {"hello-dock:dev": Image("sha256:1", tags=("hello-dock:dev",))})
    run = Runner(engine)
    args = tools.manage(run, engine, settings, ["install", "nanoid"]).args
    assert run.ran == []
    assert args[-4:] == ["hello-dock:dev", "npm", "install", "nanoid"]
    assert "type=volume,target=/home/node/app/node_modules" in args


def test_without_an_image_one_is_built(settings: Settings) -> None:
    """The package manager is in it."""
    engine = FakeEngine(images=NODE)
    run = Runner(engine)
    tools.manage(run, engine, settings, ["ls"])
    assert run.lines[0].startswith("docker image build --tag hello-dock:dev")


def test_the_apps_own_package_manager_is_run(settings: Settings) -> None:
    """Whatever the task is called."""
    shop = make_app(settings.root / "shop", packageManager="pnpm@10.1.0")
    engine = FakeEngine(images=NODE | {"hello-dock:dev": Image("sha256:1", tags=("hello-dock:dev",))})
    args = tools.manage(Runner(engine), engine, configured(settings.root, app_dir=str(shop)), ["add", "nanoid"]).args
    assert args[-3:] == ["pnpm", "add", "nanoid"]
    assert {"npm_config_lockfile_only=true", "pnpm_config_lockfile_only=true"} < set(args)


@pytest.mark.parametrize(("watch", "words"), [(False, ["--", "-t", "env"]), (True, ["--", "--watch", "-t", "env"])])
def test_the_apps_tests_have_the_dev_servers_modules(settings: Settings, *, watch: bool, words: list[str]) -> None:
    """In the volume that `dev` uses; made and marked where there is none yet."""
    make_app(settings.root / "shop", scripts={"test": "vitest"})
    engine = FakeEngine(images=NODE)
    shop = configured(settings.root, app_dir="shop")
    run = Runner(engine)
    tool = tools.tests(run, engine, shop, ["-t", "env"], watch=watch)
    args, volume = tool.args, tool.volume
    assert volume is not None
    assert args[args.index("hello-dock:dev") :] == ["hello-dock:dev", "npm", "run", "test", *words]
    assert f"type=volume,source={volume.name},target=/home/node/app/node_modules" in args
    assert f"{volume.name}-filling" in engine.made_volumes
    assert tools.attended(run, lambda _args, _end: tools.DOCKERS_OWN, tool) == tools.DOCKERS_OWN
    assert f"{volume.name}-filling" in engine.made_volumes  # no container was made that could have filled it
    assert tools.attended(run, lambda _args, _end: 1, tool) == 1
    assert engine.made_volumes == [volume.name]


@pytest.mark.parametrize("endless", [False, True])
def test_a_tool_that_is_ended_leaves_no_container(*, endless: bool) -> None:
    """A kill reaches the task alone; for what goes on until then, an end is no failure."""
    run = Runner()

    def killed(_args: list[str], end: Callable[[], object]) -> int:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except KeyboardInterrupt:
            end()
            raise
        return 0

    tool = tools.Tool(["docker"], "hello-dock-dev-test-1", endless=endless)
    with nullcontext() if endless else pytest.raises(KeyboardInterrupt):
        assert tools.attended(run, killed, tool) == 0
    assert run.lines == ["docker container rm --force hello-dock-dev-test-1"]
    assert tools.attended(run, lambda _args, _end: 130, tool) == (0 if endless else 130)


def test_an_app_without_tests_is_told(settings: Settings) -> None:
    """With a line to add."""
    with pytest.raises(AppError, match="has no script test") as caught:
        tools.tests(Runner(), FakeEngine(), settings, [], watch=False)
    assert '"test": "vitest run"' in caught.value.how


def test_a_shell_is_opened_in_what_runs(settings: Settings) -> None:
    """And nowhere else."""
    assert tools.shell(FakeEngine(ours("dev")), settings) == [
        "docker", "container", "exec", "--interactive", "hello-dock-dev", "sh",
    ]  # fmt: skip
    for engine in (FakeEngine(), FakeEngine(ours("dev", state="exited"))):
        with pytest.raises(StartError, match="does not run"):
            tools.shell(engine, settings)
