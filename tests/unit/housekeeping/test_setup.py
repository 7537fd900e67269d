from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

from docktasks.commands import Result
from docktasks.errors import DockError, EngineError, SetupError
from docktasks.housekeeping import setup
from docktasks.progress import Progress
from tests.unit.fakes.machines import BOOKWORM, BUILDX, FEDORA, TRIXIE, UBUNTU, Machine
from tests.unit.fakes.runner import Runner

SILENT = Progress(silent=True)

MIRROR = "http://mirror.example/debian/"


DOCKERD = "sh -c 'exec setsid dockerd >>/var/log/dockerd.log 2>&1 </dev/null &'"


def test_engine_that_answers_is_used(machine: Machine) -> None:
    """Nothing is installed, and the line names the engine and buildx."""
    machine(refusals=0).add("docker", BUILDX)
    run = Runner()
    assert setup.ensure_engine(run, SILENT) == "Docker Engine 26.1.5 answers. BuildKit: buildx v0.13.1."
    assert run.ran == []


@pytest.mark.parametrize("where", ["fedora", "macos", "elsewhere"])
def test_missing_buildx_on_an_unsupported_machine_is_an_error(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """The advice is to install the plugin. The engine runs already."""
    if where == "elsewhere":
        monkeypatch.setenv("DOCKER_HOST", "tcp://build.example:2376")
    machine(release=FEDORA, system="Darwin" if where == "macos" else "Linux", refusals=0).add("docker", code=1)
    with pytest.raises(DockError, match="has no buildx") as caught:
        setup.ensure_engine(Runner(), SILENT)
    assert "docs.docker.com/build/install-buildx/" in caught.value.how


def test_installed_engine_in_wsl_is_started(machine: Machine) -> None:
    """An engine in the distribution comes before Docker Desktop."""
    machine("dockerd", release=UBUNTU, kernel="5.15.153.1-microsoft-standard-WSL2").add("docker", BUILDX)
    run = Runner()
    setup.ensure_engine(run, SILENT)
    assert run.lines == [DOCKERD]


class CopyingRunner(Runner):
    """Keeps the content of the files that `install` copies, because the temporary files are removed afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, str] = {}

    def __call__(self, args: list[str], *, quiet: bool = False) -> Result:
        """Keep the text of a file that is installed."""
        if "install" in args[:2] and "-m" in args:
            self.files[args[-1]] = Path(args[-2]).read_text()
        return super().__call__(args, quiet=quiet)


def test_debian_12_gets_the_engine_of_the_next_release(machine: Machine) -> None:
    """Debian 12's own engine is too old. A source and pins are put in place before apt runs."""
    programs = machine(release=BOOKWORM)
    programs.add("apt-get", f"{MIRROR}\n{MIRROR}\n")
    programs.add("docker", BUILDX)
    run = CopyingRunner()
    assert setup.ensure_engine(run, SILENT).startswith("Docker Engine 26.1.5 answers")
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


def test_debian_12_prefers_only_the_engine_of_the_next_release(machine: Machine) -> None:
    """Every other package of that release has a lower priority than what is installed."""
    machine(release=BOOKWORM).add("apt-get", MIRROR)
    run = CopyingRunner()
    with pytest.raises(EngineError):
        setup.ensure_engine(run, SILENT)
    every, engine = run.files["/etc/apt/preferences.d/hello-dock"].strip().split("\n\n")
    assert every.splitlines() == ["Package: *", "Pin: release n=trixie", "Pin-Priority: 50"]
    assert engine.splitlines() == [
        "Package: docker.io docker-cli docker-buildx containerd",
        "Pin: release n=trixie",
        "Pin-Priority: 500",
    ]


def test_debian_13_gets_its_own_engine(machine: Machine) -> None:
    """No source is added."""
    machine("apt-get", release=TRIXIE).add("docker", BUILDX)
    run = Runner()
    setup.ensure_engine(run, SILENT)
    assert run.lines == [
        "apt-get update",
        (
            "apt-get install --yes --no-install-recommends"
            " docker.io docker-cli docker-buildx containerd iptables ca-certificates"
        ),
        DOCKERD,
    ]


def test_ubuntu_has_no_package_docker_cli(machine: Machine) -> None:
    """Its package docker.io has the CLI. sudo is used where the user is not root."""
    programs = machine("apt-get", "sudo", release=UBUNTU, uid=1000)
    programs.add("docker", BUILDX)
    run = Runner()
    setup.ensure_engine(run, SILENT)
    assert run.lines == [
        "sudo --non-interactive apt-get update",
        (
            "sudo --non-interactive apt-get install --yes --no-install-recommends"
            " docker.io docker-buildx containerd iptables ca-certificates"
        ),
        f"sudo --non-interactive {DOCKERD}",
    ]


@pytest.mark.parametrize("command", ["apt-get update", "apt-get install"])
def test_failure_of_apt_is_shown_with_its_last_lines(machine: Machine, command: str) -> None:
    """Nothing is started after it."""
    machine(release=TRIXIE)
    run = Runner(answers={command: Result(100, "Err:1 http://mirror.example trixie InRelease\nE: Unable to fetch\n")})
    with pytest.raises(SetupError, match=r"Installing docker\.io, .* failed") as caught:
        setup.ensure_engine(run, SILENT)
    assert caught.value.evidence.endswith("E: Unable to fetch")
    assert run.lines[-1].startswith(command)


def test_installed_engine_is_started(machine: Machine) -> None:
    """Nothing is installed. Without systemd the engine runs in its own session."""
    machine("dockerd").add("docker", BUILDX)
    run = Runner()
    setup.ensure_engine(run, SILENT)
    assert run.lines == [DOCKERD]


def test_engine_is_a_service_of_systemd(machine: Machine) -> None:
    """A service runs after a restart of the machine, too."""
    machine("dockerd", paths=("/run/systemd/system",)).add("docker", BUILDX)
    run = Runner()
    setup.ensure_engine(run, SILENT)
    assert run.lines == ["systemctl enable --now docker"]


def test_installed_engine_without_buildx_is_installed_again(machine: Machine) -> None:
    """apt installs only the missing packages."""
    machine("dockerd", release=TRIXIE).add("docker", code=1)
    run = Runner()
    with pytest.raises(EngineError, match="has no buildx"):
        setup.ensure_engine(run, SILENT)
    assert run.lines[0] == "apt-get update"


@pytest.mark.parametrize(
    ("recorded", "stale"),
    [("4194305\n", True), ("", True), ("no number", True), (f"{os.getpid()}", True), (None, False)],
    ids=["no such process", "empty", "garbage", "another program", "no file"],
)
def test_stale_pid_file_is_removed_before_the_start(
    machine: Machine, tmp_path: Path, recorded: str | None, *, stale: bool
) -> None:
    """The engine refuses to start while any process has the recorded pid."""
    machine("dockerd").add("docker", BUILDX)
    if recorded is not None:
        (tmp_path / "docker.pid").write_text(recorded)
    run = Runner()
    setup.ensure_engine(run, SILENT)
    removal = [f"rm --force {tmp_path / 'docker.pid'}"] if stale else []
    assert run.lines == [*removal, DOCKERD]


@pytest.mark.skipif(not Path("/proc/self/comm").exists(), reason="a process is renamed through Linux's /proc")
@pytest.mark.parametrize("name", ["dockerd", "containerd"])
def test_pid_file_of_a_running_engine_stays(machine: Machine, tmp_path: Path, name: str) -> None:
    """An engine that is slow to answer is not disturbed."""
    machine("dockerd").add("docker", BUILDX)
    (tmp_path / "docker.pid").write_text(f"{os.getpid()}\n")
    comm = Path(f"/proc/{os.getpid()}/comm")
    before = comm.read_text()
    run = Runner()
    try:
        comm.write_text(name)
        setup.ensure_engine(run, SILENT)
    finally:
        comm.write_text(before)
    assert run.lines == [DOCKERD]


def test_dry_setup_asks_no_engine_and_shows_the_commands(machine: Machine) -> None:
    """A dry run neither waits nor writes a file."""
    machine("apt-get", release=TRIXIE, refusals=99)
    run = Runner(dry=True)
    assert setup.ensure_engine(run, SILENT) == "Dry run: not checked whether this is needed."
    assert [shlex.split(line)[0] for line in run.lines] == ["apt-get", "apt-get", "sh"]
