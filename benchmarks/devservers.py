"""Who serves an app while it is edited: Vite on the host, ours, the handbook's container, compose watch.

Each has a copy of the app and a port of its own, and ends with the stack that it was made with.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks import peers
from benchmarks.approaches import HANDBOOK, handbook_trust, new
from benchmarks.editing import Way
from benchmarks.generated import App
from benchmarks.harness import INVOKE, Bench
from benchmarks.network import free_port
from docktasks.app.project import Project
from docktasks.containers.run_args import remove_args
from docktasks.images import base_images, build_context
from docktasks.settings import BUILT_FOR, LABEL

INSIDE = "/home/node/app"
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
        bench, node = (
            self.bench,
            base_images.resolve(Project(self.bench, self.bench.engine, self.bench.settings), "node").reference,
        )
        build_context.write_context(bench.settings, "Dockerfile.dev")
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
