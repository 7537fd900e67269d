"""Settings and Vite apps for a test."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path

from invoke.config import Config

from docktasks import settings
from docktasks.settings import Settings

ROOT = Path(__file__).parents[3]
PACKAGE = {"name": "hello-dock", "version": "1.2.3", "scripts": {"serve": "vite", "build": "vite build"}}


@cache
def _invoke_yaml() -> dict[str, dict[str, object]]:
    config = Config(project_location=ROOT, lazy=True)
    config.load_project()
    read: dict[str, dict[str, object]] = dict(config)
    return {section: dict(values) for section, values in read.items() if section not in Config.global_defaults()}


def invoke_yaml() -> dict[str, dict[str, object]]:
    """Return a copy of what invoke.yaml says, without the user's own files and environment."""
    return deepcopy(_invoke_yaml())


def configured(root: Path, **changes: str) -> Settings:
    """Return the default settings with changes such as `prod_host_port="0"`."""
    config = invoke_yaml()
    for name, value in changes.items():
        section, _, key = name.partition("_")
        config[section][key] = value
    return settings.load(root, config, {}, {})


def impatient(settings: Settings) -> Settings:
    """Return the settings with no time for a container to serve."""
    return replace(settings, dev=replace(settings.dev, deploy_timeout=0), prod=replace(settings.prod, deploy_timeout=0))


def make_app(folder: Path, **changes: object) -> Path:
    """Make a folder with the files of a Vite app. `changes` go into its package.json."""
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps(PACKAGE | changes))
    (folder / "package-lock.json").write_text("{}")
    return folder
