"""The first load is one figure, wherever a person reads it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import results
from benchmarks.topics import first_load
from docktasks.verify.probes.chromium import launch_browser, new_page, open_page
from tests.support.project import ProjectUnderTest

FIGURE_ON_THE_PAGE = "document.querySelectorAll('.figures div')[{}].querySelector('dd').textContent"


def shown_on_the_page(url: str, chromium: str) -> list[str]:
    """Return the number of files and the bytes on the wire that hello-dock's own page shows."""
    with launch_browser(chromium, 60) as browser, new_page(browser) as page:
        open_page(page, f"{url}/")
        return [str(page.evaluate(FIGURE_ON_THE_PAGE.format(index))).replace("\xa0", " ") for index in (0, 1)]


@pytest.mark.long  # they share one function
def test_page_report_and_benchmarks_show_one_first_load(
    running_project: ProjectUnderTest, chromium: str, tmp_path: Path
) -> None:
    """They agree to the byte, and on the number of requests. `invoke compare` measures as the benchmarks do."""
    url, html = running_project.container().url, tmp_path / "report.html"
    running_project.succeeds("verify", "--only=browser.renders", f"--html={html}")
    report = html.read_text()
    in_the_report = re.findall(r"<dt>(?:first load|requests)</dt><dd>([^<]+)</dd>", report)
    files, on_the_wire = shown_on_the_page(url, chromium)
    assert in_the_report == [on_the_wire, files]
    assert re.fullmatch(r"\d+\.\d kB", on_the_wire)
    assert results.formatted(first_load.first_load_bytes(url, chromium), "B") == on_the_wire
    rows = report.partition("The first load")[2].partition("</table>")[0]
    assert rows.count('<th scope="row"') == int(files)
    assert "favicon" not in rows
