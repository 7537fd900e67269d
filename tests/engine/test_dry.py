from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.support import Project

TASKS = [
    ("setup",), ("bases",), ("dev",), ("dev", "--detach"), ("build-prod",), ("run-prod",), ("run-prod", "--public"),
    ("run-prod", "--no-build"), ("verify",), ("status",), ("logs",), ("stop",), ("clean",), ("clean", "--bases"),
]  # fmt: skip


def tree(folder: Path) -> dict[Path, tuple[int, int]]:
    """Size and time of every file of a checkout; Python's own caches do not count."""
    return {
        path: (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in folder.rglob("*")
        if "__pycache__" not in path.parts and ".git" not in path.parts
    }


@pytest.mark.parametrize("task", TASKS, ids=" ".join)
def test_dry_run_touches_nothing(good: Project, task: tuple[str, ...]) -> None:
    """Under --dry a task succeeds where no engine answers, so it asks none; and the checkout stays as it is."""
    before = tree(good.checkout)
    output = good.does("--dry", *task, DOCKER_HOST="unix:///nonexistent")
    assert output.strip()
    assert tree(good.checkout) == before


def test_dry_run_changes_nothing_on_the_engine(serving: Project) -> None:
    """While the app serves, containers, images and volumes are the same before and after a task under --dry."""

    def there() -> object:
        engine, name = serving.engine, serving.name
        images = [(image.id, image.tags) for image in engine.images(name)]
        return engine.containers(name), images, engine.volumes(name), serving.left()

    before = there()
    for task in ("dev", "run-prod", "stop", "clean"):
        serving.does("--dry", task)
    assert there() == before


def test_dry_run_shows_what_would_be_typed(good: Project) -> None:
    """The commands are shown, for whoever wants to learn or to type them."""
    output = good.does("--dry", "run-prod")
    assert f"docker image build --tag {good.image}" in output
    assert f"docker container run --detach --name {good.name}-prod" in output
