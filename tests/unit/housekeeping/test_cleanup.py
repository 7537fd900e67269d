from __future__ import annotations

import os

import pytest

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.engine.dry_run import DryRunEngine
from docktasks.engine.models import Container, Image, Network
from docktasks.errors import ConflictError, SettingsError
from docktasks.housekeeping import cleanup, status
from docktasks.settings import Settings
from tests.unit.fakes import production
from tests.unit.fakes.apps import configured
from tests.unit.fakes.engine import UNRELATED_CONTAINERS, FakeEngine, own_container
from tests.unit.fakes.runner import Runner

BUILT = {"hello-dock.built-for": "hello-dock"}


def images() -> dict[str, Image]:
    """Return images of ours, one without a tag, one built on ours, one of another project, and a stand-in."""
    standin = {"hello-dock.standin": "node:lts-alpine"}
    return {
        "prod": Image("sha256:1", tags=("hello-dock:prod",), labels=BUILT),
        "dev": Image("sha256:2", tags=("hello-dock:dev", "hello-dock:mine"), labels=BUILT | standin),
        "old": Image("sha256:3", labels=BUILT),
        "on top": Image("sha256:4", tags=("shop:prod",), labels=BUILT),
        "stranger": Image("sha256:5", tags=("nginx:1",)),
        "node": Image("sha256:6", tags=("hello-dock-base-node:26.10.0",), labels=standin),
    }


def stop(engine: FakeEngine, settings: Settings, role: str = "") -> tuple[str, Runner]:
    """Return the output of `invoke stop`, and the runner of its commands."""
    run = Runner(engine)
    return cleanup.stop(Project(run, engine, settings), role=role), run


def clean(
    engine: FakeEngine, settings: Settings, *, bases: bool = False, downloads: bool = False
) -> tuple[str, Runner]:
    """Return the output of `invoke clean`, and the runner of its commands."""
    run = Runner(engine)
    return cleanup.clean(Project(run, engine, settings), bases=bases, with_downloads=downloads), run


def test_stop_lets_production_finish_its_requests(settings: Settings) -> None:
    """Production is stopped before it is removed. One command removes both containers."""
    line, run = stop(FakeEngine(own_container("dev"), own_container("prod"), *UNRELATED_CONTAINERS), settings)
    assert run.lines == [
        "docker container stop hello-dock-prod",
        "docker container rm --force hello-dock-dev hello-dock-prod",
    ]
    assert line == "Stopped: hello-dock-dev, hello-dock-prod"


@pytest.mark.parametrize(
    ("role", "lines"),
    [
        ("dev", ["docker container rm --force hello-dock-dev"]),
        ("prod", ["docker container stop hello-dock-prod", "docker container rm --force hello-dock-prod"]),
    ],
)
def test_stop_of_a_role_leaves_the_other_role(settings: Settings, role: str, lines: list[str]) -> None:
    """The containers of the other role keep running."""
    engine = FakeEngine(own_container("dev"), own_container("prod"), *UNRELATED_CONTAINERS)
    assert stop(engine, settings, role)[1].lines == lines
    assert {container.name for container in UNRELATED_CONTAINERS} < set(engine.by_name)


def test_stop_removes_what_an_interrupted_release_left(settings: Settings) -> None:
    """A candidate and a previous release are removed, too. Running containers are stopped first."""
    previous = own_container("prod", name="hello-dock-prod-previous", state="exited")
    line, run = stop(
        FakeEngine(
            own_container("prod", name="hello-dock-prod-candidate", state="exited"), previous, own_container("prod")
        ),
        settings,
    )
    assert run.lines == [
        "docker container stop hello-dock-prod",
        "docker container rm --force hello-dock-prod hello-dock-prod-candidate hello-dock-prod-previous",
    ]
    assert "hello-dock-prod-candidate" in line


@pytest.mark.parametrize("role", ["", "dev", "prod"])
def test_stop_without_containers_says_so(settings: Settings, role: str) -> None:
    """It is no error, and the containers of other projects stay."""
    engine = FakeEngine(*UNRELATED_CONTAINERS)
    line, run = stop(engine, settings, role)
    assert line == "Nothing of hello-dock is running."
    assert (run.ran, len(engine.by_name)) == ([], len(UNRELATED_CONTAINERS))


@pytest.mark.parametrize("role", ["production", "PROD", "candidate"])
def test_unknown_role_is_an_error(settings: Settings, role: str) -> None:
    """The error of each task with --role names the two roles."""
    engine = FakeEngine(own_container("prod"))
    for call in (
        lambda: stop(engine, settings, role),
        lambda: status.logs(Project(Runner(), engine, settings), role, "100"),
    ):
        with pytest.raises(SettingsError) as caught:
            call()
        assert caught.value.what == f"There is no role {role!r}."
        assert "--role=dev or --role=prod" in caught.value.how


def test_clean_removes_containers_then_volumes_then_images(settings: Settings) -> None:
    """A container uses a volume and an image. The stand-ins and the images of others stay."""
    engine = FakeEngine(own_container("dev"), own_container("prod"), *UNRELATED_CONTAINERS, images=images())
    engine.volume_names = ["hello-dock-modules-1", "shop-modules-1"]
    line, run = clean(engine, settings)
    assert run.lines == [
        "docker container rm --force hello-dock-dev hello-dock-prod",
        "docker volume rm hello-dock-modules-1",
        "docker image rm --force hello-dock:prod hello-dock:dev hello-dock:mine sha256:3",
    ]
    assert line == (
        "Removed: hello-dock-dev, hello-dock-prod, hello-dock-modules-1, "
        "hello-dock:prod, hello-dock:dev, hello-dock:mine, sha256:3"
    )


def test_clean_removes_the_standins_on_request(settings: Settings) -> None:
    """Every project of the machine uses the stand-ins."""
    _, run = clean(FakeEngine(images=images()), settings, bases=True)
    assert run.lines[-1].endswith(" hello-dock-base-node:26.10.0")


def test_clean_removes_the_downloads_of_all_projects_on_request(engine: FakeEngine, settings: Settings) -> None:
    """Docker keeps them while an installation of another project uses them, and the line says so."""
    volume = f"hello-dock-shared-downloads-{os.geteuid()}"
    engine.unrelated_volumes = [volume]
    engine.image_store = {}
    assert clean(engine, settings)[0] == "There was nothing of hello-dock to remove."
    line, run = clean(engine, settings, downloads=True)
    assert (line, run.lines) == (f"Removed: {volume}", [f"docker volume rm {volume}"])
    run = Runner(engine)
    run.answers["docker volume rm"] = Result(1, "volume is in use")
    line = cleanup.clean(Project(run, engine, settings), with_downloads=True)
    assert line == f"Kept, because another container uses it: {volume}"


def test_clean_removes_the_projects_build_context(settings: Settings) -> None:
    """Another project's folder stays, and so do the results of a benchmark, whatever the project is called."""
    for name in ("context-bench", "context-shop", "bench"):
        (settings.root / ".cache" / name).mkdir(parents=True)
    clean(FakeEngine(), configured(settings.root, app_name="bench"))
    assert sorted(path.name for path in (settings.root / ".cache").iterdir()) == ["bench", "context-shop"]


def test_clean_with_nothing_to_remove_says_so(settings: Settings) -> None:
    """It is no error, and other projects stay."""
    line, run = clean(FakeEngine(*UNRELATED_CONTAINERS), settings)
    assert (line, run.ran) == ("There was nothing of hello-dock to remove.", [])


def test_dry_stop_and_clean_show_what_would_be_removed(settings: Settings) -> None:
    """A dry run has the two containers and the two images that a project may have."""
    (settings.root / ".cache/context-hello-dock").mkdir(parents=True)
    run = Runner(dry=True)
    stopped = cleanup.stop(Project(run, DryRunEngine("hello-dock"), settings))
    removed = cleanup.clean(Project(run, DryRunEngine("hello-dock"), settings))
    assert run.lines == [
        "docker container stop hello-dock-prod",
        "docker container rm --force hello-dock-dev hello-dock-prod",
        "docker network rm hello-dock-dev hello-dock-prod",
        "docker container rm --force hello-dock-dev hello-dock-prod",
        "docker network rm hello-dock-dev hello-dock-prod",
        "docker image rm --force hello-dock:dev hello-dock:prod",
    ]
    assert (settings.root / ".cache/context-hello-dock").exists()
    assert stopped == "Would stop: hello-dock-dev, hello-dock-prod"
    assert removed == (
        "Would remove: hello-dock-dev, hello-dock-prod, network hello-dock-dev, network hello-dock-prod, "
        "hello-dock:dev, hello-dock:prod"
    )


@pytest.mark.parametrize("command", ["docker container rm", "docker volume rm", "docker image rm"])
def test_clean_fails_when_docker_does_not_remove_something(settings: Settings, command: str) -> None:
    """The commands run quietly, so the error shows the words of Docker."""
    engine = FakeEngine(own_container("dev"), images=images())
    engine.volume_names = ["hello-dock-modules-1"]
    run = Runner(engine, {command: Result(1, "Error response from daemon: it is in use")})
    with pytest.raises(ConflictError) as caught:
        cleanup.clean(Project(run, engine, settings))
    assert "in use" in caught.value.evidence


def test_clean_keeps_images_that_others_use_or_made(engine: FakeEngine, settings: Settings) -> None:
    """One image is used by a container of another project, one was committed from a container of ours."""
    engine.image_store = images() | {"commit": Image("sha256:7", labels=BUILT, parent="sha256:1")}
    engine.by_name = {"theirs": Container("0", "theirs", image_id="sha256:2")}
    line, run = clean(engine, settings)
    assert run.lines == ["docker image rm --force hello-dock:prod sha256:3"]
    assert line.splitlines() == [
        "Removed: hello-dock:prod, sha256:3",
        "Kept, because another container uses it: hello-dock:dev, hello-dock:mine",
    ]


def test_network_that_another_container_uses_is_kept(engine: FakeEngine, settings: Settings) -> None:
    """Docker refuses to remove it; the others go, and the line says what is kept."""
    labels = {"hello-dock.project": "hello-dock"}
    used, unused = Network(labels, members=("theirs",)), Network(labels)
    engine.network_store = {"hello-dock-prod": used, "hello-dock-dev": unused, "theirs": Network()}
    line, run = clean(engine, settings)
    assert run.lines[0] == "docker network rm hello-dock-dev"
    assert line.splitlines() == [
        "Removed: network hello-dock-dev, hello-dock:prod",
        "Kept, because another container uses it: network hello-dock-prod",
    ]
    assert engine.network_store.keys() == {"hello-dock-prod", "theirs"}


def test_stop_of_a_role_keeps_the_network_of_the_other(engine: FakeEngine, settings: Settings) -> None:
    """A network that an ended tool left is removed, too."""
    labels = {"hello-dock.project": "hello-dock"}
    engine.network_store = {"hello-dock-prod": Network(labels), "hello-dock-dev": Network(labels)}
    line = cleanup.stop(Project(Runner(engine), engine, settings), role="dev")
    assert (line, list(engine.network_store)) == ("Nothing of hello-dock is running.", ["hello-dock-prod"])


def test_stop_pauses_the_port_holder_first(engine: FakeEngine, settings: Settings) -> None:
    """A running port holder would serve in the place of a stopped release. Open connections are answered."""
    production.deployed(engine, settings)
    run = Runner(engine)
    cleanup.stop(Project(run, engine, settings))
    assert run.verbs == [
        "pause hello-dock-prod-port",
        "stop hello-dock-prod",
        "rm hello-dock-prod hello-dock-prod-port",
        "network rm hello-dock-prod",
    ]
    assert (engine.by_name, engine.network_store) == ({}, {})


def test_next_release_starts_a_paused_port_holder(engine: FakeEngine, settings: Settings) -> None:
    """An interrupted stop may leave the port holder paused."""
    production.deployed(engine, settings)
    pause = ["docker", "container", "pause", "hello-dock-prod-port"]
    assert engine.apply(pause).ok
    assert engine.by_name["hello-dock-prod-port"].state == "paused"
    assert not engine.apply(pause).ok
    assert not engine.apply([*pause[:3], "missing"]).ok
    production.deployed(engine, settings)
    assert engine.by_name["hello-dock-prod-port"].state == "running"
    assert [container.name for container in engine.listeners(8080)] == ["hello-dock-prod"]


def test_stop_removes_containers_and_clean_also_images_and_volumes(engine: FakeEngine, settings: Settings) -> None:
    """`stop` keeps the images of the releases and the volume with the assets."""
    production.deployed(engine, settings)
    engine.volume_names = ["hello-dock-carried"]
    stop(engine, settings)
    assert (engine.by_name, engine.volume_names) == ({}, ["hello-dock-carried"])
    assert "hello-dock:aaaaaaaaaaaa" in engine.image_ids()
    production.deployed(engine, settings)
    clean(engine, settings)
    assert (engine.by_name, engine.volume_names) == ({}, [])
    assert set(engine.image_ids()) == {"node:lts-alpine", "nginx:stable-alpine"}
