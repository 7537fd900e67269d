from __future__ import annotations

import os
import re
import shlex
import socket
from pathlib import Path

import pytest

from tests.conftest import NewProject
from tests.engine.support import Project, command, docker, free_port, users
from tests.engine.visitors import Visitors

RUN = ("run-prod", "--no-build")
EDIT_SITE = "USER root\nRUN sed -i '{}' /etc/nginx/serving/site.conf\nUSER 101:101"
OTHER = "LABEL release=other"


def status_of_process_1(project: Project) -> dict[str, str]:
    """What the kernel says of the container's first process."""
    read = project.engine.exec(f"{project.name}-prod", ["cat", "/proc/1/status"])
    return dict(line.split(":\t", 1) for line in read.output.splitlines() if ":\t" in line)


def test_builds_and_serves(project: Project) -> None:
    """run-prod builds, starts, and returns when the printed address answers 200 from a healthy container."""
    output = project.does("run-prod")
    container = project.container()
    assert re.search(rf"Serving: {container.url}$", output, re.MULTILINE)
    assert re.search(rf"{project.image}: [\d.]+ MB, [\d.]+ kB over its base image", output)
    assert container.health == "healthy"
    page = project.page()
    assert page.status_code == 200
    assert "text/html" in page.headers["content-type"]


def test_hardening_as_docker_sees_it(standing: Project) -> None:
    """Read-only, no capability and none to gain, with limits, on the loopback alone, back after a restart."""
    config = standing.inspect()
    host = config["HostConfig"]
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert host["CapAdd"] is None
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["Privileged"] is False
    assert host["Memory"] == host["MemorySwap"] == 64 * 1024**2
    assert host["PidsLimit"] == 64
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}
    assert host["PortBindings"] == {}
    mounts = [(mount["Destination"], mount["Type"], mount["RW"]) for mount in config["Mounts"]]
    assert mounts == [("/srv/carried", "volume", False)]


def test_port_holder_as_docker_sees_it(standing: Project) -> None:
    """It publishes on the loopback alone, can do nothing else, and connections in a closing queue move on."""
    config = standing.inspect("prod-port")
    host = config["HostConfig"]
    assert [binding["HostIp"] for bound in host["PortBindings"].values() for binding in bound] == ["127.0.0.1"]
    assert (host["ReadonlyRootfs"], host["CapDrop"], host["SecurityOpt"]) == (True, ["ALL"], ["no-new-privileges"])
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["Sysctls"]["net.ipv4.tcp_migrate_req"] == "1"
    assert config["Config"]["User"] == "101:101"
    assert set(users(standing, "prod-port")) == {"101"}


def test_hardening_as_the_kernel_sees_it(standing: Project) -> None:
    """Inside, nginx is uid 101 without any capability, and can write to /tmp alone."""
    status = status_of_process_1(standing)
    assert set(status["Uid"].split()) == {"101"}
    assert {name: int(status[name], 16) for name in status if name.startswith("Cap")} == dict.fromkeys(
        ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), 0
    )
    assert status["NoNewPrivs"] == "1"

    def inside(*args: str) -> str:
        return standing.engine.exec(f"{standing.name}-prod", list(args)).output

    mounts = {line.split()[1]: line.split()[3].split(",") for line in inside("cat", "/proc/1/mounts").splitlines()}
    assert "ro" in mounts["/"]
    assert {"rw", "nosuid", "nodev", "noexec"} <= set(mounts["/tmp"])  # noqa: S108 - the container's own
    assert "Read-only file system" in inside("touch", "/srv/site/index.html")
    assert not inside("touch", "/tmp/written")  # noqa: S108 - as above
    assert set(users(standing, "prod")) == {"101"}


def test_unchanged_release_serves_on(standing: Project) -> None:
    """A second run with nothing changed says so, and keeps the container."""
    standing.does(*RUN)
    before = standing.container()
    output = standing.does(*RUN)
    assert f"Serving already: {before.url}" in output
    assert (standing.container().id, standing.container().started) == (before.id, before.started)


def test_changed_app_replaces_the_release(new_project: NewProject, app: Path) -> None:
    """After an edit run-prod serves the new page, and one container is left."""
    project = new_project(APP_DIR=str(app))
    project.does("run-prod")
    before = project.container()
    page = app / "index.html"
    page.write_text(page.read_text().replace("<title>hello-dock</title>", "<title>second release</title>"))
    output = project.does("run-prod")
    assert "Serving: " in output
    assert "<title>second release</title>" in project.page().text
    assert project.container().id != before.id
    project.is_tidy()


def test_stopped_release_is_started_again(standing: Project) -> None:
    """A container that somebody stopped by hand is replaced by one that serves."""
    docker("container", "stop", f"{standing.name}-prod")
    standing.does(*RUN)
    assert standing.page().status_code == 200
    standing.is_tidy()


def test_public_is_a_choice_and_said(standing: Project) -> None:
    """--public publishes on every address and says who can reach it; without it again, the loopback alone."""
    assert "everyone who reaches this machine" in standing.does(*RUN, "--public")
    assert {published.host_ip for published in standing.container().published} == {"0.0.0.0"}  # noqa: S104 - what is asserted
    assert standing.page().status_code == 200
    assert "everyone" not in standing.does(*RUN)
    assert {published.host_ip for published in standing.container().published} == {"127.0.0.1"}


@pytest.mark.parametrize(
    ("fault", "what", "log"),
    [
        ("USER root\nRUN echo 'nonsense on;' >>/etc/nginx/nginx.conf\nUSER 101:101", "stopped with exit code 1",
         'unknown directive "nonsense"'),
        ('ENTRYPOINT []\nCMD ["sh", "-c", "echo cannot find the harbour >&2; exit 3"]', "stopped with exit code 3",
         "cannot find the harbour"),
        (EDIT_SITE.format("/healthz {/a return 503;"), "does not serve within 3 s", "health: starting"),
        (EDIT_SITE.format("s|location / {|&return 500;|"), "does not serve within 3 s", '"GET / HTTP/1.1" 500'),
    ],
    ids=["configuration", "crash", "never-healthy", "answers-500"],
)  # fmt: skip
def test_broken_release_never_gets_the_traffic(
    standing: Project, good: Project, fault: str, what: str, log: str
) -> None:
    """A release that does not pass the gate leaves the one that serves alone; the message has its log."""
    before = standing.container()
    standing.stage(good.image, fault)
    output = standing.fails(*RUN, INVOKE_PROD_DEPLOY_TIMEOUT="3")
    assert f"{standing.name}-prod-candidate {what}" in output
    assert f"{standing.name}-prod keeps serving." in output
    assert log in output
    after = standing.container()
    assert (after.id, after.started) == (before.id, before.started)
    assert standing.page().status_code == 200
    standing.is_tidy()


def test_broken_first_release_is_told(project: Project, good: Project) -> None:
    """Where nothing served before, a broken release ends with its log, and is not left to go on crashing."""
    project.stage(good.image, 'ENTRYPOINT []\nCMD ["sh", "-c", "echo cannot find the harbour >&2; exit 3"]')
    assert "cannot find the harbour" in project.fails(*RUN)
    assert project.names() == []


def test_move_to_a_taken_port_is_told_first(standing: Project, good: Project, unrelated_container: str) -> None:
    """When the port that is wanted belongs to somebody else, nothing happens to what serves."""
    before = standing.container()
    taken = standing.engine.container(unrelated_container)
    assert taken is not None
    standing.stage(good.image, OTHER)
    output = standing.fails(*RUN, INVOKE_PROD_HOST_PORT=str(taken.published[0].host_port))
    assert f"is in use by container {unrelated_container}" in output
    assert standing.container().started == before.started
    assert standing.page().status_code == 200
    standing.is_tidy()


def test_port_taken_by_a_container(staged: Project, unrelated_container: str) -> None:
    """The container that holds the port is named, with the setting that chooses another; nothing is left."""
    container = staged.engine.container(unrelated_container)
    assert container is not None
    port = container.published[0].host_port
    output = staged.fails(*RUN, INVOKE_PROD_HOST_PORT=str(port))
    assert f"Port {port} on 127.0.0.1 is in use by container {unrelated_container} ({unrelated_container})." in output
    assert f"INVOKE_PROD_HOST_PORT={port + 1} invoke run-prod" in output
    assert staged.names() == []


def test_port_taken_by_a_process(staged: Project) -> None:
    """A process that holds the port is named by number and name."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        output = staged.fails(*RUN, INVOKE_PROD_HOST_PORT=str(port))
    assert f"Port {port} on 127.0.0.1 is in use by process {os.getpid()} (" in output
    assert staged.names() == []


def test_chosen_port_is_used(staged: Project) -> None:
    """INVOKE_PROD_HOST_PORT says where the app is published."""
    port = free_port()
    assert f"Serving: http://127.0.0.1:{port}" in staged.does(*RUN, INVOKE_PROD_HOST_PORT=str(port))


def test_name_taken_by_a_foreign_container(staged: Project, unrelated_container: str) -> None:
    """A container of ours by name alone is left alone, and the way out is named."""
    docker("container", "rename", unrelated_container, f"{staged.name}-prod")
    try:
        before = staged.container()
        output = staged.fails(*RUN)
        assert f"The container name {staged.name}-prod is taken" in output
        assert "INVOKE_APP_NAME=" in output
        after = staged.container()
        assert (after.id, after.state, after.started) == (before.id, "running", before.started)
    finally:
        docker("container", "rename", f"{staged.name}-prod", unrelated_container)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("INVOKE_PROD_HOST_PORT", "abc", "prod.host_port is 'abc', but must be a port number"),
        ("INVOKE_PROD_HOST_PORT", "99999", "prod.host_port is '99999', but must be a port number"),
        ("INVOKE_PROD_MEMORY", "lots", "prod.memory is 'lots', but must be a size such as 64m"),
        ("INVOKE_PROD_PORT", "8081", "INVOKE_PROD_PORT in the environment is not a setting"),
        ("INVOKE_BASES_SOURCE", "nowhere", "bases.source is 'nowhere', but must be auto, registry or standin"),
    ],
)
def test_bad_setting_is_told_before_anything_happens(good: Project, name: str, value: str, told: str) -> None:
    """A value that cannot be used, or a name that is no setting, ends the task before docker is started."""
    output = good.fails(*RUN, **{name: value})
    assert told in output
    assert "$ docker" not in output


def test_no_image_to_run(project: Project) -> None:
    """--no-build without an image says which task builds one."""
    assert "Build it: invoke build-prod" in project.fails(*RUN)


def test_name_of_the_volume_taken(staged: Project) -> None:
    """A volume that we did not make is not used, nor emptied; nothing is started."""
    docker("volume", "create", f"{staged.name}-carried")
    try:
        output = staged.fails(*RUN)
        assert f"hello-dock did not create the volume {staged.name}-carried." in output
        assert staged.names() == []
    finally:
        docker("volume", "rm", f"{staged.name}-carried")


def test_a_reader_that_leaves_stops_nothing(standing: Project, good: Project) -> None:
    """`invoke run-prod | head -3`: the swap goes on to its end, and leaves nothing beside the new release."""
    wanted = standing.stage(good.image, "LABEL release=head")
    line = f"{shlex.join(standing.command(*RUN))} | head -n 3"
    with Visitors(standing.container().url) as visitors:
        done = command(["sh", "-c", line], standing.checkout, standing.environ)
    assert "Traceback" not in done.output
    assert visitors.failures == []
    assert standing.container().image_id == wanted
    standing.is_tidy()


def test_called_from_a_subfolder(project: Project) -> None:
    """A build finds its files there, too."""
    folder = project.checkout / "nginx"
    done = command(project.command("build-prod"), folder, project.environ)
    assert done.code == 0, done.output
    assert project.engine.image(project.image) is not None
