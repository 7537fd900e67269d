"""What a swap leaves behind: the files that pages of earlier releases still ask for."""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from docktasks.images import releases
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

VOLUME = "/srv/carried"
"""Where every release has it (docktasks/release/run_args.py)."""
RELEASES = f"{VOLUME}/releases"
"""What each release brought, in a folder each (nginx/carry.sh)."""
EACH = 200
"""Files of one release that are asked for at the most: a check takes seconds."""


@check(
    "container.carried",
    severity="critical",
    needs="container",
    fix="Release again, which carries the files over: invoke run-prod",
)
def carried(subject: Subject) -> Iterator[str]:
    """Every kept release's hashed files are served: a page loaded before a swap finds its chunks after it."""
    if not any(mount.target == VOLUME for mount in subject.options.mounts):
        yield f"no volume of carried files is mounted at {VOLUME}"
        return
    kept = {image.short_id for image in releases.kept_releases(subject.project)}
    kept.add(subject.container.release)  # a release to come takes its place
    files = _carried(subject)
    yield from (f"release {each}: its files were not carried" for each in sorted(kept - files.keys()))
    site = subject.site
    for release, paths in sorted(files.items()):
        addresses = [site.address(path) for path in paths[:EACH]]
        for answer in site.each(addresses, "HEAD"):
            if answer.status != httpx.codes.OK or "immutable" not in answer.get("cache-control"):
                policy = answer.get("cache-control") or "without a policy"
                yield f"{answer.path} of release {release}: {answer.said}, {policy}"


def _carried(subject: Subject) -> dict[str, list[str]]:
    """The paths of the carried files, from the site's root, by release; none where the container does not tell."""
    found: dict[str, set[str]] = {}
    for line in _lines(subject, "ls", RELEASES):
        found[line] = set()
    for line in _lines(subject, "find", RELEASES, "-type", "f", "-path", f"{RELEASES}/*/site/*"):
        release, _, path = line.removeprefix(f"{RELEASES}/").partition("/site/")
        found.setdefault(release, set()).add(path)
    # A twin is not asked for under its own name.
    return {
        release: sorted(path for path in paths if not (path.endswith(".gz") and path[:-3] in paths))
        for release, paths in found.items()
    }


def _lines(subject: Subject, *args: str) -> list[str]:
    listed = subject.engine.exec(subject.container.name, list(args))
    return listed.output.splitlines() if listed.ok else []
