"""A registry for npm, pnpm and yarn, with packages that a test makes up and that no cache has."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from benchmarks.checkout import ROOT
from tests.support.commands import clean_environ, docker, run_command
from tests.support.project import new_name

VERSION = "1.0.0"
"""The only version of each package."""


class Registry:
    """A registry on the address of Docker's bridge, where a build finds it. It needs `token` if that is not empty.

    It redirects requests for packages that it does not have to `upstream`. While `failing` has the name of a package,
    its tarball is answered with 503. `denied` has the paths that were asked for without the token.
    """

    def __init__(self, upstream: str, token: str = "") -> None:
        self.upstream, self.token = upstream.rstrip("/"), token
        self.failing: set[str] = set()
        self.denied: list[str] = []
        self._documents: dict[str, dict[str, Any]] = {}
        self._tarballs: dict[str, bytes] = {}
        gateway = docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}")
        self.server = ThreadingHTTPServer((gateway, 0), self._handler())
        self.host = f"{gateway}:{self.server.server_port}"
        self.url = f"http://{self.host}"

    def add(self, name: str = "", content: str = "module.exports = true", **fields: object) -> str:
        """Add a package whose main module has this content; `fields` are more of its package.json. Return its name."""
        name = name or new_name()
        manifest = {"name": name, "version": VERSION, "main": "index.js", **fields}
        tarball = _tarball({"package.json": json.dumps(manifest), "index.js": content})
        integrity = f"sha512-{base64.b64encode(hashlib.sha512(tarball).digest()).decode()}"
        dist = {
            "tarball": f"{self.url}/{name}/-/{name}-{VERSION}.tgz",
            "shasum": hashlib.sha1(tarball, usedforsecurity=False).hexdigest(),
            "integrity": integrity,
        }
        # npm leaves a package's script out unless the registry says that there is one.
        scripts = {"hasInstallScript": True} if "scripts" in fields else {}
        version = {**manifest, **scripts, "dist": dist}
        self._documents[name] = {"name": name, "dist-tags": {"latest": VERSION}, "versions": {VERSION: version}}
        self._tarballs[name] = tarball
        return name

    def add_native(self) -> tuple[str, list[str]]:
        """Add a package with a native part for each libc and processor. Return its name and those of its parts."""
        name = new_name()
        parts = [
            self.add(f"{name}-linux-{cpu}-{suffix}", os=["linux"], cpu=[cpu], libc=[libc])
            for cpu in ("x64", "arm64")
            for suffix, libc in (("gnu", "glibc"), ("musl", "musl"))
        ]
        parts.append(self.add(f"{name}-darwin-arm64", os=["darwin"], cpu=["arm64"]))
        content = f"""
const libc = process.report.getReport().header.glibcVersionRuntime ? "gnu" : "musl"
module.exports = require(`{name}-${{process.platform}}-${{process.arch}}-${{libc}}`)"""
        return self.add(name, content, optionalDependencies=dict.fromkeys(parts, VERSION)), parts

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body, location = registry.answer(self.path, self.headers.get("Authorization", ""))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                if location:
                    self.send_header("Location", location)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Print nothing: a failed test prints what the task says."""

        return Handler

    def answer(self, path: str, authorization: str) -> tuple[int, bytes, str]:
        """Return the status, the body and the address to go to of the answer to a request."""
        name = unquote(path).strip("/").partition("/-/")[0]
        if name not in self._documents:
            return 302, b"", f"{self.upstream}{path}"
        if self.token and authorization != f"Bearer {self.token}":
            self.denied.append(path)
            return 401, b"{}", ""
        if "/-/" not in path:
            return 200, json.dumps(self._documents[name]).encode(), ""
        return (503, b"", "") if name in self.failing else (200, self._tarballs[name], "")


def _tarball(files: dict[str, str]) -> bytes:
    """Return a package as `npm pack` makes it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content.encode())
            archive.addfile(member, io.BytesIO(content.encode()))
    return buffer.getvalue()


@contextmanager
def running_registry(token: str = "") -> Iterator[Registry]:
    """Run a registry that redirects to this machine's."""
    upstream = run_command(["npm", "config", "get", "registry"], ROOT, clean_environ()).output.split()[-1]
    registry = Registry(upstream, token)
    thread = threading.Thread(target=registry.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        registry.server.shutdown()
        registry.server.server_close()
        thread.join()
