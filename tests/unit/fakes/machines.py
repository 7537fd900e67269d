"""Machines to set up: their distribution, their programs, and whether a Docker engine answers."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

from docker.errors import DockerException

from tests.unit.fakes.programs import Programs

ABSENT = "Error while fetching server API version: ('Connection aborted.', FileNotFoundError(2, 'No such file'))"


DENIED = "Error while fetching server API version: ('Connection aborted.', PermissionError(13, 'Permission denied'))"


BUILDX = "github.com/docker/buildx v0.13.1 788433953af10f2a698f5c07611dddce2e08c7a0"


BOOKWORM = {"ID": "debian", "VERSION_CODENAME": "bookworm"}


TRIXIE = {"ID": "debian", "VERSION_CODENAME": "trixie"}


UBUNTU = {"ID": "ubuntu", "ID_LIKE": "debian", "VERSION_CODENAME": "noble"}


FEDORA = {"ID": "fedora"}


class FakeFromEnv:
    """A replacement of `docker.from_env()`. It refuses `refusals` times with `message`, then it returns an engine."""

    def __init__(self, message: str, refusals: int) -> None:
        self.message, self.refusals = message, refusals
        self.api = SimpleNamespace(base_url="http+docker://localhost", trust_env=True)

    def __call__(self) -> FakeFromEnv:
        """Raise DockerException, or return the engine's client."""
        self.refusals -= 1
        if self.refusals >= 0:
            raise DockerException(self.message)
        return self

    @staticmethod
    def version() -> dict[str, str]:
        """Return the versions of the engine and of its API."""
        return {"Version": "26.1.5", "ApiVersion": "1.45"}


Machine = Callable[..., Programs]
