"""What a site answers: each place of it, asked in every way, once. The checks judge the answers, and ask nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import groupby
from posixpath import commonpath

from docktasks.verify.probes import odd_requests
from docktasks.verify.probes.crawler import Site, spread
from docktasks.verify.probes.http_client import Request, Response
from docktasks.verify.probes.places import Place, hidden_paths, places
from docktasks.verify.probes.raw_socket import RawResponse
from docktasks.verify.probes.ways import METHODS, NEGOTIATED, READING, conditions, get, ways_of

MAX_SAMPLE_PLACES, MAX_SAMPLE_PAGES = 40, 10
"""How many places are asked in every way, and how many pages in any case. All are asked in the plain one."""
PAGE_BYTES, TEXT_BYTES = 1 << 20, 1 << 12
"""How much of a body is kept: of a page, and of another answer."""
MAX_LABEL_CHARS, MAX_NAMED_HEADERS = 100, 3
LIMIT_STATUSES, MIN_LIMITED_PLACES, MIN_LIMITED_WAYS = (429, 503), 5, 8
"""On so many places one of these statuses is a limit on requests, if simple requests get it, too, or so many ways."""
TEXTS = re.compile(r"text/|application/(?:(?:[a-z]+\+)?json|xml|javascript)$|image/svg")
"""Matches the media type of what becomes smaller when it is compressed."""
UNIQUE_HEADERS = "date", "x-request-id", "server-timing", "connection", "keep-alive"


@dataclass(frozen=True)
class Answer:
    """What a place answered to one way of asking. `way` is empty for a simple GET; `base` is the answer before it."""

    place: Place
    way: str
    request: Request
    response: Response
    base: Response

    @property
    def label(self) -> str:
        """The place, and how it was asked if that was not a simple GET."""
        headers = [f"{name}: {value}"[:60] for name, value in self.request.headers if name != "accept"]
        headers += filter(None, [self.request.path.removeprefix(self.place.path)[:40]])
        word = "as" if self.way.startswith(("a ", "nobody")) else "with"
        asked = ", ".join(headers) if len(headers) <= MAX_NAMED_HEADERS else f"{word} {self.way}"
        asked = asked if self.request.method == "GET" else self.request.method
        path = self.place.path if len(self.place.path) < MAX_LABEL_CHARS else f"{self.place.path[:60]}…"
        return f"{path} ({asked})" if asked else path

    @property
    def is_page(self) -> bool:
        """True for a page that a browser shows, whatever its status and its headers."""
        return (self.response.media_type or self.base.media_type) in ("text/html", "application/xhtml+xml")

    @property
    def is_changed(self) -> bool:
        """True for another answer than the one before: another status, body or header. The date does not count."""
        now, before = (
            (response.status, response.digest, {line for line in response.headers if line[0] not in UNIQUE_HEADERS})
            for response in (self.response, self.base)
        )
        return now != before

    @property
    def is_judged(self) -> bool:
        """False without an answer, and for an error of the server, which http.answers reports."""
        return self.response.status > 0 and not self.response.is_failure


class Survey:
    """The answers of a site. A small survey has the simple answers only.

    `kept` returns path -> whether it is hashed, of files of earlier releases.
    """

    def __init__(self, site: Site, kept: Callable[[], Mapping[str, bool]] = dict, *, is_small: bool = False) -> None:
        self.site, self._kept, self.is_small = site, kept, is_small
        self.odd = cache(self._send_odd)

    @cached_property
    def plain(self) -> list[Answer]:
        """The answer of each place to a simple GET, with its text."""
        answers: list[Answer] = []
        for kind, group in groupby(places(self.site, self._kept()), lambda target: target.kind):
            accept = (("accept", "text/html"),) if kind in ("page", "unknown") else ()
            requests = {target: Request(target.path, "GET", accept) for target in group}
            responses = self.site.client.send_all(requests.values(), keep=PAGE_BYTES)
            for (target, request), response in zip(requests.items(), responses, strict=True):
                answers.append(Answer(target, "", request, response, response))
        return answers

    @cached_property
    def sample(self) -> list[Answer]:
        """The places that are asked in every way: the first pages, and some of each kind."""
        by_path = {answer.place.path: answer for answer in self.plain if answer.response.status}
        kinds = {  # at the root are files that a rule of the server names, such as /env.js
            path: (answer.place.kind, answer.response.media_type, "/" in path.removeprefix(self.site.home))
            for path, answer in by_path.items()
        }
        chosen = spread(by_path, MAX_SAMPLE_PLACES, kinds.__getitem__, self.site.seed)
        pages = [path for path, answer in by_path.items() if answer.place.kind == "page"]
        return [by_path[path] for path in dict.fromkeys([*pages[:MAX_SAMPLE_PAGES], *chosen])]

    @cached_property
    def answers(self) -> list[Answer]:
        """The answers of all places, and those of the sample to every other way."""
        if self.is_small:
            return self.plain
        answers, sampled = [*self.plain], {answer.place for answer in self.sample}
        more_ways = ways_of(self.site.words, self.site.origin)
        for way, request in (READING | METHODS | more_ways).items():
            replies = self._ask((answer, way, request) for answer in self.sample)
            answers += self._narrowed(replies, request) if way in more_ways else replies
        bases = [answer for answer in answers if answer.place in sampled and answer.way in ("", "gzip", "br")]
        bases = [answer for answer in bases if answer.place.kind != "missing"]  # http.missing reports one that is there
        asked = [(base, way, request) for base in bases for way, request in conditions(base.response, base.way)]
        for name in dict.fromkeys(way for _, way, _ in asked):
            answers += self._ask(item for item in asked if item[1] == name)
        return answers

    def _narrowed(self, answers: list[Answer], more: Request) -> list[Answer]:
        """The answers, with the first header or argument alone where that is enough for another answer than before.

        Only of a site of ours, because a page of another server may be another one each time.
        """
        bases = {answer.place: answer for answer in self.sample}
        changed = [answer for answer in answers if answer.is_changed and "Without a file" in self.site.health]
        parts = [*map(get, more.headers), *(get(query=f"?{text}") for text in more.path[1:].split("&") if text)]
        for part in parts if changed and len(parts) > 1 else []:
            repeated = self._ask((bases[answer.place], answer.way, part) for answer in changed)
            if same := {answer.place: answer for answer in repeated if answer.is_changed}:
                return [same.get(answer.place, answer) for answer in answers]
        return answers

    @cached_property
    def everything(self) -> list[Answer]:
        """Every answer, also those to what may never be served, and where none came."""
        if self.is_small:
            return self.answers
        return [*self.answers, *self.hidden, *self.slips, *self.negotiated]

    @cached_property
    def seen(self) -> list[Answer]:
        """The answers that came."""
        return [answer for answer in self.everything if answer.response.status]

    @cached_property
    def odd_answers(self) -> dict[str, RawResponse]:
        """Description -> answer, of all requests that no browser sends."""
        if self.is_small:
            return {}
        return {name: answer for requests in odd_requests.ALL for name, answer in self.odd(requests).items()}

    @cached_property
    def cause(self) -> str:
        """What spoils many of the answers: a limit on requests, a server that is gone, or one that fails."""
        responses = [*self.site.files.values(), *(answer.response for answer in self.answers)]
        limited = [response for response in responses if response.status in LIMIT_STATUSES]
        ways = {answer.way for answer in self.answers if answer.response.status in LIMIT_STATUSES}
        is_for_all = not ways or "" in ways or len(ways) >= MIN_LIMITED_WAYS
        paths = {response.path for response in limited}  # all below a folder are no limit on the rest
        if is_for_all and len(paths) >= MIN_LIMITED_PLACES and len(commonpath(paths)) <= len(self.site.home):
            return f"{limited[0].status} on {len(limited):,} of {len(responses):,} requests: a limit on requests"
        failures = {
            "an error of the server": [response for response in responses if response.is_failure],
            "no answer": [response for response in responses if not response.status],
        }
        for what, failed in failures.items():
            if 2 * len(failed) > len(responses):
                first = failed[0].fault or failed[0].status
                return f"{what} to {len(failed):,} of {len(responses):,} requests: {first}"
        return ""

    def ways(self, *names: str) -> list[Answer]:
        """The answers to these ways of asking."""
        return [answer for answer in self.answers if answer.way in names and answer.response.status]

    def files(self, *encodings: str) -> list[Answer]:
        """Each file as the answer of a place: plain, or to these values of Accept-Encoding."""
        answers = []
        for encoding in encodings or ("",):
            headers = (("accept-encoding", encoding),) if encoding else ()
            for path, file in self.site.encoded_files(encoding or "identity").items():
                request = Request(path, "GET", headers)
                answers.append(Answer(Place(path, "file"), encoding, request, file, self.site.files[path]))
        return answers

    @property
    def lost_files(self) -> list[Answer]:
        """The files that got no answer in some encoding, or an error."""
        files = self.files() if self.is_small else self.files("", "gzip", "br")
        return [answer for answer in files if not answer.is_judged]

    @cached_property
    def unknown(self) -> Response:
        """The answer to an address without a file."""
        return next(answer.response for answer in self.plain if answer.place.kind == "unknown")

    @cached_property
    def negotiated(self) -> list[Answer]:
        """A few texts, asked with values of Accept-Encoding."""
        texts = self.texts
        largest = sorted(texts, key=lambda path: texts[path].size)[-1:]  # some servers choose by size
        sample = spread(texts, 5, lambda path: texts[path].media_type, self.site.seed)
        bases = [
            Answer(Place(path, "file"), "", Request(path), texts[path], texts[path]) for path in {*sample, *largest}
        ]
        ways = [get(("accept-encoding", value)) for value in NEGOTIATED]
        return self._ask((base, "negotiated", way) for way in ways for base in bases)

    @cached_property
    def texts(self) -> dict[str, Response]:
        """The text files of the site and its index page, plain."""
        files = self.site.responses.items()
        return {path: file for path, file in files if file.is_ok and TEXTS.match(file.media_type)}

    @cached_property
    def hidden(self) -> list[Answer]:
        """What may never be served: dotfiles, and what editors and tools leave next to files."""
        return self._get(((path, self.unknown) for path in hidden_paths(self.site)), "hidden")

    @cached_property
    def slips(self) -> list[Answer]:
        """Paths that lead out of a folder. `base` is the file that each gives away if its alias lacks a slash."""
        files, slips = self.site.responses, odd_requests.slips(self.site).items()
        return self._get(((path, files[file]) for path, file in slips), "slip")

    def _get(self, bases: Iterable[tuple[str, Response]], kind: str) -> list[Answer]:
        asked = (Answer(Place(path, kind), "", Request(path), base, base) for path, base in bases)
        return self._ask((answer, "", get()) for answer in asked)

    def _send_odd(self, requests: Callable[[Site], dict[str, bytes]]) -> dict[str, RawResponse]:
        """Description -> answer, of requests that no browser sends (odd_requests.py)."""
        by_name = requests(self.site)
        return dict(zip(by_name, self.site.send_raw(by_name.values()), strict=True))

    def _ask(self, items: Iterable[tuple[Answer, str, Request]]) -> list[Answer]:
        """Ask places in a way, with what an answer before said."""
        asked = []
        for base, way, more in items:
            query = more.path.replace("?", "&") if "?" in base.place.path else more.path
            headers = tuple((dict(base.request.headers) | dict(more.headers)).items())
            asked.append((base, way, Request(base.place.path + query, more.method, headers)))
        responses = self.site.client.send_all((request for *_, request in asked), keep=TEXT_BYTES)
        return [
            Answer(base.place, f"{base.way} {way}".strip(), request, response, base.response)
            for (base, way, request), response in zip(asked, responses, strict=True)
        ]
