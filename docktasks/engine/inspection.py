"""Parse the output of `docker inspect` and `docker info` into the types of models.py."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from docktasks.engine.models import Container, ContainerConfig, Image, LimitSupport, Network, Published

SERVED_FIELDS = (
    "Cmd", "Entrypoint", "Env", "ExposedPorts", "Healthcheck", "Labels", "StopSignal", "User", "Volumes", "WorkingDir",
)  # fmt: skip
"""What an image's configuration says about how it is served. Engines differ in the other fields."""


def parse_image(attrs: Mapping[str, Any]) -> Image:
    """Return the image that `docker image inspect` describes."""
    config = attrs.get("Config") or {}
    layers = tuple((attrs.get("RootFS") or {}).get("Layers") or ())
    return Image(
        id=attrs["Id"],
        size=attrs["Size"],
        tags=tuple(attrs.get("RepoTags") or ()),
        digests=tuple(attrs.get("RepoDigests") or ()),
        labels=config.get("Labels") or {},
        environment=_environment(config),
        user=config.get("User", ""),
        architecture=attrs.get("Architecture", ""),
        layers=layers,
        created=attrs.get("Created") or "",
        tagged=(attrs.get("Metadata") or {}).get("LastTagTime") or "",
        release=_release_id(layers, config),
        config=config,
    )


def _release_id(layers: tuple[str, ...], config: Mapping[str, Any]) -> str:
    """Return 12 digits that name what is served and how. Stores differ in ids, and engines leave out what is empty."""
    fields = {name: value for name in SERVED_FIELDS if (value := config.get(name)) and value != "/"}
    fields["Healthcheck"] = {name: value for name, value in (config.get("Healthcheck") or {}).items() if value}
    return hashlib.sha256(json.dumps([layers, fields], sort_keys=True).encode()).hexdigest()[:12]


def _environment(config: Mapping[str, Any]) -> dict[str, str]:
    return dict(line.partition("=")[::2] for line in config.get("Env") or ())


def parse_container(attrs: Mapping[str, Any]) -> Container:
    """Return the container that `docker container inspect` describes."""
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
        published=tuple(
            Published(binding["HostIp"], int(binding["HostPort"]), int(container_port.partition("/")[0]))
            for container_port, bindings in (attrs["NetworkSettings"].get("Ports") or {}).items()
            for binding in bindings or ()
        ),
        networks={
            name: endpoint.get("IPAddress", "")
            for name, endpoint in (attrs["NetworkSettings"].get("Networks") or {}).items()
        },
        created=attrs.get("Created") or "",
        started=attrs["State"]["StartedAt"],
        restarts=attrs.get("RestartCount") or 0,
        out_of_memory=bool(attrs["State"].get("OOMKilled")),
    )


def parse_network(attrs: Mapping[str, Any]) -> Network:
    """Return the network that `docker network inspect` describes."""
    members = tuple(member["Name"] for member in (attrs.get("Containers") or {}).values())
    return Network(attrs.get("Labels") or {}, attrs.get("Options") or {}, members)


STOP_TIMEOUT_S = 10
"""Docker's default for a container without a stop timeout."""


def limit_support(info: Mapping[str, Any]) -> LimitSupport:
    """Return the limits that an engine can set, by the output of `docker info`."""
    return LimitSupport(
        memory=bool(info.get("MemoryLimit")),
        swap=bool(info.get("SwapLimit")),
        pids=bool(info.get("PidsLimit")),
    )


def container_config(attrs: Mapping[str, Any]) -> ContainerConfig:
    """Return the configuration of a container, by the output of `docker container inspect`."""
    config, host = attrs["Config"], attrs["HostConfig"]
    stop_timeout = config.get("StopTimeout")  # 0 is a timeout, so `or` does not fit
    return ContainerConfig(
        user=config.get("User") or "",
        command=(attrs["Path"], *attrs["Args"]),
        init=bool(host.get("Init")),
        stop_signal=config.get("StopSignal") or "",
        stop_timeout=STOP_TIMEOUT_S if stop_timeout is None else stop_timeout,
        health=_health(config),
        read_only=bool(host.get("ReadonlyRootfs")),
        tmpfs=host.get("Tmpfs") or {},
        dropped=tuple(host.get("CapDrop") or ()),
        added=tuple(host.get("CapAdd") or ()),
        security=tuple(host.get("SecurityOpt") or ()),
        memory=host.get("Memory") or 0,
        swap=host.get("MemorySwap") or 0,
        pids=max(host.get("PidsLimit") or 0, 0),
        options=_options(attrs),
    )


def _health(config: Mapping[str, Any]) -> tuple[str, ...]:
    test = tuple((config.get("Healthcheck") or {}).get("Test") or ())
    return () if test[:1] == ("NONE",) else test


def _options(attrs: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return every field of the configuration that is not null, 0 or empty, and a StopTimeout of 0, by name."""
    host, log = attrs["HostConfig"], attrs["HostConfig"].get("LogConfig") or {}
    mounts = {
        mount["Destination"]: f"{mount['Type']} {mount.get('Name') or mount.get('Source') or ''}"
        f" {'rw' if mount.get('RW') else 'ro'}"
        for mount in attrs.get("Mounts") or ()
    }
    command = {"Cmd": None, "Entrypoint": None, "Command": " ".join([attrs["Path"], *attrs["Args"]])}
    split = {"LogConfig": None, "LogDriver": log.get("Type"), "LogOptions": log.get("Config"), "Mounts": mounts}
    timeout = {"StopTimeout": "0"} if attrs["Config"].get("StopTimeout") == 0 else {}  # which ends it at once
    fields = {**host, **attrs["Config"], **command, **split, **timeout}
    return {name: texts for name, value in fields.items() if (texts := _texts(value))}


def _texts(value: Any) -> dict[str, str]:
    """Return the values of a field by name. An entry of a list is a name, with a value after `=`."""
    if not value:
        return {}
    items = {"": value}
    if isinstance(value, Mapping):
        items = dict(value)
    elif isinstance(value, list):
        words = (item if isinstance(item, str) else json.dumps(item, sort_keys=True) for item in value)
        items = dict(word.partition("=")[::2] for word in words)
    return {name: text if isinstance(text, str) else json.dumps(text, sort_keys=True) for name, text in items.items()}
