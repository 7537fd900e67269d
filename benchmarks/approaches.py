"""The three ways to make an image of the app: the Docker Handbook's two, and ours; on the same base images."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from docktasks.app import git
from docktasks.app.package import App
from docktasks.app.project import Project
from docktasks.commands import Run
from docktasks.containers.run_args import label_args
from docktasks.engine.protocol import Engine
from docktasks.images import base_images, build, build_context
from docktasks.roles import PROD
from docktasks.settings import BUILT_FOR, Settings
from docktasks.workspace import CACHE

HANDBOOK = "benchmarks/handbook"
"""Where the handbook's two Dockerfiles are, from the checkout."""

MADE = shutil.ignore_patterns("node_modules", "dist", "coverage", ".git", ".vite")
"""What a copy of the app leaves out: what can be made again."""

MOVED, MOVED_TO = "nanoid", ("5.1.5", "5.1.6")
"""The dependency that is changed, which is a small one, and the versions that it has in turn."""

CACHE_MOUNT = re.compile(r"--mount=type=cache,\S*?(target=[^,\s]+)\S*")
"""Where our Dockerfile keeps what later builds can use again; a cold build gets an empty folder instead."""


def new() -> str:
    """A text that no build has seen, in this run or before: what Docker has built once, it does not build again."""
    return secrets.token_hex(4)


@dataclass(frozen=True)
class Approach:
    """One way: an `id` for tags and anchors, its name, and what it does in a sentence."""

    id: str
    name: str
    says: str


ONE_STAGE = Approach("one-stage", "handbook, one stage", "nginx is installed beside node; one image builds and serves")
TWO_STAGE = Approach("two-stage", "handbook, two stages", "node builds in a stage; nginx's image gets the result alone")
OURS = Approach("ours", "ours", "two stages, dependencies kept from build to build, compressed once, served by uid 101")
APPROACHES = (ONE_STAGE, TWO_STAGE, OURS)


class Workshop:
    """A copy of the app to edit, and the commands that build images of it by each approach.

    Everything has the name of a project of its own, so `invoke clean` under that name removes it.
    """

    def __init__(self, run: Run, settings: Settings, app: Path, node: str, nginx: str) -> None:
        self.run, self.settings, self.app, self.node, self.nginx = run, settings, app, node, nginx

    def tag(self, approach: Approach) -> str:
        """The image's name and tag."""
        return self.settings.image("prod") if approach is OURS else f"{self.settings.app.name}:{approach.id}"

    def build_args(self, approach: Approach, *, cold: bool = False) -> list[str]:
        """The command that builds the image; `cold` takes nothing from any cache, npm's downloads included."""
        fresh = ["--no-cache"] if cold else []
        if approach is OURS:
            given = build.prod_build_args(
                self.settings, self.node, self.nginx, git.source(App.load(self.settings), self.settings)
            )
            args = build.build_args(self.settings, App.load(self.settings).package_manager, PROD, given)
            if cold:  # the copy that write_context made, with an empty folder for the cache
                place = args.index("--file") + 1
                args[place] += ".cold"
            return [*args[:3], *fresh, *args[3:]]
        return [
            "docker", "image", "build", *fresh,
            "--tag", self.tag(approach),
            "--build-arg", f"NODE_IMAGE={self.node}",
            "--build-arg", f"NGINX_IMAGE={self.nginx}",
            "--label", f"{BUILT_FOR}={self.settings.app.name}",
            *handbook_trust(self.settings),
            "--file", f"{HANDBOOK}/{approach.id}.Dockerfile",
            str(self.app),
        ]  # fmt: skip

    def run_args(self, approach: Approach) -> list[str]:
        """The command that serves the image, as the handbook does it but for the address: the loopback, a free port."""
        name = f"{self.settings.app.name}-{approach.id}"
        labels = label_args(self.settings, approach.id)
        publish = ["--publish", "127.0.0.1::80"]
        return ["docker", "container", "run", "--detach", "--name", name, *labels, *publish, self.tag(approach)]

    def edit_source(self) -> None:
        """Change a module that the app loads first, so that what is built differs."""
        entry = next((path for path in (self.app / "src").glob("main.*")), self.app / "index.html")
        mark = f"<!-- edited {new()} -->" if entry.suffix == ".html" else f"globalThis.edited = '{new()}'"
        lines = [
            line for line in entry.read_text().splitlines() if not line.startswith(("globalThis.edited", "<!-- edited"))
        ]
        entry.write_text("\n".join([*lines, mark]) + "\n")

    def edit_dependencies(self) -> None:
        """Move a dependency to another version, as `npm install` does: package.json and the lock file follow."""
        path = self.app / "package.json"
        # Something new in each round, for there are two versions, and the build before the last is in a cache.
        package = json.loads(path.read_text()) | {"edited": new()}
        path.write_text(json.dumps(package, indent=2))
        before = package.get("dependencies", {}).get(MOVED)
        after = MOVED_TO[0] if before != MOVED_TO[0] else MOVED_TO[1]
        words = ["--package-lock-only", "--save-exact", "--no-audit", "--no-fund"]
        self.run(["npm", "--prefix", str(self.app), "install", *words, f"{MOVED}@{after}"], quiet=True)


def handbook_trust(settings: Settings) -> list[str]:
    """What gives the handbook's builds the extra certificate authorities, from where ours have them."""
    tools = f"{build_context.context_folder(settings)}/{build_context.TOOLS_CONTEXT}"
    return ["--build-context", f"ca={tools}/node"] if build_context.ca_file(settings) else []


@contextmanager
def workshop(run: Run, engine: Engine, settings: Settings, name: str = "") -> Iterator[Workshop]:
    """A workshop with a copy of app.dir under .cache/, which is removed at the end. Raises BaseImageError, AppError."""
    App.load(settings).first_script("build")
    node, nginx = (base_images.resolve(Project(run, engine, settings), kind).reference for kind in ("node", "nginx"))
    cache = settings.root / CACHE
    cache.mkdir(exist_ok=True)
    name = name or f"hd-{new()}"
    with tempfile.TemporaryDirectory(prefix="app-", dir=cache) as folder:
        app = Path(shutil.copytree(settings.app_dir, Path(folder, "app"), ignore=MADE))
        own = replace(settings, app=replace(settings.app, name=name, dir=str(app)))
        build_context.write_context(own, "Dockerfile")
        written = settings.root / build_context.context_folder(own)
        cold = CACHE_MOUNT.sub(r"--mount=type=tmpfs,\1", (written / "Dockerfile").read_text())
        (written / "Dockerfile.cold").write_text(cold)
        shutil.copy(written / "Dockerfile.dockerignore", written / "Dockerfile.cold.dockerignore")
        try:
            yield Workshop(run, own, app, node, nginx)
        finally:
            shutil.rmtree(written)
