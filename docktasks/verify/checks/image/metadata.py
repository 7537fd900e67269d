"""What the image declares: how it is run, and where it comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from docktasks.app import git, safe_versions
from docktasks.containers import clones
from docktasks.errors import Skip
from docktasks.images.base_images import age_days
from docktasks.images.build import BASE_LABEL, OCI
from docktasks.verify.checks.image.claims import is_standin
from docktasks.verify.registry import Note, check
from docktasks.verify.subject import Subject

MAX_BASE_AGE_DAYS = 180
SHELLS = {"sh", "/bin/sh", "bash", "/bin/bash", "ash", "/bin/ash"}


@check("image.user", "critical", fix="End the Dockerfile's last stage with a numeric USER other than 0")
def user(subject: Subject) -> Iterator[str]:
    """The image runs as a numeric user other than root."""
    name = subject.image.user.partition(":")[0]
    if not name:
        yield "USER is not set, so it runs as root"
    elif not name.isdigit():
        yield f"USER is {subject.image.user}, a name: which uid that is cannot be seen before it runs"
    elif int(name) == 0:
        yield "USER is 0, root"


@check("image.command", "major", fix='Write it in exec form: CMD ["nginx", "-g", "daemon off;"]')
def command(subject: Subject) -> Iterator[str]:
    """The command is in exec form, so that no shell between Docker and the server swallows its signals."""
    config = subject.contents().config
    commands = {name: config.get(name) or [] for name in ("Entrypoint", "Cmd")}
    if not any(commands.values()):
        yield "neither ENTRYPOINT nor CMD is set"
    for name, words in commands.items():
        if words[1:2] == ["-c"] and words[0] in SHELLS:
            yield f"{name.upper()} is run by a shell: {' '.join(words)}"


@check("image.stop-signal", "major", fix="STOPSIGNAL SIGQUIT in the Dockerfile's last stage")
def stop_signal(subject: Subject) -> Iterator[str]:
    """The stop signal is SIGQUIT, at which nginx completes open requests before it ends."""
    config = subject.contents().config
    words = " ".join([*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])])
    if "NGINX_VERSION" not in subject.image.environment and "nginx" not in words:
        raise Skip("the image declares no nginx, neither by its command nor by NGINX_VERSION")
    signal = config.get("StopSignal")
    if signal not in ("SIGQUIT", "QUIT", "3"):
        yield f"STOPSIGNAL is {signal or 'not set, so SIGTERM'}"


@check("image.health-check", "major", fix="HEALTHCHECK in the Dockerfile's last stage")
def health_check(subject: Subject) -> Iterator[str]:
    """The image has a health check."""
    test = (subject.contents().config.get("Healthcheck") or {}).get("Test") or []
    if not test or test == ["NONE"]:
        yield "HEALTHCHECK is NONE" if test else "HEALTHCHECK is not set"


@check("image.labels", "minor", fix="Build it by invoke build-prod, in a git checkout without uncommitted changes")
def labels(subject: Subject) -> Iterator[str]:
    """Labels give the image's title, its version and its commit. An empty label only hides one of the base image."""
    image_labels, base_labels = subject.image.labels, subject.base.labels if subject.base else {}
    yield from (f"{OCI}.{name} is missing" for name in ("title", "version") if not image_labels.get(f"{OCI}.{name}"))
    optional = image_labels.keys() - base_labels.keys() - {f"{OCI}.{name}" for name in ("title", "version", "revision")}
    yield from (f"{name} is empty" for name in sorted(optional) if name.startswith(OCI) and not image_labels[name])
    revision = image_labels.get(f"{OCI}.revision", "")
    if not revision and subject.is_ours and not git.source(subject.project.app, subject.project.settings).revision:
        raise Skip("the app is in no git checkout, so there is no commit to name")
    if not re.fullmatch(r"[0-9a-f]{40}(-dirty)?", revision):
        yield f"{OCI}.revision is {revision or 'missing'}: no commit"


@check("image.base", "minor", fix=f"Build it by invoke build-prod, or add --label {BASE_LABEL}=nginx:stable-alpine")
def base(subject: Subject) -> Iterator[str]:
    """A label gives the base image with a tag or digest, and a variable the server's version. The base is not old."""
    name = subject.image.labels.get(BASE_LABEL, "")
    if not name:
        yield f"{BASE_LABEL} is missing"
    elif not re.search(r":[^/]+$", name):
        yield f"{BASE_LABEL} is {name}: no tag"
    if not any(variable.endswith("_VERSION") for variable in subject.image.environment):
        yield "no variable gives a version, such as NGINX_VERSION"
    days = age_days(subject.base.created) if subject.base else None
    if subject.base and days is not None:
        is_old = days > MAX_BASE_AGE_DAYS and subject.base.digests
        age = f"{name or subject.base.short_id} was built {days:,} {'day' if days == 1 else 'days'} ago"
        yield age if is_old else Note(age)


@check("image.nginx-version", "major", fix="Build again on a newer base: docker pull nginx:stable-alpine, build-prod")
def nginx_version(subject: Subject) -> Iterator[str]:
    """nginx has every known security fix, by the table of safe versions. On a stand-in: every fix that Debian has."""
    ask = partial(clones.nginx_version, subject.project, subject.image.id)
    version = ask() or ask()  # an engine under load may lose the output of a short command
    named = subject.image.environment.get("NGINX_VERSION", "")
    if not version and not (named and subject.is_ours):
        raise Skip("nginx -v does not run in it")
    if named not in ("", version):
        yield f"NGINX_VERSION is {named}, but nginx -v says {version or 'nothing'}"
    is_on_standin = is_standin(subject)
    for product, kind in (("nginx", Note if is_on_standin else str), ("debian-nginx", str)):
        judgement = safe_versions.judge(product, version) if version else None
        if judgement and judgement.fault and (is_on_standin or product == "nginx"):
            yield kind(judgement.fault)
    yield Note(safe_versions.age_note())
