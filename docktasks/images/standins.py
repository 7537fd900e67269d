"""Stand-ins for the base images, made of Debian and npm packages."""

from __future__ import annotations

import platform
import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from docktasks import apt, workspace
from docktasks.app.project import Project
from docktasks.commands import Result, Run
from docktasks.errors import BaseImageError
from docktasks.settings import LABEL

ASSETS = "docktasks/images/bases"
"""Where the Dockerfiles of the stand-ins are, from the checkout."""

STANDIN_PREFIX = f"{LABEL}-base"
"""What the names of stand-ins begin with. They have a label, too, but what is built on one inherits it."""

STANDS_FOR = {"node": "node:lts-alpine", "nginx": "nginx:stable-alpine"}

# The series of today's nginx:stable-alpine, and the long-term support line of node, from where each can be had.
SUITE = "forky"
PACKAGES = ["base-files", "busybox-static", "libatomic1", "libstdc++6", "netbase", "nginx", "tzdata"]
NODE_MAJOR = 26
NPM_MAJOR = 11


def latest_standin(tags: Iterable[str], wanted: str) -> str:
    """Name and tag of the newest stand-in for an image, out of all local ones; empty when there is none."""

    def version(tag: str) -> list[int]:
        return [int(part) for part in re.findall(r"\d+", tag.rpartition(":")[2])]

    names = [f"{STANDIN_PREFIX}-{kind}" for kind, stood_for in STANDS_FOR.items() if stood_for == wanted]
    return max((tag for tag in tags if tag.rpartition(":")[0] in names), key=version, default="")


def rootfs_args(folder: str, mirror: str) -> list[str]:
    """The command that unpacks Debian packages into a tar.

    The suite's lists are past their date on some mirrors; their signatures are checked all the same.
    """
    return [
        "mmdebstrap", "--quiet", "--variant=extract", "--skip=output/dev",
        '--aptopt=Acquire::Check-Valid-Until "false"',
        f"--include={','.join(PACKAGES)}",
        '--extract-hook=chroot "$1" nginx -v',
        SUITE, f"{folder}/rootfs.tar", *([mirror] if mirror else []),
    ]  # fmt: skip


def pack_args(folder: str, machine: str) -> list[str]:
    """The command that fetches node (npm has the official binary as a package) and npm for a machine's architecture."""
    architecture = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(machine.lower())
    if architecture is None:
        raise BaseImageError(
            f"A stand-in cannot be made for {machine}.",
            "npm has node for x86_64 and arm64 alone.",
            "Load the images by hand: docker image load, then INVOKE_BASES_SOURCE=registry",
        )
    packages = [f"node-linux-{architecture}@{NODE_MAJOR}", f"npm@{NPM_MAJOR}"]
    return ["npm", "pack", "--silent", "--pack-destination", folder, *packages]


def standin_args(folder: str, kind: str, version: str) -> list[str]:
    """The command that makes one stand-in from what is in the folder."""
    return [
        "docker", "image", "build", "--file", f"{ASSETS}/{kind}/Dockerfile", "--build-context", f"bases={ASSETS}",
        "--build-arg", f"{kind.upper()}_VERSION={version}",
        "--tag", f"{STANDIN_PREFIX}-{kind}:{version}", folder,
    ]  # fmt: skip


def build_all(project: Project) -> dict[str, str]:
    """Make both stand-ins anew; their names and tags, by the image each stands in for. Raises BaseImageError."""
    if not project.dry:
        _ensure_tools(project.run)
    with tempfile.TemporaryDirectory(
        prefix="bases-", dir=None if project.dry else workspace.cache_folder(project.settings)
    ) as path:
        folder = f"{workspace.cache_path(project.settings)}/{Path(path).name}"
        unpacked = _run_or_raise(project.run, rootfs_args(folder, apt.debian_mirror()))
        packed = _run_or_raise(project.run, pack_args(folder, platform.machine()))
        versions = {
            "node": _version(r"^node-linux-\w+-([\d.]+)\.tgz", packed),
            "nginx": _version(r"nginx/([\d.]+)", unpacked),
        }
        for kind, version in versions.items():
            _run_or_raise(project.run, standin_args(folder, kind, version))
    return {STANDS_FOR[kind]: f"{STANDIN_PREFIX}-{kind}:{version}" for kind, version in versions.items()}


def _version(pattern: str, result: Result) -> str:
    found = re.search(pattern, result.output, flags=re.MULTILINE)
    return found.group(1) if found else "latest"


def _run_or_raise(run: Run, args: list[str]) -> Result:
    result = run(args)
    if not result.ok:
        raise BaseImageError(
            "A stand-in for a base image could not be made.",
            f"{args[0]} failed.",
            "Mend what it says, or bring the real images: docker image load, then INVOKE_BASES_SOURCE=registry",
            evidence=result.tail(10),
        )
    return result


def _ensure_tools(run: Run) -> None:
    """Install mmdebstrap where that is possible; npm must be there. Raises BaseImageError."""
    debian = {"debian", "ubuntu"} & {apt.os_release().get("ID"), *apt.os_release().get("ID_LIKE", "").split()}
    if not shutil.which("mmdebstrap") and debian:
        apt.apt_install(run, ["mmdebstrap", "debian-archive-keyring"])
    missing = [tool for tool in ("mmdebstrap", "npm") if not shutil.which(tool)]
    if missing:
        raise BaseImageError(
            f"A stand-in cannot be made: {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed.",
            "It is made of Debian packages, unpacked by mmdebstrap, and of node as npm's packages have it.",
            "Install what is missing (Debian, Ubuntu: apt-get install mmdebstrap npm), or reach a registry",
        )
