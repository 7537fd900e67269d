"""The code that a page loads: what it tells about its source, and who may change it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docktasks.verify.checks.http.rules import exceptions, listed, survey_of
from docktasks.verify.probes.csp import Page
from docktasks.verify.probes.survey import Answer
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

WITHOUT_INTEGRITY = {"fonts.googleapis.com"}
"""Hosts whose answer depends on the browser, so that no integrity fits."""


@check("http.source-maps", "minor", fix="Build without inline source maps: build.sourcemap false or 'hidden'")
def source_maps(subject: Subject) -> Iterator[str]:
    """No script or style sheet contains its source map: every visitor would load the app's source."""
    survey = survey_of(subject)
    files = survey.site.files
    if paths := [path for path, file in files.items() if file.references.has_map]:
        yield f"an inline source map is in {len(paths):,} of {len(files):,} files: {listed(paths)}"


@check("http.third-party", "minor", fix="Add integrity and crossorigin to the element, or serve the file yourself")
def third_party(subject: Subject) -> Iterator[str]:
    """Scripts and style sheets of other hosts have an integrity, or that host can change what the pages do."""
    survey = survey_of(subject)

    def faults(answer: Answer) -> Iterator[str]:
        for address in Page(answer.response.text).without_integrity:
            host = re.match(r"\s*(?:https?:)?//([^/?#]+)", address)
            if host and host[1] not in WITHOUT_INTEGRITY and host[1] != survey.site.origin.partition("//")[2]:
                yield f"{address} without integrity"

    return exceptions((answer for answer in survey.plain if answer.is_page), faults)
