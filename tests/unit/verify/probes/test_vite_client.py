from __future__ import annotations

import json
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest

from docktasks.errors import Skip
from docktasks.verify.probes.app_sources import STYLE_SUFFIXES, find_sources, page_source
from docktasks.verify.probes.vite_client import ViteClient, check_hot_update, fetch_module, hot_updates, unprompted
from tests.unit.fakes.web import Web

URL = "http://127.0.0.1:3000"
PAGES = {
    "/": '<script type="module" src="/@vite/client"></script><script type="module" src="/src/main.js"></script>',
    "/@vite/client": 'const wsToken = "secret5f2c";',
    "/src/main.js": 'import "/@vite/client"; import App from "/src/App.vue"; import "/src/style.css?t=12"',
    "/src/App.vue": 'import "/src/App.vue?vue&type=style&index=0"; import("/src/main.js"); '
    'new Worker(\n  new URL(/* @vite-ignore */ "/src/sum.js?worker_file&type=module", import.meta.url))',
}


def dev_server(request: httpx.Request) -> httpx.Response:
    """A dev server of a small app."""
    return httpx.Response(200, text=PAGES.get(request.url.path, ""))


Message = dict[str, Any] | str | OSError


class Socket:
    """A socket that sends these messages, and keeps what it receives."""

    def __init__(self, *messages: Message) -> None:
        self.messages, self.sent = [*messages], ""

    def recv(self, timeout: float) -> str:
        """The next message. Raises an error that stands in its place, and TimeoutError after the last."""
        assert timeout >= 0
        message = self.messages.pop(0) if self.messages else TimeoutError()
        if isinstance(message, OSError):
            raise message
        return message if isinstance(message, str) else json.dumps(message)

    def send(self, text: str) -> None:
        """Keep a message."""
        self.sent = text


def test_client_reads_each_module_of_the_page_once(web: Web) -> None:
    """The addresses have no timestamp of an edit. The client also reads the token, which no other page can read."""
    web.answer = dev_server
    vite = ViteClient(URL)
    assert (vite.base, vite.token) == ("/", "secret5f2c")
    assert [*vite.modules()] == [
        "/src/main.js",
        "/src/App.vue",
        "/src/style.css",
        "/src/App.vue?vue&type=style&index=0",
        "/src/sum.js?worker_file&type=module",
    ]
    vite.close()


def test_client_reads_the_modules_that_a_page_imports(web: Web) -> None:
    """SvelteKit's page has a script that imports Vite's client, the framework, and a file in a hidden folder."""
    app = "/@fs/home/node/app/.svelte-kit/generated/client/app.js"
    pages = {
        "/": f"<script>import('/docs/@vite/client'); import('/docs/node_modules/kit/a.js'); import('{app}')</script>",
        app: "export const nodes = [() => import('/docs/.svelte-kit/generated/client/nodes/0.js')]",
        "/docs/.svelte-kit/generated/client/nodes/0.js": 'export { default } from "/docs/src/routes/+layout.svelte"',
    }
    web.answer = lambda request: httpx.Response(200, text=pages.get(request.url.path, ""))
    with ViteClient(URL) as vite:
        assert vite.base == "/docs/"
        assert [*vite.modules()] == [*[*pages][1:], "/docs/src/routes/+layout.svelte"]


@pytest.mark.parametrize("source", ['"./src/main.tsx"', "'src/main.tsx'", "/docs/src/main.tsx", '"/docs/src/main.tsx"'])
def test_client_reads_the_script_of_a_page_however_it_is_written(web: Web, source: str) -> None:
    """A script of another host is none of the app's."""
    page = f'<script src="/docs/@vite/client"></script><script src="//cdn.example/a.js"></script><script src={source}>'
    web.answer = lambda request: httpx.Response(200, text=page if request.url.path == "/" else "")
    with ViteClient(URL) as vite:
        assert [*vite.modules()] == ["/docs/src/main.tsx"]


def test_client_keeps_the_modules_that_vite_cannot_serve(web: Web) -> None:
    """A module that is imported later fails only then, and a page without it works until then."""
    web.answer = lambda request: httpx.Response(500) if request.url.path == "/src/App.vue" else dev_server(request)
    vite = ViteClient(URL)
    assert [*vite.modules()] == ["/src/main.js", "/src/App.vue", "/src/style.css"]
    assert vite.errors == {"/src/App.vue": 500}
    vite.close()


def test_modules_that_browsers_keep_are_the_apps_own(web: Web) -> None:
    """Vite lets them keep the packages that it has bundled, in any folder. What is in a hidden folder is generated."""
    texts = {
        "/": '<script src="/@vite/client"></script><script src="/src/main.js"></script>',
        "/src/main.js": 'import "/.vite/deps/vue.js?v=1a2b3c"; import "/deps/a.js?import&v=1a"; import "/.kit/b.js"',
    }
    headers = {"cache-control": "max-age=31536000,immutable"}
    web.answer = lambda request: httpx.Response(200, headers=headers, text=texts.get(request.url.path, ""))
    with ViteClient(URL) as vite:
        assert [*vite.modules()] == ["/src/main.js", "/.kit/b.js"]
        assert [*vite.kept] == ["/src/main.js"]


def test_find_sources_has_one_file_of_each_kind_and_style_sheets_first(web: Web, root: Path) -> None:
    """A component needs a style, and a browser has to load the file. Without one the check is skipped."""
    web.answer = dev_server
    vite, app = ViteClient(URL), root / "hello-dock"
    (app / "src").mkdir()
    with pytest.raises(Skip):
        find_sources(vite, app, STYLE_SUFFIXES)
    (app / "src" / "App.vue").write_text("<template></template>")
    with pytest.raises(Skip):
        find_sources(vite, app, STYLE_SUFFIXES)
    sources: list[tuple[str, Path]] = []
    for name in ("App.vue", "style.css"):
        (app / "src" / name).write_text("<style></style>")
        sources.insert(0, (f"/src/{name}", app / "src" / name))
        assert find_sources(vite, app, STYLE_SUFFIXES) == sources
    assert find_sources(vite, app, STYLE_SUFFIXES, ["/src/App.vue"])[0][0] == "/src/App.vue"
    vite.close()


@pytest.mark.parametrize("folder", ["src", "src/renderer"])
def test_find_sources_below_another_root_of_vite(web: Web, tmp_path: Path, folder: str) -> None:
    """The app's own folder then has no page. A page that a build wrote is no root."""
    web.answer = lambda _: httpx.Response(200, text='<script type="module" src="/main.js"></script>')
    for parent in ("dist", "packages/dist", folder):
        (tmp_path / parent).mkdir(parents=True)
        (tmp_path / parent / "index.html").touch()
        (tmp_path / parent / "main.js").touch()
    with ViteClient("http://127.0.0.1:3000") as vite:
        assert find_sources(vite, tmp_path, (".js",)) == [("/main.js", tmp_path / folder / "main.js")]
        (tmp_path / "index.html").touch()
        with pytest.raises(Skip):
            find_sources(vite, tmp_path, (".js",))


def test_find_sources_has_data_below_the_root_only(web: Web, tmp_path: Path) -> None:
    """An edit of package.json would install. A list takes no mark."""
    web.answer = lambda _: httpx.Response(
        200, text="".join(f"import '/{name}.json?import'; " for name in ("package", "src/list", "src/de"))
    )
    (tmp_path / "src").mkdir()
    for name, text in {"package.json": '{"a": 1}', "src/list.json": "[]", "src/de.json": '{"a": 1}'}.items():
        (tmp_path / name).write_text(text)
    with ViteClient(URL) as vite:
        assert find_sources(vite, tmp_path, (".json",)) == [("/src/de.json?import", tmp_path / "src/de.json")]


def test_find_sources_has_the_script_of_a_worker_and_a_text_as_it_is(web: Web, tmp_path: Path) -> None:
    """What has only the address of a file does not change with it, and a plugin may make a page of a text."""
    names = (
        "a.svg?import&raw",
        "b.md?raw",
        "c.md",
        "d.svg?import",
        "e.worker.js?worker",
        "e.worker.js?worker_file",
        "f.js",
    )
    web.answer = lambda _: httpx.Response(200, text="".join(f"import '/src/{name}'; " for name in names))
    (tmp_path / "src").mkdir()
    for name in names:
        (tmp_path / "src" / name.partition("?")[0]).touch()
    with ViteClient(URL) as vite:
        sources = find_sources(vite, tmp_path, (".js", ".svg", ".md"))
    expected = ["/src/e.worker.js?worker_file", "/src/f.js", "/src/a.svg?import&raw", "/src/b.md?raw"]
    assert [path for path, _ in sources] == expected


def test_find_sources_prefers_a_style_sheet_to_a_css_module(web: Web, tmp_path: Path) -> None:
    """A script that uses its names may not accept an edit of it, and the page is loaded again."""
    web.answer = lambda _: httpx.Response(200, text="import '/a.css'; import '/b.module.css'")
    with ViteClient(URL) as vite:
        (tmp_path / "b.module.css").touch()
        assert find_sources(vite, tmp_path, STYLE_SUFFIXES) == [("/b.module.css", tmp_path / "b.module.css")]
        (tmp_path / "a.css").touch()
        assert find_sources(vite, tmp_path, STYLE_SUFFIXES) == [("/a.css", tmp_path / "a.css")]


def test_page_is_made_of_the_file_that_names_its_scripts(web: Web, tmp_path: Path) -> None:
    """A framework may make the page of another one."""
    web.answer = lambda _: httpx.Response(200, text='<script type="module" src="/src/main.js?t=1"></script>')
    with ViteClient(URL) as vite:
        assert page_source(vite, tmp_path) == []
        for script, count in (("./src/main.js", 1), ("/src/other.js", 0)):
            (tmp_path / "index.html").write_text(f'<script src="{script}"></script>')
            assert len(page_source(vite, tmp_path)) == count


def test_hot_updates_ignores_other_messages() -> None:
    """A reload of the page is no update, and silence is a TimeoutError."""
    update = {"type": "update", "updates": [{"acceptedPath": "/a.css", "timestamp": 1}]}
    socket: Any = Socket({"type": "connected"}, update, {"type": "full-reload"})
    assert hot_updates(socket) == [{"acceptedPath": "/a.css", "timestamp": 1}]
    assert hot_updates(socket) == []
    with pytest.raises(TimeoutError):
        hot_updates(socket)


RELOAD, UPDATE = {"type": "full-reload"}, {"type": "update", "updates": []}
QUIET = TimeoutError()


@pytest.mark.parametrize(
    ("messages", "start"),
    [
        ([], ""),
        ([{"type": "connected"}, {"type": "custom"}, "ping", "[1]"], ""),
        ([UPDATE, UPDATE, RELOAD, QUIET, QUIET], ""),
        ([RELOAD, QUIET, UPDATE, QUIET, UPDATE, RELOAD, QUIET], "the socket asks pages for a reload again"),
        ([RELOAD, QUIET, UPDATE, QUIET, UPDATE, QUIET], "the socket asks pages for an update again"),
        ([{"type": "connected"}, ConnectionResetError(104, "cut")], "the socket closes: cut"),
    ],
)
def test_socket_is_silent_and_stays_open_while_nobody_edits(messages: list[Message], start: str) -> None:
    """Messages of plugins ask a page for nothing, and the end of an edit may come in several ones."""
    socket: Any = Socket(*messages)
    unrest = unprompted(socket)
    assert unrest.startswith(start)
    assert bool(unrest) == bool(start)


def test_restless_socket_is_a_fault_before_anything_is_edited(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edit in between would make the update of the edit and the others look alike."""
    web.answer = dev_server
    socket = Socket(RELOAD, QUIET, RELOAD, QUIET, RELOAD, QUIET)
    monkeypatch.setattr(ViteClient, "socket", lambda *_: nullcontext(socket))
    edits: list[str] = []
    with ViteClient(URL) as vite, ExitStack() as stack:
        faults = [*check_hot_update(vite, "/src/style.css", "mark", stack, Edit(edits))]
    assert faults == ["nothing is edited, but the socket asks pages for a reload again and again"]
    assert edits == []


class Edit(AbstractContextManager[None]):
    """An edit that notes when it begins."""

    def __init__(self, edits: list[str]) -> None:
        self.edits = edits

    def __enter__(self) -> None:
        self.edits.append("edited")

    def __exit__(self, *_: object) -> None:
        self.edits.append("restored")


def test_fetch_module_waits_for_the_answer_to_its_own_message() -> None:
    """The socket may announce an update first."""
    answer = {"type": "custom", "event": "vite:invoke", "data": {"result": "code"}}
    socket: Any = Socket({"type": "update", "updates": []}, answer)
    assert json.loads(fetch_module(socket, "/@fs/etc/passwd?raw")) == answer
    assert json.loads(socket.sent)["data"]["data"] == ["/@fs/etc/passwd?raw"]
