"""The Docker engine: says what it can do, and answers what is there. It looks only, and changes nothing."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

from docktasks.background import in_background
from docktasks.commands import Result
from docktasks.engine import inspection
from docktasks.engine.models import Container, ContainerConfig, Image, LimitSupport
from docktasks.errors import EngineError
from docktasks.settings import BUILT_FOR, LABEL

GONE, STOPPED = 404, 409
"""What the engine answers to a question about what is in a container that has gone, or has stopped."""


Connection = tuple[Any, dict[str, Any]]
"""The SDK's client, and what the engine says of its version."""


class DockerEngine:
    """A Docker engine. Its answers are dataclasses, so that nothing above this module knows the SDK.

    `connection` returns the SDK's client and the engine's version, or raises EngineError; it is called with the first
    question. `require_supported` raises UnfitError for an engine that cannot build our images, without the SDK.
    """

    def __init__(
        self, connection: Callable[[], Connection], require_supported: Callable[[], None] = lambda: None
    ) -> None:
        self._connect, self._require_supported = connection, require_supported

    @cached_property
    def _connection(self) -> Connection:
        return self._connect()

    @property
    def client(self) -> Any:
        """The SDK's client."""
        return self._connection[0]

    @property
    def version(self) -> str:
        """The engine's version, such as 26.1.5."""
        return str(self._connection[1]["Version"])

    @property
    def api(self) -> tuple[int, ...]:
        """The version of its API, such as (1, 45)."""
        return tuple(int(part) for part in str(self._connection[1]["ApiVersion"]).split("."))

    @property
    def kernel_release(self) -> str:
        """Its kernel's full version, as `uname -r` prints it there."""
        return str(self._connection[1].get("KernelVersion"))

    @property
    def kernel(self) -> tuple[int, ...]:
        """Major and minor version of its kernel; empty where it does not say."""
        kernel = re.match(r"(\d+)\.(\d+)", self.kernel_release)
        return tuple(int(part) for part in kernel.groups()) if kernel else ()

    @cached_property
    def image_ids(self) -> dict[str, str]:
        """The id of every local image by `name:tag`, as first asked; empty when the engine does not answer.

        The one question that goes through the CLI, because every build begins with it: loading the SDK takes longer
        than a build in which nothing changed, and goes on while the build runs.
        """
        supported = in_background(self._require_supported)
        command = ["docker", "image", "ls", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"]
        try:
            images = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        except FileNotFoundError as error:
            raise EngineError(
                "There is no docker command on PATH.",
                "Images are built, and containers started, through it.",
                "Install the Docker CLI: invoke setup (it says what fits this machine)",
            ) from error
        supported()
        return dict(line.split() for line in images.splitlines())

    def refresh_image_ids(self) -> dict[str, str]:
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
            return inspection.parse_image(self.client.images.get(reference).attrs)
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
            return self._with_shared_network(
                inspection.parse_container(attrs := self.client.containers.get(name).attrs), attrs
            )
        except NotFound:
            return None

    def containers(self, project: str) -> list[Container]:
        """The containers that this project started, by name, stopped ones too."""
        found = [
            self._with_shared_network(inspection.parse_container(row), row)
            for row in self._containers(all=True, filters=_ours(project))
        ]
        return sorted(found, key=lambda container: container.name)

    def container_publishing(self, host_port: int) -> Container | None:
        """The running container that publishes a host port; None when none does."""
        for container in map(inspection.parse_container, self._containers()):
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

    def containers_using(self, image_id: str) -> list[str]:
        """Names of the containers that were started from an image, stopped ones too."""
        return [
            each.name
            for each in map(inspection.parse_container, self._containers(all=True))
            if each.image_id == image_id
        ]

    def logs(self, name: str, lines: int = 15) -> str:
        """The last lines a container logged; empty when it is gone."""
        from docker.errors import DockerException

        try:
            return str(self.client.containers.get(name).logs(tail=lines).decode(errors="replace"))
        except DockerException:
            return ""

    def stream_logs(self, name: str) -> Iterator[bytes]:
        """A container's log from the start, as it comes, until the container stops."""
        yield from self.client.containers.get(name).logs(stream=True, follow=True)

    def exec(self, name: str, args: list[str]) -> Result:
        """What a command inside a running container answers (for looking, as `cat /proc/1/status`)."""
        from docker.errors import APIError

        try:
            code, output = self.client.containers.get(name).exec_run(args)
        except APIError as error:
            if error.status_code not in (GONE, STOPPED):
                raise
            return Result(1, str(error.explanation or error))
        return Result(code, output.decode(errors="replace"))

    def container_config(self, name: str) -> ContainerConfig:
        """What a container was started with; nothing when it has gone."""
        from docker.errors import NotFound

        try:
            return inspection.container_config(self.client.containers.get(name).attrs)
        except NotFound:
            return ContainerConfig()

    @cached_property
    def limit_support(self) -> LimitSupport:
        """What it can do for a container."""
        return inspection.limit_support(self.client.info())

    def save(self, image_id: str) -> Iterator[bytes]:
        """An image as `docker image save` gives it: a tar of its configuration and layers."""
        yield from self.client.images.get(image_id).save()

    def _with_shared_network(self, found: Container, attrs: dict[str, Any]) -> Container:
        """A container, as it is reached: one that shares another's network is published by that one."""
        from docker.errors import NotFound

        mode, _, other = attrs["HostConfig"].get("NetworkMode", "").partition(":")
        if mode != "container" or found.state != "running":
            return found
        try:
            owner = inspection.parse_container(self.client.containers.get(other).attrs)
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


def _ours(project: str) -> dict[str, str]:
    return {"label": f"{LABEL}.project={project}"}
