"""The settings, validated once: they become frozen dataclasses, or one error that names every problem.

The defaults are in invoke.yaml, and only there. The parsers of the values are in parsers.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol, get_type_hints

from docktasks import api, mistyped, resources
from docktasks import parsers as kinds
from docktasks.api import Api
from docktasks.errors import SettingsError
from docktasks.labels import LABEL
from docktasks.parsers import Parser, matching, text_of, whole
from docktasks.policy_sources import policy_sources

Text = Annotated[str, str]
HostPort = Annotated[int, whole(0, 65535, "a port number (0: any free one)")]
Seconds = Annotated[int, whole(1, 3600, "seconds")]
# Looser than Docker's own grammar, so that the name of a registry with a port fits.
ImageName = Annotated[str, matching(r"[a-z0-9][\w.:/@-]*", "an image such as node:lts-alpine")]
PAGE = r"auto|none|(?!/)(?!.*\.\.)[\w./@+-]+\.html?"
CACHE = matching(
    r"|(?=.*\btype=)\S+", "a cache of BuildKit without spaces, such as type=registry,ref=ghcr.io/me/site:cache"
)
DIST = r"(?!/)(?!(\.{1,2}/*)+$)(\.\./)*(?!.*\.\.).+"
NAME = matching(r"(?=.{1,40}$)[a-z0-9]+([.-][a-z0-9]+)*", "at most 40 lower-case letters, digits, . and -")


@dataclass(frozen=True)
class App:
    """The Vite app."""

    name: Annotated[str, NAME]
    dir: Annotated[str, matching(r".+", "a folder")]
    dist: Annotated[str, matching(DIST, "a folder, from app.dir, such as dist or ../dist")]


@dataclass(frozen=True)
class Dev:
    """The dev container."""

    host_port: HostPort
    deploy_timeout: Seconds
    https: Annotated[tuple[str, ...], kinds.https]
    report_policy: Annotated[str, matching(r"on|off|true|false", "on or off")]


@dataclass(frozen=True)
class Prod:
    """The production container and its limits."""

    host_port: HostPort
    memory: Annotated[str, kinds.memory]
    pids_limit: Annotated[int, whole(8, 32768, "a number of processes")]
    log_max_size: Annotated[str, matching(r"[1-9][0-9]*[bkmg]", "a size such as 64m")]
    log_max_files: Annotated[int, whole(1, 100, "a number of files")]
    deploy_timeout: Seconds
    drain_timeout: Seconds
    retain_releases: Annotated[int, whole(1, 50, "a number of releases")]
    env_prefixes: Annotated[tuple[str, ...], kinds.prefixes]
    runtime_env: Annotated[tuple[str, ...], kinds.names]
    csp: Annotated[str, matching(r"compatible|strict", "compatible or strict")]
    csp_sources: Annotated[str, policy_sources]
    fallback: Annotated[str, matching(PAGE, "auto, none, or a page of the build such as index.html")]
    trusted_proxies: Annotated[tuple[str, ...], kinds.networks]
    gate_browser: Annotated[str, matching(r"auto|never", "auto or never")]


@dataclass(frozen=True)
class Bases:
    """The base images and where they come from."""

    source: Annotated[str, matching(r"auto|registry|standin", "auto, registry or standin")]
    node_image: ImageName
    nginx_image: ImageName
    max_age: Annotated[int, whole(0, 3650, "days (0: never refreshed)")]


@dataclass(frozen=True)
class Build:
    """What a build gets in addition to the source."""

    ca_file: Text
    source_url: Text
    mode: Annotated[str, matching(r"(?!local$)[\w.-]*", "one of Vite's modes, such as staging")]
    env: Annotated[tuple[tuple[str, str | None], ...], kinds.variables]
    env_prefixes: Annotated[tuple[str, ...], kinds.prefixes]
    secrets: Annotated[tuple[str, ...], kinds.names]
    source_maps: Annotated[str, matching(r"private|public", "private or public")]
    platforms: Annotated[tuple[str, ...], kinds.platforms]
    cache_from: Annotated[str, CACHE]
    cache_to: Annotated[str, CACHE]


@dataclass(frozen=True)
class Browser:
    """The browser of the browser checks."""

    executable: Annotated[str, kinds.program]


@dataclass(frozen=True)
class Ship:
    """Where the image is pushed to."""

    image: Annotated[str, matching(r"(?!.*:[^/]*$|.*@)[\w./:-]*", "a repository such as registry.example/team/app")]


@dataclass(frozen=True)
class Fleet:
    """The site on every node of a swarm."""

    host_port: Annotated[int, whole(1, 65535, "a port number")]
    candidate_port: Annotated[int, whole(1, 65535, "a port number")]
    delay: Seconds
    pull_timeout: Seconds
    network: Annotated[str, matching(r"host|bridge", "host or bridge")]
    replicas: Annotated[int, whole(0, 1000, "a number of tasks (0: one on each node)")]

    @property
    def uses_node_network(self) -> bool:
        """True if the containers use the node's own network, and publish no port."""
        return self.network == "host"


@dataclass(frozen=True)
class Settings:
    """Everything a task needs to know: `root` is the repository, `default_ports` are roles whose port nobody set."""

    root: Path
    app: App
    dev: Dev
    prod: Prod
    bases: Bases
    build: Build
    browser: Browser
    ship: Ship
    fleet: Fleet
    api: Api = Api()  # noqa: RUF009 - it is frozen
    default_ports: tuple[str, ...] = ()

    @property
    def app_dir(self) -> Path:
        """The app's folder, absolute."""
        return (self.root / self.app.dir).resolve()

    @property
    def is_external_app(self) -> bool:
        """True when app.dir is not the app that comes with a checkout of this project and its build context."""
        return not resources.is_checkout(self.root) or self.app_dir != (self.root / "hello-dock").resolve()

    def image(self, role: str) -> str:
        """Return name and tag of the image of a role, `dev` or `prod`."""
        return f"{self.app.name}:{role}"

    def container(self, slot: str) -> str:
        """Return the name of the container in a slot: `dev`, `prod`, or another one of roles.py."""
        return f"{self.app.name}-{slot}"

    def deploy_timeout(self, slot: str) -> int:
        """Return the seconds that the container in a slot may take until it serves."""
        return self.dev.deploy_timeout if slot == "dev" else self.prod.deploy_timeout

    def labels(self, role: str) -> dict[str, str]:
        """Return the labels of a container or volume of a role."""
        return {f"{LABEL}.project": self.app.name, f"{LABEL}.role": role}


SECTIONS: dict[str, type[Any]] = {
    "app": App, "dev": Dev, "prod": Prod, "bases": Bases, "build": Build, "browser": Browser, "ship": Ship,
    "fleet": Fleet,
}  # fmt: skip


def parsers(section: str) -> dict[str, Parser]:
    """Return the parser of each key in a section, as its dataclass annotates it."""
    hints = get_type_hints(SECTIONS[section], include_extras=True)
    return {key: hint.__metadata__[0] for key, hint in hints.items()}


def _keys() -> dict[str, list[str]]:
    return {**{section: [*parsers(section)] for section in SECTIONS}, "api": [*api.KEYS]}


class AppFile(Protocol):
    """The file with the settings that an app brings along (app/app_file.py)."""

    def origins(self, config: Mapping[str, Any]) -> dict[str, str]:
        """Return the beginning of a message for each key, such as prod.memory, whose value is the file's."""

    def problems(self) -> list[str]:
        """Return a text for each mistake that is not one of a key or a value."""


def load(
    root: Path,
    config: Mapping[str, Any],
    environ: Mapping[str, str],
    invokes_own: Mapping[str, Any],
    app_file: AppFile | None = None,
) -> Settings:
    """Validate `config`, Invoke's merged configuration, which holds the values of the environment and the app's file.

    `environ` is read for its names, because Invoke ignores mistyped ones, and those of `api` where the section lacks a
    key. `invokes_own` are Invoke's own defaults. Other sections may be another project's. Raises SettingsError.
    """
    problems = [*mistyped.variables(environ, _keys(), invokes_own), *mistyped.unknown_sections(config, _keys())]
    sections: dict[str, Any] = {}
    for name, section in SECTIONS.items():
        values = _parse_section(name, config.get(name) or {}, problems)
        if values.keys() == parsers(name).keys():
            sections[name] = section(**values)
    site_api = api.parse(config.get("api") or {}, environ, problems)
    if app_file:
        origins = app_file.origins(config)  # by keys, with which the texts of their problems begin
        problems = [f"{origins.get(text.split(' ', 1)[0], '')}{text}" for text in problems] + app_file.problems()
    if problems:
        count = "A setting" if len(problems) == 1 else f"{len(problems)} settings"
        raise SettingsError(
            f"{count} cannot be used:",
            "Settings come from invoke.yaml, hello-dock.yaml in the app's folder, INVOKE_<SECTION>_<KEY>, and flags.",
            f"Correct them there; {resources.shown(root, resources.DEFAULTS)} lists every setting with its default.",
            evidence="\n".join(problems),
        )
    return Settings(root=root, api=site_api, **sections)


def _parse_section(section: str, config: Any, problems: list[str]) -> dict[str, Any]:
    """Return the values of a section by key, and add a text to `problems` for each that cannot be used."""
    keys = parsers(section)
    if not isinstance(config, Mapping):
        problems.append(f"{section} is {config!r}, but must hold settings: {', '.join(keys)}")
        return {}
    unknown = sorted(str(key) for key in config.keys() - keys.keys())
    problems += [mistyped.unknown_key(section, key, _keys()) for key in unknown]
    values: dict[str, Any] = {}
    for key, parse in keys.items():
        text = text_of(config.get(key))
        try:
            values[key] = parse(text)
        except ValueError as error:
            shown = text.partition("=")[0] if key == "secrets" else text  # a value may have got there
            problems.append(f"{section}.{key} is {shown!r}, but must be {error}")
    return values
