from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from docktasks import command_names
from docktasks.command_names import of_this_process, spelled

TASKS = ("run-prod", "verify", "npm", "build-prod", "releases", "rollback")


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """The next test begins as a new command."""
    yield
    command_names.remember("invoke", {})


def test_text_names_the_command_of_the_user() -> None:
    """Each command in a text gets the program, and what a namespace calls the task. Flags stay where they are."""
    command_names.remember("inv", {task: f"docker.{task}" for task in TASKS})
    assert spelled("List them: invoke releases, then invoke rollback --to=RELEASE") == (
        "List them: inv docker.releases, then inv docker.rollback --to=RELEASE"
    )
    assert spelled("INVOKE_PROD_HOST_PORT=8081 invoke --echo run-prod") == (
        "INVOKE_PROD_HOST_PORT=8081 inv --echo docker.run-prod"
    )
    assert spelled("See invoke --list") == "See inv --list"


@pytest.mark.parametrize(
    "text", ["invoke.yaml lists it", "invoke mytask", "they invoke it", "reinvoke run-prod", "INVOKE_APP_DIR=x"]
)
def test_other_text_stays(text: str) -> None:
    """Only a command of ours is one."""
    command_names.remember("hello-dock", {task: task for task in TASKS})
    assert spelled(text) == text


def test_text_stays_without_a_command() -> None:
    """Without a command line, as in the documents that are generated, `invoke` is the program."""
    assert spelled("Build again: invoke build-prod") == "Build again: invoke build-prod"


@pytest.mark.parametrize(
    ("called_as", "prefix", "command"),
    [
        ("invoke", "/srv/.venv", "invoke"),
        ("inv", "/srv/.venv", "inv"),
        ("__main__.py", "/srv/.venv", "invoke"),
        ("hello-dock", "/srv/.venv", "hello-dock"),
        ("hello-dock", "/home/a/.local/share/uv/tools/hello-dock", "hello-dock"),
        ("hello-dock", "/home/a/.cache/uv/archive-v0/3f2a91", "uvx hello-dock"),
        ("hello-dock", "/home/a/.cache/uv/environments-v2/3f2a91", "uvx hello-dock"),
        ("hello-dock", "/home/a/.local/pipx/.cache/3f2a91", "pipx run hello-dock"),
        ("hello-dock", "/home/a/.local/share/pipx/venvs/hello-dock", "hello-dock"),
    ],
)
def test_command_is_what_can_be_typed_again(
    called_as: str, prefix: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """uvx and pipx run put no command on the PATH."""
    monkeypatch.setattr("docktasks.command_names.sys.prefix", str(Path(prefix)))
    assert of_this_process(called_as) == command
