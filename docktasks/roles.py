"""The two parts of a project, dev and prod: what each is built from, and which task starts it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Role:
    """One of the two parts of a project, dev or prod.

    `name` is its section of the settings and the tag of its image, `base` the build argument of the base image, `task`
    what starts the container, which listens on `container_port`.
    """

    name: str
    dockerfile: str
    base: str
    task: str
    container_port: int


DEV = Role("dev", "Dockerfile.dev", "NODE_IMAGE", "dev", 3000)
PROD = Role("prod", "Dockerfile", "NGINX_IMAGE", "run-prod", 80)
ROLES = {role.name: role for role in (DEV, PROD)}
HOLDER = "prod-port"
"""The role of the port holder, the container that owns the published port of prod."""
