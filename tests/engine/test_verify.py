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
from tests.conftest import Start
from tests.engine.support import Project

NO_NOSNIFF = "USER root\nRUN sed -i /X-Content-Type-Options/d /etc/nginx/serving/security.conf\nUSER 101:101"
QUICK = ("--group=image", "--group=container", "--group=http")
"""All but the groups that take a browser."""


@pytest.fixture(scope="module")
def healthy(engine: DockerEngine, checkout: Path, good: Project) -> Iterator[Project]:
    """A project that serves what it should, and whose dev container runs."""
    for project in serving(Project(engine, checkout), good):
        project.does("dev", "--detach")
        yield project


@pytest.fixture(scope="module")
def faulty(engine: DockerEngine, checkout: Path, good: Project) -> Iterator[Project]:
    """A project that serves without one of the security headers."""
    yield from serving(Project(engine, checkout), good, NO_NOSNIFF)


def serving(project: Project, good: Project, layer: str = "") -> Iterator[Project]:
    """A project that serves the good image with a layer on top."""
    try:
        project.stage(good.image, layer)
        project.does("run-prod", "--no-build")
        yield project
    finally:
        project.end()


@pytest.mark.usefixtures("chromium")
def test_healthy_release_passes_every_check(healthy: Project, tmp_path: Path) -> None:
    """Exit code 0, also under --strict; the JSON has a verdict for each check, and none is skipped."""
    path = tmp_path / "verdicts.json"
    output = healthy.does("verify", "--strict", f"--json={path}")
    content = json.loads(path.read_text())
    assert f"{len(CHECKS)} passed, 0 failed, 0 skipped" in output
    assert content["subject"]["url"] == healthy.container().url
    assert content["summary"] == {"pass": len(CHECKS), "fail": 0, "skip": 0}
    assert [check["id"] for check in content["checks"]] == [check.id for check in CHECKS]


@pytest.mark.usefixtures("chromium")
def test_the_dev_container_is_judged_alone(healthy: Project) -> None:
    """Where nothing else runs, it is what `verify` judges; the groups about the release then have nothing to judge."""
    healthy.does("stop", "--role=prod")
    output = healthy.does("verify", "--strict", "--group=dev")
    assert f"verify {healthy.container('dev').url}" in output
    assert "0 failed, 0 skipped" in output
    assert "There is nothing to verify" in healthy.fails("verify", "--group=http", "--group=browser")
    healthy.does("run-prod", "--no-build")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_leaves_the_checkout_as_it_was(healthy: Project, start: Start, number: signal.Signals) -> None:
    """Ended while a check has a file or an edit in the app's folder, verify takes it back before it ends."""
    app = healthy.checkout / "hello-dock"
    before = contents(app)
    task = start(healthy, "verify", "--group=dev")
    assert wait_until(lambda: Probe(contents(app) != before), limit=60, interval=0.001).ready, task.output
    task.signal(number)
    assert task.process.wait(60) != 0
    assert contents(app) == before


def contents(app: Path) -> dict[Path, tuple[int, int]]:
    """Every file of an app's own, with its time and its size."""
    paths = [*app.glob("*"), *(app / "src").rglob("*")]
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in paths if path.is_file()}


def test_faulty_release_is_reported_in_every_form(faulty: Project, tmp_path: Path) -> None:
    """One run writes all three; each names what failed, and the HTML page and the JUnit XML have its fix."""
    paths = {form: tmp_path / f"verify.{form}" for form in report.REPORTS}
    output = faulty.fails("verify", *QUICK, *(f"--{form}={path}" for form, path in paths.items()))
    checks = json.loads(paths["json"].read_text())["checks"]
    fix = next(check["fix"] for check in checks if check["id"] == "http.security-headers")
    assert "✗ http.security-headers FAILS (major)" in output
    for form in ("junit", "html"):
        text = unescape(paths[form].read_text(encoding="utf-8"))
        assert "http.security-headers" in text
        assert fix in text


def test_fault_ends_with_exit_code_1(faulty: Project, tmp_path: Path) -> None:
    """A failed check is named with its evidence and its fix, in the table and in the JSON."""
    path = tmp_path / "verdicts.json"
    output = faulty.fails("verify", "--group=container", "--group=http", f"--json={path}")
    assert f"1 of {len(select(['container', 'http']))} checks failed: http.security-headers" in output
    assert "x-content-type-options is sent 0 times" in " ".join(output.split())
    failed = [check for check in json.loads(path.read_text())["checks"] if check["verdict"] == "fail"]
    assert [check["id"] for check in failed] == ["http.security-headers"]
    assert failed[0]["evidence"]
    assert failed[0]["fix"]


def test_address_is_judged_without_an_engine(healthy: Project, faulty: Project) -> None:
    """--url judges any address; what needs an engine is skipped with its reason, which --strict fails."""
    away = {"DOCKER_HOST": "unix:///nonexistent"}
    output = healthy.does("verify", *QUICK, f"--url={healthy.container().url}", **away)
    assert "0 failed" in output
    assert "needs an image" in output
    assert "needs a running container" in output
    strict = healthy.fails("verify", "--strict", *QUICK, f"--url={healthy.container().url}", **away)
    assert "checks did not pass: image.user" in strict
    assert "http.security-headers" in faulty.fails("verify", *QUICK, f"--url={faulty.container().url}", **away)


def test_address_where_nothing_answers(healthy: Project) -> None:
    """An address that nobody listens at is one error, not a failure of every check."""
    output = healthy.fails("verify", "--url=http://127.0.0.1:9")
    assert "http://127.0.0.1:9 does not answer" in output
    assert "http.files" not in output


def test_image_without_a_layer(project: Project) -> None:
    """What would be read in its layers is skipped with that reason, and the engine is not taken to be gone."""
    project.stage("scratch", 'CMD ["x"]')
    output = " ".join(project.fails("verify", f"--image={project.image}").split())
    assert "4 checks skipped: it has no layer (image.command, image.health-check, image.contents," in output
    assert "did not answer" not in output
    assert "✗ image.user FAILS" in output


def test_nothing_runs(project: Project) -> None:
    """Without a container there is nothing to verify, which is an error that names both ways out."""
    output = project.fails("verify")
    assert "There is nothing to verify" in output
    assert "invoke run-prod" in output
    assert "--url=" in output


def test_report_that_cannot_be_written(healthy: Project) -> None:
    """A file for the verdicts that cannot be written is an error."""
    assert "Cannot write /nonexistent/verdicts.json" in healthy.fails(
        "verify", "--group=image", "--json=/nonexistent/verdicts.json"
    )
