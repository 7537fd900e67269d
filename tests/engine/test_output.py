"""What a task prints: its steps and its result, and with --echo the commands."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from docktasks.waiting import Probe, http_ready, wait_until
from tests.support.checkouts import write_app
from tests.support.commands import docker, shown_commands
from tests.support.long_forms import long
from tests.support.project import ProjectFactory, ProjectUnderTest
from tests.support.terminal import Terminal

MAX_LINES = 12
"""Lines of `run-prod` on a built image, with a stand-in for each base image."""
COLUMNS = 80


def remove_containers(project: ProjectUnderTest) -> None:
    """Remove the project's containers, its network and volumes, and the tags of its images by hand."""
    docker("container", "rm", "--force", *project.container_names())
    docker("network", "rm", f"{project.name}-prod")
    docker("volume", "rm", *project.engine.volumes(project.name))
    docker("image", "rm", "--force", *(tag for image in project.engine.images(project.name) for tag in image.tags))


def test_echoed_commands_of_run_prod_can_be_copied_and_run(
    new_project: ProjectFactory, built_project: ProjectUnderTest
) -> None:
    """Standard error has the commands and nothing else. A shell that runs them in the checkout serves the same app."""
    project = new_project()
    environ = project.environ | {"INVOKE_RUN_ECHO": "0"}
    args = project.command("--echo", "run-prod", '--env=API_URL=/a b?c="$HOME" `id`')
    task = subprocess.run(args, cwd=project.checkout, env=environ, capture_output=True, text=True, check=True)
    page, env = project.get().text, project.get("/env.js").text
    assert '"/a b?c=\\"$HOME\\" `id`"' in env
    assert len(shown_commands(task.stderr)) > 4
    assert shown_commands(task.stdout) == []
    flags = [line.split()[0] for line in task.stderr.splitlines() if line.startswith("    -")]
    assert len(flags) > 40

    remove_containers(project)
    subprocess.run(["sh", "-eu"], cwd=project.checkout, input=task.stderr, text=True, check=True, env=environ)
    probe = wait_until(lambda: Probe(http_ready(f"{project.container().url}/").ready), 60)
    assert probe.ready
    assert (project.get().text, project.get("/env.js").text) == (page, env)
    assert built_project.container_names() == []


def test_run_prod_on_a_built_image_prints_few_lines_on_a_terminal(new_project: ProjectFactory) -> None:
    """What BuildKit draws is erased at the end. No line is wider than the terminal."""
    project = new_project(RUN_ECHO="0")
    project.succeeds("build-prod")
    for _ in ("first release", "the same again"):
        terminal = Terminal(project, "run-prod")
        try:
            assert terminal.wait_for_exit(60) == 0
            drawn, _erase, rest = terminal.output.rpartition("\x1b[J")
            assert "[+] Building" in drawn
            lines = rest.replace("\x1b[?25h", "").splitlines()
            assert f"built {project.image}" in rest
            assert len(lines) <= MAX_LINES
            assert max(map(len, lines)) <= COLUMNS
        finally:
            terminal.end()


# run-prod builds, too, and the option is one for all tasks.
@pytest.mark.parametrize("task", [long("build-prod"), "run-prod", long("dev --detach"), long("test")])
def test_quiet_task_prints_no_step(new_project: ProjectFactory, task: str) -> None:
    """With --quiet there are the result, warnings and errors. Without it each step has its seconds."""
    project = new_project(RUN_ECHO="0")
    output = project.succeeds(*task.split(), "--quiet")
    assert " s  " not in output
    assert "docker" not in output


def test_failed_build_shows_its_output_on_a_pipe(new_project: ProjectFactory, tmp_path: Path) -> None:
    """A CI log has what BuildKit printed, and the error at its end."""
    package = {"name": "bare", "scripts": {"build": "echo cannot find the harbour; exit 3"}}
    app = write_app(tmp_path / "app", {"package.json": json.dumps(package)})
    output = new_project(RUN_ECHO="0", APP_DIR=str(app)).fails("build-prod")
    assert re.search(r"(?m)^#\d+ \[builder \d/\d\] RUN", output)
    assert "`npm run build` failed." in output.splitlines()[-10:]
