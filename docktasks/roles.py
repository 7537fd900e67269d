"""The parts of a project, dev and prod: what each is built from, which task starts it, and its containers' slots."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Role:
    """One of the two parts of a project, dev or prod.

    `name` is its section of the settings and the tag of its image, `base` the build argument of the base image, `task`
    what starts the container, which listens on `container_port`. `platform` is another one than the engine's, or empty.
    """

    name: str
    dockerfile: str
    base: str
    task: str
    container_port: int
    platform: str = ""

    def on(self, platform: str) -> Role:
        """Return the same part for a platform such as linux/arm64, whose image is app:prod-arm64."""
        return replace(self, name="-".join((self.name, *platform.split("/")[1:])), platform=platform)


DEV = Role("dev", "Dockerfile.dev", "NODE_IMAGE", "dev", 3000)
PROD = Role("prod", "Dockerfile", "NGINX_IMAGE", "run-prod", 80)
ROLES = {role.name: role for role in (DEV, PROD)}
HOLDER = "prod-port"
"""The slot of the port holder, the container that owns the published port of prod."""

# The other slots of prod. One container is in each, whose name ends with it. That in "prod" is the current release.
CANDIDATE = "prod-candidate"
CARRY = "prod-carry"
NEXT = "prod-next"
PREVIOUS = "prod-previous"
HOLDER_PREVIOUS = "prod-port-previous"
PROD_SLOTS = ("prod", HOLDER, CANDIDATE, CARRY, NEXT, PREVIOUS, HOLDER_PREVIOUS)
SHARING_SLOTS = ("prod", NEXT)
"""The slots of a release that listens in the port holder's network."""


def role_of(slot: str) -> Role:
    """Return the part of the project that a slot belongs to, such as PROD for `prod-next`."""
    return DEV if slot == DEV.name else PROD
