"""What a deployment changes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from docktasks.app import runtime_config
from docktasks.app.project import Project
from docktasks.errors import FleetError, SettingsError
from docktasks.fleet.stack import configuration, swarm_object
from docktasks.fleet.swarm import Service
from docktasks.release import build as release_build
from docktasks.settings import Fleet

REFERENCE = re.compile(r"[a-z0-9][\w.:/@-]*")
"""Looser than Docker's own grammar. It has nothing that a stack file would read as something else."""


@dataclass(frozen=True)
class DeployOptions:
    """What the user chose: the pushed `image`, or the `rollback` to the release before.

    An `environment` of None keeps the page's configuration. `lossy` deploys to kernels that drop waiting connections.
    """

    image: str = ""
    rollback: bool = False
    environment: str | None = None
    lossy: bool = False


@dataclass(frozen=True)
class Change:
    """What a deployment changes: the `release`, the pushed images whose files it keeps, and the page's configuration.

    `current` is the service that there is.
    """

    release: str
    current: Service | None
    before: str = ""
    environment: str = ""
    old_environment: str = ""
    retained: int = 1

    @property
    def is_needed(self) -> bool:
        """True if the nodes serve something else."""
        return not self.current or (self.current.release, self.old_environment) != (self.release, self.environment)

    @property
    def kept(self) -> tuple[str, ...]:
        """The images whose files the release brings along, the latest first: always those of the release before."""
        names = dict.fromkeys((self.current.release, *self.current.kept)) if self.current else {}
        return tuple(name for name in names if name != self.release)[: max(1, self.retained - 1)]

    @property
    def old_kept(self) -> tuple[str, ...]:
        """The images whose files the current page has, when the next release's are added."""
        current = self.current.release if self.current else ""
        return (self.release, *(name for name in self.kept if name != current))

    @property
    def needs_expansion(self) -> bool:
        """True if the nodes lack files of the release. After a rollback they may have them."""
        return self.current is not None and self.release not in (self.current.release, *self.current.kept)


def require_choice(image: str, *, rollback: bool) -> None:
    """Raise SettingsError unless there is either a rollback or the name of an image."""
    what = "--image and --rollback name two releases." if image and rollback else ""
    what = what or ("" if image or rollback else "deploy needs an image, or --rollback.")
    what = what or ("" if rollback or REFERENCE.fullmatch(image) else f"{image!r} is no name of an image.")
    if what:
        how = "Deploy what `invoke push` has pushed: invoke deploy --image=REPOSITORY@sha256:…"
        raise SettingsError(what, "", how)


def require_form(fleet: Fleet) -> None:
    """Raise SettingsError where a task may move to another node, and stops before the load balancer knows."""
    if fleet.replicas and fleet.network == "host":
        raise SettingsError(
            f"fleet.replicas is {fleet.replicas}, and fleet.network is host.",
            "There a task that moves to another node stops listening before the load balancer knows.",
            "Set fleet.network=bridge, where it drains first, or leave fleet.replicas out",
        )


def require_object(environment: str, others: object) -> str:
    """Return the config or secret that has the page's configuration, as config:NAME. Raises SettingsError."""
    if others or not re.fullmatch(r"(config|secret):[\w.-]+", environment):
        what = f"--env-from {environment} has the whole configuration." if others else f"--env-from {environment!r}."
        raise SettingsError(
            what, "", "Give --env-from=config:NAME or --env-from=secret:NAME, without --env and --no-env"
        )
    return environment


def plan(project: Project, options: DeployOptions, current: Service | None) -> Change:
    """Return what the options change of the service that there is. Raises DockError."""
    release = _before(current) if options.rollback else _digest(project, options.image)
    environment = configuration(current.environment) if current else ""
    before = current.before if current else ""
    if current and current.release != release:
        before = current.release
    new_environment = environment if options.environment is None else options.environment
    _require_object(project, new_environment)
    return Change(release, current, before, new_environment, environment, project.settings.prod.retain_releases)


def notices(change: Change, options: DeployOptions, names: Iterable[str]) -> tuple[str, ...]:
    """Say what the page keeps of its configuration, what it loses, and which of the names have no value."""
    if any(swarm_object(text)[0] for text in (change.environment, change.old_environment)):
        is_kept = options.environment is None
        return (f"The page keeps its configuration: {change.environment}",) if is_kept else ()
    changes = runtime_config.changes(change.old_environment, options.environment)
    return (*changes, *runtime_config.missing(change.environment, names))


def _require_object(project: Project, environment: str) -> None:
    """Raise FleetError if the swarm has no config or secret of this name."""
    kind, name = swarm_object(environment)
    objects = project.engine.swarm(f"{kind}s", name=name) if kind and not project.dry else []
    if kind and not project.dry and not any(attrs["Spec"]["Name"] == name for attrs in objects):
        what = f"The swarm has no {kind} {name}."
        raise FleetError(what, "", f"Make it of a file with a JSON object: docker {kind} create {name} FILE")


def _before(current: Service | None) -> str:
    """Return the release before the current one. Raises FleetError."""
    before = current.before if current else ""
    if not before:
        raise FleetError("There is no release before.", "", "Name a release: invoke deploy --image=REPOSITORY@sha256:…")
    return before


def _digest(project: Project, reference: str) -> str:
    """Return a pushed image by its digest, which never means another one. Raises FleetError."""
    if "@" in reference or project.dry:
        return reference
    pulled = release_build.pulled_build(project, reference).image
    digests = [name for name in pulled.digests if name.startswith(f"{reference.rpartition(':')[0]}@")]
    if not digests:
        raise FleetError(
            f"{reference} is in no registry.",
            "Every node gets the image from the registry, by its digest.",
            "Push it, then deploy the name that it prints: invoke push",
        )
    return digests[0]
