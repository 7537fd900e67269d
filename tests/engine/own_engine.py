"""An engine of the tests' own, in a network of its own, that can be stopped and killed without harm to anyone."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
from pathlib import Path

import docker
import psutil

from docktasks.engine.client import DockerEngine
from docktasks.waiting import Probe, wait_until


class OwnEngine:
    """A second Docker engine; its state is below `folder`, and what it publishes is reached from `network` alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = f"unix://{folder}/sock"
        (folder / "daemon.json").write_text("{}")
        (folder / "data").mkdir()
        # In memory, since overlayfs does not stand on every file system that a temporary folder may be on.
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=900m", "none", folder / "data"], check=True)
        # Who keeps the network while the engine is away. An engine without one of its own would share docker0.
        ready = "ip link set lo up && echo up && exec sleep infinity"
        self._keeper = subprocess.Popen(["unshare", "--net", "sh", "-c", ready], stdout=subprocess.PIPE)
        assert self._keeper.stdout is not None
        assert self._keeper.stdout.readline() == b"up\n"
        self.network = f"/proc/{self._keeper.pid}/ns/net"
        self._daemon: subprocess.Popen[bytes] | None = None

    @property
    def enter(self) -> tuple[str, ...]:
        """What a command is put behind to run in the engine's network."""
        return ("nsenter", f"--net={self.network}")

    def connect(self) -> DockerEngine:
        """To look at it."""
        client = docker.DockerClient(base_url=self.host)
        return DockerEngine(lambda: (client, client.version()))

    def start(self) -> None:
        """Start it, again too, and wait until it answers."""
        own: list[str | Path] = ["--config-file", self.folder / "daemon.json", "--data-root", self.folder / "data"]
        own += ["--exec-root", self.folder / "exec", "--pidfile", self.folder / "pid", "--host", self.host]
        (self.folder / "pid").unlink(missing_ok=True)
        with (self.folder / "log").open("a") as log:
            command = [*self.enter, "dockerd", *own]
            self._daemon = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

        def up() -> Probe:
            asked = ["docker", "--host", self.host, "version", "--format", "{{json .Server.Version}}"]
            return Probe(subprocess.run(asked, capture_output=True, check=False).returncode == 0)

        looked = wait_until(up, limit=60, interval=0.1)
        assert looked.ready, (self.folder / "log").read_text()[-3000:]

    def stop(self) -> None:
        """End it as a shutdown does, with its containers."""
        assert self._daemon is not None
        self._daemon.terminate()
        self._daemon.wait(60)

    def kill(self) -> None:
        """End the engine, its containerd, and every process of every container at once, as a power cut would."""
        ours = [each for each in psutil.process_iter() if self._is_ours(each)]
        for each in {child for parent in ours for child in (parent, *parent.children(recursive=True))}:
            with contextlib.suppress(ProcessLookupError):  # a child may have gone with its parent
                os.kill(each.pid, 9)
        if self._daemon is not None:
            self._daemon.wait(30)

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            command = process.cmdline()
        except psutil.Error:
            return False
        # dockerd, its containerd and the shims all name its folder; the tests and their docker commands are no daemons
        return any(str(self.folder) in word for word in command) and process.name().startswith(
            ("dockerd", "containerd")
        )

    def end(self) -> None:
        """Leave nothing of it."""
        print((self.folder / "log").read_text()[-3000:])
        self.kill()
        self._keeper.kill()
        self._keeper.communicate()
        # Killed, it leaves what it had mounted: layers of containers, and their networks.
        mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        ours = [path for path in mounted if path.startswith(f"{self.folder}/")]
        subprocess.run(["umount", *reversed(ours)], check=True)


def possible() -> bool:
    """True where a second engine can be had: it takes root, dockerd and a few tools."""
    return os.geteuid() == 0 and all(shutil.which(tool) for tool in ("dockerd", "unshare", "nsenter", "ip"))


def join(network: str) -> None:
    """Have this thread's sockets be in a network (Linux: setns(2), which is a matter of the calling thread)."""
    descriptor = os.open(network, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, 0x40000000):  # CLONE_NEWNET
            raise OSError(ctypes.get_errno(), f"setns {network}")
    finally:
        os.close(descriptor)
