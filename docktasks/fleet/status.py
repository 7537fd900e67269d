"""What each node of a fleet serves."""

from __future__ import annotations

import hashlib

from docktasks.app.project import Project
from docktasks.fleet.look import address
from docktasks.fleet.rollout import short
from docktasks.fleet.swarm import BEFORE, Node, Service, Swarm, Task
from docktasks.images.releases import minute
from docktasks.output import Table
from docktasks.release.run_args import ENVIRONMENT_VARIABLE

TITLES = ("node", "state", "address", "release", "since (UTC)", "configuration")


def fleet_table(project: Project) -> Table | None:
    """Return a row for each node; None where the engine manages no swarm, or the swarm does not have the site."""
    swarm = Swarm(project)
    service = swarm.service() if not project.dry and project.engine.swarm_state == "manager" else None
    if service is None:
        return None
    running, port = swarm.running(), project.settings.fleet.host_port
    rows = [_row(node, address(node, port), running.get(node.id, []), service) for node in swarm.nodes()]
    images = {task.image for tasks in running.values() for task in tasks}
    is_mixed = len(images) > 1 or service.is_changing
    before = service.labels.get(BEFORE, "")
    notes = [f"Release: {service.release}"]
    notes += [f"Before it: {before}. To go back: invoke deploy --rollback"] if before else []
    warning = "The nodes are being changed. To see the end of it: invoke deploy with the same image"
    return Table(TITLES, rows, "The swarm has no node.", [warning] if is_mixed else [], notes)


def _row(node: Node, url: str, tasks: list[Task], service: Service) -> tuple[str, ...]:
    releases = [short(service.release if task.image == service.image else task.image) for task in tasks]
    return (
        node.hostname,
        node.availability if node.state == "ready" else node.state,
        url if tasks else "-",
        " and ".join(name.rpartition("@")[2] for name in releases) or "-",
        minute(max((task.since for task in tasks), default="-")),
        " ".join({*map(_configuration, tasks)}) or "-",
    )


def _configuration(task: Task) -> str:
    """Return a short hash of the page's configuration, which differs when it differs."""
    lines = [line for line in task.environment if line.startswith(f"{ENVIRONMENT_VARIABLE}=")]
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:8] if lines else "none"
