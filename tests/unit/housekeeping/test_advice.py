from __future__ import annotations

import platform

import pytest

from docktasks.errors import SetupError
from docktasks.housekeeping import setup
from docktasks.progress import Progress
from tests.unit.fakes.machines import ABSENT, BOOKWORM, DENIED, FEDORA, UBUNTU, Machine
from tests.unit.fakes.runner import Runner

SILENT = Progress(silent=True)


def setup_error(run: Runner | None = None) -> SetupError:
    """Return the error that `invoke setup` ends with. Nothing is installed before it."""
    run = run or Runner()
    with pytest.raises(SetupError) as caught:
        setup.ensure_engine(run, SILENT)
    assert run.ran == []
    return caught.value


@pytest.mark.parametrize("name", ["DOCKER_HOST", "DOCKER_CONTEXT"])
@pytest.mark.parametrize("refusal", [ABSENT, DENIED])
def test_selected_engine_is_started_by_the_user(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, name: str, refusal: str
) -> None:
    """The advice names the selection, and the way back to the local engine. Nothing is installed."""
    monkeypatch.setenv(name, "tcp://build.example:2376")
    machine(refusal=refusal)
    how = setup_error().how
    assert "tcp://build.example:2376" in how
    assert "unset DOCKER_HOST DOCKER_CONTEXT" in how


def test_unsupported_engine_keeps_its_own_advice(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such an engine runs, so it needs no start."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://build.example:2376")
    machine(refusal="API version 1.23 is too old for this SDK")
    assert setup_error().how.startswith("Upgrade it")


def test_permission_error_keeps_its_own_advice(machine: Machine) -> None:
    """The user has to join a group. No engine has to be installed."""
    machine("dockerd", refusal=DENIED)
    assert "sudo usermod -aG docker $USER" in setup_error().how


@pytest.mark.parametrize(
    ("installed", "paths", "how"),
    [
        (("colima",), (), "Start it: colima start"),
        (("colima",), ("/Applications/Docker.app",), "Start it: colima start"),
        ((), ("/Applications/Docker.app",), "Start it: open -a Docker"),
        ((), (), "brew install colima docker && colima start"),
    ],
)
def test_advice_on_macos_starts_what_is_installed(
    machine: Machine, installed: tuple[str, ...], paths: tuple[str, ...], how: str
) -> None:
    """Colima comes before Docker Desktop. The advice names both where neither is installed."""
    machine(*installed, system="Darwin", paths=paths, uid=501)
    assert setup_error().how.endswith(how)


def test_advice_on_windows_is_docker_desktop(machine: Machine) -> None:
    """The tasks work inside WSL 2."""
    machine(system="Windows")
    assert "WSL 2" in setup_error().how


def test_advice_in_wsl_without_an_engine_is_docker_desktop(machine: Machine) -> None:
    """Docker Desktop shares its engine with WSL distributions."""
    machine(release=UBUNTU, kernel="5.15.153.1-microsoft-standard-WSL2")
    assert "WSL integration" in setup_error().how


@pytest.mark.parametrize(
    ("installed", "how"),
    [
        (("dockerd",), "Start it: sudo systemctl enable --now docker (without systemd: sudo dockerd)"),
        ((), "Install it: https://docs.docker.com/engine/install/"),
    ],
)
def test_advice_on_other_distributions(machine: Machine, installed: tuple[str, ...], how: str) -> None:
    """hello-dock installs an engine only on Debian and Ubuntu."""
    machine(*installed, release=FEDORA)
    assert setup_error().how == how


def test_advice_without_an_os_release_file(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The general advice is given."""
    machine()

    def missing() -> dict[str, str]:
        raise FileNotFoundError

    monkeypatch.setattr(platform, "freedesktop_os_release", missing)
    assert setup_error().how == "Install it: https://docs.docker.com/engine/install/"


@pytest.mark.parametrize("sudo", ["missing", "asks for a password"])
@pytest.mark.parametrize(
    ("installed", "how"),
    [
        (("dockerd",), "Start it: sudo systemctl enable --now docker (without systemd: sudo dockerd)"),
        ((), "Let sudo ask for your password first, then try again: sudo true && invoke setup"),
    ],
)
def test_advice_without_the_rights_of_root(machine: Machine, sudo: str, installed: tuple[str, ...], how: str) -> None:
    """sudo would wait for a password that it cannot ask for."""
    programs = machine(*installed, uid=1000)
    if sudo != "missing":
        programs.add("sudo", code=1)
    assert setup_error().how == how


def test_debian_12_without_a_mirror_is_an_error(machine: Machine) -> None:
    """apt must know a mirror, because the code names none."""
    machine("apt-get", release=BOOKWORM)
    assert setup_error().what == "apt has no mirror for Debian 12."
