from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from docktasks.app import git as app_git
from docktasks.app.package import App, PackageManager
from docktasks.errors import AppError
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured, make_app


def git(folder: Path, *args: str) -> str:
    """Run git with an author and a date of its own."""
    env = {name: f"unit@example {name}" for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME")}
    env |= dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "unit@example")
    env |= dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "1700000000 +0000")
    command = ["git", "-C", str(folder), *args]
    return subprocess.run(command, env=os.environ | env, capture_output=True, text=True, check=True).stdout.strip()


def committed(folder: Path) -> str:
    """Make a git repository of a folder; the commit."""
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "All")
    return git(folder, "rev-parse", "HEAD")


def source_of(settings: Settings) -> app_git.Source:
    """What git says of the settings' app."""
    return app_git.source(App.load(settings), settings)


def test_package_json_is_read(settings: Settings) -> None:
    """The app's package.json comes back as data."""
    assert App.load(settings).version == "1.2.3"


def test_a_missing_app_folder_is_named(settings: Settings) -> None:
    """The message names the folder and the setting."""
    with pytest.raises(AppError, match="There is no folder /nowhere/at/all") as caught:
        App.load(configured(settings.root, app_dir="/nowhere/at/all"))
    assert "INVOKE_APP_DIR" in caught.value.how


def test_a_folder_without_package_json_is_no_app(settings: Settings) -> None:
    """The message names the folder that npm could not build."""
    with pytest.raises(AppError, match=r"nginx has no package\.json"):
        App.load(configured(settings.root, app_dir="docktasks/images/nginx"))


@pytest.mark.parametrize(
    ("text", "what"), [("{'name': 1}", "is not JSON: Expecting"), ("", "is not JSON"), ("[]", "holds no JSON object")]
)
def test_a_broken_package_json_is_told_with_its_place(settings: Settings, text: str, what: str) -> None:
    """What npm could not read is told before Docker is asked for anything."""
    (settings.app_dir / "package.json").write_text(text)
    with pytest.raises(AppError, match=what) as caught:
        App.load(settings)
    assert str(settings.app_dir / "package.json") in caught.value.what


def test_the_first_script_that_the_app_has_is_taken(settings: Settings) -> None:
    """`serve` is preferred to `dev`, which Vite's own templates have."""
    assert App.load(settings).first_script("serve", "dev") == "serve"
    make_app(settings.root / "shop", scripts={"dev": "vite", "build": "vite build"})
    assert App.load(configured(settings.root, app_dir="shop")).first_script("serve", "dev") == "dev"


@pytest.mark.parametrize("scripts", [{}, None, {"test": "vitest"}])
@pytest.mark.parametrize(
    ("names", "what", "how"),
    [
        (("build",), "has no script build.", '"build": "vite build"'),
        (("serve", "dev"), "has no script serve or dev.", '"serve": "vite"'),
    ],
)
def test_a_missing_script_is_named_with_an_example(
    settings: Settings, scripts: object, names: tuple[str, ...], what: str, how: str
) -> None:
    """The message holds a line to add."""
    make_app(settings.root / "shop", scripts=scripts)
    with pytest.raises(AppError) as caught:
        App.load(configured(settings.root, app_dir="shop")).first_script(*names)
    assert caught.value.what.endswith(what)
    assert how in caught.value.how


def test_source_outside_of_git_is_the_version_alone(settings: Settings) -> None:
    """Without a checkout there is neither a commit nor a time, and no error."""
    assert source_of(settings) == app_git.Source("1.2.3")


@pytest.mark.usefixtures("programs")
def test_source_without_git_is_the_version_alone(settings: Settings) -> None:
    """A machine that has no git builds, too."""
    assert source_of(settings) == app_git.Source("1.2.3")


def test_source_in_a_repository_without_commits_is_the_version_alone(settings: Settings) -> None:
    """`git init` alone gives nothing to name."""
    git(settings.root, "init", "--quiet")
    assert source_of(settings) == app_git.Source("1.2.3")


def test_source_of_an_app_without_a_version(settings: Settings) -> None:
    """Nothing demands a version."""
    (settings.app_dir / "package.json").write_text("{}")
    assert source_of(settings) == app_git.Source("0.0.0")


def test_source_is_the_commit_and_its_time(settings: Settings) -> None:
    """A clean checkout is named by its commit."""
    head = committed(settings.root)
    assert source_of(settings) == app_git.Source("1.2.3", head, "1700000000")


@pytest.mark.parametrize(
    "path",
    ["hello-dock/src/App.vue", "hello-dock/package.json", "docktasks/images/nginx/site.conf", "Dockerfile"],
)
def test_local_changes_of_what_is_built_are_told(settings: Settings, path: str) -> None:
    """A revision that is not what the commit holds ends in -dirty; a new file counts."""
    head = committed(settings.root)
    changed = settings.root / path
    changed.parent.mkdir(exist_ok=True)
    changed.write_text(changed.read_text() + "\n" if changed.exists() else "new")
    assert source_of(settings).revision == f"{head}-dirty"


def test_local_changes_elsewhere_do_not_count(settings: Settings) -> None:
    """What no build reads leaves the image as the commit has it."""
    head = committed(settings.root)
    (settings.root / "README.md").write_text("new")
    assert source_of(settings).revision == head


def test_source_of_a_foreign_app_is_its_own_repository(settings: Settings, tmp_path: Path) -> None:
    """Another app is named by its own commit; the checkout's state does not count."""
    committed(settings.root)
    shop = make_app(tmp_path / "shop", version="9.0.0")
    head = committed(shop)
    (settings.root / "Dockerfile").write_text("changed")
    foreign = configured(settings.root, app_dir=str(shop))
    assert source_of(foreign) == app_git.Source("9.0.0", head, "1700000000")
    (shop / "index.html").write_text("new")
    assert source_of(foreign).revision == f"{head}-dirty"


@pytest.mark.parametrize(
    ("lock", "text", "named", "wanted"),
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
        ("", "", {"packageManager": "yarn@4.5.0"}, PackageManager("yarn", "@yarnpkg/cli-dist@4.5.0", "")),
        ("yarn.lock", "", {"packageManager": "yarn@1.22.22"}, PackageManager("yarn", "yarn@1.22.22", "yarn.lock")),
        ("yarn.lock", "", {"packageManager": "npm@11.0.0"}, PackageManager("npm", "npm@11.0.0", "")),
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
def test_the_package_manager(
    settings: Settings, lock: str, text: str, named: dict[str, object], wanted: PackageManager
) -> None:
    """The one that package.json names, at its version; else the lock file's own, of the major version that wrote it."""
    shop = make_app(settings.root / "shop", **named)
    (shop / "package-lock.json").unlink()
    if lock:
        (shop / lock).write_text(text)
    assert App.load(configured(settings.root, app_dir="shop")).package_manager == wanted


@pytest.mark.parametrize("named", ["bun@1.2.0", "pnpm@1; rm -rf /", "pnpm@--global", "", 7])
def test_a_package_manager_that_cannot_be_used_is_told(settings: Settings, named: object) -> None:
    """What is named goes into a command line: a name of ours, and nothing but a version."""
    shop = make_app(settings.root / "shop", packageManager=named)
    with pytest.raises(AppError, match="names the package manager") as caught:
        _ = App.load(configured(settings.root, app_dir="shop")).package_manager
    assert '"packageManager": "pnpm@' in caught.value.how
    assert shop.is_dir()


def test_a_script_is_run_by_the_apps_own_package_manager() -> None:
    """npm alone wants a dash before what is the script's."""
    assert PackageManager("npm").run("dev", "--port", "1") == ("npm", "run", "dev", "--", "--port", "1")
    assert PackageManager("npm").run("dev") == ("npm", "run", "dev")
    assert PackageManager("pnpm").run("dev", "--port", "1") == ("pnpm", "run", "dev", "--port", "1")


def test_an_app_without_a_lock_file_is_told_of(settings: Settings) -> None:
    """Each time: what a build says of it, nobody sees when the step comes from Docker's cache."""
    assert App.load(settings).lock_notices == []
    (settings.app_dir / "package-lock.json").unlink()
    (notice,) = App.load(settings).lock_notices
    assert notice.startswith("hello-dock has no lock file: `npm install` takes the newest versions")
