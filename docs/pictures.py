"""Takes the README's pictures from the running production container: python docs/pictures.py, after invoke run-prod."""

from __future__ import annotations

import base64
import io
import os
import sys
import time
from pathlib import Path
from typing import Literal

from invoke.config import Config
from invoke.context import Context
from playwright.sync_api import Browser, sync_playwright
from rich.console import Console

ROOT = Path(__file__).parent.parent
PICTURES = Path(__file__).parent / "pictures"
sys.path.insert(0, str(ROOT))  # a script's path starts at its own folder

from docktasks.cli.runner import Runner  # noqa: E402
from docktasks.cli.session import load_settings as settings  # noqa: E402
from docktasks.verify import catalog, report  # noqa: E402
from docktasks.verify import run as verify_run  # noqa: E402
from docktasks.verify.probes import chromium_path  # noqa: E402
from docktasks.verify.report import run as report_run  # noqa: E402

# Root's Chromium has no sandbox; and none of these pictures needs its own services.
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
ARGUMENTS = ["--disable-background-networking", *(["--no-sandbox"] if os.geteuid() == 0 else [])]


def page_shot(browser: Browser, url: str, scheme: Literal["light", "dark"]) -> bytes:
    """The first screen of a page in a colour scheme, light or dark, once nothing is loading."""
    with browser.new_context(
        viewport={"width": 900, "height": 1080}, color_scheme=scheme, device_scale_factor=1.5
    ) as context:
        page = context.new_page()
        page.goto(url, wait_until="networkidle")
        return page.screenshot()


def side_by_side(browser: Browser, shots: list[bytes], path: Path) -> None:
    """Write several screenshots as one picture."""
    with browser.new_context(viewport={"width": 1400, "height": 900}) as context:
        page = context.new_page()
        images = "".join(f"<img src='data:image/png;base64,{base64.b64encode(shot).decode()}'>" for shot in shots)
        style = (
            "<style>body{margin:0;display:flex;gap:16px;width:fit-content}img{width:692px;border-radius:8px}</style>"
        )
        page.set_content(style + images)
        page.locator("body").screenshot(path=path, omit_background=True)


def report_shot(browser: Browser, judged: report_run.VerifyRun, scheme: Literal["light", "dark"]) -> bytes:
    """The first screens of a run's HTML page in a colour scheme."""
    with browser.new_context(
        viewport={"width": 1000, "height": 1100}, color_scheme=scheme, device_scale_factor=1.5
    ) as context:
        page = context.new_page()
        page.set_content(report.render(judged, "html"))
        return page.screenshot()


def main() -> None:
    """Take every picture."""
    config = Config(project_location=ROOT)
    config.load_project()
    config.load_shell_env()
    context = Context(config)
    found = settings(context)
    subject = verify_run.running(Runner(context), found)
    began = time.monotonic()
    verdicts = tuple(catalog.run_checks(subject, catalog.all_checks()))
    judged = report_run.VerifyRun(subject, verdicts, time.monotonic() - began)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path.find_chromium(found.browser.executable), args=ARGUMENTS
        )
        shots = [page_shot(browser, subject.url, scheme) for scheme in SCHEMES]
        side_by_side(browser, shots, PICTURES / "production.png")
        shots = [report_shot(browser, judged, scheme) for scheme in SCHEMES]
        side_by_side(browser, shots, PICTURES / "report.png")
        browser.close()
    console = Console(record=True, width=100, file=io.StringIO())
    report.show(judged, console)
    console.save_svg(str(PICTURES / "verify.svg"), title="invoke verify")


if __name__ == "__main__":
    main()
