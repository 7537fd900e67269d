"""Ask a registry, through the engine, which image it has under a name. The engine knows its addresses and proxies."""

from __future__ import annotations

from concurrent.futures import TimeoutError as AnswerTimeoutError

from docktasks.background import in_background
from docktasks.engine.protocol import Engine
from docktasks.errors import NotInRegistryError, RegistryError

MAX_REASON_CHARS = 160


def registry_digest(engine: Engine, reference: str, limit_s: float) -> str:
    """Return the digest of the image that the registry has. Raises RegistryError, within `limit_s` seconds."""
    from docker.errors import APIError, NotFound

    answer = in_background(lambda: engine.registry_digest(reference))
    try:
        return answer(limit_s)
    except AnswerTimeoutError as error:
        raise RegistryError(f"the registry does not answer within {limit_s:g} s") from error
    except NotFound as error:
        raise NotInRegistryError("the registry does not have it") from error
    except APIError as error:
        reason = "".join(letter for letter in str(error.explanation or error) if letter.isprintable())
        raise RegistryError(f"the registry does not give it: {reason[:MAX_REASON_CHARS].rstrip(' .:')}") from error
