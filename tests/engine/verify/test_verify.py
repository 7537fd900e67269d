from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from docktasks.engine.client import DockerEngine
from docktasks.verify import report
from docktasks.verify.catalog import CHECKS, select
from docktasks.waiting import Probe, wait_until
from tests.support.long_forms import long
from tests.support.project import ProjectUnderTest
from tests.support.running_task import StartTask

NO_NOSNIFF = "USER root\nRUN sed -i /X-Content-Type-Options/d /etc/nginx/serving/security.conf\nUSER 101:101"
QUICK = ("--group=image", "--group=container", "--group=http")
"""All groups but those that need a browser."""


@pytest.fixture(scope="module")
def verified_project(
    engine: DockerEngine, checkout: Path, built_project: ProjectUnderTest
) -> Iterator[ProjectUnderTest]:
    """A project whose working release serves, and whose dev container runs."""
    for project in run_release(ProjectUnderTest(engine, checkout), built_project):
        project.succeeds("dev", "--detach")
        yield project


@pytest.fixture(scope="module")
def faulty_project(engine: DockerEngine, checkout: Path, built_project: ProjectUnderTest) -> Iterator[ProjectUnderTest]:
    """A project that serves without one of the security headers."""
    yield from run_release(ProjectUnderTest(engine, checkout), built_project, NO_NOSNIFF)


def run_release(
    project: ProjectUnderTest, built_project: ProjectUnderTest, layer: str = ""
) -> Iterator[ProjectUnderTest]:
    """Run the built image with Dockerfile instructions on top, and remove the project at the end."""
    try:
        project.stage(built_project.image, layer)
        project.succeeds("run-prod", "--no-build")
        yield project
    finally:
        project.end()


@pytest.mark.usefixtures("chromium")
def test_working_release_passes_every_check(verified_project: ProjectUnderTest, tmp_path: Path) -> None:
    """`verify --strict` exits with 0. Its JSON has each check, and none is skipped. The release stays as it was."""
    path, before = tmp_path / "verdicts.json", verified_project.container()
    output = verified_project.succeeds("verify", "--strict", f"--json={path}")
    content = json.loads(path.read_text())
    assert f"{len(CHECKS)} passed, 0 failed, 0 skipped" in output
    assert content["subject"]["url"] == verified_project.container().url
    assert content["summary"] == {"pass": len(CHECKS), "fail": 0, "skip": 0}
    assert [check["id"] for check in content["checks"]] == [check.id for check in CHECKS]
    assert verified_project.container() == before
    assert verified_project.get().status_code == 200


@pytest.mark.usefixtures("chromium")
def test_verify_judges_the_dev_container_when_no_release_runs(verified_project: ProjectUnderTest) -> None:
    """`verify` judges the dev container when nothing else runs. Groups about a release then have no subject."""
    verified_project.succeeds("stop", "--role=prod")
    try:
        output = verified_project.succeeds("verify", "--strict", "--group=dev")
        assert f"verify {verified_project.container('dev').url}" in output
        assert "0 failed, 0 skipped" in output
        assert "There is nothing to verify" in verified_project.fails("verify", "--group=http", "--group=browser")
    finally:
        verified_project.succeeds("run-prod", "--no-build")


# One handler takes both; test_clones.py has SIGINT.
@pytest.mark.parametrize("number", [long(signal.SIGINT), signal.SIGTERM])
def test_interrupted_verify_restores_the_apps_files(
    verified_project: ProjectUnderTest, start_task: StartTask, number: signal.Signals
) -> None:
    """verify ends with a signal while a check has changed the app's folder, and takes the change back first."""
    app = verified_project.checkout / "hello-dock"
    before = file_stats(app)
    task = start_task(verified_project, "verify", "--group=dev")
    assert wait_until(lambda: Probe(file_stats(app) != before), limit=60, interval=0.001).ready, task.output
    task.signal(number)
    assert task.wait_for_exit(60) != 0
    assert file_stats(app) == before


def file_stats(app: Path) -> dict[Path, tuple[int, int]]:
    """Return time and size of the app's own files by their paths."""
    paths = [*app.glob("*"), *(app / "src").rglob("*")]
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in paths if path.is_file()}


def test_every_report_names_the_failed_check_and_its_fix(faulty_project: ProjectUnderTest, tmp_path: Path) -> None:
    """One run writes all three reports, which name the failed check and its fix, and ends with exit code 1."""
    paths = {form: tmp_path / f"verify.{form}" for form in report.REPORTS}
    groups = [f"--group={group}" for group in ("container", "http")]
    output = faulty_project.fails("verify", *groups, *(f"--{form}={path}" for form, path in paths.items()))
    checks = json.loads(paths["json"].read_text())["checks"]
    fix = next(check["fix"] for check in checks if check["id"] == "http.security-headers")
    assert "✗ http.security-headers FAILS (major)" in output
    assert "x-content-type-options is missing" in " ".join(output.split())
    failed = [check for check in checks if check["verdict"] == "fail"]
    ids = ["container.configuration", "http.security-headers"]  # the configuration that runs is not the build's, too
    assert [check["id"] for check in failed] == ids
    assert f"2 of {len(select(['container', 'http']))} checks failed: {', '.join(ids)}" in output
    assert all(check["evidence"] and check["fix"] for check in failed)
    for form in ("junit", "html"):
        text = unescape(paths[form].read_text(encoding="utf-8"))
        assert "http.security-headers" in text
        assert fix in text


def test_verify_judges_an_address_without_an_engine(
    verified_project: ProjectUnderTest, faulty_project: ProjectUnderTest
) -> None:
    """--url judges any address. A group that needs an engine is refused when it is asked for."""
    no_engine = {"DOCKER_HOST": "unix:///nonexistent"}
    url = f"--url={verified_project.container().url}"
    output = verified_project.succeeds("verify", "--strict", "--skip=http.encoding", "--group=http", url, **no_engine)
    assert " 0 failed, 0 skipped in " in output
    refused = verified_project.fails("verify", *QUICK, url, **no_engine)
    assert "There is nothing to verify for image, container: --url names only an address." in refused
    assert "http.security-headers" in faulty_project.fails(
        "verify", "--group=http", f"--url={faulty_project.container().url}", **no_engine
    )


def test_address_without_a_server_is_one_error(verified_project: ProjectUnderTest) -> None:
    """An address where nothing listens is one error, not a failure of every check."""
    output = verified_project.fails("verify", "--url=http://127.0.0.1:9")
    assert "http://127.0.0.1:9 does not answer" in output
    assert "http.files" not in output


def test_image_without_layers_skips_the_checks_of_layers(project: ProjectUnderTest) -> None:
    """Checks of layers are skipped with that reason, and verify does not say that the engine is gone."""
    project.stage("scratch", 'CMD ["x"]')
    output = " ".join(project.fails("verify", f"--image={project.image}").split())
    assert "10 checks skipped: it has no layer (image.declaration," in output
    assert "did not answer" not in output
    assert "✗ image.user FAILS" in output


def test_verify_without_a_subject_names_both_ways_out(project: ProjectUnderTest) -> None:
    """Without a container, verify names run-prod and --url."""
    output = project.fails("verify")
    assert "There is nothing to verify" in output
    assert "invoke run-prod" in output
    assert "--url=" in output


def test_report_that_cannot_be_written_is_an_error(verified_project: ProjectUnderTest) -> None:
    """verify names a report file that cannot be written, before it looks at anything."""
    output = verified_project.fails("verify", "--group=image", "--json=/nonexistent/verdicts.json")
    assert "--json=/nonexistent/verdicts.json: there is no folder /nonexistent." in output
    assert "image." not in output
