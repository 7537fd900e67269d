"""The setting `api`: the prefixes that an API has under the site's origin, and where it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

HOST_GATEWAY = "host.docker.internal"
"""The name by which a container reaches the machine: https://docs.docker.com/reference/cli/docker/container/run/#add-host."""

KEYS = ("network", "upstreams")
"""The keys of the section that are no prefixes."""

PREFIX = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
ADDRESS = re.compile(
    r"https?://(?P<host>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
)
NETWORK = re.compile(r"(?!(?:host|none|bridge|default)$)[A-Za-z0-9][A-Za-z0-9_.-]*")
ITSELF = re.compile(r"localhost|127\.[0-9.]+|0\.0\.0\.0|\[::1?\]")
OWN_PATHS = {
    "/healthz": "the health check has that path",
    "/env.js": "the page's configuration has that path",
    "/src": "Vite serves the app's modules there",
    "/node_modules": "Vite serves the app's packages there",
}
"""Prefixes that would hide what is needed, each with the reason."""

LAST_PORT = 65535


@dataclass(frozen=True)
class Upstream:
    """A prefix such as /api, and the address that requests below it are passed on to, such as http://api:8000."""

    prefix: str
    address: str

    @property
    def host(self) -> str:
        """The name or IP address of the upstream."""
        match = ADDRESS.fullmatch(self.address)
        return match["host"] if match else ""

    @property
    def port(self) -> int:
        """The port of the upstream."""
        return urlsplit(self.address).port or (443 if self.address.startswith("https:") else 80)

    def __str__(self) -> str:
        return f"{self.prefix}={self.address}"


@dataclass(frozen=True)
class Api:
    """The API's upstreams, those with the longest prefix first, and the network that it is in; empty for none."""

    upstreams: tuple[Upstream, ...] = ()
    network: str = ""

    def __str__(self) -> str:
        return " ".join(map(str, self.upstreams))

    @property
    def uses_host(self) -> bool:
        """True when an upstream is on the machine itself."""
        return any(upstream.host == HOST_GATEWAY for upstream in self.upstreams)

    @property
    def is_outside(self) -> bool:
        """True when an upstream is not in the network: it is reached by a way out of the project's own networks."""
        return any(not self.network or re.search(r"[.:]", upstream.host) for upstream in self.upstreams)

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The prefix of each upstream."""
        return tuple(upstream.prefix for upstream in self.upstreams)


def is_below(path: str, prefixes: Iterable[str]) -> bool:
    """Return True for a path that is one of the prefixes, or below it."""
    return any(f"{path}/".startswith(f"{prefix}/") for prefix in prefixes)


def parse(config: Any, environ: Mapping[str, str], problems: list[str]) -> Api:
    """Return the section `api` of the settings, and add a text to `problems` for each entry that cannot be used.

    It has a prefix and an address a line. The key `upstreams` has the same as one text, for the environment, and counts
    in their place; `network` names the API's network. `environ` has INVOKE_API_NETWORK and INVOKE_API_UPSTREAMS.
    """
    if not isinstance(config, Mapping):
        problems.append(f'api is {config!r}, but must hold lines such as "/api": "http://api:8000"')
        return Api()
    network, text = (environ.get(f"INVOKE_API_{key.upper()}") or str(config.get(key) or "") for key in KEYS)
    entries = [(str(key), value) for key, value in config.items() if key not in KEYS]
    if text:
        entries = [(prefix, address) for prefix, _, address in (word.partition("=") for word in text.split())]
    if network and not NETWORK.fullmatch(network):
        problems.append(f"api.network is {network!r}, but must be a network of Docker that has a name of its own")
    upstreams: dict[str, Upstream] = {}
    for key, value in entries:
        upstream = Upstream(key.rstrip("/"), str(value or "").removesuffix("/"))
        faults = [f"api.{key} {fault}" for fault in _faults(key, upstream, upstreams)]
        problems += faults
        if not faults:
            upstreams[upstream.prefix] = upstream
    if network and not entries:
        problems.append(f'api.network is {network!r}, but no prefix has an address, such as "/api": "http://api:8000"')
    by_length = sorted(upstreams.values(), key=lambda upstream: (-len(upstream.prefix), upstream.prefix))
    return Api(tuple(by_length), network)


def _faults(key: str, upstream: Upstream, others: Mapping[str, Upstream]) -> Iterator[str]:
    """Yield what is wrong with an entry, the rest of a sentence whose subject is its key."""
    if not upstream.prefix and key.startswith("/"):
        yield "would hide the whole site: choose a path below it, such as /api"
    elif not PREFIX.fullmatch(upstream.prefix):
        hint = f" (/{key}?)" if PREFIX.fullmatch(f"/{key}") else ""
        yield f"is no prefix: it must be a path such as /api, of letters, digits and ._~-{hint}"
    elif reason := OWN_PATHS.get(upstream.prefix):
        yield f"cannot be the API's, because {reason}"
    elif upstream.prefix in others:
        yield f"is set twice: {others[upstream.prefix]} and {upstream}"
    address = ADDRESS.fullmatch(upstream.address)
    if not address or int(address["port"] or 1) not in range(1, LAST_PORT + 1):
        example = "http://api:8000 or https://api.example.com, without a path"
        yield f"is {upstream.address!r}, but must be an address such as {example}"
    elif ITSELF.fullmatch(upstream.host):
        port = f":{address['port']}" if address["port"] else ""
        yield f"is {upstream.address!r}, which is the container itself: for this machine write http://{HOST_GATEWAY}{port}"
