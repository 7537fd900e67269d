"""The app's own .dockerignore: what its owner keeps out of a build."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from docktasks.app.manifest import MANIFEST
from docktasks.app.package import App
from docktasks.app.workspaces import PNPM_FILE
from docktasks.errors import AppError

CONFIGURED = ("vite", "astro", "svelte", "postcss", "tailwind")
NEEDED = (MANIFEST, "index.html", "src", "public", "tsconfig*.json", *(f"{name}.config.*" for name in CONFIGURED))
"""What a build needs of the app's folder, where it is there."""

SIGN = re.compile(r"\*\*/?|\*|\?|\[\^?[^\]]+\]|\\?(.)")
EXPRESSIONS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
"""What a sign of a pattern matches: https://docs.docker.com/build/concepts/context/#syntax"""


@dataclass(frozen=True)
class IgnoreFile:
    """The lines of a .dockerignore, and those that do not count; `path` is None where the app has no such file."""

    path: Path | None = None
    lines: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @classmethod
    def of(cls, app: App, dockerfile: str = "Dockerfile") -> IgnoreFile:
        """Return the owner's file without the lines that keep out what a build needs. Raises AppError.

        They are for another Dockerfile, such as one that copies what was built on the host.
        """
        own = cls.read(app.root, dockerfile)
        pairs = [(app.folder, NEEDED), (app.root, (MANIFEST, PNPM_FILE, app.package_manager.lock or MANIFEST))]
        paths = [path for folder, patterns in pairs for pattern in patterns for path in folder.glob(pattern)]
        names = {path.relative_to(app.root).as_posix() for path in paths}
        names = {name for name in names if own.ignores(name) and not own.opens(name)}
        without = tuple(line for line in own.lines if any(map(cls(lines=(line,)).ignores, names)))
        return replace(own, lines=tuple(line for line in own.lines if line not in without), without=without)

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
                why = "It says what a build may not see."
                raise AppError(f"{path} cannot be read: {error}", why, "Correct it, or remove it") from error
        return cls()

    @property
    def notices(self) -> list[str]:
        """A sentence for each line that does not count."""
        reason = "because it keeps out what the build needs. What only it kept out is sent, too."
        return [f"{self.path and self.path.name}: the line {line} does not count, {reason}" for line in self.without]

    @cached_property
    def _patterns(self) -> list[tuple[bool, str, re.Pattern[str]]]:
        """For each pattern: whether it lets in again what others ignore, its text, and its regular expression."""
        texts = (line.strip() for line in self.lines if not line.startswith("#"))
        pairs = ((text.startswith("!"), text.removeprefix("!").strip()) for text in texts)
        cleaned = (
            (is_exception, posixpath.normpath(f"/{text.strip('/')}")[1:]) for is_exception, text in pairs if text
        )
        return [(is_exception, text, re.compile(SIGN.sub(_expression, text))) for is_exception, text in cleaned if text]

    def ignores(self, name: str) -> bool:
        """Return True when a build does not see this path of its context. The last pattern that matches decides."""
        names = [name, *(str(folder) for folder in PurePosixPath(name).parents if str(folder) != ".")]
        ignored = False
        for is_exception, _, expression in self._patterns:
            if any(map(expression.fullmatch, names)):
                ignored = not is_exception
        return ignored

    def opens(self, folder: str) -> bool:
        """Return True when a line lets something below this ignored folder in again."""
        return any(is_exception and text.startswith(f"{folder}/") for is_exception, text, _ in self._patterns)


def _expression(sign: re.Match[str]) -> str:
    return re.escape(sign[1]) if sign[1] else EXPRESSIONS.get(sign[0], sign[0])
