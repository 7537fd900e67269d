"""The gate: what a release has to pass before it gets the traffic of the one that serves."""

from __future__ import annotations

from docktasks.app.project import Project
from docktasks.containers import roles, startup
from docktasks.containers import run_args as containers_run_args
from docktasks.containers.ports import Bind
from docktasks.containers.roles import CANDIDATE
from docktasks.containers.spec import ContainerSpec
from docktasks.errors import StartError
from docktasks.release import run_args as release_run_args
from docktasks.release.run_args import Release


def check_candidate(project: Project, release: Release) -> str:
    """Start the release as a candidate on a free loopback port, and see that it serves; what it passed, in words.

    Raises StartError, with the failing checks and the candidate's last log lines. The candidate is gone either way.
    """
    bind = Bind(0)
    args = release_run_args.prod_args(
        project.settings, CANDIDATE, release, bind.args(roles.CONTAINER_PORT["prod"]), project.engine.api
    )
    try:
        startup.start(project, ContainerSpec(CANDIDATE, bind, args))
        url = startup.await_serving(project, CANDIDATE)
        passed = _judge(project, url)
    except StartError as error:
        serves = startup.own_container(project, "prod")
        role = "prod" if serves else roles.HOLDER  # which serves in the place of a release that is gone
        serving = f"{project.settings.container(role)} serves on as before."
        raise StartError(error.what, serving, error.how, error.evidence) from error
    finally:
        project.run(containers_run_args.remove_args(project.settings.container(CANDIDATE)), quiet=True)
    return f"gate passed: {passed} on {url}"


def _judge(project: Project, url: str) -> str:
    """The critical checks of what a user gets, as `verify` makes them; their ids. Raises StartError."""
    from docktasks.verify import catalog  # here, for they load the HTTP client, which a build does not need
    from docktasks.verify.subject import Subject

    critical = [check for check in catalog.CHECKS if check.needs == "url" and check.severity == "critical"]
    failed = [verdict for verdict in catalog.run_checks(Subject(url), critical) if verdict.outcome == "fail"]
    if failed:
        evidence = [line for verdict in failed for line in verdict.evidence[:5]]
        raise StartError(
            f"The new release does not pass the gate: {', '.join(verdict.check.id for verdict in failed)}.",
            "",
            failed[0].check.fix,
            evidence="\n".join(
                [*evidence, "Its last log lines:", project.engine.logs(project.settings.container(CANDIDATE), 10)]
            ),
        )
    return ", ".join(check.id for check in critical)
