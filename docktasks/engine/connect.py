"""Connect to the Docker engine that the docker CLI would use, or say why that fails."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from docktasks.background import in_background
from docktasks.commands import output_of
from docktasks.engine.client import Connection, DockerEngine
from docktasks.errors import EngineError, NoEngineError, UnfitError

MIN_ENGINE_MAJOR = 23
"""The first major version of Docker Engine whose `docker build` uses BuildKit."""

PODMAN = "Podman Engine"
"""Podman's component in its answer to `docker version`. The version in it is Podman's, such as 5.8, not Docker's."""


def connect_in_background() -> DockerEngine:
    """Return the engine at once, and connect in a thread. The first question raises what connect() raises."""
    return DockerEngine(in_background(_open))


def connect() -> DockerEngine:
    """Return the engine of DOCKER_HOST, else of the current context, else the local one. Raises EngineError."""
    connection = _open()
    return DockerEngine(lambda: connection)


def _open() -> Connection:
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(**_context_options())
        if client.api.base_url.startswith("http+docker:"):  # a socket: no proxy is looked for, for each question
            client.api.trust_env = False
        version = client.version()
    except DockerException as error:
        require_supported(_cli_version())
        raise _connect_error(error) from error
    require_supported(version)
    return client, version


def require_supported(version: Mapping[str, Any]) -> None:
    """Raise UnfitError when an engine cannot build our images. `version` is the server's part of `docker version`."""
    components = {component["Name"]: component["Version"] for component in version.get("Components") or ()}
    if PODMAN in components:
        raise UnfitError(
            f"The engine{_at_selected()} is Podman {components[PODMAN]}, not Docker Engine.",
            "The images are built by BuildKit, which Podman does not have "
            "(https://github.com/containers/podman/issues/17836).",
            "Choose a Docker Engine, which can run without root, too: "
            "https://docs.docker.com/engine/security/rootless/ "
            "(list: docker context ls; choose the default: unset DOCKER_HOST DOCKER_CONTEXT)",
        )
    major = re.match(r"\d+", version.get("Version", ""))  # an engine that was built by hand may have no number
    if major and int(major[0]) < MIN_ENGINE_MAJOR:
        raise UnfitError(
            f"Docker Engine {version['Version']} is too old.",
            f"The images need BuildKit, which `docker build` uses from Docker Engine {MIN_ENGINE_MAJOR} on.",
            f"Upgrade it to {MIN_ENGINE_MAJOR} or later: https://docs.docker.com/engine/install/",
        )


def selected_engine() -> str:
    """Return the engine that DOCKER_HOST or DOCKER_CONTEXT names; empty when neither is set."""
    return os.environ.get("DOCKER_HOST") or os.environ.get("DOCKER_CONTEXT") or ""


def _at_selected() -> str:
    return f" at {selected_engine()}" if selected_engine() else ""


def require_cli() -> None:
    """Raise EngineError without the CLI: an engine can be looked at without it, but not changed."""
    if not shutil.which("docker"):
        raise EngineError(
            "There is no docker command on PATH.",
            "Images are built, and containers started, through it.",
            "Install the Docker CLI: invoke setup (it says what fits this machine)",
        )


def _cli_version() -> dict[str, Any]:
    """Return the server's part of `docker version` where Podman is installed; empty when no engine answers it."""
    if not (shutil.which("docker") and shutil.which("podman")):
        return {}
    text = output_of(["docker", "version", "--format", "{{json .}}"])
    version: dict[str, dict[str, Any] | None] = json.loads(text or '{"Server": {"Components": []}}')
    # Podman's own command, installed under the name docker, has no server.
    return version["Server"] or {"Components": [{"Name": PODMAN, **(version["Client"] or {})}]}


def _context_options() -> dict[str, Any]:
    """Return the options of docker.from_env() for the context that DOCKER_CONTEXT names. Raises NoEngineError."""
    # Without the CLI's config.json the SDK would use the local engine, and our commands another one.
    from docker.context import ContextAPI

    name = os.environ.get("DOCKER_CONTEXT")
    if not name or os.environ.get("DOCKER_HOST") or ContextAPI.get_context(name):
        return {}
    if not shutil.which("docker"):
        return {}
    command = ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}", name]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise NoEngineError(
            f"There is no Docker context {name}.",
            "DOCKER_CONTEXT names the engine to use.",
            "List the contexts: docker context ls; or use the local engine: unset DOCKER_CONTEXT",
            evidence=result.stderr,
        )
    return {"environment": {**os.environ, "DOCKER_HOST": result.stdout.strip()}}


@contextmanager
def sdk_errors_as_ours() -> Iterator[None]:
    """Turn an error of the SDK into EngineError, as when the engine stops or refuses a question."""
    try:
        yield
    except Exception as error:
        # The name of the module, because importing the SDK for its classes would slow down every task.
        if type(error).__module__.partition(".")[0] not in ("docker", "requests"):
            raise
        raise EngineError(
            "Docker stopped responding.",
            "The task ended early. What serves now is not known, because only the engine can tell.",
            "See whether Docker runs (docker info), and what serves (invoke status), then try again",
            evidence=str(error)[-300:],
        ) from error


def _connect_error(error: Exception) -> EngineError:
    """Return our error for an exception of the SDK, chosen by the text of the exception."""
    text = str(error)
    if "PermissionError" in text or "Permission denied" in text:
        return EngineError(
            "Permission denied on the Docker socket.",
            "Only root and the members of the group docker may use it.",
            _rootless_advice()
            or "Join the group and log in again: sudo usermod -aG docker $USER "
            "(it gives root's power; rootless mode does not: https://docs.docker.com/engine/security/rootless/)",
        )
    if "too old" in text or "client version" in text:
        return UnfitError(
            f"The Docker engine and the SDK share no API version: {text}",
            f"hello-dock needs Docker Engine {MIN_ENGINE_MAJOR} or later.",
            "Upgrade it: https://docs.docker.com/engine/install/",
        )
    what, why = f"No Docker engine answers{_at_selected()}.", "It builds and runs the images."
    evidence = text.rsplit("(Caused by", maxsplit=1)[0][-300:]
    if own := _rootless_advice():  # not NoEngineError, because no engine has to be installed
        return EngineError(what, why, own, evidence)
    return NoEngineError(what, why, "Start or install one: invoke setup (it says what fits this machine)", evidence)


def _rootless_advice() -> str:
    """Return how to choose the user's rootless engine; empty when it does not answer, or an engine is selected."""
    import socket  # imported here, because only an error needs it

    path = Path(os.environ.get("XDG_RUNTIME_DIR", "."), "docker.sock")
    if selected_engine() or not path.is_socket():
        return ""
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
    except OSError:
        return ""
    return f"Use your own engine, without root: docker context use rootless, or export DOCKER_HOST=unix://{path}"
