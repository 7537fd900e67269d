"""The tasks for containers, images and the machine: releases, logs, stop, clean, setup, bases."""

from __future__ import annotations

from collections.abc import Sequence

from invoke.context import Context
from invoke.tasks import task

from docktasks.app import completion
from docktasks.app.runner import Runner
from docktasks.app.session import exit_on_error, load_settings, session
from docktasks.output import print_table
from docktasks.progress import print_text


def _check_ids(_: Context) -> Sequence[str]:
    from docktasks.verify.catalog import CHECKS

    return [check.id for check in CHECKS]


def _groups(_: Context) -> Sequence[str]:
    from docktasks.verify.registry import NEEDS

    return [*NEEDS]


def _severities(_: Context) -> Sequence[str]:
    from docktasks.verify.registry import SEVERITIES

    return SEVERITIES


def _releases(c: Context) -> Sequence[str]:
    from docktasks.images import releases

    with session(c, looks=True) as project:
        return [image.release for image in releases.kept_releases(project)]


completion.install({
    "only": _check_ids, "skip": _check_ids, "group": _groups, "fail-on": _severities,
    "role": lambda _: ("dev", "prod"), "to": _releases,
})  # fmt: skip


@task(
    help={
        "browser": "Also install a Chromium, for the browser checks.",
        "https": "Also install mkcert, and let this machine trust its authority, for dev.https.",
    },
)
def setup(c: Context, browser: bool = False, https: bool = False) -> None:
    """Install and start a Docker engine with BuildKit, or say how."""
    from docktasks.housekeeping import optional_tools
    from docktasks.housekeeping.setup import ensure_engine

    with exit_on_error():
        executable = load_settings(c, needs_app=False).browser.executable
        run = Runner(c)
        print(ensure_engine(run, run.progress))
        if browser:
            print(optional_tools.ensure_browser(run, run.progress, executable))
        if https:
            print(optional_tools.ensure_authority(run, run.progress))


@task
def init(c: Context) -> None:
    """Write an app's own Dockerfiles, tasks and CI workflow."""
    from docktasks.housekeeping import starter

    with session(c) as project:
        for text in starter.init(project):
            print(text)


@task(help={"update": "Pin the base images by their digests, in bases.lock."})
def bases(c: Context, update: bool = False) -> None:
    """Build stand-ins for the base images, or pin the images."""
    from docktasks.images import bases_lock, standins

    with session(c, needs_app=update) as project:
        for line in bases_lock.update(project) if update else standins.listed(project):
            print(line)


@task(
    help={
        "role": "dev or prod.",
        "follow": "Keep showing new lines, also of the next release, until Ctrl-C.",
        "tail": "The number of lines from the end, or all.",
    },
)
def logs(c: Context, role: str = "prod", follow: bool = False, tail: str = "100") -> None:
    """Show the log of the production or the dev container."""
    from docktasks.housekeeping import status

    with session(c, attended=True) as project:
        status.logs(project, role, tail, follow=follow)


@task(help={"role": "dev or prod. Default: both."})
def stop(c: Context, role: str = "") -> None:
    """Stop and remove this project's containers, and keep the rest."""
    from docktasks.housekeeping import cleanup

    with session(c, looks=True) as project, project.lock():
        print_text(cleanup.stop(project, role=role))


@task(
    help={
        "bases": "Also remove the stand-ins for the base images.",
        "downloads": "Also remove the package managers' downloads, which all projects share.",
    },
)
def clean(c: Context, bases: bool = False, downloads: bool = False) -> None:
    """Remove this project's containers, volumes and images."""
    from docktasks.housekeeping import cleanup

    with session(c, looks=True) as project, project.lock():
        print_text(cleanup.clean(project, bases=bases, with_downloads=downloads))


@task
def releases(c: Context) -> None:
    """List the releases that can be rolled back to."""
    from docktasks.housekeeping import status

    with session(c) as project:
        print_table(status.releases_table(project))


TASKS = [releases, logs, stop, clean, init, setup, bases]
"""The tasks in the order of the list."""
