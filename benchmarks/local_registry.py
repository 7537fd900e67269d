"""A registry on the loopback address: Debian's docker-registry, or a server that refuses or keeps silent."""

from __future__ import annotations

import base64
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.network import free_port
from docktasks.errors import BenchError
from docktasks.waiting import Probe, wait_until

CONFIGURATION = """version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {folder}/data}}}}
http: {{addr: "{host}:{port}"{tls}}}
{auth}
"""
USER, PASSWORD = "harbour", "a-password-of-the-tests"
ACCOUNT = "harbour:$2y$04$m.P39/QvdJH4DwthY14jI.0NunUGv6NMpLEY7Z6WvCkt.TR07x0sm"
"""Both, as the registry reads them: it takes bcrypt only, which no program of a small machine makes."""


def debian_program(name: str, folder: Path) -> str:
    """Return the path of a program: an installed one, else the one of Debian's package, unpacked in a folder."""
    installed = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if installed:
        return installed
    unpacked = folder / "unpacked"
    _unpack(name, folder, unpacked)
    return str(next(unpacked.glob(f"usr/*bin/{name}")))


def _unpack(package: str, folder: Path, unpacked: Path) -> None:
    """Unpack a package of Debian, and the libraries that it needs and that are not installed."""
    subprocess.run(["apt-get", "download", "--quiet", package], cwd=folder, check=True, capture_output=True)
    (archive,) = folder.glob(f"{package}_*.deb")
    subprocess.run(["dpkg-deb", "--extract", archive, unpacked], check=True)
    needs = subprocess.run(["dpkg-deb", "--field", archive, "Depends"], check=True, capture_output=True, text=True)
    for name in re.findall(r"(?:^|, )(lib[\w.+-]+)", needs.stdout):
        is_installed = subprocess.run(["dpkg-query", "--show", name], check=False, capture_output=True).returncode == 0
        if not (is_installed or [*folder.glob(f"{name}_*.deb")]):
            _unpack(name, folder, unpacked)


def _protection(folder: Path) -> dict[str, str]:
    """Return the configuration of a registry with a certificate of its own and one account, whose files it writes."""
    key, certificate, accounts = (folder / name for name in ("key.pem", "certificate.pem", "htpasswd"))
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=harbour"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*request, *names], check=True, capture_output=True)
    accounts.write_text(f"{ACCOUNT}\n")
    return {
        "tls": f", tls: {{certificate: {certificate}, key: {key}}}",
        "auth": f"auth: {{htpasswd: {{realm: harbour, path: {accounts}}}}}",
    }


def docker_config(folder: Path, address: str, password: str) -> dict[str, str]:
    """Return the environment of a user who has logged in with a password, by a file as `docker login` writes it."""
    folder.mkdir()
    account = base64.b64encode(f"{USER}:{password}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {address: {"auth": account}}}))
    return {"DOCKER_CONFIG": str(folder)}


class LocalRegistry:
    """A registry on a port of its own. It can be stopped, and another server can take its port."""

    def __init__(self, folder: Path, host: str = "127.0.0.1", *, is_protected: bool = False) -> None:
        self.folder, self.host, self.port = folder, host, free_port()
        self._program = debian_program("docker-registry", folder)
        values = _protection(folder) if is_protected else {"tls": "", "auth": ""}
        (folder / "registry.yml").write_text(CONFIGURATION.format(folder=folder, host=host, port=self.port, **values))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Its address, with which names of images begin."""
        return f"{self.host}:{self.port}"

    def start(self, *enter: str) -> None:
        """Start it, and wait until it answers. `enter` are words that run a command in the network of an engine."""
        with (self.folder / "log").open("a") as log:
            args = [*enter, self._program, "serve", str(self.folder / "registry.yml")]
            self._process = subprocess.Popen(args, stdout=log, stderr=log)
        program = f"import socket; socket.create_connection(('{self.host}', {self.port}), 2)"
        ask = [*enter, sys.executable, "-c", program]
        probe = wait_until(
            lambda: Probe(subprocess.run(ask, check=False, stderr=subprocess.DEVNULL).returncode == 0), 20
        )
        if not probe.ready:
            raise BenchError("The registry does not start.", "", "See its log", (self.folder / "log").read_text())

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self._process:
            self._process.terminate()
            self._process.wait()
        self._process = None

    @contextmanager
    def replaced_by(self, status: int) -> Iterator[None]:
        """Answer on its port with this status, or not at all for 0."""
        self.stop()
        ended = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Answer, or wait until the block ends."""
                if not status:
                    ended.wait(60)
                self.send_response(status or 500)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            server.shutdown()
            thread.join()
            server.server_close()
