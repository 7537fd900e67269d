"""A Docker engine without root, as somebody who has no other rights runs it; and that somebody, made for it."""

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
from tests.engine.apps import own

PACKAGES = ["uidmap", "rootlesskit", "slirp4netns"]
TOOLS = ["newuidmap", "rootlesskit", "slirp4netns", "dockerd", "setpriv", "unshare"]
SCRIPT = "dockerd-rootless.sh"
"""What Docker ships to start such an engine: https://docs.docker.com/engine/security/rootless/tips/."""

CONTRIB = "/usr/share/docker.io/contrib"
"""Where Debian and Ubuntu have it."""

NAMESPACES = [Path("/proc/sys/user/max_user_namespaces"), Path("/proc/sys/kernel/unprivileged_userns_clone")]
"""Where a kernel that gives users no namespaces of their own says so."""

RANGE = 65536
"""How many uids a user gets to give to containers."""

READS = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
"""One right of root's for the tasks, which the engine does not have: to read the Python that runs the tests, wherever
that is. It is none to write, or to use a socket."""

# What the machine lacks for one more user, it gets in a mount namespace alone, so that nothing of it is changed: the
# user's lines, from files of the same names, and a /dev/net/tun as udev makes it, which is not on every machine.
PREPARE = """
set -eu
for name in passwd group subuid subgid; do
    { cat "/etc/$name"; cat "$name"; } >"all-$name"
    mount --bind "all-$name" "/etc/$name"
done
mount -t tmpfs none /dev/net
mknod -m 0666 /dev/net/tun c 10 200
exec "$@"
"""


def program(name: str) -> str:
    """Where a program is; empty when it is not installed."""
    return shutil.which(name, path=f"{os.environ['PATH']}:{CONTRIB}") or ""


def missing() -> list[str]:
    """What such an engine takes, and this machine does not have."""
    refused = [f"{path} other than 0" for path in NAMESPACES if path.exists() and path.read_text().strip() == "0"]
    return [name for name in (*TOOLS, SCRIPT) if not program(name)] + refused


class RootlessEngine:
    """An engine of a user whom nobody else is; its state, and the user's checkouts, are below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.uid = 20_000 + secrets.randbelow(40_000)
        self.uids = range(first := RANGE * (100 + secrets.randbelow(1000)), first + RANGE)
        self.home = folder / "home"
        self.host = f"unix://{self.home}/docker.sock"
        self._daemon: subprocess.Popen[bytes] | None = None
        self._account()
        self.home.mkdir()
        own(folder, self.owner)

    @property
    def owner(self) -> tuple[int, int]:
        """The user's uid and gid, the same number."""
        return self.uid, self.uid

    def _account(self) -> None:
        name, parts = f"dock{self.uid}", f"{self.uids.start}:{RANGE}"
        lines = {
            "passwd": f"{name}:x:{self.uid}:{self.uid}::{self.home}:/bin/sh",
            "group": f"{name}:x:{self.uid}:",
            "subuid": f"{name}:{parts}",
            "subgid": f"{name}:{parts}",
        }
        for file, line in lines.items():
            (self.folder / file).write_text(f"{line}\n")

    def as_user(self, *rights: str) -> list[str]:
        """What a command is put behind to run as the user, with no right of root's but these."""
        numbers = [f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups"]
        return ["setpriv", *numbers, *rights, "env", f"HOME={self.home}", f"XDG_RUNTIME_DIR={self.home}"]

    def connect(self) -> DockerEngine:
        """To look at it."""
        client = docker.DockerClient(base_url=self.host)
        return DockerEngine(lambda: (client, client.version()))

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = ["unshare", "--mount", "sh", "-c", PREPARE, "sh", *self.as_user(), "sh", program(SCRIPT)]
        command += ["--data-root", str(self.home / "data")]
        with (self.folder / "log").open("w") as log:
            self._daemon = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, start_new_session=True)

        def up() -> Probe:
            asked = ["docker", "--host", self.host, "version", "--format", "{{json .Server.Version}}"]
            return Probe(subprocess.run(asked, capture_output=True, check=False).returncode == 0)

        looked = wait_until(up, limit=60, interval=0.1)
        assert looked.ready, (self.folder / "log").read_text()[-3000:]

    @staticmethod
    def uid_of(container: dict[str, Any]) -> int:
        """As whom a container's main process runs, as this machine numbers users."""
        return int(psutil.Process(container["State"]["Pid"]).uids().real)

    def _processes(self) -> Iterator[psutil.Process]:
        """Those of the user, and of the uids that the containers have: nobody else's."""
        for each in psutil.process_iter():
            with suppress(psutil.Error):
                uid = each.uids().real
                if (uid == self.uid or uid in self.uids) and each.status() != psutil.STATUS_ZOMBIE:
                    yield each

    def end(self) -> None:
        """Leave nothing of it: the mounts are in the processes' own namespaces, and go with the last."""
        print((self.folder / "log").read_text()[-3000:])

        def look() -> Probe:
            found = list(self._processes())
            for each in found:
                with suppress(psutil.Error):
                    each.kill()
            return Probe(not found)

        looked = wait_until(look, limit=30)
        assert looked.ready
        if self._daemon is not None:
            self._daemon.wait(30)
