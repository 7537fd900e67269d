"""The gate: a release must pass it before it gets requests."""

from __future__ import annotations

from docktasks.app.project import Project
from docktasks.containers import run_args as containers_run_args
from docktasks.containers import startup
from docktasks.containers.networks import join_args
from docktasks.containers.ports import Bind
from docktasks.containers.roles import CANDIDATE
from docktasks.containers.startup import ContainerSpec
from docktasks.errors import StartError
from docktasks.release import run_args
from docktasks.release.run_args import Release
from docktasks.roles import PROD


def check_candidate(project: Project, release: Release) -> list[str]:
    """Start the release on a free loopback port, check it, and remove it. The checks' ids. Raises StartError."""
    bind = Bind(0)
    network_args = [*join_args(project.settings, PROD), *bind.args(PROD.container_port)]
    args = run_args.prod_args(project.settings, CANDIDATE, release, network_args, project.engine.api)
    try:
        startup.start(project, ContainerSpec(CANDIDATE, bind, args))
        url = startup.await_serving(project, CANDIDATE)
        return [] if project.dry else _check_page(project, url)
    except StartError as error:
        raise StartError(error.what, startup.serving_now(project), error.how, error.evidence) from error
    finally:
        project.run(containers_run_args.remove_args(project.settings.container(CANDIDATE)), quiet=True)


def _check_page(project: Project, url: str) -> list[str]:
    """Run the critical checks of `verify` that need only an address; their ids. Raises StartError."""
    from docktasks.verify import catalog  # imported here, because it loads the HTTP client, which a build does not need
    from docktasks.verify.subject import Subject

    checks = [check for check in catalog.CHECKS if check.needs == "url" and check.severity == "critical"]
    failed = [verdict for verdict in catalog.run_checks(Subject(url), checks) if verdict.outcome == "fail"]
    if not failed:
        return [check.id for check in checks]
    log = project.engine.logs(project.settings.container(CANDIDATE), 10)
    evidence = [line for verdict in failed for line in verdict.evidence[:5]]
    raise StartError(
        f"The new release does not pass the gate: {'; '.join(f'{one.check.id}: {one.finding}' for one in failed)}.",
        "",
        failed[0].check.fix,
        evidence="\n".join([*evidence, "Its last log lines:", log]),
    )
