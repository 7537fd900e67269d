"""What the engine answers, as plain typed data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from docktasks.settings import LABEL


def short_id(image_id: str) -> str:
    """The first 12 digits of an image's id, which name a release."""
    return image_id.removeprefix("sha256:")[:12]


@dataclass(frozen=True)
class Image:
    """An image; `size` in bytes, `layers` the digests of its file systems from the base up.

    `created` is what the build says (with SOURCE_DATE_EPOCH the commit's time), `tagged` when it last got a name here,
    `parent` the image that it was committed on, which builds leave empty.
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

    @property
    def short_id(self) -> str:
        """The id as `docker image ls` shows it."""
        return short_id(self.id)


@dataclass(frozen=True)
class Container:
    """A container; `state` as Docker names it (running, exited, …), `health` empty where no check is defined.

    `addresses` are the published ones, (host ip, host port, container port); of a container that shares another's
    network, that one's. `cut_off` tells that the other has gone, or has started anew with another network, since.
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
    addresses: tuple[tuple[str, int, int], ...] = ()
    started: str = ""
    cut_off: bool = False

    @property
    def release(self) -> str:
        """The id of the release that it runs."""
        return short_id(self.image_id)

    @property
    def serves(self) -> bool:
        """True when it runs where it can be reached."""
        return self.state == "running" and not self.cut_off

    def is_of(self, project: str) -> bool:
        """True when our label says that this project started it."""
        return self.labels.get(f"{LABEL}.project") == project

    @property
    def role(self) -> str:
        """What it is for: dev or prod; empty when it is not ours."""
        return self.labels.get(f"{LABEL}.role", "")

    @property
    def url(self) -> str:
        """Where it is reached from this machine, or an empty text."""
        for host, port, _ in self.addresses:
            return f"http://{'127.0.0.1' if host in ('', '0.0.0.0', '::') else host}:{port}"  # noqa: S104 - read, not bound
        return ""


START_INTERVAL_API = (1, 44)
"""API version (Docker Engine 25) from which a health check can be asked more often at the start."""


@dataclass(frozen=True)
class Mount:
    """What is mounted at `target`: `kind` is volume, bind, tmpfs…, `source` a volume's name or a path."""

    kind: str
    source: str
    target: str
    writable: bool


@dataclass(frozen=True)
class ContainerConfig:
    """How a container runs. Sizes in bytes; 0 is no limit, and for swap, which counts memory too, -1 is none.

    `namespaces` are whose it is in, by kind; `health` is the test as Docker keeps it, CMD-SHELL or CMD first.
    """

    user: str = ""
    command: tuple[str, ...] = ()
    init: bool = False
    stop_signal: str = ""
    stop_timeout: int = 10
    health: tuple[str, ...] = ()
    restart: str = ""
    read_only: bool = False
    tmpfs: Mapping[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    security: tuple[str, ...] = ()
    privileged: bool = False
    masked: bool = True
    namespaces: Mapping[str, str] = field(default_factory=dict)
    devices: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    memory: int = 0
    swap: int = 0
    pids: int = 0
    log_driver: str = ""
    log_options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LimitSupport:
    """What an engine can do for a container: which limits its kernel keeps, and its version of control groups."""

    memory: bool = True
    swap: bool = True
    pids: bool = True
    cgroup: str = "2"

    @property
    def unsupported(self) -> tuple[str, ...]:
        """The limits that it does not keep, in words; swap is counted with memory."""
        kept = {"memory": self.memory, "swap": self.swap and self.memory, "processes": self.pids}
        return tuple(what for what, keeps in kept.items() if not keeps)
