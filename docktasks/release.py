"""The production container's life: a release passes a gate before the old one goes, and a fault brings that back."""

from __future__ import annotations

from dataclasses import dataclass, replace

from docktasks import bases, containers, images, lock, probes
from docktasks.answers import Container, Image, Run
from docktasks.containers import Bind
from docktasks.engine import Engine, NoEngine
from docktasks.errors import StartError
from docktasks.settings import LABEL, Settings


@dataclass(frozen=True)
class Outcome:
    """What a task did: the image, what it adds to its base (both in bytes), and where it serves.

    `unchanged` says that it was running already; `standins` name the base images that were stood in for.
    """

    image: Image
    added: int
    url: str = ""
    unchanged: bool = False
    standins: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """The container that shall serve: the command that starts it, and where it is published."""

    args: list[str]
    bind: Bind


def build(run: Run, engine: Engine | NoEngine, settings: Settings) -> Outcome:
    """Build the production image. Raises AppError, BaseImageError, BuildError."""
    images.script(settings, "build")
    origin = images.source(settings)
    node = bases.resolve(run, engine, settings, "node")
    nginx = bases.resolve(run, engine, settings, "nginx")
    given = images.prod_build(settings, node.reference, nginx.reference, origin)
    made = images.build(run, engine, settings, "prod", given)
    base = engine.image(nginx.reference)
    standins = tuple(found.notice for found in (node, nginx) if found.notice)
    return Outcome(made, made.size - base.size if base else 0, standins=standins)


def run_prod(run: Run, engine: Engine | NoEngine, settings: Settings, *, public: bool, rebuild: bool) -> Outcome:
    """Build (unless told not to), then put the image to work on prod.host_port; what already serves, serves on.

    Raises ConflictError or StartError when it cannot; the container that served before then serves again.
    """
    with lock.alone(run, settings):
        return _run_prod(run, engine, settings, public=public, rebuild=rebuild)


def _run_prod(run: Run, engine: Engine | NoEngine, settings: Settings, *, public: bool, rebuild: bool) -> Outcome:
    try:
        outcome = build(run, engine, settings) if rebuild else _built(engine, settings)
    finally:  # a build that fails, too, must not leave what an interrupted run took down
        recover(run, engine, settings)
    bind = Bind(settings.prod.host_port, public)
    args = containers.prod_args(settings, outcome.image.id, bind, "prod", engine.api)
    current = containers.existing(engine, settings, "prod")
    if not isinstance(engine, Engine):
        containers.start(run, engine, settings, args, bind)
        return outcome
    if current is not None and _serves_already(current, args):
        return replace(outcome, url=containers.await_serving(engine, settings, "prod"), unchanged=True)
    if current is not None:
        moves = bind.host_port not in (0, *(host_port for _, host_port, _ in current.addresses))
        if moves and probes.accepts("127.0.0.1", bind.host_port):
            raise containers.port_taken(engine, bind, "prod")
        pass_gate(run, engine, settings, outcome.image)
    return replace(outcome, url=swap(run, engine, settings, current, Wanted(args, bind)))


def swap(run: Run, engine: Engine, settings: Settings, current: Container | None, wanted: Wanted) -> str:
    """Start the wanted container in the place of `current`, if there is one; the address it serves.

    On any fault, a Ctrl-C too, `current` serves again.
    """
    try:
        with probes.interruptible():
            if current is not None:
                set_aside(run, settings)
            containers.start(run, engine, settings, wanted.args, wanted.bind)
            url = containers.await_serving(engine, settings, "prod")
    except BaseException:
        put_back(run, engine, settings, current)
        raise
    if current is not None:
        run(containers.remove_args(settings.container("previous")), quiet=True)
        images.remove_untagged(run, engine, current.image_id)
    return url


def _built(engine: Engine | NoEngine, settings: Settings) -> Outcome:
    made = engine.image(settings.image("prod"))
    if made is None:
        raise StartError(
            f"There is no image {settings.image('prod')}.",
            "--no-build runs the one that was built last.",
            "Build it: invoke build-prod",
        )
    named = made.labels.get(images.BASE_LABEL)
    base = engine.image(named) if named else None
    return Outcome(made, made.size - base.size if base else 0)


def _serves_already(current: Container, args: list[str]) -> bool:
    wanted = next(arg for arg in args if arg.startswith(f"{LABEL}.run="))
    return current.state == "running" and current.labels.get(f"{LABEL}.run") == wanted.partition("=")[2]


def pass_gate(run: Run, engine: Engine, settings: Settings, image: Image) -> None:
    """Start the image as a candidate on a free loopback port, and see that it serves. Raises StartError.

    A release that fails here never gets the traffic of the one that serves.
    """
    bind = Bind(0)
    args = containers.prod_args(settings, image.id, bind, "candidate", engine.api)
    name = settings.container("candidate")
    try:
        containers.start(run, engine, settings, args, bind)
        url = containers.await_serving(engine, settings, "candidate")
        _judge(url)
    except StartError as error:
        current = engine.container(settings.container("prod"))
        serves = current is not None and current.state == "running"
        as_before = "serves on as before" if serves else "is as it was, and does not run"
        raise StartError(error.what, f"{settings.container('prod')} {as_before}.", error.how, error.evidence) from error
    finally:
        run(containers.remove_args(name), quiet=True)


def _judge(url: str) -> None:
    """The critical checks of what a user gets, as `verify` makes them. Raises StartError with their evidence."""
    from docktasks import checks  # here, for they load the HTTP client, which a build does not need
    from docktasks.checks.subject import Subject

    critical = [each for each in checks.all_checks() if each.needs == "url" and each.severity == "critical"]
    failed = [verdict for verdict in checks.judge(Subject(url), critical) if verdict.outcome == "fail"]
    if failed:
        raise StartError(
            f"The new release does not pass the gate: {', '.join(verdict.check.id for verdict in failed)}.",
            "",
            failed[0].check.fix,
            evidence="\n".join(line for verdict in failed for line in verdict.evidence[:5]),
        )


def set_aside(run: Run, settings: Settings) -> None:
    """Stop the serving container, which frees its port and name, and keep it as `previous`."""
    renamed = run(
        ["docker", "container", "rename", settings.container("prod"), settings.container("previous")], quiet=True
    )
    if not renamed.ok:
        raise StartError(
            f"{settings.container('prod')} cannot be set aside, and serves on as before.",
            "Its successor needs its name and its port.",
            "See what Docker says, then again: invoke run-prod",
            evidence=renamed.tail(3),
        )
    # One second, not ten: until it is gone its successor cannot have the port, and one idle connection would keep it
    # for 5 s (keepalive_min_timeout), a slow download for 8 s. -t: its long name changed in CLI 28.
    run(["docker", "container", "stop", "-t", "1", settings.container("previous")], quiet=True)


def put_back(run: Run, engine: Engine, settings: Settings, served: Container | None) -> None:
    """Remove what did not come up, and give name and port back to the container that served before, if there is one."""
    previous, current = settings.container("previous"), settings.container("prod")
    found = containers.existing(engine, settings, "prod")
    if found is not None and (served is None or found.id != served.id):
        run(containers.remove_args(current), quiet=True)
    if engine.container(previous) is not None:
        run(["docker", "container", "rename", previous, current], quiet=True)
        # Not `start`: a stop that a Ctrl-C cut short goes on in the engine; `start` finds the container still running,
        # does nothing, and then it is gone. `restart` waits for that stop.
        run(["docker", "container", "restart", "-t", "1", current], quiet=True)


def recover(run: Run, engine: Engine | NoEngine, settings: Settings) -> None:
    """Finish what an interrupted run-prod left: a candidate, or the old container under the name `previous`."""
    candidate = containers.existing(engine, settings, "candidate")
    if candidate is not None:
        run(containers.remove_args(candidate.name), quiet=True)
    previous = containers.existing(engine, settings, "previous")
    if previous is None or not isinstance(engine, Engine):
        return
    current = containers.existing(engine, settings, "prod")
    if current is not None and current.state == "running":
        run(containers.remove_args(previous.name), quiet=True)
    else:
        put_back(run, engine, settings, previous)
