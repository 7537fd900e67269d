from __future__ import annotations

import json
from pathlib import Path

import pytest

from docktasks.app.package import App
from docktasks.app.vite import notices_of_files, port_for_socket

NPM = '{"lockfileVersion": 3, "packages": {\n  "node_modules/vite": {\n    %s"version": "%s",\n "dev": true}}}'
PNPM = """lockfileVersion: '9.0'
importers:
  .:
    devDependencies:
      vite:
        specifier: ^8.0.0
        version: %s%s(jiti@2.6.1)
packages:
  vite@%s:
    resolution: {integrity: sha512-x}
"""
YARN_1 = '"vite@%s^8.0.0", vite@^8.0.1:\n  version "%s"\n  resolved "https://registry.example/vite.tgz"\n'
YARN_4 = '__metadata:\n  version: 8\n\n"vite@npm:%s^8.0.0":\n  version: %s\n  resolution: "vite@npm:8.0.0"\n'


def notices(folder: Path, vite: str, lock: str = "", text: str = "") -> list[str]:
    """The notices for an app with this version of Vite in package.json, and a lock file."""
    (folder / "package.json").write_text(json.dumps({"devDependencies": {"vite": vite}}))
    if lock:
        (folder / lock).write_text(text)
    return notices_of_files(App(folder, json.loads((folder / "package.json").read_text())))


@pytest.mark.parametrize(
    ("lock", "text", "command"),
    [
        ("package-lock.json", NPM % ("", "8.3.2"), "install vite@8.3.7"),
        ("package-lock.json", NPM % ("", "8.3.8"), ""),
        ("npm-shrinkwrap.json", NPM % ('"name": "rolldown-vite",\n    ', "7.3.1"), "install vite@8.1.7"),
        ("package-lock.json", NPM % ('"name": "vite",\n    ', "8.4.0-beta.1"), "install vite@8.4.0"),
        ("package-lock.json", "{ broken", ""),
        ("pnpm-lock.yaml", PNPM % ("", "8.0.16", "8.0.16"), "add vite@8.1.7"),
        ("pnpm-lock.yaml", PNPM % ("rolldown-vite@", "7.3.1", "7.3.1"), "add vite@8.1.7"),
        ("pnpm-lock.yaml", PNPM % ("", "8.3.8", "8.3.8"), ""),
        ("pnpm-lock.yaml", PNPM % ("link:../", "vite", "x"), ""),
        ("yarn.lock", YARN_1 % ("", "8.2.4"), "add vite@8.2.6"),
        ("yarn.lock", YARN_1 % ("npm:rolldown-vite@", "7.1.14"), "add vite@8.1.7"),
        ("yarn.lock", YARN_4 % ("", "8.2.4"), "add vite@8.2.6"),
        ("yarn.lock", YARN_4 % ("rolldown-vite@", "7.1.14"), "add vite@8.1.7"),
        ("yarn.lock", YARN_4 % ("", "8.2.6"), ""),
    ],
)
def test_lock_file_says_which_vite_is_installed(tmp_path: Path, lock: str, text: str, command: str) -> None:
    """It has the version, and the package behind an alias. The range in package.json does not count."""
    answer = notices(tmp_path, "^8.0.0", lock, text)
    assert [notice.partition("invoke npm -- ")[2] for notice in answer] == ([command] if command else [])


@pytest.mark.parametrize(
    ("vite", "command"),
    [
        ("6.0.0", "install vite@6.4.6"), ("=8.0.16", "install vite@8.1.7"),
        ("npm:rolldown-vite@7.1.14", "install vite@8.1.7"),
        ("npm:vite@8.3.8", ""), ("8.3.8", ""), ("^6.0.0", ""), ("workspace:*", ""), ("catalog:", ""), ("latest", ""),
    ],
)  # fmt: skip
def test_exact_version_counts_without_a_lock_file(tmp_path: Path, vite: str, command: str) -> None:
    """What a range installs is known only after the installation, when the dev server prints it."""
    answer = notices(tmp_path, vite)
    assert [notice.partition("invoke npm -- ")[2] for notice in answer] == ([command] if command else [])


def test_app_without_vite_has_no_notice(tmp_path: Path) -> None:
    """package.json may have no dependencies at all."""
    assert notices_of_files(App(tmp_path, {})) == []


@pytest.mark.parametrize(
    ("version", "port"),
    [("^2.9.5", 7), ("^2.0.0", 7), ("~2.6", 7), ("2.9.18", 7), ("2.3.8", 0), ("^3.2.0", 0), ("20.1.0", 0), (None, 0)],
)
def test_page_of_vite_2_opens_its_socket_at_the_published_port(tmp_path: Path, version: str | None, port: int) -> None:
    """It takes the port on which Vite listens otherwise, and then loads itself again and again.

    A version before 2.6 takes no configuration of ours.
    """
    app = App(tmp_path, {"dependencies": {"vite": version} if version else None})
    assert (port_for_socket(app, 7), port_for_socket(app, 3000)) == (port, 0)
