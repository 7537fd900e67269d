"""Images in the format of `docker image save`, and parsed layers."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

from docktasks.images.archive import File, Layer


def layer(*files: File, ours: bool = True, command: str = "COPY /out/image/ /") -> Layer:
    """Return a parsed layer of these files."""
    return Layer("sha256:0", command, sum(file.size for file in files), ours, {file.path: file for file in files})


def tar(*files: tuple[str, bytes] | tarfile.TarInfo, mode: str = "w") -> bytes:
    """Return a tar of files by name and content, and of other members."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for file in files:
            if isinstance(file, tarfile.TarInfo):
                archive.addfile(file)
                continue
            member = tarfile.TarInfo(file[0])
            member.size = len(file[1])
            archive.addfile(member, io.BytesIO(file[1]))
    return buffer.getvalue()


def saved(*layers: bytes, **config: Any) -> bytes:
    """Return the archive of an image with these layers. `config` goes into the image's configuration."""
    files = [(f"blobs/{index}", content) for index, content in enumerate(layers)]
    digests = {"rootfs": {"diff_ids": [f"sha256:{index}" for index in range(len(layers))]}}
    manifest = [{"Config": "config.json", "Layers": [name for name, _ in files]}]
    documents = {"manifest.json": manifest, "config.json": digests | config}
    return tar(*files, *((name, json.dumps(content).encode()) for name, content in documents.items()))
