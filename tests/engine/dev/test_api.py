"""An API under the dev server's origin."""

from __future__ import annotations

from pathlib import Path

import httpx
from websockets.sync.client import connect

from tests.support.api_container import ApiContainer
from tests.support.checkouts import copy_checkout
from tests.support.project import ProjectFactory, ProjectUnderTest

OWN_PROXY = """proxy: {
    '/api': 'http://localhost:9',
    '/own': { target: 'http://api:8000', headers: { 'X-Own': '1' } },
  }"""
"""What an app passes on by itself. Its /api leads to the container itself, as for an API on the host without Docker."""

EDITS = ("--only=dev.source", "--only=dev.hot-reload")
"""The checks that edit a style one after the other. Here only components have styles."""


def test_dev_server_passes_requests_on_to_the_api(
    new_project: ProjectFactory, built_project: ProjectUnderTest, tmp_path: Path
) -> None:
    """JSON, a WebSocket and a 502 as in production. The setting comes before the app's own proxy, whose rest stays."""
    checkout = copy_checkout(tmp_path / "checkout")
    config = checkout / "hello-dock/vite.config.js"
    config.write_text(config.read_text().replace("server: { port: 3000 }", f"server: {{ port: 3000, {OWN_PROXY} }}"))
    script = checkout / "hello-dock/src/main.js"
    script.write_text(script.read_text().replace("import './style.css'\n", ""))
    with ApiContainer(built_project.image) as api:
        upstreams = "/api=http://api:8000 /gone=http://gone:1"
        project = new_project(checkout, API_NETWORK=api.network, API_UPSTREAMS=upstreams)
        project.succeeds("dev", "--detach")
        url = project.container("dev").url
        arrived = httpx.get(f"{url}/api/echo?x=1", headers={"X-Forwarded-For": "203.0.113.9"}).json()
        assert arrived["path"] == "/api/echo?x=1"
        assert arrived["headers"]["host"] == arrived["headers"]["x-forwarded-host"] == [url.removeprefix("http://")]
        assert "203.0.113.9" not in str(arrived)
        assert httpx.get(f"{url}/own/echo").json()["headers"]["x-own"] == ["1"]
        missing = httpx.get(f"{url}/gone/x")
        assert (missing.status_code, missing.json()["title"]) == (502, "Bad gateway")
        with connect(f"{url.replace('http', 'ws')}/api/socket", proxy=None) as socket:
            socket.send("first")
            assert socket.recv(timeout=10) == "first"
        assert "FAILS" not in project.succeeds("verify", "--only=dev.network", *EDITS)
        project.succeeds("stop")
