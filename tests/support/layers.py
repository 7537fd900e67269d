"""Search the layers of images and of exported build caches for texts."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Iterable
from pathlib import Path

from tests.support.commands import docker

GZIP_MAGIC = b"\x1f\x8b"


def texts_in_image(image: str, texts: Iterable[str], folder: Path) -> set[str]:
    """Return those of the texts that a layer of the image, its configuration or its history contains."""
    archive = folder / "image.tar"
    docker("image", "save", "--output", str(archive), image)
    with tarfile.open(archive) as saved:
        blobs = [member.read() for file in saved if file.isfile() and (member := saved.extractfile(file))]
    return _texts_in(blobs, texts)


def texts_in_cache(folder: Path, texts: Iterable[str]) -> set[str]:
    """Return those of the texts that a cache contains which a build exported with `type=local`."""
    return _texts_in([path.read_bytes() for path in folder.rglob("*") if path.is_file()], texts)


def _texts_in(blobs: Iterable[bytes], texts: Iterable[str]) -> set[str]:
    contents = [gzip.decompress(blob) if blob.startswith(GZIP_MAGIC) else blob for blob in blobs]
    assert contents, "there is no layer to search"
    return {text for text in texts if any(text.encode() in content for content in contents)}
