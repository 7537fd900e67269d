"""What the dev container lets others do, and whether an edit reaches the page: judged on the one that runs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from docktasks.app.vite import FIRST_SAFE_VERSIONS
from docktasks.containers import app_mount
from docktasks.verify.probes import proc
from docktasks.verify.registry import Skip, check
from docktasks.verify.subject import Subject

if TYPE_CHECKING:  # these load the HTTP client, and the socket's
    from docktasks.verify.probes.vite_client import Vite

STRANGER = "hello-dock-stranger.example"
TAKEN = "name => getComputedStyle(document.documentElement).getPropertyValue(name)"
OWNERS = 20
"""How many files of another owner are named."""


@contextlib.contextmanager
def _vite(subject: Subject) -> Iterator[Vite]:
    from docktasks.verify.probes.vite_client import Vite

    found = Vite(subject.dev.url)
    try:
        yield found
    finally:
        found.client.close()


@check("dev.loopback", severity="critical", needs="dev", fix="Publish on 127.0.0.1, as invoke dev does")
def loopback(subject: Subject) -> Iterator[str]:
    """Published on the loopback address only."""
    yield from proc.exposed(subject.dev)


@check(
    "dev.unprivileged",
    severity="major",
    needs="dev",
    fix="Run it as the checkout's owner, with --cap-drop ALL --security-opt no-new-privileges, as invoke dev does",
)
def unprivileged(subject: Subject) -> Iterator[str]:
    """The main process is not root, unless the checkout is root's; it has no capability, and can gain none."""
    status = proc.status(subject.engine, subject.dev)
    wanted = app_mount.user_for(subject.engine, subject.settings.app_dir).partition(":")[0]
    if "0" in status["Uid"].split() and wanted != "0":
        yield f"uids (real, effective, saved, file system): {status['Uid']}; the checkout is of uid {wanted}"
    yield from proc.powers(status)


@check(
    "dev.vite",
    severity="major",
    needs="dev",
    fix="Update it: npm install --save-dev vite@latest, then invoke dev (https://github.com/vitejs/vite/security)",
)
def vite(subject: Subject) -> Iterator[str]:
    """Vite is of a version without a known hole in its dev server."""
    path = f"{app_mount.APP_PATH}/node_modules/vite/package.json"
    version = str(json.loads(proc.read(subject.engine, subject.dev, path)).get("version"))
    found = tuple(int(part) for part in re.findall(r"\d+", version.partition("-")[0]))
    floor = FIRST_SAFE_VERSIONS.get(found[0] if found else 0, FIRST_SAFE_VERSIONS[min(FIRST_SAFE_VERSIONS)])
    if found < floor:
        yield f"Vite {version}, and holes are known up to {'.'.join(map(str, floor))}"


@check(
    "dev.foreign-host",
    severity="critical",
    needs="dev",
    fix="Leave server.allowedHosts of vite.config as it is, or name the hosts: a page may have its name point here",
)
def foreign_host(subject: Subject) -> Iterator[str]:
    """A request for a host that is not ours is refused, so that no page can pass itself off as this one."""
    with _vite(subject) as found:
        for path in (found.base, f"{found.base}@vite/client"):
            answer = found.client.get(path, headers={"Host": STRANGER})
            if answer.is_success:
                yield f"{path} for Host: {STRANGER}: {answer.status_code}"


@check(
    "dev.foreign-origin",
    severity="critical",
    needs="dev",
    fix="Leave server.cors of vite.config as it is, or name the origins: any page could read the source",
)
def foreign_origin(subject: Subject) -> Iterator[str]:
    """No other site's page may read what is served: there is no CORS header for its Origin."""
    with _vite(subject) as found:
        for path in (found.base, f"{found.base}@vite/client"):
            allowed = found.client.get(path, headers={"Origin": f"http://{STRANGER}"}).headers.get(
                "access-control-allow-origin", ""
            )
            if allowed in ("*", f"http://{STRANGER}"):
                yield f"{path} for Origin: http://{STRANGER}: Access-Control-Allow-Origin: {allowed}"


@check(
    "dev.foreign-socket",
    severity="critical",
    needs="dev",
    fix="Update Vite, and leave legacy.skipWebSocketTokenCheck away: any page could hear of every edit",
)
def foreign_socket(subject: Subject) -> Iterator[str]:
    """Another site's page gets no connection to the socket of the hot reload."""
    from docktasks.verify.probes.vite_client import NoSocket

    with contextlib.suppress(*NoSocket), _vite(subject) as found, found.socket(f"http://{STRANGER}"):
        yield f"the socket lets in Origin: http://{STRANGER}, without a token"


@check(
    "dev.hot-reload",
    severity="major",
    needs="dev",
    fix="See its log (invoke logs --role=dev); and server.hmr and server.watch in vite.config",
)
def hot_reload(subject: Subject) -> Iterator[str]:
    """An edit of a style reaches the page without a reload; the file is then as it was, to the byte and the time."""
    from docktasks.verify.probes.vite_client import edited, style_of, told_of

    name = f"--hello-dock-{secrets.token_hex(4)}"
    rule = f":root {{ {name}: 1 }}"
    with contextlib.ExitStack() as stack:
        found = stack.enter_context(_vite(subject))
        path, file = style_of(found, subject.settings.app_dir)
        text = f"\n<style>\n{rule}\n</style>\n" if file.suffix == ".vue" else f"\n{rule}\n"
        watching = stack.enter_context(_watching(subject, found))
        try:
            faults = list(told_of(found, path, name, stack, edited(file, text)))
        except OSError as error:
            raise Skip(f"{file} cannot be edited: {error}") from error
        yield from faults or watching(name)


@contextlib.contextmanager
def _watching(subject: Subject, found: Vite) -> Iterator[Callable[[str], Iterator[str]]]:
    """The page in a browser, where there is one, with a mark that a reload would wipe; tells how it took an edit."""
    if not subject.chromium:
        yield lambda _name: iter(())
        return
    from playwright.sync_api import Error as BrowserError

    from docktasks.verify.probes import chromium

    with contextlib.ExitStack() as stack:
        try:
            page = stack.enter_context(chromium.page_of(stack.enter_context(chromium.browsing(subject.chromium, 60))))
            chromium.open_page(page, found.url + found.base)
            page.evaluate("globalThis.helloDockSame = true")
        except BrowserError as error:
            fault = f"a browser does not get the page: {chromium.words(error)}"
            yield lambda _name: iter((fault,))
            return

        def taken(name: str) -> Iterator[str]:
            try:
                page.wait_for_function(TAKEN, arg=name, timeout=chromium.BLANK)
                if not page.evaluate("globalThis.helloDockSame === true"):
                    yield "a page in a browser is loaded anew for the edit"
            except BrowserError as error:
                yield f"a page in a browser does not take the edit: {chromium.words(error)}"

        yield taken


@check(
    "dev.leaks",
    severity="critical",
    needs="dev",
    fix="Update Vite, and leave server.fs of vite.config (strict, allow, deny) as it is",
)
def leaks(subject: Subject) -> Iterator[str]:
    """No file outside the app, no .env and no .git in it is given away, by any address or over the socket."""
    from docktasks.verify.probes.vite_client import NoSocket
    from docktasks.verify.probes.vite_leaks import Canary, by_request, by_socket, secret

    app_dir = subject.settings.app_dir
    canaries = [Canary("/etc/passwd", proc.read(subject.engine, subject.dev, "/etc/passwd"))]
    head = app_dir / ".git" / "HEAD"
    if head.is_file():
        canaries.append(Canary(f"{app_mount.APP_PATH}/.git/HEAD", head.read_text(), "/.git/HEAD"))
    with contextlib.ExitStack() as stack:
        found = stack.enter_context(_vite(subject))
        token = found.token  # asked for first: a server that gives files away may then restart for having read them
        try:
            canaries.append(stack.enter_context(secret(app_dir, app_mount.APP_PATH)))
            yield from by_request(found, canaries, app_mount.APP_PATH)
        except OSError as error:
            raise Skip(str(error)) from error
        with contextlib.suppress(*NoSocket):  # dev.hot-reload says so where a page gets none
            yield from by_socket(found, token, canaries)


@check(
    "dev.owners",
    severity="major",
    needs="dev",
    fix="Give them back (sudo chown -R), and start it by invoke dev, which runs as the checkout's owner",
)
def owners(subject: Subject) -> Iterator[str]:
    """Every file in the app's folder is of the folder's owner."""
    yield from islice(_foreign(subject.settings.app_dir), OWNERS)


def _foreign(app_dir: Path) -> Iterator[str]:
    owner = app_dir.stat().st_uid
    for folder, folders, files in os.walk(app_dir):
        for name in [*folders, *files]:
            path = Path(folder, name)
            with contextlib.suppress(FileNotFoundError):  # gone since it was listed
                uid = path.lstat().st_uid
                if uid != owner:
                    yield f"{path.relative_to(app_dir)}: of uid {uid}, and the folder of {owner}"
        folders[:] = [name for name in folders if name != "node_modules"]
