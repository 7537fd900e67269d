"""Ask a registry, through the engine, which image it has under a name, and say what to do when it refuses.

The engine knows the addresses and proxies of registries.
"""

from __future__ import annotations

import re
from concurrent.futures import TimeoutError as AnswerTimeoutError

from docktasks.background import in_background
from docktasks.engine.protocol import Engine
from docktasks.errors import NotInRegistryError, RegistryError

MAX_REASON_CHARS = 160
ADVICE = {
    r"immutable|cannot be overwritten|tag already exists|409 Conflict": (
        'The registry lets no tag move: raise "version" in package.json, or leave the tag out (--tag)'
    ),
    r"denied|unauthorized|authentication required|no basic auth|forbidden|insufficient_scope|token\b.* expired": (
        "Log in with an account that may do this: docker login {host}"
    ),
    r"HTTP response to HTTPS": "The registry has no TLS. Give it a certificate, or allow that in the engine's settings",
    r"x509|certificate|tls: ": (
        "Trust its authority: for the engine /etc/docker/certs.d/{host}/ca.crt, for docker buildx SSL_CERT_FILE"
    ),
    r"too ?many ?requests": "The registry limits requests. Wait, or log in: docker login {host}",
    r"no space left|insufficient storage|quota": (
        "A disk is full, the engine's (docker system df) or the registry's. Free some of it, then try again"
    ),
    r"50\d [A-Z]|unknown error": (
        "The registry failed, for example because its disk is full: see its log. Then try again"
    ),
    r"connection refused|reset by peer|broken pipe|\bEOF\b|time(d )?.?out|deadline|no such host|not answer": (
        "Try again when the registry answers: what it has got is not sent twice"
    ),
    r"name unknown|not found": "Correct the name, or create the repository in the registry",
}
"""What to do, by the words of the engine and of registries. The first that fits counts."""


def advice(output: str, reference: str) -> str:
    """Return what to do when a registry did not take or give an image, by what Docker says."""
    has_host = re.match(r"[^/]*[.:][^/]*/|localhost/", reference)
    texts = (text for pattern, text in ADVICE.items() if re.search(pattern, output, re.IGNORECASE))
    text = next(texts, "Correct what is reported above, and try again")
    return text.format(host=reference.partition("/")[0] if has_host else "docker.io")


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
