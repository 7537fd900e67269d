from __future__ import annotations

import json

import httpx

from docktasks.containers import networks
from docktasks.roles import DEV
from docktasks.settings import Settings
from docktasks.verify.subject import Subject
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.subjects import project, results
from tests.unit.fakes.web import Web


def test_package_that_is_not_that_of_the_lock_file_fails(settings: Settings) -> None:
    """A package may have another version, be missing, or be in no lock file. A link is one of the workspace.

    A field of package.json may be null, as npm allows.
    """
    manifest = json.loads((settings.app_dir / "package.json").read_text())
    manifest |= {"dependencies": {"vue": "3", "axe": "1"}, "devDependencies": None}
    (settings.app_dir / "package.json").write_text(json.dumps(manifest))
    lock = {"packages": {"node_modules/vue": {"version": "3.5.1"}, "node_modules/axe": {"version": "1.0.0"}}}
    (settings.app_dir / "package-lock.json").write_text(json.dumps(lock))
    container = own_container("dev", published=(("127.0.0.1", 3000, 3000),))
    engine = FakeEngine(container)
    folder = "/home/node/app/node_modules"
    engine.listed = [[f"{folder}/vue", "vue", "3.5.1"], [f"{folder}/axe", "axe", "1.0.0"], [f"{folder}/own", "own", ""]]
    subject = Subject("", project(engine, settings), dev=container)
    assert results(subject, "dev.packages")["dev.packages"] == ("pass", ())
    engine.listed = [[f"{folder}/vue", "vue", "3.5.0"], [f"{folder}/more", "more", "1.0.0"]]
    assert results(subject, "dev.packages")["dev.packages"] == (
        "fail",
        (
            f"{folder}/vue: 3.5.0 is installed, and the lock file has 3.5.1",
            f"{folder}/more: 1.0.0 is installed, and the lock file has no such package",
            "axe: it is not installed",
        ),
    )
    (settings.app_dir / "package-lock.json").unlink()
    subject = Subject("", project(engine, settings), dev=container)
    assert results(subject, "dev.packages")["dev.packages"][0] == "skip"


def test_package_of_a_repository_has_no_version_to_compare(settings: Settings) -> None:
    """A lock file has its address in place of a version."""
    (settings.app_dir / "package-lock.json").unlink(missing_ok=True)
    manifest = json.loads((settings.app_dir / "package.json").read_text())
    (settings.app_dir / "package.json").write_text(json.dumps(manifest | {"dependencies": {"vue": "3", "more": "a/b"}}))
    rows = ("vue@3.5.1", "more@https://codeload.example/a/b/tar.gz/0a1b", "more-icons@1.0.0")
    lock = "lockfileVersion: '9.0'\n\npackages:\n\n" + "".join(f"  {row}:\n    resolution: {{}}\n\n" for row in rows)
    (settings.app_dir / "pnpm-lock.yaml").write_text(lock)
    container = own_container("dev", published=(("127.0.0.1", 3000, 3000),))
    engine, folder = FakeEngine(container), "/home/node/app/node_modules"
    engine.listed = [[f"{folder}/vue", "vue", "3.5.1"], [f"{folder}/more", "more", "0.2.0"]]
    subject = Subject("", project(engine, settings), dev=container)
    assert results(subject, "dev.packages")["dev.packages"] == ("pass", ())
    engine.listed += [[f"{folder}/icons", "icons", "1.0.0"]]
    line = f"{folder}/icons: 1.0.0 is installed, and the lock file has no such package"
    assert results(subject, "dev.packages")["dev.packages"] == ("fail", (line,))


def test_other_socket_that_listens_is_a_minor_fault(settings: Settings, web: Web) -> None:
    """The socket of updates may have a port of its own, and what only the container reaches is nobody's concern."""
    web.answer = lambda _request: httpx.Response(200, text="const hmrPort = null;")
    container = own_container("dev", networks={"hello-dock-dev": "172.19.0.2"}, published=(("127.0.0.1", 3000, 3000),))
    engine = FakeEngine(container)
    networks.ensure(project(engine, settings), DEV)
    subject = Subject("", project(engine, settings), dev=container)
    row = "tcp 0: {}:{:04X} 00000000:0000 0A 0 0"
    engine.sockets = "\n".join(row.format(*address) for address in (("00000000", 3000), ("0100007F", 4445)))
    assert results(subject, "dev.network")["dev.network"] == ("pass", ())
    engine.sockets += "\n" + row.format("00000000", 4444)
    line = "a socket listens on 0.0.0.0, port 4444 (tcp), next to port 3000"
    assert results(subject, "dev.network")["dev.network"] == ("fail", (line,))
    web.answer = lambda _request: httpx.Response(200, text="const hmrPort = 4444;")
    assert results(subject, "dev.network")["dev.network"] == ("pass", ())
