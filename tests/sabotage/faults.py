"""What the sabotage tests share: a deliberate fault, how it is made for real, and what the checks report."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from _pytest.mark import ParameterSet

from docktasks.app.project import Project as VerifiedProject
from docktasks.containers import networks, ports
from docktasks.engine.models import Container, Image
from docktasks.release import run_args
from docktasks.roles import PROD
from docktasks.settings import Settings
from docktasks.verify.catalog import run_checks, select
from docktasks.verify.subject import Subject
from docktasks.waiting import Probe, http_ready, wait_until
from tests.support.commands import PrintingRunner, docker
from tests.support.project import ProjectUnderTest


@dataclass(frozen=True)
class Sabotage:
    """One deliberate fault, and exactly the checks that must fail.

    The fault is a Dockerfile `layer`; or options of `docker container run` that are left out (`without`) or added
    (`plus`); or a shell script that runs in the volume of earlier releases' assets (`volume_script`); or a value of
    the options of its own network (`network_option`), or another network that it joins (`joins`).
    """

    name: str
    fails: frozenset[str]
    layer: str = ""
    without: tuple[str, ...] = ()
    plus: tuple[str, ...] = ()
    is_run: bool = True
    volume_script: str = ""
    network_option: str = ""
    joins: str = ""


def cases(sabotages: Sequence[Sabotage], others: Sequence[Sabotage] = ()) -> list[ParameterSet]:
    """Return the sabotages as parameters of a test. The few that no check can do without are not marked `long`.

    A check that one of the `others` proves can do without these.
    """
    proven = {name for sabotage in others for name in sabotage.fails}
    uncaught = {name for sabotage in sabotages for name in sabotage.fails} - proven
    needed: list[Sabotage] = []
    while uncaught:
        needed.append(max(sabotages, key=lambda sabotage: len(sabotage.fails & uncaught)))
        uncaught -= needed[-1].fails
    return [
        pytest.param(sabotage, id=sabotage.name, marks=[] if sabotage in needed else [pytest.mark.long])
        for sabotage in sabotages
    ]


def image(name: str, layer: str, *fails: str) -> Sabotage:
    """Sabotage that the checks of an image see. The image is not run."""
    return Sabotage(name, frozenset(fails), layer, is_run=False)


def run(name: str, *fails: str, without: tuple[str, ...] = (), plus: tuple[str, ...] = ()) -> Sabotage:
    """Sabotage by the options with which the container is run."""
    return Sabotage(name, frozenset(fails), "", without, plus)


def site(name: str, script: str, *fails: str) -> Sabotage:
    """Sabotage of what is served, by a shell script in the folder of nginx's configuration."""
    return Sabotage(name, frozenset(fails), f"USER root\nRUN cd /etc/nginx/serving; set -e; {script}\nUSER 101:101")


def add(path: str) -> str:
    """A layer with one more file."""
    return f"USER root\nRUN mkdir -p $(dirname {path}) && echo content >{path}\nUSER 101:101"


def without_options(args: Sequence[str], options: Sequence[str]) -> list[str]:
    """A command of `docker container run` without these options and their values."""
    remaining = list(args)
    for option in options:
        index = remaining.index(option)
        del remaining[index : index + (1 if option == "--read-only" else 2)]
    return remaining


def start(project: ProjectUnderTest, sabotage: Sabotage, cleanup: ExitStack) -> Container:
    """Run the project's image as run-prod does, apart from the sabotage, and wait until it answers."""
    settings = project.settings()
    staged_project = project.engine.image(project.image)
    assert staged_project is not None
    release = run_args.Release(staged_project)
    network = [*networks.join_args(settings, PROD), *ports.Bind(0).args(80)]
    network += run_args.carried_args(settings, writable=False)
    args = run_args.prod_args(settings, "prod", release, network, project.engine.api)
    name, value = (sabotage.network_option or "=").split("=")
    cleanup.callback(docker, "network", "rm", settings.container("prod"))
    options = networks.create_args(settings, PROD)[1:]
    docker(*(f"{name}={value}" if name and option.startswith(name) else option for option in options))
    cleanup.callback(docker, "volume", "rm", "--force", settings.container("carried"))
    docker(*run_args.carry_args(settings, release, "add", release.id)[1:])
    if sabotage.volume_script:
        mount = run_args.carried_args(settings, writable=True)
        script = f"cd /srv/carried; {sabotage.volume_script}"
        docker("container", "run", "--rm", "--user", "0:0", *mount, project.image, "sh", "-c", script)
    cleanup.callback(docker, "container", "rm", "--force", settings.container("prod"))
    docker(*without_options(args, sabotage.without)[1:-1], *sabotage.plus, project.image)
    if sabotage.joins:
        docker("network", "connect", sabotage.joins, settings.container("prod"))
    _await_answer(project)
    return project.container()


def _await_answer(project: ProjectUnderTest) -> None:
    """Wait until the container answers, with whatever status."""

    def look() -> Probe:
        container = project.container()
        assert container.state == "running", project.engine.logs(container.name)
        probe = http_ready(container.url)
        return Probe(probe.ready or " answers " in probe.status)

    probe = wait_until(look, limit=60, interval=0.02)
    print(*project.logs())
    assert probe.ready, probe.status


def verified(project: ProjectUnderTest, settings: Settings | None = None) -> VerifiedProject:
    """The project as `verify` gets it, by default with `project.settings()`."""
    return VerifiedProject(PrintingRunner(project.checkout), project.engine, settings or project.settings())


def subject_of(project: ProjectUnderTest, container: Container | None, image: Image | None, url: str = "") -> Subject:
    """What the checks judge. Without a container, the address is `url`."""
    return Subject(container.url if container else url, verified(project), container, image)


def failures(subject: Subject, groups: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The checks of these groups that fail, with their evidence."""
    verdicts = list(run_checks(subject, select(groups)))
    if subject.url:
        subject.site.close()
    return {verdict.check.id: verdict.evidence for verdict in verdicts if verdict.outcome == "fail"}


def assert_caught(
    project: ProjectUnderTest, base: Image, sabotage: Sabotage, cleanup: ExitStack, groups: Sequence[str]
) -> None:
    """Sabotage the base image, and check that exactly the expected checks of these groups fail, with evidence."""
    sabotaged = project.engine.image(project.stage(base.tags[0], sabotage.layer))
    assert sabotaged is not None
    container = start(project, sabotage, cleanup) if sabotage.is_run else None
    evidence = failures(subject_of(project, container, sabotaged), groups)
    assert evidence.keys() == sabotage.fails, evidence
    assert all(evidence.values())
