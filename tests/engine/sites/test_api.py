"""An API under the site's own origin: what passes, what happens without it, and while releases replace each other."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from benchmarks.network import free_port
from benchmarks.visitors import Visitors
from docktasks.verify.probes.chromium import launch_browser, new_page, open_page
from docktasks.waiting import Probe, wait_until
from tests.engine.sites.conftest import SiteFactory
from tests.support.api_container import ApiContainer
from tests.support.certificates import make_certificate
from tests.support.commands import docker
from tests.support.long_forms import IS_LONG_FORM
from tests.support.project import RUN_STAGED, ProjectFactory, ProjectUnderTest

SWAPS = 20 if IS_LONG_FORM else 1
DRAIN_S = 6
UPLOAD = 32 << 20
"""More bytes than a release can write to its /tmp."""
SPOOFED = {"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
PAGE = {"Accept": "text/html", "Sec-Fetch-Dest": "document"}


@pytest.fixture(scope="module")
def api(built_project: ProjectUnderTest) -> Iterator[ApiContainer]:
    """An API that runs in a network of its own."""
    with ApiContainer(built_project.image) as container:
        yield container


@pytest.fixture(scope="module")
def project(api: ApiContainer, sites: SiteFactory, built_project: ProjectUnderTest) -> ProjectUnderTest:
    """A project whose release passes /api on to the API."""
    upstreams = "/api=http://api:8000 /gone=http://gone:1"
    project = sites(None, API_NETWORK=api.network, API_UPSTREAMS=upstreams, PROD_DRAIN_TIMEOUT=str(DRAIN_S))
    project.stage(built_project.image)
    project.succeeds(*RUN_STAGED)
    return project


def socket_of(project: ProjectUnderTest) -> ClientConnection:
    """Open a WebSocket to the API by the site's address."""
    return connect(f"{project.container().url.replace('http', 'ws')}/api/socket", proxy=None)


def echo(socket: ClientConnection, text: str) -> bool:
    """Return True if the API sends a message back."""
    socket.send(text)
    return socket.recv(timeout=10) == text


def test_what_an_api_needs_passes(project: ProjectUnderTest) -> None:
    """JSON, every method, an upload, events one by one, a WebSocket; the API's own headers, errors and 404."""
    url = project.container().url
    response = httpx.delete(f"{url}/api/echo?x=%2F%20", headers=SPOOFED)
    arrived = response.json()
    assert (arrived["method"], arrived["path"]) == ("DELETE", "/api/echo?x=%2F%20")
    headers = arrived["headers"]
    (address,) = headers["x-forwarded-for"]
    assert address != "203.0.113.9"
    assert headers["x-real-ip"] == [address]
    assert "forwarded" not in headers
    assert headers["host"] == headers["x-forwarded-host"] == [url.removeprefix("http://")]
    assert headers["x-forwarded-proto"] == ["http"]
    own = {"cache-control": ["private, max-age=7"], "x-content-type-options": ["nosniff"]}
    assert {name: response.headers.get_list(name) for name in own} == own
    assert response.headers["content-type"] == "application/json"
    assert "content-security-policy" not in response.headers
    missing = httpx.get(f"{url}/api/missing", headers=PAGE)
    assert (missing.status_code, missing.json()) == (404, {"error": "no route /api/missing"})
    assert httpx.get(f"{url}/api", headers=PAGE).json() == {"error": "no route /api"}
    assert httpx.post(f"{url}/api/upload", content=b"x" * UPLOAD, timeout=60).json() == {"size": UPLOAD}
    with httpx.stream("GET", f"{url}/api/events", headers={"Accept": "text/event-stream"}) as events:
        assert events.headers["content-type"] == "text/event-stream"
        lines = filter(None, events.iter_lines())
        assert list(itertools.islice(lines, 3)) == ["data: 0", "data: 1", "data: 2"]  # and the API has more
    with socket_of(project) as socket:
        assert all(echo(socket, text) for text in ("first", "x" * 20_000))


def test_site_keeps_its_own_addresses(project: ProjectUnderTest) -> None:
    """Only the prefix is the API's. Elsewhere the site answers as before, and verify finds no fault."""
    url = project.container().url
    page = httpx.get(url).text
    assert httpx.get(f"{url}/apiary", headers=PAGE).text == page
    assert httpx.get(f"{url}/tasks/api", headers=PAGE).text == page
    assert httpx.post(f"{url}/apiary").status_code == 405
    assert "FAILS" not in project.succeeds("verify", "--group=http", "--group=container")


def test_missing_api_is_a_502_with_a_clear_text(project: ProjectUnderTest) -> None:
    """A program gets JSON, a person a page; the site's headers are there once, and nothing is kept."""
    url = project.container().url
    response = httpx.post(f"{url}/gone/x", content=b"x" * 5000)
    assert response.status_code == 502
    assert response.json()["detail"] == "The API of this site cannot be reached. Try again later."
    assert response.headers.get_list("cache-control") == ["no-store"]
    assert response.headers.get_list("x-content-type-options") == ["nosniff"]
    page = httpx.get(f"{url}/gone", headers=PAGE)
    assert page.status_code == 502
    assert "<h1>502 Bad gateway</h1>" in page.text
    with httpx.stream("GET", f"{url}/gone/events", headers={"Accept": "text/event-stream"}) as events:
        assert events.status_code == 502
        assert json.loads(events.read())["status"] == 502


def test_api_that_returns_with_another_address_is_found(project: ProjectUnderTest, api: ApiContainer) -> None:
    """It is killed and started again under load. The site loses no request meanwhile."""
    url, statuses, stop = project.container().url, set[int](), Event()

    def ask() -> None:
        with httpx.Client(timeout=30) as client:
            while not stop.is_set():
                statuses.add(client.get(f"{url}/api/echo").status_code)

    clients = [Thread(target=ask) for _ in range(4)]
    with Visitors(url, 4) as visitors:
        for client in clients:
            client.start()
        before = api.address
        api.kill()
        assert wait_until(lambda: Probe(502 in statuses), limit=30).ready
        api.start()
        assert api.address != before
        assert wait_until(lambda: Probe(httpx.get(f"{url}/api/echo", timeout=30).is_success), limit=30).ready
        visitors.until(50)
        stop.set()
        for client in clients:
            client.join()
    assert visitors.failures == []
    assert statuses <= {200, 502, 504}
    # Each worker of nginx asks for the address, and keeps the old one for up to a second.
    assert wait_until(lambda: Probe(all(httpx.get(f"{url}/api/echo").is_success for _ in range(20))), limit=10).ready


def test_swaps_under_open_websockets_lose_no_request(project: ProjectUnderTest) -> None:
    """A socket works on while the old release drains, and is closed within prod.drain_timeout. Others are not asked."""
    url = project.container().url
    with Visitors(url) as visitors:
        for number in range(SWAPS):
            with socket_of(project) as socket, socket_of(project) as busy:
                closed = Thread(target=_talk_until_closed, args=[busy])
                closed.start()
                output = project.succeeds(*RUN_STAGED, "--env", f"API_NUMBER={number}")
                assert "drained and removed the previous container" in output
                with pytest.raises(ConnectionClosed):
                    socket.recv(timeout=10)
                closed.join(10)
                assert not closed.is_alive()
            assert httpx.get(f"{url}/api/echo").is_success
            with socket_of(project) as socket:
                assert echo(socket, "again")
            visitors.until(50)
    assert visitors.failures == []
    project.assert_one_release_serves()


def _talk_until_closed(socket: ClientConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        while echo(socket, "still there"):
            pass


def test_release_without_its_api_serves_its_site(new_project: ProjectFactory, built_project: ProjectUnderTest) -> None:
    """An unknown network is refused first. An API on this machine is outside of all networks."""
    project = new_project()
    project.stage(built_project.image)
    unknown = project.fails(*RUN_STAGED, INVOKE_API_NETWORK="hd-none", INVOKE_API_UPSTREAMS="/api=http://api:8000")
    assert "There is no network hd-none." in unknown
    assert project.container_names() == []
    project.succeeds(*RUN_STAGED, INVOKE_API_UPSTREAMS="/api=http://host.docker.internal:1")
    assert project.get("/api/echo").status_code == 502
    assert project.get().status_code == 200
    assert project.container().networks.keys() == {f"{project.name}-prod-out"}


def test_only_a_trusted_proxy_says_who_asks(project: ProjectUnderTest) -> None:
    """Its word is the client's address, in the access log and for the API, and the scheme. The last of two counts."""
    private = "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 127.0.0.0/8"
    project.succeeds(*RUN_STAGED, INVOKE_PROD_TRUSTED_PROXIES=private)
    sent = {"X-Forwarded-For": "198.51.100.7, 203.0.113.9", "X-Forwarded-Proto": "https"}
    headers = httpx.get(f"{project.container().url}/api/echo", headers=sent).json()["headers"]
    assert headers["x-forwarded-for"] == headers["x-real-ip"] == ["203.0.113.9"]
    assert headers["x-forwarded-proto"] == ["https"]
    log = wait_until(lambda: Probe("203.0.113.9 [" in project.engine.logs(f"{project.name}-prod")), limit=10)
    assert log.ready
    project.succeeds(*RUN_STAGED, INVOKE_PROD_TRUSTED_PROXIES="198.51.100.0/24")
    headers = httpx.get(f"{project.container().url}/api/echo", headers=sent).json()["headers"]
    assert "203.0.113.9" not in headers["x-forwarded-for"]
    assert headers["x-forwarded-proto"] == ["http"]
    wrong = project.fails(*RUN_STAGED, INVOKE_PROD_TRUSTED_PROXIES="10.0.0.0/8 balancer")
    assert "prod.trusted_proxies is '10.0.0.0/8 balancer', but must be addresses or networks" in wrong


def test_certificate_of_an_api_on_https_is_checked(
    new_project: ProjectFactory, built_project: ProjectUnderTest, tmp_path: Path
) -> None:
    """By the authorities of the image. Without any the API is not reached, and run-prod says why."""
    cert, key = make_certificate(tmp_path / "tls", "DNS:api")
    bundle = "/etc/ssl/certs/ca-certificates.crt"
    text = cert.read_text().replace("\n", "\\n")
    trust = f"USER 0\nRUN mkdir -p /etc/ssl/certs && printf %b '{text}' >{bundle}\nUSER 101\n"
    with ApiContainer(built_project.image, cert, key) as api:
        upstreams = "/api=https://api:8001 /other=https://other:8001"
        project = new_project(API_NETWORK=api.network, API_UPSTREAMS=upstreams)
        project.stage(built_project.image, trust)
        assert "certificate" not in project.succeeds(*RUN_STAGED)
        headers = project.get("/api/echo").json()["headers"]
        assert headers["host"] == ["api:8001"]
        project.stage(built_project.image, f"USER 0\nRUN rm -f {bundle}\nUSER 101\n")
        output = project.succeeds(*RUN_STAGED)
        assert f"An API on https is not reached: the image has no {bundle}" in output
        assert project.get("/api/echo").status_code == 502
        assert project.get().status_code == 200
        project.succeeds("stop")  # it is in the API's network


@pytest.mark.long
def test_api_of_a_running_site_takes_another_port_holder(
    new_project: ProjectFactory, built_project: ProjectUnderTest, api: ApiContainer
) -> None:
    """The image stays the same, and the gap is announced. In place of a release the port holder passes requests on."""
    project = new_project(PROD_HOST_PORT=str(free_port()))
    image = project.stage(built_project.image)
    project.succeeds(*RUN_STAGED)
    there = {"INVOKE_API_NETWORK": api.network, "INVOKE_API_UPSTREAMS": "/api=http://api:8000"}
    assert "a gap begins" in project.succeeds(*RUN_STAGED, **there)
    assert project.get("/api/echo").status_code == 200
    assert project.container().image_id == image
    assert project.container().networks.keys() == {f"{project.name}-prod", api.network}
    assert "drained" in project.succeeds(*RUN_STAGED, **there | {"INVOKE_API_UPSTREAMS": "/v1=http://api:8000"})
    assert project.get("/v1/echo").status_code == 200
    assert project.get("/api/echo").text == project.get().text
    docker("container", "stop", project.container().name)
    holder = project.container("prod-port").url
    assert wait_until(lambda: Probe(_answers(f"{holder}/v1/echo")), limit=30).ready


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(url).is_success
    return False


@pytest.mark.long
def test_policy_lets_a_page_call_its_own_origin(project: ProjectUnderTest, chromium: str) -> None:
    """By fetch, by server-sent events, and by a WebSocket, which 'self' covers in a browser of today."""
    script = """async () => {
      const text = await fetch('/api/echo').then((response) => response.json()).then(({ path }) => path)
      const events = new EventSource('/api/events')
      const event = await new Promise((resolve) => { events.onmessage = (it) => resolve(it.data) })
      const socket = new WebSocket('/api/socket')
      const sent = await new Promise((resolve, reject) => {
        socket.onopen = () => socket.send('first')
        socket.onmessage = (it) => resolve(it.data)
        socket.onerror = () => reject(new Error('no socket'))
      })
      return [text, event, sent]
    }"""
    policy = project.get().headers["content-security-policy"]
    assert re.search(r"connect-src 'self'(?! [^;]*(?:ws|\*))", policy), policy
    with launch_browser(chromium, 60) as browser, new_page(browser) as page:
        open_page(page, f"{project.container().url}/")
        assert page.evaluate(script) == ["/api/echo", "0", "first"]
