"""The packages of an image's base, which the databases of apk and dpkg in it list, and nginx."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

APK_DATABASES = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")
DPKG_DATABASE = "/var/lib/dpkg/status"
DPKG_FOLDER = "/var/lib/dpkg/status.d/"
"""Images without a package manager, such as distroless, have a file for each package there."""
RELEASE_FILES = ("/etc/os-release", "/usr/lib/os-release")
NGINX_VERSION = "NGINX_VERSION"
"""The variable in which the official image of nginx names its version."""
NGINX_LICENSE = "BSD-2-Clause"


@dataclass(frozen=True)
class BasePackage:
    """A package of the base image. `license` is empty where the database has none."""

    name: str
    version: str
    purl: str
    license: str = ""


@dataclass(frozen=True)
class Base:
    """The distribution of a base image, as "debian 13", and its packages."""

    distribution: str = ""
    packages: tuple[BasePackage, ...] = field(default_factory=tuple)


def is_wanted(path: str) -> bool:
    """Return True for a file of an image that base_of() reads."""
    return path in (*APK_DATABASES, DPKG_DATABASE, *RELEASE_FILES) or path.startswith(DPKG_FOLDER)


def base_of(texts: Mapping[str, str], environment: Mapping[str, str]) -> Base:
    """Return the base of an image: `texts` has the content of the files that are wanted, by path."""
    text = next((texts[path] for path in RELEASE_FILES if texts.get(path)), "")
    release: dict[str, str] = dict(re.findall(r"^(\w+)=[\"']?(.*?)[\"']?$", text, re.MULTILINE))
    system = release.get("ID", "linux")
    version = release.get("VERSION_ID") or release.get("VERSION_CODENAME", "")
    distro = f"&distro={quote(f'{system}-{version}', safe='')}" if version else ""
    packages = {package.purl: package for package in (*_apk(texts, system, distro), *_dpkg(texts, system, distro))}
    nginx = environment.get(NGINX_VERSION, "")
    if nginx and not any(package.name == "nginx" for package in packages.values()):
        purl = f"pkg:generic/nginx@{quote(nginx, safe='')}"
        packages[purl] = BasePackage("nginx", nginx, purl, NGINX_LICENSE)
    return Base(f"{system} {version}".strip(), tuple(packages[purl] for purl in sorted(packages)))


def _apk(texts: Mapping[str, str], system: str, distro: str) -> Iterator[BasePackage]:
    """Yield the packages of https://wiki.alpinelinux.org/wiki/Apk_spec, of which each field has one letter."""
    for block in "\n\n".join(texts.get(path, "") for path in APK_DATABASES).split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z]):(.*)$", block, re.MULTILINE))
        if {"P", "V"} <= fields.keys():
            name, version = fields["P"], fields["V"]
            purl = f"pkg:apk/{system}/{quote(name)}@{quote(version)}?arch={fields.get('A', '')}{distro}"
            yield BasePackage(name, version, purl, fields.get("L", ""))


def _dpkg(texts: Mapping[str, str], system: str, distro: str) -> Iterator[BasePackage]:
    paths = (path for path in sorted(texts) if path == DPKG_DATABASE or path.startswith(DPKG_FOLDER))
    for block in "\n\n".join(texts[path] for path in paths).split("\n\n"):
        fields = dict(re.findall(r"^([\w-]+):[ \t]*(.*)$", block, re.MULTILINE))
        is_installed = fields.get("Status", "install ok installed").endswith(" installed")
        if {"Package", "Version"} <= fields.keys() and is_installed:
            name, version = fields["Package"], fields["Version"]
            arch = fields.get("Architecture", "")
            purl = f"pkg:deb/{system}/{quote(name)}@{quote(version, safe='')}?arch={arch}{distro}"
            yield BasePackage(name, version, purl)
