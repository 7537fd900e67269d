from __future__ import annotations

import os
import re
import shlex
import socket
from pathlib import Path

import pytest

from benchmarks.network import free_port
from benchmarks.visitors import Visitors
from tests.support.commands import docker, run_command, shown_commands
from tests.support.long_forms import long
from tests.support.project import RUN_STAGED, ProjectFactory, ProjectUnderTest

EDIT_SITE = "USER root\nRUN sed -i '{}' /etc/nginx/serving/site.conf\nUSER 101:101"
OTHER_RELEASE = "LABEL release=other"


def kernel_status(project: ProjectUnderTest) -> dict[str, str]:
    """Return what the kernel says of the container's first process, from /proc/1/status, by field."""
    status = project.engine.exec(f"{project.name}-prod", ["cat", "/proc/1/status"])
    return dict(line.split(":\t", 1) for line in status.output.splitlines() if ":\t" in line)


def test_run_prod_returns_when_the_release_serves(project: ProjectUnderTest) -> None:
    """run-prod builds, starts, and returns when the printed address answers 200 from a healthy container."""
    output = project.succeeds("run-prod")
    container = project.container()
    assert re.search(rf"Serving: {container.url}$", output, re.MULTILINE)
    assert re.search(rf"{project.image}: [\d.]+ MB, [\d.]+ kB over its base image", output)
    assert container.health == "healthy"
    page = project.get()
    assert page.status_code == 200
    assert "text/html" in page.headers["content-type"]


def test_release_is_hardened_as_docker_sees_it(shared_running_project: ProjectUnderTest) -> None:
    """The release is read-only, without capabilities, with limits, without a port of its own, and it restarts."""
    config = shared_running_project.inspect()
    host_config = config["HostConfig"]
    assert host_config["ReadonlyRootfs"] is True
    assert host_config["CapDrop"] == ["ALL"]
    assert host_config["CapAdd"] is None
    assert host_config["SecurityOpt"] == ["no-new-privileges"]
    assert host_config["Privileged"] is False
    assert host_config["Memory"] == host_config["MemorySwap"] == 64 * 1024**2
    assert host_config["PidsLimit"] == 64
    assert host_config["RestartPolicy"]["Name"] == "unless-stopped"
    assert host_config["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}
    assert host_config["PortBindings"] == {}
    mounts = [(mount["Destination"], mount["Type"], mount["RW"]) for mount in config["Mounts"]]
    assert mounts == [("/srv/carried", "volume", False)]


def test_port_holder_is_hardened_and_publishes_on_the_loopback_only(shared_running_project: ProjectUnderTest) -> None:
    """The port holder has no rights and publishes on 127.0.0.1. Waiting connections move to the next release."""
    config = shared_running_project.inspect("prod-port")
    host_config = config["HostConfig"]
    assert [binding["HostIp"] for bindings in host_config["PortBindings"].values() for binding in bindings] == [
        "127.0.0.1"
    ]
    assert (host_config["ReadonlyRootfs"], host_config["CapDrop"], host_config["SecurityOpt"]) == (
        True,
        ["ALL"],
        ["no-new-privileges"],
    )
    assert host_config["RestartPolicy"]["Name"] == "unless-stopped"
    assert host_config["Sysctls"]["net.ipv4.tcp_migrate_req"] == "1"
    assert config["Config"]["User"] == "101:101"
    assert shared_running_project.process_uids("prod-port") == {"101"}


def test_release_is_hardened_as_the_kernel_sees_it(shared_running_project: ProjectUnderTest) -> None:
    """In the container nginx is uid 101 without capabilities, and can write to /tmp only."""
    status = kernel_status(shared_running_project)
    assert set(status["Uid"].split()) == {"101"}
    assert {name: int(status[name], 16) for name in status if name.startswith("Cap")} == dict.fromkeys(
        ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), 0
    )
    assert status["NoNewPrivs"] == "1"

    def inside(*args: str) -> str:
        return shared_running_project.engine.exec(f"{shared_running_project.name}-prod", list(args)).output

    mounts = {line.split()[1]: line.split()[3].split(",") for line in inside("cat", "/proc/1/mounts").splitlines()}
    assert "ro" in mounts["/"]
    assert {"rw", "nosuid", "nodev", "noexec"} <= set(mounts["/tmp"])  # noqa: S108 - the container's own
    assert "Read-only file system" in inside("touch", "/srv/site/index.html")
    assert not inside("touch", "/tmp/written")  # noqa: S108 - the container's own
    assert shared_running_project.process_uids("prod") == {"101"}


def test_unchanged_release_keeps_serving(shared_running_project: ProjectUnderTest) -> None:
    """A second run-prod without changes says so, and keeps the container."""
    shared_running_project.succeeds(*RUN_STAGED)
    before = shared_running_project.container()
    output = shared_running_project.succeeds(*RUN_STAGED)
    assert f"Serving already: {before.url}" in output
    assert (shared_running_project.container().id, shared_running_project.container().started) == (
        before.id,
        before.started,
    )


def test_forced_replacement_undoes_what_somebody_changed(shared_running_project: ProjectUnderTest) -> None:
    """verify finds another restart policy and names the command, which puts it right without losing a request."""
    name = f"{shared_running_project.name}-prod"
    docker("container", "update", "--restart", "no", name)
    check = ("verify", "--only=container.options")
    assert "run-prod --force-recreate" in shared_running_project.fails(*check)
    with Visitors(shared_running_project.container().url) as visitors:
        shared_running_project.succeeds(*RUN_STAGED, "--force-recreate")
    assert visitors.failures == []
    assert "1 passed" in shared_running_project.succeeds(*check)


@pytest.mark.long  # test_swap.py replaces releases
def test_changed_app_replaces_the_release(new_project: ProjectFactory, app: Path) -> None:
    """After an edit, run-prod serves the new page, and only one release is left."""
    project = new_project(APP_DIR=str(app))
    project.succeeds("run-prod")
    before = project.container()
    page = app / "index.html"
    page.write_text(page.read_text().replace("<title>hello-dock</title>", "<title>second release</title>"))
    output = project.succeeds("run-prod")
    assert "Serving: " in output
    assert "<title>second release</title>" in project.get().text
    assert project.container().id != before.id
    project.assert_one_release_serves()


@pytest.mark.long  # test_recovery.py stops a release, too
def test_run_prod_replaces_a_stopped_release(shared_running_project: ProjectUnderTest) -> None:
    """run-prod replaces a container that was stopped by hand by one that serves."""
    docker("container", "stop", f"{shared_running_project.name}-prod")
    shared_running_project.succeeds(*RUN_STAGED)
    assert shared_running_project.get().status_code == 200
    shared_running_project.assert_one_release_serves()


def test_public_publishes_on_every_address_and_says_so(shared_running_project: ProjectUnderTest) -> None:
    """--public publishes on every address and says who can reach it. Without it, run-prod goes back to the loopback."""
    output = shared_running_project.succeeds(*RUN_STAGED, "--public")
    assert "everyone who reaches this machine" in output
    bind = shared_running_project.container().public_bind
    assert bind.startswith("0.0.0.0:")
    assert f"(every address of this machine: {bind})\n" in output
    assert f" {bind} " in shared_running_project.succeeds("status")
    headline = shared_running_project.succeeds("verify", "--only", "http.head").splitlines()[0]
    assert headline.endswith(f"(every address of this machine: {bind})")
    assert {published.host_ip for published in shared_running_project.container().published} == {"0.0.0.0"}  # noqa: S104 - what is asserted
    assert shared_running_project.get().status_code == 200
    assert "only this machine reaches the app from now on" in shared_running_project.succeeds(*RUN_STAGED)
    assert {published.host_ip for published in shared_running_project.container().published} == {"127.0.0.1"}


@pytest.mark.parametrize(
    ("fault", "failure", "log"),
    [
        ("USER root\nRUN echo 'nonsense on;' >>/etc/nginx/nginx.conf\nUSER 101:101", "stopped with exit code 1",
         'unknown directive "nonsense"'),
        # test_swap_faults.py has the kinds of these with visitors.
        long('ENTRYPOINT []\nCMD ["sh", "-c", "echo cannot find the harbour >&2; exit 3"]', "stopped with exit code 3",
             "cannot find the harbour"),
        long(EDIT_SITE.format("/healthz {/a return 503;"), "does not serve within 3 s", "health: starting"),
        long(EDIT_SITE.format("s|location / {|&return 500;|"), "does not serve within 3 s", '"GET / HTTP/1.1" 500'),
    ],
    ids=["configuration", "crash", "never-healthy", "answers-500"],
)  # fmt: skip
def test_broken_release_never_gets_traffic(
    shared_running_project: ProjectUnderTest, built_project: ProjectUnderTest, fault: str, failure: str, log: str
) -> None:
    """A release that does not pass the gate leaves the one that serves as it is. The message has its log."""
    before = shared_running_project.container()
    shared_running_project.stage(built_project.image, fault)
    output = shared_running_project.fails(*RUN_STAGED, INVOKE_PROD_DEPLOY_TIMEOUT="3")
    assert f"{shared_running_project.name}-prod-candidate {failure}" in output
    assert f"{shared_running_project.name}-prod keeps serving." in output
    assert log in output
    after = shared_running_project.container()
    assert (after.id, after.started) == (before.id, before.started)
    assert shared_running_project.get().status_code == 200
    shared_running_project.assert_one_release_serves()


def test_broken_first_release_is_removed_and_its_log_shown(
    project: ProjectUnderTest, built_project: ProjectUnderTest
) -> None:
    """Where nothing served before, run-prod shows the log of a broken release and removes it."""
    project.stage(built_project.image, 'ENTRYPOINT []\nCMD ["sh", "-c", "echo cannot find the harbour >&2; exit 3"]')
    assert "cannot find the harbour" in project.fails(*RUN_STAGED)
    assert project.container_names() == []


def test_move_to_a_taken_port_keeps_the_release_as_it_is(
    shared_running_project: ProjectUnderTest, built_project: ProjectUnderTest, unrelated_container: str
) -> None:
    """run-prod names the container that holds the chosen port, and does not touch the release that serves."""
    before = shared_running_project.container()
    container = shared_running_project.engine.container(unrelated_container)
    assert container is not None
    shared_running_project.stage(built_project.image, OTHER_RELEASE)
    output = shared_running_project.fails(*RUN_STAGED, INVOKE_PROD_HOST_PORT=str(container.published[0].host_port))
    assert f"is in use by container {unrelated_container}" in output
    assert shared_running_project.container().started == before.started
    assert shared_running_project.get().status_code == 200
    shared_running_project.assert_one_release_serves()


@pytest.mark.long  # the test before has a taken port
def test_port_of_another_container_is_named_with_a_free_choice(
    staged_project: ProjectUnderTest, unrelated_container: str
) -> None:
    """run-prod names the container that holds the port and the setting for another port. It starts nothing."""
    container = staged_project.engine.container(unrelated_container)
    assert container is not None
    port = container.published[0].host_port
    output = staged_project.fails(*RUN_STAGED, INVOKE_PROD_HOST_PORT=str(port))
    assert f"Port {port} on 127.0.0.1 is in use by container {unrelated_container} ({unrelated_container})." in output
    assert f"INVOKE_PROD_HOST_PORT={port + 1} invoke run-prod" in output
    assert staged_project.container_names() == []


def test_port_of_a_process_is_named_with_its_number(staged_project: ProjectUnderTest) -> None:
    """run-prod names the process that holds the port by number and name. It starts nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        output = staged_project.fails(*RUN_STAGED, INVOKE_PROD_HOST_PORT=str(port))
    assert f"Port {port} on 127.0.0.1 is in use by process {os.getpid()} (" in output
    assert staged_project.container_names() == []


def test_host_port_setting_decides_where_the_release_is_published(staged_project: ProjectUnderTest) -> None:
    """INVOKE_PROD_HOST_PORT is the port that run-prod prints and publishes."""
    port = free_port()
    assert f"Serving: http://127.0.0.1:{port}" in staged_project.succeeds(*RUN_STAGED, INVOKE_PROD_HOST_PORT=str(port))


def test_container_name_of_an_unrelated_container_is_refused(
    staged_project: ProjectUnderTest, unrelated_container: str
) -> None:
    """run-prod does not touch a container that has only our name, and says how to use another name."""
    docker("container", "rename", unrelated_container, f"{staged_project.name}-prod")
    try:
        before = staged_project.container()
        output = staged_project.fails(*RUN_STAGED)
        assert f"The container name {staged_project.name}-prod is taken" in output
        assert "INVOKE_APP_NAME=" in output
        after = staged_project.container()
        assert (after.id, after.state, after.started) == (before.id, "running", before.started)
    finally:
        docker("container", "rename", f"{staged_project.name}-prod", unrelated_container)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("INVOKE_PROD_HOST_PORT", "abc", "prod.host_port is 'abc', but must be a port number"),
        long("INVOKE_PROD_HOST_PORT", "99999", "prod.host_port is '99999', but must be a port number"),
        long("INVOKE_PROD_MEMORY", "lots", "prod.memory is 'lots', but must be a size such as 64m"),
        ("INVOKE_PROD_PORT", "8081", "INVOKE_PROD_PORT in the environment is not a setting"),
        long("INVOKE_BASES_SOURCE", "nowhere", "bases.source is 'nowhere', but must be auto, registry or standin"),
    ],
)
def test_unusable_setting_ends_the_task_before_docker_runs(
    built_project: ProjectUnderTest, name: str, value: str, message: str
) -> None:
    """A value that cannot be used, or an unknown setting, ends the task before any docker command."""
    output = built_project.fails(*RUN_STAGED, **{name: value})
    assert message in output
    assert shown_commands(output) == []


def test_no_build_without_an_image_names_the_task_that_builds_one(project: ProjectUnderTest) -> None:
    """`run-prod --no-build` without an image says to run `invoke build-prod`."""
    assert "Build it: invoke build-prod" in project.fails(*RUN_STAGED)


def test_volume_of_others_is_not_used(staged_project: ProjectUnderTest) -> None:
    """run-prod refuses a volume that has our name and that we did not make. It starts nothing."""
    docker("volume", "create", f"{staged_project.name}-carried")
    try:
        output = staged_project.fails(*RUN_STAGED)
        assert f"hello-dock did not create the volume {staged_project.name}-carried." in output
        assert staged_project.container_names() == []
    finally:
        docker("volume", "rm", f"{staged_project.name}-carried")


# A reader that ends, and no output at all.
@pytest.mark.parametrize("output", [long("| head -n 3"), "2>&1 | head -n 2", long("2>&1 >/dev/full"), ">&- 2>&-"])
def test_lost_output_does_not_stop_a_swap(
    shared_running_project: ProjectUnderTest, built_project: ProjectUnderTest, output: str
) -> None:
    """With `invoke run-prod 2>&1 | head -2` the swap is completed, and only the new release is left."""
    image_id = shared_running_project.stage(built_project.image, f"LABEL release='{output}'")
    line = f"{shlex.join(shared_running_project.command(*RUN_STAGED))} {output}"
    with Visitors(shared_running_project.container().url) as visitors:
        result = run_command(["sh", "-c", line], shared_running_project.checkout, shared_running_project.environ)
    assert "Traceback" not in result.output
    assert visitors.failures == []
    assert shared_running_project.container().image_id == image_id
    shared_running_project.assert_one_release_serves()


@pytest.mark.long  # test_package.py calls a task in a folder of the app
def test_build_prod_works_from_a_subfolder(project: ProjectUnderTest) -> None:
    """A build finds the files of the checkout when it is called from a folder in it."""
    folder = project.checkout / "docs"
    result = run_command(project.command("build-prod"), folder, project.environ)
    assert result.ok, result.output
    assert project.engine.image(project.image) is not None
