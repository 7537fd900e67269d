"""The settings of a repository that is no checkout of this project: its own files and variables over our defaults."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from docktasks import resources
from docktasks.app import repository
from docktasks.app.app_file import SECTIONS
from docktasks.mistyped import MIN_SIMILARITY
from docktasks.progress import print_notices
from docktasks.roles import ROLES

Config = dict[str, Any]


def _variables(section: str, keys: Iterable[str]) -> dict[str, str]:
    """Return the keys of a section by the names of their variables."""
    return {f"INVOKE_{section}_{key}".upper(): key for key in keys}


class OwnDefaults:
    """The defaults of invoke.yaml, without the name and the folder of the app that a checkout has.

    `variables` are the keys, such as prod.memory, whose values come from variables that Invoke does not read, because
    no file has their settings.
    """

    def __init__(self, root: Path, parse: Callable[[str], Any], *, needs_app: bool) -> None:
        self._root, self._needs_app = root, needs_app
        self._values: dict[str, dict[str, str]] = parse(resources.path(root, resources.DEFAULTS).read_text("utf-8"))
        self._values["app"] |= {"name": "", "dir": ""}
        self.variables: set[str] = set()
        self._ports = {role: self._values[role].pop("host_port") for role in ROLES}

    def completed(self, config: Config, environ: Mapping[str, str]) -> Config:
        """Return a configuration with the defaults below it, and the app's folder. Raises AppError."""
        completed = dict(config)
        for section, values in ((name, self._values[name]) for name in SECTIONS):
            own = {} if config.get(section) is None else config[section]
            if not isinstance(own, Mapping):
                continue  # settings.py says so
            names = _variables(section, [*values, *(["host_port"] if section in ROLES else [])])
            unread = {key: environ[name] for name, key in names.items() if name in environ and key not in own}
            self.variables |= {f"{section}.{key}" for key in unread}
            completed[section] = {**values, **own, **unread}
        app = completed["app"]
        if isinstance(app, dict) and not app.get("dir"):
            app["dir"] = repository.find_app(self._root, str(app.get("dist") or "")) if self._needs_app else "."
        return completed

    def variables_of_ours(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the variables INVOKE_… that are, or look like, our settings. The others may be of other tasks."""
        names = {name for section in SECTIONS for name in _variables(section, [*self._values[section], "host_port"])}
        sections = tuple(f"INVOKE_{section}_".upper() for section in SECTIONS)
        close = {
            name for name in environ if name.startswith("INVOKE_") and get_close_matches(name, names, 1, MIN_SIMILARITY)
        }
        return {name: value for name, value in environ.items() if name.startswith(sections) or name in close}

    def fill_ports(self, config: Config) -> tuple[str, ...]:
        """Set the default of each host port that nobody has set, and return the roles of these."""
        sections = {role: config[role] for role in ROLES if isinstance(config[role], dict)}
        unset = tuple(role for role, section in sections.items() if "host_port" not in section)
        for role in unset:
            sections[role]["host_port"] = self._ports[role]
        return unset

    def name_project(self, config: Config, *, dry: bool) -> None:
        """Name the project of the app, where no setting does, and say so where the name is not its package's."""
        app = config["app"]
        if isinstance(app, dict) and not app.get("name"):
            folder = Path(posixpath.normpath(self._root / str(app["dir"])))
            app["name"], notice = repository.project_name(folder, dry=dry or not self._needs_app)
            print_notices([notice] if notice else [])
