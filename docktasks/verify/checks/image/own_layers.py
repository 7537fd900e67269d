"""What of an image is ours, as far as that can be told."""

from __future__ import annotations

from collections.abc import Iterator

from docktasks.images.build import BASE_LABEL
from docktasks.verify.probes.image_archive import File, Layer
from docktasks.verify.registry import Skip
from docktasks.verify.subject import Subject


def our_layers(subject: Subject) -> list[Layer]:
    """The layers on top of the base image's. Raises Skip when the engine does not have that, or another by its name."""
    name = subject.image.labels.get(BASE_LABEL)
    if subject.base is None:
        raise Skip(f"which layers are the base image's is unknown: {name} is not here" if name else "no base is named")
    found = [layer for layer in subject.layers if layer.ours]
    if subject.base.layers and len(found) == len(subject.layers):  # its tag has moved on, as by a pull
        raise Skip(f"which layers are the base image's is unknown: {name} is another by now than it was built on")
    return found


def our_files(subject: Subject) -> Iterator[tuple[File, Layer]]:
    """Every file of those layers, with its layer, also one that a later layer deletes. Raises Skip as above."""
    for layer in our_layers(subject):
        for file in layer.files.values():
            if file.kind != "whiteout":
                yield file, layer
