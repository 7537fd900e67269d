"""Stand-ins for a unit's edge: the runner, the engine, the network, and the programs on PATH."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from docker.errors import NullResource
from invoke.config import Config

from docktasks import settings
from docktasks.answers import Container, Image, Result
from docktasks.engine import Engine
from docktasks.settings import Settings

ROOT = Path(__file__).parents[2]
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
        line = shlex.join(args)
        for beginning, answer in self.answers.items():
            if line.startswith(beginning):
                return answer
        if self.engine is not None:
            self.engine.obey(args)
        return Result()

    @property
    def lines(self) -> list[str]:
        """What was run, as a reader would type it."""
        return [shlex.join(args) for args in self.ran]

    @property
    def verbs(self) -> list[str]:
        """What was run, in short: `run hello-dock-prod`, `rename hello-dock-prod hello-dock-previous`."""
        return [_short(args) for args in self.ran]


def _short(args: list[str]) -> str:
    named = args[args.index("--name") + 1 :][:1] if "--name" in args else args[3:]
    if "-t" in named:  # its seconds are no name
        named = named[named.index("-t") + 2 :]
    return " ".join([args[2], *(word for word in named if not word.startswith("-"))])


class FakeEngine(Engine):
    """An engine that holds what a test gave it, and obeys the few commands that change names and states."""

    rootless = False

    def __init__(self, *containers: Container, images: Mapping[str, Image] | None = None) -> None:
        self.version, self.api = "26.1.5", (1, 45)
        self.held = {container.name: container for container in containers}
        self.known = dict(images or {})
        self.serial = count(1)
        self.made_volumes: list[str] = []
        self.logged: dict[str, str] = {}
        self.births: dict[str, dict[str, Any]] = {}
        """How a container turns out that is not healthy from the start, by name."""
        self.files: dict[str, str] = {}
        """What `cat` prints in any container, by path."""
        self.saved = b""
        self.listening: dict[int, Container] = {}
        self.followed: list[bytes] = []

    def image(self, reference: str) -> Image | None:
        """As the SDK, which takes no empty name."""
        if not reference:
            raise NullResource("Resource ID was not provided")
        by_id = {image.id: image for image in self.known.values()}
        return self.known.get(reference) or by_id.get(reference)

    def images(self, project: str) -> list[Image]:
        """Those with the label that builds give."""
        return [image for image in self.known.values() if image.labels.get("hello-dock.built-for") == project]

    @property
    def tags(self) -> dict[str, str]:
        """The id of each by name."""
        return {tag: image.id for image in self.known.values() for tag in image.tags}

    def container(self, name: str) -> Container | None:
        """By name."""
        return self.held.get(name)

    def containers(self, project: str) -> list[Container]:
        """Those with the project's label."""
        return sorted((each for each in self.held.values() if each.is_of(project)), key=lambda each: each.name)

    def publisher(self, host_port: int) -> Container | None:
        """What the test said listens there."""
        return self.listening.get(host_port)

    def volumes(self, project: str) -> list[str]:
        """Every volume that was made, none of them another project's."""
        return [name for name in self.made_volumes if name.startswith(project)]

    def logs(self, name: str, lines: int = 15) -> str:
        """The last lines the test said were logged."""
        return "\n".join(self.logged.get(name, "").splitlines()[-lines:])

    def follow(self, name: str) -> Iterator[bytes]:
        """What the test said comes."""
        assert name in self.held
        yield from self.followed

    def execute(self, name: str, args: list[str]) -> Result:
        """Only `cat` of a file that the test gave."""
        assert name in self.held
        assert args[0] == "cat"
        path = args[1]
        return Result(0, self.files[path]) if path in self.files else Result(1, f"cat: can't open '{path}'")

    def archive(self, image_id: str) -> Iterator[bytes]:
        """What the test gave, in two chunks."""
        assert image_id
        half = len(self.saved) // 2
        yield from (self.saved[:half], self.saved[half:])

    def obey(self, args: list[str]) -> None:
        """Change names and states as Docker would."""
        if args[:3] == ["docker", "container", "run"]:
            self._give_birth(args)
        elif args[:3] == ["docker", "container", "rename"]:
            self.held[args[4]] = replace(self.held.pop(args[3]), name=args[4])
        elif args[:3] == ["docker", "container", "stop"]:
            self.held[args[-1]] = replace(self.held[args[-1]], state="exited")
        elif args[:3] == ["docker", "container", "restart"]:
            self.held[args[-1]] = replace(self.held[args[-1]], state="running")
        elif args[:4] == ["docker", "container", "rm", "--force"]:
            for name in args[4:]:
                self.held.pop(name, None)
        else:
            self._obey_of_what_stays(args)

    def _obey_of_what_stays(self, args: list[str]) -> None:
        """Volumes and images."""
        if args[:3] == ["docker", "volume", "create"]:
            self.made_volumes.append(args[-1])
        elif args[:3] == ["docker", "volume", "rm"]:
            self.made_volumes = [name for name in self.made_volumes if name not in args[3:]]
        elif args[:3] == ["docker", "image", "build"]:
            self._build(args)
        elif args[:3] == ["docker", "image", "rm"] and args[-1] not in {each.image_id for each in self.held.values()}:
            self.known = {name: image for name, image in self.known.items() if image.id != args[-1]}

    def _build(self, args: list[str]) -> None:
        tag = args[args.index("--tag") + 1]
        made = Image(f"sha256:{tag}", 20_000_000, tags=(tag,), labels=_labels(args))
        before = self.known.get(tag, made)
        if before.id != made.id:  # it loses its name, and stays
            self.known[before.id] = replace(before, tags=tuple(name for name in before.tags if name != tag))
        self.known[tag] = made

    def _give_birth(self, args: list[str]) -> None:
        name = args[args.index("--name") + 1]
        host, port, inside = args[args.index("--publish") + 1].split(":")
        image = next((each for each in map(self.image, args) if each), None)
        born = Container(
            f"id-{next(self.serial)}-of-{name}",
            name,
            health="healthy",
            image_id=image.id if image else args[-1],
            labels=_labels(args),
            addresses=((host, int(port or 49153), int(inside)),),
            started="2026-11-23T14:20:00.123456789Z",
        )
        self.held[name] = replace(born, **self.births.get(name, {}))


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
