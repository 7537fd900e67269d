"""Bytes of a return visit.

A copy of this app is released, one sentence of it changes, and it is released again. What a visitor who returns loads
of scripts and styles: those that have another name now. As brotli, and as a browser gets them that has the files of the
release before and names them (RFC 9842). Bytes are counted, so one round is enough.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from benchmarks.checkout import copy_app
from benchmarks.harness import INVOKE, Bench, Case, Goal, Metric
from docktasks.errors import BenchError

BYTES = Metric("scripts and styles", "B")
GOAL = Goal("at most a twentieth of brotli", BYTES.name, against="brotli", most=0.05)
SENTENCE = re.compile(r"[A-Z][a-z ]{20,}\.")
CODE = re.compile(r"(?P<name>.*[-.])[\w-]{8,}(?P<type>\.(?:js|css))")


def cases(bench: Bench) -> Iterator[Case]:
    """One case."""
    with TemporaryDirectory() as folder:
        app = copy_app(Path(folder) / "app")
        environ = {"INVOKE_APP_DIR": str(app)}
        try:
            bench.output([*INVOKE, "run-prod", "--no-gate"], **environ)
            before = _files(bench)
            _change_a_sentence(app)
            bench.output([*INVOKE, "run-prod", "--no-gate"], **environ)
            measures = {"brotli": lambda: _bytes(bench, before, None), "ours": lambda: _bytes(bench, before, before)}
            yield Case("one sentence changed", measures, (BYTES,), "brotli", rounds=1, warm=False, goals=(GOAL,))
        finally:
            bench.output([*INVOKE, "stop"], **environ)


def _change_a_sentence(app: Path) -> None:
    for view in sorted((app / "src" / "views").glob("*.vue")):
        text = view.read_text()
        if sentence := SENTENCE.search(text):
            view.write_text(text.replace(sentence[0], f"{sentence[0]} This sentence is new.", 1))
            return
    raise BenchError("No view of the app has a sentence.", "", "Correct the pattern SENTENCE")


def _files(bench: Bench) -> list[str]:
    """The scripts and styles of the release that serves, by path."""
    listed = bench.engine.exec(f"{bench.name}-prod", ["find", "/srv/hashed/site", "-type", "f"])
    paths = (line.removeprefix("/srv/hashed/site") for line in listed.output.splitlines())
    return sorted(path for path in paths if CODE.fullmatch(path))


def _bytes(bench: Bench, before: list[str], dictionaries: list[str] | None) -> float:
    """The bytes of the files that are new since `before`, for a browser that has the `dictionaries`, if it has any."""
    with httpx.Client(base_url=f"http://127.0.0.1:{bench.host_port}", trust_env=False) as client:
        known = {_name(path): client.get(path).content for path in dictionaries or ()}
        return float(sum(_size(client, path, known.get(_name(path))) for path in _files(bench) if path not in before))


def _name(path: str) -> str:
    parts = CODE.fullmatch(path)
    return "*".join(parts.group("name", "type")) if parts else path


def _size(client: httpx.Client, path: str, dictionary: bytes | None) -> int:
    headers = {"accept-encoding": "br, dcz"}
    if dictionary is not None:
        headers["available-dictionary"] = f":{b64encode(hashlib.sha256(dictionary).digest()).decode()}:"
    with client.stream("GET", path, headers=headers) as response:
        response.raise_for_status()
        return len(b"".join(response.iter_raw()))
