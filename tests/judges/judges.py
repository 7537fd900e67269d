"""The judges: programs of others that look at the same release. Each gives what it finds wrong, in words."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from docktasks.verify.probes import chromium_path

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
LIMIT = 120
"""Seconds that a judge may take: far more than any does."""
ROOT_ARGUMENTS = ["--no-sandbox"] if os.geteuid() == 0 else []  # root's Chromium has no sandbox


def output(*args: str | Path, given: str = "") -> str:
    """What a program prints; judges end with all kinds of exit codes, so one that prints nothing has failed."""
    program = shutil.which(args[0])
    assert program, f"{args[0]} is not installed. Have it installed and run: nox --session judges"
    with tempfile.TemporaryFile("w+") as printed:  # into a pipe, node may end before all that it prints is read
        ran = subprocess.run(
            [program, *args[1:]], input=given, stdout=printed, stderr=subprocess.PIPE, text=True, timeout=LIMIT,
            check=False, env=os.environ | {"CHROME_PATH": chromium()},
        )  # fmt: skip
        printed.seek(0)
        found = printed.read()
    assert found, f"{args[0]} ends with {ran.returncode}: {ran.stderr}"
    return found


def module(*parts: str) -> Path:
    """A file of a judge from npm."""
    path = MODULES.joinpath(*parts)
    assert path.exists(), f"{parts[0]} is not installed. Have it installed and run: nox --session judges"
    return path


def chromium() -> str:
    """The path of a browser."""
    found = chromium_path.find_chromium()
    assert found, "There is no Chromium for axe and Lighthouse. Install one: invoke setup --browser"
    return found


def hadolint(*dockerfiles: Path) -> list[str]:
    """The Dockerfiles, by hadolint: at every level, those included that its own exit code would let pass."""
    found = json.loads(output("hadolint", "--no-fail", "--format", "json", *dockerfiles))
    return [f"{Path(each['file']).name}:{each['line']} {each['code']} {each['message']}" for each in found]


def gixy(configuration: Path) -> list[str]:
    """The configuration of nginx, by gixy-ng: the plugin that found it, and where."""
    found = json.loads(output("gixy", "--format", "json", configuration))
    return [f"{each['plugin']}: {each['reason'] or each['summary']} ({Path(each['file']).name})" for each in found]


def structure(image: str, expected: Path = HERE / "image.yaml") -> list[str]:
    """The image, by container-structure-test."""
    args: list[str | Path] = ["--image", image, "--config", expected, "--output", "json"]
    results = json.loads(output("container-structure-test", "test", *args))["Results"]
    return [f"{each['Name']}: {', '.join(each.get('Errors', []))}" for each in results if not each["Pass"]]


def redbot(url: str) -> list[str]:
    """The answer to one request and to those that REDbot makes to be sure, by REDbot."""
    (entry,) = json.loads(output("redbot", "--output-format", "har", url))["log"]["entries"]
    notes = entry["_red_messages"]
    assert notes, f"REDbot says nothing of {url}"
    return [f"{note['note_id']}: {note['summary']}" for note in notes if note["level"] in ("BAD", "WARN")]


def csp(policy: str) -> list[str]:
    """A Content-Security-Policy, by csp_evaluator."""
    module("csp_evaluator")
    found = json.loads(output("node", HERE / "csp.cjs", policy))
    return [
        f"{each['severity']} {each['directive']} {each.get('value') or ''}: {each['description']}" for each in found
    ]


def axe(url: str, path: str = "/") -> list[str]:
    """A page, wide and narrow, light and dark, by axe: all of its rules."""
    source, found = module("axe-core", "axe.min.js").read_text(encoding="utf-8"), []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ROOT_ARGUMENTS)
        for width, scheme in ((1280, "light"), (360, "dark")):
            page = browser.new_page(
                viewport={"width": width, "height": 900},
                color_scheme="dark" if scheme == "dark" else "light",
                reduced_motion="reduce",
            )
            page.goto(url + path, wait_until="networkidle")
            page.evaluate(source)
            for rule in page.evaluate("() => axe.run()")["violations"]:
                places = ", ".join(node["html"] for node in rule["nodes"])
                found.append(f"{path} {width} {scheme}: {rule['id']}: {places}")
        browser.close()
    return found


def rendered(url: str) -> str:
    """A page's HTML once its scripts have made it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ROOT_ARGUMENTS)
        page = browser.new_page()
        page.goto(url, wait_until="networkidle")
        html = page.content()
        browser.close()
    return html


def nu(**files: str) -> list[str]:
    """Files, by the Nu HTML checker: errors, and warnings but that `/>` is needless. Named as `index_html`, `a_css`."""
    if not shutil.which("java"):
        why = "The Nu HTML checker needs Java, and there is none. Install it: apt-get install default-jre-headless"
        assert not os.environ.get("CI"), why
        pytest.skip(why)
    jar = module("vnu-jar", "build", "dist", "vnu.jar")
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / ".".join(name.rsplit("_", 1)) for name in files]
        for path, text in zip(paths, files.values(), strict=True):
            path.write_text(text, encoding="utf-8")
        args = ["--format", "json", "--stdout", "--exit-zero-always", "--also-check-css", "--also-check-svg"]
        messages = json.loads(output("java", "-jar", jar, *args, *paths))["messages"]
    wrong = [each for each in messages if each["type"] != "info" or each.get("subType") == "warning"]
    return [f"{Path(each['url']).name}: {each['message']}" for each in wrong]


def lighthouse(url: str) -> dict[str, Any]:
    """A page on a slow phone, by Lighthouse: its whole report."""
    flags = f"--chrome-flags={' '.join(['--headless=new', *ROOT_ARGUMENTS])}"
    script = module("lighthouse", "cli", "index.js")
    report: dict[str, Any] = json.loads(output("node", script, url, "--output=json", "--quiet", flags))
    return report


def scores(report: dict[str, Any]) -> dict[str, int]:
    """Lighthouse's scores, of 100."""
    return {name: round(100 * (each["score"] or 0)) for name, each in report["categories"].items()}
