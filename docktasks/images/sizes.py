"""The size of an image: the files in its layers, unpacked. Containerd's store counts compressed layers and blocks."""

from __future__ import annotations

import json
from contextlib import suppress

from docktasks import workspace
from docktasks.app.project import Project
from docktasks.engine.models import Image
from docktasks.images import archive

SIZES_FILE = "layer-sizes.json"
"""Size by a layer's digest, in the cache folder. A digest always has the same size."""


def unpacked_size(project: Project, image: Image) -> int:
    """Return the size of an image in bytes, 0 if its layers cannot be read. In containerd's store they are, once."""
    if not (project.engine.containerd_store and image.layers):
        return image.size
    path = project.settings.root / workspace.cache_path(project.settings.root) / SIZES_FILE
    sizes: dict[str, int] = workspace.read_cached(path)
    if not sizes.keys() >= {*image.layers}:
        try:
            layers = archive.read(project.engine.save(image.id), image.layers).layers
        except archive.Unreadable:
            return 0
        sizes |= {layer.digest: layer.size for layer in layers}
        with suppress(OSError):  # the file only saves time
            path.write_text(json.dumps(sizes))
    return sum(sizes[digest] for digest in image.layers)
