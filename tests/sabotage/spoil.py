"""What the sabotage tests share: a fault, how it is made for real, and what the checks say of it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from invoke.config import Config

from docktasks import settings
from docktasks.commands import Result
from docktasks.containers import ports
from docktasks.engine.models import Container, Image
from docktasks.release import run_args
from docktasks.settings import Settings
from docktasks.verify.catalog import run_checks, select
from docktasks.verify.subject import Subject
from docktasks.waiting import Probe, http_ready, wait_until
from tests.engine.support import ROOT, Project, clean_environ, command, docker


@dataclass(frozen=True)
class Sabotage:
    """One fault, and exactly the checks that must fail: a Dockerfile `layer`, or options of `docker container run`.

    Or what a script does in the volume of carried files, `earlier`.
    """

    name: str
    fails: frozenset[str]
    layer: str = ""
    without: tuple[str, ...] = ()
    plus: tuple[str, ...] = ()
    runs: bool = True
    earlier: str = ""


def image(name: str, layer: str, *fails: str) -> Sabotage:
    """A fault that is seen without running the image."""
    return Sabotage(name, frozenset(fails), layer, runs=False)


def run(name: str, *fails: str, without: tuple[str, ...] = (), plus: tuple[str, ...] = ()) -> Sabotage:
    """A fault of how the container is run."""
    return Sabotage(name, frozenset(fails), "", without, plus)


def site(name: str, script: str, *fails: str) -> Sabotage:
    """A fault in what is served, made by a shell script in the image."""
    return Sabotage(name, frozenset(fails), f"USER root\nRUN cd /etc/nginx/serving; set -e; {script}\nUSER 101:101")


def add(path: str) -> str:
    """A layer with one more file."""
    return f"USER root\nRUN mkdir -p $(dirname {path}) && echo content >{path}\nUSER 101:101"


def configured(project: Project) -> Settings:
    """The default settings, under the project's name."""
    config = Config(project_location=ROOT)
    config.load_project()
    given = {section: dict(config[section]) for section in settings.SECTIONS}
    found = settings.load(project.checkout, given, {}, {})
    return replace(found, app=replace(found.app, name=project.name))


def start(project: Project, sabotage: Sabotage, made: contextlib.ExitStack) -> Container:
    """Run an image as run-prod does, but for what the sabotage changes, and wait until it answers."""
    found = configured(project)
    staged = project.engine.image(project.image)
    assert staged is not None
    release = run_args.Release(staged)
    network = [*ports.Bind(0).args(80), *run_args.carried_args(found, writable=False)]
    args = run_args.prod_args(found, "prod", release, network, project.engine.api)
    for option in sabotage.without:
        place = args.index(option)
        del args[place : place + (1 if option == "--read-only" else 2)]
    made.callback(docker, "volume", "rm", "--force", found.container("carried"))
    docker(*run_args.carry_args(found, release, "add", release.id)[1:])
    if sabotage.earlier:
        mount = run_args.carried_args(found, writable=True)
        script = f"cd /srv/carried; {sabotage.earlier}"
        docker("container", "run", "--rm", "--user", "0:0", *mount, project.image, "sh", "-c", script)
    made.callback(docker, "container", "rm", "--force", found.container("prod"))
    docker(*args[1:-1], *sabotage.plus, project.image)

    def look() -> Probe:
        container = project.container()
        assert container.state == "running", project.engine.logs(container.name)
        answer = http_ready(container.url)
        return Probe(answer.ready or " answers " in answer.status)

    looked = wait_until(look, limit=20, interval=0.02)
    print(*project.logs())
    assert looked.ready, looked.status
    return project.container()


class Quietly:
    """Runs commands, and prints what they print for the report of a test that failed."""

    dry = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, args: list[str], *, quiet: bool = False) -> Result:
        """Run one; `quiet` changes nothing here."""
        del quiet
        done = command(args, self.folder, clean_environ())
        return Result(done.code, done.output)


def subject_of(project: Project, container: Container | None, image: Image | None, url: str = "") -> Subject:
    """What the checks judge, with all that they may need."""
    address = container.url if container else url
    return Subject(
        address, project.engine, container, image, run=Quietly(project.checkout), settings=configured(project)
    )


def failed(subject: Subject, groups: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The checks of these groups that fail, with their evidence."""
    verdicts = list(run_checks(subject, select(groups)))
    if subject.url:
        subject.site.close()
    return {verdict.check.id: verdict.evidence for verdict in verdicts if verdict.outcome == "fail"}


def is_caught(
    project: Project,
    origin: Image,
    sabotage: Sabotage,
    made: contextlib.ExitStack,
    groups: Sequence[str],
) -> None:
    """Check that the fault fails the checks of these groups that are about it, and no other, with evidence."""
    spoiled = project.engine.image(project.stage(origin.tags[0], sabotage.layer))
    assert spoiled is not None
    container = start(project, sabotage, made) if sabotage.runs else None
    evidence = failed(subject_of(project, container, spoiled), groups)
    assert evidence.keys() == sabotage.fails, evidence
    assert all(evidence.values())
