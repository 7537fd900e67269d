"""Tests of docktasks/images/nginx/redirects.mjs and redirects-configuration.mjs. They need node."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.images.test_assemble import assemble, write
from tests.unit.images.test_pages import evaluate

FILES = ["index.html", "about.html", "docs/index.html", "404.html", "data/users.json"]


def parse(text: str) -> Any:
    """Return what parseRedirects gives for a text, or the refusal of a line."""
    code = (
        "(() => { try { return module.parseRedirects($[0], new Set($[1])) }"
        " catch (error) { if (error.refusal) return error; throw error } })()"
    )
    return evaluate("redirects", code, text, FILES)


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("/old /new", ("/old", "/new", 301, False)),
        ("  /old\t/new  302!  # why", ("/old", "/new", 302, True)),
        (
            "/a/:year/* https://x.example/:year?y=:splat#:splat 308",
            ("/a/:year/*", "https://x.example/:year?y=:splat#:splat", 308, False),
        ),
        ("/data/* /data/users.json 200", ("/data/*", "/data/users.json", 200, False)),
    ],
)
def test_line_is_read(line: str, rule: tuple[str, str, int, bool]) -> None:
    """Comments and spaces do not count. Without a status it is 301."""
    (read,) = parse(f"\ufeff# comment\r\n\r\n{line}\r\n")["rules"]
    assert (read["from"], read["to"], read["status"], read["force"]) == rule
    assert read["number"] == 3


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("/a /b 302 Country=de,at", "a country, a language, a role or a cookie"),
        ("/a /b 302! Language=de", "a country, a language, a role or a cookie"),
        ("/a id=:id /b/:id 301", "it depends on the query"),
        ("/api/* https://api.example/:splat 200", "it passes requests on to another host"),
        ("/api/* https://api.example/:splat 200!", "it passes requests on to another host"),
        ("https://old.example/* https://new.example/:splat 301!", "it is for one host only"),
        ("/f/* /.netlify/functions/:splat 200", "Netlify's own"),
        ("/a /no-such-page 200", "the site has no file /no-such-page"),
    ],
)
def test_line_that_the_image_cannot_do_is_left_out(line: str, reason: str) -> None:
    """The notice has the number of the line. The other lines count."""
    parsed = parse(f"/one /two\n{line}\n/three /four")
    assert [rule["number"] for rule in parsed["rules"]] == [1, 3]
    (notice,) = parsed["notices"]
    assert notice.startswith("_redirects, line 2 is left out, because ")
    assert reason in notice
    assert line in notice


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("/old", "It has no target."),
        ("/old /new soon", "STATUS is none of"),
        ("/old /new 410", "STATUS is none of"),
        ("/old /new 301 more words", "only three have a meaning"),
        ("old /new", "FROM begins with no slash"),
        ("/old new", "TO is neither a path nor an address"),
        ("/old //host", "TO is neither a path nor an address"),
        ("/old javascript:alert(1)", "TO is neither a path nor an address"),
        ("/* https://:splat", "TO is neither a path nor an address"),
        ("/* https://x.example:splat", "TO is neither a path nor an address"),
        ("/* https://x.example@:splat", "TO is neither a path nor an address"),
        ("/old?a=b /new", "FROM has a query"),
        ("/*/* /new", "two parts with one name"),
        ("/:a/:a /new", "two parts with one name"),
        ("/old /new/:splat", "TO has :splat, which FROM does not have"),
        ("/:a /new/:b", "TO has :b, which FROM does not have"),
        ("/old /a\\b", "a backslash"),
        ("/a /a", "in a circle"),
        ("/a/ /b\n/b /a/", "in a circle, with line 3"),
        ("/* /x 301", "in a circle"),
        ("/a/* /a/b/:splat", "in a circle"),
        ("/x/* /x/", "in a circle"),
        ("/:lang /:lang/ 302\n/:lang/ /:lang", "in a circle"),
        ("/about /about 301!", "in a circle"),
    ],
)
def test_line_that_cannot_be_used_ends_the_build(line: str, why: str) -> None:
    """The error names file, line and text, and how to correct it."""
    refusal = parse(f"# first\n{line}")["refusal"]
    assert re.match(r"_redirects, line [23] cannot be used: ", refusal["what"])
    assert why in refusal["why"]
    assert refusal["how"]


@pytest.mark.parametrize(
    "text",
    [
        "/* /about 301",
        "/about/ /about",
        "/a /b\n/b /c",
        "/* /index.html 200",
        "/a/* https://x.example/a/:splat",
        "/x /y/\n/y/z /x",
    ],
)
def test_line_that_arrives_is_no_loop(text: str) -> None:
    """A file of the site ends the way, and so does another host."""
    assert "rules" in parse(text)


def test_error_reaches_the_user_in_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Docker's output has it as one line, from which the task makes its message."""
    write(tmp_path / "dist/index.html")
    (tmp_path / "dist/_redirects").write_text("/a /b\n/b /a\n")
    with pytest.raises(Exception, match="exit status 1"):
        assemble(tmp_path)
    assert capfd.readouterr().err == (
        "REFUSED: _redirects, line 1 cannot be used: /a /b 301 | It leads a browser in a circle, with line 2."
        " | Let TO be a path that no line is for, or a file of the site ||\n"
    )


def test_last_line_of_an_app_is_its_fallback(tmp_path: Path) -> None:
    """Lines behind it are never reached. Neither file is one of the site."""
    write(tmp_path / "dist/index.html")
    write(tmp_path / "dist/404.html")
    write(tmp_path / "dist/other.html")
    (tmp_path / "dist/_redirects").write_text("/* /other 200\n/a /b\n")
    (tmp_path / "dist/_headers").write_text("/*\n  X-A: b\n")
    output = assemble(tmp_path)
    assert "is answered with the page other.html, because line 1 of _redirects says so" in output
    assert "_redirects, line 2 is never reached, because line 1 is for every path" in output
    assert '"/other.html"' in (tmp_path / "out/etc/nginx/site/pages.conf").read_text()
    assert sorted(path.name for path in (tmp_path / "out/srv/site").iterdir()) == [
        "404.html",
        "index.html",
        "other.html",
    ]
    assert sorted(path.name for path in (tmp_path / "built/dist").iterdir()) == ["404.html", "index.html", "other.html"]


def test_setting_comes_before_the_last_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """prod.fallback is the choice of the one who runs the image."""
    write(tmp_path / "dist/index.html")
    (tmp_path / "dist/_redirects").write_text("/* /index.html 200\n")
    monkeypatch.setenv("HELLO_DOCK_FALLBACK", "none")
    assert "because prod.fallback is none" in assemble(tmp_path)


def test_text_of_a_line_is_no_text_of_nginx() -> None:
    """Quotes, dollar signs, semicolons and braces stay what they are."""
    rule = {"number": 1, "from": '/a"b{2};$x', "to": '/c$uri";}{', "status": 301, "force": False, "names": []}
    files = evaluate("redirects-configuration", "module.redirectsConfiguration([$[0]])", rule)
    line = files["site/redirects.conf"].splitlines()[3]
    assert line == (
        r"""    "~^/a(?:\\\"|%22)b(?:\\{|%7[bB])2(?:\\}|%7[dD])(?:\\;|%3[bB])(?:\\$|%24)x/*(?:\\?|$)" """
        r""""301 /c${dollar}uri%22;%7D%7B${is_args}${args}";"""
    )
