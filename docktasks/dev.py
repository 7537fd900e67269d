"""The dev container's life: the source bind-mounted, node_modules in a volume, the log in the foreground."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from docktasks import apps, bases, containers, images, lock, probes, startup
from docktasks.answers import Image, Run
from docktasks.engine import Engine, NoEngine
from docktasks.errors import AppError, ConflictError, StartError
from docktasks.ports import Bind
from docktasks.settings import Settings


@dataclass(frozen=True)
class Serving:
    """A dev container that serves: where, and the seconds from the start of its container until it did."""

    url: str
    seconds: float
    standins: tuple[str, ...] = ()


def up(run: Run, engine: Engine | NoEngine, settings: Settings) -> Serving:
    """Build the dev image, start its container, and wait until it serves.

    Raises ConflictError when it runs already or its port or name is taken, StartError when Vite does not come up.
    """
    with lock.alone(run, settings):
        return _up(run, engine, settings)


def _up(run: Run, engine: Engine | NoEngine, settings: Settings) -> Serving:
    script = apps.script(settings, "serve", "dev")
    running = startup.existing(engine, settings, "dev")
    if running is not None and running.state == "running":
        raise ConflictError(
            f"The dev container runs already: {running.url}",
            f"It is {running.name}, started {running.started[:19].replace('T', ' ')} UTC.",
            "Use it there, or stop it first: invoke stop --role=dev",
        )
    if running is not None:
        run(containers.remove_args(running.name), quiet=True)
    node = bases.resolve(run, engine, settings, "node")
    image = images.build(run, engine, settings, "dev", {"NODE_IMAGE": node.reference})
    volume = volume_name(settings, image)
    volumes = engine.volumes(settings.app.name)
    if volume not in volumes:
        labels = containers.label_args(settings, "modules")
        run(["docker", "volume", "create", *labels, volume], quiet=True)
    if not run.dry:
        _make_mountpoint(settings.app_dir)
    bind = Bind(settings.dev.host_port)
    given = containers.DevRun(
        volume,
        user_for(engine, settings.app_dir),
        apps.source(settings).revision,
        () if script == "serve" else serve_command(script),
    )
    started = time.monotonic()
    args = containers.dev_args(settings, bind, given)
    standins = (node.notice,) if node.notice else ()
    try:
        with probes.interruptible():
            startup.start(run, engine, settings, args, bind)
            url = startup.await_serving(engine, settings, "dev") if isinstance(engine, Engine) else ""
    except BaseException:  # a Ctrl-C while waiting, too: a container that never served is not left behind
        down(run, settings)
        raise
    stale = [name for name in volumes if name != volume]
    if stale:
        run(["docker", "volume", "rm", *stale], quiet=True)
    return Serving(url, time.monotonic() - started, standins)


def serve_command(script: str) -> tuple[str, ...]:
    """The command that runs an npm script of Vite's on the container's port, as Dockerfile.dev does for `serve`."""
    return ("npm", "run", script, "--", "--host", "0.0.0.0", "--port", "3000", "--strictPort")  # noqa: S104 - inside


def volume_name(settings: Settings, image: Image) -> str:
    """Name of the volume for node_modules: another lock file, node version or architecture has another volume.

    Without a lock file package.json takes its place.
    """
    parts = [image.environment.get("NODE_VERSION", ""), image.architecture]
    lock_file = settings.app_dir / "package-lock.json"
    named = lock_file if lock_file.exists() else settings.app_dir / "package.json"
    parts.append(hashlib.sha256(named.read_bytes()).hexdigest())
    return f"{settings.app.name}-modules-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:12]}"


def user_for(engine: Engine | NoEngine, app_dir: Path) -> str:
    """The uid:gid the container runs as, so that whatever it writes into the checkout belongs to the checkout's owner.

    On a rootless engine uid 0 inside is the caller outside.
    """
    if engine.rootless:
        return "0:0"
    owner = app_dir.stat()
    return f"{owner.st_uid}:{owner.st_gid}"


def _make_mountpoint(app_dir: Path) -> None:
    """Make the folder that the volume is mounted over; Docker would make it as root's, inside the checkout."""
    modules = app_dir / "node_modules"
    if modules.exists():
        return
    try:
        modules.mkdir()
        owner = app_dir.stat()
        if owner.st_uid != modules.stat().st_uid:
            os.chown(modules, owner.st_uid, owner.st_gid)
    except OSError as error:
        raise AppError(
            f"{modules} cannot be made: {error.strerror}.",
            "The dev container's node_modules is mounted over that folder.",
            f"Make it as the checkout's owner (mkdir {modules}), or work in a checkout that you may write to",
        ) from error


def follow(run: Run, engine: Engine, settings: Settings) -> None:
    """Show the container's log until Ctrl-C (or a closed terminal), then stop it.

    Raises StartError when the container ends by itself.
    """
    name = settings.container("dev")
    try:
        with probes.interruptible():
            for chunk in engine.follow(name):
                sys.stdout.buffer.write(chunk)
                sys.stdout.flush()
    except KeyboardInterrupt:
        down(run, settings)
        return
    ended = engine.container(name)
    if ended is None or ended.exit_code in (0, 130, 137, 143):  # `invoke stop` in another terminal
        return
    logs = engine.logs(name)
    down(run, settings)
    raise StartError(
        f"The dev server stopped with exit code {ended.exit_code}.",
        "Its last log lines are above.",
        "Mend what they say, then: invoke dev",
        evidence=logs,
    )


def down(run: Run, settings: Settings) -> None:
    """Remove the dev container at once: source and node_modules live outside of it, so nothing is lost."""
    run(containers.remove_args(settings.container("dev")), quiet=True)
