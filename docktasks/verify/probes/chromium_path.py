"""Find a Chromium or Chrome."""

from __future__ import annotations

import shutil
from pathlib import Path

BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"]


def find_chromium(configured: str = "") -> str:
    """The path of a Chromium-like browser: configured, installed, or Playwright's own; empty when there is none."""
    for name in [configured, *BROWSERS]:
        found = shutil.which(name) if name else None
        if found:
            return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return str(own) if own.exists() else ""
