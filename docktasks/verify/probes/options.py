"""Compare the options of a container with those that our tasks give: every difference, and what it means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from docktasks.app.project import Project
from docktasks.containers import clones
from docktasks.containers.run_args import label_args
from docktasks.engine.models import ContainerConfig
from docktasks.errors import Skip
from docktasks.resources import table
from docktasks.verify.registry import Major, Minor

MAX_NAME_CHARS, MAX_FACTOR = 60, 10
LIMITS = "Memory", "MemorySwap", "PidsLimit"
"""A release may be older than the settings, so its limits may differ from them, but not by such a factor."""
TABLE = table(__file__)
LOADS_CODE: str = TABLE["loads_code"]
"""Matches the name of a variable that changes what programs load, or whom they ask."""
KINDS: dict[str, type[str]] = {"critical": str, "major": Major, "minor": Minor}
OPTIONS: dict[str, str] = TABLE["options"]
"""Docker's name of a field -> the option of `docker container run`."""
RULES = [
    (re.compile(field), re.compile(entry.replace("{loads_code}", LOADS_CODE), re.DOTALL), kind, text)
    for field, entry, kind, text in TABLE["rules"]
]
"""Field, entry, the kind of fault (empty: none), and what it means. Entries are `name=value`, `!name=…` if missing.

The first row that fits counts. Another difference is a minor fault.
"""


def expected_config(project: Project, image_id: str, options: Sequence[str], suffix: str) -> ContainerConfig:
    """Return how a container of the image would be configured with these options: one is made, and removed.

    Raises Skip if Docker does not make it.
    """
    name = clones.clone_name(project.settings, suffix)
    create = ["docker", "container", "create", "--name", name, *label_args(project.settings, clones.CLONE_ROLE)]
    created = project.run([*create, *options, image_id], quiet=True)
    if not created.ok:
        raise Skip(f"a copy of it cannot be made: {created.tail(1)}")
    try:
        return project.engine.container_config(name)
    finally:
        project.run(clones.remove_clones_args(name), quiet=True)


def differences(
    actual: Mapping[str, Mapping[str, str]], expected: Mapping[str, Mapping[str, str]], allowed: str = "(?!)"
) -> Iterator[str]:
    """Yield a line for each difference that is a fault. `allowed` matches what else is none, as `Field name=value`."""
    lines: dict[str, None] = {}
    consequences = {"SecurityOpt", "MaskedPaths", "ReadonlyPaths", "Devices"} if "Privileged" in actual else set[str]()
    if actual.get("LogDriver") != expected.get("LogDriver"):
        consequences.add("LogOptions")  # each driver has options of its own
    for field in sorted((actual.keys() | expected.keys()) - consequences):
        now, before = actual.get(field, {}), expected.get(field, {})
        changed = [f"{name}={value}" for name, value in now.items() if before.get(name) != value]
        lost = [f"!{name}={value}" for name, value in before.items() if name not in now]
        faults = (
            _line(field, entry)
            for entry in (*changed, *lost)
            if not re.fullmatch(allowed, f"{field} {entry}", re.DOTALL)
        )
        lines |= dict.fromkeys(filter(None, faults))
        limit, usual = (values.get("", "") if field in LIMITS else "" for values in (now, before))
        if limit.isdigit() and not 1 < MAX_FACTOR * int(limit) / int(usual or limit) < MAX_FACTOR**2:
            lines[Minor(f"{OPTIONS[field]} {limit} is far from {usual}, as the settings have it")] = None
    yield from lines


def _line(field: str, entry: str) -> str | None:
    """The fault of an entry; None if it is none."""
    for pattern, values, kind, text in RULES:
        if pattern.fullmatch(field) and values.fullmatch(entry):
            return KINDS[kind](text.format(**_words(field, entry))) if kind else None
    words = _words(field, entry)
    missing = "is missing" if entry.startswith("!") else "is no option of ours"
    return Minor(f"{words['option']} {words['entry']} {missing}")


def _words(field: str, entry: str) -> dict[str, str]:
    name, _, value = entry.removeprefix("!").partition("=")
    source, _, mode = value.partition(" ")[2].rpartition(" ")
    return {
        "option": OPTIONS.get(field, field),
        "name": name,
        "value": value[:MAX_NAME_CHARS] or "no",
        "entry": "=".join(filter(None, (name, value)))[:MAX_NAME_CHARS],
        "mount": f"{source[:MAX_NAME_CHARS]}:{name}{':ro' if mode == 'ro' else ''}",
    }
