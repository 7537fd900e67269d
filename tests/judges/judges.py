"""Programs of others that judge a release. Each function returns the faults that one program finds, in words."""

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

from docktasks.verify import chromium_path
from docktasks.verify.probes.chromium import open_page

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
JUDGE_TIMEOUT_S = 120
"""Far more than any program takes."""
ROOT_ARGUMENTS = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium cannot use its sandbox as root


def output(*args: str | Path, stdin: str = "") -> str:
    """Run a program and return what it prints. Their exit codes differ, so only an empty output is a failure."""
    program = shutil.which(args[0])
    assert program, f"{args[0]} is not installed. Install it and run the judges: nox --session judges"
    # Not a pipe, because node may end before a pipe has taken all of its output.
    with tempfile.TemporaryFile("w+") as printed:
        process = subprocess.run(
            [program, *args[1:]], input=stdin, stdout=printed, stderr=subprocess.PIPE, text=True, check=False,
            timeout=JUDGE_TIMEOUT_S, env=os.environ | {"CHROME_PATH": chromium()},
        )  # fmt: skip
        printed.seek(0)
        text = printed.read()
    assert text, f"{args[0]} ends with {process.returncode}: {process.stderr}"
    return text


def module(*parts: str) -> Path:
    """Return the path of a file of an npm package in tests/judges/node_modules."""
    path = MODULES.joinpath(*parts)
    assert path.exists(), f"{parts[0]} is not installed. Install it and run the judges: nox --session judges"
    return path


def chromium() -> str:
    """Return the path of a browser."""
    path = chromium_path.find_chromium()
    assert path, "There is no Chromium for axe and Lighthouse. Install one: invoke setup --browser"
    return path


HADOLINT_CONFIG = Path(__file__).parents[2] / ".ci/hadolint.yaml"


def hadolint(*dockerfiles: Path) -> list[str]:
    """Judge Dockerfiles with hadolint, at every level, also those that do not change its exit code."""
    faults = json.loads(output("hadolint", "--config", HADOLINT_CONFIG, "--no-fail", "--format", "json", *dockerfiles))
    return [f"{Path(fault['file']).name}:{fault['line']} {fault['code']} {fault['message']}" for fault in faults]


def gixy(configuration: Path) -> list[str]:
    """Judge the configuration of nginx with gixy-ng. A fault has the plugin that found it, and the file."""
    faults = json.loads(output("gixy", "--format", "json", configuration))
    return [
        f"{fault['plugin']}: {fault['reason'] or fault['summary']} ({Path(fault['file']).name})" for fault in faults
    ]


def structure(image: str, expected: Path = HERE / "image.yaml") -> list[str]:
    """Compare an image with a file of expectations, with container-structure-test."""
    args: list[str | Path] = ["--image", image, "--config", expected, "--output", "json"]
    results = json.loads(output("container-structure-test", "test", *args))["Results"]
    return [f"{result['Name']}: {', '.join(result.get('Errors', []))}" for result in results if not result["Pass"]]


def kubernetes(*files: Path) -> list[str]:
    """Judge files by the schemas of Kubernetes, with kubernetes-validate. An unknown field is a fault."""
    printed = output("kubernetes-validate", "--strict", *files)
    assert len(printed.splitlines()) >= len(files), printed
    return [line for line in printed.splitlines() if not line.startswith("INFO ")]


def redbot(url: str) -> list[str]:
    """Judge an address with REDbot, which sends several requests. The faults are its bad notes and warnings."""
    (entry,) = json.loads(output("redbot", "--output-format", "har", url))["log"]["entries"]
    notes = entry["_red_messages"]
    assert notes, f"REDbot says nothing of {url}"
    return [f"{note['note_id']}: {note['summary']}" for note in notes if note["level"] in ("BAD", "WARN")]


def csp(policy: str) -> list[str]:
    """Judge a Content-Security-Policy with csp_evaluator."""
    module("csp_evaluator")
    faults = json.loads(output("node", HERE / "csp.cjs", policy))
    return [
        f"{fault['severity']} {fault['directive']} {fault.get('value') or ''}: {fault['description']}"
        for fault in faults
    ]


def axe(url: str, path: str = "/") -> list[str]:
    """Judge a page, wide and light, narrow and dark, with all rules of axe."""
    source, faults = module("axe-core", "axe.min.js").read_text(encoding="utf-8"), list[str]()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ROOT_ARGUMENTS)
        for width, scheme in ((1280, "light"), (360, "dark")):
            page = browser.new_page(
                viewport={"width": width, "height": 900},
                color_scheme="dark" if scheme == "dark" else "light",
                reduced_motion="reduce",
            )
            open_page(page, url + path)
            page.evaluate(source)
            for rule in page.evaluate("() => axe.run()")["violations"]:
                places = ", ".join(node["html"] for node in rule["nodes"])
                faults.append(f"{path} {width} {scheme}: {rule['id']}: {places}")
        browser.close()
    return faults


def rendered_html(url: str) -> str:
    """Return the HTML of a page after its scripts have run."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ROOT_ARGUMENTS)
        page = browser.new_page()
        open_page(page, url)
        html = page.content()
        browser.close()
    return html


def nu(**files: str) -> list[str]:
    """Judge files, such as `index_html="…"` and `a_css="…"`, with the Nu HTML checker.

    The faults are its errors and warnings, without its notes that `/>` is not needed.
    """
    if not shutil.which("java"):
        reason = "The Nu HTML checker needs Java, and there is none. Install it: apt-get install default-jre-headless"
        assert not os.environ.get("CI"), reason
        pytest.skip(reason)
    jar = module("vnu-jar", "build", "dist", "vnu.jar")
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / ".".join(name.rsplit("_", 1)) for name in files]
        for path, text in zip(paths, files.values(), strict=True):
            path.write_text(text, encoding="utf-8")
        args = ["--format", "json", "--stdout", "--exit-zero-always", "--also-check-css", "--also-check-svg"]
        messages = json.loads(output("java", "-jar", jar, *args, *paths))["messages"]
    faults = [message for message in messages if message["type"] != "info" or message.get("subType") == "warning"]
    return [f"{Path(fault['url']).name}: {fault['message']}" for fault in faults]


def lighthouse(url: str) -> dict[str, Any]:
    """Judge a page on a simulated slow phone with Lighthouse, and return its whole report."""
    flags = f"--chrome-flags={' '.join(['--headless=new', *ROOT_ARGUMENTS])}"
    script = module("lighthouse", "cli", "index.js")
    report: dict[str, Any] = json.loads(output("node", script, url, "--output=json", "--quiet", flags))
    return report


def scores(report: dict[str, Any]) -> dict[str, int]:
    """Return the scores of a report of Lighthouse, of 100, by category."""
    return {name: round(100 * (category["score"] or 0)) for name, category in report["categories"].items()}
