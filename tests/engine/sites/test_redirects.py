"""A site with the files _redirects and _headers in its public directory, below a base path."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from docktasks.verify.probes.crawler import Site
from tests.engine.sites.conftest import SiteFactory
from tests.engine.sites.test_pages import PROGRAM, SCRIPT, VISITOR, get, heading, page
from tests.support.project import ProjectUnderTest, new_name

REDIRECTS = """# what moved
/old            /new
/old/*          /new/:splat   302
/caf%C3%A9/:who https://x.example/:who?a=$1"{;}#end 307
/query          /new?own=1    308
/elsewhere/*    /:splat       303
/about          https://forced.example/ 301!
/users/*        /data/users.json 200
/app/*          /docs/        200
/closed/*       /404.html     404!
/docs           /about.html   200!
/raw/*          /:splat       200
/geo            /de           302 Country=de
"""
HEADERS = """/*
  X-Frame-Options: DENY
  X-Quoted: a"b'c$uri;d{e}\\n
/docs/*
  ! X-Frame-Options
  Content-Security-Policy: default-src 'none'; img-src $x
  Referrer-Policy: no-referrer
  X-Robots-Tag: noindex
  X-Robots-Tag: noarchive
/assets/*
  Cache-Control: public, max-age=99
/.well-known/app-association
  Content-Type: application/json
"""
PAGES = ("index", "about", "docs/index", "404")
FILES = {
    "package.json": json.dumps({
        "name": "redirects", "private": True, "type": "module",
        "scripts": {"build": "vite build"}, "devDependencies": {"vite": "8.3.8"},
    }),
    "vite.config.js": f"""export default {{
      base: '/shop/',
      build: {{ rolldownOptions: {{ input: {json.dumps([f"{name}.html" for name in PAGES])} }} }},
    }}""",
    **{f"{name}.html": page(name) for name in PAGES},
    "main.js": "document.body.append('started')\n",
    "public/_redirects": REDIRECTS,
    "public/_headers": HEADERS,
    "public/data/users.json": '["one"]\n',
    "public/.well-known/app-association": "{}\n",
    "public/notes~": "an editor left it\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def site(sites: SiteFactory) -> ProjectUnderTest:
    """A project that serves the site."""
    own = {"public/build.txt": new_name()}  # the build says nothing when its steps are in the cache
    return sites.serve(FILES | own)


@pytest.mark.parametrize(
    ("path", "status", "location"),
    [
        ("/old", 301, "/new"),
        ("/old/?q=a%20b", 301, "/new?q=a%20b"),
        ("/old/a/b%20c.js?x=/y", 302, "/new/a/b%20c.js?x=/y"),
        ("/old/%0d%0aX-Injected:%201", 302, "/new/%0d%0aX-Injected:%201"),
        ("/caf%c3%a9/Bob%20x", 307, "https://x.example/Bob%20x?a=$1%22%7B;%7D#end"),
        ("/query?theirs=2", 308, "/new?own=1"),
        ("/elsewhere/a", 303, "/a"),
        ("/elsewhere//host.example", 303, "/host.example"),
        ("/elsewhere/%2fhost.example", 303, "/%2fhost.example"),
        ("/about", 301, "https://forced.example/"),
        ("/shop/old?q=1", 301, "/shop/new?q=1"),
        ("/shop/old/x", 302, "/shop/new/x"),
        ("/shop/about", 301, "https://forced.example/"),
    ],
)
def test_redirect_leads_to_its_target(site: ProjectUnderTest, path: str, status: int, location: str) -> None:
    """Parts and query keep the form in which the client wrote them. No part of a path can name another host."""
    for headers in (VISITOR, SCRIPT, PROGRAM):
        response = get(site, path, headers)
        assert (response.status_code, response.headers["location"]) == (status, location)
        assert response.headers["cache-control"] == "no-store"
        assert "x-injected" not in response.headers
    assert httpx.post(site.container().url + path, trust_env=False).status_code == 405


@pytest.mark.parametrize(
    ("path", "headers", "status", "name"),
    [
        ("/app/inbox", VISITOR, 200, "docs/index"),
        ("/shop/app/inbox", VISITOR, 200, "docs/index"),
        ("/app/lost.js", SCRIPT, 404, ""),
        ("/docs", VISITOR, 200, "about"),
        ("/docs/", SCRIPT, 200, "about"),
        ("/closed/room", VISITOR, 404, "404"),
        ("/closed/room", PROGRAM, 404, "404"),
        ("/closed/lost.js", SCRIPT, 404, ""),
        ("/raw/docs/index.html", VISITOR, 200, "docs/index"),
        ("/raw/.git/config", VISITOR, 404, "404"),
        ("/geo", VISITOR, 404, "404"),
        ("/_redirects", VISITOR, 404, "404"),
        ("/_headers", PROGRAM, 404, "404"),
        ("/shop/docs/index.html", VISITOR, 200, "docs/index"),
    ],
)
def test_rewrite_answers_with_a_file_of_the_site(
    site: ProjectUnderTest, path: str, headers: dict[str, str], status: int, name: str
) -> None:
    """A missing script gets no page. A line without `!` comes after the files of the site."""
    response = get(site, path, headers)
    assert (response.status_code, heading(response)) == (status, name)
    assert "max-age" not in response.headers["cache-control"]


def test_rewrite_to_data_is_for_every_request(site: ProjectUnderTest) -> None:
    """A fetch gets it, too."""
    for headers in (SCRIPT, PROGRAM, VISITOR):
        assert get(site, "/users/7", headers).json() == ["one"]


def test_headers_of_the_site_take_the_place_of_ours(site: ProjectUnderTest) -> None:
    """Each is sent once, on its paths only. A value of several lines is joined, and no text becomes nginx's."""
    home, docs = get(site, "/", VISITOR).headers, get(site, "/docs/index.html", VISITOR).headers
    assert home["x-frame-options"] == "DENY"
    assert home["x-quoted"] == docs["x-quoted"] == "a\"b'c$uri;d{e}\\n"
    assert "x-frame-options" not in docs
    assert docs["content-security-policy"] == "default-src 'none'; img-src $x"
    assert "img-src 'self'" in home["content-security-policy"]
    assert (docs["referrer-policy"], docs["x-robots-tag"]) == ("no-referrer", "noindex, noarchive")
    assert "x-robots-tag" not in home
    for path in ("/", "/docs/index.html", "/shop/docs/index.html", "/no-such-page", "/old", "/lost.js", "/%00"):
        names = [name for name, _ in get(site, path, VISITOR).headers.multi_items()]
        assert len(names) == len(set(names)), path
    assert get(site, "/shop/docs/index.html").headers["referrer-policy"] == "no-referrer"
    assert get(site, "/docs/..%2findex.html").headers["x-frame-options"] == "DENY"


def test_header_about_caches_is_for_files_only(site: ProjectUnderTest) -> None:
    """A missing chunk is never kept, nor a page that answers an address without a file."""
    asset = next(line for line in get(site, "/").text.split('"') if "/assets/" in line)
    assert get(site, asset).headers["cache-control"] == "public, max-age=99"
    assert get(site, asset, {"Range": "bytes=0-1"}).headers["cache-control"] == "public, max-age=99"
    for headers in (SCRIPT, VISITOR, PROGRAM):
        assert get(site, "/assets/lost-Abcdef12.js", headers).headers["cache-control"] == "no-store"


def test_type_of_a_file_is_the_one_that_the_site_names(site: ProjectUnderTest) -> None:
    """Its name has no extension. Every other header is there."""
    response = get(site, "/.well-known/app-association")
    assert (response.text, response.headers["x-frame-options"]) == ("{}\n", "DENY")
    assert response.headers.get_list("content-type") == ["application/json; charset=utf-8"]


def test_build_says_what_it_left_out(site: ProjectUnderTest) -> None:
    """A line has its number. verify compares the image with the same files."""
    output = " ".join(site.build.split())
    assert "_redirects, line 13 is left out, because it depends on a country" in output
    assert "files and those that editors leave behind are never served: notes~" in output
    site.succeeds("verify", "--only=image.site", "--only=http.files", "--only=http.deep-link")


def test_health_check_says_below_which_path_a_browser_opens_the_site(site: ProjectUnderTest) -> None:
    """The gate and verify open it there: a router shows nothing elsewhere."""
    url = site.container().url
    for address, base in ((url, "/shop"), (f"{url}/shop/", "")):
        with closing(Site(address)) as served:
            assert served.base_path == base


def test_line_that_loops_is_refused(site: ProjectUnderTest) -> None:
    """What serves goes on. The error names the file, the line and the correction."""
    container, file = site.container(), Path(site.environ["INVOKE_APP_DIR"], "public/_redirects")
    text = file.read_text()
    try:
        file.write_text(f"{text}/a /b\n/b /a\n")
        output = " ".join(site.fails("run-prod").split())
    finally:
        file.write_text(text)
    assert "_redirects, line 14 cannot be used: /a /b 301" in output
    assert "It leads a browser in a circle, with line 15. Nothing was replaced." in output
    assert site.container().id == container.id
