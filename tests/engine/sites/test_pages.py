"""Sites of several pages: which page answers an address, and what answers an address without a file."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest

from tests.engine.sites.conftest import SiteFactory
from tests.support.project import ProjectUnderTest, new_name

VISITOR = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate", "Accept": "text/html,*/*;q=0.8"}
OVER_HTTP = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
"""A browser that sends no Sec-Fetch headers, because the address is neither https nor localhost."""
WORKER = {"Sec-Fetch-Dest": "empty", "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
"""A visitor's request that a service worker passes on."""
SCRIPT = {"Sec-Fetch-Dest": "script", "Sec-Fetch-Mode": "no-cors", "Accept": "*/*"}
FETCH = {"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors", "Accept": "text/html"}
PROGRAM = {"Accept": "*/*"}

PAGES = ("index", "about", "about/index", "docs/index", "nested/deep", "404", "v1.2")
TEXT = "a sentence that makes the page long enough for a compressed copy. "


def page(name: str) -> str:
    """Return a page whose heading is its name."""
    script = '<script type="module" src="/main.js"></script>'
    return f"<!doctype html><html lang=en><title>{name}</title><h1>{name}</h1><p>{TEXT * 5}</p>{script}</html>"


FILES = {
    "package.json": json.dumps({
        "name": "pages", "private": True, "type": "module",
        "scripts": {"build": "vite build"}, "devDependencies": {"vite": "8.3.8"},
    }),
    "vite.config.js": f"""export default {{
      appType: 'mpa', // as a server of pages
      build: {{ rolldownOptions: {{ input: {json.dumps([f"{name}.html" for name in PAGES])} }} }},
    }}""",
    **{f"{name}.html": page(name) for name in PAGES},
    "main.js": "document.body.append('started')\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def site(sites: SiteFactory) -> ProjectUnderTest:
    """A project that serves the site of several pages."""
    own = {"public/build.txt": new_name()}  # the build says nothing when its steps are in the cache
    return sites.serve(FILES | own)


def get(project: ProjectUnderTest, path: str, headers: dict[str, str] = PROGRAM) -> httpx.Response:
    """Send a GET request for a path as it stands here."""
    headers = {"Accept-Encoding": "identity"} | headers
    return httpx.get(project.container().url + path, headers=headers, timeout=10, trust_env=False)


def heading(response: httpx.Response) -> str:
    """Return the heading of a page of the site; empty for anything else."""
    return response.text.partition("<h1>")[2].partition("</h1>")[0]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "index"), ("/about", "about"), ("/about/", "about/index"), ("/about.html", "about"),
        ("/docs", "docs/index"), ("/docs/", "docs/index"), ("/docs/index", "docs/index"),
        ("/nested/deep", "nested/deep"), ("/nested/deep/", "nested/deep"), ("/v1.2", "v1.2"),
        ("/docs?a=/b.c", "docs/index"),
    ],
)  # fmt: skip
def test_address_without_html_is_the_page_of_that_name(site: ProjectUnderTest, path: str, name: str) -> None:
    """It is answered at once, without a redirect, for every kind of request, and in the form that the client takes."""
    for headers in (VISITOR, OVER_HTTP, SCRIPT, FETCH, PROGRAM):
        response = get(site, path, headers)
        assert (response.status_code, heading(response)) == (200, name), headers
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert response.headers["cache-control"] == "no-cache"
    for encoding in ("gzip", "br"):
        response = get(site, path, {"Accept-Encoding": encoding})
        assert (response.headers["content-encoding"], response.headers["vary"]) == (encoding, "Accept-Encoding")
        assert heading(response) == name


@pytest.mark.parametrize("path", ["/nope", "/nope/", "/nested", "/docs/nope.x", "/tags/.net", "/a~", "/assets/42"])
def test_unknown_address_gets_the_404_page_of_the_site(site: ProjectUnderTest, path: str) -> None:
    """A visitor gets the page with status 404, in the form that the browser takes. No browser keeps it."""
    for headers in (VISITOR, OVER_HTTP, VISITOR | {"Accept-Encoding": "br"}, VISITOR | {"Accept-Encoding": "gzip"}):
        response = get(site, path, headers)
        assert (response.status_code, heading(response)) == (404, "404"), headers
        assert response.headers["cache-control"] == "no-store"
        assert response.headers.get("content-encoding", "") == headers.get("Accept-Encoding", "")
    assert heading(get(site, path, SCRIPT)) == ""
    assert get(site, path, SCRIPT).status_code == get(site, path, FETCH).status_code == 404


def test_build_says_what_kind_of_site_it_is_and_verify_agrees(site: ProjectUnderTest) -> None:
    """verify takes the 404 page for right, because the site has it."""
    assert "status 404 with 404.html" in " ".join(site.build.split())
    site.succeeds(
        "verify", "--only=http.deep-link", "--only=http.missing", "--only=http.files", "--only=container.health"
    )


NO_404 = """USER root
RUN rm /srv/*/404.html*; cd /etc/nginx/site; \
    sed -i 's|/.not-found/404.html|/.error.html|; s|This site has no page|There is nothing|' pages.conf
USER 101:101"""


def test_verify_finds_a_404_page_that_is_missing(site: ProjectUnderTest) -> None:
    """Then a visitor gets an error page of a server that says nothing of the site's kind."""
    origin = site.image
    site.stage(origin, NO_404)
    output = site.fails("run-prod", "--no-build")
    assert re.search(r"http\.deep-link: 404 on \d+ of \d+ places: /no-such-file-5f2c", output)


@pytest.fixture(scope="module")
def app(sites: SiteFactory, site: ProjectUnderTest) -> ProjectUnderTest:
    """A project that serves one of the pages for every address. The router of an app needs that."""
    return sites.serve_folder(Path(site.environ["INVOKE_APP_DIR"]), PROD_FALLBACK="docs/index.html")


PATHS_OF_A_ROUTER = (
    "/nope", "/nope/", "/users/john.doe", "/tags/.net", "/tags/c%23", "/tags/c%23.x", "/a~", "/100%25", "/list.old",
    "/assets/42", "/assets/", "/assets/x.js", "/x.html", "/.well-known/y",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS_OF_A_ROUTER)
def test_visitor_gets_the_app_and_a_script_gets_404(app: ProjectUnderTest, path: str) -> None:
    """Whatever the address looks like. A shared cache must know that the answer depends on who asks."""
    for headers in (VISITOR, VISITOR | {"Sec-Fetch-Dest": "iframe"}, OVER_HTTP, WORKER):
        response = get(app, path, headers)
        assert (response.status_code, heading(response)) == (200, "docs/index")
        assert response.headers["cache-control"] == "no-cache"
        assert response.headers.get_list("vary") == ["Accept-Encoding, Sec-Fetch-Dest, Accept"]
        tag = response.headers["etag"]
        assert get(app, path, headers | {"If-None-Match": tag}).status_code == 304
    for headers in (SCRIPT, FETCH, SCRIPT | {"Sec-Fetch-Dest": "image"}, SCRIPT | {"If-None-Match": tag}):
        response = get(app, path, headers)
        assert (response.status_code, response.headers["cache-control"]) == (404, "no-store"), headers


@pytest.mark.parametrize(("path", "status"), [("/nope", 200), ("/x.js", 404), ("/assets/42", 404), ("/.env", 404)])
def test_program_is_answered_by_the_look_of_the_path(app: ProjectUnderTest, path: str, status: int) -> None:
    """A monitor or curl says nothing of what it wants. A path with an extension is a file."""
    assert get(app, path).status_code == status
    assert httpx.head(app.container().url + path, trust_env=False).status_code == status


def test_page_that_the_build_did_not_write_is_refused(app: ProjectUnderTest) -> None:
    """The error names the pages of the build, and what serves goes on."""
    container = app.container()
    output = app.fails("run-prod", INVOKE_PROD_FALLBACK="200.html")
    assert "prod.fallback is 200.html, but the build wrote no such page." in output
    assert "404.html, about.html" in " ".join(output.split())
    assert app.container().id == container.id
