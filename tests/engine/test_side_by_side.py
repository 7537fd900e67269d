from __future__ import annotations

import pytest

from tests.support.project import RUN_STAGED, ProjectFactory, ProjectUnderTest


@pytest.mark.long  # the housekeeping tests have two projects
def test_two_projects_do_not_disturb_each_other(new_project: ProjectFactory, built_project: ProjectUnderTest) -> None:
    """Two projects have containers and ports of their own. Replacing and removing one does not touch the other."""
    projects = project, other = new_project(), new_project()
    for current in projects:
        current.stage(built_project.image, f"LABEL release={current.name}")
        current.succeeds(*RUN_STAGED)
    before, other_before = project.container(), other.container()
    assert before.url != other_before.url
    project.stage(built_project.image, "LABEL release=next")
    project.succeeds(*RUN_STAGED)
    assert project.container().id != before.id
    project.succeeds("clean")
    assert project.remaining_names() == []
    assert (other.container().id, other.container().started) == (other_before.id, other_before.started)
    assert other.get().status_code == 200
    assert project.name not in other.succeeds("status")
