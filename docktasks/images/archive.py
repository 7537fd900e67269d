"""Read an image layer by layer from the archive of `docker image save`."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import IO, Any, TypeVar

from docktasks.errors import Skip
from docktasks.images.capabilities import permitted_capabilities
from docktasks.secret_patterns import GZIP_MAGIC, SecretSearch, kind_of

T = TypeVar("T")
MAX_KEPT_BYTES = 64 << 20
"""How much content of our files is kept in memory. Files beyond it have a digest but no content."""
CHUNK_BYTES = 1 << 20
SITE_DIR, HASHED_DIR = SITE_DIRS = "/srv/site/", "/srv/hashed/site/"
"""Where the image has the site's pages, and the files named by their content, each with its gzip copy next to it."""
OPAQUE_MARKER = "/.wh..opq"
"""End of the path of a whiteout that deletes the whole content of a folder: https://github.com/opencontainers/image-spec/blob/main/layer.md."""
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"  # https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1
SCRIPTS = (".js", ".mjs", ".cjs", ".css")
MAP_COMMENT = re.compile(rb"sourceMappingURL=([\w:;,./%@~+=-]{1,300})")
"""Matches a comment that names a source map: its path, or the beginning of a data address that has all of it."""
TAR_ERRORS = (tarfile.TarError, EOFError, OSError, zlib.error)
"""The errors of reading a damaged tar, or a file that is no tar."""
KINDS = {tarfile.REGTYPE: "file", tarfile.DIRTYPE: "folder", tarfile.SYMTYPE: "link", tarfile.LNKTYPE: "hardlink"}


class Unreadable(Skip):
    """The image's layers cannot be read. The message is the reason."""


@dataclass(frozen=True, slots=True)  # an image has thousands
class File:
    """A path in a layer. `kind` is file, folder, link, hardlink, other, or whiteout for a path that the layer deletes.

    Only a file of ours has a `digest` (SHA-256), the names of the `secrets` in it, and what a script has in its
    comments about `source_maps`. It has its `content`, but for a file of the site that is no compressed copy. A file of
    the base image has it where `is_kept` names it. `capabilities` is the bit set that a program of ours gains when it
    runs.
    """

    path: str
    kind: str
    size: int = 0
    mode: int = 0
    uid: int = 0
    gid: int = 0
    digest: bytes = b""
    content: bytes | None = None
    secrets: tuple[str, ...] = ()
    source_maps: tuple[bytes, ...] = ()
    capabilities: int = 0


@dataclass(frozen=True)
class Layer:
    """A layer: the `command` that made it, and the `size` of its files. `ours` is False for the base image's layers."""

    digest: str
    command: str
    size: int
    ours: bool
    files: dict[str, File] = field(default_factory=dict)


@dataclass(frozen=True)
class Contents:
    """The layers, the base image's first, and the image's `config` and `history`, as OCI's image-spec defines them."""

    layers: list[Layer]
    config: dict[str, Any]
    history: list[dict[str, Any]]


def read(archive: Iterable[bytes], base: Sequence[str], is_kept: Callable[[str], bool] = lambda _: False) -> Contents:
    """Read an archive; `base` has the digests of the base image's layers, for an image of another Dockerfile.

    `is_kept` tells by the path which files of the base have a content, too. Raises Unreadable.
    """
    with _opened(archive) as saved:
        return _contents(saved, base, is_kept)


def digests(archive: Iterable[bytes], folder: str) -> dict[str, bytes]:
    """Return the SHA-256 of each file below a folder, by its path from there: less than read(). Raises Unreadable."""
    files: dict[str, bytes] = {}
    with _opened(archive) as saved:
        for index, name in enumerate(_manifest(saved)[0]):
            with _open_layer(saved, name, index) as layer:
                for member in filter(tarfile.TarInfo.isfile, layer):
                    path = _path(member)
                    if "/.wh." in path:
                        files.pop(path.replace("/.wh.", "/").removeprefix(folder), None)
                    elif path.startswith(folder) and (source := layer.extractfile(member)):
                        files[path.removeprefix(folder)] = hashlib.sha256(source.read()).digest()
    return files


@contextmanager
def _opened(archive: Iterable[bytes]) -> Iterator[tarfile.TarFile]:
    with tempfile.TemporaryFile() as spool:
        for chunk in archive:
            spool.write(chunk)
        spool.seek(0)
        try:
            with tarfile.open(fileobj=spool, mode="r:") as saved:
                yield saved
        except TAR_ERRORS as error:
            raise Unreadable(f"its archive is damaged: {error}") from error


def _contents(saved: tarfile.TarFile, base: Sequence[str], is_kept: Callable[[str], bool]) -> Contents:
    names, config = _manifest(saved)
    history = config.get("history") or []
    commands = [step.get("created_by", "") for step in history if not step.get("empty_layer")]
    digests = (config.get("rootfs") or {}).get("diff_ids") or []
    start = own_start(history)
    if start is None or len(commands) != len(names):
        start = len(base) if list(base) == digests[: len(base)] else 0
    layers, budget = [], MAX_KEPT_BYTES
    for index, name in enumerate(names):
        ours = index >= start
        files = {file.path: file for file in _files(_open_layer(saved, name, index), budget if ours else -1, is_kept)}
        budget = max(0, budget - sum(len(file.content or b"") for file in files.values()))
        size = sum(file.size for file in files.values())
        layers.append(Layer(_at(digests, index), _at(commands, index), size, ours, files))
    return Contents(layers, config.get("config") or {}, history)


def is_own_step(step: Mapping[str, Any]) -> bool:
    """True for the step of our Dockerfile that copies what the builder assembled."""
    return re.match(r"COPY /out/image/ /(?: |$)", str(step.get("created_by"))) is not None


def own_start(history: Iterable[Mapping[str, Any]]) -> int | None:
    """How many layers are below the first one that our Dockerfile made; None without one."""
    steps = [step for step in history if not step.get("empty_layer")]
    return next((index for index, step in enumerate(steps) if is_own_step(step)), None)


def _at(texts: list[str], index: int) -> str:
    return texts[index] if index < len(texts) else ""


def _manifest(saved: tarfile.TarFile) -> tuple[list[str], dict[str, Any]]:
    """Return the names of the layers in the archive, and the image's configuration."""
    try:
        manifest = json.load(_member(saved, "manifest.json"))[0]
        config = json.load(_member(saved, manifest["Config"]))
        names = manifest["Layers"]
    except (ValueError, LookupError, TypeError) as error:
        raise Unreadable(f"its archive does not describe it: {error}") from error
    if not isinstance(config, dict):
        raise Unreadable("its archive does not describe it: its configuration is no object")
    if not names:
        raise Unreadable("it has no layer")
    return names, config


def _member(saved: tarfile.TarFile, name: str) -> IO[bytes]:
    member = saved.extractfile(name) if name in saved.getnames() else None
    if member is None:
        raise Unreadable(f"its archive has no file {name}")
    return member


def _open_layer(saved: tarfile.TarFile, name: str, index: int) -> tarfile.TarFile:
    layer = _member(saved, name)
    magic = layer.read(len(ZSTD_MAGIC))
    if magic == ZSTD_MAGIC:
        raise Unreadable(f"layer {index + 1} is compressed by zstd, which is not read here")
    layer.seek(0)
    # With the mode "r:*" the error of a damaged layer would have a reason for each kind of compression.
    return tarfile.open(fileobj=layer, mode="r:gz" if magic.startswith(GZIP_MAGIC) else "r:")


def _files(layer: tarfile.TarFile, budget: int, is_kept: Callable[[str], bool]) -> Iterator[File]:
    """Yield the files of a layer. `budget` is how many bytes of content may be kept; below 0 that `is_kept` is read."""
    with layer:
        for member in layer:
            path = _path(member)
            folder, _, name = path.rpartition("/")
            if name.startswith(".wh."):
                yield File(f"{folder}/{name.removeprefix('.wh.')}", "whiteout")
                continue
            kind = KINDS.get(member.type, "other")
            file = File(path, kind, member.size, member.mode, member.uid, member.gid)
            if kind == "file" and budget >= 0:
                file = _with_content(file, layer, member, is_kept=file.size <= budget or is_kept(path))
                budget = max(0, budget - len(file.content or b""))
            elif kind == "file" and is_kept(path) and (source := layer.extractfile(member)):
                file = replace(file, content=source.read())
            yield file


def _path(member: tarfile.TarInfo) -> str:
    return posixpath.normpath(f"/{member.name.strip('/')}")  # ten times as fast as PurePosixPath


def _with_content(file: File, layer: tarfile.TarFile, member: tarfile.TarInfo, *, is_kept: bool) -> File:
    """Return the file with what is found in it, and with `is_kept` also with its content."""
    source = layer.extractfile(member)
    digest, chunks, search = hashlib.sha256(), [], SecretSearch(kind_of(file.path))
    while source and (chunk := source.read(CHUNK_BYTES)):
        digest.update(chunk)
        search.feed(chunk)
        chunks += [chunk] if is_kept else []
    content = b"".join(chunks) if is_kept else None
    is_original = file.path.startswith(SITE_DIRS) and not file.path.endswith(".gz")
    return replace(
        file,
        digest=digest.digest(),
        content=None if is_original else content,
        secrets=search.end(),
        source_maps=tuple(MAP_COMMENT.findall(content or b"")) if file.path.endswith(SCRIPTS) else (),
        capabilities=permitted_capabilities(member),
    )


def final_files(layers: Iterable[Layer]) -> dict[str, File]:
    """Return the files that a container of these layers sees, by path. Of several with one path the topmost counts."""
    files: dict[str, File] = {}
    for layer in layers:
        for path in (path for path, file in layer.files.items() if file.kind == "whiteout"):
            folder = path.removesuffix(OPAQUE_MARKER)
            deleted = {name for name in files if name.startswith(f"{folder}/")} | ({path} if folder == path else set())
            files = {name: file for name, file in files.items() if name not in deleted}
        files |= {path: file for path, file in layer.files.items() if file.kind != "whiteout"}
    return files


def site_files(files: Mapping[str, T]) -> dict[str, T]:
    """Return what there is of each file of the site, by its path in it, out of what there is of an image's files."""
    paths = [(path, folder) for folder in SITE_DIRS for path in files if path.startswith(folder)]
    return without_compressed({path.removeprefix(folder): files[path] for path, folder in paths})


def without_compressed(files: Mapping[str, T]) -> dict[str, T]:
    """Return the files without the gzip copies of others."""
    return {path: file for path, file in files.items() if not (path.endswith(".gz") and path[:-3] in files)}
