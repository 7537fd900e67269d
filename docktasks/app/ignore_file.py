"""The app's own .dockerignore: what its owner keeps out of a build."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path, PurePosixPath

from docktasks.app.manifest import MANIFEST
from docktasks.app.package import App
from docktasks.app.workspaces import PNPM_FILE
from docktasks.errors import AppError, reason_of

CONFIGURED = ("vite", "astro", "svelte", "postcss", "tailwind")
NEEDED = (MANIFEST, "index.html", "src", "public", "tsconfig*.json", *(f"{name}.config.*" for name in CONFIGURED))
"""What a build needs of the app's folder, where it is there."""

SIGN = re.compile(r"\*\*/?|\*|\?|\[\^?[^\]]+\]|\\?(.)")
EXPRESSIONS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
"""What a sign of a pattern matches: https://docs.docker.com/build/concepts/context/#syntax"""


@dataclass(frozen=True)
class IgnoreFile:
    """The lines of a .dockerignore that count; `path` is None where the app has no such file.

    `dropped` has the owner's lines that do not count, `opened` the paths that a build needs and the owner keeps out.
    """

    path: Path | None = None
    lines: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()

    @classmethod
    def of(cls, app: App, dockerfile: str = "Dockerfile") -> IgnoreFile:
        """Return the owner's file, with an exception for each path that it keeps out and a build needs.

        A line does not count when it keeps out all that a build needs of the app, and no exception lets in any of it:
        it is for another Dockerfile, such as one that copies what was built on the host. Raises AppError.
        """
        own, root = cls.read(app.root, dockerfile), app.root
        of_root = [root / name for name in (MANIFEST, PNPM_FILE, app.package_manager.lock or MANIFEST)]
        of_app = [path for pattern in NEEDED for path in app.folder.glob(pattern)]
        needed = {path for path in (*of_app, *of_root) if any(_files(path))}
        of_app = [path for path in of_app if path in needed]
        if all(own.keeps_out(path, root) for path in of_app):
            files = {line: replace(own, lines=(line,)) for line in own.lines}  # each with this line only
            dropped = tuple(line for line, file in files.items() if all(file.keeps_out(path, root) for path in of_app))
            own = replace(own, lines=tuple(line for line in own.lines if line not in dropped), dropped=dropped)
        for path in sorted(needed):
            if own.keeps_out(path, root):
                own = own.opening(path, root)
        return own

    @classmethod
    def read(cls, folder: Path, dockerfile: str = "Dockerfile") -> IgnoreFile:
        """Read the file of a build context. The one with the Dockerfile's name comes first. Raises AppError.

        Docker has it so: https://docs.docker.com/build/concepts/context/#filename-and-location.
        """
        for name in (f"{dockerfile}.dockerignore", ".dockerignore"):
            path = folder / name
            try:
                return cls(path, tuple(path.read_text(encoding="utf-8-sig").splitlines()))
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                what, why = f"{path} cannot be read: {reason_of(error)}.", "It says what a build may not see."
                raise AppError(what, why, "Correct it, or remove it") from error
        return cls()

    @property
    def notices(self) -> list[str]:
        """A sentence for each line that does not count, and for each path that is sent although lines keep it out."""
        name = self.path.name if self.path else ""
        reason = "because it keeps out all that the build needs. What only this line keeps out is sent, too."
        return [
            *(f"{name}: the line {line} does not count, {reason}" for line in self.dropped),
            *(f"{path} is sent although {name} keeps it out, because the build needs it." for path in self.opened),
        ]

    @cached_property
    def _patterns(self) -> list[tuple[bool, re.Pattern[str]]]:
        """For each pattern: whether it lets in again what others ignore, and its regular expression."""
        texts = (line.strip() for line in self.lines if not line.startswith("#"))
        pairs = ((text.startswith("!"), text.removeprefix("!").strip()) for text in texts)
        cleaned = (
            (is_exception, posixpath.normpath(f"/{text.strip('/')}")[1:]) for is_exception, text in pairs if text
        )
        return [(is_exception, self._compiled(text)) for is_exception, text in cleaned if text]

    def _compiled(self, text: str) -> re.Pattern[str]:
        try:
            return re.compile(SIGN.sub(_expression, text))
        except re.error as error:
            what = f"{self.path} has the pattern {text}, which is none: {error}."
            raise AppError(what, "Docker could not read it, either.", "Correct it, or remove it") from error

    def ignores(self, name: str) -> bool:
        """Return True when a build does not see this path of its context. The last pattern that matches decides.

        Raises AppError for a pattern that is none.
        """
        names = [name, *(str(folder) for folder in PurePosixPath(name).parents if str(folder) != ".")]
        ignored = False
        for is_exception, expression in self._patterns:
            if any(map(expression.fullmatch, names)):
                ignored = not is_exception
        return ignored

    def keeps_out(self, path: Path, root: Path) -> bool:
        """Return True when a build sees nothing of this file or folder of the context in `root`. Raises AppError."""
        return all(self.ignores(file.relative_to(root).as_posix()) for file in _files(path))

    def opening(self, path: Path, root: Path) -> IgnoreFile:
        """Return the lines with an exception for this path after the last that alone keeps it out.

        Lines behind that still count, such as one for the keys in a folder. Where these keep out the rest, it is last.
        Raises AppError.
        """
        name = path.relative_to(root).as_posix()
        exception = "!" + re.sub(r"[*?[\\]", r"\\\g<0>", name)
        ends = [at for at, line in enumerate(self.lines, 1) if replace(self, lines=(line,)).keeps_out(path, root)]
        for end in (*ends[-1:], len(self.lines)):
            lines = (*self.lines[:end], exception, *self.lines[end:])
            opened = replace(self, lines=lines, opened=(*self.opened, name))
            if not opened.keeps_out(path, root):
                break
        return opened


def _files(path: Path) -> Iterator[Path]:
    """Yield a file, or the files below a folder; nothing where there is none."""
    yield from (file for file in chain([path], path.rglob("*")) if file.is_file())


def _expression(sign: re.Match[str]) -> str:
    return re.escape(sign[1]) if sign[1] else EXPRESSIONS.get(sign[0], sign[0])
