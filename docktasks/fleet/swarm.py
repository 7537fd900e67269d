"""What a Docker Swarm says: its nodes, the service of the site, and the tasks, which are the service's containers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from docktasks.app.project import Project
from docktasks.errors import FleetError
from docktasks.labels import LABEL

RELEASE, KEPT, BEFORE = (f"{LABEL}.fleet.{name}" for name in ("release", "kept", "before"))
"""Labels of the service: the pushed image whose page it serves; those whose files it has in addition, the latest first;
and the release before. Swarm changes and takes back these together with the image. So they are true at every moment,
also after a deployment that was killed."""

ADDRESS = f"{LABEL}.address"
"""Label on a node: its address for visitors, where that is not the one by which Swarm knows it."""

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""What an image calls a processor, by the name that a node has for it."""

ENDED = ("complete", "failed", "shutdown", "rejected", "orphaned", "remove")
"""States in which a task runs no more: https://docs.docker.com/engine/swarm/how-swarm-mode-works/swarm-task-states/"""

SITE = "site"
"""The name of the site's service in its stack."""


@dataclass(frozen=True)
class Node:
    """A machine of the swarm. `state` is ready or down, `availability` active, pause or drain."""

    id: str
    hostname: str
    address: str
    state: str = "ready"
    availability: str = "active"
    engine: str = ""
    architecture: str = ""

    @property
    def name(self) -> str:
        """How the user knows it."""
        return f"{self.hostname} ({self.address})"

    @property
    def runs_tasks(self) -> bool:
        """True if Swarm gives it tasks."""
        return self.state == "ready" and self.availability == "active"

    @classmethod
    def parse(cls, attrs: dict[str, Any]) -> Node:
        """Return what the API's answer says."""
        status, description, spec = attrs["Status"], attrs["Description"], attrs["Spec"]
        # Status.Addr of a manager may be 0.0.0.0: https://github.com/moby/moby/issues/35437
        address = attrs.get("ManagerStatus", {}).get("Addr", "").rpartition(":")[0] or status.get("Addr", "")
        machine = description["Platform"]["Architecture"]
        return cls(
            attrs["ID"], description["Hostname"], (spec.get("Labels") or {}).get(ADDRESS) or address.strip("[]"),
            status["State"], spec["Availability"], description["Engine"]["EngineVersion"],
            ARCHITECTURES.get(machine, machine),
        )  # fmt: skip


@dataclass(frozen=True)
class Task:
    """A container of a service on a node, or one that could not be started, with its `error`.

    `is_kept` is false when Swarm has told it to stop.
    """

    node_id: str
    image: str
    state: str
    error: str = ""
    since: str = ""
    environment: tuple[str, ...] = ()
    is_kept: bool = True

    @classmethod
    def parse(cls, attrs: dict[str, Any]) -> Task:
        """Return what the API's answer says."""
        status, container = attrs["Status"], attrs["Spec"]["ContainerSpec"]
        return cls(
            attrs.get("NodeID", ""), container["Image"], status["State"], status.get("Err", ""),
            status.get("Timestamp", ""), tuple(container.get("Env") or ()), attrs["DesiredState"] == "running",
        )  # fmt: skip


@dataclass(frozen=True)
class Service:
    """A service, and how far an update of it is, in Swarm's words, such as updating. 0 `replicas`: one on each node.

    Swarm counts each change of the service in `version`.
    """

    image: str
    labels: dict[str, str]
    update_state: str = ""
    environment: tuple[str, ...] = ()
    replicas: int = 0
    version: int = 0

    @property
    def is_changing(self) -> bool:
        """True while Swarm replaces its tasks."""
        return self.update_state in ("updating", "rollback_started")

    @property
    def uses_node_network(self) -> bool:
        """True if its containers use the node's own network, where nginx is told on which port to listen."""
        return any(line.startswith("HELLO_DOCK_LISTEN=") for line in self.environment)

    @property
    def release(self) -> str:
        """The pushed image whose page it serves."""
        return self.labels.get(RELEASE, self.image)

    @property
    def before(self) -> str:
        """The release before, "" without one."""
        return self.labels.get(BEFORE, "")

    @property
    def kept(self) -> tuple[str, ...]:
        """The pushed images whose files it has in addition."""
        return tuple(filter(None, self.labels.get(KEPT, "").split(",")))

    @classmethod
    def parse(cls, attrs: dict[str, Any]) -> Service:
        """Return what the API's answer says."""
        spec, container = attrs["Spec"], attrs["Spec"]["TaskTemplate"]["ContainerSpec"]
        state = (attrs.get("UpdateStatus") or {}).get("State", "")
        replicas = spec["Mode"].get("Replicated", {}).get("Replicas", 0)
        environment, version = tuple(container.get("Env") or ()), attrs.get("Version", {}).get("Index", 0)
        return cls(container["Image"], spec.get("Labels") or {}, state, environment, replicas, version)


@dataclass(frozen=True)
class Swarm:
    """The swarm of the engine that the docker CLI uses. Nothing is remembered: each question goes to the manager."""

    project: Project

    @property
    def stack(self) -> str:
        """The name of the site's stack."""
        return self.project.settings.app.name

    @property
    def service_name(self) -> str:
        """The name of the site's service."""
        return f"{self.stack}_{SITE}"

    def nodes(self) -> list[Node]:
        """Return all nodes, by name."""
        nodes = map(Node.parse, self.project.engine.swarm("nodes"))
        return sorted(nodes, key=lambda node: (node.hostname, node.address))

    def service(self, name: str = "") -> Service | None:
        """Return a service, by default that of the site; None if there is none."""
        name = name or self.service_name
        # The filter finds every name that begins so.
        services = self.project.engine.swarm("services", name=name)
        return next((Service.parse(attrs) for attrs in services if attrs["Spec"]["Name"] == name), None)

    def tasks(self, name: str = "") -> list[Task]:
        """Return the tasks of a service, old ones too, the latest last; none without the service."""
        name = name or self.service_name
        tasks = map(Task.parse, self.project.engine.swarm("tasks", service=name)) if self.service(name) else ()
        return sorted(tasks, key=lambda task: task.since)

    def serving_nodes(self) -> list[Node]:
        """Return the nodes that have to serve: all that take tasks, or those with the replicas once all of them run."""
        nodes, service = [node for node in self.nodes() if node.runs_tasks], self.service()
        if not service or not service.replicas:
            return nodes
        kept = {task.node_id for task in self.tasks() if task.state == "running" and task.is_kept}
        return [node for node in nodes if node.id in kept] if len(kept) >= service.replicas else nodes

    def running(self, name: str = "") -> dict[str, list[Task]]:
        """Return the tasks of a service that run and are healthy, by the id of their node."""
        running: dict[str, list[Task]] = {}
        for task in self.tasks(name):
            if task.state == "running":
                running.setdefault(task.node_id, []).append(task)
        return running


def require_manager(project: Project) -> None:
    """Raise FleetError unless the engine is a manager of a swarm."""
    state = project.engine.swarm_state
    if state != "manager":
        states = {"worker": "It is a worker of a swarm", "inactive": "It is in no swarm"}
        raise FleetError(
            "This Docker engine cannot deploy to a swarm.",
            f"{states.get(state, f'Its swarm is {state}')}, and only a manager can change services.",
            "Choose a manager (docker context use NAME, or DOCKER_CONTEXT=NAME), or make a swarm: docker swarm init",
        )
