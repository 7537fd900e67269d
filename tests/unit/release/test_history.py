"""The record of the releases: which are kept, which can be rolled back to, and their assets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.engine.dry_run import DryRunEngine
from docktasks.engine.models import Image
from docktasks.errors import StartError
from docktasks.images import releases as images_releases
from docktasks.release import history
from docktasks.release.run_args import Release
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.production import HOLDER, NAME, A, B, C, deployed, image, image_id
from tests.unit.fakes.runner import Runner


def engine_with_releases(*releases: str) -> FakeEngine:
    """Return an engine that keeps these releases, in the order of their release; a letter stands for twelve."""
    engine = FakeEngine()
    for number, release in enumerate(releases):
        tag = f"hello-dock:{release * (12 // len(release))}"
        engine.image_store[tag] = replace(
            image(release), tags=(tag,), tagged=f"2026-11-2{number}", release=tag.partition(":")[2]
        )
    engine.assets = {image.release for image in engine.image_store.values()}
    return engine


def kept_ids(engine: FakeEngine, settings: Settings) -> list[str]:
    """Return the ids of the releases that are kept."""
    return [image.release for image in images_releases.kept_releases(Project(Runner(engine), engine, settings))]


def test_kept_releases_begin_with_the_last_released(settings: Settings) -> None:
    """The order follows the time of the release tag, not of the build."""
    engine = engine_with_releases("b", "c", "a")
    engine.image_store = {
        tag: replace(image, created=f"2026-{image.release}") for tag, image in engine.image_store.items()
    }
    assert kept_ids(engine, settings) == [A, C, B]


def test_kept_releases_compare_times_with_and_without_a_fraction(settings: Settings) -> None:
    """Docker drops trailing zeros of a fraction, and a plain text comparison would sort the Z after the digits."""
    engine = engine_with_releases("a", "b")
    times = {A: "2026-11-23T14:20:00Z", B: "2026-11-23T14:20:00.5Z"}
    engine.image_store = {tag: replace(image, tagged=times[image.release]) for tag, image in engine.image_store.items()}
    assert kept_ids(engine, settings) == [B, A]


def test_record_in_the_volume_decides_the_order_and_time_of_kept_releases(settings: Settings) -> None:
    """Docker notes one time for all tags of an image, so a tag that a user adds would make a release the latest."""
    engine = engine_with_releases("a", "b", "c")
    engine.by_name["hello-dock-prod"] = own_container("prod", state="running")
    engine.files[images_releases.RECORD] = f"{B} 2026-11-24T08:00:00Z\n{A}\n"
    kept = images_releases.kept_releases(Project(Runner(engine), engine, settings))
    times = [(image.release, image.tagged) for image in kept]
    assert times == [(C, "2026-11-22"), (B, "2026-11-24T08:00:00Z"), (A, "2026-11-20")]


@pytest.mark.parametrize("tag", ["hello-dock:prod", "hello-dock:mine", f"hello-dock:{B[1:]}", f"shop:{B}", ""])
def test_image_without_a_release_tag_is_not_a_release(settings: Settings, tag: str) -> None:
    """Builds, images that a user tagged or built on top, and untagged images are left out."""
    engine = engine_with_releases("a")
    engine.image_store["b"] = replace(image("b"), tags=(tag,) if tag else ())
    assert kept_ids(engine, settings) == [A]


def test_image_that_was_removed_meanwhile_is_left_out(settings: Settings) -> None:
    """An image may be removed between the list and the question about it."""

    class Going(FakeEngine):
        def image(self, reference: str) -> Image | None:
            """All but one."""
            return None if A in reference else super().image(reference)

    assert kept_ids(Going(images=engine_with_releases("a", "b").image_store), settings) == [B]


@pytest.mark.parametrize(
    ("to", "release_id"),
    [("", C), ("b", B), (B, B), ("d0", "d0d0d0d0d0d0"), ("d1d1d1d1d1d1", "d1d1d1d1d1d1")],
)
def test_rollback_target_is_found_by_the_beginning_of_its_id(settings: Settings, to: str, release_id: str) -> None:
    """Without a prefix it is the release before the current one."""
    engine = engine_with_releases("d0", "d1", "b", "c", "a")
    assert history.rollback_target(Project(Runner(engine), engine, settings), A, to).release == release_id


def test_rollback_target_after_a_rollback_is_the_release_that_was_left(settings: Settings) -> None:
    """The current release is the one that runs, whenever it was built."""
    assert (
        history.rollback_target(
            Project(Runner(engine_with_releases("a", "c", "b")), engine_with_releases("a", "c", "b"), settings), B, ""
        ).release
        == C
    )


@pytest.mark.parametrize(
    ("to", "what"),
    [
        ("d", "More than one release begins with d: d1d1d1d1d1d1, d0d0d0d0d0d0."),
        ("a", f"Release {A} is the current one."),
        (A, f"Release {A} is the current one."),
        ("f", "There is no earlier release f."),
        (f"{B}b", f"There is no earlier release {B}b."),
        ("B", "There is no earlier release B."),
    ],
)
def test_rollback_target_rejects_a_prefix_without_one_match(settings: Settings, to: str, what: str) -> None:
    """The error says why, and names the task that lists the releases."""
    with pytest.raises(StartError) as caught:
        history.rollback_target(
            Project(
                Runner(engine_with_releases("d0", "d1", "b", "a")), engine_with_releases("d0", "d1", "b", "a"), settings
            ),
            A,
            to,
        )
    assert str(caught.value).splitlines() == [what, "List the releases: invoke releases"]


@pytest.mark.parametrize("releases", [[], ["a"]])
def test_rollback_target_without_an_earlier_release(settings: Settings, releases: list[str]) -> None:
    """The error says how many releases are kept."""
    with pytest.raises(StartError) as caught:
        history.rollback_target(
            Project(Runner(engine_with_releases(*releases)), engine_with_releases(*releases), settings), A, ""
        )
    assert (caught.value.what, caught.value.why) == (
        "There is no earlier release.",
        "The last 3 releases are kept (prod.retain_releases).",
    )


def test_rollback_target_under_dry_run_asks_no_engine(settings: Settings) -> None:
    """The commands name the release that the user asked for."""
    assert (
        history.rollback_target(Project(Runner(dry=True), DryRunEngine("hello-dock"), settings), "", "0a1b").release
        == "0a1b"
    )
    assert (
        history.rollback_target(Project(Runner(dry=True), DryRunEngine("hello-dock"), settings), "", "").release
        == "EARLIER"
    )


def record(engine: FakeEngine, settings: Settings, letter: str) -> tuple[list[str], Runner]:
    """Record a new release that serves. The ids that were removed, and the runner."""
    engine.add_image("hello-dock:prod", image(letter))
    engine.assets.add(letter * 12)
    run = Runner(engine)
    return history.record_release(Project(run, engine, settings), Release(image(letter)))[1], run


def test_recorded_release_gets_a_tag(settings: Settings) -> None:
    """Its image keeps its other tag, and the volume is updated even if no release is removed."""
    engine = engine_with_releases("a")
    gone, run = record(engine, settings, "b")
    assert (gone, run.verbs) == ([], [f"tag {image('b').short_id} hello-dock:{B}", f"carry keep {B} {A}"])
    assert kept_ids(engine, settings) == [B, A]
    assert engine.image_store["hello-dock:prod"].tags == ("hello-dock:prod", f"hello-dock:{B}")


def test_record_removes_releases_beyond_the_retained_ones(settings: Settings) -> None:
    """First their assets go, then their images, by the release tag."""
    engine = engine_with_releases("d", "e", "a", "c")
    gone, run = record(engine, settings, "b")
    assert gone == ["e" * 12, "d" * 12]
    assert run.verbs[1] == f"carry keep {B} {C} {A}"
    assert run.lines[2] == f"docker image rm hello-dock:{'e' * 12} hello-dock:{'d' * 12}"
    assert kept_ids(engine, settings) == [B, C, A]
    assert engine.assets == {A, B, C}


def test_record_with_one_retained_release_keeps_only_that(settings: Settings) -> None:
    """With prod.retain_releases=1 there is no release to roll back to."""
    engine = engine_with_releases("a")
    assert record(engine, configured(settings.root, prod_retain_releases="1"), "b")[0] == [A]
    assert (kept_ids(engine, settings), engine.assets) == ([B], {B})


def test_image_with_another_tag_or_a_container_stays(settings: Settings) -> None:
    """`docker image rm` of a tag removes only the tag then, or is refused."""
    engine = engine_with_releases("d", "e", "a", "c")
    engine.apply(["docker", "image", "tag", image_id("d"), "hello-dock:mine"])
    engine.apply(["docker", "image", "tag", image_id("d"), f"hello-dock:{'d' * 12}"])
    engine.by_name["shop"] = own_container("prod", project="shop", image_id=image_id("e"))
    times = {"d" * 12: "2026-11-20", "e" * 12: "2026-11-21"}
    engine.image_store = {
        tag: replace(image, tagged=times.get(image.release, "2026-12")) for tag, image in engine.image_store.items()
    }
    record(engine, settings, "b")
    assert [image.release for image in engine.image_store.values() if image.tags == ("hello-dock:mine",)] == ["d" * 12]
    assert engine.image(image_id("e")) is not None


def test_release_that_is_deployed_again_becomes_the_last_one(settings: Settings) -> None:
    """A rollback renews the time of the release, so its age does not remove it."""
    engine = engine_with_releases("b", "c", "a")
    gone, _ = record(engine, settings, "b")
    assert (gone, kept_ids(engine, settings)) == ([], [B, A, C])


def test_current_release_is_never_removed(settings: Settings) -> None:
    """Some engines keep the time of the first tag; the current release is kept even then."""
    engine = engine_with_releases("a", "b", "c", "d")
    run = Runner(engine, {"docker image tag": Result()})
    assert history.record_release(Project(run, engine, settings), Release(image("a")))[1] == [B]
    assert run.verbs[:2] == [f"tag {image('a').short_id} hello-dock:{A}", f"carry keep {A} {'d' * 12} {C}"]
    assert A in kept_ids(engine, settings)


def test_release_is_recorded_by_its_config_hash(engine: FakeEngine, settings: Settings) -> None:
    """A release of the same image with other settings is not recorded."""
    deployed(engine, settings)
    current = engine.by_name[NAME]
    assert history.is_recorded(engine, current)
    assert not history.is_recorded(engine, replace(current, labels={"hello-dock.config-hash": "another"}))
    engine.files.clear()
    assert not history.is_recorded(engine, replace(current, labels={}))


def test_environment_outlives_the_container_of_the_release(engine: FakeEngine, settings: Settings) -> None:
    """The configuration is in the release, and in the volume, which the port holder or a container reads."""
    deployed(engine, settings, page_config='{"API_URL":"/api"}')
    run = Runner(engine)
    project = Project(run, engine, settings)
    assert history.page_config(project, image("a")) == '{"API_URL":"/api"}'
    engine.apply(["docker", "container", "rm", "--force", NAME])
    assert history.page_config(project, image("a")) == '{"API_URL":"/api"}'
    assert run.ran == []
    engine.apply(["docker", "container", "rm", "--force", HOLDER])
    assert history.page_config(project, image("a")) == '{"API_URL":"/api"}'
    assert run.lines[0].endswith(f"--entrypoint cat {image('a').short_id} /srv/carried/current/environment")
    engine.files.clear()
    assert history.page_config(project, image("a")) == ""


def test_release_without_a_configuration_has_none(engine: FakeEngine, settings: Settings) -> None:
    """The volume may still have that of the release before, if a task was interrupted."""
    deployed(engine, settings, page_config='{"API_URL":"/old"}')
    engine.by_name[NAME] = replace(engine.by_name[NAME], environment={})
    assert history.page_config(Project(Runner(engine), engine, settings), image("a")) == ""


def test_release_that_cannot_be_recorded_is_an_error(settings: Settings) -> None:
    """A full disk is named, and each line of the output is shown once."""
    full = Result(1, "cp: write error: No space left on device\n" * 5)
    engine = engine_with_releases("b", "a")
    run = Runner(engine, {"docker container run --rm": full})
    with pytest.raises(StartError, match=f"Release {A} serves, but that could not be recorded") as caught:
        history.record_release(Project(run, engine, settings), Release(image("a")))
    assert caught.value.how.startswith("The disk is full.")
    assert caught.value.evidence == "cp: write error: No space left on device"


def test_assets_that_cannot_be_bridged_are_an_error(settings: Settings) -> None:
    """The error says what serves now, and has a way out for an image without the script."""
    run = Runner(answers={"docker container run --rm": Result(127, 'exec: "carry": executable file not found')})
    with pytest.raises(StartError, match=f"The assets of release {A} could not be bridged") as caught:
        history.bridge_assets(Project(run, FakeEngine(), settings), Release(image("a")))
    assert 'exec: "carry"' in caught.value.evidence
    assert "Nothing was replaced, because nothing served before." in caught.value.why
    assert "invoke run-prod" in caught.value.how


def test_missed_release_is_recorded(settings: Settings) -> None:
    """Its assets come first, because the tag says that all is done. Recorded and removed releases are skipped."""
    engine = engine_with_releases("b")
    engine.add_image("hello-dock:prod", image("a"))
    run = Runner(engine)
    for _ in range(2):
        history.record_missed_release(Project(run, engine, settings), own_container("prod", image_id=image_id("a")))
    history.record_missed_release(Project(run, engine, settings), own_container("prod", image_id="sha256:gone"))
    assert run.verbs == [f"carry add {A}", f"tag {image('a').short_id} hello-dock:{A}"]
    assert kept_ids(engine, settings) == [A, B]
    assert engine.assets == {A, B}
