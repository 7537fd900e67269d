"""What is judged: a URL, and where there is an engine the container behind it and its image. Nothing is read twice."""

from __future__ import annotations

import json
import re
import tarfile
import tempfile
from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser
from typing import Any, Literal, TypeVar
from urllib.parse import urljoin, urlsplit

import httpx

from docktasks.answers import Container, Image, Run
from docktasks.engine import Engine
from docktasks.settings import Settings

# A quoted path to a file that a page loads. Bundlers write chunks relative to the chunk that names them
# ("./About-x.js") or to the base path ("assets/About-x.css", Vite's list of preloads).
_NAMED_IN_SCRIPT = re.compile(
    r"""["'`]((?:\.{0,2}/)?(?:[\w.@-]+/)*[\w.@-]+\.(?:m?js|css|woff2?|svg|png|jpe?g|webp|avif|gif|ico|wasm))["'`]"""
)
_NAMED_IN_STYLE = re.compile(r"""url\(\s*["']?(?!data:|#)([^"')]+)["']?\s*\)""")
Need = Literal["image", "container", "url"]
T = TypeVar("T")
LIMIT = 20_000
"""How many files of a site are followed at the most: a loop of generated names must end."""


@dataclass(frozen=True)
class Entry:
    """A file in an image: its path, and the layer's place from the base up (0 the first)."""

    path: str
    layer: int


class _Named(HTMLParser):
    """Collects what an HTML page loads: src, and href of link elements that load a file."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the URL of one element."""
        given = dict(attrs)
        loads = tag != "a" and not (tag == "link" and given.get("rel") in ("canonical", "alternate", "preconnect"))
        for url in (given.get("src"), given.get("href")):
            if url and loads:
                self.urls.append(url)


class Subject:
    """A site to judge at `url`; `engine`, `container` and `image` are None where only the address is known."""

    def __init__(  # noqa: PLR0913 - its parts
        self,
        url: str = "",
        engine: Engine | None = None,
        container: Container | None = None,
        image: Image | None = None,
        *,
        run: Run | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self._engine, self._container, self._image = engine, container, image
        self._run, self._settings = run, settings

    def has(self, need: Need) -> bool:
        """True when there is an image, a running container, or a url to look at."""
        return bool({"url": self.url, "container": self._container, "image": self._image}[need])

    @property
    def name(self) -> str:
        """What is judged, in a word: the address, else the image."""
        return self.url or next(iter(self.image.tags), self.image.short_id)

    def seen(self, part: str) -> Any:
        """A part that is looked at once, such as the browser's visit, where a check has looked; else None."""
        return vars(self).get(part)

    @property
    def container(self) -> Container:
        """The container, for checks that need one."""
        return _there(self._container)

    @property
    def image(self) -> Image:
        """The image, for checks that need one."""
        return _there(self._image)

    @property
    def engine(self) -> Engine:
        """The engine, for checks that need a container or an image."""
        return _there(self._engine)

    @property
    def run(self) -> Run:
        """Runs commands, for checks that try something on a container of their own."""
        return _there(self._run)

    @property
    def settings(self) -> Settings:
        """The settings, for checks that compare with what was asked for."""
        return _there(self._settings)

    @cached_property
    def client(self) -> httpx.Client:
        """Asks the published address; sends no Accept-Encoding but the one a probe gives."""
        client = httpx.Client(base_url=self.url, timeout=10, trust_env=False)
        client.headers["Accept-Encoding"] = "identity"
        return client

    def get(self, path: str, **headers: str) -> httpx.Response:
        """The answer to one GET; redirects are not followed."""
        base = urlsplit(self.url).path
        if base and path.startswith(f"{base}/"):  # a path that the site itself named
            path = urljoin(self.url, path)
        return self.client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    @cached_property
    def shell(self) -> httpx.Response:
        """The answer to `/`: index.html."""
        return self.get("/")

    @cached_property
    def files(self) -> dict[str, httpx.Response]:
        """Every file that index.html, its scripts and its styles name, by path, with its answer."""
        found: dict[str, httpx.Response] = {}
        waiting = self._named(self.shell)
        while waiting and len(found) < LIMIT:
            path = waiting.pop()
            if path not in found:
                found[path] = self.get(path)
                waiting += self._named(found[path])
        return found

    def _named(self, response: httpx.Response) -> list[str]:
        """Paths on this site that an answer names."""
        if response.status_code != httpx.codes.OK:
            return []
        base, kind = response.url.path, response.headers.get("content-type", "").partition(";")[0]
        if kind == "text/html":
            parser = _Named()
            parser.feed(response.text)
            named = parser.urls
        elif kind == "text/css":
            named = _NAMED_IN_STYLE.findall(response.text)
        elif kind in ("text/javascript", "application/javascript"):
            named = []
            for name in _NAMED_IN_SCRIPT.findall(response.text):
                # Vite's preload list is relative to the base path, of which the chunk's own folder is a part. Any
                # other path without a dot or a slash in front is a text that looks like one.
                folder = name.rpartition("/")[0]
                if name.startswith(("/", ".")):
                    named.append(name)
                elif folder and f"/{folder}/" in base:
                    named.append(base[: base.index(f"/{folder}/") + 1] + name)
        else:
            return []
        joined = (urlsplit(urljoin(str(response.url), name)) for name in named)
        here = urlsplit(self.url).netloc
        return [url.path for url in joined if url.netloc == here and url.scheme in ("http", "https")]

    @cached_property
    def entries(self) -> list[Entry]:
        """Every file in the image's layers, those a later layer deleted too."""
        found: list[Entry] = []
        with tempfile.TemporaryFile() as spool:
            for chunk in self.engine.archive(self.image.id):
                spool.write(chunk)
            spool.seek(0)
            with tarfile.open(fileobj=spool) as saved:
                manifest = saved.extractfile("manifest.json")
                layers = json.load(manifest)[0]["Layers"] if manifest else []
                for place, name in enumerate(layers):
                    with tarfile.open(fileobj=saved.extractfile(name)) as layer:
                        found += [Entry("/" + member.name.removeprefix("./"), place) for member in layer]
        return found


def _there(part: T | None) -> T:
    if part is None:
        raise LookupError("a check looks at a part of the subject that it did not say it needs")
    return part
