from __future__ import annotations

from collections.abc import Callable

import pytest

from docktasks.app.project import Project
from docktasks.engine.models import Container
from docktasks.errors import ConflictError, SettingsError, StartError
from docktasks.housekeeping import status
from docktasks.labels import RELEASE_LABEL
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.runner import Runner


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "NEXT_START_TIME_S", 0)


def show(settings: Settings, container: Container, *, follow: bool = False, code: int | None = 0) -> Runner:
    """Show the last seven lines of a container's log, which ends with this exit code, or by Ctrl-C; the runner."""
    run = Runner()
    run.attached_code = code
    status.logs(Project(run, FakeEngine(container), settings), container.role or "prod", "7", follow=follow)
    return run


def test_logs_are_shown_by_docker(settings: Settings) -> None:
    """The options of the task are options of `docker container logs`."""
    run = show(settings, own_container("dev"), follow=True)
    assert run.attached == [["docker", "container", "logs", "--tail", "7", "--follow", "hello-dock-dev"]]


def test_following_goes_on_with_the_release_that_replaces_this_one(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Docker follows the log of one container. A replaced release ends, and another has its name."""
    engine = FakeEngine(own_container("prod", started="2026-01-01T00:00:00Z"))

    class ReplacingRunner(Runner):
        def attach(self, args: list[str], end: Callable[[], object] = lambda: None) -> int:
            """Let another release start while the first log is shown, and Ctrl-C end the second one."""
            super().attach(args, end)
            if len(self.attached) == 2:
                raise KeyboardInterrupt
            labels = {RELEASE_LABEL: "5c1e9fa00000"}
            engine.by_name["hello-dock-prod"] = own_container("prod", started="2026-01-02T00:00:00Z", labels=labels)
            return 0

    run = ReplacingRunner()
    status.logs(Project(run, engine, settings), "prod", "all", follow=True)
    assert run.attached[1][3:] == ["--since", "2026-01-02T00:00:00Z", "--follow", "hello-dock-prod"]
    assert "hello-dock-prod has started with release 5c1e9fa00000." in capsys.readouterr().out


def test_following_ends_with_a_container_that_stays_stopped(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """The user reads why the task ends."""
    assert len(show(settings, own_container("prod"), follow=True).attached) == 1
    assert capsys.readouterr().out == "hello-dock-prod has stopped.\n"


def test_log_of_a_stopped_container_is_shown_once(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing can follow, so the task does not wait for it."""
    assert len(show(settings, own_container("prod", state="exited"), follow=True).attached) == 1
    assert capsys.readouterr().out == ""


def test_log_that_docker_cannot_show_is_an_error(settings: Settings) -> None:
    """A container with the log driver `none` has no log. Docker has said so on the terminal."""
    with pytest.raises(StartError, match=r"The log of hello-dock-prod cannot be shown\."):
        show(settings, own_container("prod"), code=1)


def test_ctrl_c_while_following_a_log_is_no_error(settings: Settings) -> None:
    """A user ends `invoke logs --follow` with Ctrl-C."""
    assert len(show(settings, own_container("prod"), follow=True, code=None).attached) == 1
    with pytest.raises(KeyboardInterrupt):
        show(settings, own_container("prod"), code=None)


@pytest.mark.parametrize(("role", "start"), [("dev", "invoke dev"), ("prod", "invoke run-prod")])
def test_log_of_a_missing_container_says_how_to_start_it(settings: Settings, role: str, start: str) -> None:
    """Docker's own message does not name the task."""
    with pytest.raises(StartError, match=f"There is no container hello-dock-{role}") as caught:
        status.logs(Project(Runner(), FakeEngine(), settings), role, "100")
    assert caught.value.how == f"Start it: {start}"


def test_log_without_a_role_is_an_error(settings: Settings) -> None:
    """A log belongs to one container, and `--role=` names none."""
    with pytest.raises(SettingsError):
        status.logs(Project(Runner(), FakeEngine(), settings), "", "100")


def test_log_of_an_unrelated_container_is_an_error(settings: Settings) -> None:
    """The error says that the name is in use."""
    with pytest.raises(ConflictError):
        show(settings, Container("0", "hello-dock-prod"))
