from __future__ import annotations

from pathlib import Path

import pytest

from docktasks.app.ignore_file import IgnoreFile, require_needed
from docktasks.app.package import App
from docktasks.errors import AppError
from tests.unit.fakes.apps import make_app


@pytest.mark.parametrize(
    ("lines", "name", "is_ignored"),
    [
        ("**/fixtures", "public/a/fixtures/x.json", True),
        ("**/fixtures", "fixtures", True),
        ("public/fixtures/", "public/fixtures/p/x.json", True),
        ("/public/fixtures", "public/fixtures/x.json", True),
        ("./public/../src", "src/main.js", True),
        ("fixtures", "public/fixtures/x.json", False),
        ("src/**", "src/main.js", True),
        ("src/**/x", "src/x", True),
        ("**/*.test.js", "src/a.test.js", True),
        ("*/temp?", "a/temp1/x", True),
        ("*", "src/main.js", True),
        ("*|!src", "src/main.js", False),
        ("*.md|!README.md", "README.md", False),
        ("!README.md|*.md", "README.md", True),
        ("# .env|| .env ", ".env", True),
        (".env*", ".env.production", True),
        ("[a-c]x", "bx", True),
        ("a.b", "axb", False),
        (r"\*", "src", False),
        (".", "src", False),
        ("Src", "src", False),
    ],
)
def test_pattern_matches_as_docker_has_it(lines: str, name: str, *, is_ignored: bool) -> None:
    """The last line that matches a path, or a folder above it, decides. `|` separates lines."""
    assert IgnoreFile(None, tuple(lines.split("|"))).ignores(name) is is_ignored


def test_file_with_the_name_of_the_dockerfile_comes_first(tmp_path: Path) -> None:
    """A byte order mark is no part of its first line."""
    assert IgnoreFile.read(tmp_path) == IgnoreFile()
    (tmp_path / ".dockerignore").write_text("\ufeff.env\n")
    assert IgnoreFile.read(tmp_path).ignores(".env")
    (tmp_path / "Dockerfile.dockerignore").write_text("src\n")
    assert IgnoreFile.read(tmp_path).lines == ("src",)
    assert IgnoreFile.read(tmp_path, "Dockerfile.dev").lines == (".env",)


def app_with(folder: Path, lines: str) -> App:
    """Return an app with a source, and an ignore file."""
    make_app(folder)
    (folder / "src").mkdir()
    (folder / "src/main.js").touch()
    (folder / ".dockerignore").write_text(lines)
    return App(folder, {})


@pytest.mark.parametrize("lines", ["", ".env\nREADME.md\n", "*\n!package*.json\n!src/**\n"])
def test_file_that_lets_in_what_a_build_needs_is_accepted(tmp_path: Path, lines: str) -> None:
    """An exception may name what is in a folder, too."""
    require_needed(app_with(tmp_path / "app", lines))


def test_list_for_another_dockerfile_is_refused_with_the_missing_lines(tmp_path: Path) -> None:
    """Such a Dockerfile copies only what was built on the host."""
    with pytest.raises(AppError, match=r"\.dockerignore keeps package\.json, src, package-lock\.json out") as caught:
        require_needed(app_with(tmp_path / "app", "*\n!dist\n"))
    assert caught.value.how == "Add at the end of the file, a line each: !package.json !src !package-lock.json"
