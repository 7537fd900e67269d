"""What a container was started with, of what the engine says of it: a typed view of the parts that are judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

SHARED = {"network": "NetworkMode", "pid": "PidMode", "ipc": "IpcMode", "uts": "UTSMode", "userns": "UsernsMode",
          "cgroup": "CgroupnsMode"}  # fmt: skip
"""The namespaces that a container can share, and where the engine says whose it is in."""


@dataclass(frozen=True)
class Mount:
    """What is mounted at `target`: `kind` is volume, bind, tmpfs…, `source` a volume's name or a path."""

    kind: str
    source: str
    target: str
    writable: bool


@dataclass(frozen=True)
class Options:
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
class Able:
    """What an engine can do for a container: which limits its kernel keeps, and its version of control groups."""

    memory: bool = True
    swap: bool = True
    pids: bool = True
    cgroup: str = "2"

    @property
    def lacks(self) -> tuple[str, ...]:
        """The limits that it does not keep, in words; swap is counted with memory."""
        kept = {"memory": self.memory, "swap": self.swap and self.memory, "processes": self.pids}
        return tuple(what for what, keeps in kept.items() if not keeps)


def able(info: Mapping[str, Any]) -> Able:
    """What `docker info` says of it."""
    return Able(
        memory=bool(info.get("MemoryLimit")),
        swap=bool(info.get("SwapLimit")),
        pids=bool(info.get("PidsLimit")),
        cgroup=str(info.get("CgroupVersion") or "1"),
    )


def options(attrs: Mapping[str, Any]) -> Options:
    """What `docker container inspect` says."""
    config, host = attrs["Config"], attrs["HostConfig"]
    log = host.get("LogConfig") or {}
    return Options(
        user=config.get("User") or "",
        command=(attrs["Path"], *attrs["Args"]),
        init=bool(host.get("Init")),
        stop_signal=config.get("StopSignal") or "",
        stop_timeout=10 if config.get("StopTimeout") is None else config["StopTimeout"],
        health=_health(config),
        restart=(host.get("RestartPolicy") or {}).get("Name", ""),
        read_only=bool(host.get("ReadonlyRootfs")),
        tmpfs=host.get("Tmpfs") or {},
        dropped=tuple(host.get("CapDrop") or ()),
        added=tuple(host.get("CapAdd") or ()),
        security=tuple(host.get("SecurityOpt") or ()),
        privileged=bool(host.get("Privileged")),
        # an engine that does not say so masks them; an empty list is what was asked for
        masked=host.get("MaskedPaths") != [],
        namespaces={kind: host.get(key) or "" for kind, key in SHARED.items()},
        devices=tuple(_devices(host)),
        mounts=tuple(
            Mount(each["Type"], each.get("Name") or each.get("Source") or "", each["Destination"], bool(each.get("RW")))
            for each in attrs.get("Mounts") or ()
        ),
        memory=host.get("Memory") or 0,
        swap=host.get("MemorySwap") or 0,
        pids=max(host.get("PidsLimit") or 0, 0),
        log_driver=log.get("Type") or "",
        log_options=log.get("Config") or {},
    )


def _health(config: Mapping[str, Any]) -> tuple[str, ...]:
    test = tuple((config.get("Healthcheck") or {}).get("Test") or ())
    return () if test[:1] == ("NONE",) else test


def _devices(host: Mapping[str, Any]) -> Iterator[str]:
    yield from (each["PathOnHost"] for each in host.get("Devices") or ())
    yield from (f"rule {each}" for each in host.get("DeviceCgroupRules") or ())
    yield from (
        f"request {each.get('Driver') or each.get('Capabilities')}" for each in host.get("DeviceRequests") or ()
    )
