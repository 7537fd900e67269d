"""An engine in memory, which applies the commands that change containers, images and volumes."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import count, pairwise
from typing import Any

import httpx

from docktasks.commands import Result
from docktasks.engine.models import Container, ContainerConfig, Image, LimitSupport, Published
from tests.unit.fakes.store import FakeStore, labels_of

NOT_THERE = Result(1, "Error response from daemon: No such container")


class FakeEngine(FakeStore):
    """An engine that holds what a test gave it, and obeys the commands that change containers, images and volumes."""

    rootless = False

    def __init__(self, *containers: Container, images: Mapping[str, Image] | None = None) -> None:
        super().__init__(images or {})
        self.version = "26.1.5"
        self.api: tuple[int, ...] = (1, 45)
        self.kernel: tuple[int, ...] = (6, 1)
        self.kernel_release = platform.release()
        self.by_name = {container.name: container for container in containers}
        self.container_logs: dict[str, str] = {}
        self.config = ContainerConfig()
        """What every container was started with."""
        self.limit_support = LimitSupport()
        self.start_states: dict[str, dict[str, Any]] = {}
        """How a container turns out that is not healthy from the start, by name."""
        self.files: dict[str, str] = {}
        """What `cat` prints in any container, by path."""
        self.archive = b""
        self.save_count = 0
        self.save_error: Exception | None = None
        self.port_owners: dict[int, Container] = {}
        self.log_chunks: list[bytes] = []
        self.network_owner_ids: dict[str, str] = {}
        """Whose network a container is in, both by id."""
        self.silent_ids: set[str] = set()
        """Ids of containers that run, and answer nobody: port holders, and what is being stopped."""
        self.request_counts: Counter[str] = Counter()
        """How many requests a container has answered, by id."""
        self.assets: set[str] = set()
        """The releases whose assets are in the volume."""

    def container(self, name: str) -> Container | None:
        """By name."""
        found = self.by_name.get(name)
        return self._as_reached(found) if found else None

    def containers(self, project: str) -> list[Container]:
        """Those with the project's label."""
        found = [self._as_reached(each) for each in self.by_name.values() if each.is_of(project)]
        return sorted(found, key=lambda each: each.name)

    def container_publishing(self, host_port: int) -> Container | None:
        """What the test said listens there, or the running container that was published there."""
        running = [each for each in self.by_name.values() if each.state == "running"]
        return self.port_owners.get(host_port) or next(
            (each for each in running if any(port.host_port == host_port for port in each.published)), None
        )

    def containers_using(self, image_id: str) -> list[str]:
        """Names of the containers of an image."""
        return [each.name for each in self.by_name.values() if each.image_id == image_id]

    def logs(self, name: str, lines: int = 15) -> str:
        """The last lines the test said were logged, and one for each request that it answered."""
        found = self.by_name.get(name)
        requests = [f'"GET / HTTP/1.1" 200 {number}' for number in range(self.request_counts[found.id] if found else 0)]
        return "\n".join([*self.container_logs.get(name, "").splitlines(), *requests][-lines:])

    def stream_logs(self, name: str) -> Iterator[bytes]:
        """What the test said comes."""
        assert name in self.by_name
        yield from self.log_chunks

    def exec(self, name: str, args: list[str]) -> Result:
        """Only `cat` of a file that the test gave, and `ls` and `find` of a folder."""
        assert name in self.by_name
        command, path = args[:2]
        assert command in ("cat", "ls", "find")
        if command == "cat":
            return Result(0, self.files[path]) if path in self.files else Result(1, f"cat: can't open '{path}'")
        below = [each for each in self.files if each.startswith(f"{path}/")]
        names = {each.removeprefix(f"{path}/").partition("/")[0] for each in below}
        return Result(0 if below else 1, "\n".join(names if command == "ls" else below))

    def container_config(self, name: str) -> ContainerConfig:
        """What the test said it was started with."""
        assert name in self.by_name
        return self.config

    def save(self, image_id: str) -> Iterator[bytes]:
        """What the test gave, in two chunks."""
        assert image_id
        self.save_count += 1
        if self.save_error:
            raise self.save_error
        half = len(self.archive) // 2
        yield from (self.archive[:half], self.archive[half:])

    def listeners(self, host_port: int) -> list[Container]:
        """Who would get a request to this port: every release in the network that it leads to."""
        return [
            each
            for each in map(self._as_reached, self.by_name.values())
            if each.serves
            and each.id not in self.silent_ids
            and host_port in [port.host_port for port in each.published]
        ]

    def route(self, site: Callable[[httpx.Request], httpx.Response]) -> Callable[[httpx.Request], httpx.Response]:
        """A network in which whoever listens answers as `site`: in turns, the one that has answered least first."""

        def answer(request: httpx.Request) -> httpx.Response:
            found = self.listeners(request.url.port or 80)
            if not found:
                raise httpx.ConnectError("[Errno 111] Connection refused", request=request)
            self.request_counts[min(found, key=lambda each: self.request_counts[each.id]).id] += 1
            return site(request)

        return answer

    def apply(self, args: list[str]) -> Result:
        """Change containers, images and volumes as Docker would."""
        known = {
            ("container", "run"): self._run,
            ("container", "rename"): self._rename,
            ("container", "stop"): self._stop,
            ("container", "restart"): self._restart,
            ("container", "pause"): self._pause,
            ("container", "rm"): self._remove,
            ("image", "build"): self._build,
            ("image", "tag"): self._tag,
            ("image", "rm"): self._remove_images,
            ("volume", "create"): self._create_volume,
            ("volume", "rm"): self._remove_volumes,
        }
        obeyed = known.get((args[1], args[2]))
        return obeyed(args) if obeyed else Result()

    def apply_interrupted(self, args: list[str]) -> None:
        """As where whoever gave the command is gone before it is done."""
        name = args[-1]
        if args[1:3] == ["container", "run"] and "--rm" not in args:
            self.apply(args)
            self._change(args[args.index("--name") + 1], state="created")
        elif args[1:3] == ["container", "stop"]:  # goes on in the engine; nginx listens no more
            self.silent_ids.add(self.by_name[name].id)
        elif args[1:3] == ["container", "restart"]:
            self._change(name, state="exited")
        elif args[1:3] == ["container", "rm"]:
            self.apply(args[:5])
        else:
            self.apply(args)

    def _as_reached(self, found: Container) -> Container:
        if found.id not in self.network_owner_ids or found.state != "running":
            return found
        owner = next((each for each in self.by_name.values() if each.id == self.network_owner_ids[found.id]), None)
        if owner is None or owner.state != "running" or owner.started > found.started:
            return replace(found, cut_off=True)
        return replace(found, published=owner.published)

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
        image = next((each for each in map(self.image, args) if each), None)
        born = Container(
            f"id-{next(self.serial)}-of-{name}",
            name,
            state="created",
            health="healthy",
            image_id=image.id if image else args[-1],
            labels=labels_of(args),
            environment=dict(args[place + 1].split("=", 1) for place, arg in enumerate(args) if arg == "--env"),
        )
        if "--entrypoint" in args:
            self.silent_ids.add(born.id)
        if ("--network", "none") in pairwise(args):
            pass
        elif "--network" in args:
            owner = self.by_name.get(args[args.index("--network") + 1].removeprefix("container:"))
            if owner is None:
                return Result(125, "No such container")
            self.network_owner_ids[born.id] = owner.id
        elif "--publish" in args:
            host, port, inside = args[args.index("--publish") + 1].split(":")
            born = replace(born, published=(Published(host, int(port or self._free_port()), int(inside)),))
        self.by_name[name] = born
        started = self._begin(name)
        self._change(name, **self.start_states.get(name, {}) if started.ok else {})
        return started

    def _begin(self, name: str) -> Result:
        """Have a container run that does not."""
        begun = self.by_name[name]
        owner_id = self.network_owner_ids.get(begun.id)
        if owner_id and not any(each.id == owner_id and each.state == "running" for each in self.by_name.values()):
            return Result(125, "cannot join network of a non running container")
        if any(self.container_publishing(port.host_port) for port in begun.published):
            return Result(125, "Bind for 127.0.0.1 failed: port is already allocated.")
        self._change(name, state="running", started=self._now())
        return Result()

    def _free_port(self) -> int:
        return next(port for port in count(49153) if not self.container_publishing(port))

    def _carry(self, args: list[str]) -> Result:
        """One that leaves nothing but what it did to the volume."""
        if "carry" not in args:  # one that is there to have a volume filled
            return Result()
        place = args.index("carry")
        if self.image(args[place - 1]) is None:
            return Result(125, "Unable to find image")
        word, *ids = args[place + 1 :]
        self.assets = self.assets & set(ids) if word == "keep" else self.assets | set(ids)
        if word == "keep":
            given = dict(args[at + 1].split("=", 1) for at, arg in enumerate(args) if arg == "--env")
            self.files["/srv/carried/current/run-id"] = given["HELLO_DOCK_RUN"]
            self.files["/srv/carried/current/environment"] = given.get("HELLO_DOCK_ENV", "")
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
        """Its processes stand still; docktasks.engine takes who shares its network for cut off."""
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


def own_container(role: str, project: str = "hello-dock", **given: Any) -> Container:
    """A running container of the project."""
    labels = {"hello-dock.project": project, "hello-dock.role": role} | given.pop("labels", {})
    name = given.pop("name", f"{project}-{role}")
    return Container(f"id-of-{name}", name, labels=labels, **given)


UNRELATED_CONTAINERS = [
    Container("0", "web", image="nginx:1"),
    own_container("prod", project="shop"),
    own_container("dev", project="hello-dock-2"),
]
"""Containers of a stranger, and of two other projects."""
