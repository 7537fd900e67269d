"""Choose the base image of a build: the local one, refreshed when old; a pulled one; or a stand-in (standins.py)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, timezone

from docktasks.app import safe_versions
from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.engine.models import Image
from docktasks.engine.protocol import Engine
from docktasks.errors import BaseImageError, NotInRegistryError, RegistryError
from docktasks.images import bases_lock, build_context
from docktasks.images.references import familiar, repository, split_digest
from docktasks.images.registry import registry_digest
from docktasks.images.standins import STANDS_FOR, build_all, latest_standin
from docktasks.labels import STANDIN_PREFIX
from docktasks.settings import Settings

ANSWER_TIMEOUT_S = 5
"""How long the registry may take to say which image it has. A build waits for it."""


@dataclass(frozen=True)
class BaseImage:
    """A base image to build on. `notice` says that it is a stand-in, or old, or was refreshed; empty if none is so."""

    reference: str
    notice: str = ""


def resolve(project: Project, kind: str) -> BaseImage:
    """Return the base image of a kind, `node` or `nginx`: local, refreshed, pulled or built. Raises BaseImageError."""
    reference = configured_image(project.settings, kind)
    build_context.read_ca(project.settings)  # a build would need it only after the download
    base = local(project, kind)
    if base and base.reference == reference:
        return replace(base, notice=_refresh(project, reference) if "@" not in reference else "")
    if base:
        return base
    if project.settings.bases.source != "standin" and _pull(project, reference):
        return BaseImage(reference)
    return _build_standin(project, kind, reference)


def local(project: Project, kind: str) -> BaseImage | None:
    """Return the local base image of a kind, `node` or `nginx`; None when it has to be pulled or built."""
    reference = configured_image(project.settings, kind)
    source = project.settings.bases.source
    if source != "standin" and project.engine.image(reference):
        return BaseImage(reference)
    standin = latest_standin(project.engine.standins, reference) if source != "registry" else ""
    return _standin_image(reference, standin) if standin else None


def configured_image(settings: Settings, kind: str) -> str:
    """Return the base image of a kind, `node` or `nginx`: the settings' one, by the digest of bases.lock."""
    return bases_lock.pinned(settings, {"node": settings.bases.node_image, "nginx": settings.bases.nginx_image}[kind])


def _standin_image(reference: str, standin: str) -> BaseImage:
    return BaseImage(standin, f"Built on {standin}, a stand-in for {reference}.{_version_notice(standin)}")


def _version_notice(standin: str) -> str:
    """Say of nginx in a stand-in that it is not safe, and whether Debian has a newer one."""
    version = standin.rpartition(":")[2]
    unsafe = safe_versions.judge("nginx", version) if standin.startswith(f"{STANDIN_PREFIX}-nginx:") else None
    if unsafe is None or not unsafe.fault or version == "latest":
        return ""
    outdated = safe_versions.judge("debian-nginx", version)
    advice = "Debian has a newer one: invoke bases" if outdated and outdated.fault else "Debian has no newer one"
    return f" The first safe version of its nginx is {unsafe.next_safe}. {advice}."


def _refresh(project: Project, reference: str) -> str:
    """Pull a newer image if the local one is older than bases.max_age days. Return what the user should know.

    An image that its registry does not know was made by hand, and stays. So does one that is named by its digest.
    """
    max_age = project.settings.bases.max_age
    image = project.engine.image(reference) if max_age and not project.dry else None
    days = age_days(image.created) if image else None
    if image is None or days is None or days <= max_age:
        return ""
    old = f"{reference} is {days:,} days old"
    try:
        if not _has_newer(project.engine, image, reference):
            return ""
    except NotInRegistryError:
        return f"{old}, and its registry does not have it. It stays, because it may have been made by hand."
    except RegistryError as error:
        return f"{old}, and was not refreshed: {error}. To ask no registry: INVOKE_BASES_MAX_AGE=0"
    result = project.run(["docker", "image", "pull", reference])
    pulled = project.engine.image(reference)
    if not result.ok or pulled is None:
        return f"{old}, and was not refreshed: {result.tail(1)}"
    return f"{reference} was {days:,} days old, so a newer one was pulled."


def _has_newer(engine: Engine, image: Image, reference: str) -> bool:
    """Return True if the local image is its registry's, which has another one now. Raises RegistryError."""
    digests = digests_of(image, reference)
    if not digests:  # never pulled, and never pushed
        return False
    newest = registry_digest(engine, reference, ANSWER_TIMEOUT_S)
    if newest in digests:
        return False
    # In containerd's store an image that was built here has a digest, too. Only the registry knows which are its own.
    return bool(registry_digest(engine, f"{repository(reference)}@{digests[0]}", ANSWER_TIMEOUT_S))


def digests_of(image: Image, reference: str) -> list[str]:
    """Return the digests of an image in the repository of a reference. One that was never there has none."""
    return [name.partition("@")[2] for name in image.names_in(repository(reference))]


def base_digest(image: Image | None, reference: str) -> str:
    """Return the digest of a base image: the one that its reference pins, else its registry's; "" if it has none."""
    digests = digests_of(image, reference) if image else []
    return split_digest(reference)[1] or next(iter(digests), "")


def of_all_platforms(project: Project, reference: str) -> str:
    """Return a base image by the digest that its registry has for all platforms. Raises BaseImageError without one."""
    digest = base_digest(project.engine.image(reference), reference)
    if not (digest or project.dry):
        raise BaseImageError(
            f"{reference} is for this machine's platform only.",
            "It is from no registry, which would have it for others.",
            "Name one of a registry: bases.nginx_image, then invoke bases --update",
        )
    return f"{split_digest(reference)[0].partition('@')[0]}@{digest}" if digest else reference


def age_days(built: str, today: date | None = None) -> int | None:
    """Return the days since an image was built, by a text that begins with the day; None if it has no such day."""
    try:
        day = date.fromisoformat(built[:10])
    except ValueError:
        return None
    return ((today or datetime.now(timezone.utc).date()) - day).days if day.year > 1 else None


def _pull(project: Project, reference: str) -> bool:
    """Pull an image. Return False when no registry answers and a stand-in is allowed. Raises BaseImageError."""
    _ = project.engine.version  # raises EngineError, where `docker image pull` would look refused by the registry
    result = project.run(["docker", "image", "pull", reference])
    if result.ok:
        project.progress(f"pulled {reference}")
        return True
    error = explain_pull(reference, result, project.settings.bases.source)
    if error:
        raise error
    return False


def _build_standin(project: Project, kind: str, reference: str) -> BaseImage:
    """Build the stand-ins, and return the one for an image. Raises BaseImageError when that image has none."""
    if "@" in reference:
        raise BaseImageError(
            f"{reference} is not here, and no registry answers.",
            "It is pinned by its digest, so no stand-in takes its place.",
            "Try again when the registry answers, or build on a stand-in: INVOKE_BASES_SOURCE=standin",
        )
    if familiar(reference) not in STANDS_FOR.values():
        raise BaseImageError(
            f"No registry answers, and there is no stand-in for {reference}.",
            f"There are stand-ins for {' and '.join(STANDS_FOR.values())}.",
            f"Load the image by hand (docker image load), or leave bases.{kind}_image at its default",
        )
    if project.settings.bases.source == "auto":
        text = f"No registry answers: building a stand-in for {reference} from Debian and npm packages."
        project.progress.note(text)
    standins = build_all(project)
    project.engine.standins.extend(standins.values())  # the other kind is looked for next
    return _standin_image(reference, standins[familiar(reference)])


# The messages of an engine that reaches no registry.
_UNREACHED = re.compile(
    r"no such host|connection refused|i/o timeout|network is unreachable|no route to host|server misbehaving"
    r"|temporary failure in name resolution|tls handshake timeout|context deadline exceeded"
    r"|request canceled while waiting|proxyconnect|connection reset by peer|x509:|dial tcp|: EOF",
    re.IGNORECASE,
)


def explain_pull(reference: str, result: Result, source: str) -> BaseImageError | None:
    """Return the error that a failed `docker image pull` means, None when a stand-in may replace the image.

    `source` is bases.source. A registry that answers "denied" or "not found" gets no stand-in, which would hide a
    mistyped name.
    """
    if not _UNREACHED.search(result.output):
        return BaseImageError(
            f"The registry refused {reference}.",
            "It answered, so no stand-in is built.",
            "Correct bases.node_image or bases.nginx_image in invoke.yaml, or log in: docker login",
            evidence=result.tail(3),
        )
    if source == "registry":
        return BaseImageError(
            f"No registry answers for {reference}.",
            "bases.source is registry, so no stand-in is built.",
            "Correct the network (or Docker's proxy), or allow a stand-in: INVOKE_BASES_SOURCE=auto",
            evidence=result.tail(3),
        )
    return None
