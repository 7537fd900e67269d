"""Bytes of the first load.

What a browser with an empty cache receives to show the page: the bodies as they are sent, without headers, as in the
report of `invoke verify` and on the page itself. The page's icon does not count. Of this app, and of the app in the
handbook's chapter, which is create-vite's Vue template. Bytes are counted, so one round is enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import servers, synthetic_apps
from benchmarks.build_variants import OURS, TWO_STAGE, build_sandbox
from benchmarks.harness import Bench, Case, Goal, Measure, Metric
from docktasks.errors import BenchError
from docktasks.settings import Settings
from docktasks.verify import chromium_path

BYTES = Metric("first load", "B")
CONTESTANTS = {"handbook": TWO_STAGE, "ours": OURS}
VISIT_TIMEOUT_S = 60.0
NO_BROWSER = "no Chromium is installed (invoke setup --browser)"
GOAL = Goal("at most half of the handbook's bytes", BYTES.name, against="handbook", most=0.5)


def cases(bench: Bench) -> Iterator[Case]:
    """One case for each app."""
    if not find_browser(bench.settings):
        bench.skip("all", NO_BROWSER)
        return
    yield from _app_case(bench, "this app", bench.settings, ())
    if bench.quick:
        return
    if reason := servers.missing("npm"):
        bench.skip("the handbook's app", reason)
        return
    with TemporaryDirectory() as folder:
        app = synthetic_apps.create(bench, Path(folder), "vue")
        settings = replace(bench.settings, app=replace(bench.settings.app, dir=str(app), dist="dist"))
        yield from _app_case(bench, "the handbook's app", settings, (GOAL,))


def _app_case(bench: Bench, name: str, settings: Settings, goals: tuple[Goal, ...]) -> Iterator[Case]:
    with build_sandbox(bench, bench.engine, settings, bench.name) as sandbox, ExitStack() as stack:
        urls = {}
        for contestant, variant in bench.contestants(CONTESTANTS).items():
            bench.output(sandbox.build_args(variant))
            urls[contestant] = stack.enter_context(servers.published(bench, sandbox, variant))
        yield replace(first_load_case(name, urls, "handbook", find_browser(settings)), goals=goals)


def find_browser(settings: Settings) -> str:
    """The path of the browser; empty when there is none."""
    return chromium_path.find_chromium(settings.browser.executable)


def first_load_case(name: str, urls: Mapping[str, str], baseline: str, browser: str) -> Case:
    """The first load of the pages at these addresses, by contestant."""
    measures = {contestant: _measure(url, browser) for contestant, url in urls.items()}
    return Case(name, measures, (BYTES,), baseline, rounds=1, warm=False)


def _measure(url: str, browser: str) -> Measure:
    return lambda: float(first_load_bytes(url, browser))


def first_load_bytes(url: str, executable: str) -> int:
    """Visit the page with a browser that has nothing in its cache. Returns the bytes of its first load."""
    from docktasks.verify.probes import chromium, page_events, page_timing  # they load the browser's driver

    with chromium.launch_browser(executable, VISIT_TIMEOUT_S) as browser, chromium.new_page(browser) as page:
        recorder = page_timing.NetworkRecorder(page)
        response = chromium.open_page(page, f"{url}/")
        if response is None or not response.ok or not page_events.take_snapshot(page, url).has_content:
            raise BenchError(f"The page at {url} shows nothing.", "It has no first load.", "Open it in a browser")
        return sum(timing.encoded_size for timing in page_timing.first_load(recorder.timings()))
