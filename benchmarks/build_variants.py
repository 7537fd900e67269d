"""The three ways to build an image of the app: the Docker Handbook's two, and ours. All use the same base images."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.checkout import HANDBOOK, copy_app
from docktasks.app import build_script, git
from docktasks.app.package import App
from docktasks.app.project import Project
from docktasks.commands import Run
from docktasks.containers.run_args import label_args
from docktasks.engine.client import DockerEngine
from docktasks.engine.dry_run import DryRunEngine
from docktasks.images import base_images, build, build_context
from docktasks.labels import BUILT_FOR
from docktasks.roles import PROD
from docktasks.settings import Settings
from docktasks.workspace import CACHE

DOCKERFILE = "Dockerfile"
"""Our Dockerfile, from the checkout."""

CHANGED_DEPENDENCY, VERSIONS = "nanoid", ("5.1.5", "5.1.6")
"""The small dependency that edit_dependencies() changes, and the two versions that it gets in turn."""

CACHE_MOUNT = re.compile(r"--mount=type=cache,\S*?(target=[^,\s]+)\S*")
"""A cache mount in a Dockerfile. A cold build gets an empty folder in its place."""


def new_text() -> str:
    """Return a random text. A build whose files contain it cannot come from a cache."""
    return secrets.token_hex(4)


@dataclass(frozen=True)
class Variant:
    """A way to build the image: an `id` for tags and names, a name, a sentence, and a Dockerfile from the checkout."""

    id: str
    name: str
    text: str
    dockerfile: str


ONE_STAGE = Variant(
    "one-stage",
    "handbook, one stage",
    "one image builds and serves: nginx is installed next to node",
    f"{HANDBOOK}/one-stage.Dockerfile",
)
TWO_STAGE = Variant(
    "two-stage",
    "handbook, two stages",
    "node builds in the first stage; nginx's image gets only the result",
    f"{HANDBOOK}/two-stage.Dockerfile",
)
OURS = Variant(
    "ours", "ours", "two stages; files are compressed once, at build time, and served by uid 101", DOCKERFILE
)
VARIANTS = (ONE_STAGE, TWO_STAGE, OURS)


class BuildSandbox:
    """A copy of the app to edit, and the commands that build and run each variant's image of it.

    `settings` has the name of a project of its own. All images have that project's label, or that of `cold_settings`.
    `node` and `nginx` are the base images.
    """

    def __init__(self, run: Run, settings: Settings, node: str, nginx: str) -> None:
        self.run, self.settings, self.node, self.nginx = run, settings, node, nginx
        self.cold_settings = replace(settings, app=replace(settings.app, name=f"{settings.app.name}-cold"))

    @property
    def app(self) -> Path:
        """The copy of the app."""
        return self.settings.app_dir

    def tag(self, variant: Variant) -> str:
        """The image's name and tag."""
        if variant.id == OURS.id:
            return self.settings.image("prod")
        return f"{self.settings.app.name}:{variant.id}"

    def build_args(self, variant: Variant, *, cold: bool = False) -> list[str]:
        """The command that builds the image. A cold build uses no cache: no layers, and no downloads of npm's."""
        no_cache = ["--no-cache"] if cold else []
        if variant.id == OURS.id:
            settings = self.cold_settings if cold else self.settings
            app = App.load(settings)
            values = build.prod_values(settings, app, self.node, self.nginx, git.source(app, settings))
            return [*build.build_args(settings, app, PROD, values), *no_cache]
        return [
            "docker", "image", "build",
            "--tag", self.tag(variant),
            "--build-arg", f"NODE_IMAGE={self.node}",
            "--build-arg", f"NGINX_IMAGE={self.nginx}",
            "--label", f"{BUILT_FOR}={self.settings.app.name}",
            *handbook_ca_args(self.settings),
            "--file", variant.dockerfile,
            str(self.app),
            *no_cache,
        ]  # fmt: skip

    def container_name(self, variant: Variant) -> str:
        """The name that run_args() gives to a container."""
        return f"{self.settings.app.name}-{variant.id}"

    def run_args(
        self, variant: Variant, *, name: str = "", publish: str = "127.0.0.1:", options: Sequence[str] = ()
    ) -> list[str]:
        """The handbook's command to serve the image, at 127.0.0.1:80 or so; for `127.0.0.1:` Docker chooses a port."""
        return [
            "docker", "container", "run", "--detach",
            "--name", name or self.container_name(variant),
            *label_args(self.settings, variant.id),
            "--publish", f"{publish}:80",
            *options,
            self.tag(variant),
        ]  # fmt: skip

    def edit_source(self) -> None:
        """Change a module that the app loads first, so that the result of the build changes."""
        entry = next((path for path in (self.app / "src").glob("main.*")), self.app / "index.html")
        mark = f"<!-- edited {new_text()} -->" if entry.suffix == ".html" else f"globalThis.edited = '{new_text()}'"
        marks = ("globalThis.edited", "<!-- edited")
        lines = [line for line in entry.read_text().splitlines() if not line.startswith(marks)]
        entry.write_text("\n".join([*lines, mark]) + "\n")

    def edit_dependencies(self) -> None:
        """Change a dependency's version in package.json and the lock file, as `npm install` does."""
        path = self.app / "package.json"
        # The versions alternate, so the build before the last one is in a cache. The random text makes each one new.
        package = json.loads(path.read_text()) | {"edited": new_text()}
        path.write_text(json.dumps(package, indent=2))
        installed = package.get("dependencies", {}).get(CHANGED_DEPENDENCY)
        version = VERSIONS[0] if installed != VERSIONS[0] else VERSIONS[1]
        options = ["--package-lock-only", "--save-exact", "--no-audit", "--no-fund"]
        package_args = ["install", *options, f"{CHANGED_DEPENDENCY}@{version}"]
        self.run(["npm", "--prefix", str(self.app), *package_args], quiet=True)

    def write_contexts(self, dockerfile: str) -> None:
        """Write what our builds need next to the app: the tools, and the Dockerfile, also without cache mounts."""
        for settings in (self.settings, self.cold_settings):
            build_context.write_context(settings, App.load(settings), DOCKERFILE)
            path = settings.root / build_context.context_folder(settings) / DOCKERFILE
            text = path.read_text() if dockerfile == DOCKERFILE else (settings.root / dockerfile).read_text()
            if settings is self.cold_settings:
                text = CACHE_MOUNT.sub(r"--mount=type=tmpfs,\1", text)
            path.write_text(text)

    def remove(self) -> None:
        """Remove all images that were built, and what write_contexts() wrote."""
        for settings in (self.settings, self.cold_settings):
            label = f"label={BUILT_FOR}={settings.app.name}"
            self.run(["docker", "image", "prune", "--all", "--force", "--filter", label], quiet=True)
            shutil.rmtree(settings.root / build_context.context_folder(settings))


def handbook_ca_args(settings: Settings) -> list[str]:
    """The options that give the handbook's builds the extra certificate authorities that our builds have."""
    tools = f"{build_context.context_folder(settings)}/{build_context.TOOLS_CONTEXT}"
    return ["--build-context", f"ca={tools}/node"] if build_context.ca_file(settings) else []


@contextmanager
def build_sandbox(
    run: Run, engine: DockerEngine | DryRunEngine, settings: Settings, name: str, dockerfile: str = DOCKERFILE
) -> Iterator[BuildSandbox]:
    """A sandbox under the project name `name`, with a copy of app.dir. All of it is removed at the end.

    `dockerfile` is the one of our variant, from the checkout. Raises BaseImageError, AppError.
    """
    project = Project(run, engine, settings)
    build_script.require(project.app)
    node, nginx = (base_images.resolve(project, kind).reference for kind in ("node", "nginx"))
    cache = settings.root / CACHE
    cache.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"app-{name}-", dir=cache) as folder:
        app = copy_app(Path(folder, "app"), settings.app_dir)
        sandbox = BuildSandbox(run, replace(settings, app=replace(settings.app, name=name, dir=str(app))), node, nginx)
        sandbox.write_contexts(dockerfile)
        try:
            yield sandbox
        finally:
            sandbox.remove()
