"""The site in the image: held against what the build wrote, twin by twin, byte by byte."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from docktasks.app import git
from docktasks.images import base_images, build, build_context
from docktasks.images.build import BASE_LABEL
from docktasks.verify.checks.image.own_layers import our_files, our_layers
from docktasks.verify.probes.content_encoding import decoder
from docktasks.verify.probes.image_archive import File, final
from docktasks.verify.registry import Skip, check
from docktasks.verify.subject import Subject

BUDGET = 30_000
"""Bytes that an image may add to its base beside the site and its twins: the configuration, and a few scripts."""
SITES = ("/srv/hashed/site/", "/srv/site/")
TWINS = ("/srv/hashed/br/", "/srv/br/")
REST = {"/srv", "/srv/run", "/srv/carried", "/srv/hashed"}
"""What else is there: a link to what the container writes, and where other releases' assets are mounted."""


def _files(subject: Subject) -> dict[str, File]:
    """What of ours a container finds, by path; Skip where it has no site in our place."""
    found = {path: file for path, file in final(our_layers(subject)).items() if file.kind != "folder"}
    if not any(path.startswith(SITES) for path in found):
        raise Skip("there is no site in /srv/site")
    return found


def _site(files: dict[str, File]) -> dict[str, File]:
    """The site's own files, by their path from its root; a .gz beside the file that it stands for is not one."""
    return {
        path.removeprefix(tree): file
        for tree in SITES
        for path, file in files.items()
        if path.startswith(tree) and not (path.endswith(".gz") and path[:-3] in files)
    }


@check(
    "image.site",
    severity="critical",
    needs="image",
    fix="Build it again: invoke build-prod; if it stays, look for a step of the Dockerfile that changes the site",
)
def site(subject: Subject) -> Iterator[str]:
    """The site in the image is what the build wrote, byte for byte: the build's own step gives it once more."""
    shipped = {path: file.digest for path, file in _site(_files(subject)).items()}
    with tempfile.TemporaryDirectory() as folder:
        _export(subject, folder)
        found = {str(path.relative_to(folder)): path for path in Path(folder).rglob("*") if path.is_file()}
        wrote = {
            name: hashlib.sha256(path.read_bytes()).digest()
            for name, path in found.items()
            if not (name.endswith(".gz") and name[:-3] in found)
        }
    yield from (f"{path}: not written by the build" for path in sorted(shipped.keys() - wrote.keys()))
    yield from (f"{path}: written by the build, and not in the image" for path in sorted(wrote.keys() - shipped.keys()))
    yield from (
        f"{path}: other bytes than the build wrote"
        for path in sorted(wrote)
        if shipped.get(path, wrote[path]) != wrote[path]
    )


def _export(subject: Subject, folder: str) -> None:
    """Have the build give what it wrote, which is in its cache. Raises Skip where it is not this image's build."""
    if not subject.is_ours:
        raise Skip("the image is not this project's build")
    settings, origin = subject.settings, git.source(subject.project.app, subject.settings)
    revision = subject.image.labels.get("org.opencontainers.image.revision", "")
    if not origin.revision or origin.revision.endswith("-dirty") or revision != origin.revision:
        raise Skip(f"built from {revision or 'no commit'}, and the checkout holds {origin.revision or 'none'}")
    node = base_images.local(subject.project, "node")
    if node is None:
        raise Skip("the image of node that it was built with is not here")
    given = build.prod_build(settings, node.reference, subject.image.labels[BASE_LABEL], origin)
    build_context.write_context(settings, "Dockerfile")
    done = subject.run(build.dist_args(settings, subject.project.app.package_manager, given, folder), quiet=True)
    if not done.ok:
        raise Skip(f"the build does not give its output again: {done.tail(1)}")


@check(
    "image.twins",
    severity="critical",
    needs="image",
    fix="Build it again: invoke build-prod; if it stays, look at nginx/assemble.mjs, which makes the twins",
)
def twins(subject: Subject) -> Iterator[str]:
    """Every gzip and brotli twin decodes to the file that it stands for, and is smaller."""
    files = _files(subject)
    for path, file in sorted(files.items()):
        original = _original(path, files)
        if original is None:
            continue
        if file.content is None or original.content is None:
            raise Skip(f"{path} is too large to be looked at beside all the others")
        if not _stands_for(path, file.content, original.content):
            yield f"{path}: does not decode to {original.path}"
        elif file.size >= original.size:
            yield f"{path}: {file.size:,} bytes, where {original.path} has {original.size:,}"


def _original(path: str, files: dict[str, File]) -> File | None:
    if path.startswith(TWINS):
        return files.get(path.replace("/br/", "/site/", 1))
    return files.get(path[:-3]) if path.endswith(".gz") and path.startswith(SITES) else None


def _stands_for(path: str, content: bytes, original: bytes) -> bool:
    """True when it decodes to that; in pieces, for it may decode to far more."""
    decoded, at = decoder("br" if path.startswith(TWINS) else "gzip"), 0
    try:
        for piece in chain(decoded.feed(content), decoded.end()):
            if original[at : at + len(piece)] != piece:
                return False
            at += len(piece)
    except ValueError:
        return False
    return at == len(original)


@check(
    "image.size",
    severity="major",
    needs="image",
    fix="Copy only what serves the app from the stage builder: COPY --from=builder /out/image/ /",
)
def size(subject: Subject) -> Iterator[str]:
    """Beside the site and its twins the image adds at most 30 kB to its base, and nothing to where they are."""
    files = _files(subject)
    trees = (*SITES, *TWINS)
    for path in files:
        if path.startswith(TWINS) and _original(path, files) is None:
            yield f"{path}: a twin of no file"
        elif path.startswith("/srv/") and not path.startswith(trees) and path not in REST:
            yield f"{path}: neither of the site nor one of its twins"
    rest = [file for file, _ in our_files(subject) if not file.path.startswith(trees)]
    added = sum(file.size for file in rest)
    if added > BUDGET:
        largest = sorted(rest, key=lambda file: -file.size)[:3]
        named = ", ".join(f"{file.path} {file.size:,}" for file in largest)
        yield f"{added:,} bytes beside the site, allowed are {BUDGET:,}; the largest: {named}"
