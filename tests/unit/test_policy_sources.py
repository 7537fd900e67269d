from __future__ import annotations

import pytest

from docktasks.policy_sources import MAX_CHARACTERS, policy_sources


@pytest.mark.parametrize(
    ("text", "tidied"),
    [
        ("", ""),
        (" ; ", ""),
        ("script-src https://js.example;frame-src  https://pay.example ;",
         "script-src https://js.example; frame-src https://pay.example"),
        ("IMG-SRC *; connect-src wss://*.a.example:* http://localhost:3001/v1/",
         "img-src *; connect-src wss://*.a.example:* http://localhost:3001/v1/"),
        ("worker-src blob:\nlocalhost", "worker-src blob: localhost"),
        ("img-src 'none'", "img-src 'none'"),
        ("script-src 'unsafe-eval' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
         "script-src 'unsafe-eval' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"),
    ],
)  # fmt: skip
def test_directives_and_sources_are_read(text: str, tidied: str) -> None:
    """White space does not count."""
    assert policy_sources(text) == tidied


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("hello world", "hello is no directive"),
        ("scrip-src https://a.example", "scrip-src is no directive"),
        ("script-src-elem https://a.example", "use script-src"),
        ("script-src", "script-src has no source"),
        ("img-src a.example; img-src b.example", "img-src is set twice"),
        ("img-src 'none' https:", "'none' means no source at all"),
        ("img-src 'unsafe-inline'", "the words of img-src are 'self' 'none'"),
        ("script-src 'nonce-abc'", "a nonce must be another one for each answer"),
        ("script-src 'strict-dynamic'", "refuse every script file"),
        ("script-src self", "write 'self', with its quotation marks"),
        ("script-src blob", "write an origin"),
        ("img-src https://a.example frame-src https://b.example", "a semicolon is missing before it"),
        ("img-src javascript:", "write an origin"),
        ("img-src https://a.example/x,y", "write an origin"),
        ('img-src "; add_header X y', "write an origin"),
        ("img-src $connect", "write an origin"),
        ("img-src https://a.example\r\nX-Header: y", "y in img-src is no source"),
        ("img-src https://münchen.example", "write an origin"),
        ("{'img-src': 'https:'}", "is no directive"),
    ],
)
def test_policy_that_is_no_policy_is_refused(text: str, fault: str) -> None:
    """The message names the word that is wrong, and what to write. Nothing can end the header or begin another."""
    with pytest.raises(ValueError, match="directives with their sources") as caught:
        policy_sources(text)
    assert fault in str(caught.value)


def test_long_policy_is_refused() -> None:
    """nginx would not start."""
    with pytest.raises(ValueError, match="at most"):
        policy_sources("img-src " + "https://a.example " * (MAX_CHARACTERS // 18 + 1))
