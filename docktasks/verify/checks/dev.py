"""Whether Vite is a safe version, and whether the page of another site reaches the dev server."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Iterator
from itertools import product

from httpx import Response

from docktasks.app import safe_versions
from docktasks.containers.app_mount import APP_PATH, Checkout
from docktasks.errors import Skip
from docktasks.verify.probes.crawler import spread
from docktasks.verify.probes.in_container import read_file
from docktasks.verify.probes.vite_client import ViteClient, socket_errors
from docktasks.verify.registry import Note, check
from docktasks.verify.subject import Subject

MANIFESTS = tuple(
    f"node_modules/{path}vite/package.json"
    for path in ("", "astro/../", "vitepress/../", "nuxt/../@nuxt/vite-builder/../../")
)
"""Where Vite is. pnpm keeps the Vite that a framework brings next to the framework, to whose folder there is a link."""
STRANGER = "hello-dock-stranger"
FOREIGN_HOSTS = (f"{STRANGER}.example", f"{STRANGER}.com", f"localhost.{STRANGER}.example")
DOMAINS = """
app biz cloud cn co.jp co.uk com.au com.br de dev edu es eu fr gov in info io it jp me net nl
online org page pl ru se shop site tech uk us website xyz zone
"""
"""Where others have names, too. That of the app itself may be allowed."""
FOREIGN_ORIGIN = f"http://{FOREIGN_HOSTS[0]}"
FOREIGN_ORIGINS = (*(f"http://{host}" for host in FOREIGN_HOSTS), f"https://{STRANGER}-localhost.example", "null")
"""Those of a page whose name contains `localhost`, and of one in a sandbox, too."""
MAX_MODULES = 8
"""How many of the page's modules are asked for in another name."""


UPDATE_VITE = (
    "Install the version that the evidence names (invoke npm -- add vite@…), or update the framework that brings Vite"
)


@check("dev.vite-version", "major", fix=UPDATE_VITE)
def vite_version(subject: Subject) -> Iterator[str]:
    """The installed version of Vite has every known fix of its dev server, by the table of safe versions."""
    manifest = json.loads(_vite_manifest(subject))
    package = str(manifest.get("name") or "vite")
    judgement = safe_versions.judge(package, str(manifest.get("version")))
    if judgement is None:
        raise Skip(f"node_modules/vite is the package {package}, of which no safe version is known")
    if judgement.fault:
        yield judgement.fault
    yield Note(safe_versions.age_note())


def _vite_manifest(subject: Subject) -> str:
    """Return the package.json of the installed Vite, which is in the app's folder or at the root of its workspace."""
    engine, folder = subject.project.engine, Checkout.of(subject.project.app).workdir
    paths = [f"{parent}/{path}" for path in MANIFESTS for parent in dict.fromkeys((folder, APP_PATH))]
    for path in paths:
        with contextlib.suppress(Skip):
            return read_file(engine, subject.dev, path)
    raise Skip("node_modules has no package vite")


@check("dev.foreign-host", "critical", fix="Update Vite. Leave server.allowedHosts at its default, or list hosts")
def foreign_host(subject: Subject) -> Iterator[str]:
    """A request for a foreign host is refused, so that no page can use its own name for this server.

    Over https Vite answers every host, and a browser refuses a certificate that is not valid for the host.
    """
    if subject.dev_url.startswith("https:"):
        with ViteClient(subject.dev_url) as vite:
            if vite.has_certificate_for(FOREIGN_HOSTS[0]):
                yield f"the certificate is valid for {FOREIGN_HOSTS[0]}"
        return
    answers = [*_responses(subject, "Host", FOREIGN_HOSTS)]
    with ViteClient(subject.dev_url) as vite:
        hosts = [f"{STRANGER}.{domain}" for domain in DOMAINS.split()]
        answers += [(host, vite.base, vite.get(vite.base, headers={"Host": host})) for host in hosts]
    yield from (f"{path}: {answer.status_code} for Host {host}" for host, path, answer in answers if answer.is_success)


@check("dev.foreign-origin", "critical", fix="Update Vite. Leave server.cors at its default, or list origins")
def foreign_origin(subject: Subject) -> Iterator[str]:
    """The page of another site cannot read what is served: its Origin gets no CORS header."""
    readable = set[str]()
    for origin, path, response in _responses(subject, "Origin", FOREIGN_ORIGINS):
        allowed = response.headers.get("access-control-allow-origin", "")
        if allowed in ("*", origin) and path not in readable:
            readable.add(path)
            yield f"{path}: Access-Control-Allow-Origin is {allowed} for Origin {origin}"


def _responses(subject: Subject, header: str, values: Iterable[str]) -> Iterator[tuple[str, str, Response]]:
    """Yield each value of the header, with path and answer of the page, Vite's client, and modules of each kind."""
    with ViteClient(subject.dev_url) as vite:
        modules = spread(vite.modules(), MAX_MODULES, lambda path: re.sub(r"[^/]*\.", "", path), "")
        for value, path in product(values, (vite.base, f"{vite.base}@vite/client", *modules)):
            yield value, path, vite.get(path, headers={header: value})


@check("dev.foreign-socket", "critical", fix="Update Vite, and remove legacy.skipWebSocketTokenCheck from vite.config")
def foreign_socket(subject: Subject) -> Iterator[str]:
    """The page of another site cannot connect to the hot-reload socket."""
    with contextlib.suppress(*socket_errors()), ViteClient(subject.dev_url) as vite, vite.socket(FOREIGN_ORIGIN):
        yield f"the socket accepts Origin: {FOREIGN_ORIGIN}, without a token"
