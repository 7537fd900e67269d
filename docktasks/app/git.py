"""Ask git which commit the app is at."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from docktasks.app.package import App
from docktasks.commands import output_of
from docktasks.settings import Settings

ASSETS = ("docktasks/images/nginx", "docktasks/images/node")
"""Folders of the checkout, next to the app's, from which the production image is made."""

BUILD_INPUTS = ("hello-dock", *ASSETS, "Dockerfile", ".dockerignore")
"""The files and folders of this checkout that a build of its own app reads."""


@dataclass(frozen=True)
class Source:
    """The app's version, its commit (-dirty after local changes) and the commit's time in seconds, if it has one."""

    version: str
    revision: str = ""
    epoch: str = ""


def source(app: App, settings: Settings) -> Source:
    """Return the version, commit and commit time of what goes into the image."""
    head = _git(app.folder, "log", "-1", "--no-show-signature", "--format=%H %ct")
    if not head:
        return Source(app.version)
    revision, epoch = head.split()
    if settings.is_external_app:
        changes = _git(app.folder, "status", "--porcelain", "--", str(app.root))
    else:
        changes = _git(settings.root, "status", "--porcelain", "--", *BUILD_INPUTS)
    return Source(app.version, f"{revision}-dirty" if changes else revision, epoch)


def resolved(folder: Path, revision: str) -> tuple[Path, str] | None:
    """Return the folder of the checkout, and the full name of a commit; None without such a commit."""
    commit = _git(folder, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    return (Path(_git(folder, "rev-parse", "--show-toplevel")), commit) if commit else None


def has_commit(folder: Path, revision: str) -> bool:
    """Return False when a commit is missing from a complete git checkout; True when that cannot be known."""
    if _git(folder, "rev-parse", "--is-shallow-repository") != "false":
        return True
    return _git(folder, "cat-file", "-t", revision) == "commit"


def commits_at(folder: Path, epoch: int) -> list[str]:
    """Return the commits of this time, in seconds; none without git."""
    times = [f"--since=@{epoch - 1}", f"--until=@{epoch + 1}"]
    lines = _git(folder, "log", "--all", *times, "--format=%ct %H").splitlines()
    return [commit for time, _, commit in (line.partition(" ") for line in lines) if time == str(epoch)]


def remotes(folder: Path) -> list[str]:
    """Return the addresses of the repositories that the checkout knows."""
    return [line.split()[-1] for line in _git(folder, "config", "--get-regexp", r"^remote\..*\.url$").splitlines()]


def ignored(folder: Path, paths: Collection[str]) -> set[str] | None:
    """Return those of the paths in a folder that git ignores; None when that cannot be known."""
    if not paths:
        return set()
    if _git(folder, "rev-parse", "--is-inside-work-tree") != "true":
        return None
    return set(_git(folder, "check-ignore", "--", *sorted(paths)).splitlines())


def missing_submodules(folder: Path) -> list[str]:
    """Return the paths of the submodules that git has not fetched: a clone has only their empty folders."""
    return [line.split()[1] for line in _git(folder, "submodule", "status").splitlines() if line.startswith("-")]


def _git(folder: Path, *args: str) -> str:
    return output_of(["git", "-C", str(folder), *args])
