"""What the HTML page draws: how far a bar reaches, in percent of its row, and the figures beside it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rich import filesize

from docktasks.verify.report.run import escaped

if TYPE_CHECKING:
    from docktasks.verify.probes.image_archive import Layer
    from docktasks.verify.probes.page_timing import Load

FILES = 6
"""Files of our layers that are named, the largest."""


@dataclass(frozen=True)
class Bar:
    """Where a bar begins and how wide it is, in percent."""

    start: float
    width: float


@dataclass(frozen=True)
class Request:
    """One row of the waterfall."""

    name: str
    kind: str
    status: str
    failed: bool
    wire: str
    size: str
    encoding: str
    took: str
    bar: Bar


@dataclass(frozen=True)
class Waterfall:
    """The loads of a page, by when each began: `ticks` are places in percent and what they say."""

    requests: tuple[Request, ...]
    ticks: tuple[tuple[float, str], ...]
    wire: str
    size: str
    took: str


@dataclass(frozen=True)
class Slice:
    """One layer of an image; `files` the largest of ours, with their sizes."""

    command: str
    ours: bool
    size: str
    bar: Bar
    files: tuple[tuple[str, str], ...]
    more: int


@dataclass(frozen=True)
class Stack:
    """The layers of an image from the base up, and what they weigh."""

    slices: tuple[Slice, ...]
    size: str
    added: str
    share: str


def waterfall(loads: Sequence[Load], url: str) -> Waterfall | None:
    """The loads drawn over the time that they took; None where there are none."""
    if not loads:
        return None
    end = max(*(load.end for load in loads), *(load.start for load in loads), 1.0)
    step = _step(end)
    return Waterfall(
        tuple(_request(load, url, end) for load in sorted(loads, key=lambda load: load.start)),
        tuple((_percent(step * number, end), f"{step * number:g}") for number in range(int(end // step) + 1)),
        decimal(sum(load.wire for load in loads)),
        decimal(sum(load.size for load in loads)),
        f"{end:,.0f} ms",
    )


def _request(load: Load, url: str, end: float) -> Request:
    parts, here = urlsplit(load.url), urlsplit(url)
    own = (parts.scheme, parts.netloc) == (here.scheme, here.netloc)
    name = load.url.partition(parts.netloc)[2] if own else load.url
    return Request(
        escaped(name or "/"),
        escaped(load.kind),
        str(load.status or "failed"),
        not load.status or load.status >= 400,  # noqa: PLR2004 - HTTP's own line between answers and errors
        decimal(load.wire),
        decimal(load.size),
        escaped(load.encoding),
        f"{load.end - load.start:,.0f} ms",
        Bar(_percent(load.start, end), max(_percent(load.end - load.start, end), 0.4)),
    )


def stack(layers: Sequence[Layer]) -> Stack | None:
    """The layers, each beginning where the one below ends; None where there are none."""
    total = sum(layer.size for layer in layers)
    if not total:
        return None
    added = sum(layer.size for layer in layers if layer.ours)
    below, slices = 0, []
    for layer in layers:
        files = _largest(layer) if layer.ours else ()
        slices.append(
            Slice(
                escaped(layer.command),
                layer.ours,
                decimal(layer.size),
                Bar(_percent(below, total), max(_percent(layer.size, total), 0.4)),
                files,
                len(layer.files) - len(files) if layer.ours else 0,
            )
        )
        below += layer.size
    return Stack(tuple(slices), decimal(total), decimal(added), f"{100 * added / total:.1f} %")


def _largest(layer: Layer) -> tuple[tuple[str, str], ...]:
    largest = sorted(layer.files.values(), key=lambda found: (-found.size, found.path))[:FILES]
    return tuple((escaped(found.path), decimal(found.size)) for found in largest if found.size)


def decimal(size: int) -> str:
    """A number of bytes, short: 41.4 kB, 612 B."""
    return filesize.decimal(size).replace(" bytes", " B").replace(" byte", " B")


def data_uri(picture: bytes) -> str:
    """A PNG or JPEG as part of the page."""
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{b64encode(picture).decode()}"


def _step(end: float) -> float:
    """A round distance between ticks, of which five at the most lie below `end`: 1, 2 or 5 by a power of ten."""
    rough = end / 5
    power = 10.0 ** floor(log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)


def _percent(part: float, whole: float) -> float:
    return round(100 * part / whole, 2)
