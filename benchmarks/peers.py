"""Who serves beside ours: each is started at an address on the loopback, and gone when its time is over."""

from __future__ import annotations

import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.approaches import ONE_STAGE, OURS, Approach, Workshop
from benchmarks.compare import address
from benchmarks.harness import ROOT, Bench
from benchmarks.network import free_port
from docktasks import waiting
from docktasks.containers.run_args import label_args, remove_args
from docktasks.engine.client import DockerEngine
from docktasks.errors import BenchError

CADDY = """
{{
    admin off
    auto_https off
}}
http://127.0.0.1:{port} {{
    root * {root}
    encode zstd gzip
    file_server
}}
"""
SITE = "serving/site.conf"
HOST_ONLY = "an engine on Linux alone shares the host's network"


def missing(program: str) -> str:
    """Why a program cannot take part, and how it could; empty when it is installed."""
    how = {"npm": "https://nodejs.org/"}.get(program, f"apt-get install {program}")
    if program == "docker-compose":  # asked for help instead, docker gives it for a plugin that is not there, too
        asked = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        there = asked.returncode == 0
    else:
        there = shutil.which(program) is not None
    return "" if there else f"not installed ({how})"


def await_answer(url: str, who: str, log: str = "") -> str:
    """The address, once it answers. Raises BenchError when it does not."""
    looked = waiting.wait_until(lambda: waiting.http_ready(url), 30, 0.02)
    if not looked.ready:
        raise BenchError(f"{who} does not serve: {looked.status}", "", "Mend what it says", log)
    return url


@contextmanager
def published(bench: Bench, shop: Workshop, approach: Approach, *options: str) -> Iterator[str]:
    """The image of an approach, as the handbook runs one, with a published port; more options may change something."""
    args = shop.run_args(approach)
    place = args.index("--name") + 1
    name = args[place] = f"{args[place]}-{free_port()}"
    try:
        bench.output([*args[:-1], *options, args[-1]])
        yield address(bench.engine, name)
    finally:
        bench(remove_args(name))


@contextmanager
def on_host(bench: Bench, shop: Workshop, image: str, args: Sequence[str], url: str) -> Iterator[str]:
    """A container in the host's network, so with no docker-proxy in front."""
    name = f"{bench.name}-host-{url.rpartition(':')[2]}"
    run = ["docker", "container", "run", "--detach", "--name", name, "--network", "host", "--no-healthcheck"]
    try:
        bench.output([*run, *label_args(shop.settings, "host"), *args[:-1], image, *args[-1].split()])
        yield await_answer(url, name)
    finally:
        bench(remove_args(name))


@contextmanager
def changed(bench: Bench, shop: Workshop, files: Mapping[str, str]) -> Iterator[str]:
    """Ours, published, with other texts for files of nginx/."""
    with _mounted(files) as mounts, published(bench, shop, OURS, *mounts) as url:
        yield url


@contextmanager
def ours_on_host(bench: Bench, shop: Workshop, files: Mapping[str, str] | None = None) -> Iterator[str]:
    """Ours, in the host's network; with other texts for files of nginx/, where there are some."""
    port = free_port()
    given = {SITE: (ROOT / "docktasks/images/nginx" / SITE).read_text()} | dict(files or {})
    given[SITE] = given[SITE].replace("listen 80", f"listen 127.0.0.1:{port}")
    with (
        _mounted(given) as mounts,
        on_host(bench, shop, shop.tag(OURS), [*mounts, ""], f"http://127.0.0.1:{port}") as url,
    ):
        yield url


@contextmanager
def bare_nginx(bench: Bench, shop: Workshop, dist: Path) -> Iterator[str]:
    """nginx as its image has it, with the same files, in the host's network."""
    port = free_port()
    server = f"server {{ listen 127.0.0.1:{port}; root /usr/share/nginx/html; }}\n"
    with _mounted({"conf.d/default.conf": server}) as mounts:
        args = [*mounts, "--volume", f"{dist}:/usr/share/nginx/html:ro", ""]
        with on_host(bench, shop, shop.nginx, args, f"http://127.0.0.1:{port}") as url:
            yield url


@contextmanager
def vite_preview(bench: Bench, shop: Workshop) -> Iterator[str]:
    """`vite preview`, which the handbook's first image has all for, in the host's network."""
    port = free_port()
    command = f"npx vite preview --host 127.0.0.1 --port {port} --strictPort"
    with on_host(bench, shop, shop.tag(ONE_STAGE), [command], f"http://127.0.0.1:{port}") as url:
        yield url


@contextmanager
def caddy(dist: Path) -> Iterator[str]:
    """Caddy on this machine, set to compress as its own manual shows."""
    port = free_port()
    with tempfile.TemporaryDirectory() as home:
        config = Path(home, "Caddyfile")
        config.write_text(CADDY.format(port=port, root=dist))
        args = [str(shutil.which("caddy")), "run", "--config", str(config), "--adapter", "caddyfile"]
        process = subprocess.Popen(args, env={"HOME": home}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield await_answer(f"http://127.0.0.1:{port}", "Caddy")
        finally:
            process.terminate()
            process.wait(10)


@contextmanager
def _mounted(files: Mapping[str, str]) -> Iterator[list[str]]:
    """The options that put files of these texts below a container's /etc/nginx."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        mounts = []
        for number, (name, text) in enumerate(files.items()):
            file = Path(folder, str(number))
            file.write_text(text)
            file.chmod(0o644)
            mounts += ["--volume", f"{file}:/etc/nginx/{name}:ro"]
        yield mounts


def memory(engine: DockerEngine, name: str) -> float:
    """Bytes that a container has in memory; the page cache, which the kernel takes back, is left out."""
    used = engine.client.containers.get(name).stats(stream=False, one_shot=True)["memory_stats"]
    inactive = used["stats"].get("total_inactive_file", used["stats"].get("inactive_file", 0))
    return float(used["usage"] - inactive)


def has_host_network() -> bool:
    """True where a container can share this machine's network."""
    return platform.system() == "Linux"
