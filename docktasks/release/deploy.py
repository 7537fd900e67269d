"""Deployments: the newest build is run, or an earlier release again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from docktasks.app import runtime_config
from docktasks.app.project import Project
from docktasks.background import in_background
from docktasks.containers import networks, startup
from docktasks.containers.ports import Bind, free_bind, require_free
from docktasks.engine.models import Container
from docktasks.engine.protocol import Engine
from docktasks.errors import StartError
from docktasks.images import base_images
from docktasks.labels import CONFIG_HASH_LABEL
from docktasks.release import build as release_build
from docktasks.release import history, kept_files, production, recovery, run_args
from docktasks.release.build import Build
from docktasks.release.run_args import Release
from docktasks.roles import PROD

PUBLIC = "--public: everyone who reaches this machine reaches the app."
UNCHECKED = "--no-gate: this release was not checked before it took over. Check it now: invoke verify"


@dataclass(frozen=True)
class RunOptions:
    """What the user chose. An empty `page_config` removes the page's configuration, None keeps it.

    `image` is the name of an image in a registry, which is run in place of a build. Without the `gate` a release takes
    over unchecked. With `force_recreate` a container with the same image and settings is replaced, too: somebody may
    have changed it since.
    """

    build: bool = True
    public: bool = False
    page_config: str | None = None
    gate: bool = True
    image: str = ""
    force_recreate: bool = False


@dataclass(frozen=True)
class Deployment:
    """A build that serves at `url`, which is empty under --dry. `unchanged` is True if it was serving before.

    `notices` are sentences for the user about how it runs; those about the build itself are in `build`.
    """

    build: Build
    url: str
    unchanged: bool = False
    notices: tuple[str, ...] = ()


def run_prod(project: Project, options: RunOptions) -> Deployment:
    """Build the production image, if that was chosen, and make it serve without losing a request. Raises DockError."""
    with project.lock():
        networks.require_api_network(project)
        try:
            require_free(project, PROD, Bind(project.settings.prod.host_port, options.public))
            if options.image:
                build = release_build.pulled_build(project, options.image)
            else:
                build = release_build.build_prod(project) if options.build else release_build.latest_build(project)
        finally:  # also after a failed build, because an interrupted task may have left nothing serving
            recovery.recover(project)
        current = production.current_bind(project)
        bind = _bind(project, current, public=options.public)
        if current and current.public and not bind.public:
            project.progress.note("Without --public, only this machine reaches the app from now on.")
        return _deploy(project, build, bind, options)


def _bind(project: Project, current: Bind | None, *, public: bool) -> Bind:
    """Return the address to publish. A project whose port is a default keeps the current one."""
    if current and PROD.name in project.settings.default_ports:
        return replace(current, public=public)
    return free_bind(project, PROD, Bind(project.settings.prod.host_port, public))


def roll_back(project: Project, to: str, *, gate: bool = True) -> Deployment:
    """Deploy an earlier release again, with the configuration in force and the address of the current one.

    `to` is the beginning of its id; if it is empty, the release before the current one is taken. Without the `gate` it
    takes over unchecked. Raises DockError.
    """
    with project.lock():
        networks.require_api_network(project)
        interrupted = recovery.recover(project)
        current = startup.own_container(project, "prod")
        if current and not to:
            _require_recorded(project.engine, current, interrupted=interrupted)
        image = history.rollback_target(project, current.release if current else "", to)
        bind = production.current_bind(project) or free_bind(project, PROD, Bind(project.settings.prod.host_port))
        return _deploy(project, release_build.build_of(project, image), bind, RunOptions(gate=gate))


def _require_recorded(engine: Engine, current: Container, *, interrupted: bool) -> None:
    """Refuse to guess the release before the current one after an interrupted task: it may be the one to get rid of."""
    if interrupted or (current.serves and not history.is_recorded(engine, current)):
        raise StartError(
            f"An earlier task was interrupted, and release {current.release} serves now.",
            "The release before it may not be the one that you mean.",
            "Name the release: invoke releases, then invoke rollback --to=RELEASE",
        )


def _deploy(project: Project, build: Build, bind: Bind, options: RunOptions) -> Deployment:
    """Make a build serve at an address."""
    current = startup.own_container(project, "prod")
    before = history.page_config(project, build.image)
    release = Release(build.image, before if options.page_config is None else options.page_config)
    names = project.settings.prod.runtime_env
    notices = (
        *([PUBLIC] if bind.public else []),
        *runtime_config.changes(before, options.page_config),
        *runtime_config.missing(release.page_config, names),
    )
    if current and not options.force_recreate and _serves_already(project, current, release, bind):
        recorded = in_background(lambda: history.is_recorded(project.engine, current))
        url = startup.await_serving(project, "prod")
        if not recorded():  # its task was interrupted
            history.bridge_assets(project, release)
            with _recorded(project, release):
                pass
        return Deployment(build, url, unchanged=True, notices=notices)
    if options.force_recreate:
        history.restore_assets(project, release.id)
    from docktasks.release import swap  # it loads the checks, which are not needed if nothing changes

    url = swap.deploy(project, release, bind, gate=options.gate)
    with _recorded(project, release):
        line, lost = kept_files.report(project, url, release.id) if url else ("", "")
    if line:
        project.progress(line)
    own = filter(None, ("" if options.gate else UNCHECKED, lost))
    of_api = (*networks.api_notices(project.settings), *networks.https_notices(project))
    notices = (*notices, *own, *of_api, *_machine_notices(project.engine, release))
    return Deployment(build, url, notices=notices)


def _serves_already(project: Project, current: Container, release: Release, bind: Bind) -> bool:
    """Return True if the current container serves this release at this address, and is not unhealthy."""
    if not current.serves or current.health == "unhealthy" or not production.holds(project, bind):
        return False
    config_hash = run_args.config_hash(project.settings, release, project.engine.api)
    return current.labels.get(CONFIG_HASH_LABEL) == config_hash


@contextmanager
def _recorded(project: Project, release: Release) -> Iterator[None]:
    """Record that a release serves, and make its deltas while the block runs."""
    earlier, removed = history.record_release(project, release)
    if removed:
        retained = project.settings.prod.retain_releases
        project.progress(f"removed releases beyond the last {retained}: {', '.join(removed)}")
    wait_for_deltas = in_background(lambda: _make_deltas(project) if earlier else None)
    try:
        yield
    finally:
        wait_for_deltas()


def _make_deltas(project: Project) -> None:
    """Make the deltas, by which a browser with a file of a kept release downloads less of this one (nginx/deltas.mjs).

    A failure is only a notice. The base image with node has zstd. A machine that runs images of a registry may lack it,
    and makes none.
    """
    node = base_images.local(project, "node")
    if node is None:
        return
    result = project.run(run_args.delta_args(project.settings, node.reference), quiet=True)
    if not result.ok:
        project.progress.note(f"There are no deltas, so visitors who return load whole files: {result.tail(1)}")
    elif result.output.strip():
        project.progress(f"made {result.tail(1)}")


def _machine_notices(engine: Engine, release: Release) -> Iterator[str]:
    """Say what this machine lacks to replace a release without losing a request, and to keep the limits."""
    if engine.limit_support.unsupported:
        reason = " (a rootless engine needs cgroup v2 and systemd for that)" if engine.rootless else ""
        limits = ", ".join(engine.limit_support.unsupported)
        yield f"This engine cannot limit {limits}{reason}: the release runs without these limits."
    if engine.kernel < run_args.MIGRATE_KERNEL:
        yield "This kernel is older than 5.14: replacing a release resets the connections that wait for it."
    version = release.image.environment.get("NGINX_VERSION", "")
    numbers = tuple(int(part) for part in version.split("-")[0].split(".") if part.isdigit())
    if numbers and numbers < run_args.MIN_TIMEOUT_NGINX:
        yield f"nginx {version} is older than 1.27.4: replacing a release can lose requests on idle connections."
