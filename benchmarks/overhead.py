"""What the tasks cost over the bare commands they run, side by side in one run.

    python benchmarks/overhead.py [ROUNDS]

Prints medians in seconds, their difference and their ratio. Rounds alternate, so that a slow spell hits both sides.
"""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # a script's path starts at its own folder

from docktasks import engine, images, probes  # noqa: E402

INVOKE = [str(Path(sys.executable).with_name("invoke"))]
NAME = f"hd-bench-{os.getpid()}"
Timed = Callable[[], float]


def seconds(args: list[str], folder: Path = ROOT) -> float:
    """How long a command takes; it must succeed."""
    began = time.perf_counter()
    subprocess.run(args, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - began


def until_served(args: list[str], host_port: int) -> float:
    """Seconds from the start of a command until the published address answers 200."""
    served: list[float] = []

    def watch() -> None:
        url = f"http://127.0.0.1:{host_port}/"
        if probes.wait_until(lambda: probes.answers(url, timeout=1), limit=30, interval=0.005).ready:
            served.append(time.perf_counter())

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    subprocess.run(args, cwd=ROOT, check=True, capture_output=True)
    watcher.join()
    return served[0] - began


def compare(what: str, bare: Timed, ours: Timed, rounds: int, limit: str) -> None:
    """Print one line: the two medians, difference, ratio."""
    bare(), ours()  # the first of each fills caches
    times = [(bare(), ours()) for _ in range(rounds)]
    left, right = (statistics.median(side) for side in zip(*times, strict=True))
    print(f"{what:44} {left:6.3f} s {right:6.3f} s  {right - left:+.3f} s  {right / left:5.2f}x   {limit}", flush=True)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Run every comparison under a project name and ports of its own, and leave nothing behind."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    ports = free_port(), free_port()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a user's machine keeps the compiled tasks
    os.environ |= {"INVOKE_APP_NAME": NAME, "INVOKE_PROD_HOST_PORT": str(ports[0])}
    print(f"{'what':44} {'bare':>8} {'ours':>8}  {'more':>8}  {'ratio':>6}   allowed")
    with tempfile.TemporaryDirectory() as empty:
        Path(empty, "tasks.py").write_text("from invoke import task\n\n\n@task\ndef nothing(c):\n    pass\n")
        listing = [*INVOKE, "--list"]
        compare(
            "invoke --list against an empty collection",
            lambda: seconds(listing, Path(empty)), lambda: seconds(listing), rounds, "1.15x",
        )  # fmt: skip
    try:
        measure_engine(rounds, *ports)
    finally:
        subprocess.run([*INVOKE, "clean"], cwd=ROOT, check=False, capture_output=True)


def measure_engine(rounds: int, prod_port: int, bare_port: int) -> None:
    """The comparisons that need an engine."""
    build = [*INVOKE, "build-prod"]
    printed = subprocess.run(build, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    bare = next(line[2:].split() for line in printed.splitlines() if line.startswith("$ docker image build --tag hd-"))
    compare("build-prod, nothing changed", lambda: seconds(bare), lambda: seconds(build), rounds, "+0.350 s")

    container, image = f"{NAME}-bare", f"{NAME}:prod"
    plain = ["docker", "container", "run", "--detach", "--name", container]
    plain += ["--publish", f"127.0.0.1:{bare_port}:80", image]

    def bare_run() -> float:
        with contextlib.ExitStack() as stack:
            stack.callback(subprocess.run, ["docker", "container", "rm", "-f", container], capture_output=True)
            return until_served(plain, bare_port)

    def our_run() -> float:
        subprocess.run([*INVOKE, "stop"], cwd=ROOT, check=True, capture_output=True)
        return until_served([*INVOKE, "run-prod"], prod_port)

    compare("run-prod on a built image, to the first 200", bare_run, our_run, rounds, "+0.800 s")
    measure_size(prod_port)


def measure_size(prod_port: int) -> None:
    """What the image adds to its base beside the site and its compressed twins."""
    script = "cd /srv; find site br hashed -type f -exec stat -c %s {} +"
    listing = subprocess.run(
        ["docker", "container", "exec", f"{NAME}-prod", "sh", "-c", script],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    site = sum(map(int, listing.stdout.split()))
    found = engine.connect()
    image = found.image(f"{NAME}:prod")
    base = found.image(image.labels[images.BASE_LABEL]) if image else None
    if image and base:
        more = image.size - base.size - site
        print(f"image: {image.size - base.size:,} B over its base; the site and its twins {site:,} B; else {more:,} B")
    first = httpx.get(f"http://127.0.0.1:{prod_port}/", trust_env=False)
    print(f"index.html on the wire: {first.headers['content-length']} B, {first.headers.get('content-encoding')}")


if __name__ == "__main__":
    main()
