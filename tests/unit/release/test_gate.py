"""The gate: what a release must pass before it gets requests."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest

from docktasks.api import Api, Upstream
from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.engine.models import Container
from docktasks.errors import ConflictError, StartError
from docktasks.release import deploy, gate
from docktasks.release.run_args import Release
from docktasks.settings import Settings
from docktasks.verify.probes import crawler
from tests.unit.fakes.apps import impatient
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.production import (
    CANDIDATE,
    GATE,
    NAME,
    container_ids,
    deployed,
    image,
    serve_a_build_b,
)
from tests.unit.fakes.runner import Runner
from tests.unit.fakes.sites import Answer, Site
from tests.unit.fakes.web import Web

MISSING_CHUNK = "/assets/About-C2bRt-8x.js"


def remove_chunk(request: httpx.Request, answer: Answer) -> None:
    """Answer 404 for one chunk."""
    if request.url.path == MISSING_CHUNK:
        answer.status, answer.body = 404, b"Not Found"


def gate_error(engine: FakeEngine, settings: Settings, run: Runner | None = None) -> StartError:
    """Deploy a release that does not pass the gate, and check that the current one was not touched. The error."""
    run = run or Runner(engine)
    containers = dict(engine.by_name)
    with pytest.raises(StartError) as caught:
        deployed(engine, settings, run)
    assert caught.value.why == "hello-dock-prod keeps serving."
    assert (run.verbs, engine.by_name) == (GATE, containers)
    return caught.value


def test_gate_returns_the_passed_checks_and_removes_the_candidate(engine: FakeEngine, settings: Settings) -> None:
    """The critical checks are named by their ids. Without a browser no page counts."""
    run = Runner(engine)
    with gate.check_candidate(Project(run, engine, settings), Release(image("a"))) as passed:
        pass
    assert passed.check_ids[:2] == ("http.answers", "http.files")
    assert all(check_id.startswith("http.") for check_id in passed.check_ids)
    assert str(passed) == "7 critical checks"
    assert (run.verbs, engine.by_name) == ([f"network create {NAME}", *GATE], {})


@pytest.mark.parametrize("public", [True, False])
def test_candidate_is_published_on_a_free_loopback_port(
    engine: FakeEngine, settings: Settings, *, public: bool
) -> None:
    """Other machines cannot reach the candidate, even of a release that will be public."""
    serve_a_build_b(engine, settings)
    run = Runner(engine)
    deployed(engine, settings, run, public=public)
    assert "127.0.0.1::80" in run.ran[0]
    assert "hello-dock.public=true" not in run.ran[0]


@pytest.mark.parametrize(
    ("start_state", "what"),
    [
        ({"state": "exited", "exit_code": 1}, "stopped with exit code 1"),
        ({"health": "unhealthy"}, "is unhealthy"),
    ],
)
def test_candidate_that_does_not_come_up_is_removed(
    engine: FakeEngine, settings: Settings, start_state: dict[str, object], what: str
) -> None:
    """The error shows the candidate's log; the current release is not touched."""
    serve_a_build_b(engine, settings)
    engine.start_states[CANDIDATE] = start_state
    engine.container_logs[CANDIDATE] = "nginx: [emerg] no such directive"
    error = gate_error(engine, settings)
    assert error.what == f"Container {CANDIDATE} {what}."
    assert "nginx: [emerg] no such directive" in error.evidence


def test_candidate_that_never_answers_times_out(engine: FakeEngine, settings: Settings) -> None:
    """The gate waits for prod.deploy_timeout seconds."""
    serve_a_build_b(engine, settings)
    engine.start_states[CANDIDATE] = {"health": "starting"}
    hurried = impatient(settings)
    assert "does not serve within 0 s" in gate_error(engine, hurried).what


def test_candidate_with_a_missing_chunk_does_not_pass(engine: FakeEngine, settings: Settings, web: Web) -> None:
    """The gate requests what a browser would load, and only from the candidate."""
    asked: list[int | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.port)
        return Site(remove_chunk)(request)

    serve_a_build_b(engine, settings)
    web.answer = engine.route(answer)
    with pytest.raises(StartError) as caught:
        deployed(engine, settings)
    error = caught.value
    finding = f"{MISSING_CHUNK}: 404 text/javascript, expected 200 text/javascript"
    assert error.what == f"The new release does not pass the gate: http.files: {finding}."
    assert error.evidence == finding
    assert error.how.startswith("Build again")
    assert set(asked[:-1]) == {49153}  # the candidate's; at last the one that serves is asked whether it still does


@pytest.mark.parametrize("late", [1, 1_000])
def test_answer_that_comes_too_late_is_asked_for_again(
    engine: FakeEngine, settings: Settings, web: Web, late: int
) -> None:
    """A busy machine may be late once. A server that never answers for a file is refused."""
    silent = iter(range(late))

    def hold_back(request: httpx.Request, _answer: Answer) -> None:
        if request.url.path == MISSING_CHUNK and next(silent, None) is not None:
            raise httpx.ReadTimeout("no whole answer within 5 s", request=request)

    web.answer = engine.route(Site(hold_back))
    if late == 1:
        deployed(engine, settings)
    else:
        with pytest.raises(StartError, match=f"no whole answer within 5 s on .*{MISSING_CHUNK}"):
            deployed(engine, settings)


@pytest.mark.parametrize(
    ("page", "fix"),
    [
        ('<link rel="stylesheet" href="/[{[ .URL ]}]/a.css">', "A server of the app puts a value for {[ .URL ]} into"),
        ("<script>show('{{ message }}')</script>", "Move inline code into files, or add its hash to the policy"),
    ],
)
def test_value_of_a_server_is_one_in_an_address(
    engine: FakeEngine, settings: Settings, web: Web, page: str, fix: str
) -> None:
    """The code of a page may have a template of Vue, or show one."""
    site = Site()
    site.files["/index.html"] += page
    web.answer = engine.route(site)
    with pytest.raises(StartError) as caught:
        deployed(engine, settings)
    assert caught.value.how.startswith(fix)


def test_missing_icon_is_no_reason_to_refuse(engine: FakeEngine, settings: Settings, web: Web) -> None:
    """It is a minor fault of a critical check. `verify` reports it."""
    asked: list[str] = []

    def lose_the_icon(request: httpx.Request, answer: Answer) -> None:
        if request.url.path == "/favicon.svg":
            asked.append(request.url.path)
            answer.status, answer.body = 404, b"Not Found"

    web.answer = engine.route(Site(lose_the_icon))
    assert deployed(engine, settings).url
    assert asked


def test_refused_first_release_leaves_no_container_and_no_volume(
    engine: FakeEngine, settings: Settings, web: Web
) -> None:
    """The error says that nothing was replaced. The network of the project stays, and `invoke clean` removes it."""
    web.answer = engine.route(Site(remove_chunk))
    run = Runner(engine)
    with pytest.raises(StartError, match=r"does not pass the gate: http\.files: ") as caught:
        deployed(engine, settings, run)
    assert caught.value.why == "Nothing was replaced, because nothing served before."
    assert run.verbs == [f"network create {NAME}", *GATE]
    assert (engine.by_name, engine.volumes(settings.app.name)) == ({}, [])


def test_release_without_the_gate_takes_over_with_a_notice(engine: FakeEngine, settings: Settings, web: Web) -> None:
    """--no-gate is for a release whose fault is known. The next task starts no gate either if nothing has changed."""
    web.answer = engine.route(Site(remove_chunk))
    run = Runner(engine)
    deployment = deployed(engine, settings, run, gate=False)
    assert f"run {CANDIDATE}" not in run.verbs
    assert deployment.notices[0] == deploy.UNCHECKED
    assert engine.by_name[NAME].serves
    assert deployed(engine, settings, gate=False).notices == ()


def test_rollback_without_the_gate_has_the_notice(engine: FakeEngine, settings: Settings) -> None:
    """A release that served before may be the better one, whatever a check says now."""
    serve_a_build_b(engine, settings)
    deployed(engine, settings)
    run = Runner(engine)
    deployment = deploy.roll_back(Project(run, engine, settings), "", gate=False)
    assert f"run {CANDIDATE}" not in run.verbs
    assert deploy.UNCHECKED in deployment.notices


def test_failed_gate_shows_the_log_of_the_candidate(engine: FakeEngine, settings: Settings, web: Web) -> None:
    """The log is read before the candidate is removed. The requests of the checks are left out, but for its errors."""
    failed = '10.1.1.1 [x] "GET /b HTTP/1.1" 502 9 - 0.000 "-" "x"'
    engine.container_logs[CANDIDATE] = f'one\n10.1.1.1 [x] "GET /a HTTP/1.1" 404 9 - 0.000 "-" "x"\n{failed}\ntwo'
    run = Runner(engine)
    web.answer = Site(remove_chunk)  # nobody logs a request here
    with pytest.raises(StartError) as caught, gate.check_candidate(Project(run, engine, settings), Release(image("a"))):
        pass
    assert caught.value.evidence.endswith(f"\nIts last log lines:\none\n{failed}\ntwo")
    assert engine.by_name == {}


def drop_referrer_policy(_request: httpx.Request, answer: Answer) -> None:
    """Leave out a header that the app works without."""
    answer.set("referrer-policy")


def test_fault_that_is_not_critical_passes(engine: FakeEngine, settings: Settings, web: Web) -> None:
    """The gate is for faults that break the app; `verify` reports the others."""
    serve_a_build_b(engine, settings)
    web.answer = engine.route(Site(drop_referrer_policy))
    assert not deployed(engine, settings).unchanged


def test_candidate_that_docker_does_not_start_is_reported(engine: FakeEngine, settings: Settings) -> None:
    """The evidence is what Docker printed."""
    serve_a_build_b(engine, settings)
    refusal = Result(125, "OCI runtime create failed")
    run = Runner(engine, {f"docker container run --detach --name {CANDIDATE}": refusal})
    assert gate_error(engine, settings, run).evidence == "OCI runtime create failed"


def test_unrelated_container_with_the_candidates_name_is_not_touched(engine: FakeEngine, settings: Settings) -> None:
    """The error comes before the first command."""
    serve_a_build_b(engine, settings)
    engine.by_name[CANDIDATE] = Container("0", CANDIDATE, image="nginx:1")
    ids, run = container_ids(engine), Runner(engine)
    with pytest.raises(ConflictError, match=CANDIDATE):
        deployed(engine, settings, run)
    assert (run.ran, container_ids(engine)) == ([], ids)


def test_interrupted_gate_leaves_no_candidate(engine: FakeEngine, settings: Settings, web: Web) -> None:
    """A Ctrl-C during the checks removes the candidate."""
    serve_a_build_b(engine, settings)
    ids = container_ids(engine)

    def interrupt(_request: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    web.answer = interrupt
    with pytest.raises(KeyboardInterrupt):
        deployed(engine, settings)
    assert container_ids(engine) == ids


def html(text: str, status: int = 200) -> httpx.Response:
    """Return a page."""
    return httpx.Response(status, headers={"content-type": "text/html"}, text=text)


@pytest.mark.parametrize(
    ("link", "faults"),
    [
        ("<a href=about.html#team>About</a>", ["/assets/gone.js: 404, but /about.html loads it"]),
        ("<a href=/nowhere.html>Gone</a><a href=/>Home</a><a href=/same>Same</a>", []),
        ("<a href=https://x.example/about.html>X</a><a href=#top>Top</a><a>No</a><a href='http://[x'>Odd</a>", []),
        ("<a href=mailto:a@x.example>Mail</a><a href=/tide.png>Picture</a>", []),
    ],
)
def test_pages_to_which_the_entry_page_links_are_judged(web: Web, link: str, faults: list[str]) -> None:
    """A link that leads nowhere is no reason. The app's page at another address is not judged a second time."""
    about = html("<title>About</title><script type=module src=/assets/gone.js></script>")
    pages = {"/": html(link), "/same": html(link), "/about.html": about, "/tide.png": httpx.Response(200)}
    web.answer = lambda request: pages.get(request.url.path) or html("", 404)
    assert list(gate.faults_of_linked_pages(crawler.Site("http://h.example"))) == faults


@pytest.mark.parametrize(
    ("listed", "entry"),
    [
        ("/srv/site/src/pages/index.html\n/srv/site/src/pages/about.html\n", "/src/pages/"),
        ("/srv/site/docs/about.html\n/srv/site/start.html\n", "/start.html"),
        ("/srv/site/a/x.html\n/srv/site/b/index.html\n", "/b/"),
        ("", "/"),
    ],
)
def test_site_without_a_page_at_its_root_is_judged_by_its_first_page(
    settings: Settings, web: Web, listed: str, entry: str
) -> None:
    """A folder's index.html comes before other pages of the same depth."""
    engine = FakeEngine()
    engine.exec = lambda *_: Result(0, listed)  # type: ignore[method-assign]
    web.answer = lambda _request: html("", 404)
    project = Project(Runner(engine), engine, settings)
    assert gate.entry_page(project, "http://127.0.0.1:1") == f"http://127.0.0.1:1{entry}"


def test_root_that_leads_to_a_page_of_the_site_is_judged_there(
    engine: FakeEngine, settings: Settings, web: Web
) -> None:
    """A site of several languages has a redirect at its root."""
    redirect = httpx.Response(302, headers={"location": "/en/"})
    web.answer = lambda request: redirect if request.url.path == "/" else html("<h1>Tides</h1>")
    project = Project(Runner(engine), engine, settings)
    assert gate.entry_page(project, "http://127.0.0.1:1") == "http://127.0.0.1:1/en/"


def test_browser_opens_a_site_below_its_base_path(
    engine: FakeEngine, settings: Settings, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A router shows nothing at an address without it."""
    opened: list[str] = []
    monkeypatch.setattr("docktasks.release.gate.GateVisit.begin", lambda _, url: opened.append(url))
    site = Site()
    site.files["/healthz"] = "ok\nThe base path is /shop/.\n"
    web.answer = engine.route(site)
    with gate.check_candidate(Project(Runner(engine), engine, settings), Release(image("a"))):
        pass
    assert [urlsplit(url).path for url in opened if url] == ["/shop/"]


def test_image_of_before_the_setting_is_refused_with_an_api(engine: FakeEngine, settings: Settings, web: Web) -> None:
    """A rollback to it would answer requests to the API with the app's page."""
    web.answer = engine.route(Site())
    other = replace(settings, api=Api((Upstream("/api", "https://api.example.com"),)))
    check = gate.check_candidate(Project(Runner(engine), engine, other), Release(image("a")))
    with pytest.raises(StartError, match="/api: this image passes nothing on to an API"), check:
        pass
    assert engine.by_name == {}


def test_prefix_that_hides_files_of_the_site_is_refused(engine: FakeEngine, settings: Settings) -> None:
    """The error names the files, and no check runs."""
    engine.files = {"/srv/site/assets/b.svg": "", "/srv/site/c.svg": ""}
    other = replace(settings, api=Api((Upstream("/assets", "https://api.example.com"),)))
    check = gate.check_candidate(Project(Runner(engine), engine, other), Release(image("a")))
    with pytest.raises(StartError, match="The prefix /assets of the API hides files"), check:
        pass
