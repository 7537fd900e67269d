from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from threading import Barrier

import httpx
import pytest

from docktasks.engine.models import Image
from docktasks.errors import SettingsError
from docktasks.verify import catalog
from docktasks.verify.registry import Check, Skip
from docktasks.verify.subject import Need, Subject
from tests.unit.fakes.engine import FakeEngine, own_container

URL = "http://127.0.0.1:8080"


def outcome(
    look: Callable[[Subject], Iterable[str]], needs: Need = "url", subject: Subject | None = None
) -> tuple[str, tuple[str, ...]]:
    """Outcome and evidence of one check."""
    check = Check("http.x", "Something holds.", "minor", needs, "Mend it", look)
    (verdict,) = catalog.run_checks(subject or Subject(URL), [check])
    assert verdict.check is check
    assert verdict.seconds >= 0
    return verdict.outcome, verdict.evidence


def raising(error: Exception) -> Callable[[Subject], Iterator[str]]:
    """A check that finds a fault and then cannot go on."""

    def look(_subject: Subject) -> Iterator[str]:
        yield "a fault"
        raise error

    return look


def test_a_check_that_yields_nothing_passes() -> None:
    """No evidence is a pass."""
    assert outcome(lambda _subject: []) == ("pass", ())


def test_a_check_that_yields_evidence_fails_with_all_of_it() -> None:
    """Each text is a fault."""
    assert outcome(lambda _subject: ["one", "two"]) == ("fail", ("one", "two"))


def test_a_check_that_cannot_judge_is_skipped_with_its_reason() -> None:
    """A skip is never a pass."""

    def look(_subject: Subject) -> Iterator[str]:
        raise Skip("no assets")
        yield ""

    assert outcome(look) == ("skip", ("no assets",))


def test_a_fault_before_a_skip_stands() -> None:
    """What cannot be judged further has failed already."""
    assert outcome(raising(Skip("no assets")))[0] == "fail"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (httpx.ConnectError("Connection refused"), "Connection refused"),
        (httpx.RemoteProtocolError("Server disconnected"), "Server disconnected"),
        pytest.param(
            httpx.ReadTimeout(""),
            "ReadTimeout",
        ),
    ],
)
def test_no_answer_is_a_failure(error: httpx.HTTPError, said: str) -> None:
    """A site that hangs up fails what it was asked for."""
    assert outcome(raising(error)) == ("fail", (f"{URL} does not answer: {said}",))


def test_a_bug_in_a_check_is_not_hidden() -> None:
    """It stays a traceback, neither a pass nor a failure of the site."""
    with pytest.raises(ZeroDivisionError):
        outcome(raising(ZeroDivisionError()))


@pytest.mark.parametrize(
    ("needs", "reason"),
    [
        ("container", "needs a running container"),
        ("image", "needs an image"),
        ("url", "needs an address"),
        ("dev", "needs a running dev container (invoke dev)"),
        ("browser", "needs an address and a Chromium (invoke setup --browser)"),
    ],
)
def test_what_is_not_there_cannot_be_judged(needs: Need, reason: str) -> None:
    """With an address alone the checks of container and image are skipped, and say so."""
    there: dict[str, Subject] = {"url": Subject("", FakeEngine(), own_container("prod"), Image("0"))}
    assert outcome(lambda _subject: [], needs, there.get(needs)) == ("skip", (reason,))


def test_groups_and_ids_choose_the_checks() -> None:
    """Of the groups that are named, those ids that are named, without those to leave out."""
    ids = [each.id for each in catalog.all_checks()]
    assert [each.id for each in catalog.select()] == ids
    assert {each.group for each in catalog.select(["http", "image"])} == {"image", "http"}
    assert [each.id for each in catalog.select(["http"], ["http.files", "http.missing"], ["http.missing"])] == [
        "http.files"
    ]
    assert [each.id for each in catalog.select(skip=["http.files"])] == [each for each in ids if each != "http.files"]


@pytest.mark.parametrize(
    ("given", "what", "how"),
    [
        ({"groups": ["htp"]}, "--group=htp names no group.", "Did you mean http?"),
        ({"groups": ["dns"]}, "--group=dns names no group.", "See them all: invoke verify --list"),
        ({"only": ["http.file"]}, "--only=http.file names no check.", "Did you mean http.files?"),
        ({"skip": ["x"]}, "--skip=x names no check.", "See them all: invoke verify --list"),
        ({"groups": ["image"], "only": ["http.files"]}, "No check is left to be made.", "invoke verify --list"),
    ],
)
def test_a_choice_that_makes_no_sense_is_told(given: dict[str, list[str]], what: str, how: str) -> None:
    """A mistyped name must not leave a check out in silence."""
    with pytest.raises(SettingsError) as caught:
        catalog.select(**given)
    assert caught.value.what == what
    assert how in caught.value.how


def test_groups_are_judged_side_by_side() -> None:
    """In a thread of its own each, and their verdicts come in order all the same."""
    both = Barrier(2)

    def meet(_subject: Subject) -> Iterator[str]:
        both.wait(10)  # breaks where nobody else comes
        yield from ()

    made = [Check(f"{group}.x", "Something holds.", "minor", "url", "Mend it", meet) for group in ("http", "image")]
    assert [verdict.check.id for verdict in catalog.run_checks(Subject(URL), made)] == ["http.x", "image.x"]


def test_all_checks_come_in_the_order_of_their_groups() -> None:
    """Image, then container, then http: from what was built to what a user gets."""
    groups = [check.group for check in catalog.all_checks()]
    assert tuple(dict.fromkeys(groups)) == catalog.GROUPS
    assert groups == sorted(groups, key=groups.index)


@pytest.mark.parametrize("check", catalog.all_checks(), ids=lambda check: check.id)
def test_every_check_says_what_it_asserts_and_how_to_mend_it(check: Check) -> None:
    """One line each, that a table can show."""
    assert check.asserts.endswith((".", ")"))
    assert check.fix
    assert "\n" not in check.asserts + check.fix
    assert check.severity in ("critical", "major", "minor")
