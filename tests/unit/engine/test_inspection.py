from __future__ import annotations

from typing import Any

import pytest

from docktasks.engine.inspection import container_config, limit_support, parse_image
from docktasks.engine.models import ContainerConfig, LimitSupport

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


# From `docker image inspect` of engine 26 with the classic store.
IMAGE: dict[str, Any] = {
    "Id": "sha256:385a",
    "RepoTags": ["hello-dock:prod"],
    "Created": "2026-11-28T16:52:27Z",
    "Architecture": "amd64",
    "Size": 17898790,
    "Config": {
        "Hostname": "", "User": "101:101", "AttachStdin": False, "ArgsEscaped": True, "Image": "", "Volumes": None,
        "ExposedPorts": {"80/tcp": {}}, "Env": ["PATH=/bin", "NGINX_VERSION=1.30.6"], "Cmd": ["nginx"],
        "Healthcheck": {"Test": ["CMD", "wget"], "Interval": 10000000000, "StartInterval": 0}, "WorkingDir": "/",
        "Entrypoint": ["/docker-entrypoint.sh"], "OnBuild": None, "Labels": {"a": "1", "b": "2"},
        "StopSignal": "SIGQUIT",
    },
    "RootFS": {"Type": "layers", "Layers": ["sha256:d985", "sha256:64be"]},
    "Metadata": {"LastTagTime": "2026-11-28T16:52:27Z"},
}  # fmt: skip


def release_id(config: dict[str, Any] | None = None, **changes: Any) -> str:
    """Return the release id of an image with these changes, also to its configuration."""
    return parse_image(IMAGE | changes | {"Config": IMAGE["Config"] | (config or {})}).release


@pytest.mark.parametrize(
    ("config", "changes"),
    [
        ({}, {"Id": "sha256:d1b2", "Size": 18534505, "Created": "2026-11-28T18:00:00Z", "RepoTags": []}),
        ({}, {"Metadata": {"LastTagTime": "2026-11-28T18:26:58Z"}, "Descriptor": {"digest": "sha256:d1b2"}}),
        ({"WorkingDir": "", "Volumes": {}, "ArgsEscaped": False, "Hostname": "0a1b", "Domainname": ""}, {}),
        ({"Healthcheck": {"Interval": 10000000000, "Test": ["CMD", "wget"]}}, {}),
        ({"Labels": {"b": "2", "a": "1"}}, {}),
    ],
)
def test_release_id_does_not_depend_on_the_engine(config: dict[str, Any], changes: dict[str, Any]) -> None:
    """Stores and versions differ in ids, times, sizes, and in what they leave out because it is empty."""
    assert release_id(config, **changes) == release_id()
    empty = ("Hostname", "AttachStdin", "ArgsEscaped", "Image", "Volumes", "WorkingDir", "OnBuild")
    newer = {name: value for name, value in IMAGE["Config"].items() if name not in empty}
    assert parse_image(IMAGE | {"Config": newer}).release == release_id()


@pytest.mark.parametrize(
    ("config", "changes"),
    [
        ({"User": ""}, {}),
        ({"Env": ["NGINX_VERSION=1.30.6", "PATH=/bin"]}, {}),
        ({"Cmd": ["nginx", "-g", "daemon off;"]}, {}),
        ({"Entrypoint": None}, {}),
        ({"ExposedPorts": {"8080/tcp": {}}}, {}),
        ({"Labels": {"a": "1"}}, {}),
        ({"StopSignal": "SIGTERM"}, {}),
        ({"WorkingDir": "/srv"}, {}),
        ({"Volumes": {"/srv": {}}}, {}),
        ({"Healthcheck": {"Test": ["CMD", "wget"], "Interval": 20000000000}}, {}),
        ({"Healthcheck": None}, {}),
        ({}, {"RootFS": {"Layers": ["sha256:d985"]}}),
        ({}, {"RootFS": {"Layers": ["sha256:64be", "sha256:d985"]}}),
    ],
)
def test_release_id_names_what_is_served_and_how(config: dict[str, Any], changes: dict[str, Any]) -> None:
    """Other layers, or another configuration, are another release."""
    assert release_id(config, **changes) != release_id()


def test_release_id_stays_the_same_in_later_versions_of_hello_dock() -> None:
    """Another way to make it would give every kept release another id."""
    assert release_id() == "632708e73bb7"


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
        read_only=True,
        tmpfs={"/tmp": "size=16m"},  # noqa: S108 - the container's own
        dropped=("ALL",),
        security=("no-new-privileges",),
        memory=67108864,
        swap=67108864,
        pids=64,
        options=parse().options,
    )  # fmt: skip


def test_config_of_a_container_without_options_is_empty() -> None:
    """For an option that was not used, the field is missing, null or empty."""
    attrs = {"Path": "sh", "Args": [], "Config": {}, "HostConfig": {"PidsLimit": None}}
    assert container_config(attrs) == ContainerConfig(command=("sh",), options={"Command": {"": "sh"}})
    assert parse(PidsLimit=-1).pids == 0
    assert parse({"StopTimeout": 0}).stop_timeout == 0
    assert parse({"StopTimeout": 0}).options["StopTimeout"] == {"": "0"}  # 0 seconds are an option, and not Docker's 10
    assert parse(Init=True).init


@pytest.mark.parametrize("test", [["NONE"], [], None])
def test_config_without_a_health_check_has_no_test(test: list[str] | None) -> None:
    """The check may be missing, or turned off with NONE."""
    assert parse({"Healthcheck": {"Test": test}}).health == ()


def test_config_has_every_option_with_its_values_by_name() -> None:
    """An entry of a list is a name. What is null, 0 or empty is no option."""
    config = parse(
        Devices=[{"PathOnHost": "/dev/null"}], SecurityOpt=["no-new-privileges", "apparmor=unconfined"], NanoCpus=2,
        LogConfig={"Type": "json-file", "Config": {"max-size": "10m"}}, PidMode="host", OomKillDisable=False,
    )  # fmt: skip
    expected = {
        "Command": {"": "/docker-entrypoint.sh nginx -g daemon off;"},
        "Devices": {'{"PathOnHost": "/dev/null"}': ""},
        "SecurityOpt": {"no-new-privileges": "", "apparmor": "unconfined"},
        "NanoCpus": {"": "2"},
        "LogDriver": {"": "json-file"},
        "LogOptions": {"max-size": "10m"},
        "Mounts": {"/srv/carried": "volume hello-dock-carried ro", "/srv/etc": "bind /etc rw"},
    }
    assert {name: config.options[name] for name in expected} == expected
    assert (config.option("PidMode"), config.option("UTSMode")) == ("host", "")
    assert {"OomKillDisable", "DeviceRequests", "LogConfig", "Cmd"}.isdisjoint(config.options)


def test_limit_support_follows_from_docker_info() -> None:
    """A rootless engine may set no limits."""
    info = {"MemoryLimit": True, "SwapLimit": True, "PidsLimit": True}
    assert limit_support(info) == LimitSupport()
    assert limit_support({"MemoryLimit": True}) == LimitSupport(swap=False, pids=False)
    assert limit_support({"MemoryLimit": True}).unsupported == ("swap", "processes")
    assert LimitSupport(memory=False).unsupported == ("memory", "swap")
    assert limit_support(info).unsupported == ()
