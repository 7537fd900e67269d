"""The tables of faults: what the output of a tool means."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from docktasks.faults import cause
from tests.unit.fakes.apps import ROOT

TABLES = sorted((ROOT / "docktasks").rglob("*_faults.json"))
TEXTS = ("what", "why", "how")
VALUES = dict.fromkeys(("name", "reference", "advice", "host"), "x")
NO_CERTIFICATE = "tls: failed to verify certificate: x509: certificate signed by unknown authority"
OUTPUTS = {
    "start": (
        "docker: Error response from daemon: invalid mount config for type bind: bind source path does not exist: /a",
        "docker: write /var/lib/docker/overlay2/a: no space left on device.",
        "docker: Error response from daemon: network api not found.",
        "docker: Error response from daemon: unknown runtime specified a.",
    ),
    "network": (
        "Error response from daemon: could not find an available, non-overlapping IPv4 address pool",
        "Error response from daemon: cannot restrict inter-container communication: set bridge-nf: load br_netfilter",
        "Error response from daemon: plugin not enabled",
    ),
    "registry": (
        "tag invalid: The image tag '1.0.0' already exists in the repository and cannot be overwritten",
        "denied: requested access to the resource is denied",
        "Get https://r.example/v2/: http: server gave HTTP response to HTTPS client",
        f"Get https://r.example/v2/: {NO_CERTIFICATE}",
        "toomanyrequests: You have reached your pull rate limit",
        "write /var/lib/registry/a: no space left on device",
        "received unexpected HTTP status: 500 Internal Server Error",
        "dial tcp 127.0.0.1:5000: connect: connection refused",
        "name unknown: repository name not known to registry",
        "invalid reference format",
    ),
    "signature": (
        "Error: none of the attestations matched the predicate type: vuln, found: spdx\r\n",
        "Error: no signatures found",
        "Error: invalid or missing digest in claim: sha256:1",
        "Error: no matching signatures: invalid signature when validating ASN.1 encoded signature",
        "Error: getting signature: dial tcp: connection refused",
    ),
}
"""Table -> an output for each of its rows. The rows of a build are in tests/unit/images/test_build_faults.py."""


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_last_row_of_a_table_is_for_every_output(table: Path) -> None:
    """No other is, because the rows after it would never count."""
    patterns = [row["pattern"] for row in json.loads(table.read_text())]
    assert patterns.index("") == len(patterns) - 1


@pytest.mark.parametrize(
    ("name", "number", "output"),
    [(name, number, output) for name, outputs in OUTPUTS.items() for number, output in enumerate(outputs)],
)
def test_output_of_a_tool_has_its_row(name: str, number: int, output: str) -> None:
    """No row before it takes the output, and its texts have their values."""
    (table,) = (path for path in TABLES if path.stem == f"{name}_faults")
    row = json.loads(table.read_text())[number]
    fault = cause(table, output, **VALUES)
    assert fault["pattern"] == row["pattern"]
    assert "{" not in "".join(fault.get(field, "") for field in TEXTS)
    assert len(OUTPUTS[name]) == len(json.loads(table.read_text()))
