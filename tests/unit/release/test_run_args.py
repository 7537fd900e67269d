"""The commands that start production's containers, word for word."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from docktasks import roles
from docktasks.api import Api, Upstream
from docktasks.containers.ports import Bind
from docktasks.engine.models import Image
from docktasks.release import run_args
from docktasks.release.run_args import Release
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured

LOGGING = "--log-driver json-file --log-opt max-size=10m --log-opt max-file=3"
HARDENED = f"--cap-drop ALL --security-opt no-new-privileges --ipc none --tmpfs /dev/mqueue:ro,size=4k {LOGGING}"

BASE = {"org.opencontainers.image.base.name": "nginx:stable-alpine"}
RELEASE = Release(Image("sha256:" + "7" * 64, labels=BASE, release="1" * 12))


def prod(
    settings: Settings, role: str = "prod", release: Release = RELEASE, *, public: bool = False, old: bool = False
) -> list[str]:
    """Return the command that starts a release behind the published port; `old` engines have no start interval."""
    network_args = run_args.shared_network_args(settings, Bind(8080, public))
    return run_args.prod_args(settings, role, release, network_args, (1, 43) if old else (1, 44))


def line_of(args: list[str]) -> str:
    """Join a command, without the config hash and the health command, which have tests of their own."""
    line = shlex.join(
        arg if not arg.startswith("hello-dock.config-hash=") else "hello-dock.config-hash=…" for arg in args
    )
    return line.replace(shlex.quote(run_args.HEALTH_COMMAND), "…")


def config_hash_of(args: list[str]) -> str:
    """Return the argument that labels a container with its config hash."""
    return next(arg for arg in args if arg.startswith("hello-dock.config-hash="))


LABELS = "--label hello-dock.project=hello-dock --label hello-dock.role=prod"
VOLUME = "volume-label=hello-dock.project=hello-dock,volume-label=hello-dock.role=carried"  # as `clean` finds it
CARRIED = f"--mount type=volume,source=hello-dock-carried,target=/srv/carried,readonly,{VOLUME}"
TMPFS = "--read-only --tmpfs /tmp:uid=101,gid=101,mode=0700,size=16m"
LIMITED = f"{TMPFS} {HARDENED} --memory 64m --memory-swap 64m --pids-limit 64"
QUICK = "--health-start-period 10s --health-start-interval 50ms"


@pytest.mark.parametrize("role", ["prod", roles.NEXT])
def test_release_joins_the_network_of_the_port_holder(settings: Settings, role: str) -> None:
    """A release is read-only, without capabilities and with limits, in the port holder's network."""
    assert line_of(prod(settings, role)) == (
        f"docker container run --detach --name hello-dock-{role} --sig-proxy=false {LABELS}"
        " --label 'hello-dock.config-hash=…' --label hello-dock.release=111111111111"
        f" --network container:hello-dock-prod-port {CARRIED} --restart unless-stopped"
        f" {LIMITED} --stop-timeout 30 --health-cmd … --health-interval 5s {QUICK} 777777777777"
    )


def test_candidate_differs_from_a_release_in_network_assets_and_restart(settings: Settings) -> None:
    """A candidate has a port of its own and cannot read bridged assets, which could hide those that it lacks."""
    args = run_args.prod_args(settings, roles.CANDIDATE, RELEASE, Bind(0).args(80), (1, 44))
    assert line_of(args) == (
        line_of(prod(settings))
        .replace("--name hello-dock-prod ", "--name hello-dock-prod-candidate ")
        .replace(f"--network container:hello-dock-prod-port {CARRIED}", "--publish 127.0.0.1::80")
        .replace("unless-stopped", "no")
    )


def test_configuration_is_one_variable_of_the_container(settings: Settings) -> None:
    """The image has no configuration, so it is the same everywhere."""
    args = prod(settings, release=replace(RELEASE, page_config='{"API_URL":"/api"}'))
    assert [args[index + 1] for index, arg in enumerate(args) if arg == "--env"] == [
        'HELLO_DOCK_ENV={"API_URL":"/api"}'
    ]
    assert "--env" not in prod(settings)


@pytest.mark.parametrize(
    ("environment", "connect"),
    [
        ('{"API_URL":"/api"}', []),
        ('{"API_URL":"https://api.example/v1"}', ["HELLO_DOCK_CONNECT=https://api.example"]),
        ('{"API_A":"wss://b.example","API_B":"http://a:81"}', ["HELLO_DOCK_CONNECT=http://a:81 wss://b.example"]),
    ],
)
def test_origins_in_the_configuration_are_a_variable(settings: Settings, environment: str, connect: list[str]) -> None:
    """The Content-Security-Policy needs them; the volume gets them, too, because the port holder may serve the page."""
    release = replace(RELEASE, page_config=environment)
    for args in (prod(settings, release=release), run_args.carry_args(settings, release, "keep", release.id)):
        values = [args[index + 1] for index, arg in enumerate(args) if arg == "--env"]
        assert values == [f"HELLO_DOCK_ENV={environment}", *connect]
    assert "--env" not in run_args.carry_args(settings, RELEASE, "keep", RELEASE.id)


def test_start_interval_is_left_out_for_old_engines(settings: Settings) -> None:
    """Engines 23 and 24 refuse the flag."""
    assert line_of(prod(settings, old=True)) == line_of(prod(settings)).replace(f" {QUICK}", "")


def test_settings_reach_the_release(settings: Settings) -> None:
    """Name, limits, log size and drain timeout come from the settings."""
    other = configured(
        settings.root,
        app_name="shop",
        prod_memory="1g",
        prod_pids_limit="99",
        prod_log_max_files="7",
        prod_drain_timeout="5",
    )
    line = shlex.join(prod(other))
    for part in (
        "--name shop-prod",
        "hello-dock.project=shop",
        "container:shop-prod-port",
        "source=shop-carried",
        "--memory 1g --memory-swap 1g",
        "--pids-limit 99",
        "--stop-timeout 5",
        "max-file=7",
    ):
        assert part in line


def test_port_holder_publishes_the_port(settings: Settings) -> None:
    """The port holder publishes the port, and has a release's limits, because it may serve."""
    assert shlex.join(run_args.holder_args(settings, Bind(8080), "nginx:stable-alpine", (5, 14))) == (
        f"docker container run --detach --init --name hello-dock-prod-port {LABELS}"
        " --label hello-dock.publish=127.0.0.1:8080 --network hello-dock-prod --dns 0.0.0.0"
        " --publish 127.0.0.1:8080:80"
        f" --sysctl net.ipv4.tcp_migrate_req=1 --restart unless-stopped --user 101:101 {LIMITED}"
        f" {CARRIED} --no-healthcheck --entrypoint sh nginx:stable-alpine -c {shlex.quote(run_args.HOLDER_COMMAND)}"
    )


@pytest.mark.parametrize(
    ("kernel", "has_setting"), [((5, 13), False), ((4, 19), False), ((5, 14), True), ((6, 1), True)]
)
def test_tcp_migrate_req_is_left_out_for_old_kernels(
    settings: Settings, kernel: tuple[int, ...], *, has_setting: bool
) -> None:
    """Before Linux 5.14 the setting does not exist, and Docker would refuse to start the port holder."""
    args = run_args.holder_args(settings, Bind(8080), "nginx", kernel)
    assert ("net.ipv4.tcp_migrate_req=1" in args) is has_setting


@pytest.mark.parametrize(
    ("bind", "publish"),
    [
        (Bind(8080), "127.0.0.1:8080:80"),
        (Bind(0), "127.0.0.1::80"),
        (Bind(8080, public=True), "0.0.0.0:8080:80"),
        (Bind(0, public=True), "0.0.0.0::80"),
    ],
)
def test_port_is_published_on_the_loopback_unless_public(settings: Settings, bind: Bind, publish: str) -> None:
    """Port 0 leaves the choice to Docker. A public address has a label."""
    args = run_args.holder_args(settings, bind, "nginx", (6, 1))
    assert args[args.index("--publish") + 1] == publish
    assert ("hello-dock.public=true" in args) is bind.public
    assert ("hello-dock.public=true" in run_args.shared_network_args(settings, bind)) is bind.public


def test_assets_are_bridged_without_a_network(settings: Settings) -> None:
    """The container runs as root, so that every release can read the files, and has no network."""
    assert shlex.join(run_args.carry_args(settings, RELEASE, "add", RELEASE.id)) == (
        f"docker container run --rm --name hello-dock-prod-carry {LABELS}"
        f" --network none --read-only --user 0:0 {HARDENED}"
        f" --mount type=volume,source=hello-dock-carried,target=/srv/carried,{VOLUME}"
        " 777777777777 carry add 111111111111"
    )


def test_config_hash_ignores_role_and_address(settings: Settings) -> None:
    """A second run-prod with the same release and settings has nothing to do."""
    candidate = run_args.prod_args(settings, roles.CANDIDATE, RELEASE, Bind(0).args(80), (1, 44))
    commands = [candidate, prod(configured(settings.root)), prod(settings, roles.NEXT), prod(settings, public=True)]
    assert {config_hash_of(args) for args in commands} == {config_hash_of(prod(settings))}


@pytest.mark.parametrize(
    "other",
    [
        {"prod_memory": "65m"},
        {"prod_pids_limit": "65"},
        {"prod_log_max_size": "9m"},
        {"prod_log_max_files": "2"},
        {"prod_drain_timeout": "31"},
    ],
)
def test_config_hash_follows_each_setting(settings: Settings, other: dict[str, str]) -> None:
    """Each setting of the container changes the hash."""
    assert config_hash_of(prod(settings)) != config_hash_of(prod(configured(settings.root, **other)))


def test_config_hash_follows_image_and_configuration(settings: Settings) -> None:
    """The image counts by its whole id."""
    hashes = {
        config_hash_of(prod(settings)),
        config_hash_of(prod(settings, release=replace(RELEASE, image=replace(RELEASE.image, release="2" * 12)))),
        config_hash_of(prod(settings, release=replace(RELEASE, page_config="{}"))),
        config_hash_of(prod(settings, release=replace(RELEASE, page_config='{"API_URL":"/api"}'))),
    }
    assert len(hashes) == 4


def test_trusted_proxies_belong_to_the_run(settings: Settings) -> None:
    """Other proxies are another configuration, and the port holder learns them from the volume."""
    other = replace(settings, prod=replace(settings.prod, trusted_proxies=("10.0.0.0/8", "fd00::/8")))
    assert "--env 'HELLO_DOCK_PROXIES=10.0.0.0/8 fd00::/8'" in line_of(prod(other))
    assert "HELLO_DOCK_PROXIES" in line_of(run_args.carry_args(other, RELEASE, "keep", "a"))
    assert "HELLO_DOCK_PROXIES" not in line_of(prod(settings))
    assert len({run_args.config_hash(variant, RELEASE, (1, 45)) for variant in (settings, other)}) == 2


def test_address_of_the_api_belongs_to_the_run(settings: Settings) -> None:
    """Another address is another configuration of the same release. The port holder has the reach as a label."""
    api = Api((Upstream("/api", "http://api:8000"),), "shop")
    other = replace(settings, api=api)
    line = line_of(prod(other))
    assert "--env HELLO_DOCK_API=/api=http://api:8000 --env HELLO_DOCK_DRAIN=28" in line
    hashes = {run_args.config_hash(variant, RELEASE, (1, 45)) for variant in (settings, other)}
    assert len(hashes) == 2
    assert "--env HELLO_DOCK_API=/api=http://api:8000" in line_of(run_args.carry_args(other, RELEASE, "keep", "a"))
    holder = line_of(run_args.holder_args(other, Bind(8080), "nginx", (6, 1)))
    assert "--label 'hello-dock.reach=hello-dock-prod shop'" in holder
