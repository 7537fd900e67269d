from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from benchmarks import approaches, compare_page, load
from benchmarks.approaches import OURS, TWO_STAGE
from benchmarks.compare import Compared, Measured, rows
from docktasks.engine.dry_run import DryRunEngine
from docktasks.errors import BenchError
from docktasks.settings import Settings
from tests.unit.fakes.programs import Programs
from tests.unit.fakes.runner import Runner
from tests.unit.fakes.web import Web

MEASURED = (
    Measured(approaches.ONE_STAGE, 342_400_000, 8, "v26.1.0", "11.2.1", 40, 177, 0, 6.9, [0.9], 100_400, 5, [2100]),
    Measured(TWO_STAGE, 17_800_000, 2, cold=6.1, edits=[0.9, 5.0, 1.0], first_load=100_400, bursts=[1900]),
    Measured(OURS, 17_900_000, 2, user=101, cold=4.6, edits=[0.8], first_load=35_300, bursts=[2850]),
)
COMPARED = Compared(MEASURED, "node:lts-alpine", "nginx:stable-alpine", ("wrk is <not> installed",))


def test_the_page_needs_nothing_but_itself() -> None:
    """No script, no file, no address; and what others name is text."""
    html = compare_page.page(COMPARED, "<b>shop</b>")
    assert not re.search(r"<script|<link|@import|url\(|src=|https?:", html)
    assert "&lt;b&gt;shop&lt;/b&gt;" in html
    assert "wrk is &lt;not&gt; installed" in html


def test_the_page_says_what_ours_is_to_the_handbooks_better_way() -> None:
    """A bar is as long as its value; the median counts; what is better is marked as such, and only that."""
    html = compare_page.page(COMPARED, "shop")
    assert re.findall(r'class="ratio( better)?"[^>]*>([\d.]+)\W', html) == [
        ("", "1.01"), (" better", "0.75"), (" better", "0.80"), (" better", "0.35"), (" better", "1.50"),
    ]  # fmt: skip
    assert '<rect width="5.2%"' in html


def test_the_bars_tell_the_same_on_a_terminal() -> None:
    """Every figure, every approach, what is inside, and what could not be measured."""
    console = Console(width=100, record=True)
    compare_page.print_bars(COMPARED, console)
    text = console.export_text()
    for word in ("342.4 MB", "17.9 MB", "0.80 s", "35.3 kB", "2,850", "uid 0 (root)", "uid 101", "<not> installed"):
        assert word in text, word


def test_what_was_not_measured_has_no_figure() -> None:
    """Without wrk there are no requests a second, rather than none a second."""
    assert "Requests a second" not in [row.title for row in rows(Compared((Measured(OURS, size=1),), "", ""))]


def test_the_workshop_builds_all_ways_and_leaves_the_app_alone(settings: Settings) -> None:
    """Each build has the same bases; ours is cold with an empty folder for npm's downloads; all is of one project."""
    before = {path: path.read_text() for path in settings.app_dir.iterdir()}
    (settings.root / "Dockerfile").write_text(
        "RUN --mount=type=cache,id=a,target=/npm,sharing=locked \\\n  --mount=type=cache,id=b,target=/node npm ci\n"
    )
    with approaches.workshop(Runner(dry=True), DryRunEngine("shop"), settings, "shop") as shop:
        for each in approaches.APPROACHES:
            args = shop.build_args(each, cold=True)
            assert {"--no-cache", "NODE_IMAGE=node:lts-alpine", "NGINX_IMAGE=nginx:stable-alpine"} <= set(args)
            assert "hello-dock.built-for=shop" in args
            assert shop.run_args(each)[-1] == args[args.index("--tag") + 1]
        cold = Path(settings.root, args[args.index("--file") + 1])
        assert cold.read_text() == "RUN --mount=type=tmpfs,target=/npm \\\n  --mount=type=tmpfs,target=/node npm ci\n"
        assert "--no-cache" not in shop.build_args(OURS)
        shop.edit_dependencies()
        assert (shop.app / "package.json").read_text() != before[settings.app_dir / "package.json"]
    assert {path: path.read_text() for path in settings.app_dir.iterdir()} == before
    assert list((settings.root / ".cache").iterdir()) == []


def test_an_edit_replaces_the_one_before(settings: Settings) -> None:
    """The entry module grows by one line, however often it is edited; none is one that Docker has built before."""
    (settings.app_dir / "src").mkdir()
    (settings.app_dir / "src" / "main.js").write_text("start()\n")
    with approaches.workshop(Runner(dry=True), DryRunEngine("shop"), settings) as shop:
        edited = set()
        for _ in range(3):
            shop.edit_source()
            edited.add((shop.app / "src" / "main.js").read_text())
    assert len(edited) == 3
    assert all(re.fullmatch(r"start\(\)\nglobalThis.edited = '\w{8}'\n", text) for text in edited)


def test_load_goes_to_the_loopback_alone() -> None:
    """No other machine is ever loaded."""
    with pytest.raises(ValueError, match="loopback alone"):
        load.burst("http://example.com/", 1)


def test_a_burst_is_told_by_the_second(programs: Programs) -> None:
    """Requests and bytes a second, and p99 in ms."""
    programs.add(
        "wrk", '{"requests": 40, "bytes": 4000, "microseconds": 2000000, "failed": 0, "p50": 9, "p99": 1500}\n'
    )
    assert load.burst("http://127.0.0.1:1/", 2) == load.Load(20, 2000, 1.5)


def test_who_answers_nothing_in_time_is_slow_and_ends_no_measurement(programs: Programs) -> None:
    """No request was done, and none failed: each would have taken longer than the burst."""
    programs.add("wrk", '{"requests": 0, "bytes": 0, "microseconds": 2000000, "failed": 0, "p50": 0, "p99": 0}\n')
    assert load.burst("http://127.0.0.1:1/", 2) == load.Load(0, 0, 2000)


def test_answers_that_failed_are_no_figure(programs: Programs) -> None:
    """However many there are a second."""
    programs.add("wrk", '{"requests": 9, "bytes": 9, "microseconds": 2000000, "failed": 3, "p50": 0, "p99": 0}\n')
    with pytest.raises(BenchError, match="3 of 9 requests"):
        load.burst("http://127.0.0.1:1/", 2)


def test_a_first_visit_loads_what_the_page_names(web: Web) -> None:
    """Scripts, styles and icons of the site's own; neither links nor other origins."""
    page = """<link rel="stylesheet" href="/a.css"><link rel="canonical" href="/other"><a href="/link">x</a>
        <script src="/b.js"></script><img src="data:,x"><script src="http://cdn.example/c.js"></script>"""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, stream=httpx.ByteStream(page.encode() if request.url.path == "/" else b"12345"))

    web.answer = answer
    assert load.first_load("http://127.0.0.1:1") == (len(page) + 10, 3)
    assert asked == ["/", "/a.css", "/b.js"]
