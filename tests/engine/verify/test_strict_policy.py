"""What a visit tells about the strict policy of a site that has another one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from docktasks.verify.probes import visit

HANDLER = "'sha256-NmRlpaPvI4GK1fBsO0KnBSQtx0nCE2biUmGmISRd5Vs='"
"""The hash of the handler in BODY."""
COMPATIBLE = (
    f"default-src 'self'; script-src 'self' 'unsafe-hashes' {HANDLER}; style-src 'self' 'unsafe-inline' https:; "
    "img-src 'self' https:"
)
BODY = """<!doctype html><html lang="en"><title>calm</title><style>h1 {{ color: rgb(90, 0, 0) }}</style><h1>calm</h1>
<button onclick="this.title='on'">press</button>{more}"""


@contextmanager
def served(policy: str, more: str) -> Iterator[str]:
    """Serve a page with this policy, and yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = BODY.format(more=more).encode()
            self.send_response(200)
            headers = {"Content-Type": "text/html", "Content-Length": str(len(body))}
            for name, value in (headers | ({"Content-Security-Policy": policy} if policy else {})).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("policy", "more", "reported"),
    [
        (COMPATIBLE, "", ()),
        (COMPATIBLE, '<img alt="" src="https://127.0.0.1:1/a.png">', ("img-src blocks",)),
        (COMPATIBLE, '<p style="color: red">', ("style-src-attr blocks",)),
        ("default-src 'none'; style-src 'unsafe-inline'", "", None),
        ("", "", None),
    ],
    ids=["nothing", "picture", "attribute", "strict already", "no policy"],
)
def test_visit_reports_what_the_strict_policy_would_block(
    chromium: str, policy: str, more: str, reported: tuple[str, ...] | None
) -> None:
    """The browser only reports it. Styles in the page count by their hashes. The visit itself is not disturbed."""
    with served(policy, more) as url:
        result = visit.visit(url, chromium)
    assert result.failures == {}
    if reported is None:
        assert result.strict is None
    else:
        assert result.strict is not None
        assert [line[: len(text)] for line, text in zip(result.strict, reported, strict=True)] == list(reported)
        assert all(page.policy == () for page in result.pages)
