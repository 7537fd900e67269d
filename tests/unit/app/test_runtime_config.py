from __future__ import annotations

import json
from pathlib import Path

import pytest

from docktasks.app.runtime_config import LIMIT, as_json, origins
from docktasks.errors import SettingsError
from tests.unit.fakes.apps import configured

PREFIXES = ("API_", "PUBLIC_")


def refused(*given: str, prefixes: tuple[str, ...] = PREFIXES) -> SettingsError:
    """The error that these are."""
    with pytest.raises(SettingsError) as caught:
        as_json(given, prefixes)
    return caught.value


def test_values_are_one_line_of_json_by_name() -> None:
    """In one order whatever the command line's, so that the same configuration is the same release."""
    given = ["PUBLIC_NAME=shop", "API_URL=https://api.example.com/?a=1&b=2"]
    made = r'{"API_URL":"https://api.example.com/?a=1\u0026b=2","PUBLIC_NAME":"shop"}'
    assert as_json(given, PREFIXES) == as_json(reversed(given), PREFIXES) == made


def test_none_is_nothing() -> None:
    """A release without a configuration gets no variable at all, not an empty object."""
    assert as_json([], PREFIXES) == ""


def test_the_last_of_one_name_counts() -> None:
    """As with any flag; an empty value is one."""
    assert as_json(["API_URL=a", "API_URL="], PREFIXES) == '{"API_URL":""}'


@pytest.mark.parametrize(
    ("value", "made"),
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
def test_no_value_ends_the_script_or_its_line(value: str, made: str) -> None:
    """Printable ASCII without <, > and &, and a browser reads the value that was given."""
    text = as_json([f"API_URL={value}"], PREFIXES)
    assert text == f'{{"API_URL":"{made}"}}'
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
def test_what_is_no_name_with_a_value_is_told(text: str) -> None:
    """With an example; `__proto__` would be another object's property, and cannot be a name."""
    error = refused("API_FINE=1", text, prefixes=("", *PREFIXES))
    assert error.what == f"--env {text!r} is not NAME=VALUE."
    assert "--env API_URL=https://api.example.com" in error.how


@pytest.mark.parametrize("name", ["SECRET", "API", "APIURL", "MY_API_URL"])
def test_a_name_that_is_not_allowed_is_told(name: str) -> None:
    """Everyone sees the page. The value is not repeated: it may be a secret."""
    error = refused(f"{name}=hunter2")
    assert error.what == f"--env {name} begins with none of the allowed prefixes (API_ PUBLIC_)."
    assert error.how.startswith("Choose such a name")
    assert "hunter2" not in str(error)


@pytest.mark.parametrize("prefixes", [PREFIXES, ()])
def test_the_way_out_allows_the_name(prefixes: tuple[str, ...]) -> None:
    """It can be typed; a name without _ has no beginning that could be allowed."""
    typed = refused("MY_API_URL=x", prefixes=prefixes).how.split("INVOKE_PROD_ENV_PREFIXES=")[1].strip("'")
    assert as_json(["MY_API_URL=x"], configured(Path(), prod_env_prefixes=typed).prod.env_prefixes)
    assert refused("SECRET=x", prefixes=prefixes).how == "Choose such a name"


def test_without_prefixes_no_name_is_allowed() -> None:
    """And the message does not name an empty list."""
    assert "(there are none)" in refused("API_URL=x", prefixes=()).what


def test_all_together_fit_one_argument() -> None:
    """Linux gives a single one 128 KiB; the limit is on what is handed over, escapes and all."""
    frame = len('{"API_URL":""}')
    assert len(as_json([f"API_URL={'a' * (LIMIT - frame)}"], PREFIXES)) == LIMIT
    assert refused(f"API_URL={'a' * (LIMIT - frame + 1)}").what == (
        "The values of --env have 65,537 characters together."
    )
    assert "The values of --env" in refused(f"API_URL={'<' * (LIMIT // 6)}").what


@pytest.mark.parametrize(
    ("value", "found"),
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
def test_an_address_names_the_origin_that_the_page_may_call(value: str, found: list[str]) -> None:
    """Without user, password and path; no other value names one, least of all more of the policy."""
    assert origins(as_json([f"API_URL={value}"], PREFIXES)) == found


def test_each_origin_is_named_once() -> None:
    """In one order; nothing configured is nothing to call."""
    given = ["API_A=https://b.example/1", "API_B=https://b.example/2", "API_C=https://a.example"]
    assert origins(as_json(given, PREFIXES)) == ["https://a.example", "https://b.example"]
    assert origins("") == []
