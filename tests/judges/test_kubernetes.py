"""The files of `invoke deploy --kubernetes` have what the schemas of Kubernetes ask for, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from docktasks.fleet import files
from docktasks.fleet.stack import Stack
from tests.judges import judges
from tests.unit.fakes.apps import configured

IMAGE = f"registry.example/team/app@sha256:{'a' * 64}"


@pytest.mark.parametrize("environment", ["", '{"APP_COLOUR":"blue"}', "config:colours", "secret:colours"])
def test_kubernetes_accepts_the_base(tmp_path: Path, environment: str) -> None:
    """kustomization.yaml is no object of the cluster, so it has no schema there."""
    paths = files.write_base(Stack(configured(tmp_path), IMAGE, page_config=environment), tmp_path)
    assert judges.kubernetes(*(path for path in paths if path.name != "kustomization.yaml")) == []


def test_kubernetes_refuses_a_field_that_it_does_not_know(tmp_path: Path) -> None:
    """A misspelt field would have no effect in a cluster."""
    files.write_base(Stack(configured(tmp_path), IMAGE), tmp_path)
    path = tmp_path / "deployment.yaml"
    path.write_text(path.read_text().replace("readOnlyRootFilesystem", "readOnlyFileSystem"))
    assert any("readOnlyFileSystem" in fault for fault in judges.kubernetes(path))
