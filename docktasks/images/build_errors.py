"""What a failed `docker image build` means."""

from __future__ import annotations

import re
import shlex

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.errors import BuildError, DockError, EngineError


def _plain(text: str) -> str:
    """Without what a terminal would swallow: colours, cursor moves, carriage returns."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "")


def _evidence(text: str) -> str:
    """What the failed step printed, from its first word of an error; without stack traces.

    BuildKit's own summary has the last lines alone, where npm explains its usage and Vite its call stack.
    """
    steps = re.findall(r"(?m)^#(\d+) ERROR: process", text)
    if steps:  # plain progress: "#13 0.868 what it printed"
        printed = re.findall(rf"(?m)^#{steps[-1]} [\d.]+ (.*)$", text)
    else:  # on a terminal: a block with the step's log, "0.868 what it printed"
        blocks = re.findall(r"(?ms)^-{6}\n > \[[^\n]*\n(.*?)^-{6}$", text)
        printed = re.sub(r"(?m)^\d+\.\d+ ", "", blocks[-1]).splitlines() if blocks else []
    lines = [line for line in printed if line.strip() and not re.match(r"\s+at ", line)]
    errors = (place for place, line in enumerate(lines) if re.search(r"error|failed", line, re.IGNORECASE))
    first = next(errors, max(0, len(lines) - 15))
    return "\n".join(lines[first : first + 15]) or Result(1, text).tail()


def explain_build(result: Result, project: Project) -> DockError:
    """The error that a failed build is, with what the step that failed printed of it."""
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
    for kind, pattern, *words in BUILD_FAULTS:
        if re.search(pattern, text):
            what, why, how = (text.format(**names) for text in words)
            return kind(what, why, how, evidence)
    return BuildError("`docker image build` failed.", "Nothing was replaced.", "Mend what its last lines say", evidence)


BUILD_FAULTS: list[tuple[type[DockError], str, str, str, str]] = [
    (
        BuildError,
        r"Canceled: context canceled",
        "The build was interrupted.",
        "Nothing was replaced.",
        "Start it again when you like; what was built so far is kept in Docker's cache",
    ),
    (
        EngineError,
        # The last is what the builder without BuildKit says of our flags.
        r"buildx component is missing|requires BuildKit|BuildKit is currently disabled|unknown flag: --build-context",
        "The docker CLI has no BuildKit: its plugin buildx is missing, or DOCKER_BUILDKIT=0 turns it off.",
        "The Dockerfiles use BuildKit's cache mounts and named contexts.",
        "Install it (invoke setup says how), and unset DOCKER_BUILDKIT",
    ),
    (
        BuildError,
        r"(?i:no space left on device)|ENOSPC",
        "The disk is full.",
        "The build could not write its files; what was running is untouched.",
        "See what Docker holds: docker system df; free some: docker builder prune, invoke clean",
    ),
    (
        BuildError,
        r"can only install packages when your package|ERR_PNPM_OUTDATED_LOCKFILE|lockfile (needs|would have been) ",
        "{app}/{lock} is out of step with package.json.",
        "`{ci}` installs exactly what the lock file says, or nothing.",
        "Write the lock file anew and commit it: (cd {app} && {manager} install)",
    ),
    (
        BuildError,
        r"SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER|UNABLE_TO_VERIFY_LEAF|unable to get local issuer",
        "npm does not trust the certificate it was shown.",
        "A proxy that signs anew needs its certificate authority known inside the build, too.",
        "Name the file: NODE_EXTRA_CA_CERTS=/path/to/ca.pem invoke build-prod",
    ),
    (
        BuildError,
        r"does not exist after the build: DIST_DIR",  # by assemble.mjs, in the same step
        "`{manager} run build` left no index.html in {app}/{dist}.",
        "app.dist names the folder that it writes; nothing was replaced.",
        "Correct it in invoke.yaml, or INVOKE_APP_DIST=folder (DIST_DIR is the same for the Dockerfile alone)",
    ),
    (
        BuildError,
        r"NOT INSTALLED: ",  # by install.sh
        "{manager} could not install the app's dependencies.",
        "The build installs what the app's lock file names; nothing was replaced.",
        "Mend what {manager} says, and try it alone: (cd {app} && {ci})",
    ),
    (
        BuildError,
        r"at .*file:///tools/nginx/assemble\.mjs",  # its own call stack, in the same step
        "docktasks/images/nginx/assemble.mjs failed: it compresses what `{manager} run build` wrote.",
        "It is hello-dock's own program, so the app need not be wrong; nothing was replaced.",
        "See what it says of which file, and report it with the command that was run",
    ),
    (
        BuildError,
        r"(?m)^ > \[[^\]]*\] RUN .* run build",
        "`{manager} run build` failed.",
        "The production image is made from what it writes; nothing was replaced.",
        "Mend what it says, and try it alone: (cd {app} && {manager} run build)",
    ),
]
"""How known faults are told by what a build prints: (error, pattern, what, why, how), the first that matches."""
