"""`docker container run` of production: argument lists."""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass

from docktasks.app import runtime_config
from docktasks.containers.ports import Bind
from docktasks.containers.roles import (
    CANDIDATE,
    CARRY,
    CONFIG_HASH_LABEL,
    CONTAINER_PORT,
    HOLDER,
    HOLDER_PREVIOUS,
    PREVIOUS,
)
from docktasks.containers.run_args import NGINX_USER, csv_line, hardening_args, label_args, limit_args
from docktasks.engine.models import START_INTERVAL_API, Image
from docktasks.settings import LABEL, Settings

ENVIRONMENT_VARIABLE = "HELLO_DOCK_ENV"
"""The variable that a release's configuration stands in (nginx/env.sh makes /env.js of it)."""

MIGRATE_KERNEL = (5, 14)
"""Linux version from which connections that wait in a closing listener's queue move to the next one:
https://docs.kernel.org/networking/ip-sysctl.html (tcp_migrate_req)."""

MIN_TIMEOUT_NGINX = (1, 27, 4)
"""nginx version with keepalive_min_timeout: https://nginx.org/en/docs/http/ngx_http_core_module.html."""

HOLDER_COMMAND = "until [ -f /srv/carried/current/hold.sh ]; do sleep 1; done; exec sh /srv/carried/current/hold.sh"
"""What the port holder does, whose image is a bare nginx: until a first release has served, there is nothing to do."""

HEALTH_COMMAND = (
    "[ -e /sys/class/net/eth0 ] || kill -TERM 1; [ -s /tmp/nginx.pid ] && wget -q -O /dev/null http://127.0.0.1/healthz"
)
"""Is it well? Docker starts a port holder that died anew, in a new network namespace; the release stays in the old one,
which has lost its interface. Then it ends itself, and its restart policy has it join the new one. Its pid file, since
in a shared namespace another release would answer in its place."""


@dataclass(frozen=True)
class Release:
    """One build of the app as it runs: its image, and what it is configured with, a JSON object or nothing."""

    image: Image
    environment: str = ""

    @property
    def id(self) -> str:
        """What names it: the first 12 digits of its image's id, as `docker image ls` shows them."""
        return self.image.short_id


def prod_args(settings: Settings, role: str, release: Release, place: list[str], api: tuple[int, ...]) -> list[str]:
    """The command that starts a release; `place` says where it listens: beside_args(), or a Bind's arguments.

    The image is named by its id: a tag may have moved on since the release was judged.
    """
    return [
        "docker", "container", "run", "--detach",
        "--name", settings.container(role),
        # Else a Ctrl-C reaches nginx, too, which ends at once and drops the requests that it was given by then.
        "--sig-proxy=false",
        *label_args(settings, "prod"),
        "--label", f"{CONFIG_HASH_LABEL}={config_hash(settings, release, api)}",
        *place,
        "--restart", "no" if role == CANDIDATE else "unless-stopped",
        *_config_args(settings, release, api),
        release.id,
    ]  # fmt: skip


def config_hash(settings: Settings, release: Release, api: tuple[int, ...]) -> str:
    """The same for the same release with the same settings, whatever its container is called."""
    return fingerprint([*_config_args(settings, release, api), release.image.id])


def _config_args(settings: Settings, release: Release, api: tuple[int, ...]) -> list[str]:
    what = [
        *limit_args(settings),
        "--stop-timeout", str(settings.prod.drain_timeout),
        "--health-cmd", HEALTH_COMMAND,
        "--health-interval", "5s",
    ]  # fmt: skip
    if api >= START_INTERVAL_API:
        # Else Docker first asks after a whole interval, and "healthy" is that much later.
        what += ["--health-start-period", "10s", "--health-start-interval", "200ms"]
    return what + environment_args(release)


def environment_args(release: Release) -> list[str]:
    """What the page is configured with, and the origins in it, which its Content-Security-Policy then lets it call."""
    if not release.environment:
        return []
    called = runtime_config.origins(release.environment)
    connect = ["--env", f"HELLO_DOCK_CONNECT={' '.join(called)}"] if called else []
    return ["--env", f"{ENVIRONMENT_VARIABLE}={release.environment}", *connect]


def holder_args(settings: Settings, bind: Bind, image: str, kernel: tuple[int, ...]) -> list[str]:
    """The command that starts the port holder: it owns the published port and the network namespace, and sleeps.

    Where no release listens, it serves in its place (nginx/hold.sh, which is in the volume as soon as there is one).

    Whatever is in the label `hello-dock.publish` cannot be changed without a gap; nothing else of it matters to anyone.
    """
    migrate = ["--sysctl", "net.ipv4.tcp_migrate_req=1"] if kernel >= MIGRATE_KERNEL else []
    return [
        "docker", "container", "run", "--detach", "--init",
        "--name", settings.container(HOLDER),
        *label_args(settings, "prod"),
        "--label", f"{LABEL}.publish={bind}",
        *public_args(bind),
        *bind.args(CONTAINER_PORT["prod"]),
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
    """The arguments by which a release listens behind the published port, and reads what others have carried over.

    A candidate gets neither: what a release lacks shall not be made up for by another's files.
    """
    network = ["--network", f"container:{settings.container(HOLDER)}", *public_args(bind)]
    return [*network, *carried_args(settings, writable=False)]


def public_args(bind: Bind) -> list[str]:
    """The label that tells that everyone was meant to reach it."""
    return ["--label", f"{LABEL}.public=true"] if bind.public else []


def carried_args(settings: Settings, *, writable: bool) -> list[str]:
    """The volume with the hashed assets of the last releases, which every release can read."""
    labels = [f"volume-label={name}={value}" for name, value in settings.labels("carried").items()]
    fields = ["type=volume", f"source={settings.container('carried')}", "target=/srv/carried"]
    return ["--mount", csv_line(*fields, *([] if writable else ["readonly"]), *labels)]


def carry_args(settings: Settings, release: Release, *words: str, run: str = "") -> list[str]:
    """The command that changes that volume, with a program which every image of ours has (nginx/carry.sh).

    `run` is the run_id() of what serves now, which `carry keep` notes when all else is done.
    """
    return [
        "docker", "container", "run", "--rm",
        "--name", settings.container(CARRY),
        *label_args(settings, "prod"),
        "--network", "none",
        "--read-only",
        "--user", "0:0",
        *hardening_args(settings),
        *carried_args(settings, writable=True),
        *environment_args(release),
        *(["--env", f"HELLO_DOCK_RUN={run}"] if run else []),
        release.id, "carry", *words,
    ]  # fmt: skip


def switch_port_args(settings: Settings, holder: list[str], release: list[str], *, setsid: bool) -> list[str]:
    """The one command that gives up the port and takes it again, by these two `docker container run` commands.

    With `setsid` it has a session of its own, so it goes on when the task is killed that began it: nobody is served
    until it is done. Where it fails, what was set aside serves again.
    """
    aside = [settings.container(role) for role in (PREVIOUS, HOLDER_PREVIOUS)]
    # One second, not prod.drain_timeout: see above.
    does = [f"docker container stop -t 1 {name}" for name in aside]
    does += [f"holder=$({shlex.join(holder)})", shlex.join(release)]
    # By its id: should another task have settled things by now, a holder of that name may be the one that serves.
    undoes = [
        'docker container rm --force "$holder"',
        *(f"docker container restart -t 1 {name}" for name in aside[::-1]),
    ]
    script = f"{' && '.join(does)} || {{ {' ; '.join(undoes)} ; exit 1 ; }}"
    return [*(["setsid"] if setsid else []), "sh", "-c", script]


def fingerprint(args: list[str]) -> str:
    """A short name for a command: the same image with the same settings has the same one."""
    return hashlib.sha256("\0".join(args).encode()).hexdigest()[:12]
