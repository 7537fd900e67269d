"""What is judged: a URL, and where there is an engine the container behind it and its image. Nothing is read twice."""

from __future__ import annotations

import json
import tarfile
import tempfile
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeVar

from docktasks.answers import Container, Image, Run
from docktasks.checks.site import HIDDEN, Site, in_trees
from docktasks.engine import Engine
from docktasks.settings import Settings

Need = Literal["image", "container", "url"]
T = TypeVar("T")


@dataclass(frozen=True)
class Entry:
    """A file in an image: its path, and the layer's place from the base up (0 the first)."""

    path: str
    layer: int


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
    def site(self) -> Site:
        """What is served at the address."""
        return Site(self.url, lambda: [path for path in self.shipped if not HIDDEN.search(path)])

    @property
    def shipped(self) -> dict[str, int]:
        """The site's files that the image has, path from its root -> size: all that a build made, named or not."""
        # Until there is Subject.layers: none, and only what the page names is judged.
        return in_trees(getattr(self, "layers", ())) if self._image else {}

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
