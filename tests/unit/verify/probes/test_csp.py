from __future__ import annotations

import base64
import hashlib

import pytest

from docktasks.verify.probes.csp import Policy, blocked_code, policies, weaknesses

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
SCRIPT = "<script>go()</script>"
HASH = f"'sha256-{base64.b64encode(hashlib.sha256(b'go()').digest()).decode()}'"


@pytest.mark.parametrize(
    ("sources", "html", "blocked"),
    [
        ("'self'", SCRIPT, ["inline <script> go() is not in script-src"]),
        ("'self'", "<style>a {\n}</style>", ["inline <style> a { } is not in style-src"]),
        ("'self' 'unsafe-inline'", SCRIPT, []),
        ("'self' 'unsafe-inline' 'nonce-a1'", SCRIPT, ["inline <script> go() is not in script-src"]),
        ("'self' 'nonce-a1'", '<script nonce="a1">go()</script>', []),
        ("'self' 'nonce-a1'", '<script nonce="b2">go()</script>', ["inline <script> go() is not in script-src"]),
        (f"'self' {HASH}", SCRIPT, []),
        (f"'self' {HASH}", "<script>go() </script>", ["inline <script> go() is not in script-src"]),
        ("'self'", '<script src="/a.js">go()</script>', []),
        ("'self'", '<script type="application/json">{}</script><!--<script>go()</script>-->text', []),
        (
            "'self'",
            '<a onclick="go()" style="color: red" id="only">',
            [
                "inline onclick go() is not in script-src",
                "inline style color: red is not in style-src",
            ],
        ),
        (f"'self' {HASH}", '<a onclick="go()">', ["inline onclick go() is not in script-src"]),
        (f"'self' 'unsafe-hashes' {HASH}", '<a onclick="go()" style="">', []),
        (f"'self' 'unsafe-hashes' {HASH}", '<a onclick="go()" onclick="stop()">', []),
        ("'self'", '<noscript><iframe style="display: none"></iframe></noscript><template><a onclick="go()">', []),
        ("'self' 'unsafe-inline'", '<a onclick="go()" style="color: red">', []),
        ("'self'", '<script type="module">go()</script>after', ["inline <script> go() is not in script-src"]),
    ],
)
def test_inline_code_needs_a_nonce_or_its_hash(sources: str, html: str, blocked: list[str]) -> None:
    """Scripts that are files, and data, are no inline code."""
    assert [code.label for code in blocked_code(policies([f"default-src {sources}"], html), html)] == blocked


def test_directive_for_elements_counts_before_the_general_one() -> None:
    """script-src-elem counts for an element, then script-src, then default-src. Without any all code runs."""
    assert not list(blocked_code(policies(["script-src 'self'; script-src-elem 'unsafe-inline'"], ""), SCRIPT))
    assert list(blocked_code(policies(["default-src 'unsafe-inline'; script-src 'self'"], ""), SCRIPT))
    assert not list(blocked_code(policies(["img-src 'none'"], ""), SCRIPT))


def test_browser_obeys_the_policies_of_headers_and_of_the_page() -> None:
    """A header may have several, separated by a comma; a meta element has another."""
    html = f"""<meta http-equiv="Content-Security-Policy" content="script-src 'self'">{SCRIPT}"""
    assert len(policies(["img-src *, font-src *", ""], html)) == 3
    assert list(blocked_code(policies([], html), html))
    assert weaknesses(policies([POLICY], html), "") == []


@pytest.mark.parametrize(
    ("policy", "frame_options", "faults"),
    [
        (POLICY, "", []),
        (POLICY.replace("; frame-ancestors 'none'", ""), "", ["frame-ancestors is missing"]),
        (POLICY.replace("; frame-ancestors 'none'", ""), "sameorigin", []),
        (f"{POLICY}; script-src 'unsafe-inline' 'nonce-a1'", "", []),
        (f"{POLICY}; script-src https: 'strict-dynamic'", "", []),
        (f"{POLICY}; script-src https: blob: 'strict-dynamic'", "", ["script-src https: blob: 'strict-dynamic'"]),
        (f"{POLICY}; base-uri https:", "", []),
    ],
)
def test_policy_may_be_strict_in_several_ways(policy: str, frame_options: str, faults: list[str]) -> None:
    """Browsers ignore wide sources next to strict ones, and a directive that stands twice."""
    assert weaknesses(policies([policy], ""), frame_options) == faults


def test_no_policy_is_a_weakness() -> None:
    """A page without any is open to everything."""
    assert weaknesses((), "") == ["there is no policy"]


def test_line_ends_of_windows_are_hashed_as_a_browser_reads_them() -> None:
    """It takes CRLF for LF before it hashes: https://html.spec.whatwg.org/multipage/parsing.html#preprocessing-the-input-stream."""
    digest = base64.b64encode(hashlib.sha256(b"\ngo()\n").digest()).decode()
    policy = Policy(f"script-src 'sha256-{digest}'")
    assert list(blocked_code([policy], "<script>\r\ngo()\r\n</script>")) == []
