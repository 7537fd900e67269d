"""What counts as a page that does not come to rest."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from playwright.sync_api import Page, Request

from docktasks.verify.probes.workload import Workload


class FakeSession:
    """A session in which the page has used the processor for so many seconds."""

    cpu_s = 0.0

    def send(self, method: str, _options: object = None) -> dict[str, Any]:
        """The answer to a method."""
        metrics = [{"name": "TaskDuration", "value": self.cpu_s}]
        return {"metrics": metrics} if method == "Performance.getMetrics" else {}


@pytest.fixture
def session() -> FakeSession:
    """The session of the page."""
    return FakeSession()


@pytest.fixture
def work(session: FakeSession, monkeypatch: pytest.MonkeyPatch) -> Workload:
    """The workload of a page, with a clock that each request moves on by 0.3 s."""
    times = iter(range(1000))
    monkeypatch.setattr("docktasks.verify.probes.workload.time.monotonic", lambda: next(times) * 0.3)
    context = SimpleNamespace(new_cdp_session=lambda _page: session)
    return Workload(cast("Page", SimpleNamespace(on=lambda *_: None, context=context)))


def request(url: str, method: str = "GET", body: bytes = b"", kind: str = "fetch") -> Request:
    """A request of the page."""
    values = {"method": method, "post_data_buffer": body, "resource_type": kind}
    return cast("Request", SimpleNamespace(url=f"http://site{url}", **values))


def test_address_that_is_loaded_twice_is_a_reload(work: Workload) -> None:
    """A page that leads on to another one has loaded each once. What is asked for by a script does not count."""
    for url, is_load in (("/", True), ("/en/", True), ("/en/", False)):
        work.add(request(url), is_load=is_load)
    assert not work.has_reloaded
    work.add(request("/en/?again"), is_load=True)
    assert work.has_reloaded


@pytest.mark.parametrize(
    ("urls", "line"),
    [
        (["/data"], "http://site/data: GET"),
        (["/data?1764461000001", "/data?1764461000301"], "http://site/data?: GET"),
        (["/data?t=0.123", "/data?t=0.456"], "http://site/data?t=: GET"),
        (["/data?part=a", "/data?part=b", "/data?part=c"], ""),
        (["/a", "/b", "/c"], ""),
    ],
)
def test_page_that_asks_one_thing_again_and_again_does_not_rest(work: Workload, urls: list[str], line: str) -> None:
    """A time or a random number makes no other question. Another parameter does."""
    for number in range(12):
        work.add(request(urls[number % len(urls)]), is_load=False)
    lines = [f"{line}, asked for without end, more than 2 times a second"] if line else []
    assert work.judge(0) == lines
    assert work.judge(0) == [], "it counts from the last look on"


def test_questions_by_post_differ_by_their_body(work: Workload) -> None:
    """Several queries of GraphQL have one address. A counter in the body makes no other question."""
    for number in range(12):
        work.add(request("/graphql", "POST", b"{%s}" % b"abc"[number % 3 : number % 3 + 1]), is_load=False)
    assert work.judge(0) == []
    for number in range(12):
        work.add(request("/log", "POST", b"{n: %d}" % number), is_load=False)
    assert work.judge(0) == ["http://site/log: POST {n: 0}, asked for without end, more than 2 times a second"]


def test_page_that_loads_once_more_rests(work: Workload) -> None:
    """As after a new service worker. Its parts are asked for again, too."""
    for _ in range(2):
        work.add(request("/", kind="document"), is_load=True)
    assert work.judge(0) == []
    for _ in range(3):
        work.add(request("/", kind="document"), is_load=True)
    assert work.judge(0) == ["the page loads itself again and again"]


def test_tasks_block_a_page_that_uses_the_processor(work: Workload, session: FakeSession) -> None:
    """On a machine with much to do a task takes long that works for a moment only."""
    work.tasks += [1500, 1200]
    session.cpu_s = 1.0
    assert work.judge(2) == []
    work.tasks += [1500, 1200]
    session.cpu_s = 2.5
    assert work.judge(2) == [], "one second was used before the last look"
    work.tasks += [1500, 1200]
    session.cpu_s = 5.0
    assert work.judge(2) == ["scripts block the page for 2.7 s"]
