"""What an image of the app has inside, as a container of it reports."""

from __future__ import annotations

from benchmarks.harness import Bench

SCRIPT = (
    "node --version 2>/dev/null || echo; "
    "npm --version 2>/dev/null || echo; "
    "grep -c '^    .node_modules/' node_modules/.package-lock.json 2>/dev/null || echo 0; "
    "if [ -f package.json ]; then find . -type f | grep -Ecv '^./(node_modules|dist)/'; else echo 0; fi; "
    "id -u"
)
"""Prints a line for each of: node's version, npm's version, npm packages, files of the source, the user's number."""


def script_args(image: str) -> list[str]:
    """The command that runs SCRIPT in an image."""
    return ["docker", "container", "run", "--rm", "--entrypoint", "sh", image, "-c", SCRIPT]


def read_contents(bench: Bench, reference: str) -> dict[str, str]:
    """The contents of an image, as a text for each title. Raises BenchError when it does not run."""
    lines = [line.strip() for line in bench.output(script_args(reference)).splitlines()]
    node, npm, packages, sources, user = lines[-5:]
    image = bench.engine.image(reference)
    return {
        "node": node.removeprefix("v") or "none",
        "npm": npm or "none",
        "npm packages": f"{int(packages):,}" if packages != "0" else "none",
        "files of the source": f"{int(sources):,}" if sources != "0" else "none",
        "runs as": f"uid {user}{' (root)' if user == '0' else ''}",
        "layers": str(len(image.layers) if image else 0),
    }
