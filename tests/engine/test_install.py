"""What installs the app's dependencies, and keeps them from build to build: node/install.sh, in the node image."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from docktasks.app.project import Project as TaskProject
from docktasks.engine.client import DockerEngine
from docktasks.images import base_images
from docktasks.waiting import Probe, wait_until
from tests.engine.support import ROOT, Done, Project, clean_environ, command, docker, new_name
from tests.sabotage.faults import PrintingRunner, settings_of


class Kept:
    """An app of two packages that need no registry, in a container which has the folder as a build has its mounts."""

    def __init__(self, folder: Path, image: str) -> None:
        self.folder, self.container = folder, new_name()
        mounts = ["--volume", f"{folder}:/app", "--volume", f"{ROOT / 'docktasks/images/node'}:/scripts:ro"]
        docker(
            "container", "run", "--detach", "--rm", "--name", self.container, "--network", "none",
            "--workdir", "/app", "--env", "NPM_CONFIG_OFFLINE=true", *mounts, image, "sleep", "600",
        )  # fmt: skip

    def run(self, *args: str) -> Done:
        """Run a command in it."""
        return command(["docker", "container", "exec", self.container, *args], ROOT, clean_environ())

    def install(self) -> Done:
        """What a build runs first."""
        return self.run("sh", "/scripts/install.sh", "npm", "", "kept")

    def build(self, does: str) -> Done:
        """What it runs then, for an app that is built by a shell command; with all that it leaves in the background."""
        return self.run("sh", "-c", 'sh /scripts/build.sh sh -c "$0"; code=$?; wait; exit $code', does)

    def pack(self, name: str, version: str, *files: str) -> None:
        """Make a package, with such files, as the registry would give it."""
        source = self.folder / "packages" / name
        source.mkdir(parents=True, exist_ok=True)
        for file in files:
            (source / file).parent.mkdir(exist_ok=True)
            (source / file).write_text("export {}")
        (source / "package.json").write_text(json.dumps({"name": name, "version": version}))
        assert self.run("npm", "pack", f"./packages/{name}", "--pack-destination", "packages").code == 0

    def needs(self, **versions: str) -> None:
        """Have the app need these, in package.json alone."""
        needed = {name: f"file:packages/{name}-{version}.tgz" for name, version in versions.items()}
        (self.folder / "package.json").write_text(json.dumps({"name": "app", "dependencies": needed}))

    def lock(self, **versions: str) -> None:
        """The same, and in the lock file."""
        self.needs(**versions)
        assert self.run("npm", "install", "--package-lock-only").code == 0

    def installed(self, name: str) -> str:
        """The version that is installed; empty when the package is not there."""
        path = self.folder / "node_modules" / name / "package.json"
        return str(json.loads(path.read_text())["version"]) if path.exists() else ""

    def inode(self, name: str) -> int:
        """Which file its package.json is: another one when it was installed anew."""
        return (self.folder / "node_modules" / name / "package.json").stat().st_ino

    def hold(self, name: str) -> int:
        """As inode(), whose number no later file can have: it has another name, too."""
        path = self.folder / "node_modules" / name / "package.json"
        (self.folder / f"held-{name}").hardlink_to(path)
        return path.stat().st_ino


@pytest.fixture
def kept(engine: DockerEngine, good: Project, tmp_path: Path) -> Iterator[Kept]:
    """The app, installed for the first time; whatever a test leaves in the folder is root's."""
    settings = settings_of(good)
    image = base_images.resolve(TaskProject(PrintingRunner(ROOT), engine, settings), "node").reference
    folder = tmp_path / "app"
    (folder / "node_modules").mkdir(parents=True)
    made = Kept(folder, image)
    try:
        for name, version in (("still", "1.0.0"), ("moves", "1.0.0"), ("moves", "2.0.0")):
            made.pack(name, version)
        (folder / "packages/old.js").write_text("export {}")
        os.utime(folder / "packages/old.js", (500_000_000, 500_000_000))
        made.pack("still", "3.0.0", "index.js", "lib/part.js")
        made.lock(still="1.0.0", moves="1.0.0")
        assert made.install().code == 0
        assert (made.installed("still"), made.installed("moves")) == ("1.0.0", "1.0.0")
        yield made
    finally:
        made.run("sh", "-c", "rm -rf /app/* /app/.[!.]*")
        docker("container", "rm", "--force", made.container)
        shutil.rmtree(folder, ignore_errors=True)


def test_nothing_is_installed_where_nothing_changed(kept: Kept) -> None:
    """npm is not even started: a build after an edit of the source costs nothing for its dependencies."""
    before = kept.hold("still")
    done = kept.install()
    assert (done.code, done.output) == (0, "")
    assert kept.inode("still") == before


def test_of_a_changed_lock_file_only_the_change_is_installed(kept: Kept) -> None:
    """The package that moved on is the new one, the one that left is gone, and the one that stayed is untouched."""
    before = kept.hold("still")
    kept.lock(still="1.0.0", moves="2.0.0")
    assert kept.install().code == 0
    assert (kept.installed("moves"), kept.inode("still")) == ("2.0.0", before)
    kept.lock(still="1.0.0")
    assert kept.install().code == 0
    assert (kept.installed("moves"), kept.inode("still")) == ("", before)


NOTE, USED = "node_modules/.hello-dock-installed", "node_modules/.hello-dock-installed.used"


def test_a_build_gives_back_what_it_left_alone(kept: Kept) -> None:
    """It looks while its result is compressed, so that the next one need not."""
    before = kept.hold("still")
    assert (kept.folder / USED).exists()
    done = kept.build("mkdir node_modules/.vite; echo made >dist")
    assert (done.code, done.output) == (0, "built\n")
    assert wait_until(lambda: Probe((kept.folder / NOTE).exists()), limit=10).ready
    assert not (kept.folder / USED).exists()
    assert kept.install().output == ""
    assert kept.inode("still") == before


@pytest.mark.parametrize("cut_short", [False, True])
def test_what_a_build_wrote_into_a_package_does_not_stay(kept: Kept, *, cut_short: bool) -> None:
    """The next build gets what the lock file says, not what the one before made of it, though it never ended."""
    before = kept.hold("still")
    done = kept.build(f"echo spoiled >node_modules/still/index.js; exit {int(cut_short)}")
    assert done.code == int(cut_short)
    assert wait_until(lambda: Probe((kept.folder / USED).exists() == cut_short), limit=10).ready
    assert kept.install().code == 0
    assert kept.inode("still") != before
    assert not (kept.folder / "node_modules/still/index.js").exists()


@pytest.mark.parametrize(
    "does",
    ["rm -r node_modules/moves", "rm node_modules/still/index.js", "rm -r node_modules/still/lib",
     "ln -s still node_modules/other", "cp -pr node_modules/still node_modules/other",
     "cp -p packages/old.js node_modules/still/lib/"],
)  # fmt: skip
def test_what_a_build_removed_or_added_is_put_right(kept: Kept, does: str) -> None:
    """Though no file is younger for it; as a `postbuild` does that prunes what it built with."""
    kept.lock(still="3.0.0", moves="1.0.0")
    assert kept.install().code == 0
    before = kept.hold("still")
    assert kept.build(does).code == 0
    assert wait_until(lambda: Probe(not (kept.folder / USED).exists()), limit=10).ready
    assert kept.install().code == 0
    assert kept.inode("still") != before
    assert (kept.installed("moves"), kept.installed("other")) == ("1.0.0", "")
    assert [path.name for path in (kept.folder / "node_modules/still/lib").iterdir()] == ["part.js"]


@pytest.mark.parametrize("folder", [".vite", ".vite-temp", ".cache", ".tmp"])
def test_what_vite_keeps_is_dropped_and_nothing_installed(kept: Kept, folder: str) -> None:
    """Each build begins without it, as in a layer; the packages are as they were."""
    before = kept.hold("still")
    assert kept.run("sh", "-c", f"mkdir node_modules/{folder}; echo x >node_modules/{folder}/x").code == 0
    assert kept.install().output == ""
    assert kept.inode("still") == before
    assert not (kept.folder / "node_modules" / folder).exists()


def test_an_installation_that_was_cut_short_is_not_used(kept: Kept) -> None:
    """It has no note, which is written when all is there; so half a package is not taken for one."""
    before = kept.hold("still")
    assert kept.run("sh", "-c", "rm node_modules/.hello-dock-installed*; rm -r node_modules/moves").code == 0
    assert kept.install().code == 0
    assert (kept.installed("moves"), kept.installed("still")) == ("1.0.0", "1.0.0")
    assert kept.inode("still") != before


def test_an_app_without_dependencies_is_built(kept: Kept) -> None:
    """Nothing is installed, and that is noted as anything is."""
    kept.lock()
    assert [kept.install().code for _ in range(2)] == [0, 0]
    assert (kept.installed("still"), kept.install().output) == ("", "")


def test_an_app_with_a_script_of_its_own_is_installed_anew(kept: Kept) -> None:
    """What its postinstall makes of the packages, as a patch, would stay when it is no longer wanted."""
    before = kept.hold("still")
    package = json.loads((kept.folder / "package.json").read_text())
    package["scripts"] = {"postinstall": "echo patched >node_modules/still/patched"}
    (kept.folder / "package.json").write_text(json.dumps(package))
    assert kept.install().code == 0
    assert kept.inode("still") != before
    assert (kept.folder / "node_modules/still/patched").exists()


def test_an_apps_own_script_runs_in_each_build(kept: Kept) -> None:
    """What it makes beside node_modules is in no later build's folder; the packages stay, until a patch changes."""
    package = json.loads((kept.folder / "package.json").read_text())
    package["scripts"] = {"postinstall": "echo made >made"}
    (kept.folder / "package.json").write_text(json.dumps(package))
    assert kept.run("npm", "install", "--package-lock-only").code == 0  # which notes that there are scripts
    assert kept.install().code == 0
    before = kept.hold("still")
    assert kept.run("rm", "made").code == 0
    assert kept.install().code == 0
    assert (kept.folder / "made").exists()
    assert kept.inode("still") == before
    (kept.folder / "patches").mkdir()
    (kept.folder / "patches/still.patch").write_text("another")
    assert kept.install().code == 0
    assert kept.inode("still") != before


@pytest.mark.parametrize("changed", ["node", "manager", ".npmrc"])
def test_on_another_ground_all_is_installed_anew(kept: Kept, changed: str) -> None:
    """What was compiled for one, or chosen for its system, is of no use to another, whatever the lock file changed."""
    before = kept.hold("still")
    if changed == ".npmrc":
        (kept.folder / ".npmrc").write_text("ignore-scripts=true")
    else:
        edit = {"node": "1s/ [0-9]* / 1 /", "manager": "1s/^npm/pnpm/"}[changed]
        assert kept.run("sed", "-i", edit, USED).code == 0
        assert kept.run("touch", "-t", "200001010001", USED).code == 0
    kept.lock(still="1.0.0", moves="2.0.0")
    assert kept.install().code == 0
    assert kept.installed("moves") == "2.0.0"
    assert kept.inode("still") != before


@pytest.mark.parametrize("how", ["workspaces", "file"])
def test_what_is_installed_beside_node_modules_is_there_in_each_build(kept: Kept, how: str) -> None:
    """In a folder of the app that is a package itself, and of which nothing stays from build to build."""
    member = kept.folder / "member"
    member.mkdir()
    (member / "package.json").write_text(
        json.dumps(
            {"name": "member", "version": "1.0.0", "dependencies": {"moves": "file:../packages/moves-2.0.0.tgz"}}
        )
    )
    package = json.loads((kept.folder / "package.json").read_text())
    package |= {"workspaces": ["member"]} if how == "workspaces" else {}
    package["dependencies"] |= {"member": "file:member"} if how == "file" else {}
    (kept.folder / "package.json").write_text(json.dumps(package))
    assert kept.run("npm", "install", "--package-lock-only").code == 0
    for _ in range(2):
        assert kept.install().code == 0
        assert json.loads((member / "node_modules/moves/package.json").read_text())["version"] == "2.0.0"
        assert kept.run("rm", "-r", "member/node_modules").code == 0


def test_a_lock_file_out_of_step_is_refused(kept: Kept) -> None:
    """As ever: nothing is installed that the lock file does not name; and the build after its mending is right."""
    kept.needs(still="1.0.0", moves="2.0.0")
    lock = (kept.folder / "package-lock.json").read_bytes()
    done = kept.install()
    assert done.code != 0
    assert "can only install packages when your package.json and package-lock.json" in done.output
    assert "NOT INSTALLED" in done.output
    assert (kept.folder / "package-lock.json").read_bytes() == lock
    kept.lock(still="1.0.0", moves="2.0.0")
    assert kept.install().code == 0
    assert kept.installed("moves") == "2.0.0"
