"""Sabotage of how a container is run."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from docktasks.containers.networks import BRIDGE
from docktasks.engine.models import Image
from tests.sabotage.faults import Sabotage, assert_caught, cases, run, site
from tests.support.project import ProjectUnderTest

HEALTH = ("--health-cmd", "--health-interval", "--health-start-period", "--health-start-interval")

OWN = "old=releases/0123456789ab; own=$(find site -name '*.js' | head -1)"
OLD = "old=releases/0123456789ab; name=site/assets/Old-B1fKq0Zy.js; mkdir -p $old/site/assets"
"""The beginnings of scripts in the volume: an asset of the current release, and one of an earlier release only."""


FILTER = Path(__file__).with_name("filter.json")
"""A filter of system calls that allows every call."""


def location(text: str) -> str:
    """A script that adds a location with this text to the site."""
    return f"sed -i 's|^    location @carried {{|    location /x-5f2c {{ {text} }}\\n&|' site.conf"


def starts(name: str, script: str, *fails: str) -> Sabotage:
    """Sabotage by a shell script that the image runs before nginx."""
    return site(name, f"cd /docker-entrypoint.d; printf '%s\\n' '#!/bin/sh' '{script}' >99.sh; chmod 755 99.sh", *fails)


SABOTAGES = [
    run("badly-run", "container.loopback", "container.unprivileged", "container.writable-paths", "container.options",
        "container.network", "container.release",
        without=("--publish", "--cap-drop", "--read-only", "--memory", "--memory-swap", "--network", "--dns",
                 "--restart"),
        plus=("--publish", "0.0.0.0::80", "--label", "hello-dock.config-hash=")),
    run("everywhere", "container.loopback", without=("--publish",), plus=("--publish", "0.0.0.0::80")),
    run("everywhere-by-default", "container.loopback", without=("--publish",), plus=("--publish", "80")),
    run("also-everywhere", "container.loopback", plus=("--publish", "0.0.0.0::80")),
    run("capabilities", "container.unprivileged", without=("--cap-drop",)),
    run("group-of-root", "container.unprivileged", plus=("--group-add", "0")),
    run("one-capability", "container.unprivileged", plus=("--cap-add", "NET_BIND_SERVICE")),
    run("new-privileges", "container.unprivileged", without=("--security-opt",)),
    run("privileged", "container.unprivileged", "container.options", plus=("--privileged",)),
    # Without capabilities nginx logs that it cannot change to a worker's user. Root can write to /dev.
    Sabotage("user-0", frozenset({"container.unprivileged", "container.log", "container.writable-paths",
                                  "container.configuration", "container.options"}),
             "USER root\nRUN sed -i '1i user root;' /etc/nginx/nginx.conf\nUSER 101:101",
             without=("--tmpfs",), plus=("--user", "0:0", "--tmpfs", "/tmp")),  # noqa: S108 - the container's own
    run("writable", "container.unprivileged", "container.writable-paths", without=("--read-only",)),
    run("shared-memory", "container.writable-paths", without=("--ipc",)),
    run("message-queues", "container.writable-paths", plus=("--tmpfs", "/dev/mqueue:rw,mode=1777")),
    run("written-elsewhere", "container.writable-paths", plus=("--tmpfs", "/var:uid=101")),
    run("unfiltered", "container.unprivileged", plus=("--security-opt", "seccomp=unconfined")),
    run("host-processes", "container.options", plus=("--pid", "host")),
    run("host-namespaces", "container.options", "container.writable-paths",
        plus=("--ipc", "host", "--uts", "host", "--userns", "host")),
    run("unmasked", "container.options", plus=("--security-opt", "systempaths=unconfined")),
    run("device", "container.options", plus=("--device", "/dev/null:/dev/zero1")),
    run("socket", "container.options", plus=("--volume", "/var/run/docker.sock:/var/run/docker.sock:ro")),
    run("host-folder", "container.options", plus=("--volume", "/etc:/srv/etc:ro")),
    run("volume", "container.options", plus=("--volume", "/srv/anything")),
    run("endless-memory", "container.options", without=("--memory", "--memory-swap")),
    run("much-memory", "container.options", without=("--memory", "--memory-swap"),
        plus=("--memory", "4g", "--memory-swap", "4g")),
    run("looked-at-each-hour", "container.options", without=("--health-interval",), plus=("--health-interval", "1h")),
    run("endless-swap", "container.options", without=("--memory-swap",), plus=("--memory-swap", "-1")),
    run("endless-processes", "container.options", without=("--pids-limit",)),
    run("endless-log", "container.options", without=("--log-opt", "--log-opt")),
    run("default-network", "container.network", without=("--network", "--dns")),
    Sabotage("reached-by-others", frozenset({"container.network"}), network_option=f"{BRIDGE}.enable_icc=true"),
    Sabotage("calls-home", frozenset({"container.network"}), network_option=f"{BRIDGE}.enable_ip_masquerade=true"),
    Sabotage("second-network", frozenset({"container.network"}), joins="bridge"),
    run("ends-for-good", "container.options", without=("--restart",)),
    run("always-well", "container.health", without=("--health-cmd",), plus=("--health-cmd", "[ -s /tmp/nginx.pid ]")),
    run("never-looked-at", "container.health", plus=("--no-healthcheck",), without=HEALTH),
    run("deaf", "container.stop", plus=("--stop-signal", "SIGURG")),
    site("warns", "sed -i '1i user nginx;' ../nginx.conf", "container.log", "container.configuration"),
    starts("second-listener", "(while :; do nc -l -p 9999; done) &", "container.processes"),
    starts("sleeper", "sleep 999 &", "container.processes"),
    starts("calls-another", "(while :; do wget -T 9 -q -O - http://10.1.2.3:8000/; done) &", "container.processes"),
    starts("configured-later", "(sleep 2; mkdir -p /tmp/api; echo map >/tmp/api/http-x.conf) &",
           "container.configuration"),
    starts("connections-of-another", "(sleep 2; echo map >/tmp/connect-x.conf) &", "container.configuration"),
    starts("tells-a-password", "echo DB_PASS" + "WORD=hunter2", "container.secrets"),
    run("login-by-a-name", "container.secrets", plus=("--env", "NPM_AUTH=bWU6eA")),
    run("address-with-a-password", "container.secrets", plus=("--env", "DB=postgres://me:" + "hunter2@10.0.0.3/a")),
    site("folder-of-another", location("alias /etc/;"), "container.configuration"),
    site("second-server", "echo 'server { listen 8081; root /srv; }' >>files.conf",
         "container.configuration", "container.processes"),
    site("cookies-in-the-log", "sed -i 's|\"$http_user_agent\"|& $http_cookie|' logging.conf",
         "container.configuration"),
    site("says-what-was-sent", location("return 200 $http_cookie;"), "container.configuration"),
    run("other-library", "container.options", plus=("--env", "LD_PRELOAD=/tmp/x.so")),
    run("programs-in-memory", "container.options", without=("--tmpfs",),
        plus=("--tmpfs", "/tmp:exec,uid=101,gid=101,mode=0700,size=16m")),  # noqa: S108 - the container's own
    run("endless-scratch", "container.options", without=("--tmpfs",),
        plus=("--tmpfs", "/tmp:uid=101,gid=101,mode=0700")),  # noqa: S108 - the container's own
    run("lost-log", "container.options", without=("--log-driver", "--log-opt", "--log-opt"),
        plus=("--log-driver", "none")),
    run("own-filter", "container.options", plus=("--security-opt", f"seccomp={FILTER}")),
    run("kernel-setting", "container.options", plus=("--sysctl", "net.ipv4.ip_local_port_range=1024 65000")),
    run("another-machine", "container.options", plus=("--add-host", "api.example.com:10.1.2.3")),
    run("another-port", "container.options", plus=("--expose", "8081")),
    run("another-group", "container.options", plus=("--group-add", "999")),
    run("unknown-option", "container.options", plus=("--ulimit", "nofile=64:64")),
    run("forgetful", "container.assets", without=("--mount",)),
    Sabotage("lost-chunk", frozenset({"container.assets"}), volume_script="mkdir -p releases/0123456789ab/site/assets; "
             "echo 1 >releases/0123456789ab/site/assets/Old-B1fKq0Zy.js"),
    Sabotage("same-name-other-bytes", frozenset({"container.asset-bytes"}), volume_script=f"{OWN}; "
             "mkdir -p $old/${own%/*}; echo 1 >$old/$own"),
    Sabotage("served-other-bytes", frozenset({"container.asset-bytes"}), volume_script=f"{OLD}; echo 1 >$old/$name; "
             "echo 2 >$name"),
    Sabotage("brotli-of-another", frozenset({"container.asset-bytes"}), volume_script=f"{OLD}; echo 1 >$old/$name; "
             "ln $old/$name $name; cp $(find br -type f | head -1) br/assets/Old-B1fKq0Zy.js"),
    Sabotage("page-of-nobody", frozenset({"container.asset-bytes"}), volume_script="mkdir -p built/site; "
             "echo '<h1>Log in</h1>' >built/site/login.html"),
    Sabotage("copy-of-nobody", frozenset({"container.asset-bytes"}),
             volume_script="echo 1 >br/assets/Gone-B1fKq0Zy.js"),
    run("nameless", "container.release", plus=("--label", "hello-dock.config-hash=")),
]  # fmt: skip


@pytest.mark.parametrize("sabotage", cases(SABOTAGES))
def test_sabotage_is_caught(
    sabotaged_project: ProjectUnderTest, built_image: Image, sabotage: Sabotage, cleanup: ExitStack
) -> None:
    """Exactly the expected checks fail."""
    assert_caught(sabotaged_project, built_image, sabotage, cleanup, groups=["container", "http"])
