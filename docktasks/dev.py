"""The dev container's life: built, started, waited for, and started anew when the dependencies change."""

from __future__ import annotations

import platform
import re
import time
from dataclasses import dataclass, replace

from docktasks import apps, bases, containers, devruns, events, images, inputs, lock, modules, probes, startup
from docktasks.ahead import ahead
from docktasks.answers import Image, Run
from docktasks.devruns import INSIDE, DevRun
from docktasks.engine import Engine, NoEngine
from docktasks.errors import ConflictError, StartError
from docktasks.ports import FOLDER, Bind
from docktasks.settings import Settings


@dataclass(frozen=True)
class Serving:
    """A dev container that serves: where, the seconds from its container's start until it did, and what it was given.

    `notices` are what somebody may want to know of it.
    """

    url: str
    seconds: float
    given: DevRun
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prepared:
    """What a run of the dev image needs: the image, its filled or fresh volume, what else it is given, and notices."""

    image: Image
    volume: modules.Volume
    given: DevRun
    notices: tuple[str, ...]


class Asked:
    """What git and the engine are asked and take their time for: all at once, while the SDK is loaded."""

    def __init__(self, engine: Engine | NoEngine, settings: Settings) -> None:
        self.tags = ahead(lambda: engine.tags)
        self.revision = ahead(lambda: apps.source(settings).revision)
        self.user = ahead(lambda: devruns.user_for(engine, settings.app_dir))


def up(run: Run, engine: Engine | NoEngine, settings: Settings) -> Serving:
    """Build the dev image, start its container, and wait until it serves.

    Raises ConflictError when it runs already or its port or name is taken, StartError when Vite does not come up.
    """
    with lock.alone(run, settings):
        command = serve_command(settings)
        asked = Asked(engine, settings)
        running = startup.existing(engine, settings, "dev")
        if running is not None and running.state == "running":
            folder = running.labels.get(FOLDER, "")
            raise ConflictError(
                f"The dev container runs already: {running.url}",
                f"It is {running.name}{f', of {folder}' if folder else ''},"
                f" started {running.started[:19].replace('T', ' ')} UTC.",
                "Use it there, or stop it first: invoke stop --role=dev",
            )
        if running is not None:
            run(containers.remove_args(running.name), quiet=True)
        ready = prepare(run, engine, settings, asked)
        return _start(run, engine, settings, ready, Bind(settings.dev.host_port), command)


def renew(run: Run, engine: Engine, settings: Settings, serving: Serving) -> Serving:
    """Install anew, and put another container with that in the place of the one that serves, on the same port.

    Raises DockError; where the installation fails, the old one goes on.
    """
    with lock.alone(run, settings):
        command = serve_command(settings)
        ready = prepare(run, engine, settings, Asked(engine, settings), serving.given)
        there = engine.container(settings.container("dev"))
        port = there.addresses[0][1] if there and there.addresses else settings.dev.host_port
        down(run, settings)
        return _start(run, engine, settings, ready, Bind(port), command)


def build(run: Run, engine: Engine | NoEngine, settings: Settings) -> tuple[Image, list[str]]:
    """The dev image, built anew where something of it changed, with a notice of a base image that is stood in for."""
    node = bases.resolve(run, engine, settings, "node")
    given = {"NODE_IMAGE": node.reference}
    base, image = engine.image(node.reference), engine.image(settings.image("dev"))
    made_of = inputs.fingerprint(settings, given, base) if base is not None and not run.dry else ""
    if image is None or not made_of or image.labels.get(inputs.INPUTS) != made_of:
        image = images.build(run, engine, settings, "dev", given, {inputs.INPUTS: made_of} if made_of else {})
    return image, [*([node.notice] if node.notice else []), *apps.lock_notices(settings)]


def prepare(
    run: Run, engine: Engine | NoEngine, settings: Settings, asked: Asked, before: DevRun | None = None
) -> Prepared:
    """Build the dev image, and make sure of a volume and of what else its containers are given.

    What was found out of the checkout `before` is not asked again.
    """
    asked.tags()  # which the build reads
    image, notices = build(run, engine, settings)
    volume = modules.Volume(run, engine, settings, image)
    revision = asked.revision()
    if before is not None:
        return Prepared(image, volume, replace(before, volume=volume.name, revision=revision), tuple(notices))
    user = asked.user()
    given = DevRun(volume.name, user, revision, whole=run.dry or devruns.make_mountpoint(settings.app_dir))
    if user == "0:0" and not engine.rootless:
        notices.append("The checkout is root's, so the container runs as root, with no capability")
    if not given.whole:
        notices.append(f"{settings.app_dir} is for reading alone: what comes new to its top is not seen")
    if isinstance(engine, Engine):
        if engine.kernel_release == platform.release():
            events.check_limit(settings.app_dir)
        doubt = events.doubtful(engine, settings.app_dir)
        if doubt and not events.arrive(run, engine, settings, user):
            notices.append(f"File events do not arrive, since {doubt}: changes are looked for, which costs some CPU")
            given = replace(given, polling=True)
    return Prepared(image, volume, given, tuple(notices))


def _start(  # noqa: PLR0913, PLR0917 - what a start needs; the first three are every function's
    run: Run, engine: Engine | NoEngine, settings: Settings, ready: Prepared, bind: Bind, command: tuple[str, ...]
) -> Serving:
    """Start the container, and wait until it serves; one that never did is not left behind."""
    started = time.monotonic()
    given = ready.given.runs(*command)
    try:
        with probes.interruptible():
            startup.start(run, engine, settings, devruns.dev_args(settings, bind, given), bind)
            ready.volume.filled()
            url = startup.await_page(engine, settings, "dev")
    except StartError as error:
        down(run, settings)
        raise explained(error, settings) from error
    except BaseException:  # a Ctrl-C while waiting, too
        down(run, settings)
        raise
    seconds = time.monotonic() - started
    ready.volume.prune()
    log = engine.logs(settings.container("dev"), 100)
    notices = [
        *ready.notices,
        *old_vite(log, apps.manager(settings)),
        *([events.UNSEEN] if events.REFUSED in log else []),
    ]
    return Serving(url, seconds, given, tuple(notices))


def serve_command(settings: Settings) -> tuple[str, ...]:
    """The command that runs the app's script `serve` or `dev` on the container's port; none where the image's does.

    --strictPort, for another port would not be published. Raises AppError where the app has neither script.
    """
    script, manager = apps.script(settings, "serve", "dev"), apps.manager(settings)
    if script == "serve" and manager.name == "npm":
        return ()
    return manager.run(script, "--host", "0.0.0.0", "--port", "3000", "--strictPort")  # noqa: S104 - inside


def explained(error: StartError, settings: Settings) -> StartError:
    """The error with the files of the checkout for those of the container; or what is behind it."""
    text = error.evidence.replace(f"{INSIDE}/", f"{settings.app_dir}/")
    if events.REFUSED in text:
        return events.too_low(f"Vite says: {events.REFUSED}")
    return StartError(error.what, error.why, error.how, text)


FLOORS = {8: (8, 0, 16), 7: (7, 3, 5), 6: (6, 4, 3)}
"""By major version of Vite, the first without the known ways to read files through the dev server (2026-11)."""


def old_vite(log: str, manager: apps.Manager) -> list[str]:
    """A notice where Vite, by what it says at its start, is below the floors, with the version to take."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", log)
    said = re.search(r"VITE v(\d+)\.(\d+)\.(\d+)", plain)
    if said is None:
        return []
    version = tuple(map(int, said.groups()))
    floor = FLOORS.get(version[0], FLOORS[6])
    if version >= floor or version[0] > max(FLOORS):
        return []
    fixed = ".".join(map(str, floor))
    found = ".".join(said.groups())
    what = f"Vite {found} lets others read files through the dev server, which {fixed} does not"
    return [f"{what}: invoke npm -- {manager.add} vite@{fixed}"]


def down(run: Run, settings: Settings) -> None:
    """Remove the dev container at once: source and node_modules live outside of it, so nothing is lost."""
    run(containers.remove_args(settings.container("dev")), quiet=True)
