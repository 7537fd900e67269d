from __future__ import annotations

import subprocess

import pytest

from docktasks.commands import Result, shell_text

COMMANDS = [
    [
        "docker",
        "container",
        "run",
        "--detach",
        "--init",
        "--name",
        "shop",
        "--restart=no",
        "nginx",
        "sh",
        "-c",
        "x",
    ],
    ["docker", "container", "run", "--env", 'HELLO_DOCK_ENV={"A":"$b `c` \\"d\\"","E":"it\'s \\\\ fine"}', "shop:prod"],
    ["docker", "container", "run", "--health-cmd", "[ -e /x ] || kill -TERM 1; [ -s /p ] && wget -q http://[::1]/"],
    ["node", "--eval", "const a = 1\n  console.log(a, '\\n')\n", "file name", "60", ""],
    ["docker", "container", "rm", "--force", *(f"hello-dock-{number}" for number in range(20))],
    ["docker", "container", "exec", "--interactive", "--tty", "shop-dev", "sh"],
    ["sh", "-c", "exec setsid dockerd >>/var/log/dockerd.log 2>&1 </dev/null &"],
    ["mmdebstrap", '--aptopt=Acquire::Check-Valid-Until "false"', "--include=a,b", "forky", "~/*.tar", "#", "!!", "é"],
    ["npm", "run", "test", "--", "-t", "a b", "--", "-"],
    ["a"],
]


def test_tail_of_a_result_has_no_blank_lines() -> None:
    """tail() returns the last lines that have text."""
    assert Result(1, "one\n\ntwo\n   \nthree\n\n").tail(2) == "two\nthree"
    assert Result(1, "one\n").tail() == "one"
    assert (Result(0).ok, Result(1).ok) == (True, False)


@pytest.mark.parametrize("args", COMMANDS, ids=lambda args: " ".join(args)[:40])
def test_shell_text_is_read_by_a_shell_as_the_same_command(args: list[str]) -> None:
    """A user copies it into a terminal. Each word arrives as it was."""
    script = f"printf '%s\\0' {shell_text(args)}"
    words = subprocess.run(["sh", "-c", script], capture_output=True, check=True).stdout.split(b"\0")[:-1]
    assert [word.decode() for word in words] == args


def test_shell_text_has_one_flag_a_line() -> None:
    """A flag and its value are on one line. A flag without a value does not take the word after it."""
    assert shell_text(COMMANDS[0]).splitlines() == [
        "docker container run \\",
        "    --detach \\",
        "    --init \\",
        "    --name shop \\",
        "    --restart=no \\",
        "    nginx sh \\",
        "    -c x",
    ]
    assert shell_text(COMMANDS[5]).splitlines()[-2:] == ["    --tty \\", "    shop-dev sh"]


def test_short_command_with_one_flag_is_one_line() -> None:
    """There is nothing to fold."""
    assert shell_text(["docker", "container", "stop", "-t", "30", "shop"]) == "docker container stop -t 30 shop"


def test_names_are_folded_between_words() -> None:
    """A terminal of 80 columns would break a longer line inside a name."""
    lines = shell_text(COMMANDS[4]).splitlines()
    assert len(lines) > 2
    assert max(map(len, lines)) <= 80
