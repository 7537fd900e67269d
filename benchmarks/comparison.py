"""What `invoke compare` measures: the topics build, first load and serving, for all three variants of the image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks import harness, load, servers
from benchmarks.build_variants import TWO_STAGE, VARIANTS, BuildSandbox, build_sandbox
from benchmarks.harness import Bench, Case, Measured, Metric
from benchmarks.image_contents import read_contents
from benchmarks.topics import build, first_load, serving
from docktasks.progress import Progress

BASELINE = TWO_STAGE.name
"""The handbook's better variant, which ours is compared with."""

IMAGE_SIZE = Metric("image", "MB")


@dataclass(frozen=True)
class Figure:
    """One figure: its title, how it was measured, and the case whose first metric it is."""

    title: str
    text: str
    measured: Measured

    @property
    def metric(self) -> Metric:
        """The metric that is shown."""
        return self.measured.case.metrics[0]

    @property
    def medians(self) -> dict[str, float]:
        """The median of each variant, by its name."""
        return {name: value.median for name, value in self.measured.values[self.metric.name].items()}

    def ratio(self, variant: str) -> float | None:
        """A variant's median divided by the baseline's."""
        return self.measured.ratio(self.metric.name, variant)


@dataclass(frozen=True)
class Comparison:
    """All figures, and the base images. `contents` has a text for each title, for each variant by its name.

    `notices` say what could not be measured, and how it could.
    """

    figures: tuple[Figure, ...]
    contents: Mapping[str, Mapping[str, str]]
    node: str
    nginx: str
    notices: tuple[str, ...] = ()


def compare_variants(bench: Bench, progress: Progress) -> Comparison:
    """Build and measure all variants under the project name of `bench`, and remove everything at the end.

    Raises BenchError, BaseImageError, AppError.
    """
    with build_sandbox(bench, bench.engine, bench.settings, bench.name) as sandbox:
        figures = tuple(_figures(bench, sandbox, progress))
        contents = {variant.name: read_contents(bench, sandbox.tag(variant)) for variant in VARIANTS}
        progress("read the contents of the images")
        return Comparison(figures, contents, sandbox.node, sandbox.nginx, tuple(_notices(bench)))


def _notices(bench: Bench) -> Iterator[str]:
    if not first_load.find_browser(bench.settings):
        yield f"The first load is left out, because {first_load.NO_BROWSER}"
    if not load.installed():
        yield f"Requests a second are left out, because wrk is not installed: {load.INSTALL}"


def _figures(bench: Bench, sandbox: BuildSandbox, progress: Progress) -> Iterator[Figure]:
    """Measure the figures. The builds come first, because they make the images that the others need."""

    def figure(title: str, text: str, case: Case) -> Figure:
        measured = harness.measure(case, bench.rounds)
        progress(f"measured {title[0].lower()}{title[1:]}")
        return Figure(title, text, measured)

    rounds = f"median of {bench.rounds}"
    builders = {variant.name: build.Builder(bench, sandbox, variant) for variant in VARIANTS}
    cold = figure("Build, cold", "no cache; npm downloads everything", build.cold_case(builders, BASELINE, 1))
    edit = figure("Build after an edit", f"one module changed; {rounds}", build.edit_case(builders, BASELINE))
    yield figure("Image", "the files in its layers, unpacked, with the base image", _size_case(bench, sandbox))
    yield cold
    yield edit
    with ExitStack() as stack:
        urls = {variant.name: stack.enter_context(servers.published(bench, sandbox, variant)) for variant in VARIANTS}
        if browser := first_load.find_browser(bench.settings):
            text = "what a browser with an empty cache receives to show the page, without headers and icon"
            yield figure("First load", text, first_load.first_load_case("first load", urls, BASELINE, browser))
        if load.installed():
            text = f"for /, {load.CONNECTIONS} connections to the published port; {rounds}"
            yield figure("Requests a second", text, serving.load_case(bench, "/, keep-alive", urls, BASELINE))


def _size_case(bench: Bench, sandbox: BuildSandbox) -> Case:
    sizes = {variant.name: bench.image_bytes(sandbox.tag(variant)) / 1e6 for variant in VARIANTS}
    measures = {name: lambda size=size: size for name, size in sizes.items()}
    return Case("image", measures, (IMAGE_SIZE,), BASELINE, rounds=1, warm=False)
