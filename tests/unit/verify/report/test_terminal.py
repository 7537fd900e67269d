from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from rich.console import Console

from docktasks.engine.models import Image
from docktasks.errors import VerifyError
from docktasks.verify import report
from docktasks.verify.registry import Verdict
from docktasks.verify.report.run import VerifyRun, escaped
from docktasks.verify.subject import Subject
from tests.unit.fakes.reports import HOSTILE, judged, verdict


def lines(*verdicts: Verdict, width: int = 80) -> list[str]:
    """What a terminal of that width shows."""
    written = io.StringIO()
    report.show(judged(*verdicts), Console(file=written, width=width))
    found = written.getvalue().splitlines()
    assert max(len(line) for line in found) <= width
    return [line.rstrip() for line in found]


def shown(*verdicts: Verdict, width: int = 80) -> str:
    """The same, with every run of white space as one space."""
    return " ".join(" ".join(lines(*verdicts, width=width)).split())


def test_the_summary_counts() -> None:
    """One line, for whoever reads nothing else."""
    run = [verdict("pass"), verdict("pass"), verdict("fail", "x"), verdict("skip", "y")]
    assert report.summary(judged(*run)) == "2 passed, 1 failed, 1 skipped in 1.0 s"
    assert report.summary(judged()) == "0 passed, 0 failed, 0 skipped in 1.0 s"


def test_a_pass_is_one_line() -> None:
    """What it asserts, and neither evidence nor fix; the group and its counts stand above."""
    assert lines(verdict("pass")) == [
        "verify http://127.0.0.1:8080",
        "http: 1 passed",
        "  ✓ http.files  Every file answers 200.",
        "1 passed, 0 failed, 0 skipped in 1.0 s",
    ]


@pytest.mark.parametrize("width", [80, 120])
def test_a_run_that_passes_fits_a_screen(width: int) -> None:
    """A line a check, one a group, and two more, however long what they assert is."""
    names = [f"{group}.{'c' * 18}-{number}" for group in ("image", "http") for number in range(25)]
    assert (
        len(lines(*(verdict("pass", name=name, asserts="Every file answers. " * 20) for name in names), width=width))
        == 50 + 2 + 2
    )


def test_groups_keep_their_order_and_count() -> None:
    """A reader finds a group by its heading."""
    run = [verdict("pass", name="image.user"), verdict("fail", "x"), verdict("pass", name="http.missing")]
    headings = [line for line in lines(*run) if not line.startswith(" ")]
    assert headings[1:-1] == ["image: 1 passed", "http: 1 passed, 1 failed"]


def test_a_failure_shows_its_evidence_and_the_fix() -> None:
    """A reader sees how bad it is, what was found and what to do."""
    assert lines(verdict("fail", "/assets/a.js: 404", "/b.css: 200 text/plain"))[2:-1] == [
        "  ✗ http.files FAILS (critical)",
        "      Every file answers 200.",
        "    · /assets/a.js: 404",
        "    · /b.css: 200 text/plain",
        "    → Build it again",
    ]


def test_skips_of_one_reason_are_one_line() -> None:
    """There is nothing to mend in what was not judged: a line for a group, or for those of it that have the reason."""
    away = [verdict("skip", "needs an image", name=f"image.{name}") for name in ("user", "contents")]
    mixed = [verdict("pass"), verdict("skip", "no brotli", name="http.encoding")]
    text = lines(*away, *mixed)
    assert "image: 2 checks skipped: needs an image" in text
    assert "  - 1 check skipped: no brotli (http.encoding)" in text
    assert "→" not in "".join(text)


def test_much_evidence_is_cut() -> None:
    """The first few faults and their number; the JSON has all."""
    text = shown(verdict("fail", *(f"fault {number}." for number in range(9))))
    assert "fault 4." in text
    assert "fault 5." not in text
    assert "and 4 more (--json has all)" in text


@pytest.mark.parametrize("evidence", ["[bold]a[/bold]", "[/]", "/x: [a-z]+ [id]", "\\[red]", "ends in \\", "a:100:b"])
def test_evidence_is_shown_as_it_is(evidence: str) -> None:
    """What looks like markup is part of a path or a header."""
    assert f"· {evidence}" in shown(verdict("fail", evidence))


def test_evidence_does_not_steer_the_terminal() -> None:
    """A header may hold what moves the cursor, colours, or turns the reading direction: it is shown as its escape."""
    text = shown(verdict("fail", "a\x1b[2J\x9b0m\nb\r\u202ec\ud800"))
    assert r"· a\x1b[2J\x9b0m\nb\r\u202ec\ud800" in text


def test_a_fix_is_shown_as_it_is() -> None:
    """It may hold brackets, too."""
    assert "→ Set [always] in nginx/" in shown(verdict("fail", "x", fix="Set [always] in nginx/"))


def test_long_evidence_is_wrapped_not_cut() -> None:
    """At 80 columns every character is still there."""
    path = "/assets/" + "x" * 150 + ".js:404"
    assert path in shown(verdict("fail", path)).replace(" ", "")


def test_endless_evidence_is_cut() -> None:
    """A header of a megabyte does not fill the screen; how long it was is told."""
    assert escaped("x" * 1_000_000) == "x" * 2000 + "… (1,000,000 characters)"
    assert len(lines(verdict("fail", "x" * 1_000_000))) < 40


@pytest.mark.parametrize("colour", [True, False])
def test_it_reads_without_colour(colour: bool) -> None:  # noqa: FBT001 - the case
    """A pipe, or NO_COLOR, takes the colours away, and no sign or word with them."""
    written = io.StringIO()
    console = Console(file=written, width=80, force_terminal=colour, color_system="standard" if colour else None)
    report.show(judged(verdict("pass"), verdict("fail", "x", name="http.missing")), console)
    assert ("\x1b[" in written.getvalue()) is colour
    assert all(text in written.getvalue() for text in ("✓", "✗ http.missing FAILS", "1 passed, 1 failed"))


def test_a_terminal_without_the_signs_gets_their_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """LANG=C, or an old console: no traceback in the place of a verdict."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    report.show(judged(verdict("pass"), verdict("fail", "/é: 404")), report.console())
    sys.stdout.flush()
    assert rb"\u2713 http.files" in written.getvalue()
    assert rb"/\xe9: 404" in written.getvalue()


def test_what_was_judged_has_a_name() -> None:
    """Its address; an image that does not run has its own."""
    tagged = Subject("", image=Image("sha256:" + "a" * 64, tags=("shop:1",)))
    bare = Subject("", image=Image("sha256:" + "a" * 64))
    assert [VerifyRun(each, (), 0).name for each in (tagged, bare)] == ["shop:1", "a" * 12]


@pytest.mark.parametrize("form", report.FORMS)
def test_every_form_is_written(form: str, tmp_path: Path) -> None:
    """As UTF-8, whatever the evidence holds, also half of a character."""
    path = tmp_path / "report"
    report.write(judged(verdict("fail", f"é\x00\x1b\ud800 {HOSTILE}")), form, str(path))
    assert "http.files" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("form", report.FORMS)
def test_a_form_that_cannot_be_written_is_told(form: str, tmp_path: Path) -> None:
    """The flag that named the file, and the system's reason."""
    with pytest.raises(VerifyError, match="cannot be written: Is a directory") as caught:
        report.write(judged(verdict("pass")), form, str(tmp_path))
    assert f"--{form}" in caught.value.why
