"""Explain a failed `docker image build`."""

from __future__ import annotations

import re
import shlex

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.errors import BuildError, DockError, EngineError

MAX_EVIDENCE_LINES = 15


def explain_build(result: Result, project: Project) -> DockError:
    """Return the error for a failed build, with the output of the failed step as evidence."""
    text = _plain(result.output)
    evidence = _evidence(text)
    manager = project.app.package_manager
    names = {
        "app": shlex.quote(project.settings.app.dir),
        "manager": manager.name,
        "ci": manager.locked_install,
        "lock": manager.lock or "package-lock.json",
        "dist": project.settings.app.dist,
    }
    for kind, pattern, *templates in BUILD_FAULTS:
        if re.search(pattern, text):
            what, why, how = (template.format(**names) for template in templates)
            return kind(what, why, how, evidence)
    what, how = "`docker image build` failed.", "Correct what its last lines say"
    return BuildError(what, "Nothing was replaced.", how, evidence)


def _plain(text: str) -> str:
    """Return the text without colours, cursor moves and carriage returns, which BuildKit writes to a terminal."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "")


def _evidence(text: str) -> str:
    """Return the output of the failed step from its first error on, without stack traces.

    BuildKit's summary has only the last lines: npm's usage, or Vite's call stack.
    """
    lines = [line for line in _failed_step(text) if line.strip() and not re.match(r"\s+at ", line)]
    errors = (index for index, line in enumerate(lines) if re.search(r"error|failed", line, re.IGNORECASE))
    first = next(errors, max(0, len(lines) - MAX_EVIDENCE_LINES))
    return "\n".join(lines[first : first + MAX_EVIDENCE_LINES]) or Result(1, text).tail()


def _failed_step(text: str) -> list[str]:
    """Return the lines that the failed step printed; none where no step failed."""
    steps = re.findall(r"(?m)^#(\d+) ERROR: process", text)
    if steps:  # plain progress: "#13 0.868 a line of the step"
        return re.findall(rf"(?m)^#{steps[-1]} [\d.]+ (.*)$", text)
    # On a terminal: a block with the step's log, "0.868 a line of the step".
    blocks = re.findall(r"(?ms)^-{6}\n > \[[^\n]*\n(.*?)^-{6}$", text)
    return re.sub(r"(?m)^\d+\.\d+ ", "", blocks[-1]).splitlines() if blocks else []


BUILD_FAULTS: list[tuple[type[DockError], str, str, str, str]] = [
    (
        BuildError,
        r"Canceled: context canceled",
        "The build was interrupted.",
        "Nothing was replaced.",
        "Start it again; Docker's cache has kept the finished steps",
    ),
    (
        EngineError,
        # A builder without BuildKit prints the last one, because it does not know our flags.
        r"buildx component is missing|requires BuildKit|BuildKit is currently disabled|unknown flag: --build-context",
        "The docker CLI has no BuildKit: its plugin buildx is missing, or DOCKER_BUILDKIT=0 turns it off.",
        "The Dockerfiles use BuildKit's cache mounts and named contexts.",
        "Install it (invoke setup says how), and unset DOCKER_BUILDKIT",
    ),
    (
        BuildError,
        r"(?i:no space left on device)|ENOSPC",
        "The disk is full.",
        "The build could not write its files. What is running keeps running.",
        "See what Docker keeps: docker system df; free some: docker builder prune, invoke clean",
    ),
    (
        BuildError,
        r"can only install packages when your package|ERR_PNPM_OUTDATED_LOCKFILE|lockfile (needs|would have been) ",
        "{app}/{lock} does not match package.json.",
        "`{ci}` installs exactly what the lock file says, or fails.",
        "Update the lock file and commit it: (cd {app} && {manager} install)",
    ),
    (
        BuildError,
        r"SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER|UNABLE_TO_VERIFY_LEAF|unable to get local issuer",
        "npm does not trust the certificate of the registry.",
        "A proxy that signs with its own certificate authority needs that authority inside the build.",
        "Name the file: NODE_EXTRA_CA_CERTS=/path/to/ca.pem invoke build-prod",
    ),
    (
        BuildError,
        r"does not exist after the build: DIST_DIR",  # printed by assemble.mjs
        "`{manager} run build` left no index.html in {app}/{dist}.",
        "app.dist names the folder that the build writes. Nothing was replaced.",
        "Correct app.dist in invoke.yaml, or INVOKE_APP_DIST=folder (without the tasks: --build-arg DIST_DIR=folder)",
    ),
    (
        BuildError,
        r"NOT INSTALLED: ",  # printed by install.sh
        "{manager} could not install the app's dependencies.",
        "The build installs what the app's lock file names. Nothing was replaced.",
        "Correct what {manager} says, and try it without Docker: (cd {app} && {ci})",
    ),
    (
        BuildError,
        r"at .*file:///tools/nginx/assemble\.mjs",  # a line of its call stack
        "docktasks/images/nginx/assemble.mjs failed. It compresses what `{manager} run build` wrote.",
        "It is a program of hello-dock, so the fault may not be in the app. Nothing was replaced.",
        "Report it with these lines and the command that was run",
    ),
    (
        BuildError,
        r"(?m)^ > \[[^\]]*\] RUN .* run build",
        "`{manager} run build` failed.",
        "The production image is made from what it writes. Nothing was replaced.",
        "Correct what it says, and try it without Docker: (cd {app} && {manager} run build)",
    ),
]
"""The known faults, each as (error, pattern of the output, what, why, how). The first that matches is the cause."""
