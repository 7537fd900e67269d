"""The containers of production, by role: one serves the release, another owns the published port."""

from __future__ import annotations

from dataclasses import dataclass

from docktasks.app.project import Project
from docktasks.containers import networks, startup
from docktasks.containers import run_args as containers_run_args
from docktasks.containers.ports import Bind
from docktasks.containers.startup import ContainerSpec
from docktasks.engine.models import Container
from docktasks.errors import StartError
from docktasks.images import build as images_build
from docktasks.labels import LABEL
from docktasks.progress import Progress
from docktasks.release import run_args
from docktasks.release.run_args import Release
from docktasks.roles import HOLDER, PROD


@dataclass(frozen=True)
class ReleaseContainers:
    """What can be done with a project's production containers. A role is one of PROD_ROLES (roles.py).

    Nothing is remembered: each question goes to the engine, because other processes change containers, too.
    """

    project: Project
    progress: Progress

    def container(self, role: str = "prod") -> Container | None:
        """Return our container of a role. Raises ConflictError if its name belongs to a container of others."""
        return startup.own_container(self.project, role)

    @property
    def bind(self) -> Bind | None:
        """The address that the port holder was started for; None without a port holder."""
        holder = self.container(HOLDER)
        return Bind.parse(holder.labels[f"{LABEL}.publish"]) if holder else None

    def holds(self, bind: Bind) -> bool:
        """Return True if the port holder publishes `bind`, and is in the project's own network and the API's."""
        holder, own = self.container(HOLDER), networks.own_name(self.project.settings, PROD)
        joined = {own, self.project.settings.api.network} - {""}
        if holder is None or self.bind != bind or not joined <= holder.networks.keys():
            return False
        return holder.labels.get(run_args.REACH_LABEL, own) == networks.reach(self.project.settings)

    def start(self, role: str, release: Release, bind: Bind) -> None:
        """Start a release, or its port holder. Raises StartError or ConflictError."""
        args = self._holder_args(release, bind) if role == HOLDER else self._release_args(role, release, bind)
        startup.start(self.project, ContainerSpec(role, bind, args))

    def _holder_args(self, release: Release, bind: Bind) -> list[str]:
        # The holder runs the base image, which outlives the release. Without it the release's own image works, too.
        names = (
            release.image.labels.get(images_build.BASE_LABEL, ""),
            images_build.base_reference(release.image.labels),
        )
        image = next((name for name in names if name and self.project.engine.image(name)), release.image.short_id)
        return run_args.holder_args(self.project.settings, bind, image, self.project.engine.kernel)

    def _release_args(self, role: str, release: Release, bind: Bind) -> list[str]:
        network_args = run_args.shared_network_args(self.project.settings, bind)
        return run_args.prod_args(self.project.settings, role, release, network_args, self.project.engine.api)

    def stop(self, role: str, timeout_s: int) -> None:
        """Ask a container to end, and kill it after `timeout_s` seconds."""
        self._stop_name(self.project.settings.container(role), timeout_s)

    def _stop_name(self, name: str, timeout_s: int) -> None:
        # -t, because its long form has another name since CLI 28.
        self.project.run(["docker", "container", "stop", "-t", str(timeout_s), name], quiet=True)

    def drain(self, role: str) -> None:
        """Let a release answer its open requests, then remove it."""
        container = self.container(role)
        self.stop_and_remove(self.project.settings.container(role), container.image_id if container else "")

    def stop_and_remove(self, name: str, image_id: str) -> None:
        """Stop a container within prod.drain_timeout and remove it, and its image if that has no tag."""
        self._stop_name(name, self.project.settings.prod.drain_timeout)
        self.remove_names(name)
        if image_id:
            images_build.remove_untagged(self.project.run, self.project.engine, image_id)

    def restart(self, *roles: str) -> None:
        """Restart containers, in this order.

        `docker container start` would not do: after a Ctrl-C the engine may still be stopping a container. `start` then
        finds it running and does nothing; `restart` waits for the stop.
        """
        for role in roles:
            name = self.project.settings.container(role)
            self.project.run(["docker", "container", "restart", "-t", "1", name], quiet=True)

    def rename_role(self, role: str, new_role: str) -> None:
        """Give a container another role. Raises StartError."""
        self.rename_container(self.project.settings.container(role), self.project.settings.container(new_role))

    def rename_container(self, name: str, new_name: str) -> None:
        """Give a container another name. Raises StartError."""
        renamed = self.project.run(["docker", "container", "rename", name, new_name], quiet=True)
        if not renamed.ok:
            raise StartError(
                f"{name} cannot be renamed to {new_name}.",
                "The name of a container tells whether it is the current release.",
                "Correct what Docker reports above, then run it again: invoke run-prod",
                evidence=renamed.tail(3),
            )

    def remove_roles(self, *roles: str) -> None:
        """Remove containers, running or not."""
        self.remove_names(*map(self.project.settings.container, roles))

    def remove_names(self, *names: str) -> None:
        """Remove containers by name, running or not. A failure is only reported: the next task tries again."""
        removed = self.project.run(containers_run_args.remove_args(*names), quiet=True)
        if not removed.ok:
            self.progress.note(f"Docker did not remove {', '.join(names)}: {removed.tail(1)}")
