"""The part of the docker SDK that DockerEngine uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import docker
import pytest
from docker.errors import ImageNotFound, NotFound


class Rows(list[Any]):
    """A collection of the SDK with `list` and `get`; the last query is kept. `missing` is the error of `get`."""

    def __init__(self, *rows: Any, missing: type[Exception] = NotFound) -> None:
        super().__init__(rows)
        self.missing, self.query = missing, dict[str, Any]()

    def list(self, **query: Any) -> Any:
        """Return every row, and keep the query."""
        self.query = query
        return [*self]

    def get(self, name: str) -> Any:
        """Return the row of that name or id."""
        for row in self:
            if name in (row.name, row.attrs.get("Id")):
                return row
        raise self.missing("No such thing")


class Row:
    """An object of the SDK. With `gone` it has been removed since it was listed."""

    def __init__(self, name: str, attrs: dict[str, Any] | None = None, *, gone: bool = False) -> None:
        self.name, self.attrs, self.gone = name, attrs or {}, gone
        self.log = b""

    def reload(self) -> None:
        """Do nothing, or fail when the object is gone."""
        if self.gone:
            raise NotFound("No such container")

    def logs(self, tail: int) -> bytes:
        """Return the last lines of the log."""
        return b"\n".join(self.log.splitlines()[-tail:])


class Api:
    """The SDK's low-level client, which returns the rows of the engine's API."""

    base_url = "http+docker://localhost"
    trust_env = True

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.query: dict[str, Any] = {}

    def images(self, **query: Any) -> list[dict[str, Any]]:
        """Return every row, and keep the query."""
        self.query = query
        return self.rows


class Client:
    """The client that `docker.from_env()` returns. `version` and `api` are the engine's versions."""

    def __init__(self, version: str = "26.1.5", api: str = "1.45", security: list[str] | None = None) -> None:
        self.answer: dict[str, Any] = {"Version": version, "ApiVersion": api, "KernelVersion": "6.1.0-28-amd64"}
        self.security = security
        self.containers, self.volumes, self.networks = Rows(), Rows(), Rows()
        self.images = Rows(missing=ImageNotFound)
        self.api = Api()

    def version(self) -> dict[str, Any]:
        """Return the versions of the engine."""
        return self.answer

    def info(self) -> dict[str, Any]:
        """Return the part of `docker info` that is read."""
        return {"SecurityOptions": self.security}


def container_attrs(**changes: Any) -> dict[str, Any]:
    """Return a container as the engine's API describes it, with changes."""
    labels = {"hello-dock.project": "hello-dock", "hello-dock.role": "prod"}
    state = {"Status": "running", "ExitCode": 0, "StartedAt": "2026-11-23T14:20:00Z", "Health": {"Status": "healthy"}}
    return {
        "Id": "0a1b",
        "Name": "/hello-dock-prod",
        "State": state,
        "Image": "sha256:77",
        "Config": {"Image": "hello-dock:prod", "Labels": labels, "Env": ['HELLO_DOCK_ENV={"A":"="}']},
        "HostConfig": {"NetworkMode": "bridge"},
        "NetworkSettings": {
            "Ports": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}], "443/tcp": None},
            "Networks": {"bridge": {"IPAddress": "172.17.0.2"}},
        },
    } | changes


def connect_with(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], Any]) -> None:
    """Replace `docker.from_env()` by a function that returns a client, or raises an error."""
    monkeypatch.setattr(docker, "from_env", answer)
