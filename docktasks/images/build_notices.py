"""What the steps of a build say to the user, also when Docker takes them from its cache and they say nothing."""

from __future__ import annotations

import json
import re

from docktasks import workspace
from docktasks.settings import Settings

NOTICE = re.compile(r"NOTICE: ([^\x1b\r\n]+)")
"""What a script of the build says to the user, in a line of its output."""

MAX_BUILDS = 20
"""Builds whose notices are kept."""


def notices(output: str) -> list[str]:
    """Return what the scripts of the build say to the user. BuildKit's drawing cuts a line at the terminal's edge."""
    texts = dict.fromkeys(text.strip() for text in NOTICE.findall(output))
    return [text for text in texts if not any(other != text and other.startswith(text) for other in texts)]


def remembered(settings: Settings, layer: str, output: str) -> list[str]:
    """Return the notices of the build that made a layer, from its output, or from that of the build that Docker cached.

    A machine that has only the cache of another one, and no earlier build, has none. Raises DockError.
    """
    path = workspace.cache_folder(settings.root) / f"notices-{settings.app.name}.json"
    builds: dict[str, list[str]] = workspace.read_cached(path)
    if _is_cached(output):
        return [*dict.fromkeys([*builds.get(layer, []), *notices(output)])]
    builds = {name: texts for name, texts in builds.items() if name != layer} | {layer: notices(output)}
    with workspace.writing(path):
        path.write_text(json.dumps(dict([*builds.items()][-MAX_BUILDS:])))
    return builds[layer]


def _is_cached(output: str) -> bool:
    """Return True when the step that builds the site came from the cache, by BuildKit's drawing or its plain lines."""
    numbers = re.findall(r"(?m)^#(\d+) \[builder ", output)
    return "CACHED [builder " in output or any(re.search(rf"(?m)^#{number} CACHED", output) for number in numbers)
