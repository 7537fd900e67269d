"""What `run-prod` runs, and what it tells the user. How a release replaces another is in test_swap.py."""

from __future__ import annotations

from dataclasses import replace

import pytest

from docktasks import workspace
from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.engine.dry_run import DryRunEngine
from docktasks.engine.models import Container, LimitSupport
from docktasks.errors import BuildError, ConflictError, StartError
from docktasks.progress import Progress
from docktasks.release import deploy
from docktasks.release.deploy import RunOptions
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.production import (
    CANDIDATE,
    CARRY,
    GATE,
    HOLDER,
    IMAGES,
    NAME,
    NEXT,
    PREVIOUS,
    A,
    B,
    C,
    add_build,
    container_ids,
    deployed,
    image,
    serve_a_build_b,
)
from tests.unit.fakes.runner import Runner


def test_run_prod_builds_the_image_that_it_runs(
    engine: FakeEngine, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --no-build, the image that was just built serves."""
    run = Runner(engine)
    deployment = deploy.run_prod(Project(run, engine, settings), RunOptions())
    assert [args[1:3] for args in run.ran][:3] == [["image", "build"], ["image", "rm"], ["network", "create"]]
    assert engine.by_name[NAME].image_id == deployment.build.image.id == engine.image_store["hello-dock:prod"].id
    steps = [line[10:] for line in capsys.readouterr().out.splitlines()]
    assert steps == [
        "built hello-dock:prod",
        "gate passed: 7 critical checks",
        "assets bridged",
        f"release {deployment.build.image.release} serves",
    ]
    assert (deployment.url, deployment.unchanged) == ("http://127.0.0.1:8080", False)
    assert deployment.build.added_size == 8_000_000


def test_port_that_is_in_use_is_an_error_before_the_build(engine: FakeEngine, settings: Settings) -> None:
    """A build takes minutes, and the port is known before."""
    engine.port_owners = {8080: Container("0", "web", image="nginx:1")}
    run = Runner(engine)
    with pytest.raises(ConflictError, match=r"Port 8080 on 127\.0\.0\.1 is in use by container web"):
        deploy.run_prod(Project(run, engine, settings), RunOptions())
    assert run.ran == []


@pytest.mark.parametrize("has_image", [True, False], ids=["built", "not built"])
def test_run_prod_recovers_even_if_the_build_fails(engine: FakeEngine, settings: Settings, *, has_image: bool) -> None:
    """A failed build, or a missing image, is the error; the release that an interrupted task took down serves again."""
    deployed(engine, settings)
    ids = container_ids(engine)
    engine.apply(["docker", "container", "rename", NAME, PREVIOUS])
    if not has_image:
        engine.apply(["docker", "image", "rm", "hello-dock:prod"])
    run = Runner(engine, {"docker image build": Result(1, "ERROR: failed to solve: something new")})
    with pytest.raises(BuildError if has_image else StartError):
        deploy.run_prod(Project(run, engine, settings), RunOptions(build=has_image))
    assert container_ids(engine) == ids
    assert [container.name for container in engine.listeners(8080)] == [NAME]


def test_second_task_is_refused_before_its_first_command(engine: FakeEngine, settings: Settings) -> None:
    """Two tasks at once would each remove the other's candidate."""
    serve_a_build_b(engine, settings)
    engine.apply(["docker", "container", "run", "--name", CANDIDATE, "--publish", "127.0.0.1::80", A])
    run, ids = Runner(engine), container_ids(engine)
    with workspace.project_lock(settings.root, settings.app.name):
        with pytest.raises(ConflictError, match="Another task is changing"):
            deployed(engine, settings, run)
        with pytest.raises(ConflictError, match="Another task is changing"):
            deploy.roll_back(Project(run, engine, settings), "")
    assert (run.ran, container_ids(engine)) == ([], ids)


@pytest.mark.parametrize("port", ["8080", "0"])
def test_unchanged_release_is_not_replaced(engine: FakeEngine, settings: Settings, port: str) -> None:
    """The same image with the same settings keeps its container, also on a port that Docker chose."""
    any_port = configured(settings.root, prod_host_port=port)
    url = deployed(engine, any_port, page_config="{}").url
    run = Runner(engine)
    deployment = deployed(engine, any_port, run, page_config="{}")
    assert (deployment.unchanged, deployment.url, run.ran) == (True, url, [])


@pytest.mark.parametrize("change", ["image", "setting", "environment"])
def test_changed_image_setting_or_configuration_replaces_the_release(
    engine: FakeEngine, settings: Settings, change: str
) -> None:
    """A change of any of them passes the gate and replaces the current release."""
    deployed(engine, settings)
    if change == "image":
        add_build(engine, "b")
    other = configured(settings.root, prod_memory="1g") if change == "setting" else settings
    run = Runner(engine)
    environment = '{"API_URL":"/api"}' if change == "environment" else ""
    assert not deployed(engine, other, run, page_config=environment).unchanged
    assert [run.verbs[0], run.verbs[3]] == [f"run {CANDIDATE}", f"run {NEXT}"]
    assert sorted(engine.by_name) == [NAME, HOLDER]


def test_unchanged_release_is_replaced_by_force(engine: FakeEngine, settings: Settings) -> None:
    """Somebody may have changed the container. It passes the gate again."""
    deployed(engine, settings)
    before, run = engine.by_name[NAME].id, Runner(engine)
    assert not deployed(engine, settings, run, force_recreate=True).unchanged
    assert [run.verbs[0], run.verbs[3]] == [f"run {CANDIDATE}", f"run {NEXT}"]
    assert engine.by_name[NAME].id != before


def test_forced_replacement_restores_the_assets_of_each_kept_release(engine: FakeEngine, settings: Settings) -> None:
    """Somebody may have deleted files of the volume. An earlier release's are in its own image only."""
    serve_a_build_b(engine, settings)
    deployed(engine, settings)
    run = Runner(engine)
    deployed(engine, settings, run, force_recreate=True)
    added = [line for line in run.verbs if line.startswith("carry add")]
    assert {f"carry add {A}", f"carry add {B}"} == {*added}


def test_candidate_has_the_configuration_of_the_release(engine: FakeEngine, settings: Settings) -> None:
    """The gate must check what will serve."""
    serve_a_build_b(engine, settings)
    run = Runner(engine)
    deployed(engine, settings, run, page_config='{"API_URL":"/api"}')
    configured_args = [args for args in run.ran if 'HELLO_DOCK_ENV={"API_URL":"/api"}' in args]
    assert [args[args.index("--name") + 1] for args in configured_args] == [CANDIDATE, CARRY, NEXT, CARRY]


def test_release_that_was_not_recorded_is_recorded_by_the_next_task(engine: FakeEngine, settings: Settings) -> None:
    """Without the record, the release could not be rolled back to, and open pages would miss its assets."""
    deployed(engine, settings, Runner(engine, {"docker container run --rm": Result(), "docker image tag": Result()}))
    assert (engine.assets, engine.image_store["hello-dock:prod"].tags) == (set(), ("hello-dock:prod",))
    run = Runner(engine)
    assert deployed(engine, settings, run).unchanged
    assert run.verbs == [f"carry add {A}", f"tag {image('a').short_id} hello-dock:{A}", f"carry keep {A}"]


def test_removed_releases_are_reported(
    engine: FakeEngine, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """The user sees which releases can no longer be rolled back to."""
    for letter in "abcd":
        add_build(engine, letter)
        deployed(engine, settings)
    assert capsys.readouterr().out.endswith(f" s  removed releases beyond the last 3: {A}\n")
    assert engine.assets == {B, C, "d" * 12}


OLD, NEW = '{"API_URL":"/api","APP_X":"1"}', '{"API_URL":"/other"}'
KEPT = "The page keeps its configuration: API_URL='/api', APP_X='1'. To remove it: --no-env"


@pytest.mark.parametrize("before", ["serves", "was stopped", "was removed"])
@pytest.mark.parametrize(
    ("environment", "notices"),
    [
        (None, (KEPT,)),
        (OLD, ()),
        (NEW, ("Removed from the page's configuration: APP_X='1'",)),
        ("", ("Removed from the page's configuration: API_URL='/api', APP_X='1'",)),
    ],
    ids=["nothing", "the same --env", "another --env", "--no-env"],
)
def test_configuration_is_kept_until_another_is_chosen(
    engine: FakeEngine,
    settings: Settings,
    before: str,
    environment: str | None,
    notices: tuple[str, ...],
) -> None:
    """The next release has the values of the one that serves or served last, and the user is told which."""
    deployed(engine, settings, page_config=OLD)
    if before == "was stopped":
        engine.by_name.clear()
    elif before == "was removed":
        engine.by_name.pop(NAME)
    add_build(engine, "b")
    deployment = deployed(engine, settings, page_config=environment)
    in_force = OLD if environment is None else environment
    assert engine.by_name[NAME].environment.get("HELLO_DOCK_ENV", "") == in_force
    assert deployment.notices == notices


def test_configuration_that_is_kept_changes_nothing(engine: FakeEngine, settings: Settings) -> None:
    """The same build with the configuration in force is the same release."""
    deployed(engine, settings, page_config=OLD)
    deployment = deployed(engine, settings)
    assert (deployment.unchanged, deployment.notices) == (True, (KEPT,))


def test_first_release_has_no_configuration_and_no_notice(engine: FakeEngine, settings: Settings) -> None:
    """Nothing is kept where nothing was configured, also after `invoke clean`."""
    assert deployed(engine, settings).notices == ()
    deployed(engine, settings, page_config=OLD)
    engine.by_name.clear()
    engine.volume_names.clear()
    assert deployed(engine, settings).notices == ()
    assert "HELLO_DOCK_ENV" not in engine.by_name[NAME].environment


def test_end_of_public_is_announced(engine: FakeEngine, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --public the next release is on the loopback address, and the user hears of it before it happens."""
    deployed(engine, settings, public=True)
    capsys.readouterr()
    deployed(engine, settings)
    assert capsys.readouterr().out.startswith("! Without --public, only this machine reaches the app from now on.")
    assert str(engine.by_name[HOLDER].published[0].host_ip) == "127.0.0.1"


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
def test_machine_that_may_lose_requests_has_a_notice(
    engine: FakeEngine, settings: Settings, kernel: tuple[int, ...], nginx: str, notices: list[str]
) -> None:
    """An old kernel and an old nginx are named; current ones have no notice."""
    engine.kernel = kernel
    engine.image_store["hello-dock:prod"] = replace(image("a"), environment={"NGINX_VERSION": nginx} if nginx else {})
    assert [notice.partition(":")[0] for notice in deployed(engine, settings).notices] == notices


@pytest.mark.parametrize(
    ("rootless", "reason"), [(True, " (a rootless engine needs cgroup v2 and systemd for that)"), (False, "")]
)
def test_limits_that_the_engine_lacks_have_a_notice(
    engine: FakeEngine, settings: Settings, reason: str, *, rootless: bool
) -> None:
    """Docker only warns about them, so the release serves without them."""
    engine.rootless, engine.limit_support = rootless, LimitSupport(memory=False, swap=False, pids=False)
    assert deployed(engine, settings).notices == (
        f"This engine cannot limit memory, swap, processes{reason}: the release runs without these limits.",
    )


def test_no_build_without_an_image_names_the_task_that_builds(settings: Settings) -> None:
    """--no-build needs an image; the error says how to build one."""
    run = Runner()
    with pytest.raises(StartError, match="There is no image hello-dock:prod") as caught:
        deployed(FakeEngine(), settings, run)
    assert "invoke build-prod" in caught.value.how
    assert run.ran == []


def test_image_built_by_hand_is_run(engine: FakeEngine, settings: Settings) -> None:
    """The handbook's own `docker image build --tag hello-dock:prod .` sets no label for the base image."""
    engine.image_store["hello-dock:prod"] = replace(image("a"), labels={})
    deployment = deployed(engine, settings)
    assert (deployment.url, deployment.build.added_size) == ("http://127.0.0.1:8080", 0)


def test_image_without_its_base_image_is_run(engine: FakeEngine, settings: Settings) -> None:
    """What the image adds to its base is not known then."""
    del engine.image_store["nginx:stable-alpine"]
    assert deployed(engine, settings).build.added_size == 0
    assert IMAGES["nginx:stable-alpine"] not in engine.image_store.values()


def test_dry_run_shows_a_build_and_a_first_start(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Under --dry no engine is asked, and no progress is printed because nothing is done."""
    run = Runner(dry=True)
    deployment = deploy.run_prod(
        Project(run, DryRunEngine("hello-dock"), settings, Progress(silent=True)), RunOptions()
    )
    assert [run.verbs[0][:21], *run.verbs[1:]] == [
        "build hello-dock:prod",
        f"network create {NAME}",
        *GATE,
        "carry add RELEASE",
        f"run {HOLDER}",
        f"run {NAME}",
        "tag RELEASE hello-dock:RELEASE",
        "carry keep RELEASE",
    ]
    assert (deployment.url, capsys.readouterr().out) == ("", "")
