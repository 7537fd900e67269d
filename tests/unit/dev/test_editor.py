from __future__ import annotations

from pathlib import Path

import pytest

from docktasks.dev import editor
from docktasks.settings import Settings
from docktasks.waiting import Probe, wait_until
from tests.unit.fakes.engine import Programs


@pytest.fixture
def file(settings: Settings) -> Path:
    """A file of the app."""
    path = settings.app_dir / "App.vue"
    path.write_text("<template />")
    return path


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("code", "--goto {file}:7:3"),
        ("zed", "{file}:7:3"),
        ("webstorm", "--line 7 --column 3 {file}"),
    ],
)
def test_a_known_editor_is_told_the_line(
    settings: Settings, file: Path, programs: Programs, name: str, args: str
) -> None:
    """The first one on PATH is taken, each in its own way."""
    programs.add(name)
    assert editor.open_file(settings, str(file), 7, 3) == f"Opened in {name}: {file}:7:3"
    called = wait_until(lambda: Probe(bool(programs.calls)), 5)
    assert called.ready
    assert programs.calls == [f"{name} {args.format(file=file)}"]


def test_the_named_editor_is_taken(file: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the variable that Vite itself reads; an unknown one is given the file alone."""
    programs.add("code")
    monkeypatch.setenv("LAUNCH_EDITOR", "gedit")
    assert editor.command(file, 7, 3) == ["gedit", str(file)]


def test_without_an_editor_the_place_is_said(settings: Settings, file: Path, programs: Programs) -> None:
    """With the variable that names one."""
    assert editor.open_file(settings, str(file), 7, 3) == (
        f"! {file}:7:3 is wanted in an editor. Name yours: LAUNCH_EDITOR=code invoke dev"
    )
    assert programs.calls == []


def test_an_editor_that_does_not_start_is_told(settings: Settings, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dev server goes on."""
    monkeypatch.setenv("LAUNCH_EDITOR", "/nowhere/ed")
    assert editor.open_file(settings, str(file), 7, 3) == (
        "! There is no editor /nowhere/ed. Name yours: LAUNCH_EDITOR=code invoke dev"
    )


@pytest.mark.parametrize("path", ["../secret", "gone.js", "src", "/etc/passwd"])
def test_nothing_else_is_opened(settings: Settings, tmp_path: Path, programs: Programs, path: str) -> None:
    """Any page may ask: what is no file of the app stays closed."""
    programs.add("code")
    (settings.app_dir / "src").mkdir()
    (settings.app_dir.parent / "secret").write_text("")
    assert tmp_path.is_dir()
    said = editor.open_file(settings, str(settings.app_dir / path), 1, 1)
    assert said.startswith("! Not opened")
    assert programs.calls == []
