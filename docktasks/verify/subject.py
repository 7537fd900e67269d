"""What is judged: a URL, and where there is an engine the container behind it and its image. Nothing is read twice."""

from __future__ import annotations

import contextlib
from functools import cached_property
from threading import Lock, RLock
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from docktasks.app.project import Project
from docktasks.commands import Run
from docktasks.engine.models import Container, ContainerConfig, Image
from docktasks.engine.protocol import Engine
from docktasks.images.build import BASE_LABEL
from docktasks.settings import BUILT_FOR, Settings
from docktasks.verify.probes import chromium_path, image_archive
from docktasks.verify.probes.crawler import HIDDEN, Site, in_trees
from docktasks.verify.probes.image_archive import Contents, Layer, Unreadable

if TYPE_CHECKING:  # one imports this module, the other the browser's driver
    from docktasks.verify.probes.clone_trial import Trial
    from docktasks.verify.probes.visit import Visit

Need = Literal["image", "container", "url", "dev", "browser"]
T = TypeVar("T")


class Subject:
    """A site to judge at `url`; `engine`, `container` and `image` are None where only the address is known.

    `dev` is the dev container, which is judged beside it.
    """

    def __init__(  # noqa: PLR0913 - its parts
        self,
        url: str = "",
        engine: Engine | None = None,
        container: Container | None = None,
        image: Image | None = None,
        *,
        dev: Container | None = None,
        run: Run | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self._engine, self._container, self._image, self._dev = engine, container, image, dev
        self._run, self._settings = run, settings
        self._unreadable = ""
        self._lock = RLock()
        self._quiet = Lock()  # a browser is disturbed by a container that starts or goes

    @property
    def runs(self) -> bool:
        """True when checks can try something on a container of their own."""
        return bool(self._run and self._settings and self._image)

    def has(self, need: Need) -> bool:
        """True when there is an image, a running container, a url, or a dev container to look at; and a browser."""
        if need == "browser":
            return bool(self.url and self.chromium)
        return bool({"url": self.url, "container": self._container, "image": self._image, "dev": self._dev}[need])

    @property
    def name(self) -> str:
        """What is judged, in a word: the address, else the image, else the dev container's address."""
        if self._image and not self.url:
            return next(iter(self._image.tags), self._image.short_id)
        return self.url or self.dev.url

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
    def dev(self) -> Container:
        """The dev container, for checks that need one."""
        return _there(self._dev)

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
    def project(self) -> Project:
        """The project, for checks that compare with what was asked for or try something."""
        return Project(_there(self._run), self.engine, self.settings)

    @cached_property
    def options(self) -> ContainerConfig:
        """What the container was started with."""
        return self.engine.container_config(self.container.name)

    @cached_property
    def health(self) -> str:
        """The container's health; empty without a health check."""
        from docktasks.verify.probes import clone_trial  # as below

        return clone_trial.settled(self)

    @cached_property
    def trial(self) -> Trial:
        """How two copies of the container fared that were there to be tried."""
        from docktasks.verify.probes import clone_trial  # here, for it imports this module

        with self._quiet:
            return clone_trial.hold(self)

    @cached_property
    def site(self) -> Site:
        """What is served at the address."""
        return Site(self.url, lambda: [path for path in self.shipped if not HIDDEN.search(path)])

    @property
    def shipped(self) -> dict[str, int]:
        """The site's files that the image has, path from its root -> size: all that a build made, named or not.

        Nothing where the image cannot be read: its own checks say so, and what is served is judged as of an address.
        """
        with contextlib.suppress(Unreadable):
            return in_trees(self.layers) if self._image else {}
        return {}

    @property
    def is_ours(self) -> bool:
        """True for an image that this project's settings built, or one that is built on top of one."""
        return bool(self._settings) and self.image.labels.get(BUILT_FOR) == self.settings.app.name

    @cached_property
    def base(self) -> Image | None:
        """The image that this one says it is built on; None where the engine does not have it."""
        name = self.image.labels.get(BASE_LABEL)
        return self.engine.image(name) if name else None

    @cached_property
    def contents(self) -> Contents:
        """What is in the image. Raises Unreadable where that cannot be told."""
        with self._lock:  # two groups look at it, side by side
            if self._unreadable:
                raise Unreadable(self._unreadable)
            if "contents" not in vars(self):
                try:
                    vars(self)["contents"] = self._read()
                except Unreadable as reason:
                    self._unreadable = str(reason)  # nor is that read twice
                    raise
            found: Contents = vars(self)["contents"]
            return found

    def _read(self) -> Contents:
        from docker.errors import APIError

        base = self.base.layers if self.base else ()
        try:
            return image_archive.read(self.engine.save(self.image.id), base)
        except APIError as error:  # it answers, and has none to give: of an image without layers, say
            reason = f"the engine gives no archive of it: {error.explanation or error}"
            raise Unreadable(reason if self.image.layers else "it has no layer") from error

    @cached_property
    def layers(self) -> list[Layer]:
        """The image's layers, from the base up."""
        return self.contents.layers

    @cached_property
    def chromium(self) -> str:
        """The path of a Chromium; empty when there is none."""
        return chromium_path.find_chromium(self._settings.browser.executable if self._settings else "")

    @cached_property
    def visit(self) -> Visit:
        """What a browser saw of the site, from its first page on."""
        from docktasks.verify.probes import visit as probes_visit  # here, for it loads the browser's driver

        with self._quiet:
            return probes_visit.visit(self.url, self.chromium)


def _there(part: T | None) -> T:
    if part is None:
        raise LookupError("a check looks at a part of the subject that it did not say it needs")
    return part
