from __future__ import annotations

import re
from dataclasses import replace

import pytest
from docker.errors import APIError
from requests import Response

from docktasks.engine.client import DockerEngine
from docktasks.engine.models import Container, ContainerConfig, Image, LimitSupport, Network, Published
from tests.unit.fakes.sdk import Client, Row, Rows, container_attrs


@pytest.fixture
def client() -> Client:
    """Return the SDK's client of an engine without containers and images."""
    return Client()


@pytest.fixture
def engine(client: Client) -> DockerEngine:
    """Return a DockerEngine that uses `client`."""
    return DockerEngine(lambda: (client, client.version()))


@pytest.mark.parametrize(
    ("release", "kernel"),
    [
        ("5.14.0-570.el9.x86_64", (5, 14)),
        ("6.6.87.2-microsoft-standard-WSL2", (6, 6)),
        ("6.10.14-linuxkit", (6, 10)),
        ("4.19", (4, 19)),
        ("", ()),
        (None, ()),
    ],
)
def test_kernel_is_the_first_two_numbers_of_its_release(release: str | None, kernel: tuple[int, ...]) -> None:
    """The engine may run on another machine. An unknown version is an empty tuple, which is less than every version."""
    client = Client()
    version = (
        {**client.version(), "KernelVersion": release}
        if release is not None
        else {"Version": "26", "ApiVersion": "1.45"}
    )
    assert DockerEngine(lambda: (client, version)).kernel == kernel


def test_container_has_the_fields_of_docker_inspect(client: Client, engine: DockerEngine) -> None:
    """Published ports, labels, environment and health are in the answer."""
    client.containers.append(Row("hello-dock-prod", container_attrs()))
    container = engine.container("hello-dock-prod")
    assert container == Container(
        id="0a1b",
        name="hello-dock-prod",
        state="running",
        health="healthy",
        image_id="sha256:77",
        image="hello-dock:prod",
        labels={"hello-dock.project": "hello-dock", "hello-dock.role": "prod"},
        environment={"HELLO_DOCK_ENV": '{"A":"="}'},
        published=(Published("127.0.0.1", 8080, 80),),
        networks={"bridge": "172.17.0.2"},
        started="2026-11-23T14:20:00Z",
    )
    assert (container.role, container.is_of("hello-dock"), container.is_of("hello")) == ("prod", True, False)


def test_container_without_labels_health_or_ports_has_empty_fields(client: Client, engine: DockerEngine) -> None:
    """The API leaves out, or sets to null, what a container does not have."""
    attrs = container_attrs(
        State={"Status": "exited", "ExitCode": 137, "StartedAt": ""},
        Config={"Image": "busybox", "Labels": None},
        NetworkSettings={"Ports": None},
    )
    client.containers.append(Row("web", attrs))
    container = engine.container("web")
    assert container is not None
    assert (container.state, container.exit_code, container.health) == ("exited", 137, "")
    assert (container.role, container.url, container.published) == ("", "", ())


def test_missing_container_and_image_are_none(engine: DockerEngine) -> None:
    """An unknown name is not an error."""
    assert engine.container("missing") is None
    assert engine.image("nothing:latest") is None
    assert engine.logs("missing") == ""


@pytest.mark.parametrize("status", [400, 500])
def test_text_that_is_no_name_of_an_image_names_none(
    client: Client, engine: DockerEngine, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """A label of others may have any text. Another refusal of the engine is an error."""
    answer = Response()
    answer.status_code = status

    def refuse(_name: str) -> None:
        raise APIError("refused", answer, "invalid reference format")

    monkeypatch.setattr(client.images, "get", refuse)
    if status == 500:
        with pytest.raises(APIError):
            engine.image("nginx, stable")
    else:
        assert engine.image("nginx, stable") is None


def test_image_has_the_fields_of_docker_inspect(client: Client, engine: DockerEngine) -> None:
    """The value of a variable may contain an equals sign."""
    config = {"Labels": {"a": "b"}, "Env": ["NODE_VERSION=26.10.0", "OPTIONS=--a=b"], "User": "101:101"}
    attrs = {
        "Id": "sha256:77",
        "Size": 17_900_000,
        "RepoTags": ["hello-dock:prod"],
        "Architecture": "arm64",
        "Config": config,
        "RootFS": {"Layers": ["sha256:1", "sha256:2"]},
        "Created": "2026-11-22T08:09:10Z",
        "Metadata": {"LastTagTime": "2026-11-23T14:20:00.123456789Z"},
    }
    client.images.append(Row("hello-dock:prod", attrs))
    image = engine.image("hello-dock:prod")
    assert image is not None
    assert image == Image(
        id="sha256:77",
        size=17_900_000,
        tags=("hello-dock:prod",),
        labels={"a": "b"},
        environment={"NODE_VERSION": "26.10.0", "OPTIONS": "--a=b"},
        user="101:101",
        architecture="arm64",
        layers=("sha256:1", "sha256:2"),
        created="2026-11-22T08:09:10Z",
        tagged="2026-11-23T14:20:00.123456789Z",
        release=image.release,
        config=config,
    )
    assert re.fullmatch("[0-9a-f]{12}", image.release)


def test_image_without_configuration(client: Client, engine: DockerEngine) -> None:
    """An image from scratch has no labels, no user and no layers."""
    client.images.append(Row("empty", {"Id": "sha256:0", "Size": 0, "RepoTags": None, "Config": None}))
    image = engine.image("empty")
    assert image is not None
    assert replace(image, release="") == Image("sha256:0")


def test_project_is_found_by_its_label(client: Client, engine: DockerEngine) -> None:
    """Containers, stopped ones too, images and volumes are asked for by label, and sorted by name."""
    client.containers += [Row("z", container_attrs(Name="/z")), Row("a", container_attrs(Name="/a"))]
    client.volumes += [Row("shop-modules-2"), Row("shop-modules-1")]
    assert [container.name for container in engine.containers("shop")] == ["a", "z"]
    assert engine.volumes("shop") == ["shop-modules-1", "shop-modules-2"]
    assert engine.images("shop") == []
    project_filter = {"label": "hello-dock.project=shop"}
    assert client.containers.query == {"sparse": True, "all": True, "filters": project_filter}
    assert client.volumes.query == {"filters": project_filter}
    assert client.api.query == {"all": True, "filters": {"label": "hello-dock.built-for=shop"}}


def test_images_without_tags_or_labels_are_listed(client: Client, engine: DockerEngine) -> None:
    """A row of the API may have null, or an empty list, for both."""
    labels = {"hello-dock.built-for": "shop"}
    client.api.rows = [
        {"Id": "sha256:1", "Size": 7, "RepoTags": ["shop:prod"], "Labels": labels},
        {"Id": "sha256:2", "Size": 8, "RepoTags": None, "Labels": None},
        {"Id": "sha256:3", "Size": 9, "RepoTags": [], "Labels": {}},
    ]
    assert engine.images("shop") == [
        Image("sha256:1", 7, ("shop:prod",), labels),
        Image("sha256:2", 8),
        Image("sha256:3", 9),
    ]


def test_users_of_an_image_volumes_and_tags_include_other_projects(client: Client, engine: DockerEngine) -> None:
    """The answers do not depend on the label of the project."""
    theirs = container_attrs(Image="sha256:78")
    client.containers = Rows(Row("mine", container_attrs(Name="/mine")), Row("theirs", theirs))
    assert engine.containers_using("sha256:77") == ["mine"]
    client.volumes = Rows(Row("shop-carried"))
    assert (engine.has_volume("shop-carried"), engine.has_volume("other")) == (True, False)
    client.api.rows = [{"Id": "sha256:1", "Size": 7, "RepoTags": ["shop:prod"], "Labels": {}, "ParentId": "sha256:0"}]
    assert engine.image_ids() == {"shop:prod": "sha256:1"}
    assert engine.images("shop")[0].parent == "sha256:0"


def test_network_is_found_by_name(client: Client, engine: DockerEngine) -> None:
    """One without containers or options has null in their place."""
    members = {"beef": {"Name": "shop-prod-port"}}
    attrs = {"Labels": {"a": "b"}, "Options": {"c": "d"}, "Containers": members}
    client.networks = Rows(Row("shop-prod", attrs), Row("other", {"Labels": None, "Options": None, "Containers": {}}))
    assert engine.network("shop-prod") == Network({"a": "b"}, {"c": "d"}, ("shop-prod-port",))
    assert (engine.network("other"), engine.network("gone")) == (Network(), None)


def test_untagged_image_has_no_tag_on_engine_23(client: Client, engine: DockerEngine) -> None:
    """Engine 23 writes <none>:<none>, which is not a name that can be removed or built on."""
    client.api.rows = [{"Id": "sha256:2", "Size": 8, "RepoTags": ["<none>:<none>"], "Labels": None}]
    assert engine.images("hello-dock") == [Image("sha256:2", 8)]


def test_container_removed_during_the_question_is_left_out(client: Client, engine: DockerEngine) -> None:
    """A container may be removed after the list was made and before it is inspected."""
    client.containers += [Row("gone", gone=True), Row("here", container_attrs(Name="/here"))]
    assert [container.name for container in engine.containers("hello-dock")] == ["here"]


def test_container_publishing_finds_the_host_port(client: Client, engine: DockerEngine) -> None:
    """A container that only listens on the port inside does not publish it."""
    client.containers.append(Row("web", container_attrs(Name="/web")))
    publisher = engine.container_publishing(8080)
    assert publisher is not None
    assert publisher.name == "web"
    assert engine.container_publishing(80) is None


def test_logs_are_text(client: Client, engine: DockerEngine) -> None:
    """Bytes that are not UTF-8 are replaced."""
    row = Row("web", container_attrs())
    row.log = b"one\ntwo\xff\nthree"
    client.containers.append(row)
    assert engine.logs("web", 2) == "two�\nthree"


def test_container_config_has_the_command_and_the_limits(client: Client, engine: DockerEngine) -> None:
    """The configuration of a container that has gone is empty."""
    attrs = container_attrs(Path="nginx", Args=["-g"], HostConfig={"PidsLimit": 7})
    client.containers.append(Row("web", attrs))
    assert engine.container_config("web").command == ("nginx", "-g")
    assert engine.container_config("web").pids == 7
    assert engine.container_config("gone") == ContainerConfig()


def test_engine_without_limits_in_docker_info_supports_none(engine: DockerEngine) -> None:
    """The fields of the limits may be missing in the output of `docker info`."""
    assert engine.limit_support == LimitSupport(memory=False, swap=False, pids=False)


@pytest.mark.parametrize(
    ("status", "containerd"),
    [
        ([["driver-type", "io.containerd.snapshotter.v1"]], True),
        ([["Backing Filesystem", "extfs"], ["Supports d_type", "true"]], False),
        (None, False),
    ],
)
def test_containerd_store_is_recognised_by_the_status_of_its_driver(
    engine: DockerEngine, client: Client, monkeypatch: pytest.MonkeyPatch, status: list[list[str]], *, containerd: bool
) -> None:
    """The name of the driver would not do: both stores have one called btrfs."""
    monkeypatch.setattr(client, "info", lambda: {"Driver": "btrfs", "DriverStatus": status})
    assert engine.containerd_store is containerd


@pytest.mark.parametrize(
    ("options", "rootless"), [(None, False), (["name=seccomp"], False), (["name=seccomp", "name=rootless"], True)]
)
def test_rootless_engine_is_recognised_by_its_security_options(options: list[str] | None, *, rootless: bool) -> None:
    """uid 0 in a container of such an engine is the user who started the engine."""
    client = Client(security=options)
    assert DockerEngine(lambda: (client, client.version())).rootless is rootless
