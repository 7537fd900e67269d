from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from requests import Response

from docktasks.commands import Result
from docktasks.engine import connect
from docktasks.engine.client import DockerEngine
from docktasks.engine.dry_run import DryRunEngine
from docktasks.engine.models import Container, ContainerConfig, Image, LimitSupport
from docktasks.errors import EngineError, NoEngineError, UnfitError
from tests.unit.fakes.engine import Programs

# As docker-py 7.2 words them.
REFUSED = "Error while fetching server API version: ('Connection aborted.', PermissionError(13, 'Permission denied'))"
NO_SOCKET = (
    "Error while fetching server API version: "
    "('Connection aborted.', FileNotFoundError(2, 'No such file or directory'))"
)
NO_HOST = (
    "Error while fetching server API version: HTTPConnectionPool(host='10.0.0.7', port=2375): Max retries exceeded "
    "with url: /version (Caused by NewConnectionError(\"HTTPConnection(host='10.0.0.7', port=2375): Failed to "
    'establish a new connection: [Errno 111] Connection refused"))'
)
OLD_CLIENT = "client version 1.53 is too new. Maximum supported API version is 1.41"
OLD_ENGINE = (
    "API version 1.23 is too old for this SDK: the minimum supported API version is 1.24"  # its minimum rises slowly
)


class Rows(list[Any]):
    """A collection of the SDK: `list` and `get` by name, from attributes; removed ones raise on reload."""

    def __init__(self, *rows: Any, missing: type[Exception] = NotFound) -> None:
        super().__init__(rows)
        self.missing, self.asked = missing, dict[str, Any]()

    def list(self, **query: Any) -> Any:
        """Every row; the query is noted."""
        self.asked = query
        return [*self]

    def get(self, name: str) -> Any:
        """The row of that name, or of that id."""
        for row in self:
            if name in (row.name, row.attrs.get("Id")):
                return row
        raise self.missing("No such thing")


class Row:
    """An object of the SDK."""

    def __init__(self, name: str, attrs: dict[str, Any] | None = None, *, gone: bool = False) -> None:
        self.name, self.attrs, self.gone = name, attrs or {}, gone
        self.log = b""

    def reload(self) -> None:
        """Ask again."""
        if self.gone:
            raise NotFound("No such container")

    def logs(self, tail: int) -> bytes:
        """The last lines."""
        return b"\n".join(self.log.splitlines()[-tail:])

    @staticmethod
    def exec_run(args: list[str]) -> tuple[int, bytes]:
        """Answers with its arguments."""
        return 3, " ".join(args).encode() + b"\xff"


class Api:
    """The SDK's lower client, which gives a list as the API does."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.asked: dict[str, Any] = {}

    def images(self, **query: Any) -> list[dict[str, Any]]:
        """Every row; the query is noted."""
        self.asked = query
        return self.rows


class Client:
    """What `docker.from_env()` gives."""

    def __init__(self, version: str = "26.1.5", api: str = "1.45", security: list[str] | None = None) -> None:
        self.answer: dict[str, Any] = {"Version": version, "ApiVersion": api, "KernelVersion": "6.1.0-28-amd64"}
        self.security = security
        self.containers, self.volumes = Rows(), Rows()
        self.images = Rows(missing=ImageNotFound)
        self.api = Api()

    def version(self) -> dict[str, Any]:
        """Of the engine."""
        return self.answer

    def info(self) -> dict[str, Any]:
        """Of the engine."""
        return {"SecurityOptions": self.security}


@pytest.fixture
def client() -> Client:
    """An empty engine's client."""
    return Client()


@pytest.fixture
def found(client: Client) -> DockerEngine:
    """An engine on that client."""
    return DockerEngine(lambda: (client, client.version()))


def container_attrs(**changes: Any) -> dict[str, Any]:
    """A container, as the engine's API describes it."""
    labels = {"hello-dock.project": "hello-dock", "hello-dock.role": "prod"}
    state = {"Status": "running", "ExitCode": 0, "StartedAt": "2026-11-23T14:20:00Z", "Health": {"Status": "healthy"}}
    return {
        "Id": "0a1b",
        "Name": "/hello-dock-prod",
        "State": state,
        "Image": "sha256:77",
        "Config": {"Image": "hello-dock:prod", "Labels": labels, "Env": ['HELLO_DOCK_ENV={"A":"="}']},
        "HostConfig": {"NetworkMode": "bridge"},
        "NetworkSettings": {"Ports": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}], "443/tcp": None}},
    } | changes


def connecting(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], Any]) -> None:
    """Replace the SDK's way to the engine."""
    monkeypatch.setattr(docker, "from_env", answer)


def explained(monkeypatch: pytest.MonkeyPatch, message: str) -> EngineError:
    """The error that a refusal of the SDK becomes."""

    def refuse() -> None:
        raise DockerException(message)

    connecting(monkeypatch, refuse)
    with pytest.raises(EngineError) as caught:
        connect.connect()
    assert isinstance(caught.value.__cause__, DockerException)
    return caught.value


def test_connect_gives_the_engine_the_cli_would_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that answers is returned with its version and API version."""
    connecting(monkeypatch, Client)
    found = connect.connect()
    assert (found.version, found.api, found.kernel) == ("26.1.5", (1, 45), (6, 1))


def test_a_context_that_the_sdk_does_not_find_is_asked_of_the_cli(
    monkeypatch: pytest.MonkeyPatch, programs: Programs, tmp_path: Path
) -> None:
    """Else the SDK would take the local engine, while the commands change another."""
    given: dict[str, Any] = {}
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONTEXT", "away")
    monkeypatch.setattr(docker, "from_env", lambda **options: given.update(options) or Client())
    programs.add("docker", "tcp://away:2375\n")
    assert connect.connect().version == "26.1.5"
    assert given["environment"]["DOCKER_HOST"] == "tcp://away:2375"
    assert programs.calls == ["docker context inspect --format {{.Endpoints.docker.Host}} away"]
    programs.add("docker", code=1)
    with pytest.raises(NoEngineError, match=r"There is no Docker context away\."):
        connect.connect()


@pytest.mark.parametrize(
    ("told", "kernel"),
    [
        ("5.14.0-570.el9.x86_64", (5, 14)),
        ("6.6.87.2-microsoft-standard-WSL2", (6, 6)),
        ("6.10.14-linuxkit", (6, 10)),
        ("4.19", (4, 19)),
        ("", ()),
        (None, ()),
    ],
)
def test_the_kernel_is_told_by_its_two_first_numbers(told: str | None, kernel: tuple[int, ...]) -> None:
    """The engine's, which may be another machine's; one that is not told counts as older than any."""
    client = Client()
    version = (
        {**client.version(), "KernelVersion": told} if told is not None else {"Version": "26", "ApiVersion": "1.45"}
    )
    assert DockerEngine(lambda: (client, version)).kernel == kernel


@pytest.mark.parametrize(
    ("message", "what", "how"),
    [
        (REFUSED, "The Docker engine's socket refuses you.", "sudo usermod -aG docker $USER"),
        (NO_SOCKET, "No Docker engine answers.", "invoke setup"),
        (NO_HOST, "No Docker engine answers.", "invoke setup"),
        (OLD_CLIENT, f"The Docker engine and the SDK share no API version: {OLD_CLIENT}", "Upgrade it"),
        (OLD_ENGINE, f"The Docker engine and the SDK share no API version: {OLD_ENGINE}", "Upgrade it"),
    ],
)
def test_connect_explains_what_stands_in_the_way(
    monkeypatch: pytest.MonkeyPatch, message: str, what: str, how: str
) -> None:
    """Each refusal of the SDK becomes a sentence and the way out."""
    error = explained(monkeypatch, message)
    assert what in error.what
    assert how in error.how


@pytest.mark.parametrize("message", [REFUSED, NO_SOCKET])
def test_an_engine_of_the_users_own_is_pointed_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, message: str
) -> None:
    """It runs without root, where no context says so: none is to be installed. A socket that nobody hears is none."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "docker.sock"))
        assert "DOCKER_HOST" not in explained(monkeypatch, message).how
        listening.listen()
        error = explained(monkeypatch, message)
        assert f"export DOCKER_HOST=unix://{tmp_path}/docker.sock" in error.how
        assert not isinstance(error, NoEngineError)
        monkeypatch.setenv("DOCKER_CONTEXT", "default")
        assert "DOCKER_HOST" not in explained(monkeypatch, message).how


def test_an_unknown_refusal_keeps_its_words_as_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    """What we cannot interpret is shown, without the nested cause."""
    assert explained(monkeypatch, NO_HOST).evidence.endswith("Max retries exceeded with url: /version ")


@pytest.mark.parametrize("version", ["20.10.24", "22.06.0-beta.0", "19.03.15"])
def test_an_engine_below_the_floor_is_refused(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """Below 23 `docker build` is not BuildKit's, and the user is told the version that is needed."""
    connecting(monkeypatch, lambda: Client(version))
    with pytest.raises(EngineError, match=rf"Docker Engine {version} is too old") as caught:
        connect.connect()
    assert "Upgrade it to 23 or later" in caught.value.how


@pytest.mark.parametrize("version", ["4.3.1", "5.8.0", "23.0.0"])
def test_podman_is_called_by_its_name(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """It answers as Docker does, and its version would pass for a Docker Engine's, old or new."""
    client = Client(version)
    client.answer["Components"] = [{"Name": connect.PODMAN, "Version": version}, {"Name": "Conmon", "Version": "2"}]
    connecting(monkeypatch, lambda: client)
    monkeypatch.setenv("DOCKER_HOST", "unix:///podman.sock")
    with pytest.raises(UnfitError, match=rf"at unix:///podman.sock is Podman {version}, and no Docker") as caught:
        connect.connect()
    assert "unset DOCKER_HOST" in caught.value.how
    assert "pgrade" not in str(caught.value)


@pytest.mark.parametrize("version", ["23.0.0", "26.1.5+dfsg1", "29.0.0-rc.1"])
def test_an_engine_from_the_floor_on_is_taken(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """Distribution suffixes and candidates do not disturb."""
    connecting(monkeypatch, lambda: Client(version))
    assert connect.connect().version == version


def test_a_container_is_answered_typed(client: Client, found: DockerEngine) -> None:
    """What the API says of a container becomes a Container, published ports with it."""
    client.containers.append(Row("hello-dock-prod", container_attrs()))
    container = found.container("hello-dock-prod")
    assert container == Container(
        id="0a1b",
        name="hello-dock-prod",
        state="running",
        health="healthy",
        image_id="sha256:77",
        image="hello-dock:prod",
        labels={"hello-dock.project": "hello-dock", "hello-dock.role": "prod"},
        environment={"HELLO_DOCK_ENV": '{"A":"="}'},
        addresses=(("127.0.0.1", 8080, 80),),
        started="2026-11-23T14:20:00Z",
    )
    assert (container.role, container.is_of("hello-dock"), container.is_of("hello")) == ("prod", True, False)


def test_a_container_without_labels_health_or_ports_is_answered(client: Client, found: DockerEngine) -> None:
    """The API leaves out or nulls what a container does not have."""
    attrs = container_attrs(
        State={"Status": "exited", "ExitCode": 137, "StartedAt": ""},
        Config={"Image": "busybox", "Labels": None},
        NetworkSettings={"Ports": None},
    )
    client.containers.append(Row("web", attrs))
    container = found.container("web")
    assert container is not None
    assert (container.state, container.exit_code, container.health) == ("exited", 137, "")
    assert (container.role, container.url, container.addresses) == ("", "", ())


def joined(client: Client, holder: dict[str, Any] | None, **state: str) -> Container:
    """A release that joined the network of a port holder, as the engine answers it."""
    own = {"Status": "running", "ExitCode": 0, "StartedAt": "2026-11-23T14:20:00.5Z"} | state
    attrs = container_attrs(
        State=own, HostConfig={"NetworkMode": "container:beef"}, NetworkSettings={"Ports": {}, "Networks": {}}
    )
    client.containers.append(Row("hello-dock-prod", attrs))
    if holder is not None:
        state_of_holder = {"Status": "running", "ExitCode": 0, "StartedAt": "2026-11-23T14:20:00.25Z"} | holder
        client.containers.append(Row("hello-dock-prod-port", container_attrs(Id="beef", State=state_of_holder)))
    engine = DockerEngine(lambda: (client, client.version()))
    found = engine.container("hello-dock-prod")
    assert found is not None
    (listed,) = [each for each in engine.containers("hello-dock") if each.id == found.id]
    assert listed == found
    return found


def test_a_container_in_anothers_network_is_reached_where_that_one_is(client: Client) -> None:
    """Docker says of it that it has no ports at all."""
    found = joined(client, {})
    assert (found.url, found.cut_off, found.serves) == ("http://127.0.0.1:8080", False, True)


@pytest.mark.parametrize(
    "holder",
    [
        None,
        {"Status": "exited"},
        {"Status": "restarting"},
        {"StartedAt": "2026-11-23T14:20:00.51Z"},
        {"StartedAt": "2026-11-23T14:20:01Z"},
    ],
    ids=["gone", "stopped", "starting", "started later", "started a second later"],
)
def test_a_container_whose_network_has_gone_is_cut_off(client: Client, holder: dict[str, str] | None) -> None:
    """It runs on, and may be healthy; nobody reaches it. Every start makes a new network."""
    found = joined(client, holder)
    assert (found.state, found.cut_off, found.serves, found.url) == ("running", True, False, "")


@pytest.mark.parametrize(
    ("holder", "release"),
    [("14:20:00Z", "14:20:00.5Z"), ("14:20:00.5Z", "14:20:00.51Z"), ("14:20:00.5Z", "14:20:00.5Z")],
)
def test_digits_that_docker_leaves_out_do_not_cut_anything_off(client: Client, holder: str, release: str) -> None:
    """A time's fraction has no zeros at its end, so the Z may stand before a digit."""
    found = joined(client, {"StartedAt": f"2026-11-23T{holder}"}, StartedAt=f"2026-11-23T{release}")
    assert not found.cut_off


def test_a_stopped_container_is_not_cut_off(client: Client) -> None:
    """It is stopped, whatever its network is."""
    found = joined(client, None, Status="exited")
    assert (found.cut_off, found.serves) == (False, False)


def test_what_is_not_there_is_none(found: DockerEngine) -> None:
    """A name that the engine does not know is an answer, not an error."""
    assert found.container("nobody") is None
    assert found.image("nothing:latest") is None
    assert found.logs("nobody") == ""


def test_an_image_is_answered_typed(client: Client, found: DockerEngine) -> None:
    """What the API says of an image becomes an Image; a value may hold an equals sign."""
    attrs = {
        "Id": "sha256:77",
        "Size": 17_900_000,
        "RepoTags": ["hello-dock:prod"],
        "Architecture": "arm64",
        "Config": {"Labels": {"a": "b"}, "Env": ["NODE_VERSION=26.10.0", "OPTIONS=--a=b"], "User": "101:101"},
        "RootFS": {"Layers": ["sha256:1", "sha256:2"]},
        "Created": "2026-11-22T08:09:10Z",
        "Metadata": {"LastTagTime": "2026-11-23T14:20:00.123456789Z"},
    }
    client.images.append(Row("hello-dock:prod", attrs))
    image = found.image("hello-dock:prod")
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
    )


def test_an_image_of_scratch_is_answered(client: Client, found: DockerEngine) -> None:
    """An image without a configuration has no labels, no user and no layers."""
    client.images.append(Row("empty", {"Id": "sha256:0", "Size": 0, "RepoTags": None, "Config": None}))
    assert found.image("empty") == Image("sha256:0")


def test_what_is_ours_is_asked_for_by_label(client: Client, found: DockerEngine) -> None:
    """Containers (stopped ones too), images and volumes are found by the project's label, by name."""
    client.containers += [Row("z", container_attrs(Name="/z")), Row("a", container_attrs(Name="/a"))]
    client.volumes += [Row("shop-modules-2"), Row("shop-modules-1")]
    assert [each.name for each in found.containers("shop")] == ["a", "z"]
    assert found.volumes("shop") == ["shop-modules-1", "shop-modules-2"]
    assert found.images("shop") == []
    ours = {"label": "hello-dock.project=shop"}
    assert client.containers.asked == {"sparse": True, "all": True, "filters": ours}
    assert client.volumes.asked == {"filters": ours}
    assert client.api.asked == {"all": True, "filters": {"label": "hello-dock.built-for=shop"}}


def test_images_are_listed_as_the_api_gives_them(client: Client, found: DockerEngine) -> None:
    """A row without tags or labels is an image all the same."""
    labels = {"hello-dock.built-for": "shop"}
    client.api.rows = [
        {"Id": "sha256:1", "Size": 7, "RepoTags": ["shop:prod"], "Labels": labels},
        {"Id": "sha256:2", "Size": 8, "RepoTags": None, "Labels": None},
        {"Id": "sha256:3", "Size": 9, "RepoTags": [], "Labels": {}},
    ]
    assert found.images("shop") == [
        Image("sha256:1", 7, ("shop:prod",), labels),
        Image("sha256:2", 8),
        Image("sha256:3", 9),
    ]


def test_tags_are_asked_of_the_cli(programs: Programs, found: DockerEngine) -> None:
    """Every build begins with this question, and the SDK takes longer to load than such a build; asked once.

    So what a name stood for before a build is still told after it.
    """
    programs.add("docker", "node:lts-alpine sha256:1\nnode:26 sha256:1\n<none>:<none> sha256:2\n")
    assert found.image_ids == {"node:lts-alpine": "sha256:1", "node:26": "sha256:1", "<none>:<none>": "sha256:2"}
    programs.add("docker", "node:lts-alpine sha256:3\n")
    assert found.image_ids["node:lts-alpine"] == "sha256:1"
    assert programs.calls == ["docker image ls --no-trunc --format {{.Repository}}:{{.Tag}} {{.ID}}"]


@pytest.mark.usefixtures("programs")
def test_without_the_cli_nothing_is_begun(found: DockerEngine) -> None:
    """The engine alone can be looked at, and not changed."""
    with pytest.raises(EngineError, match="There is no docker command on PATH"):
        _ = found.image_ids


def test_what_uses_an_image_or_has_a_name_is_told(client: Client, found: DockerEngine) -> None:
    """Whoever started or made it."""
    theirs = container_attrs(Image="sha256:78")
    client.containers = Rows(Row("mine", container_attrs(Name="/mine")), Row("theirs", theirs))
    assert found.containers_using("sha256:77") == ["mine"]
    client.volumes = Rows(Row("shop-carried"))
    assert (found.has_volume("shop-carried"), found.has_volume("other")) == (True, False)
    client.api.rows = [{"Id": "sha256:1", "Size": 7, "RepoTags": ["shop:prod"], "Labels": {}, "ParentId": "sha256:0"}]
    assert found.refresh_image_ids() == {"shop:prod": "sha256:1"}
    assert found.images("shop")[0].parent == "sha256:0"


def test_an_engine_that_does_not_answer_has_no_tags(programs: Programs, found: DockerEngine) -> None:
    """The build that follows tells of it, in better words than a list of images could."""
    programs.add("docker", code=1)
    assert found.image_ids == {}


def test_an_engine_can_be_connected_to_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """What needs no answer goes on; the first question waits for the connection."""
    connecting(monkeypatch, Client)
    later = connect.connect_in_background()
    assert (later.version, later.api, later.kernel) == ("26.1.5", (1, 45), (6, 1))
    assert later.images("shop") == []


def told_by_the_cli(programs: Programs, version: dict[str, Any] | None) -> None:
    """Have the docker command list an image, and say that of the version; None where no engine answers."""
    says = f"echo '{json.dumps(version)}'" if version else "exit 1"
    path = programs.add("docker")
    path.write_text(f'#!/bin/sh\ncase "$1" in version) {says} ;; *) echo node:26 sha256:1 ;; esac\n')


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ({"Server": {"Version": "20.10.24"}}, r"Docker Engine 20\.10\.24 is too old"),
        (
            {"Server": {"Version": "5.8.0", "Components": [{"Name": "Podman Engine", "Version": "5.8.0"}]}},
            "Podman 5.8.0",
        ),
        ({"Client": {"Version": "4.3.1"}, "Server": None}, "Podman 4.3.1"),  # its own command, called docker
    ],
)
def test_a_build_is_not_begun_on_an_unfit_engine(
    monkeypatch: pytest.MonkeyPatch, programs: Programs, version: dict[str, Any], told: str
) -> None:
    """It does not wait for the SDK to tell; the CLI does, while it lists the images."""
    connecting(monkeypatch, lambda: pytest.fail("the SDK was waited for"))
    told_by_the_cli(programs, version)
    with pytest.raises(UnfitError, match=told):
        _ = connect.connect_in_background().image_ids


@pytest.mark.parametrize("version", [{"Server": {"Version": "26.1.5"}}, None])
def test_a_build_is_begun_on_any_other(
    monkeypatch: pytest.MonkeyPatch, programs: Programs, version: dict[str, Any] | None
) -> None:
    """On one that does not answer, too: the build says so."""
    connecting(monkeypatch, Client)
    told_by_the_cli(programs, version)
    assert connect.connect_in_background().image_ids == {"node:26": "sha256:1"}


def test_an_engine_that_does_not_answer_is_told_with_the_first_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each question raises what stands in the way; an attribute that no engine has is missing as anywhere."""

    def refuse() -> None:
        raise DockerException(NO_SOCKET)

    connecting(monkeypatch, refuse)
    later = connect.connect_in_background()
    for _ in range(2):
        with pytest.raises(EngineError, match="No Docker engine answers"):
            later.container("web")
    assert not hasattr(later, "wheels")


def test_an_untagged_image_has_no_tag_on_any_engine(client: Client, found: DockerEngine) -> None:
    """Engine 23 writes <none>:<none>, which is no name that could be removed or built on."""
    client.api.rows = [{"Id": "sha256:2", "Size": 8, "RepoTags": ["<none>:<none>"], "Labels": None}]
    assert found.images("hello-dock") == [Image("sha256:2", 8)]


def test_a_container_removed_under_way_is_no_answer(client: Client, found: DockerEngine) -> None:
    """What goes between listing and looking is left out."""
    client.containers += [Row("gone", gone=True), Row("here", container_attrs(Name="/here"))]
    assert [each.name for each in found.containers("hello-dock")] == ["here"]


def test_the_publisher_of_a_port_is_found(client: Client, found: DockerEngine) -> None:
    """It is the container that publishes the port on this machine, not one that listens on it inside."""
    client.containers.append(Row("web", container_attrs(Name="/web")))
    publisher = found.container_publishing(8080)
    assert publisher is not None
    assert publisher.name == "web"
    assert found.container_publishing(80) is None


def test_looks_into_a_container(client: Client, found: DockerEngine) -> None:
    """Logs and a command's answer come as text, whatever bytes were written."""
    row = Row("web", container_attrs())
    row.log = b"one\ntwo\xff\nthree"
    client.containers.append(row)
    assert found.logs("web", 2) == "two�\nthree"
    assert found.exec("web", ["cat", "/x"]) == Result(3, "cat /x�")


@pytest.mark.parametrize("status", [404, 409])
def test_a_command_in_a_container_that_has_ended(
    client: Client, found: DockerEngine, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """It is a command that failed; another refusal is an error of the engine's."""
    row = Row("web", container_attrs())
    client.containers.append(row)
    answer = Response()
    answer.status_code = status

    def refuse(_args: list[str]) -> None:
        raise APIError("refused", answer, "it is not running")

    monkeypatch.setattr(row, "exec_run", refuse)
    assert found.exec("web", ["cat", "/x"]) == Result(1, "it is not running")
    answer.status_code = 500
    with pytest.raises(APIError):
        found.exec("web", ["cat", "/x"])


def test_what_a_container_was_started_with(client: Client, found: DockerEngine) -> None:
    """Typed; nothing of one that has gone."""
    attrs = container_attrs(Path="nginx", Args=["-g"], HostConfig={"PidsLimit": 7})
    client.containers.append(Row("web", attrs))
    assert found.container_config("web").command == ("nginx", "-g")
    assert found.container_config("web").pids == 7
    assert found.container_config("gone") == ContainerConfig()


def test_what_the_engine_can_do(found: DockerEngine) -> None:
    """As `docker info` says."""
    assert found.limit_support == LimitSupport(memory=False, swap=False, pids=False, cgroup="1")


@pytest.mark.parametrize(
    ("options", "rootless"), [(None, False), (["name=seccomp"], False), (["name=seccomp", "name=rootless"], True)]
)
def test_a_rootless_engine_is_told_by_its_security_options(options: list[str] | None, *, rootless: bool) -> None:
    """On it uid 0 inside is the caller outside."""
    client = Client(security=options)
    assert DockerEngine(lambda: (client, client.version())).rootless is rootless


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),  # noqa: S104 - read, not bound
        ("::", "http://127.0.0.1:8080"),
        ("", "http://127.0.0.1:8080"),
        ("192.168.0.2", "http://192.168.0.2:8080"),
    ],
)
def test_the_url_is_where_this_machine_reaches_it(host: str, url: str) -> None:
    """A container published on every address is reached on the loopback."""
    assert Container("0", "web", addresses=((host, 8080, 80),)).url == url


def test_the_tail_of_a_result_leaves_blank_lines_out() -> None:
    """The last lines printed are those with something on them."""
    assert Result(1, "one\n\ntwo\n   \nthree\n\n").tail(2) == "two\nthree"
    assert Result(1, "one\n").tail() == "one"
    assert (Result(0).ok, Result(1).ok) == (True, False)


def test_no_engine_answers_as_if_both_were_running() -> None:
    """Under --dry `stop` and `clean` have something to show, and `run-prod` shows a first start."""
    none = DryRunEngine("shop")
    assert [(each.name, each.role) for each in none.containers("shop")] == [("shop-dev", "dev"), ("shop-prod", "prod")]
    assert [image.tags for image in none.images("shop")] == [("shop:dev",), ("shop:prod",)]
    assert none.container("shop-prod") is None
    assert none.image("node:lts-alpine") is not None
    assert (none.image_ids, none.volumes("shop"), none.rootless) == ({}, [], False)
