"""The tasks for many machines: deploy, and status, which shows this machine's containers and the fleet's nodes."""

from __future__ import annotations

from invoke.context import Context
from invoke.tasks import task

from docktasks.app.session import session
from docktasks.output import print_table
from docktasks.progress import print_notices


@task(
    help={
        "image": "The pushed image, as REPOSITORY@sha256:…, which `invoke push` prints.",
        "rollback": "Go back to the release before.",
        "stack": "Write the stack file of --image to this file, and deploy nothing.",
        "kubernetes": "Write a base for kustomize into this folder, and deploy nothing.",
        "env": "NAME=VALUE for the page's /env.js; repeatable. Without it, the page keeps what it has.",
        "env_from": "config:NAME or secret:NAME of the swarm, with a JSON object for the page's /env.js.",
        "no_env": "Remove the page's configuration.",
        "lossy": "Deploy also to nodes that lose waiting connections.",
    },
    iterable=["env"],
)
def deploy(
    c: Context,
    env: list[str],
    image: str = "",
    rollback: bool = False,
    stack: str = "",
    kubernetes: str = "",
    env_from: str = "",
    no_env: bool = False,
    lossy: bool = False,
) -> None:
    """Release a pushed image on all nodes of a Swarm, or on none."""
    from docktasks.app import runtime_config
    from docktasks.fleet import deploy as deployment
    from docktasks.fleet import files
    from docktasks.fleet.change import DeployOptions, require_choice, require_form, require_object
    from docktasks.fleet.stack import Stack

    with session(c) as project:
        require_choice(image, rollback=rollback)
        require_form(project.settings.fleet)
        config = require_object(env_from, env or no_env) if env_from else None
        config = config or runtime_config.chosen(env, project.settings.prod, remove=no_env)
        if stack or kubernetes:
            for line in files.write(Stack(project.settings, image, page_config=config or ""), stack, kubernetes):
                print(line)
            return
        deployed = deployment.deploy(project, DeployOptions(image, rollback, config, lossy))
        print_notices(deployed.notices)
        if project.dry:
            return
        print(f"{'Serving already' if deployed.unchanged else 'Serving'}: {deployed.release}")
        for url in deployed.urls:
            print(f"    {url}")


@task(help={"verify": "Check each node of the fleet from outside. Exit code 1 if one fails."})
def status(c: Context, verify: bool = False) -> None:
    """Show containers and fleet: state, address and release."""
    from docktasks.errors import VerifyError
    from docktasks.fleet.status import fleet_table, verify_table
    from docktasks.housekeeping import status

    with session(c) as project:
        fleet = fleet_table(project)
        print_table(status.containers_table(project))
        if fleet:
            print_table(fleet)
        if verify and not project.dry:
            table, failed = verify_table(project)
            print_table(table)
            if failed:
                how = "See all of it: invoke verify --url=ADDRESS"
                raise VerifyError(f"What these nodes serve is not right: {', '.join(failed)}.", "", how)


TASKS = [deploy, status]
