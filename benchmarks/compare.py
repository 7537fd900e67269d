"""`invoke compare`: builds the app in the handbook's two ways and in ours, and shows what each one costs."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from benchmarks import compare_page
from benchmarks.build_variants import VARIANTS, build_sandbox
from benchmarks.comparison import compare_variants
from benchmarks.harness import Bench
from benchmarks.image_contents import script_args
from benchmarks.leftovers import held_names, new_name
from docktasks import workspace
from docktasks.commands import Run
from docktasks.engine import connect
from docktasks.engine.dry_run import DryRunEngine
from docktasks.errors import BenchError
from docktasks.progress import Progress
from docktasks.settings import Settings

ROUNDS = 3
FILE_NAME = "compare.html"


def compare(run: Run, settings: Settings, progress: Progress, html: str = "") -> None:
    """Compare the variants, print bars, and write the page to the file `html`, or to .cache/compare.html.

    Raises BenchError, BaseImageError, AppError.
    """
    if run.dry:
        _show_commands(run, settings)
        return
    engine = connect.connect()
    with connect.sdk_errors_as_ours(), held_names(run, engine, settings) as new_held_name:
        name = new_held_name()
        bench = Bench(settings, engine, name, ROUNDS, execute=lambda args, _environ: run(args, quiet=True))
        comparison = compare_variants(bench, progress)
    compare_page.print_comparison(comparison, Console())
    path = Path(html) if html else settings.root / workspace.CACHE / FILE_NAME
    try:
        path.write_text(compare_page.page(comparison, settings.app.name), encoding="utf-8")
    except OSError as error:
        raise BenchError(
            f"{path} cannot be written: {error.strerror}.", "", "Name another file: --html FILE"
        ) from error
    print(f"As a page: {path}")


def _show_commands(run: Run, settings: Settings) -> None:
    """Show the commands that a comparison runs: each variant is built, looked into, and served."""
    with build_sandbox(run, DryRunEngine(settings.app.name), settings, new_name()) as sandbox:
        for variant in VARIANTS:
            run(sandbox.build_args(variant))
            run(script_args(sandbox.tag(variant)))
            run(sandbox.run_args(variant))
