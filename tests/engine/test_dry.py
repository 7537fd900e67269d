from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.commands import shown_commands
from tests.support.long_forms import long
from tests.support.project import ProjectUnderTest

TASKS = [
    ("setup",), ("dev",), ("run-prod",), ("verify",), ("clean", "--bases"),
    *(long(words) for words in (
        ("bases",), ("dev", "--detach"), ("build-prod",), ("run-prod", "--public"), ("run-prod", "--no-build"),
        ("status",), ("logs",), ("stop",), ("clean",),
    )),
]  # fmt: skip


def file_stats(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return size and time of every file of a checkout, and its folders, without Python's and git's own files."""
    return {
        path: (path.lstat().st_size, path.lstat().st_mtime_ns) if not path.is_dir() else (0, 0)
        for path in folder.rglob("*")
        if "__pycache__" not in path.parts and ".git" not in path.parts
    }


@pytest.mark.parametrize("task", TASKS, ids=" ".join)
def test_dry_run_needs_no_engine_and_writes_no_file(built_project: ProjectUnderTest, task: tuple[str, ...]) -> None:
    """With --dry a task succeeds where no engine answers, and the files of the checkout do not change."""
    before = file_stats(built_project.checkout)
    output = built_project.succeeds("--dry", *task, DOCKER_HOST="unix:///nonexistent")
    assert output.strip()
    assert file_stats(built_project.checkout) == before


def test_dry_run_changes_nothing_on_the_engine(running_project: ProjectUnderTest) -> None:
    """Tasks with --dry keep the containers, images and volumes of a serving project as they are."""

    def engine_state() -> object:
        engine, name = running_project.engine, running_project.name
        images = [(image.id, image.tags) for image in engine.images(name)]
        return engine.containers(name), images, engine.volumes(name), running_project.remaining_names()

    before = engine_state()
    for task in ("dev", "run-prod", "stop", "clean"):
        running_project.succeeds("--dry", task)
    assert engine_state() == before


def test_dry_run_prints_the_docker_commands(built_project: ProjectUnderTest) -> None:
    """`invoke --dry run-prod` prints the commands that build the image and start the container."""
    output = built_project.succeeds("--dry", "run-prod")
    commands = [" ".join(command) for command in shown_commands(output)]
    assert any(line.startswith(f"docker image build --tag {built_project.image} ") for line in commands)
    assert any(line.startswith(f"docker container run --detach --name {built_project.name}-prod ") for line in commands)


def test_dry_run_names_what_the_real_task_removes(running_project: ProjectUnderTest) -> None:
    """`--dry stop` and `--dry clean` ask the engine what is there, the port holder, volumes and releases included."""
    for task, would, did in (("stop", "Would stop", "Stopped"), ("clean", "Would remove", "Removed")):
        expected = running_project.succeeds("--dry", task).splitlines()[-1]
        assert running_project.succeeds(task).splitlines()[-1] == expected.replace(would, did)
