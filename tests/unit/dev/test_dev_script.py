"""Tests of the choice of the script that starts the dev server, and of the way to its address."""

from __future__ import annotations

from pathlib import Path

import pytest

from docktasks.app.package import App
from docktasks.dev.dev_script import ADDRESS, DevCommand, dev_command
from docktasks.errors import AppError


def command_of(scripts: dict[str, str], **manifest: str) -> DevCommand:
    """Return the command for an app with these scripts."""
    return dev_command(App(Path("/srv/app"), {"scripts": scripts, **manifest}))


def test_script_serve_for_npm_is_the_command_of_the_image() -> None:
    """Dockerfile.dev is the only place where that command stands."""
    assert command_of({"serve": "vite", "dev": "vite --open"}) == DevCommand()


def test_app_without_any_script_is_served_by_vite(tmp_path: Path) -> None:
    """Nx infers the scripts of an app. One that has others lacks a dev server."""
    (tmp_path / "vite.config.ts").touch()
    app = App(tmp_path, {"scripts": {}})
    assert dev_command(app) == DevCommand(app.shell_command(" ".join(["vite", *ADDRESS])))
    with pytest.raises(AppError):
        dev_command(App(tmp_path, {"scripts": {"test": "vitest"}}))


def test_script_serve_is_named_where_the_app_has_its_own_dockerfile(tmp_path: Path) -> None:
    """The command of that image also installs, which the task has done."""
    app = App(tmp_path, {"scripts": {"serve": "vite"}})
    (tmp_path / "Dockerfile.dev").write_text("FROM node\n")
    assert dev_command(app) == DevCommand()
    (tmp_path / ".hello-dock").mkdir()
    (tmp_path / ".hello-dock/files.json").write_text('{"files": {"Dockerfile.dev": "x"}}')
    assert dev_command(app) == DevCommand(("npm", "run", "serve", "--", *ADDRESS))


@pytest.mark.parametrize(
    ("scripts", "name"),
    [
        ({"dev": "vite"}, "dev"),
        ({"start": "vite"}, "start"),
        ({"serve": "vite preview", "dev": "vite"}, "dev"),
        ({"serve": "npx serve -s dist", "dev": "vite dev"}, "dev"),
        ({"serve": "npm run build && npm run preview", "build": "vite build", "preview": "vite preview",
          "dev": "vite serve"}, "dev"),
        ({"serve": "sirv dist", "dev": "vite build --watch", "start": "vite --mode preview"}, "start"),
        ({"serve": "node server.js", "dev": "vite"}, "dev"),
        ({"build": "vite build", "watch": "vite"}, "watch"),
        ({"dev": "cross-env NODE_ENV=development A=1 vite --host"}, "dev"),
        ({"dev": "tsc && pnpm exec vite"}, "dev"),
        ({"dev": "tsc --watch & vite --config build/vite.config.ts"}, "dev"),
        ({"dev": "node --max-old-space-size=4096 node_modules/vite/bin/vite.js"}, "dev"),
        ({"dev": "dotenv -e .env -- vite"}, "dev"),
        ({"serve": "astro preview", "dev": "astro dev"}, "dev"),
        ({"dev": "vite web"}, "dev"),
    ],
)  # fmt: skip
def test_server_that_the_script_itself_starts_gets_arguments(scripts: dict[str, str], name: str) -> None:
    """A reader sees them, and can type the command."""
    assert command_of(scripts) == DevCommand(("npm", "run", name, "--", *ADDRESS))


@pytest.mark.parametrize(
    ("scripts", "name"),
    [
        ({"dev": "npm run dev-server", "dev-server": "vite --open"}, "dev"),
        ({"serve": "vite preview", "dev": "yarn go", "go": "vite"}, "dev"),
        ({"dev": "vite & tsc --watch"}, "dev"),
        ({"dev": "run-p dev:*", "dev:css": "sass -w a b", "dev:vite": "vite"}, "dev"),
        ({"dev": "npm-run-all --parallel css go", "css": "sass a b", "go": "vite"}, "dev"),
        ({"dev": 'concurrently -n a,b "npm:go" "tsc --watch"', "go": "vite"}, "dev"),
        ({"dev": 'concurrently "vite" "tsc --watch"'}, "dev"),
        ({"dev": "node --run go", "go": "vite"}, "dev"),
        ({"dev": "vitepress dev docs --port 3005 --open"}, "dev"),
        ({"serve": "astro dev --host=0.0.0.0"}, "serve"),
        ({"dev": "vinxi dev --port 4000"}, "dev"),
        ({"dev": "turbo run dev"}, "dev"),
        ({"dev": "electron-vite dev"}, "dev"),
        ({"dev": "npm run dev -w web"}, "dev"),
        ({"dev": "pnpm --filter web dev"}, "dev"),
        ({"dev": "sh start.sh"}, "dev"),
        ({"serve": "serve dist", "start": "make server"}, "start"),
        ({"dev": "FOO=1 vite > log 2>&1"}, "dev"),
    ],
)
def test_server_behind_other_programs_gets_its_address_before_it_starts(scripts: dict[str, str], name: str) -> None:
    """npm, turbo and the like keep arguments, or refuse them."""
    assert command_of(scripts) == DevCommand(("npm", "run", name), needs_preload=True)


@pytest.mark.parametrize("script", ["node server.js", "wxt --port 3001", "vp run web#dev"])
def test_server_of_unknown_kind_gets_its_address_in_both_ways(script: str) -> None:
    """It may read arguments, and it may start Vite."""
    assert command_of({"dev": script}) == DevCommand(("npm", "run", "dev", "--", *ADDRESS), needs_preload=True)


def test_slidev_gets_its_address_in_its_own_words() -> None:
    """It refuses options that it does not know."""
    for name in ("dev", "serve"):
        assert command_of({name: "slidev --open"}).args == ("npm", "run", name, "--", "--remote", "--port", "3000")


def test_command_is_that_of_the_apps_package_manager() -> None:
    """pnpm and yarn pass all arguments on."""
    assert command_of({"serve": "vite"}, packageManager="pnpm@10.1.0") == DevCommand(("pnpm", "run", "serve", *ADDRESS))


@pytest.mark.parametrize(
    ("scripts", "reason"),
    [
        ({}, "invoke dev runs the script serve, dev or start."),
        ({"build": "vite build"}, "invoke dev runs the script serve, dev or start."),
        ({"serve": "vite preview"}, "Script serve: `vite preview` serves files as they were built, so an edit would"),
        ({"serve": "npm run build && http-server dist", "build": "vite build"}, "Script serve: `http-server dist`"),
        ({"dev": "tsc && vite build --watch"}, "Script dev: `tsc` starts no server."),
        ({"dev": "npm run gone"}, "Script dev: there is no script gone."),
        ({"dev": "npm run dev"}, "invoke dev runs the script"),
        ({"dev": "echo 'unfinished"}, "Script dev: `echo 'unfinished` starts no server."),
    ],
)
def test_scripts_that_start_no_dev_server_are_an_error(scripts: dict[str, str], reason: str) -> None:
    """The error says what each script does, before anything is built or started."""
    with pytest.raises(AppError, match=r"package\.json has no script that starts a dev server\.") as caught:
        command_of(scripts)
    assert reason in caught.value.why
    assert caught.value.how == 'Add one, for example "dev": "vite"'
