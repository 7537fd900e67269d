"""`docker container run` for production: argument lists."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from docktasks.app import runtime_config
from docktasks.commands import flags
from docktasks.containers.networks import join_args, reach
from docktasks.containers.ports import Bind
from docktasks.containers.run_args import NGINX_USER, hardening_args, label_args, limit_args, mount_args
from docktasks.engine.models import START_INTERVAL_API, Image
from docktasks.labels import CONFIG_HASH_LABEL, LABEL, RELEASE_LABEL
from docktasks.roles import CANDIDATE, CARRY, HOLDER, PROD
from docktasks.settings import Settings

PAGE_CONFIG_VARIABLE = "HELLO_DOCK_ENV"
"""The variable with the page's configuration, as JSON. nginx/env.sh writes it to /env.js."""

MIGRATE_KERNEL = (5, 14)
"""First Linux version that moves waiting connections from a closing listener to another one (tcp_migrate_req):
https://docs.kernel.org/networking/ip-sysctl.html."""

MIN_TIMEOUT_NGINX = (1, 27, 4)
"""First nginx version with keepalive_min_timeout: https://nginx.org/en/docs/http/ngx_http_core_module.html."""

DRAIN_MARGIN_S = 2
"""Seconds before the end of the drain at which nginx closes what is still open, such as a WebSocket (nginx/api.sh)."""

REACH_LABEL = f"{LABEL}.reach"
"""The label that has the reach() of a port holder. Without it, it reaches nothing."""

CURRENT = "/srv/carried/current"
"""In a container with the volume: the copy from which the port holder serves (nginx/carry.sh)."""

HOLDER_COMMAND = f"until [ -f {CURRENT}/hold.sh ]; do sleep 1; done; exec sh {CURRENT}/hold.sh"
"""What the port holder runs: hold.sh, as soon as the first release has written it to the volume.

The holder's image is a plain nginx, which has no such script.
"""

HEALTH_COMMAND = (
    "[ -e /sys/class/net/eth0 ] || kill -TERM 1; [ -s /tmp/nginx.pid ] && wget -q -O /dev/null http://127.0.0.1/healthz"
)
"""Health check of a release.

When the port holder restarts it gets a new network namespace, and this container is left in the old one without eth0.
It then exits, and the restart policy joins the new namespace. The pid file is checked as well, because another release
in the same namespace could answer /healthz.
"""


@dataclass(frozen=True)
class Release:
    """A build of the app, and the page's configuration: a JSON object, or an empty text."""

    image: Image
    page_config: str = ""

    @property
    def id(self) -> str:
        """The id, which is the same in every image store."""
        return self.image.release


def prod_args(
    settings: Settings, slot: str, release: Release, network_args: list[str], api: tuple[int, ...]
) -> list[str]:
    """Return the command that starts a release in a slot. The image is named by its id, because tags may move."""
    return [
        "docker", "container", "run", "--detach",
        "--name", settings.container(slot),
        # Without it, a Ctrl-C would also reach nginx, which would then stop at once and drop its open requests.
        "--sig-proxy=false",
        *label_args(settings, "prod"),
        "--label", f"{CONFIG_HASH_LABEL}={config_hash(settings, release, api)}",
        "--label", f"{RELEASE_LABEL}={release.id}",
        *network_args,
        "--restart", "no" if slot == CANDIDATE else "unless-stopped",
        *_config_args(settings, release, api),
        release.image.short_id,
    ]  # fmt: skip


def config_hash(settings: Settings, release: Release, api: tuple[int, ...]) -> str:
    """Return a short hash of a release and its settings. The slot and the address of its container do not count."""
    args = [*_config_args(settings, release, api), release.id]
    return hashlib.sha256("\0".join(args).encode()).hexdigest()[:12]


def _config_args(settings: Settings, release: Release, api: tuple[int, ...]) -> list[str]:
    args = [
        *limit_args(settings),
        "--stop-timeout", str(settings.prod.drain_timeout),
        "--health-cmd", HEALTH_COMMAND,
        "--health-interval", "5s",
    ]  # fmt: skip
    if api >= START_INTERVAL_API:
        # Otherwise Docker runs the first check after a whole interval, so the release is healthy five seconds later.
        args += ["--health-start-period", "10s", "--health-start-interval", "50ms"]
    return args + _environment_args(settings, release)


def environment(settings: Settings, page_config: str) -> dict[str, str]:
    """Return the trusted proxies, where the API is, the page's configuration, and the origins that it may call."""
    drain_s = max(1, settings.prod.drain_timeout - DRAIN_MARGIN_S)
    variables = {
        "HELLO_DOCK_PROXIES": " ".join(settings.prod.trusted_proxies),
        "HELLO_DOCK_API": str(settings.api),
        "HELLO_DOCK_DRAIN": str(drain_s) if settings.api.upstreams else "",
        PAGE_CONFIG_VARIABLE: page_config,
        "HELLO_DOCK_CONNECT": " ".join(runtime_config.origins(page_config)),
    }
    return {name: value for name, value in variables.items() if value}


def _environment_args(settings: Settings, release: Release, **more: str) -> list[str]:
    variables = environment(settings, release.page_config) | more
    return flags("--env", *(f"{name}={value}" for name, value in variables.items()))


def holder_args(settings: Settings, bind: Bind, image: str, kernel: tuple[int, ...]) -> list[str]:
    """Return the command that starts the port holder, which owns the published port and the network namespace.

    It sleeps while a release listens, and serves in place of one that is gone (nginx/hold.sh). `image` is any image
    with a shell and nginx, `kernel` the version of the engine's kernel. The label `hello-dock.publish` has the address
    and `hello-dock.reach` the networks, because others need another port holder.
    """
    migrate = ["--sysctl", "net.ipv4.tcp_migrate_req=1"] if kernel >= MIGRATE_KERNEL else []
    return [
        "docker", "container", "run", "--detach", "--init",
        "--name", settings.container(HOLDER),
        *label_args(settings, "prod"),
        "--label", f"{LABEL}.publish={bind}",
        *(["--label", f"{REACH_LABEL}={reach(settings)}"] if settings.api.upstreams else []),
        *public_args(bind),
        *join_args(settings, PROD),
        *bind.args(PROD.container_port),
        *migrate,
        "--restart", "unless-stopped",
        "--user", f"{NGINX_USER}:{NGINX_USER}",
        *limit_args(settings),
        *carried_args(settings, writable=False),
        "--no-healthcheck",
        "--entrypoint", "sh",
        image, "-c", HOLDER_COMMAND,
    ]  # fmt: skip


def shared_network_args(settings: Settings, bind: Bind) -> list[str]:
    """Return the arguments by which a release joins the port holder's network and reads the bridged assets.

    A candidate gets neither: the files of other releases would hide those that it lacks.
    """
    network = f"container:{settings.container(HOLDER)}"
    return ["--network", network, *public_args(bind), *carried_args(settings, writable=False)]


def public_args(bind: Bind) -> list[str]:
    """Return the label of a container that is published on every address, by the user's choice."""
    return ["--label", f"{LABEL}.public=true"] if bind.public else []


def carried_args(settings: Settings, *, writable: bool) -> list[str]:
    """Return the mount of the volume that has the hashed assets of the last releases."""
    labels = [f"volume-label={name}={value}" for name, value in settings.labels("carried").items()]
    fields = ["type=volume", f"source={settings.container('carried')}", "target=/srv/carried"]
    return mount_args(*fields, *([] if writable else ["readonly"]), *labels)


def carry_args(settings: Settings, release: Release, *words: str, run: str = "") -> list[str]:
    """Return the command that changes the volume, by the script `carry` of the release's image (nginx/carry.sh).

    `words` are `add` and the release's id, or `keep` and the ids of all kept releases. `run` is the config_hash() of
    the current release, which `keep` stores as its last step.
    """
    variables = _environment_args(settings, release, **({"HELLO_DOCK_RUN": run} if run else {}))
    return [*_volume_args(settings, writable=True), *variables, release.image.short_id, "carry", *words]


def read_args(settings: Settings, image: str, path: str) -> list[str]:
    """Return the command that prints a file of the volume. `image` is any one with `cat`."""
    return [*_volume_args(settings, writable=False), "--entrypoint", "cat", image, path]


def delta_args(settings: Settings, node: str) -> list[str]:
    """Return the command that makes the deltas of the current release, in a node image (nginx/deltas.mjs)."""
    return [*_volume_args(settings, writable=True), "--entrypoint", "node", node, f"{CURRENT}/deltas.mjs"]


def _volume_args(settings: Settings, *, writable: bool) -> list[str]:
    return [
        "docker", "container", "run", "--rm",
        "--name", settings.container(CARRY),
        *label_args(settings, "prod"),
        "--network", "none",
        "--read-only",
        "--user", "0:0",
        *hardening_args(settings),
        *carried_args(settings, writable=writable),
    ]  # fmt: skip
