"""The project's own networks, and that of its API.

On Docker's default network every container reaches all others, whatever they publish.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from docktasks.api import HOST_GATEWAY
from docktasks.app.project import Project
from docktasks.commands import Result, flags
from docktasks.containers.run_args import label_args
from docktasks.engine.models import Container, Network
from docktasks.engine.protocol import Engine
from docktasks.errors import ConflictError, StartError
from docktasks.faults import cause
from docktasks.labels import LABEL
from docktasks.roles import DEV, PROD, Role
from docktasks.settings import Settings

BRIDGE = "com.docker.network.bridge"
OPTIONS = {
    DEV: {f"{BRIDGE}.enable_icc": "false"},
    # Without masquerading no answer from outside finds the way back to a container.
    PROD: {f"{BRIDGE}.enable_icc": "false", f"{BRIDGE}.enable_ip_masquerade": "false"},
}
"""Options of Docker's bridge driver: https://docs.docker.com/engine/network/drivers/bridge/#options."""

OUT = "prod-out"
"""The part of a name that production's network has in place of `prod` where its API is outside of all networks."""

PROBE_TIMEOUT_S = 1
"""A container that can be reached answers within milliseconds."""

NO_RESOLVER = "0.0.0.0"  # noqa: S104 - an address that is asked, not bound
"""A DNS server that never answers. Docker itself asks a server of the host, which would be a way out."""

NO_AUTHORITIES = "An API on https is not reached"
"""How a line of the release's log begins (nginx/api.sh)."""

START_LOG_LINES = 50

FAULTS_FILE = Path(__file__).with_name("network_faults.json")
"""Why Docker creates no network."""


def own_name(settings: Settings, role: Role) -> str:
    """Return the name of the network of a role. One with a way out is another network than one without."""
    return settings.container(OUT if _has_way_out(settings, role) else role.name)


def _has_way_out(settings: Settings, role: Role) -> bool:
    return role == PROD and settings.api.is_outside


def _options(settings: Settings, role: Role) -> dict[str, str]:
    return OPTIONS[DEV if _has_way_out(settings, role) else role]


def create_args(settings: Settings, role: Role) -> list[str]:
    """Return the command that creates the network of a role, in which no container reaches another one."""
    options = flags("--opt", *(f"{name}={value}" for name, value in _options(settings, role).items()))
    return ["docker", "network", "create", *label_args(settings, role.name), *options, own_name(settings, role)]


def join_args(settings: Settings, role: Role) -> list[str]:
    """Return the arguments by which a container joins the network of its role.

    Production resolves no names of other machines, unless its API is there. connect() joins the API's network.
    """
    is_closed = role == PROD and not settings.api.is_outside
    return [
        "--network", own_name(settings, role),
        *(["--dns", NO_RESOLVER] if is_closed else []),
        *(["--add-host", f"{HOST_GATEWAY}:host-gateway"] if settings.api.uses_host else []),
    ]  # fmt: skip


def reach(settings: Settings) -> str:
    """Return what a port holder reaches, as its label says it: another reach needs another port holder."""
    names = [own_name(settings, PROD), settings.api.network, HOST_GATEWAY if settings.api.uses_host else ""]
    return " ".join(filter(None, names))


def require_api_network(project: Project) -> None:
    """Raise ConflictError if the API's network is not there, or is one of the project's own."""
    name = project.settings.api.network
    if not name or project.dry:
        return
    network = project.engine.network(name)
    if network is None:
        raise ConflictError(
            f"There is no network {name}.",
            "api.network names the Docker network in which the API is reached.",
            "Start the API first (docker compose up --detach), or name another one: docker network ls",
        )
    if _is_own(network, project):
        raise ConflictError(
            f"{name} is a network of this project.",
            "No container in it reaches another one, so the API would not be reached.",
            "Name the network that the API's container is in: docker network ls",
        )


def api_notices(settings: Settings) -> list[str]:
    """Return a notice when an upstream looks like the name of a container, and no network is named."""
    hosts = [upstream.host for upstream in settings.api.upstreams if not re.search(r"[.:]", upstream.host)]
    if not hosts or settings.api.network:
        return []
    where = "INVOKE_API_NETWORK=NAME, as docker network ls shows it"
    return [f"If {hosts[0]} is a container, name the network that it is in ({where}). No other network knows it."]


def https_notices(project: Project) -> list[str]:
    """Return a notice when an upstream is on https, and the release's image has no certificate authorities."""
    if project.dry or not any(upstream.address.startswith("https:") for upstream in project.settings.api.upstreams):
        return []
    log = project.engine.logs(project.settings.container(PROD.name), START_LOG_LINES).splitlines()
    how = "Choose a base image that has them (the official nginx does): bases.nginx_image"
    return [f"{line} {how}" for line in log if line.startswith(NO_AUTHORITIES)]


def connect(project: Project, name: str) -> Result:
    """Let a container join the API's network, too, if there is one."""
    if not project.settings.api.network:
        return Result(0)
    return project.run(["docker", "network", "connect", project.settings.api.network, name], quiet=True)


def ensure(project: Project, role: Role) -> None:
    """Create the network of a role if there is none. Raises ConflictError or StartError."""
    name = own_name(project.settings, role)
    network = project.engine.network(name)
    if network is None:
        created = project.run(create_args(project.settings, role), quiet=True)
        if not (created.ok or "already exists" in created.output):  # another task may have been faster
            raise _explain_create(created, name)
    elif not _is_own(network, project):
        raise ConflictError(
            f"hello-dock did not create the network {name}.",
            "The containers in it could reach the app.",
            f"Rename or remove it (docker network rm {name}), or choose another name: INVOKE_APP_NAME=my-app",
        )


def remove_unused(project: Project, *roles: Role) -> tuple[list[str], list[str]]:
    """Remove the networks of roles. Return those removed, and those that stay because a container uses them."""
    parts = [part for role in roles for part in (role.name, *([OUT] if role == PROD else []))]
    by_name = {name: project.engine.network(name) for name in map(project.settings.container, parts)}
    is_asked = project.engine.version  # under --dry maybe not, and the containers are still there
    current = [own_name(project.settings, role) for role in roles]
    own = [
        name
        for name, network in by_name.items()
        if (network and _is_own(network, project)) or (not is_asked and name in current)
    ]
    ended = {container.name for container in project.engine.containers(project.settings.app.name) if project.dry}
    used = [name for name in own if (network := by_name[name]) and set(network.members) - ended]
    removed = [name for name in own if name not in used]
    if removed:  # Docker refuses it where a container has joined just now
        project.run(["docker", "network", "rm", *removed], quiet=True)
    return [f"network {name}" for name in removed], [f"network {name}" for name in used]


def _is_own(network: Network, project: Project) -> bool:
    return network.labels.get(f"{LABEL}.project") == project.settings.app.name


def faults(project: Project, container: Container, role: Role) -> Iterator[str]:
    """Yield a line for each way in which the networks of a container are not what invoke dev and run-prod make."""
    own, expected = own_name(project.settings, role), _options(project.settings, role)
    joined = {own, project.settings.api.network} - {""}
    yield from (f"it is in the network {name}" for name in container.networks if name not in joined)
    yield from (f"it is not in the API's network {name}" for name in joined - {own, *container.networks})
    network = project.engine.network(own)
    if network is None or own not in container.networks:
        yield f"it is not in the project's own network {own}"
        return
    if not _is_own(network, project):
        yield f"hello-dock did not create the network {own}"
    gateway_modes = {option: "nat" for option in network.options if option.startswith(f"{BRIDGE}.gateway_mode")}
    for option, value in (expected | gateway_modes).items():
        if network.options.get(option) != value:
            yield f"network {own}: {option} is {network.options.get(option, 'not set')}, not {value}"


def without_api(container: Container, settings: Settings) -> Container:
    """Return the container without its address in the API's network, in which others reach it on purpose."""
    own = {name: address for name, address in container.networks.items() if name != settings.api.network}
    return replace(container, networks=own)


def reached_address(engine: Engine, visitor: str, container: Container, port: int) -> str:
    """Return the address at which the container called `visitor` reaches another one; empty if there is none."""
    for address in filter(None, container.networks.values()):
        url = f"http://{address}:{port}/"
        result = engine.exec(visitor, ["wget", "-q", "-T", str(PROBE_TIMEOUT_S), "-O", "/dev/null", url])
        # A server that speaks https closes the connection, which wget calls an error of the response.
        if result.ok or "server returned" in result.output or "getting response" in result.output:
            return url
    return ""


def _explain_create(result: Result, name: str) -> StartError:
    fault = cause(FAULTS_FILE, result.output, name=name)
    return StartError(fault["what"], fault["why"], fault["how"], evidence=result.tail(2))
