"""The base for kustomize."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from docktasks.app.manifest import parse_yaml
from docktasks.fleet import files
from docktasks.fleet.stack import Stack
from docktasks.settings import Settings
from tests.unit.fleet.conftest import A


def test_base_has_what_it_names(settings: Settings, tmp_path: Path) -> None:
    """All of it selects the same pods."""
    paths = files.write_base(Stack(settings, A), tmp_path / "base")
    documents = {path.name: parse_yaml(path.read_text()) for path in paths}
    kustomization = documents.pop("kustomization.yaml")
    assert {*kustomization["resources"]} == documents.keys()
    labels = {"app.kubernetes.io/name": "hello-dock"}
    assert documents["service.yaml"]["spec"]["selector"] == labels
    for name in ("deployment.yaml", "disruption.yaml"):
        assert documents[name]["spec"]["selector"]["matchLabels"] == labels


def test_pod_is_as_locked_as_a_container(settings: Settings, tmp_path: Path) -> None:
    """A pod goes after the next one is ready, and answers what is open."""
    paths = files.write_base(Stack(settings, A, page_config='{"API_URL": "https://a.example/$(x)"}'), tmp_path)
    spec = parse_yaml(next(path for path in paths if path.name == "deployment.yaml").read_text())["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    pod = spec["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    (container,) = pod["containers"]
    assert container["image"] == A
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert {"readinessProbe", "livenessProbe", "lifecycle"} <= container.keys()
    variables = {line["name"]: line["value"] for line in container["env"]}
    assert variables["HELLO_DOCK_ENV"] == '{"API_URL": "https://a.example/$$(x)"}'


@pytest.mark.parametrize(("memory", "quantity"), [("64m", "64Mi"), ("1G", "1Gi"), ("67108864", "67108864")])
def test_memory_has_the_units_of_kubernetes(settings: Settings, tmp_path: Path, memory: str, quantity: str) -> None:
    """Docker's m is 1,048,576 bytes, and Kubernetes' m a thousandth of one."""
    changed = replace(settings, prod=replace(settings.prod, memory=memory))
    paths = files.write_base(Stack(changed, A), tmp_path)
    text = next(path for path in paths if path.name == "deployment.yaml").read_text()
    assert f"limits: {{memory: {quantity}}}" in text


@pytest.mark.parametrize(
    ("environment", "source"), [("config:colours", "configMapKeyRef"), ("secret:colours", "secretKeyRef")]
)
def test_object_of_the_cluster_has_the_configuration(
    settings: Settings, tmp_path: Path, environment: str, source: str
) -> None:
    """Its key is `env`."""
    paths = files.write_base(Stack(settings, A, page_config=environment), tmp_path)
    spec = parse_yaml(next(path for path in paths if path.name == "deployment.yaml").read_text())["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    assert container["env"][1:] == [
        {"name": "HELLO_DOCK_ENV", "valueFrom": {source: {"name": "colours", "key": "env"}}}
    ]
