"""Find a Chromium or Chrome, and what drives it: the extra `browser` of the package."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from docktasks import resources

if TYPE_CHECKING:
    from playwright.sync_api import Error as BrowserError

PROGRAMS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"]


def has_driver() -> bool:
    """Return True when Playwright is installed, without which no browser is of use here."""
    return find_spec("playwright") is not None


def what_is_missing() -> str:
    """Say why no browser can be used, and how to get one."""
    if has_driver():
        return "no Chromium is here (invoke setup --browser)"
    return f"the extra browser is not installed: {resources.install_extra('browser')}"


def browser_errors() -> tuple[type[BrowserError], ...]:
    """Return what Playwright raises; nothing where it is not installed."""
    if not has_driver():
        return ()
    from playwright.sync_api import Error

    return (Error,)


def find_chromium(configured: str = "") -> str:
    """Return the path of the configured, an installed or Playwright's own browser; empty when there is none."""
    if not has_driver():
        return ""
    for name in [configured, *PROGRAMS]:
        path = shutil.which(name) if name else None
        if path:
            return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return str(own) if own.exists() else ""
