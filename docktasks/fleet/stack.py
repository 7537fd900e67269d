"""The stack file: what `docker stack deploy` runs on the nodes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from docktasks.engine.models import Image
from docktasks.labels import LABEL
from docktasks.release.run_args import Release, environment_args
from docktasks.settings import Settings

TEMPLATE = Path(__file__).with_name("stack.yml")


@dataclass(frozen=True)
class Stack:
    """A stack of one service. Its `labels` say what it serves; `environment` is the page's configuration, as JSON.

    `is_candidate` is for the same containers on another port, which get no visitors.
    """

    settings: Settings
    image: str
    labels: dict[str, str] = field(default_factory=dict)
    environment: str = ""
    is_candidate: bool = False
    parallelism: int = 1

    @property
    def name(self) -> str:
        """The name of the stack."""
        return f"{self.settings.app.name}-candidate" if self.is_candidate else self.settings.app.name

    @property
    def port(self) -> int:
        """The port on which it listens on each node."""
        return self.settings.fleet.candidate_port if self.is_candidate else self.settings.fleet.host_port

    def text(self) -> str:
        """Return the stack file."""
        prod, fleet = self.settings.prod, self.settings.fleet
        labels = {f"{LABEL}.project": self.settings.app.name, **self.labels}
        return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
            stack=self.name, image=self.image, port=self.port, drain=prod.drain_timeout, delay=fleet.delay,
            monitor=fleet.delay, parallelism=self.parallelism, memory=prod.memory, pids=prod.pids_limit,
            log_size=prod.log_max_size, log_files=prod.log_max_files,
            labels=_lines(labels, 8), environment=_lines(self.variables, 6),
        )  # fmt: skip

    @property
    def variables(self) -> dict[str, str]:
        """The variables of the containers, as run-prod gives them."""
        args = environment_args(self.settings, Release(Image(""), self.environment))
        return dict(line.split("=", 1) for line in args[1::2])

    def write(self, folder: Path) -> Path:
        """Write the file into a folder."""
        path = folder / f"{self.name}.yml"
        path.write_text(self.text(), encoding="utf-8")
        return path


def _lines(values: dict[str, str], indent: int) -> str:
    """Return the lines of a YAML map. JSON's texts are YAML's, and `$$` stands for a dollar in a stack file."""
    return "\n".join(f"{' ' * indent}{name}: {json.dumps(value).replace('$', '$$')}" for name, value in values.items())


def deploy_args(name: str, path: Path) -> list[str]:
    """Return the command that gives a stack to Swarm. The image is named by its digest, so no registry is asked."""
    return [
        "docker", "stack", "deploy", "--detach", "--with-registry-auth", "--resolve-image", "never",
        "--compose-file", str(path), name,
    ]  # fmt: skip
