"""Published ports: the address of a container, and the owner of a port that is in use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from docktasks.api import LAST_PORT
from docktasks.app.project import Project
from docktasks.engine.protocol import Engine
from docktasks.errors import ConflictError
from docktasks.labels import LABEL
from docktasks.roles import Role
from docktasks.waiting import is_listening

WORKING_DIR_LABEL = f"{LABEL}.working-dir"
"""Label of a dev container: the folder of the app that is mounted in it."""

MAX_PORTS = 100
"""How many ports are tried from a default on."""


@dataclass(frozen=True)
class Bind:
    """The address on which a container is published. `host_port` 0 takes a free port; `public` is every address."""

    host_port: int
    public: bool = False

    @classmethod
    def parse(cls, text: str) -> Bind:
        """Return the Bind that str() turned into a text."""
        host, _, host_port = text.rpartition(":")
        return cls(int(host_port), host == cls(0, public=True).host)

    @property
    def host(self) -> str:
        """The address of this machine without the port."""
        return "0.0.0.0" if self.public else "127.0.0.1"  # noqa: S104 - the user chose it, and the task says so

    def __str__(self) -> str:
        return f"{self.host}:{self.host_port}"

    def args(self, container_port: int) -> list[str]:
        """Return the arguments that publish a container's port there."""
        return ["--publish", f"{self.host}:{self.host_port or ''}:{container_port}"]


def free_bind(project: Project, role: Role, bind: Bind) -> Bind:
    """Return the address, with the next free port where it has a default that is in use; then say so."""
    if role.name not in project.settings.default_ports or project.dry:
        return bind
    port = _next_free(project.engine, bind.host_port) or bind.host_port
    if port != bind.host_port:
        owner = port_owner(project.engine, bind.host_port)
        project.progress.note(f"Port {bind.host_port} is in use by {owner}, so {role.task} takes port {port}.")
    return replace(bind, host_port=port)


def require_free(project: Project, role: Role, bind: Bind) -> None:
    """Raise ConflictError when others use a port that a setting names. A default port gives way to the next one.

    The role's own container, or its port holder, is replaced. The project's container of the other role is not.
    """
    if role.name in project.settings.default_ports or project.dry or not bind.host_port:
        return
    settings, container = project.settings, project.engine.container_publishing(bind.host_port)
    if container is None or not container.is_of(settings.app.name):
        is_own = False
    else:
        is_own = (container.name == settings.container("dev")) == (role.name == "dev")
    if not is_own and not _is_free(project.engine, bind.host_port):
        raise port_conflict(project.engine, bind, role)


def publish(project: Project, role: Role, bind: Bind, start: Callable[[Bind], object]) -> Bind:
    """Start what publishes an address, and return it. A default port that was just taken gives way to the next one."""
    try:
        start(bind)
    except ConflictError:
        if (following := free_bind(project, role, bind)) == bind:
            raise
        return publish(project, role, following, start)
    return bind


def _is_free(engine: Engine, host_port: int) -> bool:
    return engine.container_publishing(host_port) is None and not is_listening("127.0.0.1", host_port)


def _next_free(engine: Engine, first: int) -> int | None:
    ports = range(first, min(first + MAX_PORTS, LAST_PORT + 1))
    return next((port for port in ports if _is_free(engine, port)), None)


def port_conflict(engine: Engine, bind: Bind, role: Role) -> ConflictError:
    """Return the error for a port that is in use, which names its owner, and the next port that is free."""
    other = _next_free(engine, bind.host_port + 1) or bind.host_port - 1
    return ConflictError(
        f"Port {bind.host_port} on {bind.host} is in use by {port_owner(engine, bind.host_port)}.",
        f"{role.task} publishes the app there.",
        f"Stop it, or choose another: INVOKE_{role.name.upper()}_HOST_PORT={other} invoke {role.task}",
    )


def port_owner(engine: Engine, host_port: int) -> str:
    """Describe who listens on a port of this machine. A process of another user may stay unknown."""
    container = engine.container_publishing(host_port)
    if container is not None:
        folder = container.labels.get(WORKING_DIR_LABEL)
        details = [container.image, f"of {folder}" if folder else "", container.public_bind]
        return f"container {container.name} ({', '.join(filter(None, details))})"
    import psutil

    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr[1:2] == (host_port,)
            if listens and connection.pid:
                return f"process {connection.pid} ({psutil.Process(connection.pid).name()})"
    except psutil.Error:
        return "a process that only root can identify"
    return "an unknown process"
