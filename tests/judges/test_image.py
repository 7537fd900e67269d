"""Other programs judge the image and its sources. A second test of each shows that it finds a fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.checkout import ROOT
from tests.judges import judges
from tests.support.commands import docker
from tests.support.project import ProjectUnderTest

GIXY_ACCEPTED = {
    # Deliberate: nginx has already added the headers when it finds that a range is behind the file's end (site.conf).
    "add_header_redefinition": "site.conf's @unsatisfiable",
    # Deliberate: a release replaces the carried files that have no hash in their names.
    "try_files_is_evil_too": "site.conf's @carried",
}


def test_hadolint_accepts_the_dockerfiles() -> None:
    """hadolint finds nothing in our Dockerfiles, including those of the stand-ins."""
    assert (
        judges.hadolint(*sorted([*ROOT.glob("Dockerfile*"), *ROOT.glob("docktasks/images/bases/*/Dockerfile")])) == []
    )


def test_hadolint_reports_a_base_image_without_a_tag(tmp_path: Path) -> None:
    """hadolint reports a base image without a tag."""
    path = tmp_path / "Dockerfile"
    path.write_text("FROM debian\nRUN cd /tmp\n")
    assert any("DL3006" in fault for fault in judges.hadolint(path))


@pytest.fixture(scope="module")
def configuration(shared_running_project: ProjectUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the nginx configuration that the release runs with."""
    folder = tmp_path_factory.mktemp("nginx")
    docker("container", "cp", "--quiet", f"{shared_running_project.name}-prod:/etc/nginx/.", str(folder))
    return folder


def test_gixy_accepts_the_nginx_configuration(configuration: Path) -> None:
    """gixy-ng finds only what GIXY_ACCEPTED lists."""
    faults = judges.gixy(configuration / "nginx.conf")
    assert [fault for fault in faults if fault.partition(":")[0] not in GIXY_ACCEPTED] == []
    assert len(faults) == len(GIXY_ACCEPTED)


def test_gixy_reports_a_header_that_a_visitor_can_split(tmp_path: Path) -> None:
    """gixy-ng reports a header with a part of the address that can contain a line end."""
    text = (
        "events {}\nhttp { server { location ~ /v1/((?<action>[^.]*)\\.json)?$ { add_header X-Action $action; } } }\n"
    )
    (tmp_path / "nginx.conf").write_text(text)
    assert any(fault.startswith("http_splitting") for fault in judges.gixy(tmp_path / "nginx.conf"))


def test_container_structure_test_accepts_the_image(built_project: ProjectUnderTest) -> None:
    """container-structure-test finds what image.yaml expects in the built image."""
    assert judges.structure(built_project.image) == []


def test_container_structure_test_reports_an_image_of_root(shared_running_project: ProjectUnderTest) -> None:
    """container-structure-test reports an image that runs as root."""
    spoiled = f"{shared_running_project.name}:spoiled"
    shared_running_project.stage(f"{shared_running_project.name}:prod", "USER root", tag=spoiled)
    faults = judges.structure(spoiled)
    assert any("101:101" in fault for fault in faults)
