"""Free ports, and network namespaces."""

from __future__ import annotations

import ctypes
import os
import socket

CLONE_NEWNET = 0x40000000
"""The kind of namespace, as setns(2) wants it: https://man7.org/linux/man-pages/man2/setns.2.html"""


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
