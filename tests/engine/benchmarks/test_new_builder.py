from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import new_builder
from benchmarks.build_variants import TWO_STAGE, build_sandbox
from benchmarks.checkout import ROOT
from benchmarks.harness import Bench
from benchmarks.own_engine import CONTAINERD_STORE, can_start
from docktasks.engine.client import DockerEngine
from tests.support.project import ProjectUnderTest


def network_bridges() -> set[str]:
    """Return the names of this machine's network bridges."""
    return {path.parent.name for path in Path("/sys/class/net").glob("*/bridge")}


def cached_steps(printed: str) -> dict[str, bool]:
    """Return whether a build took each of its npm steps from a cache, by BuildKit's plain progress."""
    steps = {"npm install": r"#(\d+) \[builder.*npm install", "npm run build": r"#(\d+) \[builder.*npm run build"}
    numbers = {name: re.findall(pattern, printed)[0] for name, pattern in steps.items()}
    return {name: f"#{number} CACHED" in printed.splitlines() for name, number in numbers.items()}


@pytest.mark.skipif(not can_start(), reason=new_builder.REQUIREMENTS)
def test_new_builder_has_only_the_layers_of_the_exported_cache(
    engine: DockerEngine, project: ProjectUnderTest, skiff: Path, tmp_path: Path
) -> None:
    """After an edit, the packages come from the imported layers and the app is built.

    Without the import, the same builder installs the packages, so it has no other cache.
    """
    # A benchmark measures the checkout that its code is in: Bench runs its commands there.
    settings, docker0 = replace(project.settings(), root=ROOT), network_bridges() & {"docker0"}
    bench = Bench(replace(settings, app=replace(settings.app, dir=str(skiff))), engine, project.name)
    with build_sandbox(bench, engine, bench.settings, bench.name) as sandbox:
        args = [*sandbox.build_args(TWO_STAGE), "--progress", "plain"]
        images = [sandbox.node, sandbox.nginx]
        with new_builder.engine_without_builds(bench, images, CONTAINERD_STORE) as (on_engine, second):
            assert {second.bridge, *docker0} <= network_bridges()  # the first engine keeps its network
            builder = new_builder.NewBuilder(on_engine, tmp_path)
            builder.export(args, "cache")
            sandbox.edit_source()
            _, imported = builder.build(args, "cache")
            (builder.caches / "cache").rename(builder.caches / "gone")
            _, empty = builder.build(args, "cache")
    assert second.bridge not in network_bridges()
    assert docker0 <= network_bridges()
    assert cached_steps(imported) == {"npm install": True, "npm run build": False}
    assert cached_steps(empty) == {"npm install": False, "npm run build": False}
