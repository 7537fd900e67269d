"""What a build is sent beside the checkout: our tools, certificate authorities, a foreign app's Dockerfile."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from docktasks import workspace
from docktasks.errors import BuildError
from docktasks.settings import Settings

NEVER_SENT = ["**/node_modules", "**/.git", "**/.env.local", "**/.env.*.local", "**/*.log", "**/.DS_Store"]
"""What no build of a foreign app is sent; hello-dock's own context has the allow-list in .dockerignore."""

TOOLS_CONTEXT = "tools"
"""What the Dockerfiles call the stage, or the context in its place, with nginx/ and node/."""

MODULES = "id=hello-dock-modules,"
"""The cache mount of node_modules, as the Dockerfile has it for this checkout's own app."""


def context_folder(settings: Settings) -> str:
    """Where the Dockerfiles for a foreign app are put, from the checkout."""
    return f"{workspace.cache_path(settings)}/{settings.app.name}"


def context_args(settings: Settings, dockerfile: str) -> list[str]:
    """Where a build finds its files: the checkout, or for a foreign app its folder, with our Dockerfile and tools."""
    there = context_folder(settings)
    tools = (
        ["--build-context", f"tools={there}/{TOOLS_CONTEXT}"] if settings.is_external_app or ca_file(settings) else []
    )
    if not settings.is_external_app:
        return [*(["--file", dockerfile] if dockerfile != "Dockerfile" else []), *tools, "."]
    return ["--file", f"{there}/{dockerfile}", "--build-arg", "APP_DIR=.", *tools, str(settings.app_dir)]


def write_context(settings: Settings, dockerfile: str) -> None:
    """Write what a build takes beside the checkout and the app.

    For a foreign app our Dockerfile with an ignore file beside it, which BuildKit prefers to the app's own, so the app
    needs no change, and what must never be sent is not, whatever the app's folder holds
    (https://docs.docker.com/build/concepts/context/#filename-and-location).

    For that, and where certificate authorities are wanted, our tools with them: one folder, since each context of a
    build costs time, and no secret, which takes Docker a quarter of a second to mount and is in no layer either.
    """
    there = settings.root / context_folder(settings)
    if settings.is_external_app or ca_file(settings):
        workspace.cache_folder(settings)
        there.mkdir(exist_ok=True)
        _write_tools(settings, there / TOOLS_CONTEXT)
    if settings.is_external_app:
        # Each app has a node_modules of its own that is kept from build to build, whatever the checkout's path.
        kept = re.sub(r"\W+", "-", settings.app_dir.name)
        text = (settings.root / dockerfile).read_text().replace(MODULES, f"{MODULES[:-1]}-{kept},")
        (there / dockerfile).write_text(text)
        ignored = [*NEVER_SENT, f"/{settings.app.dist}"]
        (there / f"{dockerfile}.dockerignore").write_text("\n".join(ignored) + "\n")


def _write_tools(settings: Settings, folder: Path) -> None:
    """Have the folder hold nginx/, node/ and the certificate authorities. What is there already is left alone.

    Another build may be reading it, so nothing is there by half, either; and to BuildKit a file of the same size and
    time is the one that it has.
    """
    parts = (path for part in ("nginx", "node") for path in (settings.root / part).rglob("*"))
    wanted = {path.relative_to(settings.root): path.read_bytes() for path in parts if path.is_file()}
    if ca_file(settings):
        wanted[Path("ca/ca.pem")] = _read_ca(settings)
    there = [path for path in folder.rglob("*") if path.is_file()]
    for path in there:
        if path.relative_to(folder) not in wanted:
            path.unlink(missing_ok=True)
    for name, content in wanted.items():
        path = folder / name
        if path not in there or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder.parent, delete=False) as whole:
                whole.write(content)
            Path(whole.name).chmod(0o644)  # a step of a build may run as any user
            Path(whole.name).replace(path)


def ca_file(settings: Settings) -> str:
    """The file of extra certificate authorities for npm in a build; empty when none is wanted."""
    return settings.build.ca_file or os.environ.get("NODE_EXTRA_CA_CERTS", "")


def _read_ca(settings: Settings) -> bytes:
    try:
        return Path(ca_file(settings)).read_bytes()
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        raise BuildError(
            f"There is no file {ca_file(settings)}." if missing else f"{ca_file(settings)} cannot be read: {error}.",
            "build.ca_file, or NODE_EXTRA_CA_CERTS, names the certificate authorities that npm trusts in the build.",
            "Correct it, or unset it",
        ) from error
