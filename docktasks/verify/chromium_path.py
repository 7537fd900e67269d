"""Find a Chromium or Chrome."""

from __future__ import annotations

import shutil
from pathlib import Path

PROGRAMS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"]


def find_chromium(configured: str = "") -> str:
    """Return the path of the configured, an installed or Playwright's own browser; empty when there is none."""
    for name in [configured, *PROGRAMS]:
        path = shutil.which(name) if name else None
        if path:
            return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return str(own) if own.exists() else ""
