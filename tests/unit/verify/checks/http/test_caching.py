from __future__ import annotations

import httpx
import pytest

from docktasks.verify.checks.http.caching import HASHED, MAYBE_HASHED, PERHAPS_HASHED
from docktasks.verify.registry import Major
from docktasks.verify.subject import Subject
from tests.unit.fakes.site_faults import ENTRY, INDEX, assert_reported, header, on_header, on_path, status, verdicts
from tests.unit.fakes.sites import Answer, Fault, Site


def fixed_time(_request: httpx.Request, answer: Answer) -> None:
    """Every file has the time of a reproducible build."""
    answer.set("last-modified", "Thu, 01 Jan 1970 00:00:00 GMT")


def one_tag(_request: httpx.Request, answer: Answer) -> None:
    """Every file has the same ETag."""
    answer.set("etag", '"1-2"')


def expires(answer: Answer) -> None:
    """A time in a year to come."""
    answer.set("date", "Sun, 29 Nov 2026 12:00:00 GMT")
    answer.set("expires", "Thu, 31 Dec 2037 23:55:55 GMT")


def expires_without_a_policy(answer: Answer) -> None:
    """Also for an old cache, which knows no Cache-Control."""
    expires(answer)
    answer.set("cache-control")


NOTES = "ok\nThe site's _headers has rules for caches.\n"
IMMUTABLE = "public, max-age=31536000, immutable"
FAULTS: list[tuple[str, Fault, str]] = [
    ("http.cache-policy", on_path(INDEX, header("cache-control", "max-age=600")),
     "Cache-Control is max-age=600 on 2 of … places: /, "),
    ("http.cache-policy", on_path(INDEX, header("cache-control", 'no-cache="Set-Cookie"')),
     'Cache-Control is no-cache="Set-Cookie" on 2 of … places: /, '),
    ("http.cache-policy", on_header("x-forwarded-host", header("cache-control", "max-age=60")),
     "Cache-Control is max-age=60 on … / (with foreign host)"),
    ("http.cache-policy", on_path(INDEX, header("cache-control")), "Cache-Control is missing on 2 of … places: /, "),
    ("http.cache-policy", on_path("-5f2c", header("cache-control", IMMUTABLE)),
     f"Cache-Control is {IMMUTABLE} on … /no-such-file-5f2c"),
    ("http.cache-policy", on_path(ENTRY, header("cache-control", "no-cache")),
     f"Cache-Control is no-cache on … {ENTRY}"),
    ("http.cache-policy", on_path(ENTRY, header("cache-control", "max-age=60, immutable")), "max-age=60, immutable"),
    ("http.cache-policy", on_path("favicon.svg", header("cache-control", IMMUTABLE)),
     f"Cache-Control is {IMMUTABLE} on … /favicon.svg"),
    ("http.cache-policy", on_path("-5f2c.js", header("cache-control", IMMUTABLE)),
     "Cache-Control is public … /assets/no-such-file-5f2c.js"),
    ("http.cache-policy", on_path("-5f2c.txt", header("cache-control", "max-age=60")),
     "Cache-Control is max-age=60 … /no-such-file-5f2c.txt"),
    ("http.cache-policy", on_path(INDEX, header("edge-control", "cache-maxage=1d")), "edge-control: cache-maxage=1d"),
    ("http.cache-policy", on_path("-5f2c.txt", expires), "expires: Thu, 31 Dec 2037 23:55:55 GMT on 1 of"),
    ("http.cache-policy", on_path("-5f2c.js", expires_without_a_policy),
     "expires: Thu, 31 Dec 2037 23:55:55 GMT on "),
    ("http.validators", on_path("favicon.svg", header("etag", '"386d4380-6"')),
     "the ETag is a fixed time (386d4380) and the size on 1 files: /favicon.svg"),
    ("http.validators", on_path(ENTRY, header("last-modified", "Sat, 26 Oct 1985 00:00:00 GMT")),
     "which is a fixed time, on 1 files: /assets/index-Dk1aQz7_.js"),
    ("http.vary", on_path(ENTRY, header("vary", "Accept-Encoding, Cookie")), "Vary: Accept-Encoding, Cookie: no"),
    ("http.vary", on_path("favicon.svg", header("vary", "*")), "Vary: *: no visitor gets … /favicon.svg"),
    ("http.revalidation", on_header("if-none-match", status(200)), '200, expected 304, on … (if-none-match: "cd2c'),
    ("http.revalidation", on_header("if-none-match", status(200), "W/"), "200, expected 304, on … (if-none-match: W/"),
    ("http.revalidation", on_header("if-none-match", status(200), ", "),
     '200, expected 304, on … (if-none-match: "other", '),
    ("http.revalidation", on_header("if-none-match", header("cache-control"), '"'),
     "304 whose cache-control is missing, not no-cache, on"),
    ("http.revalidation", on_path("favicon.svg", header("etag")), "neither ETag nor Last-Modified … /favicon.svg"),
    ("http.validators", on_header("if-none-match", status(304), "of-another-release"),
     '304, expected the file, on … (if-none-match: "of-another-release")'),
    ("http.validators", on_header("if-modified-since", status(304), "1971"),
     "304, expected the file, on … (if-modified-since: Fri, 01 Jan 1971"),
    ("http.validators", one_tag, 'differ, but both have ETag: "1-2"'),
    ("http.validators", fixed_time, "Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT, which is a fixed time, on "),
    ("http.validators", on_path(ENTRY, header("etag", '"one"')), f'{ENTRY}: ETag: "one" for both identity and gzip'),
]  # fmt: skip


@pytest.mark.parametrize(("check_id", "fault", "evidence"), FAULTS, ids=[f"{row[0]} {row[2]}" for row in FAULTS])
def test_fault_is_reported(check_id: str, fault: Fault, evidence: str) -> None:
    """The check fails, and the evidence says where the fault is."""
    assert_reported(check_id, fault, evidence)


def test_304_is_expected_for_each_encoding() -> None:
    """A browser revalidates the form that it has, which may be the compressed one."""

    def fault(request: httpx.Request, answer: Answer) -> None:
        if "if-none-match" in request.headers and request.headers["accept-encoding"] == "br":
            answer.status = 200

    assert_reported("http.revalidation", fault, "200, expected 304, on … (accept-encoding: br, if-none-match: ")


@pytest.mark.parametrize(
    ("name", "is_hashed"),
    [
        ("index-Dk1aQz7_.js", True),
        ("About-C2bRt8xK.css", True),
        ("vendor/lib-aBc1Def2.mjs", True),
        ("vendor/lib-ABCDEFGH.mjs", False),
        ("guide-Chapter1.js", False),
        ("chunk1544-X86borZ4.js", False),
        ("push-sw-Dk1aQz7_.js", False),
        ("index-Dk1aQz7.js", False),
        ("index_Dk1aQz7_.js", False),
        ("logo-original.svg", False),
        ("photo-20261123.jpg", False),
        ("photo-IMG_2026.jpg", False),
        ("logo.svg", False),
    ],
)
def test_hashed_name_is_not_a_word_or_a_date(name: str, *, is_hashed: bool) -> None:
    """Only a file in /assets/ whose name surely has a hash must be kept for a year."""
    assert bool(HASHED.search(f"/app/assets/{name}")) is is_hashed
    assert not HASHED.search(f"/app/{name}")


def test_site_that_keeps_none_of_many_hashed_files_is_reported() -> None:
    """Each name may be a word, but not all of them."""
    names = ["/assets/index-Chapt_Ab.js", "/assets/about-Sect-Bcd.js", "/assets/index-Head_Efg.css"]
    assert not any(map(HASHED.search, names))
    assert all(map(PERHAPS_HASHED.search, names))


@pytest.mark.parametrize(
    ("name", "may_be_kept"),
    [
        ("assets/index.Dk1aQz7_.js", True),
        ("_app/Dk1aQz7_.js", True),
        ("_nuxt/entry_Dk1aQz7_.css", True),
        ("assets/guide.md.Dk1aQz7_.lean.js", True),
        ("assets/index.3f2a1b4c.js", True),
        ("img/splash-640x1136.svg", False),
        ("assets/user-settings.js", False),
        ("changes-20261128.json", False),
        ("robots.txt", False),
    ],
)
def test_file_that_may_be_kept_has_a_name_like_a_hash(name: str, *, may_be_kept: bool) -> None:
    """A size, a date or a word is none, whatever the bundler's pattern."""
    assert bool(MAYBE_HASHED.search(f"/{name}")) is may_be_kept


@pytest.mark.parametrize(
    ("path", "policy", "notes", "outcome"),
    [
        (ENTRY, "max-age=99", "ok\n", "fail"),
        (ENTRY, "max-age=99", NOTES, "pass"),
        (INDEX, "max-age=99", NOTES, "fail"),
        ("-5f2c.txt", "max-age=99", NOTES, "fail"),
        (INDEX, "no-cache, s-maxage=9", NOTES, "fail"),
    ],
)
def test_rules_of_the_site_itself_are_right_for_its_files(path: str, policy: str, notes: str, outcome: str) -> None:
    """The health check says that the site's _headers chose them. A page or an error that is kept is a fault."""

    def fault(request: httpx.Request, answer: Answer) -> None:
        if answer.status in (200, 206, 304) or "-5f2c" in path:
            on_path(path, header("cache-control", policy))(request, answer)

    site = Site(fault)
    site.files["/healthz"] = notes
    assert verdicts(site, "http.cache-policy")["http.cache-policy"].outcome == outcome


LAZY = "/assets/About-Dx3cWm4L.css"


def test_copy_with_a_name_like_a_hash_refuses_no_release(monkeypatch: pytest.MonkeyPatch) -> None:
    """An app in public/ may be built already. Its visitors ask for a file again, which is slow only.

    What our own build took for a copy is none of its faults, and the image says what that was. It does not take what
    the entry page loads for a copy.
    """
    asked_again = header("cache-control", "no-cache")
    site, both = Site(on_path(LAZY, asked_again)), Site(on_path(LAZY, asked_again), on_path(ENTRY, asked_again))
    verdict = verdicts(site, "http.cache-policy")["http.cache-policy"]
    assert (verdict.outcome, verdict.severity) == ("fail", "major")
    monkeypatch.setattr(Subject, "shipped_files", {"index.html": 1})
    assert verdicts(site, "http.cache-policy")["http.cache-policy"].outcome == "pass"
    assert verdicts(both, "http.cache-policy")["http.cache-policy"].severity == "major"
    monkeypatch.setattr(Subject, "hashed_files", [LAZY.removeprefix("/")])
    verdict = verdicts(site, "http.cache-policy")["http.cache-policy"]
    assert (verdict.outcome, verdict.severity) == ("fail", "critical")


def test_page_that_is_never_asked_for_again_is_critical_next_to_a_file_that_is_only_slow() -> None:
    """Both have the same Cache-Control. The worse fault counts."""
    verdict = verdicts(Site(on_path("", header("cache-control"))), "http.cache-policy")["http.cache-policy"]
    assert verdict.severity == "critical"
    assert {type(line) for line in verdict.evidence} == {str, Major}
