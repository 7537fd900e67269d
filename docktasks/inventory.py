"""What of this project is there: shows it, and removes it. Found by label, so nothing else is touched."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence

from docktasks import containers, context, history, startup, twins
from docktasks.answers import Container, Run, short
from docktasks.bases import STANDIN
from docktasks.engine import Engine, NoEngine
from docktasks.errors import ConflictError, SettingsError, StartError
from docktasks.settings import Settings

ROLES = ("dev", "prod")


def show(engine: Engine | NoEngine, settings: Settings) -> None:
    """Print a row for each container of the project, stopped ones too."""
    if isinstance(engine, NoEngine):
        print("What is running is not asked under --dry.")
        return
    found = engine.containers(settings.app.name)
    if not found:
        print(f"Nothing of {settings.app.name} is running. Start it: invoke run-prod, or invoke dev")
        return
    rows = [
        (
            each.name,
            "cut off" if each.cut_off else f"{each.state} ({each.health})" if each.health else each.state,
            each.url or "-",
            "-" if each.role == "dev" or each.name == settings.container(containers.HOLDER) else each.release,
        )
        for each in found
    ]
    _print_table(("container", "state", "address", "release"), rows)
    for line in _warnings(settings, found):
        print(f"! {line}")


def _warnings(settings: Settings, found: Sequence[Container]) -> Iterator[str]:
    """What is wrong with production, and how it is mended."""
    roles = {each.name.removeprefix(f"{settings.app.name}-"): each for each in found if each.role == "prod"}
    release, holder = roles.get("prod"), roles.get(containers.HOLDER)
    mend = "Have it serve again: invoke run-prod"
    if release and release.state == "paused":
        # Its sockets listen on, so the holder does not step in.
        yield f"{release.name} is paused. Nobody is served. Let it go on: docker container unpause {release.name}"
    elif release and release.serves:
        if release.health == "unhealthy":
            yield f"{release.name} is unhealthy. Start it anew, beside this one: invoke run-prod"
    elif release or holder:
        name = settings.container("prod")
        what = "is gone" if not release else "is cut off from its port holder" if release.cut_off else "does not run"
        holds = holder is not None and holder.state == "running"
        yield f"{name} {what}. {'That serves in its place within seconds' if holds else 'Nobody is served'}. {mend}"
    left = [each.name for role, each in roles.items() if role not in ("prod", containers.HOLDER)]
    left += twins.left(found)
    if left:
        yield f"Left by an interrupted task, or renamed: {', '.join(left)}. Have it settled: invoke run-prod"


def show_releases(engine: Engine | NoEngine, settings: Settings) -> None:
    """Print a row for each release that is kept, the last one released first."""
    if isinstance(engine, NoEngine):
        print("What was released is not asked under --dry.")
        return
    from rich.filesize import decimal

    current = startup.existing(engine, settings, "prod")
    rows = [
        (
            image.short_id,
            image.labels.get("org.opencontainers.image.revision", "")[:12] or "-",
            _minute(image.created),
            _minute(image.tagged),
            decimal(image.size),
            "current" if current and current.image_id == image.id else "",
        )
        for image in history.released(engine, settings)
    ]
    if not rows:
        print(f"Nothing of {settings.app.name} was released yet. Do it: invoke run-prod")
        return
    _print_table(("release", "commit", "built (UTC)", "released (UTC)", "size", ""), rows)


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")


def _print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title, *cells in zip(titles, *rows, strict=True):
        # A cut address or id is of no use; where the terminal is narrow, or none, the line is too long instead.
        table.add_column(title, no_wrap=True, min_width=max(map(len, cells)))
    for row in rows:
        table.add_row(*row)
    Console().print(table, crop=False)


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
    if isinstance(engine, Engine) and startup.existing(engine, settings, role) is None:
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
    holder = settings.container(containers.HOLDER)
    production = _names([each for each in found if each.role == "prod" and each.state == "running"])
    if holder in production:  # else it would serve in the place of what is stopped; connections go through all the same
        run(["docker", "container", "pause", holder], quiet=True)
    for name in (name for name in production if name != holder):
        run(["docker", "container", "stop", name], quiet=True)
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
    references, used = _references(engine, name)
    references += [tag for tag in engine.tags if tag.startswith(f"{STANDIN}-")] if bases else []
    if references:
        _do(run, ["docker", "image", "rm", "--force", *references])
    if not run.dry:
        shutil.rmtree(settings.root / context.folder(settings), ignore_errors=True)
    removed += [*volumes, *references]
    lines = [f"{'Would remove' if run.dry else 'Removed'}: {', '.join(removed)}"] if removed else []
    lines += [f"Left, for a container that is not ours uses it: {', '.join(used)}"] if used else []
    return "\n".join(lines) or f"Nothing of {name} was there."


def _references(engine: Engine | NoEngine, name: str) -> tuple[list[str], list[str]]:
    """What names the images of ours: to be removed, and used by somebody else.

    Ours have the project's name; one that lost its name to the next build was not made of another. What others built on
    top of ours, or made of a container of ours, has our label, too.
    """
    free: list[str] = []
    used: list[str] = []
    built = {image.id: image for image in engine.images(name)}
    tags = {tag: image.id for image in built.values() for tag in image.tags if tag.startswith(f"{name}:")}
    # The tag of a release is ours, whoever built the image.
    tags |= {tag: each for tag, each in engine.current_tags().items() if tag == f"{name}:{short(each)}"}
    bare = {each.id: each.id for each in built.values() if not (each.tags or each.parent)}
    for reference, image_id in (tags | bare).items():
        (used if engine.users(image_id) else free).append(reference)
    return free, used


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
