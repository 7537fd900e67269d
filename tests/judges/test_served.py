"""Second opinions on what is served; with each, that the judge is awake."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from docktasks.verify import report
from docktasks.verify.catalog import CHECKS, run_checks
from docktasks.verify.report import run as report_run
from docktasks.verify.subject import Subject
from tests.engine.support import Project
from tests.judges import judges

CSP_ACCEPTED = "MEDIUM_MAYBE script-src 'self'"
"""It would prefer a nonce or a hash: a server that writes the page anew, or a build that knows the policy."""
NU_ACCEPTED = re.compile(
    r"^rendered\.html: The “[a-z]+” (?:role is unnecessary for|attribute must not be used on a “t[dhr]”) "
)
"""The app's tables say their roles, which browsers forget where a style lays a narrow table out as something else."""
ATTEMPTS = 3
POOR = '<!doctype html><html><body><img src="x.png"><p style="color:#ccc">text</p></html>'


@contextmanager
def answering(body: str, *headers: tuple[str, str]) -> Iterator[str]:
    """The address of a server that answers everything so: not ours, to be found fault with."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            for name, value in (("Content-Type", "text/html"), ("Content-Length", str(len(body))), *headers):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def subject(release: Project) -> Iterator[Subject]:
    """What the release serves."""
    found = Subject(release.container().url)
    yield found
    found.site.close()


def test_redbot(subject: Subject) -> None:
    """The page, a deep link, an asset, the configuration, and errors; a range needs a file of some length."""
    asset = max(subject.site.files, key=lambda path: subject.site.files[path].size)
    paths = ["/", "/image", asset, "/favicon.svg", "/env.js", "/missing.txt", "/assets/missing.js"]
    assert {path: found for path in paths if (found := judges.redbot(subject.url + path))} == {}


def test_redbot_finds_a_fault() -> None:
    """A date that is none."""
    with answering("x", ("Last-Modified", "yesterday")) as url:
        print(judges.redbot(url))
        assert any("DATE" in found for found in judges.redbot(url))


def test_csp(subject: Subject) -> None:
    """Nothing but that scripts of the same origin may run."""
    found = judges.csp(subject.site.index.get("content-security-policy"))
    assert [each for each in found if not each.startswith(CSP_ACCEPTED)] == []


def test_csp_finds_a_fault() -> None:
    """A policy that lets inline scripts run, and plugins."""
    found = judges.csp("script-src 'self' 'unsafe-inline'")
    assert any(each.startswith("HIGH script-src 'unsafe-inline'") for each in found)
    assert any("object-src" in each for each in found)


@pytest.mark.parametrize("path", ["/", "/image", "/tasks", "/no-such-page"])
def test_axe(subject: Subject, path: str) -> None:
    """Every page of the app."""
    assert judges.axe(subject.url, path) == []


def test_axe_finds_a_fault() -> None:
    """A page without a language, a title, or a text for its image."""
    with answering(POOR) as url:
        found = " ".join(judges.axe(url))
    assert all(rule in found for rule in ("html-has-lang", "document-title", "image-alt", "color-contrast"))


def test_nu(subject: Subject) -> None:
    """The page as it is sent and as the app makes it, and its styles and pictures."""
    named = {
        path: subject.site.get(path).body.decode() for path in subject.site.files if path.endswith((".css", ".svg"))
    }
    assert named
    files = {f"file{number}_{path[-3:]}": named[path] for number, path in enumerate(named)}
    rendered = judges.rendered(f"{subject.url}/")
    found = judges.nu(index_html=subject.site.index.body.decode(), rendered_html=rendered, **files)
    assert [each for each in found if not NU_ACCEPTED.search(each)] == []


def test_nu_on_our_report(subject: Subject) -> None:
    """The report of a run is itself a page; whether its style has the hash in its policy, a browser has to tell."""
    run = report_run.VerifyRun(subject, tuple(run_checks(subject, CHECKS)), 1.0)
    found = judges.nu(report_html=report.REPORTS["html"](run))
    assert [each for each in found if "violates Content Security Policy" not in each] == []


def test_nu_finds_a_fault() -> None:
    """A picture without a text, and a style that is none."""
    found = judges.nu(poor_html=POOR, poor_css="a { color: nocolor }")
    assert {each.partition(":")[0] for each in found} == {"poor.html", "poor.css"}


def test_lighthouse(subject: Subject) -> None:
    """100 for accessibility, best practices and SEO. Performance varies with the machine: 95, at the best of three."""
    runs: list[dict[str, int]] = []
    while not runs or (runs[-1]["performance"] < 95 and len(runs) < ATTEMPTS):
        told = judges.lighthouse(f"{subject.url}/")
        runs.append(judges.scores(told))
    print("Lighthouse:", *runs, [name for name, audit in told["audits"].items() if audit["score"] == 0], sep="\n")
    best = max(runs, key=lambda scores: scores["performance"])
    assert {name: best[name] for name in ("accessibility", "best-practices", "seo")} == dict.fromkeys(
        ("accessibility", "best-practices", "seo"), 100
    )
    assert best["performance"] >= 95


def test_lighthouse_finds_a_fault() -> None:
    """A page that nobody can read."""
    with answering(POOR) as url:
        found = judges.scores(judges.lighthouse(url))
    assert found["accessibility"] < 100
    assert found["seo"] < 100
