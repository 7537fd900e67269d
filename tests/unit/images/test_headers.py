"""Tests of docktasks/images/nginx/headers.mjs: a site's file _headers. They need node."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.unit.images.test_pages import evaluate

REFUSED = "(() => { try { return module.parseHeaders($[0]) } catch (error) { return error } })()"


def parse(text: str) -> Any:
    """Return what parseHeaders gives for a text, or the refusal of a line."""
    return evaluate("headers", REFUSED, text)


def test_lines_are_rules_of_the_path_above_them() -> None:
    """Comments and empty lines do not count. Two paths may stand above one block each."""
    text = "# all\n/*\n  X-A: 1\n\tX-A : two words; x\n\n  ! Referrer-Policy\n/a/:b\n!X-A\n"
    assert [(rule["path"], rule["name"], rule.get("value")) for rule in parse(text)["rules"]] == [
        ("/*", "X-A", "1"), ("/*", "X-A", "two words; x"), ("/*", "Referrer-Policy", None), ("/a/:b", "X-A", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("/*\n Set-Cookie: a=b", "sets no cookie"),
        ("/*\n Basic-Auth: me:secret", "The path is open to everybody"),
        ("/*\n Content-Length: 3", "by what it sends"),
        ("/*\n ETag: x", "by what it sends"),
        ("/*.json\n Content-Type: text/plain", "one file"),
        ("/.env\n Content-Type: text/plain", "one file"),
        ("/healthz\n Content-Type: text/plain", "one file"),
        ("/a/:b\n X-B: it is /:b", "takes no part of the path"),
    ],
)
def test_header_that_the_image_cannot_send_is_left_out(text: str, reason: str) -> None:
    """The notice has the number of the line."""
    (notice,) = parse(text)["notices"]
    assert notice.startswith("_headers, line 2 is left out, because ")
    assert reason in notice


def test_path_of_another_host_is_left_out_with_its_lines() -> None:
    """The image serves every host alike."""
    parsed = parse("https://x.example/*\n X-A: b\n/*\n X-C: d")
    assert [rule["name"] for rule in parsed["rules"]] == ["X-C"]
    assert len(parsed["notices"]) == 1


def test_header_above_the_first_path_is_left_out() -> None:
    """The other hosts apply it nowhere, too, and publish the site."""
    parsed = parse("X-A: b\n! X-B\n/*\n X-C: d")
    assert [rule["name"] for rule in parsed["rules"]] == ["X-C"]
    assert parsed["notices"][0] == "_headers, line 1 is left out, because no path stands above it: X-A: b"
    assert len(parsed["notices"]) == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("/*\n nonsense", "neither a path"),
        ("/*\n X A: b", "neither a path"),
        ("/*\n X-A:", "has no value"),
        ("/a b\n X-A: b", "A path has no space"),
        ("/*\n X-A: caf\u00e9", "all but ASCII"),
        ("/*\n X-A: a\u0000b", "all but ASCII"),
        (f"/*\n X-A: {'a' * 4000}", "more than 3500 characters"),
        ("/a\n Content-Type: nonsense; {", "no media type"),
    ],
)
def test_line_that_cannot_be_read_ends_the_build(text: str, why: str) -> None:
    """The error names file, line and text, and how to correct it."""
    refusal = parse(text)["refusal"]
    assert re.match(r"_headers, line [12] cannot be used: ", refusal["what"])
    assert why in refusal["why"]
    assert "public/_headers" in refusal["how"]


def configured(text: str, ours: str = "") -> tuple[str, str]:
    """Return our configuration with the site's headers, and the site's own configuration."""
    code = (
        "(() => { const { adapt, files } = module.headersConfiguration(module.parseHeaders($[0]));"
        " const ours = adapt($[1]); return [ours, files()['site/headers.conf']] })()"
    )
    adapted, own = evaluate("headers", code, text, ours)
    return adapted, own


def test_header_of_ours_is_sent_once_with_the_value_of_the_site() -> None:
    """Our value stays where the site has none."""
    ours = 'add_header X-Frame-Options "DENY $x";\nadd_header Allow $allow always;\n'
    adapted, own = configured("/embed/*\n x-frame-options: SAMEORIGIN", ours)
    assert adapted == "add_header X-Frame-Options $site_header_0 always;\nadd_header Allow $allow always;\n"
    assert '    default "DENY $x";\n' in own
    assert "add_header" not in own


def test_header_that_is_not_ours_is_added() -> None:
    """Each name is sent once, whatever its letters."""
    _, own = configured("/*\n X-A: b\n/c\n x-a: d")
    assert own.count("add_header ") == 1


def test_header_about_caches_is_for_files_only() -> None:
    """An error under that path must not be kept, and neither must the app's page for an unknown address."""
    _, own = configured("/assets/*\n Cache-Control: max-age=99", "add_header Cache-Control $cache_control always;")
    assert 'map "$late$unknown$status ${site_header_0_1}" $site_header_0 {' in own
    assert own.count("(?:20[06]|304) ") == 2


def test_text_of_a_value_is_no_text_of_nginx() -> None:
    """Quotes, dollar signs, semicolons and braces stay what they are."""
    _, own = configured("/*\n X-A: a\"b$uri;}{\\n#'")
    assert r'''", a\"b${dollar}uri;}{\\n#'"''' in own


BOTH = "headers: { 'Cross-Origin-Embedder-Policy': 'require-corp', 'Cross-Origin-Opener-Policy': 'same-origin' }"


@pytest.mark.parametrize(
    ("config", "value"),
    [
        (f"export default {{ server: {{ {BOTH} }} }}", "require-corp"),
        ("h.set('cross-origin-embedder-policy', `credentialless`); h.set('Cross-Origin-Opener-Policy', 'same-origin')",
         "credentialless"),
        ("h['Cross-Origin-Embedder-Policy'] = 'require-corp'; h['Cross-Origin-Opener-Policy'] = 'same-origin'",
         "require-corp"),
        ("import isolate from 'vite-plugin-cross-origin-isolation'", "require-corp"),
        (f"// {BOTH}", ""),
        (BOTH.replace("require-corp", "unsafe-none"), ""),
        (BOTH.replace("same-origin", "same-origin-allow-popups"), ""),
        ("headers: { 'Cross-Origin-Embedder-Policy': 'require-corp' }", ""),
        ("headers: { 'Cross-Origin-Opener-Policy': 'same-origin' }", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_image_isolates_pages_as_the_dev_server_does(config: str, value: str) -> None:
    """SharedArrayBuffer takes both headers, on each page. A comment is no configuration."""
    isolation = evaluate("isolation", "module.isolationOf($[0], [])", config)
    headers = {rule["name"]: rule["value"] for rule in isolation["rules"] if rule["path"] == "/*"}
    both = {"Cross-Origin-Embedder-Policy": value, "Cross-Origin-Opener-Policy": "same-origin"}
    assert headers == (both if value else {})
    assert len(isolation["notices"]) == bool(value)


@pytest.mark.parametrize(
    "line",
    [
        "! cross-origin-embedder-policy", "Cross-Origin-Embedder-Policy: credentialless",
        "Cross-Origin-Opener-Policy: same-origin", "! Cross-Origin-Opener-Policy",
    ],
)  # fmt: skip
def test_headers_of_the_site_decide_about_isolation(line: str) -> None:
    """They can also say that there is none. Two values of one header would be none for a browser."""
    assert (
        evaluate("isolation", "module.isolationOf($[0], $[1])", BOTH, parse(f"/login\n {line}")["rules"])["rules"] == []
    )
