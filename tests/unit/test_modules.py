from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from docktasks import modules
from docktasks.answers import Container, Image, Result
from docktasks.errors import ConflictError
from docktasks.modules import Volume, Watch
from docktasks.settings import Settings
from tests.unit.fakes import FakeEngine, Runner, configured, ours

IMAGE = Image("sha256:1", environment={"NODE_VERSION": "26.10.0"}, architecture="amd64")


def test_the_volume_is_named_by_what_is_in_it(settings: Settings) -> None:
    """Another lock file, node version or architecture has another volume, so node_modules are never stale."""
    names = [
        modules.volume_name(settings, IMAGE),
        modules.volume_name(settings, replace(IMAGE, environment={"NODE_VERSION": "26.11.0"})),
        modules.volume_name(settings, replace(IMAGE, architecture="arm64")),
        modules.volume_name(configured(settings.root, app_name="shop"), IMAGE),
    ]
    (settings.app_dir / "package-lock.json").write_text('{"lockfileVersion": 3}')
    names.append(modules.volume_name(settings, IMAGE))
    (settings.app_dir / "package-lock.json").unlink()
    names.append(modules.volume_name(settings, IMAGE))
    (settings.app_dir / "pnpm-lock.yaml").write_text("lockfileVersion: '9.0'")
    names.append(modules.volume_name(settings, IMAGE))
    assert len(set(names)) == 7
    assert all(name.startswith(("hello-dock-modules-", "shop-modules-")) for name in names)


def test_the_volume_stays_while_the_dependencies_do(settings: Settings) -> None:
    """Neither the source, nor another setting, nor a new image of the same node has another volume."""
    name = modules.volume_name(settings, IMAGE)
    (settings.app_dir / "main.js").write_text("new")
    os.utime(settings.app_dir / "package-lock.json", (1, 1))
    other = configured(settings.root, dev_host_port="3001", prod_memory="1g")
    assert modules.volume_name(other, replace(IMAGE, id="sha256:2", layers=("sha256:3",))) == name


def test_without_a_lock_file_package_json_names_the_volume(settings: Settings) -> None:
    """It is all that says what is installed."""
    (settings.app_dir / "package-lock.json").unlink()
    name = modules.volume_name(settings, IMAGE)
    (settings.app_dir / "package.json").write_text(json.dumps({"dependencies": {"vue": "^3"}}))
    assert modules.volume_name(settings, IMAGE) != name


def test_a_volume_is_marked_until_it_is_filled(settings: Settings) -> None:
    """The mark is there before the volume, and goes when a container has been made with it."""
    engine = FakeEngine()
    volume = Volume(Runner(engine), engine, settings, IMAGE)
    assert engine.made_volumes == [f"{volume.name}-filling", volume.name]
    volume.filled()
    assert engine.made_volumes == [volume.name]
    run = Runner(engine)
    again = Volume(run, engine, settings, IMAGE)
    again.filled()
    assert (again.name, again.fresh, run.ran) == (volume.name, False, [])


@pytest.mark.parametrize("there", [True, False])
def test_a_half_filled_volume_is_not_used(settings: Settings, *, there: bool) -> None:
    """Whoever was filling it was interrupted, maybe before it was made: both go, and are made anew."""
    engine = FakeEngine()
    name = modules.volume_name(settings, IMAGE)
    engine.made_volumes = [f"{name}-filling", *([name] if there else [])]
    run = Runner(engine)
    assert Volume(run, engine, settings, IMAGE).fresh
    assert run.lines[0] == f"docker volume rm --force {name} {name}-filling"
    assert engine.made_volumes == [f"{name}-filling", name]


def test_a_half_filled_volume_that_is_held_is_told(settings: Settings) -> None:
    """Nothing is started with it."""
    engine = FakeEngine()
    name = modules.volume_name(settings, IMAGE)
    engine.made_volumes = [f"{name}-filling", name]
    run = Runner(engine, {"docker volume rm": Result(1, "volume is in use")})
    with pytest.raises(ConflictError, match="half filled") as caught:
        Volume(run, engine, settings, IMAGE)
    assert caught.value.evidence == "volume is in use"


class Filling(Runner):
    """An engine that has begun to make a container with a volume, and shows it at the second try to remove that."""

    tries = 0

    def __call__(self, args: list[str], *, quiet: bool = False) -> Result:
        """Obey, but for the first two tries."""
        if args[:3] == ["docker", "volume", "rm"]:
            self.tries += 1
            if self.tries == 2 and self.engine:
                self.engine.held["5f" * 32] = ours("dev", state="created")
            if self.tries < 3:
                return Result(1, f"Error response from daemon: remove: volume is in use - [{'5f' * 32}]")
        return super().__call__(args, quiet=quiet)


def test_what_an_interrupted_start_began_is_awaited(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine goes on to fill the volume for a container that nobody sees yet, and that nobody then starts."""
    monkeypatch.setattr("docktasks.probes.time.sleep", lambda _seconds: None)
    engine = FakeEngine()
    name = modules.volume_name(settings, IMAGE)
    engine.made_volumes = [f"{name}-filling", name]
    run = Filling(engine)
    assert Volume(run, engine, settings, IMAGE).fresh
    assert run.tries == 3
    assert "docker container rm --force hello-dock-dev" in run.lines


@pytest.mark.parametrize("holder", [ours("dev"), ours("dev", "another", state="created")])
def test_what_goes_on_is_not_awaited(settings: Settings, holder: Container) -> None:
    """A container that runs, or is not ours, is left alone, and told of at once."""
    engine = FakeEngine()
    engine.held["5f" * 32] = holder
    name = modules.volume_name(settings, IMAGE)
    engine.made_volumes = [f"{name}-filling", name]
    run = Runner(engine, {"docker volume rm": Result(1, f"volume is in use - [{'5f' * 32}]")})
    with pytest.raises(ConflictError, match="half filled"):
        Volume(run, engine, settings, IMAGE)
    assert [line.split()[1:3] for line in run.lines] == [["volume", "rm"]]


def test_other_volumes_for_modules_go(settings: Settings) -> None:
    """Those of earlier lock files; production's and another project's stay."""
    engine = FakeEngine()
    engine.made_volumes = [
        "hello-dock-modules-1",
        "hello-dock-carried",
        "shop-modules-1",
        "hello-dock-modules-2-filling",
    ]
    run = Runner(engine)
    volume = Volume(run, engine, settings, IMAGE)
    volume.filled()
    volume.prune()
    assert run.lines[-1] == "docker volume rm hello-dock-modules-1 hello-dock-modules-2-filling"
    assert engine.made_volumes == ["hello-dock-carried", "shop-modules-1", volume.name]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, as the test says."""
    now = [100.0]
    monkeypatch.setattr("docktasks.modules.time.monotonic", lambda: now[0])
    return now


def test_a_change_is_noticed_when_it_is_quiet(settings: Settings, clock: list[float]) -> None:
    """npm writes package.json and then the lock file: both are one change."""
    watch = Watch(settings)
    assert not watch.changed()
    write(settings.app_dir / "package.json", "{}")
    assert not watch.changed()
    clock[0] += 0.4
    write(settings.app_dir / "package-lock.json", '{"a": 1}')
    assert not watch.changed()
    clock[0] += 0.4
    assert not watch.changed()
    clock[0] += 0.2
    assert watch.changed()
    assert watch.take() == ["package-lock.json", "package.json"]
    assert not watch.changed()


def test_a_touch_is_no_change(settings: Settings, clock: list[float]) -> None:
    """A checkout of the same commit gives a file another time, and the same content."""
    watch = Watch(settings)
    os.utime(settings.app_dir / "package.json", (1, 1))
    watch.changed()
    clock[0] += 1
    assert watch.changed()
    assert watch.take() == []


def test_a_lock_file_comes_and_goes(settings: Settings, clock: list[float]) -> None:
    """The first install writes one; another package manager's takes its place."""
    watch = Watch(settings)
    (settings.app_dir / "package-lock.json").unlink()
    (settings.app_dir / "yarn.lock").write_text("# yarn lockfile v1")
    watch.changed()
    clock[0] += 1
    assert watch.changed()
    assert watch.take() == ["package-lock.json", "yarn.lock"]


def write(path: Path, text: str) -> None:
    """A file with another time than before, however coarse the clock."""
    path.write_text(text)
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 1_000_000))
