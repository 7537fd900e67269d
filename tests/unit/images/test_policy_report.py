"""Tests of docktasks/images/node/vite/policy-report.mjs: production's policy, as report-only in dev. They need node."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.images.test_policy import digest

MODULE = Path(__file__).parents[3] / "docktasks/images/node/vite/policy-report.mjs"
HOST = "127.0.0.1:3000"
SCRIPT = f"""
import * as report from '{MODULE.as_uri()}'
const [name, ...words] = JSON.parse(process.argv[1])
console.log(JSON.stringify(report[name](...words.map((word) => word ?? undefined)) ?? null))
"""


def call(name: str, *words: object) -> Any:
    """Return what a function of the module returns."""
    command = ["node", "--input-type=module", "--eval", SCRIPT, json.dumps([name, *words])]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def report(directive: str, blocked: str, file: str = "/src/main.js?t=1") -> dict[str, str]:
    """Return a report as Chromium sends it: https://www.w3.org/TR/CSP3/#deprecated-serialize-violation."""
    page = f"http://{HOST}"
    return {
        "document-uri": f"{page}/",
        "effective-directive": directive,
        "blocked-uri": blocked,
        "source-file": f"{page}{file}",
    }


def test_policy_of_a_page_has_the_hashes_of_its_inline_code() -> None:
    """It is the one that a build would compute. A page that comes in pieces has inline code that is not known."""
    html = "<script>one()</script><style>p{}</style><p onclick='two()'>"
    settings = {"profile": "strict", "sources": {}}
    script = f"""
import {{ policyOf }} from '{MODULE.as_uri()}'
import {{ readSettings }} from '{MODULE.parents[2].as_uri()}/nginx/policy.mjs'
for (const html of {json.dumps([html])}.concat(undefined)) {{
  console.log(policyOf(readSettings('{settings["profile"]}', 'img-src https://a.example'), html))
}}
"""
    output = subprocess.run(
        ["node", "--input-type=module", "--eval", script], check=True, capture_output=True, text=True
    ).stdout
    policies = [{name: words for name, *words in map(str.split, line.split(";"))} for line in output.splitlines()]
    assert {digest("one()"), "'unsafe-hashes'", digest("two()"), "'wasm-unsafe-eval'"} < set(policies[0]["script-src"])
    assert digest("p{}") in policies[0]["style-src"]
    assert policies[0]["img-src"] == ["'self'", "data:", "https://a.example"]
    assert policies[0]["report-uri"] == ["/__hello-dock/policy-reports"]
    assert "'unsafe-inline'" in policies[1]["script-src"]


@pytest.mark.parametrize(
    ("directive", "blocked", "what", "source"),
    [
        ("script-src", "eval", "eval or new Function", "script-src 'unsafe-eval'"),
        ("script-src-elem", "https://js.example/a.js?x", "scripts of https://js.example", "script-src https://js.example"),
        ("style-src-attr", "inline", "styles that scripts write into the page", "style-src 'unsafe-inline'"),
        ("script-src-attr", "inline", "inline scripts and handlers that scripts write into the page",
         "script-src 'unsafe-inline'"),
        ("img-src", "data", "pictures of data:", "img-src data:"),
        ("worker-src", "blob", "workers of blob:", "worker-src blob:"),
        ("connect-src", "wss://live.example/x", "connections of wss://live.example", "connect-src wss://live.example"),
        ("object-src", f"http://{HOST}/a.swf", "plugins of 'self'", "object-src 'self'"),
    ],
)  # fmt: skip
def test_notice_has_the_line_to_add(directive: str, blocked: str, what: str, source: str) -> None:
    """The words are those of a build's notices."""
    notice = call("noticeOf", "strict", HOST, report(directive, blocked))["notice"]
    assert notice == (
        f'prod.csp: strict blocks {what} (in /src/main.js). If the app needs it: prod.csp_sources: "{source}"'
    )


@pytest.mark.parametrize(
    "needless",
    [
        report("style-src-elem", "inline", "/@vite/client"),
        report("connect-src", f"ws://{HOST}/?token=a"),
        report("script-src-elem", "inline", "/@react-refresh"),
        report("img-src", "https://a.example/") | {"document-uri": "https://other.example/"},
        report("img-src", ""),
        {},
    ],
)
def test_no_notice_of_what_only_the_dev_server_needs(needless: dict[str, str]) -> None:
    """A report of a page of another site is none of ours, either."""
    assert call("noticeOf", "strict", HOST, needless) is None


def test_notice_prints_no_control_characters() -> None:
    """Every page on this machine can send a report."""
    hostile = report("img-src\x1b[2J", "https://a.example", "/\x1b[31mx.js")
    assert "\x1b" not in call("noticeOf", "strict", HOST, hostile)["notice"]
