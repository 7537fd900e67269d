"""Building the image.

`docker image build` of the app as it is in this checkout, the handbook's two stages beside ours, on the same base
images. Cold: nothing in any cache, npm's downloads included. The edits are new in every round, so no cache knows them.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import peers
from benchmarks.approaches import OURS, TWO_STAGE, Approach, Workshop, workshop
from benchmarks.harness import Bench, Case, Goal

SIDES = {"handbook": TWO_STAGE, "ours": OURS}
NO_SLOWER = Goal("no slower than the handbook's build", against="handbook", most=1.0)
HALF = Goal("at most half the time of the handbook's build", against="handbook", most=0.5)
OFTEN = 8
"""Times as often as the rest a build of nothing is measured: its spread is a tenth of what it takes."""


class Builder:
    """Builds one approach's image, with or without a change before."""

    def __init__(self, bench: Bench, shop: Workshop, approach: Approach) -> None:
        self.bench, self.shop, self.approach = bench, shop, approach

    def cold(self) -> float:
        """With nothing in any cache."""
        return self.bench.seconds(self.shop.build_args(self.approach, cold=True))

    def again(self) -> float:
        """With nothing changed."""
        return self.bench.seconds(self.shop.build_args(self.approach))

    def source(self) -> float:
        """After a module changed."""
        self.shop.edit_source()
        return self.again()

    def dependency(self) -> float:
        """After a dependency moved to another version."""
        self.shop.edit_dependencies()
        return self.again()


def cases(bench: Bench) -> Iterator[Case]:
    """What a developer does, from the rarest to the most frequent."""
    with workshop(bench, bench.engine, bench.settings, bench.name) as shop:
        sides = {name: Builder(bench, shop, approach) for name, approach in SIDES.items()}

        def case(name: str, goal: Goal, rounds: int = 0, *, warm: bool = True) -> Case:
            method = {"cold": "cold", "dependency changed": "dependency", "source edited": "source"}.get(name, "again")
            measures = {side: getattr(builder, method) for side, builder in sides.items()}
            return Case(name, measures, baseline="handbook", rounds=rounds, warm=warm, goals=(goal,))

        if not bench.quick:
            yield case("cold", NO_SLOWER, min(bench.rounds, 3), warm=False)
            if why := peers.missing("npm"):
                bench.skip("dependency changed", why)
            else:
                yield case("dependency changed", HALF)
        yield case("source edited", NO_SLOWER)
        yield case("nothing changed", NO_SLOWER, OFTEN * bench.rounds)
