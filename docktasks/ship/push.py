"""`invoke push`: give a registry the image that passed the gate, and record what was pushed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from docktasks.app import git
from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.engine.models import Image
from docktasks.errors import PushError
from docktasks.images.registry import advice
from docktasks.images.releases import REVISION_LABEL
from docktasks.release import build as release_build
from docktasks.release import gate
from docktasks.release.run_args import Release
from docktasks.ship import attest, names, record, tags
from docktasks.ship import platforms as ship_platforms
from docktasks.ship.keys import Key
from docktasks.ship.record import Pushed
from docktasks.verify import catalog
from docktasks.verify import run as verify_run
from docktasks.verify.report.json_report import as_data
from docktasks.verify.report.run import VerifyRun

Sign = Callable[[Pushed], None]
"""Signs what was pushed."""


@dataclass(frozen=True)
class PushOptions:
    """Where to push, and under which of TAGS; without a choice under all of them.

    `immutable` refuses to move a tag that the registry has. `record` is the path of the file that says what was pushed.
    `platforms` are as build.platforms, which they replace. `key` signs the image; None leaves it unsigned.
    """

    to: str = ""
    tags: Sequence[str] = ()
    immutable: bool = False
    record: str = "release.json"
    platforms: str = ""
    key: Key | None = None


def push(project: Project, options: PushOptions) -> Pushed:
    """Build the image, let it pass the gate and the checks of an image, push it, and write the record.

    Raises DockError. Then no tag was moved, unless the error says so.
    """
    repository = names.require_repository(options.to or project.settings.ship.image)
    kinds = names.require_kinds(options.tags)
    platforms = ship_platforms.chosen(project, options.platforms)
    if options.key:
        attest.require(project, options.key)
    if not project.dry:
        _require_commit(git.source(project.app, project.settings).revision)
    with project.lock():
        build = release_build.build_prod(project)
        images = ship_platforms.build_each(project, build, platforms)
        tag_names = names.tags_of(project, kinds, build.image.labels.get(REVISION_LABEL, ""))
        pushed = Pushed(build, repository, tag_names, images=images)
        if options.immutable and not project.dry:
            tags.require_unmoved(project, pushed)
        with gate.check_candidate(project, Release(build.image)) as passed:
            project.progress(f"gate passed: {passed}")
        verified = None if project.dry else _verified(project, build.image)
        sign = None
        if options.key:
            contents, results = attest.contents_of(project, pushed), as_data(verified) if verified else {}
            sign = partial(attest.attach, project, options.key, contents, results)
        pushed = _push_images(project, pushed, sign)
    if verified:
        content = record.record_of(pushed, {"gate": list(passed.check_ids), "verify": verified.ids("pass")})
        content["signed"] = options.key is not None
        Path(options.record).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return pushed


def _require_commit(revision: str) -> None:
    """Raise PushError if an image does not say which commit it was built from."""
    if not revision or revision.endswith("-dirty"):
        raise PushError(
            "The checkout has changes that are not committed." if revision else "The app is in no git checkout.",
            "What is pushed has to be what a commit says, so that it can be built again.",
            "Commit the changes, then push again" if revision else "Commit the app: git init; git add .; git commit",
        )


def _verified(project: Project, image: Image) -> VerifyRun:
    """Return the run of the checks of an image, which it passes. Raises PushError if one fails."""
    checks = tuple(catalog.select(groups=["image"]))
    run = verify_run.verify(project, verify_run.VerifyOptions(checks, image.id))
    if not run.passed:
        failed = [verdict for verdict in run.verdicts if verdict.outcome == "fail"]
        faults = [f"{verdict.check.id}: {text}" for verdict in failed for text in verdict.evidence]
        how = f"Correct it. More is in: invoke verify --image={project.settings.image('prod')} --group=image"
        raise PushError("The image does not pass its checks.", "Nothing was pushed.", how, evidence="\n".join(faults))
    project.progress(f"verified: {len(run.ids('pass'))} checks of the image")
    return run


def _push_images(project: Project, pushed: Pushed, sign: Sign | None) -> Pushed:
    """Push the image under each tag: one image itself, several behind an index. Raises PushError."""
    if len(pushed.images) <= 1:
        image = next(iter(pushed.images.values()), pushed.build.image)
        return _push_tags(project, pushed, [], partial(_push_image, project, image), sign)
    digests: dict[str, str] = {}
    before: list[str] = []
    for platform, image in pushed.images.items():
        name = f"{pushed.repository}:{pushed.revision}-{platform.partition('/')[2].replace('/', '-')}"
        digests[platform] = _push_name(project, name, before, partial(_push_image, project, image))

    def push_index(name: str) -> Result:
        return project.run(ship_platforms.index_args(name, pushed.repository, digests), quiet=True)

    return _push_tags(project, replace(pushed, digests=digests), before, push_index, sign)


def _push_image(project: Project, image: Image, name: str) -> Result:
    project.run(["docker", "image", "tag", image.short_id, name], quiet=True)
    return project.run(["docker", "image", "push", name], quiet=True)


def _push_tags(
    project: Project, pushed: Pushed, before: list[str], push_name: Callable[[str], Result], sign: Sign | None
) -> Pushed:
    """Push each tag, and sign after the first, so that no other means an image without a signature. Raises PushError.

    Return what was pushed, with the digest that the registry has.
    """
    digests: dict[str, str] = {}
    for tag in pushed.tags:
        name = f"{pushed.repository}:{tag}"
        digest = _push_name(project, name, before, push_name)
        if not digests:
            pushed = replace(pushed, digest=digest, digests=pushed.digests or dict.fromkeys(pushed.images, digest))
            if sign:
                sign(pushed)
        digests[name] = digest
    if len(set(digests.values())) > 1:
        raise PushError(
            "The tags do not mean the same image.",
            "Somebody else has pushed one of them meanwhile.",
            "Push again, and let one job at a time push",
            evidence="\n".join(f"{name}: {digest}" for name, digest in digests.items()),
        )
    return pushed


def _push_name(project: Project, name: str, before: list[str], push_name: Callable[[str], Result]) -> str:
    """Push a name, add it to those `before` it, and return its digest. Raises PushError, which names these."""
    result = push_name(name)
    if not result.ok:
        why = f"Pushed before it: {', '.join(before)}." if before else "The registry has nothing new."
        raise PushError(f"{name} could not be pushed.", why, advice(result.output, name), evidence=result.tail(3))
    project.progress(f"pushed {name}")
    before.append(name)
    try:
        return tags.pushed_digest(project, name)
    except PushError as error:
        raise PushError(error.what, f"The registry took {', '.join(before)}.", error.how) from error
