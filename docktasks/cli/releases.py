"""The tasks about releases that ran before: rollback, releases."""

from __future__ import annotations

from invoke.context import Context
from invoke.tasks import task

from docktasks.cli.output import print_deployment, print_table
from docktasks.cli.session import session


@task(
    help={"to": "The id of a release, or its first characters. Default: the one before the current."},
    auto_shortflags=False,
)
def rollback(c: Context, to: str = "") -> None:
    """Replace the current release by an earlier one, without losing a request."""
    from docktasks.release import deploy

    with session(c) as project:
        deployment = deploy.roll_back(project, to)
        print_deployment(project, deployment, f"release {deployment.build.image.short_id}")


@task
def releases(c: Context) -> None:
    """List the releases that can be rolled back to."""
    from docktasks.housekeeping import status

    with session(c) as project:
        print_table(status.releases_table(project))
