"""Building the image.

`docker image build` of the app in this checkout: the handbook's two-stage Dockerfile and ours, on the same base images,
on a second engine without earlier builds. Cold: no cache at all; npm downloads everything. Each edit is new, so no
cache knows it. New builder: another engine imports the layers of an earlier build, as a fresh CI runner does, and has
no other cache; the source was edited since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack

from benchmarks import new_builder, servers
from benchmarks.build_variants import DOCKERFILE, OURS, TWO_STAGE, BuildSandbox, Variant, build_sandbox
from benchmarks.harness import Bench, Case, Goal, Measure
from benchmarks.new_builder import NETWORK, NewBuilder
from docktasks.app.project import Project
from docktasks.images import base_images

CONTESTANTS = {"handbook": TWO_STAGE, "ours": OURS}
COLD_GOAL = Goal("a cold build takes no longer than the handbook's", against="handbook", most=1.0)
DEPENDENCY_GOAL = Goal(
    "a build after a dependency changed takes at most 0.8 of the handbook's time", against="handbook", most=0.8
)
EDIT_GOAL = Goal("a build after an edit takes no longer than the handbook's", against="handbook", most=1.0)
UNCHANGED_GOAL = Goal("a build of nothing new takes at most 1.1 times the handbook's", against="handbook", most=1.1)
NEW_BUILDER_GOAL = Goal("a new builder takes no longer than with the handbook's Dockerfile", against="handbook", most=1)

MAX_COLD_ROUNDS = 3
UNCHANGED_FACTOR = 8
"""A build of nothing new is measured this many times as often as the others: its spread is a tenth of its time."""


class Builder:
    """Builds one variant's image, with or without a change before it. Each method returns seconds."""

    def __init__(self, bench: Bench, sandbox: BuildSandbox, variant: Variant) -> None:
        self.bench, self.sandbox, self.variant = bench, sandbox, variant

    def cold(self) -> float:
        """Build without any cache."""
        return self.bench.seconds([*self.sandbox.build_args(self.variant, cold=True), *NETWORK])

    def unchanged(self) -> float:
        """Build what was built before."""
        return self.bench.seconds([*self.sandbox.build_args(self.variant), *NETWORK])

    def edit(self) -> float:
        """Build after a module changed."""
        self.sandbox.edit_source()
        return self.unchanged()

    def dependency(self) -> float:
        """Build after a dependency changed to another version."""
        self.sandbox.edit_dependencies()
        return self.unchanged()

    def edit_on(self, builder: NewBuilder, cache: str) -> float:
        """Build on a new builder after a module changed, with the layers of an exported cache."""
        self.sandbox.edit_source()
        return builder.build(self.sandbox.build_args(self.variant), cache)[0]


def cases(bench: Bench, dockerfile: str = DOCKERFILE) -> Iterator[Case]:
    """From the rarest build of a developer's to the most frequent one, then the build of a CI runner.

    `dockerfile` is the one of our variant, from the checkout.
    """
    machine = bench
    with ExitStack() as stack:
        if not bench.quick and not new_builder.missing():
            bench, _ = stack.enter_context(new_builder.engine_without_builds(machine, _base_images(machine)))
        sandbox = stack.enter_context(build_sandbox(bench, bench.engine, bench.settings, bench.name, dockerfile))
        variants = bench.contestants(CONTESTANTS)
        builders = {name: Builder(bench, sandbox, variant) for name, variant in variants.items()}
        if not bench.quick:
            yield cold_case(builders, "handbook", min(bench.rounds, MAX_COLD_ROUNDS))
            yield from _dependency_case(bench, builders)
        yield edit_case(builders, "handbook")
        unchanged = {name: builder.unchanged for name, builder in builders.items()}
        rounds = UNCHANGED_FACTOR * bench.rounds
        yield Case("nothing changed", unchanged, baseline="handbook", rounds=rounds, goals=(UNCHANGED_GOAL,))
        if not bench.quick:
            yield from _new_builder_case(machine, builders)


def _base_images(bench: Bench) -> list[str]:
    project = Project(bench, bench.engine, bench.settings)
    return [base_images.resolve(project, kind).reference for kind in ("node", "nginx")]


def cold_case(builders: Mapping[str, Builder], baseline: str, rounds: int) -> Case:
    """Builds without any cache, of the builders by contestant."""
    measures = {name: builder.cold for name, builder in builders.items()}
    return Case("cold", measures, baseline=baseline, rounds=rounds, warm=False, goals=(COLD_GOAL,))


def edit_case(builders: Mapping[str, Builder], baseline: str) -> Case:
    """Builds after an edit of the source, of the builders by contestant."""
    measures = {name: builder.edit for name, builder in builders.items()}
    return Case("source edited", measures, baseline=baseline, goals=(EDIT_GOAL,))


def _dependency_case(bench: Bench, builders: Mapping[str, Builder]) -> Iterator[Case]:
    if reason := servers.missing("npm"):
        bench.skip("dependency changed", reason)
        return
    measures = {name: builder.dependency for name, builder in builders.items()}
    yield Case("dependency changed", measures, baseline="handbook", goals=(DEPENDENCY_GOAL,))


def _new_builder_case(bench: Bench, builders: Mapping[str, Builder]) -> Iterator[Case]:
    if reason := new_builder.missing():
        bench.skip("new builder, source edited", reason)
        return
    sandbox = next(iter(builders.values())).sandbox
    with new_builder.new_builder(bench, [sandbox.node, sandbox.nginx]) as engine:
        for name, builder in builders.items():
            engine.export(sandbox.build_args(builder.variant), name)
        measures = {name: _measure_edit(builder, engine, name) for name, builder in builders.items()}
        yield Case("new builder, source edited", measures, baseline="handbook", goals=(NEW_BUILDER_GOAL,))


def _measure_edit(builder: Builder, engine: NewBuilder, cache: str) -> Measure:
    return lambda: builder.edit_on(engine, cache)
