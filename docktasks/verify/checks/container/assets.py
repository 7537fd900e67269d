"""What a swap must leave behind: the assets that pages of earlier releases still request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from httpx import codes

from docktasks.engine.models import Image
from docktasks.errors import Skip
from docktasks.images import releases
from docktasks.images.archive import Unreadable, without_compressed
from docktasks.images.carried import FOLDER, CarriedFile, foreign_paths, sampled
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

MAX_FILES_PER_RELEASE = 200


ASSETS_FIX = (
    "Copy what is lost from the releases' images: invoke run-prod --force-recreate. What has other bytes stays: start"
    " with a new volume (invoke stop, docker volume rm of the one whose name ends in -carried, invoke run-prod)"
)


@check("container.assets", "critical", fix=ASSETS_FIX)
def assets(subject: Subject) -> Iterator[str]:
    """What every kept release built is served, so that a page loaded before a swap still works after it."""
    if FOLDER not in subject.config.options.get("Mounts", {}):
        yield f"no volume with the assets of earlier releases is mounted at {FOLDER}"
        return
    images = {image.release: image for image in releases.kept_releases(subject.project)}
    releases_kept, files = subject.carried()
    for release in sorted({subject.container.release, *images}):
        image = images.get(release)
        if release not in releases_kept:
            yield f"release {release}: its assets are not in the volume"
        elif image and release != subject.container.release:
            with suppress(Unreadable):
                yield from _lost(subject, image, files)
    asked = [*sampled(files, MAX_FILES_PER_RELEASE)]
    answers = subject.site.get_all((subject.site.address(file.path) for file in asked), "HEAD")
    for file, answer in zip(asked, answers, strict=True):
        if not answer.status and answer.fault.startswith("not "):  # not seen, or not asked
            raise Skip(f"there was no time for all: {answer.fault}")
        if answer.status != codes.OK:
            yield f"{answer.path} of release {file.release}: {answer.summary}"


def _lost(subject: Subject, image: Image, files: Iterable[CarriedFile]) -> Iterator[str]:
    """Yield what the image of a kept release has, and the volume has not, or has with other bytes."""
    digests = {file.path: file.digest for file in files if file.is_hashed and file.release == image.release}
    for path, digest in sorted(without_compressed(subject.hashed_digests(image)).items()):
        if digests.get(path) != digest:
            has = "has other bytes of it" if path in digests else "has lost it"
            yield f"{subject.site.address(path)} of release {image.release}: the volume {has}"


@check("container.asset-bytes", "critical", fix="Give the files a longer hash in vite.config: [name]-[hash:12].js")
def asset_bytes(subject: Subject) -> Iterator[str]:
    """A hashed name has the same bytes in every kept release, and these are served. No other file is in the volume."""
    releases_kept, files = subject.carried()
    if not releases_kept:
        raise Skip("the assets of kept releases cannot be read")
    for path in foreign_paths(subject.project.engine, subject.container):
        yield f"{FOLDER}/{path}: no release has it. Releasing a change removes it"
    digests: dict[str, dict[bytes, str]] = {}
    for file in files:
        if file.is_hashed:
            digests.setdefault(subject.site.address(file.path), {}).setdefault(file.digest, file.release)
    for address, releases_by_digest in sorted(digests.items()):
        if len(releases_by_digest) > 1:
            yield f"{address}: other bytes in each of the releases {', '.join(releases_by_digest.values())}"
    for encoding in ("identity", "gzip", "br"):
        current = subject.site.encoded_files(encoding)  # the survey has asked for these
        others = subject.site.get_all(sorted(digests.keys() - subject.site.files.keys()), Accept_Encoding=encoding)
        for response in [*(current[path] for path in sorted(digests.keys() & current.keys())), *others]:
            if response.status == codes.OK and (response.fault or response.digest not in digests[response.path]):
                release = next(iter(digests[response.path].values()))
                yield f"{response.path}, {encoding}: {response.fault or f'other bytes than in release {release}'}"
