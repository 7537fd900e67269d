"""Charts of the results, as PNG and SVG, each for light and for dark. The one module that needs matplotlib."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from benchmarks import results
from benchmarks.results import Data

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("paper", "ink", "quiet", "line", "ours", "other")
THEMES = {
    "light": dict(zip(COLOURS, ("#ffffff", "#1c2630", "#5a6672", "#e3e1dc", "#0b7a75", "#b9bfc6"), strict=True)),
    "dark": dict(zip(COLOURS, ("#1b2127", "#e4e9ee", "#98a5b2", "#2c343c", "#3dbdb3", "#55606b"), strict=True)),
}
FORMS = ("png", "svg")
COLUMNS = 2
"""Metrics beside each other: more, and a page that is as wide as docs/benchmarks.md shows them too small to read."""
T = TypeVar("T")


def draw(topic: str, data: Data, folder: Path) -> list[Path]:
    """Write the charts of a topic; their files."""
    return [path for theme in THEMES for path in _draw(topic, data, folder, theme)]


def _draw(topic: str, data: Data, folder: Path, theme: str) -> Iterator[Path]:
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    colours = THEMES[theme]
    style: Any = {
        "figure.facecolor": colours["paper"],
        "axes.facecolor": colours["paper"],
        "axes.edgecolor": colours["line"],
        "axes.labelcolor": colours["quiet"],
        "text.color": colours["ink"],
        "xtick.color": colours["quiet"],
        "ytick.color": colours["ink"],
        "font.family": "sans-serif",
        "font.size": 9,
        "figure.constrained_layout.h_pad": 0.1,
        "svg.fonttype": "none",
        "svg.hashsalt": topic,
    }
    with mpl.rc_context(style):
        figure = _growth(data, colours) if results.series(data) else _bars(data, colours)
        figure.suptitle(data["title"], x=0.02, ha="left", weight="bold", fontsize=11)
        for form in FORMS:
            path = folder / f"{topic}{'' if theme == 'light' else f'-{theme}'}.{form}"
            left_out: Any = {"Date": None} if form == "svg" else {"Software": None}
            figure.savefig(path, dpi=144, metadata=left_out)
            yield path
        plt.close(figure)


def _rows(cases: Sequence[T], metrics: Callable[[T], int]) -> list[tuple[T, range]]:
    """A row of axes each: who they are of, and the places of the metrics, no more than a page is wide."""
    return [
        (each, range(first, min(first + COLUMNS, metrics(each))))
        for each in cases
        for first in range(0, metrics(each), COLUMNS)
    ]


def _bars(data: Data, colours: dict[str, str]) -> Figure:
    """Axes for each metric of each case: a bar a contestant, with its spread."""
    from matplotlib import pyplot as plt

    rows = _rows(data["cases"], lambda case: len(case["metrics"]))
    columns = max(len(places) for _, places in rows)
    heights = [0.85 + 0.26 * len(case["metrics"][0]["values"]) for case, _ in rows]
    figure, grid = plt.subplots(
        len(rows), columns, squeeze=False, layout="constrained", height_ratios=heights,
        figsize=(5.8 + 3.1 * (columns - 1), sum(heights) + 0.5),
    )  # fmt: skip
    for drawn, (case, places) in zip(grid, rows, strict=True):
        for axes in drawn[len(places) :]:
            axes.set_axis_off()
        for axes, place in zip(drawn, places, strict=False):
            _bar_axes(axes, case, place, colours, named=place == places[0])
    return figure


def _bar_axes(axes: Axes, case: Data, place: int, colours: dict[str, str], *, named: bool) -> None:
    metric = case["metrics"][place]
    names = list(metric["values"])
    values = list(metric["values"].values())
    middles = [value["median"] for value in values]
    ours = [name for name in names if name.startswith(("ours", "as it is"))] or names  # or nobody else takes part
    fills = [colours["ours" if name in ours else "other"] for name in names]
    half = [value["spread"] / 2 for value in values]
    axes.barh(
        names, middles, color=fills, xerr=half, error_kw={"ecolor": colours["quiet"], "elinewidth": 0.8}, height=0.7
    )
    axes.invert_yaxis()
    axes.set_xlim(0, (max(map(sum, zip(middles, half, strict=True))) or 1) * 1.3)
    for row, value in enumerate(values):
        text = results.written(value["median"], metric["unit"])
        axes.text(value["median"] + half[row], row, f"  {text}", va="center", fontsize=8)
    better = ", more is better" if metric["more"] else ""
    size = f"{case['size']:,.0f} " if case["size"] else ""
    between = "\n" if len(case["metrics"]) > 1 else ": "  # else it would reach into the next metric's title
    title = f"{size}{case['name']}{between}{metric['name']}" if place == 0 else metric["name"]
    axes.set_title(f"{title}{better}", loc="left", fontsize=9, color=colours["quiet"])
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.set_xticks([])
    axes.tick_params(left=False)
    if not named:
        axes.set_yticklabels([])


def _growth(data: Data, colours: dict[str, str]) -> Figure:
    """Axes for each metric of each series, both logarithmic; the slope stands at each line."""
    from matplotlib import pyplot as plt

    found = results.series(data)
    rows = _rows(list(found), lambda name: len(found[name][0]["metrics"]))
    columns = max(len(places) for _, places in rows)
    figure, grid = plt.subplots(
        len(rows), columns, squeeze=False, layout="constrained", figsize=(4.4 * columns, 2.9 * len(rows) + 0.4)
    )
    for drawn, (name, places) in zip(grid, rows, strict=True):
        for axes in drawn[len(places) :]:
            axes.set_axis_off()
        for axes, place in zip(drawn, places, strict=False):
            _growth_axes(axes, name, found[name], place, colours)
    return figure


def _growth_axes(axes: Axes, name: str, cases: list[Data], place: int, colours: dict[str, str]) -> None:
    """A line a contestant."""
    from matplotlib.ticker import LogLocator

    metric, sizes = cases[0]["metrics"][place], [case["size"] for case in cases]
    for who in metric["values"]:
        values = [case["metrics"][place]["values"][who]["median"] for case in cases]
        grows = results.slope(sizes, values)
        colour = colours["ours" if who == "ours" else "quiet"]
        label = who if grows is None else f"{who}, slope {grows:.2f}"
        axes.loglog(sizes, values, marker="o", markersize=4, color=colour, label=label)
    axes.set_title(f"{metric['name']} ({metric['unit']})", loc="left", fontsize=9, color=colours["quiet"])
    axes.set_xlabel(name.partition(",")[0])
    axes.minorticks_off()
    axes.set_xticks(sizes, [f"{size:,.0f}" for size in sizes])
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(color=colours["line"], linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=colours["quiet"], which="both")
    axes.legend(frameon=False, fontsize=8, labelcolor=colours["ink"])
