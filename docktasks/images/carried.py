"""The files of kept releases, in the volume that each release sees (docktasks/images/nginx/carry.sh)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from docktasks.engine.models import Container
from docktasks.engine.protocol import Engine
from docktasks.images.archive import without_compressed

FOLDER = "/srv/carried"
"""Where the volume is mounted."""
RELEASES_DIR = f"{FOLDER}/releases"
LIST = f"cd {RELEASES_DIR} && ls && {{ find $PWD -type f -path '*/site/*' ACTION 2>/dev/null || :; }}"
"""Shell script: a line for each release, and one for each file. One may be removed meanwhile."""
LIST_SERVED = f"cd {FOLDER} && find site br built/site built/br ! -type d -exec stat -c '%h %n' {{}} +"
"""Shell script: the number of names and the path of each file that nginx serves from the volume."""


class CarriedFile(NamedTuple):
    """A file of a kept release: its path is from the site's root, its digest a SHA-256, or empty.

    `is_hashed` is False for a file whose name has no hash: other releases may have other bytes under it.
    """

    release: str
    path: str
    digest: bytes
    is_hashed: bool


def carried(engine: Engine, container: Container, *, with_digests: bool = True) -> tuple[list[str], list[CarriedFile]]:
    """Return the kept releases, and their files. A compressed copy is none, because it has no name of its own."""
    action = "-exec sha256sum {} +" if with_digests else "-print"
    result = engine.exec(container.name, ["sh", "-c", LIST.replace("ACTION", action)])
    rows = [line.partition(f"{RELEASES_DIR}/") for line in result.output.splitlines()] if result.ok else []
    digests = {name: bytes.fromhex(digest) for digest, _, name in rows if name}
    files = [(*name.partition("/site/"), digest) for name, digest in sorted(without_compressed(digests).items())]
    return (
        [release for release, separator, _ in rows if not separator],
        [CarriedFile(folder.partition("/")[0], path, digest, "/" not in folder) for folder, _, path, digest in files],
    )


def foreign_paths(engine: Engine, container: Container) -> list[str]:
    """Return what nginx serves from the volume and no release has: every other file is also a release's, by a link."""
    result = engine.exec(container.name, ["sh", "-c", LIST_SERVED])
    rows = [line.partition(" ") for line in result.output.splitlines()]
    return sorted(path for count, _, path in rows if count == "1")


def sampled(files: Iterable[CarriedFile], limit: int) -> Iterator[CarriedFile]:
    """Yield at most `limit` files of each release with a hash in the name, and as many others, spread over all."""
    groups: dict[tuple[str, bool], list[CarriedFile]] = {}
    for file in sorted(files, key=lambda file: (file.release, not file.is_hashed)):
        groups.setdefault((file.release, file.is_hashed), []).append(file)
    for group in groups.values():
        yield from group[:: -(-len(group) // limit)]
