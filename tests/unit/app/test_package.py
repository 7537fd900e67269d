from __future__ import annotations

from pathlib import Path

import pytest

from docktasks.app.package import App, PackageManager
from docktasks.errors import AppError
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured, make_app


def test_load_reads_package_json(settings: Settings) -> None:
    """The version is the one in the file."""
    assert App.load(settings).version == "1.2.3"


def test_missing_app_folder_is_an_error(settings: Settings) -> None:
    """The error names the folder and the setting."""
    with pytest.raises(AppError, match="There is no folder /nowhere/at/all") as caught:
        App.load(configured(settings.root, app_dir="/nowhere/at/all"))
    assert "INVOKE_APP_DIR" in caught.value.how


def test_folder_without_package_json_is_an_error(settings: Settings) -> None:
    """The error names the folder."""
    with pytest.raises(AppError, match=r"nginx has no package\.json"):
        App.load(configured(settings.root, app_dir="docktasks/images/nginx"))


def test_app_of_deno_is_an_error_that_says_so(tmp_path: Path) -> None:
    """Its package.json has neither a script nor Vite. With one of them, npm installs and builds it."""
    settings = configured(tmp_path, app_dir=".")
    (tmp_path / "deno.jsonc").write_text("{}")
    (tmp_path / "package.json").write_text('{"dependencies": {"convex": "1"}}')
    with pytest.raises(AppError, match=r"is an app of Deno \(deno\.jsonc\)") as caught:
        App.load(settings)
    assert "package.json" in caught.value.how
    for text in ('{"devDependencies": {"vite": "7"}}', '{"scripts": {"build": "deno run -A npm:vite build"}}'):
        (tmp_path / "package.json").write_text(text)
        assert App.load(settings).folder == tmp_path


@pytest.mark.parametrize(
    ("text", "what"), [("{'name': 1}", "is not JSON: Expecting"), ("", "is not JSON"), ("[]", "holds no JSON object")]
)
def test_broken_package_json_is_an_error(settings: Settings, text: str, what: str) -> None:
    """The error names the file, before Docker is asked anything."""
    (settings.app_dir / "package.json").write_text(text)
    with pytest.raises(AppError, match=what) as caught:
        App.load(settings)
    assert str(settings.app_dir / "package.json") in caught.value.what


@pytest.mark.parametrize(
    ("lock", "text", "manifest", "manager"),
    [
        ("package-lock.json", "{}", {}, PackageManager("npm", "", "package-lock.json")),
        ("", "", {}, PackageManager("npm", "", "")),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'", {}, PackageManager("pnpm", "pnpm@10", "pnpm-lock.yaml")),
        ("pnpm-lock.yaml", "lockfileVersion: '6.0'", {}, PackageManager("pnpm", "pnpm@8", "pnpm-lock.yaml")),
        ("pnpm-lock.yaml", "lockfileVersion: 5.4", {}, PackageManager("pnpm", "pnpm@7", "pnpm-lock.yaml")),
        ("yarn.lock", "# yarn lockfile v1", {}, PackageManager("yarn", "yarn@1", "yarn.lock")),
        ("yarn.lock", "__metadata:\n  version: 8", {}, PackageManager("yarn", "@yarnpkg/cli-dist@4", "yarn.lock")),
        (
            "pnpm-lock.yaml", "lockfileVersion: '9.0'", {"packageManager": "pnpm@10.1.0+sha512.ab"},
            PackageManager("pnpm", "pnpm@10.1.0", "pnpm-lock.yaml"),
        ),
        ("bun.lock", "{", {}, PackageManager("bun", "bun@1", "bun.lock")),
        ("bun.lockb", "\0", {"packageManager": "bun@1.2.0"}, PackageManager("bun", "bun@1.2.0", "bun.lockb")),
        ("", "", {"packageManager": "yarn@4.5.0"}, PackageManager("yarn", "@yarnpkg/cli-dist@4.5.0", "")),
        ("yarn.lock", "", {"packageManager": "yarn@1.22.22"}, PackageManager("yarn", "yarn@1.22.22", "yarn.lock")),
        ("yarn.lock", "", {"packageManager": "npm@11.0.0"}, PackageManager("npm", "npm@11.0.0", "")),
        ("pnpm-lock.yaml", "", {"engines": {"pnpm": "11"}}, PackageManager("pnpm", "pnpm@11", "pnpm-lock.yaml")),
        ("pnpm-lock.yaml", "", {"engines": {"pnpm": ">=9.1"}}, PackageManager("pnpm", "pnpm@10", "pnpm-lock.yaml")),
        ("pnpm-lock.yaml", "", {"engines": {"pnpm": "^9 || 11"}}, PackageManager("pnpm", "pnpm@10", "pnpm-lock.yaml")),
        ("yarn.lock", "", {"engines": {"yarn": ">=1.22 <2"}}, PackageManager("yarn", "yarn@>=1.22 <2", "yarn.lock")),
        (
            "yarn.lock", "__metadata:", {"engines": {"yarn": "^4.0.0"}},
            PackageManager("yarn", "@yarnpkg/cli-dist@^4.0.0", "yarn.lock"),
        ),
        (
            "yarn.lock", "__metadata:", {"engines": {"yarn": ">=4.1 <5"}},
            PackageManager("yarn", "@yarnpkg/cli-dist@>=4.1 <5", "yarn.lock"),
        ),
        ("yarn.lock", "", {"engines": {"yarn": "^1.22.22"}}, PackageManager("yarn", "yarn@^1.22.22", "yarn.lock")),
        ("yarn.lock", "", {"engines": ["node >= 0.8"]}, PackageManager("yarn", "yarn@1", "yarn.lock")),
        ("yarn.lock", "", {"engines": {"yarn": "please-use-npm"}}, PackageManager("yarn", "yarn@1", "yarn.lock")),
        (
            "pnpm-lock.yaml", "", {"devEngines": {"packageManager": {"name": "pnpm", "version": "^9.0.0"}}},
            PackageManager("pnpm", "pnpm@^9.0.0", "pnpm-lock.yaml"),
        ),
        (
            "yarn.lock", "# yarn lockfile v1", {"devEngines": {"packageManager": [{"name": "yarn"}]}},
            PackageManager("yarn", "yarn@1", "yarn.lock"),
        ),
    ],
)  # fmt: skip
def test_package_manager_comes_from_package_json_then_from_the_lock_file(
    settings: Settings, lock: str, text: str, manifest: dict[str, object], manager: PackageManager
) -> None:
    """A lock file tells the major version that wrote it."""
    shop = make_app(settings.root / "shop", **manifest)
    (shop / "package-lock.json").unlink()
    if lock:
        (shop / lock).write_text(text)
    assert App.load(configured(settings.root, app_dir="shop")).package_manager == manager


@pytest.mark.parametrize("name", ["deno@2.0.0", "pnpm@1; rm -rf /", "pnpm@--global", "", 7])
def test_unsupported_package_manager_is_an_error(settings: Settings, name: object) -> None:
    """The name and version go into a command line, so nothing else is accepted."""
    shop = make_app(settings.root / "shop", packageManager=name)
    with pytest.raises(AppError, match="names the package manager") as caught:
        _ = App.load(configured(settings.root, app_dir="shop")).package_manager
    assert '"packageManager": "pnpm@' in caught.value.how
    assert shop.is_dir()


def test_run_adds_a_dash_for_npm() -> None:
    """Only npm needs -- before the arguments of a script."""
    assert PackageManager("npm").run("dev", "--port", "1") == ("npm", "run", "dev", "--", "--port", "1")
    assert PackageManager("npm").run("dev") == ("npm", "run", "dev")
    assert PackageManager("pnpm").run("dev", "--port", "1") == ("pnpm", "run", "dev", "--port", "1")


def test_lock_notices_name_an_app_without_a_lock_file(settings: Settings) -> None:
    """Docker prints nothing when it takes the installation from its cache, so each build has the notice."""
    assert App.load(settings).lock_notices == []
    (settings.app_dir / "package-lock.json").unlink()
    (notice,) = App.load(settings).lock_notices
    assert notice.startswith("hello-dock has no lock file: `npm install` takes the newest versions")
