from __future__ import annotations

import csv
import os
import shlex
from collections import namedtuple
from dataclasses import replace
from typing import Any

import psutil
import pytest

from docktasks import containers
from docktasks.answers import Container, Result
from docktasks.containers import Bind, DevRun
from docktasks.engine import NoEngine
from docktasks.errors import BuildError, ConflictError, DockError, StartError
from docktasks.settings import Settings, Wait
from tests.unit.fakes import FakeEngine, Runner, Web, configured, ours

IMAGE = "sha256:77"
LOGGING = "--log-driver json-file --log-opt max-size=10m --log-opt max-file=3"
HARDENED = f"--cap-drop ALL --security-opt no-new-privileges {LOGGING}"

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


def prod(settings: Settings, bind: Bind, role: str = "prod", api: tuple[int, ...] = (1, 45)) -> list[str]:
    """The command that starts the production image."""
    return containers.prod_args(settings, IMAGE, bind, role, api)


def without_fingerprint(args: list[str]) -> str:
    """The joined line; the fingerprint has tests of its own."""
    return shlex.join(arg if not arg.startswith("hello-dock.run=") else "hello-dock.run=…" for arg in args)


def run_of(args: list[str]) -> str:
    """The fingerprint's label."""
    return next(arg for arg in args if arg.startswith("hello-dock.run="))


def test_the_production_container(settings: Settings) -> None:
    """The command that starts it, word for word: loopback, read-only, no capability, limits, a quick first health."""
    assert without_fingerprint(prod(settings, Bind(8080))) == (
        "docker container run --detach --name hello-dock-prod"
        " --label hello-dock.project=hello-dock --label hello-dock.role=prod"
        " --publish 127.0.0.1:8080:80 --restart unless-stopped"
        " --read-only --tmpfs /tmp:uid=101,gid=101,mode=0700,size=16m"
        f" {HARDENED}"
        " --memory 64m --memory-swap 64m --pids-limit 64"
        " --health-start-period 10s --health-start-interval 200ms"
        " --label 'hello-dock.run=…' hello-dock:prod"
    )


def test_an_engine_without_a_start_interval_is_not_asked_for_one(settings: Settings) -> None:
    """Engine 23 and 24 refuse the option; everything else is the same."""
    with_interval, without = prod(settings, Bind(8080), api=(1, 44)), prod(settings, Bind(8080), api=(1, 43))
    assert "--health-start-interval" not in without
    assert without[:-3] == with_interval[: len(without) - 3]


def test_the_settings_reach_the_production_container(settings: Settings) -> None:
    """Name, limits and logs come from the settings."""
    other = configured(settings.root, app_name="shop", prod_memory="1g", prod_pids="99", prod_log_files="7")
    line = shlex.join(prod(other, Bind(1)))
    for part in ("--name shop-prod", "hello-dock.project=shop", "--memory 1g --memory-swap 1g", "--pids-limit 99"):
        assert part in line
    assert "max-file=7" in line


@pytest.mark.parametrize(
    ("bind", "publish"),
    [
        (Bind(8080), "127.0.0.1:8080:80"),
        (Bind(0), "127.0.0.1::80"),
        (Bind(8080, public=True), "0.0.0.0:8080:80"),
        (Bind(0, public=True), "0.0.0.0::80"),
    ],
)
def test_where_it_is_published(settings: Settings, bind: Bind, publish: str) -> None:
    """The loopback unless public is chosen; port 0 leaves the choice to Docker. A choice to be public is labelled."""
    args = prod(settings, bind)
    assert args[args.index("--publish") + 1] == publish
    assert ("hello-dock.public=true" in args) is bind.public


def test_a_candidate_has_its_own_name_and_is_not_restarted(settings: Settings) -> None:
    """Else it is exactly what would get the traffic."""
    candidate = without_fingerprint(prod(settings, Bind(0), "candidate"))
    expected = without_fingerprint(prod(settings, Bind(0))).replace("unless-stopped", "no")
    assert candidate == expected.replace("hello-dock-prod", "hello-dock-candidate").replace(
        "role=prod", "role=candidate"
    )


def test_the_same_image_with_the_same_settings_has_the_same_fingerprint(settings: Settings) -> None:
    """So a second run-prod sees that there is nothing to do."""
    assert run_of(prod(settings, Bind(8080))) == run_of(prod(configured(settings.root), Bind(8080)))


@pytest.mark.parametrize(
    "other", [{"prod_memory": "65m"}, {"prod_pids": "65"}, {"prod_log_size": "9m"}, {"app_name": "shop"}]
)
def test_another_setting_has_another_fingerprint(settings: Settings, other: dict[str, str]) -> None:
    """Each setting of the container counts."""
    assert run_of(prod(settings, Bind(8080))) != run_of(prod(configured(settings.root, **other), Bind(8080)))


def test_another_image_or_address_has_another_fingerprint(settings: Settings) -> None:
    """The image counts by its id, the address with its port and whether it is public."""
    runs = {
        run_of(prod(settings, Bind(8080))),
        run_of(prod(settings, Bind(8081))),
        run_of(prod(settings, Bind(8080, public=True))),
        run_of(containers.prod_args(settings, "sha256:78", Bind(8080), "prod", (1, 45))),
    }
    assert len(runs) == 4


def test_the_dev_container(settings: Settings) -> None:
    """The command that starts it, word for word: the source mounted, node_modules in a volume over it."""
    app = settings.app_dir
    assert shlex.join(
        containers.dev_args(settings, Bind(3000), DevRun("hello-dock-modules-1", "1000:1000", "abc"))
    ) == (
        "docker container run --detach --init --name hello-dock-dev"
        " --label hello-dock.project=hello-dock --label hello-dock.role=dev"
        " --publish 127.0.0.1:3000:3000"
        f" {HARDENED} --user 1000:1000 --env REVISION=abc"
        f" --mount type=bind,source={app},target=/home/node/app"
        " --mount type=volume,source=hello-dock-modules-1,target=/home/node/app/node_modules"
        " hello-dock:dev"
    )


@pytest.mark.parametrize("name", ["a,readonly", 'a"b', 'a,"b"', "a b", "a=b"])
def test_any_folder_can_be_mounted(settings: Settings, name: str) -> None:
    """--mount reads CSV: a comma or a quote in a name is neither another option nor an error."""
    elsewhere = configured(settings.root, app_dir=f"/srv/{name}")
    args = containers.dev_args(elsewhere, Bind(0), DevRun("v", "0:0"))
    ((*fields,),) = csv.reader([args[args.index("--mount") + 1]])
    assert fields == ["type=bind", f"source=/srv/{name}", "target=/home/node/app"]


def test_the_dev_containers_command_goes_last(settings: Settings) -> None:
    """Where the app has no script `serve`, another one is run."""
    args = containers.dev_args(settings, Bind(0), DevRun("v", "0:0", command=("npm", "run", "dev")))
    assert args[-4:] == ["hello-dock:dev", "npm", "run", "dev"]


def test_ours_is_found_by_name_and_label(settings: Settings) -> None:
    """What the project started is returned; no container is no error."""
    mine = ours("prod")
    assert containers.existing(FakeEngine(mine), settings, "prod") == mine
    assert containers.existing(FakeEngine(), settings, "prod") is None


@pytest.mark.parametrize(
    "labels", [{}, {"hello-dock.project": "another"}], ids=["without our label", "of another project"]
)
def test_a_name_that_somebody_else_took_is_a_conflict(settings: Settings, labels: dict[str, str]) -> None:
    """It is left alone, and the message says whose it is and both ways out."""
    theirs = Container("0", "hello-dock-prod", image="nginx:1", state="exited", labels=labels)
    with pytest.raises(ConflictError) as caught:
        containers.existing(FakeEngine(theirs), settings, "prod")
    assert "hello-dock-prod" in caught.value.what
    assert "(nginx:1, exited)" in caught.value.what
    assert "docker container rm --force hello-dock-prod" in caught.value.how
    assert "INVOKE_APP_NAME=" in caught.value.how


def explained(output: str, host_port: int, *held: tuple[int, Container], role: str = "prod") -> DockError:
    """What a failed `docker container run` is."""
    engine = FakeEngine()
    engine.listening = dict(held)
    return containers.explain_start(Result(125, output), engine, Bind(host_port), role)


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


def test_a_port_of_the_dev_container_is_told_with_its_own_setting() -> None:
    """The way out names the task that was run."""
    error = explained(ALLOCATED, 3000, (3000, Container("0", "web", image="nginx:1")), role="dev")
    assert (error.why, error.how) == (
        "dev publishes the app there.",
        "Stop it, or choose another: INVOKE_DEV_HOST_PORT=3001 invoke dev",
    )


def test_the_last_port_has_no_next_one() -> None:
    """The port that is proposed exists."""
    error = explained(ALLOCATED, 65535, (65535, Container("0", "web")))
    assert "INVOKE_PROD_HOST_PORT=65534 invoke run-prod" in error.how


Listener = namedtuple("Listener", ["status", "laddr", "pid"])  # noqa: PYI024 - as psutil's own


@pytest.mark.parametrize(
    ("listeners", "who"),
    [
        ([Listener("LISTEN", ("127.0.0.1", 8080), os.getpid())], f"process {os.getpid()} ({psutil.Process().name()})"),
        ([Listener("LISTEN", ("127.0.0.1", 8080), None)], "a process that could not be named"),
        ([Listener("ESTABLISHED", ("127.0.0.1", 8080), os.getpid())], "a process that could not be named"),
        ([Listener("LISTEN", ("127.0.0.1", 80), os.getpid())], "a process that could not be named"),
        ([Listener("LISTEN", (), os.getpid())], "a process that could not be named"),
        ([], "a process that could not be named"),
    ],
)
def test_a_port_that_a_process_holds_is_told(
    monkeypatch: pytest.MonkeyPatch, listeners: list[Listener], who: str
) -> None:
    """The process is named where the system tells it."""
    monkeypatch.setattr(psutil, "net_connections", lambda _kind: listeners)
    assert explained(IN_USE, 8080).what == f"Port 8080 on 127.0.0.1 is in use by {who}."


def test_a_process_that_may_not_be_looked_at_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS, for one, tells connections to root alone."""

    def refuse(_kind: str) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", refuse)
    assert "in use by a process that only root may name" in explained(IN_USE, 8080).what


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
    engine.listening = {3000: ours("dev")}
    with pytest.raises(ConflictError) as caught:
        containers.start(run, engine, shared, prod(shared, Bind(3000)), Bind(3000))
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
    containers.start(run, FakeEngine(), settings, prod(settings, Bind(8080)), Bind(8080))
    assert run.ran == [prod(settings, Bind(8080))]


def test_start_removes_a_half_created_container(settings: Settings) -> None:
    """Docker leaves one behind when its port is taken; it would block the name the next time."""
    run = Runner(answers={"docker container run": Result(125, ALLOCATED)})
    engine = FakeEngine(ours("prod", state="created"))
    with pytest.raises(ConflictError):
        containers.start(run, engine, settings, prod(settings, Bind(8080)), Bind(8080))
    assert run.lines[1:] == ["docker container rm --force hello-dock-prod"]


@pytest.mark.parametrize("held", [[], [ours("prod")]], ids=["none", "a running one"])
def test_start_removes_nothing_else(settings: Settings, held: list[Container]) -> None:
    """A running container of that name is somebody's who works."""
    run = Runner(answers={"docker container run": Result(125, "Conflict. The container name is already in use")})
    with pytest.raises(StartError):
        containers.start(run, FakeEngine(*held), settings, prod(settings, Bind(8080)), Bind(8080))
    assert len(run.ran) == 1


def test_start_shows_a_first_start_without_an_engine(settings: Settings) -> None:
    """Under --dry the command is shown."""
    run = Runner(dry=True)
    containers.start(run, NoEngine("hello-dock"), settings, prod(settings, Bind(8080)), Bind(8080))
    assert run.verbs == ["run hello-dock-prod"]


ADDRESS = (("127.0.0.1", 8080, 80),)


@pytest.mark.parametrize("health", ["healthy", ""])
def test_a_container_serves_when_it_is_healthy_and_answers(settings: Settings, web: Web, health: str) -> None:
    """Its address comes back; without a health check the answer alone counts."""
    web.serve()
    engine = FakeEngine(ours("prod", health=health, addresses=ADDRESS))
    assert containers.await_serving(engine, settings, "prod") == "http://127.0.0.1:8080"
    assert web.asked == ["http://127.0.0.1:8080/"]


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
    engine = FakeEngine(ours("prod", addresses=ADDRESS, **turned))
    engine.logged["hello-dock-prod"] = 'nginx: [emerg] unknown directive "lisen"'
    with pytest.raises(StartError) as caught:
        containers.await_serving(engine, settings, "prod")
    assert caught.value.what == f"Container hello-dock-prod {what}."
    assert caught.value.evidence == 'nginx: [emerg] unknown directive "lisen"'


def test_a_container_that_went_away_is_told(settings: Settings) -> None:
    """Somebody else may have removed it."""
    with pytest.raises(StartError, match=r"Container hello-dock-prod is gone\."):
        containers.await_serving(FakeEngine(), settings, "prod")


@pytest.mark.parametrize(
    ("given", "status", "last"),
    [
        ({"health": "starting", "addresses": ADDRESS}, 200, "http://127.0.0.1:8080/ answers 200; health: starting"),
        ({"health": "healthy", "addresses": ADDRESS}, 503, "http://127.0.0.1:8080/ answers 503; health: healthy"),
        ({"addresses": ADDRESS}, 404, "http://127.0.0.1:8080/ answers 404; health: no check"),
        ({"state": "created"}, 200, "no port yet; health: no check"),
    ],
)
def test_a_timeout_states_the_limit_the_last_status_and_the_log(
    settings: Settings, web: Web, given: dict[str, Any], status: int, last: str
) -> None:
    """Whoever waited in vain sees for what, and how to wait longer."""
    web.serve(status)
    engine = FakeEngine(ours("prod", **given))
    engine.logged["hello-dock-prod"] = "ready in 61 s"
    impatient = replace(settings, wait=Wait(ready=0))
    with pytest.raises(StartError) as caught:
        containers.await_serving(engine, impatient, "prod")
    assert caught.value.what == f"Container hello-dock-prod does not serve within 0 s ({last})."
    assert caught.value.evidence == "ready in 61 s"
    assert "INVOKE_WAIT_READY=" in caught.value.how


def test_the_way_out_proposes_twice_the_time(settings: Settings) -> None:
    """The way out can be typed as it is."""
    with pytest.raises(StartError, match="INVOKE_WAIT_READY=120"):
        containers.await_serving(FakeEngine(), settings, "prod")
