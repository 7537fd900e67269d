"""Which base images a build uses: the local one, one pulled from its registry, or a stand-in made here.

A stand-in is made of Debian and npm packages where no registry can be reached; bases/ says how. It has a name of its
own and the label `hello-dock.standin`, and whoever gets one is told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.errors import BaseImageError
from docktasks.images.standins import STANDS_FOR, build_all, latest_standin
from docktasks.settings import Settings


@dataclass(frozen=True)
class BaseImage:
    """A base image to build on; `notice` tells of a stand-in, and is empty for the real one."""

    reference: str
    notice: str = ""


def resolve(project: Project, kind: str) -> BaseImage:
    """The base image of a kind, `node` or `nginx`; pulls or makes it where it is missing. Raises BaseImageError."""
    wanted = configured_image(project.settings, kind)
    source = project.settings.bases.source
    found = local(project, kind)
    if found:
        return found
    if source != "standin":
        if project.engine.image(wanted):  # by a name that a list does not give, such as a digest
            return BaseImage(wanted)
        pulled = project.run(["docker", "image", "pull", wanted])
        if pulled.ok:
            return BaseImage(wanted)
        refusal = explain_pull(wanted, pulled, source)
        if refusal:
            raise refusal
    if wanted not in STANDS_FOR.values():
        raise BaseImageError(
            f"No registry is reached, and there is no stand-in for {wanted}.",
            f"Stand-ins are made for {' and '.join(STANDS_FOR.values())}.",
            f"Load the image by hand (docker image load), or leave bases.{kind}_image at its default",
        )
    if source == "auto":
        print(f"! No registry is reached: making a stand-in for {wanted} from Debian and npm packages.", flush=True)
    stood_in = build_all(project)
    project.engine.image_ids.update(
        dict.fromkeys(stood_in.values(), "")
    )  # both were made: the other kind finds its own
    return standin_image(wanted, stood_in[wanted])


def local(project: Project, kind: str) -> BaseImage | None:
    """The base image of a kind that is here already; None when it would have to be pulled or made."""
    wanted = configured_image(project.settings, kind)
    if project.settings.bases.source != "standin" and wanted in project.engine.image_ids:
        return BaseImage(wanted)
    made = latest_standin(project.engine.image_ids, wanted)
    return standin_image(wanted, made) if project.settings.bases.source != "registry" and made else None


def configured_image(settings: Settings, kind: str) -> str:
    """The base image of a kind, `node` or `nginx`, that the settings name."""
    return {"node": settings.bases.node_image, "nginx": settings.bases.nginx_image}[kind]


def standin_image(wanted: str, made: str) -> BaseImage:
    """The stand-in `made` for the image `wanted`, with its notice."""
    return BaseImage(
        made, f"Built on {made}, which stands in for {wanted} (the real one: INVOKE_BASES_SOURCE=registry)"
    )


# What the engine prints when nothing that could answer was reached.
_UNREACHED = re.compile(
    r"no such host|connection refused|i/o timeout|network is unreachable|no route to host|server misbehaving"
    r"|temporary failure in name resolution|tls handshake timeout|context deadline exceeded"
    r"|request canceled while waiting|proxyconnect|connection reset by peer|x509:|dial tcp|: EOF",
    re.IGNORECASE,
)


def explain_pull(wanted: str, result: Result, source: str) -> BaseImageError | None:
    """The error that a failed `docker image pull` is; None when a stand-in may take the image's place.

    A registry that answers "denied" or "not found" was reached: a stand-in would hide a mistyped name.
    """
    if not _UNREACHED.search(result.output):
        return BaseImageError(
            f"The registry does not give {wanted}.",
            "It was reached and refused, so this is no case for a stand-in.",
            "Correct bases.node_image or bases.nginx_image in invoke.yaml, or log in: docker login",
            evidence=result.tail(3),
        )
    if source == "registry":
        return BaseImageError(
            f"No registry is reached for {wanted}.",
            "bases.source is registry, so no stand-in is made.",
            "Mend the network (or docker's proxy), or allow a stand-in: INVOKE_BASES_SOURCE=auto",
            evidence=result.tail(3),
        )
    return None
