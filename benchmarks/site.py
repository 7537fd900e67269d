"""A site with something of every kind to serve: the app, and beside it a large file and many small ones."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.approaches import APPROACHES, Approach, Workshop, workshop
from benchmarks.harness import Bench
from docktasks.containers.run_args import remove_args

SMALL = 100
LARGE = 500_000
WORDS = (
    "const",
    "return",
    "function",
    "import",
    "await",
    "this",
    "=>",
    "===",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    ";",
    ",",
    ".",
)


@dataclass(frozen=True)
class Site:
    """Its images, the folder with its files as they were built, and the paths to ask for, by what they are."""

    shop: Workshop
    dist: Path
    paths: dict[str, tuple[str, ...]]


def add_files(public: Path) -> None:
    """Put the files there: text that compresses as scripts do, the same every time."""
    chosen = random.Random(6)  # noqa: S311 - no secret
    names = [f"name{number}" for number in range(400)]
    words: list[str] = []
    length = 0
    while length < LARGE:
        words.append(chosen.choice(WORDS if chosen.random() < 0.6 else names))  # noqa: PLR2004 - as in scripts
        length += len(words[-1]) + 1
    public.mkdir(exist_ok=True)
    (public / "large.js").write_text(" ".join(words))
    (public / "small").mkdir()
    for number in range(SMALL):
        shape = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path d="M{number} 0h24v24H0z"/></svg>\n'
        (public / "small" / f"{number}.svg").write_text(shape * 4)


@contextmanager
def built(bench: Bench, approaches: tuple[Approach, ...] = APPROACHES) -> Iterator[Site]:
    """The site, with the images of these approaches; its files come out of the last of the handbook's."""
    with workshop(bench, bench.engine, bench.settings, bench.name) as shop:
        add_files(shop.app / "public")
        for approach in approaches:
            bench.output(shop.build_args(approach))
        dist = shop.app.parent / "dist"
        name = f"{bench.name}-files"
        bench.output(["docker", "container", "create", "--name", name, shop.tag(approaches[-2])])
        try:
            bench.output(["docker", "container", "cp", f"{name}:/usr/share/nginx/html", str(dist)])
        finally:
            subprocess.run(remove_args(name), capture_output=True, check=False)
        small = tuple(f"/small/{number}.svg" for number in range(SMALL))
        yield Site(shop, dist, {"/": ("/",), "a large file": ("/large.js",), "many small files": small})
