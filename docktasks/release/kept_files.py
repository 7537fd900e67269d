"""The files of kept releases that open pages may still request: asked for at the address that serves."""

from __future__ import annotations

from contextlib import closing

from docktasks.app.project import Project
from docktasks.images.carried import carried, sampled

MAX_FILES_PER_RELEASE = 50


def report(project: Project, url: str, current_id: str) -> tuple[str, str]:
    """Return a line of progress and a notice, about the files of the releases before the one that serves at `url`.

    The line is empty without such files, and the notice when all files that were asked for are there.
    """
    from docktasks.verify.probes.crawler import Site

    container = project.engine.container(project.settings.container("prod"))
    files = carried(project.engine, container, with_digests=False)[1] if container else []
    earlier = (file for file in sampled(files, MAX_FILES_PER_RELEASE) if file.release != current_id)
    asked = {file.path: file for file in earlier}
    with closing(Site(url)) as site:
        answers = site.get_all(map(site.address, asked), "HEAD")
    lost = [
        f"/{file.path} of release {file.release}: {answer.summary}"
        for file, answer in zip(asked.values(), answers, strict=True)
        if not answer.is_ok
    ]
    if not asked:
        return "", ""
    line = f"{len(asked) - len(lost)} of {len(asked)} files of earlier releases that were asked for are there"
    if not lost:
        return line, ""
    return line, (
        f"{len(lost)} of {len(asked)} files of earlier releases are not there, so a page that is still open may fail: "
        f"{'; '.join(lost[:3])}. See all: invoke verify --only=container.assets"
    )
