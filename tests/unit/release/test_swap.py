"""How one release takes another's place; that it survives an interruption anywhere is in test_interruption.py."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.engine.dry_run import DryRunEngine
from docktasks.engine.models import Container, Image, Published
from docktasks.errors import ConflictError, DockError, StartError
from docktasks.progress import Progress
from docktasks.release.run_args import HOLDER_COMMAND
from docktasks.release.swap import Production
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured, impatient
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.production import (
    CANDIDATE,
    CARRY,
    HOLDER,
    HOLDER_PREVIOUS,
    NAME,
    NEXT,
    PREVIOUS,
    A,
    B,
    build,
    deployed,
    ids,
    serving,
)
from tests.unit.fakes.runner import Runner
from tests.unit.fakes.sites import Site
from tests.unit.fakes.web import Web

GATE = [f"run {CANDIDATE}", f"rm {CANDIDATE}", f"carry add {B}"]
TAKE_OVER = [f"rename {NAME} {PREVIOUS}", f"rename {NEXT} {NAME}"]
DRAIN = [f"stop {PREVIOUS}", f"rm {PREVIOUS}"]
FIRST = [f"run {HOLDER}", f"run {NAME}", f"carry add {A}", f"tag {A} hello-dock:{A}", f"carry keep {A}"]
REMEMBER = [f"tag {B} hello-dock:{B}", f"carry keep {B} {A}"]
SET_ASIDE = [f"rename {NAME} {PREVIOUS}", f"rename {HOLDER} {HOLDER_PREVIOUS}"]
BRING_UP = [f"run {HOLDER}", f"run {NAME}"]


def whole(engine: FakeEngine) -> bool:
    """One release that is reached, behind one port holder, and nothing beside them."""
    return sorted(engine.by_name) == [NAME, HOLDER] and [each.name for each in engine.listeners(8080)] == [NAME]


def test_the_first_start_needs_no_gate(engine: FakeEngine, settings: Settings) -> None:
    """There is nothing to protect: it starts, and its address comes back; its assets are carried over after that."""
    run = Runner(engine)
    assert deployed(engine, settings, run).url == "http://127.0.0.1:8080"
    assert run.verbs == FIRST
    assert whole(engine)


def test_a_swap_never_touches_the_port(engine: FakeEngine, settings: Settings) -> None:
    """The new one listens beside the old one, gets its name, and then the old one ends what it has begun."""
    serving(engine, settings)
    before, run = ids(engine), Runner(engine)
    assert deployed(engine, settings, run).url == "http://127.0.0.1:8080"
    assert run.verbs == [*GATE, f"run {NEXT}", *TAKE_OVER, *DRAIN, *REMEMBER]
    assert whole(engine)
    assert ids(engine)[HOLDER] == before[HOLDER]
    assert engine.by_name[NAME].release == B


def test_the_old_one_has_time_to_end_what_it_has_begun(engine: FakeEngine, settings: Settings) -> None:
    """prod.drain_timeout seconds, by a flag that every CLI knows, whatever its long name is."""
    serving(engine, settings)
    run = Runner(engine)
    deployed(engine, configured(settings.root, prod_drain_timeout="7"), run)
    assert f"docker container stop -t 7 {PREVIOUS}" in run.lines


def test_an_image_that_has_no_name_goes_with_its_container(engine: FakeEngine, settings: Settings) -> None:
    """Which held it: it never served, so nobody can go back to it."""
    serving(engine, settings)
    engine.image_store["unnamed"] = Image("sha256:unnamed")
    engine.by_name[NEXT] = own_container("prod", name=NEXT, image_id="sha256:unnamed")
    run = Runner(engine)
    deployed(engine, settings, run)
    assert "docker image rm sha256:unnamed" in run.lines
    assert f"hello-dock:{A}" in engine.image_ids


def test_what_served_has_a_name_before_it_goes(engine: FakeEngine, settings: Settings) -> None:
    """Though its image had lost its only one: it can be rolled back to."""
    serving(engine, settings)
    engine.by_name[NAME] = replace(engine.by_name[NAME], image_id="sha256:unnamed")
    engine.image_store["unnamed"] = Image("sha256:unnamed")
    deployed(engine, settings)
    assert "hello-dock:unnamed" in engine.image_ids


def test_a_swap_tells_its_steps(engine: FakeEngine, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """What was done, in the order in which it was."""
    serving(engine, settings)
    capsys.readouterr()
    deployed(engine, settings)
    lines = [line.split(" s  ")[1] for line in capsys.readouterr().out.splitlines()]
    assert [line.split(":")[0] for line in lines] == [
        "gate passed",
        "its assets are there for pages of both releases",
        f"release {B} answers beside release {A}",
        f"release {A} has answered what it had begun to, and is removed",
    ]


def test_one_that_answers_nobody_does_not_take_over(engine: FakeEngine, settings: Settings, web: Web) -> None:
    """The address answers all the while, by the old one alone: the new one's own log is what counts."""
    serving(engine, settings)
    before = ids(engine)
    answer = engine.route(Site())

    def by_the_old_one(request: httpx.Request) -> httpx.Response:
        if request.url.port == 8080:
            return Site()(request)
        return answer(request)

    web.answer = by_the_old_one
    with pytest.raises(StartError, match=f"Container {NEXT} does not serve within 0 s .it has answered nobody yet"):
        deployed(engine, impatient(settings))
    assert ids(engine) == before
    assert whole(engine)


def refuse_start(_engine: FakeEngine, run: Runner, _web: Web) -> type[BaseException]:
    """`docker container run` fails."""
    refusal = Result(125, "OCI runtime create failed")
    run.answers |= {f"docker container run --detach --name {name} ": refusal for name in (NEXT, NAME)}
    return StartError


def end_at_once(engine: FakeEngine, _run: Runner, _web: Web) -> type[BaseException]:
    """The new release crashes behind the port, though it did not behind the gate."""
    engine.start_states |= {NEXT: {"state": "exited", "exit_code": 1}, NAME: {"state": "exited", "exit_code": 1}}
    return StartError


def turn_unhealthy(engine: FakeEngine, _run: Runner, _web: Web) -> type[BaseException]:
    """The new release is ill from the start."""
    engine.start_states |= {NEXT: {"health": "unhealthy"}, NAME: {"health": "unhealthy"}}
    return StartError


def interrupt(engine: FakeEngine, _run: Runner, web: Web) -> type[BaseException]:
    """Somebody loses patience while the new release is waited for."""
    site = engine.route(Site())

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.port != 49153:  # the candidate's
            web.answer = site  # once
            raise KeyboardInterrupt
        return site(request)

    web.answer = answer
    return KeyboardInterrupt


def kill(engine: FakeEngine, _run: Runner, web: Web) -> type[BaseException]:
    """A machine shuts down, or a terminal is closed, at the same place."""
    site = engine.route(Site())

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.port != 49153:
            web.answer = site
            os.kill(os.getpid(), signal.SIGTERM)
        return site(request)

    web.answer = answer
    return KeyboardInterrupt


Fault = Callable[[FakeEngine, Runner, Web], type[BaseException]]
BROKEN: list[Fault] = [refuse_start, end_at_once, turn_unhealthy]
ENDED: list[Fault] = [interrupt, kill]


@pytest.mark.parametrize(
    ("fault", "public"),
    [*((fault, False) for fault in BROKEN + ENDED), *((fault, True) for fault in BROKEN)],
)
def test_after_a_fault_behind_the_gate_the_old_one_serves(
    engine: FakeEngine, settings: Settings, web: Web, fault: Fault, *, public: bool
) -> None:
    """Under its name and at its port, in a swap and in a move; what did not come up is gone, but for its image."""
    serving(engine, settings)
    before, run = ids(engine), Runner(engine)
    kind = fault(engine, run, web)
    with pytest.raises(kind):
        deployed(engine, settings, run, public=public)
    assert run.verbs[: len(GATE)] == GATE
    assert ids(engine) == before
    assert whole(engine)
    assert B in {image.short_id for image in engine.image_store.values()}


@pytest.mark.parametrize("fault", ENDED)
@pytest.mark.parametrize("health", ["healthy", "starting"])
def test_an_interrupted_move_is_finished_where_the_new_one_is_well(
    engine: FakeEngine, settings: Settings, web: Web, fault: Fault, health: str
) -> None:
    """Going back would be another gap; but one that is not well yet is no reason to give up one that was."""
    serving(engine, settings)
    engine.start_states[NAME] = {"health": health}
    run = Runner(engine)
    kind = fault(engine, run, web)
    with pytest.raises(kind):
        deployed(engine, settings, run, public=True)
    assert whole(engine)
    assert engine.by_name[NAME].release == (B if health == "healthy" else A)


@pytest.mark.parametrize("fault", BROKEN + ENDED)
def test_after_a_fault_at_the_first_start_nothing_is_left(
    engine: FakeEngine, settings: Settings, web: Web, fault: Fault
) -> None:
    """A container that never served does not block the next try."""
    run = Runner(engine)
    kind = fault(engine, run, web)
    with pytest.raises(kind):
        deployed(engine, settings, run)
    assert engine.by_name == {}


def test_one_that_cannot_be_set_aside_serves_on(engine: FakeEngine, settings: Settings) -> None:
    """When Docker does not rename it, its words are told, and nothing else happens to it."""
    serving(engine, settings)
    before = ids(engine)
    conflict = Result(1, "Error response from daemon: Conflict. The container name is already in use")
    run = Runner(engine, {f"docker container rename {NAME} ": conflict})
    with pytest.raises(StartError, match=f"{NAME} cannot be renamed to {PREVIOUS}") as caught:
        deployed(engine, settings, run)
    assert caught.value.evidence == conflict.output
    assert ids(engine) == before
    assert whole(engine)


def test_one_that_cannot_take_the_name_serves_all_the_same(engine: FakeEngine, settings: Settings) -> None:
    """Whatever the names are, both answer; the next task finishes it."""
    serving(engine, settings)
    run = Runner(engine, {f"docker container rename {NEXT} ": Result(1, "Error response from daemon: no")})
    with pytest.raises(StartError, match=f"{NEXT} cannot be renamed to {NAME}"):
        deployed(engine, settings, run)
    assert {each.name for each in engine.listeners(8080)} == {PREVIOUS, NEXT}
    deployed(engine, settings)
    assert whole(engine)
    assert engine.by_name[NAME].release == B


@pytest.mark.parametrize("port", ["8081", "0"])
def test_a_move_to_another_port_has_no_gap(
    engine: FakeEngine, settings: Settings, capsys: pytest.CaptureFixture[str], port: str
) -> None:
    """Both ports are served until the old release is gone with its port holder."""
    serving(engine, settings)
    run = Runner(engine)
    outcome = deployed(engine, configured(settings.root, prod_host_port=port), run)
    assert outcome.url == f"http://127.0.0.1:{port if port != '0' else '49153'}"
    assert run.verbs == GATE + SET_ASIDE + BRING_UP + DRAIN + [f"rm {HOLDER_PREVIOUS}"] + REMEMBER
    assert (sorted(engine.by_name), engine.listeners(8080)) == ([NAME, HOLDER], [])
    assert "a gap begins" not in capsys.readouterr().out


def test_a_move_to_another_address_of_the_port_has_one_which_is_told(
    engine: FakeEngine, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """The port has to be free before another holder can publish it: a second is all the old one gets."""
    serving(engine, settings)
    run = Runner(engine)
    assert deployed(engine, settings, run, public=True).url == "http://127.0.0.1:8080"
    take_port = ", ".join([f"stop {PREVIOUS}", f"stop {HOLDER_PREVIOUS}", *BRING_UP])
    assert run.verbs == [*GATE, *SET_ASIDE, f"{take_port} in one", *DRAIN, f"rm {HOLDER_PREVIOUS}", *REMEMBER]
    taking = run.ran[run.verbs.index(f"{take_port} in one")]
    assert taking[:3] == ["setsid", "sh", "-c"]
    assert f"docker container stop -t 1 {PREVIOUS} && " in taking[-1]
    assert "! 0.0.0.0:8080 needs the port that the release is served on: a gap begins.\n" in capsys.readouterr().out
    assert engine.by_name[HOLDER].published == (Published("0.0.0.0", 8080, 80),)  # noqa: S104 - read, not bound
    assert engine.by_name[NAME].labels["hello-dock.public"] == "true"


def test_a_move_to_a_taken_port_is_told_before_anything_happens(engine: FakeEngine, settings: Settings) -> None:
    """Who serves on one port is not stopped for another that is not free."""
    serving(engine, settings)
    engine.port_owners = {8081: Container("0", "web", image="nginx:1")}
    run = Runner(engine)
    with pytest.raises(ConflictError, match=r"Port 8081 on .* is in use by container web"):
        deployed(engine, configured(settings.root, prod_host_port="8081"), run)
    assert run.ran == []


def test_a_first_start_at_a_taken_port_is_told(engine: FakeEngine, settings: Settings) -> None:
    """By Docker, which left half a container behind; nothing of it stays."""
    engine.port_owners = {8080: Container("0", "web", image="nginx:1")}
    with pytest.raises(ConflictError, match=r"Port 8080 on .* is in use by container web"):
        deployed(engine, settings)
    assert engine.by_name == {}


def test_back_to_the_first_port(engine: FakeEngine, settings: Settings) -> None:
    """A move there and back leaves what there was."""
    serving(engine, settings)
    deployed(engine, configured(settings.root, prod_host_port="8081"))
    deployed(engine, settings)
    assert whole(engine)


@pytest.mark.parametrize("name", [NAME, HOLDER, NEXT, PREVIOUS, HOLDER_PREVIOUS])
def test_a_strangers_container_under_one_of_our_names_is_left_alone(
    engine: FakeEngine, settings: Settings, name: str
) -> None:
    """The message names it, before anything was done to it."""
    theirs = Container("0", name, image="nginx:1")
    engine.by_name[name] = theirs
    with pytest.raises(ConflictError, match=name):
        deployed(engine, settings)
    assert engine.by_name[name] == theirs


def stop_release(engine: FakeEngine) -> None:
    """`docker container stop` by hand."""
    engine.apply(["docker", "container", "stop", NAME])


def stop_both(engine: FakeEngine) -> None:
    """Both are stopped by hand."""
    stop_release(engine)
    engine.apply(["docker", "container", "stop", HOLDER])


def stop_holder(engine: FakeEngine) -> None:
    """The port holder alone: the release runs on, where nobody reaches it."""
    engine.apply(["docker", "container", "stop", HOLDER])


def restart_holder(engine: FakeEngine) -> None:
    """The port holder died, and Docker started it again, with another network."""
    engine.apply(["docker", "container", "restart", HOLDER])


def remove_holder(engine: FakeEngine) -> None:
    """The port holder was removed by hand."""
    engine.apply(["docker", "container", "rm", "--force", HOLDER])


def remove_release(engine: FakeEngine) -> None:
    """The release was removed by hand."""
    engine.apply(["docker", "container", "rm", "--force", NAME])


@pytest.mark.parametrize("newer", [False, True], ids=["the same release", "a newer one"])
@pytest.mark.parametrize(
    ("accident", "verbs"),
    [
        (stop_release, [f"restart {NAME}"]),
        (stop_both, [f"restart {HOLDER}", f"restart {NAME}"]),
        (stop_holder, [f"restart {HOLDER}", f"restart {NAME}"]),
        (restart_holder, [f"restart {NAME}"]),
        (remove_holder, [f"rm {NAME}", f"run {HOLDER}", f"run {NAME}"]),
        (remove_release, [f"run {CANDIDATE}", f"rm {CANDIDATE}"]),
    ],
)
def test_what_somebody_took_down_by_hand_serves_again(
    engine: FakeEngine, settings: Settings, accident: Callable[[FakeEngine], None], verbs: list[str], *, newer: bool
) -> None:
    """First that; a newer release then takes its place as always."""
    deployed(engine, settings)
    accident(engine)
    assert engine.listeners(8080) == []
    if newer:
        build(engine, "b")
    run = Runner(engine)
    deployed(engine, settings, run)
    assert run.verbs[: len(verbs)] == verbs
    assert whole(engine)


def test_a_broken_release_does_not_take_over_from_the_port_holder(engine: FakeEngine, settings: Settings) -> None:
    """Which serves in the place of a release that was removed, and goes on."""
    deployed(engine, settings)
    remove_release(engine)
    build(engine, "b")
    engine.start_states[CANDIDATE] = {"health": "unhealthy"}
    run = Runner(engine)
    with pytest.raises(StartError) as caught:
        deployed(engine, settings, run)
    assert caught.value.why == f"{HOLDER} serves on as before."
    assert run.verbs == [f"run {CANDIDATE}", f"rm {CANDIDATE}"]
    assert list(engine.by_name) == [HOLDER]


def test_a_holder_of_another_port_is_not_used_again(engine: FakeEngine, settings: Settings) -> None:
    """Where no release is left, the port can be changed at once."""
    deployed(engine, settings)
    remove_release(engine)
    run = Runner(engine)
    assert deployed(engine, configured(settings.root, prod_host_port="8081"), run).url == "http://127.0.0.1:8081"
    assert run.verbs[:3] == [f"rm {HOLDER}", f"run {HOLDER}", f"run {NAME}"]


def release_of(name: str, state: str = "running") -> Container:
    """A release of ours, under that name."""
    return own_container("prod", name=name, state=state, health="healthy", image_id="sha256:" + "a" * 64)


@pytest.mark.parametrize(
    ("left", "verbs"),
    [
        ([NAME], []),
        ([NAME, CANDIDATE], [f"rm {CANDIDATE}"]),
        ([NAME, CARRY], [f"rm {CARRY}"]),
        ([NAME, NEXT], [f"stop {NEXT}", f"rm {NEXT}"]),
        ([NAME, PREVIOUS], DRAIN),
        ([NEXT, PREVIOUS], [f"rename {NEXT} {NAME}", *DRAIN]),
        ([PREVIOUS], [f"rename {PREVIOUS} {NAME}"]),
        ([NEXT], [f"rename {NEXT} {NAME}"]),
        ([CANDIDATE], [f"rm {CANDIDATE}"]),
    ],
)
def test_what_a_killed_swap_left_is_finished(
    engine: FakeEngine, settings: Settings, left: list[str], verbs: list[str]
) -> None:
    """Or undone, where the new release had not been proven yet."""
    deployed(engine, settings)
    holder = engine.by_name[HOLDER]
    engine.by_name = {HOLDER: holder} | {name: release_of(name) for name in left}
    engine.network_owner_ids |= {f"id-of-{name}": holder.id for name in left if name not in (CANDIDATE, CARRY)}
    engine.by_name = {name: replace(each, started=holder.started + "0") for name, each in engine.by_name.items()}
    run = Runner(engine)
    settled = Production(Project(run, engine, settings), Progress(silent=True)).recover()
    assert settled is bool({NEXT, PREVIOUS} & set(left))
    assert run.verbs == verbs
    assert sorted(engine.by_name) == ([NAME, HOLDER] if left != [CANDIDATE] else [HOLDER])


@pytest.mark.parametrize("base", [True, False], ids=["there", "gone"])
def test_the_port_holder_runs_its_releases_base(engine: FakeEngine, settings: Settings, *, base: bool) -> None:
    """Which outlives the release; without it, the release's own image will do as well."""
    if not base:
        del engine.image_store["nginx:stable-alpine"]
    run = Runner(engine)
    deployed(engine, settings, run)
    assert run.ran[0][-3:] == ["nginx:stable-alpine" if base else A, "-c", HOLDER_COMMAND]


def test_a_dry_run_is_a_first_start(settings: Settings) -> None:
    """No engine is asked, and nobody is waited for."""
    run = Runner(dry=True)
    production = Production(Project(run, DryRunEngine("hello-dock"), settings), Progress(silent=True))
    production.recover()
    assert (run.ran, production.bind, production.container()) == ([], None, None)


def test_an_engine_that_fails_while_the_old_one_drains_leaves_the_new_one(
    engine: FakeEngine, settings: Settings
) -> None:
    """It has the name already; what is left of the old one goes with the next task."""
    serving(engine, settings)
    run = Runner(engine, {"docker container stop": Result(1), f"docker container rm --force {PREVIOUS}": Result(1)})
    deployed(engine, settings, run)
    assert (engine.by_name[NAME].release, sorted(engine.by_name)) == (B, [NAME, HOLDER, PREVIOUS])
    deployed(engine, settings)
    assert whole(engine)


def test_assets_that_cannot_be_carried_over_stop_a_swap(engine: FakeEngine, settings: Settings) -> None:
    """Before the new release gets any traffic."""
    serving(engine, settings)
    before = ids(engine)
    run = Runner(engine, {"docker container run --rm": Result(1, "no space left on device")})
    with pytest.raises(DockError, match="could not be carried over"):
        deployed(engine, settings, run)
    assert (ids(engine), run.verbs) == (before, GATE)


def test_a_strangers_volume_is_left_alone(engine: FakeEngine, settings: Settings) -> None:
    """What is in it would be removed with the assets of old releases."""
    engine.unrelated_volumes = ["hello-dock-carried"]
    run = Runner(engine)
    with pytest.raises(ConflictError, match="The volume hello-dock-carried is one that hello-dock did not make"):
        deployed(engine, settings, run)
    assert run.ran == []


def test_a_release_that_somebody_renamed_gets_its_name_back(engine: FakeEngine, settings: Settings) -> None:
    """It is the one that serves."""
    deployed(engine, settings)
    engine.apply(["docker", "container", "rename", NAME, "mine"])
    run = Runner(engine)
    assert deployed(engine, settings, run).unchanged
    assert run.verbs == [f"rename mine {NAME}"]
    assert whole(engine)


def test_a_release_under_another_name_does_not_answer_beside_the_current_one(
    engine: FakeEngine, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told that it goes, and ends what it has begun."""
    serving(engine, settings)
    deployed(engine, settings)
    engine.by_name["mine"] = replace(release_of("mine"), started="9", published=(Published("127.0.0.1", 8080, 80),))
    run = Runner(engine)
    deployed(engine, settings, run)
    assert run.verbs[:2] == ["stop mine", "rm mine"]
    assert "! mine is a release of this project under another name: it goes.\n" in capsys.readouterr().out
    assert whole(engine)


def test_a_release_that_is_unhealthy_is_replaced_by_itself(engine: FakeEngine, settings: Settings) -> None:
    """Waiting for it would help nobody."""
    deployed(engine, settings)
    ill = engine.by_name[NAME]
    engine.by_name[NAME] = replace(ill, health="unhealthy")
    assert not deployed(engine, settings).unchanged
    assert whole(engine)
    assert (engine.by_name[NAME].release, engine.by_name[NAME].health) == (ill.release, "healthy")
    assert engine.by_name[NAME].id != ill.id
