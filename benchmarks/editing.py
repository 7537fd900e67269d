"""Ways to serve an app while it is edited: Vite on the host, ours, the handbook's container, compose watch.

Each has a copy of the app and a port of its own, and ends with the stack that it was made with.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx

from benchmarks import peers
from benchmarks.approaches import HANDBOOK, handbook_trust, new
from benchmarks.generated import App
from benchmarks.harness import INVOKE, Bench
from docktasks import bases, context, probes
from docktasks.containers import remove_args
from docktasks.errors import BenchError
from docktasks.settings import BUILT_FOR, LABEL
from tests.engine.support import free_port

INSIDE = "/home/node/app"
START = 120
"""Seconds that a start may take, and an edit a sixth of it."""
COMPOSE = """
name: {name}
services:
  web:
    build: {app}  # of the image, which is there: without this, compose watches nothing
    image: {name}
    container_name: {name}
    labels: ["{label}"]
    ports: ["127.0.0.1:{host_port}:3000"]
    develop:
      watch:
        - {{action: sync, path: {app}/src, target: {inside}/src}}
"""


@dataclass(frozen=True)
class Way:
    """A way to serve a copy of an app: how it forgets what it installed, installs, starts, and stops.

    One that `waits` has started when the page was served. A further request would wait for all that the page has the
    dev server load, which nobody else's first request does.
    """

    app: App
    folder: Path
    host_port: int
    forget: Callable[[], object]
    install: Callable[[], object]
    start: Callable[[], object]
    stop: Callable[[], object]
    waits: bool = False

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.host_port}"

    def cold(self) -> float:
        """Seconds until the page is served, with nothing installed."""
        self.stop()
        self.forget()
        return self._served(self.install)[0]

    def warm(self) -> tuple[float, float]:
        """Seconds until the page is served, and until its script runs, with everything installed."""
        self.stop()
        return self._served(lambda: None)

    def _served(self, before: Callable[[], object]) -> tuple[float, float]:
        """It does not run on: a dev server that loads what its page needs would slow the start of the next."""
        try:
            began = time.perf_counter()
            before()
            self.start()
            started = time.perf_counter()
            self._answers()
            served = started if self.waits else time.perf_counter()
            self._loads()
            return served - began, time.perf_counter() - began
        finally:
            self.stop()

    def serve(self) -> None:
        """Have it serve. Raises BenchError when it does not."""
        self.start()
        self._answers()

    def _answers(self) -> None:
        looked = probes.wait_until(lambda: probes.answers(self.url, timeout=1), START, 0.01)
        if not looked.ready:
            raise BenchError(f"A dev server does not come up: {looked.status}", "", "See what its command says")

    def _loads(self) -> None:
        """Fetch the page, its script, and the first package that this imports, which Vite may have to bundle first."""
        path = "/"
        with httpx.Client(base_url=self.url, trust_env=False, timeout=START) as client:
            for names in (r'src="(/src/[^"]+)"', r'"(/node_modules/[^"]+)"'):
                found = re.search(names, client.get(path).raise_for_status().text)
                if found is None:
                    raise BenchError(f"{self.url}{path} names no module.", "", "See what it answers")
                path = found.group(1)
            client.get(path).raise_for_status()

    def save(self, text: str) -> float:
        """Edit the app; the time just before, in seconds since 1970."""
        began = time.time()
        self.app.edit(self.folder, text)
        return began


class Served:
    """Saves, and asks for the module over and over until it has the new text: milliseconds."""

    def __init__(self, way: Way) -> None:
        self.way, self.numbers = way, count()

    def __call__(self) -> float:
        """Once. Raises BenchError when the edit does not arrive."""
        text, path = f"served-{next(self.numbers)}", f"/{self.way.app.edited}"
        # Anew in each round: node closes a connection that was idle for 5 s, maybe just when a request goes out on it.
        with httpx.Client(base_url=self.way.url, trust_env=False, timeout=10) as client:

            def look() -> probes.Probe:
                answer = client.get(path, headers={"Accept": "*/*"})
                return probes.Probe(text in answer.text, f"{path} answers {answer.status_code}, without the new text")

            look()
            began = self.way.save(text)
            looked = probes.wait_until(look, START / 6, 0.0005)
        if not looked.ready:
            raise BenchError("An edit does not arrive.", f"{self.way.url}{looked.status}", "See what the server says")
        return (time.time() - began) * 1000


def ways(bench: Bench, app: App, folder: Path, left: ExitStack) -> Iterator[tuple[str, Way]]:
    """Everyone, by name; none is started."""
    shop = Shop(bench, app, folder, left)
    if bench.quick:  # the others install the app's packages once more each
        yield "ours", shop.ours()
        return
    if peers.missing("npm"):
        bench.skip("Vite on the host", peers.missing("npm"))
    else:
        yield "host", shop.host()
    yield "ours", shop.ours()
    yield "handbook", shop.handbook()
    if why := peers.missing("docker-compose"):
        bench.skip("compose watch", why)
    else:
        yield "compose watch", shop.compose()


class Shop:
    """Makes the ways of a bench to serve an app; their copies are in `folder`."""

    def __init__(self, bench: Bench, app: App, folder: Path, left: ExitStack) -> None:
        self.bench, self.app, self.folder, self.left = bench, app, folder, left

    def copy(self, who: str) -> tuple[Path, int]:
        """A way's own app, and its port."""
        folder = self.folder / who
        self.app.make(folder)
        self.app.edit(folder, "start")
        return folder, free_port()

    def host(self) -> Way:
        """Vite, as without Docker."""
        folder, port = self.copy("host")
        vite = [str(folder / "node_modules/.bin/vite"), str(folder), "--port", str(port), "--strictPort"]
        process = _Process([*vite, "--host", "127.0.0.1"], folder)
        self.left.callback(process.end)
        npm = ["npm", "--prefix", str(folder), "ci" if (folder / "package-lock.json").exists() else "install"]
        return Way(
            self.app, folder, port,
            forget=lambda: shutil.rmtree(folder / "node_modules", ignore_errors=True),
            install=lambda: self.bench.output([*npm, "--no-audit", "--no-fund"]),
            start=process.start, stop=process.end,
        )  # fmt: skip

    def ours(self) -> Way:
        """`invoke dev --detach`."""
        folder, port = self.copy("ours")
        env = {"INVOKE_APP_DIR": str(folder), "INVOKE_DEV_HOST_PORT": str(port)}
        self.left.callback(self.bench.output, [*INVOKE, "clean"], **env)
        return Way(
            self.app, folder, port,
            forget=lambda: self.anew(folder),
            install=lambda: None,  # it does so itself
            start=lambda: self.bench.output([*INVOKE, "dev", "--detach"], **env),
            stop=lambda: self.bench.output([*INVOKE, "stop", "--role=dev"], **env),
            waits=True,
        )  # fmt: skip

    def build(self, folder: Path, tag: str) -> Callable[[], object]:
        """Builds the handbook's image."""
        bench, node = self.bench, bases.resolve(self.bench, self.bench.engine, self.bench.settings, "node").reference
        context.write(bench.settings, "Dockerfile.dev")
        args = ["docker", "image", "build", "--file", f"{HANDBOOK}/dev.Dockerfile", "--build-arg", f"NODE_IMAGE={node}"]
        args += ["--tag", tag, "--label", f"{BUILT_FOR}={bench.name}", *handbook_trust(bench.settings)]
        return lambda: bench.output([*args, str(folder)])

    def handbook(self) -> Way:
        """The handbook's dev container: the source mounted, node_modules in an anonymous volume."""
        folder, port = self.copy("handbook")
        name = f"{self.bench.name}-handbook"
        run = ["docker", "container", "run", "--rm", "--detach", "--name", name, "--label", self.label]
        run += ["--publish", f"127.0.0.1:{port}:3000", "--volume", f"{folder}:{INSIDE}"]
        run += ["--volume", f"{INSIDE}/node_modules", name]
        gone = [*remove_args(name), "--volumes"]
        self.left.callback(self.bench.output, gone)
        return Way(
            self.app, folder, port,
            forget=lambda: self.anew(folder),
            install=self.build(folder, name),
            start=lambda: self.bench.output(run), stop=lambda: self.bench.output(gone),
        )  # fmt: skip

    def compose(self) -> Way:
        """`docker compose watch`, which copies what changes."""
        folder, port = self.copy("compose")
        name, project = f"{self.bench.name}-compose", self.folder / "composed"
        project.mkdir()
        given = {"name": name, "label": self.label, "host_port": port, "app": folder, "inside": INSIDE}
        (project / "compose.yaml").write_text(COMPOSE.format(**given))
        compose = ["docker", "compose", "--project-directory", str(project)]
        watching = _Process([*compose, "watch", "--no-up"], folder)

        def start() -> None:
            self.bench.output([*compose, "up", "--detach", "--no-build"])
            watching.start()

        def stop() -> None:
            watching.end()
            self.bench.output([*compose, "down", "--timeout", "0", "--volumes"])

        self.left.callback(stop)
        return Way(self.app, folder, port, lambda: self.anew(folder), self.build(folder, name), start, stop)

    def anew(self, folder: Path) -> None:
        """Have package.json another content, so that no build finds its packages in a cache; a quick run may."""
        path = folder / "package.json"
        if not self.bench.quick:
            path.write_text(json.dumps(json.loads(path.read_text()) | {"description": new()}, indent=2))

    @property
    def label(self) -> str:
        """What a container is found by, for `clean`."""
        return f"{LABEL}.project={self.bench.name}"


class _Process:
    """A program that goes on until it is ended."""

    def __init__(self, args: list[str], folder: Path) -> None:
        self.args, self.folder = args, folder
        self.running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        nowhere = subprocess.DEVNULL
        self.running = subprocess.Popen(self.args, cwd=self.folder, stdin=nowhere, stdout=nowhere, stderr=nowhere)

    def end(self) -> None:
        """End it, where it runs."""
        if self.running:
            self.running.terminate()
            self.running.wait()
            self.running = None
