"""The errors. Each one says what happened, why it matters, and how to fix it."""

from __future__ import annotations

import re


class DockError(Exception):
    """A problem: `what` happened, `why` it matters here, `how` to fix it. `evidence` is a text of log lines."""

    def __init__(self, what: str, why: str, how: str, evidence: str = "") -> None:
        super().__init__(what)
        self.what, self.why, self.how, self.evidence = what, why, how, evidence

    def __str__(self) -> str:
        lines = [self.what, self.why, self.how]
        if self.evidence.strip():
            lines[1:1] = ["".join(f"    {line}\n" for line in self.evidence.strip().splitlines()).rstrip()]
        return "\n".join(line for line in lines if line)


def reason_of(error: Exception) -> str:
    """Return what an exception says, for a sentence: without the number and the path that an OSError adds.

    httpx has the text of an OSError in its own errors.
    """
    text = getattr(error, "strerror", None) or re.sub(r"^\[Errno -?\d+\] ", "", str(error))
    return text or ("timed out" if isinstance(error, TimeoutError) else type(error).__name__)


class SettingsError(DockError):
    """A key or a value that cannot be used."""


class AppError(DockError):
    """The folder in app.dir is not a Vite app that can be built."""


class EngineError(DockError):
    """The Docker engine cannot be used."""


class NoEngineError(EngineError):
    """No Docker engine answers."""


class UnfitError(EngineError):
    """An engine that cannot build our images: too old, or Podman."""


class SetupError(DockError):
    """`invoke setup` cannot install or start what is missing."""


class BaseImageError(DockError):
    """A base image that is not here, cannot be pulled, and has no stand-in."""


class BuildError(DockError):
    """`docker image build` failed."""


class ConflictError(DockError):
    """A port or a name that is in use."""


class StartError(DockError):
    """A container that does not start or does not serve."""


class PushError(DockError):
    """An image that cannot be pushed, or one of a registry that cannot be run."""


class FleetError(DockError):
    """A swarm that cannot take a release, or a release that a node does not serve."""


class VerifyError(DockError):
    """A check that failed."""


class BenchError(DockError):
    """A measurement that cannot be made."""


class RegistryError(Exception):
    """A registry does not say which image it has. The message is the reason; a build goes on without it."""


class NotInRegistryError(RegistryError):
    """A registry answers that it does not have the image."""


class Skip(Exception):  # noqa: N818 - a verdict, not an error
    """A probe or a check cannot judge this subject. The message is the reason, and is shown to the user."""
