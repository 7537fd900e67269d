"""Fixtures of the tests of a fleet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.own_engine import can_start
from tests.support.fleet import FleetUnderTest
from tests.support.project import ProjectUnderTest

PORT = 8080


@pytest.fixture(scope="session")
def fleet(built_project: ProjectUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FleetUnderTest]:
    """A swarm of three engines, whose manager has the app's image."""
    if not can_start():
        pytest.skip("a second engine takes root, dockerd, unshare, nsenter and ip")
    fleet = FleetUnderTest(tmp_path_factory.mktemp("fleet"))
    try:
        fleet.start()
        fleet.load(built_project.image)
        yield fleet
    finally:
        fleet.end()


@pytest.fixture(scope="session")
def fleet_project(fleet: FleetUnderTest, checkout: Path) -> ProjectUnderTest:
    """A project without source, whose tasks deploy to the fleet."""
    return fleet.project(
        checkout, APP_DIR="/nowhere", FLEET_HOST_PORT=str(PORT), FLEET_DELAY="1", PROD_DEPLOY_TIMEOUT="60"
    )
