"""The pictures of README.md and docs/."""

from __future__ import annotations

import struct
from pathlib import Path

from playwright.sync_api import sync_playwright

from docs import pictures


def test_pair_of_screenshots_keeps_their_proportions(chromium: str, tmp_path: Path) -> None:
    """A circle stays one: each screenshot has its own size in the picture, whatever the window of the browser."""
    path = tmp_path / "pair.png"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=pictures.BROWSER_ARGS)
        shots = [pictures.screenshot(browser, scheme, 300, html="<h1>x</h1>") for scheme in pictures.SCHEMES]
        pictures.save_pair(browser, shots, path)
        browser.close()
    width, height = struct.unpack(">II", path.read_bytes()[16:24])  # https://www.w3.org/TR/png/#11IHDR
    assert (width, height) == (300 + 16 + 300, pictures.HEIGHT)


def test_picture_of_a_terminal_loads_nothing(tmp_path: Path) -> None:
    """A reader's browser asks no other server for a font."""
    path = tmp_path / "terminal.svg"
    pictures.save_terminal("Serving", "invoke run-prod", path)
    text = path.read_text()
    assert "Serving" in text
    assert "url(" not in text.replace("url(#", "")
