from __future__ import annotations

from threading import Event, RLock, Thread

import httpx
import pytest

from docktasks.verify.probes import crawler
from docktasks.verify.subject import Subject
from tests.unit.fakes.sites import VITE_FILES, Site, subject
from tests.unit.fakes.web import Web

HTML = {"content-type": "text/html; charset=utf-8"}


@pytest.mark.parametrize("base", ["/", "/app/"])
def test_site_has_every_file_that_a_vite_build_references(base: str) -> None:
    """References are in the page, in relative imports, in Vite's list of preloads, and in styles."""
    files = subject(Site(base=base)).site.files
    assert set(files) == {base + name for name in VITE_FILES}
    assert {response.status for response in files.values()} == {200}


def test_each_file_is_requested_once() -> None:
    """Files may reference each other."""
    server = Site()
    site = subject(server).site
    assert site.files is site.files
    assert sorted(server.requested_paths) == sorted(
        {"/", "/healthz", "/somewhere/else", *("/" + name for name in (*VITE_FILES, *crawler.UNLINKED_FILES))}
    )


def test_what_only_a_linked_page_names_is_a_file_of_a_site_without_an_image() -> None:
    """The page itself may be another one each time, and a dead link is none. An archive may be too large."""
    texts = {
        "/": '<a href="/docs/">a</a><a href="/about.html">b</a><a href="/lost.html">c</a><a href="//x.example/x.pdf">',
        "/docs/": '<a href="/guide.pdf">a</a><a href="/all.zip">b</a>',
        "/about.html": '<script src="/about.js"></script>',
        "/guide.pdf": "%PDF", "/all.zip": "PK", "/about.js": "go()",
    }  # fmt: skip

    def site(request: httpx.Request) -> httpx.Response:
        text = texts.get(request.url.path)
        kind = HTML if request.url.path.endswith(("/", ".html")) else {"content-type": "text/javascript"}
        return httpx.Response(200, headers=kind, text=text) if text else httpx.Response(404)

    crawled = subject(site).site
    assert set(crawled.files) == {"/guide.pdf", "/about.js"}
    assert crawled.pages == {"/docs/", "/about.html"}


def test_files_that_no_page_names_are_found_by_their_names() -> None:
    """A server may answer every address with a page, which is no such file, and make a map of the site each time."""

    def site(request: httpx.Request) -> httpx.Response:
        headers = {
            "/robots.txt": {"content-type": "text/plain", "last-modified": "Mon, 02 Jun 2025 08:00:00 GMT"},
            "/sitemap.xml": {"content-type": "text/xml"},
        }
        if request.url.path == "/favicon.ico":
            raise httpx.ReadTimeout("timed out")
        return httpx.Response(200, headers=headers.get(request.url.path, HTML), text=request.url.path)

    crawled = subject(site).site
    assert (list(crawled.files), crawled.absent) == (["/robots.txt"], {})


@pytest.mark.parametrize("name", ["/{}", "/{}.html"])
def test_not_every_page_of_a_site_without_an_image_is_read(name: str) -> None:
    """A manual has thousands."""
    count = crawler.MAX_LINKED_PAGES
    index = "".join(f'<a href="{name.format(number)}">a</a>' for number in range(2 * count))

    def site(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=HTML, text=index if request.url.path == "/" else "<p>a page")

    crawled = subject(site).site
    assert (crawled.files, len(crawled.pages)) == ({}, count)


def test_site_below_a_path_is_crawled() -> None:
    """`verify --url=http://host/app/` checks the site that is published there."""
    files = subject(Site(base="/app/"), "http://127.0.0.1:8080/app/").site.files
    assert {path: response.status for path, response in files.items()} == {f"/app/{name}": 200 for name in VITE_FILES}


def test_error_page_references_nothing() -> None:
    """The files of an error page do not belong to the site."""
    page = httpx.Response(404, headers=HTML, text='<img src="/broken.png">')
    assert subject(lambda _request: page).site.files == {}


def test_page_with_parameters_in_its_type_is_html() -> None:
    """Only the media type decides how a text is read."""

    def site(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=HTML, text='<img src="/a.png">' if request.url.path == "/" else "")

    assert set(subject(site).site.files) == {"/a.png"}


def test_crawl_ends_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A site may generate names without end."""
    monkeypatch.setattr("docktasks.verify.probes.crawler.MAX_SITE_FILES", 5)
    dated = {"content-type": "text/javascript", "last-modified": "Mon, 02 Jun 2025 08:00:00 GMT"}

    def site(request: httpx.Request) -> httpx.Response:
        text = f'import("./x{request.url.path.strip("/").rpartition(".")[0]}.js")'
        if request.url.path == "/":
            return httpx.Response(200, headers=HTML, text='<script src="/a.js"></script>')
        return httpx.Response(200, headers=dated, text=text)

    assert len(subject(site).site.files) == 5


def test_no_encoding_is_accepted_unless_a_probe_names_one(web: Web) -> None:
    """httpx alone would accept every encoding that it knows."""
    accepted: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        accepted.append(request.headers["accept-encoding"])
        return httpx.Response(200)

    web.answer = answer
    site = Subject("http://127.0.0.1:8080/").site
    site.get("/")
    site.get("/", Accept_Encoding="br")
    assert accepted == ["identity", "br"]
    assert web.requests == ["http://127.0.0.1:8080/"] * 2


def test_only_the_simple_request_reads_what_a_body_names(web: Web) -> None:
    """A script is parsed once, not for each condition under which it is asked for."""
    web.answer = lambda _request: httpx.Response(200, headers=HTML, text='<img src="/a.png">')
    site = Subject("http://127.0.0.1:8080/").site
    assert site.get("/").references.files == ("/a.png",)
    assert site.get("/", Accept_Encoding="br").references.files == ()


def test_large_site_is_asked_for_some_files_of_each_type_in_each_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """All are asked for plain. http.answers says how many are asked for compressed."""
    monkeypatch.setattr("docktasks.verify.probes.crawler.MAX_ENCODED_FILES", 3)
    site = subject(Site()).site
    encoded = site.encoded_files("br")
    assert (set(site.files), len(encoded)) == ({f"/{name}" for name in VITE_FILES}, 3)
    assert len({response.media_type for response in encoded.values()}) == 3


class WatchedLock:
    """A lock that tells when a thread waits for it."""

    def __init__(self) -> None:
        self.lock, self.is_awaited = RLock(), Event()

    def __enter__(self) -> None:
        if not self.lock.acquire(blocking=False):
            self.is_awaited.set()
            self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.lock.release()


def test_crawl_and_another_thread_do_not_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """While one group of checks crawls, the browser's asks below which path it opens the site."""
    answer, lock, is_asked = Site(), WatchedLock(), Event()
    monkeypatch.setattr(crawler, "RLock", lambda: lock)

    def slow(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/":
            is_asked.set()
            assert lock.is_awaited.wait(5)
        return answer(request)

    site = subject(slow).site
    crawl = Thread(target=lambda: site.files, daemon=True)
    crawl.start()
    assert is_asked.wait(5)
    other = Thread(target=lambda: site.is_api(site.base_path), daemon=True)
    other.start()
    for thread in (crawl, other):
        thread.join(5)
        assert not thread.is_alive()


def test_redirect_is_a_response_of_its_own(web: Web) -> None:
    """The response that a user gets first is checked."""
    web.answer = lambda _request: httpx.Response(301, headers={"location": "https://example.org/"})
    assert Subject("http://127.0.0.1:8080").site.index.summary == "301 to https://example.org/"


def test_address_escapes_what_would_end_a_path() -> None:
    """A file name may have a # or a space."""
    assert subject(Site()).site.address("a b/c#1 50%.txt") == "/a%20b/c%231%2050%25.txt"


def test_file_that_nothing_surely_loads_promises_nothing() -> None:
    """A worker that is named only in a string may import what is not there. What the page loads has to be there."""
    script = {"content-type": "text/javascript"}
    answers = {
        "/": httpx.Response(200, headers=HTML, text="<script type=module src=/app.js></script>"),
        "/app.js": httpx.Response(200, headers=script, text="import './part.js'; const worker = './worker.js'"),
        "/part.js": httpx.Response(200, headers=script, text="import './gone-too.js'"),
        "/worker.js": httpx.Response(200, headers=script, text="import './gone.js'"),
    }
    files = subject(lambda request: answers.get(request.url.path, httpx.Response(404))).site.files
    assert {path: response.status for path, response in files.items()} == {
        "/app.js": 200, "/part.js": 200, "/worker.js": 200, "/gone-too.js": 404,
    }  # fmt: skip


def test_site_whose_address_is_a_page_has_that_page_as_its_index() -> None:
    """Its files are those of the folder."""
    page = httpx.Response(200, headers=HTML, text="<img src=a.png>")
    site = subject(lambda _request: page, "http://127.0.0.1:8080/docs/start.html").site
    assert (site.home, site.index.path, set(site.files)) == ("/docs/", "/docs/start.html", {"/docs/a.png"})
