"""One change of the service on every node, and how it is taken back.

Swarm does it by itself, also when our process was killed: one node after the other, or back on all of them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from docktasks.errors import FleetError
from docktasks.fleet.stack import Stack
from docktasks.fleet.swarm import Node, Service, Swarm
from docktasks.waiting import Probe, wait_until

Look = Callable[[Node], str]
"""Looks at a node that has the new image, and returns what is wrong there, or an empty text."""

SETTLE_S = 3.0
"""How long Swarm may take to begin an update. One that changes no task never begins."""
INTERVAL_S = 0.2


def time_limit_s(swarm: Swarm, nodes: Sequence[Node]) -> float:
    """Return how long a change of all nodes may take."""
    settings = swarm.project.settings
    per_node_s = settings.prod.deploy_timeout + settings.prod.drain_timeout + 2 * settings.fleet.delay
    return settings.fleet.delay + per_node_s * max(1, len(nodes))


def roll(swarm: Swarm, stack: Stack, folder: Path, nodes: Sequence[Node], look: Look) -> None:
    """Give the stack to Swarm, and look at each node as soon as it has changed.

    Raises FleetError if a node fails, after every node has gone back to what it had.
    """
    before = swarm.service()
    try:
        stack.deploy(swarm.project, folder)
        if not swarm.project.dry:
            _await_nodes(swarm, stack, nodes, look)
    except BaseException as error:
        swarm.project.progress.note("The nodes go back to what they had.")
        serving = take_back(swarm, stack.image, before)
        if isinstance(error, FleetError):
            raise FleetError(error.what, serving, error.how, error.evidence) from error
        raise


def _await_nodes(swarm: Swarm, stack: Stack, nodes: Sequence[Node], look: Look) -> None:
    """Wait until every node has changed and passed the look at it. Raises FleetError."""
    looked_at: set[str] = set()
    begin = time.monotonic()

    def look_at_nodes() -> Probe:
        service, running = swarm.service(), swarm.running()
        if service is None or service.image != stack.image or service.update_state.endswith("paused"):
            return Probe(ready=False, failed=task_errors(swarm, stack.image, nodes) or "Swarm has taken it back")
        serving = swarm.serving_nodes()
        changed = [node for node in serving if {task.image for task in running.get(node.id, [])} == {stack.image}]
        if fault := _fault_of_nodes(swarm, nodes, [node for node in changed if node.id not in looked_at], look):
            return Probe(ready=False, failed=fault)
        looked_at.update(node.id for node in changed)
        # A new service has no update, and one that replaces no task never begins.
        has_settled = not service.update_state and time.monotonic() > begin + SETTLE_S
        is_over = service.update_state == "completed" or has_settled
        missing = [node.name for node in serving if node not in changed]
        return Probe(is_over and not missing, f"Swarm has not changed {', '.join(missing) or 'its state'} in time")

    probe = wait_until(look_at_nodes, time_limit_s(swarm, nodes), INTERVAL_S)
    if not probe.ready:
        raise FleetError(
            "The release does not serve on every node.", "",
            f"See the log of the service: docker service logs {swarm.service_name}",
            evidence=probe.failed or probe.status,
        )  # fmt: skip


def _fault_of_nodes(swarm: Swarm, nodes: Sequence[Node], changed: Sequence[Node], look: Look) -> str:
    """Return what is wrong with the nodes that have changed, or which node is lost."""
    ready = {node.id for node in swarm.nodes() if node.runs_tasks}
    lost = [f"{node.name} does not take tasks any more" for node in nodes if node.id not in ready]
    if lost:
        return lost[0]
    faults = ((node, look(node)) for node in changed)
    # A task that goes, because fewer replicas are to run, may stop during the look.
    return next((f"{node.name}: {fault}" for node, fault in faults if fault and node in swarm.serving_nodes()), "")


def task_errors(swarm: Swarm, image: str, nodes: Sequence[Node], name: str = "") -> str:
    """Return the errors of the tasks of an image, a line for each node."""
    names = {node.id: node.name for node in nodes}
    errors = {
        names.get(task.node_id, task.node_id): task.error
        for task in swarm.tasks(name)
        if task.image == image and task.error
    }
    return "\n".join(f"{node}: {error}" for node, error in errors.items())


def take_back(swarm: Swarm, image: str, before: Service | None) -> str:
    """Bring every node back to what it had before an image. Returns a sentence about what serves."""
    project, name = swarm.project, swarm.service_name
    service = swarm.service()
    if before is None:
        project.run(["docker", "stack", "rm", swarm.stack], quiet=True)
        return "Nothing serves, as before."
    # A deployment that Swarm has not begun changed nothing, and a rollback would go one release too far.
    is_changed = service and service.image == image and service.version != before.version
    if service and is_changed and not service.update_state.startswith("rollback"):
        project.run(["docker", "service", "rollback", "--detach", "--quiet", name], quiet=True)
    settled = settle(swarm)
    now = swarm.service()
    release = now.release if now else "nothing"
    return f"Every node serves {short(release)}." if settled else f"Swarm brings the nodes back to {short(release)}."


def settle(swarm: Swarm) -> bool:
    """Wait until Swarm changes nothing more, and every node that should serve has one image. True if it does."""

    def look() -> Probe:
        service, running = swarm.service(), swarm.running()
        if service is None or service.is_changing:
            return Probe(service is None)
        images = [{task.image for task in running.get(node.id, [])} for node in swarm.serving_nodes()]
        return Probe(all(served == {service.image} for served in images))

    return wait_until(look, time_limit_s(swarm, swarm.nodes()), INTERVAL_S).ready


def short(reference: str) -> str:
    """Return a name of an image with the first 12 characters of its digest."""
    return re.sub(r"(@sha256:[0-9a-f]{12})[0-9a-f]{52}$", r"\1", reference)
