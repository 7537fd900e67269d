from __future__ import annotations

import pkgutil

import pytest

from benchmarks import results, topics, verify_cost
from benchmarks.topics import nginx_settings
from benchmarks.topics.swap import DRAINED


def test_catalogue_lists_every_topic() -> None:
    """A module that is not listed would never be measured. Each topic has a title and a text."""
    assert {module.name for module in pkgutil.iter_modules(topics.__path__)} == set(topics.TOPICS)
    for name, topic in topics.TOPICS.items():
        title, text = results.title_and_text(topic)
        assert title, name
        assert text, name
        assert callable(topic.cases)


@pytest.mark.parametrize("change", nginx_settings.CHANGES)
def test_each_changed_setting_is_in_its_file(change: str) -> None:
    """A renamed directive would otherwise be measured without a change."""
    assert nginx_settings.changed_file(*nginx_settings.CHANGES[change])


def test_setting_that_is_not_in_its_file_is_an_error() -> None:
    """The error names the file and the setting."""
    with pytest.raises(LookupError, match=r"nginx.conf has no 'nonsense on'"):
        nginx_settings.changed_file("nginx.conf", "nonsense on", "nonsense off")


@pytest.mark.parametrize(
    "line", ["   0.4 s  release 0a1b2c3d4e5f has answered what it had begun to, and is removed", "0.4 s  drained 0a1b"]
)
def test_drain_time_is_read_from_the_progress_line(line: str) -> None:
    """The line that run-prod prints gives the seconds."""
    match = DRAINED.search(f"   1.2 s  built\n{line}\n")
    assert match is not None
    assert match.group(1) == "0.4"


def test_verify_is_measured_with_what_a_release_has() -> None:
    """No dev container runs then. A named check without its container ends verify with an error."""
    assert {check.needs for check in verify_cost.checks_without_browser()} == {"image", "container", "url"}
