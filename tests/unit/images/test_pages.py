"""Tests of docktasks/images/nginx/pages.mjs: what kind of site a build wrote. They need node."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.images.test_assemble import ROOT, assemble, write

APP: dict[str, Any] = {"files": ["index.html", "assets/x.js"], "hasEntry": True}
FOUR_OH_FOUR = {"files": ["index.html", "404.html"]}


def evaluate(name: str, code: str, *values: object) -> Any:
    """Return what an expression gives, in which `module` is the module of that name and `$` has the values."""
    script = (
        f"import * as module from {json.dumps(str(ROOT / f'docktasks/images/nginx/{name}.mjs'))};"
        f"const $ = JSON.parse(process.argv[1]); process.stdout.write(JSON.stringify({code}) ?? 'null')"
    )
    args = ["node", "--input-type=module", "-e", script, json.dumps(values)]
    return json.loads(subprocess.run(args, check=True, capture_output=True, text=True).stdout)


def answer_of(**site: Any) -> tuple[int, str | None]:
    """Return status and page of what answers an address without a file."""
    answer = evaluate("pages", "module.answerOf({ ...$[0], files: new Set($[0].files) })", site)
    return answer["status"], answer.get("page")


@pytest.mark.parametrize(
    ("site", "status", "page"),
    [
        (APP, 200, "index.html"),
        (APP | {"files": ["index.html", "200.html", "404.html"]}, 200, "200.html"),
        (APP | {"files": ["index.html", "about/index.html", "__spa-fallback.html"]}, 200, "__spa-fallback.html"),
        (APP | {"files": ["index.html", "_shell.html"]}, 200, "_shell.html"),
        (APP | FOUR_OH_FOUR | {"startsApp": True}, 200, "index.html"),
        (APP | FOUR_OH_FOUR | {"startsApp": False}, 404, "404.html"),
        (APP | {"isMpa": True}, 404, None),
        (APP | {"files": ["index.html", "about.html"]}, 200, "index.html"),
        (APP | {"files": ["index.html", "about.html"], "hasEntry": False}, 404, None),
        (APP | {"hasEntry": False}, 200, "index.html"),
        (APP | {"files": ["src/pages/index.html"]}, 200, "src/pages/index.html"),
        (APP | FOUR_OH_FOUR | {"fallback": "index.html"}, 200, "index.html"),
        (APP | FOUR_OH_FOUR | {"startsApp": True, "fallback": "none"}, 404, "404.html"),
        (APP | {"fallback": "none"}, 404, None),
        (APP | {"files": ["src/pages/index.html"], "fallback": "src/pages/index.html"}, 200, "src/pages/index.html"),
    ],
)
def test_kind_of_site(site: dict[str, Any], status: int, page: str | None) -> None:
    """A shell comes before a 404.html, and the setting before both. A 404.html that equals index.html is an app."""
    assert answer_of(**site) == (status, page)


@pytest.mark.parametrize(
    ("own_404", "is_start"),
    [
        ("<div id=app></div>", True),
        ("<script>const l = window.location; l.replace(`${l.origin}/?/${l.pathname.slice(1)}`)</script>", True),
        ("<script>sessionStorage.address = location.href</script><meta http-equiv='refresh' content='0;URL=/'>", True),
        ("<script>document.title = location.pathname + ' is missing'</script><a href=/>Home</a>", False),
        ("<script>sent = location.href</script><meta http-equiv='refresh' content='5;URL=/'>", False),
        ("<script>if (theme) location.replace('/dark')</script><a href='/'>Home</a>", False),
        ("<script>note(location.pathname)</script><button onclick=\"location.href='/?x'\">Home</button>", False),
        ("<script>log(location.href); setTimeout(() => location.replace('/?from=404'), 5000)</script>", False),
        ("<script>location.replace('/en' + location.pathname)</script>", False),
        ("<p>Your location = unknown</p><script>document.title += location.href + '?'</script>", False),
        ("<h1>There is no such page</h1>", False),
    ],
)
def test_page_that_starts_the_app_on_github_pages(own_404: str, *, is_start: bool) -> None:
    """Its script keeps the address and goes to index.html at once. One that waits, or keeps nothing, is a page."""
    code = "[true, false].map((hasEntry) => module.isStart(Buffer.from($[0]), Buffer.from($[1]), hasEntry))"
    index = "<div id=app></div>"
    assert evaluate("pages", code, own_404, index) == [is_start, own_404 == index]


@pytest.mark.parametrize(
    ("config", "is_mpa"),
    [
        ("export default { appType: 'mpa' }", True),
        ('export default defineConfig({"appType" : "mpa" as const})', True),
        ("export default { plugins: [x('https://a.b')], appType: `mpa` }", True),
        ("export default { appType: 'spa' } // not appType: 'mpa'", False),
        ("/* appType: 'mpa' */ export default {}", False),
        ("const text = \"it's // no comment\"; export default { appType: 'mpa' }", True),
        ("export default { myappType: 'mpa' }", False),
        ("", False),
    ],
)
def test_app_type_is_read_from_the_configuration(config: str, is_mpa: bool) -> None:  # noqa: FBT001 - a parameter
    """A comment has no effect, and a text with slashes is no comment."""
    assert evaluate("pages", "module.hasMpaType($[0])", config) is is_mpa


def test_plain_app_gets_no_notice(tmp_path: Path) -> None:
    """Its router knows every address."""
    write(tmp_path / "dist/index.html")
    write(tmp_path / "index.html")
    assert assemble(tmp_path) == ""
    assert '"~^page |^file /$" "/index.html"' in (tmp_path / "out/etc/nginx/site/pages.conf").read_text()


@pytest.mark.parametrize(
    ("site", "home"),
    [
        ({"files": ["en/index.html", "de/index.html", "docs.html"]}, "docs.html"),
        ({"files": ["en/index.html", "en/a/index.html", "404.html"]}, "en/index.html"),
        ({"files": ["en/index.html", "fr/index.html"], "fallback": "none"}, "en/index.html"),
        ({"files": ["index.html", "404.html"]}, None),
        ({"files": ["en/index.html", "200.html"]}, None),
    ],
)
def test_first_page_answers_the_root_of_a_site_without_one(site: dict[str, Any], home: str | None) -> None:
    """The address that run-prod prints shows the site; other addresses without a file stay a 404."""
    answer = evaluate("pages", "module.answerOf({ ...$[0], files: new Set($[0].files) })", site)
    assert answer.get("home") == home
    text = evaluate("pages", "module.pagesConfiguration($[0], new Set($[1]))", answer, site["files"])
    assert (f'"~^(?:page|file) /$" "/{home}"' in text) == bool(home)


def test_kind_of_site_is_said_in_one_line(tmp_path: Path) -> None:
    """The line says what answers an address without a file, why, and which setting changes it."""
    (tmp_path / "vite.config.mts").write_text("export default { appType: 'mpa' }")
    write(tmp_path / "dist/index.html")
    assert assemble(tmp_path) == (
        "NOTICE: An address without a file is answered with status 404 with a page of hello-dock, because vite's"
        " configuration has appType: 'mpa' (prod.fallback sets it)\n"
    )


def test_fallback_that_the_build_did_not_write_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The error names the pages that the build wrote."""
    write(tmp_path / "dist/index.html")
    write(tmp_path / "dist/about.html")
    monkeypatch.setenv("HELLO_DOCK_FALLBACK", "200.html")
    with pytest.raises(subprocess.CalledProcessError):
        assemble(tmp_path)
    error = capfd.readouterr().err
    assert error == (
        "REFUSED: prod.fallback is 200.html, but the build wrote no such page."
        " | That page answers every address without a file."
        " | Set it to auto, none, or a page of the build: about.html, index.html ||\n"
    )
