"""What the image's layers contain. What a later layer deletes is still in the image."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from docktasks.images import archive
from docktasks.images.archive import File, Layer, final_files
from docktasks.images.own_files import recorded
from docktasks.labels import SOURCE_MAPS_LABEL
from docktasks.secret_patterns import SECRET_FILE, SECRET_VARIABLE, find_secrets
from docktasks.verify.probes.places import BACKUP_FILE
from docktasks.verify.registry import Major, Minor, check
from docktasks.verify.subject import Subject

# What belongs in the builder or the checkout, and never in a shipped image: by the name of a file or of a folder.
BUILDER_FILE = re.compile(
    r"^(node|nodejs|npm|npx|yarn|pnpm|bun|corepack|package(-lock)?\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?)$"
    r"|\.(vue|tsx?|jsx|svelte)$|^vite\.config\.[cm]?[jt]s$"
    r"|^\.env(\..+)?$|^\.(npmrc|yarnrc(\.yml)?|pnpmfile\.cjs|envrc)$|^bunfig\.toml$"
)
SOURCE_MAP = re.compile(r"\.([cm]?js|css)\.map(\.(gz|br|zst))?$")
INLINE_MAP = re.compile(rb"data:application/json[^,]{0,60},[\w%+/=-]{40}")
BUILDER_FOLDERS = {"node_modules", ".git"}
SERVER_FILE = re.compile(
    r"/usr/local/share/hello-dock/(?:built|deltas\.mjs)$"
    r"|/usr/local/bin/(?:carry|drain|hold)$|/docker-entrypoint\.d/3\d-hello-dock-\w+\.sh$"
    r"|/etc/nginx/(?:nginx\.conf|serving/[\w-]+\.conf|(?:base|policy|site|redirects)/[\w-]+\.conf)$"
)
RELEASE_FILE = re.compile(rf"/srv/(?:hashed/)?(?:site|br)/|/srv/(?:run|carried)$|{SERVER_FILE.pattern}")
"""What the assembler writes (docktasks/images/nginx/assemble.mjs): a release needs nothing else."""
MAX_EXTRA_BYTES = 65_000
"""What an image may add to its base next to the site: configuration, and scripts, without what grows with the site."""
BUILD_ARGUMENTS = re.compile(r"ARG |RUN \|\d")
"""Matches a step that keeps the values of build arguments: https://docs.docker.com/build/building/secrets/."""
SHELL = re.compile(r" (?:/\S*/)?(?:ba|a|da|z|k)?sh ")
"""Matches where the arguments of a step end, and its command begins."""
SHIPPED_KINDS = "file", "link", "hardlink"
SCRATCH = {("/tmp", 0o1777), ("/var/tmp", 0o1777)}  # noqa: S108 - the image's own
"""The folders that everybody may write to, with the mode that keeps others from deleting files."""

RUN = re.compile(r"^/(?:usr/)?s?bin/(?:sh|busybox|nginx|wget)$")
"""Matches what the command and the health check run, of which the base image has the programs."""

CACHE_PATH = re.compile(
    r"^/(root|home/[^/]+)/\.(npm|cache|yarn|pnpm-store|node-gyp)/|^/var/(cache|log)/.|^/var/lib/apt/lists/."
    r"|^/(var/)?tmp/.|/__pycache__/|^/var/lib/dpkg/info/."
)
"""Where package managers and builds keep caches: https://docs.docker.com/build/building/best-practices/."""


@check(
    "image.contents",
    "critical",
    fix="Copy only what serves the app, and delete nothing: COPY --from=builder /out/image/ /",
)
def contents(subject: Subject) -> Iterator[str]:
    """No layer has source, node, npm or a private source map. Ours have what serves the app, and lack nothing of it."""
    reported = dict(_builder_files(subject))
    yield from reported.values()
    if archive.own_start(subject.contents().history) is not None:
        kind = Minor if recorded(subject.project.app.root) else Major  # a Dockerfile of the app's own may add files
        files = (file for file in final_files(subject.own_layers()).values() if file.path not in reported)
        others = [file for file in files if file.kind in SHIPPED_KINDS and not CACHE_PATH.search(file.path)]
        yield from map(kind, _needless_files(others))
        yield from map(kind, _changed_files(subject.own_layers()))


def _changed_files(layers: list[Layer]) -> Iterator[str]:
    """Yield the server's files that a step after the build has changed or added. image.site compares the site's."""
    final, built = final_files(layers), layers[0].files if layers else {}
    for path, file in (final | built).items():
        if file.kind in SHIPPED_KINDS and SERVER_FILE.match(path):
            if path not in built:
                yield f"{path}: a later step adds it"
            elif path not in final or final[path].digest != file.digest:
                yield f"{path}: a later step {'changes' if path in final else 'deletes'} what the build wrote"
    deleted = dict.fromkeys(path for layer in layers for path, file in layer.files.items() if file.kind == "whiteout")
    yield from (
        f"{path}: a step deletes this program, which the container runs" for path in filter(RUN.search, deleted)
    )


def _builder_files(subject: Subject) -> Iterator[tuple[str, str]]:
    """Yield the path of each file of a builder or a checkout, and the line about it."""
    public_maps = _public_maps(subject)
    for number, layer in enumerate(subject.contents().layers, 1):
        patterns = (BUILDER_FILE, BACKUP_FILE) if layer.ours else (BUILDER_FILE,)
        for file in (file for file in layer.files.values() if file.kind != "whiteout"):
            *folders, name = file.path.split("/")
            is_map = SOURCE_MAP.search(name) and re.sub(r"\.(gz|br|zst)$", "", name) not in public_maps
            if is_map or not BUILDER_FOLDERS.isdisjoint(folders) or any(pattern.search(name) for pattern in patterns):
                yield file.path, f"{file.path} (layer {number})"
            elif any(map(INLINE_MAP.match, file.source_maps)) and not public_maps:
                yield file.path, f"{file.path} (layer {number}): its source map, with the source, is in it"


def _needless_files(files: list[File]) -> Iterator[str]:
    """Yield what no release needs, but for what image.secrets and image.setuid report; image.leftovers has caches."""
    for file in files:
        is_reported = file.secrets or SECRET_FILE.search(file.path) or file.mode & 0o6000 or file.capabilities
        if not (RELEASE_FILE.match(file.path) or (is_reported and file.kind == "file")):
            yield f"{file.path}: no release needs it"
    extra = [file for file in files if not re.match(r"/srv/|/etc/nginx/(policy|site|redirects)/|.*/built$", file.path)]
    size = sum(file.size for file in extra)
    if size > MAX_EXTRA_BYTES:
        names = ", ".join(f"{file.path} {file.size:,}" for file in sorted(extra, key=lambda file: -file.size)[:3])
        yield f"{size:,} bytes next to the site, of {MAX_EXTRA_BYTES:,} allowed; the largest: {names}"


def _public_maps(subject: Subject) -> set[str]:
    """The names of the source maps that visitors may have: all where the setting says so, or those that scripts name.

    The label says that they were public at the build.
    """
    if subject.image.labels.get(SOURCE_MAPS_LABEL) != "public":
        return set()
    files = [file for layer in subject.contents().layers for file in layer.files.values()]
    if subject.project.settings.build.source_maps == "public":
        return {PurePosixPath(file.path).name for file in files} - {""}
    return {PurePosixPath(name.decode()).name for file in files for name in file.source_maps if name.endswith(b".map")}


@check("image.secrets", "critical", fix="Revoke it. Use --secret: https://docs.docker.com/build/building/secrets/")
def secrets(subject: Subject) -> Iterator[str]:
    """No private key, token or password is in the image's own layers, its configuration or its history."""
    config, history = subject.contents().config, subject.contents().history
    yield from variable_faults(subject.image.environment)
    steps = (SHELL.split(str(step.get("created_by", "")), maxsplit=1)[0] for step in history)
    arguments = dict(pair for step in steps if BUILD_ARGUMENTS.match(step) for pair in re.findall(r"(\w+)=(\S+)", step))
    yield from (fault for fault in variable_faults(arguments, "history") if fault.endswith(" has a value"))
    texts = [(f"label {name}", f"{name}={value}") for name, value in subject.image.labels.items()]
    texts += [("history", f"{step.get('created_by', '')} {step.get('comment', '')}") for step in history]
    texts += [(name, json.dumps(value)) for name, value in config.items() if name not in ("Env", "Labels")]
    yield from dict.fromkeys(f"{source}: {secret}" for source, text in texts for secret in find_secrets(text.encode()))
    for file in _files_of(layer for layer in subject.contents().layers if layer.ours):
        if file.kind == "file" and SECRET_FILE.search(file.path):
            yield f"{file.path}: a file of keys or passwords"
        yield from (f"{file.path}: {secret}" for secret in file.secrets)


def _files_of(layers: Iterable[Layer]) -> Iterator[File]:
    """Every file of these layers, also if a later layer deletes it."""
    for layer in layers:
        yield from (file for file in layer.files.values() if file.kind != "whiteout")


def variable_faults(variables: Mapping[str, str], source: str = "environment") -> Iterator[str]:
    """Yield the variables whose value, or whose name, is that of a secret."""
    for name, value in variables.items():
        secrets_of_value = find_secrets(f"{name}={value}".encode())
        yield from (f"{source}: {name}: {secret}" for secret in secrets_of_value)
        if value and not secrets_of_value and SECRET_VARIABLE.search(name):
            yield f"{source}: {name} has a value"


@check("image.ownership", "major", fix="Keep root as the owner, and modes 644 and 755: COPY without --chown, no chmod")
def ownership(subject: Subject) -> Iterator[str]:
    """The files of the image's own layers belong to root, and the user that serves them cannot change them."""
    for file in _files_of(subject.own_layers()):
        if file.uid or file.gid:
            yield f"{file.path} belongs to uid {file.uid}, gid {file.gid}"
        elif file.kind in ("file", "folder") and file.mode & 0o022 and (file.path, file.mode & 0o7777) not in SCRATCH:
            yield f"{file.path} has mode {file.mode & 0o7777:o}"


@check("image.setuid", "major", fix="chmod u-s,g-s; setcap -r; or remove the program")
def setuid(subject: Subject) -> Iterator[str]:
    """The image's own layers add no program with setuid, setgid or capabilities."""
    for file in _files_of(subject.own_layers()):
        if file.kind == "file" and file.mode & 0o6000:
            yield f"{file.path} has mode {file.mode & 0o7777:o}"
        if file.capabilities:
            yield f"{file.path} has capabilities {file.capabilities:016x}"


@check("image.leftovers", "minor", fix="Clean up in the same step, use the stage builder, or mount the cache")
def leftovers(subject: Subject) -> Iterator[str]:
    """The image's own layers contain no cache, and no file that a later one replaces or deletes."""
    for file in _files_of(subject.own_layers()):
        if file.kind in ("file", "link") and CACHE_PATH.search(file.path):
            yield f"{file.path}: {'a link' if file.kind == 'link' else f'{file.size:,} bytes'} of a cache"
    layers = subject.own_layers()
    for number, layer in enumerate(layers, 1):
        later_paths = {path for later in layers[number:] for path in later.files}
        for path, file in layer.files.items():
            if file.kind == "file" and path in later_paths:
                yield f"{path}: {file.size:,} bytes that a later layer replaces or deletes"
