"""The way to the Docker engine: finds the one that the docker CLI would use, or says what stands in the way."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from docktasks.background import in_background
from docktasks.engine.client import DockerEngine
from docktasks.errors import EngineError, NoEngineError, UnfitError

MIN_ENGINE_MAJOR = 23
"""The first major version of Docker Engine whose `docker build` is BuildKit's."""

PODMAN = "Podman Engine"
"""What Podman calls itself where it answers as Docker does; its version is a number of its own, below that one."""


def connect_in_background() -> DockerEngine:
    """As connect(), but returns at once: the first question waits for the connection, or raises its error."""
    return DockerEngine(in_background(_open), lambda: require_supported(_version()))


def connect() -> DockerEngine:
    """Return the engine that the docker CLI uses: DOCKER_HOST, else the current context, else the default socket.

    Raises EngineError, which says what stands in the way and how to clear it.
    """
    connection = _open()
    return DockerEngine(lambda: connection)


def _open() -> tuple[Any, dict[str, Any]]:
    """The SDK's client, and what the engine says of its version."""
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(**_named_context())
        version = client.version()
    except DockerException as error:
        raise _connect_error(error) from error
    require_supported(version)
    return client, version


def require_supported(version: Mapping[str, Any]) -> None:
    """Raise UnfitError where our images cannot be built, by what an engine says of its version."""
    parts = {part["Name"]: part["Version"] for part in version.get("Components") or ()}
    if PODMAN in parts:
        raise UnfitError(
            f"What answers{_chosen()} is Podman {parts[PODMAN]}, and no Docker Engine.",
            "The images are built by BuildKit, and Podman has none (https://github.com/containers/podman/issues/17836).",
            "Choose a Docker Engine, which runs without root, too: https://docs.docker.com/engine/security/rootless/ "
            "(which there are: docker context ls; the default one: unset DOCKER_HOST DOCKER_CONTEXT)",
        )
    if version and int(version["Version"].split(".")[0]) < MIN_ENGINE_MAJOR:
        raise UnfitError(
            f"Docker Engine {version['Version']} is too old.",
            f"`docker build` is BuildKit from {MIN_ENGINE_MAJOR} on. The images need its cache mounts and contexts.",
            f"Upgrade it to {MIN_ENGINE_MAJOR} or later: https://docs.docker.com/engine/install/",
        )


def _chosen() -> str:
    """Which engine it is, where one is chosen by the environment."""
    chosen = os.environ.get("DOCKER_HOST") or os.environ.get("DOCKER_CONTEXT")
    return f" at {chosen}" if chosen else ""


def _version() -> dict[str, Any]:
    """What the engine says of its version, by the CLI; nothing where it does not answer, as a build then says."""
    command = ["docker", "version", "--format", "{{json .}}"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    if asked.returncode:
        return {}
    said: dict[str, dict[str, Any] | None] = json.loads(asked.stdout)
    # Podman's own command, where it goes by the name docker, needs no server, and so has none.
    return said["Server"] or {"Components": [{"Name": PODMAN, **(said["Client"] or {})}]}


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
def sdk_errors_as_ours() -> Iterator[None]:
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


def _connect_error(error: Exception) -> EngineError:
    text, own = str(error), _own_socket()
    choose = f"There is one of your own, without root: docker context use rootless, or export DOCKER_HOST=unix://{own}"
    if "PermissionError" in text or "Permission denied" in text:
        return EngineError(
            "The Docker engine's socket refuses you.",
            "Only root and members of the group docker may use it.",
            choose
            if own
            else "Join the group and log in again: sudo usermod -aG docker $USER "
            "(it gives root's power; rootless mode does not: https://docs.docker.com/engine/security/rootless/)",
        )
    if "too old" in text or "client version" in text:
        return UnfitError(
            f"The Docker engine and the SDK share no API version: {text}",
            f"We need Docker Engine {MIN_ENGINE_MAJOR} or later.",
            "Upgrade it: https://docs.docker.com/engine/install/",
        )
    what, why = f"No Docker engine answers{_chosen()}.", "Images are built and run by one."
    evidence = text.rsplit("(Caused by", maxsplit=1)[0][-300:]
    if own:  # so none is to be installed
        return EngineError(what, why, choose, evidence)
    return NoEngineError(what, why, "Start or install it: invoke setup (it says what fits this machine)", evidence)


def _own_socket() -> str:
    """Where an engine of the user's own answers, which runs without root; empty when it does not, or one is chosen."""
    import socket  # for an error alone

    path = Path(os.environ.get("XDG_RUNTIME_DIR", "."), "docker.sock")
    if _chosen() or not path.is_socket():
        return ""
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
    except OSError:
        return ""
    return str(path)
