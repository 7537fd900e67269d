"""Names of images, by the rules of https://docs.docker.com/reference/cli/docker/image/tag/#description."""

from __future__ import annotations

import re

HUB_NAMES = ("docker.io", "index.docker.io")
"""The names of Docker Hub. The engine lists its images without them."""

REFERENCE = re.compile(r"(?:([^/]*[.:A-Z][^/]*|localhost)/)?(.+?)(?::([^:/@]+))?(?:@(.+))?")
"""A registry, a path, a tag and a digest. A first word without dot, colon or capital is part of the path."""


def familiar(reference: str) -> str:
    """Return a reference as the engine lists it: `docker.io/library/nginx` is `nginx:latest`. No tag with a digest."""
    parts = REFERENCE.fullmatch(reference)
    if not parts:
        return reference
    host, path, tag, digest = parts.groups()
    if host and host not in HUB_NAMES:
        path = f"{host}/{path}"
    elif path.count("/") == 1:
        path = path.removeprefix("library/")
    return f"{path}@{digest}" if digest else f"{path}:{tag or 'latest'}"


def split_digest(reference: str) -> tuple[str, str]:
    """Return a reference as the engine lists it, without its digest if it has a tag, and the digest or ""."""
    name, _, digest = reference.partition("@")
    has_tag = ":" in name.rpartition("/")[2]
    return familiar(name if has_tag else reference), digest


def repository(reference: str) -> str:
    """Return the registry and the path of a reference, as the engine lists them."""
    name = familiar(reference.partition("@")[0])
    return name.rpartition(":")[0]
