from __future__ import annotations

from typing import Any

import pytest

from docktasks import checks
from docktasks.checks.subject import Subject
from tests.unit.fakes import FakeEngine, ours

# Of a container that run-prod started, on kernel 6.1; the fields that matter and a few that do not.
STATUS = {
    "Name": "nginx",
    "Uid": "101\t101\t101\t101",
    "CapInh": "0000000000000000",
    "CapPrm": "0000000000000000",
    "CapEff": "0000000000000000",
    "CapBnd": "0000000000000000",
    "CapAmb": "0000000000000000",
    "NoNewPrivs": "1",
}
MOUNTS = (
    "overlay / overlay ro,relatime,lowerdir=/a:/b 0 0\nproc /proc proc rw,nosuid 0 0\n"
    "tmpfs /tmp tmpfs rw,nosuid,nodev,noexec,relatime,size=16384k,mode=700,uid=101,gid=101 0 0\n"
)
PUBLISHED = (("127.0.0.1", 8080, 80),)


def judged(
    name: str, status: dict[str, str] | None = None, mounts: str = MOUNTS, **given: Any
) -> tuple[str, tuple[str, ...]]:
    """Outcome and evidence of one check on a container."""
    container = ours("prod", **({"addresses": PUBLISHED} | given))
    engine = FakeEngine(container)
    text = "".join(f"{field}:\t{value}\n" for field, value in (STATUS | (status or {})).items())
    engine.files = {"/proc/1/status": text, "/proc/1/mounts": mounts}
    wanted = [check for check in checks.all_checks() if check.id == name]
    (verdict,) = checks.judge(Subject(container.url, engine, container), wanted)
    return verdict.outcome, verdict.evidence


@pytest.mark.parametrize("name", ["container.loopback", "container.unprivileged", "container.read-only"])
def test_a_container_of_run_prod_passes(name: str) -> None:
    """What run-prod starts is right."""
    assert judged(name) == ("pass", ())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.2"])  # noqa: S104 - read, not bound
def test_a_published_address_beyond_the_loopback_fails(host: str) -> None:
    """Each address is evidence."""
    outcome = judged("container.loopback", addresses=(*PUBLISHED, (host, 8081, 80)))
    assert outcome == ("fail", (f"80 is published on {host}, port 8081",))


def test_an_address_that_is_empty_is_every_one() -> None:
    """Older engines leave it out."""
    outcome = judged("container.loopback", addresses=(("", 8081, 80),))
    assert outcome == ("fail", ("80 is published on every address, port 8081",))


@pytest.mark.parametrize("given", [{"addresses": (("::1", 8080, 80),)}, {"addresses": (("127.0.0.2", 8080, 80),)}])
def test_every_loopback_address_passes(given: dict[str, Any]) -> None:
    """IPv6's too."""
    assert judged("container.loopback", **given) == ("pass", ())


def test_public_by_choice_passes() -> None:
    """--public was said aloud."""
    given: dict[str, Any] = {"addresses": (("0.0.0.0", 8080, 80),), "labels": {"hello-dock.public": "true"}}  # noqa: S104
    assert judged("container.loopback", **given) == ("pass", ())


@pytest.mark.parametrize(
    ("status", "evidence"),
    [
        ({"Uid": "0\t0\t0\t0"}, "uids (real, effective, saved, file system): 0\t0\t0\t0"),
        ({"Uid": "101\t101\t0\t101"}, "uids (real, effective, saved, file system): 101\t101\t0\t101"),
        ({"CapBnd": "00000000a80425fb"}, "CapBnd: 00000000a80425fb"),
        ({"CapPrm": "0000000000000400"}, "CapPrm: 0000000000000400"),
        ({"CapEff": "0000000000000400"}, "CapEff: 0000000000000400"),
        ({"CapAmb": "0000000000000400"}, "CapAmb: 0000000000000400"),
        ({"NoNewPrivs": "0"}, "NoNewPrivs: 0"),
    ],
)
def test_a_process_with_power_fails(status: dict[str, str], evidence: str) -> None:
    """Root in any of its ids, a capability in any set, or a way to gain one."""
    assert judged("container.unprivileged", status) == ("fail", (evidence,))


def test_a_writable_root_fails() -> None:
    """The kernel's own table says so, whatever was asked for."""
    mounts = MOUNTS.replace("ro,relatime", "rw,relatime")
    assert judged("container.read-only", mounts=mounts) == (
        "fail",
        ("/ is mounted rw,relatime,lowerdir=/a:/b",),
    )


def test_a_table_without_a_root_fails() -> None:
    """What was not seen to be read-only is not taken for it."""
    outcome = judged("container.read-only", mounts="proc /proc proc rw,nosuid 0 0\n")
    assert outcome == ("fail", ("/proc/1/mounts tells of no /",))


def test_every_mount_of_the_root_counts() -> None:
    """A writable one over a read-only one is what the process sees."""
    outcome = judged("container.read-only", mounts=MOUNTS + "tmpfs / tmpfs rw,nosuid 0 0\n")
    assert outcome == ("fail", ("/ is mounted rw,nosuid",))


@pytest.mark.parametrize("name", ["container.unprivileged", "container.read-only"])
def test_a_container_that_does_not_let_us_look_is_skipped(name: str) -> None:
    """An image without `cat` cannot be judged this way, and that is said."""
    container = ours("prod", addresses=PUBLISHED)
    wanted = [check for check in checks.all_checks() if check.id == name]
    (verdict,) = checks.judge(Subject(container.url, FakeEngine(container), container), wanted)
    assert verdict.outcome == "skip"
    assert verdict.evidence[0].startswith("the container does not give /proc/1/")
