from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from docktasks.app.runtime_config import MAX_CHARACTERS, as_json, changes, chosen, missing, origins
from docktasks.errors import SettingsError
from tests.unit.fakes.apps import configured

NGINX = Path(__file__).parents[3] / "docktasks/images/nginx"
PREFIXES = ("API_", "PUBLIC_")
NAMES = "VITE_API_URL VITE_Title"
PROD = configured(Path("/checkout"), prod_env_prefixes="API_ PUBLIC_", prod_runtime_env=NAMES).prod


def refusal(*texts: str, prefixes: tuple[str, ...] = PREFIXES) -> SettingsError:
    """Return the error that these texts lead to."""
    with pytest.raises(SettingsError) as caught:
        as_json(texts, prefixes)
    return caught.value


def test_as_json_sorts_the_names() -> None:
    """The order of the command line does not matter, so the same configuration is the same release."""
    texts = ["PUBLIC_NAME=shop", "API_URL=https://api.example.com/?a=1&b=2"]
    line = r'{"API_URL":"https://api.example.com/?a=1\u0026b=2","PUBLIC_NAME":"shop"}'
    assert as_json(texts, PREFIXES) == as_json(reversed(texts), PREFIXES) == line


def test_as_json_of_no_text_is_empty() -> None:
    """A release without a configuration gets no variable, not an empty object."""
    assert as_json([], PREFIXES) == ""


def test_name_with_two_values_is_an_error() -> None:
    """An empty value is a value, too. The same value twice does no harm."""
    assert refusal("API_URL=a", "API_URL=").what == "--env API_URL is given twice, with two values."
    assert as_json(["API_URL=", "API_URL="], PREFIXES) == '{"API_URL":""}'


def test_env_and_no_env_together_are_an_error() -> None:
    """Nobody can guess which of the two is meant. Each one is a choice, and none of them keeps what is in force."""
    with pytest.raises(SettingsError, match="given together"):
        chosen(["API_URL=/api"], PROD, remove=True)
    assert chosen(["API_URL=/api"], PROD, remove=False) == '{"API_URL":"/api"}'
    assert chosen([], PROD, remove=True) == ""
    assert chosen([], PROD, remove=False) is None


def test_values_in_a_notice_are_printable_and_short() -> None:
    """A value may have any character, and thousands of them."""
    [notice] = changes(json.dumps({"API_A": "\x1b[31m\u202e", "API_B": "x" * 5000}), None)
    assert r"API_A='\x1b[31m\u202e', API_B='xxx" in notice
    assert "xxx...xxx" in notice
    assert len(notice) < 300


@pytest.mark.parametrize(
    ("value", "escaped"),
    [
        ("</script><script>alert(1)", r"\u003c/script\u003e\u003cscript\u003ealert(1)"),
        ("<!--", r"\u003c!--"),
        ("a&b", r"a\u0026b"),
        ('say "hi"', r"say \"hi\""),
        ("it's `$HOME` $(id)", "it's `$HOME` $(id)"),
        ("C:\\n", r"C:\\n"),
        ("one\ntwo\r\tthree", r"one\ntwo\r\tthree"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("\x00\x1f\x7f", r"\u0000\u001f\u007f"),
        ("é 😀", r"\u00e9 \ud83d\ude00"),
    ],
)
def test_no_value_ends_the_script_or_its_line(value: str, escaped: str) -> None:
    """The JSON is printable ASCII without <, > and &. A browser reads the value that was given."""
    text = as_json([f"API_URL={value}"], PREFIXES)
    assert text == f'{{"API_URL":"{escaped}"}}'
    assert json.loads(text) == {"API_URL": value}
    assert all(" " <= sign <= "~" for sign in text)


@pytest.mark.parametrize(
    "text",
    [
        "API_URL",
        "",
        "=x",
        "api_url=x",
        "API-URL=x",
        "API_URL =x",
        " API_URL=x",
        "API_URL\n=x",
        "1API_=x",
        "_API_=x",
        "__proto__=x",
        "API_\u00c9=x",
    ],
)
def test_text_that_is_not_a_name_with_a_value_is_an_error(text: str) -> None:
    """The error has an example. `__proto__` would be a property of another object."""
    error = refusal("API_FINE=1", text, prefixes=("", *PREFIXES))
    assert error.what == f"--env {text!r} is not NAME=VALUE."
    assert "--env API_URL=https://api.example.com" in error.how


@pytest.mark.parametrize("name", ["SECRET", "API", "APIURL", "MY_API_URL"])
def test_name_without_an_allowed_prefix_is_an_error(name: str) -> None:
    """The error does not repeat the value, which may be a secret."""
    error = refusal(f"{name}=hunter2")
    assert error.what == f"--env {name} begins with none of the allowed prefixes (API_ PUBLIC_)."
    assert error.how.startswith("Choose an allowed name")
    assert "hunter2" not in str(error)


@pytest.mark.parametrize("prefixes", [PREFIXES, ()])
def test_advice_of_the_error_allows_the_name(prefixes: tuple[str, ...]) -> None:
    """The setting can be copied from the error. A name without _ has no prefix."""
    setting = refusal("MY_API_URL=x", prefixes=prefixes).how.split("INVOKE_PROD_ENV_PREFIXES=")[1].strip("'")
    assert as_json(["MY_API_URL=x"], configured(Path(), prod_env_prefixes=setting).prod.env_prefixes)
    assert refusal("SECRET=x", prefixes=prefixes).how == "Choose an allowed name"


def test_no_name_is_allowed_without_prefixes() -> None:
    """The error says that there are no prefixes."""
    assert "(there are none)" in refusal("API_URL=x", prefixes=()).what


def test_values_fit_one_argument_of_a_process() -> None:
    """The limit counts the characters after escaping. Linux allows 128 KiB."""
    frame = len('{"API_URL":""}')
    assert len(as_json([f"API_URL={'a' * (MAX_CHARACTERS - frame)}"], PREFIXES)) == MAX_CHARACTERS
    assert refusal(f"API_URL={'a' * (MAX_CHARACTERS - frame + 1)}").what == (
        "The values of --env have 65,537 characters together."
    )
    assert "The values of --env" in refusal(f"API_URL={'<' * (MAX_CHARACTERS // 6)}").what


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://api.example", ["https://api.example"]),
        ("http://127.0.0.1:9000", ["http://127.0.0.1:9000"]),
        ("wss://live.example:8443/socket?a=1#b", ["wss://live.example:8443"]),
        ("ws://live.example", ["ws://live.example"]),
        ("https://api.example/v1/", ["https://api.example"]),
        ("https://me:secret@api.example/v1", ["https://api.example"]),
        ("/api", []),
        ("shop", []),
        ("", []),
        ("api.example:443", []),
        ("//api.example", []),
        ("ftp://files.example", []),
        ("javascript:alert(1)", []),
        ("https://", []),
        ("https://*.x", []),
        ("https://a.example;script-src", []),
        ("https://a b.example", []),
        ("https://caf\u00e9.example", []),
        ("https://[::1", []),
        ("https://a.example:x", []),
    ],
)
def test_origins_are_those_of_addresses(value: str, expected: list[str]) -> None:
    """User, password and path are left out. No other value can add to the policy."""
    assert origins(as_json([f"API_URL={value}"], PREFIXES)) == expected


def test_origins_are_sorted_and_unique() -> None:
    """No configuration has no origin."""
    texts = ["API_A=https://b.example/1", "API_B=https://b.example/2", "API_C=https://a.example"]
    assert origins(as_json(texts, PREFIXES)) == ["https://a.example", "https://b.example"]
    assert origins("") == []


@pytest.mark.parametrize("connect", ["", "https://own.example"])
def test_image_finds_the_same_origins_in_a_file(tmp_path: Path, connect: str) -> None:
    """The page's policy is the same with an object of a swarm. Origins that are named count in place of them."""
    values = {"A": "wss://b.example:81/x", "B": ["https://me:x@a.example?", 1], "C": {"D": "http://*.x", "E": "/api"}}
    config = tmp_path / "config"
    config.write_text(json.dumps(values, indent=2))
    assert origins(config.read_text()) == ["https://a.example", "wss://b.example:81"]
    script = (NGINX / "env.sh").read_text().replace(">/tmp/", f">{tmp_path}/")
    variables = {"HELLO_DOCK_ENV_FILE": str(config), "HELLO_DOCK_CONNECT": connect}
    subprocess.run(["sh", "-c", script], env=os.environ | variables, check=True)
    expected = connect or " ".join(origins(config.read_text()))
    assert (tmp_path / "connect.conf").read_text() == f'map "" $connect {{ default " {expected}"; }}\n'
    config.write_text("{}")
    (tmp_path / "connect.conf").unlink()
    subprocess.run(["sh", "-c", script], env=os.environ | variables, check=True)
    assert (tmp_path / "connect.conf").exists() is bool(connect)


def test_name_of_the_setting_needs_no_prefix() -> None:
    """Only the whole name counts, and it may have small letters."""
    assert chosen(["VITE_Title=x"], PROD, remove=False) == '{"VITE_Title":"x"}'
    with pytest.raises(SettingsError, match="VITE_API_URL2 begins with none of the allowed prefixes"):
        chosen(["VITE_API_URL2=x"], PROD, remove=False)


def test_name_without_a_value_is_a_notice() -> None:
    """An empty text is a value."""
    assert missing('{"VITE_A":""}', ["VITE_A"]) == missing("", []) == ()
    (notice,) = missing('{"VITE_A":""}', ["VITE_A", "VITE_B", "VITE_C"])
    assert "value for VITE_B, VITE_C, so" in notice
    assert "--env VITE_B=" in notice
