"""What the image is, before anything runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docktasks.checks import check
from docktasks.checks.subject import Subject

# What belongs to the builder or to the checkout, never to what is shipped: by a path's last part, or any part.
_BUILDER = re.compile(r"^(node|nodejs|npm|npx|yarn|pnpm|corepack|package(-lock)?\.json|yarn\.lock|pnpm-lock\.yaml)$")
_SOURCE = re.compile(r"\.(vue|tsx?|jsx|svelte|map)$|^vite\.config\.[cm]?[jt]s$")
_SECRET = re.compile(r"^\.env(\..+)?$|^\.npmrc$")
_FOLDERS = {"node_modules", ".git"}


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
    "image.contents",
    severity="critical",
    needs="image",
    fix="Copy only what serves the app from the stage builder: COPY --from=builder /out/ /",
)
def contents(subject: Subject) -> Iterator[str]:
    """No layer holds node, npm, source, a lock file, a secret file or a source map."""
    for entry in subject.entries:
        parts = entry.path.strip("/").split("/")
        name = parts[-1]
        foreign = _BUILDER.match(name) or _SOURCE.search(name) or _SECRET.match(name) or _FOLDERS & set(parts[:-1])
        if foreign:
            yield f"{entry.path} (layer {entry.layer + 1})"
