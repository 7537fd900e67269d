"""Images as `docker image save` gives them, and their layers as they are read."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

from docktasks.images.archive import File, Layer


def layer(*files: File, ours: bool = True, command: str = "COPY /out/image/ /") -> Layer:
    """A layer of these files."""
    return Layer("sha256:0", command, sum(file.size for file in files), ours, {file.path: file for file in files})


def tar(*files: tuple[str, bytes] | tarfile.TarInfo, mode: str = "w") -> bytes:
    """Files in a tar, by name and content, or what else is given."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:  # type: ignore[call-overload]
        for file in files:
            if isinstance(file, tarfile.TarInfo):
                archive.addfile(file)
                continue
            member = tarfile.TarInfo(file[0])
            member.size = len(file[1])
            archive.addfile(member, io.BytesIO(file[1]))
    return made.getvalue()


def saved(*layers: bytes, **described: Any) -> bytes:
    """An image of these layers, with what its configuration says."""
    files = [(f"blobs/{place}", content) for place, content in enumerate(layers)]
    digests = {"rootfs": {"diff_ids": [f"sha256:{place}" for place in range(len(layers))]}}
    manifest = [{"Config": "config.json", "Layers": [name for name, _ in files]}]
    documents = {"manifest.json": manifest, "config.json": digests | described}
    return tar(*files, *((name, json.dumps(content).encode()) for name, content in documents.items()))
