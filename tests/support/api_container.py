"""An API in a container, in a network of its own. It runs this machine's Python, because no image here has one."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from benchmarks.checkout import ROOT
from tests.support.commands import docker
from tests.support.project import new_name

if TYPE_CHECKING:
    from typing_extensions import Self

SERVER = ROOT / "tests/support/api_server.py"


class ApiContainer:
    """A container that others in its network reach at http://api:8000. `image` is any one with chroot.

    With the files of a certificate and its key they reach it at https://api:8001, too.
    """

    def __init__(self, image: str, *files: Path) -> None:
        self.image, self.network, self.files = image, new_name(), map(str, files)
        self.name = f"{self.network}-api"
        self.others: list[str] = []

    def __enter__(self) -> Self:
        """Create the network and start the API."""
        docker("network", "create", self.network)
        self.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Remove the container and the network."""
        docker("container", "rm", "--force", self.name, *self.others)
        docker("network", "rm", self.network)

    def start(self) -> None:
        """Start the API."""
        docker(
            *["container", "run", "--detach", "--name", self.name, "--network", self.network, "--network-alias", "api"],
            *["--user", "0", "--volume", "/:/host:ro", "--entrypoint", "chroot", self.image],
            *["/host", sys.executable, str(SERVER), "8000", *self.files],
        )

    def kill(self) -> None:
        """Remove the container at once, and let another one take its address."""
        docker("container", "rm", "--force", self.name)
        self.others.append(f"{self.network}-other{len(self.others)}")
        docker("container", "run", "--detach", "--name", self.others[-1], "--network", self.network, self.image)

    @property
    def address(self) -> str:
        """The address of the container in its network."""
        form = f'{{{{(index .NetworkSettings.Networks "{self.network}").IPAddress}}}}'
        return docker("container", "inspect", "--format", form, self.name).strip()
