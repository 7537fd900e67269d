"""The site in the image: compared with what the build wrote, and with its own compressed files, byte by byte."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from docktasks.app import git
from docktasks.errors import Skip
from docktasks.images import base_images, build
from docktasks.images.archive import SITE_DIRS, File, final_files, site_files, without_compressed
from docktasks.images.releases import REVISION_LABEL
from docktasks.labels import INPUTS_LABEL
from docktasks.verify.probes.content_encoding import decodes_to
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

BROTLI_DIRS = ("/srv/hashed/br/", "/srv/br/")


def _image_files(subject: Subject) -> dict[str, File]:
    """Path -> file, of all that the own layers leave in a container. Raises Skip without a site in /srv/site."""
    files = {path: file for path, file in final_files(subject.own_layers()).items() if file.kind != "folder"}
    if not any(path.startswith(SITE_DIRS) for path in files):
        raise Skip("there is no site in /srv/site")
    return files


@check("image.site", "critical", fix="Build again: invoke build-prod. Does a step of the Dockerfile change the site?")
def site(subject: Subject) -> Iterator[str]:
    """The site in the image is what the build wrote, byte for byte. The build cache has it for comparison."""
    shipped = site_files({path: file.digest for path, file in _image_files(subject).items()})
    build_args = build_args_now(subject)
    if build.input_labels(build_args).get(INPUTS_LABEL) != subject.image.labels.get(INPUTS_LABEL):
        raise Skip("it was built with another mode, other variables or other secrets than are set now")
    with tempfile.TemporaryDirectory() as folder:
        result = build.write_dist(subject.project, build_args, folder)
        if not result.ok:
            raise Skip(f"the build cannot be repeated: {result.tail(1)}")
        files = [path for path in Path(folder).rglob("*") if path.is_file()]
        written = {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).digest() for path in files}
    built = without_compressed(written)
    for path in sorted(shipped.keys() | built.keys()):
        if path not in built:
            yield f"{path}: not written by the build"
        elif path not in shipped:
            yield f"{path}: written by the build, but not in the image"
        elif shipped[path] != built[path]:
            yield f"{path}: other bytes than the build wrote"


def build_args_now(subject: Subject) -> dict[str, str]:
    """The arguments of the same build now. Raises Skip if the checkout is not what the image was built from."""
    if not subject.is_ours:
        raise Skip("the image was not built by this project")
    settings, app = subject.project.settings, subject.project.app
    origin = git.source(app, settings)
    revision = subject.image.labels.get(REVISION_LABEL, "")
    is_built_from_it = revision == origin.revision or str(subject.build_epoch) == origin.epoch
    if not origin.revision:
        raise Skip("the app is in no git checkout, so it is unknown whether its source is still the same")
    if origin.revision.endswith("-dirty"):
        raise Skip("the checkout has changes that are not committed, so it is unknown whether the image has them")
    if not is_built_from_it:
        raise Skip(f"it was built from {revision or 'no commit'}, but the checkout has {origin.revision}")
    node, nginx = (base_images.local(subject.project, kind) for kind in ("node", "nginx"))
    if node is None or nginx is None:
        raise Skip("the base images that it was built with are not here")
    names = subject.base.tags if subject.base else ()
    base = nginx.reference if nginx.reference in names else next(iter(names), nginx.reference)
    return build.prod_values(settings, app, node.reference, base, origin)


@check("image.precompressed", "critical", fix="Build again: invoke build-prod, whose assemble.mjs compresses the files")
def precompressed(subject: Subject) -> Iterator[str]:
    """Every gzip and brotli file decodes to the file that it is served for, and is smaller."""
    files = _image_files(subject)
    for path, file in sorted(files.items()):
        original = _original(path, files)
        if original is None:
            if path.startswith(BROTLI_DIRS):
                yield f"{path}: the compressed form of no file"
            continue
        if file.content is None or not original.digest:
            raise Skip(f"{path} is too large to be compared, or a link")
        encoding = "br" if path.startswith(BROTLI_DIRS) else "gzip"
        if not decodes_to(file.content, encoding, original.size, original.digest):
            yield f"{path}: does not decode to {original.path}"
        elif file.size >= original.size:
            yield f"{path}: {file.size:,} bytes, but {original.path} has {original.size:,}"


def _original(path: str, files: dict[str, File]) -> File | None:
    """The file for which a compressed file is served; None if `path` is not compressed or there is no such file."""
    if path.startswith(BROTLI_DIRS):
        return files.get(path.replace("/br/", "/site/", 1))
    return files.get(path[:-3]) if path.endswith(".gz") and path.startswith(SITE_DIRS) else None
