from __future__ import annotations

import pytest

from docktasks.app.project import Project
from docktasks.engine.models import Container
from docktasks.errors import ConflictError, SettingsError, StartError
from docktasks.housekeeping import status
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.runner import Runner


def show(settings: Settings, container: Container, role: str, *options: str, code: int | None = 0) -> Runner:
    """Show the log of a role's container, which ends with this exit code, or by Ctrl-C; the runner."""
    run = Runner()
    run.attached_code = code
    status.logs(Project(run, FakeEngine(container), settings), role, list(options))
    return run


def test_logs_are_shown_by_docker(settings: Settings) -> None:
    """The options of the task are options of `docker container logs`."""
    run = show(settings, own_container("dev"), "dev", "--tail", "7", "--follow")
    assert run.attached == [["docker", "container", "logs", "--tail", "7", "--follow", "hello-dock-dev"]]


def test_log_that_docker_cannot_show_is_an_error(settings: Settings) -> None:
    """A container with the log driver `none` has no log. Docker has said so on the terminal."""
    with pytest.raises(StartError, match=r"The log of hello-dock-prod cannot be shown\."):
        show(settings, own_container("prod"), "prod", "--tail", "all", code=1)


def test_ctrl_c_while_following_a_log_is_no_error(settings: Settings) -> None:
    """A user ends `invoke logs --follow` with Ctrl-C."""
    assert len(show(settings, own_container("prod"), "prod", "--follow", code=None).attached) == 1
    with pytest.raises(KeyboardInterrupt):
        show(settings, own_container("prod"), "prod", code=None)


@pytest.mark.parametrize(("role", "start"), [("dev", "invoke dev"), ("prod", "invoke run-prod")])
def test_log_of_a_missing_container_says_how_to_start_it(settings: Settings, role: str, start: str) -> None:
    """Docker's own message does not name the task."""
    with pytest.raises(StartError, match=f"There is no container hello-dock-{role}") as caught:
        status.logs(Project(Runner(), FakeEngine(), settings), role, [])
    assert caught.value.how == f"Start it: {start}"


def test_log_without_a_role_is_an_error(settings: Settings) -> None:
    """A log belongs to one container, and `--role=` names none."""
    with pytest.raises(SettingsError):
        status.logs(Project(Runner(), FakeEngine(), settings), "", [])


def test_log_of_an_unrelated_container_is_an_error(settings: Settings) -> None:
    """The error says that the name is in use."""
    with pytest.raises(ConflictError):
        show(settings, Container("0", "hello-dock-prod"), "prod")
