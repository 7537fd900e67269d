from __future__ import annotations

import inspect
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.program import Program
from invoke.tasks import Task

import tasks
from docktasks import resources
from docktasks.app import collection, runner, session
from docktasks.app import project as app_project
from docktasks.app.project import Project
from docktasks.engine.models import Image, Published
from docktasks.errors import ConflictError
from docktasks.release import output
from docktasks.release.build import Build
from docktasks.release.deploy import Deployment
from docktasks.settings import Settings
from tests.unit.fakes.apps import ROOT
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.programs import Programs
from tests.unit.fakes.web import Web

NAMES = {
    "bases",
    "bench",
    "build-prod",
    "clean",
    "compare",
    "deploy",
    "dev",
    "init",
    "logs",
    "npm",
    "push",
    "releases",
    "rollback",
    "run-prod",
    "sbom",
    "setup",
    "shell",
    "status",
    "stop",
    "test",
    "verify",
}
COLLECTION = tasks.namespace
TASKS: list[Task] = list(COLLECTION.tasks.values())  # type: ignore[type-arg]
HELP_COLUMNS = 78
"""The width of a docstring in `invoke --help` on a terminal of 80 columns. Invoke does not wrap it."""
QUESTIONS = ("docker buildx version", "apt-get indextargets", "git ")
"""The commands that a task may run under --dry, because they only ask."""


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder is the checkout, where Invoke looks for tasks.py. No engine answers."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")


def invoke(*args: str) -> None:
    """Run `invoke …` in this process."""
    Program(name="invoke", binary="invoke").run(["invoke", *args], exit=False)


def unfolded(text: str) -> list[str]:
    r"""Return the lines of a text, with a line that ends in `\` and its next line as one."""
    return text.replace(" \\\n    ", " ").splitlines()


def run_python(*args: str) -> subprocess.CompletedProcess[str]:
    """Run Python in another process."""
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, check=False)


def test_list_has_one_line_for_each_task(capsys: pytest.CaptureFixture[str]) -> None:
    """The list is the first page of the manual, on a terminal of 80 columns."""
    invoke("--list")
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "} == NAMES
    assert [line for line in lines if line.startswith("    ")] == []


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_docstring_of_a_task_begins_with_a_sentence(task: Task) -> None:  # type: ignore[type-arg]
    """`invoke --list` shows its first line, and `invoke --help` all of it."""
    first = (task.__doc__ or "").splitlines()[0]
    assert first.endswith(".")
    assert first[0].isupper()
    assert max(map(len, inspect.cleandoc(task.__doc__ or "").splitlines())) <= HELP_COLUMNS


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_flag_has_help_a_default_and_one_name(task: Task) -> None:  # type: ignore[type-arg]
    """No flag is required, and none has a short form that could mean two flags."""
    for argument in task.get_arguments():
        assert argument.help, argument.name
        assert len(argument.names) == 1
    parameters = list(inspect.signature(task.body).parameters.values())[1:]
    required = [parameter.name for parameter in parameters if parameter.default is inspect.Parameter.empty]
    assert required == list(task.iterable)  # of which none is an empty list


def test_list_imports_no_slow_library() -> None:
    """`invoke --list` answers at once."""
    slow = {"docker", "httpx", "rich", "psutil", "playwright", "jinja2", "matplotlib"}
    code = (
        "import sys; from invoke.main import program; program.run(['invoke', '--list'], exit=False); "
        f"print('slow:', sorted({slow} & sys.modules.keys()))"
    )
    result = run_python("-c", code)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "slow: []"


@pytest.mark.parametrize(("value", "is_kept"), [("", True), ("1", False)])
def test_compiled_modules_are_kept_for_the_next_task(tmp_path: Path, value: str, is_kept: bool) -> None:  # noqa: FBT001
    """Unless the user said otherwise: Invoke itself keeps none."""
    environ = os.environ | {"PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": value}
    command = [sys.executable, "-m", "invoke", "--search-root", str(ROOT), "--list"]
    subprocess.run(command, check=True, capture_output=True, env=environ)
    assert any(tmp_path.rglob("docktasks/app/session.*.pyc")) == is_kept


def test_compiled_modules_of_other_repositories_are_left_to_invoke(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that git does not ignore there would make the commit look changed. hello-dock loads none of theirs."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(resources, "is_checkout", lambda _: False)
    collection.keep_bytecode()
    assert sys.dont_write_bytecode
    collection.keep_bytecode(Program(namespace=Collection()))
    assert sys.dont_write_bytecode == bool(sys.flags.dont_write_bytecode)


SHOWN_PROGRAMS = ("docker ", "mmdebstrap ", "npm ")
BUILD_ANY = "docker image build "
BUILD = f"{BUILD_ANY}--tag hello-dock:"
RUN = "docker container run --detach"
RM = "docker container rm --force"
TOOL = "docker container run --rm --init"
NETWORK = "docker network create --label hello-dock.project=hello-dock "
INSTALLATION = [
    *["docker volume create "] * 2,
    NETWORK,
    f"{TOOL} --name hello-dock-dev-install ",
    "docker volume rm ",
]
RELEASE = [
    NETWORK,
    f"{RUN} --name hello-dock-prod-candidate ",
    f"{RM} hello-dock-prod-candidate",
    "docker container run --rm ",
    f"{RUN} --init --name hello-dock-prod-port ",
    f"{RUN} --name hello-dock-prod ",
    "docker image tag RELEASE hello-dock:RELEASE",
    "docker container run --rm ",
]
ATTACHED = [NETWORK, f"{TOOL} --interactive ", "docker network rm hello-dock-dev"]
NETWORK_RM = "docker network rm hello-dock-dev hello-dock-prod"
DRY: list[tuple[tuple[str, ...], list[str]]] = [
    (("dev",), [f"{BUILD}dev ", *INSTALLATION, f"{RUN} --init --name hello-dock-dev "]),
    (("npm", "--", "install", "x"), [f"{BUILD}dev ", *ATTACHED]),
    (("test",), [f"{BUILD}dev ", *INSTALLATION, *ATTACHED[1:]]),
    (("shell",), ["docker container exec --interactive hello-dock-dev sh"]),
    (("build-prod",), [f"{BUILD}prod "]),
    (("run-prod",), [f"{BUILD}prod ", *RELEASE]),
    (("run-prod", "--no-build"), RELEASE),
    (("run-prod", "--no-build", "--no-gate"), [RELEASE[3], NETWORK, *RELEASE[4:]]),
    (("rollback",), [line.replace("RELEASE", "EARLIER") for line in RELEASE]),
    (("rollback", "--to=0a1b"), [line.replace("RELEASE", "0a1b") for line in RELEASE]),
    (("releases",), []),
    (("stop",), ["docker container stop hello-dock-prod", f"{RM} hello-dock-dev hello-dock-prod", NETWORK_RM]),
    (("stop", "--role=dev"), [f"{RM} hello-dock-dev", "docker network rm hello-dock-dev"]),
    (
        ("clean",),
        [
            f"{RM} hello-dock-dev hello-dock-prod",
            NETWORK_RM,
            "docker image rm --force hello-dock:dev hello-dock:prod",
        ],
    ),
    (("logs",), ["docker container logs --tail 100 hello-dock-prod"]),
    (("logs", "--role=dev", "--follow", "--tail=7"), ["docker container logs --tail 7 --follow hello-dock-dev"]),
    (("logs", "--tail=all"), ["docker container logs --tail all hello-dock-prod"]),
    (("status",), []),
    (("verify",), []),
    (("bench",), []),
    (("bench", "--quick", "--topic=build"), []),
    (
        ("compare",),
        [BUILD_ANY, "docker container run --rm ", RUN] * 3 + ["docker image prune "] * 2,
    ),
    (
        ("bases",),
        [
            "mmdebstrap ",
            "npm pack ",
            BUILD_ANY,
            BUILD_ANY,
        ],
    ),
]


@pytest.mark.parametrize(("args", "commands"), DRY, ids=lambda value: " ".join(value)[:30])
def test_dry_run_shows_the_commands_and_runs_nothing(
    args: tuple[str, ...], commands: list[str], capsys: pytest.CaptureFixture[str], programs: Programs
) -> None:
    """No engine answers. Each command is shown as it can be typed."""
    for name in ("docker", "mmdebstrap", "npm", "apt-get", "git", "sudo"):
        programs.add(name)
    invoke("--dry", *args)
    commands_shown = [line for line in unfolded(capsys.readouterr().out) if line.startswith(SHOWN_PROGRAMS)]
    assert len(commands_shown) == len(commands)
    assert all(line.startswith(command) for line, command in zip(commands_shown, commands, strict=True)), commands_shown
    assert [call for call in programs.calls if not call.startswith(QUESTIONS)] == []


def test_dry_setup_runs_nothing(capsys: pytest.CaptureFixture[str], programs: Programs) -> None:
    """The machine decides which commands are shown."""
    for name in ("docker", "apt-get", "sudo"):
        programs.add(name, "http://mirror.example/debian\n" if name == "apt-get" else "")
    invoke("--dry", "setup", "--browser")
    assert "apt-get install --yes" in "\n".join(unfolded(capsys.readouterr().out))
    assert [call for call in programs.calls if not call.startswith((*QUESTIONS, "sudo --non-interactive true"))] == []


@pytest.mark.parametrize("task", ["build-prod", "run-prod"])
def test_dry_build_prints_no_size(task: str, capsys: pytest.CaptureFixture[str]) -> None:
    """There is no image that could have one."""
    invoke("--dry", task)
    assert "over its base image" not in capsys.readouterr().out


@pytest.mark.parametrize("task", ["dev", "run-prod", "rollback", "stop", "clean"])
def test_task_that_changes_containers_takes_the_lock_first(
    task: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, programs: Programs
) -> None:
    """While another task holds the lock, the task ends with one message, and runs no command."""

    def refuse(_root: object, _project: object) -> None:
        raise ConflictError("Another task is changing them.", "", "Wait")

    monkeypatch.setattr(app_project, "project_lock", refuse)
    programs.add("docker")
    with pytest.raises(SystemExit) as caught:
        Program(name="invoke", binary="invoke").run(["invoke", task])
    out, err = capsys.readouterr()
    changes = [call for call in programs.calls if not call.startswith("docker version")]  # a thread may ask that
    assert (caught.value.code, out, changes) == (1, "", [])
    assert "Another task is changing them." in err


def test_public_prints_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    """The app can be reached from other machines."""
    invoke("--dry", "run-prod", "--public")
    out = capsys.readouterr().out
    assert "! --public: everyone who reaches this machine reaches the app." in out
    assert "--publish 0.0.0.0:8080:80" in out


def test_env_can_be_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    """The page gets each value. The command can be typed as it is shown."""
    invoke("--dry", "run-prod", "--no-build", "--env", "API_URL=/api?a=1", "--env=APP_NAME=my shop")
    commands_shown = [line for line in unfolded(capsys.readouterr().out) if "HELLO_DOCK_ENV" in line]
    assert len(commands_shown) == 4  # the candidate, the release, and twice what is carried over
    for words in map(shlex.split, commands_shown):
        assert words[words.index("--env") + 1] == 'HELLO_DOCK_ENV={"API_URL":"/api?a=1","APP_NAME":"my shop"}'


def test_env_with_a_name_that_is_not_allowed_ends_the_task(capsys: pytest.CaptureFixture[str]) -> None:
    """There is one message with exit code 1, and no command."""
    with pytest.raises(SystemExit) as caught:
        Program(name="invoke", binary="invoke").run(["invoke", "--dry", "run-prod", "--env", "SECRET=hunter2"])
    out, err = capsys.readouterr()
    assert (caught.value.code, out) == (1, "")
    assert "--env SECRET begins with none of the allowed prefixes (API_ APP_ PUBLIC_)." in err


LABELS = {"version": "1.2.0", "revision": f"{'0a1b2c3d4e5f' + 'a' * 28}-dirty"}
BUILT_FROM = "1.2.0, commit 0a1b2c3d4e5f-dirty of 2026-11-28 10:00 UTC"


def test_result_of_a_release_is_its_size_and_address(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Notices come first. A release that ran already is called so."""
    public = own_container("prod", published=(Published("0.0.0.0", 8080, 80),))  # noqa: S104 - read, not bound
    project = Project(runner.Runner(Context()), FakeEngine(public), settings)
    labels = {f"org.opencontainers.image.{name}": value for name, value in LABELS.items()}
    image = Image("0", release="0123456789ab", labels=labels, created="2026-11-28T10:00:00Z")
    build = Build(image, 20_000_000, 8_000_000, notices=("Built on a stand-in.",))
    deployment = Deployment(build, "http://127.0.0.1:8080")
    output.print_deployment(project, deployment, "hello-dock:prod")
    output.print_deployment(
        project, replace(deployment, build=replace(build, notices=()), unchanged=True), "release 0a1b"
    )
    assert capsys.readouterr().out.splitlines() == [
        "! Built on a stand-in.",
        "hello-dock:prod: 20.0 MB, 8.0 MB over its base image",
        f"Release 0123456789ab: {BUILT_FROM}",
        "Serving: http://127.0.0.1:8080 (every address of this machine: 0.0.0.0:8080)",
        "release 0a1b: 20.0 MB, 8.0 MB over its base image",
        f"Release 0123456789ab: {BUILT_FROM}",
        "Serving already: http://127.0.0.1:8080 (every address of this machine: 0.0.0.0:8080)",
    ]


def test_page_of_a_site_with_a_base_path_is_below_it(
    settings: Settings, web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    """A router of such a site shows nothing at the root. --open opens the address that is printed."""
    web.answer = lambda _request: httpx.Response(200, text="ok\nThe base path is /shop/.\n")
    project = Project(
        runner.Runner(Context()), FakeEngine(own_container("prod", published=(("127.0.0.1", 8080, 80),))), settings
    )
    page = output.print_deployment(project, Deployment(Build(Image("0")), "http://127.0.0.1:8080"), "hello-dock:prod")
    assert page == "http://127.0.0.1:8080/shop/"
    assert capsys.readouterr().out == f"Serving: {page}\n"
    assert web.requests == ["http://127.0.0.1:8080/healthz"]


def test_variable_of_the_environment_reaches_the_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """INVOKE_<SECTION>_<KEY> overrides invoke.yaml."""
    monkeypatch.setenv("INVOKE_PROD_HOST_PORT", "8081")
    monkeypatch.setenv("INVOKE_APP_NAME", "shop")
    invoke("--dry", "run-prod")
    assert "--publish 127.0.0.1:8081:80" in capsys.readouterr().out


@pytest.mark.parametrize("value", ["", "0"])
def test_builds_attest_nothing_unless_the_user_wants_that(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """An attestation has the time of the build, so an image that did not change would have another id."""
    if value:
        monkeypatch.setenv(session.NO_ATTESTATIONS, value)
    invoke("--dry", "build-prod")
    assert os.environ[session.NO_ATTESTATIONS] == (value or "1")


@pytest.mark.parametrize("task", sorted(NAMES))
def test_invalid_setting_ends_every_task_with_one_message(
    task: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task does nothing before it."""
    monkeypatch.setenv("INVOKE_PROD_HOST_PORT", "abc")
    with pytest.raises(SystemExit) as caught:
        Program(name="invoke", binary="invoke").run(["invoke", "--dry", task])
    out, err = capsys.readouterr()
    assert caught.value.code == 1
    assert "prod.host_port is 'abc', but must be a port number" in err
    assert (out, "Traceback" in err) == ("", False)


def test_error_is_one_message_with_exit_code_1() -> None:
    """The message says what, why and how, without a traceback. No engine answers in that process."""
    result = run_python("-m", "invoke", "status")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("\nNo Docker engine answers at ")
    assert "127.0.0.1" in result.stderr
    assert "invoke setup" in result.stderr
    assert "Traceback" not in result.stderr


def test_interrupt_is_one_message_with_exit_code_130() -> None:
    """130 is the shell's code for Ctrl-C."""
    with pytest.raises(Exit, match="Interrupted") as caught, session.exit_on_error():
        raise KeyboardInterrupt
    assert caught.value.code == 130


def test_commands_run_in_the_checkout(tmp_path: Path) -> None:
    """The task itself stays in the folder where it was called, as its flags name files there. No bash is needed."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "pwd").symlink_to(shutil.which("pwd") or "/bin/pwd")
    code = (
        "import os; from docktasks.app.runner import Runner; from invoke.context import Context; "
        "print(Runner(Context())(['pwd'], quiet=True).output.strip(), os.getcwd(), sep='\\n')"
    )
    result = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"],
        cwd=tmp_path, capture_output=True, text=True, check=True, env=os.environ | {"PATH": str(programs)},
    )  # fmt: skip
    assert result.stdout.splitlines() == [str(ROOT), str(tmp_path)]
