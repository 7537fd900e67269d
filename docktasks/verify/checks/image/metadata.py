"""What the image declares: how it is run, and where it comes from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from docktasks.app import git, safe_versions
from docktasks.containers.run_args import NGINX_USER
from docktasks.errors import Skip
from docktasks.images.archive import final_files
from docktasks.images.base_images import age_days
from docktasks.images.build import BASE_LABEL, OCI
from docktasks.images.own_files import recorded
from docktasks.output import counted
from docktasks.resources import table
from docktasks.verify.checks.image.claims import is_standin
from docktasks.verify.checks.image.contents import variable_faults
from docktasks.verify.probes.options import LOADS_CODE
from docktasks.verify.registry import Major, Minor, Note, check
from docktasks.verify.subject import Subject

MAX_BASE_AGE_DAYS = 180
OWN_VARIABLES = {"NGINX_ENTRYPOINT_QUIET_LOGS", "NGINX_VERSION"}
"""What our Dockerfile adds, and what image.nginx-version judges."""
NGINX_VERSION = re.compile(rb"nginx version: nginx/([\w.+-]+)")
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ASKS_NOTHING = re.compile(
    r"(?:\S*/)?(?:true|:|exit 0|(?:echo|test|sleep|\[)(?:\s[^;&|]*)?)"
    r"|(?!.*exit [1-9]).*(?:\|\||;) *(?:true|:|exit 0) *;?"
)
"""Matches the command of a health check that is healthy without a server."""
_TABLE = table(__file__, "declared.json")
INSTRUCTIONS, DECLARED = _TABLE["instructions"], _TABLE["declared"]
"""Field of OCI's image-spec -> instruction; and what our Dockerfile declares, whatever the base image does."""
SHELLS = {"sh", "/bin/sh", "bash", "/bin/bash", "ash", "/bin/ash"}


@check("image.user", "critical", fix="End the Dockerfile's last stage with USER 101:101, numbers other than 0")
def user(subject: Subject) -> Iterator[str]:
    """The image runs as a numeric user other than root, and not in root's group."""
    name, _, group = subject.image.user.partition(":")
    if not name:
        yield "USER is not set, so it runs as root"
    elif not name.isdigit():
        yield f"USER is {subject.image.user}, a name: which uid that is cannot be seen before it runs"
    elif int(name) == 0:
        yield "USER is 0, root"
    elif (group or _group_in_image(subject, name)) in ("0", "root"):
        yield Major(f"USER is {subject.image.user}: files that root's group may write can be changed")
    elif subject.is_ours and subject.image.user.partition(":")[0] != str(NGINX_USER):
        yield Minor(f"USER is {subject.image.user}, but the folders that it may write to belong to {NGINX_USER}")


def _group_in_image(subject: Subject, user: str) -> str:
    """The group that Docker gives this user: that of /etc/passwd, or root's for a user who is not there.

    Empty if the file cannot be read, as when it is a link.
    """
    file = subject.files.get("/etc/passwd")
    if not subject.files or (file and file.content is None):
        return ""
    content = (file and file.content) or b""
    row = re.search(rb"^[^:\n]*:[^:\n]*:%s:(\d+):" % user.encode(), content, re.MULTILINE)
    return row[1].decode() if row else "0"


@check("image.declaration", "major", fix="Correct that instruction in the Dockerfile's last stage")
def declaration(subject: Subject) -> Iterator[str]:
    """It declares an exec-form command, SIGQUIT, a health check. Ours declares only what its base and Dockerfile do."""
    config = subject.contents().config
    faults = dict(_faults(subject, config))
    yield from faults.values()
    if subject.is_ours and not recorded(subject.project.app.root):  # else the app has a Dockerfile of its own
        yield from (Minor(line) for name, line in _differences(subject, config) if name not in faults)
        yield from _variables(subject)


def _faults(subject: Subject, config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong in any image: the field, and the line about it."""
    commands = {name: config.get(name) or [] for name in ("Entrypoint", "Cmd")}
    words = " ".join([*commands["Entrypoint"], *commands["Cmd"]])
    if not words:
        yield "Cmd", "neither ENTRYPOINT nor CMD is set"
    for name, command in commands.items():
        if command[1:2] == ["-c"] and command[0] in SHELLS:
            yield name, f"{name.upper()} is run by a shell, which keeps signals from nginx: {' '.join(command)}"
    signal = config.get("StopSignal")
    is_nginx = "NGINX_VERSION" in subject.image.environment or "nginx" in words
    if is_nginx and signal not in ("SIGQUIT", "QUIT", "3"):
        yield "StopSignal", f"STOPSIGNAL is {signal or 'not set, so SIGTERM'}, at which nginx drops open requests"
    test = (config.get("Healthcheck") or {}).get("Test") or []
    if not test or test == ["NONE"]:
        yield "Healthcheck", "HEALTHCHECK is NONE" if test else "HEALTHCHECK is not set"
    elif ASKS_NOTHING.fullmatch(" ".join(test[1:])):
        yield "Healthcheck", f"HEALTHCHECK {' '.join(test)}: it does not ask the server, or never fails"


def _differences(subject: Subject, config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each field that neither the base image nor our Dockerfile declares so, and the line about it."""
    base = subject.base.config if subject.base else config  # a base that is not here is not known
    declared = {**base, **DECLARED, "ExposedPorts": {**(base.get("ExposedPorts") or {}), **DECLARED["ExposedPorts"]}}
    for name, instruction in INSTRUCTIONS.items():
        actual, expected = (_entries(fields.get(name)) for fields in (config, declared))
        for entry in sorted(actual - expected):
            yield name, f"{instruction} {entry}: neither the base image nor our Dockerfile declares it"
        if expected - actual and not actual - expected:
            yield name, f"{instruction} {', '.join(sorted(expected - actual))} is missing"


def _entries(value: Any) -> set[str]:
    """The entries of a field as texts. Ports and volumes are names without a value. A time of 0 is the default."""
    if isinstance(value, dict):
        entries = {name: entry for name, entry in value.items() if entry}
        return {json.dumps(entries, sort_keys=True)} if entries else set(value)
    return {" ".join(value) if isinstance(value, list) else str(value or "")} - {"", "/"}


def _variables(subject: Subject) -> Iterator[str]:
    known = dict(subject.base.environment) if subject.base else dict(subject.image.environment)
    for name, value in subject.image.environment.items():
        if known.get(name) != value and name not in OWN_VARIABLES and not [*variable_faults({name: value})]:
            kind = Major if re.fullmatch(LOADS_CODE, name) else Minor
            yield kind(f"ENV {name}: neither the base image nor our Dockerfile has this value")


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
        age = f"{name or subject.base.short_id} was built {counted(days, 'day')} ago"
        yield age if is_old else Note(age)


@check("image.nginx-version", "major", fix="Build again on a newer base: docker pull nginx:stable-alpine, build-prod")
def nginx_version(subject: Subject) -> Iterator[str]:
    """nginx has every known security fix, by the table of safe versions. On a stand-in: every fix that Debian has."""
    version = _version_in(subject)
    named = subject.image.environment.get("NGINX_VERSION", "")
    if not version and not (named and subject.is_ours):
        raise Skip("there is no nginx in it that names its version")
    if named not in ("", version):
        yield f"NGINX_VERSION is {named}, but the program says {version or 'nothing'}"
    is_on_standin = is_standin(subject)
    for product, kind in (("nginx", Note if is_on_standin else str), ("debian-nginx", str)):
        judgement = safe_versions.judge(product, version) if version else None
        if judgement and judgement.fault and (is_on_standin or product == "nginx"):
            yield kind(judgement.fault)
    yield Note(safe_versions.age_note())


def _version_in(subject: Subject) -> str:
    """The version in the program `nginx` that PATH finds, which `nginx -v` prints; empty without one."""
    files = final_files(subject.contents().layers)
    folders = subject.image.environment.get("PATH", DEFAULT_PATH).split(":")
    program = next((files[path] for folder in folders if (path := f"{folder}/nginx") in files), None)
    version = NGINX_VERSION.search((program and program.content) or b"")
    return version[1].decode() if version else ""
