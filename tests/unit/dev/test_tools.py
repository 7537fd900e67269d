from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import nullcontext

import pytest

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.dev import tools
from docktasks.engine.models import Image
from docktasks.errors import AppError, StartError
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine, Runner, configured, make_app, ours

NODE = {"node:lts-alpine": Image("sha256:node", tags=("node:lts-alpine",))}


def test_the_package_manager_runs_in_the_image_there_is(settings: Settings) -> None:
    """Nothing is built: while package.json and lock file are out of step, that would fail."""
    engine = FakeEngine(images=NODE | {"hello-dock:dev": Image("sha256:1", tags=("hello-dock:dev",))})
    run = Runner(engine)
    args = tools.manage(Project(run, engine, settings), ["install", "nanoid"]).args
    assert run.ran == []
    assert args[-4:] == ["hello-dock:dev", "npm", "install", "nanoid"]
    assert "type=volume,target=/home/node/app/node_modules" in args


def test_without_an_image_one_is_built(settings: Settings) -> None:
    """The package manager is in it."""
    engine = FakeEngine(images=NODE)
    run = Runner(engine)
    tools.manage(Project(run, engine, settings), ["ls"])
    assert run.lines[0].startswith("docker image build --tag hello-dock:dev")


def test_the_apps_own_package_manager_is_run(settings: Settings) -> None:
    """Whatever the task is called."""
    shop = make_app(settings.root / "shop", packageManager="pnpm@10.1.0")
    engine = FakeEngine(images=NODE | {"hello-dock:dev": Image("sha256:1", tags=("hello-dock:dev",))})
    args = tools.manage(
        Project(Runner(engine), engine, configured(settings.root, app_dir=str(shop))), ["add", "nanoid"]
    ).args
    assert args[-3:] == ["pnpm", "add", "nanoid"]
    assert {"npm_config_lockfile_only=true", "pnpm_config_lockfile_only=true"} < set(args)


@pytest.mark.parametrize(("watch", "words"), [(False, ["--", "-t", "env"]), (True, ["--", "--watch", "-t", "env"])])
def test_the_apps_tests_have_the_dev_servers_modules(settings: Settings, *, watch: bool, words: list[str]) -> None:
    """In the volume that `dev` uses; made and marked where there is none yet."""
    make_app(settings.root / "shop", scripts={"test": "vitest"})
    engine = FakeEngine(images=NODE)
    shop = configured(settings.root, app_dir="shop")
    run = Runner(engine)
    args = tools.tests(Project(run, engine, shop), ["-t", "env"], watch=watch).args
    assert args[args.index("hello-dock:dev") :] == ["hello-dock:dev", "npm", "run", "test", *words]
    (volume,) = engine.made_volumes  # and no mark of one that is being filled
    mount = f"type=volume,source={volume},target=/home/node/app/node_modules"
    assert mount in args
    filled = [words for words in run.ran if words[-2:] == ["hello-dock:dev", "true"]]
    assert [mount in words for words in filled] == [True]
    tools.tests(Project(run, engine, shop), [], watch=watch)
    assert [words for words in run.ran if words[-1] == "true"] == filled


def test_a_volume_that_cannot_be_filled_is_told(settings: Settings) -> None:
    """And stays marked."""
    make_app(settings.root / "shop", scripts={"test": "vitest"})
    engine = FakeEngine(images=NODE)
    run = Runner(engine, {"docker container run --rm": Result(125, "no space left on device")})
    with pytest.raises(StartError, match="could not be filled") as caught:
        tools.tests(Project(run, engine, configured(settings.root, app_dir="shop")), [], watch=False)
    assert "no space left" in caught.value.evidence
    assert len(engine.made_volumes) == 2


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
        tools.tests(Project(Runner(), FakeEngine(), settings), [], watch=False)
    assert '"test": "vitest run"' in caught.value.how


def test_a_shell_is_opened_in_what_runs(settings: Settings) -> None:
    """And nowhere else."""
    assert tools.shell(Project(Runner(FakeEngine(ours("dev"))), FakeEngine(ours("dev")), settings)) == [
        "docker", "container", "exec", "--interactive", "hello-dock-dev", "sh",
    ]  # fmt: skip
    for engine in (FakeEngine(), FakeEngine(ours("dev", state="exited"))):
        with pytest.raises(StartError, match="does not run"):
            tools.shell(Project(Runner(engine), engine, settings))
