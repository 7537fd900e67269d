"""What is needed to start a container."""

from __future__ import annotations

from dataclasses import dataclass

from docktasks.containers.ports import Bind
from docktasks.containers.roles import role_of
from docktasks.roles import Role


@dataclass(frozen=True)
class ContainerSpec:
    """A container to start: its role, its published address, and its complete `docker container run` command.

    The role is dev or one of PROD_ROLES (containers/roles.py); the container's name is made from it.
    """

    role: str
    bind: Bind
    args: list[str]

    @property
    def part(self) -> Role:
        """The part of the project that the container belongs to, DEV or PROD."""
        return role_of(self.role)
