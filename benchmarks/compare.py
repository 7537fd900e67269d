"""`invoke compare`: builds the app the handbook's two ways and ours, and shows side by side what each one costs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import load
from benchmarks.approaches import APPROACHES, Approach, Workshop, workshop
from docktasks import waiting, workspace
from docktasks.commands import Result, Run
from docktasks.containers.run_args import remove_args
from docktasks.engine import connect
from docktasks.engine.client import DockerEngine
from docktasks.engine.dry_run import DryRunEngine
from docktasks.engine.protocol import Engine
from docktasks.errors import BenchError, BuildError, StartError
from docktasks.settings import BUILT_FOR, Settings

EDITS = 3
"""Builds after an edit, and bursts of load, of which the median counts; the approaches take turns."""

SECONDS = 2
"""How long a burst of load lasts."""

LOOK = (
    "node --version 2>/dev/null || echo; "
    "npm --version 2>/dev/null || echo; "
    "if [ -f package.json ]; then find . -type f | grep -Ecv '^./(node_modules|dist)/'; else echo 0; fi; "
    "cat node_modules/.package-lock.json 2>/dev/null | grep -c '^    .node_modules/'; "
    "id -u"
)
"""What is inside an image, a line each: node's version, npm's, the source's files, npm packages, the user's number."""


@dataclass
class Measured:
    """An approach, and what it costs: sizes in bytes, times in seconds, requests a second (0: no wrk to measure it)."""

    approach: Approach
    size: int = 0
    layers: int = 0
    node: str = ""
    npm: str = ""
    sources: int = 0
    packages: int = 0
    user: int = 0
    cold: float = 0
    edits: list[float] = field(default_factory=list)
    first_load: int = 0
    first_files: int = 0
    bursts: list[float] = field(default_factory=list)

    @property
    def edit(self) -> float:
        """The median build after an edit."""
        return statistics.median(self.edits) if self.edits else 0

    @property
    def requests(self) -> float:
        """The median requests a second."""
        return statistics.median(self.bursts) if self.bursts else 0


@dataclass(frozen=True)
class Compared:
    """All of them, and on which base images; `notices` say what could not be measured, and how it could."""

    measured: tuple[Measured, ...]
    node: str
    nginx: str
    notices: tuple[str, ...] = ()


def compare(run: Run, engine: Engine, settings: Settings) -> Compared:
    """Build and measure every approach, under a project name of its own; nothing is left behind.

    Raises BuildError, StartError, BaseImageError, AppError, BenchError.
    """
    with workshop(run, engine, settings) as shop, ExitStack() as left:
        left.callback(_clear, run, shop)
        measured = tuple(map(Measured, APPROACHES))
        for each in measured:
            each.cold = _timed(run, shop.build_args(each.approach, cold=True))
            if each.approach.id == "ours":  # so that its own cache of downloads is there, as it is from then on
                _timed(run, shop.build_args(each.approach))
        for _ in range(EDITS):
            for each in measured:
                shop.edit_source()
                each.edits.append(_timed(run, shop.build_args(each.approach)))
        for each in measured:
            _look(run, engine, shop, each)
        addresses = [_serve(run, engine, shop, each) for each in measured]
        if isinstance(engine, DockerEngine):
            for each, url in zip(measured, addresses, strict=True):
                each.first_load, each.first_files = load.first_load(url)
            for _ in range(EDITS if load.installed() else 0):
                for each, url in zip(measured, addresses, strict=True):
                    each.bursts.append(load.burst(f"{url}/", SECONDS).requests)
        notices = () if load.installed() else (f"Requests a second are left out: wrk is not installed: {load.HOW}",)
        return Compared(measured, shop.node, shop.nginx, notices)


def _timed(run: Run, args: list[str]) -> float:
    began = time.perf_counter()
    _does(run, args, "does not build")
    return time.perf_counter() - began


def _does(run: Run, args: list[str], otherwise: str) -> Result:
    result = run(args, quiet=True)
    if not result.ok:
        raise BuildError(f"`{' '.join(args[:3])}` {otherwise}.", "", "Mend what it says", evidence=result.tail())
    return result


def _look(run: Run, engine: Engine, shop: Workshop, each: Measured) -> None:
    """What the image weighs, and what is in it."""
    tag = shop.tag(each.approach)
    looked = _does(run, ["docker", "container", "run", "--rm", "--entrypoint", "sh", tag, "-c", LOOK], "does not run")
    found = engine.image(tag)
    if run.dry or found is None:
        return
    each.size, each.layers = found.size, len(found.layers)
    lines = [line.strip() for line in looked.output.splitlines()[-5:]]
    each.node, each.npm = lines[0], lines[1]
    each.sources, each.packages, each.user = map(int, lines[2:])


def _serve(run: Run, engine: Engine, shop: Workshop, each: Measured) -> str:
    """Start the image; where it serves. Raises StartError when it does not."""
    args = shop.run_args(each.approach)
    _does(run, args, "does not run")
    if not isinstance(engine, DockerEngine):
        return ""
    return address(engine, args[args.index("--name") + 1])


def address(engine: DockerEngine, name: str) -> str:
    """Where a container that was just started serves, once it does. Raises StartError when it does not."""

    def look() -> waiting.Probe:
        found = engine.container(name)
        served = (
            waiting.http_ready(found.url) if found and found.url else waiting.Probe(ready=False, status="no port yet")
        )
        return waiting.Probe(served.ready, found.url if found and served.ready else served.status)

    looked = waiting.wait_until(look, 30, 0.02)
    if not looked.ready:
        raise StartError(f"{name} does not serve: {looked.status}", "", "Mend what its log says", engine.logs(name))
    return looked.status


def _clear(run: Run, shop: Workshop) -> None:
    names = [f"{shop.settings.app.name}-{each.id}" for each in APPROACHES]
    run(remove_args(*names), quiet=True)
    run(["docker", "image", "rm", "--force", *map(shop.tag, APPROACHES)], quiet=True)
    # what the builds after each edit took the names from
    run(["docker", "image", "prune", "--force", "--filter", f"label={BUILT_FOR}={shop.settings.app.name}"], quiet=True)


@dataclass(frozen=True)
class Row:
    """One figure of all approaches: its title, how it was measured, how a value is written; `more`: more is better."""

    title: str
    says: str
    of: Callable[[Measured], float]
    written: Callable[[float], str]
    more: bool = False


def seconds(value: float) -> str:
    """A time, as it is written."""
    return f"{value:.1f} s" if value >= 10 else f"{value:.2f} s"  # noqa: PLR2004 - three digits


def size(value: float) -> str:
    """A number of bytes, as it is written."""
    return f"{value / 1e6:.1f} MB" if value >= 1e6 else f"{value / 1e3:.1f} kB"  # noqa: PLR2004 - a MB


ROWS = (
    Row("Image", "what is pushed, pulled and kept, the base image included", lambda each: each.size, size),
    Row("Build, cold", "nothing in any cache, npm's downloads included", lambda each: each.cold, seconds),
    Row("Build after an edit", f"one module changed; median of {EDITS}", lambda each: each.edit, seconds),
    Row("First load", "page, scripts and styles, as a browser gets them", lambda each: each.first_load, size),
    Row(
        "Requests a second",
        f"for /, {load.CONNECTIONS} connections on the published port; median of {EDITS}",
        lambda each: each.requests,
        lambda value: f"{value:,.0f}",
        more=True,
    ),
)


def rows(compared: Compared) -> Iterator[Row]:
    """The figures that could be measured."""
    return (row for row in ROWS if any(row.of(each) for each in compared.measured))


def inside(each: Measured) -> dict[str, str]:
    """What is in the image, by question."""
    return {
        "node": each.node.removeprefix("v") or "none",
        "npm": each.npm or "none",
        "npm packages": f"{each.packages:,}" if each.packages else "none",
        "files of the source": f"{each.sources:,}" if each.sources else "none",
        "runs as": f"uid {each.user}" + (" (root)" if each.user == 0 else ""),
        "layers": str(each.layers),
    }


def show(run: Run, settings: Settings, html: str) -> None:
    """Compare, print bars, and write the page. Raises what compare() does, and BenchError for a page that cannot be."""
    from rich.console import Console

    from benchmarks import compare_page

    with connect.sdk_errors_as_ours():
        engine = DryRunEngine(settings.app.name) if run.dry else connect.connect()
        compared = compare(run, engine, settings)
    if run.dry:
        return
    compare_page.print_bars(compared, Console())
    path = Path(html) if html else settings.root / workspace.CACHE / "compare.html"
    try:
        path.write_text(compare_page.page(compared, settings.app.name), encoding="utf-8")
    except OSError as error:
        raise BenchError(f"{path} cannot be written: {error.strerror}.", "", "Name another: --html FILE") from error
    print(f"As a page: {path}")
