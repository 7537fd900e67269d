"""The servers that are measured next to ours. Each one is started on 127.0.0.1 and ended with its context."""

from __future__ import annotations

import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.build_variants import ONE_STAGE, OURS, BuildSandbox, Variant
from benchmarks.checkout import NGINX
from benchmarks.harness import Bench
from benchmarks.network import free_port
from docktasks import waiting
from docktasks.containers.run_args import label_args, remove_args
from docktasks.engine.client import DockerEngine
from docktasks.errors import BenchError

CADDYFILE = """
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
"""The file of nginx/ with the port that our image listens on."""

NO_HOST_NETWORK = "only an engine on Linux shares the host's network"
START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 10


def missing(program: str) -> str:
    """The reason why a program cannot take part, with how to install it. Empty when it is installed."""
    source = {"npm": "https://nodejs.org/"}.get(program, f"apt-get install {program}")
    if program == "docker-compose":  # --help would succeed without the plugin, too
        completed = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        installed = completed.returncode == 0
    else:
        installed = shutil.which(program) is not None
    return "" if installed else f"not installed ({source})"


def await_answer(url: str, name: str, log: str = "") -> str:
    """Wait until an address answers, and return it. Raises BenchError when it does not; `name` is who serves it."""
    probe = waiting.wait_until(lambda: waiting.http_ready(url), START_TIMEOUT_S, 0.02)
    if not probe.ready:
        raise BenchError(f"{name} does not serve: {probe.status}", "", "Correct what its log reports", log)
    return url


def await_container(engine: DockerEngine, name: str) -> str:
    """Wait until a container that was just started serves, and return its address. Raises BenchError."""

    def probe_container() -> waiting.Probe:
        container = engine.container(name)
        if container is None or not container.url:
            return waiting.Probe(ready=False, status="it publishes no port")
        probe = waiting.http_ready(container.url)
        return waiting.Probe(probe.ready, container.url if probe.ready else probe.status)

    probe = waiting.wait_until(probe_container, START_TIMEOUT_S, 0.02)
    if not probe.ready:
        raise BenchError(
            f"{name} does not serve: {probe.status}", "", "Correct what its log reports", engine.logs(name)
        )
    return probe.status


@contextmanager
def published(bench: Bench, sandbox: BuildSandbox, variant: Variant, options: Sequence[str] = ()) -> Iterator[str]:
    """Run a variant's image with a published port, as the handbook does, and more options. Yields its address."""
    name = f"{sandbox.container_name(variant)}-{free_port()}"
    try:
        bench.output(sandbox.run_args(variant, name=name, options=options))
        yield await_container(bench.engine, name)
    finally:
        bench(remove_args(name))


def host_container(bench: Bench, port: int) -> str:
    """The name of the container that on_host() runs."""
    return f"{bench.name}-host-{port}"


@contextmanager
def on_host(  # noqa: PLR0913 - an image, how it runs, and where
    bench: Bench,
    sandbox: BuildSandbox,
    image: str,
    address: str,
    *,
    options: Sequence[str] = (),
    command: str = "",
) -> Iterator[str]:
    """Run an image in the host's network, so without docker-proxy. Yields its URL at `address`, such as 127.0.0.1:9."""
    name = host_container(bench, int(address.rpartition(":")[2]))
    run = ["docker", "container", "run", "--detach", "--name", name, "--network", "host", "--no-healthcheck"]
    try:
        bench.output([*run, *label_args(sandbox.settings, "host"), *options, image, *command.split()])
        yield await_answer(f"http://{address}", name)
    finally:
        bench(remove_args(name))


@contextmanager
def changed(bench: Bench, sandbox: BuildSandbox, files: Mapping[str, str]) -> Iterator[str]:
    """Run our image with a published port, and other texts for files of nginx/. Yields its address."""
    with _mounted(files) as mounts, published(bench, sandbox, OURS, mounts) as url:
        yield url


@contextmanager
def ours_on_host(
    bench: Bench, sandbox: BuildSandbox, files: Mapping[str, str] | None = None, ip: str = "127.0.0.1"
) -> Iterator[str]:
    """Run our image in the host's network, with other texts for files of nginx/. Yields its address."""
    address = f"{ip}:{free_port()}"
    texts = {SITE: (NGINX / SITE).read_text()} | dict(files or {})
    texts[SITE] = texts[SITE].replace("listen 80", f"listen {address}")
    with (
        _mounted(texts) as mounts,
        on_host(bench, sandbox, sandbox.tag(OURS), address, options=mounts) as url,
    ):
        yield url


@contextmanager
def bare_nginx(bench: Bench, sandbox: BuildSandbox, dist: Path) -> Iterator[str]:
    """Run nginx with its image's own configuration and the same files, in the host's network. Yields its address."""
    port = free_port()
    server = f"server {{ listen 127.0.0.1:{port}; root /usr/share/nginx/html; }}\n"
    with _mounted({"conf.d/default.conf": server}) as mounts:
        options = [*mounts, "--volume", f"{dist}:/usr/share/nginx/html:ro"]
        with on_host(bench, sandbox, sandbox.nginx, f"127.0.0.1:{port}", options=options) as url:
            yield url


@contextmanager
def vite_preview(bench: Bench, sandbox: BuildSandbox) -> Iterator[str]:
    """Run `vite preview` from the handbook's one-stage image, in the host's network. Yields its address."""
    port = free_port()
    command = f"npx vite preview --host 127.0.0.1 --port {port} --strictPort"
    with on_host(bench, sandbox, sandbox.tag(ONE_STAGE), f"127.0.0.1:{port}", command=command) as url:
        yield url


@contextmanager
def caddy(dist: Path) -> Iterator[str]:
    """Run Caddy on this machine, with the compression of its manual's example. Yields its address."""
    port = free_port()
    with tempfile.TemporaryDirectory() as home:
        config = Path(home, "Caddyfile")
        config.write_text(CADDYFILE.format(port=port, root=dist))
        args = [str(shutil.which("caddy")), "run", "--config", str(config), "--adapter", "caddyfile"]
        process = subprocess.Popen(args, env={"HOME": home}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield await_answer(f"http://127.0.0.1:{port}", "Caddy")
        finally:
            process.terminate()
            process.wait(STOP_TIMEOUT_S)


@contextmanager
def _mounted(files: Mapping[str, str]) -> Iterator[list[str]]:
    """The options that mount files with these texts in a container's /etc/nginx, by their paths there."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        mounts = []
        for number, (name, text) in enumerate(files.items()):
            file = Path(folder, str(number))
            file.write_text(text)
            file.chmod(0o644)
            mounts += ["--volume", f"{file}:/etc/nginx/{name}:ro"]
        yield mounts


def memory_bytes(engine: DockerEngine, name: str) -> float:
    """The memory that a container uses, without the page cache, which the kernel can take back."""
    usage = engine.client.containers.get(name).stats(stream=False, one_shot=True)["memory_stats"]
    inactive = usage["stats"].get("total_inactive_file", usage["stats"].get("inactive_file", 0))
    return float(usage["usage"] - inactive)


def published_memory_bytes(engine: DockerEngine, url: str) -> float:
    """The memory of the container that publishes the port of an address. 0 when there is none."""
    container = engine.container_publishing(int(url.rpartition(":")[2]))
    return memory_bytes(engine, container.name) if container else 0


def has_host_network() -> bool:
    """True where a container can share this machine's network."""
    return platform.system() == "Linux"
