"""What answers questions about images, containers, volumes and networks. It changes nothing."""

from __future__ import annotations

from docktasks.engine.client import DockerEngine
from docktasks.engine.dry_run import DryRunEngine

Engine = DockerEngine | DryRunEngine
