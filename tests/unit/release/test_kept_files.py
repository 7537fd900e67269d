"""What run-prod says about the files of earlier releases, after it has asked for them."""

from __future__ import annotations

import httpx
import pytest

from docktasks.images.carried import RELEASES_DIR
from docktasks.release import kept_files
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.production import A, B, deployed, serve_a_build_b
from tests.unit.fakes.web import Web

NAMES = ["site/assets/a-1.js", "site/assets/a-1.js.gz", "br/assets/a-1.js", "built/site/lazy one.js"]


def earlier_files(engine: FakeEngine, *names: str, release: str = A) -> None:
    """Put files of a release into the volume."""
    engine.files |= {f"{RELEASES_DIR}/{release}/{name}": "" for name in names}


def answer_scripts(web: Web, lost: str = "") -> None:
    """Answer 200 for every script of an earlier release but one."""
    site = web.answer

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method != "HEAD" or not request.url.path.endswith(("-1.js", "one.js")):
            return site(request)
        return httpx.Response(404 if request.url.path == lost else 200)

    web.answer = answer


def test_every_file_of_an_earlier_release_is_asked_for(
    engine: FakeEngine, settings: Settings, web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its address. Compressed copies have none of their own, and the current release's files are no question."""
    serve_a_build_b(engine, settings)
    earlier_files(engine, *NAMES)
    earlier_files(engine, "site/assets/b-1.js", release=B)
    answer_scripts(web)
    deployment = deployed(engine, settings)
    assert "2 of 2 files of earlier releases that were asked for are there" in capsys.readouterr().out
    asked = [url.removeprefix("http://127.0.0.1:8080") for url in web.requests if url.endswith(("-1.js", "one.js"))]
    assert sorted(asked) == ["/assets/a-1.js", "/lazy%20one.js"]
    assert not [notice for notice in deployment.notices if "earlier releases" in notice]


def test_missing_file_of_an_earlier_release_is_a_notice(
    engine: FakeEngine, settings: Settings, web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    """The release serves, and the user reads which file an open page would miss, and where to see all."""
    serve_a_build_b(engine, settings)
    earlier_files(engine, *NAMES)
    answer_scripts(web, "/lazy one.js")
    deployment = deployed(engine, settings)
    assert "1 of 2 files of earlier releases that were asked for are there" in capsys.readouterr().out
    (notice,) = [notice for notice in deployment.notices if "earlier releases" in notice]
    assert f"/lazy one.js of release {A}: 404" in notice
    assert "invoke verify --only=container.assets" in notice


def test_sample_is_bounded_and_spread_over_all_files(engine: FakeEngine, settings: Settings, web: Web) -> None:
    """A site may have thousands of files."""
    serve_a_build_b(engine, settings)
    earlier_files(engine, *(f"site/assets/{number:04}-1.js" for number in range(1000)))
    deployed(engine, settings)
    asked = [url for url in web.requests if url.endswith("-1.js")]
    assert len(asked) == kept_files.MAX_FILES_PER_RELEASE
    assert max(asked).endswith("/0980-1.js")
