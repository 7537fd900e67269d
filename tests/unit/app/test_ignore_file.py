from __future__ import annotations

from pathlib import Path

import pytest

from docktasks.app.ignore_file import IgnoreFile
from docktasks.app.package import App
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
    (folder / "public").mkdir()
    for name in ("src/main.js", "tsconfig.json"):
        (folder / name).touch()
    (folder / ".dockerignore").write_text(lines)
    return App(folder, {})


@pytest.mark.parametrize("lines", ["", ".env\nREADME.md\n", "*\n!*.json\n!src/**\n!public\n"])
def test_file_that_lets_in_what_a_build_needs_counts_as_it_is(tmp_path: Path, lines: str) -> None:
    """An exception may name what is in a folder, too."""
    app = app_with(tmp_path / "app", lines)
    assert IgnoreFile.of(app) == IgnoreFile.read(app.root)


@pytest.mark.parametrize(
    ("lines", "without"),
    [
        ("*|!dist|.env", ("*",)),
        (".env|tsconfig.json|/src/", ("tsconfig.json", "/src/")),
        ("**/*|.env*|!dist", ("**/*",)),
        ("pub*|*.log|.env", ("pub*",)),
        (".env|*.json|!package.json", ("*.json",)),
    ],
)
def test_lines_that_keep_out_what_a_build_needs_do_not_count(tmp_path: Path, lines: str, without: tuple[str]) -> None:
    """They are for a Dockerfile that copies what was built on the host. A secret stays out if a line names it."""
    own = IgnoreFile.of(app_with(tmp_path / "app", lines.replace("|", "\n")))
    assert own.without == without
    assert not any(map(own.ignores, ("package.json", "package-lock.json", "src/main.js", "public/x", "tsconfig.json")))
    assert own.ignores(".env") is (".env" in lines)


def test_root_of_a_workspace_reaches_the_build(tmp_path: Path) -> None:
    """A build installs at the root, and builds below."""
    app = app_with(tmp_path / "repo/apps/web", "")
    root = tmp_path / "repo"
    (root / "package.json").write_text('{"workspaces": ["apps/*"]}')
    (root / ".dockerignore").write_text("apps\npackage.json\ndocs\n")
    assert IgnoreFile.of(app).lines == ("docs",)
