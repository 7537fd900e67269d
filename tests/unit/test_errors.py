from __future__ import annotations

import socket
from pathlib import Path

import httpx
import pytest

from docktasks.errors import DockError, reason_of


def test_text_of_an_error_is_what_evidence_why_how() -> None:
    """The evidence is indented."""
    error = DockError("What.", "Why.", "How", evidence="\none\n\n  two  \n")
    assert str(error) == "What.\n    one\n    \n      two\nWhy.\nHow"


def test_text_of_an_error_has_no_empty_lines() -> None:
    """Evidence and reason may be missing."""
    assert str(DockError("What.", "Why.", "How")) == "What.\nWhy.\nHow"
    assert str(DockError("What.", "", "How", evidence=" \n")) == "What.\nHow"


def test_reason_of_an_error_has_no_number_and_no_path(tmp_path: Path) -> None:
    """The sentence around it names the file or the address. An error without a text is told by its class."""
    with pytest.raises(OSError) as caught:  # noqa: PT011 - what it says is what is tested
        (tmp_path / "none" / "file").read_text()
    assert reason_of(caught.value) == "No such file or directory"
    with pytest.raises(ConnectionRefusedError) as refused:
        socket.create_connection(("127.0.0.1", 1), timeout=1)
    assert reason_of(refused.value) == "Connection refused"
    assert reason_of(ValueError("Expecting value: line 1")) == "Expecting value: line 1"
    assert reason_of(TimeoutError()) == "timed out"


def test_reason_of_an_error_of_httpx_has_no_number() -> None:
    """It quotes the number of the OSError."""
    with pytest.raises(httpx.ConnectError) as refused:
        httpx.get("http://127.0.0.1:1/", trust_env=False)
    assert reason_of(refused.value) == "Connection refused"
