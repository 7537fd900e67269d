from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from docktasks.engine.models import ContainerConfig, LimitSupport, Published
from docktasks.verify.catalog import run_checks, select
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.production import image
from tests.unit.fakes.subjects import (
    CONFIG,
    MOUNTS,
    OPTIONS,
    PUBLISHED,
    STATUS,
    TMP,
    Result,
    release,
    release_subject,
    results,
)

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
    engine.config, engine.expected_config, engine.limit_support = config, CONFIG, limit_support
    return results(release_subject(engine, container), check_id)[check_id]


@pytest.mark.parametrize("name", ["loopback", "unprivileged", "options"])
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
    [
        ({"options": {"Privileged": {"": "true"}}}, "--privileged"),
        ({"added": ("NET_ADMIN", "NET_RAW")}, "--cap-add NET_ADMIN, NET_RAW"),
    ],
)
def test_evidence_names_the_option_that_gave_a_capability(config: dict[str, Any], option: str) -> None:
    """Sets of capabilities that are equal are one line."""
    sets = dict.fromkeys(("CapPrm", "CapEff", "CapBnd"), "0000000000001000")
    expected = (f"{option}: CapPrm, CapEff, CapBnd 0000000000001000",)
    assert result("container.unprivileged", sets, config=replace(CONFIG, **config)) == ("fail", expected)


def test_container_in_the_process_namespace_of_the_machine_is_judged_by_its_own_process() -> None:
    """Process 1 is the machine's there. container.options reports the option."""
    container = release()
    engine = FakeEngine(container, images={"hello-dock:prod": image("a")})
    text = "".join(f"{field}:\t{value}\n" for field, value in STATUS.items())
    engine.files = {"/proc/self/status": text, "/proc/self/mounts": MOUNTS, "/proc/1/status": "", "/proc/1/mounts": ""}
    engine.config = replace(CONFIG, options={"PidMode": {"": "host"}})
    check_id = "container.unprivileged"
    assert results(release_subject(engine, container), check_id)[check_id] == ("pass", ())


def test_writable_root_file_system_fails() -> None:
    """The kernel's mount table decides, not the option that was asked for."""
    mounts = MOUNTS.replace("ro,relatime", "rw,relatime")
    assert result("container.unprivileged", mounts=mounts) == ("fail", ("no --read-only: / is mounted rw,relatime",))


def test_mount_table_without_root_fails() -> None:
    """What is not seen to be read-only does not pass."""
    assert result("container.unprivileged", mounts="proc /proc proc rw,nosuid 0 0\n") == (
        "fail",
        ("/proc/1/mounts has no line for /",),
    )


def test_every_mount_of_the_root_counts() -> None:
    """The process sees a writable mount that covers a read-only one."""
    mounts = MOUNTS + "tmpfs / tmpfs rw,nosuid 0 0\n"
    assert result("container.unprivileged", mounts=mounts) == ("fail", ("no --read-only: / is mounted rw,nosuid",))


def test_container_without_cat_is_skipped() -> None:
    """Files of /proc cannot be read in it."""
    container, check_id = release(), "container.unprivileged"
    outcome, evidence = results(release_subject(FakeEngine(container), container), check_id)[check_id]
    assert outcome == "skip"
    assert evidence[0].startswith("the container does not give /proc/1/")


@pytest.mark.parametrize("mode", ["0", "1"])
def test_unfiltered_system_calls_fail(mode: str) -> None:
    """Mode 0 is off, and 1 is the strict mode that Docker never sets."""
    fault = f"--security-opt seccomp=unconfined: no system call is filtered (Seccomp: {mode})"
    assert result("container.unprivileged", {"Seccomp": mode}) == ("fail", (fault,))


@pytest.mark.parametrize(
    ("field", "values", "evidence", "severity"),
    [
        ("PidMode", {"": "host"}, "--pid host: it shares this namespace with the machine", "critical"),
        ("UTSMode", {"": "host"}, "--uts host: it shares this namespace with the machine", "critical"),
        ("NetworkMode", {"": "host"}, "--network host: it shares this namespace with the machine", "critical"),
        ("IpcMode", {"": "container:beef"},
         "--ipc container:beef: it shares this namespace with another container", "critical"),
        ("MaskedPaths", {}, "--security-opt systempaths=unconfined: it sees all of /proc and /sys", "critical"),
        ("SecurityOpt", {"no-new-privileges": "", "apparmor": "unconfined"},
         "--security-opt apparmor=unconfined: the kernel restrains it less", "critical"),
        ("SecurityOpt", {"no-new-privileges": "", "seccomp": "{}"},
         "--security-opt seccomp=…: it has another filter of system calls than Docker's", "major"),
        ("Devices", {"/dev/sda": ""}, "--device /dev/sda: it has a device of the machine", "critical"),
        ("Mounts", {"/srv/etc": "bind /etc ro"},
         "--volume /etc:/srv/etc:ro: it has a folder or file of the machine", "critical"),
        ("Mounts", {"/srv/carried": "volume hello-dock-carried rw"},
         "--volume hello-dock-carried:/srv/carried: it has a volume", "critical"),
        ("Mounts", {"/srv": f"volume {'a' * 99} ro"}, f"--volume {'a' * 60}:/srv:ro: it has a volume", "critical"),
        ("Memory", {}, "no --memory: memory without a limit", "major"),
        ("Memory", {"": "4294967296"}, "--memory 4294967296 is far from 67108864, as the settings have it", "minor"),
        ("PidsLimit", {"": "5"}, "--pids-limit 5 is far from 64, as the settings have it", "minor"),
        ("NanoCpus", {"": "10000000"}, "--cpus: less than a tenth of a processor", "minor"),
        ("Healthcheck", {"Interval": "3600000000000"},
         "--health Interval=3600000000000: a fault is seen only minutes later", "major"),
        ("StopTimeout", {"": "1"},
         "--stop-timeout 1: Docker ends it before the open requests have their answers", "minor"),
        ("MemorySwap", {"": "-1"}, "no --memory-swap: swap without a limit", "major"),
        ("PidsLimit", {}, "no --pids-limit: processes without a limit", "major"),
        ("LogOptions", {"max-file": "3"}, "no --log-opt max-size: a log without a limit", "major"),
        ("LogOptions", {"max-size": "10g"}, "--log-opt max-size=10g: the log may fill the disk", "minor"),
        ("Tmpfs", OPTIONS["Tmpfs"] | {"/srv/extra": "exec,size=1m"},
         "--tmpfs /srv/extra:exec,size=1m: programs can run there", "major"),
        ("LogOptions", {"max-size": "-1"}, "no --log-opt max-size: a log without a limit", "major"),
        ("LogDriver", {"": "none"}, "--log-driver none: nobody can read what it logs", "major"),
        ("LogDriver", {"": "gelf"}, "--log-driver gelf: it sends its log elsewhere", "minor"),
        *[("RestartPolicy", {"Name": policy}, f"--restart {policy}: it does not always start again", "major")
          for policy in ("no", "on-failure")],
        ("Tmpfs", {TMP: "exec,size=16m"}, f"--tmpfs {TMP}:exec,size=16m: programs can run there", "major"),
        ("Tmpfs", {TMP: "mode=0700"}, f"--tmpfs {TMP}:mode=0700: it has no size=, so it can fill the memory", "major"),
        ("Sysctls", {"net.ipv4.ip_forward": "1"},
         "--sysctl net.ipv4.ip_forward=1: it changes how the kernel treats its network", "major"),
        ("Env", {"NGINX_VERSION": "1.30.6", "LD_PRELOAD": "/x.so"},
         "--env LD_PRELOAD: it changes what its programs load, or whom they ask", "major"),
        ("Env", {"NGINX_VERSION": "1.30.6", "DEBUG": "1"},
         "--env DEBUG: neither the image nor a setting has it", "minor"),
        ("Command", {"": "sleep 9"}, "another command than the image's: sleep 9", "major"),
        ("Dns", {"8.8.8.8": ""}, "--dns 8.8.8.8: it asks for addresses of other machines there", "major"),
        ("NewThing", {"a": "1"}, "NewThing a=1 is no option of ours", "minor"),
    ],
)  # fmt: skip
def test_option_that_run_prod_does_not_give_fails(
    field: str, values: dict[str, str], evidence: str, severity: str
) -> None:
    """The evidence names the option of Docker, and an unknown one is a minor fault."""
    container = release()
    engine = FakeEngine(container, images={"hello-dock:prod": image("a")})
    engine.config, engine.expected_config = replace(CONFIG, options=OPTIONS | {field: values}), CONFIG
    (verdict,) = run_checks(release_subject(engine, container), select(only=["container.options"]))
    assert (verdict.outcome, verdict.evidence, verdict.severity) == ("fail", (evidence,), severity)
    assert list(engine.by_name) == [container.name]  # the other container is removed


@pytest.mark.parametrize(
    "options",
    [
        {"Memory": {"": "134217728"}, "PidsLimit": {"": "500"}, "NanoCpus": {"": "500000000"}},
        {"LogDriver": {"": "local"}, "LogOptions": {}},
        {"LogDriver": {"": "journald"}, "LogOptions": {"tag": "x"}},
        {"LogOptions": {"max-size": "1m", "max-file": "9"}, "Tmpfs": {TMP: "noexec,size=99m"}},
        {"RestartPolicy": {"Name": "always"}, "Mounts": {}, "Runtime": {"": "runc"}},
        {"Env": {"NGINX_VERSION": "1.30.6", "HELLO_DOCK_ENV": "{}", "HELLO_DOCK_API": "/api=http://api"}},
        {"Dns": {"0.0.0.0": ""}, "ExtraHosts": {"host.docker.internal:host-gateway": ""}},  # noqa: S104 - not bound
    ],
)
def test_options_of_other_sound_settings_pass(options: dict[str, dict[str, str]]) -> None:
    """A release may be older than the settings, and other limits are limits, too."""
    assert result("container.options", config=replace(CONFIG, options=OPTIONS | options)) == ("pass", ())


def test_variable_that_another_check_reports_is_no_finding() -> None:
    """container.secrets reports it, as critical."""
    options = OPTIONS | {"Env": {"NGINX_VERSION": "1.30.6", "NPM_AUTH": "bWU6eA"}}
    assert result("container.options", config=replace(CONFIG, options=options)) == ("pass", ())


def test_paths_without_masks_are_one_finding() -> None:
    """One option removes the masks of all paths, and lets the others be written to."""
    before = replace(CONFIG, options=OPTIONS | {"ReadonlyPaths": {"/proc/sys": ""}})
    container = release()
    engine = FakeEngine(container, images={"hello-dock:prod": image("a")})
    engine.config, engine.expected_config = replace(CONFIG, options=OPTIONS | {"MaskedPaths": {}}), before
    expected = ("--security-opt systempaths=unconfined: it sees all of /proc and /sys",)
    assert results(release_subject(engine, container), "container.options")["container.options"] == ("fail", expected)


def test_privileged_container_has_one_finding() -> None:
    """The flag removes the masks and gives the devices, too."""
    options = {**OPTIONS, "Privileged": {"": "true"}, "MaskedPaths": {}, "SecurityOpt": {"label": "disable"}}
    expected = ("--privileged: it has every device of the machine, and all of /proc and /sys",)
    assert result("container.options", config=replace(CONFIG, options=options)) == ("fail", expected)


def test_limit_that_the_engine_cannot_set_is_a_note() -> None:
    """It is not the container's fault."""
    container = release()
    engine = FakeEngine(container, images={"hello-dock:prod": image("a")})
    engine.config, engine.limit_support = CONFIG, LimitSupport(swap=False)
    (verdict,) = run_checks(release_subject(engine, container), select(only=["container.options"]))
    assert (verdict.outcome, verdict.notes) == ("pass", ("this engine cannot limit swap",))


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
    engine.expected_config = CONFIG
    engine.config = replace(CONFIG, options=OPTIONS | {"Privileged": {"": "true"}, "Memory": {}})
    subject = release_subject(engine, container)
    _, evidence = results(subject, "container.options")["container.options"]
    assert len([line for line in evidence if line.startswith("hello-dock-prod-port: ")]) == len(evidence) / 2
