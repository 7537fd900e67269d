from __future__ import annotations

import inspect
import os
import shlex
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.program import Program
from invoke.tasks import Task

import tasks
from docktasks import runner
from docktasks.app import project as app_project
from docktasks.app import session
from docktasks.app.project import Project
from docktasks.engine.models import Image
from docktasks.errors import ConflictError
from docktasks.release import output
from docktasks.release.build import Build
from docktasks.release.deploy import Deployment
from docktasks.settings import Settings
from tests.unit.fakes.apps import ROOT
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.programs import Programs

NAMES = {
    "bases",
    "bench",
    "build-prod",
    "clean",
    "compare",
    "dev",
    "logs",
    "npm",
    "releases",
    "rollback",
    "run-prod",
    "setup",
    "shell",
    "status",
    "stop",
    "test",
    "verify",
}
COLLECTION = tasks.namespace
TASKS: list[Task] = list(COLLECTION.tasks.values())  # type: ignore[type-arg]
LOOKS = ("docker buildx version", "apt-get indextargets", "git ")
"""What a task may ask a program under --dry."""


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Invoke looks for tasks.py where it is called; nobody answers at the engine's address."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")


def invoke(*args: str) -> None:
    """`invoke …`, in this process."""
    Program(name="invoke", binary="invoke").run(["invoke", *args], exit=False)


def fresh(*args: str) -> subprocess.CompletedProcess[str]:
    """Python in a process of its own."""
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, check=False)


def test_the_list_names_every_task(capsys: pytest.CaptureFixture[str]) -> None:
    """It is the manual's first page: no more than two lines for each on a narrow terminal."""
    invoke("--list")
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "} == NAMES
    assert not any(both.startswith("    ") and after.startswith("    ") for both, after in pairwise(lines))


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_every_task_says_what_it_does(task: Task) -> None:  # type: ignore[type-arg]
    """The docstring's first line is an imperative sentence that ends."""
    first = (task.__doc__ or "").splitlines()[0]
    assert first.endswith(".")
    assert first[0].isupper()


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_every_flag_has_help_a_default_and_one_name(task: Task) -> None:  # type: ignore[type-arg]
    """No flag is a riddle, none is demanded, and none has a short form that could mean two things."""
    for argument in task.get_arguments():
        assert argument.help, argument.name
        assert argument.names == (argument.name,)
    parameters = list(inspect.signature(task.body).parameters.values())[1:]
    demanded = [each.name for each in parameters if each.default is inspect.Parameter.empty]
    assert demanded == list(task.iterable)  # of which none is an empty list


def test_listing_imports_none_of_the_slow_libraries() -> None:
    """`invoke --list` answers at once."""
    slow = {"docker", "httpx", "rich", "psutil", "playwright", "jinja2", "matplotlib"}
    code = (
        "import sys; from invoke.main import program; program.run(['invoke', '--list'], exit=False); "
        f"print('slow:', sorted({slow} & sys.modules.keys()))"
    )
    ran = fresh("-c", code)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "slow: []"


BUILD_ANY = "$ docker image build "
BUILD = f"{BUILD_ANY}--tag hello-dock:"
RUN = "$ docker container run --detach"
RM = "$ docker container rm --force"
TOOL = "$ docker container run --rm --init"
VOLUME = ["$ docker volume create "] * 2
RELEASE = [
    f"{RUN} --init --name hello-dock-prod-port ",
    f"{RUN} --name hello-dock-prod ",
    "$ docker container run --rm ",
    "$ docker image tag RELEASE hello-dock:RELEASE",
    "$ docker container run --rm ",
]
DRY: list[tuple[tuple[str, ...], list[str]]] = [
    (("dev",), [f"{BUILD}dev ", *VOLUME, f"{RUN} --init --name hello-dock-dev ", "$ docker volume rm "]),
    (("npm", "--", "install", "x"), [f"{BUILD}dev ", f"{TOOL} --interactive "]),
    (
        ("test",),
        [f"{BUILD}dev ", *VOLUME, "$ docker container run --rm ", "$ docker volume rm ", f"{TOOL} --interactive "],
    ),
    (("shell",), ["$ docker container exec --interactive hello-dock-dev sh"]),
    (("build-prod",), [f"{BUILD}prod "]),
    (("run-prod",), [f"{BUILD}prod ", *RELEASE]),
    (("run-prod", "--no-build"), RELEASE),
    (("rollback",), [line.replace("RELEASE", "EARLIER") for line in RELEASE]),
    (("rollback", "--to=0a1b"), [line.replace("RELEASE", "0a1b") for line in RELEASE]),
    (("releases",), []),
    (("stop",), ["$ docker container stop hello-dock-prod", f"{RM} hello-dock-dev hello-dock-prod"]),
    (("stop", "--role=dev"), [f"{RM} hello-dock-dev"]),
    (
        ("clean",),
        [f"{RM} hello-dock-dev hello-dock-prod", "$ docker image rm --force hello-dock:dev hello-dock:prod"],
    ),
    (("logs",), ["$ docker container logs --tail 100 hello-dock-prod"]),
    (("logs", "--role=dev", "--follow", "--tail=7"), ["$ docker container logs --tail 7 --follow hello-dock-dev"]),
    (("logs", "--tail=all"), ["$ docker container logs --tail all hello-dock-prod"]),
    (("status",), []),
    (("verify",), []),
    (("bench",), []),
    (("bench", "--quick", "--topic=build"), []),
    (
        ("compare",),
        [BUILD_ANY, "$ docker container run --rm ", RUN] * 3 + ["$ docker image prune "] * 2,
    ),
    (
        ("bases",),
        [
            "$ mmdebstrap ",
            "$ npm pack ",
            BUILD_ANY,
            BUILD_ANY,
        ],
    ),
]


@pytest.mark.parametrize(("args", "commands"), DRY, ids=lambda value: " ".join(value)[:30])
def test_a_dry_run_shows_the_commands_and_runs_nothing(
    args: tuple[str, ...], commands: list[str], capsys: pytest.CaptureFixture[str], programs: Programs
) -> None:
    """With no engine anywhere, every command is shown as it would be typed."""
    for name in ("docker", "mmdebstrap", "npm", "apt-get", "git", "sudo"):
        programs.add(name)
    invoke("--dry", *args)
    shown = [line for line in capsys.readouterr().out.splitlines() if line.startswith("$ ")]
    assert len(shown) == len(commands)
    assert all(line.startswith(command) for line, command in zip(shown, commands, strict=True)), shown
    assert [call for call in programs.calls if not call.startswith(LOOKS)] == []


def test_a_dry_setup_runs_nothing(capsys: pytest.CaptureFixture[str], programs: Programs) -> None:
    """What it shows depends on the machine; that it only shows it does not."""
    for name in ("docker", "apt-get", "sudo"):
        programs.add(name, "http://mirror.example/debian\n" if name == "apt-get" else "")
    invoke("--dry", "setup", "--browser")
    assert "$ " in capsys.readouterr().out
    assert [call for call in programs.calls if not call.startswith((*LOOKS, "sudo --non-interactive true"))] == []


@pytest.mark.parametrize("task", ["build-prod", "run-prod"])
def test_a_dry_build_has_no_size(task: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing was built that could have one."""
    invoke("--dry", task)
    assert "over its base image" not in capsys.readouterr().out


@pytest.mark.parametrize("task", ["dev", "run-prod", "rollback", "stop", "clean"])
def test_what_changes_containers_takes_the_projects_lock_first(
    task: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, programs: Programs
) -> None:
    """While another task holds it, each of them ends with one message, and has asked nobody for anything."""

    def held(_root: object, _project: object) -> None:
        raise ConflictError("Another task is changing them.", "", "Wait")

    monkeypatch.setattr(app_project, "project_lock", held)
    programs.add("docker")
    with pytest.raises(SystemExit) as caught:
        Program(name="invoke", binary="invoke").run(["invoke", task])
    out, err = capsys.readouterr()
    assert (caught.value.code, out, programs.calls) == (1, "", [])
    assert "Another task is changing them." in err


def test_public_is_said_aloud(capsys: pytest.CaptureFixture[str]) -> None:
    """Who leaves the loopback is told what that means."""
    invoke("--dry", "run-prod", "--public")
    out = capsys.readouterr().out
    assert "! --public: everyone who reaches this machine reaches the app." in out
    assert "--publish 0.0.0.0:8080:80" in out


def test_env_can_be_given_more_than_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Each is a value of the page's; the command can be typed as it is shown."""
    invoke("--dry", "run-prod", "--no-build", "--env", "API_URL=/api?a=1", "--env=APP_NAME=my shop")
    shown = [line for line in capsys.readouterr().out.splitlines() if "HELLO_DOCK_ENV" in line]
    assert len(shown) == 3  # the release, and twice what is carried over
    for words in map(shlex.split, shown):
        assert words[words.index("--env") + 1] == 'HELLO_DOCK_ENV={"API_URL":"/api?a=1","APP_NAME":"my shop"}'


def test_a_name_that_env_does_not_allow_is_told_before_anything_happens(capsys: pytest.CaptureFixture[str]) -> None:
    """One message, exit code 1, no command."""
    with pytest.raises(SystemExit) as caught:
        Program(name="invoke", binary="invoke").run(["invoke", "--dry", "run-prod", "--env", "SECRET=hunter2"])
    out, err = capsys.readouterr()
    assert (caught.value.code, out) == (1, "")
    assert "--env SECRET begins with none of the allowed prefixes (API_ APP_ PUBLIC_)." in err


def test_a_release_says_what_it_is_and_where(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Notices, size, and address; one that ran already says so."""
    project = Project(runner.Runner(Context()), FakeEngine(), settings)
    build = Build(Image("0", 20_000_000), 8_000_000, notices=("Built on a stand-in.",))
    outcome = Deployment(build, "http://127.0.0.1:8080")
    output.print_deployment(project, outcome, "hello-dock:prod")
    output.print_deployment(project, replace(outcome, build=replace(build, notices=()), unchanged=True), "release 0a1b")
    assert capsys.readouterr().out.splitlines() == [
        "! Built on a stand-in.",
        "hello-dock:prod: 20.0 MB, 8.0 MB over its base image",
        "Serving: http://127.0.0.1:8080",
        "release 0a1b: 20.0 MB, 8.0 MB over its base image",
        "Serving already: http://127.0.0.1:8080",
    ]


def test_a_setting_of_this_machine_reaches_the_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """INVOKE_<SECTION>_<KEY> goes before invoke.yaml."""
    monkeypatch.setenv("INVOKE_PROD_HOST_PORT", "8081")
    monkeypatch.setenv("INVOKE_APP_NAME", "shop")
    invoke("--dry", "run-prod")
    assert "--publish 127.0.0.1:8081:80" in capsys.readouterr().out


@pytest.mark.parametrize("task", sorted(NAMES))
def test_a_bad_setting_is_one_message(
    task: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every task ends with it, before it does anything."""
    monkeypatch.setenv("INVOKE_PROD_HOST_PORT", "abc")
    with pytest.raises(SystemExit) as caught:
        Program(name="invoke", binary="invoke").run(["invoke", "--dry", task])
    out, err = capsys.readouterr()
    assert caught.value.code == 1
    assert "prod.host_port is 'abc', but must be a port number" in err
    assert (out, "Traceback" in err) == ("", False)


def test_an_error_is_one_message_and_exit_code_1() -> None:
    """What, why and how, and no traceback, in a process of its own with no engine to be reached."""
    ran = fresh("-m", "invoke", "status")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("\nNo Docker engine answers at ")
    assert "127.0.0.1" in ran.stderr
    assert "invoke setup" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_an_interruption_is_said_and_has_its_exit_code() -> None:
    """No traceback, and the shell's code for a Ctrl-C."""
    with pytest.raises(Exit, match="Interrupted") as caught, session.exit_on_error():
        raise KeyboardInterrupt
    assert caught.value.code == 130


def test_a_reader_who_leaves_stops_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """`invoke run-prod | head`: what nobody reads is lost, and the task goes on."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        output = runner.Output(stream)
        for _ in range(3):
            print("a step", file=output, flush=True)
        assert output.encoding == stream.encoding
    assert capfd.readouterr().err == ""


def test_commands_run_in_the_checkout(tmp_path: Path) -> None:
    """Wherever the task was called; the task itself stays there, for the files that it is told to write."""
    code = (
        "import os; from docktasks.runner import Runner; from invoke.context import Context; "
        "print(Runner(Context())(['pwd'], quiet=True).output.strip(), os.getcwd(), sep='\\n')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout.splitlines() == [str(ROOT), str(tmp_path)]
