"""Compression: who gets a file in which encoding, and that it is the same file; also as a delta from an earlier one.

https://www.rfc-editor.org/rfc/rfc9842 describes the deltas.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import partial

from httpx import codes

from docktasks.verify.checks.http.rules import exceptions, is_ours, survey_of
from docktasks.verify.probes.http_client import Response
from docktasks.verify.probes.survey import TEXTS, Answer, Survey
from docktasks.verify.probes.ways import BR, GZIP, NEGOTIATED, PLAIN
from docktasks.verify.registry import check
from docktasks.verify.subject import Subject

MIN_COMPRESSED_BYTES, OUR_MIN_COMPRESSED_BYTES = 1024, 300
"""A text of this size or more must be sent compressed. Our build compresses what becomes smaller."""
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


def _encoded_texts(survey: Survey, *encodings: str) -> list[Answer]:
    """Each text as it is sent to a browser that accepts only one of these encodings; `base` is the plain one."""
    files = survey.files(*encodings)
    paths = {(answer.place.path, answer.way) for answer in files}
    others = [answer for answer in survey.ways(*encodings) if (answer.place.path, answer.way) not in paths]
    pages = [answer for answer in others if answer.place.kind in ("page", "unknown") and answer.is_page]
    return [answer for answer in (*files, *pages) if answer.base.is_ok and answer.is_judged]


@check("http.encoding", "major", fix="Compress files in the builder, serve them by Accept-Encoding (compression.conf)")
def encoding(subject: Subject) -> Iterator[str]:
    """A browser that accepts gzip or brotli gets text compressed, and it decodes to the same bytes."""
    return exceptions(_encoded_texts(survey_of(subject), GZIP, BR), partial(_encoding_faults, subject))


def _must_shrink(subject: Subject, plain: Response) -> bool:
    """True for a text that is surely smaller when it is compressed. The container writes env.js itself."""
    least = OUR_MIN_COMPRESSED_BYTES if subject.has("image") else MIN_COMPRESSED_BYTES
    is_of_container = plain.path.endswith("/env.js")
    return plain.size >= least and bool(TEXTS.match(plain.media_type)) and not is_of_container


def _encoding_faults(subject: Subject, answer: Answer) -> Iterator[str]:
    plain, response, encoding = answer.base, answer.response, answer.response.get("content-encoding")
    is_too_large = not encoding and answer.way == GZIP and _must_shrink(subject, plain)
    if encoding not in (PLAIN, answer.way) or is_too_large:
        yield f"Content-Encoding: {encoding or 'none'}"
    elif not response.is_ok:
        yield response.summary
    elif response.digest != plain.digest:
        yield "decodes to other bytes than the plain file"
    if response.media_type != plain.media_type:
        yield f"{response.media_type or 'without a content type'}, but {plain.media_type} when plain,"


@check("http.vary", "major", fix="Send Vary: Accept-Encoding with every form of such a file (compression.conf)")
def vary(subject: Subject) -> Iterator[str]:
    """A file with several encodings has Vary: Accept-Encoding. Nothing varies by what differs for each visitor."""
    survey = survey_of(subject)
    texts = _encoded_texts(survey, GZIP, BR)
    yield from exceptions((text for text in texts if text.response.get("content-encoding")), _missing_vary)

    def faults(answer: Answer) -> Iterator[str]:
        names = _vary(answer.response)
        others = names - OUR_VARY if is_ours(subject, "vary") else names & UNSHARED_VARY
        if others and answer.place.kind != "health":
            yield f"Vary: {answer.response.get('vary')}: no visitor gets what a cache has for another,"

    yield from exceptions(survey.seen, faults)


def _missing_vary(answer: Answer) -> Iterator[str]:
    for response, form in ((answer.response, "this form"), (answer.base, "the plain form")):
        if _vary(response).isdisjoint({"accept-encoding", "*"}):
            yield f"no Vary: Accept-Encoding in {form} of what is also sent in another"


def _vary(response: Response) -> set[str]:
    return {name.strip() for name in response.get("vary").lower().split(",")}


@check("http.brotli", "minor", fix="Compress with brotli in the builder: it is 10 to 20 % smaller than gzip")
def brotli(subject: Subject) -> Iterator[str]:
    """A browser that accepts brotli gets text as brotli, also if it accepts gzip."""
    survey = survey_of(subject)
    texts = [answer for answer in _encoded_texts(survey, BR) if _must_shrink(subject, answer.base)]
    texts += [answer for answer in survey.ways("browser") if answer.is_judged and answer.base.path in survey.texts]

    def faults(answer: Answer) -> Iterator[str]:
        encoding = answer.response.get("content-encoding")
        if answer.base.size >= MIN_COMPRESSED_BYTES and encoding not in (BR, "zstd"):
            yield f"Content-Encoding: {encoding or 'none'}"

    yield from exceptions(texts, faults)


@check("http.negotiation", "major", fix="Choose as in RFC 9110: whole names, any case, q=0 refuses (compression.conf)")
def negotiation(subject: Subject) -> Iterator[str]:
    """Whatever Accept-Encoding says, only what it allows is sent, with the right bytes."""
    survey = survey_of(subject)
    sizes = {PLAIN: {path: plain.encoded_size for path, plain in survey.texts.items()}, GZIP: {}, BR: {}}
    for text in _encoded_texts(survey, GZIP, BR):
        sizes[text.way][text.place.path] = text.response.encoded_size

    def faults(answer: Answer) -> Iterator[str]:
        value = dict(answer.request.headers)["accept-encoding"]
        for fault in _negotiation_faults(NEGOTIATED[value], answer.response, sizes) if answer.is_judged else ():
            yield f"{fault}, asked with Accept-Encoding: {value or '(empty)'},"

    yield from exceptions(survey.negotiated, faults)


def _negotiation_faults(allowed: list[str], response: Response, sizes: dict[str, dict[str, int]]) -> Iterator[str]:
    """The fault, if there is one. `sizes` has the right size by Content-Encoding and path."""
    encoding = response.get("content-encoding")
    size = sizes.get(encoding, {}).get(response.path, response.encoded_size)
    if encoding not in allowed:
        yield f"Content-Encoding: {encoding}"
    elif response.status != codes.OK:
        yield f"{response.summary}, expected 200"
    elif response.encoded_size != size and (encoding or allowed == [PLAIN]):
        yield f"{response.encoded_size} bytes, but {encoding or 'plain'} has {size}"


@check("http.dictionaries", "major", fix="Send a delta only from the file that it names, with Vary (deltas.conf)")
def dictionaries(subject: Subject) -> Iterator[str]:
    """A browser gets a delta only from the file that it names, and a cache knows that the answer depends on it."""
    survey = survey_of(subject)
    files = {path: file for path, file in survey.texts.items() if path in survey.site.files}
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
