"""The types of the engine's answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from docktasks.labels import LABEL, RELEASE_LABEL


def short_id(image_id: str) -> str:
    """Return the first 12 digits of an image's id."""
    return image_id.removeprefix("sha256:")[:12]


@dataclass(frozen=True)
class Image:
    """An image, with its `config` of OCI. `release` names what it serves and how; stores differ in `id` and `size`.

    `layers` has digests, the base image's first. `created` is the time that the build wrote into it (the commit's),
    `tagged` when it last got a tag here. `digests` are its names in registries, `parent` is what it was committed from.
    """

    id: str
    size: int = 0
    tags: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    user: str = ""
    architecture: str = ""
    layers: tuple[str, ...] = ()
    created: str = ""
    tagged: str = ""
    parent: str = ""
    release: str = ""
    digests: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def short_id(self) -> str:
        """The first 12 digits of the id, as `docker image ls` shows it."""
        return short_id(self.id)

    def names_in(self, repository: str) -> list[str]:
        """Return its names with a digest in a repository of a registry, such as registry.example/app@sha256:…."""
        return [name for name in self.digests if name.partition("@")[0] == repository]


EVERY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104 - read, not bound


class Published(NamedTuple):
    """A published port. `host_ip` is the address on the host, or one of EVERY_ADDRESS."""

    host_ip: str
    host_port: int
    container_port: int


@dataclass(frozen=True)
class Container:
    """A container. `state` is Docker's word (running, exited, …), `health` is empty where no check is defined.

    `published` has its published ports, `networks` its address by network. A container that shares another's network
    has the other's, and is `cut_off` when that is gone, or has started again with a new network.
    """

    id: str
    name: str
    state: str = "running"
    health: str = ""
    exit_code: int = 0
    image_id: str = ""
    image: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    published: tuple[Published, ...] = ()
    networks: Mapping[str, str] = field(default_factory=dict)
    created: str = ""
    started: str = ""
    restarts: int = 0
    out_of_memory: bool = False
    cut_off: bool = False

    @property
    def release(self) -> str:
        """The id of the release that runs in the container; empty for another container."""
        return self.labels.get(RELEASE_LABEL, "")

    @property
    def serves(self) -> bool:
        """True when the container runs and can be reached."""
        return self.state == "running" and not self.cut_off

    def is_of(self, project: str) -> bool:
        """Return True when the label says that this project started the container."""
        return self.labels.get(f"{LABEL}.project") == project

    @property
    def role(self) -> str:
        """The role that its label names: dev or prod; empty when it is not ours."""
        return self.labels.get(f"{LABEL}.role", "")

    @property
    def url(self) -> str:
        """The address for a browser on this machine; empty when no port is published."""
        if not self.published:
            return ""
        host_ip, host_port, _ = self.published[0]
        return f"http://{'127.0.0.1' if host_ip in EVERY_ADDRESS else host_ip}:{host_port}"

    @property
    def public_bind(self) -> str:
        """The bind of a port that is published on every address of the machine, such as 0.0.0.0:8080; else empty."""
        return next((f"0.0.0.0:{port}" for host_ip, port, _ in self.published if host_ip in EVERY_ADDRESS), "")

    @property
    def address(self) -> str:
        """The URL, and with a public bind that other machines reach it, too."""
        return f"{self.url} (every address of this machine: {self.public_bind})" if self.public_bind else self.url


START_INTERVAL_API = (1, 44)
"""The API version (Docker Engine 25) that added --health-start-interval, which checks more often at the start."""


@dataclass(frozen=True)
class Network:
    """A network. `options` are those of its driver, `members` are the names of the running containers in it."""

    labels: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class ContainerConfig:
    """How a container was started.

    `stop_timeout` is in seconds, `memory` and `swap` in bytes, as in Docker; 0 is no limit. `health` is the test in
    Docker's form, with CMD-SHELL or CMD first. `options` has every field by Docker's name, with its values by name.
    """

    user: str = ""
    command: tuple[str, ...] = ()
    init: bool = False
    stop_signal: str = ""
    stop_timeout: int = 10
    health: tuple[str, ...] = ()
    read_only: bool = False
    tmpfs: Mapping[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    security: tuple[str, ...] = ()
    memory: int = 0
    swap: int = 0
    pids: int = 0
    options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def option(self, name: str) -> str:
        """Return the value of a field that has one, such as PidMode; else an empty text."""
        return self.options.get(name, {}).get("", "")


@dataclass(frozen=True)
class LimitSupport:
    """Which limits an engine can set on a container."""

    memory: bool = True
    swap: bool = True
    pids: bool = True

    @property
    def unsupported(self) -> tuple[str, ...]:
        """The limits that the engine cannot set, in words. Without a memory limit there is no swap limit either."""
        limits = {"memory": self.memory, "swap": self.swap and self.memory, "processes": self.pids}
        return tuple(limit for limit, supported in limits.items() if not supported)
