from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from docktasks.api import Api, Upstream
from docktasks.app import vite_options
from docktasks.containers.app_mount import Checkout
from docktasks.containers.ports import Bind
from docktasks.dev import run_args
from docktasks.dev.run_args import DevRunSpec
from docktasks.settings import Settings

LOGGING = "--log-driver json-file --log-opt max-size=10m --log-opt max-file=3"
HARDENED = f"--cap-drop ALL --security-opt no-new-privileges --ipc none --tmpfs /dev/mqueue:ro,size=4k {LOGGING}"
CHECKOUT = Checkout(Path("/srv/app"))
SPEC = DevRunSpec(CHECKOUT, "hello-dock-modules-1", "1000:1000", "abc")


def test_dev_args_mount_the_source_and_node_modules(settings: Settings) -> None:
    """The whole command: the source is bind-mounted, and the volume for node_modules is mounted over it."""
    assert shlex.join(run_args.dev_args(settings, Bind(3000), SPEC)) == (
        "docker container run --detach --init --name hello-dock-dev"
        " --label hello-dock.project=hello-dock --label hello-dock.role=dev"
        f" --label hello-dock.working-dir={settings.app_dir} --network hello-dock-dev"
        " --publish 127.0.0.1:3000:3000"
        " --env NODE_COMPILE_CACHE=/home/node/app/node_modules/.vite/compiled"
        f" {HARDENED} --user 1000:1000 --env REVISION=abc --env NO_COLOR --env FORCE_COLOR"
        " --mount type=bind,source=/srv/app,target=/home/node/app"
        " --mount type=volume,source=hello-dock-modules-1,target=/home/node/app/node_modules"
        " hello-dock:dev"
    )


def test_dev_server_does_not_see_the_files_of_plug_n_play(settings: Settings, tmp_path: Path) -> None:
    """An installation sees them: Yarn removes them at its end, which it cannot do with a mount."""
    (tmp_path / ".pnp.cjs").touch()
    (tmp_path / ".pnp.loader.mjs").touch()
    spec = replace(SPEC, checkout=Checkout(tmp_path))
    hidden = "type=bind,source=/dev/null,target=/home/node/app/{},readonly"
    args = run_args.dev_args(settings, Bind(3000), spec)
    assert {hidden.format(".pnp.cjs"), hidden.format(".pnp.loader.mjs")} < {*args}
    assert "/dev/null" not in shlex.join(run_args.install_args(settings, "install", spec, ""))


def test_dev_args_end_with_the_command_of_the_run(settings: Settings) -> None:
    """A command after the image's name replaces the image's own."""
    args = run_args.dev_args(settings, Bind(0), SPEC.with_command("npm", "run", "dev"))
    assert args[-4:] == ["hello-dock:dev", "npm", "run", "dev"]


def test_polling_sets_the_variable_that_vite_reads(settings: Settings) -> None:
    """Without polling, Vite waits for file events."""
    polling = DevRunSpec(CHECKOUT, "v", "0:0", polling=True)
    assert "CHOKIDAR_USEPOLLING=true" in run_args.dev_args(settings, Bind(0), polling)
    assert "CHOKIDAR" not in " ".join(run_args.dev_args(settings, Bind(0), SPEC))


def test_tool_args_run_a_container_that_is_removed(settings: Settings) -> None:
    """The whole command of a package manager: it has a new volume, and trusts the local certificate authority."""
    spec = DevRunSpec(CHECKOUT, "", "1000:1000", command=("npm", "install"))
    assert shlex.join(run_args.tool_args(settings, "hello-dock-dev-npm", spec, "/etc/ca.pem", terminal=False)) == (
        "docker container run --rm --init --interactive --name hello-dock-dev-npm"
        " --label hello-dock.project=hello-dock --label hello-dock.role=dev --network hello-dock-dev"
        " --mount type=bind,source=/etc/ca.pem,target=/run/secrets/ca,readonly"
        " --env NODE_EXTRA_CA_CERTS=/run/secrets/ca"
        f" {HARDENED} --user 1000:1000 --env REVISION= --env NO_COLOR --env FORCE_COLOR"
        " --mount type=bind,source=/srv/app,target=/home/node/app"
        " --mount type=volume,target=/home/node/app/node_modules hello-dock:dev npm install"
    )


def test_tool_args_without_a_ca_file_mount_no_certificates(settings: Settings) -> None:
    """Only a package manager needs them; the app's tests do not."""
    args = run_args.tool_args(settings, "hello-dock-dev-npm", SPEC, "", terminal=False)
    assert "NODE_EXTRA_CA_CERTS" not in " ".join(args)


def test_tool_args_at_a_terminal_ask_docker_for_one(settings: Settings) -> None:
    """Without --tty a prompt of the tool would not show."""
    assert "--tty" in run_args.tool_args(settings, "hello-dock-dev-npm", SPEC, "", terminal=True)


def test_install_args_mount_the_source_and_the_downloads(settings: Settings) -> None:
    """The whole command: the package manager runs as the checkout's owner, with the source at hand."""
    spec = SPEC.with_command("sh", "/tools/node/install.sh", "npm", "", "mounted")
    args = run_args.install_args(settings, "hello-dock-dev-install", spec, "")
    assert shlex.join(args) == (
        "docker container run --rm --init --name hello-dock-dev-install"
        " --label hello-dock.project=hello-dock --label hello-dock.role=dev --network hello-dock-dev"
        " --mount type=volume,source=hello-dock-shared-downloads-1000,target=/var/cache/npm"
        ",volume-label=hello-dock.project=_shared,volume-label=hello-dock.role=downloads"
        f" {HARDENED} --user 1000:1000 --env REVISION=abc --env NO_COLOR --env FORCE_COLOR"
        " --mount type=bind,source=/srv/app,target=/home/node/app"
        " --mount type=volume,source=hello-dock-modules-1,target=/home/node/app/node_modules"
        " hello-dock:dev sh /tools/node/install.sh npm '' mounted"
    )


WORKSPACE = Checkout(Path("/srv/shop"), "apps/web", (".", "apps/web", "packages/ui"))
WORKSPACE_VOLUMES = (
    " --mount type=volume,source=v,target=/home/node/app/node_modules"
    " --mount type=volume,source=v-1,target=/home/node/app/apps/web/node_modules"
    " --mount type=volume,source=v-2,target=/home/node/app/packages/ui/node_modules"
)


def test_dev_server_gets_options_of_vite_only_when_a_setting_needs_them(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The options are JSON in a variable, and node loads the file that gives them to Vite's command."""
    before = run_args.dev_args(settings, Bind(0), SPEC)
    monkeypatch.setattr(vite_options, "for_dev", lambda *_: '{"config":{}}')
    args = run_args.dev_args(settings, Bind(0), SPEC)
    assert shlex.join([arg for arg in args if arg not in before]) == (
        f"type=bind,source={settings.root}/docktasks/images/node/vite,target=/usr/local/lib/hello-dock/node/vite,readonly"
        " NODE_OPTIONS=--require=/usr/local/lib/hello-dock/node/vite/preload.cjs 'HELLO_DOCK_VITE={\"config\":{}}'"
    )


def test_vite_tells_pages_the_port_of_their_socket(settings: Settings) -> None:
    """A page of Vite 2 would open it at the port in the container."""
    args = run_args.dev_args(settings, Bind(3007), SPEC, socket_port=3007)
    assert 'HELLO_DOCK_VITE={"config":{"server":{"hmr":{"clientPort":3007}}}}' in args


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


def test_dev_server_gets_the_policy_of_production_on_request(settings: Settings) -> None:
    """The code that computes it for a build is mounted, too."""
    reporting = replace(settings, dev=replace(settings.dev, report_policy="on"))
    assert json.loads(vite_options.for_dev(reporting)) == {
        "config": {},
        "policy": {"profile": "compatible", "sources": ""},
    }
    args = run_args.dev_args(reporting, Bind(0), SPEC)
    source = f"{settings.root}/docktasks/images/nginx"
    assert f"type=bind,source={source},target=/usr/local/lib/hello-dock/nginx,readonly" in args


def test_dev_server_behind_other_scripts_gets_its_address_from_the_preloaded_file(settings: Settings) -> None:
    """Arguments of the first script do not surely reach it."""
    before = run_args.dev_args(settings, Bind(0), SPEC)
    args = run_args.dev_args(settings, Bind(0), replace(SPEC, needs_preload=True))
    assert [arg for arg in args if arg not in before][1:] == [
        "NODE_OPTIONS=--require=/usr/local/lib/hello-dock/node/vite/preload.cjs",
        "HELLO_DOCK_ADDRESS=--host 0.0.0.0 --port 3000 --strictPort",
    ]


def test_dev_args_of_a_workspace_run_in_the_folder_of_the_app(settings: Settings) -> None:
    """The root is mounted, and each package has a volume for its node_modules. The installation runs in the root."""
    spec = DevRunSpec(WORKSPACE, "v", "1000:1000", command=("npm", "run", "dev"))
    line = shlex.join(run_args.dev_args(settings, Bind(0), spec))
    mounts = f" --mount type=bind,source=/srv/shop,target=/home/node/app{WORKSPACE_VOLUMES}"
    assert line.endswith(f"{mounts} --workdir /home/node/app/apps/web hello-dock:dev npm run dev")
    line = shlex.join(run_args.install_args(settings, "i", spec, ""))
    assert line.endswith(f"{mounts} hello-dock:dev npm run dev")


def test_open_args_let_the_owner_write_into_the_volumes_of_packages(settings: Settings) -> None:
    """Docker gives a new volume to root where the image has no folder. Root without a capability changes its mode."""
    line = shlex.join(run_args.open_args(settings, DevRunSpec(WORKSPACE, "v", "1000:1000")))
    targets = "/home/node/app/apps/web/node_modules /home/node/app/packages/ui/node_modules"
    assert line.endswith(f" {HARDENED} --user 0:0{WORKSPACE_VOLUMES} hello-dock:dev chmod 0777 {targets}")


def test_tool_args_of_a_workspace_keep_what_is_installed_into_packages_in_memory(settings: Settings) -> None:
    """Docker would give a new volume without a name to root, because the image has no such folder."""
    spec = DevRunSpec(WORKSPACE, "", "1000:1000", command=("npm", "install"))
    line = shlex.join(run_args.tool_args(settings, "t", spec, "", terminal=False))
    assert line.endswith(
        " --mount type=volume,target=/home/node/app/node_modules"
        " --tmpfs /home/node/app/apps/web/node_modules:exec,uid=1000,gid=1000"
        " --tmpfs /home/node/app/packages/ui/node_modules:exec,uid=1000,gid=1000"
        " --workdir /home/node/app/apps/web hello-dock:dev npm install"
    )


def test_containers_get_what_the_settings_name_of_the_environment(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installation needs the registry's token, and the dev server the variables. Secrets are not in the command."""
    monkeypatch.setenv("NPM_TOKEN", "secret-5f2c")
    build = replace(settings.build, secrets=("NPM_TOKEN",), env=(("HUSKY", "0"),))
    changed = replace(settings, build=build)
    for args in (run_args.dev_args(changed, Bind(0), SPEC), run_args.install_args(changed, "i", SPEC, "")):
        line = shlex.join(args)
        assert "--env HUSKY=0 --env NPM_TOKEN " in line
        assert "secret-5f2c" not in line
