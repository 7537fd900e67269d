"""The dev servers that are compared: Vite on the host, ours, the handbook's container, `docker compose watch`.

Each has a copy of the app and a port of its own, and ends with the ExitStack that it was made with.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks import servers
from benchmarks.build_variants import handbook_ca_args, new_text
from benchmarks.checkout import HANDBOOK
from benchmarks.edit_latency import DevServer
from benchmarks.harness import INVOKE, Bench
from benchmarks.network import free_port
from benchmarks.synthetic_apps import EditableApp
from docktasks.app.project import Project
from docktasks.containers.run_args import remove_args
from docktasks.images import base_images, build_context
from docktasks.labels import BUILT_FOR, LABEL

CONTAINER_FOLDER = "/home/node/app"
COMPOSE = """
name: {name}
services:
  web:
    build: {app}  # compose watches nothing without this, although the image is built already
    image: {image}
    container_name: {name}
    labels: ["{label}"]
    ports: ["127.0.0.1:{host_port}:3000"]
    develop:
      watch:
        - {{action: sync, path: {app}/src, target: {container_folder}/src}}
"""


def dev_servers(bench: Bench, app: EditableApp, folder: Path, stack: ExitStack) -> Iterator[tuple[str, DevServer]]:
    """All dev servers, by name. None is started."""
    factory = DevServerFactory(bench, app, folder, stack)
    if bench.quick:  # each of the others would install the app's packages once more
        yield "ours", factory.ours()
        return
    if reason := servers.missing("npm"):
        bench.skip("Vite on the host", reason)
    else:
        yield "host", factory.host()
    yield "ours", factory.ours()
    yield "handbook", factory.handbook()
    if reason := servers.missing("docker-compose"):
        bench.skip("compose watch", reason)
    else:
        yield "compose watch", factory.compose()


class DevServerFactory:
    """Makes the dev servers of a topic. Their copies of the app are in `folder`."""

    def __init__(self, bench: Bench, app: EditableApp, folder: Path, stack: ExitStack) -> None:
        self.bench, self.app, self.folder, self.stack = bench, app, folder, stack

    def copy(self, name: str) -> tuple[Path, int]:
        """Make a server's own copy of the app. Returns its folder and a free port."""
        folder = self.folder / name
        self.app.make(folder)
        self.app.edit(folder, "start")
        return folder, free_port()

    def host(self) -> DevServer:
        """Vite without Docker."""
        folder, port = self.copy("host")
        vite = [str(folder / "node_modules/.bin/vite"), str(folder), "--port", str(port), "--strictPort"]
        process = _Process([*vite, "--host", "127.0.0.1"], folder)
        self.stack.callback(process.end)
        npm = ["npm", "--prefix", str(folder), "ci" if (folder / "package-lock.json").exists() else "install"]
        return DevServer(
            self.app, folder, port,
            forget=lambda: shutil.rmtree(folder / "node_modules", ignore_errors=True),
            install=lambda: self.bench.output([*npm, "--no-audit", "--no-fund"]),
            start=process.start, stop=process.end,
        )  # fmt: skip

    def ours(self) -> DevServer:
        """`invoke dev --detach`."""
        folder, port = self.copy("ours")
        environ = {"INVOKE_APP_DIR": str(folder), "INVOKE_DEV_HOST_PORT": str(port)}
        self.stack.callback(self.bench.output, [*INVOKE, "clean"], **environ)
        return DevServer(
            self.app, folder, port,
            forget=lambda: self.renew_package(folder),
            install=lambda: None,  # `invoke dev` does it
            start=lambda: self.bench.output([*INVOKE, "dev", "--detach"], **environ),
            stop=lambda: self.bench.output([*INVOKE, "stop", "--role=dev"], **environ),
            waits_until_served=True,
        )  # fmt: skip

    def handbook(self) -> DevServer:
        """The handbook's dev container: the source is mounted, node_modules is in an anonymous volume."""
        folder, port = self.copy("handbook")
        name = f"{self.bench.name}-handbook"
        run = ["docker", "container", "run", "--rm", "--detach", "--name", name, "--label", self.label]
        run += ["--publish", f"127.0.0.1:{port}:3000", "--volume", f"{folder}:{CONTAINER_FOLDER}"]
        run += ["--volume", f"{CONTAINER_FOLDER}/node_modules", self.image("handbook")]
        remove = [*remove_args(name), "--volumes"]
        self.stack.callback(self.bench.output, remove)
        return DevServer(
            self.app, folder, port,
            forget=lambda: self.renew_package(folder),
            install=self.handbook_build(folder, self.image("handbook")),
            start=lambda: self.bench.output(run), stop=lambda: self.bench.output(remove),
        )  # fmt: skip

    def compose(self) -> DevServer:
        """`docker compose watch`, which copies changed files into the container."""
        folder, port = self.copy("compose")
        name = f"{self.bench.name}-compose"
        compose = ["docker", "compose", "--project-directory", str(self._compose_project(folder, port, name))]
        watcher = _Process([*compose, "watch", "--no-up"], folder)

        def start() -> None:
            self.bench.output([*compose, "up", "--detach", "--no-build"])
            watcher.start()

        def stop() -> None:
            watcher.end()
            self.bench.output([*compose, "down", "--timeout", "0", "--volumes"])

        self.stack.callback(stop)
        install = self.handbook_build(folder, self.image("compose"))
        return DevServer(self.app, folder, port, lambda: self.renew_package(folder), install, start, stop)

    def _compose_project(self, app: Path, port: int, name: str) -> Path:
        project = self.folder / "compose-project"
        project.mkdir()
        values = {"name": name, "image": self.image("compose"), "label": self.label, "host_port": port, "app": app}
        (project / "compose.yaml").write_text(COMPOSE.format(**values, container_folder=CONTAINER_FOLDER))
        return project

    def handbook_build(self, folder: Path, tag: str) -> Callable[[], object]:
        """A function that builds the handbook's dev image of the app in `folder`."""
        bench = self.bench
        checkout = Project(bench, bench.engine, bench.settings)
        node = base_images.resolve(checkout, "node").reference
        build_context.write_context(bench.settings, checkout.app, "Dockerfile.dev")
        args = ["docker", "image", "build", "--file", f"{HANDBOOK}/dev.Dockerfile", "--build-arg", f"NODE_IMAGE={node}"]
        args += ["--tag", tag, "--label", f"{BUILT_FOR}={bench.name}", *handbook_ca_args(bench.settings)]
        return lambda: bench.output([*args, str(folder)])

    def image(self, tag: str) -> str:
        """An image's name and tag. `invoke clean` removes it, because it has the project's name."""
        return f"{self.bench.name}:{tag}"

    def renew_package(self, folder: Path) -> None:
        """Change package.json, so that no build has its packages in a cache. A quick run does not."""
        path = folder / "package.json"
        if not self.bench.quick:
            path.write_text(json.dumps(json.loads(path.read_text()) | {"description": new_text()}, indent=2))

    @property
    def label(self) -> str:
        """The label by which `invoke clean` finds a container."""
        return f"{LABEL}.project={self.bench.name}"


class _Process:
    """A program that runs until it is ended."""

    def __init__(self, args: list[str], folder: Path) -> None:
        self.args, self.folder = args, folder
        self.running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        devnull = subprocess.DEVNULL
        self.running = subprocess.Popen(self.args, cwd=self.folder, stdin=devnull, stdout=devnull, stderr=devnull)

    def end(self) -> None:
        """End it, if it runs."""
        if self.running:
            self.running.terminate()
            self.running.wait()
            self.running = None
