"""How the production image ends: no request that it has begun, or that is on its way, is lost."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection

import httpx

from docktasks.engine.client import DockerEngine
from docktasks.engine.models import Container
from docktasks.waiting import Probe, is_listening, wait_until
from tests.support.commands import docker
from tests.support.image_sandbox import BARE, TMPFS, ImageSandbox
from tests.support.project import ProjectUnderTest


def slow_download(address: str, path: str) -> socket.socket:
    """A connection on which a request has been sent. Its receive buffer holds 4 kB, so the server has to wait."""
    host, _, port = address.removeprefix("http://").partition(":")
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(20)
    connection.connect((host, int(port)))
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return connection


def seconds(number: float) -> None:
    """Let that many seconds pass."""
    until = time.monotonic() + number
    wait_until(lambda: Probe(time.monotonic() >= until), number + 1)


def ended(engine: DockerEngine, name: str) -> Callable[[], Probe]:
    """A probe that is ready when a container has exited."""

    def look() -> Probe:
        container = engine.container(name)
        assert container is not None
        return Probe(container.state == "exited", container.state)

    return look


def test_nginx_finishes_a_slow_download_before_it_exits(sandbox: ImageSandbox) -> None:
    """After SIGQUIT the download goes on for as long as it takes; then nginx exits with 0."""
    size = 64 << 20
    image = sandbox.image(f"dd if=/dev/zero of=site/big.bin bs=1M count={size >> 20}")
    name, address = sandbox.serve(image)
    with slow_download(address, "/big.bin") as connection:
        got = b""
        while b"\r\n\r\n" not in got:
            part = connection.recv(4096)
            assert part, "closed before the headers were complete"
            got += part
        docker("container", "kill", "--signal", "QUIT", name)
        seconds(6)  # longer than idle connections stay
        assert not ended(sandbox.engine, name)().ready
        length = len(got.partition(b"\r\n\r\n")[2])
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        while length < size:
            part = connection.recv(1 << 20)
            assert part, f"cut off after {length} of {size} bytes"
            length += len(part)
    assert docker("container", "wait", name) == "0"


def closes_after_an_answer(connection: HTTPConnection) -> bool:
    """Request a page over a connection and read the whole answer, in however many packets it arrives.

    Returns True if the answer says that the server closes the connection.
    """
    connection.request("GET", "/robots.txt")
    response = connection.getresponse()
    body = response.read()
    assert (response.status, len(body)) == (httpx.codes.OK, int(response.headers["Content-Length"]))
    return response.will_close


def test_nginx_answers_once_more_on_an_idle_connection_before_it_exits(
    sandbox: ImageSandbox, built_project: ProjectUnderTest
) -> None:
    """After SIGQUIT it answers a last request, closes connections that are idle for 5 s, and exits with 0."""
    name, address = sandbox.serve(built_project.image)
    host, _, port = address.removeprefix("http://").partition(":")
    used, idle = HTTPConnection(host, int(port), 20), HTTPConnection(host, int(port), 20)
    with closing(used), closing(idle):
        assert [closes_after_an_answer(connection) for connection in (used, idle)] == [False, False]
        started = time.monotonic()
        docker("container", "kill", "--signal", "QUIT", name)
        seconds(1)
        used.auto_open = 0  # so a connection that is closed is an error, not a new connection
        assert closes_after_an_answer(used)
        assert idle.sock.recv(1) == b""
        assert time.monotonic() - started > 3
    assert docker("container", "wait", name) == "0"
    assert not is_listening(host, int(port))


def start_port_holder(sandbox: ImageSandbox, image: str) -> Container:
    """Start a container that publishes port 80 of its network and does nothing else."""
    name = sandbox.name("container")
    options = ["--init", "--sysctl", "net.ipv4.tcp_migrate_req=1", "--publish", "127.0.0.1::80"]
    docker("container", "run", "--detach", "--name", name, *options, "--entrypoint", "sleep", image, "infinity")
    container = sandbox.engine.container(name)
    assert container is not None
    return container


def start_release(sandbox: ImageSandbox, image: str, network: str) -> str:
    """Start a release in the network of another container, and return its name when nginx has its worker."""
    name = sandbox.name("container")
    options = [*BARE, *TMPFS, "--network", f"container:{network}"]
    docker("container", "run", "--detach", "--name", name, *options, image)
    container = sandbox.engine.client.containers.get(name)

    def look() -> Probe:
        container.reload()
        if container.status == "exited":
            return Probe(ready=False, failed="exited")
        return Probe("worker process" in str(container.top()))

    assert wait_until(look, 60).ready, sandbox.engine.logs(name, 20)
    return name


def count_answers(url: str, stop: threading.Event, *, keep_alive: bool) -> int:
    """Ask until the event is set. Each answer must be 200. Returns their number."""
    answers = 0
    with httpx.Client(trust_env=False, headers={} if keep_alive else {"Connection": "close"}) as client:
        while not stop.is_set():
            assert client.get(url).status_code == httpx.codes.OK
            answers += 1
    return answers


def test_no_request_is_lost_between_two_releases_in_one_network(
    sandbox: ImageSandbox, built_project: ProjectUnderTest
) -> None:
    """Two releases listen in one network namespace, and the older one exits: twice, under eight clients."""
    image, stop = built_project.image, threading.Event()
    holder = start_port_holder(sandbox, image)
    old = start_release(sandbox, image, holder.name)
    url = f"{holder.url}/robots.txt"
    with ThreadPoolExecutor(8) as pool:
        clients = [pool.submit(count_answers, url, stop, keep_alive=number % 2 == 0) for number in range(8)]
        try:
            for _ in range(2):
                new = start_release(sandbox, image, holder.name)
                docker("container", "kill", "--signal", "QUIT", old)
                assert docker("container", "wait", old) == "0"
                old = new
        finally:
            stop.set()
    assert min(client.result() for client in clients) > 10
