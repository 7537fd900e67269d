"""The settings, validated once: they become frozen dataclasses, or one error that names every problem.

Defaults stand in invoke.yaml alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from docktasks.errors import SettingsError

LABEL = "hello-dock"
"""Prefix of our labels: `hello-dock.project` says whose a container or volume is, `hello-dock.role` what it is for."""

BUILT_FOR = f"{LABEL}.built-for"
"""The label of images. It is another than the containers', since a container, and an image built on top, inherits the
labels of its image: one that somebody else starts from ours would look like ours.
"""

Check = Callable[[str], Any]


def _matching(pattern: str, meaning: str) -> Check:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(meaning)
        return text

    return check


def _whole(low: int, high: int, meaning: str) -> Check:
    def check(text: str) -> int:
        # isascii: int() also takes digits of other scripts, which nothing downstream does
        if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
            raise ValueError(f"{meaning}, {low} to {high}")
        return int(text)

    return check


_host_port = _whole(0, 65535, "a port number (0: any free one)")


def _memory(text: str) -> str:
    unit = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}.get(text[-1:], 0)
    if not re.fullmatch(r"[1-9][0-9]*[bkmg]", text) or int(text[:-1]) * unit < 6 << 20:
        raise ValueError("a size such as 64m, at least Docker's own minimum of 6m")
    return text


def _prefixes(text: str) -> tuple[str, ...]:
    if not all(re.fullmatch(r"[A-Z][A-Z0-9_]*_", prefix) for prefix in text.split()):
        raise ValueError("beginnings of names such as API_ PUBLIC_, separated by spaces")
    return tuple(text.split())


_size = _matching(r"[1-9][0-9]*[bkmg]", "a size such as 64m")
# The part before the last colon may hold a registry's port, so this is looser than Docker's own grammar.
_image = _matching(r"[a-z0-9][\w.:/@-]*", "an image such as node:lts-alpine")
_text: Check = str


@dataclass(frozen=True)
class App:
    """The Vite app."""

    name: str
    dir: str
    dist: str


@dataclass(frozen=True)
class Dev:
    """The dev container."""

    host_port: int


@dataclass(frozen=True)
class Prod:
    """The production container and its limits."""

    host_port: int
    memory: str
    pids: int
    log_size: str
    log_files: int
    drain: int
    keep: int
    env_prefixes: tuple[str, ...]


@dataclass(frozen=True)
class Bases:
    """The base images and where they come from."""

    source: str
    node_image: str
    nginx_image: str


@dataclass(frozen=True)
class Build:
    """What a build is given beside the source."""

    ca_file: str
    source_url: str


@dataclass(frozen=True)
class Browser:
    """The browser of the browser checks."""

    executable: str


@dataclass(frozen=True)
class Wait:
    """Limits of waiting, in seconds."""

    ready: int


@dataclass(frozen=True)
class Settings:
    """Everything a task needs to know; `root` is the checkout."""

    root: Path
    app: App
    dev: Dev
    prod: Prod
    bases: Bases
    build: Build
    browser: Browser
    wait: Wait

    @property
    def app_dir(self) -> Path:
        """The app's folder, absolute."""
        return (self.root / self.app.dir).resolve()

    @property
    def is_external_app(self) -> bool:
        """True when app.dir is not the app that comes with this checkout and its build context."""
        return self.app_dir != (self.root / "hello-dock").resolve()

    def image(self, role: str) -> str:
        """Name and tag of the image for `dev` or `prod`."""
        return f"{self.app.name}:{role}"

    def container(self, role: str) -> str:
        """Name of the container for a role."""
        return f"{self.app.name}-{role}"

    def labels(self, role: str) -> dict[str, str]:
        """The labels of a container or volume."""
        return {f"{LABEL}.project": self.app.name, f"{LABEL}.role": role}


SECTIONS: dict[str, tuple[type[Any], dict[str, Check]]] = {
    "app": (
        App,
        {
            "name": _matching(
                r"(?=.{1,40}$)[a-z0-9]+([.-][a-z0-9]+)*", "at most 40 lower-case letters, digits, . and -"
            ),
            "dir": _matching(r".+", "a folder"),
            "dist": _matching(r"(?!/)(?!(\./*)+$)(?!.*\.\.).+", "a folder inside app.dir"),
        },
    ),
    "dev": (Dev, {"host_port": _host_port}),
    "prod": (
        Prod,
        {
            "host_port": _host_port,
            "memory": _memory,
            "pids": _whole(8, 32768, "a number of processes"),
            "log_size": _size,
            "log_files": _whole(1, 100, "a number of files"),
            "drain": _whole(1, 3600, "seconds"),
            "keep": _whole(1, 50, "a number of releases"),
            "env_prefixes": _prefixes,
        },
    ),
    "bases": (
        Bases,
        {
            "source": _matching(r"auto|registry|standin", "auto, registry or standin"),
            "node_image": _image,
            "nginx_image": _image,
        },
    ),
    "build": (Build, {"ca_file": _text, "source_url": _text}),
    "browser": (Browser, {"executable": _text}),
    "wait": (Wait, {"ready": _whole(1, 3600, "seconds")}),
}


def load(root: Path, config: Mapping[str, Any], environ: Mapping[str, str], invokes_own: Mapping[str, Any]) -> Settings:
    """Validate `config`, Invoke's merged configuration, in which the environment is already merged.

    `environ` is read for names alone: Invoke ignores an INVOKE_* it does not know, so a mistyped one would do
    nothing in silence. `invokes_own` are Invoke's own defaults. Other sections are left alone: a user's ~/.invoke.yaml
    may have some for other projects, and a mistyped one of ours leaves ours without values.

    Raises SettingsError naming every problem at once.
    """
    problems = list(_unknown_variables(environ, invokes_own))
    made: dict[str, Any] = {}
    for section, (kind, checks) in SECTIONS.items():
        given = config.get(section) or {}
        if not isinstance(given, Mapping):
            problems.append(f"{section} is {given!r}, but must hold settings: {', '.join(checks)}")
            continue
        problems += [f"{section}.{key} is not a setting" for key in sorted(given.keys() - checks.keys())]
        values: dict[str, Any] = {}
        for field in fields(kind):
            value = given.get(field.name)
            text = "" if value is None else str(value)
            try:
                values[field.name] = checks[field.name](text)
            except ValueError as error:
                problems.append(f"{section}.{field.name} is {text!r}, but must be {error}")
        if values.keys() == checks.keys():
            made[section] = kind(**values)
    if problems:
        count = "A setting" if len(problems) == 1 else f"{len(problems)} settings"
        raise SettingsError(
            f"{count} cannot be used:",
            "Settings come from invoke.yaml and from INVOKE_<SECTION>_<KEY> in the environment.",
            "Correct them there; invoke.yaml lists every setting with its default.",
            evidence="\n".join(problems),
        )
    return Settings(root=root, **made)


def _unknown_variables(environ: Mapping[str, str], invokes_own: Mapping[str, Any]) -> Iterator[str]:
    ours = {section: checks for section, (_, checks) in SECTIONS.items()}
    known = {"INVOKE_DEBUG", *_variables("INVOKE", ours), *_variables("INVOKE", invokes_own)}
    for name in sorted(environ):
        if name.startswith("INVOKE_") and name not in known:
            yield f"{name} in the environment is not a setting"


def _variables(prefix: str, settings: Mapping[str, Any]) -> Iterator[str]:
    """Names of the environment variables for a tree of settings: https://docs.pyinvoke.org/en/stable/concepts/configuration.html#env-vars."""
    for key, value in settings.items():
        name = f"{prefix}_{key}".upper()
        if isinstance(value, Mapping) and value:
            yield from _variables(name, value)
        else:
            yield name
