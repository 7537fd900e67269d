"""The Vite app in app.dir, as its package.json and its lock file describe it."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from docktasks.app import workspaces
from docktasks.app.manifest import entries, read_manifest
from docktasks.errors import AppError
from docktasks.settings import Settings

LOCK_FILES = {
    "package-lock.json": "npm", "npm-shrinkwrap.json": "npm", "pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn",
    "bun.lock": "bun", "bun.lockb": "bun",
}  # fmt: skip
"""The package manager that writes a lock file, by the name of the file."""

IMPLIED_SCRIPTS = {
    "astro": {"dev": "astro dev", "build": "astro build"}, "nuxt": {"dev": "nuxt dev", "build": "nuxt generate"},
    "react-router": {"dev": "react-router dev", "build": "react-router build"},
    "vite": {"dev": "vite", "build": "vite build"},
}  # fmt: skip
"""What Nx runs for an app whose package.json has no scripts, by the program that its configuration is for. A framework
comes before the Vite that it brings with it."""

SETTINGS_FILES = (".npmrc", ".yarnrc", ".yarnrc.yml", "bunfig.toml")
"""The files with the settings of the package managers, which may have a token."""


@dataclass(frozen=True)
class PackageManager:
    """A package manager. npm installs it as `package` (empty: the one in the image). `lock` is its lock file's name."""

    name: str = "npm"
    package: str = ""
    lock: str = ""

    def run(self, script: str, *args: str) -> tuple[str, ...]:
        """Return the command that runs a script of package.json with arguments for it."""
        # npm passes only the arguments after -- to the script.
        return (self.name, "run", script, *(["--"] if args and self.name == "npm" else []), *args)

    @property
    def add(self) -> str:
        """The subcommand that adds a package, or changes its version."""
        return "install" if self.name == "npm" else "add"

    @property
    def executor(self) -> str:
        """The command that runs a program of the app's packages."""
        return {"npm": "npx", "pnpm": "pnpm exec", "yarn": "yarn", "bun": "bunx"}[self.name]

    @property
    def locked_install(self) -> str:
        """The command that installs exactly what the lock file says, or fails."""
        if self.name == "npm":
            return "npm ci"
        # yarn 2 and later, which are another npm package than yarn 1, have another word for it
        return f"{self.name} install {'--immutable' if self.package.startswith('@yarnpkg/') else '--frozen-lockfile'}"


@dataclass(frozen=True, eq=False)
class App:
    """The app in `folder`; `manifest` is the content of its package.json. It equals only itself: siblings_of()."""

    folder: Path
    manifest: dict[str, Any]

    @classmethod
    def load(cls, settings: Settings) -> App:
        """Read package.json. Raises AppError when app.dir is not the folder of an app."""
        folder = settings.app_dir
        how = "Name the app's folder in invoke.yaml (app.dir), or INVOKE_APP_DIR=path/to/app"
        if not folder.is_dir():
            raise AppError(f"There is no folder {folder}.", "app.dir names the Vite app to build.", how)
        try:
            manifest = read_manifest(folder)
        except FileNotFoundError as error:
            workspaces.refuse_deno(folder, {})
            raise AppError(f"{folder} has no package.json.", "npm cannot build an app without one.", how) from error
        workspaces.refuse_deno(folder, manifest)
        apps = workspaces.apps_of(folder)
        if apps and not any(settings.app.dist.startswith(f"{path}/") for path in apps):
            raise AppError(
                f"{folder} is the root of a workspace. Its Vite app is in {' or '.join(apps)}.",
                "app.dir names the folder of the app itself. Its workspace is found from there.",
                f"INVOKE_APP_DIR={shlex.quote(str(folder / apps[0]))}, or app.dir in invoke.yaml",
            )
        return cls(folder, manifest)

    @cached_property
    def root(self) -> Path:
        """The folder of the workspace that the app is a package of; else the app's own. Raises AppError."""
        return workspaces.root_of(self.folder)

    @property
    def path_in_root(self) -> str:
        """The app's path in its workspace; `.` where its folder is the root."""
        return self.folder.relative_to(self.root).as_posix()

    @cached_property
    def root_manifest(self) -> dict[str, Any]:
        """The package.json of the root; nothing where it has none, as pnpm allows. Raises AppError."""
        if self.root == self.folder:
            return self.manifest
        try:
            return read_manifest(self.root)
        except FileNotFoundError:
            return {}

    @property
    def version(self) -> str:
        """The app's own version, 0.0.0 where package.json has none."""
        return str(self.manifest.get("version", "0.0.0"))

    @property
    def scripts(self) -> dict[str, str]:
        """The text of each script by its name. Where package.json has none at all, what its configuration implies."""
        own = {str(name): str(text) for name, text in entries(self.manifest, "scripts").items()}
        return own or self.implied_scripts

    @cached_property
    def implied_scripts(self) -> dict[str, str]:
        """The scripts that its configuration implies, by name. Empty where package.json has any script."""
        programs = workspaces.configured_programs(self.folder) if self.folder.is_dir() else set()
        if "vite" in entries(self.manifest, "dependencies", "devDependencies"):
            programs.add("vite")
        if self.manifest.get("scripts") or not programs:
            return {}
        return IMPLIED_SCRIPTS[next((program for program in IMPLIED_SCRIPTS if program in programs), "vite")]

    def run(self, script: str, *args: str) -> tuple[str, ...]:
        """Return the command that runs a script with arguments for it, also one that package.json only implies."""
        if script in self.implied_scripts:
            return self.shell_command(shlex.join([*self.scripts[script].split(), *args]))
        return self.package_manager.run(script, *args)

    def shell_command(self, text: str) -> tuple[str, ...]:
        """Return the command that runs a text for a shell as a script of package.json, with any package manager.

        A manager's own word for it, such as npx or pnpm exec, refuses an app of another manager, or sees no programs of
        the workspace's root.
        """
        above = range(len(Path(self.path_in_root).parts) + 1)
        folders = "".join(f"$PWD/{'../' * number}node_modules/.bin:" for number in above)
        variables = f'npm_package_version={shlex.quote(self.version)} PATH="{folders}$PATH"'
        return ("sh", "-c", f"export {variables}; {text}")

    def missing_script(self, name: str, example: str, details: str = "") -> AppError:
        """Return the error for a script that package.json lacks, with a text that it may have, and more about it."""
        return AppError(
            f"{self.folder / 'package.json'} has no script {name}.",
            f"The image runs `{' '.join(self.run(name))}`.{details}",
            f'Add it, for example "{name}": "{example}"',
        )

    @cached_property
    def package_manager(self) -> PackageManager:
        """The manager and version that the root's package.json names, else its lock file; else npm. Raises AppError."""
        locks = [name for name in LOCK_FILES if (self.root / name).is_file()]
        name, version = self._named_manager()
        name = name or (LOCK_FILES[locks[0]] if locks else "npm")
        lock = next((lock for lock in locks if LOCK_FILES[lock] == name), "")
        if not version and name != "npm":
            version = _version_by_lock(name, (self.root / lock).read_text(errors="replace")[:300] if lock else "")
            # pnpm and yarn refuse a package.json whose engines name another version of them.
            engines = self.root_manifest.get("engines")
            engine = str(engines.get(name, "")) if isinstance(engines, dict) else ""
            at_least = re.fullmatch(r">=? ?(\d+)[\d.]*", engine)
            is_met = at_least and int(at_least[1]) <= int(version)
            version = engine if not is_met and re.fullmatch(r"[\^~<>=]*\d[\d.xX*^~<>= -]*", engine) else version
        package = f"{name}@{version}" if version else ""
        # On npm, yarn 2 and later have another package name than yarn 1.
        return PackageManager(name, re.sub(r"^yarn@(?=\D*(?:[2-9]|\d\d))", "@yarnpkg/cli-dist@", package), lock)

    @property
    def lock_notices(self) -> list[str]:
        """A notice for an app without a lock file. A cached build step prints no warning of its own."""
        manager = self.package_manager
        if manager.lock:
            return []
        newest = f"`{manager.name} install` takes the newest versions that package.json allows"
        return [f"{self.root.name} has no lock file: {newest}."]

    def _named_manager(self) -> tuple[str, str]:
        """Return the name and version in package.json, from packageManager or devEngines; else empty texts."""
        text = self.root_manifest.get("packageManager")
        if text is None:
            engines = (self.root_manifest.get("devEngines") or {}).get("packageManager") or {}
            engine = engines[0] if isinstance(engines, list) else engines
            if not engine:
                return "", ""
            text = f"{engine.get('name')}@{engine.get('version', '')}"
        name, _, version = str(text).partition("@")
        if not (name in LOCK_FILES.values() and re.fullmatch(r"(?!-)[\w.+^~<>=* -]*", version)):
            raise AppError(
                f"{self.root / 'package.json'} names the package manager {text!r}.",
                "The images install dependencies with npm, pnpm, yarn or bun.",
                'Name one of these, for example "packageManager": "pnpm@10.1.0"',
            )
        return name, version.partition("+")[0]


def _version_by_lock(name: str, head: str) -> str:
    """Return the major version of pnpm, yarn or bun that wrote a lock file which begins with `head`."""
    if name == "yarn":
        return "4" if "__metadata" in head else "1"
    if name == "bun":
        return "1"
    lock_format = re.search(r"lockfileVersion: '?(\d+)", head)
    return {"5": "7", "6": "8"}.get(lock_format.group(1) if lock_format else "", "10")
