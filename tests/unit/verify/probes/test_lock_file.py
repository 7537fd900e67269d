from __future__ import annotations

import json
from pathlib import Path

import pytest

from docktasks.verify.probes.app_files import locked

NPM = json.dumps(
    {
        "packages": {
            "": {"name": "shop", "version": "1.0.0"},
            "packages/own": {"version": "2.0.0"},
            "node_modules/own": {"resolved": "packages/own", "link": True},
            "node_modules/vue": {"version": "3.5.1"},
            "node_modules/other": {"name": "@team/name", "version": "1.0.0+build"},
            "node_modules/vue/node_modules/nanoid": {"version": "3.3.0"},
        }
    }
)
PNPM = """packages:

  '@team/name@1.0.0':
    resolution: {integrity: sha512-x}

  vue@3.5.1(typescript@5.0.0):
    resolution: {integrity: sha512-x}
  /nanoid/3.3.0_react@18.0.0:
    resolution: {integrity: sha512-x}
"""
YARN = """"@team/name@^1.0.0", "@team/name@^1.0.1":
  version "1.0.0"
  resolved "https://registry.example/x"

vue@^3.0.0:
  version "3.5.1"

"other@npm:nanoid@^3.0.0":
  version "3.3.0"
"""
BERRY = """"@team/name@npm:^1.0.0":
  version: 1.0.0
  resolution: "@team/name@npm:1.0.0"

"vue@npm:^3.0.0, vue@npm:^3.5.0":
  version: 3.5.1

"nanoid@npm:^3.0.0":
  version: 3.3.0
"""
BUN = '{"packages": {"vue": ["vue@3.5.1", ""], "n": ["nanoid@3.3.0", ""], "@team/name": ["@team/name@1.0.0", ""]}}'


@pytest.mark.parametrize(
    ("manager", "text"), [("npm", NPM), ("pnpm", PNPM), ("yarn", YARN), ("yarn", BERRY), ("bun", BUN)]
)
def test_packages_of_a_lock_file_are_known_by_name_and_version(tmp_path: Path, manager: str, text: str) -> None:
    """A package may be installed in another name, and links to packages of the workspace have no version."""
    lock = tmp_path / "lock"
    lock.write_text(text)
    assert locked(lock, manager) == {("vue", "3.5.1"), ("nanoid", "3.3.0"), ("@team/name", "1.0.0")}


def test_lock_file_of_another_form_has_no_packages(tmp_path: Path) -> None:
    """That of an old npm, or one with conflicts, says nothing."""
    lock = tmp_path / "lock"
    lock.write_text('{"lockfileVersion": 1, "dependencies": {"vue": {"version": "3.5.1"}}}')
    assert locked(lock, "npm") == set()
    lock.write_text("<<<<<<< ours")
    assert locked(lock, "npm") == set()
