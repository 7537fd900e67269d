"""The build context: the files that `docker image build` gets for this checkout's app, or for another app."""

from __future__ import annotations

import os
import posixpath
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from docktasks import resources, workspace
from docktasks.app import env_files, inputs
from docktasks.app.app_file import NAME as APP_FILE
from docktasks.app.git import ASSETS
from docktasks.app.ignore_file import IgnoreFile
from docktasks.app.package import SETTINGS_FILES, App
from docktasks.app.siblings import siblings_of
from docktasks.commands import flags
from docktasks.errors import BuildError, reason_of
from docktasks.images import own_files
from docktasks.settings import Settings

NEVER_SENT = [
    "**/node_modules", "**/.git", "**/.env.local", "**/.env.*.local", "**/*.log", "**/.DS_Store", f"**/{APP_FILE}",
    "**/.turbo", "**/.nx/cache", "**/.nx/workspace-data", "**/*.tsbuildinfo",
]  # fmt: skip
"""Patterns of files that a build of another app never gets. The last ones are caches, which tell tools
that a package is built already. A build of hello-dock has an allow-list: .dockerignore."""

OUT_DIR = re.compile(r"\boutDir\s*:\s*['\"`]((?:\.\./)+[\w@./-]+)")
"""A folder outside of the app's into which Vite builds. It may hold an old build, which is none of the source."""

TOOLS_CONTEXT = "tools"
"""Name of the stage in the Dockerfiles that has nginx/ and node/, and of the named context that replaces it."""


def context_folder(settings: Settings) -> str:
    """Return the path, from the checkout, of the folder with the Dockerfiles and the tools for another app."""
    return f"{workspace.cache_path(settings.root)}/context-{settings.app.name}"


def context_args(settings: Settings, app: App, dockerfile: str) -> list[str]:
    """Return the last arguments of a build by `Dockerfile` or `Dockerfile.dev`: that, the contexts, and the folder."""
    written = context_folder(settings)
    has_tools = settings.is_external_app or ca_file(settings)
    tools = ["--build-context", f"{TOOLS_CONTEXT}={written}/{TOOLS_CONTEXT}"] if has_tools else []
    environment = inputs.secret_args(settings) if dockerfile == "Dockerfile" else []
    sources = [*_secret_args(app), *environment, *flags("--build-arg", *inputs.proxies(os.environ)), *tools]
    if not settings.is_external_app:
        return [*(["--file", dockerfile] if dockerfile != "Dockerfile" else []), *sources, "."]
    return ["--file", f"{written}/{dockerfile}", "--build-arg", "APP_DIR=.", *sources, str(app.root)]


def _secret_args(app: App) -> list[str]:
    """Return the arguments that give a build the package manager's settings as secrets, by names without the dot."""
    paths = [path for name in SETTINGS_FILES if (path := app.root / name).is_file()]
    ids = {path.name.lstrip("."): path for path in paths}
    secrets = flags("--secret", *(f"id={name},src={path}" for name, path in ids.items()))
    return [*secrets, *(["--build-arg", f"SETTINGS={' '.join(ids)}"] if ids else [])]


def write_context(settings: Settings, app: App, dockerfile: str) -> None:
    """Write the files that a build needs and that are neither in the checkout nor in the app.

    Another app gets a copy of our Dockerfile with an ignore file next to it, which BuildKit takes instead of the app's
    own (https://docs.docker.com/build/concepts/context/#filename-and-location), so that it has the lines of that, too.
    The tools and certificate authorities are in one folder, because each context costs time. It is mounted, and in no
    layer. Raises DockError.
    """
    written = settings.root / context_folder(settings)
    if settings.is_external_app or ca_file(settings):
        workspace.cache_folder(settings.root)
        written.mkdir(exist_ok=True)
        _write_tools(_tools_with_ca(settings, app), written / TOOLS_CONTEXT)
    if settings.is_external_app:
        own = own_files.own_file(app.root, dockerfile)  # which init wrote
        shutil.copyfile(own or resources.path(settings.root, dockerfile), written / dockerfile)
        siblings = siblings_of(app) if dockerfile == "Dockerfile" else []  # no other copies them
        outputs = [path for sibling in siblings for path in sibling.outputs]
        names = [settings.app.dist, *OUT_DIR.findall(env_files.config_text(app))]
        folders = [posixpath.normpath(f"{app.path_in_root}/{name}") for name in names]
        ignored = IgnoreFile.of(app, dockerfile)  # of two lines that match a path, the last decides
        patterns = [*ignored.lines, *NEVER_SENT, *(f"/{path}" for path in (*folders, *outputs))]
        (written / f"{dockerfile}.dockerignore").write_text("\n".join(patterns) + "\n")


def _write_tools(contents: Mapping[Path, bytes], target: Path) -> None:
    """Make the folder hold the tools and nothing else. Another build may be reading, and BuildKit compares times."""
    existing = [path for path in target.rglob("*") if path.is_file()]
    for path in existing:
        if path.relative_to(target) not in contents:
            path.unlink(missing_ok=True)
    for name, content in contents.items():
        path = target / name
        if path not in existing or path.read_bytes() != content:
            _write_atomically(path, content, target.parent)


def tools(folder: Path) -> dict[Path, bytes]:
    """Return the content of each file of the tools, by its path in a folder that has nginx/ and node/."""
    names = (Path(asset).name for asset in ASSETS)
    paths = [path for name in names for path in (folder / name).rglob("*") if path.is_file()]
    return {path.relative_to(folder): path.read_bytes() for path in paths}


def _tools_with_ca(settings: Settings, app: App) -> dict[Path, bytes]:
    """Return the tools of a build, which are the app's own where `init` wrote them, with certificate authorities."""
    own = own_files.own_file(app.root, own_files.FOLDER)
    contents = tools(own or resources.path(settings.root, resources.IMAGES))
    if ca_file(settings):
        contents[Path("node/ca.pem")] = read_ca(settings)  # where install.sh looks for it
    return contents


def _write_atomically(path: Path, content: bytes, scratch: Path) -> None:
    """Write a file in the folder `scratch` of the same file system, and rename it. Every user may read it."""
    with workspace.writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = scratch / f".{path.name}.{os.getpid()}"
        try:
            unfinished.write_bytes(content)
            unfinished.chmod(0o644)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)


def ca_file(settings: Settings) -> str:
    """Return the path of the file with extra certificate authorities for npm in a build; empty when there is none."""
    return settings.build.ca_file or os.environ.get("NODE_EXTRA_CA_CERTS", "")


def read_ca(settings: Settings) -> bytes:
    """Return the certificate authorities for npm in a build; none without a file. Raises BuildError."""
    if not ca_file(settings):
        return b""
    try:
        return Path(ca_file(settings)).read_bytes()
    except OSError as error:
        raise BuildError(
            f"{ca_file(settings)} cannot be read: {reason_of(error)}.",
            "build.ca_file, or NODE_EXTRA_CA_CERTS, names the certificate authorities that npm trusts in the build.",
            "Correct it, or unset it",
        ) from error
