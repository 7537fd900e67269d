"""Free ports, and network namespaces."""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from docktasks.errors import EngineError

CLONE_NEWNET = 0x40000000
"""The kind of namespace, as setns(2) wants it: https://man7.org/linux/man-pages/man2/setns.2.html"""


NEIGHBOUR = "169.254.214"
"""Link-local addresses, so they hide no other network: https://www.rfc-editor.org/rfc/rfc3927"""


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def join_network(path: str) -> None:
    """Move the calling thread to the network namespace at a path such as /proc/1234/ns/net. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {path}")
    finally:
        os.close(descriptor)


def can_add_neighbour() -> bool:
    """True when neighbour() works: the user is root on Linux, and the programs are installed."""
    return os.geteuid() == 0 and all(shutil.which(program) for program in ("unshare", "nsenter", "ip"))


@contextmanager
def neighbour() -> Iterator[tuple[str, tuple[str, ...]]]:
    """A network namespace with a virtual cable to this machine, as another machine has a real one.

    Yields the address that this machine has there, and the words in front of a command that has to run there.
    """
    process, cable = hold_namespace(), f"hd-{secrets.token_hex(4)}"
    enter = ("nsenter", f"--net=/proc/{process.pid}/ns/net")
    peer = ["type", "veth", "peer", "name", "outside", "netns", str(process.pid)]
    try:
        for command in (
            ["ip", "link", "add", cable, *peer],
            ["ip", "address", "add", f"{NEIGHBOUR}.1/30", "dev", cable],
            ["ip", "link", "set", cable, "up"],
            [*enter, "ip", "address", "add", f"{NEIGHBOUR}.2/30", "dev", "outside"],
            [*enter, "ip", "link", "set", "outside", "up"],
        ):
            subprocess.run(command, check=True)
        yield f"{NEIGHBOUR}.1", enter
    finally:
        process.kill()  # its namespace ends with it, and the cable with that
        process.communicate()


def hold_namespace() -> subprocess.Popen[bytes]:
    """Start a process that keeps a new network namespace. Raises EngineError without the right to."""
    script = "ip link set lo up && echo up && exec sleep infinity"
    process = subprocess.Popen(["unshare", "--net", "sh", "-c", script], stdout=subprocess.PIPE)
    if process.stdout is None or process.stdout.readline() != b"up\n":
        raise EngineError("No network namespace can be made.", "", "Run it as root on Linux")
    return process
