"""The second form: a published port, also with fewer tasks than nodes, and with an object of the swarm."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.commands import docker
from tests.support.fleet import NODES, FleetUnderTest
from tests.support.project import ProjectUnderTest

PORTS = {0: 8090, 2: 8091}
"""The site's port, by the number of replicas. The tasks of the case before may still drain."""
CONFIGURATION = '{"APP_COLOUR": "blue"}'
OBJECTS = {0: "config", 2: "secret"}
"""The kind of object that has the page's configuration, by the number of replicas."""

FleetWithImage = tuple[FleetUnderTest, str]


def page_files(fleet: FleetUnderTest, port: int, path: str) -> list[str]:
    """Return what each node has at a path; nothing from a node that does not serve."""
    urls = (f"http://{fleet.address(number)}:{port}{path}" for number in NODES)
    return [fleet.run(1, "curl", "--silent", "--max-time", "3", url).output for url in urls]


@pytest.fixture
def fleet_with_image(fleet: FleetUnderTest, built_project: ProjectUnderTest) -> FleetWithImage:
    """The fleet, and the app's image, of which its manager makes releases."""
    return fleet, built_project.image


@pytest.mark.long
@pytest.mark.parametrize("replicas", [0, 2])
def test_form_loses_no_request(fleet_with_image: FleetWithImage, checkout: Path, tmp_path: Path, replicas: int) -> None:
    """Visitors come through haproxy, which asks /healthz and nothing else. An object has the page's configuration."""
    (fleet, image_of_app), port = fleet_with_image, PORTS[replicas]
    settings = {"FLEET_NETWORK": "bridge", "FLEET_REPLICAS": str(replicas), "FLEET_HOST_PORT": str(port)}
    project = fleet.project(checkout, APP_DIR="/nowhere", FLEET_DELAY="5", PROD_DEPLOY_TIMEOUT="60", **settings)
    releases = [fleet.release(image_of_app, number) for number in (201, 202, 203)]
    (tmp_path / "env.json").write_text(CONFIGURATION)
    name = f"{project.name}-env"
    kind = OBJECTS[replicas]
    docker(kind, "create", name, str(tmp_path / "env.json"), host=fleet.host())
    try:
        project.succeeds("deploy", f"--image={releases[0]}", f"--env-from={kind}:{name}")
        with fleet.visitors([fleet.start_balancer(port)]) as counts:
            for image in releases[1:]:
                project.succeeds("deploy", f"--image={image}")
        assert counts["loads"] > 0
        assert (counts["lost"], counts["missing"]) == (0, 0), counts
        serving = [text for text in page_files(fleet, port, "/env.js") if text]
        assert len(serving) == (replicas or len(NODES))
        assert all(f"Object.freeze({CONFIGURATION})" in text for text in serving)
        assert {*fleet.titles(port)} == {"release 203"}
        assert f"{kind}:{name}" in project.succeeds("status")
        project.succeeds("deploy", "--rollback")
        assert {*fleet.titles(port)} == {"release 202"}
    finally:
        docker("stack", "rm", project.name, host=fleet.host())
