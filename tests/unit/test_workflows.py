"""What runs on GitHub runs at a known commit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.fakes.apps import ROOT

PINNED = re.compile(r"(?:\./\S+|docker://\S+@sha256:[0-9a-f]{64}|[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(?:\.\d+)*)")
"""A folder of this checkout, an image by its digest, or an action by its commit with the version as a comment."""

FILES = [*(ROOT / ".github").rglob("*.y*ml"), *ROOT.glob("action.y*ml")]


def unpinned(text: str) -> list[str]:
    """Return what a workflow or an action uses without a commit or digest."""
    uses = re.findall(r"""^\s*(?:-\s*)?['"]?uses['"]?\s*:\s*(.*?)\s*$""", text, re.MULTILINE)
    return [name for name in uses if not PINNED.fullmatch(name)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_workflow_pins_every_action_by_its_commit(path: Path) -> None:
    """A tag can be moved to other code, a commit cannot."""
    assert unpinned(path.read_text()) == []


def test_there_is_a_workflow_with_actions() -> None:
    """The search finds the workflow of CI and its actions."""
    assert sum(path.read_text().count("uses:") for path in FILES) >= 2


@pytest.mark.parametrize(
    "line",
    [
        "- uses: actions/checkout@v7",
        "  uses: actions/checkout@main # v7.0.1",
        f"- uses: actions/checkout@{'a' * 39} # v7.0.1",
        f"- uses: actions/checkout@{'a' * 40}",
        "- uses: docker://alpine:3",
        '- "uses": actions/cache',
    ],
)
def test_an_action_without_a_commit_and_a_version_is_found(line: str) -> None:
    """Branches, tags, short hashes and a commit without its version count as unpinned."""
    assert len(unpinned(line)) == 1
