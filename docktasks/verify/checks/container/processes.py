"""What runs in the container next to nginx, and with whom it has connections: what the kernel lists there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from docktasks.engine.models import Container
from docktasks.engine.protocol import Engine
from docktasks.errors import Skip
from docktasks.roles import PROD
from docktasks.verify.checks.container import REPLACE
from docktasks.verify.checks.container.hardening import shares_processes
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject
from docktasks.waiting import Probe, wait_until

LIST = r"""
cd /proc && for pid in [0-9]*; do
    [ "$pid" = $$ ] || echo "$pid $(awk '/^(State|PPid|Uid):/ { printf "%s ", $2 }' $pid/status)" \
        "$(readlink $pid/exe || echo ?) $(tr '\0\n' '  ' <$pid/cmdline) "
done 2>/dev/null
for kind in tcp tcp6 udp udp6 raw raw6; do
    sed "1d; s/^/$kind /; /^tcp[^:]*: [^ ]*:0050 /d" /proc/net/$kind
done 2>/dev/null"""
"""Shell script: a line for each process (id, state, parent, uid, program, command) and for each socket.

It leaves out TCP's port 80, 50 in hexadecimal, on which thousands of connections end for a minute.
"""
SHORT_LIVED_S = 2.0
"""A health check, or a command that another check runs in the container, has ended by then."""
LOOK_INTERVAL_S = 0.5
WORKER = re.compile(r"nginx: (?:worker process|cache (?:manager|loader))")
UNKNOWN = "?"
ROW_LENGTH = 6
INIT = re.compile(r"/(?:docker-init|tini)$")
LISTENING = "0A"
"""https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html, and TCP_LISTEN in linux/tcp_states.h."""
DNS_PORT = 53
DOCKER_DNS = "127.0.0.11"
"""Where Docker itself listens in the network of a container: https://docs.docker.com/engine/network/#dns-services."""


@dataclass(frozen=True)
class Process:
    """A process in the container. `program` is the path of its program, UNKNOWN if it is another user's."""

    pid: str
    parent: str
    uid: str
    program: str
    command: str


@dataclass(frozen=True)
class Socket:
    """A socket in the container's network: its own address and the other one's, each with its port."""

    kind: str
    state: str
    own: tuple[IPv4Address | IPv6Address, int]
    other: tuple[IPv4Address | IPv6Address, int]


@check("container.processes", "critical", fix=f"{REPLACE}. What put the program into the image?")
def processes(subject: Subject) -> Iterator[str]:
    """Only nginx runs in it, as one user. It listens on port 80 only, and has connections to the API only."""
    if shares_processes(subject.config):
        raise Skip("it sees the processes of others (container.options), so which are its own is unknown")
    subject.carried()  # the checks of http may be running its command in the container, which takes as long as it takes
    processes, sockets = look(subject.project.engine, subject.container)
    strangers = dict(_strangers(processes))

    def have_ended() -> Probe:
        """Look again, and forget the strangers that are gone."""
        nonlocal sockets
        processes, sockets = look(subject.project.engine, subject.container)
        present = dict(_strangers(processes))
        for process in strangers.keys() - present.keys():
            del strangers[process]
        return Probe(not strangers)

    if strangers:
        wait_until(have_ended, SHORT_LIVED_S, LOOK_INTERVAL_S)
    yield from (f"{what}: {process.command}" for process, what in strangers.items())
    for socket in sockets:
        yield from _socket_faults(subject, socket)


def look(engine: Engine, container: Container) -> tuple[list[Process], list[Socket]]:
    """List processes and sockets. Raises Skip if the container cannot list them."""
    result = engine.exec(container.name, ["sh", "-c", LIST])
    rows = [line.split(None, 5) for line in result.output.splitlines()]
    full_rows = (row for row in rows if len(row) == ROW_LENGTH and row[0].isdigit() and row[1] != "Z")
    listed = [Process(pid, *map(str.strip, others)) for pid, _state, *others in full_rows]
    if not any(process.pid == "1" for process in listed):
        raise Skip(f"its processes cannot be listed: {result.tail(1) or 'the list is empty'}")
    # Such as `tcp 0: 0100007F:0050 00000000:0000 0A …`.
    others = (row for row in rows if len(row) > 4 and ":" in row[2] and ":" in row[3])  # noqa: PLR2004 - up to the state
    return listed, [Socket(row[0], row[4], _address(row[2]), _address(row[3])) for row in others]


def _strangers(listed: list[Process]) -> Iterator[tuple[Process, str]]:
    """Yield each process that does not belong there, and what it is."""
    first = next(process for process in listed if process.pid == "1")
    has_init = INIT.search(first.program) is not None
    starters = [process for process in listed if process.parent == "1"] if has_init else [first]
    master = next((process for process in starters if process.command.startswith("nginx: master")), first)
    for process in (process for process in listed if not (has_init and process is first)):
        is_worker = process.parent == master.pid and process.program in (master.program, UNKNOWN)
        if process.uid != master.uid:
            yield process, f"a process of another user, uid {process.uid}"
        elif process is not master and not (is_worker and WORKER.match(process.command)):
            yield process, f"another process than nginx, {process.program}"
    if not master.command.startswith("nginx: master"):
        yield master, "the main process is not nginx"


def _address(text: str) -> tuple[IPv4Address | IPv6Address, int]:
    """The address and the port of a text such as 0100007F:0050. The kernel writes words of the machine's byte order."""
    digits, _, port = text.partition(":")
    words = [bytes.fromhex(digits[index : index + 8])[::-1] for index in range(0, len(digits), 8)]
    address = ip_address(b"".join(words))
    return getattr(address, "ipv4_mapped", None) or address, int(port, 16)


def _socket_faults(subject: Subject, socket: Socket) -> Iterator[str]:
    (own, own_port), (other, other_port) = socket.own, socket.other
    is_docker = str(own) == DOCKER_DNS or str(other) == DOCKER_DNS
    is_open = socket.state == LISTENING or (not socket.kind.startswith("tcp") and other.is_unspecified)
    if is_docker or (socket.kind.startswith("tcp") and own_port == PROD.container_port):
        return
    if is_open:
        yield f"a socket listens on {own}, port {own_port} ({socket.kind}), next to port {PROD.container_port}"
    elif not other.is_loopback and not _is_expected(subject, str(other), other_port):
        yield f"a connection to {other}, port {other_port} ({socket.kind})"


def _is_expected(subject: Subject, address: str, port: int) -> bool:
    """True for the API and who knows its address, and for the dev container, which another check asks from here."""
    api = subject.project.settings.api.upstreams
    dev = subject.dev.networks.values() if subject.has("dev") else ()
    return address in dev or any(port in (upstream.port, DNS_PORT) for upstream in api)
