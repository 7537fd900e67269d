"""What the production image can be told when it is run: to carry assets over, its configuration, to end."""

from __future__ import annotations

import http.client
import re
import shlex
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from docktasks.engine.client import DockerEngine
from docktasks.waiting import Probe, http_ready, is_listening, wait_until
from tests.engine.support import ROOT, Done, Project, clean_environ, command, docker, new_name

TMPFS = ["--tmpfs", "/tmp:uid=101,gid=101,mode=0700"]  # noqa: S108 - the container's own
BARE = ["--read-only", "--cap-drop", "ALL"]


class Bench:
    """Images, containers and volumes of one test; `end` removes them all."""

    def __init__(self, engine: DockerEngine, origin: str) -> None:
        self.engine, self.origin = engine, origin
        self.made: list[tuple[str, str]] = []

    def name(self, kind: str) -> str:
        """A name for something that is removed in the end."""
        self.made.append((kind, new_name()))
        return self.made[-1][1]

    def image(self, script: str = ":") -> str:
        """The production image, after a shell script has run in its /srv as root."""
        name = self.name("image")
        layer = f"FROM {self.origin}\nUSER root\nWORKDIR /srv\nRUN {script}\nUSER 101:101\n"
        docker("image", "build", "--quiet", "--tag", name, "-", given=layer)
        return name

    def volume(self, *args: str) -> str:
        """A new volume."""
        return docker("volume", "create", *args, self.name("volume"))

    def serve(self, image: str, *args: str) -> tuple[str, str]:
        """Run an image as run-prod does. Name and address of the container, which answers."""
        name = self.name("container")
        docker(
            "container", "run", "--detach", "--name", name, *BARE, *TMPFS, "--publish", "127.0.0.1::80", *args, image
        )
        container = self.engine.container(name)
        assert container is not None
        looked = wait_until(lambda: http_ready(f"{container.url}/healthz"), 20)
        assert looked.ready, f"{looked.status}\n{self.engine.logs(name, 20)}"
        return name, container.url

    def end(self) -> None:
        """Remove everything, users first."""
        for kind, name in reversed(self.made):
            command(["docker", kind, "rm", "--force", name], ROOT, clean_environ())


@pytest.fixture
def bench(engine: DockerEngine, good: Project) -> Iterator[Bench]:
    """A bench on the good production image."""
    bench = Bench(engine, good.image)
    yield bench
    bench.end()


def at(volume: str, *, writable: bool = False) -> list[str]:
    """The options that mount a volume where nginx looks for carried assets."""
    return ["--mount", f"type=volume,source={volume},target=/srv/carried{'' if writable else ',readonly'}"]


def carry(image: str, volume: str, *args: str, wrap: tuple[str, ...] = ()) -> Done:
    """Run the image's `carry` with no more rights than it needs."""
    run = [
        "container",
        "run",
        "--rm",
        "--init",
        "--network",
        "none",
        *BARE,
        "--user",
        "0:0",
        *at(volume, writable=True),
    ]
    return command(["docker", *run, image, *wrap, "carry", *args], ROOT, clean_environ())


def carries(image: str, volume: str, *args: str) -> None:
    """Run the image's `carry`, which must succeed."""
    done = carry(image, volume, *args)
    assert done.code == 0, done.output


def listing(image: str, *args: str, folder: str = "/srv/carried") -> dict[str, list[str]]:
    """The files below a folder of a container: path -> owner, mode, links, inode, size, and time of modification.

    Without the copy that the port holder serves from, which tests/engine/test_recovery.py looks at.
    """
    script = f"cd {folder} && find . -type f -exec stat -c '%u:%g %a %h %i %s %Y %n' {{}} +"
    printed = docker("container", "run", "--rm", *BARE, *args, image, "sh", "-c", script)
    rows = [line.split(" ", 6) for line in printed.splitlines()]
    return {row[6].removeprefix("./"): row[:6] for row in rows if not row[6].startswith("./.current.")}


def holding(image: str, volume: str) -> set[str]:
    """The files that the port holder would serve from, or with."""
    script = "cd /srv/carried/current/ && find . -type f"
    return set(docker("container", "run", "--rm", *BARE, *at(volume), image, "sh", "-c", script).split())


def served(files: dict[str, list[str]]) -> set[str]:
    """Those that nginx serves."""
    return {path for path in files if path.startswith(("site/", "br/"))}


def raw(address: str, path: str) -> tuple[int, bytes]:
    """What is answered to a path that is sent as it stands."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=10)
    try:
        connection.putrequest("GET", path)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


NAMES = [
    "assets/app-Abcdef12.js", "assets/deep/er/app-Abcdef12.js", "assets/two words-Abcdef12.js", "page-Abcdef12.pdf",
    "assets/quote'\"$(id)-Abcdef12.js",
]  # fmt: skip


def test_what_is_immutable_is_carried_and_nothing_else(bench: Bench) -> None:
    """What the builder put with the hashed files is kept for a year, and carried; the same names elsewhere are not."""
    names = " ".join(shlex.quote(name) for name in NAMES)
    make = 'path="$tree/$name"; mkdir -p "${path%/*}"; echo "$name" >"$path"'
    image = bench.image(f"for name in {names}; do for tree in site/un hashed/site/in; do {make}; done; done")
    volume = bench.volume()
    carries(image, volume, "add", "one")
    carried = served(listing(image, *at(volume)))
    _, address = bench.serve(image)
    asked = {
        name: httpx.get(f"{address}/{quote(name)}", trust_env=False)
        for name in (f"{folder}/{name}" for folder in ("un", "in") for name in NAMES)
    }
    assert {answer.status_code for answer in asked.values()} == {httpx.codes.OK}
    immutable = {name for name, answer in asked.items() if "immutable" in answer.headers["cache-control"]}
    assert immutable == {f"in/{name}" for name in NAMES}
    assert {path for path in carried if path.startswith(("site/in", "site/un"))} == {
        f"site/{name}" for name in immutable
    }


def test_carried_files_are_the_images_own(bench: Bench) -> None:
    """The assets arrive with their gzip and brotli twins, their times, owned by root, as one file with two names."""
    image, volume = bench.image(), bench.volume()
    carries(image, volume, "add", "one")
    shipped = listing(image, folder="/srv/hashed")
    carried = listing(image, *at(volume))
    wanted = {path for path in shipped if path.startswith(("site/assets/", "br/assets/"))}
    assert {path.split("/")[0] for path in wanted} == {"site", "br"}
    assert any(path.endswith(".js.gz") for path in wanted)
    assert served(carried) == wanted
    assert set(carried) == wanted | {f"releases/one/{path}" for path in wanted}
    for path in wanted:
        owner, mode, links, inode, size, modified = carried[path]
        assert (owner, mode, links) == ("0:0", "644", "2"), path
        assert [size, modified] == shipped[path][4:], path
        assert carried[f"releases/one/{path}"][3] == inode, path


@pytest.mark.parametrize("accepted", ["identity", "gzip", "gzip, br"])
def test_carried_asset_is_answered_as_its_own_release_did(bench: Bench, accepted: str) -> None:
    """Another release answers with the same body, and the same headers: type, encoding, ETag, caching."""
    path = "assets/old-Abcdef12.js"
    old = bench.image(
        f"cd hashed; seq 500 >site/{path}; gzip -k site/{path}; seq 9 >br/{path}; "
        f"touch -d @500000000 site/{path}* br/{path}"
    )
    new, volume = bench.image(), bench.volume()
    carries(old, volume, "add", "old")

    def asked(image: str, *args: str) -> tuple[int, bytes, list[tuple[str, str]]]:
        _, address = bench.serve(image, *args)
        with httpx.stream("GET", f"{address}/{path}", headers={"Accept-Encoding": accepted}, trust_env=False) as answer:
            headers = [(name, value) for name, value in answer.headers.multi_items() if name != "date"]
            return answer.status_code, b"".join(answer.iter_raw()), headers

    assert asked(new, *at(volume)) == asked(old)
    assert asked(new)[0] == httpx.codes.NOT_FOUND


def test_second_release_replaces_nothing(bench: Bench) -> None:
    """What is carried already is neither copied nor replaced; adding a release again changes nothing."""
    one, volume = bench.image(), bench.volume()
    two = bench.image("cd hashed/site/assets; echo new >new-Abcdef12.js; for f in index-*; do touch $f; done")
    carries(one, volume, "add", "one")
    before = listing(one, *at(volume))
    carries(two, volume, "add", "two")
    after = listing(one, *at(volume))
    assert served(after) - served(before) == {"site/assets/new-Abcdef12.js"}
    for path in served(before):
        assert after[path][3:] == before[path][3:], path
        assert after[path][3] == after[f"releases/two/{path}"][3], path
    carries(two, volume, "add", "two")
    assert listing(one, *at(volume)) == after


def test_kept_releases_stay_and_others_go(bench: Bench) -> None:
    """`carry keep` removes the other releases, and the assets that no kept one has, and nothing else."""
    old = bench.image(
        "cd hashed; mkdir site/assets/deep; for name in old deep/old; do echo old >site/assets/$name-Abcdef12.js; done"
    )
    new, volume = bench.image("echo new >hashed/site/assets/new-Abcdef12.js"), bench.volume()
    carries(old, volume, "add", "old")
    carries(new, volume, "add", "new")
    carries(new, volume, "add", "new.1")
    ours = ["container", "run", "--rm", "--user", "0:0", *at(volume, writable=True), new, "sh", "-c"]
    docker(*ours, "echo mine >/srv/carried/mine; mkdir /srv/carried/folder")
    before = listing(new, *at(volume))
    carries(new, volume, "keep", "new", "no-such-release")
    after = listing(new, *at(volume))
    gone = {path for path in before if path.startswith(("releases/old/", "releases/new.1/"))}
    assert set(before) - set(after) == gone | {"site/assets/old-Abcdef12.js", "site/assets/deep/old-Abcdef12.js"}
    assert after["mine"] == before["mine"]
    assert all(after[path][3:] == before[path][3:] for path in after)
    folders = docker(*ours, "cd /srv/carried && find . -type d").splitlines()
    assert "./folder" in folders
    assert "./site/assets/deep" not in folders
    assert not [folder for folder in folders if folder.endswith(("/old", "/new.1"))]


def test_disk_that_fills_up_leaves_no_half_file(bench: Bench) -> None:
    """A file that does not fit is not served in part; when there is room, the same command brings it."""
    big = "assets/big-Abcdef12.js"
    image = bench.image(f"dd if=/dev/zero of=hashed/site/{big} bs=1M count=2")
    volume = bench.volume("--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", "o=size=3m,mode=0755")
    name, address = bench.serve(image, *at(volume))
    ours = ["container", "run", "--rm", "--user", "0:0", *at(volume, writable=True), image, "sh", "-c"]
    docker(*ours, "dd if=/dev/zero of=/srv/carried/ballast bs=1M count=2")
    done = carry(image, volume, "add", "one")
    assert (done.code, "No space left on device" in done.output) == (1, True)
    assert f"site/{big}" not in listing(image, *at(volume))
    docker(*ours, "rm /srv/carried/ballast")
    carries(image, volume, "add", "one")
    assert listing(image, *at(volume))[f"site/{big}"][4] == str(2 << 20)
    assert httpx.get(address, trust_env=False).status_code == httpx.codes.OK, name


MANY = "for i in $(seq 100000 104999); do echo $i >hashed/site/assets/f-AB$i.js; done"


def test_killed_at_any_moment_it_ends_right_the_next_time(bench: Bench) -> None:
    """Whenever a run is killed, what is served is whole, what is kept is there, and the next run finishes."""
    one, many, volume = bench.image(), bench.image(MANY), bench.volume()
    carries(one, volume, "add", "one")
    carries(one, volume, "keep", "one")
    other = bench.volume()
    carries(many, other, "keep", "two")
    first, held = listing(one, *at(volume)), [holding(one, volume), holding(many, other)]
    assert len(held[1]) - len(held[0]) == 5000
    whole = {path: row[4] for path, row in listing(many, folder="/srv/hashed").items()}
    moment, killed, code = 0.1, 0, 1
    while code:
        code = carry(many, volume, "add", "two", wrap=("timeout", "-s", "KILL", f"{moment:.2f}")).code
        assert code in {0, 137}
        killed += code != 0
        found = listing(one, *at(volume))
        assert not served(first) - served(found)
        assert all(found[path][4] == whole[path] for path in served(found))
        carry(many, volume, "keep", "one", "two", wrap=("timeout", "-s", "KILL", f"{moment / 4:.2f}"))
        assert set(listing(one, *at(volume))) >= set(first)
        assert holding(one, volume) in held
        moment *= 1.4
    assert killed, "no moment was early enough to kill anything"
    assert carry(many, volume, "keep", "one", wrap=("timeout", "-s", "KILL", "0.15")).code in {0, 137}
    assert set(listing(one, *at(volume))) >= set(first)
    started = time.monotonic()
    carries(many, volume, "add", "two")
    took = time.monotonic() - started
    found = listing(one, *at(volume))
    assert len(served(found)) == len(served(first)) + 5000
    assert {path.removeprefix("releases/two/") for path in found if "/two/" in path} == served(found)
    assert took < 20, "thousands of files take seconds"
    carries(many, volume, "keep", "one")
    assert listing(one, *at(volume)) == first


@pytest.mark.parametrize(
    "args",
    [(), ("drop", "one"), ("add",), ("add", ""), ("add", "one/two"), ("add", ".."), ("add", "one", "two"), ("keep",),
     ("keep", "one", "../two")],
    ids=lambda args: " ".join(args) or "nothing",
)  # fmt: skip
def test_misuse_of_carry_is_told(bench: Bench, good: Project, args: tuple[str, ...]) -> None:
    """No verb, no release, or a name that is a path: exit code 2, what is wrong, and nothing changed."""
    volume = bench.volume()
    done = carry(good.image, volume, *args)
    assert done.code == 2
    assert re.match(r"carry: .+\nusage: carry add RELEASE", done.output)
    assert listing(good.image, *at(volume)) == {}


OWN = "echo own >site/env.js; echo own | gzip >site/env.js.gz; echo own in brotli >br/env.js"
VALUE = '{"api":"https://x/%s?a=$HOME$(id)`id`","text":"\\u003c/script\\u003e \\\\n \'quoted\'"}'


def test_environment_becomes_env_js(bench: Bench) -> None:
    """HELLO_DOCK_ENV is served as a script, word for word, never stored, with every header once."""
    image = bench.image(OWN)
    _, address = bench.serve(image, "--env", f"HELLO_DOCK_ENV={VALUE}")
    asked = httpx.get(f"{address}/env.js", trust_env=False)
    assert asked.text == f"globalThis.env = Object.freeze({VALUE});\n"
    page = httpx.get(address, trust_env=False)
    names = [name for name, _ in asked.headers.multi_items()]
    assert len(names) == len(set(names))
    assert asked.headers["content-type"] == "text/javascript; charset=utf-8"
    assert asked.headers["cache-control"] == "no-store"
    assert not {"etag", "last-modified"} & set(names)
    secure = [name for name in page.headers if re.match(r"content-security|x-content|referrer|permissions|cross", name)]
    assert len(secure) >= 6
    assert {name: asked.headers.get(name) for name in secure} == {name: page.headers[name] for name in secure}


@pytest.mark.parametrize("given", [[], ["--env", "HELLO_DOCK_ENV="]], ids=["unset", "empty"])
def test_without_environment_the_sites_own_is_served(bench: Bench, given: list[str]) -> None:
    """Nothing is written: env.js is the site's own file with its twins, not stored either; without one it is a 404."""
    name, address = bench.serve(bench.image(OWN), *given)
    for accepted, body in (("identity", "own\n"), ("gzip", "own\n"), ("br", "own in brotli\n")):
        with httpx.stream("GET", f"{address}/env.js", headers={"Accept-Encoding": accepted}, trust_env=False) as asked:
            sent = b"".join(asked.iter_raw() if accepted == "br" else asked.iter_bytes()).decode()
            headers = asked.headers
        assert sent == body
        assert headers.get("content-encoding", "identity") == accepted
        assert (headers["cache-control"], headers.get("etag")) == ("no-store", None)
    assert "env.js" not in bench.engine.exec(name, ["ls", "/tmp"]).output  # noqa: S108 - the container's own
    without = bench.image("rm -f site/env.js site/env.js.gz br/env.js")
    missing = httpx.get(f"{bench.serve(without, *given)[1]}/env.js", trust_env=False)
    assert (missing.status_code, missing.headers["cache-control"]) == (404, "no-store")


def test_nothing_else_that_the_container_writes_is_served(bench: Bench, good: Project) -> None:
    """No spelling of a path leads to another file of /tmp, or to env.js under another name."""
    _, address = bench.serve(good.image, "--env", 'HELLO_DOCK_ENV={"canary":5}')
    assert b"canary" in raw(address, "/env.js")[1]
    ways = [
        "/run/", "//run/", "/%72un/", "/run%2f", "/..%2frun/", "/%2e%2e/run/", "/assets/../run/",
        "/assets/..%2f../run/", "/carried/../run/", "/site/../run/", "/env.js/../run/", "/tmp/", "/env.js/",  # noqa: S108 - as above
    ]  # fmt: skip
    for path in [way + name for way in ways for name in ("nginx.pid", "env.js", "%6eginx.pid", "")]:
        status, body = raw(address, path)
        assert b"canary" not in body, path
        assert not body.strip().isdigit(), path
        assert status in {400, 404} or b'<div id="app">' in body, path


def build_on(bench: Bench, good: Project, checkout: Path, base: str) -> str:
    """The production image on another nginx."""
    node = next(arg for arg in shlex.split(good.build) if arg.startswith("NODE_IMAGE="))
    name = bench.name("image")
    docker(
        "image", "build", "--tag", name, "--build-arg", node, "--build-arg", f"NGINX_IMAGE={base}", ".", cwd=checkout
    )
    return name


@pytest.mark.parametrize(
    ("version", "lines"), [("1.26.3", 0), ("1.27.3", 0), ("1.27.4", 1), ("1.27.10", 1), ("1.28", 1), ("2.0.0", 1)]
)
def test_older_nginx_is_given_what_it_knows(
    bench: Bench, good: Project, checkout: Path, version: str, lines: int
) -> None:
    """A directive that a base image's nginx would not start with is left out of its configuration, and only that."""
    image = good.engine.image(good.image)
    assert image is not None
    base = bench.name("image")
    lines_of_wrapper = ["#!/bin/sh", f'[ "$1" != -v ] || {{ echo nginx version: nginx/{version} >&2; exit; }}']
    wrapper = shlex.join([*lines_of_wrapper, 'exec /usr/sbin/nginx "$@"'])
    script = f"RUN printf '%s\\n' {wrapper} >/usr/local/bin/nginx && chmod +x /usr/local/bin/nginx"
    origin = image.labels["org.opencontainers.image.base.name"]
    docker("image", "build", "--quiet", "--tag", base, "-", given=f"FROM {origin}\n{script}\n")
    built = build_on(bench, good, checkout, base)

    def configuration(image: str) -> list[str]:
        printed = docker(
            "container", "run", "--rm", *BARE, *TMPFS, image, "sh", "-c", "cat /etc/nginx/*.conf /etc/nginx/*/*.conf"
        )
        return printed.splitlines()

    ours = configuration(built)
    assert len([line for line in ours if line.startswith("keepalive_min_timeout ")]) == lines
    without = [line for line in configuration(good.image) if not line.startswith("keepalive_min_timeout ")]
    assert [line for line in ours if not line.startswith("keepalive_min_timeout ")] == without
    bench.serve(built)


def get(address: str, path: str, buffer: int = 0) -> socket.socket:
    """A connection on which a request has been sent."""
    host, _, port = address.removeprefix("http://").partition(":")
    connection = socket.socket()
    if buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.settimeout(20)
    connection.connect((host, int(port)))
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return connection


def seconds(number: float) -> None:
    """Let time pass."""
    until = time.monotonic() + number
    wait_until(lambda: Probe(time.monotonic() >= until), number + 1)


def ended(engine: DockerEngine, name: str) -> Callable[[], Probe]:
    """Whether a container has exited."""

    def look() -> Probe:
        container = engine.container(name)
        assert container is not None
        return Probe(container.state == "exited", container.state)

    return look


def test_download_in_flight_is_finished(bench: Bench) -> None:
    """Told to end, nginx serves a slow download for as long as it takes, and then exits with 0."""
    size = 64 << 20
    image = bench.image(f"dd if=/dev/zero of=site/big.bin bs=1M count={size >> 20}")
    name, address = bench.serve(image)
    with get(address, "/big.bin", buffer=4096) as connection:
        got = connection.recv(4096)
        docker("container", "kill", "--signal", "QUIT", name)
        seconds(10)
        assert not ended(bench.engine, name)().ready
        length = len(got.partition(b"\r\n\r\n")[2])
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        while length < size:
            part = connection.recv(1 << 20)
            assert part, f"cut off after {length} of {size} bytes"
            length += len(part)
    assert docker("container", "wait", name) == "0"


def test_idle_connection_is_answered_once_more_and_then_ends(bench: Bench, good: Project) -> None:
    """Told to end, nginx answers once more on an open connection, closes those idle for 5 s, and exits with 0."""
    name, address = bench.serve(good.image)
    host, _, port = address.removeprefix("http://").partition(":")
    with get(address, "/robots.txt") as used, get(address, "/robots.txt") as idle:
        assert all(connection.recv(1 << 16).startswith(b"HTTP/1.1 200") for connection in (used, idle))
        started = time.monotonic()
        docker("container", "kill", "--signal", "QUIT", name)
        seconds(1)
        used.sendall(b"GET /robots.txt HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = used.recv(1 << 16)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"\r\nConnection: close\r\n" in answer
        assert idle.recv(1) == b""
        assert 3 < time.monotonic() - started < 9
    assert docker("container", "wait", name) == "0"
    assert not is_listening(host, int(port))


def test_releases_in_one_network_hand_over_without_loss(bench: Bench, good: Project) -> None:
    """Of two releases that listen in one network namespace one ends, again and again, and no request is lost."""
    image = good.engine.image(good.image)
    assert image is not None
    holder = bench.name("container")
    options = [
        "--init",
        "--sysctl",
        "net.ipv4.tcp_migrate_req=1",
        "--publish",
        "127.0.0.1::80",
        "--entrypoint",
        "sleep",
    ]
    docker("container", "run", "--detach", "--name", holder, *options, good.image, "infinity")
    held = bench.engine.container(holder)
    assert held is not None

    def release() -> str:
        name = bench.name("container")
        docker(
            "container",
            "run",
            "--detach",
            "--name",
            name,
            *BARE,
            *TMPFS,
            "--network",
            f"container:{holder}",
            good.image,
        )
        started = bench.engine.client.containers.get(name)

        def look() -> Probe:
            started.reload()
            if started.status == "exited":
                return Probe(ready=False, failed="exited")
            return Probe("worker process" in str(started.top()))

        assert wait_until(look, 20).ready, bench.engine.logs(name, 20)
        return name

    old, stop = release(), threading.Event()

    def ask(*, keep: bool) -> int:
        asked = 0
        with httpx.Client(trust_env=False, headers={} if keep else {"Connection": "close"}) as client:
            while not stop.is_set():
                assert client.get(f"{held.url}/robots.txt").status_code == httpx.codes.OK
                asked += 1
        return asked

    with ThreadPoolExecutor(8) as pool:
        clients = [pool.submit(ask, keep=number % 2 == 0) for number in range(8)]
        try:
            for _ in range(3):
                new = release()
                docker("container", "kill", "--signal", "QUIT", old)
                assert docker("container", "wait", old) == "0"
                old = new
        finally:
            stop.set()
    assert min(client.result() for client in clients) > 10
