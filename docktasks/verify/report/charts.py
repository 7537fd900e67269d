"""The charts of the HTML report: positions and widths of bars in percent, and the figures next to them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import floor, log10
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from docktasks import output
from docktasks.verify.report.run import escaped

if TYPE_CHECKING:  # it loads the browser's driver
    from docktasks.images.archive import Layer
    from docktasks.verify.probes.page_timing import ResourceTiming

MAX_LAYER_FILES = 6
"""How many files of a layer are named, the largest first."""
MIN_WIDTH_PERCENT = 0.4
"""A bar is at least this wide, so that it can be seen."""


@dataclass(frozen=True)
class Bar:
    """Where a bar starts and how wide it is, in percent of the row."""

    start: float
    width: float


@dataclass(frozen=True)
class RequestBar:
    """One row of the waterfall: a request with its address as it is shown, and where it is in time."""

    timing: ResourceTiming
    name: str
    bar: Bar


@dataclass(frozen=True)
class Waterfall:
    """The requests of a first load by their start. `ticks` are positions in percent with their labels."""

    requests: tuple[RequestBar, ...]
    ticks: tuple[tuple[float, str], ...]
    duration: float


@dataclass(frozen=True)
class LayerBar:
    """One layer of an image. `files` are the largest of ours with their sizes, and `more` counts the others."""

    layer: Layer
    bar: Bar
    files: tuple[tuple[str, str], ...]
    more: int


def waterfall(timings: Sequence[ResourceTiming], url: str) -> Waterfall | None:
    """The waterfall of these requests of the page at `url`; None without requests."""
    if not timings:
        return None
    end = max(*(timing.end for timing in timings), *(timing.start for timing in timings), 1.0)
    step = _tick_distance(end)
    return Waterfall(
        tuple(_request_bar(timing, url, end) for timing in sorted(timings, key=lambda timing: timing.start)),
        tuple((_percent(step * number, end), f"{step * number:g}") for number in range(int(end // step) + 1)),
        end,
    )


def _request_bar(timing: ResourceTiming, url: str, end: float) -> RequestBar:
    parts, page = urlsplit(timing.url), urlsplit(url)
    is_own = (parts.scheme, parts.netloc) == (page.scheme, page.netloc)
    name = timing.url.partition(parts.netloc)[2] if is_own else timing.url
    return RequestBar(timing, name or "/", _bar(timing.start, timing.end - timing.start, end))


def layer_bars(layers: Sequence[Layer]) -> list[LayerBar]:
    """The bars of an image's layers, the base image's first. Each starts where the layer below it ends."""
    total = sum(layer.size for layer in layers)
    starts = accumulate((layer.size for layer in layers), initial=0)
    return [_layer_bar(layer, start, total) for layer, start in zip(layers, starts, strict=False)] if total else []


def _layer_bar(layer: Layer, start: int, total: int) -> LayerBar:
    largest = sorted(layer.files.values(), key=lambda file: (-file.size, file.path))[:MAX_LAYER_FILES]
    files = tuple((escaped(file.path), decimal(file.size)) for file in largest if file.size and layer.ours)
    more = len(layer.files) - len(files) if layer.ours else 0
    return LayerBar(layer, _bar(start, layer.size, total), files, more)


def decimal(size: int) -> str:
    """A number of bytes as a short text: 41.4 kB, 612 B."""
    return output.decimal(size).replace(" bytes", " B").replace(" byte", " B")


def data_uri(picture: bytes) -> str:
    """A PNG or JPEG as a data URI."""
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{b64encode(picture).decode()}"


def _tick_distance(end: float) -> float:
    """A round distance that gives at most three ticks after 0: 1, 2 or 5 times a power of ten."""
    minimum = end / 3
    power = 10.0 ** floor(log10(minimum))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= minimum)


def _bar(start: float, length: float, whole: float) -> Bar:
    return Bar(_percent(start, whole), max(_percent(length, whole), MIN_WIDTH_PERCENT))


def _percent(part: float, whole: float) -> float:
    return round(100 * part / whole, 2)
