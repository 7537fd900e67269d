"""The life of production, in few words: images, and what `invoke run-prod` and its like come to."""

from __future__ import annotations

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
    """A build of the app, whose release is called by that hexadecimal digit, twelve times."""
    return Image(f"sha256:{digit * 64}", 20_000_000, tags=("hello-dock:prod",), labels=BUILT)


IMAGES = {
    "node:lts-alpine": Image("sha256:" + "8" * 64, 150_000_000, tags=("node:lts-alpine",)),
    "nginx:stable-alpine": Image("sha256:" + "9" * 64, 12_000_000, tags=("nginx:stable-alpine",)),
    "hello-dock:prod": image("a"),
}
A, B, C = "a" * 12, "b" * 12, "c" * 12


def build(engine: FakeEngine, digit: str) -> None:
    """Have another build of the app be the newest one."""
    engine.add_image("hello-dock:prod", image(digit))


def deployed(
    engine: FakeEngine, settings: Settings, run: Runner | None = None, *, public: bool = False, environment: str = ""
) -> Deployment:
    """What `invoke run-prod --no-build` comes to."""
    wanted = RunOptions(build=False, public=public, environment=environment)
    return deploy.run_prod(Project(run or Runner(engine), engine, settings), wanted)


def serving(engine: FakeEngine, settings: Settings) -> None:
    """One release serves, which is called by an `a`, and another has been built, which is called by a `b`."""
    deployed(engine, settings)
    build(engine, "b")


def ids(engine: FakeEngine) -> dict[str, str]:
    """The id of every container, by name: the same ones as before were not touched."""
    return {name: container.id for name, container in engine.by_name.items()}
