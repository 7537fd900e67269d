"""An engine without root: what is root in a container is the user outside, and whatever is written is the user's."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from docktasks import apt
from docktasks.app.project import Project as TaskProject
from docktasks.engine.client import DockerEngine
from docktasks.images import base_images
from docktasks.waiting import Probe, wait_until
from tests.conftest import Start
from tests.engine.apps import copy_checkout, own
from tests.engine.rootless_engine import PACKAGES, READS, RootlessEngine, missing
from tests.engine.support import ROOT, Project, command, docker
from tests.engine.visitors import Visitors
from tests.sabotage.faults import PrintingRunner, settings_of

UNPRIVILEGED = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


@pytest.fixture(scope="module")
def rootless(engine: DockerEngine, checkout: Path) -> Iterator[RootlessEngine]:
    """Such an engine, started, with the base images that the other one has."""
    if os.geteuid() != 0:
        pytest.skip("only root makes another user")
    if missing() and shutil.which("apt-get"):
        apt.apt_install(PrintingRunner(ROOT), PACKAGES)
    if missing():
        pytest.skip(f"an engine without root takes {', '.join(missing())}")
    # Not below pytest's own folder, which only root may enter.
    with tempfile.TemporaryDirectory() as folder:
        found = RootlessEngine(Path(folder))
        try:
            found.start()
            load_bases(engine, Project(engine, checkout), found)
            yield found
        finally:
            found.end()


def load_bases(engine: DockerEngine, project: Project, rootless: RootlessEngine) -> None:
    """Have the engine know the base images, which it could not make or pull everywhere."""
    settings, run = settings_of(project), PrintingRunner(project.checkout)
    names = [base_images.resolve(TaskProject(run, engine, settings), kind).reference for kind in ("node", "nginx")]
    tar = rootless.folder / "bases.tar"
    docker("image", "save", "--output", str(tar), *names)
    docker("image", "load", "--quiet", "--input", str(tar), host=rootless.host)
    tar.unlink()


@pytest.fixture
def theirs(rootless: RootlessEngine) -> Iterator[Project]:
    """A project of the user's, in a checkout of the user's; once it is done, both are gone."""
    checkout = own(copy_checkout(rootless.folder / "checkout"), rootless.owner)
    project = Project(rootless.connect(), checkout).under(*rootless.as_user(*READS))
    project.environ["DOCKER_HOST"] = rootless.host
    try:
        yield project
        project.end()
    finally:
        project.engine.client.close()
        shutil.rmtree(checkout)


def others(rootless: RootlessEngine, folder: Path) -> list[str]:
    """What is in a folder and is not the user's."""
    stats = {path: path.lstat() for path in (folder, *folder.rglob("*"))}
    return [str(path) for path, stat in stats.items() if {stat.st_uid, stat.st_gid} != {rootless.uid}]


def test_a_round_of_development(rootless: RootlessEngine, theirs: Project, start: Start) -> None:
    """The server is root inside and the user outside; edits are seen, and all that is written is the user's."""
    app = theirs.checkout / "hello-dock"
    assert theirs.engine.rootless
    task = start(theirs, "dev")
    task.until("Ctrl-C stops it.")
    assert "runs as root" not in task.output
    assert rootless.uid_of(theirs.inspect("dev")) == rootless.uid
    assert theirs.engine.exec(f"{theirs.name}-dev", ["id", "-u"]).output == "0\n"

    edited = app / "src/App.vue"
    edited.write_text(edited.read_text().replace("</template>", "<i>edited</i></template>"))
    looked = wait_until(lambda: Probe("edited" in theirs.page("/src/App.vue", "dev").text), limit=10)
    assert looked.ready

    theirs.does("npm", "--", "install", "nanoid@5")
    task.until("Serving with the new dependencies after")
    assert theirs.page("/node_modules/nanoid/package.json", "dev").status_code == 200
    assert "nanoid" in json.loads((app / "package.json").read_text())["dependencies"]
    assert "Tests" in theirs.does("test")
    asked = command(
        [*theirs.wrap, *theirs.command("shell")], theirs.checkout, theirs.environ, "touch made; id -u; exit 7"
    )
    assert (asked.code, asked.output.splitlines()[-1]) == (7, "0")
    assert (app / "made").exists()

    verdicts = judged(theirs, "--group=dev")
    assert set(verdicts.values()) == {"pass"}, verdicts
    assert others(rootless, theirs.checkout) == []
    theirs.does("stop")
    task.ended()
    assert task.process.returncode == 0


def judged(project: Project, *args: str) -> dict[str, str]:
    """The outcome of each check by its id; none may fail."""
    project.does("verify", *args, "--json=verify.json")
    written = json.loads((project.checkout / "verify.json").read_text())
    (project.checkout / "verify.json").unlink()
    return {check["id"]: check["verdict"] for check in written["checks"]}


def test_a_release_and_the_next(rootless: RootlessEngine, theirs: Project) -> None:
    """It serves, is right, and is replaced without a lost request; a limit that the engine does not keep is told."""
    output = theirs.does("run-prod")
    verdicts = judged(theirs, "--group=image", "--group=container", "--group=http")
    skipped = [name for name, outcome in verdicts.items() if outcome != "pass"]
    lacks = theirs.engine.limit_support.unsupported
    assert skipped == (["container.limits"] if lacks else [])
    assert ("! This engine cannot limit" in output) == bool(lacks)
    # 0 inside is the user, 1 the first of the user's range, and nginx 101
    assert rootless.uid_of(theirs.inspect()) == rootless.uids[100]
    assert theirs.page().status_code == 200

    wanted = theirs.stage(theirs.image, "LABEL release=second")
    with Visitors(theirs.container().url) as visitors:
        theirs.does("run-prod", "--no-build")
        visitors.until(200)
    assert visitors.failures == []
    assert theirs.container().image_id == wanted
    theirs.is_tidy()
    assert others(rootless, theirs.checkout) == []


@pytest.mark.skipif(
    not UNPRIVILEGED.exists() or int(UNPRIVILEGED.read_text()) < 82,
    reason="here anybody may have the low ports (net.ipv4.ip_unprivileged_port_start)",
)
def test_a_port_that_is_roots_is_told(theirs: Project) -> None:
    """With a way out; nothing stays."""
    output = theirs.fails("dev", "--detach", INVOKE_DEV_HOST_PORT="81")
    assert "Port 81 is one that this engine may not publish." in output
    assert theirs.names() == []


def test_an_engine_of_ones_own_is_found(theirs: Project, rootless: RootlessEngine) -> None:
    """Where nothing names it: the machine's own engine refuses the user, and this one is pointed at."""
    assert f"export DOCKER_HOST={rootless.host}" in theirs.fails("status", DOCKER_HOST="")
