"""Projects that serve the small apps of these tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from docktasks.engine.client import DockerEngine
from tests.support.checkouts import make_repository, write_app
from tests.support.project import ProjectFactory, ProjectUnderTest


class SiteFactory(ProjectFactory):
    """Makes projects that serve an app."""

    def __init__(self, engine: DockerEngine, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        super().__init__(engine, checkout)
        self._folders = tmp_path_factory

    def serve(self, files: Mapping[str, str], **settings: str) -> ProjectUnderTest:
        """Write an app's files, given as contents by path, and run it in production."""
        return self.serve_folder(make_repository(write_app(self._folders.mktemp("site") / "app", files)), **settings)

    def serve_folder(self, app: Path, **settings: str) -> ProjectUnderTest:
        """Run the app of a folder in production. `build` of the project is the output of that."""
        project = self(None, APP_DIR=str(app), **settings)
        project.build = project.succeeds("run-prod")
        return project


@pytest.fixture(scope="module")
def sites(engine: DockerEngine, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteFactory]:
    """Makes projects for a module, and removes them after it."""
    factory = SiteFactory(engine, checkout, tmp_path_factory)
    yield factory
    for project in reversed(factory.projects):
        project.end()
