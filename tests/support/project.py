"""A project under test: a checkout with a name of its own, its task command line and its containers."""

from __future__ import annotations

import copy
import secrets
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
from invoke.config import Config

from benchmarks.checkout import ROOT
from docktasks import settings
from docktasks.app.app_file import AppFile
from docktasks.app.manifest import parse_yaml
from docktasks.app.sources import merged
from docktasks.commands import Result
from docktasks.engine.client import DockerEngine
from docktasks.engine.models import Container
from docktasks.labels import BUILT_FOR
from docktasks.settings import Settings
from tests.support.commands import clean_environ, docker, run_command, shown_commands

RUN_STAGED = ("run-prod", "--no-build")
"""The task that runs the image which `ProjectUnderTest.stage` has made."""


def new_name() -> str:
    """Return a project name that no other project has."""
    return f"hd-{secrets.token_hex(4)}"


class ProjectUnderTest:
    """A checkout used under a project name of its own, with host ports that Docker chooses.

    `settings` are settings by the ends of their environment variables, such as APP_DIR="…". `build` is the output of
    `build-prod`, where a fixture ran it. `command_prefix` is a command that runs the tasks, such as `unshare`.
    """

    def __init__(self, engine: DockerEngine, checkout: Path, **settings: str) -> None:
        self.engine, self.checkout, self.name = engine, checkout, new_name()
        defaults = {
            "APP_NAME": self.name,
            "PROD_HOST_PORT": "0",
            "DEV_HOST_PORT": "0",
            "PROD_DEPLOY_TIMEOUT": "30",
            "DEV_DEPLOY_TIMEOUT": "30",
            "PROD_GATE_BROWSER": "never",  # a browser for each release takes minutes; the tests of the gate have it
            "RUN_ECHO": "1",
        }
        self.command_prefix: tuple[str, ...] = ()
        self.build = ""
        self.environ = clean_environ() | {f"INVOKE_{key}": value for key, value in (defaults | settings).items()}

    def with_prefix(self, *command: str) -> ProjectUnderTest:
        """Return the same project with tasks that are run by a command such as `unshare`."""
        project = copy.copy(self)
        project.command_prefix = command
        return project

    def settings(self) -> Settings:
        """Return the default settings, those of the app's own file, and this project's name."""
        config = Config(project_location=ROOT)
        config.load_project()
        sections = {section: dict(config[section]) for section in settings.SECTIONS}
        app_file = AppFile.read(self.checkout, self.environ.get("INVOKE_APP_DIR", "hello-dock"), parse_yaml)
        defaults = settings.load(self.checkout, merged(sections, app_file.settings), {}, {})
        return replace(defaults, app=replace(defaults.app, name=self.name))

    def invoke(self, *args: str, stdin: str = "", **env: str) -> Result:
        """Run a task with `stdin` as its input and `env` added to its environment."""
        return run_command([*self.command_prefix, *self.command(*args)], self.checkout, self.environ | env, stdin)

    def succeeds(self, *args: str, **env: str) -> str:
        """Run a task that must succeed, and return its output."""
        result = self.invoke(*args, **env)
        assert result.ok, result.tail(60)
        return result.output

    def fails(self, *args: str, **env: str) -> str:
        """Run a task that must end with one of our errors (exit code 1, no traceback), and return its output."""
        result = self.invoke(*args, **env)
        assert result.code == 1, result.tail(60)
        assert "Traceback" not in result.output
        return result.output

    @staticmethod
    def command(*args: str) -> list[str]:
        """Return the command line of a task."""
        return [sys.executable, "-m", "invoke", *args]

    @property
    def authority_args(self) -> list[str]:
        """The option with which a build by hand has the certificate authorities of the project's build."""
        words = [word for command in shown_commands(self.build) for word in command]
        return [arg for word in words if word.startswith("tools=") for arg in ("--build-context", word)]

    @property
    def image(self) -> str:
        """Name and tag of the production image."""
        return f"{self.name}:prod"

    def container(self, role: str = "prod") -> Container:
        """Return the container of a role (`prod`, `prod-port`, `dev`, …), which must exist."""
        container = self.engine.container(f"{self.name}-{role}")
        assert container is not None, f"there is no container {self.name}-{role}"
        return container

    def inspect(self, role: str = "prod") -> dict[str, Any]:
        """Return the output of `docker inspect` for the container of a role."""
        attrs: dict[str, Any] = self.engine.client.containers.get(f"{self.name}-{role}").attrs
        return attrs

    def process_uids(self, role: str = "prod") -> set[str]:
        """Return the uids of the processes in the container of a role."""
        top = self.engine.client.containers.get(f"{self.name}-{role}").top(ps_args="-eo uid,pid")
        return {row[top["Titles"].index("UID")] for row in top["Processes"]}

    def container_names(self) -> list[str]:
        """Return the names of the project's containers in any state."""
        return [container.name for container in self.engine.containers(self.name)]

    def node_modules_volumes(self) -> list[str]:
        """Return the volumes for node_modules, and the volumes that mark those that are being filled."""
        return [name for name in self.engine.volumes(self.name) if "-modules-" in name]

    def assert_one_release_serves(self) -> None:
        """Check that the project has exactly two containers, the release and its port holder, and that it serves."""
        assert self.container_names() == [f"{self.name}-prod", f"{self.name}-prod-port"]
        assert self.container().serves

    def get(self, path: str = "/", role: str = "prod") -> httpx.Response:
        """Send a GET request to the published address of a role's container."""
        return httpx.get(self.container(role).url + path, timeout=30, trust_env=False)

    def stage(self, origin: str, layer: str = "", *, tag: str = "") -> str:
        """Build the project's production image, or `tag`, from the image `origin` and Dockerfile instructions.

        Returns the id of the new image.
        """
        args = ["--quiet", "--label", f"{BUILT_FOR}={self.name}", "--tag", tag or self.image, "-"]
        host = self.environ.get("DOCKER_HOST", "")
        return docker("image", "build", *args, stdin=f"FROM {origin}\n{layer}\n", host=host).splitlines()[-1]

    def logs(self) -> list[tuple[str, str]]:
        """Return a title and the last 40 log lines for each container, for the report of a failed test."""
        containers = self.engine.containers(self.name)
        return [
            (f"log of {container.name} ({container.state})", self.engine.logs(container.name, 40))
            for container in containers
        ]

    def remaining_names(self) -> list[str]:
        """Return the names of containers, networks, volumes and image tags that have the project's name or label."""
        client, by_name = self.engine.client, {"name": self.name}
        names = [name.strip("/") for row in client.api.containers(all=True, filters=by_name) for name in row["Names"]]
        names += [volume.name for volume in client.volumes.list(filters=by_name)]
        names += [f"network {network.name}" for network in client.networks.list(filters=by_name)]
        names += [tag for image in client.images.list(f"{self.name}*") for tag in image.tags]
        return sorted({*names, *self.container_names(), *self.engine.volumes(self.name)})

    def end(self) -> None:
        """Remove everything that the project made with `invoke clean`; fail, and remove it, if something remains."""
        result = self.invoke("clean")
        remaining = self.remaining_names()
        names = [name.removeprefix("network ") for name in remaining]
        for kind in ("container", "network", "volume", "image") if remaining else ():
            subprocess.run(["docker", kind, "rm", "--force", *names], capture_output=True, check=False)
        shutil.rmtree(self.checkout / ".cache" / self.name, ignore_errors=True)
        assert result.ok, result.output
        assert not remaining, f"invoke clean left {remaining}"


class ProjectFactory:
    """Makes projects and remembers them. A project can have another checkout, and settings such as APP_DIR="…"."""

    def __init__(self, engine: DockerEngine, checkout: Path) -> None:
        self.engine, self.checkout = engine, checkout
        self.projects: list[ProjectUnderTest] = []

    def __call__(self, checkout: Path | None = None, **settings: str) -> ProjectUnderTest:
        """Make a project."""
        self.projects.append(ProjectUnderTest(self.engine, checkout or self.checkout, **settings))
        return self.projects[-1]
