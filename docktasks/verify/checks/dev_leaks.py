"""Which files the dev server gives away. Judged on the container that runs."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from docktasks.app.workspaces import CONFIG_FILE
from docktasks.containers.app_mount import APP_PATH, Checkout
from docktasks.errors import Skip
from docktasks.secret_patterns import SECRET_VARIABLE
from docktasks.verify.probes import app_files
from docktasks.verify.probes.in_container import read_file, run_in_node
from docktasks.verify.probes.vite_client import ViteClient, socket_errors
from docktasks.verify.probes.vite_leaks import ACCOUNTS, Canary, leaks_by_request, leaks_by_socket
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

ENV_ROW = re.compile(r"^\s*(?:export\s+)?(\w+)\s*=\s*(\S+)", re.MULTILINE)
FOR_PAGES = re.compile("VITE_(?!.*(?:SECRET|PASS|PRIVATE))")
"""Variables that Vite gives each page, such as a key of Firebase or Supabase: https://vite.dev/guide/env-and-mode."""
MIN_SECRET_CHARS = 6
OWN_FOLDER = "/usr/local/lib/hello-dock"
"""What invoke dev mounts for Vite."""
LOCAL_IMPORT = re.compile(r"""(?:from|import|require)\s*\(?\s*["'](\.[^"']+)["']""")
TEXTS = re.compile(r"""["'`](/[\w./@-]{1,60})["'`](?!\s*:)""")
"""Paths in a text of JavaScript, without keys, such as those of `proxy`, whose requests would reach an API."""
PARAMETERS = re.compile(r"""(?:get\(|query\.|query\[|params\.)["']?(\w+)""")


@check(
    "dev.leaks",
    "critical",
    fix="Update Vite, leave server.fs at its defaults, and remove the link or middleware that serves it",
)
def leaks(subject: Subject) -> Iterator[str]:
    """No address, link, middleware or socket gives a file outside the app, a .env, its secrets, or a file in .git."""
    app_dir, checkout = subject.project.settings.app_dir, Checkout.of(subject.project.app)
    canaries = [Canary(ACCOUNTS, read_file(subject.project.engine, subject.dev, ACCOUNTS))]
    head = checkout.root / ".git" / "HEAD"
    if head.is_file():
        canaries.append(Canary(f"{APP_PATH}/.git/HEAD", head.read_text(), "/.git/HEAD"))
    with ViteClient(subject.dev_url) as vite, contextlib.ExitStack() as stack:
        _ = vite.token  # read it first, because a server that gives files away may restart after that
        try:
            name, content = stack.enter_context(app_files.temporary_secret(app_dir))
            canaries.append(Canary(f"{checkout.workdir}/{name}", content, f"/{name}"))
            for canary in canaries:
                yield from leaks_by_request(vite, canary, canary.targets())
            others = [canary for canary in _others(subject) if canary.address or canary.path != ACCOUNTS]
            for canary in others:
                yield from leaks_by_request(vite, canary, canary.straight())
            mounts, parameters = _middleware(app_dir)
            for canary in (*canaries[:1], *others):
                for target in canary.below(mounts, parameters):
                    with contextlib.suppress(TimeoutError):  # the app's own middleware may wait for something
                        yield from leaks_by_request(vite, canary, [target])
        except OSError as error:
            raise Skip(str(error)) from error
        yield from _variables_in_modules(subject, vite)
        with contextlib.suppress(*socket_errors()):  # dev.hot-reload reports a missing socket
            for canary in canaries:
                yield from leaks_by_socket(vite, canary)


def _others(subject: Subject) -> list[Canary]:
    """Return a file of each folder of the container outside the app, and those to which links in the app lead."""
    rows = []
    with contextlib.suppress(Skip):  # the known files are asked for all the same
        rows = run_in_node(subject.project.engine, subject.dev, "list_files", APP_PATH, OWN_FOLDER)
    return [Canary(path, line, address) for path, line, address in rows]


def _middleware(app_dir: Path) -> tuple[list[str], list[str]]:
    """Return the paths and the names of parameters in the text of the app's own middleware, which may serve files."""
    queue = [file for file in app_dir.iterdir() if CONFIG_FILE.match(file.name)]
    texts: dict[Path, str] = {}
    while queue:
        file = queue.pop()
        if file in texts or not file.is_file():
            continue
        texts[file] = file.read_text(encoding="utf-8", errors="replace")
        for name in LOCAL_IMPORT.findall(texts[file]):
            queue += [(file.parent / f"{name}{suffix}").resolve() for suffix in ("", ".js", ".ts", ".mjs")]
    text = "\n".join(text for text in texts.values() if "middlewares" in text)
    return list(dict.fromkeys(TEXTS.findall(text))), list(dict.fromkeys(PARAMETERS.findall(text)))


def _variables_in_modules(subject: Subject, vite: ViteClient) -> Iterator[str]:
    """Yield the variables of .env files, with the name of a secret, and build.secrets that the page loads."""
    files = sorted(file for file in subject.project.settings.app_dir.glob(".env*") if file.is_file())
    rows = [row for file in files for row in ENV_ROW.findall(file.read_text(errors="replace"))]
    rows = [(name, value) for name, value in rows if SECRET_VARIABLE.search(name) and not FOR_PAGES.match(name)]
    secret_rows = {name: value.strip("'\"") for name, value in rows}
    values = {f"{name}, a secret of a .env file": value for name, value in secret_rows.items()}
    secrets = subject.project.settings.build.secrets
    values |= {f"{name}, one of build.secrets": subject.dev.environment.get(name, "") for name in secrets}
    for path in (vite.base, f"{vite.base}@vite/client", f"{vite.base}@vite/env", *vite.modules()):
        text = vite.module(path)
        for name, value in values.items():
            if len(value) >= MIN_SECRET_CHARS and value in text:
                yield f"{path}: it has the value of {name}"
