"""The production containers, and how one release takes the other's place without losing a request.

The port holder owns the published port and the network namespace, and sleeps while a release listens in that namespace.
So can two, side by side, and the kernel shares new connections out between them. docs/releases.md draws it.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass

from docktasks import waiting
from docktasks.app.project import Project
from docktasks.containers import clones, ports, startup
from docktasks.containers import run_args as containers_run_args
from docktasks.containers.ports import Bind
from docktasks.containers.roles import CANDIDATE, CARRY, HOLDER, HOLDER_PREVIOUS, NEXT, PREVIOUS, PROD_ROLES
from docktasks.containers.spec import ContainerSpec
from docktasks.engine.models import Container
from docktasks.errors import ConflictError, StartError
from docktasks.images import build
from docktasks.images.build import BASE_LABEL
from docktasks.progress import Progress
from docktasks.release import gate, history
from docktasks.release import run_args as release_run_args
from docktasks.release.run_args import Release
from docktasks.roles import PROD
from docktasks.settings import LABEL


@dataclass
class Production:
    """A project's production containers, asked for anew whenever they are named."""

    project: Project
    steps: Progress

    def container(self, role: str = "prod") -> Container | None:
        """Our container of that role. Raises ConflictError when its name is taken by one that is not ours."""
        return startup.own_container(self.project, role)

    @property
    def bind(self) -> Bind | None:
        """Where the port holder is published, as it was asked to be; None when there is none."""
        holder = self.container(HOLDER)
        return Bind.parse(holder.labels[f"{LABEL}.publish"]) if holder else None

    def deploy(self, release: Release, bind: Bind) -> str:
        """Have the release serve at `bind`; its address. Whatever goes wrong, what served before serves on.

        Raises StartError or ConflictError.
        """
        volume = self.project.settings.container("carried")
        if self.project.engine.has_volume(volume) and volume not in self.project.engine.volumes(
            self.project.settings.app.name
        ):
            raise ConflictError(
                f"The volume {volume} is one that hello-dock did not make.",
                "Releases would carry their files over in it, and remove what else is there.",
                f"Rename or remove it (docker volume rm {volume}), or choose another name: INVOKE_APP_NAME=my-app",
            )
        current = self.container()
        if current is None or not current.serves or self.bind is None:
            return self._start(release, bind)
        history.record_missed_release(self.project, current.image_id)
        if self.bind == bind:
            return self._swap(release, bind, current)
        return self._move(release, bind, current)

    def recover(self) -> bool:
        """Finish or undo what an interrupted task left, and have what served serve again; True after a cut-off swap."""
        for role in (CANDIDATE, CARRY):
            if self.container(role):
                self._remove(role)
        self._settle_renamed()
        interrupted = any(self.container(role) for role in (NEXT, PREVIOUS, HOLDER_PREVIOUS))
        if self.container(HOLDER_PREVIOUS):
            self._end_move()
        if not self.container():  # between two renames
            for role in (NEXT, PREVIOUS):  # the next one had been proven
                if self.container(role):
                    self._rename(role, "prod")
                    break
        self._revive()
        for role in (NEXT, PREVIOUS):
            if self.container(role):
                self._retire(role)
        current = self.container()
        if interrupted and current:
            self.steps(f"what an interrupted task had begun is settled: release {current.release} serves")
        return interrupted

    def _settle_renamed(self) -> None:
        """Give a release that somebody renamed its name back, or have it go: it would answer beside the current one."""
        names = [self.project.settings.container(role) for role in PROD_ROLES]
        found = self.project.engine.containers(self.project.settings.app.name)
        for left in clones.abandoned_clones(found):
            self._removed(left)
        for each in found:
            if each.role != "prod" or each.name in names or not each.serves:
                continue
            if not self.container() and not self.container(PREVIOUS) and not self.container(NEXT):
                self._named(each.name, self.project.settings.container("prod"))
            else:
                self.steps.note(f"{each.name} is a release of this project under another name: it goes.")
                self._end(each.name, each.image_id)

    def _start(self, release: Release, bind: Bind) -> str:
        """Where no release serves."""
        holder = self.container(HOLDER)
        holds = holder is not None and holder.state == "running" and self.bind == bind
        if holds:  # it may serve in the place of a release that is gone: a broken one shall not take over from it
            self._prepare(release)
        if self.container():
            self._remove("prod")
        if holder and not holds:
            self._remove(HOLDER)
        try:
            with waiting.terminate_as_interrupt():
                url = self._bring_up(release, bind, holds=holds)
        except BaseException:
            self._remove("prod", *([] if holds else [HOLDER]))
            raise
        self.steps(f"release {release.id} serves")
        if not holds:  # not before: nobody has loaded a page yet, and it takes a quarter of a second
            history.bridge_assets(self.project, release)
        return url

    def _swap(self, release: Release, bind: Bind, current: Container) -> str:
        """Beside the release that serves, and then in its place."""
        self._prepare(release)
        try:
            with waiting.terminate_as_interrupt():
                self._run(NEXT, release, bind)
                url = startup.await_serving(self.project, NEXT, beside=True)
                self._rename("prod", PREVIOUS)
                self._rename(NEXT, "prod")
        except BaseException:
            self.recover()
            raise
        beside = "the one before" if release.id == current.release else f"release {current.release}"
        self.steps(f"release {release.id} answers beside {beside}")
        self._retire(PREVIOUS)
        self.steps(f"{beside} has answered what it had begun to, and is removed")
        return url

    def _move(self, release: Release, bind: Bind, current: Container) -> str:
        """To another port or address, which takes another port holder: the one change that may need a gap."""
        shared = bind.host_port in {published.host_port for published in current.published}
        if bind.host_port and not shared and waiting.is_listening("127.0.0.1", bind.host_port):
            raise ports.port_conflict(self.project.engine, bind, PROD)
        self._prepare(release)
        gap = 0.0
        try:
            with waiting.terminate_as_interrupt():
                self._rename("prod", PREVIOUS)
                self._rename(HOLDER, HOLDER_PREVIOUS)
                if shared:
                    self.steps.note(f"{bind} needs the port that the release is served on: a gap begins.")
                    gap = -time.monotonic()
                    url = self._take_port(release, bind)
                    gap += time.monotonic()
                else:
                    url = self._bring_up(release, bind, holds=False)
        except BaseException:
            self.recover()
            raise
        self.steps(f"release {release.id} serves at {url}; nobody was served for {gap:.1f} s")
        self._end_move()
        self.steps(f"release {current.release} is removed")
        return url

    def _end_move(self) -> None:
        """Remove what a move set aside where the new one serves, or there is nothing to go back to; else go back."""
        current, aside = self.container(), self.container(PREVIOUS)
        well = current and current.serves and current.health in ("healthy", "")
        if aside is None or (current and well and waiting.http_ready(f"{current.url}/").ready):
            if aside:
                self._retire(PREVIOUS)
            self._remove(HOLDER_PREVIOUS)
            return
        self._remove("prod", HOLDER)
        self._rename(HOLDER_PREVIOUS, HOLDER)  # first: while it is set aside, a container called prod is the new one
        self._rename(PREVIOUS, "prod")
        # What was being stopped when a Ctrl-C came still runs, and answers no more.
        if not (aside.serves and waiting.http_ready(f"{aside.url}/").ready):
            self._restart(HOLDER, "prod")

    def _revive(self) -> None:
        """Have a release serve that was stopped, or whose port holder was."""
        current, holder = self.container(), self.container(HOLDER)
        if holder and holder.state == "paused":  # by a `stop` that was interrupted
            self.project.run(["docker", "container", "unpause", holder.name], quiet=True)
            holder = self.container(HOLDER)
        if current and holder and not current.serves:
            self._restart(*([] if holder.state == "running" else [HOLDER]), "prod")

    def _prepare(self, release: Release) -> None:
        """All that can fail, while nothing that serves is touched."""
        self.steps(gate.check_candidate(self.project, release))
        history.bridge_assets(self.project, release)
        self.steps("its assets are there for pages of both releases")

    def _bring_up(self, release: Release, bind: Bind, *, holds: bool) -> str:
        if not holds:
            startup.start(self.project, ContainerSpec(HOLDER, bind, self._holder_args(release, bind)))
        self._run("prod", release, bind)
        # A holder that was there may have been serving in its place.
        return startup.await_serving(self.project, "prod", beside=holds)

    def _take_port(self, release: Release, bind: Bind) -> str:
        """As _bring_up, from the two that were set aside; whatever becomes of this task, somebody serves soon."""
        both = self._holder_args(release, bind), self._release_args("prod", release, bind)
        taken = self.project.run(
            release_run_args.switch_port_args(self.project.settings, *both, setsid=bool(shutil.which("setsid"))),
            quiet=True,
        )
        if not taken.ok:
            raise startup.explain_start(taken, self.project.engine, bind, PROD)
        return startup.await_serving(self.project, "prod")

    def _holder_args(self, release: Release, bind: Bind) -> list[str]:
        base = release.image.labels.get(BASE_LABEL, "")
        # Its base image, which outlives the release; anything that can sleep will do.
        image = base if base and self.project.engine.image(base) else release.id
        return release_run_args.holder_args(self.project.settings, bind, image, self.project.engine.kernel)

    def _release_args(self, role: str, release: Release, bind: Bind) -> list[str]:
        place = release_run_args.shared_network_args(self.project.settings, bind)
        return release_run_args.prod_args(self.project.settings, role, release, place, self.project.engine.api)

    def _run(self, role: str, release: Release, bind: Bind) -> None:
        startup.start(self.project, ContainerSpec(role, bind, self._release_args(role, release, bind)))

    def _retire(self, role: str) -> None:
        left = self.container(role)
        self._end(self.project.settings.container(role), left.image_id if left else "")

    def _end(self, name: str, image_id: str) -> None:
        """Have nginx answer what it has begun to, for prod.drain_timeout seconds at most, and remove it."""
        # -t: its long name changed in CLI 28
        self.project.run(
            ["docker", "container", "stop", "-t", str(self.project.settings.prod.drain_timeout), name], quiet=True
        )
        self._removed(name)
        if image_id:
            build.remove_untagged(self.project.run, self.project.engine, image_id)

    def _rename(self, role: str, to: str) -> None:
        self._named(self.project.settings.container(role), self.project.settings.container(to))

    def _named(self, name: str, to: str) -> None:
        renamed = self.project.run(["docker", "container", "rename", name, to], quiet=True)
        if not renamed.ok:
            raise StartError(
                f"{name} cannot be renamed to {to}.",
                "The names tell which release is the current one.",
                "See what Docker says, then again: invoke run-prod",
                evidence=renamed.tail(3),
            )

    def _restart(self, *roles: str) -> None:
        # Not `start`: a stop that a Ctrl-C cut short goes on in the engine; `start` finds the container still running,
        # does nothing, and then it is gone. `restart` waits for that stop.
        for role in roles:
            self.project.run(
                ["docker", "container", "restart", "-t", "1", self.project.settings.container(role)], quiet=True
            )

    def _remove(self, *roles: str) -> None:
        self._removed(*map(self.project.settings.container, roles))

    def _removed(self, *names: str) -> None:
        removed = self.project.run(containers_run_args.remove_args(*names), quiet=True)
        if not removed.ok:
            self.steps.note(f"Docker did not remove all it was told to: {removed.tail(1)}")
