from __future__ import annotations

import httpx
import pytest

from docktasks.verify.registry import Check
from tests.unit.fakes.site_faults import HTTP_CHECKS, verdicts
from tests.unit.fakes.sites import Site
from tests.unit.verify.checks.http import (
    test_abuse,
    test_answers,
    test_caching,
    test_compression,
    test_dictionaries,
    test_files,
    test_headers,
    test_routing,
)

MODULES = (
    test_abuse,
    test_answers,
    test_caching,
    test_compression,
    test_dictionaries,
    test_files,
    test_headers,
    test_routing,
)


@pytest.mark.parametrize("base", ["/", "/app/"])
def test_healthy_site_passes_every_check(base: str) -> None:
    """At the root of a host, and below a base path."""
    results = verdicts(Site(base=base))
    assert {check_id: verdict.evidence for check_id, verdict in results.items()} == {c.id: () for c in HTTP_CHECKS}
    assert {verdict.outcome for verdict in results.values()} == {"pass"}


@pytest.mark.parametrize("check", HTTP_CHECKS, ids=lambda check: check.id)
def test_every_check_has_a_fault(check: Check) -> None:
    """Each check appears in the faults of one of these test modules."""
    assert check.id in {"http.api", *(check_id for module in MODULES for check_id, _, _ in module.FAULTS)}


def test_site_that_does_not_answer_fails_once() -> None:
    """The evidence is the error of the connection. The other checks are skipped with that reason."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("[Errno 111] Connection refused", request=request)

    results = verdicts(refuse)
    verdict = results.pop("http.answers")
    assert {verdict.outcome for verdict in results.values()} == {"skip"}
    assert verdict.outcome == "fail"
    assert verdict.evidence == ("http://127.0.0.1:8080 does not answer: Connection refused",)


def test_site_without_files_skips_the_checks_that_need_one() -> None:
    """The reason is given, and the other checks run."""

    def plain(_request: httpx.Request) -> httpx.Response:
        headers = {"content-type": "text/html", "cache-control": "no-cache"}
        return httpx.Response(200, headers=headers, text="<h1>It works!</h1>")

    results = verdicts(plain)
    skipped = {check_id: verdict.evidence for check_id, verdict in results.items() if verdict.outcome == "skip"}
    assert skipped == {"http.directories": ("the site has no folder",)}
    assert results["http.files"].evidence == ("index.html loads no file, and has no script, style or title of its own",)
    assert results["http.deep-link"].outcome == "pass"
