"""The images of a fleet: a release, and in layers of their own the hashed files of the releases that are kept.

While the nodes are switched one after the other, a page of one release may ask a node with the other release for its
files. So every node has the files of both before the first one changes its page. An image has them, and no volume: a
node that is new or was wiped has them, too, and what was checked is what serves. Layers are shared, so a node loads
only the files that it lacks.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from docktasks.app.project import Project
from docktasks.errors import FleetError
from docktasks.labels import LABEL
from docktasks.release import build as release_build

OTHER_BYTES = "differs from release"
"""How nginx/carry.sh names a file."""


@dataclass(frozen=True)
class FleetImage:
    """What a node runs: the page of `release`, and the files of `kept`, all named by their digests."""

    release: str
    kept: tuple[str, ...] = ()

    @property
    def repository(self) -> str:
        """The repository of the release, where the fleet's image goes, too."""
        return self.release.partition("@")[0]

    @property
    def tag(self) -> str:
        """The name of the image. The same releases have the same name."""
        content = "\0".join((self.release, *self.kept))
        return f"{self.repository}:fleet-{hashlib.sha256(content.encode()).hexdigest()[:12]}"


def dockerfile(image: FleetImage, ids: dict[str, str]) -> str:
    """Return the Dockerfile of a fleet's image. `ids` has the release id of each of its pushed images.

    `carry` of each release refuses a hashed name that has other bytes in another release, and adds the files that have
    no hash in their names; of each name the latest release's counts.
    """
    releases = [image.release, *image.kept]
    lines = [f"FROM {reference} AS release{index}" for index, reference in enumerate(releases)]
    for index, reference in enumerate(releases):
        earlier = [f"COPY --from=kept{index - 1} /srv/carried/ /srv/carried/"] if index else []
        lines += [f"FROM release{index} AS kept{index}", "USER 0", *earlier, f"RUN carry add {ids[reference]}"]
    # Equal times give equal layers.
    lines[-1] += " && mkdir /out && cp -pRL /srv/carried/built /out/built && find /out -exec touch -t 200001010000 {} +"
    lines += ["FROM release0"]
    copies = [f"COPY --link --from=release{index} /srv/hashed/ /srv/carried/" for index in range(1, len(releases))]
    lines += [*reversed(copies), f"COPY --link --from=kept{len(releases) - 1} /out/ /srv/carried/"]
    return "\n".join([*lines, f'LABEL {LABEL}.fleet.kept="{",".join(image.kept)}"', ""])


def push(project: Project, image: FleetImage, folder: Path) -> str:
    """Build a fleet's image, push it, and return its name with its digest. Raises FleetError.

    A release with the files of no other one is the pushed image itself.
    """
    if not image.kept:
        return image.release
    pulled = {name: release_build.pulled_build(project, name) for name in (image.release, *image.kept)}
    ids = {name: build.image.release for name, build in pulled.items()}
    (folder / "Dockerfile").write_text(dockerfile(image, ids), encoding="utf-8")
    built = project.run(build_args(image, folder), quiet=True)
    if not built.ok:
        is_other = OTHER_BYTES in built.output
        raise FleetError(
            f"The files of {len(ids)} releases cannot be put into one image.",
            "A hashed name has other bytes in another release, so a page would get the wrong code." if is_other else "",
            "Let Vite give longer hashes (build.rollupOptions.output)" if is_other else "See what Docker reports above",
            evidence=built.tail(5),
        )
    error = FleetError(
        f"{image.tag} could not be pushed.",
        "The nodes get the image from the registry. Nothing has changed.",
        "Log in with an account that may push to the repository of the release: docker login",
    )
    project.run_or_raise(["docker", "image", "push", "--quiet", image.tag], error)
    local = project.engine.image(image.tag)
    digests = local.names_in(image.repository) if local else []
    return digests[-1] if digests else image.tag


def build_args(image: FleetImage, folder: Path) -> list[str]:
    """Return the command that builds a fleet's image. It needs no network, and reads nothing but images."""
    return ["docker", "image", "build", "--quiet", "--network", "none", "--tag", image.tag, str(folder)]
