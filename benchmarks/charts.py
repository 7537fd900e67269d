"""Charts of the results, as PNG and SVG, each in a light and a dark version. Only this module needs matplotlib."""

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
METADATA: dict[str, Any] = {"png": {"Software": None}, "svg": {"Date": None}}
"""The formats, and the metadata to leave out: a version and a date would change a file whose figures are the same."""

COLUMNS = 2
"""Charts in one row. With more, docs/benchmarks.md would show them too small to read."""

LABEL_DISTANCE = 6
"""Points between the end of an error bar and the figure next to it. Where they touch, the bar looks like a minus."""

OURS = ("ours", "as it is")
"""How the names of contestants begin that are drawn in our colour."""

T = TypeVar("T")


def draw(topic: str, data: Data, folder: Path) -> list[Path]:
    """Write the charts of a topic into a folder. Returns their files."""
    return [path for theme in THEMES for path in _draw_theme(topic, data, folder, theme)]


def _draw_theme(topic: str, data: Data, folder: Path, theme: str) -> Iterator[Path]:
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    colours = THEMES[theme]
    with mpl.rc_context(_style(topic, colours)):
        figure = _growth(data, colours) if results.series(data) else _bars(data, colours)
        figure.suptitle(data["title"], x=0.02, ha="left", weight="bold", fontsize=11)
        for suffix, metadata in METADATA.items():
            path = folder / f"{topic}{'' if theme == 'light' else f'-{theme}'}.{suffix}"
            figure.savefig(path, dpi=144, metadata=metadata)
            yield path
        plt.close(figure)


def _style(topic: str, colours: dict[str, str]) -> dict[Any, Any]:
    """matplotlib's settings: https://matplotlib.org/stable/users/explain/customizing.html."""
    return {
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


def _rows(items: Sequence[T], metrics: Callable[[T], int]) -> list[tuple[T, range]]:
    """The rows of charts: an item, and the indexes of as many of its metrics as a row has columns."""
    return [
        (item, range(first, min(first + COLUMNS, metrics(item))))
        for item in items
        for first in range(0, metrics(item), COLUMNS)
    ]


def _bars(data: Data, colours: dict[str, str]) -> Figure:
    """Charts for each metric of each case: a bar a contestant, with its spread."""
    from matplotlib import pyplot as plt

    rows = _rows(data["cases"], lambda case: len(case["metrics"]))
    columns = max(len(indexes) for _, indexes in rows)
    heights = [0.85 + 0.26 * len(case["metrics"][0]["values"]) for case, _ in rows]
    figure, grid = plt.subplots(
        len(rows), columns, squeeze=False, layout="constrained", height_ratios=heights,
        figsize=(5.8 + 3.1 * (columns - 1), sum(heights) + 0.5),
    )  # fmt: skip
    for row, (case, indexes) in zip(grid, rows, strict=True):
        _hide(row[len(indexes) :])
        for axes, index in zip(row, indexes, strict=False):
            _bar_chart(axes, case["metrics"][index], colours)
            axes.set_title(_bar_title(case, index), loc="left", fontsize=9, color=colours["quiet"])
            if index != indexes[0]:
                axes.set_yticklabels([])
    return figure


def _hide(unused: Sequence[Axes]) -> None:
    for axes in unused:
        axes.set_axis_off()


def _bar_chart(axes: Axes, metric: Data, colours: dict[str, str]) -> None:
    names, values = list(metric["values"]), list(metric["values"].values())
    medians = [value["median"] for value in values]
    errors = [value["spread"] / 2 for value in values]
    ours = [name for name in names if name.startswith(OURS)] or names  # all, when only ours take part
    fills = [colours["ours" if name in ours else "other"] for name in names]
    error_style = {"ecolor": colours["quiet"], "elinewidth": 0.8, "capsize": 2, "capthick": 0.8}
    axes.barh(names, medians, color=fills, xerr=errors, error_kw=error_style, height=0.7)
    axes.invert_yaxis()
    axes.set_xlim(0, (max(map(sum, zip(medians, errors, strict=True))) or 1) * 1.3)
    for row, (median, error) in enumerate(zip(medians, errors, strict=True)):
        axes.annotate(
            results.formatted(median, metric["unit"]), (median + error, row), (LABEL_DISTANCE, 0),
            textcoords="offset points", va="center", fontsize=8,
        )  # fmt: skip
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.set_xticks([])
    axes.tick_params(left=False)


def _bar_title(case: Data, index: int) -> str:
    metric = case["metrics"][index]
    title = f"{metric['name']}{', more is better' if metric['more_is_better'] else ''}"
    if index:
        return title
    between = "\n" if len(case["metrics"]) > 1 else ": "  # one line would reach into the next chart's title
    return f"{results.case_title(case['name'], case['size'])}{between}{title}"


def _growth(data: Data, colours: dict[str, str]) -> Figure:
    """Charts for each metric of each series, with two logarithmic axes. A legend gives the slope of each line."""
    from matplotlib import pyplot as plt

    series = results.series(data)
    rows = _rows(list(series), lambda name: len(series[name][0]["metrics"]))
    columns = max(len(indexes) for _, indexes in rows)
    figure, grid = plt.subplots(
        len(rows), columns, squeeze=False, layout="constrained", figsize=(4.4 * columns, 2.9 * len(rows) + 0.4)
    )
    for row, (name, indexes) in zip(grid, rows, strict=True):
        _hide(row[len(indexes) :])
        for axes, index in zip(row, indexes, strict=False):
            _growth_lines(axes, series[name], index, colours)
            axes.set_xlabel(name.partition(",")[0])
            _growth_style(axes, [case["size"] for case in series[name]], colours)
    return figure


def _growth_lines(axes: Axes, cases: list[Data], index: int, colours: dict[str, str]) -> None:
    """A line for each contestant, of the metric at `index`."""
    metric, sizes = cases[0]["metrics"][index], [case["size"] for case in cases]
    for contestant in metric["values"]:
        medians = [case["metrics"][index]["values"][contestant]["median"] for case in cases]
        slope = results.slope(sizes, medians)
        colour = colours["ours" if contestant == "ours" else "quiet"]
        label = contestant if slope is None else f"{contestant}, slope {results.formatted_slope(slope)}"
        axes.loglog(sizes, medians, marker="o", markersize=4, color=colour, label=label)
    axes.set_title(f"{metric['name']} ({metric['unit']})", loc="left", fontsize=9, color=colours["quiet"])


def _growth_style(axes: Axes, sizes: list[float], colours: dict[str, str]) -> None:
    from matplotlib.ticker import LogLocator

    axes.minorticks_off()
    axes.set_xticks(sizes, [f"{size:,.0f}" for size in sizes])
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(color=colours["line"], linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=colours["quiet"], which="both")
    axes.legend(frameon=False, fontsize=8, labelcolor=colours["ink"])
