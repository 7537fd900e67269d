from __future__ import annotations

from pathlib import Path

import httpx

from docktasks.verify.probes.crawler import Site
from docktasks.verify.probes.http_client import Request, Response
from tests.engine.support import Project

CODINGS = "identity", "gzip", "br"


def forms(site: Site) -> dict[tuple[str, str], Response]:
    """The page and every file of the site under each coding, by path and coding."""
    found = {(site.home, coding): site.get(site.home, Accept_Encoding=coding) for coding in CODINGS}
    return found | {(path, coding): answer for coding in CODINGS for path, answer in site.encoded_files(coding).items()}


def test_no_release_is_taken_for_another(project: Project, app: Path) -> None:
    """Who has a file of one release gets another's when they differ, also where they are equally long and old."""
    page = app / "index.html"
    releases: list[dict[tuple[str, str], Response]] = []
    for language in ("en", "de"):
        page.write_text(page.read_text().replace('lang="en"', f'lang="{language}"'))
        project.does("run-prod", INVOKE_APP_DIR=str(app))
        site = Site(project.container().url)
        releases.append(forms(site))
        if len(releases) > 1:
            before = releases[0]
            tags = {key: response.get("etag") for key, response in before.items() if response.get("etag")}
            asks = {key: Request(key[0], "GET", (("accept-encoding", key[1]), ("if-none-match", tag)))
                    for key, tag in tags.items()}  # fmt: skip
            asked = dict(zip(asks, site.send_all(asks.values()), strict=True))
        site.close()
    one, two = releases
    assert one["/", "identity"].size == two["/", "identity"].size
    assert one["/", "identity"].digest != two["/", "identity"].digest
    for key, answer in asked.items():
        same = key in two and one[key].digest == two[key].digest
        assert answer.status == (httpx.codes.NOT_MODIFIED if same else httpx.codes.OK), key
    assert {answer.status for answer in asked.values()} == {httpx.codes.OK, httpx.codes.NOT_MODIFIED}
