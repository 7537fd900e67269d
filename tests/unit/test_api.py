"""The setting `api`: prefixes of the site, and the addresses that requests below them are passed on to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from invoke.config import Config

from docktasks import api
from docktasks.api import Api, Upstream
from docktasks.errors import SettingsError
from docktasks.settings import load
from tests.unit.fakes.apps import invoke_yaml


def parsed(section: Any, **environ: str) -> Api:
    """Return the section as the settings have it."""
    variables = {f"INVOKE_API_{name}": value for name, value in environ.items()}
    return load(Path("/checkout"), invoke_yaml() | {"api": section}, variables, Config.global_defaults()).api


def problems(section: Any, **environ: str) -> list[str]:
    """Return the problems of the section."""
    with pytest.raises(SettingsError) as caught:
        parsed(section, **environ)
    return caught.value.evidence.splitlines()


def test_lines_are_prefixes_with_addresses() -> None:
    """A slash at an end means nothing. The longest prefix comes first, as it has to in Vite."""
    section = {"network": "shop_default", "/api/": "http://api:8000/", "/api/v2": "https://v2.example.com"}
    loaded = parsed(section)
    assert loaded == Api(
        (Upstream("/api/v2", "https://v2.example.com"), Upstream("/api", "http://api:8000")), "shop_default"
    )
    assert str(loaded) == "/api/v2=https://v2.example.com /api=http://api:8000"
    assert parsed(None) == parsed({}) == parsed({"network": "", "upstreams": ""}) == Api()


def test_environment_replaces_the_lines() -> None:
    """Also where invoke.yaml has no such key, of which Invoke reads no variable."""
    section = {"/api": "http://api:8000"}
    loaded = parsed(section, UPSTREAMS="/api=http://host.docker.internal:8000 /ws=http://10.0.0.5", NETWORK="other")
    assert str(loaded) == "/api=http://host.docker.internal:8000 /ws=http://10.0.0.5"
    assert loaded.network == "other"
    assert loaded.uses_host


@pytest.mark.parametrize(
    ("address", "network", "is_outside"),
    [
        ("http://api:8000", "shop", False),
        ("http://api:8000", "", True),
        ("http://host.docker.internal:1", "shop", True),
        ("https://api.example.com", "shop", True),
        ("http://[fd00::1]:80", "shop", True),
    ],
)
def test_address_is_in_the_network_or_outside(address: str, network: str, *, is_outside: bool) -> None:
    """A name with a dot is another machine's."""
    assert parsed({"/api": address, "network": network}).is_outside is is_outside


NO_ADDRESS = "must be an address such as http://api:8000 or https://api.example.com, without a path"


@pytest.mark.parametrize(
    ("prefix", "address", "problem"),
    [
        ("/", "http://api:1", "api./ would hide the whole site: choose a path below it, such as /api"),
        ("//", "http://api:1", "api.// would hide the whole site"),
        ("api", "http://api:1", "it must be a path such as /api, of letters, digits and ._~- (/api?)"),
        ("/api/*", "http://api:1", "api./api/* is no prefix"),
        ("/a b", "http://api:1", "api./a b is no prefix"),
        ("/../x", "http://api:1", "api./../x is no prefix"),
        ("/a%20b", "http://api:1", "api./a%20b is no prefix"),
        ("/a//b", "http://api:1", "api./a//b is no prefix"),
        ("/healthz", "http://api:1", "api./healthz cannot be the API's, because the health check has that path"),
        ("/src", "http://api:1", "api./src cannot be the API's, because Vite serves the app's modules there"),
        ("/api", "", NO_ADDRESS),
        ("/api", None, NO_ADDRESS),
        ("/api", 8000, NO_ADDRESS),
        ("/api", "api:8000", NO_ADDRESS),
        ("/api", "ws://api:8000", NO_ADDRESS),
        ("/api", "http://api:8000/v1", NO_ADDRESS),
        ("/api", "http://user:word@api", NO_ADDRESS),
        ("/api", "http://api:99999", NO_ADDRESS),
        ("/api", "http://a pi", NO_ADDRESS),
        ("/api", "http://api;return 200", NO_ADDRESS),
        ("/api", {"target": "http://api"}, NO_ADDRESS),
        ("/api", "http://localhost:8000", "the container itself: for this machine write http://host.docker.internal:8000"),
        ("/api", "http://127.0.0.1", "the container itself: for this machine write http://host.docker.internal"),
    ],
)  # fmt: skip
def test_bad_entry_is_one_problem(prefix: str, address: Any, problem: str) -> None:
    """It names the entry, and what it must be."""
    (line,) = problems({prefix: address})
    assert problem in line
    assert line.startswith(f"api.{prefix} ")


def test_prefixes_that_collide_are_a_problem() -> None:
    """With and without a slash they are one."""
    assert problems({"/api": "http://a", "/api/": "http://b"}) == [
        "api./api/ is set twice: /api=http://a and /api=http://b"
    ]
    assert len(problems({}, UPSTREAMS="/api=http://a /api=http://b")) == 1


@pytest.mark.parametrize("network", ["host", "none", "bridge", "default", "a b", "--x"])
def test_network_without_names_is_a_problem(network: str) -> None:
    """Docker's default network resolves no names, and `host` is no network of containers."""
    assert problems({"network": network, "/api": "http://api"}) == [
        f"api.network is {network!r}, but must be a network of Docker that has a name of its own"
    ]


def test_section_that_is_no_list_of_lines_is_a_problem() -> None:
    """A network without a prefix means nothing, either."""
    assert problems("http://api:8000") == [
        'api is \'http://api:8000\', but must hold lines such as "/api": "http://api:8000"'
    ]
    assert "no prefix has an address" in problems({"network": "shop"})[0]


def test_path_below_a_prefix() -> None:
    """A path that only begins alike is the site's."""
    assert [api.is_below(path, ["/api"]) for path in ("/api", "/api/", "/api/x", "/apiary", "/", "/x/api")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip
