from __future__ import annotations

import pytest

from docktasks.commands import Result
from docktasks.containers.clones import nginx_version, server_version_args
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.runner import Runner
from tests.unit.fakes.subjects import project


def test_version_is_asked_in_a_container_without_a_network(settings: Settings) -> None:
    """The container has our label and removes itself."""
    assert server_version_args(settings, "sha256:1") == [
        "docker", "container", "run", "--rm", "--network", "none", "--label", "hello-dock.project=hello-dock",
        "--label", "hello-dock.role=clone", "--entrypoint", "nginx", "sha256:1", "-v",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("result", "version"),
    [
        (Result(0, "nginx version: nginx/1.30.6\n"), "1.30.6"),
        (Result(0, "nginx version: nginx/1.18.0 (Ubuntu)\r\n"), "1.18.0"),
        (Result(0, "nginx version: openresty/1.27.1.2\n"), ""),
        (Result(0, ""), ""),
        (Result(127, 'exec: "nginx": executable file not found in $PATH\nnginx version: nginx/9.9.9'), ""),
    ],
)
def test_version_is_what_nginx_prints(settings: Settings, result: Result, version: str) -> None:
    """Without nginx there is none."""
    run = Runner(answers={"docker container run": result})
    assert nginx_version(project(FakeEngine(), settings, run), "sha256:1") == version
