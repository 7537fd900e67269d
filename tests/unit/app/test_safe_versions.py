from __future__ import annotations

import json
import re
from datetime import date

import pytest

from docktasks.app import safe_versions
from docktasks.app.safe_versions import age_note, judge
from tests.unit.fakes.apps import ROOT

DATA = json.loads((ROOT / "docktasks/app/safe_versions.json").read_text())
PRODUCTS = DATA["products"]
LINES = [(product, line) for product, entry in PRODUCTS.items() for line in entry["lines"]]


def fault_of(product: str, version: str) -> str:
    """The fault of a version; empty if it is safe."""
    judgement = judge(product, version)
    assert judgement
    return judgement.fault


@pytest.mark.parametrize(
    ("product", "version", "next_safe"),
    [
        ("vite", "8.4.0", ""), ("vite", "8.4.1", ""), ("vite", "8.3.7", ""), ("vite", "8.3.10", ""),
        ("vite", "8.3.6", "8.3.7"), ("vite", "8.3.0", "8.3.7"), ("vite", "8.2.4", "8.2.6"), ("vite", "8.1.6", "8.1.7"),
        ("vite", "7.3.7", "7.3.8"), ("vite", "6.4.5", "6.4.6"),
        ("vite", "8.3.7-beta.0", "8.3.7"), ("vite", "8.4.0-beta.1", "8.4.0"), ("vite", "8.3.8-beta.1", ""),
        ("vite", "8.5.0-beta.0", ""), ("vite", "9.0.0", ""), ("vite", "10.0.0", ""), ("vite", "8.3.8+build.5", ""),
        ("vite", "8.0.16", "8.1.7"), ("vite", "8.0.99", "8.1.7"), ("vite", "7.2.7", "7.3.8"),
        ("vite", "6.3.7", "6.4.6"), ("vite", "5.4.21", "6.4.6"), ("vite", "0.1.0", "6.4.6"),
        ("rolldown-vite", "7.3.1", "8.1.7"), ("rolldown-vite", "9.0.0", "8.1.7"),
        ("nginx", "1.30.7", ""), ("nginx", "1.30.6", "1.30.7"), ("nginx", "1.30.10", ""), ("nginx", "1.31.9", ""),
        ("nginx", "1.31.3", "1.31.9"), ("nginx", "1.32.0", ""), ("nginx", "1.29.8", "1.30.7"),
        ("nginx", "1.9.9", "1.30.7"),
    ],
)  # fmt: skip
def test_version_is_judged_by_its_own_line(product: str, version: str, next_safe: str) -> None:
    """A line without a safe version gets the nearest line that has one. A line newer than the data is safe."""
    judgement = judge(product, version)
    assert judgement
    assert judgement.next_safe == next_safe
    assert bool(judgement.fault) == bool(next_safe)


@pytest.mark.parametrize("text", ["", "8", "8.3", "latest", "^8.3.8", "8.3.8 || 9.0.0", "None", "v8.3.8", "8.3.x"])
def test_text_that_is_no_version_is_not_safe(text: str) -> None:
    """A range is no version: what is installed counts."""
    assert fault_of("vite", text)


def test_product_without_data_is_not_judged() -> None:
    """A fork of Vite has versions of its own."""
    assert judge("@voidzero-dev/vite-plus-core", "1.0.0") is None
    assert judge("checked", "1.0.0") is None


@pytest.mark.parametrize(
    ("today", "text"),
    [
        ("2026-11-28", "2026-11-28, 0 days old"),
        ("2026-11-29", "2026-11-28, 1 day old"),
        ("2027-01-27", "2026-11-28, 60 days old"),
        ("2027-01-28", "2026-11-28, 61 days old: it may lack a newer security release. Update hello-dock"),
    ],
)
def test_data_says_how_old_it_is(monkeypatch: pytest.MonkeyPatch, today: str, text: str) -> None:
    """After two months it also says that it may lack a release."""
    monkeypatch.setattr(safe_versions, "_data", lambda: {"checked": "2026-11-28"})
    assert age_note(date.fromisoformat(today)) == f"The table of safe versions is of {text}"


def test_data_is_complete() -> None:
    """Each line has a version, a date and a reason. No line is there twice, and each product names its sources."""
    assert date.fromisoformat(DATA["checked"])
    for _product, line in LINES:
        assert re.fullmatch(r"\d+\.\d+\.\d+", line["first_safe"])
        assert date.fromisoformat(line["released"]) <= date.fromisoformat(DATA["checked"])
        assert line["why"]
    names = [(product, line["first_safe"].rpartition(".")[0]) for product, line in LINES]
    assert len(set(names)) == len(names)
    assert all(entry["sources"] for entry in PRODUCTS.values())


def test_page_has_the_same_safe_versions_as_the_data() -> None:
    """docs/safe-versions.md has a row for each line, and the date of the data."""
    page = (ROOT / "docs/safe-versions.md").read_text()
    rows = [f"| {PRODUCTS[product]['name']} | {line['first_safe']} | {line['released']} |" for product, line in LINES]
    assert [row for row in rows if row not in page] == []
    assert page.count("\n| Vite | ") + page.count("\n| nginx ") == len(rows)
    assert DATA["checked"] in page


def test_vite_of_our_own_app_is_safe() -> None:
    """The lock file of hello-dock has a safe version."""
    lock = json.loads((ROOT / "hello-dock/package-lock.json").read_text())
    assert fault_of("vite", lock["packages"]["node_modules/vite"]["version"]) == ""
