from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from docktasks.app.project import Project
from docktasks.engine.dry_run import DryRunEngine
from docktasks.engine.models import Container, Image, Published
from docktasks.housekeeping import cleanup, status
from docktasks.output import Table
from docktasks.settings import Settings
from tests.unit.fakes import production
from tests.unit.fakes.engine import UNRELATED_CONTAINERS, FakeEngine, own_container
from tests.unit.fakes.runner import Runner

PUBLISHED: dict[str, Any] = {
    "published": (Published("127.0.0.1", 8080, 80),),
    "health": "healthy",
    "image_id": "sha256:0123456789abcdef",
}
UNPUBLISHED = PUBLISHED | {"published": ()}


def containers_table(settings: Settings, *containers: Container) -> Table:
    """Return the table of `invoke status` for an engine with these containers."""
    engine = FakeEngine(*containers)
    return status.containers_table(Project(Runner(engine), engine, settings))


def test_status_has_a_row_for_each_container_of_the_project(settings: Settings) -> None:
    """A row has name, state with health, address and release. Stopped containers have one, too."""
    holder = own_container(
        "prod", name="hello-dock-prod-port", published=PUBLISHED["published"], image_id="sha256:base"
    )
    dev = own_container("dev", state="exited", image_id="sha256:dev")
    release = own_container("prod", labels={"hello-dock.release": "0123456789ab"}, **PUBLISHED)
    table = containers_table(settings, release, holder, dev, *UNRELATED_CONTAINERS)
    assert table.titles == ("container", "state", "address", "release")
    assert table.rows == [
        ("hello-dock-dev", "exited", "-", "-"),
        ("hello-dock-prod", "running (healthy)", "http://127.0.0.1:8080", "0123456789ab"),
        ("hello-dock-prod-port", "running", "http://127.0.0.1:8080", "-"),
    ]


def test_status_names_the_downloads_that_all_projects_share(settings: Settings) -> None:
    """`invoke clean` keeps them, so the note says what removes them."""
    engine = FakeEngine(own_container("dev"))
    volume = f"hello-dock-shared-downloads-{os.geteuid()}"
    engine.unrelated_volumes = [volume]
    notes = status.containers_table(Project(Runner(engine), engine, settings)).notes
    assert notes == [f"Downloads of all projects: {volume}. To remove them: invoke clean --downloads"]


def test_status_shows_a_public_address(settings: Settings) -> None:
    """The row has what is bound, not only the address of this machine, and a warning says how it is reached."""
    published = (Published("0.0.0.0", 8080, 80),)  # noqa: S104 - read, not bound
    holder = own_container("prod", name="hello-dock-prod-port", published=published)
    table = containers_table(settings, own_container("prod", **PUBLISHED | {"published": published}), holder)
    assert [row[2] for row in table.rows] == ["0.0.0.0:8080", "0.0.0.0:8080"]
    assert table.warnings == [
        (
            "Others reach http://127.0.0.1:8080 (every address of this machine: 0.0.0.0:8080). "
            "Publish it for this machine only: invoke run-prod"
        )
    ]


@pytest.mark.parametrize(
    ("changes", "holder", "warning"),
    [
        ({}, "running", ""),
        ({"state": "exited"}, "running", "does not run. The port holder serves in its place."),
        ({"state": "exited"}, "exited", "does not run. No request is answered."),
        ({"state": "exited"}, "", "does not run. No request is answered."),
        ({"cut_off": True}, "running", "is cut off from its port holder. The port holder serves in its place."),
        ({"cut_off": True}, "", "is cut off from its port holder. No request is answered."),
        (None, "running", "is gone. The port holder serves in its place."),
        (None, "exited", "is gone. No request is answered."),
    ],
)
def test_status_warns_of_a_release_that_cannot_be_reached(
    settings: Settings, changes: dict[str, Any] | None, holder: str, warning: str
) -> None:
    """The warning says why, and whether the port holder serves. A release that is cut off looks healthy."""
    containers = (
        [own_container("prod", **PUBLISHED | {"name": "hello-dock-prod-port", "state": holder})] if holder else []
    )
    containers += [own_container("prod", **UNPUBLISHED | changes)] if changes is not None else []
    warnings = containers_table(settings, *containers).warnings
    assert warnings == ([f"hello-dock-prod {warning} Start it again: invoke run-prod"] if warning else [])


@pytest.mark.parametrize(
    ("containers", "warning"),
    [
        (
            [own_container("prod", **UNPUBLISHED | {"state": "paused"})],
            (
                "hello-dock-prod is paused, so requests get no answer. "
                "Continue it: docker container unpause hello-dock-prod"
            ),
        ),
        (
            [own_container("prod", **UNPUBLISHED | {"health": "unhealthy"})],
            "hello-dock-prod is unhealthy. Start a new container next to it: invoke run-prod",
        ),
        (
            [
                own_container("prod", **PUBLISHED),
                own_container("prod", name="mine"),
                own_container("prod", name="hello-dock-prod-next"),
            ],
            "Left by an interrupted task, or renamed: hello-dock-prod-next, mine. Clean up: invoke run-prod",
        ),
    ],
)
def test_status_warns_of_a_container_that_needs_attention(
    settings: Settings, containers: list[Container], warning: str
) -> None:
    """The warning says what to do about it."""
    holder = own_container("prod", **PUBLISHED | {"name": "hello-dock-prod-port"})
    assert containers_table(settings, holder, *containers).warnings == [warning]


@pytest.mark.parametrize(
    ("holder", "warning"),
    [
        (
            PUBLISHED | {"state": "paused"},
            (
                "hello-dock-prod-port is paused, so it cannot serve when the release ends. "
                "Continue it: docker container unpause hello-dock-prod-port"
            ),
        ),
        ({}, "hello-dock-prod-port has lost its port, so no request is answered. Repair it: invoke run-prod"),
    ],
)
def test_status_warns_of_a_port_holder_that_passes_on_nothing(
    settings: Settings, holder: dict[str, Any], warning: str
) -> None:
    """The release runs and looks healthy, but the port holder is paused, or was taken from its network by hand."""
    containers = [
        own_container("prod", **UNPUBLISHED),
        own_container("prod", **holder | {"name": "hello-dock-prod-port"}),
    ]
    assert containers_table(settings, *containers).warnings == [warning]


def test_status_without_containers_says_how_to_start_one(settings: Settings) -> None:
    """Containers of other projects do not count."""
    table = containers_table(settings, *UNRELATED_CONTAINERS)
    assert table.rows == []
    assert table.empty == "Nothing of hello-dock is running. Start it: invoke run-prod, or invoke dev"


def test_dry_status_shows_no_container(settings: Settings) -> None:
    """The engine of a dry run has containers for other tasks."""
    table = status.containers_table(Project(Runner(dry=True), DryRunEngine("hello-dock"), settings))
    assert (table.rows, table.empty) == ((), "Dry run: the engine was not asked what is running.")


@pytest.mark.parametrize("role", ["prod", "prod-port", "dev"])
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"restarts": 3}, "was restarted 3 times by Docker"),
        ({"restarts": 1, "out_of_memory": True}, "was restarted 1 time by Docker, ran out of memory"),
        (
            {"restarts": 9, "state": "restarting", "exit_code": 1},
            "was restarted 9 times by Docker, ends again and again, ended with exit code 1",
        ),
        ({"state": "exited", "exit_code": 137, "out_of_memory": True}, "ran out of memory, ended with exit code 137"),
    ],
)
def test_status_says_how_a_container_ended(settings: Settings, role: str, changes: dict[str, Any], words: str) -> None:
    """A release, a port holder or a dev container that Docker restarts looks well between two ends."""
    name = f"hello-dock-{role}"
    container = own_container("dev" if role == "dev" else "prod", name=name, **changes)
    warnings = containers_table(settings, container).warnings
    assert f"{name} {words}. See why: docker container logs {name}" in warnings


DIRTY = {
    "org.opencontainers.image.revision": f"0a1b2c3d4e5f{'0' * 28}-dirty",
    "org.opencontainers.image.version": "1.2.0",
}


@pytest.mark.parametrize(
    ("labels", "source"),
    [
        (DIRTY, "1.2.0, commit 0a1b2c3d4e5f-dirty of 2026-11-22 08:09 UTC"),
        ({}, "no version, no commit, built 2026-11-22 08:09 UTC"),
    ],
)
def test_status_says_what_the_release_was_built_from(
    engine: FakeEngine, settings: Settings, labels: dict[str, str], source: str
) -> None:
    """The time in an image is the commit's, so it is called so. When the release was deployed, its container tells."""
    image = replace(production.image("a"), labels=production.BUILT | labels, created="2026-11-22T08:09:10.5Z")
    engine.add_image("hello-dock:prod", image)
    production.deployed(engine, settings)
    engine.by_name["hello-dock-prod"] = replace(engine.by_name["hello-dock-prod"], created="2026-11-23T14:20:00Z")
    table = status.containers_table(Project(Runner(engine), engine, settings))
    assert table.notes == [f"Release {production.A}: {source}", "Deployed: 2026-11-23 14:20 UTC"]


def test_releases_are_listed_with_the_latest_first(engine: FakeEngine, settings: Settings) -> None:
    """A row has id, version, commit with -dirty, the time of the release, and size. The current one is marked."""
    labels = production.BUILT | DIRTY
    for letter, image_labels in (("a", production.BUILT), ("b", labels)):
        image = replace(production.image(letter), labels=image_labels, created="2026-11-22T08:09:10.5Z")
        engine.add_image("hello-dock:prod", image)
        production.deployed(engine, settings)
    table = status.releases_table(Project(Runner(engine), engine, settings))
    assert table.titles == ("release", "version", "commit", "released (UTC)", "size", "")
    assert table.rows == [
        (production.B, "1.2.0", "0a1b2c3d4e5f-dirty", "2026-11-23 14:20", "20.0 MB", "current"),
        (production.A, "no version", "no commit", "2026-11-23 14:20", "20.0 MB", ""),
    ]


def test_releases_are_listed_when_nothing_runs(engine: FakeEngine, settings: Settings) -> None:
    """None of them is the current one, and each can be rolled back to."""
    production.deployed(engine, settings)
    project = Project(Runner(engine), engine, settings)
    cleanup.stop(project)
    assert [row[-1] for row in status.releases_table(project).rows] == [""]


def test_releases_of_a_project_without_any_say_how_to_release(settings: Settings) -> None:
    """An image that was built and never released is not a release."""
    engine = FakeEngine(images={"prod": Image("sha256:1", tags=("hello-dock:prod",), labels=production.BUILT)})
    table = status.releases_table(Project(Runner(engine), engine, settings))
    assert (table.rows, table.empty) == ([], "No release of hello-dock is kept. Release it: invoke run-prod")


def test_dry_list_of_releases_shows_none(settings: Settings) -> None:
    """The engine of a dry run is not asked."""
    table = status.releases_table(Project(Runner(dry=True), DryRunEngine("hello-dock"), settings))
    assert (table.rows, table.empty) == ((), "Dry run: the engine was not asked for releases.")
