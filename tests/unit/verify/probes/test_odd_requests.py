"""Requests that no browser sends."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from docktasks.verify.probes import odd_requests

FILE = SimpleNamespace(is_ok=True, media_type="image/png")


def test_name_with_spaces_or_other_letters_than_ascii_is_escaped() -> None:
    """A request line with such a name would be another fault than the one that is looked for."""
    site: Any = SimpleNamespace(
        origin="http://h", home="/", seed="a", files={"/日本 a/größe.png": FILE}, index=SimpleNamespace(path="/"),
        words=SimpleNamespace(paths=("/größe",)),
    )  # fmt: skip
    assert "GET /%E6%97%A5%E6%9C%AC%20a/gr%C3%B6%C3%9Fe.png HTTP/1.0" in odd_requests.old(site)
    requests = [text for requests in odd_requests.ALL for text in requests(site).values()]
    assert [text for text in requests if not text.isascii()] == []
    assert sum(b"/%E6%97%A5%E6%9C%AC%20a" in text for text in requests) > 9
