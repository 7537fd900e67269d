"""How a container comes up: it is started and waited for, and a failure becomes an error with its log."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from docktasks import waiting
from docktasks.app.project import Project
from docktasks.app.vite import ANSI_COLOR
from docktasks.commands import Result
from docktasks.containers import networks, ports
from docktasks.containers.run_args import remove_args
from docktasks.engine.connect import sdk_errors_as_ours
from docktasks.engine.models import Container
from docktasks.engine.protocol import Engine
from docktasks.errors import ConflictError, DockError, EngineError, StartError
from docktasks.faults import cause
from docktasks.labels import LABEL
from docktasks.roles import DEV, HOLDER, PROD, SHARING_SLOTS, Role, role_of

LOOK_INTERVAL_S = 0.02
"""Time between two looks at a container that starts. A look takes 3 ms, a start 400 ms."""

FIRST_UNPRIVILEGED_PORT = 1024

FAULTS_FILE = Path(__file__).with_name("start_faults.json")
"""Why Docker starts no container."""

ANSWERED_REQUEST = re.compile(r'" (?P<status>[1-5]\d\d) \d+')
"""A request in nginx's access log (serving/logging.conf). nginx writes a line within 0.1 s, and none for its health
check."""

LOCAL_ADDRESS = re.compile(rf"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\]):{DEV.container_port}(/\S*)")
"""The address that a dev server prints as soon as it listens, such as http://localhost:3000/docs/, and its path."""

BASE_PATH = re.compile(r"^The base path is (/.+)/\.$", re.MULTILINE)
"""What the health check of our image says about a site that wants to be opened below a path (nginx/base-path.mjs)."""


@dataclass(frozen=True)
class ContainerSpec:
    """A container to start: its slot, its published address, and its complete `docker container run` command.

    The slot is dev or one of PROD_SLOTS (roles.py); the container's name is made from it.
    """

    slot: str
    bind: ports.Bind
    args: list[str]

    @property
    def role(self) -> Role:
        """The part of the project that the container belongs to, DEV or PROD."""
        return role_of(self.slot)

    @property
    def joins_network(self) -> bool:
        """True for a container in the project's own network, False for a release, which shares the port holder's."""
        return self.slot not in SHARING_SLOTS


def dev_url(container: Container) -> str:
    """Return the address of a dev container: https where it answers so, by a setting or by the app's own plugin."""
    probe = waiting.http_ready(f"{container.url}/", needs_page=False, may_be_https=True)
    return probe.url.removesuffix("/")


def page_url(url: str) -> str:
    """Return where a browser opens the site of a release that serves at `url`: below its base path, if it has one."""
    base_path = BASE_PATH.search(waiting.http_ready(f"{url}/healthz").text)
    return f"{url}{base_path[1]}/" if base_path else url


def own_container(project: Project, slot: str) -> Container | None:
    """Return our container in a slot. Raises ConflictError if its name belongs to a container of others."""
    name = project.settings.container(slot)
    container = project.engine.container(name)
    if container is not None and not container.is_of(project.settings.app.name):
        raise ConflictError(
            f"The container name {name} is taken: hello-dock did not start that container"
            f" ({container.image}, {container.state}).",
            f"It lacks the label {LABEL}.project={project.settings.app.name}, so hello-dock does not touch it.",
            f"Remove it (docker container rm --force {name}), or choose another name: INVOKE_APP_NAME=my-app",
        )
    return container


def start(project: Project, spec: ContainerSpec) -> None:
    """Start a container. Raises a DockError, and removes a container that Docker created but could not start."""
    if spec.joins_network:
        networks.ensure(project, spec.role)
    result = project.run(spec.args, quiet=True)
    name = project.settings.container(spec.slot)
    if result.ok and spec.joins_network:
        result = networks.connect(project, name)
        if not result.ok:
            project.run(remove_args(name), quiet=True)
    if result.ok:
        return
    container = project.engine.container(name)
    if container is not None and container.state == "created":
        project.run(remove_args(name), quiet=True)
    raise explain_start(result, project.engine, spec.bind, spec.role)


def explain_start(result: Result, engine: Engine, bind: ports.Bind, role: Role) -> DockError:
    """Return the error for a `docker container run` that failed."""
    text = result.output
    if "port is already allocated" in text or "address already in use" in text:
        return ports.port_conflict(engine, bind, role)
    if "permission denied" in text and 0 < bind.host_port < FIRST_UNPRIVILEGED_PORT:
        return ConflictError(
            f"This engine may not publish port {bind.host_port}.",
            f"It is a rootless engine, and only root may use the ports below {FIRST_UNPRIVILEGED_PORT}.",
            f"Choose a higher port: INVOKE_{role.name.upper()}_HOST_PORT=8080",
        )
    fault = cause(FAULTS_FILE, text)
    return StartError(fault["what"], fault["why"], fault["how"], evidence=result.tail(4))


def serving_now(project: Project) -> str:
    """Say which container serves, as far as it can be seen: the release, or the port holder in its place."""
    try:
        with sdk_errors_as_ours():
            containers = list(filter(None, (own_container(project, slot) for slot in ("prod", HOLDER))))
    except EngineError:
        return "What serves now is not known, because the engine does not answer. See it: invoke status"
    if not containers:
        return "Nothing was replaced, because nothing served before."
    for container in containers:
        if container.serves and container.url and waiting.http_ready(f"{container.url}/", needs_page=False).ready:
            return f"{container.name} keeps serving."
    return "Nothing serves now. See it: invoke status"


def await_next_start(project: Project, slot: str, started: str, limit_s: float) -> Container | None:
    """Return the container in a slot as soon as it runs with another start than `started`; None after the limit.

    The log of a container ends also when it is restarted, or when another release takes its name.
    """
    containers: list[Container] = []

    def look() -> waiting.Probe:
        container = project.engine.container(project.settings.container(slot))
        if container is not None and container.state == "running" and container.started != started:
            containers.append(container)
        return waiting.Probe(bool(containers))

    waiting.wait_until(look, limit_s)
    return containers[0] if containers else None


def await_serving(project: Project, slot: str, *, shared_port: bool = False) -> str:
    """Wait until the container is healthy and answers 200, and return its URL; "" under --dry. Raises StartError.

    With `shared_port` another container answers on the same port, so the log must show that this one has answered, too.
    """
    return _await(project, slot, shared_port=shared_port).url.removesuffix("/")


def await_page(project: Project, slot: str) -> tuple[str, list[str]]:
    """Wait as await_serving(). Return the URL that answered, after redirects, and notices. Raises StartError."""
    probe = _await(project, slot)
    text = f"{probe.status}: the app has no page there. Open the address of one of its pages"
    url = probe.final_url.removesuffix("/") if urlsplit(probe.final_url).path == "/" else probe.final_url
    return url, [text] if probe.status_code == HTTPStatus.NOT_FOUND else []


def _await(project: Project, slot: str, *, shared_port: bool = False) -> waiting.Probe:
    if project.dry:
        return waiting.Probe(ready=True)
    name = project.settings.container(slot)
    timeout_s = project.settings.deploy_timeout(slot)
    probe = waiting.wait_until(lambda: _look(project.engine, name, shared_port=shared_port), timeout_s, LOOK_INTERVAL_S)
    if probe.ready:
        return probe
    variable = f"INVOKE_{role_of(slot).name.upper()}_DEPLOY_TIMEOUT"
    raise StartError(
        f"Container {name} {probe.failed or f'does not serve within {timeout_s} s ({probe.status})'}.",
        "Its last log lines are above.",
        f"Correct what they say, then start it again (more time: {variable}={timeout_s * 2})",
        evidence=project.engine.logs(name, 30),
    )


def _look(engine: Engine, name: str, *, shared_port: bool) -> waiting.Probe:
    container = engine.container(name)
    if container is None or (failed := _failure(container)):
        return waiting.Probe(ready=False, failed="is gone" if container is None else failed)
    if not container.url:
        return waiting.Probe(ready=False, status=f"no port yet; health: {container.health or 'no check'}")
    has_own_check = container.role == PROD.name and container.health == "healthy"  # which looks for a page of the site
    is_dev = container.role == DEV.name
    probe = waiting.http_ready(f"{container.url}/", needs_page=not has_own_check, may_be_https=is_dev)
    if is_dev and probe.final_url and not probe.ready:
        probe = _look_at_announced(engine, container) or probe
    if not (probe.ready and container.health in ("healthy", "")):
        return replace(probe, ready=False, status=f"{probe.status}; health: {container.health or 'no check'}")
    if shared_port and not ANSWERED_REQUEST.search(engine.logs(name)):
        return replace(probe, ready=False, status="it has not answered a request yet")
    return probe


def _look_at_announced(engine: Engine, container: Container) -> waiting.Probe | None:
    """Look at the address that the dev server has printed; None before that.

    The root of a framework with a base path answers 404, and so does an app that has no page there.
    """
    paths = LOCAL_ADDRESS.findall(ANSI_COLOR.sub("", engine.logs(container.name, 100)))
    return waiting.http_ready(f"{container.url}{paths[-1]}", needs_page=False, may_be_https=True) if paths else None


def _failure(container: Container) -> str:
    """Say why the container will never serve; an empty text if it still may."""
    if container.state in ("exited", "dead", "restarting"):  # first, because an ended container keeps its last health
        return f"stopped with exit code {container.exit_code}"
    return "is unhealthy" if container.health == "unhealthy" else ""
