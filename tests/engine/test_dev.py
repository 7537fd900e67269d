from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from docktasks.engine.client import DockerEngine
from docktasks.waiting import Probe, wait_until
from tests.conftest import NewProject, Start
from tests.engine.apps import OWNER, copy_checkout, own
from tests.engine.support import Project, docker, free_port, users

READY = "Ctrl-C stops it."


@pytest.fixture(scope="module")
def own_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of this module's own: dev puts an empty node_modules into it."""
    return copy_checkout(tmp_path_factory.mktemp("dev") / "checkout")


@pytest.fixture(scope="module")
def shared(engine: DockerEngine, own_checkout: Path) -> Iterator[Project]:
    """One project for the module, so that the image is built and the modules are copied into a volume once."""
    project = Project(engine, own_checkout)
    yield project
    project.end()


@pytest.fixture
def dev(shared: Project) -> Project:
    """A project whose dev container does not run."""
    if shared.names():
        shared.does("stop")
    return shared


@pytest.fixture
def running(shared: Project) -> Project:
    """A project whose dev container serves."""
    if not shared.names():
        shared.does("dev", "--detach")
    return shared


@pytest.fixture
def broken_configuration(own_checkout: Path) -> Iterator[Path]:
    """A vite.config.js with a syntax error."""
    config = own_checkout / "hello-dock/vite.config.js"
    before = config.read_text()
    config.write_text(before + "\nexport default {{ broken\n")
    yield config
    config.write_text(before)


def owners(folder: Path) -> dict[str, tuple[int, int]]:
    """Who owns each file below a folder."""
    found = {str(path.relative_to(folder)): path.lstat() for path in [folder, *folder.rglob("*")]}
    return {name: (stat.st_uid, stat.st_gid) for name, stat in found.items()}


def wait_for_text(project: Project, path: str, text: str) -> None:
    """Fetch a module until it has a text."""

    def look() -> Probe:
        served = project.page(path, "dev").text
        return Probe(text in served, served[:200])

    looked = wait_until(look, limit=10)
    assert looked.ready, looked.status


def test_edit_is_served(running: Project) -> None:
    """dev --detach returns with an address that answers 200; an edit in the checkout is served without a restart."""
    container = running.container("dev")
    assert running.page(role="dev").status_code == 200
    source = running.checkout / "hello-dock/src/copy.js"
    before = source.read_text()
    served = running.page("/src/copy.js", "dev").text
    assert "harbour-5f2c" not in served
    try:
        source.write_text(before + "\nexport const tide = 'harbour-5f2c'\n")
        wait_for_text(running, "/src/copy.js", "harbour-5f2c")
    finally:
        source.write_text(before)
    assert running.container("dev").started == container.started


def test_published_on_the_loopback_without_capabilities(running: Project) -> None:
    """The dev container, too, is published on 127.0.0.1 alone, and has no capability."""
    container = running.container("dev")
    assert {published.host_ip for published in container.published} == {"127.0.0.1"}
    host = running.inspect("dev")["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]


def test_second_dev_says_where_the_first_is(running: Project) -> None:
    """dev while it runs already is an error that names the address, and leaves the first alone."""
    before = running.container("dev")
    output = running.fails("dev")
    assert f"The dev container is already running: {before.url}" in output
    assert "invoke stop --role=dev" in output
    assert running.container("dev").started == before.started


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_the_foreground(dev: Project, start: Start, number: signal.Signals) -> None:
    """Ctrl-C, a polite kill, and a closed terminal end dev at once, and its container is gone."""
    task = start(dev, "dev")
    task.until(READY)
    assert dev.page(role="dev").status_code == 200
    began = time.monotonic()
    task.signal(number)
    code = task.process.wait(5)  # a limit for a hang; what it takes is printed
    print(f"{number.name}: ended with {code} after {time.monotonic() - began:.2f} s")
    assert dev.names() == []
    assert "Traceback" not in task.output
    assert code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_while_it_comes_up_leaves_nothing(dev: Project, start: Start, number: signal.Signals) -> None:
    """Ended as soon as its container is there, also while node_modules is copied to its volume, dev leaves none."""
    task = start(dev, "dev")
    there = wait_until(lambda: Probe(bool(dev.engine.container(f"{dev.name}-dev"))), limit=60, interval=0.002)
    assert there.ready
    task.signal(number)
    task.process.wait(10)
    assert dev.names() == []


def test_stop_in_another_terminal_ends_the_foreground(dev: Project, start: Start) -> None:
    """`invoke stop` ends a dev in the foreground elsewhere, without an error there."""
    task = start(dev, "dev")
    task.until(READY)
    dev.does("stop")
    assert task.process.wait(10) == 0, task.output
    assert dev.names() == []


def test_broken_configuration_is_told(dev: Project, broken_configuration: Path) -> None:
    """A syntax error in vite.config ends dev with Vite's own message, and no container is left."""
    output = dev.fails("dev", INVOKE_DEV_DEPLOY_TIMEOUT="15")
    assert broken_configuration.name in output
    assert re.search(r"exit code 1", output)
    assert dev.names() == []


def test_port_taken(dev: Project, unrelated_container: str) -> None:
    """A taken port is named with who holds it and the setting that chooses another; no container is left."""
    container = dev.engine.container(unrelated_container)
    assert container is not None
    port = container.published[0].host_port
    output = dev.fails("dev", INVOKE_DEV_HOST_PORT=str(port))
    assert f"Port {port} on 127.0.0.1 is in use by container {unrelated_container}" in output
    assert f"INVOKE_DEV_HOST_PORT={port + 1} invoke dev" in output
    assert dev.names() == []


def test_another_projects_port(running: Project, new_project: NewProject) -> None:
    """Who holds the port is named with the folder it shows; --port takes another for once."""
    other = new_project()
    port = running.container("dev").published[0].host_port
    output = other.fails("dev", "--detach", f"--port={port}")
    holder = f"container {running.name}-dev ({running.name}:dev, of {running.checkout}/hello-dock)"
    assert f"Port {port} on 127.0.0.1 is in use by {holder}" in output
    assert other.names() == []
    free = free_port()
    assert f"http://127.0.0.1:{free}\n" in other.does("dev", "--detach", f"--port={free}")
    assert other.page(role="dev").status_code == running.page(role="dev").status_code == 200
    assert "dev.host_port is 'x'" in other.fails("dev", "--port=x")


def test_beside_production_and_another_checkout(new_project: NewProject, good: Project, running: Project) -> None:
    """dev and run-prod of one project, and the dev of another checkout: each serves, and none sees the others."""
    project = new_project()
    project.stage(good.image)
    project.does("run-prod", "--no-build")
    project.does("dev", "--detach")
    project.does("stop", "--role=prod")
    project.does("run-prod", "--no-build")
    urls = {project.container("dev").url, project.container().url, running.container("dev").url}
    assert len(urls) == 3
    assert {httpx.get(url, timeout=10, trust_env=False).status_code for url in urls} == {200}
    project.does("stop", "--role=dev")
    assert project.page().status_code == running.page(role="dev").status_code == 200


def test_production_keeps_its_volume(new_project: NewProject, good: Project) -> None:
    """The old volumes that dev removes are its own: what production carries over stays, running or not."""
    project = new_project()
    project.stage(good.image)
    project.does("run-prod", "--no-build")
    project.does("stop")
    project.does("dev", "--detach")
    assert f"{project.name}-carried" in project.engine.volumes(project.name)


def test_an_edit_made_while_it_was_stopped_is_seen(running: Project) -> None:
    """Nothing of the source is kept from one run to the next."""
    source = running.checkout / "hello-dock/src/copy.js"
    before = source.read_text()
    running.does("stop")
    try:
        source.write_text(before + "\nexport const tide = 'slack-5f2c'\n")
        running.does("dev", "--detach")
        assert "slack-5f2c" in running.page("/src/copy.js", "dev").text
    finally:
        source.write_text(before)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")
def test_files_keep_their_owner(new_project: NewProject, tmp_path: Path) -> None:
    """In a checkout of uid 4711 the container runs as 4711, and no file changes hands or is root's afterwards."""
    checkout = own(copy_checkout(tmp_path / "checkout"))
    project = new_project(checkout)
    project.does("dev", "--detach")
    assert set(users(project, "dev")) == {str(OWNER[0])}
    wait_for_text(project, "/src/main.js", "createApp")
    docker("container", "exec", f"{project.name}-dev", "sh", "-c", "echo made inside >made-inside.txt")
    project.does("stop")
    made = owners(checkout / "hello-dock")
    assert made["made-inside.txt"] == OWNER
    assert {name: owner for name, owner in made.items() if owner != OWNER} == {}


def test_files_of_this_user_stay_so(running: Project) -> None:
    """A round of dev changes no owner in the checkout."""
    running.does("stop")
    assert set(owners(running.checkout / "hello-dock").values()) == {(os.geteuid(), os.getegid())}


def test_modules_are_in_a_volume_of_ours(running: Project, engine: DockerEngine) -> None:
    """node_modules stays out of the checkout: it is in a volume, which a second dev uses again."""
    volumes = engine.volumes(running.name)
    assert len(volumes) == 1
    assert list((running.checkout / "hello-dock/node_modules").iterdir()) == []
    running.does("stop")
    running.does("dev", "--detach")
    assert engine.volumes(running.name) == volumes


def test_dev_image_changes_only_with_what_an_installation_reads(running: Project) -> None:
    """Docker's cache gives an unchanged app the same image; a changed .npmrc gives another one."""
    configuration = running.checkout / "hello-dock/.npmrc"
    before = running.container("dev").image_id
    running.does("stop")
    running.does("dev", "--detach")
    assert running.container("dev").image_id == before
    running.does("stop")
    configuration.write_text("fund=false\n")
    try:
        running.does("dev", "--detach")
    finally:
        configuration.unlink()
    assert running.container("dev").image_id != before
    assert running.engine.exec(f"{running.name}-dev", ["npm", "--version"]).ok


def test_hot_reload_socket_is_there(running: Project) -> None:
    """The address takes the WebSocket over which Vite says what changed."""
    upgrade = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "aGVsbG8tZG9jay0xMjM0NQ==", "Sec-WebSocket-Protocol": "vite-hmr",
    }  # fmt: skip
    client = running.page("/@vite/client", "dev").text
    token = re.search(r'wsToken = "([^"]+)"', client)
    path = f"/?token={token.group(1)}" if token else "/"
    with httpx.stream("GET", running.container("dev").url + path, headers=upgrade, trust_env=False) as answer:
        assert answer.status_code == 101
