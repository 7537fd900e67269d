from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from docktasks.verify import catalog
from docktasks.verify.probes.chromium import Seen, first_line
from docktasks.verify.probes.page_timing import Load, Loads
from docktasks.verify.probes.visit import Visit, visit
from docktasks.verify.registry import Check, Verdict
from docktasks.verify.subject import Subject

BROWSER = [check for check in catalog.all_checks() if check.group == "browser"]
HOME = Seen("/", status=200, title="Home", text="Welcome", shows=True)
ABOUT = replace(HOME, where="/about", title="About")
STEPS = {"first", "deep", "inject", "follow", "audit"}


def healthy() -> Visit:
    """A visit on which nothing was wrong."""
    return Visit(
        first=[HOME, replace(HOME, where="/ after a reload")],
        deep=[ABOUT, replace(ABOUT, where="/about after a reload")],
        followed=[replace(ABOUT, where="a click on /about", status=0)],
        audits={"/, light, 1280 wide": ()},
        widths={("/", 1280): 1280, ("/", 360): 360},
        made=set(STEPS),
    )


def judged(visit: Visit, *ids: str) -> dict[str, Verdict]:
    """The verdicts on a visit, by check."""
    subject = Subject("http://127.0.0.1:8080")
    vars(subject).update(visit=visit)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Subject, "chromium", "/usr/bin/chromium")
        wanted = [check for check in BROWSER if not ids or check.id in ids]
        return {verdict.check.id: verdict for verdict in catalog.run_checks(subject, wanted)}


def test_a_healthy_visit_passes_every_check() -> None:
    """No check cries wolf."""
    assert {name: verdict.outcome for name, verdict in judged(healthy()).items()} == {
        check.id: "pass" for check in BROWSER
    }


FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("browser.renders", {"first": [replace(HOME, shows=False)]}, "/: nothing is to be seen"),
    (
        "browser.renders",
        {"first": [replace(HOME, shows=False, console=("uncaught: sunk",))]},
        "/: nothing is to be seen (uncaught: sunk)",
    ),
    ("browser.renders", {"first": [replace(HOME, title=" ")]}, "/: without a title"),
    ("browser.renders", {"first": [replace(HOME, status=503)]}, "/: the server answers 503"),
    ("browser.renders", {"first": [HOME, replace(HOME, where="/ after a reload", title="Other")]}, "'Other'"),
    ("browser.renders", {"trouble": {"first": "net::ERR_ABORTED"}}, "net::ERR_ABORTED"),
    ("browser.deep-link", {"deep": [replace(ABOUT, status=404)]}, "/about: the server answers 404"),
    ("browser.deep-link", {"trouble": {"deep": "Timeout"}}, "Timeout"),
    ("browser.console", {"deep": [replace(ABOUT, console=("error: x",))]}, "/about: error: x"),
    ("browser.network", {"first": [replace(HOME, network=("http://h/x.js: 404",))]}, "/: http://h/x.js: 404"),
    ("browser.policy", {"first": [replace(HOME, policy=("img-src blocks data",))]}, "/: img-src blocks data"),
    ("browser.injection", {"injected": ("an inline script ran",)}, "an inline script ran"),
    ("browser.injection", {"trouble": {"inject": "Timeout"}}, "Timeout"),
    ("browser.navigation", {"unmoved": ["a click on /about: the same"]}, "a click on /about: the same"),
    ("browser.navigation", {"followed": [replace(ABOUT, where="a click", shows=False)]}, "a click: nothing"),
    ("browser.navigation", {"followed": [replace(ABOUT, where="a click", network=("x: 404",))]}, "a click: x: 404"),
    ("browser.accessible", {"audits": {"/a, dark, 360 wide": ("lang: b",)}}, "/a, dark, 360 wide: lang: b"),
    ("browser.fits", {"widths": {("/a", 360): 700}}, "/a, 360 wide: the page takes 700"),
]


@pytest.mark.parametrize("check", BROWSER, ids=lambda check: check.id)
def test_each_check_has_a_fault_here(check: Check) -> None:
    """A check that cannot fail is a defect."""
    assert check.id in {name for name, _, _ in FAULTS}


@pytest.mark.parametrize(("name", "given", "evidence"), FAULTS, ids=[f"{name} {text}" for name, _, text in FAULTS])
def test_each_check_fails_on_its_fault(name: str, given: dict[str, Any], evidence: str) -> None:
    """What was seen is the evidence."""
    verdict = judged(replace(healthy(), **given), name)[name]
    assert verdict.outcome == "fail"
    assert any(evidence in line for line in verdict.evidence), verdict.evidence


def test_a_visit_that_ended_early_fails_once() -> None:
    """What was not reached is skipped, and says where to look."""
    verdicts = judged(Visit(made={"first"}, trouble={"first": "the page kept the browser busy for 90 s"}))
    assert verdicts["browser.renders"].outcome == "fail"
    skipped = {name for name, verdict in verdicts.items() if verdict.outcome == "skip"}
    reached = {"browser.renders", "browser.console", "browser.network", "browser.policy"}
    assert skipped == {check.id for check in BROWSER} - reached
    assert "browser.renders" in verdicts["browser.accessible"].evidence[0]


def test_evidence_is_one_line_of_bounded_length() -> None:
    """A page may say anything, of any length."""
    assert first_line("\n\nTypeError: x\n    at y") == "TypeError: x"
    assert len(first_line("x" * 100_000)) == 300
    assert first_line("") == ""


class Session:
    """A browser's own account of the network, as a test tells it."""

    def __init__(self) -> None:
        self.heard: dict[str, Any] = {}
        self.context = self

    def new_cdp_session(self, _page: object) -> Session:
        """Its own."""
        return self

    def on(self, name: str, hear: Any) -> None:
        """Note who listens."""
        self.heard[name] = hear

    def send(self, name: str) -> None:
        """Only to begin."""
        assert name == "Network.enable"

    def tell(self, name: str, at: float, number: str = "1", **event: object) -> None:
        """One event, `at` these seconds."""
        self.heard[f"Network.{name}"]({"requestId": number, "timestamp": at} | event)


def test_loads_are_what_the_browser_tells_of_the_network() -> None:
    """Times since the navigation, bytes on the wire and decoded; a redirect is a load of its own; one may never end."""
    session = Session()
    page: Any = session  # as much of one as is asked for
    loads = Loads(page)
    session.tell("requestWillBeSent", 5.0, request={"url": "http://h/"}, type="Document")
    session.tell(
        "requestWillBeSent", 5.01, request={"url": "http://h/app/"}, type="Document",
        redirectResponse={"status": 301, "encodedDataLength": 100},
    )  # fmt: skip
    session.tell("responseReceived", 5.02, response={"status": 200, "headers": {"Content-Encoding": "br"}})
    session.tell("dataReceived", 5.03, dataLength=700)
    session.tell("dataReceived", 5.03, dataLength=300)
    session.tell("loadingFinished", 5.04, encodedDataLength=450)
    session.tell("requestWillBeSent", 5.03, "2", request={"url": "http://h/a.js"}, type="Script")
    session.tell("requestWillBeSent", 5.03, "3", request={"url": "data:image/png;base64,AA"}, type="Image")
    session.tell("loadingFinished", 5.04, "4", encodedDataLength=1)
    assert loads.all() == (
        Load("http://h/", "document", 301, 0.0, 10.0, 100),
        Load("http://h/app/", "document", 200, 10.0, 40.0, 450, 1000, "br"),
        Load("http://h/a.js", "script", 0, 30.0, 30.0),
    )


@pytest.mark.parametrize(
    ("visits", "made"),
    [([True, False], 2), ([False], 1), ([True, True, True], 3)],
    ids=["once disturbed", "undisturbed", "always disturbed"],
)
def test_a_visit_that_the_machine_disturbed_is_made_again(
    monkeypatch: pytest.MonkeyPatch, visits: list[bool], made: int
) -> None:
    """A container that starts anywhere cuts off what Chromium is loading; three times is enough, and is told."""
    left, calls = iter(visits), []

    def once(*args: object) -> Visit:
        calls.append(args)
        told = ("http://h/a.css: net::ERR_NETWORK_CHANGED",) if next(left) else ()
        return Visit(first=[Seen("/", network=told)])

    monkeypatch.setattr("docktasks.verify.probes.visit._once", once)
    found = visit("http://h", "chromium", 1)
    assert (len(calls), found.was_disturbed) == (made, visits[-1])
