"""Ask a Docker engine through the SDK. Nothing here changes a container, an image or a volume."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any

from docktasks.commands import Result
from docktasks.engine import inspection
from docktasks.engine.exec_output import exec_output
from docktasks.engine.models import Container, ContainerConfig, Image, LimitSupport, Network
from docktasks.labels import BUILT_FOR, LABEL, STANDIN_PREFIX

INVALID_STATUS, GONE_STATUS, STOPPED_STATUS = 400, 404, 409
"""The HTTP statuses for a text that is no name of an image, and for a container that is gone or has stopped."""

Connection = tuple[Any, dict[str, Any]]
"""The SDK's client, and the server's part of `docker version`."""


class DockerEngine:
    """A Docker engine. The class Engine (protocol.py) says what each question means."""

    def __init__(self, connection: Callable[[], Connection]) -> None:
        self._connect = connection

    @cached_property
    def _connection(self) -> Connection:
        return self._connect()

    @property
    def client(self) -> Any:
        """The SDK's client."""
        return self._connection[0]

    @property
    def _errors(self) -> Any:
        """The SDK's errors, read only after a failure: two threads that load the SDK at one time block each other."""
        from docker import errors

        return errors

    @property
    def version(self) -> str:
        return str(self._connection[1]["Version"])

    @property
    def api(self) -> tuple[int, ...]:
        return tuple(int(part) for part in str(self._connection[1]["ApiVersion"]).split("."))

    @property
    def kernel_release(self) -> str:
        return str(self._connection[1].get("KernelVersion"))

    @property
    def kernel(self) -> tuple[int, ...]:
        kernel = re.match(r"(\d+)\.(\d+)", self.kernel_release)
        return tuple(int(part) for part in kernel.groups()) if kernel else ()

    @cached_property
    def standins(self) -> list[str]:
        return [*self.image_ids(f"{STANDIN_PREFIX}-*")]

    def image_ids(self, pattern: str = "") -> dict[str, str]:
        query = {"filters": {"reference": pattern}} if pattern else {}
        return {tag: image.id for image in self._images(**query) for tag in image.tags}

    @cached_property
    def _info(self) -> dict[str, Any]:
        return dict(self.client.info())

    @property
    def rootless(self) -> bool:
        return any("rootless" in option for option in self._info.get("SecurityOptions") or [])

    @property
    def containerd_store(self) -> bool:
        return ["driver-type", "io.containerd.snapshotter.v1"] in (self._info.get("DriverStatus") or [])

    def image(self, reference: str) -> Image | None:
        try:
            return inspection.parse_image(self.client.images.get(reference).attrs)
        except self._errors.APIError as error:
            if isinstance(error, self._errors.ImageNotFound) or error.status_code == INVALID_STATUS:
                return None
            raise

    def registry_digest(self, reference: str) -> str:
        return str(self.client.images.get_registry_data(reference).id)

    def images(self, project: str) -> list[Image]:
        return self._images(all=True, filters={"label": f"{BUILT_FOR}={project}"})

    def _images(self, **query: Any) -> list[Image]:
        # The SDK's own list() asks one more question for each image.
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
        attrs = _attrs(self.client.containers, name)
        return self._parse(attrs) if attrs else None

    def containers(self, project: str) -> list[Container]:
        containers = map(self._parse, self._containers(all=True, filters=_project_filter(project)))
        return sorted(containers, key=lambda container: container.name)

    def container_publishing(self, host_port: int) -> Container | None:
        containers = map(inspection.parse_container, self._containers())
        ports = ((port.host_port, container) for container in containers for port in container.published)
        return next((container for port, container in ports if port == host_port), None)

    def volumes(self, project: str) -> list[str]:
        return sorted(volume.name for volume in self.client.volumes.list(filters=_project_filter(project)))

    def has_volume(self, name: str) -> bool:
        return _attrs(self.client.volumes, name) is not None

    def network(self, name: str) -> Network | None:
        attrs = _attrs(self.client.networks, name)
        return inspection.parse_network(attrs) if attrs else None

    def containers_using(self, image_id: str) -> list[str]:
        containers = map(inspection.parse_container, self._containers(all=True))
        return [container.name for container in containers if container.image_id == image_id]

    def logs(self, name: str, lines: int = 15) -> str:
        try:
            return str(self.client.containers.get(name).logs(tail=lines).decode(errors="replace"))
        except self._errors.DockerException:
            return ""

    def stream_logs(self, name: str, since: str = "") -> Iterator[bytes]:
        start = datetime.fromisoformat(f"{since[:19]}+00:00") if since else None
        yield from self.client.containers.get(name).logs(stream=True, follow=True, since=start)

    @property
    def swarm_state(self) -> str:
        swarm = self.client.info().get("Swarm") or {}
        state = str(swarm.get("LocalNodeState") or "inactive")
        return {True: "manager", False: "worker"}[bool(swarm.get("ControlAvailable"))] if state == "active" else state

    def swarm(self, kind: str, /, **filters: str) -> list[dict[str, Any]]:
        answer: list[dict[str, Any]] = getattr(self.client.api, kind)(filters=filters)
        return answer

    def service_logs(self, name: str) -> str:
        frames = self.client.services.get(name).logs(stdout=True)
        return b"".join(frames).decode(errors="replace")

    def exec(self, name: str, args: list[str]) -> Result:
        api = self.client.api
        try:
            command = api.exec_create(name, args)["Id"]
            output = exec_output(api, command)
            code = api.exec_inspect(command)["ExitCode"]
        except self._errors.APIError as error:
            if error.status_code not in (GONE_STATUS, STOPPED_STATUS):
                raise
            return Result(1, str(error.explanation or error))
        return Result(code, output.decode(errors="replace"))

    def container_config(self, name: str) -> ContainerConfig:
        attrs = _attrs(self.client.containers, name)
        return inspection.container_config(attrs) if attrs else ContainerConfig()

    @property
    def limit_support(self) -> LimitSupport:
        return inspection.limit_support(self._info)

    def save(self, image_id: str) -> Iterator[bytes]:
        yield from self.client.images.get(image_id).save()

    def _parse(self, attrs: dict[str, Any]) -> Container:
        """Return a container. When it shares another container's network, its ports are those of that container."""
        container = inspection.parse_container(attrs)
        mode, _, owner_id = attrs["HostConfig"].get("NetworkMode", "").partition(":")
        if mode != "container" or container.state != "running":
            return container
        owner_attrs = _attrs(self.client.containers, owner_id)
        if owner_attrs is None:
            return replace(container, cut_off=True)
        owner = inspection.parse_container(owner_attrs)
        # An owner that restarted later has a new network. "…5Z" would sort after "…51Z", so the Z is stripped.
        restarted = owner.started.rstrip("Z") > container.started.rstrip("Z")
        if restarted or owner.state not in ("running", "paused"):
            return replace(container, cut_off=True)
        return replace(container, published=owner.published, networks=owner.networks)

    def _containers(self, **query: Any) -> Iterator[dict[str, Any]]:
        for row in self.client.containers.list(sparse=True, **query):
            try:
                row.reload()
            except self._errors.NotFound:  # removed since the list was made
                continue
            yield row.attrs


def _attrs(collection: Any, name: str) -> dict[str, Any] | None:
    """Return what the engine says of a thing in one of the SDK's collections; None when there is none."""
    from docker.errors import NotFound

    try:
        attrs: dict[str, Any] = collection.get(name).attrs
    except NotFound:
        return None
    return attrs


def _project_filter(project: str) -> dict[str, str]:
    return {"label": f"{LABEL}.project={project}"}
