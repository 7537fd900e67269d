from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from docktasks.background import Once
from docktasks.verify import catalog
from docktasks.verify.probes.page_events import PageSnapshot
from docktasks.verify.probes.places import UNKNOWN_PATH
from docktasks.verify.probes.visit import Visit
from docktasks.verify.registry import Check, Verdict
from docktasks.verify.subject import Subject
from tests.unit.fakes import sites
from tests.unit.fakes.pages import with_events

BROWSER_CHECKS = catalog.select(["browser"])
HOME = PageSnapshot("/", status=200, title="Home", has_content=True)
ABOUT = replace(HOME, label="/about", title="About")
STEPS = {"first", "deep", "inject", "follow", "audit"}


def healthy() -> Visit:
    """A visit without a fault. A script may set the title, sooner or later."""
    return Visit(
        first=[HOME, replace(HOME, label="/ after a reload", title="What is [object Object]?")],
        deep=[ABOUT, replace(ABOUT, label="/about after a reload")],
        followed=[replace(ABOUT, label="a click on /about", status=0)],
        audits={"/, light, 1280 wide": ()},
        widths={("/", 1280): 1280, ("/", 360): 360},
        finished=set(STEPS),
    )


def verdicts(visit: Visit, *check_ids: str, site: sites.Site | None = None) -> dict[str, Verdict]:
    """The verdicts of these checks, or of all, on a visit, by id."""
    subject = sites.subject(site or sites.Site())
    subject.visit = Once(lambda: visit)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Subject, "chromium", "/usr/bin/chromium")
        checks = [check for check in BROWSER_CHECKS if not check_ids or check.id in check_ids]
        return {verdict.check.id: verdict for verdict in catalog.run_checks(subject, checks)}


def test_healthy_visit_passes_every_check() -> None:
    """The checks report no fault where there is none."""
    outcomes = {check_id: verdict.outcome for check_id, verdict in verdicts(healthy()).items()}
    assert outcomes == {check.id: "pass" for check in BROWSER_CHECKS}


def test_linked_pages_without_a_longer_look_are_named() -> None:
    """A page that was not looked at is no page without a fault."""
    verdict = verdicts(replace(healthy(), unseen=["/a", "/b"]), "browser.accessible")["browser.accessible"]
    assert (verdict.outcome, verdict.notes) == ("pass", ("there was no time for 2 linked pages: /a, /b",))
    opened = replace(healthy(), unseen=["/about", "/b"], audited=[replace(ABOUT, label="/about after a while")])
    for name in ("browser.deep-link", "browser.idle", "browser.console"):
        assert verdicts(opened, name)[name].notes == ("not looked at, for want of time: /b",)


@pytest.mark.parametrize(("pages", "count"), [([], 1), ([HOME], 0)])
def test_first_page_without_a_last_look_is_named(pages: list[PageSnapshot], count: int) -> None:
    """A game is closed early, because it would take the processor from the other steps."""
    visit = replace(healthy(), finished=STEPS | {"late"}, late=pages)
    verdict = verdicts(visit, "browser.renders")["browser.renders"]
    assert (verdict.outcome, len(verdict.notes)) == ("pass", count)


def test_page_that_loads_again_while_it_is_looked_at_is_not_passed() -> None:
    """What axe has seen of other pages still counts."""
    visit = replace(healthy(), restless=["/a"])
    assert verdicts(visit, "browser.idle")["browser.idle"].evidence == (
        "/a: the page does not stay while one looks at it",
    )
    outcomes = verdicts(visit, "browser.accessible", "browser.no-sideways-scroll")
    assert [verdict.outcome for verdict in outcomes.values()] == ["skip", "skip"]
    verdict = verdicts(replace(visit, audits={"/": ("lang: b",)}), "browser.accessible")["browser.accessible"]
    assert (verdict.outcome, verdict.evidence) == ("fail", ("/: lang: b",))


def test_step_that_was_disturbed_each_time_is_skipped() -> None:
    """Nothing that the browser saw in it counts, and the checks of all pages say that some were not seen."""
    visit = replace(healthy(), followed=[], disturbed=frozenset({"follow"}))
    outcomes = verdicts(visit, "browser.navigation", "browser.console", "browser.deep-link")
    assert {name: verdict.outcome for name, verdict in outcomes.items()} == {
        "browser.navigation": "skip", "browser.console": "pass", "browser.deep-link": "pass",
    }  # fmt: skip
    assert outcomes["browser.console"].notes[0].endswith("cut it off: follow")


def test_step_whose_page_does_not_stay_is_skipped() -> None:
    """browser.idle says that a page loads again and again. What that keeps the browser from is no second fault."""
    failures = {"audit": 'Navigation to "http://h/" is interrupted by another navigation to "http://h/"'}
    visit = replace(healthy(), failures=failures, audited=[])
    outcomes = verdicts(visit, "browser.accessible", "browser.no-sideways-scroll", "browser.renders")
    assert [verdict.outcome for verdict in outcomes.values()] == ["pass", "skip", "skip"]
    assert outcomes["browser.renders"].notes == ("not looked at after a while: see browser.accessible",)
    assert "loads again" in outcomes["browser.accessible"].evidence[0]


def test_host_that_does_not_answer_is_one_note() -> None:
    """A map loads many pictures from there."""
    lines = ("https://tile.example/1/2.png: net::ERR_NAME", "https://tile.example/1/3.png: net::ERR_NAME", "no answer")
    cdn = tuple(f"https://cdn.example/{name}: not complete after 2.5 s" for name in ("a.js", "b.css"))
    verdict = verdicts(replace(healthy(), first=[with_events(HOME, unreachable=(*lines, *cdn))]), "browser.network")[
        "browser.network"
    ]
    assert [note.partition("answer: ")[2] for note in verdict.notes] == [
        "https://tile.example: net::ERR_NAME",
        "no answer",
        "https://cdn.example: not complete after 2.5 s",
    ]


@pytest.mark.parametrize("base", ["", "/shop"])
@pytest.mark.parametrize(
    ("events", "outcome"),
    [({}, "pass"), ({"network": ("/a.js: 404",)}, "fail"), ({"console": ("uncaught: x",)}, "fail")],
)
def test_app_may_show_nothing_at_an_address_that_it_does_not_know(
    base: str, events: dict[str, tuple[str, ...]], outcome: str
) -> None:
    """A site without links is opened at an invented address, for which a router may have no page."""
    empty = with_events(replace(HOME, label=base + UNKNOWN_PATH, title="", has_content=False), **events)
    reloaded = replace(empty, label=f"{empty.label} after a reload")
    verdict = verdicts(replace(healthy(), deep=[empty, reloaded]), "browser.deep-link")["browser.deep-link"]
    assert verdict.outcome == outcome
    assert len([note for note in verdict.notes if "that the app does not know" in note]) == (outcome == "pass")


def test_error_page_of_a_router_may_say_so() -> None:
    """SvelteKit's own has no title, and logs the address that verify made up. A file below it is another matter."""
    lines = (f"error: Error: Not found: /shop{UNKNOWN_PATH}",)
    page = with_events(replace(HOME, label=f"/shop{UNKNOWN_PATH}", title=""), console=lines)
    ids = ("browser.deep-link", "browser.console")
    assert {verdict.outcome for verdict in verdicts(replace(healthy(), deep=[page]), *ids).values()} == {"pass"}
    hydrated = with_events(page, console=("uncaught: Error: Minified React error #418; visit https://react.dev",))
    assert verdicts(replace(healthy(), deep=[hydrated]), *ids)["browser.console"].outcome == "pass"
    known = replace(hydrated, label="/shop/about")
    assert verdicts(replace(healthy(), deep=[known]), *ids)["browser.console"].outcome == "fail"
    lost = with_events(page, console=(f"error: cannot import http://127.0.0.1{UNKNOWN_PATH}/a.js",))
    assert verdicts(replace(healthy(), deep=[lost]), *ids)["browser.console"].outcome == "fail"


def test_buttons_that_were_not_clicked_are_a_note() -> None:
    """Nothing is known about what they set off."""
    visit = replace(healthy(), failures={"press": "Page.goto: Timeout"})
    notes = [verdict.notes for verdict in verdicts(visit, "browser.network", "browser.console").values()]
    assert notes == [("not all buttons and forms were tried: Page.goto: Timeout",)] * 2


@pytest.mark.parametrize(("has_image", "outcome"), [(True, "fail"), (False, "pass")])
def test_form_that_is_posted_to_a_server_of_files_is_reported(*, has_image: bool, outcome: str) -> None:
    """It is not sent, because it may change data, so that nobody knows what another server answers."""
    visit = replace(healthy(), posts={"http://127.0.0.1:8080/mail": "/about"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Subject, "has", lambda _, need: need != "image" or has_image)
        verdict = verdicts(visit, "browser.network")["browser.network"]
    assert verdict.outcome == outcome
    assert all(line.startswith("/about: http://127.0.0.1:8080/mail: nothing takes") for line in verdict.evidence)


def test_file_of_the_host_that_an_app_was_made_for_is_one_minor_finding() -> None:
    """@vercel/analytics loads it in each production build. The page works without."""
    url = "http://127.0.0.1:8080/_vercel/insights/script.js"
    page = with_events(
        HOME, network=(f"{url}: 404",), console=(f"error: Refused to execute script from '{url}' because",)
    )
    visit = replace(healthy(), first=[page], followed=[page])
    outcomes = verdicts(visit, "browser.network", "browser.console", "browser.navigation")
    assert outcomes["browser.network"].evidence[0].startswith("/_vercel/insights/script.js: only Vercel")
    assert {verdict.judged("major").outcome for verdict in outcomes.values()} == {"pass", "advice"}
    assert outcomes["browser.console"].outcome == outcomes["browser.navigation"].outcome == "pass"


def test_file_that_a_host_makes_for_the_page_is_a_fault() -> None:
    """Without its functions and pictures a page does not work elsewhere. A line that names another file counts."""
    urls = [f"http://h{path}: 404" for path in ("/.netlify/functions/x", "/_vercel/image", "/cdn-cgi/image/a.png")]
    blocked = "script-src blocks http://h/_vercel/insights/script.js"
    thrown = "error: no http://h/cdn-cgi/rum"
    page = with_events(HOME, network=tuple(urls), policy=(blocked,), console=(thrown,))
    outcomes = verdicts(replace(healthy(), first=[page]), "browser.network", "browser.policy", "browser.console")
    assert [line for verdict in outcomes.values() for line in verdict.evidence] == [
        f"/: {line}" for check_id in outcomes for line in {
            "browser.network": urls, "browser.policy": [blocked], "browser.console": [thrown],
        }[check_id]
    ]  # fmt: skip


FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("browser.renders", {"first": [replace(HOME, has_content=False)]}, "/: the page is empty"),
    (
        "browser.renders",
        {"first": [with_events(HOME, has_content=False, console=("uncaught: sunk",))]},
        "/: the page is empty (uncaught: sunk)",
    ),
    ("browser.renders", {"first": [replace(HOME, title=" ")]}, "/: the page has no title"),
    ("browser.renders", {"first": [replace(HOME, title="undefined")]}, "/: the page's title is `undefined`"),
    ("browser.renders", {"first": [replace(HOME, title="[object Object]")]}, "title is `[object Object]`"),
    ("browser.renders", {"first": [replace(HOME, status=503)]}, "/: the server answers 503"),
    (
        "browser.renders",
        {"audited": [replace(HOME, label="/ after a while", has_content=False)]},
        "/ after a while: the page is empty",
    ),
    (
        "browser.deep-link",
        {"audited": [HOME, replace(ABOUT, label="/about after a while", title="")]},
        "/about after a while: the page has no title",
    ),
    ("browser.renders", {"late": [replace(HOME, label="/ late", has_content=False)]}, "/ late: the page is empty"),
    (
        "browser.network",
        {"first": [with_events(HOME, unreachable=("http://localhost:8000/a: net::ERR_X",))]},
        "http://localhost:8000/a: net::ERR_X, an address of a developer's machine",
    ),
    ("browser.renders", {"failures": {"first": "net::ERR_ABORTED"}}, "net::ERR_ABORTED"),
    ("browser.deep-link", {"deep": [replace(ABOUT, status=404)]}, "/about: the server answers 404"),
    ("browser.deep-link", {"failures": {"deep": "Timeout"}}, "Timeout"),
    ("browser.console", {"deep": [with_events(ABOUT, console=("error: x",))]}, "/about: error: x"),
    ("browser.console", {"audited": [with_events(ABOUT, console=("uncaught: late",))]}, "/about: uncaught: late"),
    (
        "browser.network",
        {"audited": [with_events(ABOUT, network=("/a.woff2: it is cut",))]},
        "/about: /a.woff2: it is cut",
    ),
    ("browser.network", {"first": [with_events(HOME, network=("http://h/x.js: 404",))]}, "/: http://h/x.js: 404"),
    ("browser.policy", {"first": [with_events(HOME, policy=("img-src blocks data",))]}, "/: img-src blocks data"),
    (
        "browser.interruptions",
        {"audited": [with_events(HOME, interruptions=("a dialog (alert) covers the page: 1",))]},
        "/: a dialog",
    ),
    (
        "browser.idle",
        {"first": [with_events(HOME, activity=("the page loads itself again and again",))]},
        "/: the page",
    ),
    ("browser.navigation", {"dead_ends": ["/: the back button does not leave the page"]}, "/: the back button"),
    ("browser.injection", {"injected": ("an inline script ran",)}, "an inline script ran"),
    ("browser.injection", {"failures": {"inject": "Timeout"}}, "Timeout"),
    ("browser.navigation", {"dead_links": ["a click on /about: the same"]}, "a click on /about: the same"),
    (
        "browser.navigation",
        {"followed": [replace(ABOUT, label="a click", has_content=False)]},
        "a click: the page is",
    ),
    (
        "browser.navigation",
        {"followed": [with_events(ABOUT, label="a click", network=("/x.png: 404", "/x.js: 404"))]},
        "a click: /x.js: 404",
    ),
    ("browser.accessible", {"audits": {"/a, dark, 360 wide": ("lang: b",)}}, "/a, dark, 360 wide: lang: b"),
    ("browser.no-sideways-scroll", {"widths": {("/a", 360): 700}}, "/a: in a window of 360 pixels"),
    ("browser.reach", {"cut_off": {"/a": "the end"}}, "/a: nobody can scroll to `the end`"),
    (
        "browser.renders",
        {"audited": [replace(HOME, label="/ after a while", has_content=False, is_one_color=True)]},
        "/ after a while: the page shows one color only",
    ),
]


def test_page_that_loads_itself_again_is_no_page_that_cannot_be_left() -> None:
    """It may load again when one leaves it. browser.idle reports that, and other pages are judged."""
    late = with_events(
        replace(ABOUT, label="/about after a while"), activity=("the page loads itself again and again",)
    )
    ends = [f"{path}: the back button does not leave the page" for path in ("/about", "/")]
    verdict = verdicts(replace(healthy(), late=[late], dead_ends=ends), "browser.navigation")["browser.navigation"]
    assert verdict.evidence == (ends[1],)


@pytest.mark.parametrize("check", BROWSER_CHECKS, ids=lambda check: check.id)
def test_every_check_has_a_fault(check: Check) -> None:
    """Each check appears in the table of faults."""
    assert check.id in {name for name, _, _ in FAULTS}


@pytest.mark.parametrize(("check_id", "changes", "evidence"), FAULTS, ids=[f"{row[0]} {row[2]}" for row in FAULTS])
def test_fault_is_reported(check_id: str, changes: dict[str, Any], evidence: str) -> None:
    """The check fails, and the evidence has what the browser saw."""
    verdict = verdicts(replace(healthy(), **changes), check_id)[check_id]
    assert verdict.outcome == "fail"
    assert any(evidence in line for line in verdict.evidence), verdict.evidence


@pytest.mark.parametrize(("strict", "has_advice"), [((), True), (("img-src blocks data",), False), (None, False)])
def test_strict_policy_is_advised_where_it_would_block_nothing(
    strict: tuple[str, ...] | None, *, has_advice: bool
) -> None:
    """It is an advice, and the check passes. None is a site whose policy is strict already."""
    verdict = verdicts(replace(healthy(), strict=strict), "browser.policy")["browser.policy"]
    assert verdict.outcome == "pass"
    assert any("prod.csp: strict" in note for note in verdict.notes) is has_advice


def test_visit_that_ended_early_fails_one_check() -> None:
    """Checks of later steps are skipped. Their reason names the check that failed."""
    outcomes = verdicts(Visit(finished={"first"}, failures={"first": "the page kept the browser busy for 90 s"}))
    assert outcomes["browser.renders"].outcome == "fail"
    skipped = {name for name, verdict in outcomes.items() if verdict.outcome == "skip"}
    reached = {f"browser.{name}" for name in ("renders", "console", "network", "policy", "interruptions", "idle")}
    assert skipped == {check.id for check in BROWSER_CHECKS} - reached
    assert "browser.renders" in outcomes["browser.accessible"].evidence[0]


def test_requests_to_the_api_are_not_the_sites() -> None:
    """An API answers as it likes: 401 before a login, 404 for what is not there."""

    def fault(request: httpx.Request, answer: sites.Answer) -> None:
        if request.url.path == "/healthz":
            answer.status, answer.body = 200, b"The API answers below: /api\n"

    events = ("http://127.0.0.1:8080/api/me: 401", "http://127.0.0.1:8080/apiary.js: 404")
    visit = replace(healthy(), first=[with_events(HOME, network=events)])
    verdict = verdicts(visit, "browser.network", site=sites.Site(fault))["browser.network"]
    assert verdict.evidence == ("/: http://127.0.0.1:8080/apiary.js: 404",)
