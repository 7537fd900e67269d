"""Stand-ins for a unit's edge: the runner, the engine, the network, and the programs on PATH."""

from __future__ import annotations

import json
import platform
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from functools import cache
from hashlib import sha256
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import httpx
from docker.errors import NullResource
from invoke.config import Config

from docktasks import settings
from docktasks.commands import Result
from docktasks.engine.models import Container, ContainerConfig, Image, LimitSupport
from docktasks.settings import Settings

ROOT = Path(__file__).parents[3]
PACKAGE = {"name": "hello-dock", "version": "1.2.3", "scripts": {"serve": "vite", "build": "vite build"}}


@cache
def _invoke_yaml() -> dict[str, dict[str, object]]:
    config = Config(project_location=ROOT, lazy=True)
    config.load_project()
    read: dict[str, dict[str, object]] = dict(config)
    return {section: dict(values) for section, values in read.items() if section not in Config.global_defaults()}


def invoke_yaml() -> dict[str, dict[str, object]]:
    """What invoke.yaml says, without the files and the environment of whoever runs the tests; a copy to change."""
    return deepcopy(_invoke_yaml())


def configured(root: Path, **changes: str) -> Settings:
    """The default settings with changes such as `prod_host_port="0"`."""
    config = invoke_yaml()
    for name, value in changes.items():
        section, _, key = name.partition("_")
        config[section][key] = value
    return settings.load(root, config, {}, {})


def impatient(settings: Settings) -> Settings:
    """The settings with no time for a container to serve."""
    return replace(settings, dev=replace(settings.dev, deploy_timeout=0), prod=replace(settings.prod, deploy_timeout=0))


def make_app(folder: Path, **changes: object) -> Path:
    """A folder that a build takes for a Vite app; `changes` go into its package.json."""
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps(PACKAGE | changes))
    (folder / "package-lock.json").write_text("{}")
    return folder


class Runner:
    """Records every command line, and answers by what it begins with; where it knows none, the engine obeys."""

    def __init__(
        self, engine: FakeEngine | None = None, answers: Mapping[str, Result] | None = None, *, dry: bool = False
    ) -> None:
        self.engine, self.answers, self.dry = engine, dict(answers or {}), dry
        self.ran: list[list[str]] = []

    def __call__(self, args: list[str], *, quiet: bool = False) -> Result:
        """Note the command, and answer it."""
        assert isinstance(quiet, bool)
        self.ran.append(args)
        return self._answered(args)

    def _answered(self, args: list[str]) -> Result:
        if is_script(args):
            return self._script(args[-1])
        line = shlex.join(args)
        for beginning, answer in self.answers.items():
            if line.startswith(beginning):
                return answer
        return self.engine.obey(args) if self.engine is not None else Result()

    def _script(self, text: str) -> Result:
        """Do what containers.move_args has a shell do."""
        does, undoes = _parts(text)
        results: list[Result] = []
        for args in does:
            results.append(self._answered(args))
            if not results[-1].ok:
                break
        else:
            return results[-1]
        for args in undoes:
            self._answered([HELD.get(word, word) for word in args])
        return replace(results[-1], code=1)

    @property
    def lines(self) -> list[str]:
        """What was run, as a reader would type it."""
        return [shlex.join(args) for args in self.ran]

    @property
    def verbs(self) -> list[str]:
        """What was run, in short: `run shop-prod`, `rename shop-prod-next shop-prod`, `carry add 0a1b2c3d4e5f`."""
        return [_short(args) for args in self.ran]


def is_script(args: list[str]) -> bool:
    """True for the command of containers.move_args."""
    return args[-2:-1] == ["-c"] and args[-1].startswith("docker container stop ")


HELD = {"$holder": "hello-dock-prod-port"}


def _parts(text: str) -> tuple[list[list[str]], list[list[str]]]:
    """The commands of a script, and those that undo it: `a && b=$(c) && d || { e ; f ; exit 1 ; }`."""
    words = shlex.split(text)
    middle = words.index("||")
    does = [_captured(args) for args in _split(words[:middle], "&&")]
    *undoes, failure = _split(words[middle + 2 : -2], ";")
    assert failure == ["exit", "1"]
    return does, undoes


def _split(words: list[str], sign: str) -> list[list[str]]:
    places = [-1, *(place for place, word in enumerate(words) if word == sign), len(words)]
    return [words[start + 1 : end] for start, end in pairwise(places)]


def _captured(args: list[str]) -> list[str]:
    if not args[0].startswith("holder=$("):
        return args
    return shlex.split(shlex.join([args[0].removeprefix("holder=$("), *args[1:-1], args[-1].removesuffix(")")]))


def _short(args: list[str]) -> str:
    if is_script(args):
        return f"{', '.join(map(_short, _parts(args[-1])[0]))} in one"
    if "carry" in args:
        return " ".join(args[args.index("carry") :])
    named = args[args.index("--name") + 1 :][:1] if "--name" in args else args[3:]
    if "-t" in named:  # its seconds are no name
        named = named[named.index("-t") + 2 :]
    return " ".join([args[2], *(word for word in named if not word.startswith("-"))])


NOT_THERE = Result(1, "Error response from daemon: No such container")


class FakeEngine:
    """An engine that holds what a test gave it, and obeys the commands that change containers, images and volumes."""

    rootless = False

    def __init__(self, *containers: Container, images: Mapping[str, Image] | None = None) -> None:
        self.version = "26.1.5"
        self.api: tuple[int, ...] = (1, 45)
        self.kernel: tuple[int, ...] = (6, 1)
        self.kernel_release = platform.release()
        self.held = {container.name: container for container in containers}
        self.known = dict(images or {})
        self.serial = count(1)
        self.made_volumes: list[str] = []
        self.foreign_volumes: list[str] = []
        self.logged: dict[str, str] = {}
        self.given = ContainerConfig()
        """What every container was started with."""
        self.limit_support = LimitSupport()
        self.births: dict[str, dict[str, Any]] = {}
        """How a container turns out that is not healthy from the start, by name."""
        self.files: dict[str, str] = {}
        """What `cat` prints in any container, by path."""
        self.saved = b""
        self.archived = 0
        self.refusal: Exception | None = None
        self.listening: dict[int, Container] = {}
        self.followed: list[bytes] = []
        self.source = "1"
        """What the next build is made from: another source makes another image."""
        self.joined: dict[str, str] = {}
        """Whose network a container is in, both by id."""
        self.sleeping: set[str] = set()
        """Ids of containers that run, and answer nobody: port holders, and what is being stopped."""
        self.asked: Counter[str] = Counter()
        """How many requests a container has answered, by id."""
        self.assets: set[str] = set()
        """The releases whose assets are in the volume."""

    def image(self, reference: str) -> Image | None:
        """By name, id or the beginning of it; as the SDK, which takes no empty name."""
        if not reference:
            raise NullResource("Resource ID was not provided")
        named = {name: image for image in self.known.values() for name in (image.id, image.short_id, *image.tags)}
        return self.known.get(reference) or named.get(reference)

    def images(self, project: str) -> list[Image]:
        """Those with the label that builds give, each once."""
        built = [image for image in self.known.values() if image.labels.get("hello-dock.built-for") == project]
        return list({image.id: image for image in built}.values())

    @property
    def image_ids(self) -> dict[str, str]:
        """The id of each by name."""
        return {tag: image.id for image in self.known.values() for tag in image.tags}

    def container(self, name: str) -> Container | None:
        """By name."""
        found = self.held.get(name)
        return self._as_reached(found) if found else None

    def containers(self, project: str) -> list[Container]:
        """Those with the project's label."""
        found = [self._as_reached(each) for each in self.held.values() if each.is_of(project)]
        return sorted(found, key=lambda each: each.name)

    def container_publishing(self, host_port: int) -> Container | None:
        """What the test said listens there, or the running container that was published there."""
        running = [each for each in self.held.values() if each.state == "running"]
        return self.listening.get(host_port) or next(
            (each for each in running if any(port == host_port for _, port, _ in each.addresses)), None
        )

    def refresh_image_ids(self) -> dict[str, str]:
        """The same: nothing is remembered."""
        return self.image_ids

    def volumes(self, project: str) -> list[str]:
        """Every volume that was made, none of them another project's."""
        return [name for name in self.made_volumes if name.startswith(project)]

    def has_volume(self, name: str) -> bool:
        """Ours, or somebody else's."""
        return name in self.made_volumes or name in self.foreign_volumes

    def containers_using(self, image_id: str) -> list[str]:
        """Names of the containers of an image."""
        return [each.name for each in self.held.values() if each.image_id == image_id]

    def logs(self, name: str, lines: int = 15) -> str:
        """The last lines the test said were logged, and one for each request that it answered."""
        found = self.held.get(name)
        requests = [f'"GET / HTTP/1.1" 200 {number}' for number in range(self.asked[found.id] if found else 0)]
        return "\n".join([*self.logged.get(name, "").splitlines(), *requests][-lines:])

    def stream_logs(self, name: str) -> Iterator[bytes]:
        """What the test said comes."""
        assert name in self.held
        yield from self.followed

    def exec(self, name: str, args: list[str]) -> Result:
        """Only `cat` of a file that the test gave, and `ls` and `find` of a folder."""
        assert name in self.held
        command, path = args[:2]
        assert command in ("cat", "ls", "find")
        if command == "cat":
            return Result(0, self.files[path]) if path in self.files else Result(1, f"cat: can't open '{path}'")
        below = [each for each in self.files if each.startswith(f"{path}/")]
        names = {each.removeprefix(f"{path}/").partition("/")[0] for each in below}
        return Result(0 if below else 1, "\n".join(names if command == "ls" else below))

    def container_config(self, name: str) -> ContainerConfig:
        """What the test said it was started with."""
        assert name in self.held
        return self.given

    def save(self, image_id: str) -> Iterator[bytes]:
        """What the test gave, in two chunks."""
        assert image_id
        self.archived += 1
        if self.refusal:
            raise self.refusal
        half = len(self.saved) // 2
        yield from (self.saved[:half], self.saved[half:])

    def listeners(self, host_port: int) -> list[Container]:
        """Who would get a request to this port: every release in the network that it leads to."""
        return [
            each
            for each in map(self._as_reached, self.held.values())
            if each.serves
            and each.id not in self.sleeping
            and host_port in [published for _, published, _ in each.addresses]
        ]

    def behind(self, site: Callable[[httpx.Request], httpx.Response]) -> Callable[[httpx.Request], httpx.Response]:
        """A network in which whoever listens answers as `site`: in turns, the one that has answered least first."""

        def answer(request: httpx.Request) -> httpx.Response:
            found = self.listeners(request.url.port or 80)
            if not found:
                raise httpx.ConnectError("[Errno 111] Connection refused", request=request)
            self.asked[min(found, key=lambda each: self.asked[each.id]).id] += 1
            return site(request)

        return answer

    def obey(self, args: list[str]) -> Result:
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

    def obey_half(self, args: list[str]) -> None:
        """As where whoever gave the command is gone before it is done."""
        name = args[-1]
        if args[1:3] == ["container", "run"] and "--rm" not in args:
            self.obey(args)
            self._change(args[args.index("--name") + 1], state="created")
        elif args[1:3] == ["container", "stop"]:  # goes on in the engine; nginx listens no more
            self.sleeping.add(self.held[name].id)
        elif args[1:3] == ["container", "restart"]:
            self._change(name, state="exited")
        elif args[1:3] == ["container", "rm"]:
            self.obey(args[:5])
        else:
            self.obey(args)

    def _as_reached(self, found: Container) -> Container:
        if found.id not in self.joined or found.state != "running":
            return found
        owner = next((each for each in self.held.values() if each.id == self.joined[found.id]), None)
        if owner is None or owner.state != "running" or owner.started > found.started:
            return replace(found, cut_off=True)
        return replace(found, addresses=owner.addresses)

    def _change(self, name: str, **changes: Any) -> None:
        self.held[name] = replace(self.held[name], **changes)

    def _now(self) -> str:
        return f"2026-11-23T14:20:00.{next(self.serial):09}Z"

    def _run(self, args: list[str]) -> Result:
        if "--rm" in args:
            return self._carry(args)
        name = args[args.index("--name") + 1]
        if name in self.held:
            return Result(125, f'Conflict. The container name "/{name}" is already in use')
        image = next((each for each in map(self.image, args) if each), None)
        born = Container(
            f"id-{next(self.serial)}-of-{name}",
            name,
            state="created",
            health="healthy",
            image_id=image.id if image else args[-1],
            labels=_labels(args),
            environment=dict(args[place + 1].split("=", 1) for place, arg in enumerate(args) if arg == "--env"),
        )
        if "--entrypoint" in args:
            self.sleeping.add(born.id)
        if ("--network", "none") in pairwise(args):
            pass
        elif "--network" in args:
            owner = self.held.get(args[args.index("--network") + 1].removeprefix("container:"))
            if owner is None:
                return Result(125, "No such container")
            self.joined[born.id] = owner.id
        elif "--publish" in args:
            host, port, inside = args[args.index("--publish") + 1].split(":")
            born = replace(born, addresses=((host, int(port or self._free_port()), int(inside)),))
        self.held[name] = born
        started = self._begin(name)
        self._change(name, **self.births.get(name, {}) if started.ok else {})
        return started

    def _begin(self, name: str) -> Result:
        """Have a container run that does not."""
        begun = self.held[name]
        owner_id = self.joined.get(begun.id)
        if owner_id and not any(each.id == owner_id and each.state == "running" for each in self.held.values()):
            return Result(125, "cannot join network of a non running container")
        if any(self.container_publishing(port) for _, port, _ in begun.addresses):
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
        if name not in self.held:
            return NOT_THERE
        if to in self.held:
            return Result(1, f'Conflict. The container name "/{to}" is already in use')
        self.held[to] = replace(self.held.pop(name), name=to)
        return Result()

    def _stop(self, args: list[str]) -> Result:
        if args[-1] not in self.held:
            return NOT_THERE
        self._change(args[-1], state="exited")
        return Result()

    def _pause(self, args: list[str]) -> Result:
        """Its processes stand still; docktasks.engine takes who shares its network for cut off."""
        paused = self.held.get(args[-1])
        if paused is None:
            return NOT_THERE
        if paused.state != "running":
            return Result(1, f"Error response from daemon: Container {paused.id} is not running")
        self._change(args[-1], state="paused")
        return Result()

    def _restart(self, args: list[str]) -> Result:
        if self._stop(args) == NOT_THERE:
            return NOT_THERE
        if self.held[args[-1]].id in self.joined:
            self.sleeping.discard(self.held[args[-1]].id)
        return self._begin(args[-1])

    def _remove(self, args: list[str]) -> Result:
        for name in args[4:]:
            self.held.pop(name, None)
        return Result()

    def _create_volume(self, args: list[str]) -> Result:
        self.made_volumes.append(args[-1])
        return Result()

    def _remove_volumes(self, args: list[str]) -> Result:
        self.made_volumes = [name for name in self.made_volumes if name not in args[3:]]
        return Result()

    def _build(self, args: list[str]) -> Result:
        tag = args[args.index("--tag") + 1]
        self.hold(tag, Image(built(tag, self.source), 20_000_000, tags=(tag,), labels=_labels(args)))
        return Result()

    def hold(self, tag: str, image: Image) -> None:
        """Have an image under a name; the one that had it before loses it, and stays."""
        before = self.known.get(tag, image)
        if before.id != image.id:
            self._name(before, *(name for name in before.tags if name != tag))
        self.known[tag] = image

    def _name(self, image: Image, *tags: str, **changes: Any) -> None:
        """Give an image these names and no other; one without a name stays, under its id."""
        self.known = {name: each for name, each in self.known.items() if each.id != image.id}
        self.known |= dict.fromkeys(tags or (image.id,), replace(image, tags=tags, **changes))

    def _tag(self, args: list[str]) -> Result:
        image = self.image(args[3])
        if image is None:
            return Result(1, "No such image")
        self._name(image, *dict.fromkeys([*image.tags, args[4]]), tagged=self._now())
        return Result()

    def _remove_images(self, args: list[str]) -> Result:
        results = [self._remove_image(reference) for reference in args[3:] if not reference.startswith("-")]
        return next((result for result in results if not result.ok), Result())

    def _remove_image(self, reference: str) -> Result:
        image = self.image(reference)
        if image is None:
            return Result(1, "No such image")
        if len(image.tags) > 1 and reference in image.tags:
            self._name(image, *(tag for tag in image.tags if tag != reference))
            return Result()
        if image.id in {each.image_id for each in self.held.values()}:
            return Result(1, "conflict: a container is using its referenced image")
        self.known = {name: each for name, each in self.known.items() if each.id != image.id}
        return Result()


def built(tag: str, source: str = "1") -> str:
    """The id of the image that FakeEngine builds from that source."""
    return f"sha256:{sha256(f'{tag} {source}'.encode()).hexdigest()}"


def _labels(args: list[str]) -> dict[str, str]:
    return dict(args[place + 1].split("=", 1) for place, arg in enumerate(args) if arg == "--label")


def ours(role: str, project: str = "hello-dock", **given: Any) -> Container:
    """A running container of the project."""
    labels = {"hello-dock.project": project, "hello-dock.role": role} | given.pop("labels", {})
    name = given.pop("name", f"{project}-{role}")
    return Container(f"id-of-{name}", name, labels=labels, **given)


class Web:
    """The network: every request of httpx comes here, and nobody answers until a test says who does."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: Callable[[httpx.Request], httpx.Response] = self.silence

    @staticmethod
    def silence(request: httpx.Request) -> httpx.Response:
        """As an address where nothing listens."""
        raise httpx.ConnectError("[Errno 111] Connection refused", request=request)

    def serve(self, status: int = 200) -> None:
        """Answer everything with this status."""
        self.answer = lambda _request: httpx.Response(status)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Note one request, and answer it."""
        self.asked.append(str(request.url))
        return self.answer(request)


class Programs:
    """The only programs on PATH, each a small script; what was called stands in `calls`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder.parent / "called"
        folder.mkdir()

    def add(self, name: str, prints: str = "", code: int = 0) -> Path:
        """Make a program that prints something and exits."""
        path = self.folder / name
        path.write_text(f'#!/bin/sh\necho {name} "$@" >>{self.log}\nprintf "%s" {shlex.quote(prints)}\nexit {code}\n')
        path.chmod(0o755)
        return path

    @property
    def calls(self) -> list[str]:
        """Every call so far."""
        return self.log.read_text().splitlines() if self.log.exists() else []
