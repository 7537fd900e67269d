"""An engine in memory, which applies the commands that change containers, images and volumes."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from itertools import count
from typing import Any

import httpx

from docktasks.commands import Result
from docktasks.engine.models import Container, ContainerConfig, Image, LimitSupport, Published
from tests.unit.fakes.store import FakeStore, labels_of

NOT_THERE = Result(1, "Error response from daemon: No such container")


class FakeEngine(FakeStore):
    """An engine in memory. It answers as a real one, and applies the commands that change something."""

    rootless = False
    containerd_store = False
    swarm_state = "inactive"

    def __init__(self, *containers: Container, images: Mapping[str, Image] | None = None) -> None:
        super().__init__(images or {})
        self.version = "26.1.5"
        self.api: tuple[int, ...] = (1, 45)
        self.kernel: tuple[int, ...] = (6, 1)
        self.kernel_release = platform.release()
        self.by_name = {container.name: container for container in containers}
        self.container_logs: dict[str, str] = {}
        self.config = ContainerConfig()
        """The configuration of every container."""
        self.expected_config: ContainerConfig | None = None
        """That of a container which is only made, not started; None for the same."""
        self.limit_support = LimitSupport()
        self.start_states: dict[str, dict[str, Any]] = {}
        """The state of a container after its start, by name, when it is not healthy."""
        self.files: dict[str, str] = {}
        """The files in every container, by path."""
        self.listed: list[list[str]] = []
        """What a script of node prints in every container."""
        self.sockets = self.served = ""
        """The rows of /proc/net in every container."""
        self.is_open = False
        """True if every container reaches every other one."""
        self.archive = b""
        self.save_count = 0
        self.save_error: Exception | None = None
        self.port_owners: dict[int, Container] = {}
        self.log_chunks: list[bytes] = []
        self.network_owner_ids: dict[str, str] = {}
        """The id of the container whose network another container shares, by the id of the other."""
        self.silent_ids: set[str] = set()
        """Ids of containers that run and do not listen: port holders, and those that are being stopped."""
        self.request_counts: Counter[str] = Counter()
        """How many requests a container has answered, by id."""
        self.assets: set[str] = set()
        """The releases whose assets are in the volume."""

    def container(self, name: str) -> Container | None:
        """Return a container by name."""
        container = self.by_name.get(name)
        return self._reached(container) if container else None

    def containers(self, project: str) -> list[Container]:
        """Return the containers with the project's label, sorted by name."""
        containers = [self._reached(container) for container in self.by_name.values() if container.is_of(project)]
        return sorted(containers, key=lambda container: container.name)

    def container_publishing(self, host_port: int) -> Container | None:
        """Return the container of port_owners, or the running container that publishes the port."""
        running = [container for container in self.by_name.values() if container.state == "running"]
        return self.port_owners.get(host_port) or next(
            (container for container in running if any(port.host_port == host_port for port in container.published)),
            None,
        )

    def containers_using(self, image_id: str) -> list[str]:
        """Return the names of the containers of an image."""
        return [container.name for container in self.by_name.values() if container.image_id == image_id]

    def logs(self, name: str, lines: int = 15) -> str:
        """Return the last lines of container_logs, and a line for each request that the container has answered."""
        container = self.by_name.get(name)
        count = self.request_counts[container.id] if container else 0
        requests = [f'"GET / HTTP/1.1" 200 {number}' for number in range(count)]
        return "\n".join([*self.container_logs.get(name, "").splitlines(), *requests][-lines:])

    def stream_logs(self, name: str, _since: str = "") -> Iterator[bytes]:
        """Yield log_chunks."""
        assert name in self.by_name
        yield from self.log_chunks

    def exec(self, name: str, args: list[str]) -> Result:
        """Run `cat` of files, `find` of a folder, or list what is carried, in `files`; or wget, which none answers."""
        assert name in self.by_name
        command, path = args[:2]
        assert command in ("cat", "find", "wget", "sh", "node")
        if command == "node":
            return Result(0, json.dumps(self.listed))
        if command == "wget":
            return Result(0 if self.is_open else 1)
        if command == "cat":
            return self._read(*args[1:])
        if command == "sh" and "/proc/net" in args[2]:
            return Result(0, f"1 S 0 0 node node\n{self.sockets}")
        if command == "sh":
            is_served = "stat" in args[2]
            return Result(0, self.served) if is_served else self._carried(with_digests="sha256sum" in args[2])
        below = [file for file in self.files if file.startswith(f"{path.rstrip('/')}/")]
        return Result(0 if below else 1, "\n".join(below))

    def _read(self, *paths: str) -> Result:
        lost = [f"cat: can't open '{path}'" for path in paths if path not in self.files]
        return Result(1, "\n".join(lost)) if lost else Result(0, "".join(self.files[path] for path in paths))

    def _carried(self, *, with_digests: bool) -> Result:
        folder = "/srv/carried/releases/"
        files = {file: text for file, text in self.files.items() if folder in file and "/site/" in file}
        digests = {file: sha256(text.encode()).hexdigest() for file, text in files.items()}
        names = {file.removeprefix(folder).partition("/")[0] for file in digests}
        lines = [*names, *(f"{digest}  {file}" if with_digests else file for file, digest in digests.items())]
        return Result(0 if lines else 1, "\n".join(lines))

    def container_config(self, name: str) -> ContainerConfig:
        """Return the configuration of every container."""
        return (self.expected_config or self.config) if self.by_name[name].state == "created" else self.config

    def save(self, image_id: str) -> Iterator[bytes]:
        """Yield `archive` in two chunks."""
        assert image_id
        self.save_count += 1
        if self.save_error:
            raise self.save_error
        half = len(self.archive) // 2
        yield from (self.archive[:half], self.archive[half:])

    def listeners(self, host_port: int) -> list[Container]:
        """Return the containers that would get a request to a port: every release in the network behind it."""
        return [
            container
            for container in map(self._reached, self.by_name.values())
            if container.serves
            and container.id not in self.silent_ids
            and host_port in [port.host_port for port in container.published]
        ]

    def route(self, site: Callable[[httpx.Request], httpx.Response]) -> Callable[[httpx.Request], httpx.Response]:
        """Return a network whose listeners answer as `site`. The one with the fewest requests answers next."""

        def answer(request: httpx.Request) -> httpx.Response:
            listeners = self.listeners(request.url.port or 80)
            if not listeners:
                raise httpx.ConnectError("[Errno 111] Connection refused", request=request)
            self.request_counts[min(listeners, key=lambda container: self.request_counts[container.id]).id] += 1
            return site(request)

        return answer

    def apply(self, args: list[str]) -> Result:
        """Change containers, images and volumes as Docker would."""
        commands = {
            ("container", "run"): self._run,
            ("container", "create"): self._create,
            ("container", "rename"): self._rename,
            ("container", "stop"): self._stop,
            ("container", "restart"): self._restart,
            ("container", "pause"): self._pause,
            ("container", "rm"): self._remove,
            ("image", "build"): self._build,
            ("image", "tag"): self._tag,
            ("image", "rm"): self._remove_images,
            ("network", "create"): self._create_network,
            ("network", "rm"): self._remove_networks,
            ("volume", "create"): self._create_volume,
            ("volume", "rm"): self._remove_volumes,
        }
        command = commands.get((args[1], args[2]))
        return command(args) if command else Result()

    def apply_interrupted(self, args: list[str]) -> None:
        """Apply the part of a command that is done when its task is killed."""
        name = args[-1]
        if args[1:3] == ["container", "run"] and "--rm" not in args:
            self.apply(args)
            self._change(args[args.index("--name") + 1], state="created")
        elif args[1:3] == ["container", "stop"]:  # the engine continues the stop, and nginx does not listen any more
            self.silent_ids.add(self.by_name[name].id)
        elif args[1:3] == ["container", "restart"]:
            self._change(name, state="exited")
        elif args[1:3] == ["container", "rm"]:
            self.apply(args[:5])
        else:
            self.apply(args)

    def _by_id(self, container_id: str) -> Container | None:
        return next((container for container in self.by_name.values() if container.id == container_id), None)

    def _reached(self, container: Container) -> Container:
        if container.id not in self.network_owner_ids or container.state != "running":
            return container
        owner = self._by_id(self.network_owner_ids[container.id])
        if owner is None or owner.state != "running" or owner.started > container.started:
            return replace(container, cut_off=True)
        return replace(container, published=owner.published)

    def _used_image_ids(self) -> set[str]:
        return {container.image_id for container in self.by_name.values()}

    def _change(self, name: str, **changes: Any) -> None:
        self.by_name[name] = replace(self.by_name[name], **changes)

    def _run(self, args: list[str]) -> Result:
        if "--rm" in args:
            return self._carry(args)
        name = args[args.index("--name") + 1]
        if name in self.by_name:
            return Result(125, f'Conflict. The container name "/{name}" is already in use')
        image = next((image for image in map(self.image, args) if image), None)
        container = Container(
            f"id-{next(self.serial)}-of-{name}",
            name,
            state="created",
            health="healthy",
            image_id=image.id if image else args[-1],
            labels=labels_of(args),
            environment=dict(args[index + 1].partition("=")[::2] for index, arg in enumerate(args) if arg == "--env"),
        )
        if "--entrypoint" in args:
            self.silent_ids.add(container.id)
        network = args[args.index("--network") + 1] if "--network" in args else "bridge"
        if network.startswith("container:"):
            owner = self.by_name.get(network.removeprefix("container:"))
            if owner is None:
                return Result(125, "No such container")
            self.network_owner_ids[container.id] = owner.id
        elif network not in ("bridge", "none", *self.network_store):
            return Result(125, f"network {network} not found")
        container = replace(container, networks={network: "172.18.0.2"})
        if "--publish" in args:
            host, port, container_port = args[args.index("--publish") + 1].split(":")
            container = replace(
                container, published=(Published(host, int(port or self._free_port()), int(container_port)),)
            )
        self.by_name[name] = container
        started = self._begin(name)
        self._change(name, **self.start_states.get(name, {}) if started.ok else {})
        return started

    def _create(self, args: list[str]) -> Result:
        name = args[args.index("--name") + 1]
        self.by_name[name] = Container(name, name, state="created")
        return Result()

    def _begin(self, name: str) -> Result:
        """Start a container that does not run."""
        container = self.by_name[name]
        owner_id = self.network_owner_ids.get(container.id)
        if owner_id:
            owner = self._by_id(owner_id)
            if owner is None or owner.state != "running":
                return Result(125, "cannot join network of a non running container")
        if any(self.container_publishing(port.host_port) for port in container.published):
            return Result(125, "Bind for 127.0.0.1 failed: port is already allocated.")
        self._change(name, state="running", started=self._now())
        return Result()

    def _free_port(self) -> int:
        return next(port for port in count(49153) if not self.container_publishing(port))

    def _carry(self, args: list[str]) -> Result:
        """Run a container with --rm, which reads or changes only the volume of assets."""
        if "cat" in args:
            return self._read(args[-1])
        if "carry" not in args:  # it only fills a volume
            return Result()
        self._use_volume(args)
        index = args.index("carry")
        if self.image(args[index - 1]) is None:
            return Result(125, "Unable to find image")
        word, *ids = args[index + 1 :]
        self.assets = self.assets & set(ids) if word == "keep" else self.assets | set(ids)
        if word == "keep":
            variables = dict(args[at + 1].split("=", 1) for at, arg in enumerate(args) if arg == "--env")
            self.files["/srv/carried/current/run-id"] = variables["HELLO_DOCK_RUN"]
            self.files["/srv/carried/current/released"] = "\n".join(ids)
            self.files["/srv/carried/current/environment"] = variables.get("HELLO_DOCK_ENV", "")
        return Result()

    def _rename(self, args: list[str]) -> Result:
        name, to = args[3:]
        if name not in self.by_name:
            return NOT_THERE
        if to in self.by_name:
            return Result(1, f'Conflict. The container name "/{to}" is already in use')
        self.by_name[to] = replace(self.by_name.pop(name), name=to)
        return Result()

    def _stop(self, args: list[str]) -> Result:
        if args[-1] not in self.by_name:
            return NOT_THERE
        self._change(args[-1], state="exited")
        return Result()

    def _pause(self, args: list[str]) -> Result:
        """Pause a container. Containers that share its network are cut off."""
        paused = self.by_name.get(args[-1])
        if paused is None:
            return NOT_THERE
        if paused.state != "running":
            return Result(1, f"Error response from daemon: Container {paused.id} is not running")
        self._change(args[-1], state="paused")
        return Result()

    def _restart(self, args: list[str]) -> Result:
        if self._stop(args) == NOT_THERE:
            return NOT_THERE
        if self.by_name[args[-1]].id in self.network_owner_ids:
            self.silent_ids.discard(self.by_name[args[-1]].id)
        return self._begin(args[-1])

    def _remove(self, args: list[str]) -> Result:
        for name in args[4:]:
            self.by_name.pop(name, None)
        return Result()


def own_container(role: str, project: str = "hello-dock", **changes: Any) -> Container:
    """Return a running container of a project, with a role and changes."""
    labels = {"hello-dock.project": project, "hello-dock.role": role} | changes.pop("labels", {})
    name = changes.pop("name", f"{project}-{role}")
    return Container(f"id-of-{name}", name, labels=labels, **changes)


UNRELATED_CONTAINERS = [
    Container("0", "web", image="nginx:1"),
    own_container("prod", project="shop"),
    own_container("dev", project="hello-dock-2"),
]
"""Containers of a stranger, and of two other projects."""
