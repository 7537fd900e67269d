"""The task that goes back to an earlier release."""

from __future__ import annotations

from invoke.context import Context
from invoke.tasks import task

from docktasks.app.session import session


@task(
    help={
        "to": "The id of a release, or its first characters. Default: the one before the current.",
        "gate": "Check the release before it takes over. --no-gate skips that.",
    },
)
def rollback(c: Context, to: str = "", gate: bool = True) -> None:
    """Return to an earlier release without losing a request."""
    from docktasks.release import deploy
    from docktasks.release.output import print_deployment

    with session(c) as project:
        deployment = deploy.roll_back(project, to, gate=gate)
        print_deployment(project, deployment, f"release {deployment.build.image.release}")
