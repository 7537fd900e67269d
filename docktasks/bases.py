"""Which base images a build uses: the local one, one pulled from its registry, or a stand-in made here.

A stand-in is made of Debian and npm packages where no registry can be reached; bases/ says how. It has a name of its
own and the label `hello-dock.standin`, and whoever gets one is told.
"""

from __future__ import annotations

import platform
import re
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from docktasks import cache, install
from docktasks.answers import Result, Run
from docktasks.engine import Engine, NoEngine
from docktasks.errors import BaseImageError
from docktasks.settings import LABEL, Settings

STANDIN = f"{LABEL}-base"
"""What the names of stand-ins begin with. They have a label, too, but what is built on one inherits it."""

STANDS_FOR = {"node": "node:lts-alpine", "nginx": "nginx:stable-alpine"}

# The series of today's nginx:stable-alpine, and the long-term support line of node, from where each can be had.
SUITE = "forky"
PACKAGES = ["base-files", "busybox-static", "libatomic1", "libstdc++6", "netbase", "nginx", "tzdata"]
NODE_MAJOR = 26
NPM_MAJOR = 11


@dataclass(frozen=True)
class Base:
    """A base image to build on; `notice` tells of a stand-in, and is empty for the real one."""

    reference: str
    notice: str = ""


def resolve(run: Run, engine: Engine | NoEngine, settings: Settings, kind: str) -> Base:
    """The base image of a kind, `node` or `nginx`; pulls or makes it where it is missing. Raises BaseImageError."""
    wanted = _wanted(settings, kind)
    source = settings.bases.source
    found = local(engine, settings, kind)
    if found:
        return found
    if source != "standin":
        if engine.image(wanted):  # by a name that a list does not give, such as a digest
            return Base(wanted)
        pulled = run(["docker", "image", "pull", wanted])
        if pulled.ok:
            return Base(wanted)
        refusal = explain_pull(wanted, pulled, source)
        if refusal:
            raise refusal
    if wanted not in STANDS_FOR.values():
        raise BaseImageError(
            f"No registry is reached, and there is no stand-in for {wanted}.",
            f"Stand-ins are made for {' and '.join(STANDS_FOR.values())}.",
            f"Load the image by hand (docker image load), or leave bases.{kind}_image at its default",
        )
    if source == "auto":
        print(f"! No registry is reached: making a stand-in for {wanted} from Debian and npm packages.", flush=True)
    stood_in = build_all(run, settings)
    engine.tags.update(dict.fromkeys(stood_in.values(), ""))  # both were made: the other kind finds its own
    return _stood_in(wanted, stood_in[wanted])


def local(engine: Engine | NoEngine, settings: Settings, kind: str) -> Base | None:
    """The base image of a kind that is here already; None when it would have to be pulled or made."""
    wanted = _wanted(settings, kind)
    if settings.bases.source != "standin" and wanted in engine.tags:
        return Base(wanted)
    made = newest_standin(engine.tags, wanted)
    return _stood_in(wanted, made) if settings.bases.source != "registry" and made else None


def _wanted(settings: Settings, kind: str) -> str:
    return {"node": settings.bases.node_image, "nginx": settings.bases.nginx_image}[kind]


def _stood_in(wanted: str, made: str) -> Base:
    return Base(made, f"Built on {made}, which stands in for {wanted} (the real one: INVOKE_BASES_SOURCE=registry)")


def newest_standin(tags: Iterable[str], wanted: str) -> str:
    """Name and tag of the newest stand-in for an image, out of all local ones; empty when there is none."""

    def version(tag: str) -> list[int]:
        return [int(part) for part in re.findall(r"\d+", tag.rpartition(":")[2])]

    names = [f"{STANDIN}-{kind}" for kind, stood_for in STANDS_FOR.items() if stood_for == wanted]
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
        "docker", "image", "build", "--file", f"bases/{kind}/Dockerfile", "--build-context", "bases=bases",
        "--build-arg", f"{kind.upper()}_VERSION={version}",
        "--tag", f"{STANDIN}-{kind}:{version}", folder,
    ]  # fmt: skip


def build_all(run: Run, settings: Settings) -> dict[str, str]:
    """Make both stand-ins anew; their names and tags, by the image each stands in for. Raises BaseImageError."""
    if not run.dry:
        _ensure_tools(run)
    with tempfile.TemporaryDirectory(prefix="bases-", dir=None if run.dry else cache.folder(settings)) as path:
        folder = f"{cache.place(settings)}/{Path(path).name}"
        unpacked = _made(run, rootfs_args(folder, install.debian_mirror()))
        packed = _made(run, pack_args(folder, platform.machine()))
        versions = {
            "node": _version(r"^node-linux-\w+-([\d.]+)\.tgz", packed),
            "nginx": _version(r"nginx/([\d.]+)", unpacked),
        }
        for kind, version in versions.items():
            _made(run, standin_args(folder, kind, version))
    return {STANDS_FOR[kind]: f"{STANDIN}-{kind}:{version}" for kind, version in versions.items()}


def _version(pattern: str, result: Result) -> str:
    found = re.search(pattern, result.output, flags=re.MULTILINE)
    return found.group(1) if found else "latest"


def _made(run: Run, args: list[str]) -> Result:
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
    debian = {"debian", "ubuntu"} & {install.os_release().get("ID"), *install.os_release().get("ID_LIKE", "").split()}
    if not shutil.which("mmdebstrap") and debian:
        install.apt_install(run, ["mmdebstrap", "debian-archive-keyring"])
    missing = [tool for tool in ("mmdebstrap", "npm") if not shutil.which(tool)]
    if missing:
        raise BaseImageError(
            f"A stand-in cannot be made: {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed.",
            "It is made of Debian packages, unpacked by mmdebstrap, and of node as npm's packages have it.",
            "Install what is missing (Debian, Ubuntu: apt-get install mmdebstrap npm), or reach a registry",
        )


# What the engine prints when nothing that could answer was reached.
_UNREACHED = re.compile(
    r"no such host|connection refused|i/o timeout|network is unreachable|no route to host|server misbehaving"
    r"|temporary failure in name resolution|tls handshake timeout|context deadline exceeded"
    r"|request canceled while waiting|proxyconnect|connection reset by peer|x509:|dial tcp|: EOF",
    re.IGNORECASE,
)


def explain_pull(wanted: str, result: Result, source: str) -> BaseImageError | None:
    """The error that a failed `docker image pull` is; None when a stand-in may take the image's place.

    A registry that answers "denied" or "not found" was reached: a stand-in would hide a mistyped name.
    """
    if not _UNREACHED.search(result.output):
        return BaseImageError(
            f"The registry does not give {wanted}.",
            "It was reached and refused, so this is no case for a stand-in.",
            "Correct bases.node_image or bases.nginx_image in invoke.yaml, or log in: docker login",
            evidence=result.tail(3),
        )
    if source == "registry":
        return BaseImageError(
            f"No registry is reached for {wanted}.",
            "bases.source is registry, so no stand-in is made.",
            "Mend the network (or docker's proxy), or allow a stand-in: INVOKE_BASES_SOURCE=auto",
            evidence=result.tail(3),
        )
    return None
