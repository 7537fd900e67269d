"""What the dev server lets others read, and whether an edit reaches the page. Judged on the container that runs."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
from collections.abc import Iterable, Iterator
from itertools import product
from typing import TYPE_CHECKING

from docktasks.app import safe_versions
from docktasks.containers.app_mount import APP_PATH, Checkout
from docktasks.errors import Skip
from docktasks.secret_patterns import SECRET_VARIABLE
from docktasks.verify.chromium_path import browser_errors
from docktasks.verify.probes import app_files, proc
from docktasks.verify.probes.crawler import spread
from docktasks.verify.registry import Note, check
from docktasks.verify.subject import Subject
from docktasks.waiting import Probe, wait_until

if TYPE_CHECKING:  # modules that load the browser's driver or the WebSocket library are imported where they are used
    from httpx import Response
    from playwright.sync_api import Page

    from docktasks.verify.probes.vite_client import ViteClient

MANIFEST = "node_modules/vite/package.json"
STRANGER = "hello-dock-stranger"
FOREIGN_HOSTS = (f"{STRANGER}.example", f"{STRANGER}.com", f"localhost.{STRANGER}.example")
FOREIGN_ORIGIN = f"http://{FOREIGN_HOSTS[0]}"
FOREIGN_ORIGINS = (*(f"http://{host}" for host in FOREIGN_HOSTS), f"https://{STRANGER}-localhost.example", "null")
"""Those of a page whose name contains `localhost`, and of one in a sandbox, too."""
MAX_MODULES = 8
"""How many of the page's modules are asked for in another name."""
CUSTOM_PROPERTY = "name => getComputedStyle(document.documentElement).getPropertyValue(name)"
BROWSER_TIMEOUT_S = 60
MAX_ATTEMPTS = 3
"""How often a page is edited whose requests a change of the machine's network cuts off."""
ENV_ROW = re.compile(r"^\s*(?:export\s+)?(\w+)\s*=\s*(\S+)", re.MULTILINE)
MIN_SECRET_CHARS = 6
UPDATE_TIMEOUT_S = 5.0
"""How long an edit may take until it is served. It usually takes milliseconds."""
PAGE_TIMEOUT_MS = 15_000
"""How long it may take until a page has it. The browser of a machine with much to do takes seconds."""


@contextlib.contextmanager
def _vite_client(subject: Subject) -> Iterator[ViteClient]:
    from docktasks.verify.probes.vite_client import ViteClient

    vite = ViteClient(subject.dev_url)
    with vite.client:
        yield vite


@check("dev.vite-version", "major", fix="Install the version that the evidence names: invoke npm -- install vite@…")
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
    if folder != APP_PATH:
        with contextlib.suppress(Skip):
            return proc.read_file(engine, subject.dev, f"{folder}/{MANIFEST}")
    return proc.read_file(engine, subject.dev, f"{APP_PATH}/{MANIFEST}")


@check("dev.foreign-host", "critical", fix="Leave server.allowedHosts of vite.config at its default, or list hosts")
def foreign_host(subject: Subject) -> Iterator[str]:
    """A request for a foreign host is refused, so that no page can use its own name for this server.

    Over https Vite answers every host, and a browser refuses a certificate that is not valid for the host.
    """
    if subject.dev_url.startswith("https:"):
        with _vite_client(subject) as vite:
            if vite.has_certificate_for(FOREIGN_HOSTS[0]):
                yield f"the certificate is valid for {FOREIGN_HOSTS[0]}"
        return
    answers = _responses(subject, "Host", FOREIGN_HOSTS)
    yield from (f"{path}: {one.status_code} for Host {host}" for host, path, one in answers if one.is_success)


@check("dev.foreign-origin", "critical", fix="Leave server.cors of vite.config at its default, or list origins")
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
    with _vite_client(subject) as vite:
        modules = spread(vite.modules(), MAX_MODULES, lambda path: re.sub(r"[^/]*\.", "", path), "")
        for value, path in product(values, (vite.base, f"{vite.base}@vite/client", *modules)):
            yield value, path, vite.client.get(path, headers={header: value})


@check("dev.foreign-socket", "critical", fix="Update Vite, and remove legacy.skipWebSocketTokenCheck from vite.config")
def foreign_socket(subject: Subject) -> Iterator[str]:
    """The page of another site cannot connect to the hot-reload socket."""
    from docktasks.verify.probes.vite_client import SOCKET_ERRORS

    with contextlib.suppress(*SOCKET_ERRORS), _vite_client(subject) as vite, vite.socket(FOREIGN_ORIGIN):
        yield f"the socket accepts Origin: {FOREIGN_ORIGIN}, without a token"


@check("dev.source", "critical", fix="Start it by invoke dev, with a script that runs Vite's dev server and no preview")
def source(subject: Subject) -> Iterator[str]:
    """The app is served from its source: an edit of a file that the page loads arrives. The check restores the file."""
    from docktasks.verify.probes.vite_client import find_source

    with _vite_client(subject) as vite:
        client = vite.client.get(f"{vite.base}@vite/client", headers={"Accept": "*/*"})
        if "javascript" not in client.headers.get("content-type", ""):
            yield f"what answers is no dev server of Vite: {vite.base}@vite/client is {client.status_code}, no script"
            return
        path, file = find_source(vite, subject.project.settings.app_dir)
        mark = f"--hello-dock-{secrets.token_hex(4)}"
        try:
            with app_files.temporary_edit(file, app_files.marked_addition(file, mark)):
                if not wait_until(lambda: _look_for(vite, path, mark), UPDATE_TIMEOUT_S).ready:
                    yield f"{path}: an edit of {file} is not served within {UPDATE_TIMEOUT_S} s"
        except OSError as error:
            raise Skip(f"{file} cannot be edited: {error}") from error


def _look_for(vite: ViteClient, path: str, mark: str) -> Probe:
    return Probe(any(mark in text for text in vite.with_styles([path])))


@check("dev.hot-reload", "major", fix="Read invoke logs --role=dev; look at server.hmr and server.watch in vite.config")
def hot_reload(subject: Subject) -> Iterator[str]:
    """An edit of a style reaches the page without a reload. The check restores the file's bytes and time."""
    for _ in range(MAX_ATTEMPTS):
        faults, lost = _edit_style(subject)
        if not (faults and lost):
            break
    yield from faults


def _edit_style(subject: Subject) -> tuple[list[str], list[str]]:
    """Return what is wrong with the update of an edited style, and what a changed network kept from the page."""
    from docktasks.verify.probes.vite_client import check_hot_update, find_style

    name = f"--hello-dock-{secrets.token_hex(4)}"
    faults: list[str] = []
    lost: list[str] = []
    with contextlib.ExitStack() as stack:
        vite = stack.enter_context(_vite_client(subject))
        path, file = find_style(vite, subject.project.settings.app_dir)
        edit = app_files.temporary_edit(file, app_files.marked_addition(file, name))
        try:
            page, lost = _open_page(subject, vite, stack)
            faults.extend(check_hot_update(vite, path, name, stack, edit))
            if page and not faults:
                faults.extend(_page_faults(page, name))
        except browser_errors() as error:
            from docktasks.verify.probes.chromium import short_message

            is_left = "context was destroyed" in error.message
            kept_from = f"does not get the edit: {short_message(error)}"
            faults.append(f"a page in a browser {'reloads after the edit' if is_left else kept_from}")
        except OSError as error:
            raise Skip(f"{file} cannot be edited: {error}") from error
    return faults, lost


def _open_page(subject: Subject, vite: ViteClient, stack: contextlib.ExitStack) -> tuple[Page | None, list[str]]:
    """Open the page, with a mark that a reload removes; None without a browser. Raises BrowserError.

    The list gets what a change of the machine's network keeps from the page.
    """
    if not subject.chromium:
        return None, []
    from docktasks.verify.probes import chromium

    browser = stack.enter_context(chromium.launch_browser(subject.chromium, BROWSER_TIMEOUT_S))
    page = stack.enter_context(chromium.new_page(browser, ignore_https_errors=True))
    lost = stack.enter_context(chromium.disturbances(page))
    messages: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda _: messages.append(socket.url)))
    chromium.open_page(page, vite.url + vite.base)
    page.evaluate("globalThis.helloDockMark = true")
    # An edit before the page has its socket would never reach it. The page is asked, so that the driver takes events.
    wait_until(lambda: Probe(page.evaluate("true") and bool(messages)), PAGE_TIMEOUT_MS / 1000)
    return page, lost


def _page_faults(page: Page, name: str) -> Iterator[str]:
    """Wait for the style with this custom property. Raises BrowserError if it does not come."""
    page.wait_for_function(CUSTOM_PROPERTY, arg=name, timeout=PAGE_TIMEOUT_MS)
    if not page.evaluate("globalThis.helloDockMark === true"):
        yield "a page in a browser reloads after the edit"


@check("dev.leaks", "critical", fix="Update Vite, and leave server.fs of vite.config at its defaults")
def leaks(subject: Subject) -> Iterator[str]:
    """No address, module or socket gives a file outside the app, a .env, its secrets, or a file in .git."""
    from docktasks.verify.probes import vite_leaks
    from docktasks.verify.probes.vite_client import SOCKET_ERRORS

    app_dir, checkout = subject.project.settings.app_dir, Checkout.of(subject.project.app)
    canaries = [vite_leaks.Canary("/etc/passwd", proc.read_file(subject.project.engine, subject.dev, "/etc/passwd"))]
    head = checkout.root / ".git" / "HEAD"
    if head.is_file():
        canaries.append(vite_leaks.Canary(f"{APP_PATH}/.git/HEAD", head.read_text(), "/.git/HEAD"))
    with _vite_client(subject) as vite, contextlib.ExitStack() as stack:
        _ = vite.token  # read it first, because a server that gives files away may restart after that
        try:
            name, content = stack.enter_context(app_files.temporary_secret(app_dir))
            canaries.append(vite_leaks.Canary(f"{checkout.workdir}/{name}", content, f"/{name}"))
            for canary in canaries:
                yield from vite_leaks.leaks_by_request(vite, canary)
        except OSError as error:
            raise Skip(str(error)) from error
        yield from _variables_in_modules(subject, vite)
        with contextlib.suppress(*SOCKET_ERRORS):  # dev.hot-reload reports a missing socket
            for canary in canaries:
                yield from vite_leaks.leaks_by_socket(vite, canary)


def _variables_in_modules(subject: Subject, vite: ViteClient) -> Iterator[str]:
    """Yield the variables of .env files, with the name of a secret, whose value is in what the page loads."""
    files = sorted(file for file in subject.project.settings.app_dir.glob(".env*") if file.is_file())
    rows = [row for file in files for row in ENV_ROW.findall(file.read_text(errors="replace"))]
    values = {name: value.strip("'\"") for name, value in rows if SECRET_VARIABLE.search(name)}
    for path in (vite.base, f"{vite.base}@vite/client", f"{vite.base}@vite/env", *vite.modules()):
        text = vite.module(path)
        for name, value in values.items():
            if len(value) >= MIN_SECRET_CHARS and value in text:
                yield f"{path}: it has the value of {name}, a secret of a .env file"
