"""The questions that an engine answers, for the real engine and for the engine of a dry run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from docktasks.commands import Result
from docktasks.engine.models import Container, ContainerConfig, Image, LimitSupport, Network


class Engine(Protocol):
    """Answers questions about images, containers, volumes and networks. It changes nothing.

    The answers here are those of an engine that has nothing. The engine of a dry run gives most of them.
    """

    @property
    def version(self) -> str:
        """The engine's version, such as 26.1.5."""

    @property
    def api(self) -> tuple[int, ...]:
        """The version of its API, such as (1, 45)."""

    @property
    def kernel(self) -> tuple[int, ...]:
        """Major and minor version of its kernel; empty where the engine does not say."""

    @property
    def kernel_release(self) -> str:
        """The full version of its kernel, as `uname -r` prints it there."""

    @property
    def rootless(self) -> bool:
        """True when the engine runs without root: uid 0 in a container is the user who started the engine."""

    @property
    def containerd_store(self) -> bool:
        """True when the images are in containerd's store, which has other ids and counts other sizes.

        https://docs.docker.com/engine/storage/containerd/
        """

    @property
    def limit_support(self) -> LimitSupport:
        """The limits that the engine can set on a container."""

    def image_ids(self, pattern: str = "", /) -> dict[str, str]:
        """Return the id of each local image by `name:tag`, or of those whose name:tag is like a pattern (name:*).

        The engine looks at all images for it, which takes much longer than to ask for one by its name.
        """
        return {}

    @property
    def standins(self) -> list[str]:
        """The tags of the stand-ins for base images at the first question. A build of stand-ins adds its own."""

    def registry_digest(self, reference: str, /) -> str:
        """Return the digest of the image that the registry has under a name. Raises the SDK's error without one."""
        return ""

    @property
    def swarm_state(self) -> str:
        """`manager` or `worker` of a swarm, or the engine's own word, such as inactive."""

    def swarm(self, kind: str, /, **filters: str) -> list[dict[str, Any]]:
        """Return the nodes, services, tasks or configs of the swarm, as the API describes them. Asks a manager only."""
        return []

    def service_logs(self, name: str, /) -> str:
        """Return what the tasks of a service have printed so far."""
        return ""

    def image(self, reference: str, /) -> Image | None:
        """Return the image of a name or id, None when there is none."""
        return None

    def images(self, project: str, /) -> list[Image]:
        """Return the images that the project built, and those that others built on top of them."""
        return []

    def container(self, name: str, /) -> Container | None:
        """Return the container of a name, also one that others started; None when there is none."""
        return None

    def containers(self, project: str, /) -> list[Container]:
        """Return the containers that the project started, stopped ones too, sorted by name."""
        return []

    def container_publishing(self, host_port: int, /) -> Container | None:
        """Return the running container that publishes a port of the host, None when none does."""
        return None

    def containers_using(self, image_id: str, /) -> list[str]:
        """Return the names of the containers that were started from an image, stopped ones too."""
        return []

    def container_config(self, name: str, /) -> ContainerConfig:
        """Return the configuration that a container was started with; an empty one when the container is gone."""
        return ContainerConfig()

    def volumes(self, project: str, /) -> list[str]:
        """Return the names of the volumes that the project made."""
        return []

    def has_volume(self, name: str, /) -> bool:
        """Return True when there is a volume of that name, also one that others made."""
        return False

    def network(self, name: str, /) -> Network | None:
        """Return the network of a name, also one that others made; None when there is none."""
        return None

    def logs(self, name: str, lines: int = 15, /) -> str:
        """Return the last lines that a container logged; an empty text when it has gone."""
        return ""

    def stream_logs(self, name: str, since: str = "", /) -> Iterator[bytes]:
        """Yield the chunks of a container's log until the container stops, all or `since` a time of Docker."""
        return iter(())

    def exec(self, name: str, args: list[str], /) -> Result:
        """Run a command that only looks, such as `cat`, in a running container."""
        return Result(1)

    def save(self, image_id: str, /) -> Iterator[bytes]:
        """Yield an image as `docker image save` writes it: a tar of its configuration and layers."""
        return iter(())
