"""The files of kept releases that open pages may still request: asked for at the address that serves."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from docktasks.app.project import Project

RELEASES_DIR = "/srv/carried/releases"
"""Where a release has the files of each kept release: RELEASE/site/ and RELEASE/built/site/ (nginx/carry.sh)."""
MAX_FILES_PER_RELEASE = 50
TIMEOUT_S = 5.0


def report(project: Project, url: str, current_id: str) -> tuple[str, str]:
    """Return a line of progress and a notice, about the files of the releases before the one that serves at `url`.

    The line is empty without such files, and the notice when all files that were asked for are there.
    """
    names = {name: release for release, name in _sample(project) if release != current_id}
    answers = dict(_answers(url, names))
    lost = [f"/{name} of release {names[name]}: {answer}" for name, answer in answers.items() if answer != "200"]
    if not names:
        return "", ""
    line = f"{len(names) - len(lost)} of {len(names)} files of earlier releases that were asked for are there"
    if not lost:
        return line, ""
    return line, (
        f"{len(lost)} of {len(names)} files of earlier releases are not there, so a page that is still open may fail: "
        f"{'; '.join(lost[:3])}. See all: invoke verify --only=container.assets"
    )


def _sample(project: Project) -> Iterator[tuple[str, str]]:
    """Yield release and path of some files of each kept release, spread over all that it has."""
    listed = project.engine.exec(
        project.settings.container("prod"), ["find", RELEASES_DIR, "-type", "f", "-path", "*/site/*"]
    )
    names: dict[str, set[str]] = {}
    for path in listed.output.splitlines() if listed.ok else ():
        folder, tree, name = path.removeprefix(f"{RELEASES_DIR}/").partition("/site/")
        if tree:
            names.setdefault(folder, set()).add(name)
    for folder, present in names.items():
        plain = sorted(name for name in present if not (name.endswith(".gz") and name[:-3] in present))
        step = -(-len(plain) // MAX_FILES_PER_RELEASE)
        yield from ((folder.partition("/")[0], name) for name in plain[::step])


def _answers(url: str, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each name and the status with which it is answered, or the error."""
    import httpx

    def answer(name: str) -> str:
        try:
            return str(client.head("/" + quote(name, safe="/!$&'()*+,;=:@")).status_code)
        except httpx.HTTPError as error:
            return str(error) or type(error).__name__

    with httpx.Client(base_url=url, timeout=TIMEOUT_S, trust_env=False, verify=False) as client:  # noqa: S501 - plain HTTP
        yield from ((name, answer(name)) for name in names)
