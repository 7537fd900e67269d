"""What commands leave and the engine answers, as plain data; and the runner that commands go through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from docktasks.settings import LABEL


@dataclass(frozen=True)
class Result:
    """What a command left: its exit code and the text it printed (stdout and stderr)."""

    code: int = 0
    output: str = ""

    @property
    def ok(self) -> bool:
        """True when the command succeeded."""
        return self.code == 0

    def tail(self, lines: int = 15) -> str:
        """The last `lines` lines printed, without blank ones."""
        return "\n".join([line for line in self.output.splitlines() if line.strip()][-lines:])


class Run(Protocol):
    """Runs an argument list, shows it first, and never raises for a non-zero exit code.

    `dry` tells that commands are shown and not run; `quiet` keeps the command's own output off the terminal.
    """

    dry: bool

    def __call__(self, args: list[str], *, quiet: bool = False) -> Result:
        """Run `args` and return its Result."""


def short(image_id: str) -> str:
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
        return short(self.id)


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
        return short(self.image_id)

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


def image(attrs: Mapping[str, Any]) -> Image:
    """What `docker image inspect` says."""
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


def _environment(config: Mapping[str, Any]) -> dict[str, str]:
    return dict(line.partition("=")[::2] for line in config.get("Env") or ())


def container(attrs: Mapping[str, Any]) -> Container:
    """What `docker container inspect` says."""
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
