"""A second Docker engine, with its own state, that can be stopped and killed without harm to the first."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import docker
import psutil

from benchmarks.network import hold_namespace
from docktasks.engine.client import DockerEngine
from docktasks.errors import EngineError
from docktasks.waiting import Probe, wait_until

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 60
KILL_TIMEOUT_S = 30
CONTAINERD_STORE = {"features": {"containerd-snapshotter": True}}
"""The part of daemon.json for an engine that stores its images as Docker 29 does."""

BRIDGE_ADDRESS = "169.254.213.1/30"
"""A link-local address, so it hides no other network: https://www.rfc-editor.org/rfc/rfc3927"""

LOG_CHARACTERS = 3000
"""How much of the engine's log is shown."""


class OwnEngine:
    """A second engine, whose state is in `folder`, which end() removes. Needs root and Linux: see can_start().

    It is in a network namespace of its own, so its ports are reached only from `network`. With `isolated=False` it
    uses this machine's network: builds reach a registry with `--network host`, and containers publish nothing.
    `config` is the content of its daemon.json; `disk_size` limits its state, in the form of tmpfs(5).
    """

    def __init__(
        self, *, isolated: bool = True, config: Mapping[str, object] | None = None, disk_size: str = "900m"
    ) -> None:
        # Not in a test's own folder: a socket of containerd takes a path of 104 characters.
        self.folder = folder = Path(tempfile.mkdtemp(prefix="engine-"))
        self.host = f"unix://{folder}/sock"
        (folder / "daemon.json").write_text(json.dumps(dict(config or {})))
        (folder / "data").mkdir()
        # A tmpfs, because overlayfs cannot use every file system that a temporary folder may be on.
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={disk_size}", "none", folder / "data"], check=True)
        self._daemon: subprocess.Popen[bytes] | None = None
        self._namespace = hold_namespace() if isolated else None
        self.bridge = "" if isolated else _add_bridge()

    @property
    def network(self) -> str:
        """The path of the engine's network namespace."""
        return f"/proc/{self._namespace.pid if self._namespace else 'self'}/ns/net"

    @property
    def enter(self) -> tuple[str, ...]:
        """The words to put in front of a command that has to run in the engine's network."""
        return ("nsenter", f"--net={self.network}")

    def connect(self) -> DockerEngine:
        """Connect to it."""
        client = docker.DockerClient(base_url=self.host)
        return DockerEngine(lambda: (client, client.version()))

    def start(self) -> None:
        """Start it, or start it again, and wait until it answers. Raises EngineError when it does not."""
        (self.folder / "pid").unlink(missing_ok=True)
        with (self.folder / "log").open("a") as log:
            self._daemon = subprocess.Popen(self._command(), stdout=log, stderr=log, start_new_session=True)

        def answers() -> Probe:
            args = ["docker", "--host", self.host, "version", "--format", "{{json .Server.Version}}"]
            return Probe(subprocess.run(args, capture_output=True, check=False).returncode == 0)

        if not wait_until(answers, limit=START_TIMEOUT_S, interval=0.1).ready:
            raise EngineError("A second Docker engine does not start.", "", "See what its log says", self.log())

    def _command(self) -> list[str]:
        files = {"config-file": "daemon.json", "data-root": "data", "exec-root": "exec", "pidfile": "pid"}
        args = [word for flag, name in files.items() for word in (f"--{flag}", str(self.folder / name))]
        # In the first engine's network, `--bridge none` would remove its docker0, and firewall rules would be mixed.
        network = ["--bridge", self.bridge, "--iptables=false", "--ip6tables=false", "--ip-forward=false"]
        return [
            *(self.enter if self._namespace else ()),
            "dockerd", *args, "--host", self.host,
            *(network if self.bridge else []),
        ]  # fmt: skip

    def log(self) -> str:
        """The end of the engine's log."""
        path = self.folder / "log"
        return path.read_text()[-LOG_CHARACTERS:] if path.exists() else ""

    def stop(self) -> None:
        """End it and its containers, as a shutdown does."""
        if self._daemon is not None:
            self._daemon.terminate()
            self._daemon.wait(STOP_TIMEOUT_S)

    def kill(self) -> None:
        """Kill the engine, its containerd and every process of its containers at once, as a power cut does."""
        parents = [process for process in psutil.process_iter() if self._owns(process)]
        for process in {child for parent in parents for child in (parent, *parent.children(recursive=True))}:
            with contextlib.suppress(ProcessLookupError):  # a child may have ended with its parent
                os.kill(process.pid, 9)
        if self._daemon is not None:
            self._daemon.wait(KILL_TIMEOUT_S)

    def _owns(self, process: psutil.Process) -> bool:
        try:
            command, name = process.cmdline(), process.name()
        except psutil.Error:
            return False
        # dockerd, its containerd and the shims name the folder. So do docker commands, which are no daemons.
        return name.startswith(("dockerd", "containerd")) and any(str(self.folder) in word for word in command)

    def end(self) -> None:
        """Kill it, and remove its bridge and all mounts that it leaves."""
        self.kill()
        if self.bridge:
            subprocess.run(["ip", "link", "delete", self.bridge], check=True)
        if self._namespace:
            self._namespace.kill()
            self._namespace.communicate()
        # A killed engine leaves the mounts of its containers' layers and networks.
        mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        own = [path for path in mounted if path.startswith(f"{self.folder}/")]
        subprocess.run(["umount", *reversed(own)], check=True)
        shutil.rmtree(self.folder)


def _add_bridge() -> str:
    """Add a network bridge that no other engine uses. Returns its name."""
    name = f"hd-{secrets.token_hex(4)}"
    subprocess.run(["ip", "link", "add", "name", name, "type", "bridge"], check=True)
    subprocess.run(["ip", "address", "add", BRIDGE_ADDRESS, "dev", name], check=True)
    return name


def can_start() -> bool:
    """True when this machine can start a second engine: the user is root, and the programs are installed."""
    return os.geteuid() == 0 and all(shutil.which(program) for program in ("dockerd", "unshare", "nsenter", "ip"))
