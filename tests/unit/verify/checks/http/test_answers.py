from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from docktasks.verify import catalog
from tests.unit.fakes.site_faults import INDEX, assert_reported, body, on_header, on_path, status, verdicts
from tests.unit.fakes.sites import Answer, Fault, Site, subject

MAP = "//# sourceMappingURL=data:application/json;base64," + "a" * 99
FAULTS: list[tuple[str, Fault, str]] = [
    ("http.answers", on_path("/assets", status(500)), "500 on 2 of … places: /assets, /assets/."),
    ("http.answers", on_header("range", status(502)), "502 on … (range: "),
    ("http.answers", on_header("user-agent", status(503), "Googlebot"), "503 on … / (as a search engine)"),
    ("http.answers", lambda _, answer: answer.set("connection", "close"),
     "the server closes the connection after each answer"),
    ("http.source-maps", on_path("index-Bq4dYn0s.css", body(f"a{{}}\n{MAP}")),
     "in 1 of 7 files: /assets/index-Bq4dYn0s.css"),
    ("http.third-party", on_path(INDEX, body("<script src=https://cdn.example/a.js></script>")),
     "https://cdn.example/a.js without integrity on 2 of … places: /, "),
    ("http.third-party", on_path("-5f2c", body("<link rel=stylesheet href=//cdn.example/a.css>")),
     "//cdn.example/a.css without integrity on … /no-such-file-5f2c"),
    ("http.third-party", on_path("index-Bq4dYn0s.css", body("@import url(//cdn.example/a.css);")),
     "it imports //cdn.example/a.css on 1 of … places: /assets/index-Bq4dYn0s.css"),
    ("http.third-party", on_path("index-Dk1aQz7_.js", body("import'https://cdn.example/a.js';import'./b.js'")),
     "it imports https://cdn.example/a.js on 1 of … places: /assets/index-Dk1aQz7_.js"),
]  # fmt: skip


@pytest.mark.parametrize(("check_id", "fault", "evidence"), FAULTS, ids=[f"{row[0]} {row[2]}" for row in FAULTS])
def test_fault_is_reported(check_id: str, fault: Fault, evidence: str) -> None:
    """The check fails, and the evidence says where the fault is."""
    assert_reported(check_id, fault, evidence)


def every(count: int, code: int) -> Fault:
    """Answer with this status but for the first requests, as a limit does."""
    requests: list[httpx.Request] = []

    def fault(request: httpx.Request, answer: Answer) -> None:
        requests.append(request)
        if len(requests) > count:
            answer.status, answer.body = code, b""
            answer.set("content-encoding")

    return fault


@pytest.mark.parametrize(
    ("code", "cause"), [(429, "a limit on requests"), (503, "a limit on requests"), (500, "an error of the server")]
)
def test_one_cause_is_reported_once(code: int, cause: str) -> None:
    """The checks that it makes meaningless are skipped, and their reason names it."""
    results = verdicts(Site(every(40, code)))
    answers = results.pop("http.answers")
    assert answers.outcome == "fail"
    assert cause in answers.evidence[0]
    assert len(answers.evidence) == 1
    assert {verdict.outcome for verdict in results.values()} == {"skip"}
    assert {verdict.evidence[0] for verdict in results.values()} == {f"see http.answers: {answers.evidence[0]}"}


def failed(site: Site) -> set[str]:
    """The checks that fail, and those that are skipped."""
    return {check_id for check_id, verdict in verdicts(site).items() if verdict.outcome != "pass"}


@pytest.mark.parametrize("code", [429, 503])
def test_limit_of_one_folder_is_one_finding(code: int) -> None:
    """The rest of the site answers, and is judged. What is limited says nothing else about the site."""
    limited = every(0, code)
    site = Site(lambda request, answer: limited(request, answer) if "/assets/" in request.url.path else None)
    assert failed(site) == {"http.answers"}


def test_password_of_one_folder_is_no_missing_file() -> None:
    """The page does not get its files, which is critical. Nothing says whether a file is missing there."""

    def ask(request: httpx.Request, answer: Answer) -> None:
        if "/assets" in request.url.path:
            answer.status, answer.body = 401, b""
            answer.set("www-authenticate", "Basic realm=staff")
            answer.set("content-encoding")
            answer.set("cache-control", "no-store")

    assert failed(Site(ask)) == {"http.files", "http.cookies"}


def test_server_that_goes_away_is_reported_once() -> None:
    """It answers the first requests, and then refuses every connection."""
    server, requests = Site(), list[httpx.Request]()

    def serve(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if len(requests) > 30:
            raise httpx.ConnectError("[Errno 111] Connection refused")
        return server(request)

    results = verdicts(serve)
    assert "Connection refused" in results.pop("http.answers").evidence[0]
    assert {verdict.outcome for verdict in results.values()} == {"skip"}


def test_connection_that_stays_open_is_reported() -> None:
    """A client that reads until the end would wait for ever."""
    judged = subject(Site())
    healthy = judged.site.exchange
    judged.site.exchange = lambda *request: replace(healthy(*request), is_closed=False)
    (verdict,) = catalog.run_checks(judged, catalog.select(only=["http.answers"]))
    assert verdict.evidence[0].startswith("the connection stays open after Connection: close, ")


def test_note_tells_how_the_places_were_chosen() -> None:
    """A reader can repeat the choice."""
    (note,) = verdicts(Site(), "http.answers")["http.answers"].notes
    assert "8 files" in note
    assert "chosen by the seed" in note


def test_answer_in_chunks_to_http_1_0_is_reported() -> None:
    """That version knows no chunks, so an old proxy or health check reads their lengths as a part of the file."""
    judged = subject(Site())
    healthy, chunked = judged.site.exchange, (("transfer-encoding", "chunked"),)
    judged.site.exchange = lambda origin, request, seconds: replace(
        healthy(origin, request, seconds), headers=chunked if b" HTTP/1.0\r" in request else ()
    )
    (verdict,) = catalog.run_checks(judged, catalog.select(only=["http.variants"]))
    assert verdict.evidence[0].startswith("GET / HTTP/1.0: in chunks, which ")


def test_redirect_that_keeps_the_query_is_no_fault() -> None:
    """Servers add the slash of a folder so."""

    def add_slash(request: httpx.Request, answer: Answer) -> None:
        if request.url.path.endswith("/assets"):
            query = request.url.query.decode()
            answer.status = 301
            answer.set("location", "/assets/" + (f"?{query}" if query else ""))

    assert verdicts(Site(add_slash), "http.variants")["http.variants"].evidence == ()
    assert_reported("http.variants", on_query_lead_away, "301 to /other, but 200 to a simple GET")


def on_query_lead_away(request: httpx.Request, answer: Answer) -> None:
    """A rule that looks at the query."""
    if "id=1" in request.url.query.decode():
        answer.status = 301
        answer.set("location", "/other")
