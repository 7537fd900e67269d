"""What can go wrong, for a reader: every error says what, why, and how to fix it.

DockError
├── SettingsError        a key or a value that cannot be used
├── AppError             the Vite app in app.dir is not one
├── EngineError          no way to the Docker engine
│   ├── NoEngineError    none answers
│   └── UnfitError       what answers cannot build our images: too old, or Podman
├── SetupError           `invoke setup` cannot install or start what is missing
├── BaseImageError       a base image can neither be found, pulled nor stood in for
├── BuildError           `docker image build` failed
├── ConflictError        a port or a name that somebody else holds
├── StartError           a container that does not come up
├── VerifyError          a check that failed
└── BenchError           a measurement that cannot be made
"""

from __future__ import annotations


class DockError(Exception):
    """One problem: `what` happened, `why` it matters here, `how` to fix it, and the `evidence` (log lines)."""

    def __init__(self, what: str, why: str, how: str, evidence: str = "") -> None:
        super().__init__(what)
        self.what, self.why, self.how, self.evidence = what, why, how, evidence

    def __str__(self) -> str:
        lines = [self.what, self.why, self.how]
        if self.evidence.strip():
            lines[1:1] = ["".join(f"    {line}\n" for line in self.evidence.strip().splitlines()).rstrip()]
        return "\n".join(line for line in lines if line)


class SettingsError(DockError):
    """A key or a value that cannot be used."""


class AppError(DockError):
    """The Vite app in app.dir is not one."""


class EngineError(DockError):
    """No way to the Docker engine."""


class NoEngineError(EngineError):
    """No Docker engine answers."""


class UnfitError(EngineError):
    """What answers cannot build our images: a Docker Engine that is too old, or Podman."""


class SetupError(DockError):
    """`invoke setup` cannot install or start what is missing."""


class BaseImageError(DockError):
    """A base image can neither be found, pulled nor stood in for."""


class BuildError(DockError):
    """`docker image build` failed."""


class ConflictError(DockError):
    """A port or a name that somebody else holds."""


class StartError(DockError):
    """A container that does not come up."""


class VerifyError(DockError):
    """A check that failed."""


class BenchError(DockError):
    """A measurement that cannot be made."""
