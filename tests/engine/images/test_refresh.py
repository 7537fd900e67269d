"""A base image that is old, and its registry on this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from benchmarks.local_registry import LocalRegistry
from docktasks.engine.client import DockerEngine
from docktasks.images.build import BASE_LABEL
from tests.support.commands import clean_environ, docker, run_command
from tests.support.long_forms import long
from tests.support.project import ProjectUnderTest

DAY_S = 86_400
GENERATION = "harbour.generation"


@pytest.fixture(scope="module")
def base(built_project: ProjectUnderTest, registry: LocalRegistry) -> Iterator[str]:
    """The name of a base image with nginx. Every image that had the name is removed afterwards."""
    repository = f"{registry.address}/nginx"
    yield f"{repository}:stable-alpine"
    images = docker("image", "ls", "--quiet", repository).split()
    run_command(["docker", "image", "rm", "--force", *dict.fromkeys(images)], built_project.checkout, clean_environ())


def build_base(project: ProjectUnderTest, base: str, generation: int, age_days: int) -> str:
    """Build an image of this age under the base image's name, and return its id."""
    image = project.engine.image(project.image)
    assert image is not None
    epoch = f"SOURCE_DATE_EPOCH={int(time.time()) - age_days * DAY_S}"
    stdin = f"FROM {image.labels[BASE_LABEL]}\nLABEL {GENERATION}={generation}\nRUN : {generation}\n"
    docker("image", "build", "--quiet", "--build-arg", epoch, "--tag", base, "-", stdin=stdin)
    built = project.engine.image(base)
    assert built is not None
    return built.id


@pytest.fixture
def old_base(built_project: ProjectUnderTest, registry: LocalRegistry, base: str) -> str:
    """An image of 40 days, pushed once. Its registry has a newer one under its name now."""
    with suppress(OSError):
        registry.stop()
    registry.start()
    old_id = build_base(built_project, base, 1, age_days=40)
    docker("image", "push", "--quiet", base)
    build_base(built_project, base, 2, age_days=1)
    docker("image", "push", "--quiet", base)
    docker("image", "tag", old_id, base)
    return base


def generation(engine: DockerEngine, reference: str) -> str:
    """Which of the two base images an image is, or was built on: its label is inherited."""
    image = engine.image(reference)
    assert image is not None
    return image.labels[GENERATION]


def build(project: ProjectUnderTest, base: str, **settings: str) -> str:
    """Build the production image on the base image, and return what the task prints."""
    return project.succeeds("build-prod", INVOKE_BASES_NGINX_IMAGE=base, **settings)


def test_build_takes_the_newer_image_of_the_registry_once(built_project: ProjectUnderTest, old_base: str) -> None:
    """One line says so. The next build neither pulls nor says anything."""
    output = build(built_project, old_base)
    assert f"! {old_base} was 40 days old, so a newer one was pulled" in output
    assert generation(built_project.engine, built_project.image) == "2"
    assert old_base.partition("/")[2] not in "".join(
        line for line in build(built_project, old_base).splitlines() if line.startswith("!")
    )


@pytest.mark.parametrize("max_age", [long("0"), "40", long("365")])
def test_image_that_is_not_older_than_the_setting_stays(
    built_project: ProjectUnderTest, old_base: str, max_age: str
) -> None:
    """0 switches the question off."""
    assert "days old" not in build(built_project, old_base, INVOKE_BASES_MAX_AGE=max_age)
    assert generation(built_project.engine, old_base) == "1"


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "unauthorized"),
        long(0, "does not answer within 5 s"),
        long(403, "denied"),
        long(429, "toomanyrequests"),
        long(500, "500"),
    ],
)
def test_build_goes_on_with_the_local_image_when_the_registry_refuses_or_is_silent(
    built_project: ProjectUnderTest, registry: LocalRegistry, old_base: str, status: int, reason: str
) -> None:
    """The reason is in one line. The build succeeds."""
    with registry.replaced_by(status):
        output = build(built_project, old_base)
    (notice,) = [line for line in output.splitlines() if line.startswith(f"! {old_base}")]
    assert f"{old_base} is 40 days old, and was not refreshed: the registry" in notice
    assert reason in notice.lower()
    assert generation(built_project.engine, built_project.image) == "1"


def test_build_goes_on_with_the_local_image_when_no_registry_runs(
    built_project: ProjectUnderTest, registry: LocalRegistry, old_base: str
) -> None:
    """No stand-in is built for an image that is here."""
    registry.stop()
    output = build(built_project, old_base)
    assert "connection refused" in output
    assert "stand-in for 127.0.0.1" not in output
    assert generation(built_project.engine, built_project.image) == "1"


@pytest.mark.long  # the registry is asked in the first test
def test_image_made_by_hand_stays(built_project: ProjectUnderTest, old_base: str) -> None:
    """The registry has another image under its name, and does not know this one."""
    image_id = build_base(built_project, old_base, 3, age_days=90)
    output = build(built_project, old_base)
    assert "pulled" not in output
    image = built_project.engine.image(old_base)
    assert image is not None
    assert image.id == image_id
