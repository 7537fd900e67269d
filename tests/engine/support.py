"""What the tests of the real engine share: a project with a name of its own, its task command line, its containers."""

from __future__ import annotations

import copy
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from docktasks.engine.client import DockerEngine
from docktasks.engine.models import Container
from docktasks.settings import BUILT_FOR
from docktasks.waiting import Probe, wait_until

ROOT = Path(__file__).parents[2]
LIMIT = 300
"""Seconds that one command may take: far more than any does, so that a hung one ends the test and not the run."""


@dataclass(frozen=True)
class Done:
    """What a command left: its exit code, and stdout and stderr as a user sees them."""

    code: int
    output: str

    @property
    def message(self) -> str:
        """The output's end: where a task's error stands."""
        return self.output[-4000:]


def command(args: list[str], cwd: Path, env: dict[str, str], given: str = "") -> Done:
    """Run a command to its end; what it printed is shown when the test fails."""
    print(f"$ {shlex.join(args)}")
    try:
        ran = subprocess.run(
            args, cwd=cwd, env=env, input=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=LIMIT, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as hung:
        print((hung.output or b"").decode(errors="replace"))
        raise
    print(f"{ran.stdout}\n-> exit code {ran.returncode}")
    return Done(ran.returncode, ran.stdout)


def docker(*args: str, given: str = "", host: str = "", cwd: Path = ROOT) -> str:
    """What a docker command prints; it must succeed."""
    done = command(["docker", *args], cwd, clean_environ() | ({"DOCKER_HOST": host} if host else {}), given)
    assert done.code == 0, done.output
    return done.output.strip()


def clean_environ() -> dict[str, str]:
    """The environment without the settings of whoever runs the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("INVOKE_", "DOCKER_BUILDKIT"))}


def users(project: Project, role: str) -> list[str]:
    """Numbers of the users as whom the processes of a container run."""
    top = project.engine.client.containers.get(f"{project.name}-{role}").top(ps_args="-eo uid,pid")
    return [row[top["Titles"].index("UID")] for row in top["Processes"]]


def new_name() -> str:
    """A project name that nobody else has."""
    return f"hd-{secrets.token_hex(4)}"


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Project:
    """A checkout used under a name of its own, on ports that Docker chooses."""

    def __init__(self, engine: DockerEngine, checkout: Path, **settings: str) -> None:
        self.engine, self.checkout, self.name = engine, checkout, new_name()
        defaults = {
            "APP_NAME": self.name,
            "PROD_HOST_PORT": "0",
            "DEV_HOST_PORT": "0",
            "PROD_DEPLOY_TIMEOUT": "30",
            "DEV_DEPLOY_TIMEOUT": "30",
        }
        self.wrap: tuple[str, ...] = ()
        self.build = ""  # what build-prod printed, where a fixture ran it
        self.environ = clean_environ() | {f"INVOKE_{key}": value for key, value in (defaults | settings).items()}

    def under(self, *wrap: str) -> Project:
        """The same project, whose tasks are run by a command such as `unshare`."""
        other = copy.copy(self)
        other.wrap = wrap
        return other

    def invoke(self, *args: str, given: str = "", **env: str) -> Done:
        """Run a task as a user would, with what they type."""
        return command([*self.wrap, *self.command(*args)], self.checkout, self.environ | env, given)

    def does(self, *args: str, **env: str) -> str:
        """What a task prints that must succeed."""
        done = self.invoke(*args, **env)
        assert done.code == 0, done.message
        return done.output

    def fails(self, *args: str, **env: str) -> str:
        """What a task prints that must end with our error: exit code 1, and no traceback."""
        done = self.invoke(*args, **env)
        assert done.code == 1, done.message
        assert "Traceback" not in done.output
        return done.output

    @staticmethod
    def command(*args: str) -> list[str]:
        """The task command line."""
        return [sys.executable, "-m", "invoke", *args]

    @property
    def image(self) -> str:
        """Name and tag of the production image."""
        return f"{self.name}:prod"

    def container(self, role: str = "prod") -> Container:
        """The container of a role, which must be there."""
        found = self.engine.container(f"{self.name}-{role}")
        assert found is not None, f"there is no container {self.name}-{role}"
        return found

    def inspect(self, role: str = "prod") -> dict[str, Any]:
        """All that Docker says of a container."""
        attrs: dict[str, Any] = self.engine.client.containers.get(f"{self.name}-{role}").attrs
        return attrs

    def names(self) -> list[str]:
        """Names of the project's containers, whatever their state."""
        return [container.name for container in self.engine.containers(self.name)]

    def is_tidy(self) -> None:
        """Check that what serves is all there is: a release, and the holder of its port."""
        assert self.names() == [f"{self.name}-prod", f"{self.name}-prod-port"]
        assert self.container().serves

    def page(self, path: str = "/", role: str = "prod") -> httpx.Response:
        """What the published address answers."""
        return httpx.get(self.container(role).url + path, timeout=10, trust_env=False)

    def stage(self, origin: str, layer: str = "", *, tag: str = "") -> str:
        """Make the project's production image: `origin` with Dockerfile instructions on top. Its id."""
        args = ["--quiet", "--label", f"{BUILT_FOR}={self.name}", "--tag", tag or self.image, "-"]
        host = self.environ.get("DOCKER_HOST", "")
        return docker("image", "build", *args, given=f"FROM {origin}\n{layer}\n", host=host).splitlines()[-1]

    def logs(self) -> list[tuple[str, str]]:
        """The end of every container's log, for the report of a test that failed."""
        found = self.engine.containers(self.name)
        return [(f"log of {each.name} ({each.state})", self.engine.logs(each.name, 40)) for each in found]

    def left(self) -> list[str]:
        """Whatever bears the project's name, by label or not."""
        client, named_so = self.engine.client, {"name": self.name}
        named = [name.strip("/") for row in client.api.containers(all=True, filters=named_so) for name in row["Names"]]
        named += [found.name for found in client.volumes.list(filters=named_so)]
        named += [tag for found in client.images.list(f"{self.name}*") for tag in found.tags]
        return sorted({*named, *self.names(), *self.engine.volumes(self.name)})

    def end(self) -> None:
        """Remove what the project made, by its own task; what that leaves is removed too, and is an error."""
        done = self.invoke("clean")
        left = self.left()
        for kind in ("container", "volume", "image") if left else ():
            gone = ["docker", kind, "rm", "--force", *left]
            subprocess.run(gone, capture_output=True, check=False)
        shutil.rmtree(self.checkout / ".cache" / self.name, ignore_errors=True)
        assert done.code == 0, done.output
        assert not left, f"invoke clean left {left}"


class Foreground:
    """A task that goes on until it is ended, with what it has printed so far."""

    def __init__(self, project: Project, *args: str, **env: str) -> None:
        self.log = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - closed by end()
        self.process = subprocess.Popen(
            [*project.wrap, *project.command(*args)], cwd=project.checkout, env=project.environ | env,
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    @property
    def output(self) -> str:
        """All it has printed."""
        return os.pread(self.log.fileno(), 1 << 20, 0).decode(errors="replace")

    def until(self, text: str, limit: float = 90) -> None:
        """Wait until it has printed a text."""

        def look() -> Probe:
            return Probe(text in self.output, failed="" if self.process.poll() is None else "the task has ended")

        wait_until(look, limit)
        assert text in self.output, self.output

    def ended(self) -> None:
        """Wait until it has ended by itself."""
        self.process.wait(LIMIT)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal as its usual sender does: Ctrl-C to all of a terminal's processes, else to the task alone."""
        if number == signal.SIGINT:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def kill(self) -> None:
        """End the task and the command it is running at once, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(LIMIT)

    def end(self) -> None:
        """End it, if it has not ended, and show what it printed."""
        if self.process.poll() is None:
            self.kill()
        print(self.output)
        self.log.close()
