"""`docker container run`: its argument lists, the hardening they share, and what stands in a container's way."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass
from importlib import import_module
from threading import Thread

from docktasks import probes
from docktasks.answers import Container, Result, Run
from docktasks.engine import START_INTERVAL_API, Engine, NoEngine
from docktasks.errors import BuildError, ConflictError, DockError, StartError
from docktasks.settings import LABEL, Settings

PORT_INSIDE = {"prod": 80, "dev": 3000}

# nginx in the image runs as this user: https://github.com/nginx/docker-nginx (uid and gid 101 in every variant).
NGINX_USER = 101


@dataclass(frozen=True)
class Bind:
    """Where a container is published: `host_port` 0 takes a free one; `public` leaves the loopback."""

    host_port: int
    public: bool = False

    @property
    def host(self) -> str:
        """The address of this machine that is listened on."""
        return "0.0.0.0" if self.public else "127.0.0.1"  # noqa: S104 - chosen by the user, and said aloud

    def args(self, container_port: int) -> list[str]:
        """The publish argument."""
        return ["--publish", f"{self.host}:{self.host_port or ''}:{container_port}"]


def hardening_args(settings: Settings) -> list[str]:
    """What every container of ours runs with: no capability, no way to gain one, logs that end."""
    return [
        "--cap-drop", "ALL",
        "--security-opt", "no-new-privileges",
        "--log-driver", "json-file",
        "--log-opt", f"max-size={settings.prod.log_size}",
        "--log-opt", f"max-file={settings.prod.log_files}",
    ]  # fmt: skip


def label_args(settings: Settings, role: str) -> list[str]:
    """The labels by which `status`, `stop` and `clean` find the container."""
    return [arg for name, value in settings.labels(role).items() for arg in ("--label", f"{name}={value}")]


def prod_args(settings: Settings, image_id: str, bind: Bind, role: str, api: tuple[int, ...]) -> list[str]:
    """The command that starts the production image for a role: prod, or candidate.

    The image is named by its tag, for whoever reads `docker container ls`; its id is in the label `hello-dock.run`.
    """
    restart = "unless-stopped" if role == "prod" else "no"
    args = [
        "docker", "container", "run", "--detach",
        "--name", settings.container(role),
        *label_args(settings, role),
        *bind.args(PORT_INSIDE["prod"]),
        "--restart", restart,
        "--read-only",
        "--tmpfs", f"/tmp:uid={NGINX_USER},gid={NGINX_USER},mode=0700,size=16m",  # noqa: S108 - the container's own
        *hardening_args(settings),
        "--memory", settings.prod.memory,
        "--memory-swap", settings.prod.memory,
        "--pids-limit", str(settings.prod.pids),
    ]  # fmt: skip
    if bind.public:
        args += ["--label", f"{LABEL}.public=true"]
    if api >= START_INTERVAL_API:
        # Else Docker first asks after a whole interval, and "healthy" is that much later.
        args += ["--health-start-period", "10s", "--health-start-interval", "200ms"]
    return [*args, "--label", f"{LABEL}.run={fingerprint([*args, image_id])}", settings.image("prod")]


def fingerprint(args: list[str]) -> str:
    """A short name for a command: the same image with the same settings has the same one."""
    return hashlib.sha256("\0".join(args).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class DevRun:
    """What one run of the dev container is given: its volume, its `uid:gid`, the commit, and a command of its own."""

    volume: str
    user: str
    revision: str = ""
    command: tuple[str, ...] = ()


def dev_args(settings: Settings, bind: Bind, given: DevRun) -> list[str]:
    """The command that starts the dev container: the source bind-mounted, node_modules in a volume over it."""
    inside = "/home/node/app"
    return [
        "docker", "container", "run", "--detach", "--init",
        "--name", settings.container("dev"),
        *label_args(settings, "dev"),
        *bind.args(PORT_INSIDE["dev"]),
        *hardening_args(settings),
        "--user", given.user,
        "--env", f"REVISION={given.revision}",
        "--mount", _csv("type=bind", f"source={settings.app_dir}", f"target={inside}"),
        "--mount", f"type=volume,source={given.volume},target={inside}/node_modules",
        settings.image("dev"),
        *given.command,
    ]  # fmt: skip


def _csv(*fields: str) -> str:
    """Fields as --mount reads them, which is CSV: a folder may have a comma or a quote in its name."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(fields)
    return line.getvalue()


def remove_args(*names: str) -> list[str]:
    """The command that removes containers, running or not."""
    return ["docker", "container", "rm", "--force", *names]


def existing(engine: Engine | NoEngine, settings: Settings, role: str) -> Container | None:
    """Our container for a role. Raises ConflictError when the name is taken by one that is not ours."""
    name = settings.container(role)
    found = engine.container(name)
    if found is not None and not found.is_of(settings.app.name):
        raise ConflictError(
            f"The container name {name} is taken by one that hello-dock did not start ({found.image}, {found.state}).",
            f"It lacks the label {LABEL}.project={settings.app.name}, so it is left alone.",
            f"Remove it (docker container rm --force {name}), or choose another name: INVOKE_APP_NAME=my-app",
        )
    return found


def start(run: Run, engine: Engine | NoEngine, settings: Settings, args: list[str], bind: Bind) -> None:
    """Run a `docker container run` command. Raises the DockError that its failure is, and leaves no half container."""
    # Whoever starts a container probes it next; loading the HTTP client takes no longer than the start does.
    Thread(target=import_module, args=("httpx",), daemon=True).start()
    result = run(args, quiet=True)
    if result.ok:
        return
    name = args[args.index("--name") + 1]
    left = engine.container(name)
    if left is not None and left.state == "created":
        run(remove_args(name), quiet=True)
    role = "dev" if name == settings.container("dev") else "prod"
    raise explain_start(result, engine, bind, role)


def explain_start(result: Result, engine: Engine | NoEngine, bind: Bind, role: str) -> DockError:
    """The error that a failed `docker container run` is."""
    text = result.output
    if "port is already allocated" in text or "address already in use" in text:
        return port_taken(engine, bind, role)
    if "permission denied" in text and 0 < bind.host_port < 1024:  # noqa: PLR2004 - the privileged ports
        return ConflictError(
            f"Port {bind.host_port} is one that this engine may not publish.",
            "Ports below 1024 belong to root, and a rootless engine is not.",
            f"Choose another, from 1024 on: INVOKE_{role.upper()}_HOST_PORT=8080",
        )
    if "no space left on device" in text:
        return BuildError(
            "The disk is full.",
            "The container's files could not be written.",
            "See what Docker holds: docker system df; free some: docker builder prune, invoke clean",
        )
    return StartError("`docker container run` failed.", "", "Mend what Docker says above", evidence=result.tail(4))


def port_taken(engine: Engine | NoEngine, bind: Bind, role: str) -> ConflictError:
    """The error that a port in use is, naming who holds it."""
    task = {"dev": "dev", "prod": "run-prod"}[role]
    other = bind.host_port + 1 if bind.host_port < 65535 else bind.host_port - 1  # noqa: PLR2004 - the last port
    return ConflictError(
        f"Port {bind.host_port} on {bind.host} is in use by {holder(engine, bind.host_port)}.",
        f"{task} publishes the app there.",
        f"Stop it, or choose another: INVOKE_{role.upper()}_HOST_PORT={other} invoke {task}",
    )


def holder(engine: Engine | NoEngine, host_port: int) -> str:
    """Who listens on a port of this machine, in words; a process of another user may stay unknown."""
    container = engine.publisher(host_port) if isinstance(engine, Engine) else None
    if container is not None:
        return f"container {container.name} ({container.image})"
    import psutil

    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr[1:2] == (host_port,)
            if listens and connection.pid:
                return f"process {connection.pid} ({psutil.Process(connection.pid).name()})"
    except psutil.Error:
        return "a process that only root may name"
    return "a process that could not be named"


def await_serving(engine: Engine, settings: Settings, role: str, path: str = "/") -> str:
    """Wait until the container is healthy and its published address answers 200; the address.

    Raises StartError with the last log lines when it exits, turns unhealthy, or takes longer than wait.ready seconds.
    """
    name = settings.container(role)
    ended: list[str] = []

    def look() -> probes.Probe:
        found = engine.container(name)
        if found is None or found.state in ("exited", "dead", "restarting") or found.health == "unhealthy":
            ended.append("is gone" if found is None else _ending(found))
            return probes.Probe(ready=True)
        served = probes.answers(found.url + path) if found.url else probes.Probe(ready=False, status="no port yet")
        if served.ready and found.health in ("healthy", ""):
            return probes.Probe(ready=True, status=found.url)
        return probes.Probe(ready=False, status=f"{served.status}; health: {found.health or 'no check'}")

    looked = probes.wait_until(look, settings.wait.ready)
    if looked.ready and not ended:
        return looked.status
    what = ended[-1] if ended else f"does not serve within {settings.wait.ready} s ({looked.status})"
    raise StartError(
        f"Container {name} {what}.",
        "Its last log lines are above.",
        f"Mend what they say, then start it again (more time: INVOKE_WAIT_READY={settings.wait.ready * 2})",
        evidence=engine.logs(name, lines=30),
    )


def _ending(found: Container) -> str:
    if found.state in ("exited", "dead", "restarting"):  # first: the health of what has ended says nothing more
        return f"stopped with exit code {found.exit_code}"
    return "is unhealthy"
