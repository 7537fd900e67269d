"""What an image does not have: a VEX document, as CycloneDX 1.6, for the packages of the lock file.

It is not OpenVEX, because a statement of that names a vulnerability. This one holds for each that is found in these
packages, now or later.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docktasks.ship.bundle import Bundle, Package
from docktasks.ship.image_facts import ImageFacts
from docktasks.ship.sbom import Document, component, envelope

ABSENT = "code_not_present"
"""The justification of https://cyclonedx.org/docs/1.6/json/#vulnerabilities_items_analysis_justification."""


def document(facts: ImageFacts, bundle: Bundle) -> Document:
    """Return the VEX of an image: no code of these packages is in it. Of tools of the build there is a little."""
    detail = "The lock file has this package, and none of its modules is in the site."
    statements = [_statement("not_affected", detail, package, justification=ABSENT) for package in bundle.absent]
    for package in bundle.helpers:
        modules = ", ".join(package.helpers)
        detail = f"It is a tool of the build. Of it only these modules are in the site: {modules}"
        statements.append(_statement("in_triage", detail, package))
    packages = [*bundle.absent, *bundle.helpers]
    return {**envelope(facts, "vex"), "components": list(map(component, packages)), "vulnerabilities": statements}


def absent_in(content: Mapping[str, Any]) -> set[str]:
    """Return the packages of which a VEX says that no code is there, by their purl. Raises LookupError, TypeError."""
    purls = {entry["bom-ref"]: entry["purl"] for entry in content["components"]}
    return {
        purls[affected["ref"]]
        for statement in content["vulnerabilities"]
        if statement["analysis"]["state"] not in ("in_triage", "exploitable")
        for affected in statement["affects"]
    }


def _statement(state: str, detail: str, package: Package, **analysis: str) -> Document:
    return {
        "bom-ref": f"{state}:{package.purl}",
        "analysis": {"state": state, **analysis, "detail": detail},
        "affects": [{"ref": package.purl}],
    }
