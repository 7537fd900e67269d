from __future__ import annotations

from typing import Any

import pytest

from docktasks.engine.inspection import container_config, limit_support
from docktasks.engine.models import ContainerConfig, LimitSupport, Mount

# From `docker container inspect` of a release that run-prod started: the fields that are read.
CONFIG = {
    "User": "101:101",
    "StopSignal": "SIGQUIT",
    "StopTimeout": 30,
    "Healthcheck": {"Test": ["CMD-SHELL", "wget"], "Interval": 5000000000},
}
HOST = {
    "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m"}},
    "NetworkMode": "container:beef",
    "RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0},
    "CapAdd": None,
    "CapDrop": ["ALL"],
    "CgroupnsMode": "private",
    "IpcMode": "private",
    "PidMode": "",
    "UTSMode": "",
    "UsernsMode": "",
    "Privileged": False,
    "ReadonlyRootfs": True,
    "SecurityOpt": ["no-new-privileges"],
    "Tmpfs": {"/tmp": "size=16m"},  # noqa: S108 - the container's own
    "Memory": 67108864,
    "MemorySwap": 67108864,
    "PidsLimit": 64,
    "Devices": [],
    "DeviceRequests": None,
    "MaskedPaths": ["/proc/kcore"],
}
MOUNTS = [
    {"Type": "volume", "Name": "hello-dock-carried", "Source": "/var/lib", "Destination": "/srv/carried", "RW": False},
    {"Type": "bind", "Source": "/etc", "Destination": "/srv/etc", "RW": True},
]


def parse(config: dict[str, Any] | None = None, **host: Any) -> ContainerConfig:
    """Return the configuration of a release; `config` and `host` have changes to Config and HostConfig."""
    attrs = {"Config": CONFIG | (config or {}), "HostConfig": HOST | host, "Mounts": MOUNTS}
    return container_config({"Path": "/docker-entrypoint.sh", "Args": ["nginx", "-g", "daemon off;"], **attrs})


def test_config_of_a_release_has_every_field() -> None:
    """Some fields come from Config, others from HostConfig."""
    assert parse() == ContainerConfig(
        user="101:101",
        command=("/docker-entrypoint.sh", "nginx", "-g", "daemon off;"),
        stop_signal="SIGQUIT",
        stop_timeout=30,
        health=("CMD-SHELL", "wget"),
        restart="unless-stopped",
        read_only=True,
        tmpfs={"/tmp": "size=16m"},  # noqa: S108 - the container's own
        dropped=("ALL",),
        security=("no-new-privileges",),
        namespaces={
            "network": "container:beef", "pid": "", "ipc": "private", "uts": "", "userns": "", "cgroup": "private",
        },
        mounts=(
            Mount("volume", "hello-dock-carried", "/srv/carried", writable=False),
            Mount("bind", "/etc", "/srv/etc", writable=True),
        ),
        memory=67108864,
        swap=67108864,
        pids=64,
        log_driver="json-file",
        log_options={"max-size": "10m"},
    )  # fmt: skip


def test_config_of_a_container_without_options_is_empty() -> None:
    """For an option that was not used, the field is missing, null or empty."""
    attrs = {"Path": "sh", "Args": [], "Config": {}, "HostConfig": {"PidsLimit": None}}
    nothing = dict.fromkeys(("network", "pid", "ipc", "uts", "userns", "cgroup"), "")
    assert container_config(attrs) == ContainerConfig(command=("sh",), namespaces=nothing)
    assert parse(PidsLimit=-1).pids == 0
    assert parse({"StopTimeout": 0}).stop_timeout == 0
    assert parse(Init=True).init


@pytest.mark.parametrize("test", [["NONE"], [], None])
def test_config_without_a_health_check_has_no_test(test: list[str] | None) -> None:
    """The check may be missing, or turned off with NONE."""
    assert parse({"Healthcheck": {"Test": test}}).health == ()


def test_config_has_devices_of_three_kinds_and_masked_paths() -> None:
    """A container gets devices in three ways. An empty list of masked paths takes the masks off."""
    devices = parse(
        Devices=[{"PathOnHost": "/dev/null"}],
        DeviceCgroupRules=["c 1:3 r"],
        DeviceRequests=[{"Driver": "nvidia", "Capabilities": [["gpu"]]}],
    ).devices
    assert devices == ("/dev/null", "rule c 1:3 r", "request nvidia")
    assert not parse(MaskedPaths=[]).masked
    assert parse(MaskedPaths=None).masked


def test_limit_support_follows_from_docker_info() -> None:
    """A rootless engine may set no limits. An old engine does not report its version of control groups."""
    info = {"MemoryLimit": True, "SwapLimit": True, "PidsLimit": True, "CgroupVersion": "2"}
    assert limit_support(info) == LimitSupport()
    assert limit_support({"MemoryLimit": True}) == LimitSupport(swap=False, pids=False, cgroup="1")
    assert limit_support({"MemoryLimit": True}).unsupported == ("swap", "processes")
    assert LimitSupport(memory=False).unsupported == ("memory", "swap")
    assert limit_support(info).unsupported == ()
