"""The dev server's life: start it, recreate it for other dependencies, take it down."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from docktasks import waiting
from docktasks.app import vite, vite_options
from docktasks.app.project import Project
from docktasks.containers import networks, startup
from docktasks.containers.app_mount import host_paths
from docktasks.containers.ports import WORKING_DIR_LABEL, Bind, free_bind, publish, require_free
from docktasks.containers.run_args import remove_args
from docktasks.dev import certificate, environment, file_events
from docktasks.dev.dev_script import dev_command
from docktasks.dev.environment import DevEnvironment
from docktasks.dev.node_modules import Volume
from docktasks.dev.run_args import DevRunSpec, dev_args
from docktasks.engine.models import Container
from docktasks.errors import ConflictError, StartError
from docktasks.roles import DEV
from docktasks.settings import Settings

STARTUP_LOG_LINES = 100
"""Lines of the log in which Vite's version and refused watches are looked for."""

STOPPED_EXIT_CODES = (0, 130, 143)
"""Exit codes of what was stopped from outside, as by docker stop: 0, or 128 and the number of SIGINT or SIGTERM."""

KILLED_EXIT_CODE = 137
"""128 and the number of SIGKILL: docker kill, docker stop after its timeout, or a kernel without memory."""

MISSING_PACKAGE = re.compile(r"Cannot find (native binding|module|package)|MODULE_NOT_FOUND")
"""What node and native packages write when node_modules lacks a package."""

LISTENING = re.compile(r"Local: +https?://[^\s/]+:(\d+)")
"""What Vite, and frameworks with it, log when they listen."""

PORT_TAKEN = f"Port {DEV.container_port} is already in use"
"""What Vite says when it listens nowhere, because another server of the same script does."""


@dataclass(frozen=True)
class DevServer:
    """A dev container that serves.

    `notices` are for the user, one line each. `watch_limit_reached` is True when the kernel refused to watch a file;
    the notices then say so.
    """

    url: str
    run_spec: DevRunSpec
    notices: tuple[str, ...] = ()
    watch_limit_reached: bool = False


def up(project: Project) -> DevServer:
    """Build the dev image, start its container, and wait until it serves. Raises ConflictError or StartError."""
    with project.lock():
        command = dev_command(project.app)
        networks.require_api_network(project)
        host = certificate.host(project)
        container = startup.own_container(project, "dev")
        if container is not None and container.state == "running":
            raise _already_running(container)
        if container is not None:
            down(project)
        bind = Bind(project.settings.dev.host_port)
        require_free(project, DEV, bind)
        dev_environment = environment.prepare(project, command)
        bind = free_bind(project, DEV, bind)
        return _start(project, dev_environment, bind, host)


def recreate(project: Project, dev_server: DevServer) -> DevServer:
    """Install the dependencies again, and replace the container by one that has them, on the same port.

    Raises DockError. When the installation fails, the old container keeps serving.
    """
    project = replace(project)  # a Project reads package.json only once
    project.progress.restart()
    with project.lock():
        dev_environment = environment.prepare(project, dev_command(project.app), dev_server.run_spec)
        container = project.engine.container(project.settings.container("dev"))
        host_port = container.published[0].host_port if container and container.published else None
        project.run(remove_args(project.settings.container("dev")), quiet=True)
        bind = Bind(host_port or project.settings.dev.host_port)
        return _start(project, dev_environment, bind, certificate.host(project))


def down(project: Project) -> None:
    """Remove the dev container at once. Nothing is lost, because the source and node_modules are outside of it."""
    project.run(remove_args(project.settings.container("dev")), quiet=True)
    networks.remove_unused(project, DEV)


def _start(project: Project, dev_environment: DevEnvironment, bind: Bind, host: str) -> DevServer:
    """Start the container and wait until it serves. `host` replaces the one of its address, unless it is empty.

    Raises ConflictError or StartError.
    """

    def start(bind: Bind) -> None:
        socket_port = vite.port_for_socket(project.app, bind.host_port)
        args = dev_args(project.settings, bind, dev_environment.run_spec, socket_port)
        startup.start(project, startup.ContainerSpec("dev", bind, args))

    certificate_notices = certificate.notices(project)
    with _removed_on_failure(project, dev_environment.volume):
        publish(project, DEV, bind, start)
        url, page_notices = startup.await_page(project, "dev")
        if host:
            url, *page_notices = (text.replace("//127.0.0.1:", f"//{host}:", 1) for text in (url, *page_notices))
        _require_options(project)
    project.progress("the dev server serves")
    dev_environment.volume.remove_others()
    log = project.engine.logs(project.settings.container("dev"), STARTUP_LOG_LINES)
    limit_reached = file_events.VITE_LIMIT_MESSAGE in log
    reported = f"The log says what prod.csp: {project.settings.prod.csp} would block of the pages that you open"
    notices = (
        *dev_environment.notices,
        *certificate_notices,
        *page_notices,
        *networks.api_notices(project.settings),
        *([reported] if vite_options.reports_policy(project.settings) else []),
        *vite.notices_of_log(log, project.app),
        *([file_events.WATCH_LIMIT_NOTICE] if limit_reached else []),
        *([f"Another dev server of the script did not start: {PORT_TAKEN}"] if PORT_TAKEN in log else []),
    )
    return DevServer(url, dev_environment.run_spec, notices, limit_reached)


def _require_options(project: Project) -> None:
    """Raise StartError when a setting changes what Vite's command does, and another command serves."""
    if project.dry or not vite_options.for_dev(project.settings):
        return
    name = project.settings.container("dev")
    if not project.engine.exec(name, ["test", "-f", vite_options.MARK]).ok:
        raise StartError(
            "The dev server's script does not run the command `vite`.",
            f"{vite_options.settings_for_dev(project.settings)} is for this command, and no other reads it.",
            "Leave the setting out, or let the script run `vite`",
            evidence=project.engine.logs(name, 10),
        )


@contextmanager
def _removed_on_failure(project: Project, volume: Volume) -> Iterator[None]:
    """Remove the dev container when its start fails or is interrupted, and a volume that lacks packages."""
    try:
        with waiting.on_failure(lambda: down(project)):
            yield
    except StartError as error:
        if MISSING_PACKAGE.search(error.evidence):
            volume.discard()
        raise explain_failure(error, project.settings) from error


def explain_failure(error: StartError, settings: Settings) -> StartError:
    """Return the error of a dev server that ended, with the checkout's paths and the cause that its log shows."""
    evidence = host_paths(error.evidence, settings)
    why, how = error.why, error.how
    if error.what.endswith("stopped with exit code 0."):
        why, how = "The script ended, so it starts no server.", 'Let it run the dev server, for example "dev": "vite"'
    other_ports = set(LISTENING.findall(vite.ANSI_COLOR.sub("", evidence))) - {str(DEV.container_port)}
    if other_ports:
        why = f"A server listens on port {min(other_ports)} of the container: --host and --port did not reach it."
        how = 'Let the script run it on port 3000 and on every address, for example "dev": "vite"'
    if PORT_TAKEN in evidence:
        why = f"The script starts two dev servers. Both get port {DEV.container_port}, because only that is published."
        how = "Let it start one. turbo and nx start those of all packages: let app.dir name the folder of one app"
    if file_events.VITE_LIMIT_MESSAGE in evidence:
        return StartError(
            "This machine allows too few inotify watches for a user (fs.inotify.max_user_watches).",
            "Vite watches every file and folder of the app.",
            f"Raise the limit: {file_events.RAISE_LIMIT}",
            evidence=f"Vite reports: {file_events.VITE_LIMIT_MESSAGE}",
        )
    return StartError(error.what, why, how, evidence)


def _already_running(container: Container) -> ConflictError:
    folder = container.labels.get(WORKING_DIR_LABEL)
    started = f"{container.started[:19].replace('T', ' ')} UTC"
    return ConflictError(
        f"The dev container is already running: {startup.dev_url(container)}",
        f"{container.name} was started at {started}{f' for the app in {folder}' if folder else ''}.",
        "Open that address, or stop the container first: invoke stop --role=dev",
    )
