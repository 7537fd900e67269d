"""The script that builds the site."""

from __future__ import annotations

import pytest

from docktasks.app.build_script import build_script, notices, require
from docktasks.app.package import App
from docktasks.errors import AppError
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured, make_app

WEB = "vue-tsc -b && vite build -m web"


def app_with(settings: Settings, scripts: object) -> App:
    """Return an app with these scripts."""
    make_app(settings.root / "shop", scripts=scripts, packageManager="yarn@4.9.2")
    return App.load(configured(settings.root, app_dir="shop"))


@pytest.mark.parametrize("scripts", [{}, None, {"serve": "vite", "deploy": "vite build && gh-pages -d dist"}])
def test_missing_script_is_an_error_with_an_example(settings: Settings, scripts: object) -> None:
    """The error has a line to add to package.json. A script that also deploys is not run for it."""
    with pytest.raises(AppError) as caught:
        require(app_with(settings, scripts))
    assert caught.value.what.endswith("package.json has no script build.")
    assert caught.value.how == 'Add it, for example "build": "vite build"'


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
        ("build", {"build": "vite build && electron-builder", "build:web": "vite build"}),
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


def test_several_scripts_that_build_are_named(settings: Settings) -> None:
    """The user chooses."""
    scripts = {"prebuild:a": "vite build", "build:a": "vite build", "build:b": "vite build --base /b/"}
    with pytest.raises(AppError) as caught:
        require(app_with(settings, scripts))
    assert caught.value.why == "The image runs `yarn run build`. These build a site: build:a, build:b."
    assert caught.value.how == 'Add it, for example "build": "yarn run build:a"'
