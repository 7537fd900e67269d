"""Tests of docktasks/images/nginx/html.mjs, which reads a page as a browser's parser does. They need node."""

from __future__ import annotations

import json
import subprocess
from html.entities import html5
from pathlib import Path
from typing import Any

import pytest

NGINX = Path(__file__).parents[3] / "docktasks/images/nginx"
SCRIPT = """
import { elementsOf } from 'NGINX/html.mjs'
const [page] = JSON.parse(process.argv[1])
const elements = elementsOf(page).map(({ name, attributes, text }) => [name, Object.fromEntries(attributes), text])
console.log(JSON.stringify(elements))
"""


def elements(page: str) -> list[Any]:
    """Return name, attributes and text of each element of a page."""
    command = ["node", "--input-type=module", "--eval", SCRIPT.replace("NGINX", NGINX.as_uri()), json.dumps([page])]
    result: list[Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return result


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<script>a</script>", "a"),
        ("<SCRIPT\n>a</Script >", "a"),
        ("<script>a\r\nb\rc</script>", "a\nb\nc"),
        ("<script>'</scrip>'</script>", "'</scrip>'"),
        ("<script>a<!-- <script> b </script> c --></script>", "a<!-- <script> b </script> c -->"),
        ("<script>a<!-- b</script> c", "a<!-- b"),
        ("<script><!--><script>a</script>", "<!--><script>a"),
        ("<script><!-- <scripted></script>-->", "<!-- <scripted>"),
        ("<script>a&amp;b</script>", "a&amp;b"),
        ("<script>\0</script>", "\ufffd"),
        ("<!-- <script>no</script> --><script>a</script>", "a"),
        ("<!--><script>a</script>", "a"),
        ("<!-- --!><script>a</script>", "a"),
        ("<!x <script>a</script>", None),
        ("<!x><script>a</script>", "a"),
        ("<title><script>no</script></title><script>a</script>", "a"),
        ("<textarea><script>no</script></textarea><script>a</script>", "a"),
        ("<div title='<script>no</script>'><script>a</script>", "a"),
        ("<p a=<script>no</script><script>a</script>", "a"),
        ("<svg><script>a&amp;<![CDATA[<b]]><!-- c --></script></svg>", "a&<b"),
        ("<svg><title><script>a</script></title></svg>", "a"),
        ("<svg><p><script>a&amp;b</script>", "a&amp;b"),
        ("<script>no end", None),
        ("<plaintext><script>a</script>", None),
    ],
)
def test_text_of_a_script_ends_where_a_browser_ends_it(page: str, text: str | None) -> None:
    """Comments, strings, line ends and drawings count as they do for a browser. A script without an end is not run."""
    texts = [element[2] for element in elements(page) if element[0] == "script"]
    assert texts == ([] if text is None else [text])


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        ('<a x="a\'b">', "a'b"),
        ("<a x='a\"b'>", 'a"b'),
        ("<a x=a/b>", "a/b"),
        ("<a X = 'a' x='b'>", "a"),
        ("<a/x=a>", "a"),
        ("<a x>", ""),
        ("<a x=>", ""),
        ("<a x='&quot;&#39;&#x27;&amp;amp;'>", "\"''&amp;"),
        ("<a x='?a=1&copy=2&copy;&copyx'>", "?a=1&copy=2©&copyx"),
        ("<a x='&notit;&not;&unknown;&'>", "&notit;¬&unknown;&"),
        ("<a x='&#x80;&#xD800;&#0;&#x110000;&#13;'>", "€\ufffd\ufffd\ufffd\r"),
        ("<a x='a\r\nb'>", "a\nb"),
    ],
)
def test_value_of_an_attribute_is_read(tag: str, value: str) -> None:
    """In an attribute, a reference without its semicolon is text before a letter, a digit and =."""
    assert elements(tag)[0][1]["x"] == value


def test_tag_without_an_end_is_none() -> None:
    """The page ends within a quotation, so a browser sees no element."""
    assert elements("<b><script src='a") == [["b", {}, ""]]


def test_entities_are_those_of_the_standard() -> None:
    """Python has the standard's table, too: docs/entities.py wrote ours from it."""
    assert json.loads((NGINX / "entities.json").read_text()) == html5
