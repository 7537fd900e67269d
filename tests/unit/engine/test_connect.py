from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import DockerException

from docktasks.engine import connect
from docktasks.errors import EngineError, NoEngineError, UnfitError
from tests.unit.fakes.programs import Programs
from tests.unit.fakes.sdk import Client, connect_with

# The messages of docker-py 7.2.
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


# Later releases of the SDK have a higher minimum.
OLD_ENGINE = "API version 1.23 is too old for this SDK: the minimum supported API version is 1.24"


def error_for(monkeypatch: pytest.MonkeyPatch, message: str) -> EngineError:
    """Return our error for a DockerException with this message."""

    def refuse() -> None:
        raise DockerException(message)

    connect_with(monkeypatch, refuse)
    with pytest.raises(EngineError) as caught:
        connect.connect()
    assert isinstance(caught.value.__cause__, DockerException)
    return caught.value


def test_connect_returns_the_engine_with_its_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    """The version, the API version and the kernel of an engine that answers are known."""
    connect_with(monkeypatch, Client)
    engine = connect.connect()
    assert (engine.version, engine.api, engine.kernel) == ("26.1.5", (1, 45), (6, 1))


def test_connect_asks_the_cli_for_a_context_that_the_sdk_does_not_find(
    monkeypatch: pytest.MonkeyPatch, programs: Programs, tmp_path: Path
) -> None:
    """The SDK would use the local engine, while the commands change another engine."""
    options: dict[str, Any] = {}
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONTEXT", "away")
    monkeypatch.setattr(docker, "from_env", lambda **from_env: options.update(from_env) or Client())
    programs.add("docker", "tcp://away:2375\n")
    assert connect.connect().version == "26.1.5"
    assert options["environment"]["DOCKER_HOST"] == "tcp://away:2375"
    assert programs.calls == ["docker context inspect --format {{.Endpoints.docker.Host}} away"]
    programs.add("docker", code=1)
    with pytest.raises(NoEngineError, match=r"There is no Docker context away\."):
        connect.connect()


@pytest.mark.parametrize(
    ("message", "what", "how"),
    [
        (REFUSED, "Permission denied on the Docker socket.", "sudo usermod -aG docker $USER"),
        (NO_SOCKET, "No Docker engine answers.", "invoke setup"),
        (NO_HOST, "No Docker engine answers.", "invoke setup"),
        (OLD_CLIENT, f"The Docker engine and the SDK share no API version: {OLD_CLIENT}", "Upgrade it"),
        (OLD_ENGINE, f"The Docker engine and the SDK share no API version: {OLD_ENGINE}", "Upgrade it"),
    ],
)
def test_connect_turns_each_refusal_of_the_sdk_into_an_error(
    monkeypatch: pytest.MonkeyPatch, message: str, what: str, how: str
) -> None:
    """The error says what is wrong and how to change it."""
    error = error_for(monkeypatch, message)
    assert what in error.what
    assert how in error.how


@pytest.mark.parametrize("message", [REFUSED, NO_SOCKET])
def test_error_names_the_users_own_rootless_engine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, message: str
) -> None:
    """No engine has to be installed when one of the user answers. A socket without a listener does not count."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "docker.sock"))
        assert "DOCKER_HOST" not in error_for(monkeypatch, message).how
        listening.listen()
        error = error_for(monkeypatch, message)
        assert f"export DOCKER_HOST=unix://{tmp_path}/docker.sock" in error.how
        assert not isinstance(error, NoEngineError)
        monkeypatch.setenv("DOCKER_CONTEXT", "default")
        assert "DOCKER_HOST" not in error_for(monkeypatch, message).how


def test_error_shows_an_unknown_refusal_as_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The nested cause of the SDK is left out."""
    assert error_for(monkeypatch, NO_HOST).evidence.endswith("Max retries exceeded with url: /version ")


@pytest.mark.parametrize("version", ["20.10.24", "22.06.0-beta.0", "19.03.15"])
def test_engine_older_than_23_is_refused(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """Before 23 `docker build` does not use BuildKit. The error names the version that is needed."""
    connect_with(monkeypatch, lambda: Client(version))
    with pytest.raises(EngineError, match=rf"Docker Engine {version} is too old") as caught:
        connect.connect()
    assert "Upgrade it to 23 or later" in caught.value.how


@pytest.mark.parametrize("version", ["4.3.1", "5.8.0", "23.0.0"])
def test_podman_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """Podman answers as Docker does, and its version could be taken for that of a Docker Engine, old or new."""
    client = Client(version)
    client.answer["Components"] = [{"Name": connect.PODMAN, "Version": version}, {"Name": "Conmon", "Version": "2"}]
    connect_with(monkeypatch, lambda: client)
    monkeypatch.setenv("DOCKER_HOST", "unix:///podman.sock")
    with pytest.raises(UnfitError, match=rf"at unix:///podman.sock is Podman {version}, not Docker") as caught:
        connect.connect()
    assert "unset DOCKER_HOST" in caught.value.how
    assert "pgrade" not in str(caught.value)


@pytest.mark.parametrize("version", ["23.0.0", "26.1.5+dfsg1", "29.0.0-rc.1"])
def test_engine_from_23_on_is_accepted(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """A suffix of a distribution, or of a release candidate, changes nothing."""
    connect_with(monkeypatch, lambda: Client(version))
    assert connect.connect().version == version


def test_connect_in_background_connects_before_the_first_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first question waits for the connection."""
    connect_with(monkeypatch, Client)
    later = connect.connect_in_background()
    assert (later.version, later.api, later.kernel) == ("26.1.5", (1, 45), (6, 1))
    assert later.images("shop") == []


def test_podmans_own_command_without_a_service_is_refused(monkeypatch: pytest.MonkeyPatch, programs: Programs) -> None:
    """It is installed under the name docker. Its version says so, where no engine answers the SDK."""

    def refuse() -> None:
        raise DockerException(NO_SOCKET)

    connect_with(monkeypatch, refuse)
    programs.add("podman")
    programs.add("docker", json.dumps({"Client": {"Version": "4.3.1"}, "Server": None}))
    with pytest.raises(UnfitError, match=r"Podman 4\.3\.1"):
        connect.connect()


def test_missing_command_is_an_error(programs: Programs) -> None:
    """Without the CLI an engine can be looked at, but not changed."""
    with pytest.raises(EngineError, match="There is no docker command on PATH"):
        connect.require_cli()
    programs.add("docker")
    connect.require_cli()


def test_each_question_raises_the_error_of_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second question raises the same error. An unknown attribute is still an AttributeError."""

    def refuse() -> None:
        raise DockerException(NO_SOCKET)

    connect_with(monkeypatch, refuse)
    later = connect.connect_in_background()
    for _ in range(2):
        with pytest.raises(EngineError, match="No Docker engine answers"):
            later.container("web")
    assert not hasattr(later, "wheels")
