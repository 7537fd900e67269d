"""Take the README's pictures from the running production container: python docs/pictures.py, after invoke run-prod."""

from __future__ import annotations

import base64
import io
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

from invoke.config import Config
from invoke.context import Context
from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console

ROOT = Path(__file__).parent.parent
PICTURES = Path(__file__).parent / "pictures"
sys.path.insert(0, str(ROOT))  # a script's path starts with its own folder

from docktasks import chromium_path  # noqa: E402
from docktasks.app.session import session  # noqa: E402
from docktasks.verify import catalog, report, run  # noqa: E402

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, Scheme] = ("light", "dark")
# Chromium refuses to run its sandbox as root.
BROWSER_ARGS = ["--disable-background-networking", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
PAIR_STYLE = "<style>body{margin:0;display:flex;gap:16px;width:fit-content}img{width:692px;border-radius:8px}</style>"


def screenshot(browser: Browser, scheme: Scheme, width: int, *, url: str = "", html: str = "") -> bytes:
    """The first screen of a page, by its address or its HTML, in a colour scheme."""
    page = browser.new_page(viewport={"width": width, "height": 1090}, color_scheme=scheme, device_scale_factor=1.5)
    try:
        _load(page, url, html)
        return page.screenshot()
    finally:
        page.close()


def _load(page: Page, url: str, html: str) -> None:
    if url:
        page.goto(url, wait_until="networkidle")
    else:
        page.set_content(html)


def save_pair(browser: Browser, screenshots: list[bytes], path: Path) -> None:
    """Save screenshots side by side as one picture."""
    images = "".join(f"<img src='data:image/png;base64,{base64.b64encode(shot).decode()}'>" for shot in screenshots)
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    try:
        page.set_content(PAIR_STYLE + images)
        page.locator("body").screenshot(path=path, omit_background=True)
    finally:
        page.close()


def invoke(*args: str, **environ: str) -> str:
    """What a task prints in a terminal of 80 columns."""
    environment = os.environ | {"COLUMNS": "80"} | environ
    command = [sys.executable, "-m", "invoke", *args]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout


def save_terminal(output: str, command: str, path: Path, width: int = 80) -> None:
    """Save a picture of a terminal in which a command has printed its output."""
    console = Console(record=True, width=width, file=io.StringIO(), highlight=False)
    console.print(f"[bold green]$[/] [bold]{command}[/]")
    console.print(output.rstrip(), markup=False)
    console.save_svg(str(path), title="hello-dock")


def replace_release() -> str:
    """Build another release and let it replace the one that serves. What run-prod prints."""
    # Another label makes another image of the same files, so the page stays the same.
    label = {"INVOKE_BUILD_SOURCE_URL": f"https://example.com/{time.time():.0f}"}
    invoke("build-prod", **label)
    return invoke("run-prod", "--no-build")


def main() -> None:
    """Take every picture."""
    save_terminal(replace_release(), "invoke run-prod --no-build", PICTURES / "run-prod.svg")
    config = Config(project_location=ROOT)
    config.load_project()
    config.load_shell_env()
    with session(Context(config)) as project:
        verify_run = run.verify(project, run.VerifyOptions(catalog.CHECKS))
        executable = chromium_path.find_chromium(project.settings.browser.executable)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=BROWSER_ARGS)
        url, html = verify_run.subject.url, report.REPORTS["html"](verify_run)
        page_shots = [screenshot(browser, scheme, 900, url=url) for scheme in SCHEMES]
        save_pair(browser, page_shots, PICTURES / "production.png")
        report_shots = [screenshot(browser, scheme, 1000, html=html) for scheme in SCHEMES]
        save_pair(browser, report_shots, PICTURES / "report.png")
        browser.close()
    console = Console(record=True, width=100, file=io.StringIO(), force_terminal=True)
    report.show(verify_run, console)
    console.save_svg(str(PICTURES / "verify.svg"), title="invoke verify")


if __name__ == "__main__":
    main()
