from __future__ import annotations

from pathlib import Path

import pytest

from docktasks.app import env_files
from docktasks.app.package import App
from docktasks.errors import AppError
from tests.unit.fakes.apps import make_app


def app_in(folder: Path, **files: str) -> App:
    """Return an app with these files."""
    make_app(folder)
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return App(folder, {})


@pytest.mark.parametrize(
    ("files", "mode"),
    [
        ({}, ""),
        ({}, "production"),
        ({}, "development"),
        ({".env.staging": ""}, "staging"),
        ({"vite.config.ts": "export default { envDir: './env' }", "env/.env.staging": ""}, "staging"),
        ({"vite.config.ts": "export default { envDir: resolve('env') }"}, "staging"),
    ],
)
def test_mode_with_its_file_is_accepted(tmp_path: Path, files: dict[str, str], mode: str) -> None:
    """Vite has two modes of its own. Where the configuration computes the folder, nobody can look."""
    env_files.require_mode(app_in(tmp_path / "app", **files), mode)


def test_mode_without_its_file_is_refused_with_those_that_have_one(tmp_path: Path) -> None:
    """A template and a file of this machine are no mode's."""
    files = {".env.qa": "", ".env.example": "", ".env.local": "", ".env.qa.local": ""}
    with pytest.raises(AppError, match=r"'staging', but the build has no file \S+/app/\.env\.staging") as caught:
        env_files.require_mode(app_in(tmp_path / "app", **files), "staging")
    assert caught.value.how == "Add the file (it may be empty), or choose a mode that has one: qa"


def test_mode_whose_file_is_of_this_machine_is_refused(tmp_path: Path) -> None:
    """No build gets .env.staging.local."""
    with pytest.raises(AppError) as caught:
        env_files.require_mode(app_in(tmp_path / "app", **{".env.staging.local": ""}), "staging")
    assert ".env.staging.local is of this machine" in caught.value.why


def test_env_dir_without_the_file_is_named(tmp_path: Path) -> None:
    """Vite does not look into the app's folder then."""
    files = {"vite.config.js": "export default { envDir: 'env' }", ".env.staging": ""}
    with pytest.raises(AppError, match=r"no file \S+/app/env/\.env\.staging"):
        env_files.require_mode(app_in(tmp_path / "app", **files), "staging")
