"""Names of images, by the rules of https://docs.docker.com/reference/cli/docker/image/tag/#description."""

from __future__ import annotations

HUB_NAMES = ("docker.io", "index.docker.io")
"""The names of Docker Hub. The engine lists its images without them."""


def familiar(reference: str) -> str:
    """Return a reference as the engine lists it: `docker.io/library/nginx` is `nginx:latest`.

    With a digest, the tag does not count and is left out.
    """
    name, _, digest = reference.partition("@")
    host, slash, path = name.partition("/")
    if not slash or not _is_registry(host):
        host, path = HUB_NAMES[0], name
    folder, colon, tag = _split_tag(path)
    if host not in HUB_NAMES:
        folder = f"{host}/{folder}"
    elif folder.count("/") == 1:
        folder = folder.removeprefix("library/")
    return f"{folder}@{digest}" if digest else f"{folder}:{tag if colon else 'latest'}"


def _is_registry(word: str) -> bool:
    """Return True if the word before the first slash is the address of a registry, and not part of a path."""
    return "." in word or ":" in word or word == "localhost" or word != word.lower()


def _split_tag(path: str) -> tuple[str, str, str]:
    """Return the path without its tag, a colon if there is a tag, and the tag."""
    folder, colon, tag = path.rpartition(":")
    return (folder, colon, tag) if colon and "/" not in tag else (path, "", "")
