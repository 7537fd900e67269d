"""The tasks that measure: compare, bench."""

from __future__ import annotations

from invoke.context import Context
from invoke.tasks import task

from docktasks.app.runner import Runner
from docktasks.app.session import exit_on_error, load_settings


@task(help={"html": "The page to write. Default: .cache/compare.html"})
def compare(c: Context, html: str = "") -> None:
    """Compare the Docker Handbook's two images with ours."""
    from benchmarks import compare
    from docktasks import output_files

    with exit_on_error(attended=True):
        run = Runner(c)
        output_files.require_writable(html=html)
        compare.compare(run, load_settings(c), run.progress, html)


@task(
    help={
        "topic": "Measure this topic only; repeatable. benchmarks/topics/ has them.",
        "quick": "See that each topic can be measured: about a minute, no charts. The figures mean nothing.",
        "rounds": "How many times each contestant is measured.",
        "out": "The folder for results and charts. Default: .cache/bench, or .cache/bench-quick",
        "docs": "Also write docs/benchmarks.md from all results in that folder.",
    },
    iterable=["topic"],
)
def bench(
    c: Context, topic: list[str], quick: bool = False, rounds: str = "5", out: str = "", docs: bool = False
) -> None:
    """Measure this project and its peers, and write the results."""
    from benchmarks import bench

    with exit_on_error(attended=True):
        run, options = Runner(c), bench.BenchOptions(topic, quick, rounds, out, docs)
        bench.bench(run, load_settings(c), run.progress, options)
