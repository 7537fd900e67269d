"""How many workers the image's script gives to nginx."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from benchmarks.checkout import NGINX


@pytest.mark.parametrize(("cores", "workers"), [(1, 2), (2, 2), (3, 3), (4, 4), (64, 4)])
def test_nginx_gets_a_worker_for_each_core_two_to_four(tmp_path: Path, cores: int, workers: int) -> None:
    """One that waits for the disk does not stop all. Of many cores, the container may use only a share."""
    nproc = tmp_path / "nproc"
    nproc.write_text(f"#!/bin/sh\necho {cores}\n")
    nproc.chmod(0o755)
    script = (NGINX / "workers.sh").read_text().replace(">/tmp/", f">{tmp_path}/")
    environ = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(["sh", "-c", script], env=environ, check=True)
    assert (tmp_path / "workers.conf").read_text() == f"worker_processes {workers};\n"
