"""That a site answers everywhere, in time, and each visitor alike. What spoils every other check is told here, once."""

from __future__ import annotations

from collections.abc import Iterator

from docktasks.verify.checks.http.rules import exceptions, header_differences, leads_away, listed, survey_of
from docktasks.verify.probes import odd_requests
from docktasks.verify.probes.crawler import MAX_ENCODED_FILES
from docktasks.verify.probes.survey import Answer
from docktasks.verify.probes.ways import VISITORS, ways_of
from docktasks.verify.registry import Major, Note, check
from docktasks.verify.subject import Subject

HARMFUL = 400, 404, 405, 410, 414, 431
"""What no server answers on purpose to a visitor of another kind. It may send some elsewhere, and refuse a program."""


@check("http.answers", "critical", fix="Read the server's log. Raise its limits on requests, or restart what hangs")
def answers(subject: Subject) -> Iterator[str]:
    """Every request gets an answer in time, no address an error of the server (5xx), and the connection its end."""
    survey = subject.survey
    if not survey.site.index.is_ok:
        return  # http.files reports it
    if survey.cause:
        yield survey.cause
        return
    yield from exceptions([*survey.everything, *survey.lost_files], _faults)
    lost = {name: answer.fault for name, answer in survey.odd_answers.items() if answer.fault}
    if lost:
        yield f"{next(iter(lost.values()))}, {len(lost)} odd requests: {listed(lost)}"
    answered = {name: answer for name, answer in survey.odd_answers.items() if answer.status}
    open_names = [name for name, answer in answered.items() if not answer.is_closed]
    if 2 * len(open_names) > len(answered):
        yield f"the connection stays open after Connection: close, {len(open_names)} odd requests: {listed(open_names)}"
    plain = [answer for answer in survey.plain if answer.is_judged]
    if 2 * sum("close" in answer.response.get("connection").lower() for answer in plain) > len(plain):
        yield Major("the server closes the connection after each answer, so each file of a page waits for another one")
    files, places = survey.site.files, {answer.place.path for answer in survey.answers}
    sample = f", {len(survey.sample)} of them in every way" if not survey.is_small else ""
    encoded = f", {MAX_ENCODED_FILES:,} of them also with gzip and brotli" if len(files) > MAX_ENCODED_FILES else ""
    yield Note(f"{len(files):,} files{encoded}; {len(places)} places{sample}, chosen by the seed {survey.site.seed}")


def _faults(answer: Answer) -> Iterator[str]:
    if not answer.is_judged:
        yield str(answer.response.status or answer.response.fault)


@check("http.variants", "major", fix="Remove what looks at the visitor: an `if`, a map, a rule of a proxy or firewall")
def variants(subject: Subject) -> Iterator[str]:
    """An address answers each visitor alike, whatever query, language, browser, cookie or proxy, also by HTTP/1.0."""
    survey, is_own = survey_of(subject), subject.has("image")

    def faults(answer: Answer) -> Iterator[str]:
        response, base, path = answer.response, answer.base, answer.request.path
        query = path.removeprefix(answer.place.path)  # most servers keep it when they add a slash
        locations = [location.removesuffix(query) for location in response.get_list("location")]
        may_refuse = not is_own and answer.way.startswith(("a ", "nobody"))
        harmful = HARMFUL[1:] if answer.way == "a program" else HARMFUL  # S3 answers 400 to another kind of password
        is_chosen = survey.site.is_redirected(path) if is_own else may_refuse and response.status not in harmful
        if not answer.is_judged or base.is_failure or any(leads_away(survey.site, path, locations)):
            return
        if (response.status, locations) != (base.status, base.get_list("location")):
            if not is_chosen:
                yield f"{response.summary}, but {base.status} to a simple GET,"
        elif is_own and response.digest != base.digest:
            yield "other bytes than to a simple GET"
        elif is_own:
            yield from header_differences(base, response)

    ways = ways_of(survey.site.words, survey.site.origin) if is_own else VISITORS
    yield from exceptions(survey.ways(*ways), faults)
    statuses = {odd_requests.as_sent(answer.place.path): answer.response.status for answer in survey.plain}
    for name, answer in survey.odd(odd_requests.old).items():
        usual = statuses.get(name.split()[1], answer.status) if is_own else answer.status
        if answer.status and answer.status != usual:
            yield f"{name}: {answer.status}, but {usual} to a simple GET"
        if answer.get("transfer-encoding"):
            yield f"{name}: in chunks, which a program that speaks HTTP/1.0 takes for a part of the file"
