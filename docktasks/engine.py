"""The Docker engine: finds it, says what it can do, and answers what is there. It looks only, and changes nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from threading import Thread
from typing import Any

from docktasks.answers import Container, Image, Result
from docktasks.errors import EngineError, NoEngineError
from docktasks.options import Able, Options, able, options
from docktasks.settings import BUILT_FOR, LABEL

FLOOR = 23
"""The first major version of Docker Engine whose `docker build` is BuildKit's."""

START_INTERVAL_API = (1, 44)
"""API version (Docker Engine 25) from which a health check can be asked more often at the start."""

GONE, STOPPED = 404, 409
"""What the engine answers to a question about what is in a container that has gone, or has stopped."""


class Engine:
    """A Docker engine that answers. Answers are dataclasses, so that nothing above this module knows the SDK."""

    def __init__(self, client: Any, version: dict[str, Any]) -> None:
        self.client = client
        self.version = str(version["Version"])
        self.api = tuple(int(part) for part in str(version["ApiVersion"]).split("."))
        self.kernel_release = str(version.get("KernelVersion"))
        kernel = re.match(r"(\d+)\.(\d+)", self.kernel_release)
        self.kernel = tuple(int(part) for part in kernel.groups()) if kernel else ()

    @cached_property
    def tags(self) -> dict[str, str]:
        """The id of every local image by name and tag, as first asked; empty when the engine does not answer.

        The one question that goes through the CLI: every build begins with it, and loading the SDK takes longer
        than a build in which nothing changed. So the SDK is loaded while the build runs.
        """
        command = ["docker", "image", "ls", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"]
        try:
            listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        except FileNotFoundError as error:
            raise EngineError(
                "There is no docker command on PATH.",
                "Images are built, and containers started, through it.",
                "Install the Docker CLI: invoke setup (it says what fits this machine)",
            ) from error
        return dict(line.split() for line in listed.splitlines())

    def current_tags(self) -> dict[str, str]:
        """As `tags`, asked for anew."""
        return {tag: image.id for image in self._images() for tag in image.tags}

    @property
    def rootless(self) -> bool:
        """True when the engine runs without root, where uid 0 inside is the caller outside."""
        return any("rootless" in option for option in self.client.info().get("SecurityOptions") or [])

    def image(self, reference: str) -> Image | None:
        """The image of that name or id; None when there is none."""
        from docker.errors import ImageNotFound

        try:
            return _image(self.client.images.get(reference).attrs)
        except ImageNotFound:
            return None

    def images(self, project: str) -> list[Image]:
        """The images that this project built, and what others built on top of them."""
        return self._images(all=True, filters={"label": f"{BUILT_FOR}={project}"})

    def _images(self, **query: Any) -> list[Image]:
        # the SDK's own list asks for every image again
        return [
            Image(
                id=row["Id"],
                size=row["Size"],
                tags=tuple(tag for tag in row["RepoTags"] or () if tag != "<none>:<none>"),
                labels=row["Labels"] or {},
                parent=row.get("ParentId") or "",
            )
            for row in self.client.api.images(**query)
        ]

    def container(self, name: str) -> Container | None:
        """The container of that name, whoever started it; None when there is none."""
        from docker.errors import NotFound

        try:
            return self._reached(_container(attrs := self.client.containers.get(name).attrs), attrs)
        except NotFound:
            return None

    def containers(self, project: str) -> list[Container]:
        """The containers that this project started, by name, stopped ones too."""
        found = [self._reached(_container(row), row) for row in self._containers(all=True, filters=_ours(project))]
        return sorted(found, key=lambda container: container.name)

    def publisher(self, host_port: int) -> Container | None:
        """The running container that publishes a host port; None when none does."""
        for container in map(_container, self._containers()):
            if any(port == host_port for _, port, _ in container.addresses):
                return container
        return None

    def volumes(self, project: str) -> list[str]:
        """Names of the volumes that this project made."""
        return sorted(volume.name for volume in self.client.volumes.list(filters=_ours(project)))

    def has_volume(self, name: str) -> bool:
        """True when there is a volume of that name, whoever made it."""
        from docker.errors import NotFound

        try:
            return bool(self.client.volumes.get(name))
        except NotFound:
            return False

    def users(self, image_id: str) -> list[str]:
        """Names of the containers that were started from an image, stopped ones too."""
        return [each.name for each in map(_container, self._containers(all=True)) if each.image_id == image_id]

    def logs(self, name: str, lines: int = 15) -> str:
        """The last lines a container logged; empty when it is gone."""
        from docker.errors import DockerException

        try:
            return str(self.client.containers.get(name).logs(tail=lines).decode(errors="replace"))
        except DockerException:
            return ""

    def follow(self, name: str) -> Iterator[bytes]:
        """A container's log from the start, as it comes, until the container stops."""
        yield from self.client.containers.get(name).logs(stream=True, follow=True)

    def execute(self, name: str, args: list[str]) -> Result:
        """What a command inside a running container answers (for looking, as `cat /proc/1/status`)."""
        from docker.errors import APIError

        try:
            code, output = self.client.containers.get(name).exec_run(args)
        except APIError as error:
            if error.status_code not in (GONE, STOPPED):
                raise
            return Result(1, str(error.explanation or error))
        return Result(code, output.decode(errors="replace"))

    def options(self, name: str) -> Options:
        """What a container was started with; nothing when it has gone."""
        from docker.errors import NotFound

        try:
            return options(self.client.containers.get(name).attrs)
        except NotFound:
            return Options()

    @cached_property
    def able(self) -> Able:
        """What it can do for a container."""
        return able(self.client.info())

    def archive(self, image_id: str) -> Iterator[bytes]:
        """An image as `docker image save` gives it: a tar of its configuration and layers."""
        yield from self.client.images.get(image_id).save()

    def _reached(self, found: Container, attrs: dict[str, Any]) -> Container:
        """A container, as it is reached: one that shares another's network is published by that one."""
        from docker.errors import NotFound

        mode, _, other = attrs["HostConfig"].get("NetworkMode", "").partition(":")
        if mode != "container" or found.state != "running":
            return found
        try:
            owner = _container(self.client.containers.get(other).attrs)
        except NotFound:
            return replace(found, cut_off=True)
        # Every start makes a new network. Without the Z, since digits are left out at the end of a fraction.
        if owner.state not in ("running", "paused") or owner.started.rstrip("Z") > found.started.rstrip("Z"):
            return replace(found, cut_off=True)
        return replace(found, addresses=owner.addresses)

    def _containers(self, **query: Any) -> Iterator[dict[str, Any]]:
        from docker.errors import NotFound

        for row in self.client.containers.list(sparse=True, **query):
            try:
                row.reload()
            except NotFound:  # removed since the list was made: no longer an answer to the question
                continue
            yield row.attrs


class NoEngine:
    """Stands in for the engine under --dry: nothing is asked, and the project is taken to be running.

    So `stop` and `clean` have something to show, and `run-prod` shows the commands of a first start.
    """

    rootless = False
    api = START_INTERVAL_API
    kernel = (5, 14)
    kernel_release = ""

    def __init__(self, project: str) -> None:
        self.project = project
        self.tags: dict[str, str] = {}

    def image(self, reference: str) -> Image | None:
        """Any image is there, so that nothing needs pulling."""
        return Image(id="RELEASE", tags=(reference,))

    def logs(self, name: str, lines: int = 15) -> str:  # noqa: ARG002 - as below
        """Nothing was logged."""
        return ""

    def container(self, name: str) -> Container | None:  # noqa: ARG002 - the answer is the same for all
        """No name is taken."""
        return None

    def containers(self, project: str) -> list[Container]:
        """The two that a user of both ways of life would have."""
        return [
            Container(f"{project}-{role}", f"{project}-{role}", labels={f"{LABEL}.role": role})
            for role in ("dev", "prod")
        ]

    def images(self, project: str) -> list[Image]:
        """The two images a project builds."""
        return [Image(f"{project}:{role}", tags=(f"{project}:{role}",)) for role in ("dev", "prod")]

    def volumes(self, project: str) -> list[str]:  # noqa: ARG002 - there is no engine to hold any
        """No volume is known."""
        return []

    def has_volume(self, name: str) -> bool:  # noqa: ARG002 - as above
        """No name is taken."""
        return False

    def users(self, image_id: str) -> list[str]:  # noqa: ARG002 - as above
        """Nobody uses an image."""
        return []

    def current_tags(self) -> dict[str, str]:
        """No image has a name."""
        return {}

    def execute(self, name: str, args: list[str]) -> Result:  # noqa: ARG002 - as above
        """No container runs."""
        return Result(1)


def _ours(project: str) -> dict[str, str]:
    return {"label": f"{LABEL}.project={project}"}


def _image(attrs: dict[str, Any]) -> Image:
    config = attrs.get("Config") or {}
    return Image(
        id=attrs["Id"],
        size=attrs["Size"],
        tags=tuple(attrs.get("RepoTags") or ()),
        labels=config.get("Labels") or {},
        environment=_environment(config),
        user=config.get("User", ""),
        architecture=attrs.get("Architecture", ""),
        layers=tuple((attrs.get("RootFS") or {}).get("Layers") or ()),
        created=attrs.get("Created") or "",
        tagged=(attrs.get("Metadata") or {}).get("LastTagTime") or "",
    )


def _environment(config: dict[str, Any]) -> dict[str, str]:
    return dict(line.partition("=")[::2] for line in config.get("Env") or ())


def _container(attrs: dict[str, Any]) -> Container:
    ports = attrs["NetworkSettings"].get("Ports") or {}
    return Container(
        id=attrs["Id"],
        name=attrs["Name"].lstrip("/"),
        state=attrs["State"]["Status"],
        health=(attrs["State"].get("Health") or {}).get("Status", ""),
        exit_code=attrs["State"]["ExitCode"],
        image_id=attrs["Image"],
        image=attrs["Config"]["Image"],
        labels=attrs["Config"].get("Labels") or {},
        environment=_environment(attrs["Config"]),
        addresses=tuple(
            (binding["HostIp"], int(binding["HostPort"]), int(inside.partition("/")[0]))
            for inside, bindings in ports.items()
            for binding in bindings or ()
        ),
        started=attrs["State"]["StartedAt"],
    )


class _Opening(Engine):
    """An engine that is being connected to in the background; the first question waits for it, or raises its error."""

    def __init__(self, opened: Future[tuple[Any, dict[str, Any]]]) -> None:
        self._opened = opened

    def __getattr__(self, name: str) -> Any:
        if name not in ("client", "version", "api", "kernel", "kernel_release"):
            raise AttributeError(name)
        super().__init__(*self._opened.result())
        return getattr(self, name)


def connecting() -> Engine:
    """As connect(), but returns at once: what needs no answer yet goes on meanwhile. Errors come with the first one."""
    opened: Future[tuple[Any, dict[str, Any]]] = Future()

    def work() -> None:
        try:
            opened.set_result(_open())
        except BaseException as error:  # noqa: BLE001 - whoever asks first gets it
            opened.set_exception(error)

    Thread(target=work, daemon=True).start()
    return _Opening(opened)


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
