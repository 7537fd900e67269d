"""The gate: what a release has to pass before it gets the traffic of the one that serves."""

from __future__ import annotations

from docktasks import containers, startup
from docktasks.answers import Run
from docktasks.containers import CANDIDATE, Release
from docktasks.engine import Engine, NoEngine
from docktasks.errors import StartError
from docktasks.ports import Bind
from docktasks.settings import Settings


def let_through(run: Run, engine: Engine | NoEngine, settings: Settings, release: Release) -> str:
    """Start the release as a candidate on a free loopback port, and see that it serves; what it passed, in words.

    Raises StartError, with the failing checks and the candidate's last log lines. The candidate is gone either way.
    """
    bind = Bind(0)
    args = containers.prod_args(settings, CANDIDATE, release, bind.args(containers.PORT_INSIDE["prod"]), engine.api)
    try:
        startup.start(run, engine, settings, args, bind)
        url = startup.await_serving(engine, settings, CANDIDATE)
        passed = _judge(engine, settings, url)
    except StartError as error:
        serves = startup.existing(engine, settings, "prod")
        role = "prod" if serves else containers.HOLDER  # which serves in the place of a release that is gone
        serving = f"{settings.container(role)} serves on as before."
        raise StartError(error.what, serving, error.how, error.evidence) from error
    finally:
        run(containers.remove_args(settings.container(CANDIDATE)), quiet=True)
    return f"gate passed: {passed} on {url}"


def _judge(engine: Engine | NoEngine, settings: Settings, url: str) -> str:
    """The critical checks of what a user gets, as `verify` makes them; their ids. Raises StartError."""
    from docktasks import checks  # here, for they load the HTTP client, which a build does not need
    from docktasks.checks.subject import Subject

    critical = [each for each in checks.all_checks() if each.needs == "url" and each.severity == "critical"]
    failed = [verdict for verdict in checks.judge(Subject(url), critical) if verdict.outcome == "fail"]
    if failed:
        evidence = [line for verdict in failed for line in verdict.evidence[:5]]
        raise StartError(
            f"The new release does not pass the gate: {', '.join(verdict.check.id for verdict in failed)}.",
            "",
            failed[0].check.fix,
            evidence="\n".join([*evidence, "Its last log lines:", engine.logs(settings.container(CANDIDATE), 10)]),
        )
    return ", ".join(each.id for each in critical)
