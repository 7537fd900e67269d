from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from docktasks.containers import roles
from docktasks.containers.ports import Bind
from docktasks.engine.models import Image
from docktasks.release import run_args
from docktasks.release.run_args import Release
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured

LOGGING = "--log-driver json-file --log-opt max-size=10m --log-opt max-file=3"
HARDENED = f"--cap-drop ALL --security-opt no-new-privileges --ipc none --tmpfs /dev/mqueue:ro,size=4k {LOGGING}"

RELEASE = Release(Image("sha256:" + "7" * 64, labels={"org.opencontainers.image.base.name": "nginx:stable-alpine"}))


def prod(
    settings: Settings, role: str = "prod", release: Release = RELEASE, *, public: bool = False, old: bool = False
) -> list[str]:
    """The command that starts a release behind the published port; `old` is an engine without a start interval."""
    place = run_args.shared_network_args(settings, Bind(8080, public))
    return run_args.prod_args(settings, role, release, place, (1, 43) if old else (1, 44))


def without_fingerprint(args: list[str]) -> str:
    """The joined line; the fingerprint has tests of its own, and what is in HEALTH is nginx/'s business."""
    line = shlex.join(
        arg if not arg.startswith("hello-dock.config-hash=") else "hello-dock.config-hash=…" for arg in args
    )
    return line.replace(shlex.quote(run_args.HEALTH_COMMAND), "…")


def run_of(args: list[str]) -> str:
    """The fingerprint's label."""
    return next(arg for arg in args if arg.startswith("hello-dock.config-hash="))


LABELS = "--label hello-dock.project=hello-dock --label hello-dock.role=prod"
VOLUME = "volume-label=hello-dock.project=hello-dock,volume-label=hello-dock.role=carried"  # as `clean` finds it
CARRIED = f"--mount type=volume,source=hello-dock-carried,target=/srv/carried,readonly,{VOLUME}"
TMPFS = "--read-only --tmpfs /tmp:uid=101,gid=101,mode=0700,size=16m"
LIMITED = f"{TMPFS} {HARDENED} --memory 64m --memory-swap 64m --pids-limit 64"
QUICK = "--health-start-period 10s --health-start-interval 200ms"


@pytest.mark.parametrize("role", ["prod", roles.NEXT])
def test_a_release_behind_the_published_port(settings: Settings, role: str) -> None:
    """The command that starts it, word for word: in the holder's network, read-only, no capability, with limits."""
    assert without_fingerprint(prod(settings, role)) == (
        f"docker container run --detach --name hello-dock-{role} --sig-proxy=false {LABELS}"
        " --label 'hello-dock.config-hash=…'"
        f" --network container:hello-dock-prod-port {CARRIED} --restart unless-stopped"
        f" {LIMITED} --stop-timeout 30 --health-cmd … --health-interval 5s {QUICK} 777777777777"
    )


def test_a_candidate_has_a_port_of_its_own_and_is_not_restarted(settings: Settings) -> None:
    """Nor the files of others, which could hide what it lacks; else it is exactly what would get the traffic."""
    args = run_args.prod_args(settings, roles.CANDIDATE, RELEASE, Bind(0).args(80), (1, 44))
    assert without_fingerprint(args) == (
        without_fingerprint(prod(settings))
        .replace("--name hello-dock-prod ", "--name hello-dock-prod-candidate ")
        .replace(f"--network container:hello-dock-prod-port {CARRIED}", "--publish 127.0.0.1::80")
        .replace("unless-stopped", "no")
    )


def test_what_a_release_is_configured_with_goes_in_one_variable(settings: Settings) -> None:
    """And in no other: an image is the same everywhere."""
    args = prod(settings, release=replace(RELEASE, environment='{"API_URL":"/api"}'))
    assert [args[place + 1] for place, arg in enumerate(args) if arg == "--env"] == [
        'HELLO_DOCK_ENV={"API_URL":"/api"}'
    ]
    assert "--env" not in prod(settings)


@pytest.mark.parametrize(
    ("given", "connect"),
    [
        ('{"API_URL":"/api"}', []),
        ('{"API_URL":"https://api.example/v1"}', ["HELLO_DOCK_CONNECT=https://api.example"]),
        ('{"API_A":"wss://b.example","API_B":"http://a:81"}', ["HELLO_DOCK_CONNECT=http://a:81 wss://b.example"]),
    ],
)
def test_the_origins_that_a_page_may_call_go_with_it(settings: Settings, given: str, connect: list[str]) -> None:
    """Only where there are any; and into the volume, too, for the port holder serves them in a release's place."""
    release = replace(RELEASE, environment=given)
    for args in (prod(settings, release=release), run_args.carry_args(settings, release, "keep", release.id)):
        values = [args[place + 1] for place, arg in enumerate(args) if arg == "--env"]
        assert values == [f"HELLO_DOCK_ENV={given}", *connect]
    assert "--env" not in run_args.carry_args(settings, RELEASE, "keep", RELEASE.id)


def test_an_engine_without_a_start_interval_is_not_asked_for_one(settings: Settings) -> None:
    """Engine 23 and 24 refuse the option; everything else is the same."""
    assert without_fingerprint(prod(settings, old=True)) == without_fingerprint(prod(settings)).replace(f" {QUICK}", "")


def test_the_settings_reach_the_release(settings: Settings) -> None:
    """Name, limits, logs and the time to end come from the settings."""
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


def test_the_port_holder(settings: Settings) -> None:
    """The command that starts it, word for word: it publishes the port, and could serve, with a release's limits."""
    assert shlex.join(run_args.holder_args(settings, Bind(8080), "nginx:stable-alpine", (5, 14))) == (
        f"docker container run --detach --init --name hello-dock-prod-port {LABELS}"
        " --label hello-dock.publish=127.0.0.1:8080 --publish 127.0.0.1:8080:80"
        f" --sysctl net.ipv4.tcp_migrate_req=1 --restart unless-stopped --user 101:101 {LIMITED}"
        f" {CARRIED} --no-healthcheck --entrypoint sh nginx:stable-alpine -c {shlex.quote(run_args.HOLDER_COMMAND)}"
    )


@pytest.mark.parametrize(("kernel", "there"), [((5, 13), False), ((4, 19), False), ((5, 14), True), ((6, 1), True)])
def test_waiting_connections_move_where_the_kernel_can(
    settings: Settings, kernel: tuple[int, ...], *, there: bool
) -> None:
    """An older one does not know the setting, and Docker would refuse to start the holder."""
    args = run_args.holder_args(settings, Bind(8080), "nginx", kernel)
    assert ("net.ipv4.tcp_migrate_req=1" in args) is there


@pytest.mark.parametrize(
    ("bind", "publish"),
    [
        (Bind(8080), "127.0.0.1:8080:80"),
        (Bind(0), "127.0.0.1::80"),
        (Bind(8080, public=True), "0.0.0.0:8080:80"),
        (Bind(0, public=True), "0.0.0.0::80"),
    ],
)
def test_where_it_is_published(settings: Settings, bind: Bind, publish: str) -> None:
    """The loopback unless public is chosen; port 0 leaves the choice to Docker. A choice to be public is labelled."""
    args = run_args.holder_args(settings, bind, "nginx", (6, 1))
    assert args[args.index("--publish") + 1] == publish
    assert ("hello-dock.public=true" in args) is bind.public
    assert ("hello-dock.public=true" in run_args.shared_network_args(settings, bind)) is bind.public


def test_carrying_assets_over(settings: Settings) -> None:
    """The command, word for word: root inside, so that every release reads it, and nothing else: no network."""
    assert shlex.join(run_args.carry_args(settings, RELEASE, "add", RELEASE.id)) == (
        f"docker container run --rm --name hello-dock-prod-carry {LABELS}"
        f" --network none --read-only --user 0:0 {HARDENED}"
        f" --mount type=volume,source=hello-dock-carried,target=/srv/carried,{VOLUME}"
        " 777777777777 carry add 777777777777"
    )


def test_the_same_release_with_the_same_settings_has_the_same_fingerprint(settings: Settings) -> None:
    """Whatever it is called, and wherever it listens: so a second run-prod sees that there is nothing to do."""
    candidate = run_args.prod_args(settings, roles.CANDIDATE, RELEASE, Bind(0).args(80), (1, 44))
    same = [candidate, prod(configured(settings.root)), prod(settings, roles.NEXT), prod(settings, public=True)]
    assert {run_of(args) for args in same} == {run_of(prod(settings))}


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
def test_another_setting_has_another_fingerprint(settings: Settings, other: dict[str, str]) -> None:
    """Each setting of the container counts."""
    assert run_of(prod(settings)) != run_of(prod(configured(settings.root, **other)))


def test_another_image_or_configuration_has_another_fingerprint(settings: Settings) -> None:
    """The image counts by its whole id."""
    runs = {
        run_of(prod(settings)),
        run_of(prod(settings, release=Release(Image("sha256:" + "7" * 63 + "8")))),
        run_of(prod(settings, release=replace(RELEASE, environment="{}"))),
        run_of(prod(settings, release=replace(RELEASE, environment='{"API_URL":"/api"}'))),
    }
    assert len(runs) == 4


@pytest.mark.parametrize("setsid", [True, False])
def test_a_port_changes_hands_in_one_command(settings: Settings, *, setsid: bool) -> None:
    """A shell runs it, in a session of its own where that can be had; a failure has the ones set aside serve again."""
    args = run_args.switch_port_args(settings, ["docker", "run", "a holder"], ["docker", "run", "it's"], setsid=setsid)
    assert args[:-1] == [*(["setsid"] if setsid else []), "sh", "-c"]
    assert args[-1] == (
        "docker container stop -t 1 hello-dock-prod-previous"
        " && docker container stop -t 1 hello-dock-prod-port-previous"
        """ && holder=$(docker run 'a holder') && docker run 'it'"'"'s'"""
        ' || { docker container rm --force "$holder"'
        " ; docker container restart -t 1 hello-dock-prod-port-previous"
        " ; docker container restart -t 1 hello-dock-prod-previous ; exit 1 ; }"
    )
