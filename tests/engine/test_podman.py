"""Podman, which answers as Docker does and has no BuildKit."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from docktasks import apt
from docktasks.waiting import Probe, wait_until
from tests.conftest import NewProject
from tests.engine.support import ROOT
from tests.sabotage.faults import PrintingRunner


@pytest.fixture
def podman() -> Iterator[str]:
    """Where a Podman of the test's own answers; what it mounts is seen by itself alone."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("only root mounts, by unshare")
    if not shutil.which("podman"):
        if not os.environ.get("CI"):
            pytest.skip("podman is not installed: apt-get install podman")
        apt.apt_install(PrintingRunner(ROOT), ["podman"])
    with tempfile.TemporaryDirectory() as folder:  # pytest's own have longer names than podman takes
        host, log = f"unix://{folder}/socket", Path(folder, "log")
        own = ["--root", f"{folder}/root", "--runroot", f"{folder}/run", "--cgroup-manager", "cgroupfs"]
        command = ["unshare", "--mount", "podman", *own, "system", "service", "--time", "0", host]
        with log.open("w") as written:
            service = subprocess.Popen(command, stdout=written, stderr=written)
        try:

            def look() -> Probe:
                return Probe(Path(folder, "socket").exists(), failed="" if service.poll() is None else "it has ended")

            assert wait_until(look, limit=30).ready, log.read_text()
            yield host
        finally:
            service.kill()
            service.wait(30)


def test_podman_is_told_from_docker(podman: str, new_project: NewProject) -> None:
    """Each task calls it by its name, and says what to do, before it builds anything or asks for an image."""
    project = new_project()
    for task in ("setup", "dev", "build-prod", "run-prod", "test", "status", "verify"):
        output = project.fails(task, DOCKER_HOST=podman)
        assert output.strip().startswith(f"The engine at {podman} is Podman "), output
        assert "Choose a Docker Engine" in output
        assert len(output.strip().splitlines()) == 3
