"""Build stand-ins for the two base images, from Debian and npm packages."""

from __future__ import annotations

import platform
import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from docktasks import apt, resources, workspace
from docktasks.app.project import Project
from docktasks.commands import Result, Run
from docktasks.errors import BaseImageError
from docktasks.images.references import familiar
from docktasks.labels import LABEL, STANDIN_PREFIX

ASSETS = f"{resources.IMAGES}/bases"
"""The folder with the Dockerfiles of the stand-ins, from a checkout's root."""

STANDIN_LABEL = f"{LABEL}.standin"

STANDS_FOR = {"node": "node:lts-alpine", "nginx": "nginx:stable-alpine"}

# The Debian suite that has the same nginx series as nginx:stable-alpine, and the LTS version of node (2026-11).
SUITE = "forky"
DATABASE = (
    'cd "$1/var/cache/apt/archives" && mkdir -p "$1/var/lib/dpkg/status.d" && for deb in *.deb; do '
    'file="$1/var/lib/dpkg/status.d/${deb%%_*}"; dpkg-deb --field "$deb" >"$file" && '
    'dpkg-deb --fsys-tarfile "$deb" | tar --list >"$file.list"; done'
)
"""Writes what dpkg would know of each package, which root.sh keeps for an SBOM. Nothing is installed here."""
PACKAGES = ["base-files", "busybox-static", "libatomic1", "libstdc++6", "netbase", "nginx", "tzdata"]
NODE_MAJOR = 26
NPM_MAJOR = 11


def latest_standin(tags: Iterable[str], reference: str) -> str:
    """Return name and tag of the newest stand-in for a base image, out of all local tags; empty when there is none."""

    def version(tag: str) -> list[int]:
        return [int(part) for part in re.findall(r"\d+", tag.rpartition(":")[2])]

    names = [f"{STANDIN_PREFIX}-{kind}" for kind, image in STANDS_FOR.items() if image == familiar(reference)]
    return max((tag for tag in tags if tag.rpartition(":")[0] in names), key=version, default="")


def rootfs_args(folder: str, mirror: str) -> list[str]:
    """Return the command that unpacks Debian packages into a tar in a folder. An empty mirror is Debian's own."""
    return [
        "mmdebstrap", "--quiet", "--variant=extract", "--skip=output/dev",
        '--aptopt=Acquire::Check-Valid-Until "false"',  # some mirrors are late; signatures are still checked
        f"--include={','.join(PACKAGES)}",
        '--extract-hook=chroot "$1" nginx -v', f"--extract-hook={DATABASE}",
        SUITE, f"{folder}/rootfs.tar", *([mirror] if mirror else []),
    ]  # fmt: skip


def pack_args(folder: str, machine: str) -> list[str]:
    """Return the command that fetches npm and the node of a machine (platform.machine()). Raises BaseImageError."""
    architecture = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(machine.lower())
    if architecture is None:
        raise BaseImageError(
            f"A stand-in cannot be built for {machine}.",
            "npm has node only for x86_64 and arm64.",
            "Load the images by hand: docker image load, then INVOKE_BASES_SOURCE=registry",
        )
    packages = [f"node-linux-{architecture}@{NODE_MAJOR}", f"npm@{NPM_MAJOR}"]
    return ["npm", "pack", "--silent", "--pack-destination", folder, *packages]


def standin_args(folder: str, kind: str, version: str, assets: str = ASSETS) -> list[str]:
    """Return the command that builds the stand-in of a kind, `node` or `nginx`, from the files in a folder."""
    return [
        "docker", "image", "build", "--file", f"{assets}/{kind}/Dockerfile", "--build-context", f"bases={assets}",
        "--build-arg", f"{kind.upper()}_VERSION={version}",
        "--tag", f"{STANDIN_PREFIX}-{kind}:{version}", folder,
    ]  # fmt: skip


def build_all(project: Project) -> dict[str, str]:
    """Build both stand-ins, and return the tag of each by the image that it replaces. Raises BaseImageError."""
    project.engine.image(STANDS_FOR["node"])  # asked so that nothing is fetched where no engine answers
    if not project.dry:
        _ensure_tools(project.run)
    root = project.settings.root
    cache = None if project.dry else workspace.cache_folder(root)
    with tempfile.TemporaryDirectory(prefix="bases-", dir=cache) as path:
        folder = f"{workspace.cache_path(root)}/{Path(path).name}"
        rootfs = _run(project, rootfs_args(folder, apt.debian_mirror()))
        project.progress("fetched Debian packages")
        packed = _run(project, pack_args(folder, platform.machine()))
        project.progress("fetched node and npm")
        versions = {
            "node": _version(r"^node-linux-\w+-([\d.]+)\.tgz", packed),
            "nginx": _version(r"nginx/([\d.]+)", rootfs),
        }
        for kind, version in versions.items():
            _run(project, standin_args(folder, kind, version, resources.shown(root, ASSETS)))
            project.progress(f"built {STANDIN_PREFIX}-{kind}:{version}")
    return {STANDS_FOR[kind]: f"{STANDIN_PREFIX}-{kind}:{version}" for kind, version in versions.items()}


def listed(project: Project) -> list[str]:
    """Build both stand-ins, and return a line for each. Raises BaseImageError."""
    return [f"{standin} is a stand-in for {image}" for image, standin in build_all(project).items()]


def _version(pattern: str, result: Result) -> str:
    """Return the version that a command printed; `latest` under --dry, where it printed nothing."""
    version = re.search(pattern, result.output, flags=re.MULTILINE)
    return version.group(1) if version else "latest"


def _run(project: Project, args: list[str]) -> Result:
    what, why = "A stand-in for a base image could not be built.", f"{args[0]} failed."
    how = "Correct what it says, or load the real images: docker image load, then INVOKE_BASES_SOURCE=registry"
    return project.run_or_raise(args, BaseImageError(what, why, how), quiet=False)


def _ensure_tools(run: Run) -> None:
    """Install mmdebstrap with apt where it is missing. Raises BaseImageError when it, or npm, is still missing."""
    if not shutil.which("mmdebstrap") and apt.is_debian_like():
        apt.apt_install(run, ["mmdebstrap", "debian-archive-keyring"])
    missing = [tool for tool in ("mmdebstrap", "npm") if not shutil.which(tool)]
    if missing:
        raise BaseImageError(
            f"No stand-in can be built: {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed.",
            "mmdebstrap unpacks its Debian packages, and npm fetches node.",
            "Install what is missing (Debian, Ubuntu: apt-get install mmdebstrap npm), or reach a registry",
        )
