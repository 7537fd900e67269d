from __future__ import annotations

import hashlib
import io
import json
import os
import re
import secrets
import shlex
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from docktasks.engine.client import DockerEngine
from docktasks.engine.models import Image
from tests.conftest import NewProject
from tests.engine.support import Project, clean_environ, command

SCRIPTS = {"/usr/local/bin/carry", "/usr/local/bin/hold", "/docker-entrypoint.d/30-hello-dock-env.sh"}
"""What the image brings to be run."""


def built(project: Project) -> Image:
    """The production image of a project."""
    image = project.engine.image(project.image)
    assert image is not None
    return image


def head(checkout: Path) -> str:
    """The checkout's commit."""
    return command(["git", "rev-parse", "HEAD"], checkout, clean_environ()).output.strip()


def shipped(image: Image, engine: DockerEngine) -> dict[str, tarfile.TarInfo]:
    """The files of the image's last layer: what the build adds to nginx. `linkname` is a file's digest."""
    with tarfile.open(fileobj=io.BytesIO(b"".join(engine.save(image.id)))) as saved:
        manifest = saved.extractfile("manifest.json")
        assert manifest is not None
        last = json.load(manifest)[0]["Layers"][-1]
        with tarfile.open(fileobj=saved.extractfile(last)) as layer:
            files = {"/" + member.name: member for member in layer if member.isfile()}
            for member in files.values():
                content = layer.extractfile(member)
                assert content is not None
                member.linkname = hashlib.sha256(content.read()).hexdigest()
            return files


def assert_same(project: Project, one: Image, other: Image) -> None:
    """Two images are one; where they are not, the files in which they differ are shown."""

    def facts(image: Image) -> dict[str, object]:
        files = shipped(image, project.engine)
        return {path: (file.mode, file.uid, file.mtime, file.linkname) for path, file in files.items()}

    if one.id != other.id:
        assert facts(one) == facts(other)
    assert one.id == other.id


def build_command(output: str) -> list[str]:
    """The last `docker image build` that a task showed: those of stand-ins, where they are missing, come first."""
    line = [line for line in output.splitlines() if line.startswith("$ docker image build")][-1]
    return shlex.split(line.removeprefix("$ "))


def build_without_cache(project: Project, checkout: Path) -> Image:
    """The image that the command shown by build-prod gives when nothing comes from a cache."""
    args = [*build_command(project.build), "--no-cache"]
    done = command(args, checkout, clean_environ())
    assert done.code == 0, done.output
    return built(project)


def test_image_says_what_it_is(good: Project, checkout: Path) -> None:
    """Title, version and commit stand in the image's labels, in the words of the OCI specification."""
    labels = built(good).labels
    manifest = json.loads((checkout / "hello-dock/package.json").read_text())
    assert labels["org.opencontainers.image.title"] == good.name
    assert labels["org.opencontainers.image.version"] == manifest["version"]
    assert labels["org.opencontainers.image.revision"] == head(checkout)
    assert good.engine.image(labels["org.opencontainers.image.base.name"])


def test_page_says_which_commit_it_is(serving: Project, checkout: Path) -> None:
    """The commit and its time reach the page, which is how a build is told from another."""
    page = serving.page().text
    assert head(checkout) in page
    assert "2026-11-01T12:00:00" in page


def test_local_change_is_told(new_project: NewProject, checkout: Path, tmp_path: Path) -> None:
    """With a change that is not committed, the revision ends in -dirty."""
    copy = tmp_path / "checkout"
    shutil.copytree(checkout, copy)
    with (copy / "hello-dock/index.html").open("a") as page:
        page.write("<!-- not committed -->\n")
    project = new_project(copy)
    assert f"REVISION={head(copy)}-dirty" in project.does("--dry", "build-prod")
    project.does("build-prod")
    assert built(project).labels["org.opencontainers.image.revision"] == f"{head(copy)}-dirty"


def test_user_is_a_number(good: Project) -> None:
    """The image's user is a number other than 0, which an orchestrator can see without running it."""
    uid = built(good).user.partition(":")[0]
    assert uid.isdigit()
    assert int(uid) > 0


def test_image_adds_the_site_and_little_else(good: Project) -> None:
    """What the image adds to nginx is the site, its compressed twins, and at most 30 kB to serve them with."""
    image = built(good)
    base = good.engine.image(image.labels["org.opencontainers.image.base.name"])
    assert base is not None
    files = shipped(image, good.engine)
    site = sum(file.size for path, file in files.items() if path.startswith("/srv/"))
    assert 0 < site <= image.size - base.size <= site + 30_000
    assert {path for path in files if not path.startswith(("/srv/", "/etc/nginx/"))} == SCRIPTS
    assert image.layers[:-1] == base.layers


def test_twins_are_smaller_and_complete(good: Project) -> None:
    """Every script and style has a gzip and a brotli twin, each smaller than what it stands for."""
    files = shipped(built(good), good.engine)
    texts = [path for path in files if re.fullmatch(r"/srv/hashed/site/assets/.+\.(js|css)", path)]
    assert len(texts) > 2
    for path in texts:
        twins = [files[f"{path}.gz"].size, files[path.replace("/site/", "/br/")].size]
        assert max(twins) < files[path].size, path


def test_an_edit_leaves_the_packages_as_they_are(good: Project, builds: list[str]) -> None:
    """Browsers that have them keep them, and the next build their compressed twins."""
    images = [good.engine.image(name) for name in builds]
    files = [shipped(image, good.engine) for image in images if image]
    scripts = [{path for path in found if re.search(r"/assets/[^/]+\.js$", path)} for found in files]
    packages = [{path for path in found if "/packages-" in path} for found in scripts]
    assert packages[0] == packages[1] != set()
    assert scripts[0] != scripts[1]


def test_content_is_read_only(good: Project) -> None:
    """All that is shipped belongs to root and can be written by nobody else; what is meant to be run can be."""
    for path, file in shipped(built(good), good.engine).items():
        assert (file.uid, file.gid, file.mode) == (0, 0, 0o755 if path in SCRIPTS else 0o644), path


def test_same_commit_gives_the_same_image(good: Project, checkout: Path) -> None:
    """Two builds of one commit have one id, whatever the cache holds."""
    before = built(good)
    assert_same(good, before, build_without_cache(good, checkout))


def test_other_checkout_gives_the_same_image(good: Project, checkout: Path, tmp_path: Path) -> None:
    """File modes, times and umask of a checkout do not show in the image."""
    before, other = built(good), tmp_path / "other"
    shutil.copytree(checkout, other, copy_function=shutil.copyfile)
    # Another in each run: BuildKit takes a file of equal size and time, in a folder of equal name, for the one it has.
    when = secrets.randbelow(10**9)
    for path in (other / "hello-dock", other / "docktasks/images/nginx"):
        for found in [path, *path.rglob("*")]:
            found.chmod(0o700 if found.is_dir() else 0o600)
            os.utime(found, (when, when))
    umask = os.umask(0o077)
    try:
        assert_same(good, before, build_without_cache(good, other))
    finally:
        os.umask(umask)


@pytest.fixture(scope="module")
def unbuilt(engine: DockerEngine, checkout: Path) -> Iterator[Project]:
    """A project of which no build succeeds."""
    project = Project(engine, checkout)
    yield project
    project.end()


def edit(path: Path, change: Callable[[dict[str, object]], object]) -> None:
    """Change a JSON file."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content, indent=2))


GHOST = "@hello-dock/no-such-package-5f2c"


def break_source(app: Path) -> None:
    """A module imports one that does not exist."""
    with (app / "src/main.js").open("a") as source:
        source.write("import './no-such-module-5f2c.js'\n")


def break_disk(app: Path) -> None:
    """The build meets a full disk, as the kernel's /dev/full is."""
    with (app / "vite.config.js").open("a") as config:
        config.write("import { writeFileSync } from 'node:fs'\nwriteFileSync('/dev/full', 'x')\n")


def break_step(app: Path) -> None:
    """package.json names a dependency of which the lock file knows nothing."""
    edit(app / "package.json", lambda content: content.update(dependencies={"vue": "^3.5.0", "left-pad": "^1.3.0"}))


def break_dependency(app: Path) -> None:
    """The lock file, too, names a package that the registry does not have."""

    def needs(content: dict[str, object]) -> None:
        dependencies = content["dependencies"]
        assert isinstance(dependencies, dict)
        dependencies[GHOST] = "1.0.0"

    def locks(content: dict[str, object]) -> None:
        packages = content["packages"]
        assert isinstance(packages, dict)
        needs(packages[""])
        packages[f"node_modules/{GHOST}"] = {"version": "1.0.0"}

    edit(app / "package.json", needs)
    edit(app / "package-lock.json", locks)


def break_dist(app: Path) -> None:
    """The build writes outside of the app."""
    config = app / "vite.config.js"
    config.write_text(config.read_text().replace("build: {", "build: { outDir: '../elsewhere',"))


@pytest.mark.parametrize(
    ("fault", "what", "how", "evidence"),
    [
        (break_source, "`npm run build` failed.", "npm run build)", "no-such-module-5f2c"),
        (break_disk, "The disk is full.", "docker system df", "ENOSPC"),
        (break_step, "package-lock.json is out of step with package.json.", "npm install)", "left-pad"),
        (break_dependency, "npm could not install the app's dependencies.", "npm ci)", "404"),
        (break_dist, "dist/index.html does not exist", "DIST_DIR", ""),
    ],
    ids=["source", "disk", "out-of-step", "dependency", "dist"],
)
def test_failing_build_says_what_why_and_how(  # noqa: PLR0913, PLR0917 - a table's columns
    unbuilt: Project,
    app: Path,
    fault: Callable[[Path], None],
    what: str,
    how: str,
    evidence: str,
) -> None:
    """A build that fails ends with the fault, the last lines of the step, and what to do; no image is left."""
    fault(app)
    message = unbuilt.fails("build-prod", INVOKE_APP_DIR=str(app)).rpartition("\n\n")[2]
    assert what in message
    assert how in message
    assert evidence in message
    assert unbuilt.engine.image(unbuilt.image) is None


def test_failing_build_replaces_nothing(project: Project, good: Project, app: Path) -> None:
    """The image of the last good build is still there after one that failed."""
    before = project.stage(good.image)
    break_source(app)
    assert "nothing was replaced" in project.fails("build-prod", INVOKE_APP_DIR=str(app))
    assert built(project).id == before


def no_folder(app: Path) -> None:
    """There is no app."""
    shutil.rmtree(app)


def no_package(app: Path) -> None:
    """The folder is no app."""
    (app / "package.json").unlink()


def bad_package(app: Path) -> None:
    """The file is cut off."""
    (app / "package.json").write_text('{"name": ')


def no_script(app: Path) -> None:
    """The app cannot be built."""
    edit(app / "package.json", lambda content: content.update(scripts={"serve": "vite"}))


@pytest.mark.parametrize(
    ("fault", "what", "how"),
    [
        (no_folder, "There is no folder", "INVOKE_APP_DIR="),
        (no_package, "has no package.json.", "INVOKE_APP_DIR="),
        (bad_package, "is not JSON", "Correct it there"),
        (no_script, "has no script build.", '"build": "vite build"'),
    ],
)
def test_app_that_is_none_is_told_before_any_build(
    good: Project, app: Path, fault: Callable[[Path], None], what: str, how: str
) -> None:
    """A folder that is no app that npm could build is told at once, and docker is not started."""
    fault(app)
    output = good.fails("build-prod", INVOKE_APP_DIR=str(app))
    assert what in output
    assert how in output
    assert "$ docker" not in output


def test_authorities_that_do_not_exist(good: Project) -> None:
    """A file of certificate authorities that is not there is named."""
    output = good.fails("build-prod", INVOKE_BUILD_CA_FILE="/nonexistent/ca.pem")
    assert "There is no file /nonexistent/ca.pem." in output


def test_unchanged_app_builds_from_the_cache(good: Project) -> None:
    """A second build of the same source runs no step, and gives the same image."""
    before = built(good).id
    output = good.does("build-prod")
    assert re.search(r"\[builder \d/\d\] RUN [^\n]* run build [^\n]*\n#\d+ CACHED\n", output)
    assert built(good).id == before
