"""Deltas: a browser that has an earlier file gets the difference from it: https://www.rfc-editor.org/rfc/rfc9842."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator
from fnmatch import fnmatchcase

from docktasks.verify.checks.http.rules import survey_of
from docktasks.verify.probes.http_client import Response
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

ENCODINGS = "gzip, br, dcb, dcz"
"""The Accept-Encoding of a browser that has a dictionary."""
HEADERS = {"dcz": bytes.fromhex("5e2a4d1820000000"), "dcb": b"\xffDCB"}
"""What a delta begins with. The SHA-256 of its dictionary follows."""
PATTERN = re.compile(r'match="([^"]*)"')
MAX_FILES = 5
UNKNOWN = "of no file", "of another release"
"""The texts whose SHA-256 no file has."""
MALFORMED = "", ":", "::", "no bytes", ":../../../hashed/site:", ':AAAA:, ":'


@check(
    "http.dictionaries",
    "major",
    fix="Send a delta only from the file whose hash a browser names, and Vary: Available-Dictionary (deltas.conf)",
)
def dictionaries(subject: Subject) -> Iterator[str]:
    """A browser gets a delta only from the file that it names, and a cache knows that the answer depends on it."""
    survey = survey_of(subject)
    files = {path: file for path, file in survey.site.files.items() if file.is_ok and path in survey.texts}
    offered = {path: file for path, file in files.items() if file.get("use-as-dictionary")}
    for path, file in offered.items():
        yield from (f"{path}: {fault}" for fault in _offer_faults(file))
    kept = [answer.base for answer in survey.seen if answer.place.kind == "kept" and answer.base.is_ok]
    known = {f"as {file.path}": file.digest for file in [*kept, *offered.values()][: 2 * MAX_FILES]}
    unknown = {text: hashlib.sha256(text.encode()).digest() for text in UNKNOWN}
    named = {name: (f":{b64encode(digest).decode()}:", digest) for name, digest in (unknown | known).items()}
    named |= {value or "an empty one": (value, b"") for value in MALFORMED}
    for file in [*offered.values(), *(file for path, file in files.items() if path not in offered)][:MAX_FILES]:
        usual = survey.site.get(file.path, Accept_Encoding=ENCODINGS)
        for name, (value, digest) in named.items():
            response = survey.site.get(file.path, Accept_Encoding=ENCODINGS, Available_Dictionary=value)
            for fault in _delta_faults(usual, response, digest if name in known else b""):
                yield f"{file.path} for a dictionary {name}: {fault}"


def _is_match(pattern: str, path: str) -> bool:
    before, star, after = pattern.partition("*")
    if star and not re.search(r"[*?]", before + after):  # as ours; a pattern for each of thousands of files is slow
        return len(path) >= len(before + after) and path.startswith(before) and path.endswith(after)
    return fnmatchcase(path, pattern.replace("[", "[[]"))


def _offer_faults(file: Response) -> Iterator[str]:
    """What is wrong with the offer of a file as a dictionary."""
    pattern = PATTERN.search(file.get("use-as-dictionary"))
    if not (pattern and _is_match(pattern[1], file.path)):
        yield f"Use-As-Dictionary does not match the file: {file.get('use-as-dictionary')}"
    if "available-dictionary" not in file.get("vary").lower():
        yield "Use-As-Dictionary, but no Vary: Available-Dictionary"


def _delta_faults(usual: Response, response: Response, digest: bytes) -> Iterator[str]:
    """What is wrong with an answer, next to the usual one. Only for the SHA-256 of a known file it may be a delta."""
    encoding = response.get("content-encoding")
    if encoding not in HEADERS:
        if (encoding, response.digest) != (usual.get("content-encoding"), usual.digest):
            yield "other bytes than without one"
        return
    if not digest:
        yield f"a delta ({encoding}), though no file has this hash"
    elif not response.body.startswith(HEADERS[encoding] + digest):
        yield f"a delta ({encoding}) from another file"
    if response.encoded_size > usual.encoded_size:
        yield f"a delta of {response.encoded_size:,} bytes, and without one {usual.encoded_size:,}"
    if "available-dictionary" not in response.get("vary").lower():
        yield "a delta without Vary: Available-Dictionary"
