from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from docktasks.engine.models import ContainerConfig
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.production import image
from tests.unit.fakes.subjects import CONFIG, Result, release, release_subject, results

TOKEN = "npm_" + "a1B2" * 9


def result(config: ContainerConfig = CONFIG, log: str = "", **changes: Any) -> Result:
    """The result of the check on a release with this configuration, log and changes."""
    container = release(**changes)
    engine = FakeEngine(container, images={"hello-dock:prod": image("a")})
    engine.config, engine.container_logs = config, {container.name: log}
    return results(release_subject(engine, container), "container.secrets")["container.secrets"]


def test_release_without_secrets_passes() -> None:
    """What every visitor can read in /env.js is no secret, and neither is what a stranger asks for."""
    page = {"HELLO_DOCK_ENV": '{"VITE_API_KEY":"AIza0a1b2c3d4e5f"}', "HELLO_DOCK_CONNECT": "https://a.example"}
    log = '172.18.0.1 [2026-11-29T06:29:26+00:00] "GET /?password=hunter2 HTTP/1.1" 200 5 br 0.0 "-" "curl"'
    assert result(environment=page, log=log) == ("pass", ())


def test_lines_of_a_log_are_judged_apart() -> None:
    """What follows a line is no value of it, whatever requests stood between them."""
    assert result(log='Enter the password:\n10.0.0.1 [x] "GET / HTTP/1.1" 200\nnginx: worker process 7 began\n') == (
        "pass",
        (),
    )


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"environment": {"NPM_AUTH": "x"}}, "environment: NPM_AUTH has a value"),
        ({"environment": {"A": "https://me:" + "hunter2@db.example"}}, "environment: A: an address with a password"),
        ({"environment": {"HELLO_DOCK_ENV": TOKEN}}, "--env HELLO_DOCK_ENV: an npm token"),
        ({"labels": {"deploy": TOKEN}}, "--label deploy: an npm token"),
        ({"log": f"started with {TOKEN}"}, "its log: an npm token"),
        ({"log": "a\nDB_PASSWORD=" + "hunter2\n"}, "its log: a password in a setting"),
        ({"log": '172.18.0.1 [x] "GET / HTTP/1.1" 200 "Basic bWU6aHVudGVyMg=="'}, "its log: an Authorization header"),
        ({"config": replace(CONFIG, command=("nginx", TOKEN))}, "its command: an npm token"),
        ({"config": replace(CONFIG, health=("CMD-SHELL", f"wget {TOKEN}"))}, "--health-cmd: an npm token"),
    ],
)
def test_secret_of_a_container_fails(change: dict[str, Any], fault: str) -> None:
    """`docker inspect` and `docker logs` show it to everybody who may use the engine."""
    assert result(**change) == ("fail", (fault,))
