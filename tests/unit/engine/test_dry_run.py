from __future__ import annotations

from docktasks.engine.dry_run import DryRunEngine


def test_dry_run_engine_answers_as_if_both_containers_were_running() -> None:
    """Under --dry, `stop` and `clean` have containers to show, and `run-prod` shows a first start."""
    engine = DryRunEngine("shop")
    assert [(container.name, container.role) for container in engine.containers("shop")] == [
        ("shop-dev", "dev"),
        ("shop-prod", "prod"),
    ]
    assert [image.tags for image in engine.images("shop")] == [("shop:dev",), ("shop:prod",)]
    assert engine.container("shop-prod") is None
    assert engine.image("node:lts-alpine") is not None
    assert engine.network("shop-prod") is None
    assert engine.network("shop-prod") is not None  # the task has shown the command that creates it
    assert (engine.image_ids(), engine.volumes("shop"), engine.rootless) == ({}, [], False)
