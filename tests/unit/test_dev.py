from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from docktasks import dev, lock
from docktasks.answers import Image, Result
from docktasks.engine import NoEngine
from docktasks.errors import AppError, ConflictError, StartError
from docktasks.settings import Settings, Wait
from tests.unit.fakes import FakeEngine, Runner, Web, configured, make_app, ours

NODE = {"node:lts-alpine": Image("sha256:node")}
IMAGE = Image("sha256:1", environment={"NODE_VERSION": "26.10.0"}, architecture="amd64")

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a folder away")


def up(settings: Settings, engine: FakeEngine | None = None) -> Runner:
    """What `invoke dev` ran."""
    engine = engine or FakeEngine(images=NODE)
    run = Runner(engine)
    dev.up(run, engine, settings)
    return run


def test_the_first_start(settings: Settings, web: Web) -> None:
    """The image is built, a labelled volume made, the container started; its address comes back."""
    web.serve()
    engine = FakeEngine(images=NODE)
    run = Runner(engine)
    serving = dev.up(run, engine, settings)
    volume = dev.volume_name(settings, engine.known["hello-dock:dev"])
    assert [args[1:3] for args in run.ran] == [["image", "build"], ["volume", "create"], ["container", "run"]]
    assert run.lines[1] == (
        f"docker volume create --label hello-dock.project=hello-dock --label hello-dock.role=modules {volume}"
    )
    assert f"type=volume,source={volume},target=/home/node/app/node_modules" in run.ran[2]
    assert (serving.url, serving.standins) == ("http://127.0.0.1:3000", ())


def test_a_volume_that_is_there_is_used(settings: Settings, web: Web) -> None:
    """The dependencies are not installed anew at every start."""
    web.serve()
    engine = FakeEngine(images=NODE)
    up(settings, engine)
    engine.held.clear()
    assert not [line for line in up(settings, engine).lines if line.startswith("docker volume create")]


def test_the_volumes_of_earlier_lock_files_go(settings: Settings, web: Web) -> None:
    """After the start, when no container holds them; another project's stay."""
    web.serve()
    engine = FakeEngine(images=NODE)
    engine.made_volumes = ["hello-dock-modules-1", "hello-dock-modules-2", "shop-modules-1"]
    run = up(settings, engine)
    volume = dev.volume_name(settings, engine.known["hello-dock:dev"])
    assert run.verbs[-1] == "rm hello-dock-modules-1 hello-dock-modules-2"
    assert run.lines[-1] == "docker volume rm hello-dock-modules-1 hello-dock-modules-2"
    assert engine.made_volumes == ["shop-modules-1", volume]


def test_a_start_that_fails_removes_no_volume(settings: Settings) -> None:
    """What was there before a fault is there after it."""
    engine = FakeEngine(images=NODE)
    engine.made_volumes = ["hello-dock-modules-1"]
    run = Runner(engine, {"docker container run": Result(125, "port is already allocated")})
    with pytest.raises(ConflictError):
        dev.up(run, engine, settings)
    assert "hello-dock-modules-1" in engine.made_volumes


def test_a_second_task_is_refused_before_it_does_anything(settings: Settings) -> None:
    """Two starts at once would each remove the other's container."""
    run = Runner()
    with lock.alone(Runner(), settings), pytest.raises(ConflictError, match="Another task is changing"):
        dev.up(run, FakeEngine(images=NODE), settings)
    assert run.ran == []


def test_a_stand_in_is_told(settings: Settings, web: Web) -> None:
    """Whoever gets one is told."""
    web.serve()
    tag = "hello-dock-base-node:26.10.0"
    engine = FakeEngine(images={tag: Image("sha256:0", tags=(tag,), labels={"hello-dock.standin": "node:lts-alpine"})})
    (notice,) = dev.up(Runner(engine), engine, settings).standins
    assert notice.startswith(f"Built on {tag}, which stands in for node:lts-alpine")


def test_one_that_runs_already_is_left_alone(settings: Settings) -> None:
    """The message says where it serves, since when, and how to stop it; nothing is built."""
    running = ours("dev", addresses=(("127.0.0.1", 3000, 3000),), started="2026-11-23T14:20:00.123456789Z")
    run = Runner()
    with pytest.raises(ConflictError) as caught:
        dev.up(run, FakeEngine(running), settings)
    assert str(caught.value) == (
        "The dev container runs already: http://127.0.0.1:3000\n"
        "It is hello-dock-dev, started 2026-11-23 14:20:00 UTC.\n"
        "Use it there, or stop it first: invoke stop --role=dev"
    )
    assert run.ran == []


def test_a_stopped_one_is_replaced(settings: Settings, web: Web) -> None:
    """A dev container holds nothing worth keeping."""
    web.serve()
    run = up(settings, FakeEngine(ours("dev", state="exited"), images=NODE))
    assert run.lines[0] == "docker container rm --force hello-dock-dev"
    assert run.verbs[-1] == "run hello-dock-dev"


def test_an_app_without_serve_runs_dev(settings: Settings, web: Web) -> None:
    """Vite's own templates have `dev`; it is given the port that is published."""
    web.serve()
    make_app(settings.root / "shop", scripts={"dev": "vite"})
    run = up(configured(settings.root, app_dir="shop"))
    assert run.ran[-1][-9:] == ["npm", "run", "dev", "--", "--host", "0.0.0.0", "--port", "3000", "--strictPort"]  # noqa: S104


def test_an_app_with_serve_runs_what_the_image_runs(settings: Settings, web: Web) -> None:
    """The image's own command stands in Dockerfile.dev alone."""
    web.serve()
    assert up(settings).ran[-1][-1] == "hello-dock:dev"


@pytest.mark.parametrize("owner", [os.geteuid(), pytest.param(1234, marks=AS_ROOT)])
def test_the_mountpoint_belongs_to_the_apps_owner(settings: Settings, web: Web, owner: int) -> None:
    """Docker would make node_modules in the checkout as root's, and so would root itself."""
    web.serve()
    os.chown(settings.app_dir, owner, -1)
    run = up(settings)
    assert (settings.app_dir / "node_modules").stat().st_uid == owner
    assert f"{owner}:{settings.app_dir.stat().st_gid}" in run.ran[-1]


def test_a_mountpoint_that_cannot_be_made_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the folder and who may make it; nothing is started."""
    modules, mkdir = settings.app_dir / "node_modules", Path.mkdir

    def refuse(path: Path, **options: Any) -> None:
        if path == modules:
            raise PermissionError(13, "Permission denied")
        mkdir(path, **options)

    engine = FakeEngine(images=NODE)
    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(AppError) as caught:
        up(settings, engine)
    assert caught.value.what == f"{modules} cannot be made: Permission denied."
    assert f"mkdir {modules}" in caught.value.how
    assert engine.held == {}


@pytest.mark.parametrize("fault", ["exits", "times out"])
def test_one_that_does_not_come_up_is_removed(settings: Settings, fault: str) -> None:
    """Its last lines are shown first."""
    engine = FakeEngine(images=NODE)
    engine.logged["hello-dock-dev"] = "Error: Cannot find module 'vite'"
    engine.births["hello-dock-dev"] = {"state": "exited", "exit_code": 1} if fault == "exits" else {}
    run = Runner(engine)
    with pytest.raises(StartError) as caught:
        dev.up(run, engine, replace(settings, wait=Wait(ready=0)))
    assert caught.value.evidence == "Error: Cannot find module 'vite'"
    assert run.lines[-1] == "docker container rm --force hello-dock-dev"
    assert engine.held == {}


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_that_is_interrupted_while_it_starts_is_removed(settings: Settings, web: Web, sent: signal.Signals) -> None:
    """Ctrl-C, a polite kill and a closed terminal leave nothing behind."""

    def interrupt(_request: httpx.Request) -> httpx.Response:
        os.kill(os.getpid(), sent)
        return httpx.Response(503)

    web.answer = interrupt
    engine = FakeEngine(images=NODE)
    before = signal.getsignal(sent)
    with pytest.raises(KeyboardInterrupt):
        dev.up(Runner(engine), engine, settings)
    assert engine.held == {}
    assert signal.getsignal(sent) is before


def test_a_dry_start_asks_and_makes_nothing(settings: Settings) -> None:
    """Under --dry the three commands are shown, and the checkout stays as it is."""
    run = Runner(dry=True)
    assert dev.up(run, NoEngine("hello-dock"), settings).url == ""
    assert [args[:3] for args in run.ran] == [
        ["docker", "image", "build"],
        ["docker", "volume", "create"],
        ["docker", "container", "run"],
    ]
    assert not (settings.app_dir / "node_modules").exists()


def test_the_volume_is_named_by_what_is_in_it(settings: Settings) -> None:
    """Another lock file, node version or architecture has another volume, so node_modules are never stale."""
    names = [
        dev.volume_name(settings, IMAGE),
        dev.volume_name(settings, replace(IMAGE, environment={"NODE_VERSION": "26.11.0"})),
        dev.volume_name(settings, replace(IMAGE, architecture="arm64")),
        dev.volume_name(configured(settings.root, app_name="shop"), IMAGE),
    ]
    (settings.app_dir / "package-lock.json").write_text('{"lockfileVersion": 3}')
    names.append(dev.volume_name(settings, IMAGE))
    (settings.app_dir / "package-lock.json").unlink()
    names.append(dev.volume_name(settings, IMAGE))
    assert len(set(names)) == 6
    assert all(name.startswith(("hello-dock-modules-", "shop-modules-")) for name in names)


def test_the_volume_stays_while_the_dependencies_do(settings: Settings) -> None:
    """Neither the source, nor another setting, nor a new image of the same node has another volume."""
    name = dev.volume_name(settings, IMAGE)
    (settings.app_dir / "main.js").write_text("new")
    os.utime(settings.app_dir / "package-lock.json", (1, 1))
    other = configured(settings.root, dev_host_port="3001", prod_memory="1g")
    assert dev.volume_name(other, replace(IMAGE, id="sha256:2", layers=("sha256:3",))) == name


def test_without_a_lock_file_package_json_names_the_volume(settings: Settings) -> None:
    """It is all that says what is installed."""
    (settings.app_dir / "package-lock.json").unlink()
    name = dev.volume_name(settings, IMAGE)
    (settings.app_dir / "package.json").write_text(json.dumps({"dependencies": {"vue": "^3"}}))
    assert dev.volume_name(settings, IMAGE) != name


def test_the_container_runs_as_the_checkouts_owner(tmp_path: Path) -> None:
    """What it writes into the checkout belongs to whoever owns that; on a rootless engine that is uid 0 inside."""
    engine = FakeEngine()
    owner = tmp_path.stat()
    assert dev.user_for(engine, tmp_path) == f"{owner.st_uid}:{owner.st_gid}"
    engine.rootless = True
    assert dev.user_for(engine, tmp_path) == "0:0"


def test_following_shows_the_log(settings: Settings, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Bytes go through as they come, colours with them."""
    engine = FakeEngine(ours("dev", state="exited"))
    engine.followed = [b"\x1b[32mready\x1b[0m\n", b"\xff half"]
    dev.follow(Runner(engine), engine, settings)
    sys.stdout.flush()
    assert capsysbinary.readouterr().out == b"\x1b[32mready\x1b[0m\n\xff half"


@pytest.mark.parametrize("code", [0, 130, 137, 143])
def test_one_that_was_stopped_elsewhere_is_no_fault(settings: Settings, code: int) -> None:
    """`invoke stop` in another terminal ends the foreground quietly."""
    engine = FakeEngine(ours("dev", state="exited", exit_code=code))
    run = Runner(engine)
    dev.follow(run, engine, settings)
    assert run.ran == []


def test_one_that_ends_by_itself_is_told_and_removed(settings: Settings) -> None:
    """Its exit code and last lines are shown."""
    engine = FakeEngine(ours("dev", state="exited", exit_code=1))
    engine.logged["hello-dock-dev"] = "failed to load config from /home/node/app/vite.config.js"
    with pytest.raises(StartError, match="exit code 1") as caught:
        dev.follow(Runner(engine), engine, settings)
    assert "failed to load config" in caught.value.evidence
    assert engine.held == {}


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_following_ends_with_the_container(settings: Settings, sent: signal.Signals) -> None:
    """Ctrl-C, a polite kill and a closed terminal stop it, and that is no error."""

    class Interrupted(FakeEngine):
        def follow(self, name: str) -> Iterator[bytes]:
            """Interrupted while the log comes."""
            yield from super().follow(name)
            os.kill(os.getpid(), sent)

    engine = Interrupted(ours("dev"))
    run = Runner(engine)
    dev.follow(run, engine, settings)
    assert run.lines == ["docker container rm --force hello-dock-dev"]


def test_a_taken_port_is_told_and_nothing_is_left(settings: Settings) -> None:
    """A container that Docker only created would block the next start."""
    engine = FakeEngine(images=NODE)
    run = Runner(engine, {"docker container run": Result(125, "port is already allocated")})
    with pytest.raises(ConflictError, match=r"Port 3000 on .* is in use"):
        dev.up(run, engine, settings)
    assert engine.held == {}
