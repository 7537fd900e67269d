from __future__ import annotations

from tests.conftest import NewProject
from tests.engine.support import Project


def test_two_projects_do_not_disturb_each_other(new_project: NewProject, good: Project) -> None:
    """Two names on one machine: each has its container and port, and what happens to one is not seen by the other."""
    one, two = new_project(), new_project()
    for project in (one, two):
        project.stage(good.image, f"LABEL release={project.name}")
        project.does("run-prod", "--no-build")
    first, second = one.container(), two.container()
    assert first.url != second.url
    one.stage(good.image, "LABEL release=next")
    one.does("run-prod", "--no-build")
    assert one.container().id != first.id
    one.does("clean")
    assert one.left() == []
    assert (two.container().id, two.container().started) == (second.id, second.started)
    assert two.page().status_code == 200
    assert one.name not in two.does("status")
