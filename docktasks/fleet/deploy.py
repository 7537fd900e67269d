"""`invoke deploy`: a release goes to every node of a swarm, or to none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from docktasks.app.project import Project
from docktasks.errors import FleetError
from docktasks.fleet import candidate, change, image, look, requirements, rollout
from docktasks.fleet.image import FleetImage
from docktasks.fleet.lock import fleet_lock
from docktasks.fleet.stack import Stack
from docktasks.fleet.swarm import BEFORE, KEPT, RELEASE, SITE, Node, Swarm, require_manager
from docktasks.output import counted
from docktasks.release import build as release_build
from docktasks.workspace import cache_folder

LOOK_TIMEOUT_S = 10
"""How long a node may take until it serves only the new page."""


@dataclass(frozen=True)
class Deployed:
    """The release that serves, and its addresses, one a node; none under --dry."""

    release: str
    urls: tuple[str, ...] = ()
    unchanged: bool = False
    notices: tuple[str, ...] = ()


def work_folder(project: Project) -> Path:
    """Return the folder with the files of the last deployment: the stack's, and the Dockerfile of its image."""
    folder = cache_folder(project.settings.root) / f"{project.settings.app.name}-fleet"
    folder.mkdir(exist_ok=True)
    return folder


def deploy(project: Project, options: change.DeployOptions) -> Deployed:
    """Deploy a pushed image, or the release before, to every node. Raises DockError; then no node has changed."""
    require_manager(project)
    swarm, folder = Swarm(project), work_folder(project)
    with project.lock(), fleet_lock(swarm, folder):
        recover(swarm)
        return _deploy(swarm, folder, options)


def recover(swarm: Swarm) -> None:
    """Remove what a deployment that was killed has left, and wait until Swarm has completed it, or taken it back."""
    project, name = swarm.project, f"{swarm.stack}-candidate"
    if swarm.service(f"{name}_{SITE}"):
        candidate.remove(swarm, name)
    for job in project.engine.swarm("services", name=f"{swarm.stack}-check"):
        project.run(["docker", "service", "rm", job["Spec"]["Name"]], quiet=True)
    service = swarm.service()
    if service is None or project.dry:
        return
    if service.update_state.endswith("paused"):
        project.run(["docker", "service", "rollback", "--detach", "--quiet", swarm.service_name], quiet=True)
    elif service.is_changing:
        project.progress.note("Swarm completes an earlier deployment, which was killed.")
    if not rollout.settle(swarm):
        raise FleetError(
            "The nodes do not serve one release, and Swarm does not bring them to one.",
            "A deployment can begin only if all nodes serve the same.",
            f"See why: docker service ps --no-trunc {swarm.service_name}",
        )
    service = swarm.service()
    project.progress(f"every node serves {rollout.short(service.release) if service else 'nothing'}")


def _deploy(swarm: Swarm, folder: Path, options: change.DeployOptions) -> Deployed:
    """Check what the change needs, make its images, and let the nodes change. Raises DockError."""
    project = swarm.project
    planned = change.plan(project, options, swarm.service())
    nodes = swarm.nodes()
    if not project.dry:
        local = release_build.pulled_build(project, planned.release).image
        nodes = requirements.require_nodes(nodes, local, project.settings.fleet.replicas)
    notices = change.notices(planned, options, project.settings.prod.runtime_env)
    if not planned.is_needed:
        return Deployed(planned.release, _urls(swarm), unchanged=True, notices=notices)
    images = [image.push(project, FleetImage(planned.release, planned.kept), folder)]
    if planned.current and planned.needs_expansion:
        images.append(image.push(project, FleetImage(planned.current.release, planned.old_kept), folder))
    project.progress(f"images with the files of {1 + len(planned.kept)} releases are in the registry")
    notices = (*notices, *requirements.require_ready(swarm, nodes, images, lossy=options.lossy))
    _roll_out(swarm, folder, planned, nodes, images)
    return Deployed(planned.release, _urls(swarm), notices=notices)


def _urls(swarm: Swarm) -> tuple[str, ...]:
    """Return the addresses of the nodes that serve."""
    return tuple(look.address(node, swarm.project.settings.fleet.host_port) for node in swarm.serving_nodes())


def _roll_out(swarm: Swarm, folder: Path, planned: change.Change, nodes: Sequence[Node], images: Sequence[str]) -> None:
    """Let the nodes pass the gate, give them the files of the release, and then its page."""
    progress, fleet = swarm.project.progress, swarm.project.settings.fleet
    labels = {RELEASE: planned.release, KEPT: ",".join(planned.kept), BEFORE: planned.before}
    stack = Stack(swarm.project.settings, images[0], labels, planned.page_config)
    digest, paths = candidate.check(swarm, replace(stack, is_candidate=True), folder, nodes)
    progress(f"gate passed on {counted(len(nodes), 'node')}")
    if planned.current and planned.needs_expansion:
        labels = planned.current.labels | {KEPT: ",".join(planned.old_kept)}
        own = {name: labels.get(name, "") for name in (RELEASE, KEPT, BEFORE)}
        old = Stack(swarm.project.settings, images[1], own, planned.old_page_config, parallelism=0)
        rollout.roll(swarm, old, folder, nodes, lambda _: "")
        progress(f"every node has the files of {rollout.short(planned.release)}")
    if missing := look.missing_files(_urls(swarm), paths if planned.current else ()):
        raise FleetError(
            "A node lacks files of the next release.", "Every node serves what it served.", "Deploy it again",
            evidence="\n".join(missing[:10]),
        )  # fmt: skip
    limit_s = max(fleet.delay, LOOK_TIMEOUT_S)
    rollout.roll(
        swarm, stack, folder, nodes,
        lambda node: look.fault_of_page(look.address(node, fleet.host_port), digest, limit_s),
    )  # fmt: skip
    progress(f"every node serves {rollout.short(planned.release)}")
