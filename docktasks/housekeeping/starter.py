"""`init`: write the files that a repository of its own needs, and nothing that is somebody else's."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from docktasks import __version__
from docktasks.app import git
from docktasks.app.ignore_file import IgnoreFile
from docktasks.app.project import Project
from docktasks.errors import AppError
from docktasks.housekeeping.starter_files import name_of, starter_files
from docktasks.images.own_files import FOLDER, RECORD, own_file, recorded
from docktasks.output import counted
from docktasks.workspace import writing

WRITES = ("written", "updated")


@dataclass(frozen=True)
class Change:
    """What `init` does with a file: `written`, `updated`, `unchanged`, `removed`, or what keeps it as it is.

    `path` counts from the app's root. `difference` is that of a file that somebody has changed, to ours.
    """

    path: str
    action: str
    difference: str = ""


def init(project: Project) -> list[str]:
    """Write the files that nobody has changed, and return what was done, a text for each. Raises AppError."""
    root = project.app.root
    if not project.settings.is_external_app:
        raise AppError(f"{root} has its files already.", "It is the app of hello-dock itself.", "Name an app of yours")
    files = {os.path.relpath(path, root): content for path, content in starter_files(project).items()}
    record = recorded(root)
    changes = [_change(root, path, content, record) for path, content in files.items()]
    old_tools = [path for path in record if _is_tool(path) and path not in files]
    changes += [_obsolete(root, path, record[path]) for path in old_tools]
    if not project.dry:
        _apply(root, changes, files, record)
    return [*_texts(root, changes), *_advice(project)]


def _is_tool(path: str) -> bool:
    return path.startswith(f"{FOLDER}/") and ".." not in path


def _digest(content: bytes) -> str:
    """Return the hash of a file. git may check out a text with other ends of lines."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def _change(root: Path, path: str, content: bytes, record: Mapping[str, str]) -> Change:
    target = root / path
    if not (target.exists() or target.is_symlink()):
        return Change(path, "removed by you" if path in record and not _is_tool(path) else "written")
    if not target.is_file():
        return Change(path, "kept")
    existing = target.read_bytes()
    if _digest(existing) == _digest(content):
        return Change(path, "unchanged")
    if _digest(existing) == record.get(path):
        return Change(path, "updated")
    return Change(path, "kept", _difference(path, existing, content))


def _obsolete(root: Path, path: str, digest: str) -> Change:
    """Return the change of a file that an earlier version wrote and this one does not need."""
    is_untouched = (root / path).is_file() and _digest((root / path).read_bytes()) == digest
    return Change(path, "removed" if is_untouched else "not needed any more")


def _difference(path: str, existing: bytes, content: bytes) -> str:
    yours, ours = (text.decode(errors="replace").splitlines() for text in (existing, content))
    names = f"{path} (yours)", f"{path} (hello-dock {__version__})"
    return "\n".join(difflib.unified_diff(yours, ours, *names, lineterm=""))


def _apply(root: Path, changes: list[Change], files: Mapping[str, bytes], record: Mapping[str, str]) -> None:
    for change in changes:
        target = root / change.path
        with writing(target):
            if change.action in WRITES:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(files[change.path])
            elif change.action == "removed":
                target.unlink()
    digests = {
        change.path: _digest(files[change.path]) for change in changes if change.action in (*WRITES, "unchanged")
    }
    kept = {change.path: record[change.path] for change in changes if change.path in record and change.path in files}
    text = json.dumps({"hello-dock": __version__, "files": dict(sorted((kept | digests).items()))}, indent=2)
    with writing(root / RECORD):
        (root / RECORD).write_text(f"{text}\n", encoding="utf-8")


def _texts(root: Path, changes: list[Change]) -> Iterator[str]:
    """Yield a line for each file, and one for all tools; the difference after a file that is kept."""
    many = [change for change in changes if _is_tool(change.path) and change.action in (*WRITES, "removed")]
    for action, count in Counter(change.action for change in many).items():
        yield f"{action}: {root.name}/{FOLDER}/, {counted(count, 'file')}"
    for change in changes:
        if change.action != "unchanged" and change not in many:
            name = os.path.normpath(root.name + "/" + change.path)
            yield "\n".join(filter(None, [f"{change.action}: {name}", change.difference]))
    if all(change.action == "unchanged" for change in changes):
        yield "Nothing to do: every file is as this version of hello-dock writes it."


def _advice(project: Project) -> Iterator[str]:
    """Yield what stands in the way of the files, and the two commands of plain Docker."""
    app, name = project.app, name_of(project)
    if not own_file(app.root, "Dockerfile") and (app.root / "Dockerfile").exists() and not project.dry:
        yield "! Dockerfile stays as it is, and builds by the tasks use hello-dock's own. Yours is for plain Docker."
    if IgnoreFile.read(app.root).ignores(f"{FOLDER}/nginx/nginx.conf"):
        yield f"! .dockerignore keeps {FOLDER} out of the build. Add at its end: !{FOLDER}"
    caches = [os.path.relpath(project.settings.root / "__pycache__/tasks.pyc", app.root)]
    if git.ignored(app.root, caches) == set():
        yield "! Python writes a folder __pycache__ next to tasks.py. Add a line to .gitignore: __pycache__/"
    folder = shlex.quote(os.path.relpath(app.root))
    yield f"Build: docker image build --tag {name}:prod {folder}"
    yield f"Run: docker container run --rm --detach --name {name}-prod --publish 8080:80 {name}:prod"
