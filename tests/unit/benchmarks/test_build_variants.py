from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.build_variants import OURS, TWO_STAGE, VARIANTS, BuildSandbox, Variant, build_sandbox
from docktasks.engine.dry_run import DryRunEngine
from docktasks.settings import Settings
from tests.unit.fakes.runner import Runner

CACHED = "RUN --mount=type=cache,id=a,target=/npm,sharing=locked \\\n  --mount=type=cache,id=b,target=/node npm ci\n"


def option(args: list[str], name: str) -> str:
    """The value of an option of a command."""
    return args[args.index(name) + 1]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.id)
@pytest.mark.parametrize("cold", [True, False])
def test_every_build_has_the_same_bases_and_a_label(settings: Settings, variant: Variant, *, cold: bool) -> None:
    """Only a cold build has --no-cache. The label is the one that the sandbox removes its images by."""
    with build_sandbox(Runner(dry=True), DryRunEngine("shop"), settings, "shop") as sandbox:
        args = sandbox.build_args(variant, cold=cold)
    assert {"NODE_IMAGE=node:lts-alpine", "NGINX_IMAGE=nginx:stable-alpine"} <= set(args)
    assert ("--no-cache" in args) == cold
    assert re.fullmatch(r"hello-dock\.built-for=shop(-cold)?", next(arg for arg in args if "built-for" in arg))


def test_container_runs_the_image_that_was_built(settings: Settings) -> None:
    """A name, a port and options can be chosen."""
    with build_sandbox(Runner(dry=True), DryRunEngine("shop"), settings, "shop") as sandbox:
        for variant in VARIANTS:
            assert sandbox.run_args(variant)[-1] == option(sandbox.build_args(variant), "--tag")
        args = sandbox.run_args(OURS, name="here", publish="127.0.0.1:8081", options=["--volume", "/a:/b"])
        assert option(args, "--name") == "here"
        assert option(args, "--publish") == "127.0.0.1:8081:80"
        assert args[-3:-1] == ["--volume", "/a:/b"]
        assert option(sandbox.run_args(TWO_STAGE), "--publish") == "127.0.0.1::80"


def test_cold_build_has_empty_folders_in_place_of_cache_mounts(settings: Settings) -> None:
    """npm's downloads of earlier builds are in a cache mount, and --no-cache keeps that."""
    (settings.root / "Dockerfile").write_text(CACHED)
    with build_sandbox(Runner(dry=True), DryRunEngine("shop"), settings, "shop") as sandbox:
        cold = Path(settings.root, option(sandbox.build_args(OURS, cold=True), "--file"))
        assert cold.read_text() == "RUN --mount=type=tmpfs,target=/npm \\\n  --mount=type=tmpfs,target=/node npm ci\n"
        warm = Path(settings.root, option(sandbox.build_args(OURS), "--file"))
        assert warm.read_text() == CACHED


def test_our_variant_can_use_another_dockerfile(settings: Settings) -> None:
    """So two Dockerfiles of ours can be measured in the same way."""
    (settings.root / "other.Dockerfile").write_text("FROM scratch\n")
    with build_sandbox(Runner(dry=True), DryRunEngine("shop"), settings, "shop", "other.Dockerfile") as sandbox:
        used = Path(settings.root, option(sandbox.build_args(OURS), "--file"))
        assert used.read_text() == "FROM scratch\n"


def test_sandbox_leaves_the_app_and_the_checkout_as_they_were(settings: Settings) -> None:
    """Edits are made in a copy, and the copy and the images are removed."""
    before = {path: path.read_text() for path in settings.app_dir.iterdir()}
    runner = Runner(dry=True)
    with build_sandbox(runner, DryRunEngine("shop"), settings, "shop") as sandbox:
        sandbox.edit_dependencies()
        assert (sandbox.app / "package.json").read_text() != before[settings.app_dir / "package.json"]
    assert {path: path.read_text() for path in settings.app_dir.iterdir()} == before
    assert list((settings.root / ".cache").iterdir()) == []
    prune = "docker image prune --all --force --filter label=hello-dock.built-for="
    assert runner.lines[-2:] == [f"{prune}shop", f"{prune}shop-cold"]


def sources(sandbox: BuildSandbox, edits: int) -> set[str]:
    """The different texts that a module has after each edit."""
    texts = set()
    for _ in range(edits):
        sandbox.edit_source()
        texts.add((sandbox.app / "src" / "main.js").read_text())
    return texts


def test_source_edit_replaces_the_edit_before_it(settings: Settings) -> None:
    """The module grows by one line, however often it is edited. No edit repeats an earlier one."""
    (settings.app_dir / "src").mkdir()
    (settings.app_dir / "src" / "main.js").write_text("start()\n")
    with build_sandbox(Runner(dry=True), DryRunEngine("shop"), settings, "shop") as sandbox:
        texts = sources(sandbox, 3)
    assert len(texts) == 3
    assert all(re.fullmatch(r"start\(\)\nglobalThis.edited = '\w{8}'\n", text) for text in texts)
