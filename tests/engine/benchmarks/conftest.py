"""Fixtures of the benchmarks' tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.checkout import VITE_VERSION
from tests.support.checkouts import write_app

FILES = {
    "package.json": json.dumps({
        "name": "skiff", "version": "0.1.0", "private": True, "type": "module",
        "scripts": {"dev": "vite", "build": "vite build"},
        "devDependencies": {"vite": f"^{VITE_VERSION}"},
    }),
    "index.html": '<!doctype html><title>Skiff</title><script type="module" src="/src/main.js"></script>\n',
    "src/main.js": "document.body.textContent = 'a skiff is a small boat, and this is a small app; '.repeat(20)\n",
}  # fmt: skip


@pytest.fixture
def skiff(tmp_path: Path) -> Path:
    """A small Vite app."""
    return write_app(tmp_path / "skiff", FILES)
