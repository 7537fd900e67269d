"""Rules that several checks share."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from docktasks.verify.checks.http.rules import leads_away


@pytest.mark.parametrize(
    ("location", "is_away"),
    [("/b", False), ("https://docs.example/", False), ("http://localhost/b", True), ("http://h/b", True)],
)
def test_rule_of_the_site_may_lead_to_another_host_but_not_to_localhost(location: str, *, is_away: bool) -> None:
    """Nobody's site is at localhost, nor is it at its own host without the port: nginx wrote that address."""
    site: Any = SimpleNamespace(origin="http://h:8080", is_redirected=lambda _path: True)
    assert list(leads_away(site, "/a", [location])) == [f"Location: {location}"] * is_away
