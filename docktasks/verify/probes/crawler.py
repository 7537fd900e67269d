"""The site at an address: its index, its files, and the responses to single requests. Each is asked for once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from itertools import zip_longest
from threading import RLock
from typing import TypeVar
from urllib.parse import quote, urlsplit

from docktasks.api import is_below
from docktasks.containers.startup import BASE_PATH
from docktasks.verify.probes import raw_socket
from docktasks.verify.probes.http_client import MAX_KEPT_BYTES, Client, Request, Response
from docktasks.verify.probes.nginx_config import Words, redirected, words
from docktasks.verify.probes.raw_socket import RawResponse

MAX_SITE_FILES = 20_000
"""How many files are requested. A site may generate names without end."""
MAX_ENCODED_FILES = 1_000
"""How many files are also requested in each encoding. image.precompressed compares all that are in the image."""
HIDDEN_PATH = re.compile(r"(?:^|/)\.(?!well-known/)")
"""Matches a path that must not be served."""
LINKED_FILE = re.compile(r"\.(?:html?|pdf|svg|png|jpe?g|webp|avif|gif)$", re.IGNORECASE)
"""Matches the path of a file that a link names. A feed may be another one each time, and an archive or a video too
large to be asked for in time."""
LINKED_PAGE = re.compile(r"/(?:[^/.]*|[^/]+\.html?)$")
"""Matches the path of a page, which is read for what it names where no image tells the files of the site."""
MAX_LINKED_PAGES = 50
UNLINKED_FILES = "robots.txt", "sitemap.xml", "favicon.ico"
"""What browsers and search engines ask for by its name."""

K = TypeVar("K")
T = TypeVar("T")


class Site:
    """The site at `url`. `shipped` returns the paths, relative to it, of files that are known to be in the image.

    `written` returns path -> text of nginx's configuration in the image. `absent` are files that only
    may be there, and are not, and `pages` those that were read for what they name.
    """

    def __init__(
        self, url: str, shipped: Callable[[], Iterable[str]] = tuple, written: Callable[[], dict[str, str]] = dict
    ) -> None:
        parts = urlsplit(url.rstrip("/"))
        self._entry = parts.path if parts.path.endswith(".html") else f"{parts.path}/"
        self.home = f"{self._entry.rpartition('/')[0]}/"
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.client = Client(self.origin)
        self.exchange: Callable[[str, bytes, float], RawResponse] = raw_socket.exchange
        self._shipped, self._written = shipped, written
        self.absent: dict[str, Response] = {}
        self.pages = set[str]()
        self._responses: dict[Request, Response] = {}
        self._files: dict[str, dict[str, Response]] = {}
        # Groups of checks run in parallel. What asks the site is no cached_property, which has a lock of its own before
        # Python 3.12: two threads would wait for each other.
        self._lock = RLock()

    def get(self, path: str, method: str = "GET", **headers: str) -> Response:
        """The response to one request, with its body. Raises httpx.HTTPError without a response.

        Only the simple request tells what the body names: it takes milliseconds to read a script.
        """
        request = Request(path, method, _headers(headers))
        with self._lock:
            if request not in self._responses:
                self._responses[request] = self.client.send(request, keep=MAX_KEPT_BYTES, read=not headers)
            return self._responses[request]

    def get_all(self, paths: Iterable[str], method: str = "GET", **headers: str) -> list[Response]:
        """The responses for many paths, without their bodies."""
        return self.client.send_all(Request(path, method, _headers(headers)) for path in paths)

    def send_raw(self, requests: Iterable[bytes]) -> list[RawResponse]:
        """The responses to bytes that are sent as they are. A missing one has a fault."""
        return self.client.each(
            requests,
            lambda request: self.exchange(self.origin, request, self.client.remaining_s()),
            lambda _, fault: RawResponse("", fault=fault),
        )

    @property
    def index(self) -> Response:
        """The response for the site's own path: index.html, or the page that the URL names."""
        return self.get(self._entry)

    @property
    def files(self) -> dict[str, Response]:
        """Every file, not encoded, by path: those in the image, and those that the index, scripts and styles load.

        A name in a script that only may be a file counts when there is such a file.
        """
        return self.encoded_files("identity")

    @property
    def responses(self) -> dict[str, Response]:
        """The index and every file, by path."""
        return {self.index.path: self.index} | self.files

    def encoded_files(self, encoding: str) -> dict[str, Response]:
        """The same files, requested with this Accept-Encoding; of many files some of each type."""
        with self._lock:
            if encoding not in self._files:
                responses = self._crawl() if encoding == "identity" else self._some_files(encoding)
                self._files[encoding] = {response.path: response for response in responses}
            return self._files[encoding]

    def _some_files(self, encoding: str) -> list[Response]:
        paths = spread(self.files, MAX_ENCODED_FILES, lambda path: self.files[path].media_type, self.seed)
        return self.get_all(paths, Accept_Encoding=encoding)

    @property
    def seed(self) -> str:
        """What chooses among many places: another release has another."""
        return self.index.digest.hex()[:8]

    def address(self, path: str) -> str:
        """The path to request for a file of the site, whose name may have a # or a space."""
        return self.home + quote(path, safe="/!$&'()*+,;=:@")

    @cached_property
    def shipped(self) -> list[str]:
        """The files in the image, relative to the site."""
        return [*self._shipped()]

    @cached_property
    def words(self) -> Words:
        """What the server's configuration names and ours does not."""
        return words(self._written().values())

    @cached_property
    def _rules(self) -> list[re.Pattern[str]]:
        return redirected(self._written().values())

    def is_redirected(self, path: str) -> bool:
        """True if a rule of the site leads this address elsewhere. Without its image each may be such an address."""
        has_rules = "The site has a file _redirects." in self.health
        return has_rules and (not self._rules or any(rule.search(path) for rule in self._rules))

    @property
    def health(self) -> str:
        """What the health check of our image says about the site (images/nginx/serving/site.conf)."""
        return self.get(f"{self.home}healthz").text

    @property
    def base_path(self) -> str:
        """The path below which a site that is served at its root wants to be opened, such as `/shop`; mostly empty."""
        named = BASE_PATH.search(self.health)
        return named[1] if named and self.home == "/" else ""

    @property
    def api_prefixes(self) -> tuple[str, ...]:
        """The prefixes that belong to an API and not to the site, as our health check names them."""
        named = re.search(r"The API answers below: (.*)", self.health)
        return tuple(named[1].split()) if named else ()

    def is_api(self, url: str) -> bool:
        """Return True for an address or a path that the API answers."""
        return is_below(urlsplit(url).path, self.api_prefixes)

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def _named(self, text: Response) -> Iterator[str]:
        """The files that a text loads or may load, those of the site to which it links, and pages, which are read."""
        yield from text.references.files
        for path in text.references.pages:
            is_page = not self.shipped and LINKED_PAGE.search(path)
            is_asked = len(self.pages) < MAX_LINKED_PAGES if is_page else LINKED_FILE.search(path)
            if path.startswith(self.home) and is_asked:
                self.pages.update({path} if is_page else ())
                yield path

    def _crawl(self) -> Iterator[Response]:
        responses: dict[str, Response] = {}
        shipped = {self.address(name) for name in self.shipped if not HIDDEN_PATH.search(name)}
        unlinked = set[str]() if shipped else {self.home + name for name in UNLINKED_FILES}
        queue = {path for path in (*shipped, *unlinked, *self._named(self.index)) if not self.is_api(path)}
        while queue and len(responses) < MAX_SITE_FILES:
            batch = sorted(queue)[: MAX_SITE_FILES - len(responses)]
            queue = set()
            for response in self.client.send_all(map(Request, batch), read=True):
                responses[response.path] = response
                queue.update(self._named(response))
            queue -= {path for path in queue if path in responses or self.is_api(path)}
        loaded, names = set[str](), [*self.index.references.loaded]
        while names:  # what a file names that nothing may load is no promise, either
            name = names.pop()
            if name not in loaded:
                loaded.add(name)
                names += responses[name].references.loaded if name in responses else ()
        promised = shipped | loaded
        self.pages = {path for path in self.pages if path in responses and responses[path].is_ok}
        for path, response in responses.items():
            if path in self.pages and path not in promised:
                continue  # the survey asks it as a page, which may be another one each time
            is_page = response.digest == self.index.digest or (path in unlinked and response.media_type == "text/html")
            is_there = response.is_ok and not is_page
            if path in unlinked - promised and (response.fault or (is_there and not response.get("last-modified"))):
                continue  # nobody promises it in time, and it may be made for each request
            if is_there or path in promised or response.fault:
                yield response
            else:
                self.absent[path] = response


def spread(items: Iterable[str], limit: int, group: Callable[[str], object], seed: str) -> list[str]:
    """At most `limit` of the items, of each group in turn."""
    if len(all_items := [*items]) <= limit:
        return all_items
    mixed = sorted(all_items, key=lambda item: hashlib.sha256(f"{seed}{item}".encode()).digest())
    turns = zip_longest(*grouped(mixed, group).values())
    return [item for turn in turns for item in turn if item is not None][:limit]


def grouped(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """The items by their key."""
    groups: dict[K, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def _headers(values: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name.replace("_", "-").lower(), value) for name, value in values.items())
