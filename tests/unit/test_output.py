from __future__ import annotations

import pytest

from docktasks import output
from docktasks.output import Table

ROW = ("hello-dock-prod-candidate", "running (healthy)", "http://127.0.0.1:8080", "0123456789ab")


def test_table_is_not_cut_at_the_width_of_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user copies addresses and ids, so they are printed whole on a longer line."""
    monkeypatch.setenv("COLUMNS", "40")
    output.print_table(Table(("container", "state", "address", "release"), [ROW], "Nothing."))
    titles, row = capsys.readouterr().out.splitlines()
    assert titles.split() == ["container", "state", "address", "release"]
    assert row.split("  ") == list(ROW)


def test_table_is_followed_by_its_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    """A warning is a line of its own, as every notice is."""
    output.print_table(Table(("container",), [("web",)], "Nothing.", ("web is paused.",)))
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == ["container", "web", "! web is paused."]


def test_table_without_rows_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """The titles are not printed."""
    output.print_table(Table(("container",), (), "Nothing is running."))
    assert capsys.readouterr().out == "Nothing is running.\n"
