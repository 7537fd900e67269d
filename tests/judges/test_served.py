"""Other programs judge what is served. A second test of each shows that it finds a fault."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from docktasks.verify import report
from docktasks.verify.catalog import CHECKS, run_checks
from docktasks.verify.report import run as report_run
from docktasks.verify.subject import Subject
from tests.judges import judges
from tests.support.page_server import serve_page
from tests.support.project import ProjectUnderTest

CSP_ACCEPTED = "MEDIUM_MAYBE script-src 'self'"
"""csp_evaluator prefers a nonce or a hash. A nonce needs a server that writes each page."""
NU_ACCEPTED = re.compile(
    r"^rendered\.html: The “[a-z]+” (?:role is unnecessary for|attribute must not be used on a “t[dhr]”) "
)
"""The app's tables name their roles: browsers forget them where a style changes the display of a narrow table."""
MAX_LIGHTHOUSE_RUNS = 3
POOR_PAGE = '<!doctype html><html><body><img src="x.png"><p style="color:#ccc">text</p></html>'


@pytest.fixture(scope="module")
def subject(shared_running_project: ProjectUnderTest) -> Iterator[Subject]:
    """What the release serves, as the checks see it."""
    subject = Subject(shared_running_project.container().url)
    yield subject
    subject.site.close()


def test_redbot_accepts_the_responses(subject: Subject) -> None:
    """REDbot finds no fault in the page, a deep link, an asset, the configuration, and errors."""
    asset = max(subject.site.files, key=lambda path: subject.site.files[path].size)
    paths = ["/", "/image", asset, "/favicon.svg", "/env.js", "/missing.txt", "/assets/missing.js"]
    assert {path: faults for path in paths if (faults := judges.redbot(subject.url + path))} == {}


def test_redbot_reports_a_date_that_is_none() -> None:
    """REDbot reports a Last-Modified that is no date."""
    with serve_page("x", ("Last-Modified", "yesterday")) as url:
        print(judges.redbot(url))
        assert any("DATE" in fault for fault in judges.redbot(url))


def test_csp_evaluator_accepts_the_policy(subject: Subject) -> None:
    """csp_evaluator finds only that scripts of the same origin may run."""
    faults = judges.csp(subject.site.index.get("content-security-policy"))
    assert [fault for fault in faults if not fault.startswith(CSP_ACCEPTED)] == []


def test_csp_evaluator_reports_inline_scripts_and_plugins() -> None:
    """csp_evaluator reports a policy that allows inline scripts and plugins."""
    faults = judges.csp("script-src 'self' 'unsafe-inline'")
    assert any(fault.startswith("HIGH script-src 'unsafe-inline'") for fault in faults)
    assert any("object-src" in fault for fault in faults)


@pytest.mark.parametrize("path", ["/", "/image", "/tasks", "/no-such-page"])
def test_axe_accepts_the_pages(subject: Subject, path: str) -> None:
    """axe finds no fault in any page of the app."""
    assert judges.axe(subject.url, path) == []


def test_axe_reports_a_poor_page() -> None:
    """axe reports a page without a language, a title, a text for its image, and contrast."""
    with serve_page(POOR_PAGE) as url:
        faults = " ".join(judges.axe(url))
    assert all(rule in faults for rule in ("html-has-lang", "document-title", "image-alt", "color-contrast"))


def test_nu_accepts_the_site(subject: Subject) -> None:
    """The Nu HTML checker accepts the page as sent and as rendered, and the site's styles and pictures."""
    texts = {
        path: subject.site.get(path).body.decode() for path in subject.site.files if path.endswith((".css", ".svg"))
    }
    assert texts
    files = {f"file{number}_{path[-3:]}": texts[path] for number, path in enumerate(texts)}
    rendered = judges.rendered_html(f"{subject.url}/")
    faults = judges.nu(index_html=subject.site.index.body.decode(), rendered_html=rendered, **files)
    assert [fault for fault in faults if not NU_ACCEPTED.search(fault)] == []


def test_nu_accepts_the_html_report(subject: Subject) -> None:
    """The HTML report of a run is a valid page. Only a browser can check its style against the hash in its policy."""
    run = report_run.VerifyRun(subject, tuple(run_checks(subject, CHECKS)), 1.0)
    faults = judges.nu(report_html=report.REPORTS["html"](run))
    assert [fault for fault in faults if "violates Content Security Policy" not in fault] == []


def test_nu_reports_a_poor_page_and_style() -> None:
    """The Nu HTML checker reports a picture without a text and an invalid style."""
    faults = judges.nu(poor_html=POOR_PAGE, poor_css="a { color: nocolor }")
    assert {fault.partition(":")[0] for fault in faults} == {"poor.html", "poor.css"}


def test_lighthouse_scores_are_high(subject: Subject) -> None:
    """Lighthouse gives 100 for accessibility, best practices and SEO, and at best 95 or more for performance."""
    runs: list[dict[str, int]] = []
    while not runs or (runs[-1]["performance"] < 95 and len(runs) < MAX_LIGHTHOUSE_RUNS):
        result = judges.lighthouse(f"{subject.url}/")
        runs.append(judges.scores(result))
    print("Lighthouse:", *runs, [name for name, audit in result["audits"].items() if audit["score"] == 0], sep="\n")
    best = max(runs, key=lambda scores: scores["performance"])
    assert {name: best[name] for name in ("accessibility", "best-practices", "seo")} == dict.fromkeys(
        ("accessibility", "best-practices", "seo"), 100
    )
    assert best["performance"] >= 95


def test_lighthouse_scores_of_a_poor_page_are_lower() -> None:
    """Lighthouse gives a page that is hard to read less than 100."""
    with serve_page(POOR_PAGE) as url:
        scores = judges.scores(judges.lighthouse(url))
    assert scores["accessibility"] < 100
    assert scores["seo"] < 100
