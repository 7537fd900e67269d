"""A swarm of three engines in network namespaces, with a registry and a load balancer, and visitors of its site."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.commands import docker, run_command
from benchmarks.local_registry import LocalRegistry, debian_program
from benchmarks.own_engine import OwnEngine
from docktasks.commands import Result
from docktasks.engine.client import DockerEngine
from docktasks.waiting import Probe, wait_until

NETWORK = "169.254.77"
"""Link-local addresses, in namespaces that only this fleet has."""
OUTSIDE = f"{NETWORK}.1"
"""Where the visitors, the registry, the load balancer and `invoke` are."""
BALANCER_PORT = 8000
BALANCER_START_S = 3
NODES = (1, 2, 3)
MIGRATE = "net.ipv4.tcp_migrate_req"

RELEASE = r"""FROM {origin}
USER 0
RUN cd /srv/hashed/site/assets && rm -rf *.gz /srv/hashed/br/* /srv/br/* /srv/site/*.gz && \
    for file in *; do mv "$file" "${{file%.*}}-r{number}.${{file##*.}}"; done && \
    sed -i -E 's#([A-Za-z]+-[A-Za-z0-9_-]{{8}})\.(js|css)#\1-r{number}.\2#g; s# integrity="[^"]*"##g; \
        s#<title>.*</title>#<title>release {number}</title>#' *.js /srv/site/index.html
{layer}
USER 101
LABEL number={number}
"""
"""A release whose hashed files all have names of their own, so that a page finds none of another release's."""

BALANCER = """defaults
    mode http
    log stdout format raw local0
    option httplog
    option dontlog-normal
    timeout connect 2s
    timeout client 60s
    timeout server 60s
frontend site
    bind {address}
    default_backend nodes
backend nodes
    balance roundrobin
    option httpchk GET {path}
{servers}
"""
CHECK = "check inter 500 fall 2 rise 2"
TASKS = """    server-template task 6 tasks.{service}:80 {check} init-addr none resolvers swarm
resolvers swarm
    nameserver engine 127.0.0.11:53
    hold valid 1s
    timeout resolve 500ms
"""
"""The tasks of a service, by the names that an engine's DNS has for the containers of a network."""


class LocalFleet:
    """Three engines that form a swarm, the first its manager. All that it starts ends with end()."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._outside = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        self._network = f"/proc/{self._outside.pid}/ns/net"
        wait_until(lambda: Probe(Path(self._network).readlink() != Path("/proc/self/ns/net").readlink()), 5)
        self.enter = ("nsenter", f"--net={self._network}")
        self.engines: list[OwnEngine] = []
        self._balancers: list[subprocess.Popen[bytes]] = []
        self.registry = LocalRegistry(folder, OUTSIDE)

    def start(self) -> None:
        """Start it all, and let the engines form the swarm."""
        self._outside_run("ip", "link", "set", "lo", "up")
        self._outside_run("ip", "link", "add", "switch", "type", "bridge")
        self._outside_run("ip", "address", "add", f"{OUTSIDE}/24", "dev", "switch")
        self._outside_run("ip", "link", "set", "switch", "up")
        self.registry.start(*self.enter)
        for number in NODES:
            self._add_engine(number)
        docker("swarm", "init", "--advertise-addr", self.address(1), host=self.host())
        token = docker("swarm", "join-token", "--quiet", "worker", host=self.host()).strip()
        for number in NODES[1:]:
            address = ["--advertise-addr", self.address(number), f"{self.address(1)}:2377"]
            docker("swarm", "join", "--token", token, *address, host=self.host(number))

    def _add_engine(self, number: int) -> None:
        engine = OwnEngine(config={"insecure-registries": [self.registry.address]})
        self.engines.append(engine)
        peer = ["peer", "name", "outside", "netns", engine.network.split("/")[2]]
        self._outside_run("ip", "link", "add", f"node{number}", "type", "veth", *peer)
        self._outside_run("ip", "link", "set", f"node{number}", "master", "switch", "up")
        for command in (
            ["ip", "address", "add", f"{self.address(number)}/24", "dev", "outside"],
            ["ip", "link", "set", "outside", "up"],
            ["sysctl", "-qw", f"{MIGRATE}=1"],
        ):
            subprocess.run([*engine.enter, *command], check=True)
        engine.start()

    def _outside_run(self, *args: str) -> None:
        subprocess.run([*self.enter, *args], check=True)

    def start_balancer(self, port: int, path: str = "/healthz") -> str:
        """Start haproxy in front of the nodes, which sends each request to another one. Returns its address.

        It asks each node twice a second for a path, and sends nothing to one that has failed twice.
        """
        nodes = (f"    server node{number} {self.address(number)}:{port} {CHECK}" for number in NODES)
        address = f"{OUTSIDE}:{BALANCER_PORT + len(self._balancers)}"
        self._balance(BALANCER.format(address=address, path=path, servers="\n".join(nodes)), self.enter)
        return address

    def start_task_balancer(self, service: str, image: str, network: str) -> str:
        """Start haproxy in a new overlay network, in front of the tasks of a service there. Returns its address."""
        docker("network", "create", "--driver", "overlay", "--attachable", network, host=self.host())
        port = BALANCER_PORT + len(self._balancers)
        publish = ["--network", network, "--publish", f"{port}:{port}", "--entrypoint", "sleep", image, "infinity"]
        container = docker("container", "run", "--detach", *publish, host=self.host()).strip()
        process = docker("inspect", "--format", "{{.State.Pid}}", container, host=self.host()).strip()
        servers = TASKS.format(service=service, check=CHECK)
        config = BALANCER.format(address=f":{port}", path="/", servers=servers)
        self._balance(config, ("nsenter", f"--net=/proc/{process}/ns/net"))
        return f"{self.address(1)}:{port}"

    def _balance(self, config: str, enter: Sequence[str]) -> None:
        program = debian_program("haproxy", self.folder)
        path = self.folder / f"haproxy{len(self._balancers)}.cfg"
        path.write_text(config)
        libraries = ":".join(map(str, (self.folder / "unpacked/usr/lib").glob("*-linux-gnu")))
        env = os.environ | ({"LD_LIBRARY_PATH": libraries} if libraries else {})
        with path.with_suffix(".log").open("w") as log:
            process = subprocess.Popen([*enter, program, "-f", str(path), "-db"], env=env, stdout=log, stderr=log)
        self._balancers.append(process)
        # It takes every node for well until it has asked it twice, also one without a task.
        wait_until(lambda: Probe(ready=False), BALANCER_START_S)

    @staticmethod
    def address(number: int) -> str:
        """The address of a node."""
        return f"{NETWORK}.{10 + number}"

    def host(self, number: int = 1) -> str:
        """The address of a node's engine, as DOCKER_HOST has it."""
        return self.engines[number - 1].host

    def connect(self) -> DockerEngine:
        """Connect to the manager."""
        return self.engines[0].connect()

    def load(self, image: str) -> None:
        """Give the manager an image of this machine's engine."""
        archive = self.folder / "image.tar"
        docker("image", "save", "--output", str(archive), image)
        docker("image", "load", "--quiet", "--input", str(archive), host=self.host())
        archive.unlink()

    def release(self, origin: str, number: int, layer: str = "") -> str:
        """Make a release from an image that was loaded, push it, and return its digest."""
        return self.push(RELEASE.format(origin=origin, number=number, layer=layer), str(number))

    def push(self, dockerfile: str, tag: str, *options: str) -> str:
        """Build an image on the manager, push it, and return its digest."""
        name = f"{self.registry.address}/team/app:{tag}"
        build = ["image", "build", *options, "--network", "none", "--quiet", "--tag", name, "-"]
        docker(*build, stdin=dockerfile, host=self.host())
        docker("image", "push", "--quiet", name, host=self.host())
        return docker("image", "inspect", "--format", "{{index .RepoDigests 0}}", name, host=self.host()).strip()

    def titles(self, port: int) -> list[str]:
        """The title of the page of each node, asked from outside several times."""
        urls = [f"http://{self.address(number)}:{port}/" for number in NODES for _ in range(4)]
        command = [*self.enter, "curl", "--silent", "--max-time", "3", "--no-keepalive", *urls]
        page = run_command(command, self.folder, dict(os.environ)).output
        return [line.partition("<title>")[2].partition("</title>")[0] for line in page.split("<!doctype html>")[1:]]

    @contextmanager
    def visitors(self, addresses: Sequence[str], count: int = 4) -> Iterator[Counter[str]]:
        """Let visitors load the site until the block ends. Then the counter has what they got."""
        program = Path(__file__).with_name("fleet_visitors.py")
        args = [*self.enter, sys.executable, str(program), str(count), *addresses]
        process = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        counts: Counter[str] = Counter()
        try:
            yield counts
        finally:
            output, _ = process.communicate(timeout=60)  # closes its stdin, which ends it
            counts.update(json.loads(output))

    def run(self, number: int, *command: str) -> Result:
        """Run a command in the network of a node."""
        return run_command([*self.engines[number - 1].enter, *command], self.folder, dict(os.environ))

    def end(self) -> None:
        """End everything."""
        for process in (*self._balancers, self._outside):
            process.kill()
            process.wait()
        self.registry.stop()
        for engine in self.engines:
            engine.end()
