from __future__ import annotations

import json
from pathlib import Path

import docker
import pytest
from docker.errors import DockerException
from invoke.program import Program

from docktasks.verify import catalog
from tests.unit.fakes.apps import ROOT
from tests.unit.fakes.sites import Answer, Site
from tests.unit.fakes.web import Web

URL = "http://127.0.0.1:8080"


@pytest.fixture(autouse=True)
def _without_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the folder where Invoke looks for tasks.py, and make the SDK find no engine."""

    def refuse(**_options: object) -> None:
        raise DockerException("no engine here")

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(docker, "from_env", refuse)


def verify(*args: str) -> None:
    """Run `invoke verify …` in this process. Raises SystemExit if it fails."""
    Program(name="invoke", binary="invoke").run(["invoke", *args])


def without_type(_request: object, answer: Answer) -> None:
    """Remove the content type from an answer."""
    answer.headers.pop("content-type", None)


def test_address_is_verified_without_an_engine(web: Web, capsys: pytest.CaptureFixture[str]) -> None:
    """The lines have the checks that passed, and the reasons of those that were skipped or left out."""
    web.answer = Site()
    verify("verify", f"--url={URL}")
    output = capsys.readouterr().out
    assert f"verify {URL}" in output
    assert "0 failed" in output
    assert "image, container, dev: " in output
    assert "left out: --url names only an address" in output


def test_reports_are_written_before_the_task_fails(
    web: Web, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """CI needs the report most when a check failed."""
    web.answer = Site(without_type)
    path = tmp_path / "verdicts.json"
    with pytest.raises(SystemExit) as caught:
        verify("verify", f"--url={URL}", f"--json={path}")
    assert caught.value.code == 1
    assert "checks failed: " in capsys.readouterr().err
    content = json.loads(path.read_text())
    assert content["subject"]["url"] == URL
    assert "http.files" in [check["id"] for check in content["checks"] if check["verdict"] == "fail"]


def test_address_that_does_not_answer_writes_no_report(web: Web, tmp_path: Path) -> None:
    """Without an answer there are no verdicts to report."""
    path = tmp_path / "verdicts.json"
    with pytest.raises(SystemExit):
        verify("verify", f"--url={URL}", f"--json={path}")
    assert web.requests == [f"{URL}/"]
    assert not path.exists()


def test_running_container_needs_an_engine(capsys: pytest.CaptureFixture[str]) -> None:
    """Without an address, the error names the task that installs an engine."""
    with pytest.raises(SystemExit):
        verify("verify")
    assert "invoke setup" in capsys.readouterr().err


def test_dry_run_sends_no_request(web: Web, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints what it would check."""
    verify("--dry", "verify", f"--url={URL}")
    assert capsys.readouterr().out == f"Would check {URL}.\n"
    assert web.requests == []


def test_list_has_every_check(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each check has a row, and none is run."""
    monkeypatch.setenv("COLUMNS", "200")
    verify("verify", "--list")
    output = capsys.readouterr().out
    assert all(check.id in output and check.summary in output for check in catalog.CHECKS)
