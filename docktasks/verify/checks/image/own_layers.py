"""Which layers of an image are its own, and which are its base image's."""

from __future__ import annotations

from collections.abc import Iterator

from docktasks.errors import Skip
from docktasks.images.archive import File, Layer
from docktasks.images.build import BASE_LABEL
from docktasks.verify.subject import Subject


def own_layers(subject: Subject) -> list[Layer]:
    """The layers on top of the base image's. Raises Skip if the engine does not have the base image any more."""
    name = subject.image.labels.get(BASE_LABEL)
    if subject.base is None:
        reason = f"its base image {name} is not here" if name else "it names no base image"
        raise Skip(f"{reason}, so its own layers are unknown")
    layers = subject.contents().layers
    own = [layer for layer in layers if layer.ours]
    if subject.base.layers and len(own) == len(layers):  # such as after a pull
        raise Skip(f"{name} is now another image than the one it was built on, so its own layers are unknown")
    return own


def own_files(subject: Subject) -> Iterator[File]:
    """Every file of the own layers, also if a later layer deletes it. Raises Skip as own_layers()."""
    for layer in own_layers(subject):
        yield from (file for file in layer.files.values() if file.kind != "whiteout")
