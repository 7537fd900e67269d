"""How fast an edit arrives: Vite on the host, `invoke dev`, the handbook's container, compose watch, in one run.

    python benchmarks/dev.py [ROUNDS]

For this app and for a generated one of 2,000 components: save -> changed module served (asked for over and over),
save -> pixel in Chromium (the frame after the page has the new text), and start -> first answer, cold (packages are
installed) and warm. The ways take turns, so that a slow spell hits all of them. Prints medians, and their ratio
to the host's.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from playwright.sync_api import Page, TimeoutError, sync_playwright  # noqa: A004 - its own, which it raises
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # a script's path starts at its own folder

from docktasks import bases, engine, install, probes  # noqa: E402
from tests.engine.support import MADE, free_port  # noqa: E402

NAME = f"hd-bench-{os.getpid()}"
INVOKE = [str(Path(sys.executable).with_name("invoke"))]
COMPONENTS = 2000
MARK = '<template><p id="bench" style="position: fixed; inset: 0 auto auto 0">{text}</p></template>\n'

# The handbook's own files, with the base image and the script of this app.
HANDBOOK = """
FROM {node}
EXPOSE 3000
USER node
RUN mkdir -p /home/node/app
WORKDIR /home/node/app
COPY --chown=node:node ./package.json ./package-lock.json* ./
RUN --mount=type=secret,id=ca,mode=0444 NODE_EXTRA_CA_CERTS=/run/secrets/ca npm install
COPY --chown=node:node . .
CMD ["npm", "run", "serve", "--", "--host", "0.0.0.0", "--port", "3000"]
"""
COMPOSE = """
name: {name}
services:
  web:
    image: {image}
    build: {{context: ., dockerfile: Dockerfile.dev}}
    container_name: {name}
    ports: ["127.0.0.1:{port}:3000"]
    develop:
      watch:
        - {{action: sync, path: ./src, target: /home/node/app/src}}
"""
WATCH = """(text) => new Promise((resolve) => {
  const there = () => document.getElementById('bench')?.textContent === text
  const look = () => requestAnimationFrame(() => (there() ? requestAnimationFrame(() =>
    resolve(performance.timeOrigin + performance.now())) : look()))
  look()
})"""
"""Milliseconds since 1970 at the frame after the one that shows a text."""


@dataclass
class Way:
    """A way to serve a copy of the app: how it starts from nothing (cold) and again, and how it stops."""

    name: str
    app: Path
    port: int
    install: Callable[[], object]
    start: Callable[[], object]
    stop: Callable[[], object]
    times: dict[str, list[float]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    def note(self, what: str, milliseconds: float) -> None:
        """Keep one figure."""
        self.times.setdefault(what, []).append(milliseconds)

    def save(self, text: str) -> float:
        """Edit the component; the time just before, in seconds since 1970."""
        content = MARK.format(text=text)
        began = time.time()
        (self.app / "src/BenchMark.vue").write_text(content)
        return began

    def until_served(self) -> None:
        """Wait for the first answer."""
        looked = probes.wait_until(lambda: probes.answers(self.url, timeout=1), limit=120, interval=0.01)
        if not looked.ready:
            sys.exit(f"{self.name}: {looked.status}")


def quietly(*args: str, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
    """Run a command that must succeed."""
    done = subprocess.run(args, cwd=cwd, env=os.environ | (env or {}), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{args}: {done.stdout[-1000:]}{done.stderr[-2000:]}")


def this_app(target: Path) -> None:
    """A copy of hello-dock that shows one component more."""
    shutil.copytree(ROOT / "hello-dock", target, ignore=shutil.ignore_patterns(*MADE))
    shown = target / "src/App.vue"
    text = shown.read_text().replace("<script setup>", "<script setup>\nimport BenchMark from './BenchMark.vue'", 1)
    shown.write_text(re.sub(r"(?m)^<template>", "<template>\n  <BenchMark />", text, count=1))


def large_app(target: Path) -> None:
    """An app of many components, with the dependencies of hello-dock."""
    (target / "src/parts").mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / "hello-dock" / name, target)
    (target / "vite.config.js").write_text(
        "import vue from '@vitejs/plugin-vue'\nexport default { plugins: [vue()] }\n"
    )
    (target / "index.html").write_text(
        '<!doctype html><title>Large</title><div id="app"></div><script type="module" src="/src/main.js"></script>\n'
    )
    (target / "src/main.js").write_text(
        "import { createApp } from 'vue'\nimport App from './App.vue'\ncreateApp(App).mount('#app')\n"
    )
    names = [f"Part{number:04}" for number in range(COMPONENTS)]
    for name in names:
        (target / f"src/parts/{name}.vue").write_text(
            f"<script setup>\nconst name = '{name}'\n</script>\n"
            f'<template><i class="{name}">{{{{ name }}}}</i></template>\n'
            f"<style scoped>\n.{name} {{ color: rgb(16 42 67) }}\n</style>\n"
        )
    imports = "".join(f"import {name} from './parts/{name}.vue'\n" for name in names)
    shown = "".join(f"<{name} />" for name in names)
    (target / "src/App.vue").write_text(
        f"<script setup>\nimport BenchMark from './BenchMark.vue'\n{imports}</script>\n"
        f"<template><BenchMark />{shown}</template>\n"
    )


def anew(app: Path) -> None:
    """Have package.json another content, so that no build finds its packages in a cache."""
    path = app / "package.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"description": str(time.time())}, indent=2))


class Ways:
    """The ways, each with a copy of the app and a port; ended with the stack."""

    def __init__(self, folder: Path, make: Callable[[Path], None], node: str, stack: ExitStack) -> None:
        self.node, self.stack, self.folder, self.make = node, stack, folder, make
        self.running: dict[Path, subprocess.Popen[bytes]] = {}
        ways = [self.on_the_host(), self.ours(), self.handbook()]
        composed = subprocess.run(["docker", "compose", "watch", "--help"], capture_output=True, check=False)
        if composed.returncode == 0:
            ways.append(self.compose())
        else:
            print("docker compose watch is not installed: skipped")
        self.all = ways

    def copy(self, name: str) -> tuple[Path, int]:
        """The way's own app, and its port."""
        app = self.folder / name
        self.make(app)
        (app / "src/BenchMark.vue").write_text(MARK.format(text="start"))
        return app, free_port()

    def process(self, *args: str, cwd: Path) -> Callable[[], object]:
        """Starts a process that goes on until end()."""
        self.stack.callback(self.end, cwd)

        def start() -> None:
            nowhere = subprocess.DEVNULL
            self.running[cwd] = subprocess.Popen(args, cwd=cwd, stdin=nowhere, stdout=nowhere, stderr=nowhere)

        return start

    def end(self, cwd: Path) -> None:
        """End the process that was started there."""
        with suppress(KeyError):
            running = self.running.pop(cwd)
            running.terminate()
            running.wait()

    def on_the_host(self) -> Way:
        """Vite, as without Docker."""
        app, port = self.copy("host")
        vite = [str(app / "node_modules/.bin/vite"), "--port", str(port), "--strictPort", "--host", "127.0.0.1"]

        def install_it() -> None:
            shutil.rmtree(app / "node_modules", ignore_errors=True)
            quietly("npm", "ci", "--no-audit", "--no-fund", cwd=app)

        return Way("Vite on the host", app, port, install_it, self.process(*vite, cwd=app), lambda: self.end(app))

    def ours(self) -> Way:
        """`invoke dev --detach`."""
        app, port = self.copy("ours")
        env = {"INVOKE_APP_DIR": str(app), "INVOKE_APP_NAME": NAME, "INVOKE_DEV_HOST_PORT": str(port)}
        self.stack.callback(quietly, *INVOKE, "clean", env=env)
        return Way(
            "invoke dev", app, port,
            lambda: anew(app),
            lambda: quietly(*INVOKE, "dev", "--detach", env=env),
            lambda: quietly(*INVOKE, "stop", env=env),
        )  # fmt: skip

    def image(self, app: Path, tag: str) -> None:
        """Build the handbook's image."""
        (app / "Dockerfile.dev").write_text(HANDBOOK.format(node=self.node))
        (app / ".dockerignore").write_text("node_modules\n")
        ca = os.environ.get("NODE_EXTRA_CA_CERTS", "")
        secret = ["--secret", f"id=ca,src={ca}"] if ca else []
        quietly("docker", "image", "build", *secret, "--tag", tag, "--file", "Dockerfile.dev", ".", cwd=app)
        self.stack.callback(quietly, "docker", "image", "rm", "--force", tag)

    def handbook(self) -> Way:
        """The handbook's dev container: the source mounted, node_modules in an anonymous volume."""
        app, port = self.copy("handbook")
        name = f"{NAME}-handbook"
        inside = "/home/node/app"
        run = ["docker", "container", "run", "--rm", "--detach", "--name", name, "--publish", f"127.0.0.1:{port}:3000"]
        mounts = ["--volume", f"{app}:{inside}", "--volume", f"{inside}/node_modules"]
        gone = ["docker", "container", "rm", "--force", "--volumes", name]
        self.stack.callback(quietly, *gone)

        def install_it() -> None:
            anew(app)
            self.image(app, name)

        return Way(
            "the handbook's", app, port,
            install_it, lambda: quietly(*run, *mounts, name), lambda: quietly(*gone),
        )  # fmt: skip

    def compose(self) -> Way:
        """`docker compose watch`, which copies what changes."""
        app, port = self.copy("compose")
        name = f"{NAME}-compose"
        (app / "compose.yaml").write_text(COMPOSE.format(name=name, image=name, port=port))
        up = ["docker", "compose", "up", "--detach", "--quiet-pull"]
        watch = self.process("docker", "compose", "watch", "--no-up", cwd=app)
        self.stack.callback(quietly, "docker", "compose", "--project-name", name, "down", "--volumes")

        def install_it() -> None:
            anew(app)
            self.image(app, name)

        def start() -> None:
            quietly(*up, cwd=app)
            watch()

        def stop() -> None:
            self.end(app)
            quietly("docker", "compose", "down", "--timeout", "0", cwd=app)

        return Way("compose watch", app, port, install_it, start, stop)


def measure_start(way: Way) -> None:
    """Start it with nothing installed, stop it, start it again."""
    for what in ("cold start", "warm start"):
        began = time.perf_counter()
        if what == "cold start":
            way.install()
        way.start()
        way.until_served()
        way.note(what, (time.perf_counter() - began) * 1000)
        if what == "cold start":
            way.stop()


def measure_served(way: Way, text: str) -> None:
    """Save, and ask for the module over and over until it has the new text."""
    with httpx.Client(base_url=way.url, trust_env=False, timeout=10) as client:

        def look() -> probes.Probe:
            return probes.Probe(text in client.get("/src/BenchMark.vue").text)

        look()
        began = way.save(text)
        if not probes.wait_until(look, limit=20, interval=0.0005).ready:
            sys.exit(f"{way.name}: the edit never arrived")
        way.note("save -> served", (time.time() - began) * 1000)


def open_page(page: Page, way: Way) -> None:
    """Load it; again where Chromium gave up, as it does when a network comes or goes: any container that starts."""

    def look() -> probes.Probe:
        page.goto(way.url, timeout=120_000)
        with suppress(TimeoutError):
            page.wait_for_selector("#bench", timeout=60_000)
            return probes.Probe(ready=True)
        return probes.Probe(ready=False)

    if not probes.wait_until(look, limit=180).ready:
        sys.exit(f"{way.name}: the page does not show the component")


def measure_pixel(way: Way, page: Page, text: str) -> None:
    """Save, and have the page say when it shows the new text."""
    shown = page.evaluate_handle(f"() => {{ globalThis.shown = ({WATCH})({json.dumps(text)}) }}")
    began = way.save(text)
    way.note("save -> pixel", page.evaluate("() => globalThis.shown") - began * 1000)
    shown.dispose()


def show(title: str, ways: list[Way]) -> None:
    """Medians in milliseconds, and how many times the first way's."""
    table = Table(title=title, title_justify="left", box=None)
    table.add_column("")
    for way in ways:
        table.add_column(way.name, justify="right")
    for what in ways[0].times:
        medians = [statistics.median(way.times[what]) for way in ways]
        table.add_row(what, *(f"{each:,.1f} ms  {each / medians[0]:.2f}x" for each in medians))
    Console(width=120).print(table)


def main() -> None:
    """Measure both apps, and leave nothing behind."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    tags = engine.connect().tags
    node = "node:lts-alpine" if "node:lts-alpine" in tags else bases.newest_standin(tags, "node:lts-alpine")
    for title, make in (("hello-dock", this_app), (f"{COMPONENTS:,} components", large_app)):
        with ExitStack() as stack, sync_playwright() as playwright:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            ways = Ways(folder, make, node, stack).all
            for way in ways:
                measure_start(way)
            for number in range(rounds):
                for way in ways:
                    measure_served(way, f"served-{number}")
            chromium = playwright.chromium.launch(executable_path=install.browser(""), args=["--no-sandbox"])
            pages = [chromium.new_page() for _ in ways]
            for way, page in zip(ways, pages, strict=True):
                open_page(page, way)
            for number in range(rounds):
                for way, page in zip(ways, pages, strict=True):
                    page.bring_to_front()
                    measure_pixel(way, page, f"shown-{number}")
            chromium.close()
            show(title, ways)


if __name__ == "__main__":
    main()
