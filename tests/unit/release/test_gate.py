from __future__ import annotations

import httpx
import pytest

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.engine.models import Container
from docktasks.errors import ConflictError, StartError
from docktasks.release import gate
from docktasks.release.run_args import Release
from docktasks.settings import Settings
from tests.unit.fakes.apps import impatient
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.production import CANDIDATE, deployed, ids, image, serving
from tests.unit.fakes.runner import Runner
from tests.unit.fakes.sites import Answer, Site
from tests.unit.fakes.web import Web

GATE = [f"run {CANDIDATE}", f"rm {CANDIDATE}"]
MISSING = "/assets/About-C2bRt-8x.js"
URL = "http://127.0.0.1:49153"


def miss(request: httpx.Request, answer: Answer) -> None:
    """A chunk is not there."""
    if request.url.path == MISSING:
        answer.status, answer.body = 404, b"Not Found"


def refused(engine: FakeEngine, settings: Settings, run: Runner | None = None) -> StartError:
    """The error of a release that does not pass, after which what served was not touched by any command."""
    run = run or Runner(engine)
    serving(engine, settings)
    before = dict(engine.by_name)
    with pytest.raises(StartError) as caught:
        deployed(engine, settings, run)
    assert caught.value.why == "hello-dock-prod serves on as before."
    assert (run.verbs, engine.by_name) == (GATE, before)
    return caught.value


def test_what_it_passed_is_told_and_the_candidate_is_gone(engine: FakeEngine, settings: Settings) -> None:
    """The critical checks, by their ids, and where it was judged."""
    run = Runner(engine)
    passed = gate.check_candidate(Project(run, engine, settings), Release(image("a")))
    assert passed.startswith("gate passed: http.files, ")
    assert passed.endswith(f" on {URL}")
    assert (run.verbs, engine.by_name) == (GATE, {})


@pytest.mark.parametrize("public", [True, False])
def test_the_candidate_is_published_on_a_free_loopback_port(
    engine: FakeEngine, settings: Settings, *, public: bool
) -> None:
    """Nobody outside sees it, even where the release will be public."""
    serving(engine, settings)
    run = Runner(engine)
    deployed(engine, settings, run, public=public)
    assert "127.0.0.1::80" in run.ran[0]
    assert "hello-dock.public=true" not in run.ran[0]


@pytest.mark.parametrize(
    ("birth", "what"),
    [
        ({"state": "exited", "exit_code": 1}, "stopped with exit code 1"),
        ({"health": "unhealthy"}, "is unhealthy"),
    ],
)
def test_one_that_does_not_come_up_never_touches_what_serves(
    engine: FakeEngine, settings: Settings, birth: dict[str, object], what: str
) -> None:
    """The candidate is removed, and its log is shown."""
    engine.start_states[CANDIDATE] = birth
    engine.container_logs[CANDIDATE] = "nginx: [emerg] no such directive"
    error = refused(engine, settings)
    assert error.what == f"Container {CANDIDATE} {what}."
    assert "nginx: [emerg] no such directive" in error.evidence


def test_one_that_never_answers_is_given_up(engine: FakeEngine, settings: Settings) -> None:
    """After prod.deploy_timeout seconds."""
    engine.start_states[CANDIDATE] = {"health": "starting"}
    hurried = impatient(settings)
    assert "does not serve within 0 s" in refused(engine, hurried).what


def test_one_with_a_missing_chunk_does_not_pass(engine: FakeEngine, settings: Settings, web: Web) -> None:
    """It is healthy and its shell answers, and yet nobody could use it: what a browser loads is judged, too."""
    asked: list[int | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.port)
        return Site(miss)(request)

    serving(engine, settings)
    web.answer = engine.route(answer)
    with pytest.raises(StartError) as caught:
        deployed(engine, settings)
    error = caught.value
    assert error.what == "The new release does not pass the gate: http.files."
    assert error.evidence.startswith(f"{MISSING}: 404 text/javascript, expected 200 text/javascript\n")
    assert error.how.startswith("Build again")
    assert set(asked) == {49153}  # the candidate's; the one that serves is not asked


def test_the_log_of_one_that_does_not_pass_is_shown(engine: FakeEngine, settings: Settings, web: Web) -> None:
    """Before it is gone."""
    engine.container_logs[CANDIDATE] = "one\ntwo"
    run = Runner(engine)
    web.answer = Site(miss)  # nobody logs a request here
    with pytest.raises(StartError) as caught:
        gate.check_candidate(Project(run, engine, settings), Release(image("a")))
    assert caught.value.evidence.endswith("\nIts last log lines:\none\ntwo")
    assert engine.by_name == {}


def referrer(_request: httpx.Request, answer: Answer) -> None:
    """A header is missing that a browser can do without."""
    answer.set("referrer-policy")


def test_a_minor_fault_passes(engine: FakeEngine, settings: Settings, web: Web) -> None:
    """`verify` tells of it; the gate is for what breaks the app."""
    serving(engine, settings)
    web.answer = engine.route(Site(referrer))
    assert not deployed(engine, settings).unchanged


def test_one_that_docker_does_not_start_never_touches_what_serves(engine: FakeEngine, settings: Settings) -> None:
    """Docker's own words are shown."""
    refusal = Result(125, "OCI runtime create failed")
    run = Runner(engine, {f"docker container run --detach --name {CANDIDATE}": refusal})
    assert refused(engine, settings, run).evidence == "OCI runtime create failed"


def test_a_strangers_container_of_its_name_is_left_alone(engine: FakeEngine, settings: Settings) -> None:
    """It is told before anything happens."""
    serving(engine, settings)
    engine.by_name[CANDIDATE] = Container("0", CANDIDATE, image="nginx:1")
    before, run = ids(engine), Runner(engine)
    with pytest.raises(ConflictError, match=CANDIDATE):
        deployed(engine, settings, run)
    assert (run.ran, ids(engine)) == ([], before)


def test_an_interruption_leaves_no_candidate(engine: FakeEngine, settings: Settings, web: Web) -> None:
    """Ctrl-C while it is judged."""
    serving(engine, settings)
    before = ids(engine)

    def interrupt(_request: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    web.answer = interrupt
    with pytest.raises(KeyboardInterrupt):
        deployed(engine, settings)
    assert ids(engine) == before
