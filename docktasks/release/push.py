"""`invoke push`: give a registry the image that passed the gate, and record what was pushed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.engine.models import Image
from docktasks.errors import NotInRegistryError, PushError, RegistryError, SettingsError
from docktasks.images.build import BASE_LABEL, OCI
from docktasks.images.registry import registry_digest
from docktasks.images.releases import REVISION_LABEL
from docktasks.release import build as release_build
from docktasks.release import gate
from docktasks.release.build import Build
from docktasks.release.run_args import Release
from docktasks.verify import catalog
from docktasks.verify import run as verify_run

TAGS = ("revision", "version", "latest")
"""The kinds of tags. They are pushed in this order, so that a push that fails has moved none of the later ones."""
REVISION_CHARS = 12
LOG_IN = "Log in to the registry, with an account that may push: docker login"
ANSWER_TIMEOUT_S = 30
"""How long a registry may take to say which image it has."""
TAG = re.compile(r"\w[\w.-]{0,127}")
"""https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pulling-manifests"""
PATH = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
REPOSITORY = re.compile(rf"(?:[\w.-]+(?::\d+)?/)?{PATH}(?:/{PATH})*")
"""A registry and a path, without a tag: https://docs.docker.com/reference/cli/docker/image/tag/#description."""


@dataclass(frozen=True)
class PushOptions:
    """Where to push, and under which of TAGS; without a choice under all of them.

    `immutable` refuses to move a tag that the registry has. `record` is the path of the file that says what was pushed.
    """

    to: str = ""
    tags: Sequence[str] = ()
    immutable: bool = False
    record: str = "release.json"


@dataclass(frozen=True)
class Pushed:
    """A pushed image: its repository and tags, and its digest in the registry, which is empty under --dry."""

    build: Build
    repository: str
    tags: tuple[str, ...]
    digest: str = ""

    @property
    def reference(self) -> str:
        """The name that always means this image."""
        return f"{self.repository}@{self.digest}" if self.digest else self.repository


def push(project: Project, options: PushOptions) -> Pushed:
    """Build the image, let it pass the gate and the checks of an image, push it, and write the record.

    Raises DockError. Then no tag was moved, unless the error says so.
    """
    repository = require_repository(options.to or project.settings.ship.image)
    kinds = require_kinds(options.tags)
    with project.lock():
        build = release_build.build_prod(project)
        revision = build.image.labels.get(REVISION_LABEL, "")
        if not project.dry:
            _require_commit(revision)
        pushed = Pushed(build, repository, _tags(project, kinds, revision))
        if options.immutable and not project.dry:
            _require_unmoved(project, pushed)
        passed = gate.check_candidate(project, Release(build.image))
        project.progress(f"gate passed: {passed}")
        verified = [] if project.dry else _verified_checks(project, build.image)
        pushed = replace(pushed, digest=_push_tags(project, pushed))
    if not project.dry:
        record = _record(project, pushed, {"gate": list(passed.check_ids), "verify": verified})
        Path(options.record).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return pushed


def require_repository(name: str) -> str:
    """Return the name of a repository. Raises SettingsError if there is none, or if it is no such name."""
    how = "Name it: invoke push --to=registry.example/team/app, or ship.image in hello-dock.yaml"
    if not name:
        raise SettingsError("push does not know where to push to.", "Neither --to nor ship.image names a place.", how)
    if not REPOSITORY.fullmatch(name):
        raise SettingsError(f"{name} is not a repository.", "It has a registry and a path, and no tag or digest.", how)
    return name


def require_kinds(kinds: Sequence[str]) -> tuple[str, ...]:
    """Return the kinds of tags in the order of TAGS, all of them without a choice. Raises SettingsError."""
    for kind in kinds:
        if kind not in TAGS:
            raise SettingsError(f"--tag={kind} is not a kind of tag.", "", f"Choose of {', '.join(TAGS)}")
    return tuple(kind for kind in TAGS if kind in kinds or not kinds)


def _require_commit(revision: str) -> None:
    """Raise PushError if an image does not say which commit it was built from."""
    if not revision or revision.endswith("-dirty"):
        raise PushError(
            "The checkout has changes that are not committed." if revision else "The app is in no git checkout.",
            "What is pushed has to be what a commit says, so that it can be built again.",
            "Commit the changes, then push again" if revision else "Commit the app: git init; git add .; git commit",
        )


def _tags(project: Project, kinds: Sequence[str], revision: str) -> tuple[str, ...]:
    """Return the tags of the kinds. Raises PushError for a version that cannot be a tag."""
    version = project.app.version
    values = {"revision": revision[:REVISION_CHARS] or "REVISION", "version": version, "latest": "latest"}
    tags = tuple(values[kind] for kind in kinds if values[kind])
    for tag in tags:
        if not TAG.fullmatch(tag):
            raise PushError(
                f"The version {tag} cannot be a tag.",
                "A tag has letters, digits, '.', '_' and '-'.",
                'Correct "version" in package.json, or leave it out: --tag=revision --tag=latest',
            )
    return tags


def _require_unmoved(project: Project, pushed: Pushed) -> None:
    """Raise PushError if the registry has one of the tags already, apart from latest, which is there to be moved."""
    for tag in pushed.tags:
        digest = _digest_of(project, f"{pushed.repository}:{tag}") if tag != "latest" else ""
        if digest and not _is_same_image(project, pushed.build.image, f"{pushed.repository}@{digest}"):
            raise PushError(
                f"{pushed.repository}:{tag} exists, and is another image ({digest}).",
                "--immutable: a tag that exists is not moved.",
                'Raise "version" in package.json, or push without --immutable',
            )


def _is_same_image(project: Project, image: Image, reference: str) -> bool:
    """Return True if the registry's image of a digest is this one, also where another machine has pushed it."""
    if reference in image.digests:
        return True
    pulled = project.run(["docker", "image", "pull", reference], quiet=True)
    registered = project.engine.image(reference) if pulled.ok else None
    return registered is not None and registered.id == image.id


def _digest_of(project: Project, reference: str) -> str:
    """Return the digest that the registry has under a name, "" if it has none. Raises PushError."""
    try:
        return registry_digest(project.engine, reference, ANSWER_TIMEOUT_S)
    except NotInRegistryError:
        return ""
    except RegistryError as error:
        raise PushError(f"{reference} cannot be looked up: {error}.", "", LOG_IN) from error


def _verified_checks(project: Project, image: Image) -> list[str]:
    """Return the ids of the checks of an image that it passes. Raises VerifyError if one fails."""
    checks = tuple(catalog.select(groups=["image"]))
    run = verify_run.verify(project, verify_run.VerifyOptions(checks, image.id))
    verify_run.require_passed(run)
    project.progress(f"verified: {len(run.ids('pass'))} checks of the image")
    return run.ids("pass")


def _push_tags(project: Project, pushed: Pushed) -> str:
    """Push the image under each tag, and return the digest that the registry has then. Raises PushError."""
    digests: dict[str, str] = {}
    for tag in pushed.tags:
        name = f"{pushed.repository}:{tag}"
        project.run(["docker", "image", "tag", pushed.build.image.short_id, name], quiet=True)
        result = project.run(["docker", "image", "push", name], quiet=True)
        if not result.ok:
            raise _explain_push(name, [*digests], result)
        project.progress(f"pushed {name}")
        digests[name] = "" if project.dry else _digest_of(project, name)
    if len(set(digests.values())) > 1:
        raise PushError(
            "The tags do not mean the same image.",
            "Somebody else has pushed one of them meanwhile.",
            "Push again, and let one job at a time push",
            evidence="\n".join(f"{name}: {digest}" for name, digest in digests.items()),
        )
    return next(iter(digests.values()))


def _explain_push(name: str, pushed_names: Sequence[str], result: Result) -> PushError:
    """Return the error of a push that failed, which says what the registry has got."""
    why = f"Pushed before it: {', '.join(pushed_names)}." if pushed_names else "The registry has nothing new."
    how = "Correct what Docker reports above, then push again: what is there is not sent twice"
    if re.search(r"denied|unauthorized|authentication required|no basic auth|forbidden", result.output, re.IGNORECASE):
        how = LOG_IN
    return PushError(f"{name} could not be pushed.", why, how, evidence=result.tail(3))


def _record(project: Project, pushed: Pushed, verified: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return what release.json says of a pushed image."""
    image = pushed.build.image
    base = project.engine.image(image.labels.get(BASE_LABEL, ""))
    return {
        "image": pushed.reference,
        "repository": pushed.repository,
        "digest": pushed.digest,
        "tags": list(pushed.tags),
        "release": image.release,
        "revision": image.labels.get(REVISION_LABEL, ""),
        "version": image.labels.get(f"{OCI}.version", ""),
        "architecture": image.architecture,
        "size": pushed.build.size,
        "added_size": pushed.build.added_size,
        "base": {"name": image.labels.get(BASE_LABEL, ""), "digests": list(base.digests) if base else []},
        "verified": dict(verified),
    }
