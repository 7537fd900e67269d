"""What is released; how it takes another's place is in test_swap.py."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from docktasks import workspace
from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.engine.dry_run import DryRunEngine
from docktasks.engine.models import Image, LimitSupport, Published
from docktasks.errors import AppError, BuildError, ConflictError, StartError
from docktasks.release import deploy
from docktasks.release.deploy import Deployment, RunOptions
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.production import (
    CANDIDATE,
    CARRY,
    HOLDER,
    IMAGES,
    NAME,
    NEXT,
    PREVIOUS,
    A,
    B,
    C,
    build,
    deployed,
    ids,
    image,
    serving,
)
from tests.unit.fakes.runner import Runner


def rolled_back(engine: FakeEngine, settings: Settings, to: str = "", run: Runner | None = None) -> Deployment:
    """What `invoke rollback` comes to."""
    return deploy.roll_back(Project(run or Runner(engine), engine, settings), to)


def test_a_build_is_one_command_and_a_size(engine: FakeEngine, settings: Settings) -> None:
    """What the image adds to its base is told with it; the one that was never released goes."""
    run = Runner(engine)
    outcome = deploy.build(Project(run, engine, settings))
    assert run.verbs[0].startswith("build hello-dock:prod")
    assert run.lines[1:] == [f"docker image rm {image('a').id}"]
    assert (outcome.image.size, outcome.added, outcome.notices) == (20_000_000, 8_000_000, ())


def test_a_build_tells_of_stand_ins(settings: Settings) -> None:
    """Both are named when both are stood in for."""
    tags = {"hello-dock-base-node:26": "node:lts-alpine", "hello-dock-base-nginx:1.30.6": "nginx:stable-alpine"}
    known = {
        tag: Image(f"sha256:{tag}", tags=(tag,), labels={"hello-dock.standin": wanted}) for tag, wanted in tags.items()
    }
    engine = FakeEngine(images=known)
    outcome = deploy.build(Project(Runner(engine), engine, settings))
    assert [notice.split(",")[0] for notice in outcome.notices] == [f"Built on {tag}" for tag in tags]


def test_an_app_without_a_build_script_is_told_first(settings: Settings) -> None:
    """Nothing is pulled or built for it."""
    (settings.app_dir / "package.json").write_text(json.dumps({"scripts": {}}))
    run = Runner()
    with pytest.raises(AppError, match="has no script build"):
        deploy.build(Project(run, FakeEngine(), settings))
    assert run.ran == []


def test_run_prod_builds_first(engine: FakeEngine, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Unless it is told not to; what is built is what serves."""
    run = Runner(engine)
    outcome = deploy.run_prod(Project(run, engine, settings), RunOptions())
    assert [args[1:3] for args in run.ran][:3] == [["image", "build"], ["image", "rm"], ["container", "run"]]
    assert engine.by_name[NAME].image_id == outcome.image.id == engine.image_store["hello-dock:prod"].id
    assert f"built hello-dock:prod, release {outcome.image.short_id}\n" in capsys.readouterr().out
    assert (outcome.url, outcome.unchanged, outcome.added) == ("http://127.0.0.1:8080", False, 8_000_000)


def test_a_build_keeps_the_image_of_a_release(engine: FakeEngine, settings: Settings) -> None:
    """It lost the name of the newest build, and has its own."""
    deployed(engine, settings)
    run = Runner(engine)
    deploy.build(Project(run, engine, settings))
    assert len(run.ran) == 1
    assert engine.image_store[f"hello-dock:{A}"].tags == (f"hello-dock:{A}",)


@pytest.mark.parametrize("there", [True, False], ids=["built", "not built"])
def test_what_an_interrupted_run_took_down_serves_again_after_a_failed_build(
    engine: FakeEngine, settings: Settings, *, there: bool
) -> None:
    """The build's own error is told, and the old release has its name back, with or without --build."""
    deployed(engine, settings)
    before = ids(engine)
    engine.apply(["docker", "container", "rename", NAME, PREVIOUS])
    if not there:
        engine.apply(["docker", "image", "rm", "hello-dock:prod"])
    run = Runner(engine, {"docker image build": Result(1, "ERROR: failed to solve: something new")})
    with pytest.raises(BuildError if there else StartError):
        deploy.run_prod(Project(run, engine, settings), RunOptions(build=there))
    assert ids(engine) == before
    assert [each.name for each in engine.listeners(8080)] == [NAME]


def test_a_second_task_is_refused_before_it_does_anything(engine: FakeEngine, settings: Settings) -> None:
    """Two releases at once would each take the other's candidate for a leftover."""
    serving(engine, settings)
    engine.apply(["docker", "container", "run", "--name", CANDIDATE, "--publish", "127.0.0.1::80", A])
    run, before = Runner(engine), ids(engine)
    with workspace.project_lock(settings):
        with pytest.raises(ConflictError, match="Another task is changing"):
            deployed(engine, settings, run)
        with pytest.raises(ConflictError, match="Another task is changing"):
            rolled_back(engine, settings, run=run)
    assert (run.ran, ids(engine)) == ([], before)


@pytest.mark.parametrize("port", ["8080", "0"])
def test_what_serves_already_serves_on(engine: FakeEngine, settings: Settings, port: str) -> None:
    """The same image with the same settings is left alone, also at a port that Docker chose."""
    anywhere = configured(settings.root, prod_host_port=port)
    url = deployed(engine, anywhere, environment="{}").url
    run = Runner(engine)
    outcome = deployed(engine, anywhere, run, environment="{}")
    assert (outcome.unchanged, outcome.url, run.ran) == (True, url, [])


@pytest.mark.parametrize("change", ["image", "setting", "environment"])
def test_another_image_setting_or_configuration_is_a_new_release(
    engine: FakeEngine, settings: Settings, change: str
) -> None:
    """Each of them passes the gate, and takes the place of the one before."""
    deployed(engine, settings)
    if change == "image":
        build(engine, "b")
    other = configured(settings.root, prod_memory="1g") if change == "setting" else settings
    run = Runner(engine)
    environment = '{"API_URL":"/api"}' if change == "environment" else ""
    assert not deployed(engine, other, run, environment=environment).unchanged
    assert [run.verbs[0], run.verbs[3]] == [f"run {CANDIDATE}", f"run {NEXT}"]
    assert sorted(engine.by_name) == [NAME, HOLDER]


def test_what_a_release_is_configured_with_reaches_its_candidate_too(engine: FakeEngine, settings: Settings) -> None:
    """What is judged is what will serve."""
    serving(engine, settings)
    run = Runner(engine)
    deployed(engine, settings, run, environment='{"API_URL":"/api"}')
    given = [args for args in run.ran if 'HELLO_DOCK_ENV={"API_URL":"/api"}' in args]
    assert [args[args.index("--name") + 1] for args in given] == [CANDIDATE, CARRY, NEXT, CARRY]


def test_one_that_was_interrupted_after_it_served_is_remembered(engine: FakeEngine, settings: Settings) -> None:
    """Else it could not be rolled back to, and pages loaded from it would miss its files."""
    deployed(engine, settings, Runner(engine, {"docker container run --rm": Result(), "docker image tag": Result()}))
    assert (engine.assets, engine.image_store["hello-dock:prod"].tags) == (set(), ("hello-dock:prod",))
    run = Runner(engine)
    assert deployed(engine, settings, run).unchanged
    assert run.verbs == [f"carry add {A}", f"tag {A} hello-dock:{A}", f"carry keep {A}"]


def test_releases_beyond_those_that_are_kept_are_told(
    engine: FakeEngine, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """They cannot be rolled back to any more."""
    for letter in "abcd":
        build(engine, letter)
        deployed(engine, settings)
    assert capsys.readouterr().out.endswith(f" s  removed releases beyond the last 3: {A}\n")
    assert engine.assets == {B, C, "d" * 12}


def test_a_rollback_is_a_swap_to_the_release_before(engine: FakeEngine, settings: Settings) -> None:
    """It passes the gate as any other does, and its image is the same one."""
    serving(engine, settings)
    deployed(engine, settings)
    run = Runner(engine)
    outcome = rolled_back(engine, settings, run=run)
    assert (outcome.image.short_id, outcome.url, outcome.unchanged) == (A, "http://127.0.0.1:8080", False)
    assert run.verbs[0] == f"run {CANDIDATE}"
    assert (engine.by_name[NAME].release, sorted(engine.by_name)) == (A, [NAME, HOLDER])
    assert engine.image_store["hello-dock:prod"].short_id == B


def test_a_rollback_goes_to_the_release_that_is_named(engine: FakeEngine, settings: Settings) -> None:
    """By the beginning of its id."""
    for letter in "abc":
        build(engine, letter)
        deployed(engine, settings)
    assert rolled_back(engine, settings, to="aa").image.short_id == A
    assert engine.by_name[NAME].release == A


def test_a_rollback_that_is_not_possible_changes_nothing(engine: FakeEngine, settings: Settings) -> None:
    """There is no earlier release, or none of that name."""
    deployed(engine, settings)
    run = Runner(engine)
    for to in ("", "b", "a"):
        with pytest.raises(StartError, match="invoke releases") as caught:
            rolled_back(engine, settings, to, run)
        assert caught.value.how == "See which there are: invoke releases"
    assert run.ran == []


def test_a_rollback_takes_what_the_current_is_configured_with(engine: FakeEngine, settings: Settings) -> None:
    """The place is the same, and so is what belongs to it: its configuration, and who may reach it."""
    deployed(engine, settings)
    build(engine, "b")
    deployed(engine, settings, public=True, environment='{"API_URL":"/api"}')
    rolled_back(engine, settings)
    assert engine.by_name[NAME].release == A
    assert engine.by_name[NAME].environment == {"HELLO_DOCK_ENV": '{"API_URL":"/api"}'}
    assert engine.by_name[HOLDER].published == (Published("0.0.0.0", 8080, 80),)  # noqa: S104 - read, not bound


def test_a_rollback_where_nothing_runs_starts_the_last_release(engine: FakeEngine, settings: Settings) -> None:
    """After `invoke stop`, say."""
    deployed(engine, settings)
    engine.by_name.clear()
    assert (rolled_back(engine, settings).image.short_id, sorted(engine.by_name)) == (A, [NAME, HOLDER])


def test_a_rollback_first_finishes_what_was_interrupted(engine: FakeEngine, settings: Settings) -> None:
    """And then goes nowhere by itself: the one before may be the one that was to be left. A name says what is meant."""
    serving(engine, settings)
    deployed(engine, settings)
    engine.apply(["docker", "container", "rename", NAME, NEXT])
    run = Runner(engine)
    with pytest.raises(StartError, match=f"interrupted: release {B} serves now") as caught:
        rolled_back(engine, settings, run=run)
    assert "invoke rollback --to=RELEASE" in caught.value.how
    assert run.verbs == [f"rename {NEXT} {NAME}"]
    assert rolled_back(engine, settings, A).image.short_id == A
    assert engine.by_name[NAME].release == A


def test_a_rollback_with_a_name_goes_on_after_what_was_interrupted(engine: FakeEngine, settings: Settings) -> None:
    """In the same task: what is meant is clear."""
    serving(engine, settings)
    deployed(engine, settings)
    engine.apply(["docker", "container", "rename", NAME, NEXT])
    assert rolled_back(engine, settings, A).image.short_id == A


def test_a_candidate_that_was_left_stops_no_rollback(engine: FakeEngine, settings: Settings) -> None:
    """Nothing had changed places yet."""
    serving(engine, settings)
    deployed(engine, settings)
    engine.by_name[CANDIDATE] = own_container("prod", name=CANDIDATE)
    assert rolled_back(engine, settings).image.short_id == A


def test_after_a_rollback_that_was_cut_short_the_way_has_to_be_named(engine: FakeEngine, settings: Settings) -> None:
    """The release before may be the one that was to be left: it was not noted yet which serves now."""
    serving(engine, settings)
    deployed(engine, settings)
    keep = f"docker container run --rm --name {CARRY} "
    with pytest.raises(StartError, match="serves, but that could not be noted"):
        rolled_back(engine, settings, run=Unnoting(engine, {keep: Result(137)}))
    assert engine.by_name[NAME].release == A
    with pytest.raises(StartError, match=f"Another task had been interrupted: release {A} serves now"):
        rolled_back(engine, settings)
    assert rolled_back(engine, settings, to=f"sha256:{B}").image.short_id == B


class Unnoting(Runner):
    """Carries assets over, and fails to note what serves."""

    def _answered(self, args: list[str]) -> Result:
        answers, self.answers = self.answers, {} if "keep" not in args else self.answers
        try:
            return super()._answered(args)
        finally:
            self.answers = answers


def test_a_configuration_that_is_left_out_is_told(engine: FakeEngine, settings: Settings) -> None:
    """Whoever forgets --env would lose it without a word; where there was none there is nothing to tell."""
    forgets = "The page was configured by --env before, and is not now. To keep that, give it again."
    assert deployed(engine, settings).notices == ()
    assert deployed(engine, settings, environment='{"API_URL":"/api"}').notices == ()
    assert deployed(engine, settings, environment='{"API_URL":"/other"}').notices == ()
    assert deployed(engine, settings).notices == (forgets,)
    assert deployed(engine, settings).notices == ()


def test_a_release_that_was_removed_is_rolled_back_with_its_configuration(
    engine: FakeEngine, settings: Settings
) -> None:
    """The volume has it still."""
    serving(engine, settings)
    deployed(engine, settings, environment='{"API_URL":"/api"}')
    build(engine, "c")
    deployed(engine, settings, environment='{"API_URL":"/api"}')
    engine.apply(["docker", "container", "rm", "--force", NAME])
    rolled_back(engine, settings)
    assert engine.by_name[NAME].environment["HELLO_DOCK_ENV"] == '{"API_URL":"/api"}'


def test_an_image_that_was_built_by_hand_can_be_rolled_back_to(engine: FakeEngine, settings: Settings) -> None:
    """The handbook's own command gives it no label of ours; it served, and so it has a release's tag."""
    engine.image_store["hello-dock:prod"] = replace(image("a"), labels={})
    deployed(engine, settings)
    build(engine, "b")
    deployed(engine, settings)
    assert rolled_back(engine, settings).image.short_id == A


def test_one_that_nobody_noted_can_be_rolled_back_to(engine: FakeEngine, settings: Settings) -> None:
    """Its task was ended after it served; the next release's notes it before it takes its place."""
    deployed(engine, settings, Runner(engine, {"docker container run --rm": Result(), "docker image tag": Result()}))
    build(engine, "b")
    run = Runner(engine)
    deployed(engine, settings, run)
    assert run.verbs[:3] == [f"carry add {A}", f"tag {A} hello-dock:{A}", f"run {CANDIDATE}"]
    assert engine.assets == {A, B}
    assert rolled_back(engine, settings).image.short_id == A


@pytest.mark.parametrize(
    ("kernel", "nginx", "notices"),
    [
        ((5, 14), "1.28.0", []),
        ((6, 1), "1.27.4", []),
        ((6, 1), "", []),
        ((6, 1), "1.30.6-1~bookworm", []),
        ((5, 13), "1.28.0", ["This kernel is older than 5.14"]),
        ((6, 1), "1.26.3", ["nginx 1.26.3 is older than 1.27.4"]),
        ((6, 1), "1.27.3-1", ["nginx 1.27.3-1 is older than 1.27.4"]),
        ((4, 19), "1.9.15", ["This kernel is older than 5.14", "nginx 1.9.15 is older than 1.27.4"]),
    ],
)
def test_what_a_machine_lacks_is_told(
    engine: FakeEngine, settings: Settings, kernel: tuple[int, ...], nginx: str, notices: list[str]
) -> None:
    """A replacement there may lose requests; one that is as it should be says nothing."""
    engine.kernel = kernel
    engine.image_store["hello-dock:prod"] = replace(image("a"), environment={"NGINX_VERSION": nginx} if nginx else {})
    assert [notice.partition(":")[0] for notice in deployed(engine, settings).notices] == notices


@pytest.mark.parametrize(("rootless", "why"), [(True, " (rootless, it takes cgroup v2 and systemd)"), (False, "")])
def test_limits_that_an_engine_does_not_keep_are_told(
    engine: FakeEngine, settings: Settings, why: str, *, rootless: bool
) -> None:
    """It serves all the same: Docker drops them with a warning."""
    engine.rootless, engine.limit_support = rootless, LimitSupport(memory=False, swap=False, pids=False)
    assert deployed(engine, settings).notices == (
        f"This engine cannot limit memory, swap, processes{why}: the release runs without.",
    )


def test_without_an_image_no_build_is_told(settings: Settings) -> None:
    """The message names the task that builds it."""
    run = Runner()
    with pytest.raises(StartError, match="There is no image hello-dock:prod") as caught:
        deployed(FakeEngine(), settings, run)
    assert "invoke build-prod" in caught.value.how
    assert run.ran == []


def test_an_image_that_was_built_by_hand_runs(engine: FakeEngine, settings: Settings) -> None:
    """The handbook's own `docker image build --tag hello-dock:prod .` names no base."""
    engine.image_store["hello-dock:prod"] = replace(image("a"), labels={})
    outcome = deployed(engine, settings)
    assert (outcome.url, outcome.added) == ("http://127.0.0.1:8080", 0)


def test_an_image_whose_base_is_gone_runs(engine: FakeEngine, settings: Settings) -> None:
    """What it adds is then unknown, and no reason to stop."""
    del engine.image_store["nginx:stable-alpine"]
    assert deployed(engine, settings).added == 0
    assert IMAGES["nginx:stable-alpine"] not in engine.image_store.values()


def test_a_dry_run_shows_the_build_and_a_first_start(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Under --dry no engine is asked, and no step is told, for none is done."""
    run = Runner(dry=True)
    outcome = deploy.run_prod(Project(run, DryRunEngine("hello-dock"), settings), RunOptions())
    assert [run.verbs[0][:21], *run.verbs[1:]] == [
        "build hello-dock:prod",
        f"run {HOLDER}",
        f"run {NAME}",
        "carry add RELEASE",
        "tag RELEASE hello-dock:RELEASE",
        "carry keep RELEASE",
    ]
    assert (outcome.url, capsys.readouterr().out) == ("", "")


def test_a_dry_rollback_shows_a_first_start(settings: Settings) -> None:
    """Of the release that was named."""
    run = Runner(dry=True)
    deploy.roll_back(Project(run, DryRunEngine("hello-dock"), settings), "0a1b2c")
    started = [f"run {HOLDER}", f"run {NAME}", "carry add 0a1b2c"]
    assert run.verbs == [*started, "tag 0a1b2c hello-dock:0a1b2c", "carry keep 0a1b2c"]
