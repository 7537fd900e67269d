"""`invoke verify`: find what is running, and run the checks on it."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import httpx

from docktasks import waiting
from docktasks.app.project import Project
from docktasks.containers import startup
from docktasks.errors import SettingsError, VerifyError, reason_of
from docktasks.images.releases import image_of
from docktasks.verify import catalog
from docktasks.verify.registry import SEVERITIES, Check, Severity
from docktasks.verify.report.run import VerifyRun
from docktasks.verify.subject import Need, Subject


@dataclass(frozen=True)
class VerifyOptions:
    """The checks to run, on the `image` or the address (`url`) if one is named, else on the running containers.

    `named` are the groups of the checks that the user asked for by --group or --only. `strict` counts a skip as failed,
    and a fault that is less than `fail_on` fails nothing.
    """

    checks: Sequence[Check]
    image: str = ""
    url: str = ""
    named: Collection[str] = ()
    strict: bool = False
    fail_on: str = "major"

    @property
    def severity(self) -> Severity:
        """The severity that --fail-on names. Raises SettingsError."""
        for severity in SEVERITIES:
            if severity == self.fail_on:
                return severity
        raise SettingsError(
            f"--fail-on={self.fail_on}: there is no such severity.",
            "It is the least fault with which verify ends with exit code 1.",
            f"Choose one of these: {', '.join(SEVERITIES)}",
        )


def verify(project: Project, options: VerifyOptions) -> VerifyRun:
    """Run the checks. Raises VerifyError if there is nothing to check."""
    start, fail_on = time.monotonic(), options.severity
    with waiting.terminate_as_interrupt():
        subject = find_subject(project, options)
        needs, reason, how = _applicable(options, subject, project)
        checks = [check for check in options.checks if check.needs in needs]
        left_out = tuple(check for check in options.checks if check.needs not in needs)
        missing = dict.fromkeys(check.group for check in left_out if check.group in options.named or not checks)
        if missing:
            raise VerifyError(f"There is nothing to verify for {', '.join(missing)}: {reason}.", "", how)
        verdicts = tuple(verdict.judged(fail_on) for verdict in catalog.run_checks(subject, checks))
    seconds = time.monotonic() - start
    reason = reason if left_out else ""
    return VerifyRun(
        subject, verdicts, seconds, strict=options.strict, fail_on=fail_on, left_out=left_out,
        left_out_reason=reason,
    )  # fmt: skip


def _applicable(options: VerifyOptions, subject: Subject, project: Project) -> tuple[set[Need], str, str]:
    """What there is to check, why there is no more, and what to do for more.

    A missing Chromium does not count here: what a browser sees was asked for, and could not be looked at.
    """
    if options.url:
        return {"url", "browser"}, "--url names only an address", "Leave out --url to check what is running"
    if options.image:
        return {"image"}, "--image names only an image", "Leave out --image to check what is running"
    needs: set[Need] = {"image", "container", "url", "browser"} if subject.has("container") else set()
    role, task = ("dev", "dev") if needs else ("prod", "run-prod")
    if subject.has("dev"):
        needs.add("dev")
    return needs, f"container {project.settings.container(role)} does not run", f"Start it: invoke {task}"


def dry_notice(project: Project, options: VerifyOptions) -> str:
    """Say what would be checked."""
    dev, prod = map(project.settings.container, ("dev", "prod"))
    target = options.url or (f"image {options.image}" if options.image else f"containers {prod} and {dev}, if they run")
    return f"Would check {target}."


def require_passed(verify_run: VerifyRun) -> None:
    """Raise VerifyError if the run has not passed."""
    if verify_run.passed:
        return
    failed, skipped, total = verify_run.ids("fail"), verify_run.ids("skip"), len(verify_run.verdicts)
    what = f"{len(failed)} of {total} checks failed: {', '.join(failed)}." if failed else ""
    how = "The lines above have the evidence and the fix of each failed check" if failed else ""
    if not failed or (verify_run.strict and skipped):
        counted = " --strict counts a skip as failed." if verify_run.strict else " So nothing was checked."
        what += f" {len(skipped)} of {total} checks skipped: {', '.join(skipped)}.{counted}"
        how += ", and the reason of each skip" if failed else "The lines above have the reason of each skip"
    raise VerifyError(what.strip(), "", how)


def find_subject(project: Project, options: VerifyOptions) -> Subject:
    """Find what the options name, or what is running. Raises VerifyError if it is not there."""
    if options.url and options.image:
        raise VerifyError(
            "--url and --image name two things to check.",
            "An address does not tell which image is behind it.",
            "Name one of them, or none to check what is running",
        )
    if options.url:
        return subject_at(options.url, project)
    if options.image:
        return image_subject(project, options.image)
    return running_subject(project, {check.needs for check in options.checks})


def subject_at(url: str, project: Project | None = None) -> Subject:
    """Make the subject of an address. Raises VerifyError if it is invalid, does not answer, or redirects."""
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:
        address = httpx.URL("")
    if address.scheme not in ("http", "https") or not address.host:
        raise VerifyError(
            f"{url} is not an address.", "--url names where the app is served.", "Example: --url=http://127.0.0.1:8080"
        )
    subject = Subject(url, project)
    try:
        location = subject.site.index.get("location")
    except httpx.HTTPError as error:
        reason, how = reason_of(error), "Start the app, or name another address"
        if "CERTIFICATE_VERIFY_FAILED" in reason:
            how = "Trust the issuer of its certificate: SSL_CERT_FILE=ca.pem invoke verify --url=…"
        what = f"{url} does not answer: {reason}."
        raise VerifyError(what, "verify checks from outside what is served.", how) from error
    if location:
        raise VerifyError(
            f"{url} redirects to {location}.",
            "verify checks what is served at one address. It does not follow redirects.",
            "Name the address where the app is",
        )
    return subject


def image_subject(project: Project, reference: str) -> Subject:
    """Make the subject of an image, without a container. Raises VerifyError if the engine does not have it."""
    image = project.engine.image(reference)
    if image is None:
        raise VerifyError(
            f"There is no image {reference}.",
            "--image names an image that the engine has.",
            "List the images: docker image ls. Build the app's own: invoke build-prod",
        )
    return Subject("", project, None, image)


def running_subject(project: Project, needs: set[Need]) -> Subject:
    """Make the subject of the containers that run. Raises VerifyError if none runs that the checks are about."""
    dev = project.engine.container(project.settings.container("dev"))
    own_dev = dev if dev and dev.is_of(project.settings.app.name) else None
    own = startup.own_container(project, "prod")
    dev, container = (owned if owned and owned.state == "running" and owned.url else None for owned in (own_dev, own))
    if not (container or dev):
        role, task, stopped = ("dev", "invoke dev", own_dev) if needs == {"dev"} else ("prod", "invoke run-prod", own)
        state = f" (it is {stopped.state})" if stopped and stopped.state != "running" else ""
        raise VerifyError(
            f"There is nothing to verify: container {project.settings.container(role)} does not run{state}.",
            "verify checks from outside what is running.",
            f"Start it ({task}), or name an address: invoke verify --url=http://127.0.0.1:8080",
        )
    if container is None or (dev and needs == {"dev"}):  # then production is not looked at, and no report names it
        return Subject("", project, dev=dev)
    return Subject(container.url, project, container, image_of(project, container), dev=dev)
