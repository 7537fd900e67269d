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
_STYLE = re.compile(
    rb"""<style\b(?![^>]*(?:\bsrc=|\blang=["']?s(?:ass|tyl(?:us)?)\b))([^>]*)>.*?(?=</style>)""", re.DOTALL
)
"""A style in the component's own file, in a language whose rules have braces."""
_OTHER_BLOCK = re.compile(rb"<script\b.*?</script\s*>|<!--.*?-->|<template\b.*</template\s*>", re.DOTALL)
"""The parts of a component in which a style is only a text, or has no effect."""
_MEMBER = re.compile(rb'\A\s*\{(?=\s*")')
"""The start of JSON that has a member, in front of which another one can stand."""
COMPONENT_SUFFIXES = (".vue", ".svelte")
COMMENTED_SUFFIXES = (".svg", ".md", ".txt", ".html")
"""Files that may have `<!-- … -->` at their end."""
_UNDONE_ATTEMPTS = 3


@contextlib.contextmanager
def temporary_edit(file: Path, text: str, end: int | None = None) -> Iterator[None]:
    """Insert a text at byte `end` of a file, by default its end, and remove only that afterwards.

    Its time is then as before, unless others saved it. What others save meanwhile stays. Raises OSError.
    """
    before, times, addition = file.read_bytes(), file.stat(), text.encode()
    edited = before[:end] + addition + before[len(before[:end]) :]
    try:  # an interrupt may come as soon as it is written
        _replace(file, before, edited)
        yield
    finally:
        for _ in range(_UNDONE_ATTEMPTS):
            now = file.read_bytes()
            if addition not in now or _replace(file, now, now.replace(addition, b"")):
                break
        if file.read_bytes() == before:
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def _replace(file: Path, before: bytes, after: bytes) -> bool:
    """Write what differs into the file if it is as before, and return True if it was.

    A server may read the file at any time, so it is never empty. What others save is lost only if they save it between
    two system calls.
    """
    if before == after:
        return True
    pairs = enumerate(zip(before, after, strict=False))
    start = next((index for index, (old, new) in pairs if old != new), min(len(before), len(after)))
    with file.open("r+b", buffering=0) as target:
        if target.read() != before:
            return False
        target.seek(start)
        target.write(after[start:])
        target.truncate()
    return True


def style_of(component: Path) -> re.Match[bytes] | None:
    """Return the first style of a component, without its end tag; group 1 has its attributes."""
    return _STYLE.search(_OTHER_BLOCK.sub(lambda block: b" " * len(block[0]), component.read_bytes()))


def place_of_mark(file: Path) -> int | None:
    """Return where a mark can be written into a file: a byte, -1 for its end, or None if it cannot.

    A component needs a style. A second one would reach no page when it comes again: Vite still knows it from before,
    and tells only the pages that have it.
    """
    if file.suffix not in (*COMPONENT_SUFFIXES, ".json"):
        return -1
    part = _MEMBER.match(file.read_bytes()) if file.suffix == ".json" else style_of(file)
    return part.end() if part else None


@contextlib.contextmanager
def marked_edit(file: Path, mark: str) -> Iterator[None]:
    """Edit a file without effect on the page, so that what Vite makes of it has the text `mark`. Raises OSError.

    Where an editor has rewritten the addition, the rule, statement, member or comment with the mark goes.
    """
    style = style_of(file) if file.suffix in COMPONENT_SUFFIXES else None
    is_scoped = style and (file.suffix == ".svelte" or b"scoped" in style[1])
    texts = {".json": f'"{mark}": "",'} | dict.fromkeys(COMMENTED_SUFFIXES, f"\n<!-- {mark} -->\n")
    texts |= dict.fromkeys((".css", ".scss", ".less"), f"\n:root {{ {mark}: 1; }}\n")
    texts |= dict.fromkeys(COMPONENT_SUFFIXES, f"\n{':global(:root)' if is_scoped else ':root'} {{ {mark}: 1; }}\n")
    end = place_of_mark(file)
    try:
        with temporary_edit(file, texts.get(file.suffix, f"\nvoid '{mark}'.valueOf()\n"), None if end == -1 else end):
            yield
    finally:
        now = file.read_bytes()
        word = re.escape(mark.encode())
        rewritten = rb"[^\S\n]*(?::global\(:root\)|:root)\s*\{\s*" + word + rb":\s*1;?\s*\}[^\S\n]*\n?"
        rewritten += rb"|[^\S\n]*void ['\"]" + word + rb"['\"]\.valueOf\(\);?[^\S\n]*\n?"
        rewritten += rb'|[^\S\n]*"' + word + rb'": *"",?[^\S\n]*\n?|[^\S\n]*<!-- *' + word + rb" *-->[^\S\n]*\n?"
        _replace(file, now, re.sub(rewritten, b"", now))


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
