"""Files in the app's folder, which a dev container sees at once: changed for a while, of others, and the lock file."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

ENTRIES = {
    "pnpm": r"^  '?/?(@?[^@\s'(]+?)[@/](\d[^:'(_\s]*)",
    "yarn": r'^"?(?:[^"\s,]+@npm:)?(@?[^@"\s,]+)@[^\n]*:\n(?:  (?!version)[^\n]*\n)*  version:? "?([^"\n]+)',
    "bun": r'\["(@?[^@"]+)@(\d[^"]*)"',
}
"""Package manager -> what matches name and version in its lock file."""


@contextlib.contextmanager
def temporary_edit(file: Path, text: str) -> Iterator[None]:
    """Append a text to a file, and remove only that afterwards. Its time is then as before, unless others saved it."""
    before, times, addition = file.read_bytes(), file.stat(), text.encode()
    try:
        with file.open("ab") as target:
            target.write(addition)
        yield
    finally:
        now = file.read_bytes()
        if now == before + addition:
            os.truncate(file, len(before))
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        elif addition in now:
            file.write_bytes(now.replace(addition, b""))


def marked_addition(file: Path, mark: str) -> str:
    """Return what can be appended to a file without effect on the page, with a text that Vite keeps."""
    rule = f"\n:root {{ {mark}: 1 }}\n"
    if file.suffix == ".vue":
        return f"\n<style>{rule}</style>\n"
    return rule if file.suffix in (".css", ".scss", ".less") else f"\nvoid '{mark}'\n"


@contextlib.contextmanager
def temporary_secret(app_dir: Path) -> Iterator[tuple[str, str]]:
    """A new .env file in the app, by name and content. It is removed at the end. Raises OSError."""
    file, content = app_dir / f".env.hello-dock-{secrets.token_hex(4)}", f"CANARY={secrets.token_hex(16)}\n"
    try:
        with file.open("x") as target:
            target.write(content)
        file.chmod(0o644)  # readable for all, so that only the dev server can refuse it
        yield file.name, content
    finally:
        file.unlink(missing_ok=True)


def files_of_others(app_dir: Path, owner: int) -> Iterator[str]:
    """Say of each file outside node_modules that does not belong to this uid whose it is."""
    for folder, folders, files in os.walk(app_dir):
        for path in (Path(folder, name) for name in [*folders, *files]):
            with contextlib.suppress(FileNotFoundError):  # removed since it was listed
                uid = path.lstat().st_uid
                if uid != owner:
                    yield f"{path.relative_to(app_dir)}: belongs to uid {uid}, the folder to uid {owner}"
        folders[:] = [name for name in folders if name != "node_modules"]


def locked(path: Path, manager: str) -> set[tuple[str, str]]:
    """Return name and version of each package of a lock file. Empty if it is in a form that is not known."""
    text = path.read_text(encoding="utf-8", errors="replace")
    entries = _npm_entries(text) if manager == "npm" else re.findall(ENTRIES[manager], text, re.MULTILINE)
    return {(name, version.partition("+")[0]) for name, version in entries}


def _npm_entries(text: str) -> Iterator[tuple[str, str]]:
    with contextlib.suppress(ValueError, AttributeError):  # such as one with a conflict of git, or of another form
        for folder, package in json.loads(text).get("packages", {}).items():
            if "node_modules/" in folder and package.get("version"):
                yield package.get("name") or folder.rpartition("node_modules/")[2], package["version"]
