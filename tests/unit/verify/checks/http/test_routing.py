from __future__ import annotations

import httpx
import pytest

from docktasks.verify.checks.http.routing import dead_links
from docktasks.verify.probes.places import NAMES
from docktasks.verify.probes.survey import PAGE_BYTES
from tests.unit.fakes.site_faults import Change, assert_reported, header, on_header, on_path, status, verdicts
from tests.unit.fakes.sites import Answer, Fault, Site


def test_link_to_a_part_that_a_page_lacks_is_dead() -> None:
    """A part has an id or, in old pages, a name. What a script makes of a page is unknown, and #top is everywhere."""
    links = """#a #b%20c #%41bc #gone #Top #! #0 # #:~:text=a /guide/#old /guide/#gone /guide/?page=2#gone /app#gone
        //a.example#x http://[x#a"""
    page = "".join(f'<a href="{link}">' for link in links.split()) + '<p id=a><p id="b c"><p id="%41bc">'
    page += '<a href="#menu" onclick="open()"><a href="#tab" data-tab=1><a href="#x" role=button><iframe src="#t=5">'
    texts = {"/": page, "/guide/": "<a name=old>", "/app": "<script>go()</script>"}
    dead = "/: no element has the id that {} leads to".format
    assert [*dead_links(texts)] == [dead("#gone"), dead("/guide/#gone")]
    based = texts | {"/": f'<base href="/guide/">{page}'}
    assert [*dead_links(based)][:2] == [dead("#a"), dead("#b%20c")]


def test_dead_link_is_reported_by_the_check() -> None:
    """A page that is too large to be kept whole may have the part behind the cut."""
    site = Site()
    site.files["/about.html"] = '<title>about</title><a href="#gone">'
    site.files["/index.html"] += '<a href="/about.html">'
    finding = "/about.html: no element has the id that #gone leads to. Correct the link, or add the id"
    assert finding in verdicts(site)["http.deep-link"].evidence[0]
    site.files["/about.html"] += "." * PAGE_BYTES
    assert (verdicts(site)["http.deep-link"].outcome, verdicts(site)["http.deep-link"].evidence) == ("pass", ())


@pytest.mark.parametrize("target", ["https://blog.example/blog", "/blog?x=1", "https://blog.example"])
def test_redirect_to_another_site_and_with_a_query_ends(target: str) -> None:
    """The site's own /blog leads there. What another site answers is unknown. It is no app, which redirects nothing."""

    def fault(request: httpx.Request, answer: Answer) -> None:
        if request.url.path in ("/old", "/blog"):
            answer.status, answer.body = 200, b"<title>blog</title>"
            if not request.url.query:
                redirect(target)(answer)
        elif request.url.path not in site.files and request.url.path != "/":
            answer.status, answer.body = 404, b"<title>lost</title>"

    site = Site(fault)
    site.files["/404.html"] = "<title>lost</title>"
    site.files["/index.html"] += '<a href="/old"><a href="/blog">'
    assert (verdicts(site)["http.deep-link"].outcome, verdicts(site)["http.deep-link"].evidence) == ("pass", ())


def test_redirect_to_what_is_no_address_is_a_fault() -> None:
    """The same after a first redirect."""
    site = Site(on_path("/old", redirect("/next")), on_path("/next", redirect("http://[x")))
    site.files["/index.html"] += '<a href="/old"><a href="/next">'
    verdict = verdicts(site)["http.deep-link"]
    assert verdict.outcome == "fail"
    assert "/old" in " ".join(verdict.evidence)


def index_for_everything(_request: httpx.Request, answer: Answer) -> None:
    """`try_files $uri /index.html` for all paths: the most frequent fault."""
    if answer.status == 404:
        answer.status, answer.body = 200, Site().files["/index.html"].encode()
        answer.set("content-type", "text/html")
        answer.set("cache-control", "no-cache")


def listing(answer: Answer) -> None:
    """A list of the folder's files."""
    answer.status, answer.body = 200, b'<a href="x">index-Dk1aQz7_.js</a>'


def on_query(text: str, change: Change) -> Fault:
    """Return a fault that changes the answers to a query with this text."""

    def fault(request: httpx.Request, answer: Answer) -> None:
        if text in request.url.query.decode():
            change(answer)

    return fault


def redirect(target: str) -> Change:
    """Lead to another address."""

    def change(answer: Answer) -> None:
        answer.status = 302
        answer.set("location", target)

    return change


def redirect_to_target(request: httpx.Request, answer: Answer) -> None:
    """A folder that leads to what follows its name."""
    if request.url.path.startswith("/go/"):
        redirect(request.url.path.removeprefix("/go"))(answer)


def lead_around(request: httpx.Request, answer: Answer) -> None:
    """Two rules that undo each other: one adds a name, the other removes it."""
    page = "/somewhere/else"
    if request.url.path in (page, f"{page}/index"):
        redirect(page if request.url.path.endswith("/index") else f"{page}/index")(answer)


def listing_of_uploads(answer: Answer) -> None:
    """The list of a folder that no page names, as nginx writes it."""
    answer.status, answer.body = 200, b"<title>Index of /uploads/</title><h1>Index of /uploads/</h1>"


FAULTS: list[tuple[str, Fault, str]] = [
    ("http.directories", on_path("/uploads/", listing_of_uploads), "a list of the folder on 1 of … /uploads/"),
    ("http.deep-link", lead_around, "302 to /somewhere/else/index on … /somewhere/else"),
    ("http.deep-link", on_path("-5f2c", status(404)), "404 on … places: /no-such-file-5f2c"),
    ("http.deep-link", on_path("/deeper", status(404)), "404 on … /no-such-file-5f2c/deeper?query=1"),
    ("http.deep-link", on_path("-5f2c", lambda answer: setattr(answer, "body", b"other")),
     "200, but not the page for it (5 bytes … /no-such-file-5f2c"),
    ("http.missing", index_for_everything, "200 on … /assets/no-such-file-5f2c.js"),
    ("http.missing", on_path(".txt", status(403)), "403 on 1 of … /no-such-file-5f2c.txt"),
    ("http.directories", on_path("/assets/", listing),
     "a list of the folder that contains index-Dk1aQz7_.js on … /assets/"),
    ("http.redirects", on_path("/assets", header("location", "http://127.0.0.1/assets/")),
     "Location: http://127.0.0.1/assets/ on … /assets"),
    ("http.variants", on_query("utm_source", status(302)),
     "302, but 200 to a simple GET, on … / (?utm_source=a&gclid=b&id=1)"),
    ("http.variants", on_query("fbclid", status(404)), "404, but 200 to a simple GET, on … / (as a phone)"),
    ("http.variants", on_header("accept-language", status(410), "fr"), "410, but 200 to a simple GET, on"),
    ("http.deep-link", on_path("/no-such-file-5f2c/a/b", status(404)), "404 on 1 of … /no-such-file-5f2c/a/b"),
    ("http.redirects", on_query("next=//", redirect("//canary-5f2c.example")),
     "Location: //canary-5f2c.example on … (?next=//canary"),
    ("http.redirects", redirect_to_target, "Location: //canary-5f2c.example on GET /go/%2fcanary-5f2c.example"),
    ("http.variants", on_header("x-forwarded-proto", status(403)), "403, but 200 … / (x-forwarded-proto: http"),
    ("http.variants", on_header("x-http-method-override", status(202)), "202, but 200 … / (with override DELETE)"),
]  # fmt: skip


@pytest.mark.parametrize(("check_id", "fault", "evidence"), FAULTS, ids=[f"{row[0]} {row[2]}" for row in FAULTS])
def test_fault_is_reported(check_id: str, fault: Fault, evidence: str) -> None:
    """The check fails, and the evidence says where the fault is."""
    assert_reported(check_id, fault, evidence)


def page_of(folder_files: dict[str, str], answer_page: str, code: int) -> Site:
    """Return a site with these files more, which answers each unknown navigation with one of them and a status."""

    def fault(request: httpx.Request, answer: Answer) -> None:
        name = request.url.path.removeprefix("/")
        if name in folder_files:
            answer.status, answer.body = 200, folder_files[name].encode()
            answer.set("content-type", "text/html")
        elif "-5f2c" in name and "text/html" in request.headers["accept"]:
            answer.status, answer.body = code, folder_files[answer_page].encode()
            answer.set("content-type", "text/html")
        else:
            return
        answer.set("content-encoding")

    return Site(fault)


@pytest.mark.parametrize(("page", "code"), [("404.html", 404), ("200.html", 200)])
def test_site_of_pages_and_shell_are_no_faults(page: str, code: int) -> None:
    """A site of pages answers 404 with its own page, and the shell of an app may be another page than the index."""
    site = page_of({"404.html": "<h1>not here</h1>", "200.html": "<h1>shell</h1>"}, page, code)
    assert verdicts(site, "http.deep-link")["http.deep-link"].outcome == "pass"


def promising(notes: str, code: int, text: str = "", location: str = "") -> Site:
    """Return a site whose health check says `notes`, and which answers unknown paths with this status and text."""

    def fault(request: httpx.Request, answer: Answer) -> None:
        path = request.url.path
        is_unknown = "5f2c" in path or path.removeprefix("/") in NAMES["unknown_paths"]
        if path != "/docs/a.html" and not is_unknown:
            return
        answer.status = code if is_unknown else 200
        answer.body = (text if is_unknown else "<h1>docs</h1>").encode()
        answer.set("content-encoding")
        if location and is_unknown:
            answer.set("location", location)

    site = Site(fault)
    site.files["/healthz"] = notes
    return site


@pytest.mark.parametrize(
    ("notes", "code", "text", "outcome"),
    [
        ("ok\nWithout a file: 404 \n", 404, "any", "pass"),
        ("ok\nWithout a file: 200 docs/a.html\n", 200, "<h1>docs</h1>", "pass"),
        ("ok\nWithout a file: 404 docs/a.html\n", 404, "<h1>docs</h1>", "pass"),
        ("ok\nWithout a file: 404 docs/a.html\n", 404, "other", "fail"),
        ("ok\nWithout a file: 404 \n", 200, "any", "fail"),
        ("ok\nWithout a file: 200 docs/a.html\n", 404, "<h1>docs</h1>", "fail"),
        ("ok\n", 404, "any", "fail"),
    ],
)
def test_promise_of_the_health_check_is_what_counts(notes: str, code: int, text: str, outcome: str) -> None:
    """It names the status for an address without a file, and the page of the site that answers it."""
    assert verdicts(promising(notes, code, text), "http.deep-link")["http.deep-link"].outcome == outcome


@pytest.mark.parametrize(("notes", "outcome"), [("ok\nThe site has a file _redirects.\n", "pass"), ("ok\n", "fail")])
def test_redirect_of_the_site_itself_is_no_fault(notes: str, outcome: str) -> None:
    """Its file _redirects may have a line for every path."""
    site = promising(notes, 301, location="https://new.example/")
    assert {verdict.outcome for verdict in verdicts(site, "http.deep-link", "http.missing").values()} == {outcome}


def test_index_with_status_404_is_reported() -> None:
    """The app starts, but programs take its pages for missing ones."""
    assert_reported("http.deep-link", on_path("-5f2c", status(404)), "404 on … places: /no-such-file-5f2c")


def test_nothing_of_the_api_is_judged_as_the_sites() -> None:
    """A page may load pictures from its API, which answers as it likes."""

    def fault(request: httpx.Request, answer: Answer) -> None:
        if request.url.path.startswith("/api/"):
            answer.status, answer.body = 401, b"{}"
            answer.set("content-encoding")

    site = Site(fault)
    site.files |= {"/healthz": "ok\nThe API answers below: /api\n"}
    site.files["/index.html"] += '<img src="/api/avatar.png">'
    outcomes = {check_id: verdict.outcome for check_id, verdict in verdicts(site).items()}
    assert [check_id for check_id, outcome in outcomes.items() if outcome == "fail"] == []


def test_site_that_answers_below_the_prefix_of_its_api_is_reported() -> None:
    """Nothing is passed on."""
    site = Site()
    site.files["/healthz"] = "ok\nThe API answers below: /api\n"
    assert verdicts(site, "http.api")["http.api"].evidence == ("/api/no-such-file-5f2c: 200, from the site",)
