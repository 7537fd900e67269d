"""An image, layer by layer: what `docker image save` gives of it, read once."""

from __future__ import annotations

import hashlib
import json
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO, Any

from docktasks.verify.probes.secret_patterns import Search

KEPT = 64 << 20
"""Bytes of files of ours that are kept in memory, in all. Of those beyond it the digest alone is known."""

OPAQUE = "/.wh..opq"
"""How the path of a whiteout ends that is for all that a folder had: https://github.com/opencontainers/image-spec/blob/main/layer.md."""

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
"""What begins a layer that is compressed: https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1."""

CAPABILITY = "SCHILY.xattr.security.capability"

DAMAGED = (tarfile.TarError, EOFError, OSError, zlib.error)
"""What reading a tar raises that is cut short or is none, compressed or not."""

KINDS = {tarfile.REGTYPE: "file", tarfile.DIRTYPE: "folder", tarfile.SYMTYPE: "link", tarfile.LNKTYPE: "hardlink"}


class Unreadable(Exception):  # noqa: N818 - a reason, for which checks are skipped, not an error of whoever asked
    """The image's layers cannot be read, for the reason given."""


@dataclass(frozen=True)
class File:
    """What a layer has at a path; `kind` is file, folder, link, hardlink, other, or whiteout: a path that is deleted.

    `digest` is the content's SHA-256, `content` the content, and `secrets` what is in it that nobody should read: all
    empty but for a file of ours. `capabilities` are those that a program gains, bit by bit.
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
    capabilities: int = 0


@dataclass(frozen=True)
class Layer:
    """One layer: `command` is the step that made it, `size` the bytes of its files; `ours` unless it is the base's."""

    digest: str
    command: str
    size: int
    ours: bool
    files: dict[str, File] = field(default_factory=dict)


@dataclass(frozen=True)
class Contents:
    """The layers, from the base up, and the image's own configuration: the `config` of the OCI image specification.

    https://github.com/opencontainers/image-spec/blob/main/config.md
    """

    layers: list[Layer]
    config: dict[str, Any]
    history: list[dict[str, Any]]


def read(archive: Iterable[bytes], base: Sequence[str]) -> Contents:
    """Read an archive of `docker image save`; `base` are the digests of the base image's layers.

    Raises Unreadable for one that is none, is damaged, or has no layer.
    """
    with tempfile.TemporaryFile() as spool:
        for chunk in archive:
            spool.write(chunk)
        spool.seek(0)
        try:
            with tarfile.open(fileobj=spool, mode="r:") as saved:
                return _contents(saved, base)
        except DAMAGED as error:
            raise Unreadable(f"its archive is damaged: {error}") from error


def _contents(saved: tarfile.TarFile, base: Sequence[str]) -> Contents:
    names, described = _described(saved)
    history = described.get("history") or []
    made = [step.get("created_by", "") for step in history if not step.get("empty_layer")]
    digests = (described.get("rootfs") or {}).get("diff_ids") or []
    layers, left = [], KEPT
    for place, name in enumerate(names):
        digest = digests[place] if place < len(digests) else ""
        ours = list(base) != digests[: len(base)] or place >= len(base)
        files = {file.path: file for file in _files(_layer(saved, name, place), left if ours else -1)}
        left -= sum(len(file.content or b"") for file in files.values())
        command = made[place] if place < len(made) else ""
        layers.append(Layer(digest, command, sum(file.size for file in files.values()), ours, files))
    return Contents(layers, described.get("config") or {}, history)


def _described(saved: tarfile.TarFile) -> tuple[list[str], dict[str, Any]]:
    """The layers' names in the archive, and the image's configuration."""
    try:
        manifest = json.load(_member(saved, "manifest.json"))[0]
        described = json.load(_member(saved, manifest["Config"]))
        names = manifest["Layers"]
    except (ValueError, LookupError, TypeError) as error:
        raise Unreadable(f"its archive does not describe it: {error}") from error
    if not isinstance(described, dict):
        raise Unreadable("its archive does not describe it: its configuration is no object")
    if not names:
        raise Unreadable("it has no layer")
    return names, described


def _member(saved: tarfile.TarFile, name: str) -> IO[bytes]:
    try:
        found = saved.extractfile(name)
    except KeyError:
        found = None
    if found is None:
        raise Unreadable(f"its archive has no file {name}")
    return found


def _layer(saved: tarfile.TarFile, name: str, place: int) -> tarfile.TarFile:
    layer = _member(saved, name)
    begins = layer.read(len(ZSTD))
    if begins == ZSTD:
        raise Unreadable(f"layer {place + 1} is compressed by zstd, which is not read here")
    layer.seek(0)
    # By name: tarfile's own guess tries what no layer is, and tells of each why it is none.
    return tarfile.open(fileobj=layer, mode="r:gz" if begins.startswith(GZIP) else "r:")


def _files(layer: tarfile.TarFile, keep: int) -> Iterator[File]:
    """The files of a layer: `keep` bytes of content in all, and digests, where it is >= 0."""
    with layer as content:
        for member in content:
            path = PurePosixPath("/", member.name.removeprefix("./"))
            if path.name.startswith(".wh."):
                yield File(str(path.with_name(path.name.removeprefix(".wh."))), "whiteout")
                continue
            kind = KINDS.get(member.type, "other")
            given = (str(path), kind, member.size, member.mode, member.uid, member.gid)
            source = content.extractfile(member) if kind == "file" and keep >= 0 else None
            if source is None:
                yield File(*given)
                continue
            digest, kept, search = hashlib.sha256(), b"", Search()
            while piece := source.read(1 << 20):
                digest.update(piece)
                search.feed(piece)
                kept = kept + piece if member.size <= keep else b""
            keep -= len(kept)
            whole = kept if len(kept) == member.size else None
            yield File(*given, digest.digest(), whole, search.end(), _capabilities(member))


def _capabilities(member: tarfile.TarInfo) -> int:
    """Those that a program gains by its extended attribute, which a tar keeps as bytes taken for UTF-8.

    They are the permitted ones in the kernel's struct vfs_cap_data, in two halves beside the inheritable ones:
    https://github.com/torvalds/linux/blob/master/include/uapi/linux/capability.h.
    """
    given = member.pax_headers.get(CAPABILITY, "").encode("utf-8", "surrogateescape")
    return int.from_bytes(given[4:8], "little") | int.from_bytes(given[12:16], "little") << 32


def final(layers: Iterable[Layer]) -> dict[str, File]:
    """What a container of these layers finds: path -> file, the topmost of each, without what was deleted."""
    found: dict[str, File] = {}
    for layer in layers:
        for path, file in layer.files.items():
            if file.kind == "whiteout":
                # An opaque folder: what was in it is deleted, not itself.
                below = path.removesuffix(OPAQUE)
                gone = {name for name in found if name.startswith(f"{below}/")} | ({path} if below == path else set())
                found = {name: each for name, each in found.items() if name not in gone}
        found |= {path: file for path, file in layer.files.items() if file.kind != "whiteout"}
    return found
