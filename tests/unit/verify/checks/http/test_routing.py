from __future__ import annotations

import httpx
import pytest

from tests.unit.fakes.site_faults import assert_reported, header, on_path, status
from tests.unit.fakes.sites import Answer, Fault, Site


def index_for_everything(_request: httpx.Request, answer: Answer) -> None:
    """`try_files $uri /index.html` for all paths: the most frequent fault."""
    if answer.status == 404:
        answer.status, answer.body = 200, Site().files["/index.html"].encode()
        answer.set("content-type", "text/html")
        answer.set("cache-control", "no-cache")


def listing(answer: Answer) -> None:
    """A list of the folder's files."""
    answer.status, answer.body = 200, b'<a href="x">index-Dk1aQz7_.js</a>'


FAULTS: list[tuple[str, Fault, str]] = [
    ("http.deep-link", on_path("-5f2c", status(404)), "/no-such-file-5f2c: 404"),
    ("http.deep-link", on_path("/deeper", status(404)), "/no-such-file-5f2c/deeper?query=1: 404"),
    ("http.deep-link", on_path("-5f2c", lambda answer: setattr(answer, "body", b"other")),
     "200, but not index.html (5 bytes"),
    ("http.missing", index_for_everything, "/assets/no-such-file-5f2c.js (missing asset): 200"),
    ("http.missing", on_path(".txt", status(403)), "/no-such-file-5f2c.txt (missing file): 403"),
    ("http.directories", on_path("/assets/", listing),
     "/assets/: 200, a list that contains index-Dk1aQz7_.js"),
    ("http.directories", on_path("/assets", header("location", "http://127.0.0.1/assets/")),
     "Location: http://127.0.0.1/as"),
]  # fmt: skip


@pytest.mark.parametrize(("check_id", "fault", "evidence"), FAULTS, ids=[f"{row[0]} {row[2]}" for row in FAULTS])
def test_fault_is_reported(check_id: str, fault: Fault, evidence: str) -> None:
    """The check fails, and the evidence says where the fault is."""
    assert_reported(check_id, fault, evidence)
