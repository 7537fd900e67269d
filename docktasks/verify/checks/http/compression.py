"""Compression: who gets a file in which encoding, and that it is the same file; also as a delta from an earlier one.

https://www.rfc-editor.org/rfc/rfc9842 describes the deltas.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator
from fnmatch import fnmatchcase

from httpx import codes

from docktasks.verify.checks.http.rules import exceptions, is_ours, survey_of
from docktasks.verify.probes.http_client import Response, is_error
from docktasks.verify.probes.survey import Answer, Survey
from docktasks.verify.probes.ways import BR, BROWSER_ENCODINGS, GZIP, NEGOTIATED, PLAIN
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

MIN_COMPRESSED_BYTES, OUR_MIN_COMPRESSED_BYTES = 1024, 300
"""A text of this size or more must be sent compressed. Our build compresses what becomes smaller."""
TEXTS = re.compile(r"text/|application/(?:(?:[a-z]+\+)?json|xml|javascript)$|image/svg")
OUR_VARY = {"", "accept-encoding", "available-dictionary", "sec-fetch-dest", "accept", "origin"}
UNSHARED_VARY = {"*", "cookie", "user-agent", "authorization", "referer"}
"""With one of these a shared cache keeps a copy for every visitor, or none."""
ENCODINGS = "gzip, br, dcb, dcz"
"""The Accept-Encoding of a browser that has a dictionary."""
HEADERS = {"dcz": bytes.fromhex("5e2a4d1820000000"), "dcb": b"\xffDCB"}
"""What a delta begins with. The SHA-256 of its dictionary follows."""
PATTERN = re.compile(r'match="([^"]*)"')
MAX_FILES = 5
UNKNOWN = "of no file", "of another release"
"""The texts whose SHA-256 no file has."""
MALFORMED = "", ":", "::", "no bytes", ":../../../hashed/site:", ':AAAA:, ":'


def _encoded_texts(survey: Survey, encoding: str) -> Iterator[tuple[Response, Response]]:
    """Each text plain, and as it is sent to a browser that accepts only this encoding, where both came."""
    encoded = survey.site.encoded_files(encoding)
    answers = [answer for answer in survey.ways(encoding) if answer.place.kind in ("page", "unknown")]
    pages = {answer.place.path: answer for answer in answers if answer.is_page and answer.base.is_ok}
    pairs = [(plain, encoded[path]) for path, plain in survey.site.files.items() if path in encoded and plain.is_ok]
    pairs += [(answer.base, answer.response) for path, answer in pages.items() if path not in encoded]
    return ((plain, response) for plain, response in pairs if response.status and not is_error(response))


@check("http.encoding", "major", fix="Compress files in the builder, serve them by Accept-Encoding (compression.conf)")
def encoding(subject: Subject) -> Iterator[str]:
    """A browser that accepts gzip or brotli gets text compressed, and it decodes to the same bytes."""
    survey = survey_of(subject)
    for accepted in (GZIP, BR):
        for plain, response in _encoded_texts(survey, accepted):
            for fault in _encoding_faults(accepted, plain, response, must_shrink=_must_shrink(subject, plain)):
                yield f"{plain.path} for Accept-Encoding: {accepted}: {fault}"


def _must_shrink(subject: Subject, plain: Response) -> bool:
    """True for a text that is surely smaller when it is compressed. The container writes env.js itself."""
    least = OUR_MIN_COMPRESSED_BYTES if subject.has("image") else MIN_COMPRESSED_BYTES
    is_of_container = plain.path.endswith("/env.js")
    return plain.size >= least and bool(TEXTS.match(plain.media_type)) and not is_of_container


def _encoding_faults(accepted: str, plain: Response, response: Response, *, must_shrink: bool) -> Iterator[str]:
    encoding = response.get("content-encoding")
    if encoding not in (PLAIN, accepted) or (not encoding and accepted == GZIP and must_shrink):
        yield f"Content-Encoding: {encoding or 'none'}"
    elif not response.is_ok:
        yield response.summary
    elif response.digest != plain.digest:
        yield "decodes to other bytes than the plain file"
    if response.media_type != plain.media_type:
        yield f"{response.media_type or 'without a content type'}, but {plain.media_type} when plain"


@check("http.vary", "major", fix="Send Vary: Accept-Encoding with every form of such a file (compression.conf)")
def vary(subject: Subject) -> Iterator[str]:
    """A file with several encodings has Vary: Accept-Encoding. Nothing varies by what differs for each visitor."""
    compressed: dict[str, Response] = {}
    survey = survey_of(subject)
    for accepted in (GZIP, BR):
        for plain, response in _encoded_texts(survey, accepted):
            if response.get("content-encoding"):
                compressed[plain.path] = plain
                if not _varies(response):
                    yield f"{plain.path} for Accept-Encoding: {accepted}: no Vary: Accept-Encoding"
    for path, plain in compressed.items():
        if not _varies(plain):
            yield f"{path}: no Vary: Accept-Encoding, but it is also sent compressed"

    def faults(answer: Answer) -> Iterator[str]:
        names = _vary(answer.response)
        others = names - OUR_VARY if is_ours(subject, "vary") else names & UNSHARED_VARY
        if others and answer.place.kind != "own":
            yield f"Vary: {answer.response.get('vary')}: no visitor gets what a cache has for another,"

    yield from exceptions(survey.seen, faults)


def _vary(response: Response) -> set[str]:
    return {name.strip() for name in response.get("vary").lower().split(",")}


def _varies(response: Response) -> bool:
    return not _vary(response).isdisjoint({"accept-encoding", "*"})


@check("http.brotli", "minor", fix="Compress with brotli in the builder: it is 10 to 20 % smaller than gzip")
def brotli(subject: Subject) -> Iterator[str]:
    """A browser that accepts brotli gets text as brotli, also if it accepts gzip."""
    survey = survey_of(subject)
    for plain, response in _encoded_texts(survey, BR):
        encoding = response.get("content-encoding")
        if _must_shrink(subject, plain) and plain.size >= MIN_COMPRESSED_BYTES and encoding != BR:
            yield f"{plain.path} for Accept-Encoding: br: Content-Encoding: {encoding or 'none'}"
    for answer in survey.ways("again"):
        encoding = answer.response.get("content-encoding")
        is_large = answer.base.path in survey.texts and answer.base.size >= MIN_COMPRESSED_BYTES
        if is_large and answer.is_judged and encoding not in (BR, "zstd"):
            yield f"{answer.base.path} for Accept-Encoding: {BROWSER_ENCODINGS}: Content-Encoding: {encoding or 'none'}"


@check("http.negotiation", "major", fix="Choose as in RFC 9110: whole names, any case, q=0 refuses (compression.conf)")
def negotiation(subject: Subject) -> Iterator[str]:
    """Whatever Accept-Encoding says, only what it allows is sent, with the right bytes."""
    survey = survey_of(subject)
    sizes = {PLAIN: {path: plain.encoded_size for path, plain in survey.texts.items()}}
    for accepted in (GZIP, BR):
        sizes[accepted] = {plain.path: response.encoded_size for plain, response in _encoded_texts(survey, accepted)}
    for answer in survey.negotiated:
        value = dict(answer.request.headers)["accept-encoding"]
        if answer.is_judged and (fault := _negotiation_fault(NEGOTIATED[value], answer.response, sizes)):
            yield f"{answer.place.path} for Accept-Encoding: {value or '(empty)'}: {fault}"


def _negotiation_fault(allowed: list[str], response: Response, sizes: dict[str, dict[str, int]]) -> str | None:
    """The fault, if there is one. `sizes` has the right size by Content-Encoding and path."""
    encoding = response.get("content-encoding")
    if encoding not in allowed:
        return f"Content-Encoding: {encoding}"
    if response.status != codes.OK:
        return f"{response.summary}, expected 200"
    size = sizes[encoding].get(response.path, response.encoded_size)
    if response.encoded_size != size and (encoding or allowed == [PLAIN]):
        return f"{response.encoded_size} bytes, but {encoding or 'plain'} has {size}"
    return None


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
        offer = file.get("use-as-dictionary")
        if is_ours(subject, "use-as-dictionary") and f'.{path.rpartition(".")[2]}"' not in offer:
            yield f"{path}: it is offered for files of other types: {offer}"
    kept = [answer.base for answer in survey.seen if answer.place.kind == "kept" and answer.base.is_ok]
    known = {f"as {file.path}": file.digest for file in [*kept, *offered.values()][: 2 * MAX_FILES]}
    unknown = {text: hashlib.sha256(text.encode()).digest() for text in UNKNOWN}
    named = {name: (f":{b64encode(digest).decode()}:", digest) for name, digest in (unknown | known).items()}
    named |= {value or "an empty one": (value, b"") for value in MALFORMED}
    for file in [*offered.values(), *(file for path, file in files.items() if path not in offered)][:MAX_FILES]:
        usual = survey.site.get(file.path, Accept_Encoding=ENCODINGS)
        for name, (value, digest) in named.items():
            response = survey.site.get(file.path, Accept_Encoding=ENCODINGS, Available_Dictionary=value)
            faults = [*_delta_faults(usual, response, digest if name in known else b"")]
            if (delta := response.get("content-encoding")) in HEADERS:
                other = survey.site.get(file.path, Accept_Encoding=BR, Available_Dictionary=value)
                is_refused = other.get("content-encoding") not in HEADERS
                faults += [] if is_refused else [f"a delta ({delta}), also if Accept-Encoding does not name it"]
            yield from (f"{file.path} for a dictionary {name}: {fault}" for fault in faults)


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
