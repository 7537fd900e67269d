"""The engine of a dry run: nothing is asked."""

from __future__ import annotations

from docktasks.commands import Result
from docktasks.engine.models import START_INTERVAL_API, Container, Image, LimitSupport
from docktasks.settings import LABEL


class DryRunEngine:
    """Stands in for the engine under --dry: nothing is asked, and the project is taken to be running.

    So `stop` and `clean` have something to show, and `run-prod` shows the commands of a first start.
    """

    rootless = False
    able = LimitSupport()
    api = START_INTERVAL_API
    kernel = (5, 14)
    kernel_release = ""

    def __init__(self, project: str) -> None:
        self.project = project
        self.tags: dict[str, str] = {}

    def image(self, reference: str) -> Image | None:
        """Any image is there, so that nothing needs pulling."""
        return Image(id="RELEASE", tags=(reference,))

    def logs(self, name: str, lines: int = 15) -> str:  # noqa: ARG002 - as below
        """Nothing was logged."""
        return ""

    def container(self, name: str) -> Container | None:  # noqa: ARG002 - the answer is the same for all
        """No name is taken."""
        return None

    def containers(self, project: str) -> list[Container]:
        """The two that a user of both ways of life would have."""
        return [
            Container(f"{project}-{role}", f"{project}-{role}", labels={f"{LABEL}.role": role})
            for role in ("dev", "prod")
        ]

    def images(self, project: str) -> list[Image]:
        """The two images a project builds."""
        return [Image(f"{project}:{role}", tags=(f"{project}:{role}",)) for role in ("dev", "prod")]

    def volumes(self, project: str) -> list[str]:  # noqa: ARG002 - there is no engine to hold any
        """No volume is known."""
        return []

    def has_volume(self, name: str) -> bool:  # noqa: ARG002 - as above
        """No name is taken."""
        return False

    def users(self, image_id: str) -> list[str]:  # noqa: ARG002 - as above
        """Nobody uses an image."""
        return []

    def current_tags(self) -> dict[str, str]:
        """No image has a name."""
        return {}

    def execute(self, name: str, args: list[str]) -> Result:  # noqa: ARG002 - as above
        """No container runs."""
        return Result(1)
