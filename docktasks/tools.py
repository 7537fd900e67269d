"""What is run beside the dev server in its image: the package manager, the app's tests, a shell."""

from __future__ import annotations

import sys

from docktasks import apps, dev, devruns, images, lock, startup
from docktasks.answers import Run
from docktasks.devruns import DevRun
from docktasks.engine import Engine, NoEngine
from docktasks.errors import StartError
from docktasks.settings import Settings


def _terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def manage(run: Run, engine: Engine | NoEngine, settings: Settings, words: list[str]) -> list[str]:
    """The command that runs the app's package manager as the checkout's owner: it writes package.json and lock file.

    In the image that was built last, for a new one would not come to be while these two are out of step; and with
    node_modules that go with the container, since those of the dev server belong to another lock file.
    """
    if settings.image("dev") not in engine.tags:
        with lock.alone(run, settings):
            dev.build(run, engine, settings)
    whole = run.dry or devruns.make_mountpoint(settings.app_dir)
    given = DevRun("", devruns.user_for(engine, settings.app_dir), whole=whole)
    command = given.runs(apps.manager(settings).name, *words)
    return devruns.tool_args(settings, command, images.ca_file(settings), terminal=_terminal())


def tests(
    run: Run, engine: Engine | NoEngine, settings: Settings, words: list[str], *, watch: bool
) -> tuple[list[str], dev.Prepared]:
    """The command that runs the app's script `test`; and what it needs, whose volume is filled once it has run."""
    script = apps.script(settings, "test")
    words = [*(["--watch"] if watch else []), *words]
    with lock.alone(run, settings):
        ready = dev.prepare(run, engine, settings)
    command = ready.given.runs(*apps.manager(settings).run(script, *words))
    return devruns.tool_args(settings, command, "", terminal=_terminal()), ready


def shell(engine: Engine | NoEngine, settings: Settings) -> list[str]:
    """The command that opens a shell in the running dev container. Raises StartError when none runs."""
    name = settings.container("dev")
    found = startup.existing(engine, settings, "dev")
    if isinstance(engine, Engine) and (found is None or found.state != "running"):
        raise StartError(f"Container {name} does not run.", "The shell is one in it.", "Start it first: invoke dev")
    return ["docker", "container", "exec", "--interactive", *(["--tty"] if _terminal() else []), name, "sh"]
