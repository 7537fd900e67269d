from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import httpx
import pytest

from docktasks.commands import Result, Run
from docktasks.engine.models import Container, ContainerConfig, LimitSupport, Mount, Published
from docktasks.verify import catalog
from docktasks.verify.probes import clone_trial
from docktasks.verify.subject import Subject
from tests.unit.fakes.apps import ROOT, configured
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.production import A, image
from tests.unit.fakes.runner import Runner
from tests.unit.fakes.sites import Site

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
    "Seccomp": "2",
}
MOUNTS = (
    "overlay / overlay ro,relatime,lowerdir=/a:/b 0 0\nproc /proc proc rw,nosuid 0 0\n"
    "tmpfs /tmp tmpfs rw,nosuid,nodev,noexec,relatime,size=16384k,mode=700,uid=101,gid=101 0 0\n"
)
PUBLISHED = (Published("127.0.0.1", 8080, 80),)
RELEASE: dict[str, Any] = {
    "published": PUBLISHED,
    "image": A,
    "image_id": image("a").id,
    "labels": {"hello-dock.config-hash": "0a1b2c3d4e5f"},
    "health": "healthy",
}
ABLE = LimitSupport()
TMP = "/tmp"  # noqa: S108 - the container's own
GIVEN = ContainerConfig(
    command=("nginx",),
    health=("CMD-SHELL", "wget"),
    restart="unless-stopped",
    stop_timeout=30,
    namespaces={"network": "container:beef", "pid": "", "ipc": "private", "cgroup": "private"},
    mounts=(
        Mount("volume", "hello-dock-carried", "/srv/carried", writable=False),
        Mount("tmpfs", "", TMP, writable=True),
    ),
    memory=67108864,
    swap=67108864,
    pids=64,
    log_driver="json-file",
    log_options={"max-size": "10m"},
)


def judged(
    name: str,
    status: dict[str, str] | None = None,
    mounts: str = MOUNTS,
    options: ContainerConfig = GIVEN,
    able: LimitSupport = ABLE,
    **given: Any,
) -> tuple[str, tuple[str, ...]]:
    """Outcome and evidence of one check on a container."""
    container = own_container("prod", **(RELEASE | given))
    engine = FakeEngine(container, images={"hello-dock:prod": image("a")})
    text = "".join(f"{field}:\t{value}\n" for field, value in (STATUS | (status or {})).items())
    engine.files = {"/proc/1/status": text, "/proc/1/mounts": mounts}
    engine.config, engine.limit_support = options, able
    wanted = [check for check in catalog.all_checks() if check.id == name]
    (verdict,) = catalog.run_checks(subject(engine, container, Runner()), wanted)
    return verdict.outcome, verdict.evidence


def subject(engine: FakeEngine, container: Container, run: Run | None = None) -> Subject:
    """What is judged, with the default settings."""
    found = engine.image(container.image_id)
    return Subject(container.url, engine, container, found, run=run, settings=configured(ROOT))


QUIET = [f"container.{name}" for name in ("loopback", "unprivileged", "read-only", "seccomp", "isolation", "limits",
                                          "restart", "release")]  # fmt: skip
"""Those that look, and try nothing."""


@pytest.mark.parametrize("name", QUIET)
def test_a_container_of_run_prod_passes(name: str) -> None:
    """What run-prod starts is right."""
    assert judged(name) == ("pass", ())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.2"])  # noqa: S104 - read, not bound
def test_a_published_address_beyond_the_loopback_fails(host: str) -> None:
    """Each address is evidence."""
    outcome = judged("container.loopback", published=(*PUBLISHED, Published(host, 8081, 80)))
    assert outcome == ("fail", (f"80 is published on {host}, port 8081",))


def test_an_address_that_is_empty_is_every_one() -> None:
    """Older engines leave it out."""
    outcome = judged("container.loopback", published=(Published("", 8081, 80),))
    assert outcome == ("fail", ("80 is published on every address, port 8081",))


@pytest.mark.parametrize(
    "given", [{"published": (Published("::1", 8080, 80),)}, {"published": (Published("127.0.0.2", 8080, 80),)}]
)
def test_every_loopback_address_passes(given: dict[str, Any]) -> None:
    """IPv6's too."""
    assert judged("container.loopback", **given) == ("pass", ())


def test_public_by_choice_passes() -> None:
    """--public was said aloud."""
    given: dict[str, Any] = {"published": (Published("0.0.0.0", 8080, 80),), "labels": {"hello-dock.public": "true"}}  # noqa: S104
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


@pytest.mark.parametrize("name", ["container.unprivileged", "container.read-only", "container.seccomp"])
def test_a_container_that_does_not_let_us_look_is_skipped(name: str) -> None:
    """An image without `cat` cannot be judged this way, and that is said."""
    container = own_container("prod", published=PUBLISHED)
    wanted = [check for check in catalog.all_checks() if check.id == name]
    (verdict,) = catalog.run_checks(Subject(container.url, FakeEngine(container), container), wanted)
    assert verdict.outcome == "skip"
    assert verdict.evidence[0].startswith("the container does not give /proc/1/")


@pytest.mark.parametrize("mode", ["0", "1"])
def test_unfiltered_system_calls_fail(mode: str) -> None:
    """Off, or the strict mode that Docker never sets."""
    assert judged("container.seccomp", {"Seccomp": mode}) == ("fail", (f"Seccomp: {mode}, where 2 is a filter",))


@pytest.mark.parametrize(
    ("change", "evidence"),
    [
        ({"privileged": True}, "it is privileged"),
        ({"masked": False}, "it sees all of /proc and /sys"),
        ({"security": ("apparmor=unconfined",)}, "--security-opt apparmor=unconfined"),
        ({"devices": ("/dev/sda",)}, "device: /dev/sda"),
        *[({"namespaces": {kind: "host"}}, f"{kind} namespace: host")
          for kind in ("network", "pid", "ipc", "uts", "userns", "cgroup")],
        ({"namespaces": {"pid": "container:beef"}}, "pid namespace: container:beef"),
        ({"mounts": (Mount("bind", "/etc", "/srv/etc", writable=False),)}, "bind /etc, read-only, at /srv/etc"),
        ({"mounts": (Mount("volume", "hello-dock-carried", "/srv/carried", writable=True),)},
         "volume hello-dock-carried, writable, at /srv/carried"),
        ({"mounts": (Mount("volume", "other", "/srv", writable=False),)}, "volume other, read-only, at /srv"),
    ],
)  # fmt: skip
def test_what_is_the_hosts_fails(change: dict[str, Any], evidence: str) -> None:
    """Each is told."""
    assert judged("container.isolation", options=replace(GIVEN, **change)) == ("fail", (evidence,))


def test_the_control_groups_of_the_host_are_the_default_of_their_first_version() -> None:
    """So nobody asked for them."""
    options = replace(GIVEN, namespaces={"cgroup": "host"})
    assert judged("container.isolation", options=options, able=LimitSupport(cgroup="1")) == ("pass", ())


@pytest.mark.parametrize(
    ("change", "evidence"),
    [
        ({"memory": 0}, "no limit of memory"),
        ({"swap": -1}, "no limit of swap"),
        ({"pids": 0}, "no limit of processes"),
        ({"log_options": {"max-file": "3"}}, "no limit of the log: json-file without max-size"),
        ({"log_options": {"max-size": "-1"}}, "no limit of the log: json-file without max-size"),
    ],
)
def test_what_has_no_limit_fails(change: dict[str, Any], evidence: str) -> None:
    """Each is told."""
    assert judged("container.limits", options=replace(GIVEN, **change)) == ("fail", (evidence,))


@pytest.mark.parametrize("driver", ["local", "none", "journald"])
def test_other_log_drivers_bound_it_or_keep_it_elsewhere(driver: str) -> None:
    """They take no max-size, or have one of their own."""
    assert judged("container.limits", options=replace(GIVEN, log_driver=driver, log_options={})) == ("pass", ())


def test_an_engine_that_keeps_no_limits_is_not_the_containers_fault() -> None:
    """It cannot be judged; what can be, is."""
    options, able = replace(GIVEN, swap=-1), LimitSupport(swap=False)
    assert judged("container.limits", options=options, able=able) == ("skip", ("this engine keeps no limit of swap",))
    assert judged("container.limits", options=replace(options, pids=0), able=able)[0] == "fail"


@pytest.mark.parametrize("policy", ["", "no", "on-failure"])
def test_what_does_not_come_back_fails(policy: str) -> None:
    """Not after the engine was restarted, or not after it ended well."""
    outcome = judged("container.restart", options=replace(GIVEN, restart=policy))
    assert outcome == ("fail", (f"restart policy: {policy or 'no'}",))


def test_a_release_without_its_label_fails() -> None:
    """run-prod puts it on every one."""
    outcome = judged("container.release", labels={})
    assert outcome == ("fail", ("it has no label hello-dock.config-hash: run-prod did not start it",))


def test_a_release_whose_name_has_moved_on_fails() -> None:
    """It was started by a tag that is another build's by now."""
    assert judged("container.release", image="hello-dock:prod", image_id="sha256:" + "b" * 64) == (
        "fail",
        (f"hello-dock:prod is {A} by now, and the container is of {'b' * 12}",),
    )


CARRIED = {
    f"/srv/carried/releases/{A}/site/assets/index-Dk1aQz7_.js": "",
    f"/srv/carried/releases/{A}/site/assets/index-Dk1aQz7_.js.gz": "",
    "/srv/carried/releases/0123456789ab/site/assets/About-C2bRt-8x.js": "",
}


def carried(files: dict[str, str], options: ContainerConfig = GIVEN, *, tag: str = A) -> tuple[str, tuple[str, ...]]:
    """Outcome and evidence of the check of carried files, in front of a site that serves what Vite builds."""
    container = own_container("prod", **RELEASE)
    kept = replace(image("a"), tags=(f"hello-dock:{A}",))
    earlier = replace(image("b"), id=f"sha256:{tag}{'0' * 52}", tags=(f"hello-dock:{tag}",))
    engine = FakeEngine(container, images={"hello-dock:prod": kept, "hello-dock:earlier": earlier})
    engine.files, engine.config = files, options
    judging = subject(engine, container, Runner())
    judging.site.client.transport = httpx.MockTransport(Site())
    (verdict,) = catalog.run_checks(judging, [each for each in catalog.all_checks() if each.id == "container.carried"])
    return verdict.outcome, verdict.evidence


def test_carried_files_that_are_served_pass() -> None:
    """Those of this release and of one before it; the twins are not asked for."""
    assert carried(CARRIED) == ("pass", ())


def test_a_carried_file_that_is_not_served_fails() -> None:
    """A page from before the swap would ask for it; nor may it be one that is not kept."""
    gone = {"/srv/carried/releases/0123456789ab/site/assets/Old-C2bRt-8x.js": ""}
    unkept = {"/srv/carried/releases/0123456789ab/site/favicon.svg": ""}
    assert carried(CARRIED | gone | unkept) == (
        "fail",
        (
            "/assets/Old-C2bRt-8x.js of release 0123456789ab: 404, no-store",
            "/favicon.svg of release 0123456789ab: 200, no-cache",
        ),
    )


def test_a_kept_release_whose_files_were_not_carried_fails() -> None:
    """It can be rolled back to, and its pages are open still."""
    outcome = carried(CARRIED, tag="c" * 12)
    assert outcome == ("fail", (f"release {'c' * 12}: its files were not carried",))


def test_a_container_without_the_carried_files_fails() -> None:
    """Nor is one whose volume does not tell what is in it taken for right."""
    without = carried(CARRIED, replace(GIVEN, mounts=()))
    assert without == ("fail", ("no volume of carried files is mounted at /srv/carried",))
    assert carried({}) == ("fail", (f"release {A}: its files were not carried",))


class Hull(Runner):
    """A machine on which a copy can write in some folders, and its health is what `turns` says when it is broken."""

    def __init__(
        self, engine: FakeEngine, writes: str = TMP, turns: str = "unhealthy", answers: dict[str, Result] | None = None
    ) -> None:
        super().__init__(engine, {f"docker container {verb}": answer for verb, answer in (answers or {}).items()})
        self.writes, self.turns = writes, turns
        self.fake = engine

    def _answered(self, args: list[str]) -> Result:
        answer = super()._answered(args)
        if args[2] == "exec" and answer.ok:
            if "rm" not in args:
                return Result(0, self.writes)
            self.fake.by_name[args[5]] = replace(self.fake.by_name[args[5]], health=self.turns)
        return answer


TRIED = ("container.writes", "container.health", "container.stop", "container.log")


def tried(
    hull: Hull | None = None, options: ContainerConfig = GIVEN, engine: FakeEngine | None = None, **given: Any
) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Outcome and evidence of the checks that try something; each copy is gone in the end."""
    container = own_container("prod", **(RELEASE | given))
    engine = hull.fake if hull else engine or FakeEngine()
    engine.by_name[container.name] = container
    engine.image_store, engine.config = {"hello-dock:prod": image("a")}, options
    run = hull or Hull(engine)
    wanted = [check for check in catalog.all_checks() if check.id in TRIED]
    verdicts = list(catalog.run_checks(subject(engine, container, run), wanted))
    assert list(engine.by_name) == [container.name]
    return {verdict.check.id: (verdict.outcome, verdict.evidence) for verdict in verdicts}


def test_a_good_container_passes_what_is_tried_on_its_copies() -> None:
    """Two are started; the one that serves is not touched."""
    hull = Hull(FakeEngine())
    assert tried(hull) == dict.fromkeys(TRIED, ("pass", ()))
    names = {name.split("-")[3] for name in (args[args.index("--name") + 1] for args in hull.ran if "--name" in args)}
    assert names == {"sound", "broken"}
    assert not [line for line in hull.lines if "hello-dock-prod" in line]


def test_a_copy_that_can_write_fails() -> None:
    """Each folder is evidence; so is a /tmp that is none."""
    assert tried(Hull(FakeEngine(), "/var\n/home\n"))["container.writes"] == (
        "fail",
        ("a file can be made in /var", "a file can be made in /home", f"no file can be made in {TMP}"),
    )


def test_many_folders_are_told_by_their_number() -> None:
    """Of a copy that may write everywhere, the first are evidence enough."""
    found = tried(Hull(FakeEngine(), "\n".join([TMP, *(f"/var/a {number}" for number in range(9))])))
    outcome, evidence = found["container.writes"]
    assert (outcome, evidence[0], evidence[-1]) == (
        "fail", "a file can be made in /var/a 0", "a file can be made in 4 more folders",
    )  # fmt: skip


def test_health_that_stays_well_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its copy has lost its page."""
    monkeypatch.setattr(clone_trial, "BREAKING", 0)
    found = tried(Hull(FakeEngine(), turns="healthy"))
    assert found["container.health"] == ("fail", ("without /srv/site/index.html a copy of it is healthy",))
    assert found["container.stop"] == ("pass", ())


def test_a_sick_container_is_told_and_not_copied() -> None:
    """Its copy would be no better."""
    found = tried(health="unhealthy")
    assert found["container.health"] == ("fail", ("it is unhealthy",))
    assert found["container.writes"] == ("skip", ("it is unhealthy, and so would a copy of it be",))


def test_a_container_without_a_health_check_fails() -> None:
    """Nothing tells when a copy of it is ready, so no copy is tried."""
    found = tried(health="", options=replace(GIVEN, health=()))
    assert found["container.health"] == ("fail", ("it has no health check",))
    assert found["container.stop"][0] == "skip"


def births(which: str, **state: Any) -> FakeEngine:
    """An engine where one copy turns out otherwise."""
    engine = FakeEngine()
    engine.start_states = {f"hello-dock-twin-{which}-{os.getpid()}": state}
    return engine


def test_a_copy_that_ends_is_not_healthy() -> None:
    """So would it be after a restart; what would be tried on it cannot be judged."""
    ended = {"state": "exited", "exit_code": 1}
    assert tried(engine=births("broken", **ended))["container.health"] == (
        "fail",
        ("a copy of it is exited with exit code 1 within 60 s, and not healthy",),
    )
    found = tried(engine=births("sound", **ended))
    reason = ("a copy of it is exited with exit code 1, and not healthy",)
    assert {found[name] for name in ("container.writes", "container.stop", "container.log")} == {("skip", reason)}


def test_a_stop_that_takes_force_fails() -> None:
    """What does not end by itself is killed."""
    found = tried(engine=births("sound", exit_code=137))
    assert found["container.stop"] == ("fail", ("exit code 137 (killed, for it did not end by itself)",))
    assert tried(engine=births("sound", exit_code=1))["container.stop"] == ("fail", ("exit code 1",))


def test_a_copy_that_goes_on_fails() -> None:
    """It was told to stop."""
    found = tried(Hull(FakeEngine(), answers={"stop": Result(1, "no")}))
    assert found["container.stop"] == ("fail", ("told to stop, it is running",))


def test_a_loud_start_fails() -> None:
    """From warn on; a notice is none, and an address with such a word in it neither."""
    engine = FakeEngine()
    loud = [
        f"2026/11/24 10:00:00 [{level}] 1#1: about {level}" for level in ("warn", "error", "crit", "alert", "emerg")
    ]
    quiet = ["2026/11/24 10:00:00 [notice] 1#1: start", '1.2.3.4 "GET /warn HTTP/1.1" 200 0']
    name = next(iter(births("sound").start_states))
    engine.container_logs[name] = "\n".join([*loud, *quiet])
    assert tried(engine=engine)["container.log"] == ("fail", tuple(loud))


@pytest.mark.parametrize(
    ("answers", "judges", "reason"),
    [
        ({"run": Result(125, "no room")}, TRIED, "a copy of it does not start: no room"),
        ({"exec": Result(126, "no sh")}, TRIED[:1], "in a copy of it no shell tries to write: no sh"),
        ({"exec": Result(1, "no rm")}, TRIED[1:2],
         "in a copy of it root cannot remove /srv/site/index.html: no rm"),
    ],
)  # fmt: skip
def test_what_cannot_be_tried_is_skipped(answers: dict[str, Result], judges: tuple[str, ...], reason: str) -> None:
    """With what Docker says."""
    found = tried(Hull(FakeEngine(), answers=answers))
    assert {found[name] for name in judges} == {("skip", (reason,))}


def test_a_copy_that_somebody_removes_is_skipped() -> None:
    """It tells nothing of the container."""

    class Thief(Hull):
        def _answered(self, args: list[str]) -> Result:
            answer = super()._answered(args)
            if args[2] in ("stop", "exec"):
                self.fake.by_name.pop(args[5] if args[3] == "--user" else args[-1], None)
            return answer

    found = tried(Thief(FakeEngine()))
    reason = "a copy of it was removed by somebody else while it was tried"
    assert found["container.stop"] == found["container.health"] == ("skip", (reason,))


def test_where_nothing_can_be_run_nothing_is_tried() -> None:
    """As from a library, with no runner."""
    container = own_container("prod", **RELEASE)
    engine = FakeEngine(container, images={"hello-dock:prod": image("a")})
    wanted = [check for check in catalog.all_checks() if check.id == "container.stop"]
    (verdict,) = catalog.run_checks(subject(engine, container), wanted)
    assert verdict.evidence == ("no copy of the container can be started from here",)
    assert verdict.outcome == "skip"


def test_an_engine_that_goes_away_gives_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the SDK raises goes on to whoever asked for verdicts; both copies are told to go first."""
    hull = Hull(FakeEngine())
    there = hull.fake.container

    def ask(name: str) -> Container | None:
        if "twin" in name:
            raise ConnectionError(name)
        return there(name)

    monkeypatch.setattr(hull.fake, "container", ask)
    with pytest.raises(ConnectionError):
        tried(hull)
    assert [args[2] for args in hull.ran if args[-1].startswith("hello-dock-twin")] == ["rm", "rm"]
