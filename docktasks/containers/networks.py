"""The project's two networks. On Docker's default network every container reaches all others, whatever they publish."""

from __future__ import annotations

from collections.abc import Iterator

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.containers.run_args import label_args
from docktasks.engine.models import Container, Network
from docktasks.engine.protocol import Engine
from docktasks.errors import ConflictError, StartError
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

PROBE_TIMEOUT_S = 1
"""A container that can be reached answers within milliseconds."""

NO_RESOLVER = "0.0.0.0"  # noqa: S104 - an address that is asked, not bound
"""A DNS server that never answers. Docker itself asks a server of the host, which would be a way out."""


def create_args(settings: Settings, role: Role) -> list[str]:
    """Return the command that creates the network of a role, in which no container reaches another one."""
    options = [arg for name, value in OPTIONS[role].items() for arg in ("--opt", f"{name}={value}")]
    name = settings.container(role.name)
    return ["docker", "network", "create", *label_args(settings, role.name), *options, name]


def join_args(settings: Settings, role: Role) -> list[str]:
    """Return the arguments by which a container joins the network of its role. Production resolves no names."""
    return ["--network", settings.container(role.name), *(["--dns", NO_RESOLVER] if role == PROD else [])]


def remove_args(*names: str) -> list[str]:
    """Return the command that removes networks. Docker keeps a network that a running container uses."""
    return ["docker", "network", "rm", *names]


def ensure(project: Project, role: Role) -> None:
    """Create the network of a role if there is none. Raises ConflictError or StartError."""
    name = project.settings.container(role.name)
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
    by_name = {name: project.engine.network(name) for name in (project.settings.container(role.name) for role in roles)}
    is_asked = project.engine.version  # under --dry maybe not, and the containers are still there
    own = [name for name, network in by_name.items() if not is_asked or (network and _is_own(network, project))]
    ended = {container.name for container in project.engine.containers(project.settings.app.name) if project.dry}
    used = [name for name in own if (network := by_name[name]) and set(network.members) - ended]
    removed = [name for name in own if name not in used]
    if removed:  # Docker refuses it where a container has joined just now
        project.run(remove_args(*removed), quiet=True)
    return [f"network {name}" for name in removed], [f"network {name}" for name in used]


def _is_own(network: Network, project: Project) -> bool:
    return network.labels.get(f"{LABEL}.project") == project.settings.app.name


def faults(project: Project, container: Container, role: Role) -> Iterator[str]:
    """Yield a line for each way in which the networks of a container are not what invoke dev and run-prod make."""
    own_name = project.settings.container(role.name)
    yield from (f"it is in the network {name}" for name in container.networks if name != own_name)
    network = project.engine.network(own_name)
    if network is None or own_name not in container.networks:
        yield f"it is not in the project's own network {own_name}"
        return
    if not _is_own(network, project):
        yield f"hello-dock did not create the network {own_name}"
    gateway_modes = {option: "nat" for option in network.options if option.startswith(f"{BRIDGE}.gateway_mode")}
    for option, value in (OPTIONS[role] | gateway_modes).items():
        if network.options.get(option) != value:
            yield f"network {own_name}: {option} is {network.options.get(option, 'not set')}, not {value}"


def reached_address(engine: Engine, visitor: str, container: Container, port: int) -> str:
    """Return the address at which the container called `visitor` reaches another one; empty if there is none."""
    for address in filter(None, container.networks.values()):
        url = f"http://{address}:{port}/"
        result = engine.exec(visitor, ["wget", "-q", "-T", str(PROBE_TIMEOUT_S), "-O", "/dev/null", url])
        if result.ok or "server returned" in result.output:
            return url
    return ""


def _explain_create(result: Result, name: str) -> StartError:
    what, how = f"The network {name} cannot be created.", "Correct what Docker says above"
    if "address pool" in result.output:
        what = f"Docker has no addresses left for the network {name}."
        how = (
            "Remove networks that nothing uses (docker network ls, docker network rm NAME), or give Docker more "
            "addresses: default-address-pools in daemon.json, https://docs.docker.com/reference/cli/dockerd/"
        )
    elif "br_netfilter" in result.output:
        what = "This kernel cannot keep the containers of a network apart."
        how = "Load the kernel's module for that, then try again: sudo modprobe br_netfilter"
    why = "Each project has networks of its own, so that the containers of other projects do not reach the app."
    return StartError(what, why, how, evidence=result.tail(2))
