"""The production build: its image, its failures, and what it leaves."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import secrets
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from docktasks.engine.client import DockerEngine
from docktasks.engine.models import Image
from tests.support.commands import clean_environ, docker, run_command, shown_commands
from tests.support.long_forms import long
from tests.support.project import ProjectFactory, ProjectUnderTest

SCRIPTS = {
    "/usr/local/bin/carry",
    "/usr/local/bin/hold",
    "/usr/local/bin/drain",
    "/docker-entrypoint.d/30-hello-dock-env.sh",
    "/docker-entrypoint.d/31-hello-dock-api.sh",
    "/docker-entrypoint.d/32-hello-dock-listen.sh",
    "/docker-entrypoint.d/33-hello-dock-workers.sh",
}
"""The scripts of the image, which are executable."""
BUILT_NAMES = "/usr/local/share/hello-dock/built"
"""What the build wrote under a name without a hash, for `carry`."""
DELTAS = "/usr/local/share/hello-dock/deltas.mjs"


def built(project: ProjectUnderTest) -> Image:
    """The production image of a project."""
    image = project.engine.image(project.image)
    assert image is not None
    return image


def head(checkout: Path) -> str:
    """The checkout's commit."""
    return run_command(["git", "rev-parse", "HEAD"], checkout, clean_environ()).output.strip()


def shipped(image: Image, engine: DockerEngine) -> dict[str, tarfile.TarInfo]:
    """The files of the image's last layer, which the build adds to nginx. `linkname` is a file's SHA-256."""
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


def assert_same(project: ProjectUnderTest, image: Image, other: Image) -> None:
    """Check that two images have one id. When they differ, the report shows the files that differ."""

    def facts(image: Image) -> dict[str, object]:
        files = shipped(image, project.engine)
        return {path: (file.mode, file.uid, file.mtime, file.linkname) for path, file in files.items()}

    if image.id != other.id:
        assert facts(image) == facts(other)
    assert image.id == other.id


def build_command(output: str) -> list[str]:
    """The last `docker image build` that a task printed; builds of missing stand-ins come first."""
    return [command for command in shown_commands(output) if command[:3] == ["docker", "image", "build"]][-1]


def build_without_cache(project: ProjectUnderTest, checkout: Path) -> Image:
    """Build the production image by the command that build-prod printed, without any cache."""
    args = [*build_command(project.build), "--no-cache"]
    done = run_command(args, checkout, clean_environ())
    assert done.code == 0, done.output
    return built(project)


def test_labels_have_title_version_and_commit(built_project: ProjectUnderTest, checkout: Path) -> None:
    """The labels are those of the OCI specification."""
    labels = built(built_project).labels
    manifest = json.loads((checkout / "hello-dock/package.json").read_text())
    assert labels["org.opencontainers.image.title"] == built_project.name
    assert labels["org.opencontainers.image.version"] == manifest["version"]
    assert labels["org.opencontainers.image.revision"] == head(checkout)
    assert [name for name, value in labels.items() if not value] == []
    assert built_project.engine.image(labels["org.opencontainers.image.base.name"])


def test_page_has_the_commit_and_its_time(built_project: ProjectUnderTest, checkout: Path) -> None:
    """They reach the build as arguments, so that a visitor can tell one release from another."""
    page = docker("container", "run", "--rm", "--entrypoint", "cat", built_project.image, "/srv/site/index.html")
    assert head(checkout) in page
    assert "2026-11-01T12:00:00" in page


def test_revision_of_an_uncommitted_change_ends_in_dirty(
    new_project: ProjectFactory, checkout: Path, tmp_path: Path
) -> None:
    """The command and the image's label show it."""
    copy = tmp_path / "checkout"
    shutil.copytree(checkout, copy)
    with (copy / "hello-dock/index.html").open("a") as page:
        page.write("<!-- not committed -->\n")
    project = new_project(copy)
    assert f"REVISION={head(copy)}-dirty" in project.succeeds("--dry", "build-prod")
    project.succeeds("build-prod")
    assert built(project).labels["org.opencontainers.image.revision"] == f"{head(copy)}-dirty"


def test_image_runs_as_a_numeric_user(built_project: ProjectUnderTest) -> None:
    """An orchestrator can see that it is not root without running it."""
    uid = built(built_project).user.partition(":")[0]
    assert uid.isdigit()
    assert int(uid) > 0


def test_image_adds_the_site_and_little_else(built_project: ProjectUnderTest) -> None:
    """It adds the site, its compressed copies, and at most 65 kB of configuration and scripts to nginx's image."""
    image = built(built_project)
    base = built_project.engine.image(image.labels["org.opencontainers.image.base.name"])
    assert base is not None
    files = shipped(image, built_project.engine)
    site = sum(file.size for path, file in files.items() if path.startswith("/srv/"))
    assert 0 < site <= image.size - base.size <= site + 65_000
    assert {path for path in files if not path.startswith(("/srv/", "/etc/nginx/"))} == {*SCRIPTS, BUILT_NAMES, DELTAS}
    assert image.layers[:-1] == base.layers


def test_every_script_and_style_has_smaller_compressed_copies(built_project: ProjectUnderTest) -> None:
    """There is a gzip and a brotli copy of each."""
    files = shipped(built(built_project), built_project.engine)
    texts = [path for path in files if re.fullmatch(r"/srv/hashed/site/assets/.+\.(js|css)", path)]
    assert len(texts) > 2
    for path in texts:
        sizes = [files[f"{path}.gz"].size, files[path.replace("/site/", "/br/")].size]
        assert max(sizes) < files[path].size, path


@pytest.mark.long  # it builds a second image
def test_an_edit_does_not_change_the_packages_chunk(built_project: ProjectUnderTest, two_builds: list[str]) -> None:
    """Browsers keep the chunk, and the next build its compressed copies."""
    images = [built_project.engine.image(name) for name in two_builds]
    files = [shipped(image, built_project.engine) for image in images if image]
    scripts = [{path for path in shipped_files if re.search(r"/assets/[^/]+\.js$", path)} for shipped_files in files]
    packages = [{path for path in names if "/packages-" in path} for names in scripts]
    assert packages[0] == packages[1] != set()
    assert scripts[0] != scripts[1]


def test_content_belongs_to_root_and_is_read_only(built_project: ProjectUnderTest) -> None:
    """Only root can write to a file of the image. Scripts are executable, other files are not."""
    for path, file in shipped(built(built_project), built_project.engine).items():
        assert (file.uid, file.gid, file.mode) == (0, 0, 0o755 if path in SCRIPTS else 0o644), path


@pytest.mark.long  # the build in another checkout has no cache either
def test_same_commit_gives_the_same_image(built_project: ProjectUnderTest, checkout: Path) -> None:
    """A build without any cache has the same id."""
    before = built(built_project)
    assert_same(built_project, before, build_without_cache(built_project, checkout))


def test_another_checkout_gives_the_same_image(built_project: ProjectUnderTest, checkout: Path, tmp_path: Path) -> None:
    """Modes and times of the checkout's files, and the umask, do not change the image."""
    before, other = built(built_project), tmp_path / "other"
    shutil.copytree(checkout, other, copy_function=shutil.copyfile)
    # A new time in each run, because BuildKit does not read a file again whose path, size and time it knows.
    when = secrets.randbelow(10**9)
    for path in (other / "hello-dock", other / "docktasks/images/nginx"):
        for file in [path, *path.rglob("*")]:
            file.chmod(0o700 if file.is_dir() else 0o600)
            os.utime(file, (when, when))
    umask = os.umask(0o077)
    try:
        assert_same(built_project, before, build_without_cache(built_project, other))
    finally:
        os.umask(umask)


@pytest.fixture(scope="module")
def failing_project(
    engine: DockerEngine, checkout: Path, built_project: ProjectUnderTest
) -> Iterator[ProjectUnderTest]:
    """A project with an image, whose next builds all fail."""
    project = ProjectUnderTest(engine, checkout)
    project.stage(built_project.image)
    yield project
    project.end()


def edit(path: Path, change: Callable[[dict[str, object]], object]) -> None:
    """Change a JSON file."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content, indent=2))


GHOST = "@hello-dock/no-such-package-5f2c"


def break_source(app: Path) -> None:
    """Have a module import one that does not exist."""
    with (app / "src/main.js").open("a") as source:
        source.write("import './no-such-module-5f2c.js'\n")


def break_disk(app: Path) -> None:
    """Have the build write to a full disk, which the kernel's /dev/full is like."""
    with (app / "vite.config.js").open("a") as config:
        config.write("import { writeFileSync } from 'node:fs'\nwriteFileSync('/dev/full', 'x')\n")


def break_step(app: Path) -> None:
    """Have package.json name a dependency that the lock file does not name."""
    edit(app / "package.json", lambda content: content.update(dependencies={"vue": "^3.5.0", "left-pad": "^1.3.0"}))


def break_dependency(app: Path) -> None:
    """Have package.json and the lock file name a package that the registry does not have."""

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
    """Have the build leave no page."""
    package = app / "package.json"
    package.write_text(package.read_text().replace('"vite build"', '"vite build && rm dist/*.html"'))


@pytest.mark.parametrize(
    ("fault", "what", "how", "evidence"),
    [
        (break_source, "`npm run build` failed.", "npm run build)", "no-such-module-5f2c"),
        long(break_disk, "The disk is full.", "docker system df", "ENOSPC"),
        (break_step, "package-lock.json does not match package.json", "invoke npm -- install", "left-pad"),
        long(break_dependency, f"npm cannot get the package {GHOST}", "registry and token in .npmrc", "404"),
        (break_dist, "left no HTML page in", "DIST_DIR", ""),
    ],
    ids=["source", "disk", "out-of-step", "dependency", "dist"],
)
def test_failing_build_says_what_why_and_how(  # noqa: PLR0913, PLR0917 - a table's columns
    failing_project: ProjectUnderTest,
    app: Path,
    fault: Callable[[Path], None],
    what: str,
    how: str,
    evidence: str,
) -> None:
    """A failed build ends with the fault, the last lines of the step, and what to do. It replaces no image."""
    fault(app)
    before = built(failing_project)
    message = failing_project.fails("build-prod", INVOKE_APP_DIR=str(app)).rpartition("\n\n")[2]
    assert what in message
    assert how in message
    assert evidence in message
    assert built(failing_project) == before


def no_folder(app: Path) -> None:
    """Remove the app's folder."""
    shutil.rmtree(app)


def no_package(app: Path) -> None:
    """Remove package.json."""
    (app / "package.json").unlink()


def bad_package(app: Path) -> None:
    """Cut package.json short."""
    (app / "package.json").write_text('{"name": ')


def no_script(app: Path) -> None:
    """Leave the app without a script `build`."""
    edit(app / "package.json", lambda content: content.update(scripts={"serve": "vite"}))


@pytest.mark.parametrize(
    ("fault", "what", "how"),
    [
        (no_folder, "There is no folder", "INVOKE_APP_DIR="),
        long(no_package, "has no package.json.", "INVOKE_APP_DIR="),
        long(bad_package, "is not JSON", "Correct the file"),
        (no_script, "has no script build.", '"build": "vite build"'),
    ],
)
def test_folder_that_is_no_app_is_an_error_before_any_build(
    built_project: ProjectUnderTest, app: Path, fault: Callable[[Path], None], what: str, how: str
) -> None:
    """No docker command runs."""
    fault(app)
    output = built_project.fails("build-prod", INVOKE_APP_DIR=str(app))
    assert what in output
    assert how in output
    assert shown_commands(output) == []


def test_missing_file_of_certificate_authorities_is_an_error(built_project: ProjectUnderTest) -> None:
    """The message names the file."""
    output = built_project.fails("build-prod", INVOKE_BUILD_CA_FILE="/nonexistent/ca.pem")
    assert "/nonexistent/ca.pem cannot be read: No such file or directory." in output


def test_unchanged_app_builds_from_the_cache(built_project: ProjectUnderTest) -> None:
    """A second build of the same source runs no step."""
    before = built(built_project).id
    output = built_project.succeeds("build-prod", BUILDKIT_PROGRESS="plain")
    assert re.search(r'\[builder \d/\d\] RUN [^\n]* "npm run build" [^\n]*\n#\d+ CACHED\n', output)
    assert built(built_project).id == before
