"""A rootless Docker engine, and the user without rights who runs it. Both exist only during a test."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker
import psutil

from docktasks.engine.client import DockerEngine
from docktasks.waiting import Probe, wait_until
from tests.support.checkouts import chown_tree

PACKAGES = ["uidmap", "rootlesskit", "slirp4netns"]
TOOLS = ["newuidmap", "rootlesskit", "slirp4netns", "dockerd", "setpriv", "unshare"]
SCRIPT = "dockerd-rootless.sh"
"""Docker's script that starts a rootless engine: https://docs.docker.com/engine/security/rootless/tips/."""

CONTRIB = "/usr/share/docker.io/contrib"
"""The folder of that script on Debian and Ubuntu."""

NAMESPACE_LIMITS = [Path("/proc/sys/user/max_user_namespaces"), Path("/proc/sys/kernel/unprivileged_userns_clone")]
"""Files in which the kernel says 0 where users cannot make namespaces."""

SUBORDINATE_UIDS = 65536
"""The number of uids that the user can give to containers."""

READ_RIGHTS = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
"""Arguments of setpriv for the tasks, but not for the engine: the user may read the Python that runs the tests, which
can be in root's home. The user may not write there, or connect to a socket."""

# Adds the user to the machine in a mount namespace only, so that the machine itself does not change: the user's lines,
# from files of the same names, and /dev/net/tun as udev makes it, which not every machine has. The engine's state is in
# memory, and goes with the namespace.
PREPARE = """
set -eu
for name in passwd group subuid subgid; do
    { cat "/etc/$name"; cat "$name"; } >"all-$name"
    mount --bind "all-$name" "/etc/$name"
done
mount -t tmpfs -o "mode=0700,uid=$(stat -c %u home),gid=$(stat -c %g home)" none home/data
mount -t tmpfs none /dev/net
mknod -m 0666 /dev/net/tun c 10 200
exec "$@"
"""


def program(name: str) -> str:
    """Return the path of a program, or "" if it is not installed."""
    return shutil.which(name, path=f"{os.environ['PATH']}:{CONTRIB}") or ""


def missing_requirements() -> list[str]:
    """Return the names of what a rootless engine needs and this machine does not have."""
    limits = [f"{path} other than 0" for path in NAMESPACE_LIMITS if path.exists() and path.read_text().strip() == "0"]
    return [name for name in (*TOOLS, SCRIPT) if not program(name)] + limits


class RootlessEngine:
    """A rootless engine of a new user. `folder` holds the engine's state and the user's checkouts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.uid = 20_000 + secrets.randbelow(40_000)
        self.uids = range(first := SUBORDINATE_UIDS * (100 + secrets.randbelow(1000)), first + SUBORDINATE_UIDS)
        self.home = folder / "home"
        self.host = f"unix://{self.home}/docker.sock"
        self._daemon: subprocess.Popen[bytes] | None = None
        self._write_account()
        self.home.mkdir()
        chown_tree(folder, self.owner)

    @property
    def owner(self) -> tuple[int, int]:
        """The user's uid and gid, which are the same number."""
        return self.uid, self.uid

    def _write_account(self) -> None:
        name, uids = f"dock{self.uid}", f"{self.uids.start}:{SUBORDINATE_UIDS}"
        lines = {
            "passwd": f"{name}:x:{self.uid}:{self.uid}::{self.home}:/bin/sh",
            "group": f"{name}:x:{self.uid}:",
            "subuid": f"{name}:{uids}",
            "subgid": f"{name}:{uids}",
        }
        for file, line in lines.items():
            (self.folder / file).write_text(f"{line}\n")

    def as_user(self, *rights: str) -> list[str]:
        """Return the command that runs another command as the user, with these arguments of setpriv for rights."""
        ids = [f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups"]
        return ["setpriv", *ids, *rights, "env", f"HOME={self.home}", f"XDG_RUNTIME_DIR={self.home}"]

    def connect(self) -> DockerEngine:
        """Return a client of this engine."""
        client = docker.DockerClient(base_url=self.host)
        return DockerEngine(lambda: (client, client.version()))

    def start(self) -> None:
        """Start the engine and wait until it answers."""
        (self.home / "data").mkdir()
        command = ["unshare", "--mount", "sh", "-c", PREPARE, "sh", *self.as_user(), "sh", program(SCRIPT)]
        command += ["--data-root", str(self.home / "data")]
        with (self.folder / "log").open("w") as log:
            self._daemon = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, start_new_session=True)

        def look() -> Probe:
            command = ["docker", "--host", self.host, "version", "--format", "{{json .Server.Version}}"]
            return Probe(subprocess.run(command, capture_output=True, check=False).returncode == 0)

        probe = wait_until(look, limit=60, interval=0.1)
        assert probe.ready, (self.folder / "log").read_text()[-3000:]

    @staticmethod
    def uid_of(container: dict[str, Any]) -> int:
        """Return the uid of a container's main process outside the container; `container` is its `docker inspect`."""
        return int(psutil.Process(container["State"]["Pid"]).uids().real)

    def _processes(self) -> Iterator[psutil.Process]:
        """Yield the running processes of the user and of the containers' uids."""
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                uid = process.uids().real
                if (uid == self.uid or uid in self.uids) and process.status() != psutil.STATUS_ZOMBIE:
                    yield process

    def end(self) -> None:
        """End every process of the user. The mounts are in the processes' own namespaces and end with the last one."""
        print((self.folder / "log").read_text()[-3000:])

        def look() -> Probe:
            processes = list(self._processes())
            for process in processes:
                with suppress(psutil.Error):
                    process.kill()
            return Probe(not processes)

        assert wait_until(look, limit=60).ready
        if self._daemon is not None:
            self._daemon.wait(30)
