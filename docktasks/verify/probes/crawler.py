"""The site at an address: its index, its files, and the responses to single requests. Each is asked for once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from threading import RLock
from urllib.parse import quote, urlsplit

from docktasks.api import is_below
from docktasks.images.archive import Layer, final_files
from docktasks.verify.probes import raw_socket
from docktasks.verify.probes.http_client import MAX_CONNECTIONS, Client, Headers, Request, Response
from docktasks.verify.probes.references import find_references

MAX_SITE_FILES = 20_000
"""How many files are requested. A site may generate names without end."""
SITE_DIRS = "/srv/site/", "/srv/hashed/site/"
"""Where the image has the site's files, each with its gzip copy next to it."""
HIDDEN_PATH = re.compile(r"(?:^|/)\.(?!well-known/)")
"""Matches a path that must not be served."""


class Site:
    """The site at `url`. `shipped` returns the paths, relative to it, of files that are known to be in the image."""

    def __init__(self, url: str, shipped: Callable[[], Iterable[str]] = tuple) -> None:
        self.url = url.rstrip("/")
        parts = urlsplit(self.url)
        self._entry = parts.path if parts.path.endswith(".html") else f"{parts.path}/"
        self.home = f"{self._entry.rpartition('/')[0]}/"
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.client = Client(self.origin, lambda path, *text: find_references(self.origin + path, *text))
        self.exchange: Callable[[str, bytes, float], raw_socket.RawResponse] = raw_socket.exchange
        self._shipped = shipped
        self._responses: dict[Request, Response] = {}
        self._files: dict[str, dict[str, Response]] = {}
        self._raw: dict[bytes, raw_socket.RawResponse] = {}
        self._lock = RLock()  # groups of checks run in parallel

    def get(self, path: str, method: str = "GET", **headers: str) -> Response:
        """The response to one request, with its body. Raises httpx.HTTPError without a response."""
        request = Request(path, method, _headers(headers))
        with self._lock:
            if request not in self._responses:
                self._responses[request] = self.client.send(request, keep=True)
            return self._responses[request]

    def get_all(self, paths: Iterable[str], method: str = "GET", **headers: str) -> Iterator[Response]:
        """The responses for many paths, without their bodies."""
        return self.send_all(Request(path, method, _headers(headers)) for path in paths)

    def send_all(self, requests: Iterable[Request]) -> Iterator[Response]:
        """The responses to many requests, without their bodies."""
        return self.client.send_all(requests)

    def send_raw(self, *requests: bytes) -> list[raw_socket.RawResponse]:
        """The responses to bytes that are sent as they are. Raises httpx.HTTPError if the server is gone."""
        new = [request for request in dict.fromkeys(requests) if request not in self._raw]
        with ThreadPoolExecutor(MAX_CONNECTIONS) as pool:
            responses = pool.map(lambda request: self.exchange(self.origin, request, self.client.remaining_s()), new)
            self._raw |= zip(new, responses, strict=True)
        return [self._raw[request] for request in requests]

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

    def encoded_files(self, encoding: str) -> dict[str, Response]:
        """The same files, requested with this Accept-Encoding."""
        with self._lock:
            if encoding not in self._files:
                is_plain = encoding == "identity"
                responses = self._crawl() if is_plain else self.get_all(self.files, Accept_Encoding=encoding)
                self._files[encoding] = {response.path: response for response in responses}
            return self._files[encoding]

    def address(self, path: str) -> str:
        """The path to request for a file of the site, whose name may have a # or a space."""
        return self.home + quote(path, safe="/!$&'()*+,;=:@")

    @cached_property
    def api_prefixes(self) -> tuple[str, ...]:
        """The prefixes that belong to an API and not to the site, as our health check names them."""
        named = re.search(rb"The API answers below: (.*)", self.get(f"{self.home}healthz").body)
        return tuple(named[1].decode().split()) if named else ()

    def is_api(self, url: str) -> bool:
        """Return True for an address or a path that the API answers."""
        return is_below(urlsplit(url).path, self.api_prefixes)

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def _crawl(self) -> Iterator[Response]:
        responses: dict[str, Response] = {}
        shipped = {*map(self.address, self._shipped())}
        queue = {path for path in shipped.union(*self.index.references) if not self.is_api(path)}
        while queue and len(responses) < MAX_SITE_FILES:
            batch = sorted(queue)[: MAX_SITE_FILES - len(responses)]
            queue = set()
            for response in self.get_all(batch):
                responses[response.path] = response
                queue.update(*response.references)
            queue -= {path for path in queue if path in responses or self.is_api(path)}
        loaded, names = set[str](), [*self.index.references.loaded]
        while names:  # what a file names that nothing may load is no promise, either
            name = names.pop()
            if name not in loaded:
                loaded.add(name)
                names += responses[name].references.loaded if name in responses else ()
        for path, response in responses.items():
            if path in shipped | loaded or (response.is_ok and response.digest != self.index.digest):
                yield response


def site_file_sizes(layers: Iterable[Layer]) -> dict[str, int]:
    """The site's files in these layers, the base image's first: path relative to the site -> size in bytes."""
    sizes = {
        path.removeprefix(folder): file.size
        for path, file in final_files(layers).items()
        for folder in SITE_DIRS
        if path.startswith(folder) and file.kind == "file"
    }
    return {path: size for path, size in sizes.items() if not (path.endswith(".gz") and path[:-3] in sizes)}


def _headers(values: dict[str, str]) -> Headers:
    return tuple((name.replace("_", "-").lower(), value) for name, value in values.items())
