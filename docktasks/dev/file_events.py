"""Find out whether a container hears of file changes on this machine, and what Vite says if it may watch no more."""

from __future__ import annotations

import platform
import secrets
from pathlib import Path

from docktasks import waiting
from docktasks.app.project import Project
from docktasks.containers.app_mount import APP_PATH
from docktasks.containers.run_args import hardening_args, label_args, read_only_args, remove_args
from docktasks.engine.protocol import Engine
from docktasks.settings import Settings

NATIVE_FILE_SYSTEMS = {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "jfs", "overlay", "tmpfs"}
"""File systems of the Linux kernel, which always deliver events. Others (FUSE, 9p, virtiofs, NFS, …) are tried."""

RAISE_LIMIT = "sudo sysctl fs.inotify.max_user_watches=524288 (keep it with a file in /etc/sysctl.d/)"

VITE_LIMIT_MESSAGE = "ENOSPC: System limit for number of file watchers reached"
"""What Vite logs for each file that it cannot watch. It then keeps serving."""

WATCH_LIMIT_NOTICE = (
    f"This user's inotify watches are used up, so some edits will go unnoticed. Raise the limit: {RAISE_LIMIT}"
)

LISTENER_SCRIPT = f"""
const [file, seconds] = process.argv.slice(1)
require('fs').watch('{APP_PATH}', (_, name) => {{ if (name === file) console.log('heard') }})
console.log('listening')
setTimeout(() => process.exit(), seconds * 1000)
"""

LISTENER_LIFETIME_S = 60
LISTENER_START_TIMEOUT_S = 20.0

EVENT_TIMEOUT_S = 3.0
"""After this time an event counts as lost. It arrives within milliseconds or never."""


def polling_reason(project: Project, user: str) -> str:
    """Return why Vite has to poll for changes; empty when file events reach a container that runs as `user`."""
    reason = possible_loss(project.engine, project.settings.app_dir)
    return "" if not reason or events_arrive(project, user) else reason


def possible_loss(engine: Engine, app_dir: Path) -> str:
    """Return why file events may not reach a container; empty for this kernel and a file system of its own."""
    if engine.kernel_release != platform.release():
        return "the engine runs on another or a virtual machine"
    name = file_system(app_dir)
    return "" if name in NATIVE_FILE_SYSTEMS else f"the checkout is on {name or 'an unknown file system'}"


def file_system(folder: Path) -> str:
    """Return the type of the file system that a folder is on, such as ext4; empty when it is unknown."""
    import psutil

    mounts = [part for part in psutil.disk_partitions(all=True) if folder.is_relative_to(part.mountpoint)]
    # The deepest mount point counts. Of several mounts on it, the last one hides the others (the sort is stable).
    mounts.sort(key=lambda part: len(part.mountpoint))
    return mounts[-1].fstype if mounts else ""


def events_arrive(project: Project, user: str) -> bool:
    """Return True when a container hears that a file is created in the app's folder, as `user` (`uid:gid`)."""
    name = project.settings.container("dev-events")
    probe = project.settings.app_dir / f".hello-dock-{secrets.token_hex(4)}"
    started = project.run(_listener_args(project.settings, name, user, probe.name), quiet=True)
    try:
        if not (started.ok and _logs_word(project.engine, name, "listening", LISTENER_START_TIMEOUT_S)):
            return False
        probe.touch()
        return _logs_word(project.engine, name, "heard", EVENT_TIMEOUT_S)
    except OSError:
        return False
    finally:
        probe.unlink(missing_ok=True)
        project.run(remove_args(name), quiet=True)


def _logs_word(engine: Engine, name: str, word: str, timeout_s: float) -> bool:
    return waiting.wait_until(lambda: waiting.Probe(word in engine.logs(name).split()), timeout_s).ready


def _listener_args(settings: Settings, name: str, user: str, file_name: str) -> list[str]:
    return [
        "docker", "container", "run", "--detach", "--rm", "--init", "--name", name,
        *label_args(settings, "dev"),
        *hardening_args(settings),
        "--network", "none",
        "--user", user,
        *read_only_args(settings.app_dir, APP_PATH),
        settings.image("dev"),
        "node", "--eval", LISTENER_SCRIPT, file_name, str(LISTENER_LIFETIME_S),
    ]  # fmt: skip
