"""bases.lock: the digest of each base image, which a build uses in place of what its tag means today."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date, datetime, timezone
from pathlib import Path

from docktasks.app.project import Project
from docktasks.commands import Run
from docktasks.errors import BaseImageError, RegistryError, reason_of
from docktasks.images.references import familiar
from docktasks.images.registry import DIGEST, Manifests, advice, manifests
from docktasks.settings import Settings

FILE = "bases.lock"
"""It is in the app's folder, next to hello-dock.yaml, and belongs into git."""
UPDATE = "invoke bases --update"


@dataclass(frozen=True)
class LockedBase:
    """A base image as its registry had it on a day: the digest of its name, and that of each platform's image."""

    digest: str
    platforms: dict[str, str]
    looked_up: str

    def __post_init__(self) -> None:
        """Raise ValueError for a digest or a day that is none."""
        date.fromisoformat(self.looked_up)
        for digest in (self.digest, *self.platforms.values()):
            if not DIGEST.fullmatch(digest):
                raise ValueError(f"{digest!r} is no digest")

    @property
    def age_days(self) -> int:
        """The days since its registry was asked."""
        return (datetime.now(timezone.utc).date() - date.fromisoformat(self.looked_up)).days


def path_of(settings: Settings) -> Path:
    """Return the path of the app's bases.lock, which need not exist."""
    return settings.app_dir / FILE


def read(settings: Settings) -> dict[str, LockedBase]:
    """Return the locked base images by name; none without a bases.lock. Raises BaseImageError."""
    path = path_of(settings)
    try:
        bases = json.loads(path.read_text(encoding="utf-8"))["bases"]
        return {name: LockedBase(**values) for name, values in bases.items()}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise BaseImageError(
            f"{path} cannot be read: {reason_of(error)}.",
            "It pins the base images, so a build needs it whole.",
            f"Restore it from git, or write it again: {UPDATE}",
        ) from error


def pinned(settings: Settings, reference: str) -> str:
    """Return the name of a base image with the digest that bases.lock has for it; without a lock the name itself.

    A name that has a digest is pinned by itself, and a stand-in is from no registry. Raises BaseImageError for an image
    that an existing lock does not have.
    """
    locked = {} if "@" in reference or settings.bases.source == "standin" else read(settings)
    if not locked:
        return reference
    base = locked.get(familiar(reference))
    if base is None:
        raise BaseImageError(
            f"{FILE} does not have {reference}.",
            f"It has {', '.join(locked)}. What it does not pin could be another image tomorrow.",
            f"Look it up: {UPDATE}",
        )
    return f"{familiar(reference)}@{base.digest}"


def age_notice(settings: Settings) -> str:
    """Say that bases.lock is older than bases.max_age days, and so has images without the newest fixes."""
    days = max((base.age_days for base in read(settings).values()), default=0)
    is_old = 0 < settings.bases.max_age < days and settings.bases.source != "standin"
    return f"{FILE} is {days:,} days old. Look for newer base images: {UPDATE}" if is_old else ""


def update(project: Project) -> list[str]:
    """Ask the registries for the base images, write bases.lock, and return what has changed. Raises BaseImageError.

    An error leaves the file as it was.
    """
    if project.dry:
        return []
    run, settings = project.run, project.settings
    references = (settings.bases.node_image, settings.bases.nginx_image)
    path, today = path_of(settings), datetime.now(timezone.utc).date().isoformat()
    before: dict[str, LockedBase] = {}
    with suppress(BaseImageError):  # a broken file is what this corrects
        before = read(settings)
    answers = {familiar(name): _looked_up(run, familiar(name)) for name in references if "@" not in name}
    locked = {name: LockedBase(answer.digest, answer.platforms, today) for name, answer in answers.items()}
    text = json.dumps({"bases": {name: asdict(base) for name, base in locked.items()}}, indent=2)
    new = path.with_suffix(".new")
    try:
        new.write_text(f"{text}\n", encoding="utf-8")
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise BaseImageError(
            f"{path} cannot be written: {reason_of(error)}.", "It is as it was.", "Correct that, and try again"
        ) from error
    return [line for name in {**before, **locked} for line in _changes(name, before.get(name), locked.get(name))]


def _looked_up(run: Run, name: str) -> Manifests:
    try:
        return manifests(run, name)
    except RegistryError as error:
        raise BaseImageError(
            f"The digests of {name} cannot be looked up.",
            f"{FILE} is as it was.",
            advice(str(error), name),
            evidence=str(error),
        ) from error


def _changes(name: str, before: LockedBase | None, now: LockedBase | None) -> Iterator[str]:
    """Yield a line for each platform whose image is another one now, or one line that says that none is."""
    if now is None:
        yield f"{name}: not used any more"
        return
    if before and (before.digest, before.platforms) == (now.digest, now.platforms):
        yield f"{name}: as on {before.looked_up}, {_short(now.digest)}"
        return
    since = f", since {before.looked_up}" if before else ""
    yield f"{name}: {_short(before.digest) if before else 'new'} -> {_short(now.digest)}{since}"
    old = before.platforms if before else {}
    for platform in sorted({**old, **now.platforms}):
        if old.get(platform) != now.platforms.get(platform):
            yield f"  {platform}: {_short(old.get(platform, ''))} -> {_short(now.platforms.get(platform, ''))}"


def _short(digest: str) -> str:
    return digest[: len("sha256:") + 12] or "none"
