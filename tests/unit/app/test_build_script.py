"""The script that builds the site."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from docktasks.app.build_script import build_command, build_script, notices, require
from docktasks.app.package import App
from docktasks.errors import AppError
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured, make_app

WEB = "vue-tsc -b && vite build -m web"


def app_with(settings: Settings, scripts: object, manager: str = "yarn@4.9.2") -> App:
    """Return an app with these scripts."""
    make_app(settings.root / "shop", scripts=scripts, packageManager=manager)
    return App.load(configured(settings.root, app_dir="shop"))


@pytest.mark.parametrize("scripts", [{}, None, {"serve": "vite", "deploy": "vite build && gh-pages -d dist"}])
def test_missing_script_is_an_error_with_an_example(settings: Settings, scripts: object) -> None:
    """The error has a line to add to package.json. A script that also deploys is not run for it."""
    with pytest.raises(AppError) as caught:
        require(app_with(settings, scripts))
    assert caught.value.what.endswith("package.json has no script build.")
    assert caught.value.how == 'Add it, for example "build": "vite build"'


@pytest.mark.parametrize(
    ("config", "program"),
    [("vite.config.ts", "vite"), ("astro.config.mjs", "astro"), ("react-router.config.ts", "react-router")],
)
def test_app_without_any_script_is_built_by_the_command_of_its_configuration(
    settings: Settings, config: str, program: str
) -> None:
    """Nx infers the scripts of an app from its configuration. The program is that of the workspace, for any manager."""
    make_app(settings.root / "shop", scripts={}, packageManager="yarn@4.9.2", devDependencies={"vite": "8"})
    (settings.root / "shop" / "vite.config.ts").touch()
    (settings.root / "shop" / config).touch()
    app = App.load(configured(settings.root, app_dir="shop"))
    require(app)
    command = ("sh", "-c", f'export npm_package_version=1.2.3 PATH="$PWD/node_modules/.bin:$PATH"; {program} build')
    assert app.run(build_script(app)) == command
    assert notices(app) == [f"The site is built by `{program} build`"]


def test_command_without_a_script_runs_programs_of_the_workspace_and_no_package_manager(tmp_path: Path) -> None:
    """npx refuses an app that names another manager in devEngines, and the programs may be in the root only."""
    root = make_app(tmp_path / "all", workspaces=["apps/*"], devEngines={"packageManager": {"name": "pnpm"}})
    (make_app(root / "apps/web", scripts={}) / "vite.config.ts").touch()
    program = root / "node_modules/.bin/vite"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\necho "$1 $npm_package_version"\n')
    program.chmod(0o755)
    command = build_command(App.load(configured(root, app_dir="apps/web")))
    assert subprocess.check_output(command, cwd=root / "apps/web", text=True) == "build 1.2.3\n"


@pytest.mark.parametrize(
    ("name", "scripts"),
    [
        ("build", {"build": "webpack", "build:web": "vite build"}),
        ("build:ui", {"build:ui": "vite build --config ./ui/vite.config.ts", "build:docker": "docker build ."}),
        ("web:build", {"preview:build": "vite preview", "web:build": WEB, "build:watch": "vite build --watch"}),
        ("build:web", {"build:server": "vite build --ssr a.js", "build:web": WEB, "preview": "vite build"}),
        ("build:pro", {"build:dev": "vite build --mode development", "build:pro": "vue-tsc && vite build --mode pro"}),
        ("build:a", {"build:test": "vite build --mode test", "build:a": "vite build --mode=production"}),
        ("build:only", {"build:test": "vite build --mode test", "build:only": "vite build"}),
        ("web:build", {"build": "cross-env A=1 tauri build", "web:build": "tsc && vite build"}),
        ("build", {"build": "tauri build"}),
        ("build:site", {"build:site": "astro build"}),
        ("build:gen", {"build:gen": "nuxt generate"}),
    ],
)  # fmt: skip
def test_script_of_another_name_builds_the_site(settings: Settings, name: str, scripts: dict[str, str]) -> None:
    """Of several it is the one for production. A script `build` counts unless it only packages what another builds."""
    app = app_with(settings, scripts)
    require(app)
    assert build_script(app) == name
    assert notices(app) == ([] if name == "build" else [f"The site is built by `yarn run {name}`"])


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("tsc && vite build && electron-builder", "tsc && vite build"),
        ("node make.js && vite build --mode pro && npx cap sync", "node make.js && vite build --mode pro"),
        ("npm run web && gh-pages -d dist", "npm run web"),
        ("vite build && npm run out && wrangler deploy", "vite build"),
        ("vite build && node after.js", ""),
        ("electron-builder && vite build", ""),
        ("vite build && cap copy && node sitemap.js", ""),
        ("vite build && cap copy && vite build -c worker.config.ts", ""),
        ("vite build && firebase deploy; cp dist/index.html dist/404.html", ""),
        ("vite build && firebase deploy || node after.js", ""),
        ("vite build && wrangler types", ""),
        ("cd web && (vite build && gh-pages -d dist)", ""),
        ("vite build && cap copy -m 'a && cap sync'", ""),
    ],
)
def test_script_that_then_packages_or_deploys_runs_up_to_there(settings: Settings, text: str, command: str) -> None:
    """An image needs the site only. What prepares the build is run, too, and a notice has the command."""
    own = {"build": text, "web": "vite build", "out": "gh-pages -d dist", "prebuild": "node icons.js"}
    app = app_with(settings, own, "yarn@1.22.22")
    expected = app.shell_command(f"yarn run prebuild && {command}") if command else ("yarn", "run", "build")
    assert build_command(app) == expected
    assert notices(app) == ([f"The site is built by `yarn run prebuild && {command}`"] if command else [])


def test_scripts_before_and_after_another_run_as_the_package_manager_runs_them(settings: Settings) -> None:
    """Yarn 2 and later run none. What comes after the script may write into the site, so that one runs whole."""
    app = app_with(settings, {"build": "vite build && cap sync", "prebuild": "node icons.js"})
    assert build_command(app) == app.shell_command("vite build")
    app.manifest["scripts"]["postbuild"] = "react-snap"
    assert build_command(app) == ("yarn", "run", "build")


def test_several_scripts_that_build_are_named(settings: Settings) -> None:
    """The user chooses."""
    scripts = {"prebuild:a": "vite build", "build:a": "vite build", "build:b": "vite build --base /b/"}
    with pytest.raises(AppError) as caught:
        require(app_with(settings, scripts))
    assert caught.value.why == "The image runs `yarn run build`. These build a site: build:a, build:b."
    assert caught.value.how == 'Add it, for example "build": "yarn run build:a"'
