from __future__ import annotations

from pathlib import Path

import pytest

from docktasks.app.ignore_file import IgnoreFile
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
    (folder / "public").mkdir()
    for name in ("src/main.js", "public/x", "tsconfig.json"):
        (folder / name).touch()
    (folder / ".dockerignore").write_text(lines)
    return App(folder, {})


@pytest.mark.parametrize("lines", ["", ".env\nREADME.md\n", "*\n!*.json\n!src/**\n!public\n"])
def test_file_that_lets_in_what_a_build_needs_counts_as_it_is(tmp_path: Path, lines: str) -> None:
    """An exception may name what is in a folder, too."""
    app = app_with(tmp_path / "app", lines)
    assert IgnoreFile.of(app) == IgnoreFile.read(app.root)


@pytest.mark.parametrize(
    ("lines", "dropped"),
    [("*|!dist|.env", ("*",)), ("**/*|.env*|!dist", ("**/*",)), ("*|**|!nginx.conf|.env|src", ("*", "**"))],
)
def test_list_for_another_dockerfile_does_not_count(tmp_path: Path, lines: str, dropped: tuple[str, ...]) -> None:
    """It copies what was built on the host. A secret stays out if a line names it. An empty folder is not needed."""
    app = app_with(tmp_path / "app", lines.replace("|", "\n"))
    (app.folder / "public/x").unlink()
    own = IgnoreFile.of(app)
    assert own.dropped == dropped
    assert not any(map(own.ignores, ("package.json", "package-lock.json", "src/main.js", "public/x", "tsconfig.json")))
    assert own.ignores(".env")


@pytest.mark.parametrize(
    ("lines", "counted", "opened"),
    [
        ("*|!package*.json|!src|!public", "*|!tsconfig.json|!package*.json|!src|!public", "tsconfig.json"),
        ("*.json|!package.json", "*.json|!tsconfig.json|!package-lock.json|!package.json", "package-lock.json"),
        ("tsconfig.json|/src/|.env", "tsconfig.json|!tsconfig.json|/src/|!src|.env", "src"),
        ("src/*|**/*.pem|!public", "src/*|!src|**/*.pem|!public", "src"),
        ("*|!*.json|!public|**/*.pem", "*|!src|!*.json|!public|**/*.pem", "src"),
        ("src/*.js|**/*.js|!public", "src/*.js|**/*.js|!src|!public", "src"),
        ("src/m*|src/[!m]*|src/[^m]*|.env", "src/m*|src/[!m]*|!src|src/[^m]*|.env", "src"),
    ],
)
def test_what_a_build_needs_is_let_in_by_exceptions(tmp_path: Path, lines: str, counted: str, opened: str) -> None:
    """The owner's lines count, so that what else they keep out stays out. The last that matches a path decides."""
    app = app_with(tmp_path / "app", lines.replace("|", "\n"))
    own = IgnoreFile.of(app)
    assert own.lines == tuple(counted.split("|"))
    assert opened in own.opened
    assert not own.dropped
    assert not any(map(own.ignores, ("package.json", "package-lock.json", "src/main.js", "public/x", "tsconfig.json")))
    names = (".env", "dump.sql", "keys/prod.json", "gcp-key.json", *(["src/key.pem"] if "pem" in lines else []))
    assert list(map(own.ignores, names)) == list(map(IgnoreFile.read(app.root).ignores, names))


@pytest.mark.parametrize("lines", ["src/*.js|src/*.css", "*|!*.json|!public|src/*.js|src/*.css"])
def test_folder_of_which_lines_keep_out_each_file_is_let_in(tmp_path: Path, lines: str) -> None:
    """No line alone keeps out all of it, or others do so after it."""
    app = app_with(tmp_path / "app", lines.replace("|", "\n"))
    (app.folder / "src/a.css").touch()
    assert IgnoreFile.of(app).lines == (*lines.split("|"), "!src")


def test_notices_say_what_does_not_count_and_what_is_sent_all_the_same(tmp_path: Path) -> None:
    """They name the file."""
    (first,) = IgnoreFile.of(app_with(tmp_path / "a", "*\n!dist")).notices
    assert first.startswith(".dockerignore: the line * does not count, because it keeps out all")
    (second,) = IgnoreFile.of(app_with(tmp_path / "b", "src/**")).notices
    assert second == "src is sent although .dockerignore keeps it out, because the build needs it."
    assert not IgnoreFile.of(app_with(tmp_path / "c", "docs")).notices


def test_pattern_that_is_none_is_an_error(tmp_path: Path) -> None:
    """Docker's build would fail, too."""
    with pytest.raises(AppError, match=r"\.dockerignore has the pattern \[z-a\]"):
        IgnoreFile.of(app_with(tmp_path / "app", "[z-a]"))


def test_root_of_a_workspace_reaches_the_build(tmp_path: Path) -> None:
    """A build installs at the root, and builds below. A folder's name may have the signs of a pattern."""
    root = tmp_path / "repo"
    app = app_with(root / "apps/[web]", "")
    (root / "package.json").write_text('{"workspaces": ["apps/*"]}')
    (root / ".dockerignore").write_text("apps\npackage.json\ndocs\n")
    own = IgnoreFile.of(app)
    assert (own.lines, own.dropped) == (("package.json", "!package.json", "docs"), ("apps",))
    (root / ".dockerignore").write_text("**/src\n")
    own = IgnoreFile.of(app)
    assert own.opened == ("apps/[web]/src",)
    assert not own.ignores("apps/[web]/src/main.js")
    assert own.ignores("apps/w/src/main.js")
