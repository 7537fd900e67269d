from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from docktasks import __version__
from docktasks.engine.models import Image
from docktasks.verify import report
from docktasks.verify.catalog import all_checks, run_checks
from docktasks.verify.registry import Verdict
from docktasks.verify.report.run import VerifyRun
from docktasks.verify.subject import Subject
from tests.unit.fakes.apps import ROOT
from tests.unit.fakes.reports import HOSTILE, judged, running, verdict
from tests.unit.fakes.sites import Site, subject

SCHEMA = json.loads((ROOT / "docs" / "verify.schema.json").read_text())


def data(*verdicts: Verdict, subject: Subject | None = None) -> dict[str, Any]:
    """What the JSON says, read back; it is what the schema describes."""
    found: dict[str, Any] = json.loads(report.render(judged(*verdicts, subject=subject), "json"))
    validator().validate(found)
    return found


def validator() -> Draft202012Validator:
    """The documented schema, itself a valid one."""
    Draft202012Validator.check_schema(SCHEMA)
    return Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)


def test_it_has_everything() -> None:
    """One object a check, with all evidence as it was found."""
    evidence = [f"fault {number} \x1b{HOSTILE}" for number in range(9)]
    found = data(verdict("fail", *evidence), verdict("pass", name="http.missing"))
    assert found["checks"][0] == {
        "id": "http.files",
        "group": "http",
        "severity": "critical",
        "needs": "url",
        "asserts": "Every file answers 200.",
        "verdict": "fail",
        "evidence": evidence,
        "fix": "Build it again",
        "seconds": 0.25,
    }
    assert [each["verdict"] for each in found["checks"]] == ["fail", "pass"]


def test_it_counts_in_all_and_by_group() -> None:
    """Each count is there, also where it is 0."""
    found = data(verdict("pass", name="image.user"), verdict("fail", "x"), verdict("skip", "y", name="http.encoding"))
    assert found["summary"] == {"pass": 1, "fail": 1, "skip": 1}
    assert found["groups"] == [
        {"name": "image", "seconds": 0.25, "pass": 1, "fail": 0, "skip": 0},
        {"name": "http", "seconds": 0.5, "pass": 0, "fail": 1, "skip": 1},
    ]


def test_it_names_what_was_judged_by_whom_and_when() -> None:
    """Enough to find the release again; null for what was not at hand."""
    found = data(verdict("pass"), subject=running())
    assert found["subject"] == {
        "url": "http://127.0.0.1:8080",
        "container": {"id": "c" * 64, "name": "shop-prod"},
        "image": {"id": "sha256:" + "a" * 64, "tags": ["shop:prod"], "size": 17_894_701},
    }
    assert (found["schema"], found["when"], found["seconds"]) == (1, "2026-11-24T09:00:00+00:00", 0.96)
    assert found["tool"] == {"name": "hello-dock", "version": __version__}
    assert data(verdict("pass"))["subject"] == {"url": "http://127.0.0.1:8080", "container": None, "image": None}
    assert data(subject=Subject("", image=Image("sha256:1")))["subject"]["url"] is None


def test_a_real_run_is_what_the_schema_describes() -> None:
    """Every check that there is, on a site."""
    site = subject(Site())
    verdicts = tuple(run_checks(site, all_checks()))
    validator().validate(json.loads(report.render(VerifyRun(site, verdicts, 1.0), "json")))


@pytest.mark.parametrize(
    ("key", "value"),
    [("schema", 2), ("seconds", -1), ("summary", {"pass": 1}), ("subject", "http://x"), ("when", None)],
)
def test_the_schema_refuses_what_it_does_not_describe(key: str, value: object) -> None:
    """A description that takes anything describes nothing."""
    with pytest.raises(ValidationError):
        validator().validate(data(verdict("pass")) | {key: value})


@pytest.mark.parametrize(
    "change", [{"verdict": "maybe"}, {"evidence": ["x"]}, {"verdict": "fail"}, {"id": "files"}, {"severity": "bad"}]
)
def test_the_schema_knows_a_check(change: dict[str, object]) -> None:
    """A pass has no evidence, and a failure some."""
    found = data(verdict("pass"))
    found["checks"][0] |= change
    with pytest.raises(ValidationError):
        validator().validate(found)


def test_the_version_is_the_projects() -> None:
    """It stands in pyproject.toml, which is not there to ask once the code runs."""
    assert f'\nversion = "{__version__}"\n' in (ROOT / "pyproject.toml").read_text()
