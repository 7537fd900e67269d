"""The files of a fleet for those who run them: the stack file, and the same for Kubernetes, a base for kustomize."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from string import Template

from docktasks import output_files
from docktasks.fleet.stack import ENVIRONMENT_FILE, Stack, swarm_object
from docktasks.release.run_args import PAGE_CONFIG_VARIABLE
from docktasks.workspace import writing

FOLDER = Path(__file__).with_name("kubernetes")
KEY_OF = {"config": "configMapKeyRef", "secret": "secretKeyRef"}
"""What names the key `env` of a ConfigMap or a Secret, by the kind of Swarm's object."""

PRE_STOP_S = 5
UNITS = {"b": "", "k": "Ki", "m": "Mi", "g": "Gi"}
"""Kubernetes' units of memory, by Docker's."""


def write(stack: Stack, file: str, folder: str) -> Iterator[str]:
    """Write the stack file, the base for Kubernetes, or both. Yields how to run them. Raises DockError."""
    if file:
        output_files.require_writable(stack=file)
        Path(file).write_text(stack.text(), encoding="utf-8")
        yield f"Written: {file}. Run it: docker stack deploy -c {file} {stack.name}"
    if folder:
        write_base(stack, Path(folder))
        yield f"Written: {folder}. Run it: kubectl apply --kustomize {folder}"


def write_base(stack: Stack, folder: Path) -> list[Path]:
    """Write the base into a folder, and return the paths of its files. Raises DockError."""
    prod, fleet, memory = stack.settings.prod, stack.settings.fleet, stack.settings.prod.memory
    values = {
        "name": stack.settings.app.name.replace(".", "-"),
        "image": stack.image,
        "delay": fleet.delay,
        "deadline": fleet.pull_timeout + prod.deploy_timeout,
        "grace": prod.drain_timeout + PRE_STOP_S,
        "memory": memory[:-1] + UNITS[memory[-1].lower()] if memory[-1].isalpha() else memory,
        "environment": "\n".join(_variables(stack)),
    }
    paths = []
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for template in sorted(FOLDER.glob("*.yaml")):
            text = Template(template.read_text(encoding="utf-8")).substitute(values)
            paths.append(folder / template.name)
            paths[-1].write_text(text, encoding="utf-8")
    return paths


def _variables(stack: Stack) -> list[str]:
    """Return the lines of the variables. A dollar stays one: Kubernetes replaces only $(NAME)."""
    values = {"HELLO_DOCK_LISTEN": "8080", **stack.variables}
    values.pop(ENVIRONMENT_FILE, None)
    lines = [f"{{name: {name}, value: {json.dumps(value.replace('$(', '$$('))}}}" for name, value in values.items()]
    kind, source = swarm_object(stack.page_config)
    if kind:
        reference = f"{KEY_OF[kind]}: {{name: {json.dumps(source)}, key: env}}"
        lines.append(f"{{name: {PAGE_CONFIG_VARIABLE}, valueFrom: {{{reference}}}}}")
    return [f"            - {line}" for line in lines]
