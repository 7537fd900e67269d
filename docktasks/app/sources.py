"""The sources of settings, each a mapping of sections, and what is found out where none of them says it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from docktasks import resources
from docktasks.app import repository
from docktasks.app.app_file import SECTIONS
from docktasks.app.manifest import parse_yaml
from docktasks.mistyped import MIN_SIMILARITY
from docktasks.progress import print_notices
from docktasks.roles import ROLES

Config = dict[str, Any]
Source = Mapping[str, Any]

PER_REPOSITORY = ("app.name", "app.dir", *(f"{role}.host_port" for role in ROLES))
"""Settings without a default that fits every repository."""


def defaults(root: Path, project: Source | None) -> Config:
    """Return the sections of our invoke.yaml. In a checkout that is the `project` file, which Invoke has read."""
    is_read = resources.is_checkout(root)
    values = (project or {}) if is_read else parse_yaml(resources.path(root, resources.DEFAULTS).read_text("utf-8"))
    return {name: values[name] if isinstance(values.get(name), Mapping) else {} for name in SECTIONS}


def of_every_repository(values: Source) -> Config:
    """Return the defaults but for those that are found out."""
    return {
        section: {key: value for key, value in keys.items() if f"{section}.{key}" not in PER_REPOSITORY}
        for section, keys in values.items()
    }


def merged(*sources: Source | None) -> Config:
    """Return the sections of all sources; None is an empty file. A later value counts, also in a setting with keys.

    What is no section stays, and settings.py says so.
    """
    config: Config = {}
    for section, values in (item for source in sources for item in (source or {}).items()):
        before = config.get(section, {})
        if isinstance(before, Mapping) and isinstance(values, Mapping):
            config[section] = {**before, **{key: _over(before.get(key), value) for key, value in values.items()}}
        elif values is not None and isinstance(before, Mapping):
            config[section] = values
    return config


def _over(before: object, value: object) -> object:
    """Return the value of a setting over an earlier one, such as build.env, which has names and values."""
    return {**before, **value} if isinstance(before, Mapping) and isinstance(value, Mapping) else value


def _variables(values: Source) -> Iterator[tuple[str, str, str]]:
    """Yield the name of the variable for each setting, with its section and its key."""
    for section, keys in values.items():
        yield from ((f"INVOKE_{section}_{key}".upper(), section, key) for key in keys)


def of_environment(values: Source, environ: Mapping[str, str]) -> Config:
    """Return the settings that are variables. Invoke ignores the ones that no file of the repository has."""
    pairs = ((section, {key: environ[name]}) for name, section, key in _variables(values) if name in environ)
    return merged(*({section: setting} for section, setting in pairs))


def variables_of_ours(root: Path, values: Source, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the variables INVOKE_… that are, or look like, our settings. The others may be of other tasks."""
    if resources.is_checkout(root):
        return environ
    names = [name for name, _, _ in _variables(values)]
    sections = tuple(f"INVOKE_{section}_".upper() for section in SECTIONS)
    close = {
        name for name in environ if name.startswith("INVOKE_") and get_close_matches(name, names, 1, MIN_SIMILARITY)
    }
    return {name: value for name, value in environ.items() if name.startswith(sections) or name in close}


def app_dir(root: Path, config: Source, *, needs_app: bool) -> str:
    """Return the app's folder, which is looked for where no source names it; "" without a section. Raises AppError."""
    app = config.get("app", {})
    if not isinstance(app, Mapping):
        return ""
    return str(app.get("dir") or (repository.find_app(root, str(app.get("dist") or "")) if needs_app else "."))


def fill_ports(config: Config, values: Source) -> tuple[str, ...]:
    """Set the default of each host port that no source has, and return the roles of these."""
    sections = {role: config[role] for role in ROLES if isinstance(config[role], dict)}
    unset = tuple(role for role, section in sections.items() if "host_port" not in section)
    for role in unset:
        sections[role]["host_port"] = values[role].get("host_port")
    return unset


def name_project(root: Path, config: Config, folder: str, *, dry: bool) -> None:
    """Set the app's folder, and name the project where no source does. Say so where the name is not its package's."""
    app = config["app"]
    if isinstance(app, dict):
        app["dir"] = folder
        if not app.get("name"):
            app["name"], notice = repository.project_name(Path(posixpath.normpath(root / folder)), dry=dry)
            print_notices([notice] if notice else [])
