"""A fixture that describes the machine of a test of `invoke setup`."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import docker
import pytest

from docktasks.housekeeping import setup
from tests.unit.fakes.machines import ABSENT, BOOKWORM, FakeFromEnv, Machine
from tests.unit.fakes.programs import Programs


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, programs: Programs, tmp_path: Path) -> Machine:
    """Return a function that describes a machine. By default it has no engine (`refusals=1`), no systemd, and uid 0."""

    def describe(  # noqa: PLR0913 - a machine has many properties
        *installed: str,
        release: dict[str, str] | None = None,
        system: str = "Linux",
        kernel: str = "6.1.0-amd64",
        uid: int = 0,
        refusal: str = ABSENT,
        refusals: int = 1,
        paths: tuple[str, ...] = (),
    ) -> Programs:
        for name in installed:
            programs.add(name)
        monkeypatch.setattr(docker, "from_env", FakeFromEnv(refusal, refusals))
        monkeypatch.setattr(platform, "system", lambda: system)
        monkeypatch.setattr(platform, "release", lambda: kernel)
        monkeypatch.setattr(platform, "freedesktop_os_release", lambda: release or BOOKWORM)
        monkeypatch.setattr(os, "geteuid", lambda: uid)
        monkeypatch.setattr(setup, "PID_FILES", [tmp_path / "docker.pid", tmp_path / "containerd.pid"])
        fake_paths = {"/run/systemd/system", "/Applications/Docker.app", "/var/log/dockerd.log"}
        exists = Path.exists

        def fake_exists(path: Path, **options: Any) -> bool:
            return str(path) in paths if str(path) in fake_paths else exists(path, **options)

        monkeypatch.setattr(Path, "exists", fake_exists)
        return programs

    return describe
