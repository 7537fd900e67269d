"""Second opinions on the image and what it is made from; with each, that the judge is awake."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.support import ROOT, Project, docker
from tests.judges import judges

GIXY_ACCEPTED = {
    # Deliberate: when nginx finds that a range lies behind the file's end, the headers stand already (site.conf).
    "add_header_redefinition": "site.conf's @unsatisfiable",
}


def test_hadolint() -> None:
    """The Dockerfiles, those of the stand-ins too."""
    assert (
        judges.hadolint(*sorted([*ROOT.glob("Dockerfile*"), *ROOT.glob("docktasks/images/bases/*/Dockerfile")])) == []
    )


def test_hadolint_finds_a_fault(tmp_path: Path) -> None:
    """A base image without a tag, and root at the end."""
    path = tmp_path / "Dockerfile"
    path.write_text("FROM debian\nRUN cd /tmp\n")
    assert any("DL3006" in found for found in judges.hadolint(path))


@pytest.fixture(scope="module")
def configuration(release: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration that the release runs with."""
    folder = tmp_path_factory.mktemp("nginx")
    docker("container", "cp", "--quiet", f"{release.name}-prod:/etc/nginx/.", str(folder))
    return folder


def test_gixy(configuration: Path) -> None:
    """Nothing but what was decided on."""
    found = judges.gixy(configuration / "nginx.conf")
    assert [each for each in found if each.partition(":")[0] not in GIXY_ACCEPTED] == []
    assert len(found) == len(GIXY_ACCEPTED)


def test_gixy_finds_a_fault(tmp_path: Path) -> None:
    """A header split by what a visitor sends."""
    text = (
        "events {}\nhttp { server { location ~ /v1/((?<action>[^.]*)\\.json)?$ { add_header X-Action $action; } } }\n"
    )
    (tmp_path / "nginx.conf").write_text(text)
    assert any(found.startswith("http_splitting") for found in judges.gixy(tmp_path / "nginx.conf"))


def test_container_structure(good: Project) -> None:
    """The image that was built."""
    assert judges.structure(good.image) == []


def test_container_structure_finds_a_fault(release: Project) -> None:
    """An image that runs as root."""
    spoiled = f"{release.name}:spoiled"
    release.stage(f"{release.name}:prod", "USER root", tag=spoiled)
    found = judges.structure(spoiled)
    assert any("101:101" in each for each in found)
