from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.engine.dry_run import DryRunEngine
from docktasks.engine.models import Container, Image, Published
from docktasks.errors import ConflictError, DockError, SettingsError, StartError
from docktasks.housekeeping import cleanup, status
from docktasks.settings import Settings
from tests.unit.fakes import production
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.runner import Runner

THEIRS = [
    Container("0", "web", image="nginx:1"),
    own_container("prod", project="shop"),
    own_container("dev", project="hello-dock-2"),
]
BUILT = {"hello-dock.built-for": "hello-dock"}


def images() -> dict[str, Image]:
    """Two of ours, one that lost its tag, one that somebody built on ours, a stranger's, and two stand-ins."""
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
    """What `invoke stop` says and runs."""
    run = Runner(engine)
    return cleanup.stop(Project(run, engine, settings), role=role), run


def clean(engine: FakeEngine, settings: Settings, *, bases: bool = False) -> tuple[str, Runner]:
    """What `invoke clean` says and runs."""
    run = Runner(engine)
    return cleanup.clean(Project(run, engine, settings), bases=bases), run


def test_stop_ends_both_and_lets_production_finish_its_requests(settings: Settings) -> None:
    """Production is stopped before it is removed; all in one `rm`."""
    said, run = stop(FakeEngine(own_container("dev"), own_container("prod"), *THEIRS), settings)
    assert run.lines == [
        "docker container stop hello-dock-prod",
        "docker container rm --force hello-dock-dev hello-dock-prod",
    ]
    assert said == "Stopped: hello-dock-dev, hello-dock-prod"


@pytest.mark.parametrize(
    ("role", "lines"),
    [
        ("dev", ["docker container rm --force hello-dock-dev"]),
        ("prod", ["docker container stop hello-dock-prod", "docker container rm --force hello-dock-prod"]),
    ],
)
def test_stop_of_a_role_leaves_the_other(settings: Settings, role: str, lines: list[str]) -> None:
    """One of both is stopped, the other serves on."""
    engine = FakeEngine(own_container("dev"), own_container("prod"), *THEIRS)
    assert stop(engine, settings, role)[1].lines == lines
    assert {each.name for each in THEIRS} < set(engine.by_name)


def test_stop_finds_what_an_interrupted_release_left(settings: Settings) -> None:
    """A candidate and the container that was set aside go, too; only what runs is stopped first."""
    previous = own_container("prod", name="hello-dock-prod-previous", state="exited")
    said, run = stop(
        FakeEngine(
            own_container("prod", name="hello-dock-prod-candidate", state="exited"), previous, own_container("prod")
        ),
        settings,
    )
    assert run.lines == [
        "docker container stop hello-dock-prod",
        "docker container rm --force hello-dock-prod hello-dock-prod-candidate hello-dock-prod-previous",
    ]
    assert "hello-dock-prod-candidate" in said


@pytest.mark.parametrize("role", ["", "dev", "prod"])
def test_stop_with_nothing_there_says_so(settings: Settings, role: str) -> None:
    """It is no error, and other projects are left alone."""
    engine = FakeEngine(*THEIRS)
    said, run = stop(engine, settings, role)
    assert said == "Nothing of hello-dock is running."
    assert (run.ran, len(engine.by_name)) == ([], len(THEIRS))


@pytest.mark.parametrize("role", ["production", "PROD", "candidate"])
def test_a_role_that_does_not_exist_is_told(settings: Settings, role: str) -> None:
    """Both tasks that take one name the two there are."""
    engine = FakeEngine(own_container("prod"))
    for call in (
        lambda: stop(engine, settings, role),
        lambda: status.logs(Project(Runner(), engine, settings), role, []),
    ):
        with pytest.raises(SettingsError) as caught:
            call()
        assert caught.value.what == f"There is no role {role!r}."
        assert "--role=dev or --role=prod" in caught.value.how


def test_clean_removes_containers_then_volumes_then_images(settings: Settings) -> None:
    """In the order in which one uses the other; stand-ins stay, and so does what is somebody else's."""
    engine = FakeEngine(own_container("dev"), own_container("prod"), *THEIRS, images=images())
    engine.volume_names = ["hello-dock-modules-1", "shop-modules-1"]
    said, run = clean(engine, settings)
    assert run.lines == [
        "docker container rm --force hello-dock-dev hello-dock-prod",
        "docker volume rm hello-dock-modules-1",
        "docker image rm --force hello-dock:prod hello-dock:dev hello-dock:mine sha256:3",
    ]
    assert said == (
        "Removed: hello-dock-dev, hello-dock-prod, hello-dock-modules-1, "
        "hello-dock:prod, hello-dock:dev, hello-dock:mine, sha256:3"
    )


def test_clean_removes_the_stand_ins_where_asked(settings: Settings) -> None:
    """They serve every project of the machine, so they go last and only by request."""
    _, run = clean(FakeEngine(images=images()), settings, bases=True)
    assert run.lines[-1].endswith(" hello-dock-base-node:26.10.0")


def test_clean_removes_what_was_written_for_a_foreign_app(settings: Settings) -> None:
    """The project's part of the cache goes, another project's stays."""
    for name in ("hello-dock", "shop"):
        (settings.root / ".cache" / name).mkdir(parents=True)
    clean(FakeEngine(), settings)
    assert [path.name for path in (settings.root / ".cache").iterdir()] == ["shop"]


def test_clean_with_nothing_there_says_so(settings: Settings) -> None:
    """It is no error, and other projects are left alone."""
    said, run = clean(FakeEngine(*THEIRS), settings)
    assert (said, run.ran) == ("Nothing of hello-dock was there.", [])


def test_dry_runs_show_what_would_go(settings: Settings) -> None:
    """Under --dry the two containers and images of both ways of life stand for what may be there."""
    (settings.root / ".cache/hello-dock").mkdir(parents=True)
    run = Runner(dry=True)
    stopped = cleanup.stop(Project(run, DryRunEngine("hello-dock"), settings))
    removed = cleanup.clean(Project(run, DryRunEngine("hello-dock"), settings))
    status.logs(Project(run, DryRunEngine("hello-dock"), settings), "prod", [])
    assert run.lines == [
        "docker container stop hello-dock-prod",
        "docker container rm --force hello-dock-dev hello-dock-prod",
        "docker container rm --force hello-dock-dev hello-dock-prod",
        "docker image rm --force hello-dock:dev hello-dock:prod",
        "docker container logs hello-dock-prod",
    ]
    assert (settings.root / ".cache/hello-dock").exists()
    assert stopped == "Would stop: hello-dock-dev, hello-dock-prod"
    assert removed == "Would remove: hello-dock-dev, hello-dock-prod, hello-dock:dev, hello-dock:prod"


@pytest.mark.parametrize("command", ["docker container rm", "docker volume rm", "docker image rm"])
def test_what_could_not_be_removed_is_not_said_to_be_removed(settings: Settings, command: str) -> None:
    """A volume in use, for one, stays; its commands run quietly, so nobody else would say so."""
    engine = FakeEngine(own_container("dev"), images=images())
    engine.volume_names = ["hello-dock-modules-1"]
    run = Runner(engine, {command: Result(1, "Error response from daemon: it is in use")})
    try:
        said = cleanup.clean(Project(run, engine, settings))
    except DockError:
        return
    assert "in use" in said


def test_logs_are_dockers_own(settings: Settings) -> None:
    """The options go through."""
    run = Runner()
    status.logs(Project(run, FakeEngine(own_container("dev")), settings), "dev", ["--tail", "7", "--follow"])
    assert run.lines == ["docker container logs --tail 7 --follow hello-dock-dev"]


def test_logs_that_docker_does_not_show_are_told(settings: Settings) -> None:
    """`none` as a log driver keeps nothing; the exit code is not 0, and Docker's words are shown."""
    refused = Result(1, "Error response from daemon: configured logging driver does not support reading")
    run = Runner(answers={"docker container logs": refused})
    with pytest.raises(StartError, match=r"The log of hello-dock-prod cannot be shown\.") as caught:
        status.logs(Project(run, FakeEngine(own_container("prod")), settings), "prod", ["--tail", "all"])
    assert caught.value.evidence == refused.output


def test_whoever_ends_following_has_seen_enough(settings: Settings) -> None:
    """Ctrl-C is how it ends, and no fault."""
    run = Runner(answers={"docker container logs": Result(130)})
    status.logs(Project(run, FakeEngine(own_container("prod")), settings), "prod", ["--follow"])
    assert len(run.ran) == 1


@pytest.mark.parametrize(("role", "start"), [("dev", "invoke dev"), ("prod", "invoke run-prod")])
def test_logs_of_what_is_not_there_say_how_to_start_it(settings: Settings, role: str, start: str) -> None:
    """Docker's own message would not."""
    with pytest.raises(StartError, match=f"There is no container hello-dock-{role}") as caught:
        status.logs(Project(Runner(), FakeEngine(), settings), role, [])
    assert caught.value.how == f"Start it: {start}"


def test_logs_of_no_role_are_told(settings: Settings) -> None:
    """A log is one container's: `--role=` names none."""
    with pytest.raises(SettingsError):
        status.logs(Project(Runner(), FakeEngine(), settings), "", [])


def test_logs_of_a_strangers_container_are_not_ours_to_show(settings: Settings) -> None:
    """The name is taken by somebody else, and that is what is told."""
    with pytest.raises(ConflictError):
        status.logs(Project(Runner(), FakeEngine(Container("0", "hello-dock-prod")), settings), "prod", [])


def table(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    """The words of each line that was printed."""
    return [line.split() for line in capsys.readouterr().out.splitlines()]


PUBLISHED: dict[str, Any] = {
    "published": (Published("127.0.0.1", 8080, 80),),
    "health": "healthy",
    "image_id": "sha256:0123456789abcdef",
}


def test_status_has_a_row_for_each_container(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Name, state with health, address and release, stopped ones too; nobody else's."""
    holder = own_container(
        "prod", name="hello-dock-prod-port", published=PUBLISHED["published"], image_id="sha256:base"
    )
    engine = FakeEngine(
        own_container("prod", **PUBLISHED), holder, own_container("dev", state="exited", image_id="sha256:dev"), *THEIRS
    )
    status.show_status(Project(Runner(engine), engine, settings))
    assert table(capsys) == [
        ["container", "state", "address", "release"],
        ["hello-dock-dev", "exited", "-", "-"],
        ["hello-dock-prod", "running", "(healthy)", "http://127.0.0.1:8080", "0123456789ab"],
        ["hello-dock-prod-port", "running", "http://127.0.0.1:8080", "-"],
    ]


GONE = PUBLISHED | {"published": ()}


@pytest.mark.parametrize(
    ("changes", "holder", "notice"),
    [
        ({}, "running", ""),
        ({"state": "exited"}, "running", "does not run. That serves in its place within seconds."),
        ({"state": "exited"}, "exited", "does not run. Nobody is served."),
        ({"state": "exited"}, "", "does not run. Nobody is served."),
        ({"cut_off": True}, "running", "is cut off from its port holder. That serves in its place within seconds."),
        ({"cut_off": True}, "", "is cut off from its port holder. Nobody is served."),
        (None, "running", "is gone. That serves in its place within seconds."),
        (None, "exited", "is gone. Nobody is served."),
    ],
)
def test_status_tells_what_nobody_reaches(
    settings: Settings, capsys: pytest.CaptureFixture[str], changes: dict[str, Any] | None, holder: str, notice: str
) -> None:
    """Why, who serves instead, and the way out; a release that was cut off runs on, and is even healthy."""
    held = [own_container("prod", name="hello-dock-prod-port", state=holder)] if holder else []
    held += [own_container("prod", **GONE | changes)] if changes is not None else []
    status.show_status(Project(Runner(FakeEngine(*held)), FakeEngine(*held), settings))
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("!")]
    assert told == ([f"! hello-dock-prod {notice} Have it serve again: invoke run-prod"] if notice else [])


@pytest.mark.parametrize(
    ("held", "notice"),
    [
        (
            [own_container("prod", **GONE | {"state": "paused"})],
            "hello-dock-prod is paused. Nobody is served. Let it go on: docker container unpause hello-dock-prod",
        ),
        (
            [own_container("prod", **GONE | {"health": "unhealthy"})],
            "hello-dock-prod is unhealthy. Start it anew, beside this one: invoke run-prod",
        ),
        (
            [
                own_container("prod", **PUBLISHED),
                own_container("prod", name="mine"),
                own_container("prod", name="hello-dock-prod-next"),
            ],
            "Left by an interrupted task, or renamed: hello-dock-prod-next, mine. Have it settled: invoke run-prod",
        ),
    ],
)
def test_status_tells_what_is_not_as_it_should_be(
    settings: Settings, capsys: pytest.CaptureFixture[str], held: list[Container], notice: str
) -> None:
    """And what to do about it."""
    status.show_status(
        Project(
            Runner(FakeEngine(own_container("prod", name="hello-dock-prod-port"), *held)),
            FakeEngine(own_container("prod", name="hello-dock-prod-port"), *held),
            settings,
        )
    )
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("!")]
    assert told == [f"! {notice}"]


def test_clean_leaves_what_somebody_else_uses_or_made(engine: FakeEngine, settings: Settings) -> None:
    """An image that a container of theirs runs, and one that was committed from a container of ours."""
    engine.image_store = images() | {"commit": Image("sha256:7", labels=BUILT, parent="sha256:1")}
    engine.by_name = {"theirs": Container("0", "theirs", image_id="sha256:2")}
    said, run = clean(engine, settings)
    assert run.lines == ["docker image rm --force hello-dock:prod sha256:3"]
    assert said.splitlines() == [
        "Removed: hello-dock:prod, sha256:3",
        "Left, for a container that is not ours uses it: hello-dock:dev, hello-dock:mine",
    ]


def test_stop_pauses_the_port_holder_first(engine: FakeEngine, settings: Settings) -> None:
    """Else it would serve in the place of what is stopped; who is connected is answered all the same."""
    production.deployed(engine, settings)
    run = Runner(engine)
    cleanup.stop(Project(run, engine, settings))
    assert run.verbs == [
        "pause hello-dock-prod-port",
        "stop hello-dock-prod",
        "rm hello-dock-prod hello-dock-prod-port",
    ]
    assert engine.by_name == {}


def test_a_port_holder_that_an_interrupted_stop_left_paused_runs_again(engine: FakeEngine, settings: Settings) -> None:
    """With the next release; what does not run cannot be paused."""
    production.deployed(engine, settings)
    pause = ["docker", "container", "pause", "hello-dock-prod-port"]
    assert engine.apply(pause).ok
    assert engine.by_name["hello-dock-prod-port"].state == "paused"
    assert not engine.apply(pause).ok
    assert not engine.apply([*pause[:3], "nobody"]).ok
    production.deployed(engine, settings)
    assert engine.by_name["hello-dock-prod-port"].state == "running"
    assert [each.name for each in engine.listeners(8080)] == ["hello-dock-prod"]


def test_status_is_not_cut_at_the_width_of_a_terminal(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address and a release's id are there to be copied; a pipe has no width at all."""
    monkeypatch.setenv("COLUMNS", "40")
    status.show_status(
        Project(
            Runner(FakeEngine(own_container("prod", name="hello-dock-prod-candidate", **PUBLISHED))),
            FakeEngine(own_container("prod", name="hello-dock-prod-candidate", **PUBLISHED)),
            settings,
        )
    )
    assert table(capsys)[1] == [
        "hello-dock-prod-candidate",
        "running",
        "(healthy)",
        "http://127.0.0.1:8080",
        "0123456789ab",
    ]


def test_status_with_nothing_there_says_how_to_start(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """The next command stands in the line."""
    status.show_status(Project(Runner(FakeEngine(*THEIRS)), FakeEngine(*THEIRS), settings))
    said = "Nothing of hello-dock is running. Start it: invoke run-prod, or invoke dev\n"
    assert capsys.readouterr().out == said


def test_a_dry_status_asks_nothing(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """It invents no containers, either."""
    status.show_status(Project(Runner(dry=True), DryRunEngine("hello-dock"), settings))
    assert capsys.readouterr().out == "What is running is not asked under --dry.\n"


def test_releases_are_listed_with_the_last_one_first(
    engine: FakeEngine, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Id, commit, when it was built and released, and its size; the one that runs is marked."""
    labels = production.BUILT | {"org.opencontainers.image.revision": "0a1b2c3d4e5f60718293"}
    for letter, revision in (("a", production.BUILT), ("b", labels)):
        built = replace(production.image(letter), labels=revision, created="2026-11-22T08:09:10.5Z")
        engine.add_image("hello-dock:prod", built)
        production.deployed(engine, settings)
    capsys.readouterr()
    status.show_releases(Project(Runner(engine), engine, settings))
    assert table(capsys) == [
        ["release", "commit", "built", "(UTC)", "released", "(UTC)", "size"],
        [production.B, "0a1b2c3d4e5f", "2026-11-22", "08:09", "2026-11-23", "14:20", "20.0", "MB", "current"],
        [production.A, "-", "2026-11-22", "08:09", "2026-11-23", "14:20", "20.0", "MB"],
    ]


def test_releases_are_kept_where_nothing_runs(
    engine: FakeEngine, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """None is the current one, and each can be rolled back to."""
    production.deployed(engine, settings)
    stop(engine, settings)
    capsys.readouterr()
    status.show_releases(Project(Runner(engine), engine, settings))
    assert table(capsys)[1][-1] == "MB"


def test_without_releases_the_way_to_one_is_told(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """An image that was only built is none."""
    status.show_releases(Project(Runner(FakeEngine(images=images())), FakeEngine(images=images()), settings))
    assert capsys.readouterr().out == "Nothing of hello-dock was released yet. Do it: invoke run-prod\n"


def test_a_dry_list_of_releases_asks_nothing(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """It invents none."""
    status.show_releases(Project(Runner(dry=True), DryRunEngine("hello-dock"), settings))
    assert capsys.readouterr().out == "What was released is not asked under --dry.\n"


def test_stop_and_clean_take_the_whole_of_production(engine: FakeEngine, settings: Settings) -> None:
    """The release with its port holder; the kept images and the volume of assets go with `clean` alone."""
    production.deployed(engine, settings)
    engine.volume_names = ["hello-dock-carried"]
    stop(engine, settings)
    assert (engine.by_name, engine.volume_names) == ({}, ["hello-dock-carried"])
    assert "hello-dock:aaaaaaaaaaaa" in engine.image_ids
    production.deployed(engine, settings)
    clean(engine, settings)
    assert (engine.by_name, engine.volume_names) == ({}, [])
    assert set(engine.image_ids) == {"node:lts-alpine", "nginx:stable-alpine"}
