from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from docktasks.engine.models import Published
from docktasks.settings import Settings
from docktasks.verify import catalog, registry
from docktasks.verify.probes.vite_client import Vite, edited, style_of
from docktasks.verify.probes.vite_leaks import QUERIES, Canary, secret, targets
from docktasks.verify.registry import Verdict
from docktasks.verify.subject import Subject
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.web import Web
from tests.unit.verify.checks.test_container import STATUS

URL = "http://127.0.0.1:3000"
PUBLISHED = (Published("127.0.0.1", 3000, 3000),)
PACKAGE = "/home/node/app/node_modules/vite/package.json"


def judged(
    settings: Settings, name: str, files: dict[str, str] | None = None, *, rootless: bool = False, **given: Any
) -> tuple[str, tuple[str, ...]]:
    """Outcome and evidence of one check on a dev container."""
    container = own_container("dev", **({"published": PUBLISHED} | given))
    engine = FakeEngine(container)
    engine.rootless = rootless
    engine.files = files or {}
    subject = Subject("", engine, dev=container, settings=settings)
    (verdict,) = catalog.run_checks(subject, catalog.select(only=[name]))
    assert isinstance(verdict, Verdict)
    return verdict.outcome, verdict.evidence


def status(**fields: str) -> dict[str, str]:
    """What the container gives of its main process."""
    return {"/proc/1/status": "".join(f"{name}:\t{value}\n" for name, value in (STATUS | fields).items())}


def test_the_loopback_alone_passes(settings: Settings) -> None:
    """Every other address is evidence; --public is no choice that dev has."""
    assert judged(settings, "dev.loopback") == ("pass", ())
    public = (Published("0.0.0.0", 3000, 3000),)  # noqa: S104 - read, not bound
    outcome = judged(settings, "dev.loopback", published=public, labels={"hello-dock.public": "true"})
    assert outcome == ("fail", ("3000 is published on 0.0.0.0, port 3000",))


def test_root_is_a_fault_unless_the_checkout_is_roots(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the engine is rootless, where root inside is the caller outside."""
    root = status(Uid="0\t0\t0\t0")
    monkeypatch.setattr("docktasks.containers.app_mount.user_for", lambda *_: "1000:1000")
    assert judged(settings, "dev.unprivileged", status()) == ("pass", ())
    assert judged(settings, "dev.unprivileged", root) == (
        "fail", ("uids (real, effective, saved, file system): 0\t0\t0\t0; the checkout is of uid 1000",)
    )  # fmt: skip
    monkeypatch.setattr("docktasks.containers.app_mount.user_for", lambda *_: "0:0")
    assert judged(settings, "dev.unprivileged", root) == ("pass", ())
    assert judged(settings, "dev.unprivileged", status(CapEff="400", NoNewPrivs="0")) == (
        "fail", ("CapEff: 400", "NoNewPrivs: 0")
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "does not tell CapAmb, CapBnd, CapEff, CapPrm, NoNewPrivs, Uid"), ("Uid:\t1\n", "does not tell CapAmb")],
)
def test_a_status_that_says_nothing_is_skipped(settings: Settings, text: str, said: str) -> None:
    """What was not seen is neither right nor wrong."""
    outcome, evidence = judged(settings, "dev.unprivileged", {"/proc/1/status": text})
    assert outcome == "skip"
    assert said in evidence[0]


@pytest.mark.parametrize(
    ("version", "outcome"),
    [
        ("8.0.16", "pass"), ("8.3.8", "pass"), ("8.0.15", "fail"), ("7.3.5", "pass"), ("7.3.4", "fail"),
        ("6.4.3", "pass"), ("6.4.2", "fail"), ("5.4.21", "fail"), ("9.0.0-beta.1", "pass"), ("10.0.0", "pass"),
        ("", "fail"),
    ],
)  # fmt: skip
def test_vite_below_the_floor_of_its_major_version_fails(settings: Settings, version: str, outcome: str) -> None:
    """What is older than the oldest that is mended fails, too."""
    assert judged(settings, "dev.vite", {PACKAGE: json.dumps({"version": version})})[0] == outcome


def vite(request: httpx.Request) -> httpx.Response:
    """A dev server as it should be, as far as plain requests go."""
    if request.headers["host"] != "127.0.0.1:3000":
        return httpx.Response(403, text="Blocked request")
    pages = {
        "/": '<script type="module" src="/@vite/client"></script><script type="module" src="/src/main.js"></script>',
        "/@vite/client": 'const wsToken = "secret5f2c";',
        "/src/main.js": 'import "/@vite/client"; import App from "/src/App.vue"; import "/src/style.css?t=12"',
        "/src/App.vue": 'import "/src/App.vue?vue&type=style&index=0"; import("/src/main.js")',
    }
    return httpx.Response(200, text=pages.get(request.url.path, ""))


def lax(**headers: str) -> Callable[[httpx.Request], httpx.Response]:
    """A dev server that answers anybody."""
    return lambda _request: httpx.Response(200, headers=headers, text="")


def test_a_server_that_tells_hosts_and_origins_apart_passes(settings: Settings, web: Web) -> None:
    """One that answers to any name, or lets any page read its answers, fails."""
    web.answer = vite
    assert judged(settings, "dev.foreign-host") == ("pass", ())
    assert judged(settings, "dev.foreign-origin") == ("pass", ())
    web.answer = lax(**{"access-control-allow-origin": "*"})
    assert judged(settings, "dev.foreign-host")[0] == "fail"
    outcome, evidence = judged(settings, "dev.foreign-origin")
    assert outcome == "fail"
    assert "/@vite/client for Origin: http://hello-dock-stranger.example: Access-Control-Allow-Origin: *" in evidence


def test_a_server_that_does_not_answer_fails(settings: Settings) -> None:
    """It is named by its own address."""
    assert judged(settings, "dev.foreign-host") == (
        "fail", (f"{URL} does not answer: [Errno 111] Connection refused",)
    )  # fmt: skip


def test_what_a_page_imports_is_read_as_a_page_does(web: Web) -> None:
    """Each module once, without what Vite adds after an edit; and the token, which no other page can know."""
    web.answer = vite
    server = Vite(URL)
    assert (server.base, server.token) == ("/", "secret5f2c")
    assert [*server.modules()] == [
        "/src/main.js",
        "/src/App.vue",
        "/src/style.css",
        "/src/App.vue?vue&type=style&index=0",
    ]
    server.client.close()


def test_a_style_is_what_is_edited(web: Web, root: Path) -> None:
    """A file of styles before a component; with neither the check is skipped."""
    web.answer = vite
    server, app = Vite(URL), root / "hello-dock"
    (app / "src").mkdir()
    with pytest.raises(registry.Skip):
        style_of(server, app)
    for name in ("App.vue", "style.css"):
        (app / "src" / name).touch()
        assert style_of(server, app) == (f"/src/{name}", app / "src" / name)
    server.client.close()


def test_an_edit_is_taken_back_to_the_byte_and_the_time(tmp_path: Path) -> None:
    """Also when whatever is done meanwhile fails, and in a file without a line's end."""
    file = tmp_path / "style.css"
    file.write_bytes(b"a {}\r\nb {}")
    os.utime(file, ns=(1_000_000_001, 2_000_000_002))

    def cut_short() -> None:
        with edited(file, "\nc {}\n"):
            assert file.read_bytes() == b"a {}\r\nb {}\nc {}\n"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_short()
    assert file.read_bytes() == b"a {}\r\nb {}"
    assert file.stat().st_mtime_ns == 2_000_000_002


def test_what_somebody_else_saves_meanwhile_stays(tmp_path: Path) -> None:
    """Only our own text goes."""
    file = tmp_path / "style.css"
    file.write_text("a {}")
    with edited(file, "\nc {}\n"):
        file.write_text("a { color: red }\nc {}\nd {}\n")
    assert file.read_text() == "a { color: red }d {}\n"


def test_a_canary_is_gone_afterwards(tmp_path: Path) -> None:
    """Whatever happens; its name does not have what it holds, which an error page may repeat."""

    def cut_short() -> None:
        with secret(tmp_path, "/home/node/app") as canary:
            (file,) = tmp_path.iterdir()
            assert canary == Canary(f"/home/node/app/{file.name}", file.read_text(), f"/{file.name}")
            assert canary.content.strip().removeprefix("CANARY=") not in file.name
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_short()
    assert list(tmp_path.iterdir()) == []


CANARY = Canary("/home/node/app/.env.x", "CANARY=5f2c 5f2c\n", "/.env.x")


@pytest.mark.parametrize(
    ("body", "is_in"),
    [
        (b"CANARY=5f2c 5f2c\n", True),
        (b'export default "CANARY=5f2c 5f2c\\n"', True),
        (b"data:text/plain,CANARY%3D5f2c%205f2c%0A", True),
        (b'export default "data:;base64,' + base64.b64encode(b"CANARY=5f2c 5f2c\n") + b'"', True),
        (b"<!doctype html>", False),
        (b"\xff\xfe", False),
        (b"403: /home/node/app/.env.x is denied", False),
    ],
)
def test_a_canary_is_known_by_what_it_holds(body: bytes, *, is_in: bool) -> None:
    """In any form that Vite gives a file; not by its name."""
    assert CANARY.in_body(body) is is_in


def test_the_known_ways_are_all_tried() -> None:
    """By its path for one outside, by its address, too, for one in the app."""
    asked = [*targets(CANARY, "/home/node/app")]
    assert len(asked) == len(set(asked))
    for query in QUERIES:
        assert {f"/@fs{CANARY.path}{query}", f"/.env.x{query}"} <= {*asked}
    assert {"/.env.x/.", "/.env.x\\", "//@fs/home/node/app/.env.x?raw", f"/@id/__x00__{CANARY.path}"} <= {*asked}
    assert any("#" in target for target in asked)
    assert not any(" " in target or "\n" in target for target in asked)
    outside = [*targets(Canary("/etc/passwd", "root:x"), "/home/node/app")]
    assert not any(".env" in target for target in outside)


def test_a_file_of_another_owner_fails(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also a folder, and a link as such; node_modules' content is the container's."""
    app = settings.app_dir
    (app / "src").mkdir()
    (app / "src" / "main.js").touch()
    (app / "node_modules" / "vue").mkdir(parents=True)
    (app / "dangling").symlink_to("/nowhere")
    assert judged(settings, "dev.owners") == ("pass", ())
    real = Path.lstat

    def lstat(path: Path) -> os.stat_result:
        given = real(path)
        foreign = {"main.js": 0, "vue": 0}
        uid = foreign.get(path.name, given.st_uid) if given.st_uid else foreign.get(path.name, -1) + 1
        return os.stat_result((*given[:4], uid, *given[5:]))

    monkeypatch.setattr(Path, "lstat", lstat)
    outcome, evidence = judged(settings, "dev.owners")
    assert outcome == "fail"
    assert [line.partition(":")[0] for line in evidence] == ["src/main.js"]
