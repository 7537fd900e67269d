"""Whether what labels claim is what the image shows. A label is evidence: no other check is left out because of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

from docktasks.app import git
from docktasks.errors import Skip
from docktasks.images import archive
from docktasks.images.base_images import configured_image, digests_of
from docktasks.images.build import BASE_DIGEST_LABEL, BASE_LABEL, OCI, input_labels
from docktasks.images.own_files import recorded
from docktasks.images.references import split_digest
from docktasks.images.registry import DIGEST
from docktasks.images.standins import STANDIN_LABEL
from docktasks.labels import BUILT_FOR, INPUTS_LABEL, SOURCE_MAPS_LABEL, STANDIN_PREFIX
from docktasks.verify.checks.image import site
from docktasks.verify.registry import Minor, Note, check
from docktasks.verify.subject import Subject

OUR_LABELS = {f"{OCI}.{name}" for name in ("title", "description", "source", "revision", "version")}
OUR_LABELS |= {BASE_LABEL, BASE_DIGEST_LABEL}


@check("image.claims", "major", fix="Build it by invoke build-prod, and add no label by hand")
def claims(subject: Subject) -> Iterator[str]:
    """What the labels claim is true: the base image, the repository, the commit, its version, and how it was built."""
    yield from _base_claims(subject)
    yield from _digest_claims(subject)
    if not subject.is_ours:
        return
    labels, settings = subject.image.labels, subject.project.settings
    if labels.get(BUILT_FOR) != settings.app.name:
        yield f"{BUILT_FOR} is {labels.get(BUILT_FOR) or 'missing'}, but this is the image of {settings.app.name}"
    yield from _origin_claims(subject)
    yield from map(Minor, _strange_labels(subject))
    with suppress(Skip):
        inputs = input_labels(site.build_args_now(subject)).get(INPUTS_LABEL, "")
        if inputs != labels.get(INPUTS_LABEL, ""):
            values = f"{labels.get(INPUTS_LABEL) or 'missing'}, but a build now would have {inputs or 'none'}"
            yield Minor(f"{INPUTS_LABEL} is {values}: it has another mode or other variables")
    if labels.get(SOURCE_MAPS_LABEL) == "public" != settings.build.source_maps:
        yield Minor(f"{SOURCE_MAPS_LABEL} is public, but build.source_maps is {settings.build.source_maps}")


def _base_claims(subject: Subject) -> Iterator[str]:
    """Compare the layers of the base image that the label names with the image's first layers."""
    name, named, base = subject.image.labels.get(BASE_LABEL), subject.named_base, subject.base
    names = (base.tags or (base.short_id,)) if base else ()
    own_start = archive.own_start(subject.contents().history)
    if named and base != named:
        begins = f"begins with those of {names[0]}" if names else "does not begin with them"
        is_moved = not base and name == split_digest(configured_image(subject.project.settings, "nginx"))[0]
        line = f"{BASE_LABEL} is {name}, but the image has other layers: it {begins}"
        yield Note(f"{name} is another image now than the one that it was built on") if is_moved else line
    elif named and own_start not in (None, len(named.layers)):
        yield f"{BASE_LABEL} is {name}, which has {len(named.layers)} layers, but {own_start} are below the build's"
    elif name and base and not named:
        yield f"{BASE_LABEL} is {name}, which is not here, but the image begins with the layers of {names[0]}"
    elif name and not named:
        yield Note(f"{name} is not here, so its layers are not compared")
    if STANDIN_LABEL in subject.image.labels and not is_standin(subject):
        yield f"{STANDIN_LABEL} is {subject.image.labels[STANDIN_LABEL]}, but the image is built on {', '.join(names)}"


def _digest_claims(subject: Subject) -> Iterator[str]:
    """Compare the digest of the base image that the label gives with those of the image that it begins with."""
    name, digest = (subject.image.labels.get(label, "") for label in (BASE_LABEL, BASE_DIGEST_LABEL))
    digests = digests_of(subject.base, name) if name and subject.base else []
    if subject.base and digest == subject.base.labels.get(BASE_DIGEST_LABEL):
        return  # the base image's own label, which says nothing of this image
    if digest and not (name and DIGEST.fullmatch(digest)):
        fault = f"is {digest}: no digest" if name else f"is there, {BASE_LABEL} not"
        yield f"{BASE_DIGEST_LABEL} {fault}"
    elif digest and digests and digest not in digests:
        yield f"{BASE_DIGEST_LABEL} is {digest}, but {name} with the layers of this image is {digests[0]}"
    elif digest and not digests and is_standin(subject):
        yield f"{BASE_DIGEST_LABEL} is {digest}, but a stand-in is in no registry"


def _origin_claims(subject: Subject) -> Iterator[str]:
    """Compare the commit that the label names with the time of the layer of the build, which is a commit's."""
    labels, project = subject.image.labels, subject.project
    revision = labels.get(f"{OCI}.revision", "").removesuffix("-dirty")
    folder, origin = project.settings.app_dir, git.source(project.app, project.settings)
    if not re.fullmatch(r"[0-9a-f]{40}", revision):
        return  # image.labels reports it
    if not git.has_commit(folder, revision):
        yield f"{OCI}.revision is {revision}: not a commit of the checkout"
        return
    epoch = subject.build_epoch
    commits = git.commits_at(folder, epoch) if epoch else []
    if commits and revision not in commits:
        yield f"{OCI}.revision is {revision[:12]}, but the layer of the build has the time of commit {commits[0][:12]}"
    if revision == origin.revision and labels[f"{OCI}.revision"] != revision:
        yield Minor(f"{OCI}.revision is {revision[:12]}…-dirty, but the checkout of that commit has no changes now")
    version = labels.get(f"{OCI}.version", "")
    if revision == origin.revision and version not in ("", origin.version):
        yield f"{OCI}.version is {version}, but package.json of that commit says {origin.version or 'none'}"


def _strange_labels(subject: Subject) -> Iterator[str]:
    """The labels of OCI that no build of ours sets, and a repository that is not the checkout's."""
    labels, project = subject.image.labels, subject.project
    base_labels = subject.base.labels if subject.base else labels
    for name, value in labels.items() if not recorded(project.app.root) else ():
        if name.startswith(f"{OCI}.") and value not in ("", base_labels.get(name)) and name not in OUR_LABELS:
            yield f"{name} is {value}: neither the build nor the base image sets it"
    source = labels.get(f"{OCI}.source", "")
    addresses = {*filter(None, [project.settings.build.source_url, *git.remotes(project.settings.app_dir)])}
    if source and addresses and _repository(source) not in map(_repository, addresses):
        yield f"{OCI}.source is {source}: that is not build.source_url, and no remote of the checkout"


def _repository(address: str) -> str:
    """Host and path of a repository: an address may name a scheme, a user, a token or a port, too."""
    bare = re.sub(r"^[^/]*@", "", re.sub(r"^[\w+]+://", "", address))
    return re.sub(r":\d+(?=/)|(?:\.git)?/?$", "", bare).replace(":", "/")


def is_standin(subject: Subject) -> bool:
    """True if the base image has the layers of a stand-in; by the label only where the base image is not here."""
    base = subject.base
    if STANDIN_LABEL not in subject.image.labels or base is None:
        return STANDIN_LABEL in subject.image.labels
    engine = subject.project.engine
    standins = map(engine.image, (name for name in engine.image_ids() if name.startswith(STANDIN_PREFIX)))
    return any(standin and standin.layers == base.layers for standin in standins)
