"""That a site answers at all, everywhere and in time. What spoils every other check is reported here, once."""

from __future__ import annotations

from collections.abc import Iterator

from docktasks.verify.checks.http.rules import exceptions, listed
from docktasks.verify.probes.crawler import MAX_ENCODED_FILES
from docktasks.verify.probes.survey import Answer, is_error
from docktasks.verify.registry import Note, check
from docktasks.verify.subject import Subject


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
    files, places = survey.site.files, {answer.place.path for answer in survey.answers}
    sample = f", {len(survey.sample)} of them in every way" if not survey.is_small else ""
    encoded = f", {MAX_ENCODED_FILES:,} of them also with gzip and brotli" if len(files) > MAX_ENCODED_FILES else ""
    yield Note(f"{len(files):,} files{encoded}; {len(places)} places{sample}, chosen by the seed {survey.site.seed}")


def _faults(answer: Answer) -> Iterator[str]:
    if is_error(answer.response):
        yield f"{answer.response.status}"
    elif not answer.response.status:
        yield answer.response.fault
