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
from tests.unit.fakes.production import BUILT, HOLDER, NAME, A, B, C, deployed, image
from tests.unit.fakes.runner import Runner


def remembering(*releases: str) -> FakeEngine:
    """An engine that keeps these releases, in the order in which they were released; a letter is twelve of it."""
    engine = FakeEngine()
    for number, release in enumerate(releases):
        tag = f"hello-dock:{release * (12 // len(release))}"
        digits = f"{tag.partition(':')[2]:0<64}"
        engine.image_store[tag] = Image(f"sha256:{digits}", tags=(tag,), labels=BUILT, tagged=f"2026-11-2{number}")
    engine.assets = {image.short_id for image in engine.image_store.values()}
    return engine


def kept(engine: FakeEngine, settings: Settings) -> list[str]:
    """The ids of the releases that are kept."""
    return [image.short_id for image in images_releases.kept_releases(Project(Runner(engine), engine, settings))]


def test_the_last_one_released_is_the_first(settings: Settings) -> None:
    """By when each got its name, not by when it was built."""
    engine = remembering("b", "c", "a")
    engine.image_store = {
        tag: replace(each, created=f"2026-{each.short_id}") for tag, each in engine.image_store.items()
    }
    assert kept(engine, settings) == [A, C, B]


def test_a_time_without_a_fraction_is_earlier_than_one_with(settings: Settings) -> None:
    """Docker leaves digits out at the end of a fraction, and a Z sorts after them."""
    engine = remembering("a", "b")
    times = {A: "2026-11-23T14:20:00Z", B: "2026-11-23T14:20:00.5Z"}
    engine.image_store = {tag: replace(each, tagged=times[each.short_id]) for tag, each in engine.image_store.items()}
    assert kept(engine, settings) == [B, A]


@pytest.mark.parametrize("tag", ["hello-dock:prod", "hello-dock:mine", f"hello-dock:{B[1:]}", f"shop:{B}", ""])
def test_an_image_that_is_named_otherwise_is_no_release(settings: Settings, tag: str) -> None:
    """What was only built, what a user named, what somebody built on top, and what has no name."""
    engine = remembering("a")
    engine.image_store["b"] = replace(image("b"), tags=(tag,) if tag else ())
    assert kept(engine, settings) == [A]


def test_one_that_has_gone_since_the_list_was_made_is_left_out(settings: Settings) -> None:
    """It is no answer to the question any more."""

    class Going(FakeEngine):
        def image(self, reference: str) -> Image | None:
            """All but one."""
            return None if A in reference else super().image(reference)

    assert kept(Going(images=remembering("a", "b").image_store), settings) == [B]


@pytest.mark.parametrize(
    ("to", "found"),
    [("", C), ("b", B), (B, B), ("d0", "d0d0d0d0d0d0"), ("d1d1d1d1d1d1", "d1d1d1d1d1d1")],
)
def test_an_earlier_release_is_found_by_the_beginning_of_its_id(settings: Settings, to: str, found: str) -> None:
    """Without one it is the last that was released before the current."""
    engine = remembering("d0", "d1", "b", "c", "a")
    assert history.rollback_target(Project(Runner(engine), engine, settings), A, to).short_id == found


def test_after_going_back_the_one_before_is_the_one_that_was_left(settings: Settings) -> None:
    """What runs is the current one, whenever it was built."""
    assert (
        history.rollback_target(
            Project(Runner(remembering("a", "c", "b")), remembering("a", "c", "b"), settings), B, ""
        ).short_id
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
def test_a_beginning_that_means_no_one_release_is_told(settings: Settings, to: str, what: str) -> None:
    """With the task that lists them."""
    with pytest.raises(StartError) as caught:
        history.rollback_target(
            Project(Runner(remembering("d0", "d1", "b", "a")), remembering("d0", "d1", "b", "a"), settings), A, to
        )
    assert str(caught.value).splitlines() == [what, "See which there are: invoke releases"]


@pytest.mark.parametrize("releases", [[], ["a"]])
def test_without_an_earlier_release_there_is_none_to_go_back_to(settings: Settings, releases: list[str]) -> None:
    """How many are kept is told with it."""
    with pytest.raises(StartError) as caught:
        history.rollback_target(Project(Runner(remembering(*releases)), remembering(*releases), settings), A, "")
    assert (caught.value.what, caught.value.why) == (
        "There is no earlier release.",
        "The last 3 are kept (prod.retain_releases).",
    )


def test_a_dry_rollback_asks_nobody(settings: Settings) -> None:
    """Its commands name what was asked for."""
    assert (
        history.rollback_target(Project(Runner(dry=True), DryRunEngine("hello-dock"), settings), "", "0a1b").id
        == "0a1b"
    )
    assert (
        history.rollback_target(Project(Runner(dry=True), DryRunEngine("hello-dock"), settings), "", "").id == "EARLIER"
    )


def remember(engine: FakeEngine, settings: Settings, letter: str) -> tuple[list[str], Runner]:
    """The releases that are forgotten when a new one serves, and what was run."""
    engine.add_image("hello-dock:prod", image(letter))
    engine.assets.add(letter * 12)
    run = Runner(engine)
    return history.record_release(Project(run, engine, settings), Release(image(letter))), run


def test_a_release_that_serves_gets_a_name_of_its_own(settings: Settings) -> None:
    """Its image keeps its other name; the volume is told each time what serves, also where nothing is forgotten."""
    engine = remembering("a")
    gone, run = remember(engine, settings, "b")
    assert (gone, run.verbs) == ([], [f"tag {B} hello-dock:{B}", f"carry keep {B} {A}"])
    assert kept(engine, settings) == [B, A]
    assert engine.image_store["hello-dock:prod"].tags == ("hello-dock:prod", f"hello-dock:{B}")


def test_releases_beyond_those_that_are_kept_are_forgotten(settings: Settings) -> None:
    """First their assets, then their images, by that name alone."""
    engine = remembering("d", "e", "a", "c")
    gone, run = remember(engine, settings, "b")
    assert gone == ["e" * 12, "d" * 12]
    assert run.verbs[1] == f"carry keep {B} {C} {A}"
    assert run.lines[2] == f"docker image rm hello-dock:{'e' * 12} hello-dock:{'d' * 12}"
    assert kept(engine, settings) == [B, C, A]
    assert engine.assets == {A, B, C}


def test_at_least_the_one_that_serves_is_kept(settings: Settings) -> None:
    """With prod.retain_releases at 1 there is nothing to go back to."""
    engine = remembering("a")
    assert remember(engine, configured(settings.root, prod_retain_releases="1"), "b")[0] == [A]
    assert (kept(engine, settings), engine.assets) == ([B], {B})


def test_an_image_that_has_another_name_or_a_container_stays(settings: Settings) -> None:
    """Docker takes away no more than a name, and that not where a container knows the image by no other."""
    engine = remembering("d", "e", "a", "c")
    engine.apply(["docker", "image", "tag", "d" * 12, "hello-dock:mine"])
    engine.apply(["docker", "image", "tag", "d" * 12, f"hello-dock:{'d' * 12}"])
    engine.by_name["shop"] = own_container("prod", project="shop", image_id=f"sha256:{'e' * 12:0<64}")
    times = {"d" * 12: "2026-11-20", "e" * 12: "2026-11-21"}
    engine.image_store = {
        tag: replace(each, tagged=times.get(each.short_id, "2026-12")) for tag, each in engine.image_store.items()
    }
    remember(engine, settings, "b")
    assert [each.short_id for each in engine.image_store.values() if each.tags == ("hello-dock:mine",)] == ["d" * 12]
    assert engine.image("e" * 12) is not None


def test_one_that_is_released_again_is_the_last_one_released(settings: Settings) -> None:
    """So it is not forgotten for its age."""
    engine = remembering("b", "c", "a")
    gone, _ = remember(engine, settings, "b")
    assert (gone, kept(engine, settings)) == ([], [B, A, C])


def test_the_one_that_serves_is_never_forgotten(settings: Settings) -> None:
    """Not even by an engine that keeps the time when it first got its name."""
    engine = remembering("a", "b", "c", "d")
    run = Runner(engine, {"docker image tag": Result()})
    assert history.record_release(Project(run, engine, settings), Release(image("a"))) == [B]
    assert run.verbs[:2] == [f"tag {A} hello-dock:{A}", f"carry keep {A} {'d' * 12} {C}"]
    assert A in kept(engine, settings)


def test_one_that_serves_is_noted_when_all_was_done(engine: FakeEngine, settings: Settings) -> None:
    """The run of it that serves, not another one of the same image."""
    deployed(engine, settings)
    current = engine.by_name[NAME]
    assert history.is_recorded(engine, current)
    assert not history.is_recorded(engine, replace(current, labels={"hello-dock.config-hash": "another"}))
    engine.files.clear()
    assert not history.is_recorded(engine, replace(current, labels={}))


def test_what_the_page_is_configured_with_outlives_the_release(engine: FakeEngine, settings: Settings) -> None:
    """It stands in the container, and when that is gone in the volume, which the port holder reads."""
    deployed(engine, settings, environment='{"API_URL":"/api"}')
    holder = engine.by_name[HOLDER]
    assert history.environment(engine, engine.by_name[NAME], holder) == '{"API_URL":"/api"}'
    assert history.environment(engine, None, holder) == '{"API_URL":"/api"}'
    assert history.environment(engine, None, replace(holder, state="exited")) == ""
    engine.files.clear()
    assert history.environment(engine, None, holder) == ""


def test_one_that_serves_and_cannot_be_noted_is_told(settings: Settings) -> None:
    """A full disk is called one, whatever program met it, and each of its lines is shown once."""
    full = Result(1, "cp: write error: No space left on device\n" * 5)
    engine = remembering("b", "a")
    run = Runner(engine, {"docker container run --rm": full})
    with pytest.raises(StartError, match=f"Release {A} serves, but that could not be noted") as caught:
        history.record_release(Project(run, engine, settings), Release(image("a")))
    assert caught.value.how.startswith("The disk is full.")
    assert caught.value.evidence == "cp: write error: No space left on device"


def test_assets_that_cannot_be_carried_over_are_told(settings: Settings) -> None:
    """What serves serves on; an image of before there was a program for it has a way out, too."""
    run = Runner(answers={"docker container run --rm": Result(127, 'exec: "carry": executable file not found')})
    with pytest.raises(StartError, match=f"The assets of release {A} could not be carried over") as caught:
        history.bridge_assets(Project(run, FakeEngine(), settings), Release(image("a")))
    assert 'exec: "carry"' in caught.value.evidence
    assert "what served, serves on" in caught.value.why
    assert "invoke run-prod" in caught.value.how


def test_one_that_served_without_being_noted_is(settings: Settings) -> None:
    """Its assets first, for a name says that it is done; one that was noted, or is gone, is left alone."""
    engine = remembering("b")
    engine.add_image("hello-dock:prod", image("a"))
    run = Runner(engine)
    for _ in range(2):
        history.record_missed_release(Project(run, engine, settings), image("a").id)
    history.record_missed_release(Project(run, engine, settings), "sha256:gone")
    assert run.verbs == [f"carry add {A}", f"tag {A} hello-dock:{A}"]
    assert kept(engine, settings) == [A, B]
    assert engine.assets == {A, B}
