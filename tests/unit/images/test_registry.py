from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError, NotFound

from docktasks.errors import NotInRegistryError, RegistryError
from docktasks.images.registry import registry_digest


def engine(answer: Callable[[str], Any]) -> Any:
    """An engine whose question about a registry is answered so."""
    return SimpleNamespace(registry_digest=answer)


def raising(error: Exception) -> Callable[[str], Any]:
    """An answer that is an error."""

    def answer(_reference: str) -> Any:
        raise error

    return answer


def test_registry_gives_the_digest_of_a_name() -> None:
    """It is the digest of the index or manifest, as a pull records it."""
    assert registry_digest(engine(lambda name: f"sha256:{name}"), "nginx:1", 1) == "sha256:nginx:1"


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (NotFound("manifest unknown"), NotInRegistryError, "the registry does not have it"),
        (
            APIError("500", explanation="dial tcp: refused"),
            RegistryError,
            "the registry does not give it: dial tcp: ref",
        ),
        (APIError("401", explanation="\x1b[2Junauthorized"), RegistryError, "the registry does not give it: [2Junauth"),
        (APIError("429", explanation="x" * 999), RegistryError, "the registry does not give it: xxx"),
    ],
)
def test_error_has_a_short_reason(error: Exception, kind: type[Exception], reason: str) -> None:
    """It is one line without control characters, whatever the registry says."""
    with pytest.raises(kind) as raised:
        registry_digest(engine(raising(error)), "nginx:1", 1)
    assert str(raised.value).startswith(reason)
    assert len(str(raised.value)) < 200
    assert str(raised.value).isprintable()


def test_slow_registry_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time that it may take is in the reason."""
    waits: list[float] = []

    def never(limit_s: float) -> str:
        waits.append(limit_s)
        raise TimeoutError

    monkeypatch.setattr("docktasks.images.registry.AnswerTimeoutError", TimeoutError)
    monkeypatch.setattr("docktasks.images.registry.in_background", lambda _work: never)
    with pytest.raises(RegistryError, match=r"the registry does not answer within 0\.5 s"):
        registry_digest(engine(str), "nginx:1", 0.5)
    assert waits == [0.5]
