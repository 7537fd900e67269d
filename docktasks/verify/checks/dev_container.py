"""What the dev container may do on this machine, by its options and as the kernel shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from docktasks.app import inputs
from docktasks.app.manifest import entries
from docktasks.containers import networks
from docktasks.containers.app_mount import APP_PATH, Checkout, user_for
from docktasks.containers.run_args import hardening_args
from docktasks.errors import Skip
from docktasks.roles import DEV
from docktasks.verify.checks.container import processes
from docktasks.verify.checks.container.hardening import shares_processes
from docktasks.verify.probes import app_files, in_container
from docktasks.verify.probes.options import LOADS_CODE, differences, expected_config
from docktasks.verify.probes.vite_client import ViteClient
from docktasks.verify.registry import Minor, check
from docktasks.verify.subject import Subject

MAX_FOREIGN_FILES = 20
HMR_PORT = re.compile(r"hmrPort = (\d+)")
"""Where Vite's client finds the socket of updates, if server.hmr.port names another port."""
OWN_OPTIONS = "|".join(
    [
        rf"Mounts {APP_PATH}/(?:.*/)?node_modules=volume .* rw",
        rf"Mounts {APP_PATH}/\.(?:git|pnp\.[\w.]+)=bind /dev/null ro",
        r"Mounts (?:/usr/local/lib/hello-dock/.*|/run/secrets/https)=bind .* ro",
        r"Env NODE_OPTIONS=--require=/usr/local/lib/hello-dock/node/vite/preload\.cjs",
        r"Env (?:\w+_(?:PROXY|proxy)|REVISION|(?:NO|FORCE)_COLOR|CHOKIDAR_USEPOLLING|HELLO_DOCK_\w+)=.*",
        rf"Env NODE_COMPILE_CACHE={APP_PATH}/node_modules/.*",
        r"(?:Command|WorkingDir) .*",
    ]
)
"""What invoke dev adds: the packages, Vite's options, variables of our own, and the app's own script."""


@check("dev.loopback", "critical", fix="Publish on 127.0.0.1, as invoke dev does")
def loopback(subject: Subject) -> Iterator[str]:
    """The port is published only on the loopback address."""
    yield from in_container.public_addresses(subject.dev)


@check(
    "dev.network",
    "critical",
    fix="Start it again: invoke stop --role=dev, invoke dev. Let another server listen on 127.0.0.1",
)
def network(subject: Subject) -> Iterator[str]:
    """The container has a network of its own, in which other containers do not reach it, and only Vite listens."""
    yield from networks.faults(subject.project, subject.dev, DEV)
    if subject.has("container"):
        visitor, dev = subject.container.name, networks.without_api(subject.dev, subject.project.settings)
        if reached := networks.reached_address(subject.project.engine, visitor, dev, DEV.container_port):
            yield f"{visitor} reaches it at {reached}"
    yield from map(Minor, _listeners(subject))


def _listeners(subject: Subject) -> Iterator[str]:
    """Yield what else listens in it. A server that only the container itself reaches may be the app's API."""
    _, sockets = processes.look(subject.project.engine, subject.dev)
    others = [socket for socket in sockets if socket.state == processes.LISTENING and not socket.own[0].is_loopback]
    others = [socket for socket in others if socket.own[1] != DEV.container_port]
    if others:
        with ViteClient(subject.dev_url) as vite:
            hot_reload = set(map(int, HMR_PORT.findall(vite.module(f"{vite.base}@vite/client"))))
        for socket in others:
            address, port = socket.own
            if port not in hot_reload:
                yield f"a socket listens on {address}, port {port} ({socket.kind}), next to port {DEV.container_port}"


PACKAGES_FIX = (
    "Start it again: invoke stop --role=dev, then invoke dev. If that does not help, its volume was damaged: remove the"
    " one whose name has -modules- (docker volume ls, docker volume rm), and start it again"
)


@check("dev.packages", "major", fix=PACKAGES_FIX)
def packages(subject: Subject) -> Iterator[str]:
    """The installed packages have the versions of the lock file, and none that package.json names is missing."""
    app, checkout = subject.project.app, Checkout.of(subject.project.app)
    lock = app.package_manager.lock
    path = app.root / lock if lock else None
    named = app_files.locked(path, app.package_manager.name) if path else set[tuple[str, str]]()
    if path is None or not named:
        raise Skip("the app has no lock file that can be read")
    text = path.read_text(encoding="utf-8", errors="replace")
    folders = [f"{APP_PATH}/{folder}" for folder in checkout.modules]
    rows = in_container.run_in_node(subject.project.engine, subject.dev, "list_packages", *folders)
    for folder, name, version in rows:
        versions = sorted(other for other_name, other in named if other_name == name)
        # What comes from an archive or a repository has an address in place of a version.
        is_elsewhere = re.search(rf"(?<![\w/-]){re.escape(name)}@(?!npm:)[a-z+]+:", text)
        if version and not is_elsewhere and version not in versions:
            line = f"{version} is installed, and the lock file has {' and '.join(versions) or 'no such package'}"
            yield f"{folder}: {line}"
    installed = {folder.rpartition("/node_modules/")[2] for folder, _, _ in rows}
    named_in_manifest = entries(app.manifest, "dependencies", "devDependencies")
    yield from (f"{name}: it is not installed" for name in named_in_manifest if rows and name not in installed)


@check("dev.unprivileged", "major", fix="Start it by invoke dev: as the owner, --cap-drop ALL, no-new-privileges")
def unprivileged(subject: Subject) -> Iterator[str]:
    """The main process has no capability, and a filter of calls. It is root only if root owns the checkout."""
    config = subject.project.engine.container_config(subject.dev.name)
    process = "self" if shares_processes(config) else "1"
    text = in_container.read_file(subject.project.engine, subject.dev, f"/proc/{process}/status")
    status = in_container.process_status(text)
    owner = user_for(subject.project.engine, subject.project.settings.app_dir).partition(":")[0]
    if "0" in status["Uid"].split() and owner != "0":
        yield f"--user is root: uids {', '.join(status['Uid'].split())}; the checkout belongs to uid {owner}"
    yield from in_container.privilege_faults(status, config)


@check("dev.options", "critical", fix="Start it by invoke dev, without an option of Docker that a line names")
def options(subject: Subject) -> Iterator[str]:
    """It has the options of invoke dev only: it shares the checkout with the host, and nothing else."""
    project, config = subject.project, subject.project.engine.container_config(subject.dev.name)
    expected = expected_config(project, subject.dev.image_id, hardening_args(project.settings), DEV.name)
    checkout = f"Mounts {APP_PATH}=bind {re.escape(str(Checkout.of(project.app).root))} rw"
    names = [re.escape(name) for name in inputs.names(project.settings, {})]
    names += [rf"{re.escape(prefix)}\w*" for prefix in project.settings.build.env_prefixes]
    variables = rf"Env (?!(?:{LOADS_CODE})=)(?:{'|'.join(names) or '(?!)'})=.*"
    yield from differences(config.options, expected.options, f"{checkout}|{OWN_OPTIONS}|{variables}")


@check("dev.file-owners", "major", fix="Change the owner back (sudo chown -R), and start the container by invoke dev")
def file_owners(subject: Subject) -> Iterator[str]:
    """Every file in the app's folder has the owner of the folder. What is in node_modules does not count."""
    app_dir = subject.project.settings.app_dir
    owner = app_dir.stat().st_uid
    yield from islice(app_files.files_of_others(app_dir, owner), MAX_FOREIGN_FILES)
