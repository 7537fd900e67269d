"""Install Debian packages with apt, where the user may."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess

from docktasks.commands import Run
from docktasks.errors import SetupError


def os_release() -> dict[str, str]:
    """What /etc/os-release says; empty where there is none."""
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def is_root() -> bool:
    """True when the task runs as root."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def sudo_works() -> bool:
    """True when sudo works without a password."""
    return (
        bool(shutil.which("sudo"))
        and not subprocess.run(["sudo", "--non-interactive", "true"], capture_output=True, check=False).returncode
    )


def as_root() -> list[str]:
    """What a command starts with to run as root."""
    return [] if is_root() else ["sudo", "--non-interactive"]


def apt_install(run: Run, packages: list[str]) -> None:
    """Install packages of the distribution. Raises SetupError with apt's last lines."""
    prefix = as_root()
    command = [*prefix, "apt-get", "install", "--yes", "--no-install-recommends", *packages]
    for args in ([*prefix, "apt-get", "update"], command):
        result = run(args, quiet=True)
        if not result.ok:
            raise SetupError(
                f"Installing {', '.join(packages)} failed.",
                "They come from the distribution's packages.",
                "Mend what apt-get says, then again: invoke setup",
                evidence=result.tail(8),
            )


def debian_mirror() -> str:
    """The mirror this machine uses for Debian, so that none is named here; empty when apt knows none."""
    if not shutil.which("apt-get"):
        return ""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Label: Debian"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    return next(iter(listed.stdout.splitlines()), "")
