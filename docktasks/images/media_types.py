"""The media types that production sends, by the extension of a file: the table that nginx reads."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

TABLE = Path(__file__).parent / "nginx/serving/media-types.conf"


@cache
def _types() -> dict[str, str]:
    lines = re.findall(r"^ +(\S+/\S+) ([^;]+);", TABLE.read_text(), re.MULTILINE)
    return {extension: media_type for media_type, extensions in lines for extension in extensions.split()}


def media_type(path: str) -> str:
    """Return the media type of a file by its extension; empty for an extension that the table does not have."""
    return _types().get(path.rpartition(".")[2].lower(), "")
