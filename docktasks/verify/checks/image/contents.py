"""What is in the image's layers, also what a later layer deletes: it is in the image all the same."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docktasks.verify.checks.image.own_layers import our_files, our_layers
from docktasks.verify.probes.secret_patterns import FILED, NAMED, found
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

# What belongs to the builder or to the checkout, never to what is shipped: by a path's last part, or any part.
_BUILDER = re.compile(r"^(node|nodejs|npm|npx|yarn|pnpm|corepack|package(-lock)?\.json|yarn\.lock|pnpm-lock\.yaml)$")
_SOURCE = re.compile(r"\.(vue|tsx?|jsx|svelte|map)$|^vite\.config\.[cm]?[jt]s$")
_SECRET = re.compile(r"^\.env(\..+)?$|^\.npmrc$")
_FOLDERS = {"node_modules", ".git"}

_CACHE = re.compile(
    r"^/(root|home/[^/]+)/\.(npm|cache|yarn|pnpm-store|node-gyp)/|^/var/(cache|log)/.|^/var/lib/apt/lists/."
    r"|^/(var/)?tmp/.|/__pycache__/|^/var/lib/dpkg/info/."
)
"""Where package managers and builds leave what nobody needs any more: https://docs.docker.com/build/building/best-practices/."""


@check(
    "image.contents",
    severity="critical",
    needs="image",
    fix="Copy only what serves the app from the stage builder: COPY --from=builder /out/image/ /",
)
def contents(subject: Subject) -> Iterator[str]:
    """No layer holds node, npm, source, a lock file, a secret file or a source map."""
    for place, layer in enumerate(subject.layers):
        for path in layer.files:
            parts = path.strip("/").split("/")
            name = parts[-1]
            foreign = _BUILDER.match(name) or _SOURCE.search(name) or _SECRET.match(name) or _FOLDERS & set(parts[:-1])
            if foreign:
                yield f"{path} (layer {place + 1})"


@check(
    "image.secrets",
    severity="critical",
    needs="image",
    fix="Take it back where it was given out, then build without: --secret (https://docs.docker.com/build/building/secrets/)",
)
def secrets(subject: Subject) -> Iterator[str]:
    """No private key, token or password is in a file of our layers, in the environment, or in the image's history."""
    said = [(f"environment: {name}", value) for name, value in subject.image.environment.items()]
    said += [(f"label {name}", value) for name, value in subject.image.labels.items()]
    yield from _said(said)
    yield from (
        f"environment: {name} has a value"
        for name, value in subject.image.environment.items()
        if value and NAMED.search(name)
    )
    yield from _said([("history", str(step.get("created_by", ""))) for step in subject.contents.history])
    for file, _ in our_files(subject):
        if file.kind == "file" and FILED.search(file.path):
            yield f"{file.path}: a file of keys or passwords"
        yield from (f"{file.path}: {what}" for what in file.secrets)


def _said(texts: list[tuple[str, str]]) -> Iterator[str]:
    return (f"{where}: {what}" for where, text in texts for what in found(text.encode()))


@check(
    "image.ownership",
    severity="major",
    needs="image",
    fix="Leave it root's, with modes 644 and 755: COPY without --chown, and no chmod that lets others write",
)
def ownership(subject: Subject) -> Iterator[str]:
    """What we ship is root's, and the user that serves it cannot change it."""
    for file, _ in our_files(subject):
        if file.uid or file.gid:
            yield f"{file.path} is of uid {file.uid}, gid {file.gid}"
        elif file.kind in ("file", "folder") and file.mode & 0o022:
            yield f"{file.path} has mode {file.mode & 0o7777:o}"


@check("image.setuid", severity="major", needs="image", fix="chmod u-s,g-s; setcap -r; or leave the program out")
def setuid(subject: Subject) -> Iterator[str]:
    """Our layers add no program that runs as another user than its caller, or with capabilities of its own."""
    for file, _ in our_files(subject):
        if file.kind == "file" and file.mode & 0o6000:
            yield f"{file.path} has mode {file.mode & 0o7777:o}"
        if file.capabilities:
            yield f"{file.path} has capabilities {file.capabilities:016x}"


@check(
    "image.waste",
    severity="minor",
    needs="image",
    fix="Clean up in the step that makes it, or make it in the stage builder; use a cache mount for what a build keeps",
)
def waste(subject: Subject) -> Iterator[str]:
    """Our layers hold no cache, and nothing that a later one of ours replaces or deletes."""
    yield from (
        f"{file.path}: {file.size:,} bytes of a cache"
        for file, _ in our_files(subject)
        if file.kind == "file" and _CACHE.search(file.path)
    )
    layers = our_layers(subject)
    for place, layer in enumerate(layers):
        later = [each.files for each in layers[place + 1 :]]
        for path, file in layer.files.items():
            if file.kind == "file" and any(path in files for files in later):
                yield f"{path}: {file.size:,} bytes that a later layer replaces or deletes"
