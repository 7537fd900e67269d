from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from docktasks import __version__
from docktasks.engine.models import Image
from docktasks.verify import report
from docktasks.verify.catalog import CHECKS, run_checks
from docktasks.verify.registry import Verdict
from docktasks.verify.report.run import VerifyRun
from docktasks.verify.subject import Subject
from tests.unit.fakes.apps import ROOT
from tests.unit.fakes.reports import HOSTILE, container_subject, verdict, verify_run
from tests.unit.fakes.sites import Site, subject

SCHEMA = json.loads((ROOT / "docs" / "verify.schema.json").read_text())


def data(*verdicts: Verdict, subject: Subject | None = None) -> dict[str, Any]:
    """The data of the JSON report, which fits the schema."""
    content: dict[str, Any] = json.loads(report.REPORTS["json"](verify_run(*verdicts, subject=subject)))
    validator().validate(content)
    return content


def validator() -> Draft202012Validator:
    """The documented schema, which is valid itself."""
    Draft202012Validator.check_schema(SCHEMA)
    return Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)


def test_json_has_every_check_with_all_its_evidence() -> None:
    """The evidence is as the check gave it, neither escaped nor cut."""
    evidence = [f"fault {number} \x1b{HOSTILE}" for number in range(9)]
    content = data(verdict("fail", *evidence), verdict("pass", name="http.missing"))
    assert content["checks"][0] == {
        "id": "http.files",
        "group": "http",
        "severity": "critical",
        "of_app": False,
        "needs": "url",
        "asserts": "Every file answers 200.",
        "verdict": "fail",
        "counts": True,
        "finding": f"{evidence[0]} (and 8 more)",
        "evidence": evidence,
        "notes": [],
        "fix": "Build it again",
        "seconds": 0.25,
    }
    assert [check["verdict"] for check in content["checks"]] == ["fail", "pass"]


def test_json_says_whether_the_run_passed_and_what_was_left_out() -> None:
    """A reader does not have to know what --strict does."""
    skipped = replace(verify_run(verdict("pass"), verdict("skip", "y")), strict=True)
    left_out = (verdict("pass", name="dev.leaks").check,)
    for run, passed in ((skipped, False), (replace(skipped, strict=False, left_out=left_out), True)):
        reason = "container shop-dev does not run" if run.left_out else ""
        content = json.loads(report.REPORTS["json"](replace(run, left_out_reason=reason)))
        validator().validate(content)
        assert (content["passed"], content["strict"]) == (passed, run.strict)
        assert content["left_out"] == {"checks": [check.id for check in run.left_out], "reason": reason}


def test_json_counts_the_outcomes_in_all_and_by_group() -> None:
    """Each count is there, even if it is 0."""
    content = data(verdict("pass", name="image.user"), verdict("fail", "x"), verdict("skip", "y", name="http.encoding"))
    assert content["summary"] == {"pass": 1, "fail": 1, "skip": 1}
    assert content["groups"] == [
        {"name": "image", "seconds": 0.25, "pass": 1, "fail": 0, "skip": 0},
        {"name": "http", "seconds": 0.5, "pass": 0, "fail": 1, "skip": 1},
    ]


def test_json_names_the_subject_the_tool_and_the_time() -> None:
    """A part that the subject does not have is null."""
    content = data(verdict("pass"), subject=container_subject())
    assert content["subject"] == {
        "url": "http://127.0.0.1:8080",
        "container": {"id": "c" * 64, "name": "shop-prod"},
        "image": {"id": "sha256:" + "a" * 64, "tags": ["shop:prod"], "size": 17_894_701},
    }
    assert (content["schema"], content["when"], content["seconds"]) == (1, "2026-11-24T09:00:00+00:00", 0.96)
    assert content["tool"] == {"name": "hello-dock", "version": __version__}
    assert data(verdict("pass"))["subject"] == {"url": "http://127.0.0.1:8080", "container": None, "image": None}
    assert data(subject=Subject("", container_subject().project, image=Image("sha256:1")))["subject"]["url"] is None


def test_json_of_all_checks_fits_the_schema() -> None:
    """The checks run on a healthy site."""
    site = subject(Site())
    verdicts = tuple(run_checks(site, CHECKS))
    validator().validate(json.loads(report.REPORTS["json"](VerifyRun(site, verdicts, 1.0))))


@pytest.mark.parametrize(
    ("key", "value"),
    [("schema", 2), ("seconds", -1), ("summary", {"pass": 1}), ("subject", "http://x"), ("when", None)],
)
def test_schema_refuses_wrong_values(key: str, value: object) -> None:
    """A schema that accepts anything describes nothing."""
    with pytest.raises(ValidationError):
        validator().validate(data(verdict("pass")) | {key: value})


@pytest.mark.parametrize(
    "change", [{"verdict": "maybe"}, {"evidence": ["x"]}, {"verdict": "fail"}, {"id": "files"}, {"severity": "bad"}]
)
def test_schema_refuses_wrong_checks(change: dict[str, object]) -> None:
    """A pass has no evidence, and a failure has some."""
    content = data(verdict("pass"))
    content["checks"][0] |= change
    with pytest.raises(ValidationError):
        validator().validate(content)
