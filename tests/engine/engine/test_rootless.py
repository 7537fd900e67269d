"""A rootless engine: root in a container is the user outside, so all files that it writes are the user's."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.checkout import ROOT
from benchmarks.visitors import Visitors
from docktasks import apt
from docktasks.app.project import Project
from docktasks.engine.client import DockerEngine
from docktasks.images import base_images
from docktasks.waiting import Probe, wait_until
from tests.support.checkouts import chown_tree, copy_checkout
from tests.support.commands import PrintingRunner, docker
from tests.support.project import ProjectUnderTest
from tests.support.rootless_engine import PACKAGES, READ_RIGHTS, RootlessEngine, missing_requirements
from tests.support.running_task import DEV_READY, StartTask

UNPRIVILEGED = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


@pytest.fixture(scope="module")
def rootless(engine: DockerEngine, checkout: Path) -> Iterator[RootlessEngine]:
    """A running rootless engine with the base images of this machine's engine."""
    if os.geteuid() != 0:
        pytest.skip("only root makes another user")
    if missing_requirements() and shutil.which("apt-get"):
        apt.apt_install(PrintingRunner(ROOT), PACKAGES)
    if missing_requirements():
        pytest.skip(f"an engine without root takes {', '.join(missing_requirements())}")
    # pytest's own folder is closed to other users.
    with tempfile.TemporaryDirectory() as folder:
        rootless = RootlessEngine(Path(folder))
        try:
            rootless.start()
            load_base_images(engine, ProjectUnderTest(engine, checkout), rootless)
            yield rootless
        finally:
            rootless.end()


def load_base_images(engine: DockerEngine, project: ProjectUnderTest, rootless: RootlessEngine) -> None:
    """Load the base images into the rootless engine, which may not be able to pull or build them."""
    settings, run = project.settings(), PrintingRunner(project.checkout)
    names = [base_images.resolve(Project(run, engine, settings), kind).reference for kind in ("node", "nginx")]
    archive = rootless.folder / "bases.tar"
    docker("image", "save", "--output", str(archive), *names)
    docker("image", "load", "--quiet", "--input", str(archive), host=rootless.host)
    archive.unlink()


@pytest.fixture
def user_project(rootless: RootlessEngine) -> Iterator[ProjectUnderTest]:
    """A project of the rootless user, in a checkout of that user. Both are removed after the test."""
    checkout = chown_tree(copy_checkout(rootless.folder / "checkout"), rootless.owner)
    project = ProjectUnderTest(rootless.connect(), checkout).with_prefix(*rootless.as_user(*READ_RIGHTS))
    project.environ["DOCKER_HOST"] = rootless.host
    try:
        yield project
        project.end()
    finally:
        project.engine.client.close()
        shutil.rmtree(checkout)


def files_of_others(rootless: RootlessEngine, folder: Path) -> list[str]:
    """Return the paths in a folder that do not belong to the rootless user."""
    stats = {path: path.lstat() for path in (folder, *folder.rglob("*"))}
    return [str(path) for path, stat in stats.items() if {stat.st_uid, stat.st_gid} != {rootless.uid}]


def assert_edit_is_served(project: ProjectUnderTest) -> None:
    """Edit a component, and fetch it until the edit is served."""
    component = project.checkout / "hello-dock/src/App.vue"
    component.write_text(component.read_text().replace("</template>", "<i>edited</i></template>"))
    assert wait_until(lambda: Probe("edited" in project.get("/src/App.vue", "dev").text), limit=60).ready


def test_dev_on_a_rootless_engine_writes_only_files_of_the_user(
    rootless: RootlessEngine, user_project: ProjectUnderTest, start_task: StartTask
) -> None:
    """The dev server is root inside and the user outside. Edits are served, and all new files are the user's."""
    app = user_project.checkout / "hello-dock"
    assert user_project.engine.rootless
    task = start_task(user_project, "dev")
    task.wait_for(DEV_READY)
    assert "runs as root" not in task.output
    assert rootless.uid_of(user_project.inspect("dev")) == rootless.uid
    assert user_project.engine.exec(f"{user_project.name}-dev", ["id", "-u"]).output == "0\n"

    assert_edit_is_served(user_project)
    user_project.succeeds("npm", "--", "install", "nanoid@5")
    task.wait_for("Serving with the new dependencies")
    assert user_project.get("/node_modules/nanoid/package.json", "dev").status_code == 200
    assert "nanoid" in json.loads((app / "package.json").read_text())["dependencies"]
    assert "Tests" in user_project.succeeds("test")
    result = user_project.invoke("shell", stdin="touch new-file; id -u; exit 7")
    assert (result.code, result.output.splitlines()[-1]) == (7, "0")
    assert (app / "new-file").exists()
    outcomes = verdicts(user_project, "--group=dev")
    assert set(outcomes.values()) == {"pass"}, outcomes
    assert files_of_others(rootless, user_project.checkout) == []
    user_project.succeeds("stop")
    assert task.wait_for_exit() == 0


def verdicts(project: ProjectUnderTest, *args: str) -> dict[str, str]:
    """Run `verify`, in which no check may fail, and return the verdict of each check by its id."""
    project.succeeds("verify", *args, "--json=verify.json")
    report = json.loads((project.checkout / "verify.json").read_text())
    (project.checkout / "verify.json").unlink()
    return {check["id"]: check["verdict"] for check in report["checks"]}


def test_run_prod_on_a_rootless_engine_replaces_a_release_without_a_lost_request(
    rootless: RootlessEngine, user_project: ProjectUnderTest
) -> None:
    """The release passes its checks and is replaced. Limits that the engine cannot keep are named."""
    output = user_project.succeeds("run-prod")
    outcomes = verdicts(user_project, "--group=image", "--group=container", "--group=http")
    skipped = [name for name, outcome in outcomes.items() if outcome != "pass"]
    assert skipped == []
    assert ("! This engine cannot limit" in output) == bool(user_project.engine.limit_support.unsupported)
    # uid 0 inside is the user, 1 the first of the user's range, so nginx is the 101st
    assert rootless.uid_of(user_project.inspect()) == rootless.uids[100]
    assert user_project.get().status_code == 200

    image_id = user_project.stage(user_project.image, "LABEL release=second")
    with Visitors(user_project.container().url) as visitors:
        user_project.succeeds("run-prod", "--no-build")
        visitors.until(200)
    assert visitors.failures == []
    assert user_project.container().image_id == image_id
    user_project.assert_one_release_serves()
    assert files_of_others(rootless, user_project.checkout) == []


@pytest.mark.skipif(
    not UNPRIVILEGED.exists() or int(UNPRIVILEGED.read_text()) < 82,
    reason="every user may publish low ports here (net.ipv4.ip_unprivileged_port_start)",
)
def test_port_below_1024_of_a_rootless_engine_is_refused_with_a_way_out(user_project: ProjectUnderTest) -> None:
    """dev names a port that the rootless engine may not publish, and starts nothing."""
    output = user_project.fails("dev", "--detach", INVOKE_DEV_HOST_PORT="81")
    assert "This engine may not publish port 81." in output
    assert user_project.container_names() == []


def test_task_points_at_the_users_rootless_engine(user_project: ProjectUnderTest, rootless: RootlessEngine) -> None:
    """Where the machine's engine refuses the user, the error names the user's rootless engine."""
    assert f"export DOCKER_HOST={rootless.host}" in user_project.fails("status", DOCKER_HOST="")
