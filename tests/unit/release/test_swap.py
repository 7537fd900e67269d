"""How a release starts to serve, and how it replaces another one on the same port."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from docktasks.commands import Result
from docktasks.containers import ports
from docktasks.engine.models import Container, Image
from docktasks.errors import ConflictError, DockError, StartError
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured, impatient
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.production import (
    BRIDGE,
    BRING_UP,
    DRAIN,
    GATE,
    HOLDER,
    HOLDER_PREVIOUS,
    NAME,
    NEXT,
    PREVIOUS,
    RECORD,
    TAKE_NAME,
    A,
    B,
    container_ids,
    deployed,
    image,
    is_whole,
    serve_a_build_b,
)
from tests.unit.fakes.runner import Runner
from tests.unit.fakes.sites import Site
from tests.unit.fakes.web import Web
from tests.unit.release.faults import BROKEN_RELEASES, INTERRUPTIONS, Fault


def test_first_release_passes_the_gate_as_every_other(engine: FakeEngine, settings: Settings) -> None:
    """Its assets are in the volume before it serves."""
    run = Runner(engine)
    assert deployed(engine, settings, run).url == "http://127.0.0.1:8080"
    assert run.verbs == [
        f"network create {NAME}",
        *GATE,
        f"carry add {A}",
        *BRING_UP,
        f"tag {image('a').short_id} hello-dock:{A}",
        f"carry keep {A}",
    ]
    assert is_whole(engine)


def test_swap_leaves_the_port_holder_untouched(engine: FakeEngine, settings: Settings) -> None:
    """The new release starts next to the current one, takes its name, and then the old one drains."""
    serve_a_build_b(engine, settings)
    ids, run = container_ids(engine), Runner(engine)
    assert deployed(engine, settings, run).url == "http://127.0.0.1:8080"
    assert run.verbs == [*GATE, *BRIDGE, f"run {NEXT}", *TAKE_NAME, *DRAIN, *RECORD]
    assert is_whole(engine)
    assert container_ids(engine)[HOLDER] == ids[HOLDER]
    assert engine.by_name[NAME].release == B


def test_swap_drains_within_the_drain_timeout(engine: FakeEngine, settings: Settings) -> None:
    """`docker container stop` gets prod.drain_timeout, by the flag -t, which every version of the CLI knows."""
    serve_a_build_b(engine, settings)
    run = Runner(engine)
    deployed(engine, configured(settings.root, prod_drain_timeout="7"), run)
    assert f"docker container stop -t 7 {PREVIOUS}" in run.lines


def test_untagged_image_is_removed_with_its_container(engine: FakeEngine, settings: Settings) -> None:
    """A release that never served cannot be rolled back to, so its image goes with its container."""
    serve_a_build_b(engine, settings)
    engine.image_store["unnamed"] = Image("sha256:unnamed")
    engine.by_name[NEXT] = own_container("prod", name=NEXT, image_id="sha256:unnamed")
    run = Runner(engine)
    deployed(engine, settings, run)
    assert "docker image rm sha256:unnamed" in run.lines
    assert f"hello-dock:{A}" in engine.image_ids()


def test_swap_records_a_current_release_without_a_tag(engine: FakeEngine, settings: Settings) -> None:
    """A release without its tag gets it before it is replaced, so that a rollback can reach it."""
    serve_a_build_b(engine, settings)
    engine.by_name[NAME] = replace(engine.by_name[NAME], image_id="sha256:unnamed")
    engine.image_store["unnamed"] = Image("sha256:unnamed", release="unnamed")
    deployed(engine, settings)
    assert "hello-dock:unnamed" in engine.image_ids()


def test_swap_prints_its_steps_in_order(
    engine: FakeEngine, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each step is printed when it is done."""
    serve_a_build_b(engine, settings)
    capsys.readouterr()
    deployed(engine, settings)
    lines = [line.split(" s  ")[1] for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "gate passed: 7 critical checks",
        "assets bridged",
        f"release {B} serves, next to release {A}",
        f"drained and removed release {A}",
    ]


def test_swap_waits_until_the_new_release_has_answered(engine: FakeEngine, settings: Settings, web: Web) -> None:
    """An address that answers proves nothing, because the current release answers there; the new one's log counts."""
    serve_a_build_b(engine, settings)
    ids = container_ids(engine)
    routed = engine.route(Site())

    def only_current_answers(request: httpx.Request) -> httpx.Response:
        return Site()(request) if request.url.port == 8080 else routed(request)

    web.answer = only_current_answers
    with pytest.raises(StartError, match=f"Container {NEXT} does not serve within 0 s .it has not answered a request"):
        deployed(engine, impatient(settings))
    assert container_ids(engine) == ids
    assert is_whole(engine)


@pytest.mark.parametrize("fault", BROKEN_RELEASES + INTERRUPTIONS)
def test_failed_swap_keeps_the_current_release(engine: FakeEngine, settings: Settings, web: Web, fault: Fault) -> None:
    """After a fault behind the gate the current release keeps its name and port; only the new image is left."""
    serve_a_build_b(engine, settings)
    ids, run = container_ids(engine), Runner(engine)
    error_type = fault(engine, run, web)
    with pytest.raises(error_type):
        deployed(engine, settings, run)
    assert run.verbs[:3] == [*GATE, *BRIDGE]
    assert container_ids(engine) == ids
    assert is_whole(engine)
    assert B in {image.release for image in engine.image_store.values()}


@pytest.mark.parametrize("fault", BROKEN_RELEASES + INTERRUPTIONS)
def test_failed_first_start_leaves_no_container(engine: FakeEngine, settings: Settings, web: Web, fault: Fault) -> None:
    """A container that never served must not block the next try."""
    run = Runner(engine)
    error_type = fault(engine, run, web)
    with pytest.raises(error_type):
        deployed(engine, settings, run)
    assert engine.by_name == {}


def test_swap_keeps_a_current_release_that_cannot_be_renamed(engine: FakeEngine, settings: Settings) -> None:
    """If Docker does not rename the current release, the error has Docker's words, and that release keeps serving."""
    serve_a_build_b(engine, settings)
    ids = container_ids(engine)
    conflict = Result(1, "Error response from daemon: Conflict. The container name is already in use")
    run = Runner(engine, {f"docker container rename {NAME} ": conflict})
    with pytest.raises(StartError, match=f"{NAME} cannot be renamed to {PREVIOUS}") as caught:
        deployed(engine, settings, run)
    assert caught.value.evidence == conflict.output
    assert container_ids(engine) == ids
    assert is_whole(engine)


def test_new_release_that_cannot_take_the_name_serves(engine: FakeEngine, settings: Settings) -> None:
    """Without its name the new release still answers next to the old one; the next task completes the swap."""
    serve_a_build_b(engine, settings)
    run = Runner(engine, {f"docker container rename {NEXT} ": Result(1, "Error response from daemon: no")})
    with pytest.raises(StartError, match=f"{NEXT} cannot be renamed to {NAME}"):
        deployed(engine, settings, run)
    assert {container.name for container in engine.listeners(8080)} == {PREVIOUS, NEXT}
    deployed(engine, settings)
    assert is_whole(engine)
    assert engine.by_name[NAME].release == B


def test_first_start_at_a_taken_port_names_its_owner(engine: FakeEngine, settings: Settings) -> None:
    """Docker refuses the port and leaves a container that was never started; it is removed."""
    engine.port_owners = {8080: Container("0", "web", image="nginx:1")}
    with pytest.raises(ConflictError, match=r"Port 8080 on .* is in use by container web"):
        deployed(engine, settings)
    assert engine.by_name == {}


def test_taken_port_is_an_error_before_the_gate(
    engine: FakeEngine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for checks whose release could not serve."""
    monkeypatch.setattr(ports, "is_listening", lambda _host, port: port == 8080)
    run = Runner(engine)
    with pytest.raises(ConflictError, match="Port 8080"):
        deployed(engine, settings, run)
    assert run.ran == []


@pytest.mark.parametrize("name", [NAME, HOLDER, NEXT, PREVIOUS, HOLDER_PREVIOUS])
def test_unrelated_container_with_one_of_our_names_is_not_touched(
    engine: FakeEngine, settings: Settings, name: str
) -> None:
    """The error names the container, before any command has changed it."""
    unrelated = Container("0", name, image="nginx:1")
    engine.by_name[name] = unrelated
    with pytest.raises(ConflictError, match=name):
        deployed(engine, settings)
    assert engine.by_name[name] == unrelated


def test_unrelated_volume_is_not_used(engine: FakeEngine, settings: Settings) -> None:
    """A release would remove the other files in the volume together with old assets."""
    engine.unrelated_volumes = ["hello-dock-carried"]
    run = Runner(engine)
    with pytest.raises(ConflictError, match="hello-dock did not create the volume hello-dock-carried"):
        deployed(engine, settings, run)
    assert run.ran == []


def test_swap_stops_if_assets_cannot_be_bridged(engine: FakeEngine, settings: Settings) -> None:
    """The new release gets no request, because pages of the current one would miss their assets."""
    serve_a_build_b(engine, settings)
    ids = container_ids(engine)
    run = Runner(engine, {"docker container run --rm": Result(1, "no space left on device")})
    with pytest.raises(DockError, match=f"The assets of release {B} could not be bridged"):
        deployed(engine, settings, run)
    assert (container_ids(engine), run.verbs) == (ids, [*GATE, *BRIDGE])


def test_failed_drain_leaves_the_new_release_serving(engine: FakeEngine, settings: Settings) -> None:
    """The new release has its name already; the next task removes the old container."""
    serve_a_build_b(engine, settings)
    run = Runner(engine, {"docker container stop": Result(1), f"docker container rm --force {PREVIOUS}": Result(1)})
    deployed(engine, settings, run)
    assert (engine.by_name[NAME].release, sorted(engine.by_name)) == (B, [NAME, HOLDER, PREVIOUS])
    deployed(engine, settings)
    assert is_whole(engine)


def remove_release(engine: FakeEngine) -> None:
    """Remove the current release by hand."""
    engine.apply(["docker", "container", "rm", "--force", NAME])


def test_broken_release_does_not_replace_the_port_holder(engine: FakeEngine, settings: Settings) -> None:
    """The port holder serves in place of a release that was removed, so a new release has to pass the gate first."""
    serve_a_build_b(engine, settings)
    remove_release(engine)
    engine.silent_ids.discard(engine.by_name[HOLDER].id)  # it has noticed
    candidate = f"{NAME}-candidate"
    engine.start_states[candidate] = {"health": "unhealthy"}
    run = Runner(engine)
    with pytest.raises(StartError) as caught:
        deployed(engine, settings, run)
    assert caught.value.why == f"{HOLDER} keeps serving."
    assert run.verbs == GATE
    assert list(engine.by_name) == [HOLDER]


def test_port_holder_of_another_port_is_not_reused(engine: FakeEngine, settings: Settings) -> None:
    """Without a current release, another port takes effect at once."""
    deployed(engine, settings)
    remove_release(engine)
    run = Runner(engine)
    assert deployed(engine, configured(settings.root, prod_host_port="8081"), run).url == "http://127.0.0.1:8081"
    assert run.verbs[:6] == [*GATE, f"carry add {A}", f"rm {HOLDER}", *BRING_UP]


@pytest.mark.parametrize("serves", [True, False], ids=["a release serves", "after a stop"])
def test_release_with_other_bytes_under_a_kept_name_is_refused(
    engine: FakeEngine, settings: Settings, *, serves: bool
) -> None:
    """Its files would be answered to pages of the kept release. It is refused before anything changes."""
    serve_a_build_b(engine, settings)
    if not serves:
        engine.by_name.clear()
    before = container_ids(engine)
    refused = Result(3, f"assets/app-Abcdef12.js differs from release {A}\n")
    run = Runner(engine, {"docker container run --rm": refused})
    with pytest.raises(StartError, match=f"Release {B} has other bytes under a hashed name") as caught:
        deployed(engine, settings, run, page_config="")
    assert caught.value.evidence == f"assets/app-Abcdef12.js differs from release {A}"
    assert container_ids(engine) == before


def test_unhealthy_release_is_swapped_for_itself(engine: FakeEngine, settings: Settings) -> None:
    """run-prod does not wait for an unhealthy release to recover: the same image replaces it."""
    deployed(engine, settings)
    unhealthy = engine.by_name[NAME]
    engine.by_name[NAME] = replace(unhealthy, health="unhealthy")
    assert not deployed(engine, settings).unchanged
    assert is_whole(engine)
    assert (engine.by_name[NAME].release, engine.by_name[NAME].health) == (unhealthy.release, "healthy")
    assert engine.by_name[NAME].id != unhealthy.id
