"""What can be known before the work begins is refused before it begins."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from docktasks import apt, output_files, progress
from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.errors import NoEngineError, SettingsError
from docktasks.housekeeping import status
from docktasks.images import standins
from docktasks.parsers import program
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.runner import Runner


@pytest.mark.parametrize(
    ("paths", "fault"),
    [
        ({"json": "no-such-folder/x.json"}, "--json={}/no-such-folder/x.json: there is no folder {}/no-such-folder."),
        ({"junit": "."}, "--junit={}: it is a folder."),
        ({"html": "file/x"}, "--html={}/file/x: there is no folder {}/file."),
        ({"json": "x", "html": "./x"}, "--html={}/x: --json names the same file."),
    ],
)
def test_file_for_results_is_refused_before_the_work(tmp_path: Path, paths: Mapping[str, str], fault: str) -> None:
    """A report is written at the end of minutes of work."""
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError) as caught:
        output_files.require_writable(**{flag: str(tmp_path / path) for flag, path in paths.items()})
    assert caught.value.what == fault.replace("{}", str(tmp_path))


def test_file_that_may_not_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write everywhere, so the answer of the system is replaced."""
    monkeypatch.setattr(os, "access", lambda path, _mode: path != tmp_path)
    with pytest.raises(SettingsError, match="it cannot be written"):
        output_files.require_writable(json=str(tmp_path / "x.json"))


def test_files_for_results_may_be_new_or_there(tmp_path: Path) -> None:
    """A flag that is not given names no file. Nothing is written yet."""
    (tmp_path / "old").write_text("old")
    files = {"json": str(tmp_path / "new"), "html": str(tmp_path / "old")}
    assert output_files.require_writable(**files, junit="") == files
    assert (sorted(path.name for path in tmp_path.iterdir()), (tmp_path / "old").read_text()) == (["old"], "old")


def test_browser_that_does_not_exist_is_refused() -> None:
    """No other browser is taken in its place."""
    assert (program(""), program("sh"), program("/bin/sh")) == ("", "sh", "/bin/sh")
    for text in ("/no/such/browser", "no-such-browser", "/etc"):
        with pytest.raises(ValueError, match="a program that can be run"):
            program(text)


@pytest.mark.parametrize("lines", ["abc", "-1", "1.5", "٣", "ALL", ""])
def test_tail_is_a_number_or_all(lines: str) -> None:
    """Docker would take some of these for all lines."""
    assert status.tail_args("0") + status.tail_args("all") == ["--tail", "0", "--tail", "all"]
    with pytest.raises(SettingsError) as caught:
        status.tail_args(lines)
    assert caught.value.what == f"--tail is {lines}."


def test_standins_need_an_engine_before_anything_is_fetched(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fetching takes a quarter of a minute."""

    def no_engine(_engine: FakeEngine, _reference: str) -> None:
        raise NoEngineError("No Docker engine answers.", "", "")

    monkeypatch.setattr(FakeEngine, "image", no_engine)
    run = Runner()
    with pytest.raises(NoEngineError):
        standins.build_all(Project(run, FakeEngine(), settings))
    assert run.ran == []


def test_apt_waits_for_another_apt_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The system's own upgrades have the lock for a while."""
    locked = Result(100, "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)")
    answers = iter([locked, locked, Result(), Result()])
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(apt, "as_root", list)
    commands: list[str] = []

    class Apt(Runner):
        def __call__(self, args: list[str], *, quiet: bool = False) -> Result:
            """Record a command, and return the next answer."""
            assert quiet
            commands.append(args[1])
            return next(answers)

    apt.apt_install(Apt(), ["chromium"])
    assert commands == ["update", "update", "update", "install"]
    assert capsys.readouterr().out == "! Another apt is running. Waiting up to 60 s until it has ended.\n"


class Terminal(io.StringIO):
    """A stream of a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


@pytest.mark.parametrize(
    ("environ", "on_terminal", "in_file"),
    [
        ({}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "0"}, False, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
    ],
)
def test_colours_are_for_terminals_unless_the_user_says_otherwise(
    environ: Mapping[str, str], *, on_terminal: bool, in_file: bool
) -> None:
    """https://no-color.org: an empty variable counts as none."""
    assert progress.wants_colours(environ, Terminal()) is on_terminal
    assert progress.wants_colours(environ, io.StringIO()) is in_file
    assert progress.wants_colours(environ, None) is in_file
