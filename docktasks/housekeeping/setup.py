"""Install and start a Docker engine with Debian's or Ubuntu's packages. Elsewhere say what to do by hand."""

from __future__ import annotations

import platform
import shutil
import tempfile
from pathlib import Path
from string import Template

from docktasks import waiting
from docktasks.apt import apt_install, as_root, can_be_root, debian_mirror, is_debian_like, os_release
from docktasks.commands import Run, output_of
from docktasks.engine import connect
from docktasks.engine.client import DockerEngine
from docktasks.errors import EngineError, NoEngineError, SetupError, UnfitError
from docktasks.progress import Progress

PACKAGES = ["docker.io", "docker-cli", "docker-buildx", "containerd"]
LOG_FILE = Path("/var/log/dockerd.log")
PID_FILES = [Path("/var/run/docker.pid"), Path("/var/run/docker/containerd/containerd.pid")]
START_TIMEOUT_S = 60

TRIXIE = Path(__file__).with_name("trixie")
"""The folder with files for /etc/apt.

Debian 12 has Docker Engine 20.10, which is too old. The engine comes from Debian 13, and so do packages that it needs
and that Debian 12 lacks. No other package is preferred from there, and no installed package is upgraded
(man 5 apt_preferences, "How APT Interprets Priorities").
"""


def ensure_engine(run: Run, progress: Progress) -> str:
    """Install and start an engine where none answers. Return a line that names it. Raises SetupError or EngineError."""
    if not run.dry:
        engine = _connect()
        if engine is not None:
            if not buildx_version():
                _add_buildx(run, engine)
                progress("installed buildx")
            return f"Docker Engine {engine.version} answers. BuildKit: buildx {buildx_version()}."
    if not (shutil.which("dockerd") and buildx_version()):
        _install(run, [*PACKAGES, "iptables", "ca-certificates"])
        progress("installed a Docker engine")
    _start(run)
    progress("started the Docker engine")
    return "Dry run: not checked whether this is needed." if run.dry else ensure_engine(run, progress)


def _connect() -> DockerEngine | None:
    """Return the engine that answers; None when this task may install or start one. Raises SetupError otherwise."""
    try:
        return connect.connect()
    except EngineError as error:
        if isinstance(error, NoEngineError) and _is_supported() and _may_install():
            return None
        raise SetupError(error.what, error.why, _advice(error), error.evidence) from error


def buildx_version() -> str:
    """Return the version of the CLI's plugin buildx; empty when there is none. Only the CLI knows it."""
    return "".join(output_of(["docker", "buildx", "version"]).split()[1:2])


def _add_buildx(run: Run, engine: DockerEngine) -> None:
    """Install buildx for an engine that answers, when the engine is a package of the distribution."""
    if Path("/usr/share/doc/docker.io").exists() and _may_install():
        _install(run, ["docker-buildx"])
    if not buildx_version():
        raise EngineError(
            f"Docker Engine {engine.version} answers, but the docker CLI has no buildx.",
            "A build needs BuildKit, which the CLI reaches through its plugin buildx.",
            "Install it (Debian, Ubuntu: apt-get install docker-buildx; "
            "else https://docs.docker.com/build/install-buildx/)",
        )


def _is_supported() -> bool:
    """Return True on Debian and Ubuntu; False on WSL without an engine, where the user should start Docker Desktop."""
    if platform.system() != "Linux" or not is_debian_like():
        return False
    return not _is_wsl() or bool(shutil.which("dockerd"))


def _may_install() -> bool:
    """Return True when the local engine is selected, and root's rights need no password."""
    return not connect.selected_engine() and can_be_root()


def _install(run: Run, packages: list[str]) -> None:
    release = os_release()
    if release.get("ID") == "debian" and release.get("VERSION_CODENAME") == "bookworm":
        _add_trixie(run)
    elif release.get("ID") == "ubuntu":
        packages = [name for name in packages if name != "docker-cli"]  # Ubuntu's docker.io has the CLI
    apt_install(run, packages)


def _add_trixie(run: Run) -> None:
    """Let apt install the engine from Debian 13."""
    mirror = debian_mirror()
    if not mirror:
        raise SetupError(
            "apt has no mirror for Debian 12.",
            "The engine comes from the next Debian release on the same mirror.",
            "Restore /etc/apt/sources.list.d/debian.sources, run apt-get update, then try again: invoke setup",
        )
    with tempfile.TemporaryDirectory() as folder:
        for template in sorted(TRIXIE.glob("*/*"), reverse=True):
            path, text = "/etc/apt" / template.relative_to(TRIXIE), Template(template.read_text(encoding="utf-8"))
            source = Path(folder) / path.name
            source.write_text(text.substitute(mirror=mirror, packages=" ".join(PACKAGES)))
            run([*as_root(), "install", "-m", "0644", str(source), str(path)])


def _start(run: Run) -> None:
    """Start the engine, and wait until it answers. Raises SetupError with the engine's last log lines."""
    if Path("/run/systemd/system").exists():
        run([*as_root(), "systemctl", "enable", "--now", "docker"])
    else:
        _start_without_systemd(run)
    if run.dry:
        return
    probe = waiting.wait_until(_engine_ready, limit=START_TIMEOUT_S, interval=0.2)
    if not probe.ready:
        raise SetupError(
            f"The Docker engine does not answer within {START_TIMEOUT_S} s.",
            probe.status,
            f"Correct what its log says ({LOG_FILE}, or journalctl -u docker), then try again: invoke setup",
            evidence="\n".join(LOG_FILE.read_text().splitlines()[-10:]) if LOG_FILE.exists() else "",
        )


def _start_without_systemd(run: Run) -> None:
    prefix = as_root()
    for pid_file in PID_FILES:
        if not run.dry and _is_stale(pid_file):
            run([*prefix, "rm", "--force", str(pid_file)])
    run([*prefix, "sh", "-c", f"exec setsid dockerd >>{LOG_FILE} 2>&1 </dev/null &"])


def _is_stale(pid_file: Path) -> bool:
    """Return True when no engine has the recorded pid. dockerd does not start while another process has that pid."""
    try:
        name = Path(f"/proc/{int(pid_file.read_text())}/comm").read_text().strip()
    except FileNotFoundError:
        return pid_file.exists()
    except (ValueError, OSError):
        return True
    return name not in ("dockerd", "containerd")


def _engine_ready() -> waiting.Probe:
    try:
        connect.connect()
    except EngineError as error:
        return waiting.Probe(ready=False, status=error.what)
    return waiting.Probe(ready=True)


def _advice(error: EngineError) -> str:
    """Return what the user can do about an engine that cannot be used."""
    if isinstance(error, UnfitError):  # it runs already
        return error.how
    if selected := connect.selected_engine():
        return f"Start the engine at {selected}, or choose the local one: unset DOCKER_HOST DOCKER_CONTEXT"
    if not isinstance(error, NoEngineError):  # permission denied: the error's own advice fits every machine
        return error.how
    if platform.system() == "Windows":
        return "Start Docker Desktop (https://docs.docker.com/desktop/), and work inside WSL 2"
    return _advice_for_macos() if platform.system() == "Darwin" else _advice_for_linux()


def _advice_for_macos() -> str:
    if shutil.which("colima"):
        return "Start it: colima start"
    if Path("/Applications/Docker.app").exists():
        return "Start it: open -a Docker"
    return "Install Docker Desktop (https://docs.docker.com/desktop/), or: brew install colima docker && colima start"


def _advice_for_linux() -> str:
    if shutil.which("dockerd"):
        return "Start it: sudo systemctl enable --now docker (without systemd: sudo dockerd)"
    if _is_wsl():
        return "Start Docker Desktop, and turn on WSL integration for this distribution in its settings"
    if is_debian_like():
        return "Let sudo ask for your password first, then try again: sudo true && invoke setup"
    return "Install it: https://docs.docker.com/engine/install/"


def _is_wsl() -> bool:
    """Return True in a distribution of the Windows Subsystem for Linux."""
    return "microsoft" in platform.release().lower()
