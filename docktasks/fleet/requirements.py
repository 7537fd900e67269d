"""What a swarm needs so that a release reaches every node and loses no request. Asked before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from docktasks.app.project import Project
from docktasks.engine.models import Image
from docktasks.errors import FleetError
from docktasks.fleet.swarm import ENDED, Node, Swarm
from docktasks.output import counted
from docktasks.waiting import Probe, wait_until

SCRIPT = Path(__file__).with_name("check.sh")
SCRIPTS = {"host": "/docker-entrypoint.d/32-hello-dock-listen.sh", "bridge": "/usr/local/bin/drain"}
"""What the image needs, by fleet.network."""

MIN_ENGINE = 23
"""Older engines start no job on every node, or replace no task of a global service before it stops."""
ONE_TASK = (
    "Visitors get no answer for some seconds at each deployment: one task serves, and with fleet.network=bridge it "
    "stops before the next one starts. Let two serve on two nodes, or set fleet.network=host"
)
LOG_TIMEOUT_S = 15
MIGRATE = "net.ipv4.tcp_migrate_req"


@dataclass(frozen=True)
class NodeFacts:
    """What a node says of itself, and whether the image has the `script` by which its nginx listens elsewhere.

    `migrate` is 1 if the kernel hands over waiting connections, empty if it cannot.
    """

    script: str = ""
    kernel: str = ""
    migrate: str = ""
    first_port: int = 0
    listening: frozenset[int] = frozenset()

    @classmethod
    def parse(cls, line: str) -> tuple[str, NodeFacts]:
        """Return the id of a node and what check.sh has printed there."""
        values = dict(word.partition("=")[::2] for word in line.split())
        ports = frozenset(int(port, 16) for port in values.get("listening", "").split(",") if port)
        first_port = int(values.get("first_port") or 1024)
        script, kernel, migrate = (values.get(name, "") for name in ("script", "kernel", "migrate"))
        return values.get("node", ""), cls(script, kernel, migrate, first_port, ports)


def require_nodes(nodes: Sequence[Node], image: Image, replicas: int) -> list[Node]:
    """Return the nodes that may get the site. Raises FleetError if one cannot, or if they are fewer than `replicas`."""
    faults = [fault for node in nodes for fault in _faults_of_node(node, image)]
    fit = [node for node in nodes if node.runs_tasks]
    if not fit:
        faults.append("No node takes tasks. List them: docker node ls")
    elif len(fit) < replicas:
        most = f"{counted(len(fit), 'node')} can have at most one task each"
        faults.append(f"fleet.replicas is {replicas}, and {most}. Set it to {len(fit)} or less, or add nodes")
    _refuse(faults)
    return fit


def _faults_of_node(node: Node, image: Image) -> Iterator[str]:
    if node.availability == "drain":
        return
    if node.state != "ready":
        yield (
            f"{node.name} is {node.state}, and may come back with an old release. Start it, or take it out: "
            f"docker node update --availability drain {node.id}, or docker node rm {node.id}"
        )
    elif node.availability != "active":
        yield f"{node.name} is paused. Let it take tasks: docker node update --availability active {node.id}"
    if node.engine.partition(".")[0].isdigit() and int(node.engine.partition(".")[0]) < MIN_ENGINE:
        yield f"{node.name} has Docker Engine {node.engine}. Upgrade it to {MIN_ENGINE} or later"
    if node.architecture and image.architecture and node.architecture != image.architecture:
        yield f"{node.name} is {node.architecture}, and the image is for {image.architecture}. Build it for both"


def require_ready(swarm: Swarm, nodes: Sequence[Node], images: Sequence[str], *, lossy: bool) -> list[str]:
    """Let every node load the images, and check what each one says of itself. Raises FleetError.

    With `lossy` a kernel that drops waiting connections is a notice, which is returned.
    """
    lines = ""
    for index, image in enumerate(dict.fromkeys(images)):
        name = f"{swarm.stack}-check{index}"
        swarm.project.run(job_args(swarm.project, name, image), quiet=True)
        try:
            _await_job(swarm, name, nodes, image)
            lines += _report(swarm, name, nodes) if not index else ""
        finally:
            swarm.project.run(["docker", "service", "rm", name], quiet=True)
    facts = dict(map(NodeFacts.parse, lines.splitlines()))
    fleet, serving = swarm.project.settings.fleet, swarm.running()
    faults, notices = list[str](), list[str]()
    for node in nodes:
        node_facts = facts.get(node.id)
        if node_facts is None:
            faults.append(f"{node.name} does not report its kernel and ports. See its log: docker service logs")
            continue
        ports = [fleet.candidate_port, *([] if serving.get(node.id) else [fleet.host_port])]
        faults += _faults_of_ports(node, node_facts, ports, uses_node_network=fleet.uses_node_network)
        if fleet.uses_node_network:
            (notices if lossy else faults).extend(_faults_of_kernel(node, node_facts))
    if any(not node_facts.script for node_facts in facts.values()):
        faults.append(
            f"The image lacks {SCRIPTS[fleet.network]}. Build it with the scripts of this hello-dock: invoke push"
        )
    _refuse(faults)
    if not fleet.uses_node_network and 1 in (len(nodes), fleet.replicas):
        notices.append(ONE_TASK)
    return notices


def _faults_of_ports(node: Node, facts: NodeFacts, ports: Sequence[int], *, uses_node_network: bool) -> Iterator[str]:
    for port in ports:
        if port in facts.listening:
            yield f"Port {port} of {node.name} is in use. Stop what listens there (ss -ltnp), or set fleet.host_port"
        if port < facts.first_port and uses_node_network:
            yield (
                f"{node.name} lets only root listen on port {port}. Allow it there: "
                f"sysctl -w net.ipv4.ip_unprivileged_port_start={port}"
            )


def _faults_of_kernel(node: Node, facts: NodeFacts) -> Iterator[str]:
    if not facts.migrate:
        yield f"The kernel of {node.name}, {facts.kernel}, is older than 5.14 and loses waiting connections: --lossy"
    elif facts.migrate != "1":
        yield (
            f"{node.name} loses waiting connections when a task ends. Set it there, also in /etc/sysctl.d: "
            f"sysctl -w {MIGRATE}=1"
        )


def _refuse(faults: Sequence[str]) -> None:
    if faults:
        raise FleetError(
            "The swarm is not ready for a release:",
            "Nothing was changed: a release reaches every node, or none.",
            "Correct what is listed, then deploy again",
            evidence="\n".join(faults),
        )


def job_args(project: Project, name: str, image: str) -> list[str]:
    """Return the command that starts check.sh once on every node. A node loads the image for it."""
    return [
        "docker", "service", "create", "--detach", "--quiet", "--mode", "global-job", "--name", name,
        "--label", f"hello-dock.project={project.settings.app.name}",
        "--network", "host", "--read-only", "--cap-drop", "ALL", "--restart-condition", "none", "--no-healthcheck",
        "--with-registry-auth", "--no-resolve-image", "--env", "NODE={{.Node.ID}}",
        "--env", f"SCRIPT={SCRIPTS[project.settings.fleet.network]}",
        image, "sh", "-c", SCRIPT.read_text(encoding="utf-8"),
    ]  # fmt: skip


def _await_job(swarm: Swarm, name: str, nodes: Sequence[Node], image: str) -> None:
    """Wait until the job has run on every node. Raises FleetError."""

    def look() -> Probe:
        tasks = {task.node_id: task for task in swarm.tasks(name)}
        pairs = [(node, tasks.get(node.id)) for node in nodes]
        ended = [(node, task) for node, task in pairs if task and task.state in ENDED]
        failed = [f"{node.name}: {task.error or task.state}" for node, task in ended if task.state != "complete"]
        others = [pair for pair in pairs if pair not in ended]
        states = [f"{node.name}: {task.state if task else 'no task'}" for node, task in others]
        return Probe(not states and not failed, "\n".join(states), failed="\n".join(failed))

    probe = wait_until(look, swarm.project.settings.fleet.pull_timeout, 0.2)
    if not (probe.ready or swarm.project.dry):
        raise FleetError(
            "Not every node has the image.",
            "Nothing was changed: a release reaches every node, or none.",
            f"Let each node reach the registry, with its certificate and login: docker pull {image}",
            evidence=probe.failed or probe.status,
        )
    swarm.project.progress(f"every node has {image.rpartition('/')[2]}")


def _report(swarm: Swarm, name: str, nodes: Sequence[Node]) -> str:
    """Return what check.sh has printed on the nodes, one line each."""
    lines = ""

    def look() -> Probe:
        nonlocal lines
        lines = swarm.project.engine.service_logs(name)
        return Probe(all(f"node={node.id} " in lines for node in nodes))

    wait_until(look, 0 if swarm.project.dry else LOG_TIMEOUT_S, 0.3)
    return lines
