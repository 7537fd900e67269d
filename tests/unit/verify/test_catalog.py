from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from threading import Barrier

import httpx
import pytest

from docktasks.engine.models import Image
from docktasks.errors import SettingsError, Skip
from docktasks.verify import catalog, checks
from docktasks.verify.checks.container import assets, configuration, lifecycle, processes
from docktasks.verify.registry import Check, Note
from docktasks.verify.subject import Subject
from tests.unit.fakes.engine import own_container

URL = "http://127.0.0.1:8080"


def result(
    function: Callable[[Subject], Iterable[str]], check_id: str = "http.x", subject: Subject | None = None
) -> tuple[str, tuple[str, ...]]:
    """Outcome and evidence of a check that this function is."""
    check = Check(check_id, "Something is right.", "minor", "Correct it", function)
    (verdict,) = catalog.run_checks(subject or Subject(URL), [check])
    assert verdict.check is check
    assert verdict.seconds >= 0
    return verdict.outcome, verdict.evidence


def fault_and(error: Exception) -> Callable[[Subject], Iterator[str]]:
    """A check that yields a fault and then raises."""

    def function(_subject: Subject) -> Iterator[str]:
        yield "a fault"
        raise error

    return function


def test_check_without_evidence_passes() -> None:
    """A check that yields nothing has found no fault."""
    assert result(lambda _subject: []) == ("pass", ())


def test_check_with_evidence_fails() -> None:
    """All of its evidence is kept."""
    assert result(lambda _subject: ["one", "two"]) == ("fail", ("one", "two"))


def test_check_with_nothing_but_notes_passes() -> None:
    """A note is no fault, and is no evidence of one."""
    check = Check("http.x", "Something is right.", "minor", "Correct it", lambda _subject: [Note("data of today")])
    (verdict,) = catalog.run_checks(Subject(URL), [check])
    assert (verdict.outcome, verdict.evidence, verdict.notes) == ("pass", (), ("data of today",))
    assert result(lambda _subject: [Note("a note"), "a fault"]) == ("fail", ("a fault",))


def test_check_that_cannot_judge_is_skipped() -> None:
    """The reason is its evidence."""

    def function(_subject: Subject) -> Iterator[str]:
        raise Skip("no assets")
        yield ""

    assert result(function) == ("skip", ("no assets",))


def test_fault_before_a_skip_counts() -> None:
    """The check has failed, even if it cannot judge the rest."""
    assert result(fault_and(Skip("no assets"))) == ("fail", ("a fault",))


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (httpx.ConnectError("Connection refused"), "Connection refused"),
        (httpx.RemoteProtocolError("Server disconnected"), "Server disconnected"),
        (httpx.ReadTimeout(""), "ReadTimeout"),
    ],
)
def test_site_that_does_not_answer_fails(error: httpx.HTTPError, text: str) -> None:
    """The evidence has the error's text, or its name."""
    assert result(fault_and(error), "http.answers") == ("fail", (f"{URL} does not answer: {text}",))


def test_site_that_goes_away_is_reported_by_one_check() -> None:
    """The others are skipped, and say which. What they saw before counts."""

    def function(_subject: Subject) -> Iterator[str]:
        raise httpx.ConnectError("Connection refused")
        yield ""

    assert result(function) == ("skip", ("see http.answers: Connection refused",))
    assert result(fault_and(httpx.ConnectError("Connection refused")))[0] == "fail"


def test_bug_in_a_check_is_raised() -> None:
    """It is neither a pass nor a fault of the site."""
    with pytest.raises(ZeroDivisionError):
        result(fault_and(ZeroDivisionError()))


@pytest.mark.parametrize(
    ("group", "reason"),
    [
        ("container", "its container is gone"),
        ("image", "its image is gone"),
        ("http", "its url is gone"),
        ("browser", "no Chromium is here (invoke setup --browser)"),
    ],
)
def test_check_is_skipped_without_what_its_group_needs(group: str, reason: str) -> None:
    """The reason says what is missing."""
    without_url = Subject("", None, own_container("prod"), Image("0"))
    assert result(lambda _subject: [], f"{group}.x", without_url if group == "http" else None) == ("skip", (reason,))


def test_groups_and_ids_select_checks() -> None:
    """A check must be in one of the groups and in the ids, and must not be skipped."""
    ids = [check.id for check in catalog.CHECKS]
    assert [check.id for check in catalog.select()] == ids
    assert {check.group for check in catalog.select(["http", "image"])} == {"image", "http"}
    selected = catalog.select(["http"], ["http.files", "http.missing"], ["http.missing"])
    assert [check.id for check in selected] == ["http.files"]
    assert [check.id for check in catalog.select(skip=["http.files"])] == [name for name in ids if name != "http.files"]


@pytest.mark.parametrize(
    ("flags", "what", "how"),
    [
        ({"groups": ["htp"]}, "--group=htp: there is no such group.", "Did you mean http?"),
        ({"groups": ["dns"]}, "--group=dns: there is no such group.", "List all checks: invoke verify --list"),
        ({"only": ["http.file"]}, "--only=http.file: there is no such check.", "Did you mean http.files?"),
        ({"only": ["http.cach"]}, "--only=http.cach: there is no such check.", "Did you mean http.cache-policy?"),
        ({"skip": ["x"]}, "--skip=x: there is no such check.", "List all checks: invoke verify --list"),
        ({"groups": ["image"], "only": ["http.files"]}, "No check is selected.", "invoke verify --list"),
    ],
)
def test_wrong_selection_is_an_error(flags: dict[str, list[str]], what: str, how: str) -> None:
    """A mistyped name must not leave a check out silently."""
    with pytest.raises(SettingsError) as caught:
        catalog.select(**flags)
    assert caught.value.what == what
    assert how in caught.value.how


@pytest.mark.parametrize("old_id", catalog.RENAMED_CHECKS)
def test_error_for_an_old_id_names_the_new_one(old_id: str) -> None:
    """Users may have the old id in a script. The new one selects a check."""
    new_id = catalog.RENAMED_CHECKS[old_id]
    with pytest.raises(SettingsError) as caught:
        catalog.select(skip=[old_id])
    assert caught.value.what == f"The check {old_id} is now called {new_id}."
    assert caught.value.how == f"Use --skip={new_id}"
    assert [check.id for check in catalog.select(only=[new_id])] == [new_id]


def test_groups_run_side_by_side() -> None:
    """Each group runs in a thread of its own. The verdicts come in order."""
    both_groups = Barrier(2)

    def meet(_subject: Subject) -> Iterator[str]:
        both_groups.wait(10)  # raises if the other group does not run meanwhile
        yield from ()

    subject = Subject(URL, None, own_container("prod"), Image("0"))
    checks = [Check(f"{group}.x", "Something is right.", "minor", "Correct it", meet) for group in ("http", "image")]
    assert [verdict.check.id for verdict in catalog.run_checks(subject, checks)] == ["http.x", "image.x"]


def test_checks_that_wait_for_copies_leave_the_others_of_their_group_running() -> None:
    """The copies start at once. What runs commands in the container itself shares a thread with container.processes."""
    others, waiting = catalog.threads_of(catalog.select(["container"]))
    assert {assets.assets, processes.processes} <= set(others)
    assert {lifecycle.writable_paths, lifecycle.stop, configuration.configuration} <= set(waiting)


def test_checks_are_in_the_order_of_their_groups() -> None:
    """From what was built to what a user sees."""
    groups = [check.group for check in catalog.CHECKS]
    assert groups == sorted(groups, key=catalog.GROUPS.index)
    assert set(groups) == set(catalog.GROUPS)


def test_every_module_with_a_check_is_in_the_catalogue() -> None:
    """A check that is not listed would never run."""
    files = [path for path in Path(checks.__file__).parent.rglob("*.py") if "@check(" in path.read_text()]
    assert sorted(files) == sorted(Path(str(module.__file__)) for module in catalog.MODULES)


@pytest.mark.parametrize("check", catalog.CHECKS, ids=lambda check: check.id)
def test_check_says_what_is_right_and_how_to_correct_it(check: Check) -> None:
    """One line each, which a table can show. Ids are unique."""
    assert check.summary.endswith((".", ")"))
    assert check.fix
    assert "\n" not in check.summary + check.fix
    assert check.severity in ("critical", "major", "minor")
    assert [other.id for other in catalog.CHECKS].count(check.id) == 1
