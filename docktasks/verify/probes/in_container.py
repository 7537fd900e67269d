"""Run one of our scripts in a container that has node."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from docktasks.engine.models import Container
from docktasks.engine.protocol import Engine
from docktasks.errors import Skip


def run_in_node(engine: Engine, container: Container, name: str, *args: str) -> Any:
    """Return what a script of this folder prints as JSON. Raises Skip if it cannot run."""
    script = Path(__file__).with_name(f"{name}.cjs").read_text(encoding="utf-8")
    result = engine.exec(container.name, ["node", "-e", script, *args])
    try:
        return json.loads(result.output.splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise Skip(f"node does not run in it: {result.tail(1)}") from error
