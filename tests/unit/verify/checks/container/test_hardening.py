from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from docktasks.engine.models import ContainerConfig, LimitSupport, Mount, Published
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.production import image
from tests.unit.fakes.subjects import CONFIG, MOUNTS, PUBLISHED, STATUS, Result, release, release_subject, results

FULL_SUPPORT = LimitSupport()


def result(
    check_id: str,
    status: dict[str, str] | None = None,
    mounts: str = MOUNTS,
    config: ContainerConfig = CONFIG,
    limit_support: LimitSupport = FULL_SUPPORT,
    **changes: Any,
) -> Result:
    """The result of one check on a release whose container has these changes."""
    container = release(**changes)
    engine = FakeEngine(container, images={"hello-dock:prod": image("a")})
    text = "".join(f"{field}:\t{value}\n" for field, value in (STATUS | (status or {})).items())
    engine.files = {"/proc/1/status": text, "/proc/1/mounts": mounts}
    engine.config, engine.limit_support = config, limit_support
    return results(release_subject(engine, container), check_id)[check_id]


@pytest.mark.parametrize("name", ["loopback", "unprivileged", "read-only", "seccomp", "isolation", "limits"])
def test_container_of_run_prod_passes(name: str) -> None:
    """run-prod sets every option that these checks look at."""
    assert result(f"container.{name}") == ("pass", ())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.2"])  # noqa: S104 - read, not bound
def test_address_other_than_loopback_fails(host: str) -> None:
    """The evidence names the address."""
    address = f"[{host}]" if ":" in host else host
    assert result("container.loopback", published=(*PUBLISHED, Published(host, 8081, 80))) == (
        "fail",
        (f"--publish {address}:8081:80: other machines reach it",),
    )


def test_empty_address_means_every_address() -> None:
    """Older engines leave the address out."""
    assert result("container.loopback", published=(Published("", 8081, 80),)) == (
        "fail",
        ("--publish 0.0.0.0:8081:80: other machines reach it",),
    )


@pytest.mark.parametrize("published", [(Published("::1", 8080, 80),), (Published("127.0.0.2", 8080, 80),)])
def test_every_loopback_address_passes(published: tuple[Published, ...]) -> None:
    """127.0.0.0/8 and ::1 are all loopback addresses."""
    assert result("container.loopback", published=published) == ("pass", ())


def test_public_release_passes() -> None:
    """The user chose --public."""
    published = (Published("0.0.0.0", 8080, 80),)  # noqa: S104 - read, not bound
    assert result("container.loopback", published=published, labels={"hello-dock.public": "true"}) == ("pass", ())


@pytest.mark.parametrize(
    ("status", "evidence"),
    [
        ({"Uid": "0\t0\t0\t0"}, "--user or USER is root: uids 0, 0, 0, 0"),
        ({"Uid": "101\t101\t0\t101"}, "--user or USER is root: uids 101, 101, 0, 101"),
        ({"CapBnd": "00000000a80425fb"}, "no --cap-drop ALL: CapBnd 00000000a80425fb"),
        ({"CapPrm": "0000000000000400"}, "no --cap-drop ALL: CapPrm 0000000000000400"),
        ({"CapEff": "0000000000000400"}, "no --cap-drop ALL: CapEff 0000000000000400"),
        ({"CapAmb": "0000000000000400"}, "no --cap-drop ALL: CapAmb 0000000000000400"),
        ({"NoNewPrivs": "0"}, "no --security-opt no-new-privileges: NoNewPrivs 0"),
    ],
)
def test_privileged_process_fails(status: dict[str, str], evidence: str) -> None:
    """Root in any of its ids, a capability in any set, or a way to gain one is a fault."""
    assert result("container.unprivileged", status) == ("fail", (evidence,))


@pytest.mark.parametrize(
    ("config", "option"),
    [({"privileged": True}, "--privileged"), ({"added": ("NET_ADMIN", "NET_RAW")}, "--cap-add NET_ADMIN, NET_RAW")],
)
def test_evidence_names_the_option_that_gave_a_capability(config: dict[str, Any], option: str) -> None:
    """Sets of capabilities that are equal are one line."""
    sets = dict.fromkeys(("CapPrm", "CapEff", "CapBnd"), "0000000000001000")
    expected = (f"{option}: CapPrm, CapEff, CapBnd 0000000000001000",)
    assert result("container.unprivileged", sets, config=replace(CONFIG, **config)) == ("fail", expected)


@pytest.mark.parametrize("check_id", ["container.unprivileged", "container.seccomp", "container.read-only"])
def test_container_in_the_process_namespace_of_the_machine_is_judged_by_its_own_process(check_id: str) -> None:
    """Process 1 is the machine's there. container.isolation reports the option."""
    container = release()
    engine = FakeEngine(container, images={"hello-dock:prod": image("a")})
    text = "".join(f"{field}:\t{value}\n" for field, value in STATUS.items())
    engine.files = {"/proc/self/status": text, "/proc/self/mounts": MOUNTS, "/proc/1/status": "", "/proc/1/mounts": ""}
    engine.config = replace(CONFIG, namespaces={"pid": "host"})
    assert results(release_subject(engine, container), check_id)[check_id] == ("pass", ())


def test_writable_root_file_system_fails() -> None:
    """The kernel's mount table decides, not the option that was asked for."""
    mounts = MOUNTS.replace("ro,relatime", "rw,relatime")
    assert result("container.read-only", mounts=mounts) == ("fail", ("no --read-only: / is mounted rw,relatime",))


def test_mount_table_without_root_fails() -> None:
    """What is not seen to be read-only does not pass."""
    assert result("container.read-only", mounts="proc /proc proc rw,nosuid 0 0\n") == (
        "fail",
        ("/proc/1/mounts has no line for /",),
    )


def test_every_mount_of_the_root_counts() -> None:
    """The process sees a writable mount that covers a read-only one."""
    mounts = MOUNTS + "tmpfs / tmpfs rw,nosuid 0 0\n"
    assert result("container.read-only", mounts=mounts) == ("fail", ("no --read-only: / is mounted rw,nosuid",))


@pytest.mark.parametrize("check_id", ["container.unprivileged", "container.read-only", "container.seccomp"])
def test_container_without_cat_is_skipped(check_id: str) -> None:
    """Files of /proc cannot be read in it."""
    container = release()
    outcome, evidence = results(release_subject(FakeEngine(container), container), check_id)[check_id]
    assert outcome == "skip"
    assert evidence[0].startswith("the container does not give /proc/1/")


@pytest.mark.parametrize("mode", ["0", "1"])
def test_unfiltered_system_calls_fail(mode: str) -> None:
    """Mode 0 is off, and 1 is the strict mode that Docker never sets."""
    fault = f"--security-opt seccomp=unconfined: no system call is filtered (Seccomp: {mode}, but a filter is 2)"
    assert result("container.seccomp", {"Seccomp": mode}) == ("fail", (fault,))


@pytest.mark.parametrize(
    ("change", "evidence"),
    [
        ({"privileged": True, "masked": False},
         "--privileged: it has every device of the machine, and all of /proc and /sys"),
        ({"masked": False}, "--security-opt systempaths=unconfined: it sees all of /proc and /sys"),
        ({"security": ("apparmor=unconfined",)}, "--security-opt apparmor=unconfined"),
        ({"devices": ("/dev/sda",)}, "--device /dev/sda: it has a device of the machine"),
        *[({"namespaces": {kind: "host"}}, f"--{option} host: it shares this namespace with the machine")
          for kind, option in (("network", "network"), ("pid", "pid"), ("ipc", "ipc"), ("uts", "uts"),
                               ("userns", "userns"), ("cgroup", "cgroupns"))],
        ({"namespaces": {"pid": "container:beef"}},
         "--pid container:beef: it shares this namespace with another container"),
        ({"mounts": (Mount("bind", "/etc", "/srv/etc", writable=False),)},
         "--volume /etc:/srv/etc:ro: it has a folder or file of the machine"),
        ({"mounts": (Mount("volume", "hello-dock-carried", "/srv/carried", writable=True),)},
         "--volume hello-dock-carried:/srv/carried: it has a volume"),
        ({"mounts": (Mount("volume", "a" * 99, "/srv", writable=False),)},
         f"--volume {'a' * 60}:/srv:ro: it has a volume"),
    ],
)  # fmt: skip
def test_container_that_shares_with_the_host_fails(change: dict[str, Any], evidence: str) -> None:
    """The evidence names the option."""
    assert result("container.isolation", config=replace(CONFIG, **change)) == ("fail", (evidence,))


def test_host_cgroup_namespace_is_the_default_of_version_1() -> None:
    """Nobody asked for it there, so it is no fault."""
    config = replace(CONFIG, namespaces={"cgroup": "host"})
    assert result("container.isolation", config=config, limit_support=LimitSupport(cgroup="1")) == ("pass", ())


@pytest.mark.parametrize(
    ("change", "evidence"),
    [
        ({"memory": 0}, "no --memory: memory without a limit"),
        ({"swap": -1}, "no --memory-swap: swap without a limit"),
        ({"pids": 0}, "no --pids-limit: processes without a limit"),
        ({"log_options": {"max-file": "3"}}, "no --log-opt max-size: a log without a limit"),
        ({"log_options": {"max-size": "-1"}}, "no --log-opt max-size: a log without a limit"),
    ],
)
def test_missing_limit_fails(change: dict[str, Any], evidence: str) -> None:
    """The evidence names the option."""
    assert result("container.limits", config=replace(CONFIG, **change)) == ("fail", (evidence,))


@pytest.mark.parametrize("driver", ["local", "none", "journald"])
def test_other_log_driver_passes_without_max_size(driver: str) -> None:
    """Other drivers limit the log by default, or keep it elsewhere."""
    assert result("container.limits", config=replace(CONFIG, log_driver=driver, log_options={})) == ("pass", ())


def test_limit_that_the_engine_cannot_set_is_skipped() -> None:
    """It is not the container's fault. Other limits are still checked."""
    config, no_swap_limit = replace(CONFIG, swap=-1), LimitSupport(swap=False)
    skipped = ("skip", ("this engine cannot limit swap",))
    assert result("container.limits", config=config, limit_support=no_swap_limit) == skipped
    without_pids = replace(config, pids=0)
    assert result("container.limits", config=without_pids, limit_support=no_swap_limit)[0] == "fail"


@pytest.mark.parametrize("field", ["Gid", "Groups"])
def test_group_of_root_fails(field: str) -> None:
    """Files that root's group may write could be changed."""
    outcome, evidence = result("container.unprivileged", status={field: "101\t0"})
    assert outcome == "fail"
    assert "root's group" in evidence[0]


def test_port_holder_is_judged_too() -> None:
    """It owns the published port, and serves in place of a release that is gone."""
    container, holder = release(), release(name="hello-dock-prod-port")
    engine = FakeEngine(container, holder, images={"hello-dock:prod": image("a")})
    engine.config = replace(CONFIG, memory=0, privileged=True)
    subject = release_subject(engine, container)
    for check_id in ("container.limits", "container.isolation"):
        _, evidence = results(subject, check_id)[check_id]
        assert len([line for line in evidence if line.startswith("hello-dock-prod-port: ")]) == 1
