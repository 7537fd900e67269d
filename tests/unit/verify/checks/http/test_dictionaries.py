from __future__ import annotations

import hashlib
from base64 import b64encode

import httpx
import pytest

from tests.unit.fakes.site_faults import ENTRY, assert_reported, verdicts
from tests.unit.fakes.sites import Answer, Fault, Site

MAGIC = bytes.fromhex("5e2a4d1820000000")
ENTRY_HASH = hashlib.sha256(Site().files[ENTRY].encode()).digest()
ID = "http.dictionaries"
OFFER = 'match="/assets/index-*.js"'


def offered(offer: str = OFFER, vary: str = "Accept-Encoding, Available-Dictionary") -> Fault:
    """The entry script is offered as a dictionary."""

    def change(request: httpx.Request, answer: Answer) -> None:
        if request.url.path == ENTRY:
            answer.set("use-as-dictionary", offer)
            answer.set("vary", vary)

    return change


def delta(body: bytes, *, dictionary: str = "", vary: str = "Available-Dictionary", accepted: str = "dcz") -> Fault:
    """The entry script is offered. With a dictionary whose field begins so, it is answered by this delta.

    `accepted` is what Accept-Encoding has to have.
    """

    def change(request: httpx.Request, answer: Answer) -> None:
        offered()(request, answer)
        named = request.headers.get("available-dictionary")
        is_accepted = accepted in request.headers["accept-encoding"]
        if request.url.path == ENTRY and named is not None and named.startswith(dictionary) and is_accepted:
            answer.set("content-encoding", "dcz")
            answer.set("vary", vary)
            answer.body = body

    return change


def plain(body: bytes) -> Fault:
    """A request that names a dictionary gets another file."""

    def change(request: httpx.Request, answer: Answer) -> None:
        if "available-dictionary" in request.headers and answer.status == 200:
            answer.set("content-encoding")
            answer.body = body

    return change


OWN = f":{b64encode(ENTRY_HASH).decode()}:"
SOUND = delta(MAGIC + ENTRY_HASH + b"...", dictionary=OWN)
FAULTS: list[tuple[str, Fault, str]] = [
    (ID, offered('match="/assets/other-*.js"'), f"{ENTRY}: Use-As-Dictionary does not match the file"),
    (ID, offered("id=1"), f"{ENTRY}: Use-As-Dictionary does not match the file: id=1"),
    (
        ID,
        offered(vary="Accept-Encoding"),
        f"{ENTRY}: Use-As-Dictionary, but no Vary: Available-Dictionary",
    ),
    (
        ID,
        delta(MAGIC + ENTRY_HASH),
        "a dictionary of no file: a delta (dcz), though no file has this hash",
    ),
    (
        ID,
        delta(MAGIC + ENTRY_HASH, dictionary=":.."),
        "hashed/site:: a delta (dcz), though no file has this hash",
    ),
    (
        ID,
        delta(MAGIC + bytes(32), dictionary=OWN),
        f"a dictionary as {ENTRY}: a delta (dcz) from another file",
    ),
    (
        ID,
        delta(MAGIC + ENTRY_HASH + bytes(90_000), dictionary=OWN),
        "a delta of 90,040 bytes, and without one",
    ),
    (
        ID,
        delta(MAGIC + ENTRY_HASH, dictionary=OWN, vary="Accept-Encoding"),
        "a delta without Vary: Available-Dictionary",
    ),
    (
        ID,
        delta(MAGIC + ENTRY_HASH, dictionary=OWN, accepted=""),
        f"a dictionary as {ENTRY}: a delta (dcz), also if Accept-Encoding does not name it",
    ),
    (ID, plain(b"old"), "a dictionary of another release: other bytes than without one"),
]


@pytest.mark.parametrize(("check_id", "fault", "evidence"), FAULTS, ids=[row[2] for row in FAULTS])
def test_fault_is_reported(check_id: str, fault: Fault, evidence: str) -> None:
    """The check fails, and the evidence says where the fault is."""
    assert_reported(check_id, fault, evidence)


@pytest.mark.parametrize("fault", [offered(), SOUND], ids=["offered", "a delta"])
def test_dictionaries_may_be_offered_and_used(fault: Fault) -> None:
    """A delta from the file whose hash the request names is what the encoding is for."""
    assert verdicts(Site(fault), ID)[ID].outcome == "pass"
