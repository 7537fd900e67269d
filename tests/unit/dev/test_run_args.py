from __future__ import annotations

import json
import shlex
from dataclasses import replace

import pytest

from docktasks.api import Api, Upstream
from docktasks.app import vite_options
from docktasks.app.package import App
from docktasks.containers.ports import Bind
from docktasks.dev import run_args
from docktasks.dev.run_args import DevRunSpec
from docktasks.errors import AppError
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured, make_app

LOGGING = "--log-driver json-file --log-opt max-size=10m --log-opt max-file=3"
HARDENED = f"--cap-drop ALL --security-opt no-new-privileges --ipc none --tmpfs /dev/mqueue:ro,size=4k {LOGGING}"
SPEC = DevRunSpec("hello-dock-modules-1", "1000:1000", "abc")


def test_dev_args_mount_the_source_and_node_modules(settings: Settings) -> None:
    """The whole command: the source is bind-mounted, and the volume for node_modules is mounted over it."""
    app = settings.app_dir
    assert shlex.join(run_args.dev_args(settings, Bind(3000), SPEC)) == (
        "docker container run --detach --init --name hello-dock-dev"
        " --label hello-dock.project=hello-dock --label hello-dock.role=dev"
        f" --label hello-dock.working-dir={app} --network hello-dock-dev"
        " --publish 127.0.0.1:3000:3000"
        " --env NODE_COMPILE_CACHE=/home/node/app/node_modules/.vite/compiled"
        f" {HARDENED} --user 1000:1000 --env REVISION=abc --env NO_COLOR --env FORCE_COLOR"
        f" --mount type=bind,source={app},target=/home/node/app"
        " --mount type=volume,source=hello-dock-modules-1,target=/home/node/app/node_modules"
        " hello-dock:dev"
    )


def test_dev_args_end_with_the_command_of_the_run(settings: Settings) -> None:
    """A command after the image's name replaces the image's own."""
    args = run_args.dev_args(settings, Bind(0), SPEC.with_command("npm", "run", "dev"))
    assert args[-4:] == ["hello-dock:dev", "npm", "run", "dev"]


def test_polling_sets_the_variable_that_vite_reads(settings: Settings) -> None:
    """Without polling, Vite waits for file events."""
    polling = DevRunSpec("v", "0:0", polling=True)
    assert "CHOKIDAR_USEPOLLING=true" in run_args.dev_args(settings, Bind(0), polling)
    assert "CHOKIDAR" not in " ".join(run_args.dev_args(settings, Bind(0), SPEC))


def test_tool_args_run_a_container_that_is_removed(settings: Settings) -> None:
    """The whole command of a package manager: it has a new volume, and trusts the local certificate authority."""
    spec = DevRunSpec("", "1000:1000", command=("npm", "install"))
    assert shlex.join(run_args.tool_args(settings, "hello-dock-dev-npm", spec, "/etc/ca.pem", terminal=False)) == (
        "docker container run --rm --init --interactive --name hello-dock-dev-npm"
        " --label hello-dock.project=hello-dock --label hello-dock.role=dev --network hello-dock-dev"
        " --mount type=bind,source=/etc/ca.pem,target=/run/secrets/ca,readonly"
        " --env NODE_EXTRA_CA_CERTS=/run/secrets/ca"
        f" {HARDENED} --user 1000:1000 --env REVISION= --env NO_COLOR --env FORCE_COLOR"
        f" --mount type=bind,source={settings.app_dir},target=/home/node/app"
        " --mount type=volume,target=/home/node/app/node_modules hello-dock:dev npm install"
    )


def test_tool_args_without_a_ca_file_mount_no_certificates(settings: Settings) -> None:
    """Only a package manager needs them; the app's tests do not."""
    args = run_args.tool_args(settings, "hello-dock-dev-npm", SPEC, "", terminal=False)
    assert "NODE_EXTRA_CA_CERTS" not in " ".join(args)


def test_tool_args_at_a_terminal_ask_docker_for_one(settings: Settings) -> None:
    """Without --tty a prompt of the tool would not show."""
    assert "--tty" in run_args.tool_args(settings, "hello-dock-dev-npm", SPEC, "", terminal=True)


def test_fill_args_run_nothing_with_the_volume(settings: Settings) -> None:
    """Docker fills the volume when it creates the container, so the command is `true`."""
    args = run_args.fill_args(settings, SPEC.with_command("npm", "test"))
    assert "type=volume,source=hello-dock-modules-1,target=/home/node/app/node_modules" in args
    assert args[-2:] == ["hello-dock:dev", "true"]


def test_serve_command_is_the_images_own_for_npm_and_serve(settings: Settings) -> None:
    """Dockerfile.dev is the only place where that command stands."""
    assert run_args.serve_command(App.load(settings)) == ()


@pytest.mark.parametrize(
    ("changes", "command"),
    [
        ({"scripts": {"dev": "vite"}}, ("npm", "run", "dev", "--")),
        ({"scripts": {"serve": "vite"}, "packageManager": "pnpm@10.1.0"}, ("pnpm", "run", "serve")),
    ],
)
def test_serve_command_gives_vite_the_published_port(
    settings: Settings, changes: dict[str, object], command: tuple[str, ...]
) -> None:
    """An app with another script or package manager gets the address that Dockerfile.dev would give it."""
    make_app(settings.root / "shop", **changes)
    app = App.load(configured(settings.root, app_dir="shop"))
    address = ("--host", "0.0.0.0", "--port", "3000", "--strictPort")  # noqa: S104 - in the container
    assert run_args.serve_command(app) == (*command, *address)


def test_serve_command_needs_a_script(settings: Settings) -> None:
    """The error names both scripts, because either of them is enough."""
    make_app(settings.root / "shop", scripts={"start": "vite"})
    with pytest.raises(AppError, match="has no script serve or dev"):
        run_args.serve_command(App.load(configured(settings.root, app_dir="shop")))


def test_dev_server_gets_options_of_vite_only_when_a_setting_needs_them(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The options are JSON in a variable, and node loads the file that gives them to Vite's command."""
    before = run_args.dev_args(settings, Bind(0), SPEC)
    monkeypatch.setattr(vite_options, "for_dev", lambda _settings: '{"config":{}}')
    args = run_args.dev_args(settings, Bind(0), SPEC)
    assert shlex.join([arg for arg in args if arg not in before]) == (
        f"type=bind,source={settings.root}/docktasks/images/node/vite,target=/usr/local/lib/hello-dock,readonly"
        " NODE_OPTIONS=--require=/usr/local/lib/hello-dock/preload.cjs 'HELLO_DOCK_VITE={\"config\":{}}'"
    )


def test_dev_server_passes_the_prefixes_of_the_api_on(settings: Settings) -> None:
    """/apiary is the app's own. An API on https gets its own name as Host."""
    api = Api((Upstream("/api.v1", "http://api:8000"), Upstream("/x", "https://x.example")), "shop")
    line = vite_options.for_dev(replace(settings, api=api))
    assert json.loads(line) == {
        "config": {
            "server": {
                "proxy": {
                    r"^/api\.v1(?:[/?]|$)": {"target": "http://api:8000", "changeOrigin": False, "ws": True},
                    r"^/x(?:[/?]|$)": {"target": "https://x.example", "changeOrigin": True, "ws": True},
                }
            }
        }
    }
    assert vite_options.for_dev(settings) == ""
