"""Tests of the shell scripts in docktasks/images/node/ that keep secrets out of layers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

NODE = Path(__file__).parents[3] / "docktasks/images/node"
WORD = "aB3dE6gH9j" * 4


def run_script(name: str, folder: Path, *args: str) -> None:
    """Run a script in a folder."""
    subprocess.run(["sh", NODE / name, *args], cwd=folder, check=True)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (".npmrc", f"//a.example/:_authToken={WORD}"),
        (".npmrc", f"//a.example/:_authToken = {WORD}"),
        (".npmrc", f"_auth={WORD}"),
        (".npmrc", f"//a.example/:username=me\n//a.example/:_password={WORD}"),
        (".npmrc", f'key="-----BEGIN PRIVATE {WORD}"'),
        (".npmrc", f"registry=https://me:{WORD}@a.example/"),
        (".npmrc", f"https-proxy=http://me:{WORD}@proxy:3128"),
        (".npmrc", f"${{PREFIX}}_authToken={WORD}"),
        (".npmrc", f"; old: //a.example/:_authToken={WORD}"),
        (".yarnrc", f'"//a.example/:_authToken" "{WORD}"'),
        (".yarnrc.yml", f"npmAuthToken: {WORD}"),
        (".yarnrc.yml", f'npmRegistries:\n  "//a.example":\n    npmAuthIdent: "me:{WORD}"'),
        (".yarnrc.yml", f"npmScopes: {{ a: {{ npmAuthToken: {WORD} }} }}"),
        (".yarnrc.yml", f"httpsProxy: http://me:{WORD}@proxy:3128"),
    ],
)
def test_a_secret_stays_out_of_the_settings(tmp_path: Path, name: str, line: str) -> None:
    """The other lines stay, because the settings decide what is installed and when it is installed again."""
    (tmp_path / name).write_text(f"one\n{line}\ntwo\n")
    run_script("settings.sh", tmp_path, ".", "settings")
    copied = (tmp_path / "settings" / name).read_text()
    assert WORD not in copied
    assert copied.splitlines()[:: len(copied.splitlines()) - 1] == ["one", "two"]
    assert (tmp_path / f"settings/{name[1:]}.incomplete").exists()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".npmrc", "legacy-peer-deps=true\nregistry=https://a.example/\n"),
        (".npmrc", "save-exact=true"),
        (".npmrc", "//a.example/:_authToken=${NPM_TOKEN}\nauth-type=legacy\n"),
        (".yarnrc.yml", 'nodeLinker: node-modules\nnpmAuthToken: "${NPM_TOKEN}"\n'),
    ],
)
def test_settings_without_a_secret_are_complete(tmp_path: Path, name: str, text: str) -> None:
    """A variable in a setting is no secret: its value comes from the build's environment."""
    (tmp_path / name).write_text(text)
    run_script("settings.sh", tmp_path, ".", "settings")
    assert [path.name for path in (tmp_path / "settings").iterdir()] == [name]
    assert (tmp_path / "settings" / name).read_text().split() == text.split()


@pytest.mark.parametrize("is_linked", [False, True])
def test_source_is_copied_without_files_that_can_hold_a_secret(tmp_path: Path, *, is_linked: bool) -> None:
    """A build with the source mounted reads them by links, which contain nothing. Packages stay where they are."""
    secret = [".env", ".env.production", ".npmrc", ".yarnrc.yml", "packages/one/.env", "certs/dev.pem", ".netrc"]
    public = ["package.json", "src/a b.js", ".gitignore", ".well-known/x", "packages/one/index.js", "environment.ts"]
    for name in [*secret, *public, "node_modules/stale/index.js"]:
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "source" / name).write_text(name)
    app = tmp_path / "app"
    (app / "node_modules/fresh").mkdir(parents=True)
    run_script("copy-source.sh", app, str(tmp_path / "source"), *(["linked"] if is_linked else []))
    files = {str(path.relative_to(app)): path for path in app.rglob("*") if not path.is_dir()}
    assert {name for name, path in files.items() if not path.is_symlink()} == set(public)
    links = {name: path.read_text() for name, path in files.items() if path.is_symlink()}
    assert links == ({name: name for name in secret} if is_linked else {})
    assert [path.name for path in (app / "node_modules").iterdir()] == ["fresh"]
