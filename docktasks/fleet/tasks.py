"""The tasks for many machines: deploy, and status, which shows this machine's containers and the fleet's nodes."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context
from invoke.tasks import task

from docktasks.app.session import session
from docktasks.output import print_table
from docktasks.progress import print_notices


@task(
    help={
        "image": "The pushed image, as REPOSITORY@sha256:…, which `invoke push` prints.",
        "rollback": "Go back to the release before.",
        "stack": "Write the stack file for the image here, and deploy nothing.",
        "env": "NAME=VALUE for the page's /env.js; repeatable. Without it, the page keeps what it has.",
        "no_env": "Remove the page's configuration.",
        "lossy": "Deploy also to nodes that lose waiting connections.",
    },
    iterable=["env"],
    auto_shortflags=False,
)
def deploy(
    c: Context,
    env: list[str],
    image: str = "",
    rollback: bool = False,
    stack: str = "",
    no_env: bool = False,
    lossy: bool = False,
) -> None:
    """Release a pushed image on all nodes of a Swarm, or on none."""
    from docktasks import output_files
    from docktasks.app import runtime_config
    from docktasks.errors import SettingsError
    from docktasks.fleet import deploy as deployment
    from docktasks.fleet.change import DeployOptions
    from docktasks.fleet.stack import Stack

    with session(c) as project:
        if bool(image) == rollback:
            raise SettingsError(
                "deploy needs an image, or --rollback." if not image else "--image and --rollback name two releases.",
                "",
                "Deploy what `invoke push` has pushed: invoke deploy --image=REPOSITORY@sha256:…",
            )
        config = runtime_config.chosen(env, project.settings.prod, remove=no_env)
        if stack:
            output_files.require_writable({"stack": stack})
            Path(stack).write_text(Stack(project.settings, image, environment=config or "").text(), encoding="utf-8")
            print(f"Written: {stack}. Run it: docker stack deploy -c {stack} {project.settings.app.name}")
            return
        options = DeployOptions(image, rollback, config, lossy)
        deployed = deployment.deploy(project, options)
        print_notices(deployed.notices)
        print(f"{'Serving already' if deployed.unchanged else 'Serving'}: {deployed.release}")
        for url in deployed.urls:
            print(f"    {url}")


@task(auto_shortflags=False)
def status(c: Context) -> None:
    """Show containers and fleet: state, address and release."""
    from docktasks.fleet.status import fleet_table
    from docktasks.housekeeping import status

    with session(c) as project:
        fleet = fleet_table(project)
        print_table(status.containers_table(project))
        if fleet:
            print_table(fleet)


TASKS = [deploy, status]
