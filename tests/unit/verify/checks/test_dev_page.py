from __future__ import annotations

import contextlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from docktasks.errors import Skip
from docktasks.settings import Settings
from docktasks.verify.checks import dev_page
from docktasks.verify.checks.dev_page import OUTDATED, faults_of, wait_for_content, with_reason
from docktasks.verify.probes import page_events
from docktasks.verify.probes.page_events import PageSnapshot
from docktasks.verify.probes.vite_client import ViteClient
from docktasks.verify.subject import Subject
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.pages import with_events
from tests.unit.fakes.subjects import Result, project, results
from tests.unit.fakes.web import Web

URL = "http://127.0.0.1:3000"
NO_JSON = "uncaught: SyntaxError: Unexpected token '<' is not valid JSON"
UNREADABLE = "uncaught: SyntaxError: Unexpected token '%'"
NO_EXPORT = "uncaught: SyntaxError: The requested module '/src/a.js' does not provide an export named 'b'"
NO_MODULE = "uncaught: TypeError: Failed to fetch dynamically imported module:"
OF_CODE = (
    'uncaught: Error: Dynamic require of "events" is not supported',
    "uncaught: ReferenceError: websocketUrl is not defined",
    "uncaught: TypeError: this.webglRenderer is undefined",
    "uncaught: TypeError: webgl is null",
    "uncaught: Error: the websockets are missing",
)
"""What a script throws by its own fault, with words of devices."""
THROWN = "uncaught: ReferenceError: a is not defined"


def snapshot(*, has_content: bool = True, **lines: Any) -> PageSnapshot:
    """A page with these events."""
    return with_events(PageSnapshot("/", has_content=has_content), **lines)


@pytest.mark.parametrize(
    "lines",
    [
        {"network": (f"{URL}/api/users: 500",), "console": ("uncaught: TypeError: users is null",)},
        {"network": (f"{URL}/api/users?page=2: net::ERR_EMPTY_RESPONSE",), "has_content": False},
        {"network": (f"{URL}/@alice/feed: 502",)},
        {"unreachable": ("https://api.example/: net::ERR_NAME_NOT_RESOLVED",), "console": (THROWN,)},
        {"console": (NO_JSON,)},
        {"network": (f"{URL}/api: 502",), "console": ("uncaught: SyntaxError: Unexpected token '<'",)},
        {"console": ("uncaught: AxiosError: Request failed with status code 404",)},
        {"console": ("uncaught: Error: Haptics is not implemented on web",)},
        {"console": ("error: a warning of a library",)},
        {"console": (f"{NO_MODULE} https://cdn.example/a.js",)},
        {"console": (f"{NO_MODULE} {URL}/src/a.js",), "unreachable": ("https://cdn.example/b.js: not complete",)},
        {"network": (f"{URL}/favicon.ico: 404",)},
    ],
)
def test_page_whose_api_does_not_run_is_no_fault(lines: dict[str, Any]) -> None:
    """A dev server has no API, unless one was started. What follows from that says nothing about the server."""
    assert list(faults_of(snapshot(**lines), URL)) == []


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ({"console": (THROWN,)}, THROWN),
        *(({"console": (line,)}, line) for line in (f"{NO_MODULE} {URL}/src/a.js", *OF_CODE)),
        ({"console": (THROWN,), "network": (f"{URL}/logo.svg: 404",)}, THROWN),
        ({"console": (UNREADABLE,), "network": (f"{URL}/version: 502",)}, UNREADABLE),
        ({"console": (NO_EXPORT,), "network": (f"{URL}/version: 502",)}, NO_EXPORT),
        ({"network": (f"{URL}/src/App.vue?t=1: 500",)}, f"{URL}/src/App.vue?t=1: 500"),
        ({"network": (f"{URL}/@fs/home/a.js: 500",)}, f"{URL}/@fs/home/a.js: 500"),
        ({"has_content": False}, "the page is empty"),
    ],
)
def test_page_that_does_not_work_is_a_fault(lines: dict[str, Any], fault: str) -> None:
    """Its own script throws, Vite cannot serve a module, or it shows nothing."""
    assert list(faults_of(snapshot(**lines), URL)) == [fault]


@pytest.mark.parametrize(
    "page",
    [
        'const error = {"message":"Cannot find ./x in /home/node/app/a.js\\n  at 1","stack":"b"}\n try {',
        'appendChild(new ErrorOverlay({"message":"Cannot find ./x in /home/node/app/a.js","stack":"b"}))',
    ],
    ids=["Vite 8", "Vite 4"],
)
def test_module_that_vite_cannot_serve_has_what_vite_says(settings: Settings, web: Web, page: str) -> None:
    """The first line, with the file's path on this machine. Where Vite says nothing, the status stands alone."""
    subject: Any = SimpleNamespace(project=SimpleNamespace(settings=settings))
    web.answer = lambda request: httpx.Response(500, text=page if request.url.path == "/a.js" else "Oh")
    with ViteClient(URL) as vite:
        for address in ("/a.js", f"{URL}/a.js"):
            line = f"/: {address}: 500"
            assert with_reason(line, vite, subject) == f"{line} (Cannot find ./x in {settings.app_dir}/a.js)"
        for line in ("/b.js: 500, when a page imports it", "/: the page is empty"):
            assert with_reason(line, vite, subject) == line


def test_package_that_vite_bundles_again_is_seen() -> None:
    """The page is then loaded again, as Vite does."""
    assert OUTDATED.search(f"{URL}/node_modules/.vite/deps/lodash-es.js?v=1a2b3c: 504")
    assert not OUTDATED.search(f"{URL}/api/node_modules: 504")


@pytest.mark.parametrize(("loads", "looks", "skips"), [((True, True, False), 3, 0), ((False,), 1, 0), ((True,), 1, 1)])
def test_empty_page_that_still_loads_is_looked_at_again(
    monkeypatch: pytest.MonkeyPatch, loads: tuple[bool, ...], looks: int, skips: int
) -> None:
    """A page may import its modules after it has loaded. One that asks for nothing more stays empty."""
    seen: list[str] = []

    def look(_page: None, label: str) -> PageSnapshot:
        seen.append(label)
        return PageSnapshot(label)

    monkeypatch.setattr(page_events, "take_snapshot", look)

    class Events:
        page, is_loading = None, property(lambda _: loads[len(seen) - 1])

        def texts(self, *_kinds: str) -> list[str]:
            return []

    monkeypatch.setattr(dev_page, "PAGE_TIMEOUT_MS", 0 if skips else 5_000)
    events: Any = Events()
    with pytest.raises(Skip, match="still loads") if skips else contextlib.nullcontext():
        wait_for_content(events)
    assert len(seen) == looks


def result(settings: Settings) -> Result:
    """The result of dev.source."""
    container = own_container("dev", published=(("127.0.0.1", 3000, 3000),))
    return results(Subject("", project(FakeEngine(container), settings), dev=container), "dev.source")["dev.source"]


class SourceServer:
    """A dev server of an app with one module, which it serves as it is, or as it was when `is_fresh` is False."""

    def __init__(self, file: Path, *, is_fresh: bool = True) -> None:
        self.file, self.is_fresh, self.before = file, is_fresh, file.read_text()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer as Vite does."""
        if self.file.suffix == ".html" and request.url.path == "/":
            return httpx.Response(200, html=self.file.read_text() if self.is_fresh else self.before)
        if self.file.suffix == ".html" and request.url.path == "/src/main.js":
            return httpx.Response(200, text=(self.file.parent / "src" / "main.js").read_text())
        if request.url.path == f"/src/{self.file.name}":
            return httpx.Response(200, text=self.file.read_text() if self.is_fresh else self.before)
        if request.url.path == "/@vite/client":
            return httpx.Response(200, headers={"content-type": "text/javascript"}, text="")
        return httpx.Response(200, html=f'<script type="module" src="/src/{self.file.name}"></script>')


SOURCES = {
    **dict.fromkeys(("src/main.js", "src/app.css"), "content\n"),
    "src/main.tsx": "content\n//# sourceMappingURL=data:\n",
    **dict.fromkeys(("src/App.vue", "src/App.svelte"), "<style>\n</style>\n"),
    "src/de.json": '{\n  "a": 1\n}\n',
    "index.html": "<script type=module src=./src/main.js></script>",
}


@pytest.mark.parametrize("is_fresh", [True, False])
@pytest.mark.parametrize("name", SOURCES)
def test_server_that_does_not_serve_an_edit_fails(
    settings: Settings, web: Web, monkeypatch: pytest.MonkeyPatch, name: str, *, is_fresh: bool
) -> None:
    """The check adds a text to a file of the app that the page loads, and restores it."""
    monkeypatch.setattr(dev_page, "UPDATE_TIMEOUT_S", 0)
    (settings.app_dir / "src").mkdir()
    for other in ("src/main.js", name):
        (settings.app_dir / other).write_text(SOURCES[other])
    file = settings.app_dir / name
    web.answer = SourceServer(file, is_fresh=is_fresh)
    outcome, evidence = result(settings)
    assert outcome == ("pass" if is_fresh else "fail")
    assert all(line.startswith(f"/{name.removesuffix('index.html')}: an edit of {file} is not") for line in evidence)
    assert file.read_text() == SOURCES[name]


def test_translated_script_without_a_source_map_is_a_minor_fault(settings: Settings, web: Web) -> None:
    """A debugger then shows other lines than the editor."""
    (settings.app_dir / "src").mkdir()
    for name, outcome in (
        ("main.js", ("pass", ())),
        ("main.tsx", ("fail", ("/src/main.tsx: no source map. Which plugin returns code without one?",))),
    ):
        file = settings.app_dir / "src" / name
        file.write_text("content\n")
        web.answer = SourceServer(file)
        assert result(settings) == outcome


def test_server_of_an_old_build_fails(settings: Settings, web: Web) -> None:
    """`vite preview` answers every address with the page. Another server answers 404."""
    web.answer = lambda _request: httpx.Response(200, html='<script src="/assets/index-VhHuwVdd.js"></script>')
    evidence = "what answers is no dev server of Vite: /@vite/client is 200, no script"
    assert result(settings) == ("fail", (evidence,))


def test_page_without_a_module_of_the_app_is_skipped(settings: Settings, web: Web) -> None:
    """There is no file to edit then."""
    file = settings.app_dir / "package.json"
    web.answer = SourceServer(file)
    assert result(settings)[0] == "skip"


def test_modules_that_a_browser_keeps_fail(settings: Settings, web: Web) -> None:
    """It would not ask for them again after an edit."""
    file = settings.app_dir / "src" / "main.js"
    file.parent.mkdir()
    file.write_text("content\n")
    served, caching = SourceServer(file), {"cache-control": "max-age=31536000, immutable"}

    def answer(request: httpx.Request) -> httpx.Response:
        response = served(request)
        response.headers.update(caching)
        return response

    web.answer = answer
    fault = "a browser keeps 1 module of the app and gets no edit: /src/main.js: max-age=31536000, immutable"
    assert result(settings) == ("fail", (fault,))
    caching["cache-control"] = "max-age=0, no-cache"
    assert result(settings) == ("pass", ())


@pytest.mark.parametrize(("reloads", "outcome"), [((True, False), "pass"), ((True, True), "fail")])
def test_page_is_edited_again_if_it_reloads(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, reloads: tuple[bool, ...], outcome: str
) -> None:
    """The first reload may be the late end of an edit of dev.source."""
    looks = iter(reloads)
    monkeypatch.setattr(dev_page, "_edit_style", lambda _subject: ([dev_page.RELOADS] if next(looks) else [], []))
    subject = Subject("", project(FakeEngine(), settings), dev=own_container("dev"))
    verdicts = results(subject, "dev.hot-reload")
    assert verdicts["dev.hot-reload"][0] == outcome
