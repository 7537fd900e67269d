"""The build of the production image."""

from __future__ import annotations

import json

import pytest

from docktasks.app.project import Project
from docktasks.engine.models import Image
from docktasks.errors import AppError
from docktasks.release import build as release_build
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.production import (
    A,
    deployed,
    image,
)
from tests.unit.fakes.runner import Runner


def test_build_reports_what_the_image_adds_to_its_base(engine: FakeEngine, settings: Settings) -> None:
    """A build is one command; the image that it replaces is removed if it was never released."""
    run = Runner(engine)
    build = release_build.build_prod(Project(run, engine, settings))
    assert run.verbs[0].startswith("build hello-dock:prod")
    assert run.lines[1:] == [f"docker image rm {image('a').id}"]
    assert (build.image.size, build.added_size, build.notices) == (20_000_000, 8_000_000, ())


def test_build_has_a_notice_for_each_stand_in(settings: Settings) -> None:
    """If both base images are stand-ins, both are named."""
    tags = {"hello-dock-base-node:26": "node:lts-alpine", "hello-dock-base-nginx:1.30.6": "nginx:stable-alpine"}
    known = {
        tag: Image(f"sha256:{tag}", tags=(tag,), labels={"hello-dock.standin": standin})
        for tag, standin in tags.items()
    }
    engine = FakeEngine(images=known)
    build = release_build.build_prod(Project(Runner(engine), engine, settings))
    assert [notice.split(",")[0] for notice in build.notices] == [f"Built on {tag}" for tag in tags]


def test_build_without_a_build_script_runs_no_command(settings: Settings) -> None:
    """Nothing is pulled or built for an app that cannot be built."""
    (settings.app_dir / "package.json").write_text(json.dumps({"scripts": {}}))
    run = Runner()
    with pytest.raises(AppError, match="has no script build"):
        release_build.build_prod(Project(run, FakeEngine(), settings))
    assert run.ran == []


def test_build_keeps_the_image_of_a_release(engine: FakeEngine, settings: Settings) -> None:
    """The image of a release loses the tag of the newest build, but still has its release tag."""
    deployed(engine, settings)
    run = Runner(engine)
    release_build.build_prod(Project(run, engine, settings))
    assert len(run.ran) == 1
    assert engine.image_store[f"hello-dock:{A}"].tags == (f"hello-dock:{A}",)
