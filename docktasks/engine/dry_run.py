"""The engine of a dry run. It answers without asking Docker."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from docktasks.commands import Result
from docktasks.engine.models import START_INTERVAL_API, Container, ContainerConfig, Image, LimitSupport, Network
from docktasks.labels import LABEL, STANDIN_PREFIX


class DryRunEngine:
    """Answers so that every task has commands to show: `stop` and `clean` have things to remove, names are free."""

    version = ""
    api: tuple[int, ...] = START_INTERVAL_API
    kernel: tuple[int, ...] = (5, 14)
    kernel_release = ""
    rootless = False
    containerd_store = False
    swarm_state = "manager"
    limit_support = LimitSupport()

    def __init__(self, project: str) -> None:
        self.project = project
        self._created_networks: set[str] = set()

    @cached_property
    def standins(self) -> list[str]:
        """The tags of the stand-ins for base images at the first question. A build of stand-ins adds its own."""
        return [*self.image_ids(f"{STANDIN_PREFIX}-*")]

    def image_ids(self, _pattern: str = "") -> dict[str, str]:
        """Return no image."""
        return {}

    def registry_digest(self, _reference: str) -> str:
        """Return no digest: no registry is asked."""
        return ""

    def swarm(self, _kind: str, /, **_filters: str) -> list[dict[str, Any]]:
        """Return nothing: no service is there, so that it is shown how the first release is deployed."""
        return []

    def service_logs(self, _name: str) -> str:
        """Return nothing."""
        return ""

    def image(self, reference: str) -> Image | None:
        """Return an image for every name, so that nothing is pulled."""
        return Image(id="RELEASE", tags=(reference,), release="RELEASE")

    def images(self, project: str) -> list[Image]:
        """Return the two images that a project builds."""
        return [Image(f"{project}:{role}", tags=(f"{project}:{role}",)) for role in ("dev", "prod")]

    def container(self, _name: str) -> Container | None:
        """Return None: every name is free."""
        return None

    def containers(self, project: str) -> list[Container]:
        """Return the dev and the production container."""
        return [
            Container(f"{project}-{role}", f"{project}-{role}", labels={f"{LABEL}.role": role})
            for role in ("dev", "prod")
        ]

    def container_publishing(self, _host_port: int) -> Container | None:
        """Return None: every port is free."""
        return None

    def containers_using(self, _image_id: str) -> list[str]:
        """Return no name: images may be removed."""
        return []

    def container_config(self, _name: str) -> ContainerConfig:
        """Return an empty configuration."""
        return ContainerConfig()

    def volumes(self, _project: str) -> list[str]:
        """Return no volume."""
        return []

    def has_volume(self, _name: str) -> bool:
        """Return False: every name is free."""
        return False

    def network(self, name: str) -> Network | None:
        """Return None for a new name, and later a network of the project, so that a task shows once how it is made."""
        if name in self._created_networks:
            return Network({f"{LABEL}.project": self.project})
        self._created_networks.add(name)
        return None

    def logs(self, _name: str, _lines: int = 15) -> str:
        """Return no line."""
        return ""

    def stream_logs(self, _name: str) -> Iterator[bytes]:
        """Yield no line."""
        return iter(())

    def exec(self, _name: str, _args: list[str]) -> Result:
        """Return a failure: no container runs."""
        return Result(1)

    def save(self, _image_id: str) -> Iterator[bytes]:
        """Yield nothing."""
        return iter(())
