"""Tables of faults, JSON files next to the modules that read them: which error the output of a tool means."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any


def cause(table: Path, output: str, **values: str) -> dict[str, Any]:
    """Return the first row of a table whose `pattern` is in an output. The last row of a table is for every output.

    The other fields are texts of the error: `what`, `why` and `how`. A name in braces stands for one of the values, or
    for a named group of the pattern.
    """
    rows: list[dict[str, Any]] = json.loads(table.read_text(encoding="utf-8"))
    row, match = next((row, match) for row in rows if (match := re.search(row["pattern"], output)))
    names = values | match.groupdict()
    return row | {key: row[key].format(**names) for key in ("what", "why", "how") if key in row}
