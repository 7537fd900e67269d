"""The command hello-dock, in repositories that are no checkout of this project. No engine answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from docktasks import __version__
from tests.unit.fakes.apps import ROOT

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app in a folder with a space."""
    app = tmp_path / "my app"
    app.mkdir()
    (app / "package.json").write_text(json.dumps({"name": "@acme/shop", "scripts": {"dev": "vite", "build": "vite"}}))
    (app / "index.html").write_text("")
    return app


@pytest.fixture
def call(tmp_path: Path, app: Path) -> Call:
    """A function that runs the command in the app's folder, or another one, and returns its exit code and output.

    It is another process, because Invoke reads the help of a task only once. The user's folders are empty.
    """
    folders = {f"XDG_{name}_HOME": str(tmp_path / name) for name in ("CACHE", "STATE")}
    own = {**os.environ, **folders, "DOCKER_HOST": "tcp://127.0.0.1:1", "PYTHONPATH": str(ROOT)}

    def run(*args: str, folder: Path = app, **environ: str) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "docktasks", *args]
        result = subprocess.run(command, cwd=folder, env=own | environ, capture_output=True, text=True, check=False)
        assert "Traceback" not in result.stderr
        return result.returncode, result.stdout, result.stderr

    return run


def test_version_is_that_of_the_package(call: Call) -> None:
    """There is one place that has it."""
    assert call("--version") == (0, f"hello-dock {__version__}\n", "")


def test_list_and_help_name_the_command(call: Call) -> None:
    """A reader types what the page says."""
    _, listed, _ = call("--list")
    assert "hello-dock npm" in listed
    assert "invoke" not in listed
    assert "Usage: hello-dock [--core-opts] npm" in call("--help", "npm")[1]


def test_task_works_on_the_folder_in_which_it_is_called(app: Path, call: Call, tmp_path: Path) -> None:
    """The build gets the app and our files, names follow from package.json, and nothing is written into the folder."""
    code, out, err = call("--dry", "run-prod")
    assert (code, err) == (0, "")
    text = out.replace(" \\\n    ", " ")
    assert "docker image build --tag acme-shop:prod " in text
    assert f"{tmp_path}/CACHE/hello-dock/" in text
    assert text.splitlines()[0].endswith(f" '{app}'")
    assert "--name acme-shop-prod " in text
    assert sorted(path.name for path in app.iterdir()) == ["index.html", "package.json"]


def test_flag_names_the_app(tmp_path: Path, call: Call) -> None:
    """It comes before the settings, and counts from the current folder."""
    args = ("--app=my app", "--dry", "build-prod")
    assert "acme-shop:prod" in call(*args, folder=tmp_path, INVOKE_APP_DIR="nowhere")[1]
    assert "acme-shop:prod" in call("--dry", "build-prod", "--app", "my app", folder=tmp_path)[1]


def test_settings_of_the_repository_are_completed(app: Path, call: Call) -> None:
    """A file of the repository has only what differs. A variable of ours counts, also where no file has its section."""
    (app / "invoke.yaml").write_text("prod:\n  memory: 48m\nother: {key: value}\n")
    out = call("--dry", "run-prod", "--no-build", INVOKE_PROD_PIDS_LIMIT="77", INVOKE_DEPLOY_HOST="mine")[1]
    assert "--memory 48m" in out
    assert "--pids-limit 77" in out
    assert "--log-opt max-size=10m" in out


@pytest.mark.parametrize(
    ("text", "environ", "problem"),
    [
        ("prod: 5\n", {}, "prod is 5, but must hold settings"),
        ("prod: {memory: much}\n", {}, "prod.memory is 'much', but must be a size"),
        ("prod: {memroy: 64m}\n", {}, "prod.memroy is not a setting. Did you mean prod.memory?"),
        ("", {"INVOKE_PORD_HOST_PORT": "1"}, "INVOKE_PORD_HOST_PORT in the environment is not a setting"),
        ("", {"INVOKE_PROD_HOST_PORT": "x"}, "prod.host_port is 'x', but must be a port number"),
        ("prod: [", {}, "invoke.yaml cannot be read."),
        ("- prod", {}, "invoke.yaml cannot be read."),
        ("app: {dir: nowhere}\n", {}, "There is no folder "),
    ],
)
def test_wrong_setting_is_one_message(app: Path, call: Call, text: str, environ: dict[str, str], problem: str) -> None:
    """It is named with the way to correct it, and ends the task."""
    (app / "invoke.yaml").write_text(text)
    code, out, err = call("--dry", "run-prod", **environ)
    assert (code, out) == (1, "")
    assert problem in err


def test_task_for_the_machine_needs_no_app(tmp_path: Path, call: Call) -> None:
    """A task for an app says what is missing."""
    empty = tmp_path / "empty"
    empty.mkdir()
    assert call("--dry", "bases", folder=empty)[0] == 0
    code, _, err = call("--dry", "status", folder=empty)
    assert code == 1
    assert err.startswith("\nThere is no Vite app in ")
    assert "--app=path/to/app, INVOKE_APP_DIR=path/to/app" in err


def test_similar_task_is_proposed(call: Call) -> None:
    """A mistyped one ends with a message."""
    assert call("rnu-prod") == (1, "", "\nThere is no task rnu-prod.\nDid you mean run-prod?\n")
