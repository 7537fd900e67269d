"""A container comes up: it is started, waited for until it serves, or its failure is told."""

from __future__ import annotations

import re
from dataclasses import replace

from docktasks import waiting
from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.containers import ports
from docktasks.containers.ports import Bind
from docktasks.containers.roles import role_of
from docktasks.containers.run_args import remove_args
from docktasks.containers.spec import ContainerSpec
from docktasks.engine.models import Container
from docktasks.engine.protocol import Engine
from docktasks.errors import BuildError, ConflictError, DockError, StartError
from docktasks.roles import Role
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
    raise explain_start(result, project.engine, spec.bind, spec.part)


def explain_start(result: Result, engine: Engine, bind: Bind, role: Role) -> DockError:
    """The error that a failed `docker container run` is."""
    text = result.output
    if "port is already allocated" in text or "address already in use" in text:
        return ports.port_conflict(engine, bind, role)
    if "permission denied" in text and 0 < bind.host_port < 1024:  # noqa: PLR2004 - the privileged ports
        return ConflictError(
            f"Port {bind.host_port} is one that this engine may not publish.",
            "Ports below 1024 belong to root, and a rootless engine is not.",
            f"Choose another, from 1024 on: INVOKE_{role.name.upper()}_HOST_PORT=8080",
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
    """Wait until the container is healthy and its published address answers 200; return the address, "" under --dry.

    With `beside`, another release listens on the same address: the container's own log must show a request.
    Raises StartError with the last log lines when it exits, turns unhealthy, or does not serve within deploy_timeout.
    """
    return _await(project, role, beside=beside).url.removesuffix("/")


def await_page(project: Project, role: str) -> str:
    """Wait as await_serving() does, and return the address where the request ended.

    An app with a base path redirects there. It is the request of the wait itself, because a dev server that has given
    out a page is busy with the modules that the page loads.
    """
    served = _await(project, role)
    return served.url.removesuffix("/") if served.final_url == served.url else served.final_url


def _await(project: Project, role: str, *, beside: bool = False) -> waiting.Probe:
    if project.dry:
        return waiting.Probe(ready=True)
    name = project.settings.container(role)
    timeout = project.settings.deploy_timeout(role)
    probe = waiting.wait_until(lambda: _look(project.engine, name, beside=beside), timeout, INTERVAL)
    if probe.ready:
        return probe
    variable = f"INVOKE_{role_of(role).name.upper()}_DEPLOY_TIMEOUT"
    raise StartError(
        f"Container {name} {probe.failed or f'does not serve within {timeout} s ({probe.status})'}.",
        "Its last log lines are above.",
        f"Correct what they say, then start it again (more time: {variable}={timeout * 2})",
        evidence=project.engine.logs(name, 30),
    )


def _look(engine: Engine, name: str, *, beside: bool) -> waiting.Probe:
    container = engine.container(name)
    if container is None or (failed := _failure(container)):
        return waiting.Probe(ready=False, failed="is gone" if container is None else failed)
    if not container.url:
        return waiting.Probe(ready=False, status=f"no port yet; health: {container.health or 'no check'}")
    served = waiting.http_ready(f"{container.url}/")
    if not (served.ready and container.health in ("healthy", "")):
        return replace(served, ready=False, status=f"{served.status}; health: {container.health or 'no check'}")
    if beside and not ANSWERED.search(engine.logs(name)):
        return replace(served, ready=False, status="it has answered nobody yet")
    return served


ANSWERED = re.compile(r'" [1-5][0-9]{2} ')
"""A request in nginx's access log, which has no line for the health check, and each other line within 0.1 s."""


def _failure(container: Container) -> str:
    """Say why the container will not serve; empty while it still can."""
    if container.state in ("exited", "dead", "restarting"):  # first, because an ended container keeps its last health
        return f"stopped with exit code {container.exit_code}"
    return "is unhealthy" if container.health == "unhealthy" else ""
