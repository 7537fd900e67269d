"""The gate: a release must pass it before it gets requests."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from docktasks import waiting
from docktasks.app.build_script import build_command
from docktasks.app.project import Project
from docktasks.background import in_background
from docktasks.containers import run_args as containers_run_args
from docktasks.containers import startup
from docktasks.containers.networks import join_args
from docktasks.containers.ports import Bind
from docktasks.errors import StartError
from docktasks.images.archive import SITE_DIR, SITE_DIRS
from docktasks.output import counted
from docktasks.release import run_args
from docktasks.release.gate_visit import Findings, GateVisit
from docktasks.release.run_args import Release
from docktasks.roles import CANDIDATE, PROD

if TYPE_CHECKING:  # it loads the HTTP client
    from docktasks.verify.probes.crawler import Site
    from docktasks.verify.registry import Verdict

MAX_LINKED_PAGES = 10
"""How many pages that the entry page links to are asked for. The browser opens fewer of them (gate_visit.py)."""
MAX_REPEATS = 6
"""How many requests without an answer in time are sent again. At a load of 60 two of 164 answers took more than 5 s."""
MAX_LOG_LINES = 5_000
"""How many lines may be requests of the checks, which say nothing."""
PAST_THE_GATE = "To release it as it is: --no-gate"
LINKED_FIX = "Build again, or correct the address in the page"
EVAL_FIX = """The policy forbids eval and new Function. Allow them: prod.csp_sources: "script-src 'unsafe-eval'\""""
TEMPLATE_VALUE = re.compile(r"%[A-Z][A-Z_]{2,}[A-Z\d_]*%|\{\{ ?[\w.| ]+\}\}|\{% .*? %\}|\{\[ ?[\w. ]+\]\}|<%.*?%>")
"""What a server of the app's own, such as one of Go, replaces in a page."""
TEMPLATE_FIX = (
    "A server of the app puts a value for {} into the page. Let a script take it from an API, or from /env.js"
)
BROWSER_FIX = "Open the app as it is built, and read the browser's console"


@dataclass(frozen=True)
class Passed:
    """What a release has passed: the ids of the checks, and what the visit with a browser found."""

    check_ids: tuple[str, ...] = ()
    visit: Findings = Findings()  # noqa: RUF009 - it is frozen

    def __str__(self) -> str:
        looked = f", {counted(self.visit.pages, 'page')} in Chromium" if self.visit.pages else ""
        return f"{len(self.check_ids)} critical checks{looked}"


@contextmanager
def candidate(project: Project, release: Release) -> Iterator[str]:
    """Start the release on a free loopback port, yield its address, and remove it. Raises StartError."""
    bind = Bind(0)
    network_args = [*join_args(project.settings, PROD), *bind.args(PROD.container_port)]
    args = run_args.prod_args(project.settings, CANDIDATE, release, network_args, project.engine.api)
    try:
        startup.start(project, startup.ContainerSpec(CANDIDATE, bind, args))
        yield startup.await_serving(project, CANDIDATE)
    except StartError as error:
        raise StartError(error.what, startup.serving_now(project), error.how, error.evidence) from error
    finally:
        project.run(containers_run_args.remove_args(project.settings.container(CANDIDATE)), quiet=True)


@contextmanager
def check_candidate(project: Project, release: Release) -> Iterator[Passed]:
    """Start the release on a free loopback port, check it, and remove it. Raises StartError.

    What the release has passed is yielded while the candidate and the browser end.
    """
    with ExitStack() as stack:
        visit = None if project.dry else GateVisit(project)
        if visit:
            stack.callback(visit.end)
        url = stack.enter_context(candidate(project, release))
        _require_free_prefixes(project)
        passed = _check_page(project, url, visit) if visit else Passed()
        wait_for_end = in_background(stack.pop_all().close)
        if project.dry:  # the commands are shown in one order
            wait_for_end()
    try:
        yield passed
    finally:
        wait_for_end()


def _require_free_prefixes(project: Project) -> None:
    """Raise StartError if the API would hide files of the site."""
    for prefix in project.settings.api.prefixes:
        paths = [f"{folder}{prefix[1:]}" for folder in SITE_DIRS]
        name = project.settings.container(CANDIDATE)
        listed = project.engine.exec(name, ["find", *paths, f"{paths[0]}.html", "-type", "f"]).output
        files = re.findall(rf"^(?:{'|'.join(SITE_DIRS)})(.*)$", listed, re.MULTILINE)
        if files:
            raise StartError(
                f"The prefix {prefix} of the API hides files of the site.",
                "",
                "Choose another prefix for the API (api), or let the build write other names (build.assetsDir)",
                evidence="\n".join(f"/{file}" for file in sorted(files)[:5]),
            )


def critical_verdicts(entry: str) -> tuple[Site, list[Verdict]]:
    """Run the critical checks of `verify` that need only an address. Returns the site, and a verdict for each check.

    One fails for a critical fault. What is less, such as an icon that is missing, is advice, and left to `verify`.
    """
    from docktasks.verify import catalog  # imported here, because it loads the HTTP client, which a build does not need
    from docktasks.verify.probes.survey import Survey
    from docktasks.verify.subject import Subject

    checks = [check for check in catalog.CHECKS if check.needs == "url" and check.severity == "critical"]
    subject = Subject(entry)
    subject.site.client.repeats = MAX_REPEATS
    subject.survey = Survey(subject.site, is_small=True)
    return subject.site, [verdict.judged("critical") for verdict in catalog.run_checks(subject, checks)]


def _check_page(project: Project, url: str, visit: GateVisit) -> Passed:
    """Run the critical checks of `verify` that need only an address, and the visit meanwhile. Raises StartError."""
    entry = entry_page(project, url)
    visit.begin(_below_base_path(entry))
    site, verdicts = critical_verdicts(entry)
    failed = [verdict for verdict in verdicts if verdict.outcome == "fail"]
    linked = [] if failed else [*_faults_of_api(project, site), *faults_of_linked_pages(site)]
    findings = Findings() if failed or linked else visit.findings()
    faults = [*(f"{verdict.check.id}: {verdict.finding}" for verdict in failed), *linked[:1]]
    faults += [f"in Chromium, {fault}" for fault in findings.faults[:1]]
    if not faults:
        return Passed(tuple(verdict.check.id for verdict in verdicts), findings)
    evidence = [*(line for verdict in failed for line in verdict.evidence[:5]), *linked, *findings.faults]
    if failed:  # what a page does in a browser is not in the log
        lines = project.engine.logs(project.settings.container(CANDIDATE), MAX_LOG_LINES).splitlines()
        lines = [line for line in lines if not _is_answered(line)]
        evidence += ["Its last log lines:", *lines[-10:]] if lines else []
    raise StartError(
        f"The new release does not pass the gate: {'; '.join(faults).removesuffix('.')}.",
        "",
        f"{_check_fix(failed[0]) if failed else _page_fix(project, site, findings)}. {PAST_THE_GATE}",
        evidence="\n".join(evidence),
    )


def _is_answered(line: str) -> bool:
    """Return True for a request in the log without an error of the server: ours, and the browser's, fill the log."""
    request = startup.ANSWERED_REQUEST.search(line)
    return request is not None and request["status"] < "500"


def _check_fix(verdict: Verdict) -> str:
    """Say what corrects the fault of a check. Vite itself has a value for %VITE_…%, so that is no server's.

    Other checks than that of the files quote code, which may have a template of Vue.
    """
    if verdict.check.id != "http.files":
        return verdict.check.fix
    values = (match[0] for line in verdict.evidence if (match := TEMPLATE_VALUE.search(line)))
    value = next((value for value in values if not value.startswith("%")), "")
    return TEMPLATE_FIX.format(value) if value else verdict.check.fix


def _page_fix(project: Project, site: Site, findings: Findings) -> str:
    """Say what corrects a page, by commands of the app's package manager."""
    from docktasks.verify.probes.html_page import HtmlPage

    scripts = (inline.code for inline in HtmlPage(site.index.text).inline if inline.tag == "script")
    value = next((match[0] for code in scripts if (match := TEMPLATE_VALUE.search(code))), "")
    if value and any("SyntaxError" in fault for fault in findings.faults):
        return TEMPLATE_FIX.format(value)
    manager = project.app.package_manager
    if any("'unsafe-eval'" in fault for fault in findings.faults):
        return EVAL_FIX
    fix = BROWSER_FIX if findings.faults else LINKED_FIX
    return f"{fix}: {shlex.join(build_command(project.app))}, then {manager.executor} vite preview"


def _below_base_path(entry: str) -> str:
    """Return where a browser opens the page: a router shows nothing at an address without the site's base path."""
    from httpx import HTTPError

    from docktasks.verify.probes.crawler import Site

    with closing(Site(entry)) as site, suppress(HTTPError):  # the checks report a candidate that does not answer
        return f"{site.origin}{site.base_path}{urlsplit(entry).path or '/'}"
    return entry


def _faults_of_api(project: Project, site: Site) -> Iterator[str]:
    """Yield the prefixes that an image does not pass on, such as one with scripts of an older hello-dock."""
    unknown = (prefix for prefix in project.settings.api.prefixes if prefix not in site.api_prefixes)
    yield from (f"{prefix}: this image passes nothing on to an API" for prefix in unknown)


def entry_page(project: Project, url: str) -> str:
    """Return the address of the page that the gate judges: the site's root, where it leads, or else its first page."""
    root = waiting.http_ready(f"{url}/")
    if root.ready:
        return root.final_url if root.final_url.startswith(f"{url}/") else url
    name = project.settings.container(CANDIDATE)
    listed = project.engine.exec(name, ["find", SITE_DIR, "-name", "*.html"]).output.splitlines()
    pages = [path.removeprefix(SITE_DIR).removesuffix("index.html") for path in listed if path.startswith(SITE_DIR)]
    page = min(pages, key=lambda path: (path.count("/"), not path.endswith("/"), path), default="")
    return f"{url}/{page}"


def faults_of_linked_pages(site: Site) -> Iterator[str]:
    """Yield the missing files that pages load to which the entry page links. A link itself may lead nowhere."""
    linked = (path for path in site.index.references.pages if path != site.index.path and not site.is_api(path))
    for path in islice(linked, MAX_LINKED_PAGES):
        page = site.get(path)
        if page.is_ok and page.media_type == "text/html" and page.digest != site.index.digest:
            responses = site.get_all(path for path in page.references.loaded if not site.is_api(path))
            yield from (f"{file.path}: {file.summary}, but {path} loads it" for file in responses if not file.is_ok)
