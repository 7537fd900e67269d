"""Ask a manager about its swarm."""

from __future__ import annotations

from typing import Any


class SwarmQuestions:
    """What an engine answers about the swarm that it is in."""

    @property
    def client(self) -> Any:
        """The SDK's client."""
        raise NotImplementedError

    @property
    def swarm_state(self) -> str:
        """`manager` or `worker` of a swarm, or the engine's own word, such as inactive."""
        swarm = self.client.info().get("Swarm") or {}
        state = str(swarm.get("LocalNodeState") or "inactive")
        return {True: "manager", False: "worker"}[bool(swarm.get("ControlAvailable"))] if state == "active" else state

    def swarm(self, kind: str, /, **filters: str) -> list[dict[str, Any]]:
        """Return the nodes, services, tasks or configs of the swarm, as the API describes them."""
        answer: list[dict[str, Any]] = getattr(self.client.api, kind)(filters=filters)
        return answer

    def service_logs(self, name: str) -> str:
        """Return what the tasks of a service have printed so far."""
        frames = self.client.services.get(name).logs(stdout=True)
        return b"".join(frames).decode(errors="replace")
