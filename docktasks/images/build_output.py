"""What `docker image build` prints: the error that it means, and what the steps of the build say to the user."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path

from docktasks import workspace
from docktasks.app import env_files, git, inputs
from docktasks.app.build_script import build_command, shown_command
from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.errors import BuildError, DockError, EngineError
from docktasks.faults import cause
from docktasks.secret_patterns import SECRET_VARIABLE
from docktasks.settings import Settings

MAX_EVIDENCE_LINES = 15
ERROR = re.compile(
    r"(?i)((?<!(?<![\w.])0 )(?<!\bno )(?:error|failed)|: not found|ERR_PNPM|YN00(?:01|09|16|18|27|28|35|41|78|81|82))"
    r"(?!\w*[-./]\w)"
)
"""What begins a failure in a line: the word, but not in a file name such as error-404.css, nor in a linter's summary
such as "0 errors, 1 warning"; or a code of pnpm or yarn for a package that it cannot have: https://yarnpkg.com/advanced/error-codes."""
VARIABLE = re.compile(r"(?<![\w$])[A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9](?!\w)")
COMPLAINT = re.compile(
    r"environment|env[ /][vs]|(?:process|meta)\.env|missing|required?\b|must be|not (?:set|defined|found)|undefined",
    re.IGNORECASE,
)
"""What a line says that complains about a variable."""
GIVEN_ALWAYS = {"NODE_ENV", "REVISION", "VERSION", "SOURCE_DATE_EPOCH"}

NO_LOCK = (
    ". The app has no lock file, so the newest versions were installed. If it works elsewhere, commit the lock file"
    " from there"
)

FAULTS_FILE = Path(__file__).with_name("build_faults.json")
"""Why a build fails."""

NOTICE = re.compile(r"NOTICE: ([^\x1b\r\n]+)")
"""What a script of the build says to the user, in a line of its output."""

MAX_BUILDS = 20
"""Builds whose notices are kept."""


def explain_build(result: Result, project: Project, step: str = "build") -> DockError:
    """Return the error for a failed build or installation, with the output of the failed step as evidence.

    `step` is how the error calls it.
    """
    text = _plain(result.output)
    manager = project.app.package_manager
    names = {
        "app": shlex.quote(project.settings.app.dir),
        "root": shlex.quote(project.settings.app.dir if project.app.path_in_root == "." else str(project.app.root)),
        "manager": manager.name,
        "build": shown_command(project.app),
        "build_command": shlex.join(build_command(project.app)),
        "ci": manager.locked_install if manager.lock else f"{manager.name} install",
        "lock": manager.lock or "package-lock.json",
        "dist": os.path.normpath(f"{project.settings.app.dir}/{project.settings.app.dist}"),
        "node": project.settings.bases.node_image,
        "step": step,
        "task": "build-prod" if step == "build" else "dev",
    }
    fault = cause(FAULTS_FILE, text, **names)
    evidence = "" if fault.get("says all") else _evidence(text)
    why, how = fault["why"], fault["how"]
    if fault.get("may lack something"):
        lacked = _lack(project, evidence, "installation" if "NOT INSTALLED: " in text else step)
        why, how = lacked or (why, how if manager.lock else how + NO_LOCK)
    return (EngineError if fault.get("engine") else BuildError)(fault["what"], why, how, evidence)


def _lack(project: Project, evidence: str, step: str) -> tuple[str, str] | None:
    """Return what a step that failed lacks, and how it gets that; None where nothing is known to be missing."""
    if variables := missing_variables(evidence, project.settings):
        how = _gift(variables)
        # No package manager reads .env.
        if step != "installation" and (example := env_files.example(project.app, variables)):
            is_new = not example.with_name(".env").exists()
            addition = f"Add {', '.join(variables)} to .env, as in {example.name}, in"
            addition = f"Copy {example.name} to .env, and put the values in, in" if is_new else addition
            how = f"{addition} {shlex.quote(str(example.parent))}. Or: {how}"
        return f"It names {', '.join(variables)}, and the {step} does not get it.", how
    if paths := git.missing_submodules(project.app.root):
        command = f"(cd {shlex.quote(str(project.app.root))} && git submodule update --init --recursive)"
        why = f"git has not fetched the submodules {', '.join(paths)}: their folders are empty."
        return why, f"Fetch them, and start it again: {command}. If that does not help, correct what it says"
    return None


def missing_variables(text: str, settings: Settings) -> list[str]:
    """Return the names of variables that the output of a failed step complains about, and that the step did not get."""
    known = inputs.names(settings, os.environ) | GIVEN_ALWAYS
    names = {
        name: line
        for line in text.splitlines()
        for name in VARIABLE.findall(line)
        if name in os.environ or name.startswith("VITE_") or COMPLAINT.search(line)
    }
    return [name for name in names if name not in known and not name.startswith(("ERR_", "npm_"))]


def _gift(names: list[str]) -> str:
    """Return the settings that give a build these variables."""
    prefixes = dict.fromkeys("VITE_" for name in names if name.startswith("VITE_"))
    secrets = [name for name in names if SECRET_VARIABLE.search(name) and not name.startswith("VITE_")]
    others = [name for name in names if name not in secrets and not name.startswith("VITE_")]
    settings = {"build.env_prefixes": [*prefixes], "build.secrets": secrets, "build.env": others}
    texts = [f"{key}: {' '.join(values)}" for key, values in settings.items() if values]
    return f"Set it, and give it to the build in invoke.yaml or hello-dock.yaml: {'; '.join(texts)}"


def _plain(text: str) -> str:
    """Return the text without colours, cursor moves and carriage returns, which BuildKit writes to a terminal."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "")


def _evidence(text: str) -> str:
    """Return the output of the failed step from Vite's or the first error on, without call stacks and progress."""
    lines = [line for line in _failed_step(text) if line.strip() and not re.match(r"\s+at |Progress: |\++$", line)]
    errors = (index for index, line in enumerate(lines) if ERROR.search(line))
    first = min(errors, key=lambda at: "error during build:" not in lines[at], default=-MAX_EVIDENCE_LINES)
    return "\n".join(lines[first:][:MAX_EVIDENCE_LINES]) or Result(1, text).tail()


def _failed_step(text: str) -> list[str]:
    """Return the lines that the failed step printed, or an installation in a container; none where no step failed."""
    steps = re.findall(r"(?m)^#(\d+) ERROR: process", text)
    if steps:  # plain progress: "#13 0.868 a line of the step"
        return re.findall(rf"(?m)^#{steps[-1]} [\d.]+ (.*)$", text)
    # On a terminal: a block with the step's log, "0.868 a line of the step".
    if not re.search(r"(?m)^(#\d|-{6}$)", text) and re.search("NOT INSTALLED: |SIBLING NOT BUILT: ", text):
        return text.splitlines()
    blocks = re.findall(r"(?ms)^-{6}\n > \[[^\n]*\n(.*?)^-{6}$", text)
    return re.sub(r"(?m)^\d+\.\d+ ", "", blocks[-1]).splitlines() if blocks else []


def notices(output: str) -> list[str]:
    """Return what the scripts of the build say to the user. BuildKit's drawing cuts a line at the terminal's edge."""
    texts = dict.fromkeys(text.strip() for text in NOTICE.findall(output))
    return [text for text in texts if not any(other != text and other.startswith(text) for other in texts)]


def remembered(settings: Settings, layer: str, output: str) -> list[str]:
    """Return the notices of the build that made a layer, from its output, or from that of the build that Docker cached.

    A machine that has only the cache of another one, and no earlier build, has none. Raises DockError.
    """
    path = workspace.cache_folder(settings.root) / f"notices-{settings.app.name}.json"
    builds: dict[str, list[str]] = workspace.read_cached(path)
    if _is_cached(output):
        return [*dict.fromkeys([*builds.get(layer, []), *notices(output)])]
    builds = {name: texts for name, texts in builds.items() if name != layer} | {layer: notices(output)}
    with workspace.writing(path):
        path.write_text(json.dumps(dict([*builds.items()][-MAX_BUILDS:])))
    return builds[layer]


def _is_cached(output: str) -> bool:
    """Return True when the step that builds the site came from the cache, by BuildKit's drawing or its plain lines."""
    numbers = re.findall(r"(?m)^#(\d+) \[builder ", output)
    return "CACHED [builder " in output or any(re.search(rf"(?m)^#{number} CACHED", output) for number in numbers)
