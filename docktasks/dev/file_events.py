"""File events: whether an edit on this machine is told to a container, and whether the kernel lets it listen."""

from __future__ import annotations

import os
import platform
import secrets
from pathlib import Path

from docktasks import waiting
from docktasks.app.project import Project
from docktasks.containers.app_mount import APP_PATH
from docktasks.containers.run_args import csv_line, hardening_args, label_args, remove_args
from docktasks.engine.protocol import Engine
from docktasks.errors import StartError
from docktasks.settings import Settings

CERTAIN = {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "jfs", "overlay", "tmpfs"}
"""File systems of Linux itself, whose events arrive. The others (FUSE, 9p, virtiofs, NFS, …) are tried."""

LIMIT = Path("/proc/sys/fs/inotify/max_user_watches")
RAISE = "sudo sysctl fs.inotify.max_user_watches=524288 (for good: the same line in /etc/sysctl.d/90-inotify.conf)"
REFUSED = "ENOSPC: System limit for number of file watchers reached"
"""What Vite says of each file that it may not watch, when others have used up the limit; then it goes on."""

UNSEEN = f"Others have used up what this machine lets a user watch: edits of some files are not seen. Then: {RAISE}"

SPARE = 1024
"""Watches that others of the same user may hold, as an editor does."""

LISTEN = f"""
const [file, seconds] = process.argv.slice(1)
require('fs').watch('{APP_PATH}', (_, name) => {{ if (name === file) console.log('heard') }})
console.log('listening')
setTimeout(() => process.exit(), seconds * 1000)
"""
PATIENCE = 3.0
"""Seconds after which an event is taken to be lost; it arrives in milliseconds, or never."""


def polling_reason(engine: Engine, app_dir: Path) -> str:
    """Why events may not arrive, in words; empty where they do: in the engine's own kernel, on its own file systems."""
    if engine.kernel_release != platform.release():
        return "the engine is on another machine, or in a virtual one"
    kind = file_system(app_dir)
    return "" if kind in CERTAIN else f"the checkout is on {kind or 'an unknown file system'}"


def file_system(folder: Path) -> str:
    """The type of the file system that a folder is on; empty where nobody tells."""
    import psutil

    # The last mount of the deepest folder is the one that is seen.
    mounted = [part for part in psutil.disk_partitions(all=True) if folder.is_relative_to(part.mountpoint)]
    mounted.sort(key=lambda part: len(part.mountpoint))
    return mounted[-1].fstype if mounted else ""


def events_arrive(project: Project, user: str) -> bool:
    """Try it: write a file beside the app's own for a moment, and have a container listen for it."""
    name, probe = (
        project.settings.container("dev-events"),
        project.settings.app_dir / f".hello-dock-{secrets.token_hex(4)}",
    )
    listens = project.run(_listen_args(project.settings, name, user, probe.name), quiet=True)
    try:
        if not (listens.ok and _logs(project.engine, name, "listening", 20)):
            return False
        probe.touch()
        return _logs(project.engine, name, "heard", PATIENCE)
    except OSError:  # a checkout for reading alone: nobody can tell, so it is looked for changes
        return False
    finally:
        probe.unlink(missing_ok=True)
        project.run(remove_args(name), quiet=True)


def _logs(engine: Engine, name: str, word: str, limit: float) -> bool:
    return waiting.wait_until(lambda: waiting.Probe(word in engine.logs(name).split()), limit).ready


def _listen_args(settings: Settings, name: str, user: str, file: str) -> list[str]:
    return [
        "docker", "container", "run", "--detach", "--init", "--name", name,
        *label_args(settings, "dev"),
        *hardening_args(settings),
        "--network", "none",
        "--user", user,
        "--mount", csv_line("type=bind", f"source={settings.app_dir}", f"target={APP_PATH}", "readonly"),
        settings.image("dev"),
        "node", "--eval", LISTEN, file, "60",
    ]  # fmt: skip


def check_limit(app_dir: Path, limit_file: Path = LIMIT) -> None:
    """Raise StartError where the kernel lets nobody watch as many files as the app has: Vite would end with ENOSPC."""
    try:
        limit = int(limit_file.read_text())
    except (OSError, ValueError):  # not Linux: another kernel's events have no such limit
        return
    count = 0
    for _, folders, files in os.walk(app_dir):
        folders[:] = [name for name in folders if name not in ("node_modules", ".git")]
        count += 1 + len(files)
        if count + SPARE > limit:
            raise inotify_limit_error(
                f"It allows {limit:,}; the app has more than {max(0, limit - SPARE):,} files and folders."
            )


def inotify_limit_error(evidence: str) -> StartError:
    """The error that a kernel is which lets too few files be watched."""
    return StartError(
        "This machine lets a user watch too few files (fs.inotify.max_user_watches).",
        "Vite watches every file and folder of the app.",
        f"Raise the limit: {RAISE}",
        evidence=evidence,
    )
