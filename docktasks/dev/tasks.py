"""The tasks that run tools in the dev image: npm, test, shell."""

from __future__ import annotations

import shlex

from invoke.context import Context
from invoke.tasks import task

from docktasks.app.session import exit_with, session


@task
def npm(c: Context) -> None:
    """Run the package manager in a container: invoke npm -- install x."""
    from docktasks.dev import tools

    with session(c, attended=True) as project:
        exit_with(tools.run_package_manager(project, shlex.split(c.remainder)))


@task(help={"watch": "Keep running, and test again after each edit."})
def test(c: Context, watch: bool = False) -> None:
    """Run the app's own tests in the dev image.

    Arguments for them: invoke test -- App.test.js
    """
    from docktasks.dev import tools

    with session(c, attended=True) as project:
        exit_with(tools.run_tests(project, shlex.split(c.remainder), watch=watch))


@task
def shell(c: Context) -> None:
    """Open a shell in the running dev container."""
    from docktasks.dev import tools

    with session(c, attended=True) as project:
        exit_with(tools.open_shell(project))


TASKS = [npm, test, shell]
"""The tasks in the order of the list."""
