"""What the image says of itself: how it is run, and where it comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docktasks.app import git
from docktasks.images.build import BASE_LABEL
from docktasks.verify.registry import Skip, check
from docktasks.verify.subject import Subject

OCI = "org.opencontainers.image"
SHELLS = {"sh", "/bin/sh", "bash", "/bin/bash", "ash", "/bin/ash"}


@check(
    "image.user",
    severity="critical",
    needs="image",
    fix="End the Dockerfile's last stage with a numeric USER other than 0",
)
def user(subject: Subject) -> Iterator[str]:
    """The image runs as a numeric user other than root."""
    name = subject.image.user.partition(":")[0]
    if not name.isdigit():
        yield f"USER is {subject.image.user or 'not set, so root'}: a name cannot be judged without running the image"
    elif int(name) == 0:
        yield "USER is 0, root"


@check(
    "image.command",
    severity="major",
    needs="image",
    fix='Write it in exec form: CMD ["nginx", "-g", "daemon off;"] (https://docs.docker.com/reference/dockerfile/#cmd)',
)
def command(subject: Subject) -> Iterator[str]:
    """The command is in exec form: no shell between Docker and the server, which would swallow its signals."""
    config = subject.contents.config
    words = [*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])]
    if not words:
        yield "neither ENTRYPOINT nor CMD is set"
    for name in ("Entrypoint", "Cmd"):
        given = config.get(name) or []
        if given[1:2] == ["-c"] and given[0] in SHELLS:
            yield f"{name.upper()} is run by a shell: {' '.join(given)}"


@check("image.stop-signal", severity="major", needs="image", fix="STOPSIGNAL SIGQUIT in the Dockerfile's last stage")
def stop_signal(subject: Subject) -> Iterator[str]:
    """The stop signal is nginx's SIGQUIT: requests that have begun are answered first."""
    if "NGINX_VERSION" not in subject.image.environment:
        raise Skip("the image does not say that it has nginx (NGINX_VERSION)")
    given = subject.contents.config.get("StopSignal")
    if given not in ("SIGQUIT", "QUIT", "3"):
        yield f"STOPSIGNAL is {given or 'not set, so SIGTERM'}"


@check("image.health-check", severity="major", needs="image", fix="HEALTHCHECK in the Dockerfile's last stage")
def health_check(subject: Subject) -> Iterator[str]:
    """The image has a health check."""
    test = (subject.contents.config.get("Healthcheck") or {}).get("Test") or []
    if not test or test == ["NONE"]:
        yield "HEALTHCHECK is NONE" if test else "HEALTHCHECK is not set"


@check(
    "image.labels",
    severity="minor",
    needs="image",
    fix="Build it by invoke build-prod, in a git checkout whose changes are committed",
)
def labels(subject: Subject) -> Iterator[str]:
    """The labels say what it is: title, version, and a revision that is a commit (of the checkout, when ours)."""
    given = subject.image.labels
    yield from (f"{OCI}.{name} is missing" for name in ("title", "version") if not given.get(f"{OCI}.{name}"))
    revision = given.get(f"{OCI}.revision", "")
    if not revision and subject.is_ours and not git.source(subject.project.app, subject.settings).revision:
        raise Skip("the app is in no git checkout, so there is no commit to name")
    if not re.fullmatch(r"[0-9a-f]{40}(-dirty)?", revision):
        yield f"{OCI}.revision is {revision or 'missing'}: no commit"
    elif subject.is_ours and not git.has_commit(subject.settings.app_dir, revision.removesuffix("-dirty")):
        yield f"{OCI}.revision is {revision}: not a commit of the checkout"


@check(
    "image.base",
    severity="minor",
    needs="image",
    fix=f"Label it with its base image, as invoke build-prod does: --label {BASE_LABEL}=nginx:stable-alpine",
)
def base(subject: Subject) -> Iterator[str]:
    """The base image is named with a tag or digest, and the version of its server is told."""
    name = subject.image.labels.get(BASE_LABEL, "")
    if not re.search(r":[^/]+$", name):
        yield f"{BASE_LABEL} is {name or 'missing'}{': no tag' if name else ''}"
    if not any(key.endswith("_VERSION") for key in subject.image.environment):
        yield "no variable of the image tells a version, such as NGINX_VERSION"
