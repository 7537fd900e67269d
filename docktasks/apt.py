"""Install packages of Debian or Ubuntu with apt."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess

from docktasks import waiting
from docktasks.commands import Result, Run, output_of
from docktasks.errors import SetupError
from docktasks.progress import print_notices

LOCK_TIMEOUT_S = 60


def is_debian_like() -> bool:
    """Return True on Debian, Ubuntu and the distributions that are made from them."""
    release = os_release()
    return bool({"debian", "ubuntu"} & {release.get("ID"), *release.get("ID_LIKE", "").split()})


def os_release() -> dict[str, str]:
    """Return the fields of /etc/os-release, such as ID and VERSION_CODENAME; empty where there is no such file."""
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def is_root() -> bool:
    """Return True when the task runs as root."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def can_be_root() -> bool:
    """Return True when the task runs as root, or sudo works without a password."""
    if is_root() or not shutil.which("sudo"):
        return is_root()
    return subprocess.run(["sudo", "--non-interactive", "true"], capture_output=True, check=False).returncode == 0


def as_root() -> list[str]:
    """Return the arguments that make a command run as root, to put before it."""
    return [] if is_root() else ["sudo", "--non-interactive"]


def apt_install(run: Run, packages: list[str]) -> None:
    """Update the package lists, and install packages by name. Raises SetupError with apt's last lines."""
    prefix = as_root()
    command = [*prefix, "apt-get", "install", "--yes", "--no-install-recommends", *packages]
    for args in ([*prefix, "apt-get", "update"], command):
        result = _run_unlocked(run, args)
        if not result.ok:
            raise SetupError(
                f"Installing {', '.join(packages)} failed.",
                "They come from the distribution's packages.",
                "Correct what apt-get says, then try again: invoke setup",
                evidence=result.tail(8),
            )


def _run_unlocked(run: Run, args: list[str]) -> Result:
    """Run apt-get, and again while another apt has the lock. Its DPkg::Lock::Timeout does not cover `update`."""
    results: list[Result] = []

    def look() -> waiting.Probe:
        results.append(run(args, quiet=True))
        is_locked = not results[-1].ok and "/lock" in results[-1].output
        if is_locked and len(results) == 1:
            print_notices([f"Another apt is running. Waiting up to {LOCK_TIMEOUT_S} s until it has ended."])
        return waiting.Probe(not is_locked)

    waiting.wait_until(look, LOCK_TIMEOUT_S, interval=1)
    return results[-1]


def debian_mirror() -> str:
    """Return the address of the Debian mirror that this machine uses; empty when apt knows none."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Label: Debian"]
    return next(iter(output_of(command).splitlines()), "")
