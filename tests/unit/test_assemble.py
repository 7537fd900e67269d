"""nginx/assemble.mjs: which files of a build are known to have a hash in their name. Needs node, as the app does."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def hashed(folder: Path, built: list[str], public: tuple[str, ...] = ()) -> set[str]:
    """The files that a build of these, and of these from public/, has put with the hashed ones."""
    for name in ("index.html", *built, *public):
        write(folder / "dist" / name)
    for name in public:
        write(folder / "public" / name)
    (folder / "version").write_text("nginx version: nginx/1.30.6")
    subprocess.run(
        ["node", ROOT / "nginx/assemble.mjs", "dist", ROOT / "nginx", "version", "out"], cwd=folder, check=True
    )
    trees = {name: folder / "out/srv" / name for name in ("hashed/site", "site")}
    found = {
        name: {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
        for name, tree in trees.items()
    }
    assert found["hashed/site"] | found["site"] == {"index.html", *built, *public}
    return found["hashed/site"]


def write(path: Path) -> None:
    """A file too small for a compressed twin."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")


@pytest.mark.parametrize(
    "name",
    ["app-Abcdef12.js", "app-abcdef_1.css", "app--bcdef1H.css", "app-12345678-Abcdef12.js", "-Abcdef12.js",
     "app-Abcdef12.chunk.js", "deep/er/logo-Abcdef12.svg"],
)  # fmt: skip
def test_a_hash_is_known(tmp_path: Path, name: str) -> None:
    """Vite's default, a dash and eight characters, among names of any kind."""
    assert hashed(tmp_path, [f"assets/{name}", "assets/app.js"]) == {f"assets/{name}"}


@pytest.mark.parametrize(
    "name",
    ["app.js", "user-settings.js", "report-20261101.pdf", "app-Abcdef1.js", "app-Abcdef123.js", "app-Abcde+12.js",
     "app-Abcdef12", "app-Abcdef12.", "Abcdef12.js", "app-Abcdef12/app.js", "page-Abcdef12.html"],
)  # fmt: skip
def test_another_name_is_not(tmp_path: Path, name: str) -> None:
    """It may stay the same while the file changes, so nobody is told to keep it, nor is it carried over."""
    assert hashed(tmp_path, [f"assets/{name}", "assets/own.js"]) == set()


def test_a_hash_of_small_letters_is_known_among_its_like(tmp_path: Path) -> None:
    """About one hash in a thousand looks like a word. Where all that was built there has a hash, so has this one."""
    built = ["assets/index-Abcdef12.js", "assets/ServingView-xaurrsun.js", "assets/style-20261101.css"]
    assert hashed(tmp_path, [*built, "robots.txt"], ("assets/logo.svg",)) == set(built)


def test_a_file_of_public_is_not(tmp_path: Path) -> None:
    """Its name is its own, however it ends."""
    public = ("assets/cover-portrait.jpg", "assets/scan-IMG_2024.jpg", "photo-Abcdef12.jpg")
    assert hashed(tmp_path, ["assets/index-Abcdef12.js"], public) == {"assets/index-Abcdef12.js"}
