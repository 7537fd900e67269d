from __future__ import annotations

from typing import Any

import pytest

from docktasks.engine.inspection import container_config, limit_support
from docktasks.engine.models import ContainerConfig, LimitSupport, Mount

# Of a release that run-prod started; the parts that are read.
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


def read(config: dict[str, Any] | None = None, **host: Any) -> ContainerConfig:
    """A release's options, with changes."""
    given = {"Config": CONFIG | (config or {}), "HostConfig": HOST | host, "Mounts": MOUNTS}
    return container_config({"Path": "/docker-entrypoint.sh", "Args": ["nginx", "-g", "daemon off;"], **given})


def test_what_a_release_was_started_with() -> None:
    """Each option comes typed, from where the engine says it."""
    assert read() == ContainerConfig(
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


def test_a_container_of_nobodys_care() -> None:
    """What was not asked for is told by nothing, null, or not at all."""
    given = {"Path": "sh", "Args": [], "Config": {}, "HostConfig": {"PidsLimit": None}}
    nothing = dict.fromkeys(("network", "pid", "ipc", "uts", "userns", "cgroup"), "")
    assert container_config(given) == ContainerConfig(command=("sh",), namespaces=nothing)
    assert read(PidsLimit=-1).pids == 0
    assert read({"StopTimeout": 0}).stop_timeout == 0
    assert read(Init=True).init


@pytest.mark.parametrize("test", [["NONE"], [], None])
def test_no_health_check(test: list[str] | None) -> None:
    """It may be left out, or put out."""
    assert read({"Healthcheck": {"Test": test}}).health == ()


def test_what_is_the_hosts() -> None:
    """Devices come by three ways; masks are taken off by an empty list."""
    devices = read(
        Devices=[{"PathOnHost": "/dev/null"}],
        DeviceCgroupRules=["c 1:3 r"],
        DeviceRequests=[{"Driver": "nvidia", "Capabilities": [["gpu"]]}],
    ).devices
    assert devices == ("/dev/null", "rule c 1:3 r", "request nvidia")
    assert not read(MaskedPaths=[]).masked
    assert read(MaskedPaths=None).masked


def test_what_an_engine_can_do() -> None:
    """A rootless one may keep no limits; an old one does not tell its version of control groups."""
    info = {"MemoryLimit": True, "SwapLimit": True, "PidsLimit": True, "CgroupVersion": "2"}
    assert limit_support(info) == LimitSupport()
    assert limit_support({"MemoryLimit": True}) == LimitSupport(swap=False, pids=False, cgroup="1")
    assert limit_support({"MemoryLimit": True}).unsupported == ("swap", "processes")
    assert LimitSupport(memory=False).unsupported == ("memory", "swap")
    assert limit_support(info).unsupported == ()
