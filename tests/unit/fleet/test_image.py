"""The images of a fleet: a release with the files of other ones."""

from __future__ import annotations

from docktasks.fleet.image import FleetImage, build_args, dockerfile
from tests.unit.fakes.apps import ROOT
from tests.unit.fleet.conftest import REPOSITORY, A, B, C

SAME_TIMES = "mkdir /out && cp -pRL /srv/carried/built /out/built && find /out -exec touch -t 200001010000 {} +"


def test_files_of_kept_releases_are_layers_of_their_own() -> None:
    """A layer depends on one release only, so that images share it. The latest release's comes last, and counts."""
    text = dockerfile(FleetImage(A, (B, C)), {A: "aaaa", B: "bbbb", C: "cccc"})
    assert text.splitlines() == [
        f"FROM {A} AS release0",
        f"FROM {B} AS release1",
        f"FROM {C} AS release2",
        "FROM release0 AS kept0",
        "USER 0",
        "RUN carry add aaaa",
        "FROM release1 AS kept1",
        "USER 0",
        "COPY --from=kept0 /srv/carried/ /srv/carried/",
        "RUN carry add bbbb",
        "FROM release2 AS kept2",
        "USER 0",
        "COPY --from=kept1 /srv/carried/ /srv/carried/",
        f"RUN carry add cccc && {SAME_TIMES}",
        "FROM release0",
        "COPY --link --from=release2 /srv/hashed/ /srv/carried/",
        "COPY --link --from=release1 /srv/hashed/ /srv/carried/",
        "COPY --link --from=kept2 /out/ /srv/carried/",
        f'LABEL hello-dock.fleet.kept="{B},{C}"',
    ]


def test_image_is_named_by_its_releases() -> None:
    """The same releases have the same name, in the repository of the release."""
    image = FleetImage(A, (B,))
    assert image.tag == FleetImage(A, (B,)).tag
    assert image.tag != FleetImage(B, (A,)).tag
    assert image.tag.startswith(f"{REPOSITORY}:fleet-")
    assert build_args(image, ROOT) == [
        "docker", "image", "build", "--quiet", "--network", "none", "--tag", image.tag, str(ROOT),
    ]  # fmt: skip
