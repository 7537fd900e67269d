"""What is released: built, run, rolled back. How one release takes another's place is in swap.py."""

from __future__ import annotations

from dataclasses import dataclass, replace

from docktasks.app import git
from docktasks.app.project import Project
from docktasks.containers import roles, startup
from docktasks.containers.ports import Bind
from docktasks.containers.roles import HOLDER
from docktasks.engine.models import Container, Image
from docktasks.engine.protocol import Engine
from docktasks.errors import StartError
from docktasks.images import base_images
from docktasks.images import build as images_build
from docktasks.progress import Progress
from docktasks.release import history, run_args
from docktasks.release.run_args import Release
from docktasks.release.swap import Production


@dataclass(frozen=True)
class Deployment:
    """What a task did: the image, what it adds to its base (both in bytes), and where it serves.

    `unchanged` says that it was running already; `notices` are what the user should know, such as a base image that was
    stood in for.
    """

    image: Image
    added: int
    url: str = ""
    unchanged: bool = False
    notices: tuple[str, ...] = ()


def build(project: Project) -> Deployment:
    """Build the production image. Raises AppError, BaseImageError, BuildError."""
    project.app.first_script("build")
    origin = git.source(project.app, project.settings)
    node = base_images.resolve(project, "node")
    nginx = base_images.resolve(project, "nginx")
    given = images_build.prod_build(project.settings, node.reference, nginx.reference, origin)
    made = images_build.build(project, "prod", given)
    base = project.engine.image(nginx.reference)
    standins = tuple(found.notice for found in (node, nginx) if found.notice)
    return Deployment(made, made.size - base.size if base else 0, notices=(*standins, *project.app.lock_notices))


@dataclass(frozen=True)
class RunOptions:
    """How a release shall run: whether it is built first, who may reach it, and what it is configured with (JSON)."""

    build: bool = True
    public: bool = False
    environment: str = ""


def run_prod(project: Project, wanted: RunOptions) -> Deployment:
    """Build (unless told not to), then put the image to work on prod.host_port; what already serves, serves on.

    Raises ConflictError or StartError when it cannot; the release that served before then serves on.
    """
    with project.lock():
        production = Production(project, Progress(silent=project.dry))
        try:
            outcome = build(project) if wanted.build else _built(project)
        finally:  # a build that fails, too, must not leave what an interrupted run took down
            production.recover()
        release = Release(outcome.image, wanted.environment)
        if wanted.build:
            production.steps(f"built {project.settings.image('prod')}, release {release.id}")
        if not wanted.environment and history.environment(
            project.engine, production.container(), production.container(HOLDER)
        ):
            forgets = "The page was configured by --env before, and is not now. To keep that, give it again."
            outcome = replace(outcome, notices=(*outcome.notices, forgets))
        return _deploy(production, release, Bind(project.settings.prod.host_port, wanted.public), outcome)


def roll_back(project: Project, to: str) -> Deployment:
    """Release an earlier image again, the one before the current where `to` names none, configured as the current is.

    Raises StartError when there is no such release.
    """
    with project.lock():
        production = Production(project, Progress(silent=project.dry))
        settled = production.recover()
        current = production.container()
        if current and current.serves and not history.is_recorded(project.engine, current):
            settled = True
        if settled and current and not to:  # "the one before" may by now be the one that was to be left
            raise StartError(
                f"Another task had been interrupted: release {current.release} serves now.",
                "Which release is the one before is not what it was when that task began.",
                "Name the one to go to: invoke releases, then invoke rollback --to=RELEASE",
            )
        image = history.rollback_target(project, current.release if current else "", to.removeprefix("sha256:"))
        environment = history.environment(project.engine, current, production.container(HOLDER))
        bind = production.bind or Bind(project.settings.prod.host_port)
        return _deploy(production, Release(image, environment), bind, _outcome(project.engine, image))


def _deploy(production: Production, release: Release, bind: Bind, outcome: Deployment) -> Deployment:
    project = production.project
    current = production.container()
    if current and _is_wanted(production, current, release, bind):
        url = startup.await_serving(project, "prod")
        if not history.is_recorded(project.engine, current):  # whoever started it was interrupted after that
            history.bridge_assets(project, release)
            _remember(production, release)
        return replace(outcome, url=url, unchanged=True)
    url = production.deploy(release, bind)
    _remember(production, release)
    return replace(outcome, url=url, notices=(*outcome.notices, *_limits(project.engine, release)))


def _remember(production: Production, release: Release) -> None:
    forgotten = history.record_release(production.project, release)
    if forgotten:
        retained = production.project.settings.prod.retain_releases
        production.steps(f"removed releases beyond the last {retained}: {', '.join(forgotten)}")


def _is_wanted(production: Production, current: Container, release: Release, bind: Bind) -> bool:
    """True when the current release is this one, where it shall be, and well."""
    if not current.serves or current.health == "unhealthy" or production.bind != bind:
        return False
    wanted = run_args.config_hash(production.project.settings, release, production.project.engine.api)
    return current.labels.get(roles.CONFIG_HASH_LABEL) == wanted


def _limits(engine: Engine, release: Release) -> list[str]:
    """What this machine lacks for a replacement without loss, and for the settings to be kept."""
    notices = []
    if engine.limit_support.unsupported:
        why = " (rootless, it takes cgroup v2 and systemd)" if engine.rootless else ""
        notices.append(
            f"This engine cannot limit {', '.join(engine.limit_support.unsupported)}{why}: the release runs without."
        )
    if engine.kernel < run_args.MIGRATE_KERNEL:
        notices.append(
            "This kernel is older than 5.14: connections that wait while a release closes its socket are reset."
        )
    nginx = release.image.environment.get("NGINX_VERSION", "")
    numbers = tuple(int(part) for part in nginx.split("-")[0].split(".") if part.isdigit())
    if numbers and numbers < run_args.MIN_TIMEOUT_NGINX:
        notices.append(
            f"nginx {nginx} is older than 1.27.4: replaced, it closes idle connections while requests are on their way."
        )
    return notices


def _built(project: Project) -> Deployment:
    made = project.engine.image(project.settings.image("prod"))
    if made is None:
        raise StartError(
            f"There is no image {project.settings.image('prod')}.",
            "--no-build runs the one that was built last.",
            "Build it: invoke build-prod",
        )
    return _outcome(project.engine, made)


def _outcome(engine: Engine, image: Image) -> Deployment:
    named = image.labels.get(images_build.BASE_LABEL)
    base = engine.image(named) if named else None
    return Deployment(image, image.size - base.size if base else 0)
