from __future__ import annotations

from dataclasses import replace

import pytest

from docktasks.app import git
from docktasks.app.project import Project
from docktasks.containers import app_mount
from docktasks.containers.app_mount import Checkout
from docktasks.dev import environment, file_events, server
from docktasks.dev.dev_script import DevCommand
from docktasks.dev.environment import DevEnvironment
from docktasks.dev.run_args import DevRunSpec
from docktasks.engine.models import Container, Image
from docktasks.errors import AppError, ConflictError
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.runner import Runner


def prepare(project: Project) -> DevEnvironment:
    """Prepare a run of the image's own command."""
    return environment.prepare(project, DevCommand())


def test_prepare_builds_the_image_and_fills_the_volume(project: Project, run: Runner) -> None:
    """The volumes have the project's label, so that `invoke clean` finds them. The marker is removed at the end."""
    prepared = prepare(project)
    assert [" ".join(args[1:3]) for args in run.ran] == [
        "image build", "volume create", "volume create", "network create", "container run",
        "volume rm",
    ]  # fmt: skip
    labels = "--label hello-dock.project=hello-dock --label hello-dock.role=modules"
    assert run.lines[2] == f"docker volume create {labels} {prepared.volume.name}"
    assert prepared.run_spec == DevRunSpec(Checkout(project.settings.app_dir), prepared.volume.name, "1000:1000")
    assert prepared.notices == ()


def test_prepare_asks_git_for_the_revision(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dev server gets the commit as a variable, as the production build does."""
    monkeypatch.setattr(git, "source", lambda _app, _settings: git.Source("1", "abc"))
    assert prepare(project).run_spec.revision == "abc"


def test_prepare_reports_a_checkout_of_root(
    project: Project, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root writes into a checkout of root. On a rootless engine uid 0 is the user, which needs no notice."""
    monkeypatch.setattr(app_mount, "user_for", lambda _engine, _app_dir: "0:0")
    notice = "Root owns the checkout, so the container runs as root. It has no capability."
    assert prepare(project).notices == (notice,)
    engine.rootless = True
    assert prepare(project).notices == ()


def test_prepare_polls_where_file_events_are_lost(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The notice says why, because polling uses CPU."""
    monkeypatch.setattr(file_events, "polling_reason", lambda _project, _user: "the checkout is on fuse")
    prepared = prepare(project)
    assert prepared.run_spec.polling
    reason = "File change events do not reach the container (the checkout is on fuse)."
    assert prepared.notices == (f"{reason} Vite polls instead, which uses some CPU.",)


def test_prepare_does_not_poll_where_file_events_arrive(project: Project) -> None:
    """Events cost no CPU and arrive sooner."""
    assert not prepare(project).run_spec.polling


def test_prepare_reports_a_stand_in_for_the_base_image(settings: Settings) -> None:
    """A stand-in is not the official image, so the user has to know of it."""
    tag = "hello-dock-base-node:26.10.0"
    engine = FakeEngine(images={tag: Image("sha256:0", tags=(tag,), labels={"hello-dock.standin": "node:lts-alpine"})})
    (notice,) = prepare(Project(Runner(engine), engine, settings)).notices
    assert notice.startswith(f"Built on {tag}, a stand-in for node:lts-alpine")


def test_prepare_reports_a_missing_lock_file(project: Project) -> None:
    """Without a lock file every build may install other versions."""
    (project.settings.app_dir / "package-lock.json").unlink()
    (notice,) = prepare(project).notices
    assert "has no lock file" in notice


def test_prepare_builds_nothing_for_a_read_only_checkout(
    project: Project, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a folder node_modules the volume cannot be mounted, so the error comes before the build."""

    def refuse(_checkout: Checkout) -> None:
        raise AppError("The folder node_modules is missing and cannot be created.", "", "")

    monkeypatch.setattr(app_mount, "make_mountpoints", refuse)
    with pytest.raises(AppError):
        prepare(project)
    assert run.ran == []


def test_prepare_for_other_dependencies_keeps_the_user_and_polling(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkout is the same, so it is not found out again. The volume, the revision and the command are new."""
    monkeypatch.setattr(git, "source", lambda _app, _settings: git.Source("1", "def"))
    previous = DevRunSpec(Checkout(project.settings.app_dir), "hello-dock-modules-0", "7:7", "abc", polling=True)
    prepared = environment.prepare(project, DevCommand(("npm", "run", "dev"), needs_preload=True), previous)
    expected = replace(previous, volume=prepared.volume.name, revision="def", needs_preload=True)
    assert prepared.run_spec == expected.with_command("npm", "run", "dev")
    assert prepared.volume.name != previous.volume


def test_port_that_is_in_use_is_an_error_before_anything_is_installed(
    project: Project, run: Runner, engine: FakeEngine
) -> None:
    """An installation takes minutes, and the port is known before."""
    engine.port_owners = {3000: Container("0", "web", image="nginx:1")}
    with pytest.raises(ConflictError, match=r"Port 3000 on 127\.0\.0\.1 is in use by container web"):
        server.up(project)
    assert run.ran == []
