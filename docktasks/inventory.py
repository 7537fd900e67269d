"""What of this project is there: shows it, and removes it. Found by label, so nothing else is touched."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from docktasks import containers, images
from docktasks.answers import Container, Run
from docktasks.bases import STANDIN
from docktasks.engine import Engine, NoEngine
from docktasks.errors import ConflictError, SettingsError, StartError
from docktasks.settings import Settings

ROLES = ("dev", "prod")


def show(engine: Engine | NoEngine, settings: Settings) -> None:
    """Print a row for each container of the project, stopped ones too."""
    from rich.console import Console
    from rich.table import Table

    if isinstance(engine, NoEngine):
        print("What is running is not asked under --dry.")
        return
    found = engine.containers(settings.app.name)
    if not found:
        print(f"Nothing of {settings.app.name} is running. Start it: invoke run-prod, or invoke dev")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("container", "state", "address", "since (UTC)"):
        table.add_column(title, no_wrap=True)
    for each in found:
        state = f"{each.state} ({each.health})" if each.health else each.state
        table.add_row(each.name, state, each.url or "-", each.started[:16].replace("T", " "))
    Console().print(table)


def _role(role: str) -> Sequence[str]:
    if role and role not in ROLES:
        raise SettingsError(
            f"There is no role {role!r}.", "A project has two containers.", "Choose --role=dev or --role=prod"
        )
    return (role,) if role else ROLES


def logs(run: Run, engine: Engine | NoEngine, settings: Settings, role: str, options: list[str]) -> None:
    """Show the log of a role's container, with options of `docker container logs`. Raises StartError without one."""
    (role,) = _role(role or "none")
    name = settings.container(role)
    if isinstance(engine, Engine) and containers.existing(engine, settings, role) is None:
        start = {"dev": "dev", "prod": "run-prod"}[role]
        raise StartError(f"There is no container {name}.", "It has no log.", f"Start it: invoke {start}")
    result = run(["docker", "container", "logs", *options, name])
    if not result.ok and "--follow" not in options:
        raise StartError(f"The log of {name} cannot be shown.", "", "Mend what Docker says", result.tail(3))


def stop(run: Run, engine: Engine | NoEngine, settings: Settings, *, role: str = "") -> str:
    """Stop and remove containers of a role, or all of the project's. One line that says which."""
    wanted = _role(role)
    found = [each for each in engine.containers(settings.app.name) if not role or each.role in wanted]
    if not found:
        return f"Nothing of {settings.app.name} is running."
    # Production ends as nginx wants to, serving what it has begun; the dev container holds nothing worth a wait.
    for each in (each for each in found if each.role == "prod" and each.state == "running"):
        run(["docker", "container", "stop", each.name], quiet=True)
    _do(run, containers.remove_args(*_names(found)))
    return f"{'Would stop' if run.dry else 'Stopped'}: {', '.join(_names(found))}"


def clean(run: Run, engine: Engine | NoEngine, settings: Settings, *, bases: bool = False) -> str:
    """Remove the project's containers, volumes and images, and with `bases` the stand-ins. One line that says which."""
    name = settings.app.name
    removed = _names(engine.containers(name))
    if removed:
        _do(run, containers.remove_args(*removed))
    volumes = engine.volumes(name)
    if volumes:
        _do(run, ["docker", "volume", "rm", *volumes])
    references = [tag for image in engine.images(name) for tag in image.tags or (image.id,) if _is_ours(tag, name)]
    references += [tag for tag in engine.tags if tag.startswith(f"{STANDIN}-")] if bases else []
    if references:
        _do(run, ["docker", "image", "rm", "--force", *references])
    if not run.dry:
        shutil.rmtree(settings.root / images.context_folder(settings), ignore_errors=True)
    removed += [*volumes, *references]
    return (
        f"{'Would remove' if run.dry else 'Removed'}: {', '.join(removed)}"
        if removed
        else f"Nothing of {name} was there."
    )


def _is_ours(reference: str, name: str) -> bool:
    """True for a tag of the project's own, or an image without a tag; not for what others built on top of ours."""
    return reference.startswith((f"{name}:", "sha256:"))


def _names(found: Sequence[Container]) -> list[str]:
    return [each.name for each in found]


def _do(run: Run, args: list[str]) -> None:
    """Run one command; nobody sees what a quiet one says, so its failure is told. Raises ConflictError."""
    result = run(args, quiet=True)
    if not result.ok:
        raise ConflictError(
            "Docker did not remove all of it.",
            "What is in use stays.",
            "Mend what Docker says, then again",
            result.tail(4),
        )
