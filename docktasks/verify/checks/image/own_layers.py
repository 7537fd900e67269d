"""Which layers of an image are its own, and which are its base image's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from docktasks.errors import Skip
from docktasks.images.archive import File, Layer, is_own_step
from docktasks.images.build import BASE_LABEL
from docktasks.verify.subject import Subject


def own_layers(subject: Subject) -> list[Layer]:
    """The layers on top of the base image's, whatever a label says. Raises Skip if they cannot be told apart."""
    layers = subject.contents().layers
    own = [layer for layer in layers if layer.ours]
    if len(own) == len(layers):
        name = subject.image.labels.get(BASE_LABEL)
        reason = f"its base image {name} is not here, or is another one now" if name else "it names no base image"
        raise Skip(f"{reason}, so its own layers are unknown")
    return own


def own_files(subject: Subject) -> Iterator[File]:
    """Every file of the own layers, also if a later layer deletes it. Raises Skip as own_layers()."""
    yield from files_of(own_layers(subject))


def files_of(layers: list[Layer]) -> Iterator[File]:
    """Every file of these layers, also if a later layer deletes it."""
    for layer in layers:
        yield from (file for file in layer.files.values() if file.kind != "whiteout")


def build_epoch(subject: Subject) -> int | None:
    """The time of the layer that our Dockerfile's last stage copies: that of the commit (SOURCE_DATE_EPOCH)."""
    for step in subject.contents().history:
        if is_own_step(step):
            day_and_time = str(step.get("created"))[: len("2026-11-29T06:29:26")]
            return int(datetime.fromisoformat(f"{day_and_time}+00:00").timestamp())
    return None
