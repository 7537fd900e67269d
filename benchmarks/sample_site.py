"""A site with every kind of file to serve: the app, a large file, and many small files."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.build_variants import TWO_STAGE, BuildSandbox, Variant, build_sandbox
from benchmarks.harness import Bench
from docktasks.containers.run_args import remove_args

SMALL_FILES = 100
LARGE_FILE_CHARACTERS = 500_000
NAMES = [f"name{number}" for number in range(400)]
KEYWORDS = [
    "const", "return", "function", "import", "await", "this",
    "=>", "===", "(", ")", "{", "}", "[", "]", ";", ",", ".",
]  # fmt: skip
KEYWORD_SHARE = 0.6
"""About as many of the words of a script are keywords and signs."""


@dataclass(frozen=True)
class SampleSite:
    """A sandbox with the built images, the folder with the built files, and the paths to request, by kind."""

    sandbox: BuildSandbox
    dist: Path
    paths: dict[str, tuple[str, ...]]


def add_files(public: Path) -> None:
    """Write the files into an app's public folder: text that compresses like scripts, the same in each run."""
    public.mkdir(exist_ok=True)
    (public / "large.js").write_text(_script())
    (public / "small").mkdir()
    for number in range(SMALL_FILES):
        shape = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path d="M{number} 0h24v24H0z"/></svg>\n'
        (public / "small" / f"{number}.svg").write_text(shape * 4)


def _script() -> str:
    generator = random.Random(6)  # noqa: S311 - it keeps no secret
    words: list[str] = []
    length = 0
    while length < LARGE_FILE_CHARACTERS:
        words.append(generator.choice(KEYWORDS if generator.random() < KEYWORD_SHARE else NAMES))
        length += len(words[-1]) + 1
    return " ".join(words)


@contextmanager
def sample_site(bench: Bench, variants: Sequence[Variant]) -> Iterator[SampleSite]:
    """Build the images of the site. Its files are in the folder `dist` when the handbook's two-stage image is built."""
    with build_sandbox(bench, bench.engine, bench.settings, bench.name) as sandbox:
        add_files(sandbox.app / "public")
        for variant in variants:
            bench.output(sandbox.build_args(variant))
        dist = sandbox.app.parent / "dist"
        if TWO_STAGE in variants:
            _copy_files(bench, sandbox.tag(TWO_STAGE), dist)
        small = tuple(f"/small/{number}.svg" for number in range(SMALL_FILES))
        yield SampleSite(sandbox, dist, {"/": ("/",), "a large file": ("/large.js",), "many small files": small})


def _copy_files(bench: Bench, image: str, folder: Path) -> None:
    """Copy the files that an image of the handbook serves to a folder."""
    name = f"{bench.name}-files"
    bench.output(["docker", "container", "create", "--name", name, image])
    try:
        bench.output(["docker", "container", "cp", f"{name}:/usr/share/nginx/html", str(folder)])
    finally:
        subprocess.run(remove_args(name), capture_output=True, check=False)
