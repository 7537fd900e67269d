from __future__ import annotations

from dataclasses import replace

import pytest

from docktasks.api import Api, Upstream
from docktasks.commands import Result as CommandResult
from docktasks.engine.models import ContainerConfig
from docktasks.verify.checks.container import processes
from docktasks.verify.subject import Subject
from tests.unit.fakes.apps import ROOT, configured
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.production import image
from tests.unit.fakes.subjects import CONFIG, Result, project, release, results

MASTER = "1 S 0 101 /usr/sbin/nginx nginx: master process nginx -g daemon off; "
WORKER = "7 S 1 101 /usr/sbin/nginx nginx: worker process "
NGINX = [MASTER, WORKER, WORKER.replace("7", "8", 1)]
SERVES = "tcp 0: 00000000:0050 00000000:0000 0A 00000000:00000000"
VISITOR = "tcp 1: 02001AAC:0050 01001AAC:A188 01 00000000:00000000"
DNS = ["tcp 2: 0B00007F:893F 00000000:0000 0A", "udp 3: 0B00007F:8416 00000000:0000 07"]
HEALTH = "tcp 4: 0100007F:D560 0100007F:0050 06"
SOCKETS = [SERVES, VISITOR, *DNS, HEALTH, "sl local_address"]


class LookedAt(FakeEngine):
    """An engine whose containers have these processes and sockets, by the number of the look."""

    looks: tuple[list[str], ...] = ()

    def exec(self, name: str, args: list[str]) -> CommandResult:
        """Answer the next look. The last answer is repeated."""
        assert (name, args[:2]) == ("hello-dock-prod", ["sh", "-c"])
        lines, *others = self.looks
        self.looks = tuple(others) or self.looks
        return CommandResult(0 if lines else 127, "\n".join(lines))


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "SHORT_LIVED_S", 0)


def result(*looks: list[str], config: ContainerConfig = CONFIG, api: Api | None = None) -> Result:
    """The result of the check on a release with these processes and sockets."""
    container, dev = release(), own_container("dev", networks={"hello-dock-dev": "172.19.0.2"})
    engine = LookedAt(container, dev, images={"hello-dock:prod": image("a")})
    engine.looks, engine.config = looks, config
    settings = replace(configured(ROOT), api=api or Api())
    subject = Subject(container.url, project(engine, settings), container, engine.image(container.image_id), dev=dev)
    return results(subject, "container.processes")["container.processes"]


def test_nginx_alone_passes() -> None:
    """Docker's own DNS server, visitors and the health check are no strangers. Nor is the init process of --init."""
    assert result([*NGINX, *SOCKETS]) == ("pass", ())
    init = ["1 S 0 0 /sbin/docker-init /sbin/docker-init -- nginx", "6 S 1 101 /usr/sbin/nginx nginx: master process"]
    worker = WORKER.replace("7 S 1", "9 S 6")
    assert result([*init, worker, *SOCKETS]) == ("pass", ())


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("30 S 1 101 /bin/busybox nc -lk -p 9999 ", "another process than nginx, /bin/busybox: nc -lk -p 9999"),
        ("30 S 0 101 /bin/busybox sleep 99 ", "another process than nginx, /bin/busybox: sleep 99"),
        ("30 S 1 0 ? crond -f ", "a process of another user, uid 0: crond -f"),
        ("30 S 0 101 /usr/sbin/nginx nginx: master process nginx -c /tmp/x",
         "another process than nginx, /usr/sbin/nginx: nginx: master process nginx -c /tmp/x"),
        ("30 S 1 101 /tmp/miner nginx: worker process",
         "another process than nginx, /tmp/miner: nginx: worker process"),
    ],
)  # fmt: skip
def test_other_process_fails(line: str, fault: str) -> None:
    """Also one that calls itself nginx. What has ended at the second look, as a health check, is no fault."""
    assert result([*NGINX, line, *SOCKETS]) == ("fail", (fault,))
    assert result([*NGINX, line, *SOCKETS], [*NGINX, *SOCKETS]) == ("pass", ())
    assert result([*NGINX, line.replace(" S ", " Z ", 1), *SOCKETS]) == ("pass", ())


def test_main_process_that_is_not_nginx_fails() -> None:
    """It would not pass signals on."""
    shell = "1 S 0 101 /bin/busybox sh -c nginx "
    other = "another process than nginx, /usr/sbin/nginx: nginx: master process"
    expected = (other, "the main process is not nginx: sh -c nginx")
    assert result([shell, WORKER.replace("worker", "master"), *SOCKETS]) == ("fail", expected)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("tcp 5: 00000000:270F 00000000:0000 0A", "a socket listens on 0.0.0.0, port 9999 (tcp), next to port 80"),
        ("tcp6 5: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A",
         "a socket listens on ::, port 8080 (tcp6), next to port 80"),
        ("udp 5: 00000000:1E61 00000000:0000 07", "a socket listens on 0.0.0.0, port 7777 (udp), next to port 80"),
        ("tcp 5: 02001AAC:939A 0302010A:1F40 02", "a connection to 10.1.2.3, port 8000 (tcp)"),
        ("tcp6 5: 0000000000000000FFFF000002001AAC:939A 0000000000000000FFFF00000302010A:01BB 01",
         "a connection to 10.1.2.3, port 443 (tcp6)"),
        ("udp 5: 02001AAC:939A 08080808:0035 01", "a connection to 8.8.8.8, port 53 (udp)"),
    ],
)  # fmt: skip
def test_other_socket_fails(line: str, fault: str) -> None:
    """A second listener, and a connection that the container itself began."""
    assert result([*NGINX, *SOCKETS, line]) == ("fail", (fault,))


def test_connection_to_the_api_passes() -> None:
    """So does the question for its address, and a check's request to the dev container."""
    api = Api((Upstream("/api", "http://api:8000"),), "backend")
    lines = ["tcp 5: 02001AAC:939A 0302010A:1F40 01", "udp 6: 02001AAC:939A 08080808:0035 01"]
    dev = "tcp 7: 02001AAC:939A 020013AC:0BB8 02"
    assert result([*NGINX, *SOCKETS, *lines, dev], api=api) == ("pass", ())
    outcome, evidence = result([*NGINX, *SOCKETS, lines[0].replace("1F40", "1F41")], api=api)
    assert (outcome, evidence) == ("fail", ("a connection to 10.1.2.3, port 8001 (tcp)",))


def test_container_whose_processes_cannot_be_listed_is_skipped() -> None:
    """It has no shell, or it sees the processes of the machine."""
    assert result([])[0] == "skip"
    outcome, (reason,) = result([*NGINX], config=replace(CONFIG, options={"PidMode": {"": "host"}}))
    assert (outcome, "container.options" in reason) == ("skip", True)
