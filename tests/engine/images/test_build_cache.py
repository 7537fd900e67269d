"""Which steps of the Dockerfile run again: on the same builder, and on a new one that has only exported layers."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.local_registry import LocalRegistry
from benchmarks.own_engine import CONTAINERD_STORE, OwnEngine, can_start
from tests.engine.images.test_handbook import bases
from tests.engine.images.test_secrets import PUBLIC, SECRETS, write_secret_app
from tests.support.checkouts import write_app
from tests.support.commands import docker
from tests.support.layers import texts_in_cache
from tests.support.long_forms import long
from tests.support.project import ProjectUnderTest, new_name

PRUNE = ["builder", "prune", "--all", "--force"]
STEP = re.compile(r"^#(\d+) \[(dependencies|builder) \d/\d\] RUN ", re.MULTILINE)
"""A RUN step of these stages in plain progress: its number, which begins each line of its output, and its stage."""


class Builder:
    """Builds an app without packages by the plain command, with the checkout's Dockerfile."""

    def __init__(self, built_project: ProjectUnderTest, checkout: Path, app: Path, host: str = "") -> None:
        self.app, self.host, self.tag = app, host, new_name()
        tools = ["--build-context", f"tools={checkout}/docktasks/images", "--file", f"{checkout}/Dockerfile"]
        build_args = [*bases(built_project), "--build-arg", "APP_DIR=."]
        self.command = ["image", "build", "--progress=plain", "--tag", self.tag, *tools, *build_args]
        scripts = {"build": "mkdir dist && cp page dist/index.html"}
        package = {"name": "bare", "description": self.tag, "scripts": scripts}
        write_app(app, {"package.json": json.dumps(package), "page": "first"})

    def edit(self) -> None:
        """Change a source file to a text that no build has seen."""
        (self.app / "page").write_text(new_name())

    def build(self, *args: str) -> set[str]:
        """Build with more arguments; the stages whose RUN step was not in a cache, `dependencies` and `builder`."""
        output = docker(*self.command, *args, str(self.app), host=self.host)
        steps = dict(STEP.findall(output))
        assert set(steps.values()) == {"dependencies", "builder"}
        # A layer of a registry is extracted where the step would have run.
        cached = set(re.findall(r"^#(\d+) (?:CACHED|extracting sha256)", output, re.MULTILINE))
        return {stage for number, stage in steps.items() if number not in cached}


@pytest.fixture
def builder(built_project: ProjectUnderTest, checkout: Path, tmp_path: Path) -> Iterator[Builder]:
    """Builds on this machine's engine."""
    builder = Builder(built_project, checkout, tmp_path / "app")
    yield builder
    docker("image", "rm", "--force", builder.tag)


@pytest.fixture(scope="module")
def exporting_engine(built_project: ProjectUnderTest) -> Iterator[OwnEngine]:
    """An engine of its own whose image store can export layers. It has the base images."""
    if not can_start():
        pytest.skip("a second engine takes root, dockerd, unshare, nsenter and ip")
    engine = OwnEngine(config=CONTAINERD_STORE)
    try:
        engine.start()
        names = [arg.partition("=")[2] for arg in bases(built_project) if "=" in arg]
        with subprocess.Popen(["docker", "image", "save", *names], stdout=subprocess.PIPE) as saved:
            load = ["docker", "--host", engine.host, "image", "load"]
            subprocess.run(load, stdin=saved.stdout, check=True)
        yield engine
    finally:
        engine.end()


@pytest.fixture
def exporting_builder(
    built_project: ProjectUnderTest, checkout: Path, tmp_path: Path, exporting_engine: OwnEngine
) -> Builder:
    """Builds on that engine, whose own cache is empty."""
    docker(*PRUNE, host=exporting_engine.host)
    return Builder(built_project, checkout, tmp_path / "app", exporting_engine.host)


def test_edit_or_new_commit_runs_the_build_only(builder: Builder) -> None:
    """Without a change nothing runs. An edit, the commit and its time reach the build, and not the installation."""
    commit = "--build-arg", "REVISION=two", "--build-arg", "SOURCE_DATE_EPOCH=1700000001"
    assert builder.build() == {"dependencies", "builder"}
    assert builder.build() == set()
    builder.edit()
    assert builder.build() == {"builder"}
    assert builder.build(*commit) == {"builder"}
    assert builder.build(*commit) == set()


@pytest.mark.parametrize("kind", ["local", long("registry")])
def test_new_builders_find_the_packages_in_exported_layers(
    exporting_builder: Builder, exporting_engine: OwnEngine, tmp_path: Path, kind: str
) -> None:
    """An edit installs nothing on a builder whose own cache is empty, as a CI runner's is, and on the one after it."""
    builder, registry = exporting_builder, LocalRegistry(tmp_path) if kind == "registry" else None
    if registry:
        registry.start(*exporting_engine.enter)

    def options(name: str, flag: str, folder: str) -> tuple[str, str]:
        """Return the option that exports a cache, or imports it."""
        target = f"ref={registry.address}/caches/{name}" if registry else f"{folder}={tmp_path / name}"
        return flag, f"type={kind},{target}{',mode=max' if flag == '--cache-to' else ''}"

    try:
        assert builder.build(*options("first", "--cache-to", "dest")) == {"dependencies", "builder"}
        docker(*PRUNE, host=builder.host)
        builder.edit()
        assert builder.build() == {"dependencies", "builder"}
        docker(*PRUNE, host=builder.host)
        both = (*options("first", "--cache-from", "src"), *options("second", "--cache-to", "dest"))
        assert builder.build(*both) == {"builder"}
        docker(*PRUNE, host=builder.host)
        builder.edit()
        assert builder.build(*options("second", "--cache-from", "src")) == {"builder"}
    finally:
        if registry:
            registry.stop()


@pytest.mark.long  # test_secrets.py looks into the layers of each stage
def test_exported_layers_have_no_secret(exporting_builder: Builder, tmp_path: Path) -> None:
    """A cache with mode=max has the layers of every stage."""
    write_secret_app(exporting_builder.app, None)
    exporting_builder.build("--cache-to", f"type=local,dest={tmp_path}/cache,mode=max")
    assert texts_in_cache(tmp_path / "cache", {*SECRETS, PUBLIC}) == {PUBLIC}
