"""The gate's visit with a browser, as the gate waits for it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from docktasks.app.project import Project
from docktasks.errors import StartError
from docktasks.release import gate
from docktasks.release.gate_visit import Findings, GateVisit
from docktasks.settings import Settings
from docktasks.verify.subject import Subject
from tests.unit.fakes.apps import configured
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.production import deployed
from tests.unit.fakes.runner import Runner


@pytest.mark.parametrize("gate_browser", ["auto", "never"])
def test_visit_without_a_browser_finds_nothing(settings: Settings, gate_browser: str) -> None:
    """There is no notice, because a Chromium is a choice."""
    project = Project(Runner(), FakeEngine(), configured(settings.root, prod_gate_browser=gate_browser))
    visit = GateVisit(project)
    visit.begin("http://127.0.0.1:49153")
    assert visit.findings() == Findings()
    visit.end()


def test_only_the_first_findings_count(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser closes after the visit. An error of it then says nothing about the release."""

    def visit(gate: GateVisit, _executable: str) -> None:
        gate._report(Findings(pages=1))  # noqa: SLF001
        gate._report(Findings(notices=("late",)))  # noqa: SLF001
        raise OSError

    monkeypatch.setattr(GateVisit, "_visit", visit)
    monkeypatch.setattr(Subject, "chromium", "chromium")
    gate = GateVisit(Project(Runner(), FakeEngine(), settings))
    assert gate.findings() == Findings(pages=1)
    gate.end()


def test_error_of_the_visit_is_raised_where_its_findings_are_asked_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours is no fault of the release."""

    def visit(_gate: GateVisit, _executable: str) -> None:
        raise OSError("broken")

    monkeypatch.setattr(GateVisit, "_visit", visit)
    monkeypatch.setattr(Subject, "chromium", "chromium")
    gate = GateVisit(Project(Runner(), FakeEngine(), settings))
    with pytest.raises(OSError, match="broken"):
        gate.findings()
    gate.end()


@pytest.mark.parametrize("value", ["%CONFIG%", "{{ .Config }}", "{[ .Json ]}", "<%= config %>"])
def test_gate_names_what_a_server_of_the_app_puts_into_the_page(
    engine: FakeEngine, settings: Settings, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """Such a page throws in `vite preview`, too. Other errors, and other pages, have nothing to do with the value."""
    site = SimpleNamespace(index=SimpleNamespace(text=f"<p>100%</p><script>window.config = {value};</script>"))
    monkeypatch.setattr(gate, "critical_verdicts", lambda _entry: (site, []))
    monkeypatch.setattr(gate, "faults_of_linked_pages", lambda _site: iter(()))
    for fault, is_named in (("SyntaxError: Unexpected token", True), ("TypeError: a is null", False)):
        findings = Findings(1, (f"/: uncaught {fault}",))
        monkeypatch.setattr(GateVisit, "findings", lambda _visit, result=findings: result)
        with pytest.raises(StartError) as caught:
            deployed(engine, settings)
        assert (f"a value for {value} into the page" in caught.value.how) is is_named


@pytest.mark.parametrize(("name", "is_named"), [("{[ .StaticURL ]}/a.css", True), ("%VITE_API%/a.css", False)])
def test_gate_names_what_a_server_of_the_app_puts_into_an_address(
    engine: FakeEngine, settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str, *, is_named: bool
) -> None:
    """No build fixes that. Vite puts its own variables in."""
    check = SimpleNamespace(id="http.files", fix="Build again")
    failed = SimpleNamespace(check=check, outcome="fail", finding="404", evidence=[f"/{name}: 404"])
    monkeypatch.setattr(gate, "critical_verdicts", lambda _entry: (None, [failed]))
    with pytest.raises(StartError) as caught:
        deployed(engine, settings)
    assert ("a value for {[ .StaticURL ]} into the page" in caught.value.how) is is_named


def test_gate_names_the_commands_of_the_apps_own_manager(
    engine: FakeEngine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a page throws may end in a full stop."""
    (settings.app_dir / "package-lock.json").unlink()
    (settings.app_dir / "pnpm-lock.yaml").touch()
    findings = Findings(1, ("/: uncaught Error: The root is missing.",))
    monkeypatch.setattr(GateVisit, "findings", lambda _visit: findings)
    with pytest.raises(StartError) as caught:
        deployed(engine, settings)
    assert caught.value.what.endswith("in Chromium, /: uncaught Error: The root is missing.")
    assert ": pnpm run build, then pnpm exec vite preview. " in caught.value.how


@pytest.mark.parametrize("code", ["'/caf%C3%A9'", "{[k]:v,b:[1]}", "{{b()}}", "a%B%c"])
def test_ordinary_code_is_no_value_of_a_server(code: str) -> None:
    """Another file may have a SyntaxError."""
    assert not gate.TEMPLATE_VALUE.search(code)
