"""hyperfine, which times a command: once at a time, for it has no order but A A B B of its own.

https://github.com/sharkdp/hyperfine/issues/483
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

HOW = "apt-get install hyperfine (Debian, Ubuntu), brew install hyperfine"
ARGS = ["hyperfine", "--shell", "none", "--runs", "1", "--style", "none"]


def installed() -> bool:
    """True when there is one that needs no shell to run a command: since 1.13."""
    return (
        bool(shutil.which("hyperfine"))
        and not subprocess.run([*ARGS, "true"], capture_output=True, check=False).returncode
    )


def seconds(args: Sequence[str], folder: Path, environ: Mapping[str, str], limit: float) -> float | None:
    """How long a command takes; None when it fails, of which hyperfine does not keep what it said."""
    with TemporaryDirectory() as made:
        export = Path(made, "times.json")
        ran = subprocess.run(
            [*ARGS, "--export-json", str(export), shlex.join(args)],
            cwd=folder, env=environ, capture_output=True, check=False, timeout=limit,
        )  # fmt: skip
        return float(json.loads(export.read_text())["results"][0]["times"][0]) if not ran.returncode else None
