"""Whether the dev server's page works, and whether an edit reaches it. Judged on the container that runs."""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from docktasks.containers.app_mount import host_paths
from docktasks.errors import Skip, reason_of
from docktasks.output import counted
from docktasks.verify.chromium_path import browser_errors, what_is_missing
from docktasks.verify.probes import app_files, vite_client
from docktasks.verify.probes.app_sources import (
    DATA_SUFFIXES,
    SCRIPT_SUFFIXES,
    STYLE_SUFFIXES,
    find_sources,
    page_source,
    unmapped,
)
from docktasks.verify.probes.thrown import FAILED_MODULE, is_of_machine
from docktasks.verify.probes.vite_client import ViteClient
from docktasks.verify.registry import Minor, Note, check
from docktasks.verify.subject import Subject
from docktasks.waiting import Probe, wait_until

if TYPE_CHECKING:  # modules that load the browser's driver are imported where they are used
    from docktasks.verify.probes.page_events import PageEvents, PageSnapshot

CUSTOM_PROPERTY = "name => getComputedStyle(document.documentElement).getPropertyValue(name)"
LOADED_PATHS = "performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname)"
"""The files that a page has loaded."""
COUNT_ALL = "performance.setResourceTimingBufferSize(100_000)"
"""By default a page knows its first 250: https://developer.mozilla.org/docs/Web/API/Performance/setResourceTimingBufferSize"""
BROWSER_TIMEOUT_S = 60
MAX_ATTEMPTS = 3
"""How often a page is edited whose requests a change of the machine's network cuts off."""
OUTDATED = re.compile(r"/node_modules/.*: 504$")
"""A package that Vite has bundled again meanwhile: https://vite.dev/guide/dep-pre-bundling."""
NO_FILE = re.compile(r"/[^/.?]*(?:\?.*)?: (?:[45]\d\d|net::\S+)$")
"""A request that failed, for data and no file, such as of an API that does not run."""
REFUSED = re.compile(r"(?:^|: )((?:https?:/)?/\S+): 50[01]\b")
"""A module that Vite cannot serve, by its path or its address."""
OF_DATA = re.compile(r"JSON|fetch|network|axios|status code|timeout", re.IGNORECASE)
"""Errors of a script that got no data, or a page in place of it."""
UNREADABLE = re.compile(
    "SyntaxError: (?:Unexpected (?!token '<')|Invalid or unexpected token|missing |The requested module )"
)
"""A script that no browser can read lacks no data, unless it is the app's page in place of an answer."""
RELOADS = "a page in a browser reloads after the edit"
WATCH_S = 2.5
"""How long the page is looked at: a script may throw, or empty it, after a while."""
UPDATE_TIMEOUT_S = 5.0
"""How long an edit may take until it is served. It usually takes milliseconds."""
PAGE_TIMEOUT_MS = 15_000
"""How long it may take until a page has it. The browser of a machine with much to do takes seconds."""


@check("dev.page", "major", fix="Read the browser's console, and what invoke logs --role=dev says")
def page(subject: Subject) -> Iterator[str]:
    """The page shows something in a browser, no script of it throws, and Vite can serve each of its modules."""
    if not subject.chromium:
        raise Skip(what_is_missing())
    faults = _faults_undisturbed(lambda: _look_at_page(subject))
    with ViteClient(subject.dev_url) as vite:
        _ = list(vite.modules())
        lazy = {path: status for path, status in vite.errors.items() if not any(path in fault for fault in faults)}
        lines = (*faults, *(f"{path}: {status}, when a page imports it" for path, status in lazy.items()))
        yield from (with_reason(line, vite, subject) for line in lines)


def with_reason(line: str, vite: ViteClient, subject: Subject) -> str:
    """Return a fault with what Vite says about the module that it cannot serve."""
    refused = REFUSED.search(line)
    reason = vite.reason(refused[1]) if refused else ""
    return f"{line} ({host_paths(reason, subject.project.settings)})" if reason else line


def _faults_undisturbed(look: Callable[[], tuple[list[str], list[str]]]) -> list[str]:
    """Return the faults of a look at the page that no change of the machine's network disturbed. Raises Skip."""
    for _ in range(MAX_ATTEMPTS):
        faults, lost = look()
        if not (faults and lost):
            return faults
    raise Skip(f"containers that start or end cut off what the page loads: {lost[0]}")


def _look_at_page(subject: Subject) -> tuple[list[str], list[str]]:
    """Return what is wrong with the page, and what a changed network kept from it.

    Libraries write warnings to the console as errors in development, and an API may not run, so these do not count.
    """
    with contextlib.ExitStack() as stack:
        vite = stack.enter_context(ViteClient(subject.dev_url))
        try:
            events = _open_page(subject, vite, stack)
            events.page.wait_for_timeout(1000 * WATCH_S)
            snapshot = events.snapshot(vite.base, lambda: None)
        except browser_errors() as error:
            is_left = "context was destroyed" in error.message
            return [f"{vite.base}: {error.message.splitlines()[0]}"], [*(["the page loads again"] if is_left else [])]
    # Vite has bundled a package that it did not know before, and reloads the page.
    outdated = filter(OUTDATED.search, snapshot.texts("network"))
    faults = [f"{vite.base}: {line}" for line in faults_of(snapshot, vite.url)]
    return faults, [*snapshot.disturbances, *outdated]


def wait_for_content(events: PageEvents) -> None:
    """Wait while the page shows nothing and still loads, as SvelteKit's. Raises Skip if it goes on for long."""
    from docktasks.verify.probes.page_events import take_snapshot

    def look() -> Probe:
        return Probe(take_snapshot(events.page, "").has_content or not events.is_loading)

    if not wait_until(look, PAGE_TIMEOUT_MS / 1000).ready and not events.texts("console", "network"):
        raise Skip(f"the page shows nothing yet after {PAGE_TIMEOUT_MS / 1000:g} s, and still loads")


def faults_of(snapshot: PageSnapshot, url: str) -> Iterator[str]:
    """Yield what is wrong with the page of a dev server at `url`, and is not for want of an API or a device."""
    failed = snapshot.texts("network")
    has_data = not snapshot.texts("unreachable") and not any(map(NO_FILE.search, failed))
    uncaught = [line for line in snapshot.texts("console") if line.startswith("uncaught: ")]
    for line in uncaught:
        if module := FAILED_MODULE.search(line):
            is_own = module[1].startswith(("/", f"{url}/")) and not snapshot.texts("unreachable")
        else:
            is_excused = OF_DATA.search(line) or is_of_machine(line)
            is_own = not is_excused and bool(has_data or UNREADABLE.search(line))
        if is_own:
            yield line
    own = re.escape(url) + r"/(?:[^?]*\.(?:[mc]?[jt]sx?|vue|svelte|css)\b|@(?:fs|id|vite)/).*: 50[01]"
    yield from (line for line in failed if re.fullmatch(own, line))
    if has_data and not snapshot.has_content:
        yield "the page is empty"


@check("dev.source", "critical", fix="Start it by invoke dev, with a script that runs Vite's dev server and no preview")
def source(subject: Subject) -> Iterator[str]:
    """The app is served from its source, with source maps: an edit of the page and of each kind of file arrives."""
    with ViteClient(subject.dev_url) as vite:
        client = vite.get(f"{vite.base}@vite/client", headers={"Accept": "*/*"})
        if "javascript" not in client.headers.get("content-type", ""):
            yield f"what answers is no dev server of Vite: {vite.base}@vite/client is {client.status_code}, no script"
            return
        app_dir = subject.project.settings.app_dir
        sources = find_sources(vite, app_dir, (*STYLE_SUFFIXES, *SCRIPT_SUFFIXES, *DATA_SUFFIXES))
        sources += page_source(vite, app_dir)
        if vite.kept:
            path, caching = next(iter(vite.kept.items()))
            yield f"a browser keeps {counted(len(vite.kept), 'module')} of the app and gets no edit: {path}: {caching}"
        lines = [line for path, file in sources for line in _missed_edit(vite, path, file)]
        if len(lines) == len(sources) and not vite.kept and all(isinstance(line, Note) for line in lines):
            raise Skip(lines[0])
        yield from (*lines, *map(Minor, unmapped(vite, sources)))


def _missed_edit(vite: ViteClient, path: str, file: Path) -> Iterator[str]:
    mark = f"--hello-dock-{secrets.token_hex(4)}"

    def serves_edit() -> bool | None:
        try:
            # A plugin that judges code may refuse the edit, which has arrived then.
            is_refused = vite.get(path, headers={"Accept": "*/*"}).is_server_error
            return is_refused or any(mark in text for text in vite.with_styles([path]))
        except httpx.HTTPError:  # Vite starts again after an edit of what its configuration imports
            return None

    try:
        with app_files.marked_edit(file, mark):
            if not wait_until(lambda: Probe(bool(serves_edit())), UPDATE_TIMEOUT_S).ready:
                yield f"{path}: an edit of {file} is not served within {UPDATE_TIMEOUT_S} s"
        # The end of an edit of a script reloads the page, which would disturb the next check.
        wait_until(lambda: Probe(serves_edit() is False), UPDATE_TIMEOUT_S)
    except OSError as error:
        yield Note(f"{file} cannot be edited: {reason_of(error)}")


@check("dev.hot-reload", "major", fix="Read invoke logs --role=dev; look at server.hmr and server.watch in vite.config")
def hot_reload(subject: Subject) -> Iterator[str]:
    """An edit of a style reaches the page without a reload, and nothing else does. The check restores the file."""
    faults = _faults_undisturbed(lambda: _edit_style(subject))
    # Where the machine has much to do, Vite may only now have seen the end of an edit of dev.source.
    yield from _faults_undisturbed(lambda: _edit_style(subject)) if RELOADS in faults else faults


def _edit_style(subject: Subject) -> tuple[list[str], list[str]]:
    """Return what is wrong with the update of an edited style, and what a changed network kept from the page."""
    name = f"--hello-dock-{secrets.token_hex(4)}"
    faults: list[str] = []
    events = None
    with contextlib.ExitStack() as stack:
        vite = stack.enter_context(ViteClient(subject.dev_url))
        try:
            events = _open_page(subject, vite, stack) if subject.chromium else None
            paths = events.page.evaluate(LOADED_PATHS) if events else None
            path, file = _loaded_style(subject, vite, paths)
            edit = app_files.marked_edit(file, name)
            faults.extend(vite_client.check_hot_update(vite, path, name, stack, edit))
            if faults:  # of a socket of our own, which no change of the network disturbs
                return faults, []
            if events:
                events.page.wait_for_function(CUSTOM_PROPERTY, arg=name, timeout=PAGE_TIMEOUT_MS)
                is_same = events.page.evaluate("globalThis.helloDockMark === true")
                faults.extend([] if is_same else [RELOADS])
        except browser_errors() as error:
            from docktasks.verify.probes.chromium import short_message

            is_left = "context was destroyed" in error.message
            faults.append(RELOADS if is_left else f"a page in a browser does not get the edit: {short_message(error)}")
        except OSError as error:
            raise Skip(f"{file} cannot be edited: {reason_of(error)}") from error
        except Skip as reason:
            if events is None or not events.disturbances:
                raise
            faults.append(str(reason))
    return faults, events.disturbances if events else []


def _loaded_style(subject: Subject, vite: ViteClient, paths: list[str] | None) -> tuple[str, Path]:
    path, file = find_sources(vite, subject.project.settings.app_dir, STYLE_SUFFIXES, paths)[0]
    if vite.errors:
        raise Skip(f"Vite shows an error and then reloads the page (dev.page): {next(iter(vite.errors))}")
    return path, file


def _open_page(subject: Subject, vite: ViteClient, stack: contextlib.ExitStack) -> PageEvents:
    """Open the page, with a mark that a reload removes. Raises BrowserError, and Skip."""
    from docktasks.verify.probes import chromium
    from docktasks.verify.probes.page_events import PageEvents

    browser = stack.enter_context(chromium.launch_browser(subject.chromium, BROWSER_TIMEOUT_S))
    page = stack.enter_context(chromium.new_page(browser, ignore_https_errors=True))
    events = PageEvents(page)
    page.add_init_script(COUNT_ALL)
    messages: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda _: messages.append(socket.url)))
    chromium.open_page(page, vite.url + vite.base)
    page.evaluate("globalThis.helloDockMark = true")
    # An edit before the page has its socket would never reach it. The page is asked, so that the driver takes events.
    wait_until(lambda: Probe(page.evaluate("true") and bool(messages)), PAGE_TIMEOUT_MS / 1000)
    wait_for_content(events)
    return events
