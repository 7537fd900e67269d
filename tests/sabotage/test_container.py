"""Containers let loose."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from docktasks.answers import Image
from tests.engine.support import Project
from tests.sabotage.spoil import Sabotage, is_caught, run

SABOTAGES = [
    run("everywhere", "container.loopback", without=("--publish",), plus=("--publish", "0.0.0.0::80")),
    run("everywhere-by-default", "container.loopback", without=("--publish",), plus=("--publish", "80")),
    run("also-everywhere", "container.loopback", plus=("--publish", "0.0.0.0::80")),
    run("capabilities", "container.unprivileged", without=("--cap-drop",)),
    run("one-capability", "container.unprivileged", plus=("--cap-add", "NET_BIND_SERVICE")),
    run("new-privileges", "container.unprivileged", without=("--security-opt",)),
    run("privileged", "container.unprivileged", plus=("--privileged",)),
    Sabotage("user-0", frozenset({"container.unprivileged"}),
             "USER root\nRUN sed -i '1i user root;' /etc/nginx/nginx.conf\nUSER 101:101",
             without=("--tmpfs",), plus=("--user", "0:0", "--tmpfs", "/tmp")),  # noqa: S108 - the container's own
    run("writable", "container.read-only", without=("--read-only",)),
]  # fmt: skip


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: sabotage.name)
def test_sabotage_is_caught(spoiling: Project, origin: Image, sabotage: Sabotage, made: ExitStack) -> None:
    """Each fault fails the checks that are about it, and no other."""
    is_caught(spoiling, origin, sabotage, made)
