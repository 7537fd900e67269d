"""The engine of a dry run. It answers without asking Docker."""

from __future__ import annotations

from functools import cached_property

from docktasks.engine.models import START_INTERVAL_API, Container, Image, LimitSupport, Network
from docktasks.engine.protocol import Engine
from docktasks.labels import LABEL


class DryRunEngine(Engine):
    """Answers so that every task has commands to show: `stop` and `clean` have things to remove, names are free."""

    version = ""
    api: tuple[int, ...] = START_INTERVAL_API
    kernel: tuple[int, ...] = (5, 14)
    kernel_release = ""
    rootless = False
    containerd_store = False
    limit_support = LimitSupport()
    swarm_state = "manager"

    def __init__(self, project: str) -> None:
        self.project = project
        self._created_networks: set[str] = set()

    @cached_property
    def standins(self) -> list[str]:
        """None at first. A build of stand-ins adds its own."""
        return []

    def image(self, reference: str) -> Image | None:
        """Return an image for every name, so that nothing is pulled."""
        return Image(id="RELEASE", tags=(reference,), release="RELEASE")

    def images(self, project: str) -> list[Image]:
        """Return the two images that a project builds."""
        return [Image(f"{project}:{role}", tags=(f"{project}:{role}",)) for role in ("dev", "prod")]

    def containers(self, project: str) -> list[Container]:
        """Return the dev and the production container."""
        return [
            Container(f"{project}-{role}", f"{project}-{role}", labels={f"{LABEL}.role": role})
            for role in ("dev", "prod")
        ]

    def network(self, name: str) -> Network | None:
        """Return None for a new name, and later a network of the project, so that a task shows once how it is made."""
        if name in self._created_networks:
            return Network({f"{LABEL}.project": self.project})
        self._created_networks.add(name)
        return None
