"""What `verify` judges: an address, the container behind it, its image and the dev container. Nothing is read twice."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Literal, TypeVar

from docktasks.app.project import Project
from docktasks.background import Once
from docktasks.containers import startup
from docktasks.engine.models import Container, ContainerConfig, Image
from docktasks.errors import Skip
from docktasks.images import archive
from docktasks.images.archive import HASHED_DIR, Contents, File, Layer, Unreadable, final_files, is_own_step, site_files
from docktasks.images.build import BASE_LABEL, base_image
from docktasks.images.carried import carried
from docktasks.labels import BUILT_FOR
from docktasks.verify import chromium_path
from docktasks.verify.probes import clone_trial
from docktasks.verify.probes.clone_trial import FIRST_HEALTH_TIMEOUT_S, Original, Trial
from docktasks.verify.probes.crawler import Site
from docktasks.verify.probes.survey import Survey

if TYPE_CHECKING:  # it loads the browser's driver
    from docktasks.verify.probes.visit import Visit

NGINX_DIR = "/etc/nginx/"
Need = Literal["image", "container", "url", "dev", "browser"]
T = TypeVar("T")


class Subject:
    """The site at `url`; with a project also the production container behind it, its image, and the dev container."""

    def __init__(
        self,
        url: str = "",
        project: Project | None = None,
        container: Container | None = None,
        image: Image | None = None,
        *,
        dev: Container | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self._project, self._container, self._image, self._dev = project, container, image, dev
        self._quiet = Lock()  # a container that starts or ends changes the network, which disturbs a browser
        self.contents = Once(self._read_image)
        self.carried = Once(lambda: carried(self.project.engine, self.container))
        self.health = Once(self._settled_health)
        self.trial = Once(self._try_clones)
        self.visit = Once(self._visit_site)

    def has(self, need: Need) -> bool:
        """Return True if the subject has this part; "browser" needs an address and a Chromium."""
        if need == "browser":
            return bool(self.url and self.chromium)
        return bool({"url": self.url, "container": self._container, "image": self._image, "dev": self._dev}[need])

    @property
    def name(self) -> str:
        """The address, and on which others it is published; without one the image's tag or id, or the dev address."""
        if self._image and not self.url:
            return next(iter(self._image.tags), self._image.short_id)
        if self._container or self.url:
            return self._container.address if self._container else self.url
        return self.dev.address.replace(self.dev.url, self.dev_url)

    @property
    def project(self) -> Project:
        """The project that has the container and the image. Raises LookupError without one, as the next three do."""
        return _present(self._project)

    @property
    def container(self) -> Container:
        """The production container."""
        return _present(self._container)

    @property
    def image(self) -> Image:
        """The image that the container runs, or that is judged on its own."""
        return _present(self._image)

    @property
    def dev(self) -> Container:
        """The dev container."""
        return _present(self._dev)

    @cached_property
    def dev_url(self) -> str:
        """The address of the dev container, which may speak https."""
        return startup.dev_url(self.dev)

    @property
    def is_ours(self) -> bool:
        """True for the image of this project, and for one that is built on it: by its container, a tag or a label."""
        settings, image = self.project.settings, self.image
        is_named = settings.image("prod") in image.tags or image.labels.get(BUILT_FOR) == settings.app.name
        return self.has("container") or is_named

    @cached_property
    def config(self) -> ContainerConfig:
        """What the container was started with."""
        return self.project.engine.container_config(self.container.name)

    @cached_property
    def named_base(self) -> Image | None:
        """The image that the label names as the base; None if the engine does not have it."""
        return base_image(self.project.engine, self.image.labels)

    @cached_property
    def base(self) -> Image | None:
        """The image with whose layers this one begins: the one that the label names, or the longest of the engine.

        hello-dock's own images do not count, because others may be built on them.
        """
        if self.named_base and self._begins_with(self.named_base):
            return self.named_base
        ids = {*self.project.engine.image_ids().values()}
        images = [image for image in map(self.project.engine.image, sorted(ids)) if image and self._begins_with(image)]
        others = [image for image in images if BUILT_FOR not in image.labels]
        return max(others, key=lambda image: len(image.layers), default=None)

    def _begins_with(self, other: Image) -> bool:
        count = len(other.layers)
        return 0 < count < len(self.image.layers) and self.image.layers[:count] == other.layers

    def own_layers(self) -> list[Layer]:
        """The layers on top of the base image's, whatever a label says. Raises Skip if they cannot be told apart."""
        layers = self.contents().layers
        own = [layer for layer in layers if layer.ours]
        if len(own) == len(layers):
            name = self.image.labels.get(BASE_LABEL)
            reason = f"its base image {name} is not here, or is another one now" if name else "it names no base image"
            raise Skip(f"{reason}, so its own layers are unknown")
        return own

    @property
    def build_epoch(self) -> int | None:
        """The time of the layer that our Dockerfile's last stage copies: that of the commit (SOURCE_DATE_EPOCH)."""
        for step in filter(is_own_step, self.contents().history):
            day_and_time = str(step.get("created"))[: len("2026-11-29T06:29:26")]
            return int(datetime.fromisoformat(f"{day_and_time}+00:00").timestamp())
        return None

    @cached_property
    def site(self) -> Site:
        """What is served at the address."""
        return Site(self.url, lambda: self.shipped_files, lambda: self.written)

    @cached_property
    def survey(self) -> Survey:
        """What the site answers, everywhere."""
        return Survey(self.site, self._kept_paths)

    @cached_property
    def files(self) -> dict[str, File]:
        """What a container of the image sees, by path. Empty if it cannot be read, which its own checks report."""
        with contextlib.suppress(Unreadable):
            return final_files(self.contents().layers) if self._image else {}
        return {}

    @property
    def shipped_files(self) -> dict[str, int]:
        """Path from the site's root -> size, of all files that the image ships. Empty if the image cannot be read."""
        return site_files({path: file.size for path, file in self.files.items() if file.kind == "file"})

    @property
    def hashed_files(self) -> list[str]:
        """Paths, from the site's root, of the files that our build took for named by their content."""
        files = (path for path, file in self.files.items() if file.kind == "file")
        return [path.removeprefix(HASHED_DIR) for path in files if path.startswith(HASHED_DIR)]

    @cached_property
    def written(self) -> dict[str, str]:
        """Path below /etc/nginx/ -> text, of nginx's configuration in the image. Empty if it cannot be read."""
        texts = ((path, file.content) for path, file in self.files.items() if path.startswith(NGINX_DIR))
        return {path.removeprefix(NGINX_DIR): text.decode(errors="replace") for path, text in texts if text}

    @property
    def site_headers(self) -> str:
        """What the assembler made of the site's file _headers (images/nginx/headers.mjs)."""
        return self.written.get("site/headers.conf", "").lower()

    @cached_property
    def chromium(self) -> str:
        """The path of a Chromium; empty if there is none."""
        return chromium_path.find_chromium(self._project.settings.browser.executable if self._project else "")

    def _kept_paths(self) -> dict[str, bool]:
        """The addresses of files that the volume has of earlier releases and this one has not, and whether hashed."""
        if not self._container:
            return {}
        paths = {self.site.address(file.path): file.is_hashed for file in self.carried()[1]}
        return {path: is_hashed for path, is_hashed in paths.items() if path not in self.site.files}

    def _read_image(self) -> Contents:
        base_layers = self.base.layers if self.base else ()
        is_kept = re.compile("/s?bin/nginx$|^/etc/passwd$").search
        return self._saved(self.image, lambda saved: archive.read(saved, base_layers, lambda path: bool(is_kept(path))))

    def hashed_digests(self, image: Image) -> dict[str, bytes]:
        """The SHA-256 of each file that an image of the project has below HASHED_DIR, by its path from there.

        Raises Unreadable.
        """
        return self._saved(image, lambda saved: archive.digests(saved, HASHED_DIR))

    def _saved(self, image: Image, read: Callable[[Iterable[bytes]], T]) -> T:
        from docker.errors import APIError

        try:
            return read(self.project.engine.save(image.id))
        except APIError as error:  # such as for an image without layers
            reason = f"the engine cannot save it: {error.explanation or error}"
            raise Unreadable(reason if image.layers else "it has no layer") from error

    def _settled_health(self) -> str:
        engine, name = self.project.engine, self.container.name
        return clone_trial.await_health(engine, name, FIRST_HEALTH_TIMEOUT_S, lambda health: health != "starting")

    def _try_clones(self) -> Trial:
        with self._quiet:
            return clone_trial.run_trial(Original(self.project, self.container, self.image, self.config))

    def _visit_site(self) -> Visit:
        from docktasks.verify.probes.visitor import visit

        with self._quiet:
            return visit(self.url + self.site.base_path, self.chromium, is_api=self.site.is_api)


def _present(part: T | None) -> T:
    if part is None:
        raise LookupError("a check uses a part of the subject that its group does not need")
    return part
