"""The way to the Docker engine: finds the one that the docker CLI would use, or says what stands in the way."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from docktasks.ahead import ahead
from docktasks.engine import Engine
from docktasks.errors import EngineError, NoEngineError

FLOOR = 23
"""The first major version of Docker Engine whose `docker build` is BuildKit's."""


class _Opening(Engine):
    """An engine that is being connected to in the background; the first question waits for it, or raises its error."""

    def __init__(self, opened: Callable[[], tuple[Any, dict[str, Any]]]) -> None:
        self._opened = opened

    def __getattr__(self, name: str) -> Any:
        if name not in ("client", "version", "api", "kernel", "kernel_release"):
            raise AttributeError(name)
        super().__init__(*self._opened())
        return getattr(self, name)


def connecting() -> Engine:
    """As connect(), but returns at once: what needs no answer yet goes on meanwhile. Errors come with the first one."""
    return _Opening(ahead(_open))


def connect() -> Engine:
    """The engine that the docker CLI would use: DOCKER_HOST, else the current context, else the default socket.

    Raises EngineError saying what stands in the way and how to clear it.
    """
    return Engine(*_open())


def _open() -> tuple[Any, dict[str, Any]]:
    """The SDK's client, and what the engine says of its version."""
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(**_named_context())
        version = client.version()
    except DockerException as error:
        raise _explained(error) from error
    if int(version["Version"].split(".")[0]) < FLOOR:
        raise EngineError(
            f"Docker Engine {version['Version']} is too old.",
            f"From {FLOOR} on, `docker build` is BuildKit, whose caches and secrets the Dockerfiles use.",
            f"Upgrade it to {FLOOR} or later: https://docs.docker.com/engine/install/",
        )
    return client, version


def _named_context() -> dict[str, Any]:
    """What the SDK has to be told of the context that DOCKER_CONTEXT names. Raises NoEngineError when there is none.

    For one that it does not find, the SDK takes the local engine instead, and without the CLI's config.json it finds
    none: we would look at one engine, and change another.
    """
    from docker.context import ContextAPI

    name = os.environ.get("DOCKER_CONTEXT")
    if not name or os.environ.get("DOCKER_HOST") or ContextAPI.get_context(name):
        return {}
    if not shutil.which("docker"):
        return {}
    command = ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}", name]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    if asked.returncode:
        raise NoEngineError(
            f"There is no Docker context {name}.",
            "DOCKER_CONTEXT names the engine to use.",
            "See which there are: docker context ls; for the local engine: unset DOCKER_CONTEXT",
            evidence=asked.stderr,
        )
    return {"environment": {**os.environ, "DOCKER_HOST": asked.stdout.strip()}}


@contextmanager
def answering() -> Iterator[None]:
    """Turn what the SDK raises when the engine goes away, or refuses a question, into EngineError."""
    try:
        yield
    except Exception as error:
        # By name: importing the SDK for its classes would make every task wait for it.
        if type(error).__module__.partition(".")[0] not in ("docker", "requests"):
            raise
        raise EngineError(
            "The Docker engine did not answer a question.",
            "What was running is as it was.",
            "See that it is there (docker info), then again",
            evidence=str(error)[-300:],
        ) from error


def _explained(error: Exception) -> EngineError:
    text = str(error)
    if "PermissionError" in text or "Permission denied" in text:
        return EngineError(
            "The Docker engine's socket refuses you.",
            "Only root and members of the group docker may use it.",
            "Join the group and log in again: sudo usermod -aG docker $USER "
            "(it gives root's power; rootless mode does not: https://docs.docker.com/engine/security/rootless/)",
        )
    if "too old" in text or "client version" in text:
        return EngineError(
            f"The Docker engine and the SDK share no API version: {text}",
            f"We need Docker Engine {FLOOR} or later.",
            "Upgrade it: https://docs.docker.com/engine/install/",
        )
    chosen = os.environ.get("DOCKER_HOST") or os.environ.get("DOCKER_CONTEXT")
    return NoEngineError(
        f"No Docker engine answers{f' at {chosen}' if chosen else ''}.",
        "Images are built and run by one.",
        "Start or install it: invoke setup (it says what fits this machine)",
        evidence=text.rsplit("(Caused by", maxsplit=1)[0][-300:],
    )
