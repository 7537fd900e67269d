"""The images, volumes and networks of the fake engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatch
from functools import cached_property
from hashlib import sha256
from itertools import count
from typing import Any

from docker.errors import NullResource

from docktasks.commands import Result
from docktasks.engine.dry_run import DryRunEngine
from docktasks.engine.models import Image, Network
from docktasks.errors import NotInRegistryError, RegistryError
from docktasks.images.references import familiar
from docktasks.labels import STANDIN_PREFIX


class FakeStore(DryRunEngine, ABC):
    """Images, volumes and networks in memory, and the commands that change them."""

    def __init__(self, images: Mapping[str, Image]) -> None:
        self.image_store = dict(images)
        """Every image, by each of its tags, or by its id."""
        self.volume_names: list[str] = []
        self.unrelated_volumes: list[str] = []
        """Names of volumes that do not have the project's label."""
        self.network_store: dict[str, Network] = {}
        """The networks by name. One with members is in use, and cannot be removed."""
        self.source = "1"
        """What the next build is made from: another source makes another image."""
        self.registry: dict[str, str | RegistryError] = {}
        """The digest that a registry has under a name, or the error of asking for it."""
        self.serial = count(1)

    @abstractmethod
    def _used_image_ids(self) -> set[str]:
        """The ids of the images that have containers."""

    def _now(self) -> str:
        return f"2026-11-23T14:20:00.{next(self.serial):09}Z"

    def image(self, reference: str) -> Image | None:
        """Return the image of a tag, an id, or the beginning of an id. As in the SDK, an empty name is an error."""
        if not reference:
            raise NullResource("Resource ID was not provided")
        references = {
            name: image for image in self.image_store.values() for name in (image.id, image.short_id, *image.tags)
        }
        return self.image_store.get(reference) or references.get(reference) or references.get(familiar(reference))

    def images(self, project: str) -> list[Image]:
        """Return the images with the label of a build, each once."""
        images = [image for image in self.image_store.values() if image.labels.get("hello-dock.built-for") == project]
        return list({image.id: image for image in images}.values())

    @cached_property
    def standins(self) -> list[str]:
        """The stand-ins at the first question."""
        return [*self.image_ids(f"{STANDIN_PREFIX}-*")]

    def image_ids(self, pattern: str = "*") -> dict[str, str]:
        """Return the id of each image, by its tags that are like the pattern."""
        tags = ((tag, image.id) for image in self.image_store.values() for tag in image.tags)
        return {tag: image_id for tag, image_id in tags if fnmatch(tag, pattern) or fnmatch(tag, f"{pattern}:*")}

    def registry_digest(self, reference: str) -> str:
        """Return the digest that the registry has."""
        answer = self.registry.get(reference, NotInRegistryError("the registry does not have it"))
        if isinstance(answer, RegistryError):
            raise answer
        return answer

    def volumes(self, project: str) -> list[str]:
        """Return the names of the project's volumes."""
        return [name for name in self.volume_names if name.startswith(project)]

    def has_volume(self, name: str) -> bool:
        """Return True for a volume of any project."""
        return name in self.volume_names or name in self.unrelated_volumes

    def network(self, name: str) -> Network | None:
        """Return the network of any project."""
        return self.network_store.get(name)

    def add_image(self, tag: str, image: Image) -> None:
        """Give an image a tag. The image that had the tag before keeps only its other tags."""
        before = self.image_store.get(tag, image)
        if before.id != image.id:
            self._name(before, *(name for name in before.tags if name != tag))
        self.image_store[tag] = image

    def _name(self, image: Image, *tags: str, **changes: Any) -> None:
        """Replace the tags of an image. An image without tags is kept under its id."""
        self.image_store = {name: other for name, other in self.image_store.items() if other.id != image.id}
        self.image_store |= dict.fromkeys(tags or (image.id,), replace(image, tags=tags, **changes))

    def _build(self, args: list[str]) -> Result:
        tag = args[args.index("--tag") + 1]
        image_id, labels = built_id(tag, self.source), labels_of(args)
        self.add_image(tag, Image(image_id, 20_000_000, tags=(tag,), labels=labels, release=image_id[-12:]))
        return Result()

    def _tag(self, args: list[str]) -> Result:
        image = self.image(args[3])
        if image is None:
            return Result(1, "No such image")
        self._name(image, *dict.fromkeys([*image.tags, args[4]]), tagged=self._now())
        return Result()

    def _remove_images(self, args: list[str]) -> Result:
        results = [self._remove_image(reference) for reference in args[3:] if not reference.startswith("-")]
        return next((result for result in results if not result.ok), Result())

    def _remove_image(self, reference: str) -> Result:
        image = self.image(reference)
        if image is None:
            return Result(1, "No such image")
        if len(image.tags) > 1 and reference in image.tags:
            self._name(image, *(tag for tag in image.tags if tag != reference))
            return Result()
        if image.id in self._used_image_ids():
            return Result(1, "conflict: a container is using its referenced image")
        self.image_store = {name: other for name, other in self.image_store.items() if other.id != image.id}
        return Result()

    def _create_volume(self, args: list[str]) -> Result:
        self.volume_names.append(args[-1])
        return Result()

    def _create_network(self, args: list[str]) -> Result:
        options = dict(args[index + 1].split("=", 1) for index, arg in enumerate(args) if arg == "--opt")
        self.network_store[args[-1]] = Network(labels_of(args), options)
        return Result()

    def _remove_networks(self, args: list[str]) -> Result:
        used = [name for name in args[3:] if self.network_store[name].members]
        self.network_store = {
            name: network for name, network in self.network_store.items() if name not in args[3:] or name in used
        }
        return Result(1, "has active endpoints") if used else Result()

    def _use_volume(self, args: list[str]) -> None:
        """Create the volume that a container mounts, as Docker does."""
        fields = dict(field.partition("=")[::2] for field in args[args.index("--mount") + 1].split(","))
        if not self.has_volume(fields["source"]):
            self.volume_names.append(fields["source"])

    def _remove_volumes(self, args: list[str]) -> Result:
        self.volume_names = [name for name in self.volume_names if name not in args[3:]]
        return Result()


def built_id(tag: str, source: str = "1") -> str:
    """Return the id of the image that FakeEngine builds from a source."""
    return f"sha256:{sha256(f'{tag} {source}'.encode()).hexdigest()}"


def labels_of(args: list[str]) -> dict[str, str]:
    """Return the labels that a docker command gives."""
    return dict(args[index + 1].split("=", 1) for index, arg in enumerate(args) if arg == "--label")
