from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from docktasks.verify.probes.crawler import Site
from docktasks.verify.probes.http_client import Request, Response
from tests.support.project import ProjectUnderTest

CODINGS = "identity", "gzip", "br"


def responses(site: Site) -> dict[tuple[str, str], Response]:
    """Return the responses for the page and every file of the site, by path and encoding."""
    pages = {(site.home, coding): site.get(site.home, Accept_Encoding=coding) for coding in CODINGS}
    files = {(path, coding): file for coding in CODINGS for path, file in site.encoded_files(coding).items()}
    return pages | files


@pytest.mark.long  # a check of the http group has a sabotage for it
def test_etag_of_one_release_does_not_match_another_file(project: ProjectUnderTest, app: Path) -> None:
    """A browser with a file of one release gets the other release's file where they differ.

    The two pages are equally long, and equally old to nginx.
    """
    page = app / "index.html"
    releases: list[dict[tuple[str, str], Response]] = []
    for language in ("en", "de"):
        page.write_text(page.read_text().replace('lang="en"', f'lang="{language}"'))
        project.succeeds("run-prod", INVOKE_APP_DIR=str(app))
        site = Site(project.container().url)
        releases.append(responses(site))
        if len(releases) > 1:
            etags = {key: response.get("etag") for key, response in releases[0].items() if response.get("etag")}
            requests = [Request(path, "GET", (("accept-encoding", coding), ("if-none-match", etag)))
                        for (path, coding), etag in etags.items()]  # fmt: skip
            conditional = dict(zip(etags, site.client.send_all(requests), strict=True))
        site.close()
    first, second = releases
    assert first["/", "identity"].size == second["/", "identity"].size
    assert first["/", "identity"].digest != second["/", "identity"].digest
    for key, response in conditional.items():
        same = key in second and first[key].digest == second[key].digest
        assert response.status == (httpx.codes.NOT_MODIFIED if same else httpx.codes.OK), key
    assert {response.status for response in conditional.values()} == {httpx.codes.OK, httpx.codes.NOT_MODIFIED}
