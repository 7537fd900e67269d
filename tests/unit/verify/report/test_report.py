from __future__ import annotations

from pathlib import Path

import pytest

from docktasks.engine.models import Image
from docktasks.errors import VerifyError
from docktasks.verify import report
from docktasks.verify.subject import Subject
from tests.unit.fakes.reports import HOSTILE, verdict, verify_run


def test_run_is_named_after_its_subject() -> None:
    """An image that does not run is named by its tag, and without one by its id."""
    tagged = Subject("", image=Image("sha256:" + "a" * 64, tags=("shop:1",)))
    untagged = Subject("", image=Image("sha256:" + "a" * 64))
    assert [subject.name for subject in (tagged, untagged)] == ["shop:1", "a" * 12]


@pytest.mark.parametrize("form", report.REPORTS)
def test_report_is_written_as_utf_8(form: str, tmp_path: Path) -> None:
    """The evidence may hold anything, also half of a character."""
    path = tmp_path / "report"
    report.write(verify_run(verdict("fail", f"é\x00\x1b\ud800 {HOSTILE}")), form, str(path))
    assert "http.files" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("form", report.REPORTS)
def test_report_that_cannot_be_written_is_an_error(form: str, tmp_path: Path) -> None:
    """The error has the flag that named the file, and the system's reason."""
    with pytest.raises(VerifyError, match=r"Cannot write .*: Is a directory") as caught:
        report.write(verify_run(verdict("pass")), form, str(tmp_path))
    assert f"--{form}" in caught.value.why
