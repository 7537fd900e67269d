from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from docktasks.app.project import Project
from docktasks.engine.models import Container, Image
from docktasks.images.archive import File, Layer
from docktasks.verify import report
from docktasks.verify.probes.visit import Visit
from docktasks.verify.registry import Verdict
from docktasks.verify.report.run import VerifyRun
from docktasks.verify.subject import Subject
from tests.unit.fakes.apps import ROOT, configured
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.reports import HOSTILE, LAYERS, TIMINGS, URL, container_subject, timing, verdict, verify_run
from tests.unit.fakes.runner import Runner

PNG = b"\x89PNG\r\n\x1a\n-"


class Page(HTMLParser):
    """The elements of a report with their attributes, and its text."""

    def __init__(self, run: VerifyRun) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.source = report.REPORTS["html"](run)
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += f" {data}"

    @property
    def words(self) -> str:
        """The text, with single spaces."""
        return " ".join(self.text.split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every element with this tag."""
        return [attrs for name, attrs in self.elements if name == tag]


def full(*verdicts: Verdict) -> Page:
    """A report with all its parts."""
    return Page(verify_run(*verdicts, subject=container_subject(), visit=Visit(TIMINGS, PNG), layers=LAYERS))


def test_html_shows_failures_first_with_evidence_and_fix() -> None:
    """All checks follow by group, where a failure is a link to its evidence."""
    page = full(
        verdict("pass", name="image.user"), verdict("fail", "/a.js: 404"), verdict("skip", "why", name="http.x")
    )
    assert "1 of 3 checks failed" in page.words
    assert "http.files critical /a.js: 404 Right Every file answers 200. Fix Build it again" in page.words
    assert page.words.index("What failed") < page.words.index("The first load") < page.words.index("Every check")
    assert {"href": "#http.files"} in page.all("a")
    assert "Skipped: why" in page.words
    assert "http 1 failed, 1 skipped" in page.words
    assert "✗ fail http.files /a.js: 404" in page.words


def test_html_has_advice_behind_the_failures() -> None:
    """What is less than --fail-on is shown, and the headline says that the run passed."""
    page = full(verdict("pass", name="image.user"), verdict("advice", "/a.js: 404"))
    assert "1 check passed, 1 advised" in page.words
    assert "Advice: less than --fail-on=major http.files critical /a.js: 404 Right" in page.words
    assert "! advice http.files /a.js: 404" in page.words


def test_html_says_what_strict_and_the_call_left_out() -> None:
    """A strict run with a skip has not passed, and what was left out is no skip."""
    left_out = (verdict("pass", name="dev.leaks").check,)
    run = replace(verify_run(verdict("pass"), verdict("skip", "no Chromium", name="browser.renders")), strict=True)
    page = Page(replace(run, left_out=left_out, left_out_reason="container shop-dev does not run"))
    assert "✗ verify" in page.words
    assert "1 check skipped, which --strict counts as failed" in page.words
    assert "1 check left out (dev): container shop-dev does not run." in page.words


@pytest.mark.parametrize(
    ("verdicts", "heading"),
    [
        ([verdict("pass"), verdict("pass", name="http.missing")], "All 2 checks passed"),
        ([verdict("pass")], "1 check passed"),
        ([verdict("pass"), verdict("skip", "x", name="http.y")], "1 check passed, 1 skipped"),
        ([verdict("skip", "x")], "No check could run"),
        ([verdict("fail", "x")], "1 of 1 check failed"),
        ([], "No check could run"),
    ],
)
def test_html_heading_has_the_result(verdicts: list[Verdict], heading: str) -> None:
    """A skip does not count as a pass."""
    page = Page(verify_run(*verdicts))
    assert f" {heading} " in page.words
    assert ("What failed" in page.words) is ("failed" in heading)


def test_html_starts_with_the_figures() -> None:
    """They are the size of the first load, of the image, and of what it adds to its base."""
    head = full(verdict("pass")).words.partition("Every check")[0]
    for text in (
        "first load 30.9 kB",
        "requests 4",
        "image 17.2 MB",
        "over its base 250.0 kB",
        "30.9 kB on the wire, 91.5 kB decoded",
        "250.0 kB, 1.4 % of all",
        "shop-prod",
        "aaaaaaaaaaaa",
    ):
        assert text in head
    assert "Checked 2026-11-24 09:00:00 UTC, in 1.0 s" in head


def test_html_draws_a_bar_for_each_request_and_each_layer() -> None:
    """A request starts in time, and a layer where the one below it ends. Only our layers name their largest files."""
    page = full(verdict("pass"))
    bars = [(bar["x"], bar["width"]) for bar in page.all("rect")]
    assert bars == [
        ("0.0%", "20.0%"), ("25.0%", "50.0%"), ("30.0%", "7.5%"), ("30.0%", "70.0%"),
        ("0.0%", "98.55%"), ("98.55%", "1.45%"),
    ]  # fmt: skip
    assert [text["x"] for text in page.all("text")] == ["0.0%", "50.0%", "100.0%"]
    assert "0 ms 20 40" in page.words
    assert "/ document 200" in page.words
    assert "/gone.svg image 404" in page.words
    assert "https://else.example/x.js script failed" in page.words
    assert "/b 900 B /a 5 B" in page.words


@pytest.mark.parametrize("end", [0.0, 0.3, 7, 99.9, 1234, 90_000])
def test_html_has_few_and_round_ticks(end: float) -> None:
    """Their number does not depend on how long the page took."""
    page = Page(verify_run(verdict("pass"), visit=Visit((timing(f"{URL}/", end=end),))))
    positions = [float((text["x"] or "").rstrip("%")) for text in page.all("text")]
    assert 2 <= len(positions) <= 4
    assert all(0 <= position <= 100 for position in positions)


def test_html_leaves_out_the_requests_that_are_no_part_of_the_first_load() -> None:
    """The icon and the page's own measurements are in no figure and in no row, and the text says so."""
    others = timing(f"{URL}/icon.svg", "other"), timing(f"{URL}/measured.js", "fetch", method="HEAD")
    page = Page(verify_run(verdict("pass"), visit=Visit((*TIMINGS, *others))))
    assert "first load 30.9 kB requests 4" in page.words
    assert "icon.svg" not in page.words
    assert "measured.js" not in page.words
    assert "are left out" in page.words


def test_html_leaves_out_what_no_check_looked_at() -> None:
    """There is no empty chart and no empty figure. The report itself starts no browser and reads no image."""
    page = Page(verify_run(verdict("pass")))
    for text in ("first load", "requests", "over its base", "layer", "Container"):
        assert text not in page.words
    assert page.all("svg") == page.all("img") == []
    failed_visit = Page(verify_run(verdict("pass"), visit=Visit()))
    assert failed_visit.all("svg") == failed_visit.all("img") == []


def test_html_loads_nothing() -> None:
    """It has no script and loads no file, and its policy would block both. The policy has the hash of the style."""
    page = full(verdict("fail", HOSTILE))
    policy = next(meta["content"] or "" for meta in page.all("meta") if meta.get("http-equiv"))
    style = re.findall(r"<style>(.*?)</style>", page.source, re.DOTALL)
    assert len(style) == 1
    digest = b64encode(sha256(style[0].encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:;")
    assert not {"script", "link", "iframe", "object", "form"} & {tag for tag, _ in page.elements}
    for tag, attrs in page.elements:
        assert not [name for name in attrs if name.startswith("on") or name == "style"], tag
        assert (attrs.get("src") or "data:").startswith("data:")
        assert (attrs.get("href") or "#").startswith("#")
    assert "url(" not in style[0]
    assert "@import" not in style[0]


def test_html_escapes_hostile_texts() -> None:
    """Texts of a site, an image or a check make no element."""
    image = Image("sha256:1", tags=(HOSTILE,), labels={"org.opencontainers.image.revision": HOSTILE})
    engine = FakeEngine()
    project = Project(Runner(engine), engine, configured(ROOT))
    subject = Subject(f"{URL}/{HOSTILE}", project, Container("1", HOSTILE), image)
    timings = (timing(f"{URL}/{HOSTILE}", HOSTILE, encoding=HOSTILE), timing(f"https://x.example/{HOSTILE}"))
    layers = [
        Layer("", HOSTILE, 10, ours=False),
        Layer("", "ours", 10, ours=True, files={"x": File(HOSTILE, "file", 3)}),
    ]
    page = Page(
        verify_run(
            verdict("fail", HOSTILE, fix=HOSTILE),
            verdict("skip", HOSTILE, name="http.x"),
            subject=subject,
            visit=Visit(timings),
            layers=layers,
        )
    )
    assert page.all("img") == page.all("script") == []
    assert len(page.all("style")) == 1
    places = ("container", "image", "revision", "url", "title", "kind", "encoding", "request", "layer", "file", "fix")
    assert page.source.count("&lt;/script&gt;&lt;/style&gt;&lt;img src=x onerror=alert(1)&gt;") > len(places)
    assert "49" not in page.words.replace("7*7", "")


def test_html_has_the_screenshot_as_a_data_uri() -> None:
    """The URI has the media type of the picture."""
    (image,) = full(verdict("pass")).all("img")
    kind, _, content = (image["src"] or "").partition(",")
    assert (kind, b64decode(content)) == ("data:image/png;base64", PNG)
