"""The containers, images and releases of production, and the commands with which `invoke run-prod` changes them."""

from __future__ import annotations

from typing import Any

from docktasks.app.project import Project
from docktasks.engine.models import Image
from docktasks.release import deploy
from docktasks.release.deploy import Deployment, RunOptions
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.runner import Runner

NAME = "hello-dock-prod"
ROLES = ("port", "candidate", "carry", "next", "previous")
HOLDER, CANDIDATE, CARRY, NEXT, PREVIOUS = (f"{NAME}-{role}" for role in ROLES)
HOLDER_PREVIOUS = f"{HOLDER}-previous"

BUILT = {"hello-dock.built-for": "hello-dock", "org.opencontainers.image.base.name": "nginx:stable-alpine"}


def image(digit: str) -> Image:
    """Return a build of the app whose release id is this hexadecimal digit, twelve times. The image's id is another."""
    return Image(image_id(digit), 20_000_000, tags=("hello-dock:prod",), labels=BUILT, release=digit * 12)


def image_id(digits: str) -> str:
    """Return the id of the image of a release whose id begins with these digits."""
    return f"sha256:{digits:0<64}"


IMAGES = {
    "node:lts-alpine": Image("sha256:" + "8" * 64, 150_000_000, tags=("node:lts-alpine",)),
    "nginx:stable-alpine": Image("sha256:" + "9" * 64, 12_000_000, tags=("nginx:stable-alpine",)),
    "hello-dock:prod": image("a"),
}
A, B, C = "a" * 12, "b" * 12, "c" * 12

# The commands of each part of a release of B after A, as Runner.verbs shows them.
GATE = [f"run {CANDIDATE}", f"rm {CANDIDATE}"]
BRIDGE = [f"carry add {B}"]
TAKE_NAME = [f"rename {NAME} {PREVIOUS}", f"rename {NEXT} {NAME}"]
SET_ASIDE = [f"rename {NAME} {PREVIOUS}", f"rename {HOLDER} {HOLDER_PREVIOUS}"]
BRING_UP = [f"run {HOLDER}", f"run {NAME}"]
DRAIN = [f"stop {PREVIOUS}", f"rm {PREVIOUS}"]
DELTAS = f"run {NAME}-carry"
RECORD = [f"tag {image('b').short_id} hello-dock:{B}", f"carry keep {B} {A}", DELTAS]


def add_build(engine: FakeEngine, digit: str) -> None:
    """Make a build of the app the newest one."""
    engine.add_image("hello-dock:prod", image(digit))


def deployed(
    engine: FakeEngine,
    settings: Settings,
    run: Runner | None = None,
    **options: Any,
) -> Deployment:
    """Run `invoke run-prod --no-build`. `options` are those of RunOptions."""
    return deploy.run_prod(Project(run or Runner(engine), engine, settings), RunOptions(build=False, **options))


def serve_a_build_b(engine: FakeEngine, settings: Settings) -> None:
    """Make release A serve, and release B the newest build."""
    deployed(engine, settings)
    add_build(engine, "b")


def container_ids(engine: FakeEngine) -> dict[str, str]:
    """Return the id of every container by name. A container that was replaced has another id."""
    return {name: container.id for name, container in engine.by_name.items()}


def is_whole(engine: FakeEngine) -> bool:
    """Return True if there are one port holder and one release that answers, and no other container."""
    listeners = [container.name for container in engine.listeners(8080)]
    return sorted(engine.by_name) == [NAME, HOLDER] and listeners == [NAME]
