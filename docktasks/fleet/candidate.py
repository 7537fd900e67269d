"""The gate of a fleet: a release starts on every node on a port of its own, and has to pass before a node changes."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from docktasks.errors import FleetError, reason_of
from docktasks.fleet.look import MAX_ADDRESSES, address, page_digest
from docktasks.fleet.rollout import task_errors
from docktasks.fleet.stack import Stack
from docktasks.fleet.swarm import ENDED, SITE, Node, Swarm, Task
from docktasks.release import gate
from docktasks.waiting import Probe, wait_until

END_TIMEOUT_S = 60


def check(swarm: Swarm, stack: Stack, folder: Path, nodes: Sequence[Node]) -> tuple[str, list[str]]:
    """Start the candidate on every node, check each, and remove them. Raises FleetError.

    Returns the digest of the page, and the paths of the files that it loads.
    """
    try:
        stack.deploy(swarm.project, folder)
        if swarm.project.dry:
            return "", []
        _await(swarm, stack, nodes)
        return _judged(nodes, stack.port)
    finally:
        remove(swarm, stack.name)


def _await(swarm: Swarm, stack: Stack, nodes: Sequence[Node]) -> None:
    name = f"{stack.name}_{SITE}"

    def look() -> Probe:
        errors, running = task_errors(swarm, stack.image, nodes, name), swarm.running(name)
        missing = [node.name for node in nodes if node.id not in running]
        return Probe(not missing, f"not healthy in time: {', '.join(missing)}", failed=errors)

    probe = wait_until(look, swarm.project.settings.prod.deploy_timeout, 0.2)
    if not probe.ready:
        raise _refusal(probe.failed or probe.status)


def _judged(nodes: Sequence[Node], port: int) -> tuple[str, list[str]]:
    """Check the candidate of each node, and return the digest of its page and what that loads. Raises FleetError."""
    urls = [address(node, port) for node in nodes]
    with ThreadPoolExecutor(MAX_ADDRESSES) as pool:
        judged = [*pool.map(_judge, urls)]
    faults, paths = [fault for fault, _ in judged], [paths for _, paths in judged]
    digests = [page_digest(url) for url in urls]
    faults += ["this page is not that of the other nodes" if digest != digests[0] else "" for digest in digests]
    lines = [f"{node.name}: {fault}" for node, fault in zip([*nodes, *nodes], faults, strict=True) if fault]
    if lines:
        raise _refusal("\n".join(lines))
    return digests[0], paths[0]


def _judge(url: str) -> tuple[str, list[str]]:
    """Return what is wrong with a candidate, and the paths of the files with a hash in their names."""
    import httpx

    try:
        site, verdicts = gate.critical_verdicts(url)
        paths = sorted(path for path, file in site.files.items() if "immutable" in file.get("cache-control"))
    except httpx.HTTPError as error:
        return f"{url} does not answer ({reason_of(error)})", []
    failed = [verdict for verdict in verdicts if verdict.outcome == "fail"]
    return "; ".join(f"{verdict.check.id}: {verdict.finding}" for verdict in failed), paths


def _refusal(evidence: str) -> FleetError:
    return FleetError(
        "The release does not pass the gate on every node.",
        "Nothing was changed: every node serves what it served.",
        "Correct what is listed. A node that cannot be reached on fleet.candidate_port cannot be checked",
        evidence=evidence,
    )


def remove(swarm: Swarm, stack: str) -> None:
    """Remove a candidate, and wait until its ports are free."""
    name = f"{stack}_{SITE}"
    swarm.project.run(["docker", "stack", "rm", stack], quiet=True)

    def look() -> Probe:
        reachable = {node.id for node in swarm.nodes() if node.state == "ready"}  # a dead node reports no end
        tasks = map(Task.parse, swarm.project.engine.swarm("tasks", name=name))
        return Probe(all(task.state in ENDED for task in tasks if task.node_id in reachable))

    wait_until(look, END_TIMEOUT_S, 0.2)
