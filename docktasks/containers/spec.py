"""A container that is to be started, as data."""

from __future__ import annotations

from dataclasses import dataclass

from docktasks.containers.ports import Bind


@dataclass(frozen=True)
class ContainerSpec:
    """A container to start: its role, where it is published, and its whole `docker container run` command.

    The role is dev, prod, or one of containers/roles.py; the container's name follows from it.
    """

    role: str
    bind: Bind
    args: list[str]

    @property
    def section(self) -> str:
        """The section of the settings that the container follows, dev or prod."""
        return "dev" if self.role == "dev" else "prod"
