"""Deltas: what a browser that has a file of an earlier release downloads of the new one (nginx/deltas.mjs)."""

from __future__ import annotations

from docktasks.app.project import Project
from docktasks.images import base_images
from docktasks.release import run_args


def make(project: Project) -> None:
    """Make the deltas from the kept releases to the current one, and say how many. A failure is only a notice.

    The base image with node has zstd. A machine that runs images of a registry may lack it, and makes none.
    """
    node = base_images.local(project, "node")
    if node is None:
        return
    result = project.run(run_args.delta_args(project.settings, node.reference), quiet=True)
    if not result.ok:
        project.progress.note(f"There are no deltas, so visitors who return load whole files: {result.tail(1)}")
    elif result.output.strip():
        project.progress(f"made {result.tail(1)}")
