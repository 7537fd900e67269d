"""The image of a commit, built again from a clone, so that the checkout stays as it is."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from docktasks import resources
from docktasks.app import git
from docktasks.app.project import Project
from docktasks.engine.models import Image
from docktasks.errors import AppError, BuildError

IN_A_FOLDER = 'cd "$1" && export INVOKE_APP_NAME="$2" INVOKE_APP_DIR="$3" && shift 3 && exec "$@"'


@contextmanager
def image_of(project: Project, revision: str) -> Iterator[tuple[Image, str]]:
    """Build the image of a commit with that commit's own settings, yield both, and remove it. Raises DockError."""
    app_dir, name = project.settings.app_dir, f"{project.settings.app.name[:32]}-rebuilt"
    resolved = git.resolved(app_dir, revision)
    if resolved is None:
        raise AppError(f"--revision={revision} is no commit of {app_dir}.", "", "Name one: git log --oneline")
    top, commit = resolved
    with tempfile.TemporaryDirectory(prefix="hello-dock-") as folder:
        clone = Path(folder) / "clone"
        _clone(project, top, commit, clone)
        root = project.settings.root.resolve()
        working = clone / root.relative_to(top) if root.is_relative_to(top) else root
        app = os.path.relpath(clone / app_dir.relative_to(top), working)
        module = "invoke" if resources.is_checkout(root) else "docktasks"
        command = [sys.executable, "-m", module, "build-prod"]
        result = project.run(["sh", "-c", IN_A_FOLDER, "sh", str(working), name, app, *command], quiet=True)
    image = project.engine.image(f"{name}:prod")
    if not result.ok or image is None:
        raise BuildError(
            f"Commit {commit[:12]} cannot be built again.", "", "Correct what the build says", evidence=result.tail(10)
        )
    try:
        yield image, commit
    finally:
        project.run(["docker", "image", "rm", f"{name}:prod"], quiet=True)


def _clone(project: Project, top: Path, commit: str, clone: Path) -> None:
    clone_args = ["git", "clone", "--quiet", "--no-checkout", "--shared", str(top), str(clone)]
    for args in (clone_args, ["git", "-C", str(clone), "checkout", "--quiet", "--detach", commit]):
        project.run_or_raise(args, AppError(f"Commit {commit[:12]} cannot be checked out.", "", "Try again"))
