"""`docker image build`: its argument lists, what the source is labelled with, and what a failure means."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docktasks.answers import Image, Result, Run
from docktasks.engine import Engine, NoEngine
from docktasks.errors import AppError, BuildError, DockError, EngineError
from docktasks.settings import BUILT_FOR, LABEL, Settings

CACHE = ".cache"
"""Folder of what a command can make again, in the checkout."""

BASE_LABEL = "org.opencontainers.image.base.name"
"""The label that names an image's base: https://specs.opencontainers.org/image-spec/annotations/"""

NEVER_SENT = ["**/node_modules", "**/.git", "**/.env.local", "**/.env.*.local", "**/*.log", "**/.DS_Store"]
"""What no build of a foreign app is sent; hello-dock's own context has the allow-list in .dockerignore."""


@dataclass(frozen=True)
class Source:
    """What is built: `revision` the commit (ending in -dirty with local changes), `epoch` its time in seconds."""

    version: str
    revision: str = ""
    epoch: str = ""


def package(settings: Settings) -> dict[str, Any]:
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


def script(settings: Settings, *names: str) -> str:
    """The first of these npm scripts that the app has. Raises AppError when it has none."""
    scripts = package(settings).get("scripts") or {}
    for name in names:
        if name in scripts:
            return name
    raise AppError(
        f"{settings.app_dir / 'package.json'} has no script {' or '.join(names)}.",
        f"The image runs `npm run {names[0]}`.",
        f'Add it, for example "{names[0]}": "vite{" build" if names[0] == "build" else ""}"',
    )


def source(settings: Settings) -> Source:
    """Version, commit and commit time of what goes into the image; git's part is empty outside a git checkout."""
    version = str(package(settings).get("version", "0.0.0"))
    folder = str(settings.app_dir)
    head = _git(folder, "log", "-1", "--format=%H %ct")
    if not head:
        return Source(version)
    revision, epoch = head.split()
    parts = [folder] if foreign(settings) else ["hello-dock", "nginx", "Dockerfile", ".dockerignore"]
    changed = _git(str(settings.root if not foreign(settings) else folder), "status", "--porcelain", "--", *parts)
    return Source(version, f"{revision}-dirty" if changed else revision, epoch)


def _git(folder: str, *args: str) -> str:
    try:
        asked = subprocess.run(["git", "-C", folder, *args], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""


def foreign(settings: Settings) -> bool:
    """True when app.dir is not the app that the repository's own build context holds."""
    return settings.app_dir != (settings.root / "hello-dock").resolve()


def context_folder(settings: Settings) -> str:
    """Where the Dockerfiles for a foreign app are put, from the checkout."""
    return f"{CACHE}/{settings.app.name}"


def context_args(settings: Settings, dockerfile: str) -> list[str]:
    """Where a build finds its files: the checkout, or for a foreign app its folder, with our Dockerfile and nginx/."""
    if not foreign(settings):
        return ["--file", dockerfile, "."] if dockerfile != "Dockerfile" else ["."]
    return [
        "--file", f"{context_folder(settings)}/{dockerfile}",
        "--build-arg", "APP_DIR=.",
        "--build-context", "nginx=nginx",
        str(settings.app_dir),
    ]  # fmt: skip


def write_context(settings: Settings, dockerfile: str) -> None:
    """For a foreign app: our Dockerfile with an ignore file beside it, which BuildKit prefers to the app's own.

    So the app needs no change, and what must never be sent is not, whatever the app's folder holds
    (https://docs.docker.com/build/concepts/context/#filename-and-location).
    """
    if foreign(settings):
        folder = settings.root / context_folder(settings)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / dockerfile).write_text((settings.root / dockerfile).read_text())
        ignored = [*NEVER_SENT, f"/{settings.app.dist}"]
        (folder / f"{dockerfile}.dockerignore").write_text("\n".join(ignored) + "\n")


def ca_file(settings: Settings) -> str:
    """The file of extra certificate authorities for npm in a build; empty when none is wanted."""
    return settings.build.ca_file or os.environ.get("NODE_EXTRA_CA_CERTS", "")


def build_args(settings: Settings, role: str, build: dict[str, str]) -> list[str]:
    """The command that builds `dev` or `prod` with these build arguments; empty ones are left out."""
    dockerfile = "Dockerfile" if role == "prod" else "Dockerfile.dev"
    args = ["docker", "image", "build", "--tag", settings.image(role)]
    for name, value in build.items():
        args += ["--build-arg", f"{name}={value}"] if value else []
    labels = {BUILT_FOR: settings.app.name, BASE_LABEL: build["NGINX_IMAGE" if role == "prod" else "NODE_IMAGE"]}
    for name, value in labels.items():
        args += ["--label", f"{name}={value}"]
    if ca_file(settings):
        args += ["--secret", f"id=ca,src={ca_file(settings)}"]
    return [*args, *context_args(settings, dockerfile)]


def prod_build(settings: Settings, node: str, nginx: str, origin: Source) -> dict[str, str]:
    """The build arguments of the production image."""
    return {
        "NODE_IMAGE": node,
        "NGINX_IMAGE": nginx,
        "DIST_DIR": "" if settings.app.dist == "dist" else settings.app.dist,
        "SOURCE_DATE_EPOCH": origin.epoch,
        "TITLE": "" if settings.app.name == LABEL else settings.app.name,
        "SOURCE": settings.build.source_url,
        "REVISION": origin.revision,
        "VERSION": origin.version,
    }


def build(run: Run, engine: Engine | NoEngine, settings: Settings, role: str, given: dict[str, str]) -> Image:
    """Build the image, and remove the one that it replaces unless a container uses that. Raises BuildError."""
    if ca_file(settings) and not Path(ca_file(settings)).is_file():
        raise BuildError(
            f"There is no file {ca_file(settings)}.",
            "build.ca_file, or NODE_EXTRA_CA_CERTS, names the certificate authorities that npm trusts in the build.",
            "Correct it, or unset it",
        )
    before = engine.tags.get(settings.image(role))
    if not run.dry:
        write_context(settings, "Dockerfile" if role == "prod" else "Dockerfile.dev")
    result = run(build_args(settings, role, given))
    if not result.ok:
        raise explain_build(result, settings)
    made = engine.image(settings.image(role))
    if made is None:
        raise BuildError(
            f"The build succeeded, but the engine has no image {settings.image(role)}.",
            "Another builder than the engine's own keeps its results to itself.",
            "Choose the engine's: docker buildx use default",
            evidence=result.tail(3),
        )
    if before is not None and before != made.id:
        remove_untagged(run, engine, before)
    return made


def remove_untagged(run: Run, engine: Engine | NoEngine, image_id: str) -> None:
    """Remove an image that a build of ours replaced, unless it has another name or a container that uses it.

    By its id, since what somebody builds on top inherits our labels.
    """
    left = engine.image(image_id)
    if left is not None and not left.tags:
        run(["docker", "image", "rm", image_id], quiet=True)  # refused while a container uses it


def _plain(text: str) -> str:
    """Without what a terminal would swallow: colours, cursor moves, carriage returns."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "")


def _evidence(text: str) -> str:
    """What the failed step printed, from its first word of an error; without stack traces.

    BuildKit's own summary has the last lines alone, where npm explains its usage and Vite its call stack.
    """
    steps = re.findall(r"(?m)^#(\d+) ERROR: process", text)
    if steps:  # plain progress: "#13 0.868 what it printed"
        printed = re.findall(rf"(?m)^#{steps[-1]} [\d.]+ (.*)$", text)
    else:  # on a terminal: a block with the step's log, "0.868 what it printed"
        blocks = re.findall(r"(?ms)^-{6}\n > \[[^\n]*\n(.*?)^-{6}$", text)
        printed = re.sub(r"(?m)^\d+\.\d+ ", "", blocks[-1]).splitlines() if blocks else []
    lines = [line for line in printed if line.strip() and not re.match(r"\s+at ", line)]
    errors = (place for place, line in enumerate(lines) if re.search(r"error|failed", line, re.IGNORECASE))
    first = next(errors, max(0, len(lines) - 15))
    return "\n".join(lines[first : first + 15]) or Result(1, text).tail()


def explain_build(result: Result, settings: Settings) -> DockError:
    """The error that a failed build is, with what the step that failed printed of it."""
    text = _plain(result.output)
    evidence = _evidence(text)
    names = {"app": settings.app.dir, "dist": settings.app.dist}
    for kind, pattern, what, why, how in BUILD_FAULTS:
        if re.search(pattern, text):
            return kind(what.format(**names), why, how.format(**names), evidence)
    return BuildError("`docker image build` failed.", "Nothing was replaced.", "Mend what its last lines say", evidence)


BUILD_FAULTS: list[tuple[type[DockError], str, str, str, str]] = [
    (
        BuildError,
        r"Canceled: context canceled",
        "The build was interrupted.",
        "Nothing was replaced.",
        "Start it again when you like; what was built so far is kept in Docker's cache",
    ),
    (
        EngineError,
        # The last is what the builder without BuildKit says of our flags.
        r"buildx component is missing|requires BuildKit|BuildKit is currently disabled|unknown flag: --secret",
        "The docker CLI has no BuildKit: its plugin buildx is missing, or DOCKER_BUILDKIT=0 turns it off.",
        "The Dockerfiles use BuildKit's caches and secrets.",
        "Install it (invoke setup says how), and unset DOCKER_BUILDKIT",
    ),
    (
        BuildError,
        r"no space left on device|ENOSPC",
        "The disk is full.",
        "The build could not write its files; what was running is untouched.",
        "See what Docker holds: docker system df; free some: docker builder prune, invoke clean",
    ),
    (
        BuildError,
        r"can only install packages when your package.json and package-lock.json",
        "{app}/package-lock.json is out of step with package.json.",
        "`npm ci` installs exactly what the lock file says, or nothing.",
        "Write the lock file anew and commit it: (cd {app} && npm install)",
    ),
    (
        BuildError,
        r"SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER|UNABLE_TO_VERIFY_LEAF|unable to get local issuer",
        "npm does not trust the certificate it was shown.",
        "A proxy that signs anew needs its certificate authority known inside the build, too.",
        "Name the file: NODE_EXTRA_CA_CERTS=/path/to/ca.pem invoke build-prod",
    ),
    (
        BuildError,
        r"does not exist after npm run build: DIST_DIR",  # by assemble.mjs, in the same step
        "`npm run build` left no index.html in {app}/{dist}.",
        "app.dist names the folder that it writes; nothing was replaced.",
        "Correct it in invoke.yaml, or INVOKE_APP_DIST=folder (DIST_DIR is the same for the Dockerfile alone)",
    ),
    (
        BuildError,
        r"(?m)^ > \[[^\]]*\] RUN .*npm run build",
        "`npm run build` failed.",
        "The production image is made from what it writes; nothing was replaced.",
        "Mend what it says, and try it alone: (cd {app} && npm run build)",
    ),
    (
        BuildError,
        r"npm (error|ERR!)",
        "npm could not install the app's dependencies.",
        "The build installs what the app's lock file names; nothing was replaced.",
        "Mend what npm says, and try it alone: (cd {app} && npm ci)",
    ),
]
"""How known faults are told by what a build prints: (error, pattern, what, why, how), the first that matches."""
