"""What a command in a container prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def exec_output(api: Any, command: str) -> bytes:
    """Start a command that the SDK's exec_create() prepared, and return what it prints. Raises APIError.

    The SDK's exec_start() reads the socket itself, and loses what came along with the answer's headers: on a busy
    machine sometimes all of it (docker/docker-py#3332). Without its header `Upgrade` this is an ordinary answer.
    """
    from docker.errors import APIError

    url = f"{api.base_url}/v{api.api_version}/exec/{command}/start"
    answer = api.post(url, json={"Detach": False, "Tty": False}, timeout=(api.timeout, None))  # it may print late
    if not answer.ok:
        raise APIError(answer.reason, answer, answer.text)
    return b"".join(_frames(answer.content))


def _frames(stream: bytes) -> Iterator[bytes]:
    """Yield the parts of a stream. Each has a header of 8 bytes, whose last 4 are its length in network order.

    https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Container/operation/ContainerAttach, Stream format
    """
    while stream:
        end = 8 + int.from_bytes(stream[4:8], "big")
        yield stream[8:end]
        stream = stream[end:]
