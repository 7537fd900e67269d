"""The files of a checkout that decide what an installation of its packages does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docktasks.app import scripts, workspaces
from docktasks.app.manifest import entries, read_manifest
from docktasks.app.package import LOCK_FILES, SETTINGS_FILES, App

NAMES = (
    "package.json", *LOCK_FILES, *SETTINGS_FILES, "pnpm-workspace.yaml", ".pnpmfile.cjs", ".pnpmfile.mjs",
)  # fmt: skip
FOLDERS = ("patches", ".yarn/patches", ".yarn/plugins", ".yarn/releases")
"""Where patch-package, pnpm and yarn have the files that an installation reads."""

LIFECYCLE_SCRIPTS = (
    "pnpm:devPreinstall", "preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare",
)  # fmt: skip
"""The scripts of an app that its package manager runs when it installs."""

LOCAL_FILE = re.compile(r'"(?:file:|link:|portal:|patch:[^"#]*#)?(?:\./|~/)*([^":#!]+\.(?:patch|diff|tgz|tar\.gz))')
LOCAL_PACKAGE = re.compile(r'"(?:file:|link:|portal:)?((?:\.\.?/|(?<=:))[^":#]+)"')


def install_files(app: App) -> list[Path]:
    """Return the paths of these files, each once. Those that may be written later are among them."""
    root, packages = app.root, [".", *workspaces.packages_of(app.root)]
    paths = [root / name for name in NAMES]
    paths += [root / package / "package.json" for package in packages]
    paths += sorted(path for folder in FOLDERS for path in (root / folder).rglob("*") if path.is_file())
    for package in packages:
        paths += _named_files(root / package)
    return list(dict.fromkeys(paths))


def has_lifecycle_scripts(app: App) -> bool:
    """Return True when an installation runs scripts of the app, which may write into its checkout."""
    manifests = [app.manifest, app.root_manifest]
    return any(name in entries(manifest, "scripts") for manifest in manifests for name in LIFECYCLE_SCRIPTS)


def _named_files(folder: Path) -> Iterator[Path]:
    """Yield the files that a package.json names: patches, archives, packages in folders, and what its scripts run."""
    try:
        text = (folder / "package.json").read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return
    yield from (folder / name for name in LOCAL_FILE.findall(text))
    yield from (folder / name / "package.json" for name in LOCAL_PACKAGE.findall(text))
    for word in _script_words(read_manifest(folder)):
        if (folder / word).is_file():
            yield folder / word


def _script_words(manifest: dict[str, Any]) -> Iterator[str]:
    texts = {name: str(text) for name, text in entries(manifest, "scripts").items()}
    for name in LIFECYCLE_SCRIPTS:
        for command in scripts.commands(texts, name):
            yield from command.words
