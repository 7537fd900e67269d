from __future__ import annotations

import os
import platform
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import DockerException

from docktasks.commands import Result
from docktasks.errors import DockError, EngineError, SetupError
from docktasks.housekeeping import setup
from docktasks.verify.probes import chromium_path
from tests.unit.fakes.programs import Programs
from tests.unit.fakes.runner import Runner

ABSENT = "Error while fetching server API version: ('Connection aborted.', FileNotFoundError(2, 'No such file'))"
DENIED = "Error while fetching server API version: ('Connection aborted.', PermissionError(13, 'Permission denied'))"
BUILDX = "github.com/docker/buildx v0.13.1 788433953af10f2a698f5c07611dddce2e08c7a0"
BOOKWORM = {"ID": "debian", "VERSION_CODENAME": "bookworm"}
TRIXIE = {"ID": "debian", "VERSION_CODENAME": "trixie"}
UBUNTU = {"ID": "ubuntu", "ID_LIKE": "debian", "VERSION_CODENAME": "noble"}
FEDORA = {"ID": "fedora"}
MIRROR = "http://mirror.example/debian/"
DOCKERD = "sh -c 'exec setsid dockerd >>/var/log/dockerd.log 2>&1 </dev/null &'"


class Answers:
    """What `docker.from_env()` gives: a refusal so many times, then an engine."""

    def __init__(self, message: str, refusals: int) -> None:
        self.message, self.refusals = message, refusals

    def __call__(self) -> Answers:
        """Refuse, or answer."""
        self.refusals -= 1
        if self.refusals >= 0:
            raise DockerException(self.message)
        return self

    @staticmethod
    def version() -> dict[str, str]:
        """Of the engine."""
        return {"Version": "26.1.5", "ApiVersion": "1.45"}


Machine = Callable[..., Programs]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, programs: Programs, tmp_path: Path) -> Machine:
    """Describe a machine: without an engine unless `refusals=0`, as root unless told otherwise, without systemd."""

    def describe(  # noqa: PLR0913 - a machine has many sides
        *installed: str,
        release: dict[str, str] | None = None,
        system: str = "Linux",
        kernel: str = "6.1.0-amd64",
        uid: int = 0,
        refusal: str = ABSENT,
        refusals: int = 1,
        there: tuple[str, ...] = (),
    ) -> Programs:
        for name in installed:
            programs.add(name)
        monkeypatch.setattr(docker, "from_env", Answers(refusal, refusals))
        monkeypatch.setattr(platform, "system", lambda: system)
        monkeypatch.setattr(platform, "release", lambda: kernel)
        monkeypatch.setattr(platform, "freedesktop_os_release", lambda: release or BOOKWORM)
        monkeypatch.setattr(os, "geteuid", lambda: uid)
        monkeypatch.setattr(setup, "PIDS", [tmp_path / "docker.pid", tmp_path / "containerd.pid"])
        decided = {"/run/systemd/system", "/Applications/Docker.app", "/var/log/dockerd.log"}
        exists = Path.exists

        def look(path: Path, **how: Any) -> bool:
            return str(path) in there if str(path) in decided else exists(path, **how)

        monkeypatch.setattr(Path, "exists", look)
        return programs

    return describe


def advised(run: Runner | None = None) -> SetupError:
    """The advice that `invoke setup` ends with; nothing is installed before it."""
    run = run or Runner()
    with pytest.raises(SetupError) as caught:
        setup.ensure_engine(run)
    assert run.ran == []
    return caught.value


def test_an_engine_that_answers_is_left_alone(machine: Machine) -> None:
    """One line says what is there; nothing is installed."""
    machine(refusals=0).add("docker", BUILDX)
    run = Runner()
    assert setup.ensure_engine(run) == "Docker Engine 26.1.5 answers; BuildKit through buildx v0.13.1."
    assert run.ran == []


@pytest.mark.parametrize("where", ["fedora", "macos", "elsewhere"])
def test_an_engine_that_answers_without_buildx_needs_buildx(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """The advice is to install the CLI's plugin, not to start what runs."""
    if where == "elsewhere":
        monkeypatch.setenv("DOCKER_HOST", "tcp://build.example:2376")
    machine(release=FEDORA, system="Darwin" if where == "macos" else "Linux", refusals=0).add("docker", code=1)
    with pytest.raises(DockError, match="has no buildx") as caught:
        setup.ensure_engine(Runner())
    assert "docs.docker.com/build/install-buildx/" in caught.value.how


@pytest.mark.parametrize("name", ["DOCKER_HOST", "DOCKER_CONTEXT"])
@pytest.mark.parametrize("refusal", [ABSENT, DENIED])
def test_an_engine_that_was_chosen_elsewhere_is_the_users_to_start(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, name: str, refusal: str
) -> None:
    """The choice is named, with the way back to the local one; nothing is installed here."""
    monkeypatch.setenv(name, "tcp://build.example:2376")
    machine(refusal=refusal)
    how = advised().how
    assert "tcp://build.example:2376" in how
    assert "unset DOCKER_HOST DOCKER_CONTEXT" in how


def test_an_engine_that_is_unfit_is_not_to_be_started(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs: its own advice stays, chosen or not."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://build.example:2376")
    machine(refusal="API version 1.23 is too old for this SDK")
    assert advised().how.startswith("Upgrade it")


def test_a_socket_that_refuses_needs_a_group_not_an_engine(machine: Machine) -> None:
    """The engine's own advice stays."""
    machine("dockerd", refusal=DENIED)
    assert "sudo usermod -aG docker $USER" in advised().how


@pytest.mark.parametrize(
    ("installed", "there", "how"),
    [
        (("colima",), (), "Start it: colima start"),
        (("colima",), ("/Applications/Docker.app",), "Start it: colima start"),
        ((), ("/Applications/Docker.app",), "Start it: open -a Docker"),
        ((), (), "brew install colima docker && colima start"),
    ],
)
def test_on_macos_what_is_there_is_to_be_started(
    machine: Machine, installed: tuple[str, ...], there: tuple[str, ...], how: str
) -> None:
    """Colima or Docker Desktop, and where there is neither both are named."""
    machine(*installed, system="Darwin", there=there, uid=501)
    assert advised().how.endswith(how)


def test_on_windows_docker_desktop_is_named(machine: Machine) -> None:
    """The tasks work inside WSL 2."""
    machine(system="Windows")
    assert "WSL 2" in advised().how


def test_in_wsl_docker_desktop_lends_its_engine(machine: Machine) -> None:
    """Without an engine of its own a WSL distribution takes Docker Desktop's."""
    machine(release=UBUNTU, kernel="5.15.153.1-microsoft-standard-WSL2")
    assert "WSL integration" in advised().how


def test_in_wsl_an_own_engine_is_started(machine: Machine) -> None:
    """Where dockerd is installed in the distribution, it is that which is meant."""
    machine("dockerd", release=UBUNTU, kernel="5.15.153.1-microsoft-standard-WSL2").add("docker", BUILDX)
    run = Runner()
    setup.ensure_engine(run)
    assert run.lines == [DOCKERD]


@pytest.mark.parametrize(
    ("installed", "how"),
    [
        (("dockerd",), "Start it: sudo systemctl enable --now docker (without systemd: sudo dockerd)"),
        ((), "Install it: https://docs.docker.com/engine/install/"),
    ],
)
def test_on_other_distributions_the_user_is_told_how(machine: Machine, installed: tuple[str, ...], how: str) -> None:
    """We install on Debian and Ubuntu alone."""
    machine(*installed, release=FEDORA)
    assert advised().how == how


def test_without_an_os_release_the_user_is_told_how(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that does not say what it is gets the general advice."""
    machine()

    def missing() -> dict[str, str]:
        raise FileNotFoundError

    monkeypatch.setattr(platform, "freedesktop_os_release", missing)
    assert advised().how == "Install it: https://docs.docker.com/engine/install/"


@pytest.mark.parametrize("sudo", ["missing", "asks for a password"])
@pytest.mark.parametrize(
    ("installed", "how"),
    [
        (("dockerd",), "Start it: sudo systemctl enable --now docker (without systemd: sudo dockerd)"),
        ((), "Have sudo ask for your password first, then again: sudo true && invoke setup"),
    ],
)
def test_without_roots_power_the_user_is_told_how(
    machine: Machine, sudo: str, installed: tuple[str, ...], how: str
) -> None:
    """No task sits waiting for a password that nobody sees."""
    programs = machine(*installed, uid=1000)
    if sudo != "missing":
        programs.add("sudo", code=1)
    assert advised().how == how


class Copying(Runner):
    """Keeps what `install` puts in place, for the temporary files are gone afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, str] = {}

    def __call__(self, args: list[str], *, quiet: bool = False) -> Result:
        """Note the text of a file that is installed."""
        if "install" in args[:2] and "-m" in args:
            self.files[args[-1]] = Path(args[-2]).read_text()
        return super().__call__(args, quiet=quiet)


def test_on_debian_12_the_engine_comes_from_the_next_release(machine: Machine) -> None:
    """Debian 12's own is too old: a source and pins are put in place, then apt installs; word for word."""
    programs = machine(release=BOOKWORM)
    programs.add("apt-get", f"{MIRROR}\n{MIRROR}\n")
    programs.add("docker", BUILDX)
    run = Copying()
    assert setup.ensure_engine(run).startswith("Docker Engine 26.1.5 answers")
    assert [re.sub(r"0644 \S+/", "0644 …/", line) for line in run.lines] == [
        "install -m 0644 …/hello-dock.sources /etc/apt/sources.list.d/hello-dock.sources",
        "install -m 0644 …/hello-dock /etc/apt/preferences.d/hello-dock",
        "apt-get update",
        (
            "apt-get install --yes --no-install-recommends"
            " docker.io docker-cli docker-buildx containerd iptables ca-certificates"
        ),
        DOCKERD,
    ]
    sources = run.files["/etc/apt/sources.list.d/hello-dock.sources"].splitlines()
    assert sources[:3] == ["Types: deb", f"URIs: {MIRROR}", "Suites: trixie"]
    assert sources[-1] == "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg"


def test_on_debian_12_nothing_but_the_engine_is_preferred_from_the_next_release(machine: Machine) -> None:
    """Every other package of it stays below what is installed."""
    machine(release=BOOKWORM).add("apt-get", MIRROR)
    run = Copying()
    with pytest.raises(EngineError):
        setup.ensure_engine(run)
    every, engine = run.files["/etc/apt/preferences.d/hello-dock"].strip().split("\n\n")
    assert every.splitlines() == ["Package: *", "Pin: release n=trixie", "Pin-Priority: 50"]
    assert engine.splitlines() == [
        "Package: docker.io docker-cli docker-buildx containerd",
        "Pin: release n=trixie",
        "Pin-Priority: 500",
    ]


def test_on_debian_12_without_a_mirror_the_user_is_told(machine: Machine) -> None:
    """No mirror is named in the code, so apt must know one."""
    machine("apt-get", release=BOOKWORM)
    assert advised().what == "apt has no mirror for Debian 12."


def test_on_later_debians_the_engine_is_the_distributions(machine: Machine) -> None:
    """No source is added."""
    machine("apt-get", release=TRIXIE).add("docker", BUILDX)
    run = Runner()
    setup.ensure_engine(run)
    assert run.lines == [
        "apt-get update",
        (
            "apt-get install --yes --no-install-recommends"
            " docker.io docker-cli docker-buildx containerd iptables ca-certificates"
        ),
        DOCKERD,
    ]


def test_on_ubuntu_the_cli_comes_with_the_engine(machine: Machine) -> None:
    """There is no package docker-cli, and sudo is used where the user is not root."""
    programs = machine("apt-get", "sudo", release=UBUNTU, uid=1000)
    programs.add("docker", BUILDX)
    run = Runner()
    setup.ensure_engine(run)
    assert run.lines == [
        "sudo --non-interactive apt-get update",
        (
            "sudo --non-interactive apt-get install --yes --no-install-recommends"
            " docker.io docker-buildx containerd iptables ca-certificates"
        ),
        f"sudo --non-interactive {DOCKERD}",
    ]


@pytest.mark.parametrize("command", ["apt-get update", "apt-get install"])
def test_when_apt_fails_its_last_lines_are_shown(machine: Machine, command: str) -> None:
    """Nothing is started after it."""
    machine(release=TRIXIE)
    run = Runner(answers={command: Result(100, "Err:1 http://mirror.example trixie InRelease\nE: Unable to fetch\n")})
    with pytest.raises(SetupError, match=r"Installing docker\.io, .* failed") as caught:
        setup.ensure_engine(run)
    assert caught.value.evidence.endswith("E: Unable to fetch")
    assert run.lines[-1].startswith(command)


def test_an_engine_that_is_installed_is_started_only(machine: Machine) -> None:
    """Without systemd it is started in a session of its own."""
    machine("dockerd").add("docker", BUILDX)
    run = Runner()
    setup.ensure_engine(run)
    assert run.lines == [DOCKERD]


def test_with_systemd_the_engine_is_its_service(machine: Machine) -> None:
    """It is there after a restart of the machine, too."""
    machine("dockerd", there=("/run/systemd/system",)).add("docker", BUILDX)
    run = Runner()
    setup.ensure_engine(run)
    assert run.lines == ["systemctl enable --now docker"]


def test_an_engine_without_buildx_is_completed(machine: Machine) -> None:
    """Both are needed, so apt is asked for all of it."""
    machine("dockerd", release=TRIXIE).add("docker", code=1)
    run = Runner()
    with pytest.raises(EngineError, match="has no buildx"):
        setup.ensure_engine(run)
    assert run.lines[0] == "apt-get update"


@pytest.mark.parametrize(
    ("recorded", "stale"),
    [("4194305\n", True), ("", True), ("no number", True), (f"{os.getpid()}", True), (None, False)],
    ids=["no such process", "empty", "garbage", "another program", "no file"],
)
def test_a_stale_pid_file_is_removed_before_the_start(
    machine: Machine, tmp_path: Path, recorded: str | None, *, stale: bool
) -> None:
    """The engine refuses to start while any process has the pid that an earlier one recorded."""
    machine("dockerd").add("docker", BUILDX)
    if recorded is not None:
        (tmp_path / "docker.pid").write_text(recorded)
    run = Runner()
    setup.ensure_engine(run)
    removed = [f"rm --force {tmp_path / 'docker.pid'}"] if stale else []
    assert run.lines == [*removed, DOCKERD]


@pytest.mark.skipif(not Path("/proc/self/comm").exists(), reason="a process is renamed through Linux's /proc")
@pytest.mark.parametrize("name", ["dockerd", "containerd"])
def test_a_living_engines_pid_file_stays(machine: Machine, tmp_path: Path, name: str) -> None:
    """It is not ours to disturb one that is only slow to answer."""
    machine("dockerd").add("docker", BUILDX)
    (tmp_path / "docker.pid").write_text(f"{os.getpid()}\n")
    comm = Path(f"/proc/{os.getpid()}/comm")
    before = comm.read_text()
    run = Runner()
    try:
        comm.write_text(name)
        setup.ensure_engine(run)
    finally:
        comm.write_text(before)
    assert run.lines == [DOCKERD]


def test_a_dry_setup_asks_no_engine_and_shows_the_commands(machine: Machine) -> None:
    """Under --dry nothing is waited for, and nothing put in place."""
    machine("apt-get", release=TRIXIE, refusals=99)
    run = Runner(dry=True)
    assert setup.ensure_engine(run) == "Whether this is needed is not asked under --dry."
    assert [shlex.split(line)[0] for line in run.lines] == ["apt-get", "apt-get", "sh"]


def test_the_configured_browser_is_taken_first(programs: Programs) -> None:
    """A name on PATH or a path; else the first of the usual ones."""
    usual, own = programs.add("google-chrome"), programs.add("my-chromium")
    assert chromium_path.find_chromium() == str(usual)
    assert chromium_path.find_chromium("my-chromium") == str(own)
    assert chromium_path.find_chromium(str(own)) == str(own)
    assert chromium_path.find_chromium("/nowhere/chromium") == str(usual)


def test_a_browser_that_is_there_is_left_alone(programs: Programs) -> None:
    """One line says which."""
    found = programs.add("chromium")
    run = Runner()
    assert setup.ensure_browser(run) == f"Chromium: {found}"
    assert run.ran == []


def test_on_debian_the_browser_is_a_package(machine: Machine) -> None:
    """With a font, without which a page shows boxes."""
    machine(release=TRIXIE)
    run = Runner(dry=True)
    setup.ensure_browser(run)
    assert run.lines == [
        "apt-get update",
        "apt-get install --yes --no-install-recommends chromium fonts-dejavu-core",
    ]


@pytest.mark.parametrize(("release", "uid"), [(FEDORA, 0), (UBUNTU, 0), (TRIXIE, 1000)])
def test_elsewhere_the_browser_is_playwrights_own(machine: Machine, release: dict[str, str], uid: int) -> None:
    """Ubuntu's package is a snap, and without root no package comes at all."""
    machine(release=release, uid=uid)
    run = Runner(dry=True)
    setup.ensure_browser(run)
    assert run.lines == ["playwright install chromium"]
