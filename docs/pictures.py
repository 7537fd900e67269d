"""Take the pictures of README.md and docs/tasks.md: python docs/pictures.py. It runs the production container."""

from __future__ import annotations

import base64
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from invoke.config import Config
from invoke.context import Context
from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console

ROOT = Path(__file__).parent.parent
PICTURES = Path(__file__).parent / "pictures"
sys.path.insert(0, str(ROOT))  # a script's path starts with its own folder

from benchmarks.checkout import copy_app  # noqa: E402
from docktasks.app.session import session  # noqa: E402
from docktasks.verify import (  # noqa: E402
    catalog,
    chromium_path,
    report,
    run,
)

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, Scheme] = ("light", "dark")
# Chromium refuses to run its sandbox as root.
BROWSER_ARGS = ["--disable-background-networking", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
HEIGHT = 1090
"""Of a screenshot, in pixels."""

# Screenshots keep their own size and proportions. Without the doctype and align-items a browser would stretch them.
PAIR_PAGE = """<!doctype html><title>pair</title><style>
body { margin: 0; display: flex; align-items: flex-start; gap: 16px; width: fit-content }
img { border-radius: 8px }
</style>"""
FONT_FACES = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""In rich's picture: fonts to load from a server of others."""


def screenshot(browser: Browser, scheme: Scheme, width: int, *, url: str = "", html: str = "") -> bytes:
    """The first screen of a page, by its address or its HTML, in a colour scheme."""
    page = browser.new_page(viewport={"width": width, "height": HEIGHT}, color_scheme=scheme)
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
        page.set_content(PAIR_PAGE + images)
        page.locator("body").screenshot(path=path, omit_background=True)
    finally:
        page.close()


def invoke(*args: str, **environ: str) -> str:
    """What a task prints in a terminal of 80 columns, its steps and its result."""
    environment = os.environ | {"COLUMNS": "80"} | environ
    command = [sys.executable, "-m", "invoke", *args]
    done = subprocess.run(  # what a user sees in a terminal is both streams, in their order
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
    )
    return done.stdout


def save_terminal(output: str, command: str, path: Path, width: int = 80) -> None:
    """Save a picture of a terminal in which a command has printed its output."""
    console = Console(record=True, width=width, file=io.StringIO(), highlight=False)
    console.print(f"[bold green]$[/] [bold]{command}[/]")
    console.print(
        f"{output.rstrip()}\n", markup=False
    )  # without a last empty line rich cuts what hangs below the letters
    path.write_text(FONT_FACES.sub("", console.export_svg(title="hello-dock")), encoding="utf-8")


def replace_release() -> str:
    """Let this checkout's release replace another one. What run-prod prints."""
    with TemporaryDirectory() as folder:
        app = copy_app(Path(folder, "app"))
        view = app / "src/views/ServingView.vue"
        view.write_text(view.read_text(encoding="utf-8").replace("on its way", "under way"), encoding="utf-8")
        invoke("run-prod", INVOKE_APP_DIR=str(app))
    invoke("build-prod")
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


if __name__ == "__main__":
    main()
