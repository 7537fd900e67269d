"""Keys, tokens and passwords in what a container was started with, and in its log."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docktasks.secret_patterns import find_secrets
from docktasks.verify.checks.image.contents import variable_faults
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

PAGE_VARIABLES = ("HELLO_DOCK_ENV", "HELLO_DOCK_CONNECT")
"""What these have is for every visitor (docktasks/images/nginx/env.sh)."""
REQUEST = re.compile(r"^[\d.a-fA-F:]+ \S.* \".*\n?", re.MULTILINE)
"""A line about a request, which is of a stranger: a password in its address is no secret of the container."""
MAX_LOG_LINES = 20_000
"""What the container said at its start stands before the thousands of requests that verify itself makes."""
HEADER = re.compile(r"\b(?:Basic|Bearer) [\w+/.=~-]{8,}")


@check(
    "container.secrets", "critical", fix="Revoke it. Start the container without it: a server of files needs no secret"
)
def secrets(subject: Subject) -> Iterator[str]:
    """No key, token or password is in the variables, labels and commands of the container, or in its log."""
    container, config = subject.container, subject.config
    base = subject.image.environment if subject.has("image") else {}
    own = dict(container.environment.items() - base.items())
    yield from variable_faults({name: value for name, value in own.items() if name not in PAGE_VARIABLES})
    texts = [(f"--label {name}", f"{name}={value}") for name, value in container.labels.items()]
    texts += [("its command", " ".join(config.command)), ("--health-cmd", " ".join(config.health))]
    log = subject.project.engine.logs(container.name, MAX_LOG_LINES).replace("\0", "")  # which is no binary file
    texts.append(("its log", REQUEST.sub("", log)))  # as one text: it has thousands of lines
    faults = [(place, name) for place, text in texts for name in find_secrets(text.encode())]
    pages = {f"--env {name}": own.get(name, "").encode() for name in PAGE_VARIABLES}
    faults += [(place, name) for place, text in pages.items() for name in find_secrets(text, "page")]
    faults += [("its log", "an Authorization header")] if HEADER.search(log) else []
    yield from dict.fromkeys(f"{place}: {name}" for place, name in faults)
