"""Find a Chromium or Chrome."""

from __future__ import annotations

import shutil
from pathlib import Path

PROGRAMS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"]


def find_chromium(configured: str = "") -> str:
    """The path of the configured browser, of an installed one, or of Playwright's own; empty without any."""
    for name in [configured, *PROGRAMS]:
        path = shutil.which(name) if name else None
        if path:
            return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return str(own) if own.exists() else ""
