"""A container comes up: it is started, waited for until it serves, or its failure is told."""

from __future__ import annotations

import re

from docktasks import waiting
from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.containers import ports
from docktasks.containers.ports import Bind
from docktasks.containers.run_args import remove_args
from docktasks.containers.spec import ContainerSpec
from docktasks.engine.models import Container
from docktasks.engine.protocol import Engine
from docktasks.errors import BuildError, ConflictError, DockError, StartError
from docktasks.settings import LABEL


def own_container(project: Project, role: str) -> Container | None:
    """Our container for a role. Raises ConflictError when the name is taken by one that is not ours."""
    name = project.settings.container(role)
    found = project.engine.container(name)
    if found is not None and not found.is_of(project.settings.app.name):
        raise ConflictError(
            f"The container name {name} is taken by one that hello-dock did not start ({found.image}, {found.state}).",
            f"It lacks the label {LABEL}.project={project.settings.app.name}, so it is left alone.",
            f"Remove it (docker container rm --force {name}), or choose another name: INVOKE_APP_NAME=my-app",
        )
    return found


def start(project: Project, spec: ContainerSpec) -> None:
    """Start a container. Raises the DockError that a failure is, after removing a container that did not start."""
    result = project.run(spec.args, quiet=True)
    if result.ok:
        return
    name = project.settings.container(spec.role)
    container = project.engine.container(name)
    if container is not None and container.state == "created":
        project.run(remove_args(name), quiet=True)
    raise explain_start(result, project.engine, spec.bind, spec.section)


def explain_start(result: Result, engine: Engine, bind: Bind, role: str) -> DockError:
    """The error that a failed `docker container run` is."""
    text = result.output
    if "port is already allocated" in text or "address already in use" in text:
        return ports.port_conflict(engine, bind, role)
    if "permission denied" in text and 0 < bind.host_port < 1024:  # noqa: PLR2004 - the privileged ports
        return ConflictError(
            f"Port {bind.host_port} is one that this engine may not publish.",
            "Ports below 1024 belong to root, and a rootless engine is not.",
            f"Choose another, from 1024 on: INVOKE_{role.upper()}_HOST_PORT=8080",
        )
    if "bind source path does not exist" in text:
        return StartError(
            "The engine does not see the checkout: it is on another machine.",
            "The dev container shows the source as it is on the disk.",
            "Use an engine of this machine: docker context use default, and unset DOCKER_HOST",
            evidence=result.tail(2),
        )
    if "no space left on device" in text:
        return BuildError(
            "The disk is full.",
            "The container's files could not be written.",
            "See what Docker holds: docker system df; free some: docker builder prune, invoke clean",
        )
    return StartError("`docker container run` failed.", "", "Mend what Docker says above", evidence=result.tail(4))


INTERVAL = 0.02
"""Seconds between two looks whether a container serves: each takes 3 ms, of a start that takes 400."""


def await_serving(project: Project, role: str, *, beside: bool = False) -> str:
    """Wait until the container is healthy and its published address answers 200; the address, or nothing under --dry.

    Where it listens `beside` another release, its own log must show that it is one of those who answer.
    Raises StartError with the last log lines when it exits, turns unhealthy, or does not serve within deploy_timeout.
    """
    return _served(project, role, beside=beside).status


def await_page(project: Project, role: str) -> str:
    """As above; where somebody who asks for the address ends up: an app with a base path sends everyone there.

    Of the request that it waits for: once a page was given out, a dev server is busy with all that it loads.
    """
    served = _served(project, role)
    return served.status if served.landed == f"{served.status}/" else served.landed


def _served(project: Project, role: str, *, beside: bool = False) -> waiting.Probe:
    """The look that found it serving; its status is the address."""
    if project.dry:
        return waiting.Probe(ready=True)
    name = project.settings.container(role)
    ended: list[str] = []

    def look() -> waiting.Probe:
        found = project.engine.container(name)
        if found is None or found.state in ("exited", "dead", "restarting") or found.health == "unhealthy":
            ended.append("is gone" if found is None else _ending(found))
            return waiting.Probe(ready=True)
        served = waiting.http_ready(f"{found.url}/") if found.url else waiting.Probe(ready=False, status="no port yet")
        if not (served.ready and found.health in ("healthy", "")):
            return waiting.Probe(ready=False, status=f"{served.status}; health: {found.health or 'no check'}")
        if beside and not ANSWERED.search(project.engine.logs(name)):
            return waiting.Probe(ready=False, status="it has answered nobody yet")
        return waiting.Probe(ready=True, status=found.url, landed=served.landed)

    timeout = project.settings.deploy_timeout(role)
    looked = waiting.wait_until(look, timeout, INTERVAL)
    if looked.ready and not ended:
        return looked
    section = "DEV" if role == "dev" else "PROD"
    what = ended[-1] if ended else f"does not serve within {timeout} s ({looked.status})"
    raise StartError(
        f"Container {name} {what}.",
        "Its last log lines are above.",
        f"Mend what they say, then start it again (more time: INVOKE_{section}_DEPLOY_TIMEOUT={timeout * 2})",
        evidence=project.engine.logs(name, 30),
    )


ANSWERED = re.compile(r'" [1-5][0-9]{2} ')
"""A request in nginx's access log, which has no line for the health check, and each other line within 0.1 s."""


def _ending(found: Container) -> str:
    if found.state in ("exited", "dead", "restarting"):  # first: the health of what has ended says nothing more
        return f"stopped with exit code {found.exit_code}"
    return "is unhealthy"
