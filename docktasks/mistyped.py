"""Names that nobody knows, of settings, tasks and checks, and the ones that may be meant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

MIN_SIMILARITY = 0.85
"""How similar a mistyped variable is to the one that may be meant. All begin with INVOKE_."""

Sections = Mapping[str, Collection[str]]  # the keys of each section of settings

RENAMED = {
    "prod.drain": "prod.drain_timeout", "prod.keep": "prod.retain_releases",
    "prod.log_files": "prod.log_max_files", "prod.log_size": "prod.log_max_size",
    "prod.pids": "prod.pids_limit", "wait.ready": "prod.deploy_timeout and dev.deploy_timeout",
}  # fmt: skip
"""Names that settings had earlier, and what they are called now."""


def did_you_mean(names: Iterable[str]) -> str:
    """Return the end of a message about a mistyped name: the first of these names, or nothing."""
    return "".join(f". Did you mean {name}?" for name in [*names][:1])


def closest(name: str, names: Collection[str]) -> Sequence[str]:
    """Return the name that may be meant: one that begins with what was typed, or the most similar one, or none."""
    return [*(other for other in names if name and other.startswith(name)), *get_close_matches(name, [*names], 1)][:1]


def unknown_key(section: str, key: str, sections: Sections) -> str:
    """Return the problem of a key that is no setting. It may have another name now, or be one of another section."""
    if f"{section}.{key}" in RENAMED:
        return f"{section}.{key} is called {RENAMED[f'{section}.{key}']} now"
    names = [f"{other}.{key}" for other in sections if key in sections[other]]
    names += [f"{section}.{name}" for name in closest(key, sections[section])]
    return f"{section}.{key} is not a setting{did_you_mean(names)}"


def unknown_sections(config: Mapping[str, Any], sections: Sections) -> Iterator[str]:
    """Yield a problem for each section that is mistyped: it has a key of a section with a similar name.

    A section that settings had earlier has one for each of its keys.
    """
    for name, values in config.items():
        if name not in sections and isinstance(values, Mapping):
            yield from (unknown_key(name, key, sections) for key in values if f"{name}.{key}" in RENAMED)
        for section in get_close_matches(name, list(sections), 1) if name not in sections else ():
            if isinstance(values, Mapping) and any(key in values for key in sections[section]):
                yield f"{name} is no section of settings. Did you mean {section}?"


def variables(environ: Mapping[str, str], sections: Sections, invokes_own: Mapping[str, Any]) -> Iterator[str]:
    """Yield a problem for each INVOKE_* variable that sets nothing. `invokes_own` are Invoke's own defaults."""
    ours = {section: dict.fromkeys(keys) for section, keys in sections.items()}
    known = ["INVOKE_DEBUG", "INVOKE_RUN_QUIET", *_variables("INVOKE", ours), *_variables("INVOKE", invokes_own)]
    new_names = {f"INVOKE_{old}".upper().replace(".", "_"): new for old, new in RENAMED.items()}
    for name in sorted(environ):
        if name in new_names:
            names = " and ".join(f"INVOKE_{new}".upper().replace(".", "_") for new in new_names[name].split(" and "))
            yield f"{name} in the environment is called {names} now"
        elif name.startswith("INVOKE_") and name not in known:
            close = get_close_matches(name.upper(), known, 1, MIN_SIMILARITY)
            yield f"{name} in the environment is not a setting{did_you_mean(close)}"


def _variables(prefix: str, settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the environment variables for a tree of settings: https://docs.pyinvoke.org/en/stable/concepts/configuration.html#env-vars."""
    for key, value in settings.items():
        name = f"{prefix}_{key}".upper()
        if isinstance(value, Mapping) and value:
            yield from _variables(name, value)
        else:
            yield name
