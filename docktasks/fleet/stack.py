"""The stack file: what `docker stack deploy` runs on the nodes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from docktasks.app.project import Project
from docktasks.errors import FleetError
from docktasks.labels import LABEL
from docktasks.release.run_args import PAGE_CONFIG_VARIABLE, environment
from docktasks.settings import Settings

FOLDER = Path(__file__).parent
HEALTH_ADDRESSES = {"host": "$$(cat /tmp/own-address)", "bridge": "127.0.0.1"}
"""Where the health check asks, by fleet.network. In a stack file two dollars are one."""

ENVIRONMENT_FILE = f"{PAGE_CONFIG_VARIABLE}_FILE"
OBJECTS = ("config", "secret")
"""The kinds of the swarm's objects that may have the page's configuration."""


@dataclass(frozen=True)
class Stack:
    """A stack of one service. Its `labels` say what it serves; `page_config` is the page's configuration.

    That is JSON, or config:NAME or secret:NAME for an object of the swarm that has it. `is_candidate` is for the same
    containers on every node on another port, which get no visitors.
    """

    settings: Settings
    image: str
    labels: dict[str, str] = field(default_factory=dict)
    page_config: str = ""
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
        return _filled(
            "stack", **self._network_values(),
            stack=self.name, image=self.image, mode=self._mode(), delay=fleet.delay, memory=prod.memory,
            pids=prod.pids_limit, log_size=prod.log_max_size, log_files=prod.log_max_files,
            labels=_lines(labels, 8), **self._environment_values(),
        )  # fmt: skip

    def _network_values(self) -> dict[str, object]:
        fleet, drain_s = self.settings.fleet, self.settings.prod.drain_timeout
        delay = 0 if self.is_candidate else fleet.delay  # no balancer knows a candidate
        # A port that one task has is free only after it. So the balancer sends the visitors elsewhere, node by node.
        values: dict[str, object] = {"order": "stop-first", "parallelism": 1, "delay_back": delay}
        values |= {"drain": drain_s + delay}
        if fleet.uses_node_network:
            values = {"order": "start-first", "parallelism": self.parallelism, "delay_back": 0, "drain": drain_s}
        network = _filled(f"network-{fleet.network}", port=self.port, delay=delay).rstrip()
        return values | {
            "network": network, "network_name": fleet.network, "health": HEALTH_ADDRESSES[fleet.network],
        }  # fmt: skip

    def _mode(self) -> str:
        replicas = self.settings.fleet.replicas
        if self.is_candidate or not replicas:
            return "mode: global"
        return f"mode: replicated\n      replicas: {replicas}\n      placement: {{max_replicas_per_node: 1}}"

    def _environment_values(self) -> dict[str, str]:
        own = {"HELLO_DOCK_LISTEN": str(self.port), "HELLO_DOCK_TASK": "{{.Task.ID}}"}
        variables = (own if self.settings.fleet.uses_node_network else {}) | self.variables
        kind, name = swarm_object(self.page_config)
        return {
            "environment": f"    environment:\n{_lines(variables, 6)}" if variables else "    environment: {}",
            "mount": f"\n    {kind}s: [{{source: env, target: {variables[ENVIRONMENT_FILE]}}}]" if kind else "",
            "external": f"{kind}s:\n  env: {{external: true, name: {json.dumps(name)}}}\n" if kind else "",
        }

    @property
    def variables(self) -> dict[str, str]:
        """The variables of the containers, as run-prod gives them."""
        kind, name = swarm_object(self.page_config)
        variables = environment(self.settings, "" if kind else self.page_config)
        return variables | ({ENVIRONMENT_FILE: f"/run/{kind}/{name}"} if kind else {})

    def deploy(self, project: Project, folder: Path) -> None:
        """Write the file into a folder, and give it to Swarm. Raises FleetError."""
        path = folder / f"{self.name}.yml"
        path.write_text(self.text(), encoding="utf-8")
        args = [
            "docker", "stack", "deploy", "--detach", "--with-registry-auth",
            "--resolve-image", "never",  # the image is named by its digest
            "--compose-file", str(path), self.name,
        ]  # fmt: skip
        project.run_or_raise(
            args, FleetError(f"Swarm does not take the stack {self.name}.", "", "Correct what Docker says above")
        )


def swarm_object(page_config: str) -> tuple[str, str]:
    """Return kind and name of the object that has the page's configuration; empty texts where it is JSON."""
    kind, _, name = page_config.partition(":")
    return (kind, name) if kind in OBJECTS else ("", "")


def configuration(variables: Iterable[str]) -> str:
    """Return the page's configuration that a container's variables have, in the form of Stack.page_config."""
    values = dict(line.split("=", 1) for line in variables if line.startswith(PAGE_CONFIG_VARIABLE))
    return values.get(ENVIRONMENT_FILE, "").removeprefix("/run/").replace("/", ":") or values.get(
        PAGE_CONFIG_VARIABLE, ""
    )


def _filled(template: str, **values: object) -> str:
    return Template((FOLDER / f"{template}.yml").read_text(encoding="utf-8")).substitute(values)


def _lines(values: dict[str, str], indent: int) -> str:
    """Return the lines of a YAML map. JSON's texts are YAML's, and `$$` stands for a dollar in a stack file."""
    return "\n".join(f"{' ' * indent}{name}: {json.dumps(value).replace('$', '$$')}" for name, value in values.items())
