"""What a container is by what the kernel and the engine say of it, for the groups that judge one."""

from __future__ import annotations

from collections.abc import Iterator

from docktasks.engine.models import Container
from docktasks.engine.protocol import Engine
from docktasks.verify.registry import Skip

CAPABILITIES = ("CapPrm", "CapEff", "CapBnd", "CapAmb")


def read(engine: Engine, container: Container, path: str) -> str:
    """A file in the container. Raises Skip when it does not give it."""
    result = engine.exec(container.name, ["cat", path])
    if result.ok and not result.output:  # an engine under load may lose what a short command prints; ask again
        result = engine.exec(container.name, ["cat", path])
    if not result.ok:
        raise Skip(f"the container does not give {path}: {result.tail(1)}")
    return result.output


def status(engine: Engine, container: Container) -> dict[str, str]:
    """The fields of /proc/1/status in the container."""
    lines = read(engine, container, "/proc/1/status").splitlines()
    fields = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    missing = {"Uid", "NoNewPrivs", *CAPABILITIES} - fields.keys()
    if missing:
        raise Skip(f"/proc/1/status in the container does not tell {', '.join(sorted(missing))}")
    return fields


def powers(of: dict[str, str]) -> Iterator[str]:
    """The capabilities that the main process has or may get, and whether it can gain more."""
    yield from (f"{name}: {of[name]}" for name in CAPABILITIES if int(of[name], 16))
    if of["NoNewPrivs"] != "1":
        yield f"NoNewPrivs: {of['NoNewPrivs']}"


def exposed(container: Container) -> Iterator[str]:
    """The published addresses beyond the loopback."""
    for host, port, inside in container.published:
        if not host.startswith("127.") and host != "::1":
            yield f"{inside} is published on {host or 'every address'}, port {port}"
