from __future__ import annotations

import pytest

from docktasks.app.project import Project
from docktasks.engine.models import Container
from docktasks.errors import ConflictError, SettingsError, StartError
from docktasks.housekeeping import status
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.runner import Runner


class Terminal:
    """Records the commands that are run on it. They end with this exit code, or by Ctrl-C."""

    def __init__(self, code: int | None = 0) -> None:
        self.code = code
        self.ran: list[list[str]] = []

    def __call__(self, args: list[str]) -> int:
        """Run a command."""
        self.ran.append(args)
        if self.code is None:
            raise KeyboardInterrupt
        return self.code


def show(settings: Settings, terminal: Terminal, container: Container, role: str, *options: str) -> None:
    """Show the log of a role's container on this terminal."""
    status.logs(Project(Runner(), FakeEngine(container), settings), terminal, role, list(options))


def test_logs_are_shown_by_docker(settings: Settings) -> None:
    """The options of the task are options of `docker container logs`."""
    terminal = Terminal()
    show(settings, terminal, own_container("dev"), "dev", "--tail", "7", "--follow")
    assert terminal.ran == [["docker", "container", "logs", "--tail", "7", "--follow", "hello-dock-dev"]]


def test_log_that_docker_cannot_show_is_an_error(settings: Settings) -> None:
    """A container with the log driver `none` has no log. Docker has said so on the terminal."""
    with pytest.raises(StartError, match=r"The log of hello-dock-prod cannot be shown\."):
        show(settings, Terminal(1), own_container("prod"), "prod", "--tail", "all")


def test_ctrl_c_while_following_a_log_is_no_error(settings: Settings) -> None:
    """A user ends `invoke logs --follow` with Ctrl-C."""
    terminal = Terminal(None)
    show(settings, terminal, own_container("prod"), "prod", "--follow")
    assert len(terminal.ran) == 1
    with pytest.raises(KeyboardInterrupt):
        show(settings, terminal, own_container("prod"), "prod")


@pytest.mark.parametrize(("role", "start"), [("dev", "invoke dev"), ("prod", "invoke run-prod")])
def test_log_of_a_missing_container_says_how_to_start_it(settings: Settings, role: str, start: str) -> None:
    """Docker's own message does not name the task."""
    with pytest.raises(StartError, match=f"There is no container hello-dock-{role}") as caught:
        status.logs(Project(Runner(), FakeEngine(), settings), Terminal(), role, [])
    assert caught.value.how == f"Start it: {start}"


def test_log_without_a_role_is_an_error(settings: Settings) -> None:
    """A log belongs to one container, and `--role=` names none."""
    with pytest.raises(SettingsError):
        status.logs(Project(Runner(), FakeEngine(), settings), Terminal(), "", [])


def test_log_of_an_unrelated_container_is_an_error(settings: Settings) -> None:
    """The error says that the name is in use."""
    with pytest.raises(ConflictError):
        show(settings, Terminal(), Container("0", "hello-dock-prod"), "prod")
