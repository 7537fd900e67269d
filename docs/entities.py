"""Write docktasks/images/nginx/entities.json, the named character references of HTML, from Python's table of them."""

from __future__ import annotations

import json
from html.entities import html5
from itertools import groupby
from pathlib import Path

TABLE = Path(__file__).parents[1] / "docktasks/images/nginx/entities.json"


def table() -> str:
    """Return the table as JSON, a line for each first letter. The standard's: https://html.spec.whatwg.org/entities.json."""
    rows = [
        ", ".join(f"{json.dumps(name)}: {json.dumps(html5[name])}" for name in names)
        for _, names in groupby(sorted(html5), lambda name: name[0])
    ]
    return "{\n" + ",\n".join(rows) + "\n}\n"


if __name__ == "__main__":
    TABLE.write_text(table())
