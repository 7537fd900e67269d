"""Parsers of what `docker inspect` and `docker info` say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from docktasks.engine.models import Container, ContainerConfig, Image, LimitSupport, Mount


def parse_image(attrs: Mapping[str, Any]) -> Image:
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


def parse_container(attrs: Mapping[str, Any]) -> Container:
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


SHARED = {"network": "NetworkMode", "pid": "PidMode", "ipc": "IpcMode", "uts": "UTSMode", "userns": "UsernsMode",
          "cgroup": "CgroupnsMode"}  # fmt: skip
"""The namespaces that a container can share, and where the engine says whose it is in."""


def limit_support(info: Mapping[str, Any]) -> LimitSupport:
    """What `docker info` says of it."""
    return LimitSupport(
        memory=bool(info.get("MemoryLimit")),
        swap=bool(info.get("SwapLimit")),
        pids=bool(info.get("PidsLimit")),
        cgroup=str(info.get("CgroupVersion") or "1"),
    )


def container_config(attrs: Mapping[str, Any]) -> ContainerConfig:
    """What `docker container inspect` says."""
    config, host = attrs["Config"], attrs["HostConfig"]
    log = host.get("LogConfig") or {}
    return ContainerConfig(
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
