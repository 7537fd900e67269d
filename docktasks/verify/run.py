"""`invoke verify`: finds what is running, has it judged, and reports."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from docktasks import waiting
from docktasks.app.project import Project
from docktasks.commands import Run
from docktasks.containers import startup
from docktasks.engine import connect
from docktasks.errors import VerifyError
from docktasks.settings import Settings
from docktasks.verify import catalog, report
from docktasks.verify.registry import Check
from docktasks.verify.report import run as report_run
from docktasks.verify.subject import Need, Subject


@dataclass(frozen=True)
class VerifyOptions:
    """What shall be judged: these checks of the running container, or of the image or the address that is named.

    `strict` takes a skip for a failure; `files` names the file for each form of report, such as json.
    """

    checks: tuple[Check, ...]
    image: str = ""
    url: str = ""
    strict: bool = False
    files: Mapping[str, str] = field(default_factory=dict)


def verify(run: Run, settings: Settings, wanted: VerifyOptions) -> None:
    """Judge, print a table, and write the reports that are asked for.

    Raises VerifyError when a check failed, or under `strict` could not run; and when there is nothing to judge.
    """
    if run.dry:
        what = wanted.url or (f"image {wanted.image}" if wanted.image else f"container {settings.container('prod')}")
        print("Would judge", what, "by", len(wanted.checks), "checks.")
        return
    began = time.monotonic()
    with connect.sdk_errors_as_ours(), waiting.terminate_as_interrupt():
        subject = find(run, settings, wanted)
        verdicts = list(catalog.run_checks(subject, wanted.checks))
    judged = report_run.VerifyRun(subject, tuple(verdicts), time.monotonic() - began)
    report.show(judged, report.console())
    for form, path in wanted.files.items():
        report.write(judged, form, path)
    bad = [each.check.id for each in verdicts if each.outcome == "fail" or (wanted.strict and each.outcome == "skip")]
    if bad:
        raise VerifyError(
            f"{len(bad)} of {len(verdicts)} checks {'did not pass' if wanted.strict else 'failed'}: {', '.join(bad)}",
            "",
            "Each failed check's evidence and fix stand in the table above",
        )


def find(run: Run, settings: Settings, wanted: VerifyOptions) -> Subject:
    """What is to be judged. Raises VerifyError when it is not there."""
    if wanted.url and wanted.image:
        raise VerifyError(
            "--url and --image name two things to judge.",
            "An address tells nothing of the image behind it.",
            "Name one of them, or none for what is running",
        )
    if wanted.url:
        return at(wanted.url, settings)
    if wanted.image:
        return built(run, settings, wanted.image)
    return running(run, settings, {each.needs for each in wanted.checks})


def at(url: str, settings: Settings) -> Subject:
    """What answers at an address, with no engine at hand. Raises VerifyError when nothing does."""
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:
        address = httpx.URL("")
    if address.scheme not in ("http", "https") or not address.host:
        raise VerifyError(f"{url} is no address.", "--url names where the app is served.", "As: http://127.0.0.1:8080")
    subject = Subject(url, settings=settings)
    try:
        shell = subject.site.shell
    except httpx.HTTPError as error:
        said = str(error) or type(error).__name__
        trust = "CERTIFICATE_VERIFY_FAILED" in said
        raise VerifyError(
            f"{url} does not answer: {said}.",
            "verify judges what is served, from outside.",
            "Trust who signed its certificate: SSL_CERT_FILE=ca.pem invoke verify --url=…"
            if trust
            else "Start it, or name another address",
        ) from error
    if shell.get("location"):
        raise VerifyError(
            f"{url} redirects to {shell.get('location')}.",
            "verify judges what is served at one address, and follows nothing.",
            "Name the address where the app is",
        )
    return subject


def built(run: Run, settings: Settings, reference: str) -> Subject:
    """An image alone, running or not. Raises VerifyError when the engine does not have it."""
    found = connect.connect()
    image = found.image(reference)
    if image is None:
        raise VerifyError(
            f"There is no image {reference}.",
            "--image names one that the engine has.",
            "See which there are: docker image ls; the app's own is built by invoke build-prod",
        )
    return Subject("", found, None, image, run=run, settings=settings)


def running(run: Run, settings: Settings, needs: set[Need] | None = None) -> Subject:
    """What runs: the production container, its image and its address, and the dev container.

    Raises VerifyError when nothing runs that these `needs`, or any, are about.
    """
    found = connect.connect()
    container, dev = (
        startup.own_container(Project(run, found, settings), "prod"),
        found.container(settings.container("dev")),
    )
    if container is None or container.state != "running" or not container.url:
        container = None
    if dev is None or not dev.is_of(settings.app.name) or dev.state != "running" or not dev.url:
        dev = None
    about_dev = needs is not None and "dev" in needs
    if not (container and needs != {"dev"}) and not (dev and about_dev):
        role, task = ("dev", "invoke dev") if needs == {"dev"} else ("prod", "invoke run-prod")
        raise VerifyError(
            f"There is nothing to verify: container {settings.container(role)} does not run.",
            "verify judges what is running, from outside.",
            f"Start it ({task}), or name an address: invoke verify --url=http://127.0.0.1:8080",
        )
    image = found.image(container.image_id) if container else None
    return Subject(container.url if container else "", found, container, image, dev=dev, run=run, settings=settings)
