from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from benchmarks.network import free_port
from docktasks.engine.client import DockerEngine
from docktasks.labels import SHARED
from docktasks.waiting import Probe, wait_until
from tests.support.checkouts import OTHER_OWNER, chown_tree, copy_checkout
from tests.support.commands import docker
from tests.support.long_forms import long
from tests.support.project import ProjectFactory, ProjectUnderTest
from tests.support.running_task import DEV_READY, StartTask


@pytest.fixture(scope="module")
def own_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout for this module, because dev puts an empty node_modules into it."""
    return copy_checkout(tmp_path_factory.mktemp("dev") / "checkout")


@pytest.fixture(scope="module")
def shared_project(engine: DockerEngine, own_checkout: Path) -> Iterator[ProjectUnderTest]:
    """One project for the module, so that its image is built and node_modules is copied once."""
    project = ProjectUnderTest(engine, own_checkout)
    yield project
    project.end()


@pytest.fixture
def stopped_project(shared_project: ProjectUnderTest) -> ProjectUnderTest:
    """A project whose dev container does not run."""
    if shared_project.container_names():
        shared_project.succeeds("stop")
    return shared_project


@pytest.fixture
def dev_project(shared_project: ProjectUnderTest) -> ProjectUnderTest:
    """A project whose dev container serves."""
    if not shared_project.container_names():
        shared_project.succeeds("dev", "--detach")
    return shared_project


@pytest.fixture
def broken_configuration(own_checkout: Path) -> Iterator[Path]:
    """A vite.config.js with a syntax error."""
    config = own_checkout / "hello-dock/vite.config.js"
    before = config.read_text()
    config.write_text(before + "\nexport default {{ broken\n")
    yield config
    config.write_text(before)


def owners(folder: Path) -> dict[str, tuple[int, int]]:
    """Return uid and gid of each file in a folder."""
    stats = {str(path.relative_to(folder)): path.lstat() for path in [folder, *folder.rglob("*")]}
    return {name: (stat.st_uid, stat.st_gid) for name, stat in stats.items()}


def wait_for_text(project: ProjectUnderTest, path: str, text: str) -> None:
    """Fetch a module until it has a text."""

    def look() -> Probe:
        served = project.get(path, "dev").text
        return Probe(text in served, served[:200])

    probe = wait_until(look, limit=60)
    assert probe.ready, probe.status


def test_dev_serves_an_edit_without_a_restart(dev_project: ProjectUnderTest) -> None:
    """`dev --detach` returns when the address answers 200. It serves an edit without a restart."""
    container = dev_project.container("dev")
    assert dev_project.get(role="dev").status_code == 200
    source = dev_project.checkout / "hello-dock/src/copy.js"
    before = source.read_text()
    served = dev_project.get("/src/copy.js", "dev").text
    assert "harbour-5f2c" not in served
    try:
        source.write_text(before + "\nexport const tide = 'harbour-5f2c'\n")
        wait_for_text(dev_project, "/src/copy.js", "harbour-5f2c")
    finally:
        source.write_text(before)
    assert dev_project.container("dev").started == container.started


def test_dev_container_is_hardened_and_published_on_the_loopback_only(dev_project: ProjectUnderTest) -> None:
    """The dev container is published on 127.0.0.1 only, and has no capabilities."""
    container = dev_project.container("dev")
    assert {published.host_ip for published in container.published} == {"127.0.0.1"}
    host = dev_project.inspect("dev")["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]


def test_second_dev_names_the_address_of_the_first(dev_project: ProjectUnderTest) -> None:
    """A second dev is an error that names the address of the first, and does not touch it."""
    before = dev_project.container("dev")
    output = dev_project.fails("dev")
    assert f"The dev container is already running: {before.url}" in output
    assert "invoke stop --role=dev" in output
    assert dev_project.container("dev").started == before.started


# One handler takes all three. SIGTERM is in the next test, and test_tools.py closes a terminal.
@pytest.mark.parametrize("number", [signal.SIGINT, long(signal.SIGTERM), long(signal.SIGHUP)])
def test_signal_ends_dev_and_removes_its_container(
    stopped_project: ProjectUnderTest, start_task: StartTask, number: signal.Signals
) -> None:
    """Ctrl-C, SIGTERM and a closed terminal end dev at once, and its container is removed."""
    task = start_task(stopped_project, "dev")
    task.wait_for(DEV_READY)
    assert stopped_project.get(role="dev").status_code == 200
    start = time.monotonic()
    task.signal(number)
    code = task.wait_for_exit(9)  # a server that ignores the signal ends after 10 s; the time is printed
    print(f"{number.name}: ended with {code} after {time.monotonic() - start:.2f} s")
    assert stopped_project.container_names() == []
    assert "Traceback" not in task.output
    assert code == 0


@pytest.mark.parametrize("number", [long(signal.SIGINT), signal.SIGTERM])
@pytest.mark.parametrize("role", [long("dev"), "dev-install"])
def test_signal_during_the_start_of_dev_leaves_no_container(
    stopped_project: ProjectUnderTest, start_task: StartTask, number: signal.Signals, role: str
) -> None:
    """Ended when its container has just been created, dev removes it, and a volume that is half filled."""
    if role == "dev-install":
        for volume in stopped_project.node_modules_volumes():
            docker("volume", "rm", volume)
    task = start_task(stopped_project, "dev")
    name = f"{stopped_project.name}-{role}"
    probe = wait_until(lambda: Probe(bool(stopped_project.engine.container(name))), limit=60, interval=0.002)
    assert probe.ready
    task.signal(number)
    task.wait_for_exit(60)
    assert stopped_project.container_names() == []
    assert len(stopped_project.node_modules_volumes()) == (role == "dev")


@pytest.mark.long
def test_stop_in_another_terminal_ends_dev(stopped_project: ProjectUnderTest, start_task: StartTask) -> None:
    """`invoke stop` ends a dev in the foreground, which reports no error."""
    task = start_task(stopped_project, "dev")
    task.wait_for(DEV_READY)
    stopped_project.succeeds("stop")
    assert task.wait_for_exit(60) == 0, task.output
    assert stopped_project.container_names() == []


def test_broken_vite_configuration_ends_dev_with_vites_message(
    stopped_project: ProjectUnderTest, broken_configuration: Path
) -> None:
    """A syntax error in vite.config ends dev with Vite's own message, and no container is left."""
    output = stopped_project.fails("dev", INVOKE_DEV_DEPLOY_TIMEOUT="15")
    assert broken_configuration.name in output
    assert re.search(r"exit code 1", output)
    assert stopped_project.container_names() == []


def test_taken_dev_port_is_named_with_a_free_choice(
    stopped_project: ProjectUnderTest, unrelated_container: str
) -> None:
    """dev names the container that holds the port and the setting for another port. It leaves no container."""
    container = stopped_project.engine.container(unrelated_container)
    assert container is not None
    port = container.published[0].host_port
    output = stopped_project.fails("dev", INVOKE_DEV_HOST_PORT=str(port))
    assert f"Port {port} on 127.0.0.1 is in use by container {unrelated_container}" in output
    assert f"INVOKE_DEV_HOST_PORT={port + 1} invoke dev" in output
    assert stopped_project.container_names() == []


@pytest.mark.long
def test_dev_port_of_another_project_is_named_with_its_folder(
    dev_project: ProjectUnderTest, new_project: ProjectFactory
) -> None:
    """dev names the folder of the project that holds the port. --port chooses another port for one call."""
    other = new_project()
    port = dev_project.container("dev").published[0].host_port
    output = other.fails("dev", "--detach", f"--port={port}")
    holder = f"container {dev_project.name}-dev ({dev_project.name}:dev, of {dev_project.checkout}/hello-dock)"
    assert f"Port {port} on 127.0.0.1 is in use by {holder}" in output
    assert other.container_names() == []
    free = free_port()
    assert f"http://127.0.0.1:{free}\n" in other.succeeds("dev", "--detach", f"--port={free}")
    assert other.get(role="dev").status_code == dev_project.get(role="dev").status_code == 200
    assert "dev.host_port is 'x'" in other.fails("dev", "--port=x")


def test_dev_runs_next_to_production_and_another_checkout(
    new_project: ProjectFactory, built_project: ProjectUnderTest, dev_project: ProjectUnderTest
) -> None:
    """dev and run-prod of one project and the dev of another checkout serve at the same time."""
    project = new_project()
    project.stage(built_project.image)
    project.succeeds("run-prod", "--no-build")
    project.succeeds("dev", "--detach")
    urls = {project.container("dev").url, project.container().url, dev_project.container("dev").url}
    assert len(urls) == 3
    assert {httpx.get(url, timeout=30, trust_env=False).status_code for url in urls} == {200}
    project.succeeds("stop", "--role=dev")
    assert project.get().status_code == dev_project.get(role="dev").status_code == 200


@pytest.mark.long
def test_dev_keeps_the_volume_of_production(new_project: ProjectFactory, built_project: ProjectUnderTest) -> None:
    """dev removes old volumes of its own, and keeps the volume of production's assets."""
    project = new_project()
    project.stage(built_project.image)
    project.succeeds("run-prod", "--no-build")
    project.succeeds("stop")
    project.succeeds("dev", "--detach")
    assert f"{project.name}-carried" in project.engine.volumes(project.name)


def test_dev_serves_an_edit_made_while_it_was_stopped(dev_project: ProjectUnderTest) -> None:
    """dev keeps nothing of the source from one run to the next."""
    source = dev_project.checkout / "hello-dock/src/copy.js"
    before = source.read_text()
    dev_project.succeeds("stop")
    try:
        source.write_text(before + "\nexport const tide = 'slack-5f2c'\n")
        dev_project.succeeds("dev", "--detach")
        assert "slack-5f2c" in dev_project.get("/src/copy.js", "dev").text
    finally:
        source.write_text(before)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")
@pytest.mark.long
def test_files_keep_the_owner_of_the_checkout(new_project: ProjectFactory, tmp_path: Path) -> None:
    """In a checkout of uid 4711 the container runs as 4711, and all files belong to 4711 afterwards."""
    checkout = chown_tree(copy_checkout(tmp_path / "checkout"))
    project = new_project(checkout)
    project.succeeds("dev", "--detach")
    assert project.process_uids("dev") == {str(OTHER_OWNER[0])}
    wait_for_text(project, "/src/main.js", "createApp")
    docker("container", "exec", f"{project.name}-dev", "sh", "-c", "echo new >new.txt")
    project.succeeds("stop")
    files = owners(checkout / "hello-dock")
    assert files["new.txt"] == OTHER_OWNER
    assert {name: owner for name, owner in files.items() if owner != OTHER_OWNER} == {}


def test_files_stay_those_of_this_user(dev_project: ProjectUnderTest) -> None:
    """A run of dev changes no owner in the checkout."""
    dev_project.succeeds("stop")
    assert set(owners(dev_project.checkout / "hello-dock").values()) == {(os.geteuid(), os.getegid())}


def test_node_modules_is_in_a_volume_that_the_next_run_uses_again(
    dev_project: ProjectUnderTest, engine: DockerEngine
) -> None:
    """node_modules is not in the checkout but in the project's only volume, which a second dev uses again."""
    volumes = engine.volumes(dev_project.name)
    assert dev_project.node_modules_volumes() == volumes
    assert len(volumes) == 1
    assert f"hello-dock-shared-downloads-{os.geteuid()}" in engine.volumes(SHARED)
    assert list((dev_project.checkout / "hello-dock/node_modules").iterdir()) == []
    dev_project.succeeds("stop")
    dev_project.succeeds("dev", "--detach")
    assert engine.volumes(dev_project.name) == volumes


def test_volume_changes_only_with_what_an_installation_reads(dev_project: ProjectUnderTest) -> None:
    """The image has no packages, and stays. A changed .npmrc gives another volume."""
    configuration = dev_project.checkout / "hello-dock/.npmrc"
    image_id, volumes = dev_project.container("dev").image_id, dev_project.node_modules_volumes()
    dev_project.succeeds("stop")
    dev_project.succeeds("dev", "--detach")
    assert dev_project.node_modules_volumes() == volumes
    dev_project.succeeds("stop")
    configuration.write_text("fund=false\n")
    try:
        dev_project.succeeds("dev", "--detach")
    finally:
        configuration.unlink()
    assert dev_project.node_modules_volumes() != volumes
    assert dev_project.container("dev").image_id == image_id
    assert dev_project.engine.exec(f"{dev_project.name}-dev", ["npm", "--version"]).ok


def test_address_takes_the_websocket_of_hot_reload(dev_project: ProjectUnderTest) -> None:
    """The address takes the WebSocket over which Vite reports changes."""
    upgrade = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "aGVsbG8tZG9jay0xMjM0NQ==", "Sec-WebSocket-Protocol": "vite-hmr",
    }  # fmt: skip
    client = dev_project.get("/@vite/client", "dev").text
    token = re.search(r'wsToken = "([^"]+)"', client)
    path = f"/?token={token.group(1)}" if token else "/"
    with httpx.stream("GET", dev_project.container("dev").url + path, headers=upgrade, trust_env=False) as response:
        assert response.status_code == 101
