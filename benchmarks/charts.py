"""Charts of the results, as PNG and SVG, each for light and for dark. The one module that needs matplotlib."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


def _bars(data: Data, colours: dict[str, str]) -> Figure:
    """A row of axes for each case, one a metric: a bar a contestant, with its spread."""
    from matplotlib import pyplot as plt

    cases = data["cases"]
    columns = max(len(case["metrics"]) for case in cases)
    heights = [0.75 + 0.26 * len(case["metrics"][0]["values"]) for case in cases]
    figure, grid = plt.subplots(
        len(cases), columns, squeeze=False, layout="constrained", height_ratios=heights,
        figsize=(4.6 + 3.1 * (columns - 1) + 1.2, sum(heights) + 0.5),
    )  # fmt: skip
    for row, case in zip(grid, cases, strict=True):
        for place, axes in enumerate(row):
            if place < len(case["metrics"]):
                _bar_axes(axes, case, case["metrics"][place], colours, named=place == 0)
            else:
                axes.set_axis_off()
    return figure


def _bar_axes(axes: Axes, case: Data, metric: Data, colours: dict[str, str], *, named: bool) -> None:
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
    for place, value in enumerate(values):
        text = results.written(value["median"], metric["unit"])
        axes.text(value["median"] + half[place], place, f"  {text}", va="center", fontsize=8)
    better = ", more is better" if metric["more"] else ""
    title = f"{case['name']}: {metric['name']}" if named else metric["name"]
    axes.set_title(f"{title}{better}", loc="left", fontsize=9, color=colours["quiet"])
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.set_xticks([])
    axes.tick_params(left=False)
    if not named:
        axes.set_yticklabels([])


def _growth(data: Data, colours: dict[str, str]) -> Figure:
    """A row of axes for each series, one a metric, both axes logarithmic; the slope stands at each line."""
    from matplotlib import pyplot as plt

    found = results.series(data)
    columns = max(len(cases[0]["metrics"]) for cases in found.values())
    figure, grid = plt.subplots(
        len(found), columns, squeeze=False, layout="constrained", figsize=(3.5 * columns, 2.9 * len(found) + 0.4)
    )
    for row, (name, cases) in zip(grid, found.items(), strict=True):
        for place, axes in enumerate(row):
            if place < len(cases[0]["metrics"]):
                _growth_axes(axes, name, cases, place, colours)
            else:
                axes.set_axis_off()
    return figure


def _growth_axes(axes: Axes, name: str, cases: list[Data], place: int, colours: dict[str, str]) -> None:
    """A line a contestant."""
    metric, sizes = cases[0]["metrics"][place], [case["size"] for case in cases]
    for who in metric["values"]:
        values = [case["metrics"][place]["values"][who]["median"] for case in cases]
        grows = results.slope(sizes, values)
        colour = colours["ours" if who == "ours" else "quiet"]
        label = who if grows is None else f"{who}, slope {grows:.2f}"
        axes.loglog(sizes, values, marker="o", markersize=4, color=colour, label=label)
    axes.set_title(f"{metric['name']} ({metric['unit']})", loc="left", fontsize=9, color=colours["quiet"])
    axes.set_xlabel(name)
    axes.grid(color=colours["line"], linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=colours["quiet"], which="both")
    axes.legend(frameon=False, fontsize=8, labelcolor=colours["ink"])
