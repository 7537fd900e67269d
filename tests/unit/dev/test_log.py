from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from docktasks.app.project import Project
from docktasks.containers.app_mount import Checkout
from docktasks.dev import file_events
from docktasks.dev.log import LogPrinter, LogTranslator
from docktasks.dev.run_args import DevRunSpec
from docktasks.dev.server import DevServer
from docktasks.settings import Settings
from docktasks.waiting import Probe, wait_until
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.runner import Runner

DEV_SERVER = DevServer("http://127.0.0.1:3007", DevRunSpec(Checkout(Path("/srv/app")), "hello-dock-modules-1", "7:7"))
NOTICE = f"! {file_events.WATCH_LIMIT_NOTICE}\n".encode()
REFUSALS = [f"file watcher error: {file_events.VITE_LIMIT_MESSAGE}, watch '/{name}'\n".encode() for name in "ab"]


def printed(project: Project, capsysbinary: pytest.CaptureFixture[bytes]) -> tuple[bytes, Exception | None]:
    """Print a log to its end; return what was printed, and what ended it early."""
    printer = LogPrinter(project, DEV_SERVER)
    assert wait_until(lambda: Probe(printer.has_ended), 5).ready
    sys.stdout.flush()
    return capsysbinary.readouterr().out, printer.error


def test_translation_keeps_other_bytes(settings: Settings) -> None:
    """Colours and bytes that are no UTF-8 reach the terminal as the app wrote them."""
    chunk = b"\x1b[32mready\x1b[0m\n\xff half"
    assert LogTranslator(settings, DEV_SERVER).translate(chunk) == chunk


def test_translation_names_the_checkouts_files(settings: Settings) -> None:
    """The container's paths do not exist on this machine."""
    translated = LogTranslator(settings, DEV_SERVER).translate(b"at /home/node/app/src/x.js:1:2\n")
    assert translated == f"at {settings.app_dir}/src/x.js:1:2\n".encode()


def test_translation_has_the_address_that_was_printed(settings: Settings) -> None:
    """Vite names the container's port, over http or https, and an address that only the container can open."""
    lines = b"Local:   https://localhost:3000/app/\nNetwork: https://172.18.0.2:3000/app/\n"
    secure = replace(DEV_SERVER, url="https://localhost:3007/app/")
    assert LogTranslator(settings, secure).translate(lines) == b"Local:   https://localhost:3007/app/\n"
    line = b"Local:   http://localhost:3000/\n"
    assert LogTranslator(settings, DEV_SERVER).translate(line) == b"Local:   http://127.0.0.1:3007/\n"


def test_translation_of_a_file_that_is_wanted_in_the_editor(settings: Settings) -> None:
    """open-in-editor.sh prints the line; terminals make a link of a path of this machine with line and column."""
    line = b"Wanted in the editor: /home/node/app/src/App.vue:7:3\n"
    translated = LogTranslator(settings, DEV_SERVER).translate(line)
    assert translated == f"Wanted in the editor: {settings.app_dir}/src/App.vue:7:3\n".encode()


def test_translation_names_the_published_address(settings: Settings) -> None:
    """Vite knows only the container's addresses, one of which leads nowhere from here."""
    log = "  ➜  Local:   http://localhost:3000/shop/\n  ➜  Network: http://172.17.0.8:3000/  eth0\n  next\n"
    translated = LogTranslator(settings, DEV_SERVER).translate(log.encode())
    assert translated.decode() == "  ➜  Local:   http://127.0.0.1:3007/shop/\n  next\n"


def test_translation_without_an_address_keeps_vites(settings: Settings) -> None:
    """A dev server without an address has none to show."""
    translator = LogTranslator(settings, replace(DEV_SERVER, url=""))
    assert translator.translate(b"http://localhost:3000/\n") == b"http://localhost:3000/\n"


@pytest.mark.parametrize("reached", [False, True])
def test_translation_has_one_notice_for_all_refused_watches(settings: Settings, *, reached: bool) -> None:
    """Vite logs a line for each file. A server whose start was reported so needs no second notice."""
    translator = LogTranslator(settings, replace(DEV_SERVER, watch_limit_reached=reached))
    translated = [translator.translate(b"ready\n" + refusal) for refusal in REFUSALS]
    assert b"".join(translated) == (b"" if reached else NOTICE) + b"ready\nready\n"


def test_printer_shows_the_translated_log(
    project: Project, engine: FakeEngine, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Each chunk is printed as it comes, until the container stops."""
    engine.by_name["hello-dock-dev"] = own_container("dev", state="exited")
    engine.log_chunks = [b"ready\n", b"at /home/node/app/x.js\n"]
    expected = f"ready\nat {project.settings.app_dir}/x.js\n".encode()
    assert printed(project, capsysbinary) == (expected, None)


def test_printer_keeps_the_error_that_ended_it(settings: Settings, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """The thread cannot raise it where it would be seen, so the main thread asks for it."""

    class LostEngine(FakeEngine):
        def stream_logs(self, name: str, since: str = "") -> Iterator[bytes]:
            yield from super().stream_logs(name, since)
            raise RuntimeError("connection lost")

    engine = LostEngine(own_container("dev"))
    engine.log_chunks = [b"ready\n"]
    output, error = printed(Project(Runner(engine), engine, settings), capsysbinary)
    assert (output, str(error)) == (b"ready\n", "connection lost")
