from __future__ import annotations

import io

import pytest

from docktasks import command_names, output
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


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (17_912_345, "17.9 MB"),
        (999_999, "1,000.0 kB"),
        (1_000_000, "1.0 MB"),
        (2_500_000_000, "2.5 GB"),
        (4_200_000_000_000, "4.2 TB"),
        (4_200_000_000_000_000, "4,200.0 TB"),
    ],
)
def test_size_has_the_unit_that_a_reader_expects(size: int, text: str) -> None:
    """Steps of 1000, as registries count."""
    assert output.decimal(size) == text


@pytest.mark.parametrize("has_colours", [True, False])
def test_style_covers_the_head_also_where_it_is_wrapped(has_colours: bool) -> None:  # noqa: FBT001 - the case
    """Further lines begin below the text of the first."""
    file = io.StringIO()
    output.Screen(file, 30, has_colours).print(
        "> ", "a head of several words that is long", ": rest", style=output.BOLD
    )
    on, off = ("\x1b[1m", "\x1b[0m") if has_colours else ("", "")
    assert file.getvalue() == f"> {on}a head of several words that{off}\n  {on}is long{off}: rest\n"


def test_lines_around_a_table_name_the_command_of_the_user(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Notes and warnings, and the line in place of a table."""
    monkeypatch.setattr(command_names, "_program", "uvx hello-dock")
    monkeypatch.setattr(command_names, "_names", {"clean": "clean"})
    text = "To remove them: invoke clean"
    output.print_table(Table(("container",), [("web",)], text, (text,), (text,)))
    output.print_table(Table(("container",), (), text))
    assert "".join(capsys.readouterr()).count("To remove them: uvx hello-dock clean") == 3
