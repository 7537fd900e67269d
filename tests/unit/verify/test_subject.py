from __future__ import annotations

import httpx
import pytest

from docktasks.engine.models import Image
from docktasks.verify import catalog
from docktasks.verify.probes.crawler import in_trees
from docktasks.verify.probes.image_archive import File
from docktasks.verify.subject import Subject
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.image_archives import layer
from tests.unit.fakes.sites import Site, subject
from tests.unit.fakes.web import Web

FOUND = {
    "assets/index-Dk1aQz7_.js",
    "assets/About-C2bRt-8x.js",
    "assets/About-Dx3cWm4L.css",
    "assets/index-Bq4dYn0s.css",
    "assets/Inter-D5eHv2Kc.woff2",
    "assets/logo-C6fJt9Xa.png",
    "favicon.svg",
    "assets/logo-original.svg",
}


@pytest.mark.parametrize("base", ["/", "/app/"])
def test_every_file_that_a_vite_build_names_is_found(base: str) -> None:
    """By the page, by relative imports, by Vite's list of preloads, by absolute names, and by styles."""
    site = Site(base=base)
    found = subject(site).site.files
    assert set(found) == {base + name for name in FOUND}
    assert {answer.status for answer in found.values()} == {200}


def test_each_file_is_asked_for_once() -> None:
    """Files that name each other end."""
    site = Site()
    looked = subject(site).site
    assert looked.files is looked.files
    assert sorted(site.asked) == sorted({"/", *("/" + name for name in FOUND)})


def test_a_site_below_a_path_is_followed() -> None:
    """`verify --url=http://host/app/` judges what is published there."""
    found = subject(Site(base="/app/"), "http://127.0.0.1:8080/app/").site.files
    assert {path: answer.status for path, answer in found.items()} == {f"/app/{name}": 200 for name in FOUND}


@pytest.mark.parametrize(
    ("kind", "text", "named"),
    [
        ("text/html", '<script src="/a.js"></script>', ["/a.js"]),
        ("text/html; charset=utf-8", '<link rel="modulepreload" href="/a.js">', ["/a.js"]),
        ("text/html", '<img src="img/a.png"><source src=./b.webp>', ["/img/a.png", "/b.webp"]),
        ("text/html", '<script src="//cdn.example/a.js"></script>', []),
        ("text/html", '<script src="//h.example/a.js"></script>', ["/a.js"]),
        ("text/html", '<link rel="icon" href="data:image/svg+xml,<svg/>">', []),
        ("text/html", '<a href="/about">About</a><link rel="alternate" href="/feed.xml">', []),
        ("text/html", "<script src></script><p>", []),
        ("text/css", "a{b:url(./a.svg)}c{d:url( '../e.woff2' )}", ["/a.svg", "/e.woff2"]),
        ("text/css", "a{b:url(data:font/woff2;base64,AA)}c{d:url(#f)}", []),
        ("text/javascript", "import(`./a.js`)", ["/a.js"]),
        ("application/javascript", 'import "./a.mjs";import"../b.css"', ["/a.mjs", "/b.css"]),
        ("text/javascript", 'const a="main.js",b="vue",c="x/y",d="./data.json"', []),
        ("text/javascript", 'new URL("/fonts/a.woff2", import.meta.url)', ["/fonts/a.woff2"]),
        ("text/plain", "import('./a.js')", []),
    ],
)
def test_what_an_answer_names(kind: str, text: str, named: list[str]) -> None:
    """Files on this site that a browser would load, and no others."""

    def site(request: httpx.Request) -> httpx.Response:
        body = text if request.url.path == "/" else ""
        return httpx.Response(200, headers={"content-type": kind if body else "text/plain"}, text=body)

    assert set(subject(site, "http://h.example").site.files) == set(named)


def test_an_error_page_names_nothing() -> None:
    """What a 404 links to is not the site's."""
    page = httpx.Response(404, headers={"content-type": "text/html"}, text='<img src="/broken.png">')
    assert subject(lambda _request: page).site.files == {}


def test_a_site_that_names_files_without_end_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop of generated names stops at the limit."""
    monkeypatch.setattr("docktasks.verify.probes.crawler.LIMIT", 5)

    def site(request: httpx.Request) -> httpx.Response:
        text = f'import("./x{request.url.path.strip("/").rpartition(".")[0]}.js")'
        if request.url.path == "/":
            return httpx.Response(200, headers={"content-type": "text/html"}, text='<script src="/a.js"></script>')
        return httpx.Response(200, headers={"content-type": "text/javascript"}, text=text)

    assert len(subject(site).site.files) == 5


def test_nothing_is_accepted_encoded_unless_a_probe_says_so(web: Web) -> None:
    """Left alone, httpx would ask for every coding it knows, and every plain answer would be judged compressed."""
    given: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        given.append(request.headers["accept-encoding"])
        return httpx.Response(200)

    web.answer = answer
    looked = Subject("http://127.0.0.1:8080/").site
    looked.get("/")
    looked.get("/", Accept_Encoding="br")
    assert given == ["identity", "br"]
    assert web.requests == ["http://127.0.0.1:8080/"] * 2


def test_a_redirect_is_an_answer_of_its_own(web: Web) -> None:
    """What a user's first request gets is judged, not where it leads."""
    web.answer = lambda _request: httpx.Response(301, headers={"location": "https://example.org/"})
    assert Subject("http://127.0.0.1:8080").site.shell.said == "301 to https://example.org/"


def test_what_there_is_to_look_at() -> None:
    """An address alone has neither container nor image; a check that did not say what it needs is a bug."""
    alone = Subject("http://127.0.0.1:8080")
    assert [alone.has(need) for need in ("url", "container", "image")] == [True, False, False]
    with pytest.raises(LookupError):
        _ = alone.container
    whole = Subject("http://127.0.0.1:8080", FakeEngine(), own_container("prod"), Image("sha256:1"))
    assert [whole.has(need) for need in ("url", "container", "image")] == [True, True, True]
    assert (whole.container.role, whole.image.id) == ("prod", "sha256:1")


def test_all_that_the_image_ships_is_asked_for() -> None:
    """Named by the page or not; without twins, folders, what a later layer deletes, and what is never served."""
    site = Site()
    site.files["/docs/a.html"] = "<p>"
    looked = subject(site)
    below, above = "/srv/site/docs/a.html", "/srv/hashed/site/assets/About-C2bRt-8x.js"
    files = {
        below: 9,
        f"{below}.gz": 4,
        above: 1,
        "/srv/site/old.txt": 5,
        "/srv/br/docs/b.html": 2,
        "/srv/site/.env": 3,
    }
    layers = [
        layer(*(File(path, "file", size) for path, size in files.items()), File("/srv/site/docs", "folder")),
        layer(File("/srv/site/old.txt", "whiteout")),
    ]
    shipped = in_trees(layers)
    assert shipped == {"docs/a.html": 9, "assets/About-C2bRt-8x.js": 1, ".env": 3}
    whole = Subject("http://127.0.0.1:8080", FakeEngine(), None, Image("sha256:1"))
    vars(whole)["layers"] = layers
    assert whole.shipped == shipped
    whole.site.client.transport = httpx.MockTransport(site)
    assert set(whole.site.files) == {"/docs/a.html"} | {f"/{name}" for name in FOUND}
    assert looked.shipped == {}
    whole.site.exchange = looked.site.exchange
    (verdict,) = catalog.run_checks(whole, catalog.select(only=["http.files"]))
    assert verdict.evidence == (
        "/docs/a.html: 3 bytes, and 9 in the image",
        "/assets/About-C2bRt-8x.js: 197 bytes, and 1 in the image",
    )


def test_a_shipped_file_is_asked_for_by_its_address() -> None:
    """A # would end it, and a space is none of its signs."""
    assert subject(Site()).site.address("a b/c#1 50%.txt") == "/a%20b/c%231%2050%25.txt"
