"""What replacing a running release costs its visitors: ours beside `stop` + `run` and compose, in one run.

    python benchmarks/swap.py [ROUNDS]

Eight clients load the page over and over on 127.0.0.1 (tests/engine/visitors.py) while it is replaced ROUNDS times each
way, the ways in turn. Prints what they missed, how long a replacement took, and the memory that its containers had.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # a script's path starts at its own folder

from docktasks import engine, probes  # noqa: E402
from tests.engine.support import free_port  # noqa: E402
from tests.engine.visitors import Visitors  # noqa: E402

NAME = f"hd-bench-{os.getpid()}"
INVOKE = [str(Path(sys.executable).with_name("invoke"))]
COMPOSE = """
name: {name}-compose
services:
  web:
    image: {name}:prod
    container_name: {name}-compose
    labels: ["hello-dock.project={name}"]
    environment: ["ROUND=${{ROUND}}"]
    ports: ["127.0.0.1:{host_port}:80"]
"""


@dataclass
class Way:
    """A way to replace what runs: what its containers' names begin with, its first start, and one replacement.

    `seconds` a replacement took, `drains` those of them for the old one to end, `memory` the most it had, in bytes.
    """

    name: str
    containers: str
    host_port: int
    start: Callable[[], object]
    replace: Callable[[int], str]
    seconds: list[float] = field(default_factory=list)
    drains: list[float] = field(default_factory=list)
    lost: int = 0
    requests: int = 0
    memory: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.host_port}"

    def await_serving(self) -> None:
        """Wait until it does."""
        looked = probes.wait_until(lambda: probes.answers(self.url), limit=30, interval=0.01)
        if not looked.ready:
            raise SystemExit(f"{self.name}: {looked.status}")


def output(args: list[str], **env: str) -> str:
    """What a command prints; it must succeed."""
    ran = subprocess.run(args, cwd=ROOT, check=True, capture_output=True, text=True, env=os.environ | env)
    return ran.stdout


@contextmanager
def memory_watched(found: engine.Engine, way: Way) -> Iterator[None]:
    """Note the most memory, in bytes, that the way's containers had together, page cache left out."""
    ended, seen = Event(), [0]

    def look() -> None:
        together = 0
        for container in found.client.containers.list(filters={"name": f"^/{way.containers}"}, sparse=True):
            with suppress(Exception):  # gone since the list was made; the next look is a moment away
                used = container.stats(stream=False, one_shot=True)["memory_stats"]
                inactive = used["stats"].get("total_inactive_file", used["stats"].get("inactive_file", 0))
                together += used["usage"] - inactive
        seen[0] = max(seen[0], together)

    def watch() -> None:
        while not ended.wait(0.1):
            look()

    thread = Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        look()
        way.memory.append(seen[0])


def ways(stack: ExitStack) -> Iterator[Way]:
    """Ours, the handbook's, and compose where it is installed."""
    ports = [free_port() for _ in range(3)]

    def ours(number: int) -> str:
        return output([*INVOKE, "run-prod", "--no-build", f"--env=APP_ROUND={number}"])

    os.environ |= {"INVOKE_APP_NAME": NAME, "INVOKE_PROD_HOST_PORT": str(ports[0])}
    yield Way("invoke run-prod", f"{NAME}-prod", ports[0], lambda: ours(-1), ours)

    plain = f"{NAME}-plain"
    run = ["docker", "container", "run", "--detach", "--name", plain, "--label", f"hello-dock.project={NAME}"]
    run += ["--publish", f"127.0.0.1:{ports[1]}:80", f"{NAME}:prod"]

    def stop_and_run(_number: int) -> str:
        output(["docker", "container", "stop", plain])
        output(["docker", "container", "rm", plain])
        return output(run)

    yield Way("stop + run", plain, ports[1], lambda: output(run), stop_and_run)

    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode:
        print("docker compose is not installed: left out (Debian, Ubuntu: apt-get install docker-compose)")
        return
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    Path(folder, "compose.yaml").write_text(COMPOSE.format(name=NAME, host_port=ports[2]))
    compose = ["docker", "compose", "--project-directory", folder, "up", "--detach", "--force-recreate"]

    def recreate(number: int) -> str:
        return output(compose, ROUND=str(number))

    yield Way("compose --force-recreate", f"{NAME}-compose", ports[2], lambda: recreate(-1), recreate)
    stack.callback(subprocess.run, [*compose[:4], "down"], capture_output=True, env=os.environ | {"ROUND": ""})


def measure(found: engine.Engine, way: Way, number: int) -> None:
    """Replace once, under visitors."""
    with Visitors(way.url, tells=False) as visitors, memory_watched(found, way):
        began = time.perf_counter()
        printed = way.replace(number)
        way.await_serving()
        way.seconds.append(time.perf_counter() - began)
    way.requests += visitors.requests
    way.lost += len(visitors.failures)
    way.drains += [float(text) for text in re.findall(r"([\d.]+) s  release \w+ has answered", printed)]


def main() -> None:
    """Run every way in turn, under a project name and ports of its own, and leave nothing behind."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a user's machine keeps the compiled tasks
    found = engine.connect()
    with ExitStack() as stack:
        stack.callback(subprocess.run, [*INVOKE, "clean"], cwd=ROOT, capture_output=True)
        os.environ["INVOKE_APP_NAME"] = NAME
        output([*INVOKE, "build-prod"])
        compared = []
        for way in ways(stack):
            way.start()
            way.await_serving()
            compared.append(way)
        for number in range(rounds):
            for way in compared:
                measure(found, way, number)
    show(compared, rounds)


def show(compared: list[Way], rounds: int) -> None:
    """Print a row for each way."""
    table = Table(title=f"{rounds} replacements each, 8 clients", title_justify="left")
    for title in ("way", "requests", "lost", "takes", "of it drain", "memory"):
        table.add_column(title, justify="left" if title == "way" else "right")
    for way in compared:
        drain = f"{statistics.median(way.drains):.1f} s" if way.drains else "-"
        took = f"{statistics.median(way.seconds):.1f} s"
        most = f"{max(way.memory) / 1e6:.1f} MB"
        table.add_row(way.name, f"{way.requests:,}", f"{way.lost:,}", took, drain, most)
    Console().print(table)


if __name__ == "__main__":
    main()
