"""The dev container's life: built, started, waited for, and started anew when the dependencies change."""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass, replace

from docktasks import waiting
from docktasks.app import git
from docktasks.app.package import App
from docktasks.app.project import Project
from docktasks.app.vite import unsafe_vite_notice
from docktasks.background import in_background
from docktasks.containers import app_mount, startup
from docktasks.containers import run_args as containers_run_args
from docktasks.containers.app_mount import APP_PATH
from docktasks.containers.ports import WORKING_DIR_LABEL, Bind
from docktasks.containers.spec import ContainerSpec
from docktasks.dev import file_events, node_modules
from docktasks.dev import run_args as dev_run_args
from docktasks.dev.run_args import DevRun
from docktasks.engine.models import Image
from docktasks.errors import ConflictError, StartError
from docktasks.images import base_images
from docktasks.images import build as images_build
from docktasks.settings import Settings


@dataclass(frozen=True)
class DevServer:
    """A dev container that serves: where, the seconds from its container's start until it did, and what it was given.

    `notices` are what somebody may want to know of it.
    """

    url: str
    seconds: float
    given: DevRun
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class DevEnvironment:
    """What a run of the dev image needs: the image, its filled or fresh volume, what else it is given, and notices."""

    image: Image
    volume: node_modules.Volume
    given: DevRun
    notices: tuple[str, ...]


class PendingLookups:
    """What git and the engine are asked and take their time for: all at once, while the SDK is loaded."""

    def __init__(self, project: Project) -> None:
        self.tags = in_background(lambda: project.engine.image_ids)
        self.revision = in_background(lambda: git.source(project.app, project.settings).revision)
        self.user = in_background(lambda: app_mount.user_for(project.engine, project.settings.app_dir))


def up(project: Project) -> DevServer:
    """Build the dev image, start its container, and wait until it serves.

    Raises ConflictError when it runs already or its port or name is taken, StartError when Vite does not come up.
    """
    with project.lock():
        command = serve_command(project.app)
        asked = PendingLookups(project)
        running = startup.own_container(project, "dev")
        if running is not None and running.state == "running":
            folder = running.labels.get(WORKING_DIR_LABEL, "")
            raise ConflictError(
                f"The dev container runs already: {running.url}",
                f"It is {running.name}{f', of {folder}' if folder else ''},"
                f" started {running.started[:19].replace('T', ' ')} UTC.",
                "Use it there, or stop it first: invoke stop --role=dev",
            )
        if running is not None:
            project.run(containers_run_args.remove_args(running.name), quiet=True)
        ready = prepare(project, asked)
        return _start(project, ready, Bind(project.settings.dev.host_port), command)


def recreate(project: Project, serving: DevServer) -> DevServer:
    """Install anew, and put another container with that in the place of the one that serves, on the same port.

    Raises DockError; where the installation fails, the old one goes on.
    """
    project = replace(project)  # package.json may be another now
    with project.lock():
        command = serve_command(project.app)
        ready = prepare(project, PendingLookups(project), serving.given)
        there = project.engine.container(project.settings.container("dev"))
        port = there.addresses[0][1] if there and there.addresses else project.settings.dev.host_port
        down(project)
        return _start(project, ready, Bind(port), command)


def build(project: Project) -> tuple[Image, list[str]]:
    """Build the dev image, which takes Docker a fifth of a second when nothing changed. The image, and notices."""
    node = base_images.resolve(project, "node")
    image = images_build.build(project, "dev", {"NODE_IMAGE": node.reference})
    return image, [*([node.notice] if node.notice else []), *project.app.lock_notices]


def prepare(
    project: Project,
    asked: PendingLookups,
    before: DevRun | None = None,
) -> DevEnvironment:
    """Build the dev image, and make sure of a volume and of what else its containers are given.

    What was found out of the checkout `before` is not asked again.
    """
    asked.tags()  # which the build reads
    image, notices = build(project)
    volume = node_modules.Volume(project, image)
    revision = asked.revision()
    if before is not None:
        return DevEnvironment(image, volume, replace(before, volume=volume.name, revision=revision), tuple(notices))
    user = asked.user()
    given = DevRun(
        volume.name, user, revision, whole=project.dry or app_mount.make_mountpoint(project.settings.app_dir)
    )
    if user == "0:0" and not project.engine.rootless:
        notices.append("The checkout is root's, so the container runs as root, with no capability")
    if not given.whole:
        notices.append(f"{project.settings.app_dir} is for reading alone: what comes new to its top is not seen")
    if not project.dry:
        if project.engine.kernel_release == platform.release():
            file_events.check_limit(project.settings.app_dir)
        doubt = file_events.polling_reason(project.engine, project.settings.app_dir)
        if doubt and not file_events.events_arrive(project, user):
            notices.append(f"File events do not arrive, since {doubt}: changes are looked for, which costs some CPU")
            given = replace(given, polling=True)
    return DevEnvironment(image, volume, given, tuple(notices))


def _start(
    project: Project,
    ready: DevEnvironment,
    bind: Bind,
    command: tuple[str, ...],
) -> DevServer:
    """Start the container, and wait until it serves; one that never did is not left behind."""
    started = time.monotonic()
    given = ready.given.runs(*command)
    try:
        with waiting.terminate_as_interrupt():
            startup.start(project, ContainerSpec("dev", bind, dev_run_args.dev_args(project.settings, bind, given)))
            ready.volume.filled()
            url = startup.await_page(project, "dev")
    except StartError as error:
        down(project)
        raise translate_paths(error, project.settings) from error
    except BaseException:  # a Ctrl-C while waiting, too
        down(project)
        raise
    seconds = time.monotonic() - started
    ready.volume.prune()
    log = project.engine.logs(project.settings.container("dev"), 100)
    notices = [
        *ready.notices,
        *unsafe_vite_notice(log, project.app.package_manager),
        *([file_events.UNSEEN] if file_events.REFUSED in log else []),
    ]
    return DevServer(url, seconds, given, tuple(notices))


def serve_command(app: App) -> tuple[str, ...]:
    """The command that runs the app's script `serve` or `dev` on the container's port; none where the image's does.

    --strictPort, for another port would not be published. Raises AppError where the app has neither script.
    """
    script, manager = app.first_script("serve", "dev"), app.package_manager
    if script == "serve" and manager.name == "npm":
        return ()
    return manager.run(script, "--host", "0.0.0.0", "--port", "3000", "--strictPort")  # noqa: S104 - inside


def translate_paths(error: StartError, settings: Settings) -> StartError:
    """The error with the files of the checkout for those of the container; or what is behind it."""
    text = error.evidence.replace(f"{APP_PATH}/", f"{settings.app_dir}/")
    if file_events.REFUSED in text:
        return file_events.inotify_limit_error(f"Vite says: {file_events.REFUSED}")
    return StartError(error.what, error.why, error.how, text)


def down(project: Project) -> None:
    """Remove the dev container at once: source and node_modules live outside of it, so nothing is lost."""
    project.run(containers_run_args.remove_args(project.settings.container("dev")), quiet=True)
