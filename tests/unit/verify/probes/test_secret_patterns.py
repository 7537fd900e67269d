"""The shapes of secrets. Each is put together here, so that nobody takes this file for a leak."""

from __future__ import annotations

import pytest

from docktasks.verify.probes.secret_patterns import OVERLAP, SHAPES, Search, found

MIX = "aB3dE6gH9j"  # letters of both kinds, and digits
WORD = MIX * 20


def fake(*parts: str) -> str:
    """A secret that was never one."""
    return "".join(parts)


GIVEN_AWAY = {
    "a private key": [
        fake("-----BEGIN RSA ", "PRIVATE KEY-----\n", WORD[:64]),
        fake("-----BEGIN OPENSSH ", "PRIVATE KEY-----\\n", WORD[:64]),
        fake("-----BEGIN PGP ", "PRIVATE KEY BLOCK-----\n\n", WORD[:64]),
    ],
    "an age key": [fake("AGE-SECRET", "-KEY-1", "QPZRY9X8GF" * 5, "2TVDW0S3")],
    "an npm token": [fake("npm", "_", WORD[:36]), fake("//a.example/:_auth", "Token = ", WORD[:36])],
    "a PyPI token": [fake("pypi-", "AgEIcHlwaS5vcmc", WORD[:150]), fake("pypi-", "AgENdGVzdC5weXBpLm9yZ", WORD[:90])],
    "a GitHub token": [fake("ghp", "_", WORD[:36]), fake("github", "_pat_", WORD[:22], "_", WORD[:59])],
    "a GitLab token": [fake("glpat", "-", WORD[:20]), fake("glpat", "-", WORD[:27], ".01.", WORD[:9])],
    "a Docker Hub token": [fake("dckr", "_pat_", WORD[:27]), fake("dckr", "_oat_", WORD[:32])],
    "a Hugging Face token": [fake("hf", "_", WORD[:34])],
    "an OpenAI key": [
        fake("sk-", WORD[:20], "T3Blbk", "FJ", WORD[:20]),
        fake("sk-", "proj-", WORD[:58], "_-T3Blbk", "FJ", WORD[:58], "-_"),
    ],
    "an Anthropic key": [fake("sk-", "ant-api03-", WORD[:93], "AA"), fake("sk-", "ant-oat01-", WORD[:90], "_-AA")],
    "an AWS key": [fake("AKIA", "ABCD2345" * 2), fake("ASIA", "ABCD2345" * 2)],
    "an Azure storage key": [fake("AccountName=a;Account", "Key=", WORD[:86], "==;EndpointSuffix=x")],
    "a Vault token": [
        fake("hvs", ".", WORD[:24]),
        fake("hvs", ".CAESI", WORD[:95]),
        fake("hvb", ".AAAAAQ", WORD[:120]),
    ],
    "a SendGrid key": [fake("SG", ".", WORD[:22], ".", WORD[:43])],
    "a Slack token": [
        fake("xoxb", "-123456789012-123456789012-", WORD[:24]),
        fake("xoxp", "-1-2-3-", WORD[:32]),
        fake("xapp", "-1-A0B1C2D3E4F-1234567890123-", "0a1b2c3d" * 8),
    ],
    "a Slack webhook": [
        fake("https://hooks.slack", ".com/services/T0A1B2C3D/B0A1B2C3D4E/", WORD[:24]),
        fake("https://hooks.slack", ".com/workflows/T0A1B2C3D/A0A1B2C3D4E/123456789012345678/", WORD[:24]),
    ],
    "a Stripe key": [fake("sk", "_live_", WORD[:24]), fake("rk", "_live_", WORD[:99])],
    "an address with a password": [fake("postgres://user:", "hunter2@db.example:5432/a")],
}
NEAR_MISSES = [
    fake("-----BEGIN ", "PRIVATE KEY-----`)||t.includes(`"),
    fake("-----BEGIN ", "PUBLIC KEY-----\n", WORD[:64]),
    fake("AGE-SECRET", "-KEY-1…"),
    fake("age1", "qpzry9x8gf" * 5, "2tvdw0s3"),  # what is public of an age key
    fake("npm", "_config_registry_of_a_long_name_that_no_token_has=1"),
    fake("//a.example/:_auth", "Token=${NPM_TOKEN}"),
    fake("pypi-", "AgE", WORD[:90]),
    fake("pypi-", "attestations-", WORD[:90]),
    fake("ghp", "_", WORD[:20]),
    fake("fooghp", "_", WORD[:36]),
    fake("glpat", "-example"),
    fake("dckr", "_pat_…"),
    fake("hf", "_", WORD[:33]),
    fake("hf", "_", WORD[:35]),
    fake(".shf", "_", WORD[:34]),
    fake("sk-", WORD[:48]),  # a class of a style sheet, or a key of before
    fake(".sk-", "cube-grid .sk-cube1{animation:sk-cube-grid-scale-delay 1.3s infinite}", "T3Blbk", "FJ"),
    fake("mask-", WORD[:20], "T3Blbk", "FJ", WORD[:20]),
    fake("sk-", "ant-api03-your-key-here"),
    fake("AKIA", "abcd2345" * 2),
    fake("XAKIA", "ABCD2345" * 2),
    fake("Account", "Key=${account.key}"),
    fake("hvs", ".dangerouslySetInnerHTMLs"),
    fake("hvs", ".someMethodOfTwentyFourss", "()"),
    fake("e.hvs", ".", WORD[:24]),
    fake("SG", ".", WORD[:22]),
    fake("MSG", ".", WORD[:22], ".", WORD[:43]),
    fake("SG", ".", WORD[:22], ".", WORD[:60]),
    fake("xoxb", "-your-token-goes-here-please"),
    fake("https://hooks.slack", ".com/services/T00000000/B00000000/", "X" * 24),
    fake("sk", "_test_", WORD[:24]),
    fake("https://user:", "password@example.com"),
    "const u=`${a}://${b}:${c}@${d}`,v=/^(\\w+):\\/\\/([^:]+):([^@]+)@/.exec(x)",
    "https://example.com:8080/a@b c://d:e f@g",
]


@pytest.mark.parametrize(("what", "text"), [(what, text) for what, texts in GIVEN_AWAY.items() for text in texts])
@pytest.mark.parametrize("around", ["{}", 'a="{}";', "// {}\n", "({})", "A={}\r\n"])
def test_each_shape_is_found(what: str, text: str, around: str) -> None:
    """And taken for no other, wherever it stands."""
    assert found(around.format(text).encode()) == (what,)


def test_every_shape_is_tried() -> None:
    """There is none that nothing here has."""
    assert GIVEN_AWAY.keys() == {shape.what for shape in SHAPES}


@pytest.mark.parametrize("text", NEAR_MISSES)
@pytest.mark.parametrize("around", ["{}", "a={};", '"{}"'])
def test_a_near_miss_is_none(text: str, around: str) -> None:
    """What is public, a word of a script, or stands in a documentation."""
    assert found(around.replace("{}", text).encode()) == ()


def pieces(before: int, text: str, size: int, after: int) -> tuple[str, ...]:
    """What is found in a text that comes in pieces, with so much before and after it."""
    search = Search()
    search.feed(b" " * before)
    for at in range(0, len(text), size):
        search.feed(text[at : at + size].encode())
    search.feed(b" ;" * after)
    return search.end()


@pytest.mark.parametrize(("what", "text"), [(what, texts[0]) for what, texts in GIVEN_AWAY.items()])
@pytest.mark.parametrize("size", [7, 50, OVERLAP])
def test_a_secret_that_a_piece_cuts_is_found(what: str, text: str, size: int) -> None:
    """Wherever it is cut, and wherever it is."""
    for before in (0, 1, OVERLAP - 9, OVERLAP + 1):
        assert pieces(before, text, size, 0) == pieces(before, text, size, OVERLAP) == (what,)


@pytest.mark.parametrize("text", [fake("hf", "_", WORD[:35]), fake("shf", "_", WORD[:34])])
@pytest.mark.parametrize("size", [1, 36, 37, OVERLAP])
def test_what_a_piece_cuts_is_not_taken_for_a_secret(text: str, size: int) -> None:
    """Not a beginning, whose end comes later."""
    assert pieces(0, text, size, 9) == pieces(OVERLAP, text, size, OVERLAP) == ()


@pytest.mark.parametrize("kept", range(36, 39))
def test_a_word_whose_beginning_is_gone_is_none_of_its_end(kept: int) -> None:
    """What is looked at again begins in the middle of it."""
    assert pieces(9, fake("shf", "_", WORD[:34]) + " " * (OVERLAP - kept), OVERLAP * 2, 9) == ()


def test_what_is_no_text_is_not_searched() -> None:
    """A picture may have anything in it; a zero later in a text changes nothing."""
    secret = GIVEN_AWAY["a GitLab token"][0].encode()
    assert found(b"\0\1 " + secret) == ()
    assert found(b" " * OVERLAP + b"\0 " + secret) == ("a GitLab token",)


def test_no_more_than_a_piece_is_kept() -> None:
    """However long the file is, and whatever is in it."""
    search, piece = Search(), b"://a:b" * (1 << 18)
    for _ in range(9):
        search.feed(piece)
        assert len(vars(search)["_held"]) <= OVERLAP + 1 + len(piece)
    assert search.end() == ()
