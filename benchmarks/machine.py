"""The machine that was measured: what matters for the figures, without its name and paths."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil

from benchmarks.harness import Bench
from benchmarks.network import free_port
from docktasks.app.project import Project
from docktasks.containers.run_args import remove_args
from docktasks.images import base_images

PROGRAMS = {
    "buildx": ["docker", "buildx", "version"],
    "compose": ["docker", "compose", "version", "--short"],
    "wrk": ["wrk", "-v"],
    "Caddy": ["caddy", "version"],
    "node": ["node", "--version"],
}


def describe(bench: Bench) -> dict[str, str]:
    """The facts about the machine, by title."""
    engine = bench.engine
    info = engine.client.info()
    facts = {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GB",
        "system": _system(),
        "kernel": platform.release().partition("-")[0],
        "Docker": f"{engine.version}, {info['Driver']}, cgroup v{info.get('CgroupVersion', '?')}",
        "docker-proxy": _uses_proxy(bench),
        "Python": platform.python_version(),
    }
    return facts | {name: version for name, args in PROGRAMS.items() if (version := _version(args))}


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    model = re.search(r"(?m)^model name\s*:\s*(.+)$", text)
    return re.sub(r"\s+", " ", model.group(1)) if model else platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()


def _uses_proxy(bench: Bench) -> str:
    """Whether the engine publishes ports on 127.0.0.1 through docker-proxy, as it does by default.

    The engine has no answer to that question, so a port is published for a moment.
    """
    if bench.engine.kernel_release != platform.release():
        return "not known: the engine runs on another machine"
    image = base_images.resolve(Project(bench, bench.engine, bench.settings), "nginx").reference
    name, port = f"{bench.name}-proxy", free_port()
    run = ["docker", "container", "run", "--detach", "--name", name, "--publish", f"127.0.0.1:{port}:80", image]
    try:
        bench(run)
        return "yes" if any(map(_is_proxy, psutil.process_iter())) else "no"
    finally:
        bench(remove_args(name))


def _is_proxy(process: psutil.Process) -> bool:
    with suppress(psutil.Error):  # the process has ended since the list was made
        return "docker-proxy" in process.name()  # a rootless engine's has a prefix
    return False


def _version(args: list[str]) -> str:
    if not shutil.which(args[0]):
        return ""
    printed = subprocess.run(args, capture_output=True, text=True, check=False).stdout
    number = re.search(r"\d+\.\d+[\d.]*", printed)
    return number.group() if number else ""
