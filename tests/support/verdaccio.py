"""Verdaccio, a registry of npm's that asks for a token: https://verdaccio.org."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.network import free_port
from docktasks.waiting import Probe, wait_until
from tests.support.checkouts import write_app
from tests.support.commands import clean_environ, docker, run_command

VERSION = "5.33.0"  # newer ones need Node.js 22 on this machine
START_TIMEOUT_S = 120
CONFIG = """storage: ./storage
auth: {htpasswd: {file: ./htpasswd}}
uplinks: {}
packages: {"**": {access: $authenticated, publish: $authenticated}}
log: {type: stdout, format: pretty, level: warn}
"""


@dataclass(frozen=True)
class Verdaccio:
    """A registry at `host`, which gives packages to those who have the `token`."""

    host: str
    token: str
    folder: Path

    def publish(self, name: str, content: str) -> None:
        """Publish version 1.0.0 of a package whose main module has this content."""
        manifest = json.dumps({"name": name, "version": "1.0.0", "main": "index.js"})
        rc = f"registry=http://{self.host}/\n//{self.host}/:_authToken={self.token}\n"
        package = write_app(self.folder / "package", {"package.json": manifest, "index.js": content, ".npmrc": rc})
        result = run_command(["npm", "publish"], package, clean_environ())
        assert result.ok, result.output


@contextmanager
def running_verdaccio(folder: Path) -> Iterator[Verdaccio]:
    """Install and start Verdaccio in a folder, on the address of Docker's bridge, where a build finds it."""
    # Verdaccio asks for node-fetch@cjs, a tag that a mirror may lack.
    manifest = json.dumps({"overrides": {"node-fetch": "2.7.0"}})
    write_app(folder, {"config.yaml": CONFIG, "package.json": manifest})
    install = ["npm", "install", "--no-audit", "--no-fund", f"verdaccio@{VERSION}"]
    installed = run_command(install, folder, clean_environ())
    assert installed.ok, installed.output
    gateway = docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}")
    host = f"{gateway}:{free_port()}"
    command = ["node_modules/.bin/verdaccio", "--config", "config.yaml", "--listen", f"http://{host}"]
    process = subprocess.Popen(command, cwd=folder)
    try:
        wait_until(lambda: _answers(host), limit=START_TIMEOUT_S)
        user = {"name": "tests", "password": "tests-of-this-checkout"}
        answer = httpx.put(f"http://{host}/-/user/org.couchdb.user:tests", json=user, trust_env=False)
        yield Verdaccio(host, answer.raise_for_status().json()["token"], folder)
    finally:
        process.terminate()
        process.wait()


def _answers(host: str) -> Probe:
    try:
        return Probe(httpx.get(f"http://{host}/-/ping", trust_env=False).is_success)
    except httpx.TransportError:
        return Probe(ready=False)
