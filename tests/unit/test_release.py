from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from docktasks import lock, release
from docktasks.answers import Container, Image, Result
from docktasks.engine import NoEngine
from docktasks.errors import AppError, BuildError, ConflictError, DockError, StartError
from docktasks.release import Outcome
from docktasks.settings import Settings
from tests.unit.fakes import FakeEngine, Runner, Web, configured, ours
from tests.unit.sites import Answer, Site

BASE = "org.opencontainers.image.base.name"
NEW = Image("sha256:new", 20_000_000, tags=("hello-dock:prod",), labels={BASE: "nginx:stable-alpine"})
KNOWN = {
    "node:lts-alpine": Image("sha256:node", 150_000_000),
    "nginx:stable-alpine": Image("sha256:nginx", 12_000_000),
    "hello-dock:prod": NEW,
}
PUBLISHED = (("127.0.0.1", 8080, 80),)
CURRENT = ours(
    "prod",
    health="healthy",
    addresses=PUBLISHED,
    image_id="sha256:old",
    labels={"hello-dock.run": "of-the-old-image"},
)
GATE = ["run hello-dock-candidate", "rm hello-dock-candidate"]
ASIDE = ["rename hello-dock-prod hello-dock-previous", "stop hello-dock-previous"]
BACK = ["rename hello-dock-previous hello-dock-prod", "restart hello-dock-prod"]
START_PROD = "docker container run --detach --name hello-dock-prod"


@pytest.fixture(autouse=True)
def _answering(web: Web) -> None:
    """Whatever is published answers as a Vite app that nginx serves, until a test says otherwise."""
    web.answer = Site()


@pytest.fixture(autouse=True)
def _free_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens on this machine, until a test says otherwise."""
    monkeypatch.setattr(socket.socket, "connect_ex", lambda _socket, _address: 111)


def deployed(engine: FakeEngine, settings: Settings, run: Runner | None = None, *, public: bool = False) -> Outcome:
    """What `invoke run-prod --no-build` comes to."""
    return release.run_prod(run or Runner(engine), engine, settings, public=public, rebuild=False)


def running(*held: Container) -> FakeEngine:
    """An engine with the images and these containers."""
    return FakeEngine(*held, images=KNOWN)


def test_a_build_is_one_command_and_a_size(settings: Settings) -> None:
    """What the image adds to its base is told with it."""
    engine = FakeEngine(images=KNOWN)
    run = Runner(engine)
    outcome = release.build(run, engine, settings)
    assert run.verbs[0].startswith("build hello-dock:prod")
    assert (outcome.image.size, outcome.added, outcome.standins) == (20_000_000, 8_000_000, ())


def test_a_build_tells_of_stand_ins(settings: Settings) -> None:
    """Both are named when both are stood in for."""
    tags = {"hello-dock-base-node:26": "node:lts-alpine", "hello-dock-base-nginx:1.30.6": "nginx:stable-alpine"}
    known = {
        tag: Image(f"sha256:{tag}", tags=(tag,), labels={"hello-dock.standin": wanted}) for tag, wanted in tags.items()
    }
    engine = FakeEngine(images=known)
    outcome = release.build(Runner(engine), engine, settings)
    assert [notice.split(",")[0] for notice in outcome.standins] == [f"Built on {tag}" for tag in tags]


def test_an_app_without_a_build_script_is_told_first(settings: Settings) -> None:
    """Nothing is pulled or built for it."""
    (settings.app_dir / "package.json").write_text(json.dumps({"scripts": {}}))
    run = Runner()
    with pytest.raises(AppError, match="has no script build"):
        release.build(run, FakeEngine(), settings)
    assert run.ran == []


def test_the_first_start_needs_no_gate(settings: Settings) -> None:
    """There is nothing to protect: it starts, and its address comes back."""
    engine = running()
    run = Runner(engine)
    outcome = deployed(engine, settings, run)
    assert run.verbs == ["run hello-dock-prod"]
    assert (outcome.url, outcome.unchanged, outcome.added) == ("http://127.0.0.1:8080", False, 8_000_000)


def test_run_prod_builds_first(settings: Settings) -> None:
    """Unless it is told not to."""
    engine = running()
    run = Runner(engine)
    release.run_prod(run, engine, settings, public=False, rebuild=True)
    assert [args[1:3] for args in run.ran] == [["image", "build"], ["image", "rm"], ["container", "run"]]
    assert run.lines[1] == "docker image rm sha256:new"


@pytest.mark.parametrize("there", [True, False], ids=["built", "not built"])
def test_what_an_interrupted_run_took_down_serves_again_after_a_failed_build(
    settings: Settings, *, there: bool
) -> None:
    """The build's own error is told, and the old release has its name back, with or without --build."""
    engine = FakeEngine(PREVIOUS, images=KNOWN if there else {})
    run = Runner(engine, {"docker image build": Result(1, "ERROR: failed to solve: something new")})
    with pytest.raises(BuildError if there else StartError):
        release.run_prod(run, engine, settings, public=False, rebuild=there)
    assert run.verbs[-2:] == BACK
    assert [(each.name, each.state) for each in engine.held.values()] == [("hello-dock-prod", "running")]


def test_a_second_task_is_refused_before_it_does_anything(settings: Settings) -> None:
    """Two releases at once would each take the other's candidate for a leftover."""
    engine = running(CURRENT, CANDIDATE)
    run = Runner(engine)
    with lock.alone(Runner(), settings), pytest.raises(ConflictError, match="Another task is changing"):
        deployed(engine, settings, run)
    assert (run.ran, list(engine.held)) == ([], ["hello-dock-prod", "hello-dock-candidate"])


def test_what_serves_already_serves_on(settings: Settings) -> None:
    """The same image with the same settings is left alone."""
    engine = running()
    deployed(engine, settings)
    run = Runner(engine)
    outcome = deployed(engine, settings, run)
    assert (outcome.unchanged, outcome.url, run.ran) == (True, "http://127.0.0.1:8080", [])


@pytest.mark.parametrize("change", ["image", "setting", "public", "stopped"])
def test_another_image_setting_or_address_is_a_new_release(settings: Settings, change: str) -> None:
    """Each of them passes the gate, and a stopped container is no serving one."""
    engine = running()
    deployed(engine, settings)
    if change == "image":
        engine.known["hello-dock:prod"] = replace(NEW, id="sha256:newer")
    if change == "stopped":
        engine.held["hello-dock-prod"] = replace(engine.held["hello-dock-prod"], state="exited")
    other = configured(settings.root, prod_memory="1g") if change == "setting" else settings
    run = Runner(engine)
    assert not deployed(engine, other, run, public=change == "public").unchanged
    assert run.verbs == [*GATE, *ASIDE, "run hello-dock-prod", "rm hello-dock-previous"]


def test_a_swap_leaves_one_container(settings: Settings) -> None:
    """The new one has the name and the port; neither the old one nor the candidate is left."""
    engine = running(CURRENT)
    outcome = deployed(engine, settings)
    assert list(engine.held) == ["hello-dock-prod"]
    assert engine.held["hello-dock-prod"].labels["hello-dock.run"] != "of-the-old-image"
    assert outcome.url == "http://127.0.0.1:8080"


def test_a_swap_stops_the_old_one_within_a_second(settings: Settings) -> None:
    """Nobody is served until it is gone; by a flag that every CLI knows, whatever its long name is."""
    engine = running(CURRENT)
    run = Runner(engine)
    deployed(engine, settings, run)
    assert "docker container stop -t 1 hello-dock-previous" in run.lines


@pytest.mark.parametrize("tags", [(), ("hello-dock:kept",)])
def test_a_swap_removes_the_image_that_the_old_one_ran(settings: Settings, tags: tuple[str, ...]) -> None:
    """After its container, which held it; not where somebody gave it another name."""
    engine = FakeEngine(CURRENT, images=KNOWN | {"old": Image("sha256:old", tags=tags)})
    run = Runner(engine)
    deployed(engine, settings, run)
    assert run.lines[-1] == (
        "docker container rm --force hello-dock-previous" if tags else "docker image rm sha256:old"
    )
    assert ("old" in engine.known) is bool(tags)


def test_the_image_of_one_that_serves_again_stays(settings: Settings) -> None:
    """Only a release that succeeded makes the one before it waste."""
    engine = FakeEngine(CURRENT, images=KNOWN | {"old": Image("sha256:old")})
    engine.births["hello-dock-prod"] = {"health": "unhealthy"}
    with pytest.raises(StartError):
        deployed(engine, settings)
    assert "old" in engine.known


def test_the_candidate_is_published_on_a_free_loopback_port(settings: Settings) -> None:
    """Nobody outside sees it, even where the release will be public."""
    engine = running(CURRENT)
    run = Runner(engine)
    deployed(engine, settings, run, public=True)
    assert "127.0.0.1::80" in run.ran[0]
    assert "0.0.0.0:8080:80" in next(args for args in run.ran if "hello-dock-prod" in args and args[2] == "run")


@pytest.mark.parametrize("birth", [{"state": "exited", "exit_code": 1}, {"health": "unhealthy"}])
def test_a_release_that_fails_the_gate_never_touches_what_serves(settings: Settings, birth: dict[str, object]) -> None:
    """The candidate is removed, its log is shown, and no command names the serving container."""
    engine = running(CURRENT)
    engine.births["hello-dock-candidate"] = birth
    engine.logged["hello-dock-candidate"] = "nginx: [emerg] no such directive"
    run = Runner(engine)
    with pytest.raises(StartError) as caught:
        deployed(engine, settings, run)
    assert (caught.value.why, caught.value.evidence) == (
        "hello-dock-prod serves on as before.",
        "nginx: [emerg] no such directive",
    )
    assert run.verbs == GATE
    assert engine.held == {"hello-dock-prod": CURRENT}


def test_a_release_with_a_missing_chunk_fails_the_gate(settings: Settings, web: Web) -> None:
    """It is healthy and its shell answers, and yet nobody could use it: what a browser loads is judged, too."""
    asked: list[int | None] = []

    def miss(request: httpx.Request, answer: Answer) -> None:
        asked.append(request.url.port)
        if request.url.path == "/assets/About-C2bRt-8x.js":
            answer.status, answer.body = 404, b"Not Found"

    web.answer = Site(miss)
    engine = running(CURRENT)
    run = Runner(engine)
    with pytest.raises(StartError) as caught:
        deployed(engine, settings, run)
    assert caught.value.what == "The new release does not pass the gate: http.files."
    assert caught.value.why == "hello-dock-prod serves on as before."
    assert caught.value.evidence == "/assets/About-C2bRt-8x.js: 404 text/javascript, expected 200 text/javascript"
    assert caught.value.how.startswith("Build again")
    assert run.verbs == GATE
    assert engine.held == {"hello-dock-prod": CURRENT}
    assert set(asked) == {49153}  # the candidate's; the one that serves is not asked


def test_a_minor_fault_does_not_stop_a_release(settings: Settings, web: Web) -> None:
    """`verify` tells of it; the gate is for what breaks the app."""
    web.answer = Site(lambda _request, answer: answer.set("referrer-policy"))
    assert not deployed(running(CURRENT), settings).unchanged


def test_a_release_that_fails_where_nothing_serves_says_so(settings: Settings) -> None:
    """One that was stopped before is not said to serve on."""
    engine = running(STOPPED)
    engine.births["hello-dock-candidate"] = {"health": "unhealthy"}
    with pytest.raises(StartError) as caught:
        deployed(engine, settings)
    assert caught.value.why == "hello-dock-prod is as it was, and does not run."
    assert engine.held == {"hello-dock-prod": STOPPED}


def test_a_candidate_that_does_not_start_never_touches_what_serves(settings: Settings) -> None:
    """Docker's own words are shown."""
    engine = running(CURRENT)
    refused = Result(125, "OCI runtime create failed")
    run = Runner(engine, {"docker container run --detach --name hello-dock-candidate": refused})
    with pytest.raises(StartError, match=r"serves on as before") as caught:
        deployed(engine, settings, run)
    assert caught.value.evidence == "OCI runtime create failed"
    assert not any("hello-dock-prod" in args for args in run.ran)
    assert engine.held == {"hello-dock-prod": CURRENT}


def interrupted(request: httpx.Request) -> httpx.Response:
    """Ctrl-C while the new release is waited for; the candidate's port is another."""
    if request.url.port == 8080:
        raise KeyboardInterrupt
    return Site()(request)


def killed(request: httpx.Request) -> httpx.Response:
    """A polite kill at the same place."""
    if request.url.port == 8080:
        os.kill(os.getpid(), signal.SIGTERM)
    return Site()(request)


def refuse_start(_engine: FakeEngine, run: Runner, _web: Web) -> type[BaseException]:
    """`docker container run` fails."""
    run.answers[START_PROD] = Result(125, "port is already allocated")
    return ConflictError


def turn_unhealthy(engine: FakeEngine, _run: Runner, _web: Web) -> type[BaseException]:
    """The new release is ill from the start."""
    engine.births["hello-dock-prod"] = {"health": "unhealthy"}
    return StartError


def interrupt(_engine: FakeEngine, _run: Runner, web: Web) -> type[BaseException]:
    """Somebody loses patience."""
    web.answer = interrupted
    return KeyboardInterrupt


def kill(_engine: FakeEngine, _run: Runner, web: Web) -> type[BaseException]:
    """A machine shuts down."""
    web.answer = killed
    return KeyboardInterrupt


Fault = Callable[[FakeEngine, Runner, Web], type[BaseException]]


@pytest.mark.parametrize("fault", [refuse_start, turn_unhealthy, interrupt, kill])
def test_after_a_fault_behind_the_gate_the_old_one_serves_again(settings: Settings, web: Web, fault: Fault) -> None:
    """It gets its name and its port back, and what did not come up is removed."""
    engine = running(CURRENT)
    run = Runner(engine)
    kind = fault(engine, run, web)
    with pytest.raises(kind):
        deployed(engine, settings, run)
    assert engine.held == {"hello-dock-prod": CURRENT}
    assert run.verbs[: len(GATE + ASIDE)] == GATE + ASIDE
    assert run.verbs[-2:] == BACK


@pytest.mark.parametrize("fault", [refuse_start, turn_unhealthy, interrupt, kill])
def test_after_a_fault_at_the_first_start_nothing_is_left(settings: Settings, web: Web, fault: Fault) -> None:
    """A container that never served does not block the next try."""
    engine = running()
    run = Runner(engine)
    kind = fault(engine, run, web)
    with pytest.raises(kind):
        deployed(engine, settings, run)
    assert engine.held == {}


def test_one_that_cannot_be_set_aside_serves_on(settings: Settings) -> None:
    """When Docker does not rename it, nothing else happens to it."""
    engine = running(CURRENT)
    taken = Result(1, 'Error response from daemon: Conflict. The container name "/hello-dock-previous" is in use')
    conflict = Result(125, 'Error response from daemon: Conflict. The container name "/hello-dock-prod" is in use')
    run = Runner(engine, {"docker container rename": taken, "docker container stop": taken, START_PROD: conflict})
    with pytest.raises(DockError):
        deployed(engine, settings, run)
    assert engine.held == {"hello-dock-prod": CURRENT}


def test_an_interruption_while_the_old_one_is_drained_is_mended(settings: Settings) -> None:
    """`docker container stop` takes seconds where requests are open: Ctrl-C in them brings the old one back."""

    class Impatient(Runner):
        def __call__(self, args: list[str], *, quiet: bool = False) -> Result:
            result = super().__call__(args, quiet=quiet)
            if args[2] == "stop":
                raise KeyboardInterrupt
            return result

    engine = running(CURRENT)
    run = Impatient(engine)
    with pytest.raises(KeyboardInterrupt):
        deployed(engine, settings, run)
    assert engine.held == {"hello-dock-prod": CURRENT}
    # The stop goes on in the engine: `start` would find the container still running, and do nothing.
    assert run.lines[-1] == "docker container restart -t 1 hello-dock-prod"


def test_a_move_to_a_taken_port_is_told_before_anything_happens(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who serves on one port is not stopped for another that is not free."""
    monkeypatch.setattr(socket.socket, "connect_ex", lambda _socket, address: 0 if address[1] == 8081 else 111)
    engine = running(CURRENT)
    engine.listening = {8081: Container("0", "web", image="nginx:1")}
    run = Runner(engine)
    with pytest.raises(ConflictError, match=r"Port 8081 on .* is in use by container web"):
        deployed(engine, configured(settings.root, prod_host_port="8081"), run)
    assert run.ran == []


def test_the_port_that_it_holds_itself_is_not_taken(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A swap on the same port is the usual case."""
    monkeypatch.setattr(socket.socket, "connect_ex", lambda _socket, _address: 0)
    assert deployed(running(CURRENT), settings).url == "http://127.0.0.1:8080"


@pytest.mark.parametrize("port", ["8081", "0"])
def test_a_move_to_a_free_port_is_a_swap(settings: Settings, port: str) -> None:
    """The new address comes back."""
    engine = running(CURRENT)
    outcome = deployed(engine, configured(settings.root, prod_host_port=port))
    assert outcome.url == f"http://127.0.0.1:{port if port != '0' else '49153'}"


CANDIDATE, PREVIOUS = ours("candidate"), ours("prod", name="hello-dock-previous", state="exited")
STOPPED = replace(CURRENT, state="exited")


@pytest.mark.parametrize(
    ("held", "verbs", "left"),
    [
        ([], [], []),
        ([CURRENT], [], ["hello-dock-prod"]),
        ([CANDIDATE], ["rm hello-dock-candidate"], []),
        ([CURRENT, CANDIDATE], ["rm hello-dock-candidate"], ["hello-dock-prod"]),
        ([CURRENT, PREVIOUS], ["rm hello-dock-previous"], ["hello-dock-prod"]),
        ([PREVIOUS], BACK, ["hello-dock-prod"]),
        ([STOPPED, PREVIOUS], ["rm hello-dock-prod", *BACK], ["hello-dock-prod"]),
        ([replace(CURRENT, state="created"), PREVIOUS], ["rm hello-dock-prod", *BACK], ["hello-dock-prod"]),
        ([PREVIOUS, CANDIDATE], ["rm hello-dock-candidate", *BACK], ["hello-dock-prod"]),
        ([CURRENT, PREVIOUS, CANDIDATE], ["rm hello-dock-candidate", "rm hello-dock-previous"], ["hello-dock-prod"]),
    ],
)
def test_an_interrupted_run_is_finished(
    settings: Settings, held: list[Container], verbs: list[str], left: list[str]
) -> None:
    """Whatever a killed run-prod left, one container is left after it, and it runs if any did."""
    engine = running(*held)
    run = Runner(engine)
    release.recover(run, engine, settings)
    assert run.verbs == verbs
    assert list(engine.held) == left
    assert all(container.state == "running" for container in engine.held.values())


@pytest.mark.parametrize("name", ["hello-dock-candidate", "hello-dock-previous", "hello-dock-prod"])
def test_a_strangers_container_under_one_of_our_names_is_left_alone(settings: Settings, name: str) -> None:
    """The message names it; nothing was done."""
    theirs = Container("0", name, image="nginx:1")
    engine = running(theirs)
    run = Runner(engine)
    with pytest.raises(ConflictError, match=name):
        deployed(engine, settings, run)
    assert (run.ran, engine.held) == ([], {name: theirs})


def test_without_an_image_no_build_is_told(settings: Settings) -> None:
    """The message names the task that builds it."""
    run = Runner()
    with pytest.raises(StartError, match="There is no image hello-dock:prod") as caught:
        deployed(FakeEngine(), settings, run)
    assert "invoke build-prod" in caught.value.how
    assert run.ran == []


def test_an_image_that_was_built_by_hand_runs(settings: Settings) -> None:
    """The handbook's own `docker image build --tag hello-dock:prod .` names no base."""
    engine = FakeEngine(images={"hello-dock:prod": Image("sha256:hand", 20_000_000)})
    outcome = deployed(engine, settings)
    assert (outcome.url, outcome.added) == ("http://127.0.0.1:8080", 0)


def test_an_image_whose_base_is_gone_runs(settings: Settings) -> None:
    """What it adds is then unknown, and no reason to stop."""
    engine = FakeEngine(images={"hello-dock:prod": NEW})
    assert deployed(engine, settings).added == 0


def test_a_dry_run_shows_the_build_and_the_start(settings: Settings) -> None:
    """Under --dry no engine is asked, and it is a first start."""
    run = Runner(dry=True)
    outcome = release.run_prod(run, NoEngine("hello-dock"), settings, public=False, rebuild=True)
    assert [args[1:3] for args in run.ran] == [["image", "build"], ["container", "run"]]
    assert outcome.url == ""
