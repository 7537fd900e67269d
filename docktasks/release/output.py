"""The result lines of builds and releases."""

from __future__ import annotations

from docktasks.app.project import Project
from docktasks.containers import startup
from docktasks.images import releases
from docktasks.output import decimal
from docktasks.progress import print_notices
from docktasks.release.build import Build
from docktasks.release.deploy import Deployment


def print_build(build: Build, name: str, notices: tuple[str, ...] = ()) -> None:
    """Print the notices about an image, more notices, its size and what it is; under --dry it has no size."""
    print_notices((*build.notices, *notices))
    if build.size:
        added = f", {decimal(build.added_size)} over its base image" if build.added_size else ""
        print(f"{name}: {decimal(build.size)}{added}")
        print(f"Release {build.image.release}: {releases.described(build.image)}")


def print_deployment(project: Project, deployment: Deployment, name: str) -> str:
    """Print the result of a release: its notices, its size, and where it serves. Returns its page; "" under --dry."""
    print_build(deployment.build, name, deployment.notices)
    container = None if project.dry else startup.own_container(project, "prod")
    if container is None:
        return ""
    page = startup.page_url(container.url)
    serving = "Serving already" if deployment.unchanged else "Serving"
    print(f"{serving}: {container.address.replace(container.url, page, 1)}")
    return page
