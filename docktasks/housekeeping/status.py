"""What of this project is there: shows it, and removes it. Found by label, so nothing else is touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from docktasks.app.project import Project
from docktasks.containers import clones, startup
from docktasks.containers import roles as containers_roles
from docktasks.engine.models import Container
from docktasks.errors import SettingsError, StartError
from docktasks.images import releases
from docktasks.settings import Settings

ROLES = ("dev", "prod")


def show_status(project: Project) -> None:
    """Print a row for each container of the project, stopped ones too."""
    if project.dry:
        print("What is running is not asked under --dry.")
        return
    found = project.engine.containers(project.settings.app.name)
    if not found:
        print(f"Nothing of {project.settings.app.name} is running. Start it: invoke run-prod, or invoke dev")
        return
    rows = [
        (
            each.name,
            "cut off" if each.cut_off else f"{each.state} ({each.health})" if each.health else each.state,
            each.url or "-",
            "-"
            if each.role == "dev" or each.name == project.settings.container(containers_roles.HOLDER)
            else each.release,
        )
        for each in found
    ]
    _print_table(("container", "state", "address", "release"), rows)
    for line in _warnings(project.settings, found):
        print(f"! {line}")


def _warnings(settings: Settings, found: Sequence[Container]) -> Iterator[str]:
    """What is wrong with production, and how it is mended."""
    roles = {each.name.removeprefix(f"{settings.app.name}-"): each for each in found if each.role == "prod"}
    release, holder = roles.get("prod"), roles.get(containers_roles.HOLDER)
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
    left = [each.name for role, each in roles.items() if role not in ("prod", containers_roles.HOLDER)]
    left += clones.abandoned_clones(found)
    if left:
        yield f"Left by an interrupted task, or renamed: {', '.join(left)}. Have it settled: invoke run-prod"


def show_releases(project: Project) -> None:
    """Print a row for each release that is kept, the last one released first."""
    if project.dry:
        print("What was released is not asked under --dry.")
        return
    from rich.filesize import decimal

    current = startup.own_container(project, "prod")
    rows = [
        (
            image.short_id,
            image.labels.get("org.opencontainers.image.revision", "")[:12] or "-",
            _minute(image.created),
            _minute(image.tagged),
            decimal(image.size),
            "current" if current and current.image_id == image.id else "",
        )
        for image in releases.kept_releases(project)
    ]
    if not rows:
        print(f"Nothing of {project.settings.app.name} was released yet. Do it: invoke run-prod")
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


def require_role(role: str) -> Sequence[str]:
    """The roles that a task works on: the named one, or both. Raises SettingsError for an unknown name."""
    if role and role not in ROLES:
        raise SettingsError(
            f"There is no role {role!r}.", "A project has two containers.", "Choose --role=dev or --role=prod"
        )
    return (role,) if role else ROLES


def logs(project: Project, role: str, options: list[str]) -> None:
    """Show the log of a role's container, with options of `docker container logs`. Raises StartError without one."""
    (role,) = require_role(role or "none")
    name = project.settings.container(role)
    if not project.dry and startup.own_container(project, role) is None:
        start = {"dev": "dev", "prod": "run-prod"}[role]
        raise StartError(f"There is no container {name}.", "It has no log.", f"Start it: invoke {start}")
    result = project.run(["docker", "container", "logs", *options, name])
    if not result.ok and "--follow" not in options:
        raise StartError(f"The log of {name} cannot be shown.", "", "Mend what Docker says", result.tail(3))


def names(found: Sequence[Container]) -> list[str]:
    """The names of containers."""
    return [each.name for each in found]
