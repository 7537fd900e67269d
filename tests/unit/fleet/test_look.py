from __future__ import annotations

import httpx

from docktasks.fleet.look import missing_files
from tests.unit.fakes.web import Web

NODES = ["http://192.0.2.1:8080", "http://[2001:db8::1]:8080"]


def test_every_node_is_asked_for_every_file(web: Web) -> None:
    """A file that one node lacks is named with the node, as well as a node that does not answer."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method != "HEAD" or (request.url.host == "2001:db8::1" and request.url.path == "/gone.js"):
            raise httpx.ConnectError("Connection refused", request=request)
        return httpx.Response(404 if (request.url.host, request.url.path) == ("192.0.2.1", "/a b.js") else 200)

    web.answer = answer
    assert missing_files(NODES, ["/a.js", "/a%20b.js", "/gone.js"]) == [
        f"{NODES[0]}/a%20b.js: 404",
        f"{NODES[1]}/gone.js: no answer (Connection refused)",
    ]
    assert sorted(web.requests) == sorted(
        f"{node}/{path}" for node in NODES for path in ("a.js", "a%20b.js", "gone.js")
    )
    assert missing_files(NODES, []) == []
