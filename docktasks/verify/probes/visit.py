"""What one visit of a site with a real browser recorded, which the browser checks judge."""

from __future__ import annotations

from dataclasses import dataclass, field

from docktasks.verify.probes.chromium import INTERRUPTED
from docktasks.verify.probes.page_events import NETWORK_CHANGED, PageSnapshot
from docktasks.verify.probes.page_timing import ResourceTiming


@dataclass
class Visit:
    """What a visit recorded: the pages in `first`, `deep`, `followed`, `pressed`, `audited` and `late`, and more.

    `timings` and `screenshot` are those of the first page. `audits` has axe's findings, and `widths` the width in
    pixels that a page takes, by path and width of the window; `cut_off` is a text below the window to which nobody can
    scroll, by path; `unseen` are pages for which there was no time, and
    `restless` those that load again or crash. `dead_ends` says which pages the back button does not leave, or fill the
    history by themselves. `posts` has the targets of forms that the browser would send by POST, with a page of each.
    `strict` is what prod.csp: strict would block; None if that was not tried. `finished` names
    the steps that ended, `failures` says why the browser did not get through a step, and `disturbed` names those that
    the machine's network disturbed each time, whose results are left out.
    """

    timings: tuple[ResourceTiming, ...] = ()
    screenshot: bytes = b""
    first: list[PageSnapshot] = field(default_factory=list)
    deep: list[PageSnapshot] = field(default_factory=list)
    followed: list[PageSnapshot] = field(default_factory=list)
    pressed: list[PageSnapshot] = field(default_factory=list)
    audited: list[PageSnapshot] = field(default_factory=list)
    late: list[PageSnapshot] = field(default_factory=list)
    injected: tuple[str, ...] = ()
    unseen: list[str] = field(default_factory=list)
    restless: list[str] = field(default_factory=list)
    dead_ends: list[str] = field(default_factory=list)
    dead_links: list[str] = field(default_factory=list)
    posts: dict[str, str] = field(default_factory=dict)
    audits: dict[str, tuple[str, ...]] = field(default_factory=dict)
    widths: dict[tuple[str, int], int] = field(default_factory=dict)
    cut_off: dict[str, str] = field(default_factory=dict)
    strict: tuple[str, ...] | None = None
    finished: set[str] = field(default_factory=set)
    failures: dict[str, str] = field(default_factory=dict)
    disturbed: frozenset[str] = frozenset()

    @property
    def pages(self) -> list[PageSnapshot]:
        """Every page, in the order of the visit."""
        return [*self.first, *self.deep, *self.followed, *self.pressed, *self.audited, *self.late]

    def was_interrupted(self, step: str) -> bool:
        """Return True if a page loaded again, or another page, while a step looked at it."""
        return bool(INTERRUPTED.search(self.failures.get(step, "")))

    def is_to_repeat(self, step: str) -> bool:
        """Return True if the step may get further next time. A page without rest is left each time."""
        is_restless = any(page.texts("activity") for page in self.pages)
        return self.was_disturbed or (self.was_interrupted(step) and not is_restless)

    @property
    def was_disturbed(self) -> bool:
        """True if the machine's network changed meanwhile, as when a container starts. That is no fault of the site."""
        is_failure = any(NETWORK_CHANGED in text for text in self.failures.values())
        return is_failure or any(page.disturbances for page in self.pages)
