"""How a container comes up, and what its failures are called."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import requests

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.containers import startup
from docktasks.containers.ports import Bind
from docktasks.containers.startup import ContainerSpec
from docktasks.engine.dry_run import DryRunEngine
from docktasks.engine.models import Container, Image, Published
from docktasks.errors import ConflictError, DockError, StartError
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

BASE = {"org.opencontainers.image.base.name": "nginx:stable-alpine"}
RELEASE = Release(Image("sha256:" + "7" * 64, labels=BASE, release="1" * 12))


def prod(settings: Settings) -> list[str]:
    """Return the command that starts a release behind the published port."""
    network_args = run_args.shared_network_args(settings, Bind(8080))
    return run_args.prod_args(settings, "prod", RELEASE, network_args, (1, 44))


def test_own_container_is_found_by_name_and_label(settings: Settings) -> None:
    """A container that does not exist is no error."""
    container = own_container("prod")
    assert (
        startup.own_container(Project(Runner(FakeEngine(container)), FakeEngine(container), settings), "prod")
        == container
    )
    assert startup.own_container(Project(Runner(FakeEngine()), FakeEngine(), settings), "prod") is None


@pytest.mark.parametrize(
    "labels", [{}, {"hello-dock.project": "another"}], ids=["without our label", "of another project"]
)
def test_container_name_taken_by_another_project_is_a_conflict(settings: Settings, labels: dict[str, str]) -> None:
    """The error names the other container and two ways out."""
    unrelated = Container("0", "hello-dock-prod", image="nginx:1", state="exited", labels=labels)
    with pytest.raises(ConflictError) as caught:
        startup.own_container(Project(Runner(FakeEngine(unrelated)), FakeEngine(unrelated), settings), "prod")
    assert "hello-dock-prod" in caught.value.what
    assert "(nginx:1, exited)" in caught.value.what
    assert "docker container rm --force hello-dock-prod" in caught.value.how
    assert "INVOKE_APP_NAME=" in caught.value.how


def start_error(output: str, host_port: int, *owners: tuple[int, Container]) -> DockError:
    """Return the error of a `docker container run` that failed with this output."""
    engine = FakeEngine()
    engine.port_owners = dict(owners)
    return startup.explain_start(Result(125, output), engine, Bind(host_port), PROD)


@pytest.mark.parametrize("output", [ALLOCATED, IN_USE])
def test_start_error_names_the_container_that_has_the_port(output: str) -> None:
    """The error names the container and its image, and proposes another port."""
    error = start_error(output, 8080, (8080, Container("0", "web", image="nginx:1")))
    assert isinstance(error, ConflictError)
    assert str(error) == (
        "Port 8080 on 127.0.0.1 is in use by container web (nginx:1).\n"
        "run-prod publishes the app there.\n"
        "Stop it, or choose another: INVOKE_PROD_HOST_PORT=8081 invoke run-prod"
    )


def test_start_error_of_a_privileged_port_on_a_rootless_engine() -> None:
    """The error proposes a port that every user may publish."""
    error = start_error(PRIVILEGED, 80)
    assert (type(error), error.what) == (ConflictError, "This engine may not publish port 80.")
    assert "INVOKE_PROD_HOST_PORT=8080" in error.how


def test_start_error_of_another_permission_has_dockers_words() -> None:
    """A refused permission on port 0 is not about a privileged port."""
    error = start_error(NOT_EXECUTABLE, 0)
    assert (type(error), error.evidence) == (StartError, NOT_EXECUTABLE)


def test_start_error_names_the_task_that_was_run(settings: Settings) -> None:
    """If both roles have the same port, the error is about the role that could not start."""
    shared = configured(settings.root, dev_host_port="3000", prod_host_port="3000")
    run = Runner(answers={"docker container run": Result(125, ALLOCATED)})
    engine = FakeEngine()
    engine.port_owners = {3000: own_container("dev")}
    with pytest.raises(ConflictError) as caught:
        startup.start(Project(run, engine, shared), ContainerSpec("prod", Bind(3000), prod(shared)))
    assert "invoke run-prod" in caught.value.how


def test_start_error_of_a_full_disk() -> None:
    """The way out names commands that free space."""
    error = start_error("mkdir /var/lib/docker/overlay2/x: no space left on device", 8080)
    assert (type(error), error.what) == (StartError, "The disk is full.")


def test_start_error_of_unknown_output_shows_its_last_lines() -> None:
    """The last four lines are the evidence."""
    error = start_error("one\ntwo\nthree\nfour\nfive", 8080)
    assert (type(error), error.evidence) == (StartError, "two\nthree\nfour\nfive")


def test_start_runs_one_command(settings: Settings) -> None:
    """A container that starts needs no other command."""
    run = Runner()
    startup.start(Project(run, FakeEngine(), settings), ContainerSpec("prod", Bind(8080), prod(settings)))
    assert run.ran == [prod(settings)]


def test_start_removes_a_container_that_was_only_created(settings: Settings) -> None:
    """Docker leaves it behind if its port is in use, and its name would be taken for the next try."""
    run = Runner(answers={"docker container run": Result(125, ALLOCATED)})
    engine = FakeEngine(own_container("prod", state="created"))
    with pytest.raises(ConflictError):
        startup.start(Project(run, engine, settings), ContainerSpec("prod", Bind(8080), prod(settings)))
    assert run.lines[1:] == ["docker container rm --force hello-dock-prod"]


@pytest.mark.parametrize("containers", [[], [own_container("prod")]], ids=["none", "a running one"])
def test_start_does_not_remove_a_running_container(settings: Settings, containers: list[Container]) -> None:
    """A running container with the name belongs to another task."""
    run = Runner(answers={"docker container run": Result(125, "Conflict. The container name is already in use")})
    with pytest.raises(StartError):
        startup.start(
            Project(run, FakeEngine(*containers), settings), ContainerSpec("prod", Bind(8080), prod(settings))
        )
    assert len(run.ran) == 1


def test_start_under_dry_run_shows_the_command(settings: Settings) -> None:
    """No engine is asked."""
    run = Runner(dry=True)
    startup.start(Project(run, DryRunEngine("hello-dock"), settings), ContainerSpec("prod", Bind(8080), prod(settings)))
    assert run.verbs == ["run hello-dock-prod"]


ADDRESS = (Published("127.0.0.1", 8080, 80),)


@pytest.mark.parametrize("health", ["healthy", ""])
def test_container_that_is_healthy_and_answers_serves(settings: Settings, web: Web, health: str) -> None:
    """Its URL is returned; without a health check only the answer counts."""
    web.serve()
    engine = FakeEngine(own_container("prod", health=health, published=ADDRESS))
    assert startup.await_serving(Project(Runner(engine), engine, settings), "prod") == "http://127.0.0.1:8080"
    assert web.requests == ["http://127.0.0.1:8080/"]


@pytest.mark.parametrize(
    ("state", "failure"),
    [
        ({"state": "exited", "exit_code": 1}, "stopped with exit code 1"),
        ({"state": "dead", "exit_code": 137}, "stopped with exit code 137"),
        ({"state": "restarting", "exit_code": 2}, "stopped with exit code 2"),
        ({"state": "exited", "exit_code": 1, "health": "unhealthy"}, "stopped with exit code 1"),
        ({"health": "unhealthy"}, "is unhealthy"),
    ],
)
def test_container_that_ended_or_is_unhealthy_fails_at_once(
    settings: Settings, web: Web, state: dict[str, Any], failure: str
) -> None:
    """The error comes without waiting for the timeout, with the last log lines."""
    web.serve()
    engine = FakeEngine(own_container("prod", published=ADDRESS, **state))
    engine.container_logs["hello-dock-prod"] = 'nginx: [emerg] unknown directive "lisen"'
    with pytest.raises(StartError) as caught:
        startup.await_serving(Project(Runner(engine), engine, settings), "prod")
    assert caught.value.what == f"Container hello-dock-prod {failure}."
    assert caught.value.evidence == 'nginx: [emerg] unknown directive "lisen"'


def test_container_that_is_gone_fails_at_once(settings: Settings) -> None:
    """Another process may have removed it."""
    with pytest.raises(StartError, match=r"Container hello-dock-prod is gone\."):
        startup.await_serving(Project(Runner(FakeEngine()), FakeEngine(), settings), "prod")


@pytest.mark.parametrize(
    ("state", "status", "reason"),
    [
        ({"health": "starting", "published": ADDRESS}, 200, "http://127.0.0.1:8080/ answers 200; health: starting"),
        ({"health": "healthy", "published": ADDRESS}, 503, "http://127.0.0.1:8080/ answers 503; health: healthy"),
        ({"published": ADDRESS}, 404, "http://127.0.0.1:8080/ answers 404; health: no check"),
        ({"state": "created"}, 200, "no port yet; health: no check"),
    ],
)
def test_startup_timeout_states_limit_status_and_log(
    settings: Settings, web: Web, state: dict[str, Any], status: int, reason: str
) -> None:
    """The error also says how to wait longer."""
    web.serve(status)
    engine = FakeEngine(own_container("prod", **state))
    engine.container_logs["hello-dock-prod"] = "ready in 61 s"
    impatient_settings = impatient(settings)
    with pytest.raises(StartError) as caught:
        startup.await_serving(Project(Runner(engine), engine, impatient_settings), "prod")
    assert caught.value.what == f"Container hello-dock-prod does not serve within 0 s ({reason})."
    assert caught.value.evidence == "ready in 61 s"
    assert "INVOKE_PROD_DEPLOY_TIMEOUT=" in caught.value.how


def test_startup_timeout_proposes_twice_the_time(settings: Settings) -> None:
    """The proposed setting can be copied."""
    with pytest.raises(StartError, match="INVOKE_PROD_DEPLOY_TIMEOUT=120"):
        startup.await_serving(Project(Runner(FakeEngine()), FakeEngine(), settings), "prod")


def test_container_on_a_shared_port_serves_when_its_log_has_a_request(settings: Settings, web: Web) -> None:
    """Another release answers on the same address, so only the container's own log is a proof."""
    web.serve()
    engine = FakeEngine(own_container("prod-next", health="healthy", published=ADDRESS))
    impatient_settings = impatient(settings)
    engine.container_logs["hello-dock-prod-next"] = "2026/11/23 14:20:00 [notice] 1#1: start worker process 30"
    with pytest.raises(StartError, match=r"does not serve within 0 s \(it has not answered a request yet\)"):
        startup.await_serving(Project(Runner(engine), engine, impatient_settings), "prod-next", shared_port=True)
    assert startup.await_serving(Project(Runner(engine), engine, impatient_settings), "prod-next")
    engine.container_logs["hello-dock-prod-next"] = (
        '172.17.0.1 - - [23/Nov/2026:14:20:00 +0000] "GET / HTTP/1.1" 200 612'
    )
    assert (
        startup.await_serving(Project(Runner(engine), engine, impatient_settings), "prod-next", shared_port=True)
        == "http://127.0.0.1:8080"
    )


def test_what_serves_is_not_known_without_the_engine(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the engine has died, nobody can promise that what served goes on."""
    engine = FakeEngine(own_container("prod"))
    project = Project(Runner(engine), engine, settings)
    assert startup.serving_now(project) == "Nothing serves now. See it: invoke status"  # it publishes no port

    def refuse(_name: str) -> None:
        raise requests.exceptions.ConnectionError("Connection refused")

    monkeypatch.setattr(engine, "container", refuse)
    assert startup.serving_now(project).startswith("What serves now is not known, because the engine does not answer.")


@pytest.mark.parametrize(
    ("role", "health", "serves"),
    [("prod", "healthy", True), ("prod", "starting", False), ("prod", "", False), ("dev", "", False)],
)
def test_site_without_a_page_at_its_root_serves(
    settings: Settings, web: Web, role: str, health: str, *, serves: bool
) -> None:
    """The health check of a release has looked for a page elsewhere. A dev server has no such check."""
    web.serve(404)
    published = (Published("127.0.0.1", 8080, 80),)
    project = Project(
        Runner(), FakeEngine(own_container(role, health=health, published=published)), impatient(settings)
    )
    if serves:
        assert startup.await_serving(project, role) == "http://127.0.0.1:8080"
    else:
        with pytest.raises(StartError, match="answers 404"):
            startup.await_serving(project, role)


@pytest.mark.parametrize(
    ("log", "path"),
    [
        ("  \x1b[32m➜\x1b[39m  Local:   http://localhost:\x1b[1m3000\x1b[22m/docs/\n", "/docs/"),
        ("Local    http://127.0.0.1:3000/docs\n┃ Network  http://192.168.48.2:3000/docs", "/docs"),
        ("Local: http://localhost:3000/", ""),
        ("Local: http://localhost:3001/docs/", None),
        ("installing", None),
    ],
)
def test_dev_server_without_a_page_at_its_root_serves_what_it_announces(
    settings: Settings, web: Web, log: str, path: str | None
) -> None:
    """A framework with a base path answers 404 at the root, and so does an app that has no page there."""
    web.answer = lambda request: httpx.Response(200 if request.url.path.startswith("/docs") else 404)
    engine = FakeEngine(own_container("dev", published=(Published("127.0.0.1", 8080, 3000),)))
    engine.container_logs["hello-dock-dev"] = log
    project = Project(Runner(), engine, impatient(settings))
    if path is None:
        with pytest.raises(StartError, match="answers 404"):
            startup.await_page(project, "dev")
    else:
        notice = "http://127.0.0.1:8080/ answers 404: the app has no page there. Open the address of one of its pages"
        assert startup.await_page(project, "dev") == (f"http://127.0.0.1:8080{path}", [] if path else [notice])
