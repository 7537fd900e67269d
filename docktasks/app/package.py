"""The Vite app in app.dir: what its package.json says, and which commit it is."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from docktasks.errors import AppError
from docktasks.settings import Settings


def read_package(settings: Settings) -> dict[str, Any]:
    """The app's package.json. Raises AppError when app.dir is not a Vite app's folder."""
    path = settings.app_dir / "package.json"
    how = "Name the app's folder in invoke.yaml (app.dir), or INVOKE_APP_DIR=path/to/app"
    if not settings.app_dir.is_dir():
        raise AppError(f"There is no folder {settings.app_dir}.", "app.dir names the Vite app to build.", how)
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise AppError(f"{settings.app_dir} has no package.json.", "It is no app that npm could build.", how) from error
    except ValueError as error:
        raise AppError(f"{path} is not JSON: {error}", "npm reads it.", "Correct it there") from error
    if not isinstance(content, dict):
        raise AppError(f"{path} holds no JSON object.", "npm reads it.", "Correct it there")
    return content


EXAMPLES = {"serve": "vite", "build": "vite build", "test": "vitest run"}


def first_script(settings: Settings, *names: str) -> str:
    """The first of these npm scripts that the app has. Raises AppError when it has none."""
    scripts = read_package(settings).get("scripts") or {}
    for name in names:
        if name in scripts:
            return name
    raise AppError(
        f"{settings.app_dir / 'package.json'} has no script {' or '.join(names)}.",
        f"The image runs `npm run {names[0]}`.",
        f'Add it, for example "{names[0]}": "{EXAMPLES[names[0]]}"',
    )


@dataclass(frozen=True)
class PackageManager:
    """A package manager: `package` is what npm installs it by (empty: the image's own), `lock` its lock file."""

    name: str = "npm"
    package: str = ""
    lock: str = ""

    def run(self, script: str, *args: str) -> tuple[str, ...]:
        """The command that runs a script of package.json with arguments; npm alone would take them for its own."""
        return (self.name, "run", script, *(["--"] if args and self.name == "npm" else []), *args)

    @property
    def add(self) -> str:
        """Its word for another package, or another version of one."""
        return "install" if self.name == "npm" else "add"


LOCK_FILES = {"package-lock.json": "npm", "npm-shrinkwrap.json": "npm", "pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn"}
"""Lock files, and whose they are."""


def package_manager(settings: Settings) -> PackageManager:
    """The package manager of the app: the one that package.json names, else the one whose lock file there is, else npm.

    Without a version in package.json, the lock file's own format says which major version wrote it.
    """
    there = [name for name in LOCK_FILES if (settings.app_dir / name).is_file()]
    name, version = _named_manager(settings)
    name = name or (LOCK_FILES[there[0]] if there else "npm")
    lock = next((each for each in there if LOCK_FILES[each] == name), "")
    if not version and name != "npm":
        head = (settings.app_dir / lock).read_text(errors="replace")[:300] if lock else ""
        version = _version_by_lock(name, head)
    package = f"{name}@{version}" if version else ""
    # Yarn 2 and later are another npm package than the first.
    return PackageManager(name, re.sub(r"^yarn@(?=[2-9])", "@yarnpkg/cli-dist@", package), lock)


def lock_notices(settings: Settings) -> list[str]:
    """What to say of an app without a lock file: Docker's cache says nothing of a step that it does not run again."""
    used = package_manager(settings)
    missing = (
        f"{settings.app.dir} has no lock file: `{used.name} install` takes the newest versions that package.json allows"
    )
    return [] if used.lock else [missing]


def _named_manager(settings: Settings) -> tuple[str, str]:
    """Name and version as package.json has them, in its older or its newer field; empty where it has neither."""
    content = read_package(settings)
    given = content.get("packageManager")
    if given is None:
        newer = (content.get("devEngines") or {}).get("packageManager") or {}
        newer = newer[0] if isinstance(newer, list) else newer
        if not newer:
            return "", ""
        given = f"{newer.get('name')}@{newer.get('version', '')}"
    name, _, version = str(given).partition("@")
    if not (name in LOCK_FILES.values() and re.fullmatch(r"(?!-)[\w.+^~<>=* -]*", version)):
        raise AppError(
            f"{settings.app_dir / 'package.json'} names the package manager {given!r}.",
            "The app's dependencies are installed with npm, pnpm or yarn.",
            'Name one of these, for example "packageManager": "pnpm@10.1.0"',
        )
    return name, version.partition("+")[0]


def _version_by_lock(name: str, head: str) -> str:
    if name == "yarn":
        return "4" if "__metadata" in head else "1"
    written = re.search(r"lockfileVersion: '?(\d+)", head)
    return {"5": "7", "6": "8"}.get(written.group(1) if written else "", "10")


def is_external_app(settings: Settings) -> bool:
    """True when app.dir is not the app that the repository's own build context holds."""
    return settings.app_dir != (settings.root / "hello-dock").resolve()
