from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from docktasks.commands import Result as CommandResult
from docktasks.engine.models import Container, ContainerConfig
from docktasks.verify.probes import clone_trial
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.production import A, B, image
from tests.unit.fakes.runner import Runner
from tests.unit.fakes.subjects import CONFIG, TMP, Result, release, release_subject, results

TRIED_CHECKS = (
    "container.writable-paths", "container.health", "container.stop", "container.log", "container.network",
)  # fmt: skip
"""Those that try something on copies of the container."""


class CloneRunner(Runner):
    """A machine on which a copy can write to `writable`, and has the health `broken_health` after its page is removed.

    `answers` are the results of `docker container` commands, by verb.
    """

    def __init__(
        self,
        engine: FakeEngine,
        writable: str = TMP,
        broken_health: str = "unhealthy",
        answers: dict[str, CommandResult] | None = None,
    ) -> None:
        super().__init__(engine, {f"docker container {verb}": answer for verb, answer in (answers or {}).items()})
        self.writable, self.broken_health = writable, broken_health
        self.fake = engine

    def _result(self, args: list[str]) -> CommandResult:
        answer = super()._result(args)
        if args[2] == "exec" and answer.ok:
            if "rm" not in args:
                return CommandResult(0, self.writable)
            self.fake.by_name[args[5]] = replace(self.fake.by_name[args[5]], health=self.broken_health)
        return answer


def result(check_id: str, config: ContainerConfig = CONFIG, known: str = "hello-dock:prod", **changes: Any) -> Result:
    """The result of one check on a release with this configuration and these changes."""
    container = release(**changes)
    engine = FakeEngine(container, images={known: image("a")})
    engine.config = config
    return results(release_subject(engine, container), check_id)[check_id]


def tried(
    runner: CloneRunner | None = None,
    config: ContainerConfig = CONFIG,
    engine: FakeEngine | None = None,
    **changes: Any,
) -> dict[str, Result]:
    """The results of the checks that try something. Each copy is gone in the end."""
    container = release(**changes)
    engine = runner.fake if runner else engine or FakeEngine()
    engine.by_name[container.name] = container
    engine.image_store, engine.config = {"hello-dock:prod": image("a")}, config
    outcomes = results(release_subject(engine, container, runner or CloneRunner(engine)), *TRIED_CHECKS)
    assert list(engine.by_name) == [container.name]
    return outcomes


def engine_with_clone(suffix: str, **state: Any) -> FakeEngine:
    """An engine on which the copy with this suffix starts in another state."""
    engine = FakeEngine()
    engine.start_states = {f"hello-dock-clone-{suffix}-{os.getpid()}": state}
    return engine


def test_container_of_run_prod_passes() -> None:
    """run-prod sets the label of its release."""
    assert result("container.release") == ("pass", ())


def test_release_without_its_label_fails() -> None:
    """run-prod sets the label on every release."""
    expected = ("fail", ("it has no label hello-dock.config-hash: run-prod did not start it",))
    assert result("container.release", labels={}) == expected


def test_release_whose_tag_has_moved_fails() -> None:
    """The tag that it was started from names another build now."""
    labels = {"hello-dock.config-hash": "0a1b2c3d4e5f", "hello-dock.release": B}
    assert result("container.release", image="hello-dock:prod", image_id="sha256:gone", labels=labels) == (
        "fail",
        (f"hello-dock:prod is {A} now, but the container runs {B}",),
    )


def test_release_of_another_image_than_its_label_says_fails() -> None:
    """The label was written by hand."""
    labels = {"hello-dock.config-hash": "0a1b2c3d4e5f", "hello-dock.release": B}
    outcome, evidence = result("container.release", labels=labels)
    assert (outcome, evidence[0]) == ("fail", f"{image('a').id} is {A} now, but the container runs {B}")


def test_healthy_container_passes_what_is_tried_on_its_copies() -> None:
    """Two copies are started, and no command names the container that serves."""
    runner = CloneRunner(FakeEngine())
    assert tried(runner) == dict.fromkeys(TRIED_CHECKS, ("pass", ()))
    names = {args[args.index("--name") + 1].split("-")[3] for args in runner.ran if "--name" in args}
    assert names == {"intact", "broken"}
    assert not [args for args in runner.ran if args[1] == "container" and args[-1] == "hello-dock-prod"]


def test_container_that_its_copy_reaches_fails() -> None:
    """The engine does not keep the containers of the network apart, whatever the network's options say."""
    engine = FakeEngine()
    engine.is_open = True
    assert tried(engine=engine)["container.network"] == ("fail", ("a copy of it reaches it at http://172.18.0.2:80/",))


def test_container_outside_of_its_network_fails() -> None:
    """Docker's default network has containers of everybody."""
    evidence = ("it is in the network bridge", "it is not in the project's own network hello-dock-prod")
    assert tried(networks={"bridge": "172.17.0.2"})["container.network"] == ("fail", evidence)


def test_writable_folder_fails() -> None:
    """Each writable folder is evidence, and so is a /tmp that is not writable."""
    assert tried(CloneRunner(FakeEngine(), "/var\n/home\n"))["container.writable-paths"] == (
        "fail",
        ("it can write to /var", "it can write to /home", f"it cannot write to {TMP}"),
    )


def test_health_check_that_cannot_fail_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken copy stays healthy without its page."""
    monkeypatch.setattr(clone_trial, "UNHEALTHY_TIMEOUT_S", 0)
    outcomes = tried(CloneRunner(FakeEngine(), broken_health="healthy"))
    assert outcomes["container.health"] == ("fail", ("without /srv/site a copy of it is healthy",))
    assert outcomes["container.stop"] == ("pass", ())


def test_unhealthy_container_is_not_copied() -> None:
    """Its copy would be unhealthy, too."""
    outcomes = tried(health="unhealthy")
    assert outcomes["container.health"] == ("fail", ("it is unhealthy",))
    assert outcomes["container.writable-paths"] == ("skip", ("it is unhealthy, and a copy of it would be so, too",))


def test_container_without_a_health_check_fails() -> None:
    """No copy is tried, because nothing would show that it is ready."""
    outcomes = tried(health="", config=replace(CONFIG, health=()))
    assert outcomes["container.health"] == ("fail", ("it has no health check",))
    assert outcomes["container.stop"][0] == "skip"


def test_copy_that_ends_at_once_is_not_healthy() -> None:
    """The container would not survive a restart. What would be tried on the copy is skipped."""
    ended = {"state": "exited", "exit_code": 1}
    assert tried(engine=engine_with_clone("broken", **ended))["container.health"] == (
        "fail",
        ("a copy of it is exited with exit code 1 after 60 s, and not healthy",),
    )
    outcomes = tried(engine=engine_with_clone("intact", **ended))
    reason = ("a copy of it is exited with exit code 1, and not healthy",)
    checks = ("container.writable-paths", "container.stop", "container.log")
    assert {outcomes[check_id] for check_id in checks} == {("skip", (reason))}


def test_copy_that_has_to_be_killed_fails() -> None:
    """It did not end by itself within its grace period. Any other exit code than 0 is a fault, too."""
    outcomes = tried(engine=engine_with_clone("intact", exit_code=137))
    assert outcomes["container.stop"] == ("fail", ("exit code 137: it did not end by itself, so Docker killed it",))
    outcomes = tried(engine=engine_with_clone("intact", exit_code=1))
    assert outcomes["container.stop"] == ("fail", ("exit code 1",))


def test_copy_that_runs_after_stop_fails() -> None:
    """docker stop had no effect."""
    outcomes = tried(CloneRunner(FakeEngine(), answers={"stop": CommandResult(1, "no")}))
    assert outcomes["container.stop"] == ("fail", ("after docker stop it is running",))


def test_warning_at_start_fails() -> None:
    """Levels from warn on count. A notice does not, nor a path that contains such a word."""
    engine = engine_with_clone("intact")
    levels = ("warn", "error", "crit", "alert", "emerg")
    loud = [f"2026/11/24 10:00:00 [{level}] 1#1: about {level}" for level in levels]
    quiet = ["2026/11/24 10:00:00 [notice] 1#1: start", '1.2.3.4 "GET /warn HTTP/1.1" 200 0']
    engine.container_logs[next(iter(engine.start_states))] = "\n".join([*loud, *quiet])
    assert tried(engine=engine)["container.log"] == ("fail", tuple(loud))


@pytest.mark.parametrize(
    ("answers", "checks", "reason"),
    [
        ({"run": CommandResult(125, "no room")}, TRIED_CHECKS, "a copy of it does not start: no room"),
        ({"exec": CommandResult(126, "no sh")}, TRIED_CHECKS[:1],
         "a copy of it cannot list its writable folders: no sh"),
        ({"exec": CommandResult(1, "no rm")}, TRIED_CHECKS[1:2],
         "root cannot remove /srv/site in a copy of it: no rm"),
    ],
)  # fmt: skip
def test_check_that_cannot_be_tried_is_skipped(
    answers: dict[str, CommandResult], checks: tuple[str, ...], reason: str
) -> None:
    """The reason contains what Docker printed."""
    outcomes = tried(CloneRunner(FakeEngine(), answers=answers))
    assert {outcomes[check_id] for check_id in checks} == {("skip", (reason,))}


def test_copy_that_another_process_removes_is_skipped() -> None:
    """Its end proves nothing about the container."""

    class RemovingRunner(CloneRunner):
        def _result(self, args: list[str]) -> CommandResult:
            answer = super()._result(args)
            if args[2] in ("stop", "exec"):
                self.fake.by_name.pop(args[5] if args[3] == "--user" else args[-1], None)
            return answer

    outcomes = tried(RemovingRunner(FakeEngine()))
    reason = "another process removed the copy while it was tried"
    assert outcomes["container.stop"] == outcomes["container.health"] == ("skip", (reason,))


def test_container_whose_image_is_gone_is_not_copied() -> None:
    """A copy needs the image."""
    container = release()
    outcomes = results(release_subject(FakeEngine(container), container), "container.stop")
    assert outcomes["container.stop"] == ("skip", ("its image is gone, so no copy of it can be started",))


def test_engine_that_goes_away_gives_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's error is raised, after both copies were removed."""
    runner = CloneRunner(FakeEngine())
    find_container = runner.fake.container

    def container(name: str) -> Container | None:
        if "clone" in name:
            raise ConnectionError(name)
        return find_container(name)

    monkeypatch.setattr(runner.fake, "container", container)
    with pytest.raises(ConnectionError):
        tried(runner)
    assert [args[2] for args in runner.ran if args[-1].startswith("hello-dock-clone")] == ["rm", "rm"]
