"""What each node of a fleet serves."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from docktasks.app.project import Project
from docktasks.errors import VerifyError
from docktasks.fleet.look import address
from docktasks.fleet.rollout import short
from docktasks.fleet.stack import configuration, swarm_object
from docktasks.fleet.swarm import Node, Service, Swarm, Task, require_manager
from docktasks.images.releases import minute
from docktasks.output import Table

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
    before = service.before
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
    """Return the object that has the page's configuration, or a short hash of it, which differs when it differs."""
    text = configuration(task.environment)
    is_named = bool(swarm_object(text)[0])
    return text if is_named else hashlib.sha256(text.encode()).hexdigest()[:8] if text else "none"


def verify_table(project: Project) -> tuple[Table, list[str]]:
    """Run the checks of http on every node that serves. Returns a row for each, and the names of those that fail."""
    from docktasks.verify import catalog
    from docktasks.verify import run as verify_run

    require_manager(project)
    swarm, port = Swarm(project), project.settings.fleet.host_port
    serving = swarm.running()
    options = verify_run.VerifyOptions(tuple(catalog.select(groups=["http"])))
    rows, failed = [], list[str]()
    for node in swarm.nodes():
        url, checks, faults = address(node, port), "serves nothing", ""
        if node.id in serving:
            try:
                run = verify_run.verify(project, replace(options, url=url))
                checks, faults = f"{len(run.ids('pass'))} passed", ", ".join(run.ids("fail"))
            except VerifyError as error:  # it does not answer
                checks, faults = "none", error.what
        rows.append((node.hostname, url, checks, faults or "-"))
        failed += [node.name] if faults else []
    return Table(("node", "address", "checks", "failed"), rows, "The swarm has no node."), failed
