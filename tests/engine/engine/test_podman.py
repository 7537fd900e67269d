"""Podman answers as Docker does, and has no BuildKit: the tasks refuse it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.checkout import ROOT
from docktasks import apt
from docktasks.waiting import Probe, wait_until
from tests.support.commands import PrintingRunner
from tests.support.project import ProjectFactory


@pytest.fixture
def podman() -> Iterator[str]:
    """The address of a Podman service that runs for this test, in a mount namespace of its own."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("only root mounts, by unshare")
    if not shutil.which("podman"):
        if not os.environ.get("CI"):
            pytest.skip("podman is not installed: apt-get install podman")
        apt.apt_install(PrintingRunner(ROOT), ["podman"])
    with tempfile.TemporaryDirectory() as folder:  # the paths of tmp_path are too long for podman's socket
        host, log = f"unix://{folder}/socket", Path(folder, "log")
        folders = ["--root", f"{folder}/root", "--runroot", f"{folder}/run", "--cgroup-manager", "cgroupfs"]
        command = ["unshare", "--mount", "podman", *folders, "system", "service", "--time", "0", host]
        with log.open("w") as output:
            service = subprocess.Popen(command, stdout=output, stderr=output)
        try:

            def look() -> Probe:
                return Probe(Path(folder, "socket").exists(), failed="" if service.poll() is None else "it has ended")

            assert wait_until(look, limit=60).ready, log.read_text()
            yield host
        finally:
            service.kill()
            service.wait(30)


def test_task_refuses_podman_and_names_a_way_out(podman: str, new_project: ProjectFactory) -> None:
    """Each task names Podman and says what to do, before it builds anything or looks for an image."""
    project = new_project()
    for task in ("setup", "dev", "build-prod", "run-prod", "test", "status", "verify"):
        output = project.fails(task, DOCKER_HOST=podman)
        assert output.strip().startswith(f"The engine at {podman} is Podman "), output
        assert "Choose a Docker Engine" in output
        assert len(output.strip().splitlines()) == 3
