from __future__ import annotations

from typing import Any

import pytest

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.containers import startup
from docktasks.containers.ports import Bind
from docktasks.containers.spec import ContainerSpec
from docktasks.engine.dry_run import DryRunEngine
from docktasks.engine.models import Container, Image, Published
from docktasks.errors import BuildError, ConflictError, DockError, StartError
from docktasks.release import run_args
from docktasks.release.run_args import Release
from docktasks.roles import PROD
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured, impatient
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.runner import Runner
from tests.unit.fakes.web import Web

# As Docker 26 prints them.
ALLOCATED = (
    "docker: Error response from daemon: driver failed programming external connectivity on endpoint hello-dock-prod: "
    "Bind for 127.0.0.1:8080 failed: port is already allocated."
)

IN_USE = (
    "docker: Error response from daemon: driver failed programming external connectivity on endpoint hello-dock-prod: "
    "Error starting userland proxy: listen tcp4 127.0.0.1:8080: bind: address already in use."
)

PRIVILEGED = (
    "docker: Error response from daemon: driver failed programming external connectivity on endpoint hello-dock-prod: "
    "Error starting userland proxy: error while calling PortManager.AddPort(): cannot expose privileged port 80, you "
    "can add 'net.ipv4.ip_unprivileged_port_start=80' to /etc/sysctl.conf: listen tcp4 127.0.0.1:80: bind: "
    "permission denied."
)

NOT_EXECUTABLE = (
    "docker: Error response from daemon: failed to create task for container: runc create failed: unable to start "
    'container process: exec: "/docker-entrypoint.sh": permission denied: unknown.'
)

RELEASE = Release(Image("sha256:" + "7" * 64, labels={"org.opencontainers.image.base.name": "nginx:stable-alpine"}))


def prod(
    settings: Settings, role: str = "prod", release: Release = RELEASE, *, public: bool = False, old: bool = False
) -> list[str]:
    """The command that starts a release behind the published port; `old` is an engine without a start interval."""
    place = run_args.shared_network_args(settings, Bind(8080, public))
    return run_args.prod_args(settings, role, release, place, (1, 43) if old else (1, 44))


def test_ours_is_found_by_name_and_label(settings: Settings) -> None:
    """What the project started is returned; no container is no error."""
    mine = own_container("prod")
    assert startup.own_container(Project(Runner(FakeEngine(mine)), FakeEngine(mine), settings), "prod") == mine
    assert startup.own_container(Project(Runner(FakeEngine()), FakeEngine(), settings), "prod") is None


@pytest.mark.parametrize(
    "labels", [{}, {"hello-dock.project": "another"}], ids=["without our label", "of another project"]
)
def test_a_name_that_somebody_else_took_is_a_conflict(settings: Settings, labels: dict[str, str]) -> None:
    """It is left alone, and the message says whose it is and both ways out."""
    theirs = Container("0", "hello-dock-prod", image="nginx:1", state="exited", labels=labels)
    with pytest.raises(ConflictError) as caught:
        startup.own_container(Project(Runner(FakeEngine(theirs)), FakeEngine(theirs), settings), "prod")
    assert "hello-dock-prod" in caught.value.what
    assert "(nginx:1, exited)" in caught.value.what
    assert "docker container rm --force hello-dock-prod" in caught.value.how
    assert "INVOKE_APP_NAME=" in caught.value.how


def explained(output: str, host_port: int, *held: tuple[int, Container]) -> DockError:
    """What a failed `docker container run` is."""
    engine = FakeEngine()
    engine.port_owners = dict(held)
    return startup.explain_start(Result(125, output), engine, Bind(host_port), PROD)


@pytest.mark.parametrize("output", [ALLOCATED, IN_USE])
def test_a_port_that_a_container_holds_is_told_with_its_name(output: str) -> None:
    """The message names the container and its image, and a port to take instead."""
    error = explained(output, 8080, (8080, Container("0", "web", image="nginx:1")))
    assert isinstance(error, ConflictError)
    assert str(error) == (
        "Port 8080 on 127.0.0.1 is in use by container web (nginx:1).\n"
        "run-prod publishes the app there.\n"
        "Stop it, or choose another: INVOKE_PROD_HOST_PORT=8081 invoke run-prod"
    )


def test_a_privileged_port_on_a_rootless_engine_is_told() -> None:
    """The message proposes a port that anyone may have."""
    error = explained(PRIVILEGED, 80)
    assert (type(error), error.what) == (ConflictError, "Port 80 is one that this engine may not publish.")
    assert "INVOKE_PROD_HOST_PORT=8080" in error.how


def test_a_free_port_is_never_a_privileged_one() -> None:
    """Another refusal of permission is told in Docker's words."""
    error = explained(NOT_EXECUTABLE, 0)
    assert (type(error), error.evidence) == (StartError, NOT_EXECUTABLE)


def test_the_task_is_the_one_that_was_run(settings: Settings) -> None:
    """Where both tasks are given one port, the message is about the one that lost."""
    shared = configured(settings.root, dev_host_port="3000", prod_host_port="3000")
    run = Runner(answers={"docker container run": Result(125, ALLOCATED)})
    engine = FakeEngine()
    engine.port_owners = {3000: own_container("dev")}
    with pytest.raises(ConflictError) as caught:
        startup.start(Project(run, engine, shared), ContainerSpec("prod", Bind(3000), prod(shared)))
    assert "invoke run-prod" in caught.value.how


def test_a_full_disk_is_told() -> None:
    """The way out is what frees space."""
    error = explained("mkdir /var/lib/docker/overlay2/x: no space left on device", 8080)
    assert (type(error), error.what) == (BuildError, "The disk is full.")


def test_any_other_failure_is_told_in_dockers_words() -> None:
    """The last lines are the evidence."""
    error = explained("one\ntwo\nthree\nfour\nfive", 8080)
    assert (type(error), error.evidence) == (StartError, "two\nthree\nfour\nfive")


def test_start_runs_one_command(settings: Settings) -> None:
    """A container that starts needs nothing more."""
    run = Runner()
    startup.start(Project(run, FakeEngine(), settings), ContainerSpec("prod", Bind(8080), prod(settings)))
    assert run.ran == [prod(settings)]


def test_start_removes_a_half_created_container(settings: Settings) -> None:
    """Docker leaves one behind when its port is taken; it would block the name the next time."""
    run = Runner(answers={"docker container run": Result(125, ALLOCATED)})
    engine = FakeEngine(own_container("prod", state="created"))
    with pytest.raises(ConflictError):
        startup.start(Project(run, engine, settings), ContainerSpec("prod", Bind(8080), prod(settings)))
    assert run.lines[1:] == ["docker container rm --force hello-dock-prod"]


@pytest.mark.parametrize("held", [[], [own_container("prod")]], ids=["none", "a running one"])
def test_start_removes_nothing_else(settings: Settings, held: list[Container]) -> None:
    """A running container of that name is somebody's who works."""
    run = Runner(answers={"docker container run": Result(125, "Conflict. The container name is already in use")})
    with pytest.raises(StartError):
        startup.start(Project(run, FakeEngine(*held), settings), ContainerSpec("prod", Bind(8080), prod(settings)))
    assert len(run.ran) == 1


def test_start_shows_a_first_start_without_an_engine(settings: Settings) -> None:
    """Under --dry the command is shown."""
    run = Runner(dry=True)
    startup.start(Project(run, DryRunEngine("hello-dock"), settings), ContainerSpec("prod", Bind(8080), prod(settings)))
    assert run.verbs == ["run hello-dock-prod"]


ADDRESS = (Published("127.0.0.1", 8080, 80),)


@pytest.mark.parametrize("health", ["healthy", ""])
def test_a_container_serves_when_it_is_healthy_and_answers(settings: Settings, web: Web, health: str) -> None:
    """Its address comes back; without a health check the answer alone counts."""
    web.serve()
    engine = FakeEngine(own_container("prod", health=health, published=ADDRESS))
    assert startup.await_serving(Project(Runner(engine), engine, settings), "prod") == "http://127.0.0.1:8080"
    assert web.requests == ["http://127.0.0.1:8080/"]


@pytest.mark.parametrize(
    ("turned", "what"),
    [
        ({"state": "exited", "exit_code": 1}, "stopped with exit code 1"),
        ({"state": "dead", "exit_code": 137}, "stopped with exit code 137"),
        ({"state": "restarting", "exit_code": 2}, "stopped with exit code 2"),
        ({"state": "exited", "exit_code": 1, "health": "unhealthy"}, "stopped with exit code 1"),
        ({"health": "unhealthy"}, "is unhealthy"),
    ],
)
def test_a_container_that_will_never_serve_is_told_at_once(
    settings: Settings, web: Web, turned: dict[str, Any], what: str
) -> None:
    """Nobody waits a minute for one that ended or is ill, and its last log lines are shown."""
    web.serve()
    engine = FakeEngine(own_container("prod", published=ADDRESS, **turned))
    engine.container_logs["hello-dock-prod"] = 'nginx: [emerg] unknown directive "lisen"'
    with pytest.raises(StartError) as caught:
        startup.await_serving(Project(Runner(engine), engine, settings), "prod")
    assert caught.value.what == f"Container hello-dock-prod {what}."
    assert caught.value.evidence == 'nginx: [emerg] unknown directive "lisen"'


def test_a_container_that_went_away_is_told(settings: Settings) -> None:
    """Somebody else may have removed it."""
    with pytest.raises(StartError, match=r"Container hello-dock-prod is gone\."):
        startup.await_serving(Project(Runner(FakeEngine()), FakeEngine(), settings), "prod")


@pytest.mark.parametrize(
    ("given", "status", "last"),
    [
        ({"health": "starting", "published": ADDRESS}, 200, "http://127.0.0.1:8080/ answers 200; health: starting"),
        ({"health": "healthy", "published": ADDRESS}, 503, "http://127.0.0.1:8080/ answers 503; health: healthy"),
        ({"published": ADDRESS}, 404, "http://127.0.0.1:8080/ answers 404; health: no check"),
        ({"state": "created"}, 200, "no port yet; health: no check"),
    ],
)
def test_a_timeout_states_the_limit_the_last_status_and_the_log(
    settings: Settings, web: Web, given: dict[str, Any], status: int, last: str
) -> None:
    """Whoever waited in vain sees for what, and how to wait longer."""
    web.serve(status)
    engine = FakeEngine(own_container("prod", **given))
    engine.container_logs["hello-dock-prod"] = "ready in 61 s"
    hurried = impatient(settings)
    with pytest.raises(StartError) as caught:
        startup.await_serving(Project(Runner(engine), engine, hurried), "prod")
    assert caught.value.what == f"Container hello-dock-prod does not serve within 0 s ({last})."
    assert caught.value.evidence == "ready in 61 s"
    assert "INVOKE_PROD_DEPLOY_TIMEOUT=" in caught.value.how


def test_the_way_out_proposes_twice_the_time(settings: Settings) -> None:
    """The way out can be typed as it is."""
    with pytest.raises(StartError, match="INVOKE_PROD_DEPLOY_TIMEOUT=120"):
        startup.await_serving(Project(Runner(FakeEngine()), FakeEngine(), settings), "prod")


def test_one_that_listens_beside_another_serves_when_it_has_answered(settings: Settings, web: Web) -> None:
    """The address answers for both: only its own log shows that it is one of those who do."""
    web.serve()
    engine = FakeEngine(own_container("prod-next", health="healthy", published=ADDRESS))
    hurried = impatient(settings)
    engine.container_logs["hello-dock-prod-next"] = "2026/11/23 14:20:00 [notice] 1#1: start worker process 30"
    with pytest.raises(StartError, match=r"does not serve within 0 s \(it has answered nobody yet\)"):
        startup.await_serving(Project(Runner(engine), engine, hurried), "prod-next", beside=True)
    assert startup.await_serving(Project(Runner(engine), engine, hurried), "prod-next")
    engine.container_logs["hello-dock-prod-next"] = (
        '172.17.0.1 - - [23/Nov/2026:14:20:00 +0000] "GET / HTTP/1.1" 200 612'
    )
    assert (
        startup.await_serving(Project(Runner(engine), engine, hurried), "prod-next", beside=True)
        == "http://127.0.0.1:8080"
    )
