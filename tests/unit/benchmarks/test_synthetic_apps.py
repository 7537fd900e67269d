from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import synthetic_apps
from benchmarks.synthetic_apps import EditableApp


def test_app_has_the_number_of_modules_and_files_that_was_asked_for(tmp_path: Path) -> None:
    """Every module is imported, and every file is in public/."""
    synthetic_apps.write_modules(tmp_path / "app", 12, 3)
    assert len(list((tmp_path / "app/src").glob("part*.js"))) == 12
    assert (tmp_path / "app/src/main.js").read_text().count("import ") == 12
    assert len(list((tmp_path / "app/public").iterdir())) == 3


@pytest.mark.parametrize(
    "app",
    [synthetic_apps.HELLO_DOCK, synthetic_apps.of_components(3), synthetic_apps.of_modules(3, 0)],
    ids=["hello-dock", "components", "modules"],
)
def test_edit_changes_only_the_text_of_a_file_that_the_app_imports(tmp_path: Path, app: EditableApp) -> None:
    """An edit that the app does not import, or that changes more, would measure something else."""
    folder = tmp_path / "app"
    app.make(folder)
    app.edit(folder, "start")
    name = Path(app.edited).name
    assert any(f"'./{name}'" in path.read_text() for path in (folder / "src").glob("*.*") if path.name != name)
    before = (folder / app.edited).read_text()
    app.edit(folder, "another")
    assert (folder / app.edited).read_text() == before.replace("start", "another") != before
