"""What the running container may do and tells, by the options it was started with, its log, and the kernel inside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from docktasks.containers.run_args import limit_args
from docktasks.engine.models import Container, ContainerConfig
from docktasks.images.carried import FOLDER
from docktasks.labels import LABEL
from docktasks.roles import HOLDER
from docktasks.secret_patterns import find_secrets
from docktasks.verify.checks.container import REPLACE
from docktasks.verify.checks.image.contents import variable_faults
from docktasks.verify.probes.in_container import privilege_faults, process_status, public_addresses, read_file
from docktasks.verify.probes.options import differences, expected_config
from docktasks.verify.registry import Major, Note, check
from docktasks.verify.subject import Subject

PAGE_VARIABLES = ("HELLO_DOCK_ENV", "HELLO_DOCK_CONNECT")
"""What these have is for every visitor (docktasks/images/nginx/env.sh)."""
REQUEST = re.compile(r"^[\d.a-fA-F:]+ \S.* \".*\n?", re.MULTILINE)
"""A line about a request, which is of a stranger: a password in its address is no secret of the container."""
MAX_LOG_LINES = 20_000
"""What the container said at its start stands before the thousands of requests that verify itself makes."""
HEADER = re.compile(r"(?:Basic|Bearer) [\w+/.=~-]{8,}")  # no \b, which would cost a fifth of a second


@check("container.loopback", "critical", fix="Publish on 127.0.0.1, as run-prod does without --public")
def loopback(subject: Subject) -> Iterator[str]:
    """The port is published only on the loopback address, unless --public was chosen."""
    if subject.container.labels.get(f"{LABEL}.public") != "true":
        yield from public_addresses(subject.container)


def shares_processes(config: ContainerConfig) -> bool:
    """True if it sees the processes of the machine or of another container. Process 1 is then not its own."""
    return config.option("PidMode") not in ("", "private")


def _parts(subject: Subject) -> Iterator[tuple[str, Container, ContainerConfig]]:
    """The release and the port holder: how each was started, with a name for the evidence."""
    yield "", subject.container, subject.config
    name = subject.project.settings.container(HOLDER)
    holder = subject.project.engine.container(name)
    if holder:
        yield f"{name}: ", holder, subject.project.engine.container_config(name)


@check("container.options", "critical", fix=f"{REPLACE}. The port holder: invoke stop, then invoke run-prod")
def options(subject: Subject) -> Iterator[str]:
    """It has the options of run-prod only: limits, restarts, and nothing of the host or of another container."""
    project = subject.project
    assets = rf"Mounts {FOLDER}=volume {re.escape(project.settings.container('carried'))} ro"
    args = [*limit_args(project.settings), "--restart", "unless-stopped"]
    args += ["--stop-timeout", str(project.settings.prod.drain_timeout)]
    expected_of = cache(lambda image_id: expected_config(project, image_id, args, "prod"))  # both often have one image
    for name, container, config in _parts(subject):
        variables = config.options.get("Env", {}).items()
        secrets = [re.escape(name) for name, value in variables if [*variable_faults({name: value})]]
        reported = f"Env (?:{'|'.join(secrets)})=.*" if secrets else "(?!)"  # by container.secrets
        faults = differences(config.options, expected_of(container.image_id).options, f"{assets}|{reported}")
        yield from (type(fault)(f"{name}{fault}") for fault in faults)
    if unsupported := project.engine.limit_support.unsupported:
        yield Note(f"this engine cannot limit {', '.join(unsupported)}")


@check("container.unprivileged", "critical", fix=f"{REPLACE}. It has --cap-drop ALL, no-new-privileges, USER")
def unprivileged(subject: Subject) -> Iterator[str]:
    """The kernel shows that it is not root, has and gains no capability, has filtered calls, and cannot write to /."""
    for name, container, config in _parts(subject):
        yield from (type(fault)(f"{name}{fault}") for fault in _kernel_faults(subject, container, config))


def _kernel_faults(subject: Subject, container: Container, config: ContainerConfig) -> Iterator[str]:
    """What the kernel says of the main process, or of another one that Docker starts with the same privileges."""
    process = "self" if shares_processes(config) else "1"
    paths = f"/proc/{process}/status", f"/proc/{process}/mounts"
    text = read_file(subject.project.engine, container, *paths)
    status = process_status(text, paths[0])
    if "0" in status["Uid"].split():
        yield f"--user or USER is root: uids {', '.join(status['Uid'].split())}"
    groups = f"{status.get('Gid', '')} {status.get('Groups', '')}".split()
    if "0" in groups:
        yield f"--group-add, --user or USER has root's group: groups {', '.join(dict.fromkeys(groups))}"
    yield from privilege_faults(status, config)
    mounts = [line.split() for line in text.splitlines() if "\t" not in line]  # the kernel escapes a tab in a mount
    roots = [options for _device, target, _type, options, *_ in mounts if target == "/"]
    if not roots:
        yield Major(f"{paths[1]} has no line for /")
    for options in (root.split(",") for root in roots):
        if "ro" not in options:  # the options with a value name the image's layers, in hundreds of characters
            yield Major(f"no --read-only: / is mounted {','.join(option for option in options if '=' not in option)}")


@check(
    "container.secrets", "critical", fix="Revoke it. Start the container without it: a server of files needs no secret"
)
def secrets(subject: Subject) -> Iterator[str]:
    """No key, token or password is in the variables, labels, commands and log of the container, but for requests."""
    container, config = subject.container, subject.config
    base = subject.image.environment if subject.has("image") else {}
    own = dict(container.environment.items() - base.items())
    yield from variable_faults({name: value for name, value in own.items() if name not in PAGE_VARIABLES})
    texts = [(f"--label {name}", f"{name}={value}") for name, value in container.labels.items()]
    texts += [("its command", " ".join(config.command)), ("--health-cmd", " ".join(config.health))]
    log = subject.project.engine.logs(container.name, MAX_LOG_LINES).replace("\0", "")  # which is no binary file
    # As one text, because it has thousands of lines. No pattern matches across what stands between them.
    texts.append(("its log", "\n\x1e\n".join(REQUEST.sub("", log).splitlines())))
    faults = [(source, name) for source, text in texts for name in find_secrets(text.encode())]
    pages = {f"--env {name}": own.get(name, "").encode() for name in PAGE_VARIABLES}
    faults += [(source, name) for source, text in pages.items() for name in find_secrets(text, "page")]
    faults += [("its log", "an Authorization header")] if HEADER.search(log) else []
    yield from dict.fromkeys(f"{source}: {name}" for source, name in faults)
