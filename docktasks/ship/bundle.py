"""What is really in the site of an image: its files, and the packages whose modules are in them.

A build of the same source records it (images/node/bundle/hooks.cjs). Its site has to be the image's, byte for byte.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from docktasks.app.project import Project
from docktasks.errors import BuildError
from docktasks.images import build

FOLDER = "/tmp/hello-dock-bundle"  # noqa: S108 - the build's own
"""Where the build records its bundles."""
RECORDING = f"""
export HELLO_DOCK_BUNDLE={FOLDER}
export NODE_OPTIONS="${{NODE_OPTIONS:-}} --require=/tools/node/vite/preload.cjs\""""
"""What a build that records gets more than another, as lines for a shell."""
MAX_NAMES = 3


@dataclass(frozen=True)
class Package:
    """A package of npm. `files` of the site have code of it. Without any, only `helpers` of it may be in the site."""

    name: str
    version: str
    license: str = ""
    integrity: str = ""
    is_sibling: bool = False
    files: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()

    @property
    def purl(self) -> str:
        """Its name for every program: https://github.com/package-url/purl-spec."""
        return f"pkg:npm/{quote(self.name, safe='/')}@{quote(self.version, safe='')}"


@dataclass(frozen=True)
class Bundle:
    """The app, the SHA-256 of each file of its site, the packages in these, and those of the lock file that are not.

    `helpers` are tools of the build, some of whose own code is in the site. No bundler told of the scripts and styles
    that are `unrecorded`, such as those of the folder public.
    """

    name: str
    version: str
    license: str
    files: Mapping[str, str]
    packages: tuple[Package, ...] = ()
    helpers: tuple[Package, ...] = ()
    unrecorded: tuple[str, ...] = ()
    absent: tuple[Package, ...] = ()


def record(project: Project, site: Mapping[str, str]) -> Bundle:
    """Build the app once more, and return what is in its site, whose files have to be these. Raises BuildError."""
    values = build.values_now(project)
    values = values | {"BUILD_ENV": values["BUILD_ENV"] + RECORDING, "PART": "bundle"}
    with tempfile.TemporaryDirectory() as folder:
        result = build.write_dist(project, values, folder)
        if project.dry:
            return Bundle(project.app.folder.name, project.app.version, "", site)
        path = Path(folder) / "bundle.json"
        if not result.ok or not path.is_file():
            how = "Correct what Docker reports above. If `invoke init` wrote the Dockerfile long ago: run it again"
            raise BuildError("What is in the bundle cannot be recorded.", "", how, evidence=result.tail(5))
        report = json.loads(path.read_text(encoding="utf-8"))
    bundle = from_report(report)
    require_recorded(report)
    require_same_site(bundle.files, site)
    locked = len(report["lock"]["packages"])
    project.progress(f"recorded in the bundle: {len(bundle.packages)} of {locked} locked packages")
    return bundle


def from_report(report: Mapping[str, Any]) -> Bundle:
    """Return what a record (report.mjs) says."""
    locked = {(entry["name"], entry["version"]): entry["integrity"] for entry in report["lock"]["packages"]}
    packages = tuple(
        Package(
            entry["name"], entry["version"], entry["license"], locked.get((entry["name"], entry["version"]), ""),
            is_sibling=entry["isSibling"], files=tuple(entry["files"]),
        )
        for entry in report["packages"]
    )  # fmt: skip
    present = {(package.name, package.version) for package in packages}
    helpers = tuple(
        Package(entry["name"], entry["version"], helpers=tuple(entry["modules"]))
        for entry in report["helpers"]
        if entry["version"] and (entry["name"], entry["version"]) not in present
    )
    known = present | {(package.name, package.version) for package in helpers}
    absent = tuple(Package(name, version) for name, version in sorted(locked.keys() - known))
    app, unrecorded = report["app"], tuple(report["unrecorded"])
    return Bundle(app["name"], app["version"], app["license"], report["files"], packages, helpers, unrecorded, absent)


def require_same_site(recorded: Mapping[str, str], site: Mapping[str, str]) -> None:
    """Raise BuildError unless both have the same files with the same content."""
    names = recorded.keys() | site.keys()
    differing = sorted(name for name in names if recorded.get(name) != site.get(name))
    if differing:
        shown = ", ".join(differing[:MAX_NAMES]) + (", …" if len(differing) > MAX_NAMES else "")
        raise BuildError(
            f"A second build of the same source gives other files: {shown}.",
            "So what the second build recorded says nothing about the image.",
            "Take out of the build what differs each time, such as the time (SOURCE_DATE_EPOCH has the commit's)",
        )


def require_recorded(report: Mapping[str, Any]) -> None:
    """Raise BuildError if the site has scripts or styles, and no bundler has told of any."""
    scripts = [name for name in report["files"] if name.endswith((".js", ".mjs", ".css"))]
    if scripts and len(report["unrecorded"]) == len(scripts):
        raise BuildError(
            "The build recorded no bundle.",
            "Rollup or Rolldown records what is in the site. That needs Node.js 22.15 or later.",
            "Use a newer image of Node.js: bases.node_image in the settings",
        )
