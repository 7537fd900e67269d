"""The production image in containers and volumes of one test."""

from __future__ import annotations

from benchmarks.checkout import ROOT
from docktasks.engine.client import DockerEngine
from docktasks.waiting import http_ready, wait_until
from tests.support.commands import clean_environ, docker, run_command
from tests.support.project import new_name

TMPFS = ["--tmpfs", "/tmp:uid=101,gid=101,mode=0700"]  # noqa: S108 - the container's own
BARE = ["--read-only", "--cap-drop", "ALL"]
"""Options of a container without capabilities, whose files cannot be written."""


class ImageSandbox:
    """Makes images, containers and volumes for one test; `end` removes them."""

    def __init__(self, engine: DockerEngine, origin: str) -> None:
        self.engine, self.origin = engine, origin
        self.names: list[tuple[str, str]] = []

    def name(self, kind: str) -> str:
        """A new name. What has it is removed at the end; `kind` is image, container or volume."""
        self.names.append((kind, new_name()))
        return self.names[-1][1]

    def image(self, script: str = ":") -> str:
        """A copy of the production image, in whose /srv a shell script has run as root."""
        name = self.name("image")
        layer = f"FROM {self.origin}\nUSER root\nWORKDIR /srv\nRUN {script}\nUSER 101:101\n"
        docker("image", "build", "--quiet", "--tag", name, "-", stdin=layer)
        return name

    def volume(self, *args: str) -> str:
        """Create a volume; its name."""
        return docker("volume", "create", *args, self.name("volume"))

    def serve(self, image: str, *args: str) -> tuple[str, str]:
        """Run an image as run-prod does, until its site is healthy; name and address of the container."""
        name, url = self.run(image, *args)
        probe = wait_until(lambda: http_ready(f"{url}/healthz"), 60)
        assert probe.ready, f"{probe.status}\n{self.engine.logs(name, 20)}"
        return name, url

    def run(self, image: str, *args: str) -> tuple[str, str]:
        """Run an image as run-prod does; name and address of the container."""
        name = self.name("container")
        docker(
            "container", "run", "--detach", "--name", name, *BARE, *TMPFS, "--publish", "127.0.0.1::80", *args, image
        )
        container = self.engine.container(name)
        assert container is not None
        return name, container.url

    def end(self) -> None:
        """Remove everything, containers before the images and volumes that they use."""
        for kind, name in reversed(self.names):
            run_command(["docker", kind, "rm", "--force", name], ROOT, clean_environ())
