"""A swarm in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from docktasks.app.project import Project
from docktasks.fleet.swarm import Swarm
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.runner import Runner

REPOSITORY = "registry.example/team/app"
A, B, C = (f"{REPOSITORY}@sha256:{letter * 64}" for letter in "abc")


def node(number: int, *, state: str = "ready", availability: str = "active", **labels: str) -> dict[str, Any]:
    """Return a node as the API describes it."""
    return {
        "ID": f"id{number}",
        "Spec": {"Labels": labels, "Availability": availability},
        "Description": {
            "Hostname": f"harbour{number}",
            "Platform": {"Architecture": "x86_64"},
            "Engine": {"EngineVersion": "26.1.5+dfsg1"},
        },
        "Status": {"State": state, "Addr": f"10.0.0.{number}"},
    }


def service(
    image: str, name: str = "hello-dock_site", state: str = "", network: str = "host", replicas: int = 0, **labels: str
) -> dict[str, Any]:
    """Return a service as the API describes it. The names of the labels lack their prefix."""
    environment = ["HELLO_DOCK_ENV={}", *(["HELLO_DOCK_LISTEN=8080"] if network == "host" else [])]
    return {
        "Spec": {
            "Name": name,
            "Labels": {f"hello-dock.fleet.{key}": value for key, value in labels.items()},
            "TaskTemplate": {"ContainerSpec": {"Image": image, "Env": environment}},
            "Mode": {"Replicated": {"Replicas": replicas}} if replicas else {"Global": {}},
        },
        "UpdateStatus": {"State": state},
    }


def task(number: int, image: str, state: str = "running", error: str = "", desired: str = "running") -> dict[str, Any]:
    """Return a task on a node as the API describes it."""
    return {
        "NodeID": f"id{number}",
        "DesiredState": desired,
        "Spec": {"ContainerSpec": {"Image": image}},
        "Status": {"State": state, "Err": error, "Timestamp": "2026-11-29T11:09:54.14658334Z"},
    }


class SwarmEngine(FakeEngine):
    """A manager, whose `parts` are the nodes, services, tasks and configs."""

    swarm_state = "manager"

    def __init__(self, **parts: list[dict[str, Any]]) -> None:
        super().__init__()
        self.parts = parts
        self.report = ""

    def swarm(self, kind: str, /, **_filters: str) -> list[dict[str, Any]]:
        """Return the parts of a kind."""
        return self.parts.get(kind, [])

    def service_logs(self, _name: str) -> str:
        """Return what the nodes have printed."""
        return self.report


def with_fleet(swarm: Swarm, **changes: Any) -> Swarm:
    """Return a swarm with other settings of the fleet."""
    settings = swarm.project.settings
    changed = replace(settings, fleet=replace(settings.fleet, **changes))
    return Swarm(replace(swarm.project, settings=changed))


@pytest.fixture
def swarm_of(settings: Settings) -> Callable[..., Swarm]:
    """A function that makes the swarm of an engine, whose commands are recorded."""

    def make(engine: SwarmEngine, run: Runner | None = None) -> Swarm:
        return Swarm(Project(run or Runner(engine), engine, settings))

    return make
