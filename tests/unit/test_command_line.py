"""Wrong command lines of the real tasks, as a user types them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

import pytest
from invoke.program import Program
from invoke.tasks import Task

import tasks
from tests.unit.fakes.apps import ROOT
from tests.unit.fakes.programs import Programs

Refusal = Callable[[Sequence[str]], str]
"""Runs a wrong command line, and returns its error."""

TASKS: list[Task] = list(tasks.namespace.tasks.values())  # type: ignore[type-arg]


def flags(*, are_switches: bool) -> list[tuple[str, str]]:
    """Return the names of each task and its switches, or its flags with a value. `get_arguments()` uses up the help."""
    return [
        (task.name.replace("_", "-"), parameter.name.replace("_", "-"))
        for task in TASKS
        for parameter in list(inspect.signature(task.body).parameters.values())[1:]
        if isinstance(parameter.default, bool) is are_switches
    ]


FLAGS, SWITCHES = flags(are_switches=False), flags(are_switches=True)
LISTS = [(task.name.replace("_", "-"), name) for task in TASKS for name in task.iterable]


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder is the checkout, and no engine answers."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")


@pytest.fixture
def refusal(capsys: pytest.CaptureFixture[str], programs: Programs) -> Refusal:
    """Return a function that runs a wrong command line and returns its error. Nothing may be printed or run before."""
    programs.add("docker")

    def run(args: Sequence[str]) -> str:
        with pytest.raises(SystemExit) as caught:
            Program(name="invoke", binary="invoke").run(["invoke", *args])
        out, err = capsys.readouterr()
        calls = [call for call in programs.calls if not call.startswith("docker version")]  # a thread may ask that
        assert (caught.value.code, out, calls) == (1, "", [])
        return str(err).strip()

    return run


@pytest.mark.parametrize(("task", "flag"), FLAGS)
def test_flag_needs_a_value(refusal: Refusal, task: str, flag: str) -> None:
    """The value is missing at the end or before another flag, it is empty, or it is a flag that is mistyped."""
    for words in ([f"--{flag}"], [f"--{flag}", "--dry"], [f"--{flag}="], [f"--{flag}", ""], [f"--{flag}", "--nonsens"]):
        error = refusal([task, *words])
        assert error.startswith(f"--{flag} has no value"), words
        assert error.endswith(f"Give one: --{flag}=VALUE")


@pytest.mark.parametrize(("task", "flag"), LISTS)
def test_second_value_of_a_list_is_needed_too(refusal: Refusal, task: str, flag: str) -> None:
    """The first value does not stand for the second."""
    assert refusal([task, f"--{flag}=a", f"--{flag}"]).startswith(f"--{flag} has no value.")


@pytest.mark.parametrize(("task", "flag"), [flag for flag in FLAGS if flag not in LISTS])
def test_flag_that_counts_once_is_given_once(refusal: Refusal, task: str, flag: str) -> None:
    """No value wins silently over another one."""
    assert refusal([task, f"--{flag}=1", f"--{flag}", "2"]).startswith(f"--{flag} is given twice.")


@pytest.mark.parametrize(("task", "flag"), SWITCHES)
def test_switch_is_given_once_and_has_no_value(refusal: Refusal, task: str, flag: str) -> None:
    """--build and --no-build contradict each other, and --open=false would open."""
    assert refusal([task, f"--{flag}", f"--{flag}"]).startswith(f"--{flag} is given twice.")
    assert refusal([task, f"--{flag}=false"]).startswith("There is no task false.")


def test_switch_that_is_on_cannot_be_turned_on_and_off(refusal: Refusal) -> None:
    """Which of the two counts would depend on their order."""
    assert refusal(["run-prod", "--build", "--no-build"]).startswith("--build is given twice.")


@pytest.mark.parametrize(
    ("words", "what", "how"),
    [
        (["runprod"], "There is no task runprod.", "Did you mean run-prod?"),
        (["xyzzy"], "There is no task xyzzy.", "See what there is: invoke --list"),
        (["run-prod", "8081"], "There is no task 8081.", "See what there is: invoke --list"),
        (["run-prod", "--prot=1"], "run-prod has no flag --prot.", "Did you mean --port?"),
        (["run-prod", "--no-biuld"], "run-prod has no flag --no-biuld.", "Did you mean --no-build?"),
        (["status", "--xyzzy"], "status has no flag --xyzzy.", "See what there is: invoke --help status"),
        (["--xyzzy", "status"], "invoke has no flag --xyzzy.", "See what there is: invoke --help"),
        (["npm", "install", "x"], "There is no task install.", "See what there is: invoke --list"),
    ],
)  # fmt: skip
def test_unknown_word_is_named_with_what_may_be_meant(refusal: Refusal, words: list[str], what: str, how: str) -> None:
    """The task does not begin."""
    error = refusal(words)
    assert error.startswith(what)
    assert error.endswith(how)


def test_words_for_a_tool_follow_two_dashes(refusal: Refusal) -> None:
    """`invoke npm install` is npm's own habit."""
    assert "Words for a tool follow `--`." in refusal(["npm", "install"])


def test_shell_completes_the_flags_of_a_task(capsys: pytest.CaptureFixture[str]) -> None:
    """A half typed flag is no error then."""
    Program(name="invoke", binary="invoke").run(["invoke", "--complete", "--", "invoke", "run-prod", "--p"], exit=False)
    assert {"--port", "--public"} <= set(capsys.readouterr().out.split())
