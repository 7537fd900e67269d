"""A longer look at one page: how wide it is, what axe finds, which files cannot be read, and what goes wrong later."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Literal, NamedTuple

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize

from docktasks.verify.probes.chromium import WIDE_VIEWPORT, open_page
from docktasks.verify.probes.page_events import PageEvents, PageSnapshot, page_script

NARROW_VIEWPORT = ViewportSize(width=360, height=780)
WCAG_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
View = tuple[ViewportSize, Literal["light", "dark"]]
VIEWS: tuple[View, ...] = (
    (WIDE_VIEWPORT, "light"), (WIDE_VIEWPORT, "dark"), (NARROW_VIEWPORT, "light"), (NARROW_VIEWPORT, "dark"),
)  # fmt: skip
LATE_S = 1.5
"""How long a page is watched, at least: a script may fail, or load the page again, after a while."""
END_ANIMATIONS = page_script("end_animations")
BROKEN_FILES = page_script("broken_files")


class Audit(NamedTuple):
    """axe's findings by view, the width that the page takes by path and window, and what the browser reported."""

    findings: dict[str, tuple[str, ...]]
    widths: dict[tuple[str, int], int]
    snapshot: PageSnapshot


def audit(events: PageEvents, path: str, address: str, views: Iterable[View], known: Collection[str]) -> Audit:
    """Look at the page in each view. `known` are the events that other looks have reported."""
    page = events.page
    findings: dict[str, tuple[str, ...]] = {}
    widths: dict[tuple[str, int], int] = {}
    for viewport, same_window in groupby(views, key=lambda view: view[0]):
        width = viewport["width"]
        page.set_viewport_size(viewport)
        open_page(page, address)
        opened = time.monotonic()
        if events.reloads(0.0 if widths else LATE_S):
            return Audit({}, {}, events.snapshot(path, lambda: None))  # axe would never end
        widths[path, width] = page.evaluate("document.documentElement.scrollWidth")
        for _, scheme in same_window:
            page.emulate_media(color_scheme=scheme)
            page.evaluate(END_ANIMATIONS)  # a colour in transition is no colour of the page
            findings[f"{path}, {scheme}, {width} wide"] = tuple(_axe_findings(page))
    page.wait_for_timeout(1000 * max(0.0, opened + LATE_S - time.monotonic()))
    broken = page.evaluate(BROKEN_FILES)
    snapshot = events.snapshot(f"{path} after a while", lambda: None)
    console, network, policy = (
        tuple(line for line in lines if line not in known)
        for lines in (snapshot.console, (*snapshot.network, *broken), snapshot.policy)
    )
    return Audit(findings, widths, replace(snapshot, console=console, network=network, policy=policy))


def _axe_findings(page: Page) -> Iterator[str]:
    """What axe finds, a rule a line, with the first element that breaks it."""
    # Without preload axe fetches no style sheet of another host, which no policy allows for the app.
    options = {"runOnly": list(WCAG_TAGS), "resultTypes": ["violations"], "preload": False}
    for violation in Axe().run(page, options=options).response["violations"]:
        elements = [" ".join(map(str, node["target"])) for node in violation["nodes"]]
        more = f" and {len(elements) - 1} more" if len(elements) > 1 else ""
        yield f"{violation['id']} ({violation['impact']}): {violation['help']}: {elements[0]}{more}"
