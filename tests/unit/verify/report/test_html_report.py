from __future__ import annotations

import re
from base64 import b64decode, b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from docktasks.engine.models import Container, Image
from docktasks.verify import report
from docktasks.verify.probes.image_archive import File, Layer
from docktasks.verify.probes.page_timing import Load
from docktasks.verify.registry import Verdict
from docktasks.verify.report.charts import stack, waterfall
from docktasks.verify.report.run import VerifyRun
from docktasks.verify.subject import Subject
from tests.unit.fakes.reports import HOSTILE, URL, Visit, judged, load, running, verdict

LOADS = (
    Load(f"{URL}/", "document", 200, 0, 8, 700, 1500),
    Load(f"{URL}/assets/index-1.js", "script", 200, 10, 30, 30_000, 90_000),
    Load(f"{URL}/gone.svg", "image", 404, 12, 15, 150, 9, ""),
    Load("https://else.example/x.js", "script", 0, 12, 40, 0, 0, ""),
)
FILES = {name: File(name, "file", size) for name, size in (("/a", 5), ("/b", 900), ("/c", 0))}
LAYERS = [
    Layer("sha256:1", "base", 17_000_000, ours=False),
    Layer("sha256:2", "COPY /out/image/ /", 250_000, ours=True, files=FILES),
]
PNG = b"\x89PNG\r\n\x1a\n-"


class Page(HTMLParser):
    """A page as a browser reads it: every element with its attributes, and the text."""

    def __init__(self, judged: VerifyRun) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.source = report.render(judged, "html")
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += f" {data}"

    @property
    def words(self) -> str:
        """The text, with every run of white space as one space."""
        return " ".join(self.text.split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every element of a kind."""
        return [attrs for name, attrs in self.elements if name == tag]


def full(*verdicts: Verdict) -> Page:
    """A page with all its parts."""
    return Page(judged(*verdicts, subject=running(), visit=Visit(LOADS, PNG), layers=LAYERS))


def test_failures_come_first_with_evidence_and_fix() -> None:
    """Then every check by its group; a failure there leads to the first."""
    page = full(
        verdict("pass", name="image.user"), verdict("fail", "/a.js: 404"), verdict("skip", "why", name="http.x")
    )
    assert "1 of 3 checks failed" in page.words
    assert "http.files critical Every file answers 200. /a.js: 404 Fix Build it again" in page.words
    assert page.words.index("What failed") < page.words.index("The first load") < page.words.index("Every check")
    assert {"href": "#http.files"} in page.all("a")
    assert "Skipped: why" in page.words
    assert "http 0 of 2 passed, 1 skipped" in page.words


@pytest.mark.parametrize(
    ("verdicts", "heading"),
    [
        ([verdict("pass"), verdict("pass", name="http.missing")], "All 2 checks passed"),
        ([verdict("pass")], "1 check passed"),
        ([verdict("pass"), verdict("skip", "x", name="http.y")], "1 check passed, 1 skipped"),
        ([verdict("skip", "x")], "No check could judge"),
        ([verdict("fail", "x")], "1 of 1 check failed"),
        ([], "No check could judge"),
    ],
)
def test_the_heading_is_the_verdict(verdicts: list[Verdict], heading: str) -> None:
    """A skip is never a pass, there either."""
    page = Page(judged(*verdicts))
    assert f" {heading} " in page.words
    assert ("What failed" in page.words) is ("failed" in heading)


def test_the_numbers_stand_at_the_top() -> None:
    """What the first load costs, what the image weighs, and what it adds to its base."""
    head = full(verdict("pass")).words.partition("Every check")[0]
    for text in (
        "first load 30.9 kB",
        "requests 4",
        "image 17.2 MB",
        "over its base 250.0 kB",
        "shop-prod",
        "aaaaaaaaaaaa",
    ):
        assert text in head
    assert "Judged 2026-11-24 09:00:00 UTC, in 1.0 s" in head


def test_what_nobody_looked_at_is_left_out() -> None:
    """No empty picture, no number of nothing; and nothing is looked at for the report's sake."""
    page = Page(judged(verdict("pass")))
    for text in ("first load", "requests", "over its base", "layer", "Container"):
        assert text not in page.words
    assert page.all("svg") == page.all("img") == []
    only = Page(judged(verdict("pass"), visit=Visit()))
    assert only.all("svg") == only.all("img") == []


def test_it_needs_nothing_but_itself() -> None:
    """No script, no element that asks for anything, and a policy that would stop it; the style is named by its hash."""
    page = full(verdict("fail", HOSTILE))
    policy = next(each["content"] or "" for each in page.all("meta") if each.get("http-equiv"))
    style = re.findall(r"<style>(.*?)</style>", page.source, re.DOTALL)
    assert len(style) == 1
    hashed = b64encode(sha256(style[0].encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{hashed}'; img-src data:;")
    assert not {"script", "link", "iframe", "object", "form"} & {tag for tag, _ in page.elements}
    for tag, attrs in page.elements:
        assert not [name for name in attrs if name.startswith("on") or name == "style"], tag
        assert (attrs.get("src") or "data:").startswith("data:")
        assert (attrs.get("href") or "#").startswith("#")
    assert "url(" not in style[0]
    assert "@import" not in style[0]


def test_hostile_text_stays_text() -> None:
    """Wherever a site, an image or a check has a word: it is read, and makes no element."""
    image = Image("sha256:1", tags=(HOSTILE,), labels={"org.opencontainers.image.revision": HOSTILE})
    subject = Subject(f"{URL}/{HOSTILE}", None, Container("1", HOSTILE), image)
    loads = (load(f"{URL}/{HOSTILE}", HOSTILE, encoding=HOSTILE), load(f"https://x.example/{HOSTILE}"))
    layers = [
        Layer("", HOSTILE, 10, ours=False),
        Layer("", "ours", 10, ours=True, files={"x": File(HOSTILE, "file", 3)}),
    ]
    page = Page(
        judged(
            verdict("fail", HOSTILE, fix=HOSTILE),
            verdict("skip", HOSTILE, name="http.x"),
            subject=subject,
            visit=Visit(loads),
            layers=layers,
        )
    )
    assert page.all("img") == page.all("script") == []
    assert len(page.all("style")) == 1
    texts = ("container", "image", "revision", "url", "title", "kind", "coding", "request", "layer", "file", "fix")
    assert page.source.count("&lt;/script&gt;&lt;/style&gt;&lt;img src=x onerror=alert(1)&gt;") > len(texts)
    assert "49" not in page.words.replace("7*7", "")


def test_the_screenshot_is_part_of_the_page() -> None:
    """As a data URI, of the kind that it is."""
    (image,) = full(verdict("pass")).all("img")
    kind, _, content = (image["src"] or "").partition(",")
    assert (kind, b64decode(content)) == ("data:image/png;base64", PNG)
    (jpeg,) = Page(judged(verdict("pass"), visit=Visit(LOADS, b"\xff\xd8"))).all("img")
    assert (jpeg["src"] or "").startswith("data:image/jpeg;")


def test_the_waterfall_draws_when_and_how_long() -> None:
    """A bar begins when its request did; its own files go by path, and what failed stands out."""
    found = waterfall(LOADS[::-1], URL)
    assert found is not None
    by_name = {each.name: each for each in found.requests}
    assert set(by_name) == {"/", "/gone.svg", "https://else.example/x.js", "/assets/index-1.js"}
    assert (by_name["/assets/index-1.js"].bar.start, by_name["/assets/index-1.js"].bar.width) == (25.0, 50.0)
    assert {each.name: each.status for each in found.requests if each.failed} == {
        "https://else.example/x.js": "failed",
        "/gone.svg": "404",
    }
    assert found.requests[0].name == "/"
    assert found.ticks == ((0.0, "0"), (25.0, "10"), (50.0, "20"), (75.0, "30"), (100.0, "40"))
    assert (found.wire, found.size, found.took) == ("30.9 kB", "91.5 kB", "40 ms")


@pytest.mark.parametrize("end", [0.0, 0.3, 7, 99.9, 1234, 90_000])
def test_the_ticks_are_few_and_round(end: float) -> None:
    """However fast or slow it was."""
    found = waterfall([load(f"{URL}/", end=end)], URL)
    assert found is not None
    assert 2 <= len(found.ticks) <= 6
    assert all(0 <= at <= 100 for at, _ in found.ticks)
    assert all(len(text.rstrip("0").replace("0.", "")) <= 2 for _, text in found.ticks)


def test_layers_stand_on_each_other() -> None:
    """Each begins where the one below it ends; ours name their largest files."""
    found = stack(LAYERS)
    assert found is not None
    assert [(each.ours, each.bar.start, each.bar.width) for each in found.slices] == [
        (False, 0.0, 98.55),
        (True, 98.55, 1.45),
    ]
    assert found.slices[1].files == (("/b", "900 B"), ("/a", "5 B"))
    assert found.slices[1].more == 1
    assert (found.size, found.added, found.share) == ("17.2 MB", "250.0 kB", "1.4 %")
    assert stack([]) is None
