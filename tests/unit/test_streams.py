"""Tasks in processes of their own, whose output is closed, full or slow, and which get signals."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from docktasks.app import streams
from tests.unit.fakes.apps import ROOT

CODE = 3
"""The exit code of the task."""

TASKS = f"""
from pathlib import Path
from invoke.exceptions import Exit
from invoke.tasks import task
from docktasks.app import collection
from docktasks.app.session import exit_on_error
from docktasks.app.runner import Runner

@task
def work(c):
    with exit_on_error():
        for number in range(3):
            print("a step, é ✓", flush=True)
            Runner(c)(["sh", "-c", "seq 20000; echo 'a warning, é ✓' >&2"])  # more than a pipe holds
        Path("attached").write_text(str(Runner(c).attach(["sh", "-c", "seq 99999; echo wrong >&2; exit 5"])))
        raise Exit("The work has failed.", code={CODE})

@task
def wait(c, attended=False):
    with exit_on_error(attended=attended):
        print("waiting", flush=True)
        Runner(c)(["sh", "-c", "read line <" + str(Path("fifo").absolute())])
        Path("ended").touch()

namespace = collection.compose([work, wait])
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with tasks that use the project's runner and collection."""
    (tmp_path / "tasks.py").write_text(TASKS)
    os.mkfifo(tmp_path / "fifo")
    return tmp_path


def environ(**variables: str) -> dict[str, str]:
    """Return an environment in which the tasks find docktasks/."""
    return os.environ | {"PYTHONPATH": str(ROOT)} | variables


OUTPUTS = [
    "2>&1 | head -2", "| head -2", "2>&1 >/dev/null | true", "2>&1 | true", ">/dev/full", "2>/dev/full",
    ">/dev/full 2>&1", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", "2>&1 | (read line; exec tail -c 1 >/dev/null)",
]  # fmt: skip


@pytest.mark.parametrize(("output", "encoding"), [*((output, "utf-8") for output in OUTPUTS), ("2>&1 | cat", "ascii")])
def test_task_runs_to_its_end_whatever_happens_to_its_output(folder: Path, output: str, encoding: str) -> None:
    """Its exit code is its own, and so are those of its commands."""
    task = shlex.join([sys.executable, "-m", "invoke", "work"])
    subprocess.run(
        ["bash", "-c", f"({task}; echo $? >code) {output}"], cwd=folder, env=environ(PYTHONIOENCODING=encoding),
        capture_output=True, check=True,
    )  # fmt: skip
    assert (folder / "code").read_text().strip() == str(CODE)
    assert (folder / "attached").read_text() == "5"


def test_output_that_is_lost_is_reported_where_it_can_be(folder: Path) -> None:
    """A full disk is said on standard error. A closed pipe was the reader's wish."""
    command = [sys.executable, "-m", "invoke", "work"]
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            command, cwd=folder, env=environ(), stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert "! The output cannot be written (No space left on device): the rest is lost." in result.stderr
    assert result.stderr.endswith("The work has failed.\n")


def test_full_pipe_that_does_not_block_is_waited_for() -> None:
    """Node makes the pipes of its children non-blocking. Nothing is lost then."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    content = os.urandom(1 << 20)
    with subprocess.Popen(["sha256sum"], stdin=read_end, stdout=subprocess.PIPE) as reader:
        os.close(read_end)
        with streams.Sink(write_end, "w") as sink:
            remaining = memoryview(content)
            while remaining:
                remaining = remaining[sink.write(remaining) :]
        digest = reader.communicate()[0].split()[0]
    expected = subprocess.run(["sha256sum"], input=content, capture_output=True, check=True).stdout.split()[0]
    assert digest == expected


def start(folder: Path, *args: str) -> subprocess.Popen[bytes]:
    """Start the task that waits, in a group of processes of its own, and wait until its command runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "invoke", "wait", *args], cwd=folder, env=environ(), start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"waiting\n"
    return process


@pytest.mark.parametrize(
    ("number", "args"),
    [(signal.SIGINT, []), (signal.SIGTERM, []), (signal.SIGHUP, ["--attended"])],
    ids=["Ctrl-C", "kill", "closed terminal"],
)
def test_signal_to_a_task_ends_its_command_too(folder: Path, number: signal.Signals, args: list[str]) -> None:
    """The signal goes to the task only, as by `kill` or from a CI system. The exit code is the shell's for it."""
    process = start(folder, *args)
    with (folder / "fifo").open("w"):  # opened: the command reads
        process.send_signal(number)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert error.startswith(b"\nInterrupted.")
    assert not (folder / "ended").exists()


def test_task_survives_that_its_terminal_is_closed(folder: Path) -> None:
    """The shell then sends SIGHUP to the task and to its command."""
    process = start(folder)
    with (folder / "fifo").open("w") as fifo:
        os.killpg(process.pid, signal.SIGHUP)
        fifo.write("a line\n")
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert (folder / "ended").exists()
