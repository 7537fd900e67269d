"""What `invoke setup` does: makes sure of a Docker engine with BuildKit, and of a Chromium where asked.

It installs on Debian and Ubuntu, from the distribution; anywhere else it says exactly what to do, by what it sees.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from docktasks import waiting
from docktasks.apt import apt_install, as_root, debian_mirror, is_root, os_release, sudo_works
from docktasks.commands import Run
from docktasks.engine import connect
from docktasks.engine.client import DockerEngine
from docktasks.errors import EngineError, NoEngineError, SetupError, UnfitError
from docktasks.verify.probes.chromium_path import find_chromium

PACKAGES = ["docker.io", "docker-cli", "docker-buildx", "containerd"]
LOG = Path("/var/log/dockerd.log")
PIDS = [Path("/var/run/docker.pid"), Path("/var/run/docker/containerd/containerd.pid")]

# Debian 12's own engine is 20.10. Of the next release only these packages are ever preferred; a package that 12 lacks
# and they need may come too, and nothing installed moves (man 5 apt_preferences, "How APT Interprets Priorities").
TRIXIE_SOURCE = """\
Types: deb
URIs: {mirror}
Suites: trixie
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""
TRIXIE_PINS = f"""\
Package: *
Pin: release n=trixie
Pin-Priority: 50

Package: {" ".join(PACKAGES)}
Pin: release n=trixie
Pin-Priority: 500
"""


def ensure_engine(run: Run) -> str:
    """Make sure that a Docker engine with BuildKit answers; install and start one where that is ours to do.

    Returns one line that says which. Raises SetupError or EngineError saying what to do by hand.
    """
    if not run.dry:
        try:
            found = connect.connect()
        except EngineError as error:
            if not (_on_debian() and _may_install()) or not isinstance(error, NoEngineError):
                raise SetupError(error.what, error.why, _advice(error), error.evidence) from error
        else:
            if not buildx_version():
                _add_buildx(run, found)
            return f"Docker Engine {found.version} answers; BuildKit through buildx {buildx_version()}."
    if not (shutil.which("dockerd") and buildx_version()):
        _install(run, [*PACKAGES, "iptables", "ca-certificates"])
    _start(run)
    return "Whether this is needed is not asked under --dry." if run.dry else ensure_engine(run)


def buildx_version() -> str:
    """The version of the docker CLI's buildx; empty when there is none. The SDK knows nothing of the CLI."""
    if not shutil.which("docker"):
        return ""
    asked = subprocess.run(["docker", "buildx", "version"], capture_output=True, text=True, check=False)
    return asked.stdout.split()[1] if asked.returncode == 0 else ""


def _add_buildx(run: Run, found: DockerEngine) -> None:
    """Install the CLI's plugin beside an engine that answers, where engine and CLI are the distribution's own."""
    if Path("/usr/share/doc/docker.io").exists() and _may_install():
        _install(run, ["docker-buildx"])
    if not buildx_version():
        raise EngineError(
            f"Docker Engine {found.version} answers, but the docker CLI has no buildx.",
            "Builds need BuildKit, which the CLI reaches through its plugin buildx.",
            "Install it (Debian, Ubuntu: apt-get install docker-buildx; else https://docs.docker.com/build/install-buildx/)",
        )


def _advice(error: EngineError) -> str:  # noqa: PLR0911 - one line a kind of machine
    """What to do about an engine that does not answer, by what this machine is."""
    chosen = os.environ.get("DOCKER_HOST") or os.environ.get("DOCKER_CONTEXT")
    installed = shutil.which("dockerd")
    if isinstance(error, UnfitError):
        return error.how  # it is started
    if chosen:
        return f"Start the engine at {chosen}, or choose the local one: unset DOCKER_HOST DOCKER_CONTEXT"
    if not isinstance(error, NoEngineError):
        return error.how  # no permission: the error's own advice fits any machine
    if platform.system() == "Darwin":
        return _advice_for_macos()
    if platform.system() == "Windows":
        return "Start Docker Desktop (https://docs.docker.com/desktop/), and work inside WSL 2"
    if "microsoft" in platform.release().lower() and not installed:
        return "Start Docker Desktop, and turn on WSL integration for this distribution in its settings"
    if installed:
        return "Start it: sudo systemctl enable --now docker (without systemd: sudo dockerd)"
    if _on_debian():
        return "Have sudo ask for your password first, then again: sudo true && invoke setup"
    return "Install it: https://docs.docker.com/engine/install/"


def _advice_for_macos() -> str:
    if shutil.which("colima"):
        return "Start it: colima start"
    if Path("/Applications/Docker.app").exists():
        return "Start it: open -a Docker"
    return "Install Docker Desktop (https://docs.docker.com/desktop/), or: brew install colima docker && colima start"


def _on_debian() -> bool:
    """True on Debian, Ubuntu and their kin, apart from WSL without an engine, which Docker Desktop serves better."""
    kin = {"debian", "ubuntu"} & {os_release().get("ID"), *os_release().get("ID_LIKE", "").split()}
    if platform.system() != "Linux" or not kin:
        return False
    return "microsoft" not in platform.release().lower() or bool(shutil.which("dockerd"))


def _may_install() -> bool:
    """True when an engine on this machine is wanted, and we may become root without asking."""
    elsewhere = os.environ.get("DOCKER_HOST") or os.environ.get("DOCKER_CONTEXT")
    return not elsewhere and (is_root() or sudo_works())


def _install(run: Run, packages: list[str]) -> None:
    release = os_release()
    if release.get("ID") == "debian" and release.get("VERSION_CODENAME") == "bookworm":
        _add_trixie(run)
    elif release.get("ID") == "ubuntu":
        packages = [name for name in packages if name != "docker-cli"]  # Ubuntu's docker.io carries the CLI
    apt_install(run, packages)


def _add_trixie(run: Run) -> None:
    mirror = debian_mirror()
    if not mirror:
        raise SetupError(
            "apt has no mirror for Debian 12.",
            "The engine comes from the next Debian release on the same mirror.",
            "Restore /etc/apt/sources.list.d/debian.sources, run apt-get update, then again: invoke setup",
        )
    files = {
        "/etc/apt/sources.list.d/hello-dock.sources": TRIXIE_SOURCE.format(mirror=mirror),
        "/etc/apt/preferences.d/hello-dock": TRIXIE_PINS,
    }
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            made = Path(folder) / Path(path).name
            made.write_text(text)
            run([*as_root(), "install", "-m", "0644", str(made), path])


def _start(run: Run) -> None:
    prefix = as_root()
    if Path("/run/systemd/system").exists():
        run([*prefix, "systemctl", "enable", "--now", "docker"])
    else:
        for pid_file in PIDS:
            if not run.dry and _is_stale(pid_file):
                run([*prefix, "rm", "--force", str(pid_file)])
        run([*prefix, "sh", "-c", f"exec setsid dockerd >>{LOG} 2>&1 </dev/null &"])
    if run.dry:
        return
    look = waiting.wait_until(_answering, limit=60, interval=0.2)
    if not look.ready:
        raise SetupError(
            "The Docker engine does not come up within 60 s.",
            look.status,
            f"Mend what its log says ({LOG}, or journalctl -u docker), then again: invoke setup",
            evidence="\n".join(LOG.read_text().splitlines()[-10:]) if LOG.exists() else "",
        )


def _is_stale(pid_file: Path) -> bool:
    """True when no engine runs under the recorded pid: dockerd refuses to start while any process has it."""
    try:
        name = Path(f"/proc/{int(pid_file.read_text())}/comm").read_text().strip()
    except FileNotFoundError:
        return pid_file.exists()
    except (ValueError, OSError):
        return True
    return name not in ("dockerd", "containerd")


def _answering() -> waiting.Probe:
    try:
        connect.connect()
    except EngineError as error:
        return waiting.Probe(ready=False, status=error.what)
    return waiting.Probe(ready=True)


def ensure_browser(run: Run, configured: str = "") -> str:
    """Make sure of a Chromium: what is there, else Debian's package, else Playwright's. One line that says which.

    Raises SetupError when none can be had.
    """
    found = "" if run.dry else find_chromium(configured)
    if found:
        return f"Chromium: {found}"
    if os_release().get("ID") == "debian" and (is_root() or sudo_works()):
        apt_install(run, ["chromium", "fonts-dejavu-core"])
    else:
        run(["playwright", "install", "chromium"])
    found = "" if run.dry else find_chromium(configured)
    if not found and not run.dry:
        raise SetupError(
            "No Chromium could be installed.",
            "The browser checks and the README's pictures need one.",
            "Install Chromium or Chrome, or name one: INVOKE_BROWSER_EXECUTABLE=/path/to/chromium",
        )
    return f"Chromium: {found}"
