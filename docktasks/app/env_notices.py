"""Notices about variables that the app's source uses, and that reach its build from nowhere."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from docktasks.app import env_files, env_usage, inputs
from docktasks.app.package import SETTINGS_FILES, App
from docktasks.settings import Settings

BUILT_IN = {"MODE", "DEV", "PROD", "SSR", "BASE_URL", "VITE_USER_NODE_ENV"}
MAX_NAMES = 5
SETTINGS_VARIABLE = re.compile(r"^\s*[^#;\s].*?\$\{(\w+)\}", re.MULTILINE)
"""A variable without a value for its absence, in a file for npm, pnpm or yarn."""
PREFIXES = re.compile(r"\benvPrefix\b\s*:\s*(\[[^\]]*\]|['\"`][^'\"`]*['\"`])")


def notices(app: App, settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """Return a notice for the variables that the environment has and the build does not get, and for those unset."""
    config = env_files.config_text(app)
    if re.search(r"import\.meta\.env(['\"`]\s*:|\.\$\{)", config):
        return []  # the configuration computes what import.meta.env is
    usage = env_usage.find(app.folder, frozenset({settings.app.dist}))
    prefixes = _prefixes(config)
    others = BUILT_IN | inputs.names(settings, environ) | {*settings.prod.runtime_env}
    names = [name for name in usage.needed if name.startswith(prefixes) and name not in others]
    scripts = env_files.build_scripts(app)
    of_files, kept_out = env_files.variables(app, settings.build.mode)
    defined = {*usage.defined, *of_files, *(name for name in names if f"{name}=" in scripts)}
    unset = [name for name in names if name not in {*environ, *defined}]
    in_environment = [name for name in names if name in environ]
    mode = min(env_files.modes_of(app, settings.build.mode), key=lambda mode: (mode != "production", mode))
    texts = [_not_given(in_environment, settings)] if in_environment else []
    return [*texts, *([_not_set(unset, settings, usage.needed[unset[0]], kept_out, mode)] if unset else [])]


def registry_notices(app: App, settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """Return a notice for variables that the package manager's settings use, and that an installation does not get."""
    known = inputs.names(settings, environ, for_install=True)
    files = [path for name in SETTINGS_FILES if (path := app.root / name).is_file()]
    texts = {path.name: path.read_text(encoding="utf-8-sig", errors="replace") for path in files}
    uses = {name: file for file, text in texts.items() for name in SETTINGS_VARIABLE.findall(text) if name not in known}
    if not uses:
        return []
    secrets = " ".join(dict.fromkeys([*settings.build.secrets, *uses]))
    names, file = _listed(list(uses)), next(iter(uses.values()))
    return [f"{file} uses {names}, and the installation does not get it: INVOKE_BUILD_SECRETS={shlex.quote(secrets)}"]


def _not_given(names: list[str], settings: Settings) -> str:
    """Say that the environment has variables which the build does not get."""
    are = "is" if len(names) == 1 else "are"
    text = f"{_listed(names)} {are} set in the environment, but the build does not get it"
    return f"{text}: {_setting(names, settings)}"


def _not_set(names: list[str], settings: Settings, file: str, kept_out: Mapping[str, str], mode: str) -> str:
    """Say that a build of a mode gets variables from nowhere. `file` uses the first of them.

    `kept_out` has the file that sets a variable, and that no build gets.
    """
    files = sorted({kept_out[name] for name in names if name in kept_out})
    reason = f" No build gets {' and '.join(files)}." if files else ""
    text = f"{_listed(names)}: {file} uses it, and the build does not get it.{reason}"
    return f"{text} Set it in .env.{mode}, or in the environment with {_setting(names, settings)}"


def _setting(names: list[str], settings: Settings) -> str:
    """Return the setting that gives the build these variables, in addition to those that it gets."""
    prefixes = (*settings.build.env_prefixes, *(f"{name.partition('_')[0]}_" for name in names))
    return f"INVOKE_BUILD_ENV_PREFIXES={shlex.quote(' '.join(dict.fromkeys(prefixes)))}"


def _prefixes(config: str) -> tuple[str, ...]:
    """Return how names begin that Vite puts into a page: https://vite.dev/config/shared-options#envprefix."""
    texts = [name for match in PREFIXES.findall(config) for name in re.findall(r"['\"`]([^'\"`]+)['\"`]", match)]
    return tuple(texts) or ("VITE_",)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"{', '.join(names[:MAX_NAMES])}{more}"
