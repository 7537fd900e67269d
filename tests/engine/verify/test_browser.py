"""A real browser on pages that never finish, fail or hide what they have."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import psutil
import pytest
from playwright.sync_api import Error as BrowserError

from docktasks.background import Once
from docktasks.verify.catalog import run_checks, select
from docktasks.verify.probes import chromium as chromium_probe
from docktasks.verify.probes.chromium import launch_browser, new_page
from docktasks.verify.probes.page_events import PageEvents
from docktasks.verify.probes.visit import Visit
from docktasks.verify.probes.visitor import visit
from docktasks.verify.registry import Verdict
from docktasks.verify.subject import Subject
from docktasks.waiting import Probe, wait_until
from tests.support.long_forms import long

NO_HOST = f"{'x' * 64}.invalid"
"""A name that is longer than a name may be, so that the browser asks no name server, which may be slow."""
PAGE = "<!doctype html><html lang=en><title>{title}</title><main><h1>{title}</h1></main>{more}"
CANCELS = """let animation
setInterval(() => {
  animation?.cancel()
  animation = document.querySelector('h1').animate([{ opacity: 0.9 }, { opacity: 1 }], 5000)
}, 100)"""
RESTLESS = {
    "reloads": ("setTimeout(() => location.reload(), 50)", "the page loads itself again and again"),
    "opens": ("open('/alone')", "the page opens a window"),
    "leaves": ("setTimeout(() => location.assign('about:blank'), 50)", "the page leaves the site for about:blank"),
    "floods": ("setInterval(() => { for (let i = 0; i < 999; i++) console.error(i) })", "more than 1,000 messages"),
    "asks": ("setInterval(() => alert(1), 50)", "a dialog (alert) covers the page"),
    "waits": ("document.head.append(Object.assign(new Image(), { src: '/wait' }))", "not complete after 2.5 s"),
}
"""Name of a page -> its script, and a part of what a visit says about it."""
REMOTE_STYLE = f"""<meta http-equiv=Content-Security-Policy content="connect-src 'self' https:">
<link rel=stylesheet href=//{NO_HOST}/remote.css><title>"""
REMOTE_DATA = f"""<script>fetch('https://{NO_HOST}/data')</script><a href="/remote/more">more</a>"""
SLOW_HOST = "document.head.append(Object.assign(new Image(), { src: `//localhost:${location.port}/wait` }))"
SHADOW = "document.body.append(document.createElement('a-model')); document.body.querySelector('a-model')"
SHADOW += ".attachShadow({ mode: 'open' }).innerHTML = '<canvas></canvas>'"
NO_PICTURES, NO_DATA = (
    f"<meta http-equiv=Content-Security-Policy content=\"{kind}-src 'none'\"><title>" for kind in ("img", "connect")
)
WHITE = "<style>body { color: white }</style>"
LATE = "onresize = () => setTimeout(() => { document.querySelector('style').remove() }, 1500)"
LOADING = "<style>button { border: 0; background: white; color: transparent }</style><button>go</button>"
SPLASH = f"<img alt='' src=https://{NO_HOST}/splash.png style='display: block; height: 100vh'>"
LOCK = "html, body { height: 100%; overflow: hidden }"
SPACE = "<div style='height: 3000px'></div>"
LONG = f"{SPACE}<p>the end</p>"
DIAGRAM = "<svg style='position: absolute; top: 2000px'><a href=/><text y=20>node</text></a></svg>"
WHEEL = "<script>addEventListener('wheel', () => document.body.scrollBy(0, 300))</script>"
BUTTON = "<button>{name}</button><script>document.querySelector('button').onclick = () => {{ {script} }}</script>"
STAYS = "onclick = (e) => { e.preventDefault(); history.pushState(0, '', e.target.href) }"
TALK = "new WebSocket(location.href.replace('http', 'ws'))"
SET_OFF = {
    "throws": BUTTON.format(name="Add", script="cart.add()"),
    "asks-for": BUTTON.format(name="More", script="fetch('/no-stock')"),
    "changes": BUTTON.format(
        name="Delete", script=f"{TALK}; fetch('/no-item', {{ method: 'DELETE' }}).then(() => gone())"
    ),
    "copies": BUTTON.format(name="Copy", script="navigator.clipboard.readText()"),
    "signs-in": BUTTON.format(name="Sign in", script="location = `//localhost:${location.port}/abroad`"),
    "logs-in": BUTTON.format(name="Log in", script="location = '/away'"),
    "posts": "<form method=post action=/no-list><input aria-label=mail></form>",
    "sends-itself": "<form method=post><input></form><script>onsubmit = (e) => e.preventDefault()</script>",
    "searches": "<form action=/alone><input aria-label=words></form>",
    "asks-nobody": "<form action=/no-words></form><form action=/gone></form>",
}
"""Name of a page -> what is in it that a visitor sets off."""
CHANGES: list[str] = []
"""The requests that page_server got that may change data."""
UNSEEN = {
    "covered": "<style>body::before { content: ''; position: fixed; inset: 0; background: white }</style>",
    "hidden": "<svg width=9 height=9><rect width=9 height=9 /></svg><style>body { visibility: hidden }</style>",
    "white": "<p style='color: white'>white</p>",
    "locked": f"<style>{LOCK}</style>{LONG}",
    "moves": f"<style>{LOCK}</style>{LONG}{WHEEL}",
    "inner": f"<style>{LOCK} main {{ height: 100%; overflow: auto }}</style><main>{LONG}</main>",
    "modal": f"<style>{LOCK}</style>{LONG}<dialog open style='position: fixed'>Cookies?</dialog>",
    "asks-first": f"<style>{LOCK}</style>{LONG}<div style='position: fixed; inset: 0'>Cookies?</div>",
    "diagram": f"<style>{LOCK}</style>{DIAGRAM}",
    "slides": f"<style>{LOCK} div, section {{ height: 100vh }}</style><div></div><section><p>two</p></section>",
    "moved-by-translate": f"<style>{LOCK} main {{ translate: 0 0 1px }}</style><main>{LONG}</main>",
    "anchored": f"<style>{LOCK}</style><a href=#end>on</a>{SPACE}<p id=end>the end</p>",
    "shadow": f"{WHITE}<script>{SHADOW}</script>",
    "late": f"{WHITE}<script>{LATE}</script>",
    "hero": f"{WHITE}<div style='height: 100vh'></div><p style='color: black'>below</p>",
    "splash": f"{WHITE}{SPLASH}<p style='color: black'>below</p>{LOADING}",
}
"""Name of a page -> what is in it that nobody sees, or seems so."""
PAGES = {
    "polls": PAGE.format(title="polls", more="<script>setInterval(() => fetch(location.href), 50)</script>"),
    "loops": PAGE.format(title="loops", more="<script>for (;;) {}</script>"),
    "loops-later": PAGE.format(title="loops", more="<script>setTimeout(() => { for (;;) {} }, 100)</script>"),
    "cancels": PAGE.format(title="cancels", more=f"<script>{CANCELS}</script>"),
    "blank": "<!doctype html><title>blank</title><div id=app></div>",
    "moved": "",
    "remote": PAGE.replace("<title>", REMOTE_STYLE).format(
        title="remote", more=f"<img alt=map src=https://{NO_HOST}/map.png>{REMOTE_DATA}"
    ),
    "worker": PAGE.format(title="worker", more="<script>navigator.serviceWorker.register('/worker.js')</script>"),
    "worker.js": f"importScripts('https://{NO_HOST}/worker.js')",
    "remote-waits": PAGE.format(title="remote", more=f"<script>{SLOW_HOST}</script>"),
    "alone": PAGE.format(title="alone", more=""),
    "abroad": PAGE.replace("<title>", NO_PICTURES).format(
        title="abroad", more="<img src=/no.png><script src=/no.js></script>"
    ),
    "installs": PAGE.replace("<title>", NO_DATA).format(
        title="installs", more="<link rel=manifest href=/app.webmanifest>"
    ),
    "app.webmanifest": "{",
    **{
        title: PAGE.format(title=title, more=" ".join(f"<a href=/{name}>{name}</a>" for name in names))
        for title, names in {
            "unseen": list(UNSEEN)[:3],
            "below": list(UNSEEN)[3:12],
            "drawn": list(UNSEEN)[12:],
            "set-off": list(SET_OFF),
        }.items()
    },
    **{name: PAGE.format(title=name, more=more) for name, more in (UNSEEN | SET_OFF).items()},
    "stays": PAGE.format(title="stays", more=f"<a href=/alone>on</a><script>{STAYS}</script>"),
    "leads": PAGE.format(title="leads", more="<a href=/alone>alone</a> <a href=/gone>gone</a>"),
    **{name: PAGE.format(title=name, more=f"<script>{script}</script>") for name, (script, _) in RESTLESS.items()},
}


@pytest.fixture
def patient_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let axe look at all linked pages, also on a machine with much to do."""
    monkeypatch.setattr("docktasks.verify.probes.audit.AXE_TIME_S", 150)


@pytest.fixture
def page_server() -> Iterator[str]:
    """A server with a page for each name of PAGES.

    `moved` redirects to itself, `away` to another host, `abroad` answers 404 there, `alone` has no page below it, and
    `gone` ends the connection without an answer.
    """
    ended = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name, _, rest = self.path.strip("/").partition("/")
            if name == "wait":
                ended.wait()
            if "Upgrade" in self.headers:  # the start of a socket
                CHANGES.append(self.path)
            if name == "gone":
                return
            is_page = name in PAGES and name != "abroad" and not (name == "alone" and rest)
            self.send_response(302 if name in ("moved", "away") else 200 if is_page else 404)
            self.send_header("Location", "/moved/" if name == "moved" else f"http://localhost:{port}/abroad")
            self.send_header("Content-Type", "text/javascript" if name.endswith(".js") else "text/html")
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # a browser that is ended hangs up
                self.wfile.write(PAGES.get(name, "<h1>Not found</h1>").encode())

        def do_POST(self) -> None:
            CHANGES.append(f"{self.command} {self.path}")
            self.send_error(501)

        do_DELETE = do_POST  # noqa: N815 - the name is http.server's

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        port = server.server_address[1]
        yield f"http://127.0.0.1:{port}"
        ended.set()
        server.shutdown()
        thread.join()


def browser_processes() -> list[psutil.Process]:
    """Return the browsers that this process has started, and their pages."""
    processes = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "chrom" in process.name():
                processes.append(process)
    return processes


def verdicts_of(result: Visit) -> dict[str, Verdict]:
    """Return the verdicts of the browser group about a visit, by check id."""
    subject = Subject("http://127.0.0.1:1")
    subject.chromium, subject.visit = "/there", Once(lambda: result)
    return {verdict.check.id: verdict for verdict in run_checks(subject, select(["browser"]))}


@pytest.mark.parametrize("name", [long("loops"), "loops-later"])
def test_page_that_blocks_the_browser_costs_only_the_time_limit(page_server: str, chromium: str, name: str) -> None:
    """The page of an endless script fails, other checks are skipped, and no browser process is left."""
    verdicts = verdicts_of(visit(f"{page_server}/{name}", chromium, 4))
    assert {name for name, verdict in verdicts.items() if verdict.outcome == "fail"} == {"browser.renders"}
    assert "the page kept the browser busy for 4 s, or crashed it" in verdicts["browser.renders"].evidence
    assert verdicts["browser.accessible"].outcome == "skip"
    assert wait_until(lambda: Probe(not browser_processes()), limit=60).ready


@pytest.mark.parametrize("name", ["reloads", *map(long, [name for name in RESTLESS if name != "reloads"])])
def test_page_that_does_not_come_to_rest_is_judged_within_the_limit(page_server: str, chromium: str, name: str) -> None:
    """A page that loads itself for ever, is left, floods the console, asks, or waits for a file says so."""
    result = visit(f"{page_server}/{name}", chromium, 60)
    lines = [event.text for page in result.pages for event in page.events]
    assert any(RESTLESS[name][1] in line for line in lines), lines


@pytest.mark.usefixtures("patient_audit")
def test_content_that_nobody_sees_is_reported(page_server: str, chromium: str) -> None:
    """Text under a cover, or hidden next to a hidden picture, or of the color that is behind it."""
    result = visit(f"{page_server}/unseen", chromium, 150)
    assert {page.label.split()[0] for page in result.audited if not page.has_content} == {"/covered", "/hidden"}
    of_color = {view.split(",")[0] for view, faults in result.audits.items() if "color" in "".join(faults)}
    assert of_color == {"/white"}


@pytest.mark.usefixtures("patient_audit")
def test_content_that_a_picture_of_the_window_does_not_show_is_not_reported(page_server: str, chromium: str) -> None:
    """It is on a canvas, comes late, is below the window or of another host, or is meant to be transparent."""
    result = visit(f"{page_server}/drawn", chromium, 150)
    assert [page.label for page in result.audited if not page.has_content] == []
    of_color = [fault for view, faults in result.audits.items() if view.startswith("/splash") for fault in faults]
    assert of_color
    assert all(fault.endswith("thresholds: h1") for fault in of_color)


def test_what_a_visitor_sets_off_is_reported(page_server: str, chromium: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A button that throws or asks for what is missing, a form that nothing takes. Nothing is changed or sent."""
    monkeypatch.setattr("docktasks.verify.probes.clicks.PRESS_TIME_S", 60)
    result = visit(f"{page_server}/set-off", chromium, 150)
    lines = [f"{page.label}: {event.text.replace(page_server, '')}" for page in result.pressed for event in page.events]
    assert lines == [
        "/throws after a click on the button Add: uncaught: ReferenceError: cart is not defined",
        "/asks-for after a click on the button More: /no-stock: 404",
        "/asks-nobody: /no-words: 404 to a form that is sent there by GET",
        "/asks-nobody: /gone: no answer to a form that is sent there by GET",
    ]
    assert result.posts == {f"{page_server}/no-list": "/posts"}
    assert CHANGES == []


def test_manifest_is_read_whatever_scripts_may_load(page_server: str, chromium: str) -> None:
    """The policy's connect-src is about scripts. A browser loads a manifest by manifest-src."""
    result = visit(f"{page_server}/installs", chromium, 60)
    assert {event for page in result.pages for event in page.events} == {
        ("network", "/app.webmanifest: the browser cannot read this manifest")
    }


def test_link_that_changes_only_the_address_is_reported(page_server: str, chromium: str) -> None:
    """A router that waits for ever for a page leaves the one before."""
    result = visit(f"{page_server}/stays", chromium, 90)
    assert result.dead_links == ["a click on /alone: the page shows the same as before"]


@pytest.mark.usefixtures("patient_audit")
def test_text_to_which_nobody_can_scroll_is_reported(page_server: str, chromium: str) -> None:
    """A page that moves by a script or a link, waits for an answer, or in which a part scrolls, is none of that."""
    result = visit(f"{page_server}/below", chromium, 150)
    assert (result.cut_off, result.restless, result.unseen) == ({"/locked": "the end"}, [], [])


def test_page_that_does_not_answer_is_named_and_the_others_are_looked_at(page_server: str, chromium: str) -> None:
    """A linked page whose server hangs up is no reason to leave out the pages that open at the same time."""
    result = visit(f"{page_server}/leads", chromium, 60)
    assert "audit" not in result.failures
    assert {page.label: page.has_content for page in result.audited} == {
        "/ after a while": True, "/alone after a while": True, "/gone after a while": False,
    }  # fmt: skip
    assert any("net::ERR_EMPTY_RESPONSE" in line for line in result.audited[-1].texts("network"))
    assert {view.partition(",")[0] for view in result.audits} == {"/", "/alone"}


def test_browser_whose_driver_does_not_answer_is_given_up(
    page_server: str, chromium: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that waits for ever ends with the visit's limit, and the visit says that it failed."""
    find_driver = chromium_probe._driver  # noqa: SLF001

    def stopped_driver(flag: str) -> psutil.Process | None:
        driver = find_driver(flag)
        assert driver is not None
        driver.suspend()
        return driver

    monkeypatch.setattr(chromium_probe, "_driver", stopped_driver)
    result = visit(f"{page_server}/alone", chromium, 3)
    assert result.failures
    assert result.pages == []


@pytest.mark.long  # it waits for a limit; the pages before are restless, too
def test_page_that_never_stops_loading_is_judged(page_server: str, chromium: str) -> None:
    """A page that sends requests all the time is judged by what it shows."""
    snapshot = visit(f"{page_server}/polls", chromium, 8).first[0]
    assert (snapshot.has_content, snapshot.title, snapshot.texts("console", "network")) == (True, "polls", [])


def test_page_that_cancels_its_animations_is_judged(page_server: str, chromium: str) -> None:
    """The promise of a cancelled animation is rejected, which is no fault of the page."""
    verdict = verdicts_of(visit(f"{page_server}/cancels", chromium, 60))["browser.accessible"]
    assert (verdict.outcome, verdict.evidence) == ("pass", ())


def test_site_of_one_page_has_no_address_below_it(page_server: str, chromium: str) -> None:
    """A site of pages answers an unknown address with 404. Without a link there is no other page to open."""
    snapshots = visit(f"{page_server}/alone", chromium, 30).deep
    assert [(snapshot.has_content, snapshot.texts("network")) for snapshot in snapshots] == [(True, [])] * 2


def test_import_of_a_service_worker_that_this_machine_cannot_reach_is_a_note(page_server: str, chromium: str) -> None:
    """The browser then says on the page that the worker is wrong."""
    result = visit(f"{page_server}/worker/", chromium, 30)
    assert verdicts_of(result)["browser.console"].outcome == "pass", result.pages
    assert any(f"https://{NO_HOST}/worker.js" in text for page in result.first for text in page.texts("unreachable"))


def test_host_that_this_machine_cannot_reach_is_a_note(page_server: str, chromium: str) -> None:
    """Without a way to another host, a page is judged by the rest. What its script throws then is in the note, too.

    axe fetches no style of that host, which the policy would block.
    """
    verdicts = verdicts_of(visit(f"{page_server}/remote", chromium, 60))
    assert {verdicts[f"browser.{name}"].outcome for name in ("console", "policy")} == {"pass"}, [
        verdicts[f"browser.{n}"].evidence for n in ("console", "policy")
    ]
    notes = " ".join(verdicts["browser.network"].notes)
    assert f"https://{NO_HOST}: net::ERR_NAME_NOT_RESOLVED" in notes, verdicts["browser.network"]
    assert "Failed to fetch" in notes


def test_other_host_that_does_not_answer_is_no_fault_of_the_site(page_server: str, chromium: str) -> None:
    """A firewall may drop what goes there, so that a request neither succeeds nor fails."""
    result = visit(f"{page_server}/remote-waits", chromium, 60)
    assert not [text for page in result.pages for text in page.texts("network", "console")]
    assert any(text.endswith("/wait: not complete after 2.5 s") for text in result.first[0].texts("unreachable"))


@pytest.mark.parametrize(
    ("name", "evidence"),
    [
        ("blank", "/: the page is empty"),
        long("moved", "net::ERR_TOO_MANY_REDIRECTS"),
        ("no-such", "/: the server answers 404"),
    ],
)
def test_page_that_shows_nothing_fails_with_its_reason(
    page_server: str, chromium: str, name: str, evidence: str
) -> None:
    """An empty page, endless redirects and an error status each have evidence of their own."""
    verdict = verdicts_of(visit(f"{page_server}/{name}", chromium, 30))["browser.renders"]
    assert verdict.outcome == "fail"
    assert evidence in verdict.evidence[0]


def test_address_without_a_server_fails_one_check(chromium: str) -> None:
    """Where nothing listens, only browser.renders fails, at once."""
    verdicts = verdicts_of(visit("http://127.0.0.1:9", chromium))
    assert {name for name, verdict in verdicts.items() if verdict.outcome == "fail"} == {"browser.renders"}


def test_crashed_page_is_named(chromium: str) -> None:
    """The events of a page have one line about the crash of its process."""
    with launch_browser(chromium, 90) as browser, new_page(browser) as page:
        events = PageEvents(page)
        with page.expect_event("crash"), contextlib.suppress(BrowserError):
            page.goto("chrome://crash")
        assert events.texts("console") == ["the page crashed"]
