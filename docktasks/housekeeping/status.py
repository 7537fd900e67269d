"""Show the containers, releases and logs of a project. Its containers are those with its label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from docktasks.app.project import Project
from docktasks.containers import app_mount, clones, startup
from docktasks.dev.run_args import downloads_volume
from docktasks.engine.models import Container, Image
from docktasks.errors import SettingsError, StartError
from docktasks.images import releases
from docktasks.images.sizes import unpacked_size
from docktasks.output import Table, counted, decimal
from docktasks.progress import print_text
from docktasks.roles import HOLDER, ROLES, Role
from docktasks.settings import Settings

NEXT_START_TIME_S = 10
"""How long a container may take to start again, or the next release to start, before its log has ended."""


def containers_table(project: Project) -> Table:
    """Return a row for each container of the project, stopped ones too, and warnings of what is wrong."""
    titles = ("container", "state", "address", "release")
    if project.dry:
        return Table(titles, (), "Dry run: the engine was not asked what is running.")
    containers = project.engine.containers(project.settings.app.name)
    return Table(
        titles,
        [_container_row(project.settings, container) for container in containers],
        f"Nothing of {project.settings.app.name} is running. Start it: invoke run-prod, or invoke dev",
        _warnings(project.settings, containers),
        [*_notes(project)],
    )


def downloads(project: Project) -> list[str]:
    """Return the volume of the package managers' downloads, where there is one."""
    if not project.settings.app_dir.exists():
        return []
    name = downloads_volume(app_mount.user_for(project.engine, project.settings.app_dir))
    return [name] if project.engine.has_volume(name) else []


def _notes(project: Project) -> Iterator[str]:
    """Yield what the current release was built from, when it was deployed, and what all projects share."""
    container = startup.own_container(project, "prod")
    image = project.engine.image(container.image_id) if container and container.image_id else None
    if container and image:
        yield f"Release {container.release}: {releases.described(image)}"
        yield f"Deployed: {releases.minute(container.created)} UTC"
    for name in downloads(project):
        yield f"Downloads of all projects: {name}. To remove them: invoke clean --downloads"


def _container_row(settings: Settings, container: Container) -> tuple[str, ...]:
    has_release = container.role != "dev" and container.name != settings.container(HOLDER)
    release = container.release if has_release else "-"
    url = startup.dev_url(container) if container.role == "dev" and container.url else container.url
    return container.name, _state(container), container.public_bind or url or "-", release


def _state(container: Container) -> str:
    if container.cut_off:
        return "cut off"
    return f"{container.state} ({container.health})" if container.health else container.state


def _warnings(settings: Settings, containers: Sequence[Container]) -> list[str]:
    """Return a line for each fault of production, with the command that corrects it."""
    prefix = f"{settings.app.name}-"
    slots = {container.name.removeprefix(prefix): container for container in containers if container.role == "prod"}
    warnings = [_release_warning(settings.container("prod"), slots.get("prod"), slots.get(HOLDER))]
    warnings += map(_ends, containers)
    leftovers = [container.name for slot, container in slots.items() if slot not in ("prod", HOLDER)]
    leftovers += clones.abandoned_clones(containers)
    addresses = {container.address for container in containers if container.public_bind}
    warnings += [f"Others reach {address}. Publish it for this machine only: invoke run-prod" for address in addresses]
    if leftovers:
        warnings.append(f"Left by an interrupted task, or renamed: {', '.join(leftovers)}. Clean up: invoke run-prod")
    return [warning for warning in warnings if warning]


def _ends(container: Container) -> str:
    """Return how often Docker restarted a container and how it ended, or "" if it never ended by itself."""
    facts = [
        f"was restarted {counted(container.restarts, 'time')} by Docker" * bool(container.restarts),
        "ran out of memory" if container.out_of_memory else "",
        "ends again and again" if container.state == "restarting" else "",
        f"ended with exit code {container.exit_code}" if container.state != "running" and container.exit_code else "",
    ]
    text = ", ".join(filter(None, facts))
    return f"{container.name} {text}. See why: docker container logs {container.name}" if text else ""


def _release_warning(name: str, release: Container | None, holder: Container | None) -> str:
    """Return what is wrong with the release in container `name`; empty when it serves, or nothing was released."""
    consequences = ((release, "requests get no answer"), (holder, "it cannot serve when the release ends"))
    for container, consequence in consequences:
        if container and container.state == "paused":  # the sockets of a paused container keep listening
            how = f"docker container unpause {container.name}"
            return f"{container.name} is paused, so {consequence}. Continue it: {how}"
    if release and release.serves:
        if holder and holder.state == "running" and not holder.url:
            return f"{holder.name} has lost its port, so no request is answered. Repair it: invoke run-prod"
        unhealthy = f"{name} is unhealthy. Start a new container next to it: invoke run-prod"
        return unhealthy if release.health == "unhealthy" else ""
    if release is None and holder is None:
        return ""
    holder_runs = holder is not None and holder.state == "running"
    consequence = "The port holder serves in its place" if holder_runs else "No request is answered"
    return f"{name} {_fault(release)}. {consequence}. Start it again: invoke run-prod"


def _fault(release: Container | None) -> str:
    if release is None:
        return "is gone"
    return "is cut off from its port holder" if release.cut_off else "does not run"


def releases_table(project: Project) -> Table:
    """Return a row for each release that is kept, the latest first."""
    titles = ("release", "version", "commit", "released (UTC)", "size", "")
    if project.dry:
        return Table(titles, (), "Dry run: the engine was not asked for releases.")
    current = startup.own_container(project, "prod")
    current_id = current.release if current else ""
    kept = releases.kept_releases(project)
    rows = [_release_row(project, image, current=image.release == current_id) for image in kept]
    return Table(titles, rows, f"No release of {project.settings.app.name} is kept. Release it: invoke run-prod")


def _release_row(project: Project, image: Image, *, current: bool) -> tuple[str, ...]:
    released, size = releases.minute(image.tagged), decimal(unpacked_size(project, image))
    return image.release, *releases.source(image), released, size, "current" if current else ""


def named_role(name: str) -> Role:
    """Return the role of a name, dev or prod. Raises SettingsError for another name."""
    if name not in ROLES:
        raise SettingsError(
            f"There is no role {name!r}.",
            "A project has a dev and a production container.",
            "Choose --role=dev or --role=prod",
        )
    return ROLES[name]


def tail_args(lines: str) -> list[str]:
    """Return the option that shows the last lines of a log: a number, or `all`. Raises SettingsError."""
    if lines != "all" and not (lines.isascii() and lines.isdigit()):
        raise SettingsError(f"--tail is {lines}.", "It counts lines from the end.", "Give a number, or all")
    return ["--tail", lines]


def logs(project: Project, role_name: str, tail: str, *, follow: bool = False) -> None:
    """Show the last lines of the log of a role's container, dev or prod: a number, or `all`. Raises StartError.

    With `follow`, new lines of one that runs are shown until Ctrl-C, also those of a release that replaces this one.
    """
    role = named_role(role_name)
    name = project.settings.container(role.name)
    container = None if project.dry else startup.own_container(project, role.name)
    if not project.dry and container is None:
        raise StartError(f"There is no container {name}.", "So there is no log.", f"Start it: invoke {role.task}")
    options = [*tail_args(tail), *(["--follow"] if follow else [])]
    container = container if follow and container and container.state == "running" else None
    try:
        _show_log(project, name, options)
        while container:
            container = startup.await_next_start(project, role.name, container.started, NEXT_START_TIME_S)
            release = f" with release {container.release}" if container and container.release else ""
            print_text(f"{name} has started{release}." if container else f"{name} has stopped.")
            if container:
                _show_log(project, name, ["--since", container.started, "--follow"])
    except KeyboardInterrupt:
        if not follow:  # which a user ends with Ctrl-C
            raise


def _show_log(project: Project, name: str, options: list[str]) -> None:
    if project.run.attach(["docker", "container", "logs", *options, name]):
        raise StartError(f"The log of {name} cannot be shown.", "", "Correct what Docker says above")
