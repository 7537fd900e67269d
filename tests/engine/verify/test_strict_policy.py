"""What a visit tells about the strict policy of a site that has another one."""

from __future__ import annotations

import pytest

from docktasks.verify.probes import visitor
from tests.support.long_forms import long
from tests.support.page_server import serve_page

HANDLER = "'sha256-NmRlpaPvI4GK1fBsO0KnBSQtx0nCE2biUmGmISRd5Vs='"
"""The hash of the handler in BODY."""
COMPATIBLE = (
    f"default-src 'self'; script-src 'self' 'unsafe-hashes' {HANDLER}; style-src 'self' 'unsafe-inline' https:; "
    "img-src 'self' https:"
)
BODY = """<!doctype html><html lang="en"><title>calm</title><style>h1 {{ color: rgb(90, 0, 0) }}</style><h1>calm</h1>
<button onclick="this.title='on'">press</button>{more}"""


@pytest.mark.parametrize(
    ("policy", "more", "reported"),
    [
        (COMPATIBLE, "", ()),
        long(COMPATIBLE, '<img alt="" src="https://127.0.0.1:1/a.png">', ("img-src blocks",)),
        (COMPATIBLE, '<p style="color: red">', ("style-src-attr blocks",)),
        ("default-src 'none'; style-src 'unsafe-inline'", "", None),
        long("", "", None),
    ],
    ids=["nothing", "picture", "attribute", "strict already", "no policy"],
)
def test_visit_reports_what_the_strict_policy_would_block(
    chromium: str, policy: str, more: str, reported: tuple[str, ...] | None
) -> None:
    """The browser only reports it. Styles in the page count by their hashes. The visit itself is not disturbed."""
    headers = [("Content-Security-Policy", policy)] if policy else []
    with serve_page(BODY.format(more=more), *headers) as url:
        result = visitor.visit(url, chromium)
    assert result.failures == {}
    if reported is None:
        assert result.strict is None
    else:
        assert result.strict is not None
        assert [line[: len(text)] for line, text in zip(result.strict, reported, strict=True)] == list(reported)
        assert all(page.texts("policy") == [] for page in result.pages)
