"""Advice for a machine whose Docker engine cannot be used, by operating system."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

from docktasks.apt import is_debian_like
from docktasks.engine.connect import selected_engine
from docktasks.errors import EngineError, NoEngineError, UnfitError


def advice(error: EngineError) -> str:
    """Return what the user can do about an engine that cannot be used."""
    if isinstance(error, UnfitError):  # it runs already
        return error.how
    if selected_engine():
        return f"Start the engine at {selected_engine()}, or choose the local one: unset DOCKER_HOST DOCKER_CONTEXT"
    if not isinstance(error, NoEngineError):  # permission denied: the error's own advice fits every machine
        return error.how
    by_system = {"Darwin": _advice_for_macos, "Windows": _advice_for_windows}
    return by_system.get(platform.system(), _advice_for_linux)()


def _advice_for_macos() -> str:
    if shutil.which("colima"):
        return "Start it: colima start"
    if Path("/Applications/Docker.app").exists():
        return "Start it: open -a Docker"
    return "Install Docker Desktop (https://docs.docker.com/desktop/), or: brew install colima docker && colima start"


def _advice_for_windows() -> str:
    return "Start Docker Desktop (https://docs.docker.com/desktop/), and work inside WSL 2"


def _advice_for_linux() -> str:
    if shutil.which("dockerd"):
        return "Start it: sudo systemctl enable --now docker (without systemd: sudo dockerd)"
    if is_wsl():
        return "Start Docker Desktop, and turn on WSL integration for this distribution in its settings"
    if is_debian_like():
        return "Let sudo ask for your password first, then try again: sudo true && invoke setup"
    return "Install it: https://docs.docker.com/engine/install/"


def is_wsl() -> bool:
    """Return True in a distribution of the Windows Subsystem for Linux."""
    return "microsoft" in platform.release().lower()
