"""The machine that was measured on, as far as it matters for the figures; neither names nor paths of it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import psutil

from docktasks.engine import Engine

PROGRAMS = {
    "buildx": ["docker", "buildx", "version"],
    "compose": ["docker", "compose", "version", "--short"],
    "wrk": ["wrk", "-v"],
    "Caddy": ["caddy", "version"],
    "node": ["node", "--version"],
}


def describe(engine: Engine) -> dict[str, str]:
    """What it is, by title."""
    info = engine.client.info()
    found = {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GB",
        "system": _system(),
        "kernel": platform.release().partition("-")[0],
        "Docker": f"{engine.version}, {info['Driver']}, cgroup v{info.get('CgroupVersion', '?')}",
        "docker-proxy": "yes" if _proxied() else "no",
        "Python": platform.python_version(),
    }
    return found | {name: version for name, args in PROGRAMS.items() if (version := _version(args))}


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


def _proxied() -> bool:
    """True when the engine publishes ports on the loopback by its own program, as it does by default."""
    return any(process.info["name"] == "docker-proxy" for process in psutil.process_iter(["name"]))


def _version(args: list[str]) -> str:
    if not shutil.which(args[0]):
        return ""
    asked = subprocess.run(args, capture_output=True, text=True, check=False).stdout
    number = re.search(r"\d+\.\d+[\d.]*", asked)
    return number.group() if number else ""
