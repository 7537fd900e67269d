"""How an interrupted task, or a change by hand, is put right by the next task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from docktasks.app.project import Project
from docktasks.engine.models import Container, Published
from docktasks.progress import Progress
from docktasks.release import recovery
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.production import (
    CANDIDATE,
    CARRY,
    DRAIN,
    GATE,
    HOLDER,
    NAME,
    NEXT,
    PREVIOUS,
    A,
    add_build,
    deployed,
    image_id,
    is_whole,
    serve_a_build_b,
)
from tests.unit.fakes.runner import Runner


def release_container(name: str) -> Container:
    """Return a running container of release A under this name."""
    return own_container("prod", name=name, health="healthy", image_id=image_id("a"))


def stop_release(engine: FakeEngine) -> None:
    """`docker container stop` of the release."""
    engine.apply(["docker", "container", "stop", NAME])


def stop_both(engine: FakeEngine) -> None:
    """`docker container stop` of the release and its port holder."""
    stop_release(engine)
    engine.apply(["docker", "container", "stop", HOLDER])


def stop_holder(engine: FakeEngine) -> None:
    """`docker container stop` of the port holder; the release runs on, but cannot be reached."""
    engine.apply(["docker", "container", "stop", HOLDER])


def restart_holder(engine: FakeEngine) -> None:
    """The port holder died, and Docker restarted it with a new network."""
    engine.apply(["docker", "container", "restart", HOLDER])


def remove_holder(engine: FakeEngine) -> None:
    """`docker container rm` of the port holder."""
    engine.apply(["docker", "container", "rm", "--force", HOLDER])


def remove_release(engine: FakeEngine) -> None:
    """`docker container rm` of the release."""
    engine.apply(["docker", "container", "rm", "--force", NAME])


@pytest.mark.parametrize("newer", [False, True], ids=["the same release", "a newer one"])
@pytest.mark.parametrize(
    ("accident", "verbs"),
    [
        (stop_release, [f"restart {NAME}"]),
        (stop_both, [f"restart {HOLDER}", f"restart {NAME}"]),
        (stop_holder, [f"restart {HOLDER}", f"restart {NAME}"]),
        (restart_holder, [f"restart {NAME}"]),
        (remove_holder, [*GATE, f"rm {NAME}", f"run {HOLDER}", f"run {NAME}"]),
        (remove_release, GATE),
    ],
)
def test_run_prod_revives_what_was_taken_down_by_hand(
    engine: FakeEngine, settings: Settings, accident: Callable[[FakeEngine], None], verbs: list[str], *, newer: bool
) -> None:
    """The current release serves again first; a newer one then replaces it as usual."""
    deployed(engine, settings)
    accident(engine)
    assert engine.listeners(8080) == []
    if newer:
        add_build(engine, "b")
    run = Runner(engine)
    deployed(engine, settings, run)
    assert [verb for verb in run.verbs if not verb.startswith("carry add")][: len(verbs)] == verbs
    assert is_whole(engine)


@pytest.mark.parametrize(
    ("names", "verbs"),
    [
        ([NAME], []),
        ([NAME, CANDIDATE], [f"rm {CANDIDATE}"]),
        ([NAME, CARRY], [f"rm {CARRY}"]),
        ([NAME, NEXT], [f"stop {NEXT}", f"rm {NEXT}"]),
        ([NAME, PREVIOUS], DRAIN),
        ([NEXT, PREVIOUS], [f"rename {NEXT} {NAME}", *DRAIN]),
        ([PREVIOUS], [f"rename {PREVIOUS} {NAME}"]),
        ([NEXT], [f"rename {NEXT} {NAME}"]),
        ([CANDIDATE], [f"rm {CANDIDATE}"]),
    ],
)
def test_recover_completes_or_undoes_a_killed_swap(
    engine: FakeEngine, settings: Settings, names: list[str], verbs: list[str]
) -> None:
    """A swap is undone if the new release had not answered yet, and completed if it had."""
    deployed(engine, settings)
    holder = engine.by_name[HOLDER]
    engine.by_name = {HOLDER: holder} | {name: release_container(name) for name in names}
    engine.network_owner_ids |= {f"id-of-{name}": holder.id for name in names if name not in (CANDIDATE, CARRY)}
    engine.by_name = {
        name: replace(container, started=f"{holder.started}0") for name, container in engine.by_name.items()
    }
    run = Runner(engine)
    interrupted = recovery.recover(Project(run, engine, settings, Progress(silent=True)))
    assert interrupted is bool({NEXT, PREVIOUS} & set(names))
    assert run.verbs == verbs
    assert sorted(engine.by_name) == ([NAME, HOLDER] if names != [CANDIDATE] else [HOLDER])


def test_recovery_is_reported_with_the_release_that_serves(
    engine: FakeEngine, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says that a task was interrupted, and which release serves now."""
    deployed(engine, settings)
    engine.apply(["docker", "container", "rename", NAME, PREVIOUS])
    deployed(engine, settings)
    assert f" s  recovered from an interrupted task: release {A} serves\n" in capsys.readouterr().out


def test_renamed_release_gets_its_name_back(engine: FakeEngine, settings: Settings) -> None:
    """A release that was renamed by hand is the current one if there is no other."""
    deployed(engine, settings)
    engine.apply(["docker", "container", "rename", NAME, "mine"])
    run = Runner(engine)
    assert deployed(engine, settings, run).unchanged
    assert run.verbs == [f"rename mine {NAME}"]
    assert is_whole(engine)


def test_renamed_release_is_removed_next_to_a_current_one(
    engine: FakeEngine, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """A renamed release would answer next to the current one, so it is drained and removed, with a notice."""
    serve_a_build_b(engine, settings)
    deployed(engine, settings)
    published = (Published("127.0.0.1", 8080, 80),)
    engine.by_name["mine"] = replace(release_container("mine"), started="9", published=published)
    run = Runner(engine)
    deployed(engine, settings, run)
    assert run.verbs[:2] == ["stop mine", "rm mine"]
    assert "! mine is a renamed release, and not the current one: it is removed.\n" in capsys.readouterr().out
    assert is_whole(engine)
