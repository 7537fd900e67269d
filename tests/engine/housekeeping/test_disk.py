"""A disk that is full, read-only or otherwise not to be written: one clear error, and what serves goes on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.commands import clean_environ, run_command
from tests.support.long_forms import long
from tests.support.project import RUN_STAGED, ProjectUnderTest

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")


def mount(folder: Path, options: str) -> None:
    """Mount a small file system over a folder."""
    folder.mkdir(exist_ok=True)
    result = run_command(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], folder.parent, clean_environ())
    assert result.ok, result.output


def full(folder: Path) -> None:
    """Mount a disk without a free byte."""
    mount(folder, "size=64k")
    (folder / "ballast").write_bytes(b"0" * (64 << 10))


def without_inodes(folder: Path) -> None:
    """Mount a disk on which no file can be made."""
    mount(folder, "size=64k,nr_inodes=1")


def file(folder: Path) -> None:
    """Make a file where the folder has to be."""
    folder.write_text("")


@pytest.fixture
def cache(shared_running_project: ProjectUnderTest) -> Iterator[Path]:
    """The cache folder of the project's checkout, set aside and put back."""
    folder = shared_running_project.checkout / ".cache"
    aside = folder.with_name(".cache-aside")
    folder.rename(aside)
    yield folder
    run_command(["umount", str(folder)], aside, clean_environ())
    folder.unlink() if folder.is_file() else folder.rmdir()
    aside.rename(folder)


@pytest.mark.parametrize("break_disk", [full, long(without_inodes), long(file)], ids=lambda function: function.__name__)
@pytest.mark.parametrize("task", [("build-prod",), RUN_STAGED, ("dev", "--detach")], ids=lambda words: words[0])
def test_task_on_a_broken_disk_ends_with_one_error(
    shared_running_project: ProjectUnderTest, cache: Path, break_disk: Callable[[Path], None], task: tuple[str, ...]
) -> None:
    """The error names the path and the reason, and the release keeps serving."""
    break_disk(cache)
    # An authority makes every build write its context.
    authority = {"INVOKE_BUILD_CA_FILE": "/etc/hosts"}
    result = shared_running_project.invoke(*task, **authority)
    assert "Traceback" not in result.output
    if not result.ok:
        assert ".cache" in result.output
        assert "cannot be" in result.output
    assert result.ok is (break_disk is full and task == RUN_STAGED)  # which writes no more than an empty lock
    assert shared_running_project.get().status_code == 200
