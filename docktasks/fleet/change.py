"""What a deployment changes."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from docktasks.app import runtime_config
from docktasks.app.project import Project
from docktasks.errors import FleetError, SettingsError
from docktasks.fleet.stack import configuration, swarm_object
from docktasks.fleet.swarm import Service
from docktasks.images.references import repository
from docktasks.release import build as release_build
from docktasks.settings import Fleet, Settings

OBJECT = 'a JSON object of texts, such as {"API_URL": "https://api.example.com"}'
"""What a config or a secret has to have."""

REFERENCE = re.compile(r"[a-z0-9][\w.:/@-]*")
"""Looser than Docker's own grammar. It has nothing that a stack file would read as something else."""


@dataclass(frozen=True)
class DeployOptions:
    """What the user chose: the pushed `image`, or the `rollback` to the release before.

    A `page_config` of None keeps the page's configuration. `lossy` deploys to kernels that drop waiting connections.
    """

    image: str = ""
    rollback: bool = False
    page_config: str | None = None
    lossy: bool = False


@dataclass(frozen=True)
class Change:
    """What a deployment changes: the `release`, the pushed images whose files it keeps, and the page's configuration.

    `current` is the service that there is. `values` is the configuration as JSON, None if that is not known.
    """

    release: str
    current: Service | None
    before: str = ""
    page_config: str = ""
    old_page_config: str = ""
    retained: int = 1
    replicas: int = 0
    values: str | None = None

    @property
    def is_needed(self) -> bool:
        """True if the nodes serve something else, or so many tasks do not run."""
        old = (self.current.release, self.old_page_config, self.current.replicas) if self.current else None
        return old != (self.release, self.page_config, self.replicas)

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
    if image and rollback:
        what = "--image and --rollback name two releases."
    elif not (image or rollback):
        what = "deploy needs an image, or --rollback."
    elif image and not REFERENCE.fullmatch(image):
        what = f"{image!r} is no name of an image."
    else:
        return
    raise SettingsError(what, "", "Deploy what `invoke push` has pushed: invoke deploy --image=REPOSITORY@sha256:…")


def require_form(fleet: Fleet) -> None:
    """Raise SettingsError where a task may move to another node, and stops before the load balancer knows."""
    if fleet.replicas and fleet.uses_node_network:
        raise SettingsError(
            f"fleet.replicas is {fleet.replicas}, and fleet.network is host.",
            "In the node's own network, a task that moves to another node stops before the load balancer knows.",
            "Set fleet.network=bridge, where it drains first, or leave fleet.replicas out",
        )


def require_same_form(settings: Settings, current: Service) -> None:
    """Raise SettingsError if a service has another network, or another mode, than the settings."""
    fleet, network = settings.fleet, "host" if current.uses_node_network else "bridge"
    if (network, current.replicas > 0) != (fleet.network, fleet.replicas > 0):
        raise SettingsError(
            f"The service has fleet.network={network} and fleet.replicas={current.replicas}, "
            f"but the settings say {fleet.network} and {fleet.replicas}.",
            "Swarm refuses to change the one into the other, or loses requests.",
            "Set what the service has. Or remove the service, which then serves nothing until the next deployment: "
            f"docker stack rm {settings.app.name}",
        )


def require_object(page_config: str, others: object) -> str:
    """Return the config or secret that has the page's configuration, as config:NAME. Raises SettingsError."""
    if others:
        why, how = "The object has the whole configuration.", "Choose one of them"
        raise SettingsError("--env-from was given together with --env or --no-env.", why, how)
    if not re.fullmatch(r"(config|secret):[\w.-]+", page_config):
        raise SettingsError(
            f"--env-from {page_config!r} is neither config:NAME nor secret:NAME.",
            "Swarm has configs and secrets, and both may have the same name.",
            "For example: --env-from=config:colours. See the names: docker config ls, docker secret ls",
        )
    return page_config


def plan(project: Project, options: DeployOptions, current: Service | None) -> Change:
    """Return what the options change of the service that there is. Raises DockError."""
    prod, fleet = project.settings.prod, project.settings.fleet
    if current:
        require_same_form(project.settings, current)
    release = _before(current) if options.rollback else _digest(project, options.image)
    old_page_config = configuration(current.environment) if current else ""
    before = current.before if current else ""
    if current and current.release != release:
        before = current.release
    page_config = old_page_config if options.page_config is None else options.page_config
    values = _values(project, page_config)
    retained = prod.retain_releases
    return Change(release, current, before, page_config, old_page_config, retained, fleet.replicas, values)


def notices(change: Change, options: DeployOptions, names: Iterable[str]) -> tuple[str, ...]:
    """Say what the page keeps of its configuration, what it loses, and which of the names have no value."""
    lines: tuple[str, ...] = ()
    if not any(swarm_object(text)[0] for text in (change.page_config, change.old_page_config)):
        lines = runtime_config.changes(change.old_page_config, options.page_config)
    elif options.page_config is None:
        lines = (f"The page keeps its configuration: {change.page_config}",)
    if change.values is not None:
        return (*lines, *runtime_config.missing(change.values, names))
    is_new_secret = (options.page_config or "").startswith("secret:")
    return (*lines, f"Swarm shows no secret, so it was not checked. It has to be {OBJECT}") if is_new_secret else lines


def _values(project: Project, page_config: str) -> str | None:
    """Return the page's configuration as JSON; None for a secret, and under --dry. Raises DockError.

    The swarm has to have the object, and a config the same names as --env may give.
    """
    kind, name = swarm_object(page_config)
    if not kind or project.dry:
        return None if kind else page_config
    how = f"Make one of a file with {OBJECT}: docker {kind} create {name} FILE"
    specs = [attrs["Spec"] for attrs in project.engine.swarm(f"{kind}s", name=name)]
    spec = next((spec for spec in specs if spec["Name"] == name), None)
    if not spec:
        raise FleetError(f"The swarm has no {kind} {name}.", "", how)
    if kind == "secret":
        return None
    text, values = base64.b64decode(spec["Data"]).decode(errors="replace"), None
    with suppress(ValueError):
        values = json.loads(text)
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise FleetError(f"The config {name} has no JSON object of texts.", "The page gets it as /env.js.", how)
    prod = project.settings.prod
    try:
        runtime_config.as_json((f"{variable}=" for variable in values), prod.env_prefixes, prod.runtime_env)
    except SettingsError as error:
        what = f"The config {name} has a name that --env refuses: {error.what}"
        raise SettingsError(what, error.why, error.how) from error
    return text


def _before(current: Service | None) -> str:
    """Return the release before the current one. Raises FleetError."""
    before = current.before if current else ""
    if not before:
        raise FleetError("There is no earlier release.", "", "Name one: invoke deploy --image=REPOSITORY@sha256:…")
    return before


def _digest(project: Project, reference: str) -> str:
    """Return a pushed image by its digest, which never means another one. Raises FleetError."""
    if "@" in reference or project.dry:
        return reference
    pulled = release_build.pulled_build(project, reference).image
    digests = pulled.names_in(repository(reference))
    if not digests:
        raise FleetError(
            f"{reference} is in no registry.",
            "Every node gets the image from the registry, by its digest.",
            "Push it, then deploy the name that it prints: invoke push",
        )
    return digests[0]
