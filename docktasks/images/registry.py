"""Ask a registry which image it has under a name, and for which platforms; say what to do when it refuses.

It is asked through the engine or docker buildx, which know the addresses and proxies of registries.
"""

from __future__ import annotations

import json
import re
from concurrent.futures import TimeoutError as AnswerTimeoutError
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docktasks.background import in_background
from docktasks.commands import Run
from docktasks.engine.protocol import Engine
from docktasks.errors import NotInRegistryError, RegistryError
from docktasks.faults import cause

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
"""https://github.com/opencontainers/image-spec/blob/v1.1.0/descriptor.md#registered-algorithms"""

MAX_REASON_CHARS = 160
FAULTS_FILE = Path(__file__).with_name("registry_faults.json")
"""What to do, by the words of the engine and of registries."""


def advice(output: str, reference: str) -> str:
    """Return what to do when a registry did not take or give an image, by what Docker says."""
    has_host = re.match(r"[^/]*[.:][^/]*/|localhost/", reference)
    host = reference.partition("/")[0] if has_host else "docker.io"
    return str(cause(FAULTS_FILE, output, host=host)["how"])


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


@dataclass(frozen=True)
class Manifests:
    """The digest of a name in a registry, and the digest of each platform's image, such as linux/arm64."""

    digest: str
    platforms: dict[str, str] = field(default_factory=dict)


def manifests(run: Run, reference: str) -> Manifests:
    """Return what the registry has under a name. Raises RegistryError."""
    answer = _ask(run, reference, "Manifest")
    digest, listed = str(answer.get("digest", "")), answer.get("manifests") or []
    if not DIGEST.fullmatch(digest):
        raise RegistryError(f"the answer has no digest: {digest[:80]}")
    platforms = {_platform(entry.get("platform") or {}): str(entry["digest"]) for entry in listed}
    if not listed:
        platforms = {_platform(_ask(run, reference, "Image")): digest}
    return Manifests(digest, {name: value for name, value in sorted(platforms.items()) if "unknown" not in name})


def _platform(values: dict[str, Any]) -> str:
    """Return a platform as Docker writes it. Attestations have the platform unknown/unknown."""
    names = [str(values.get(name) or "") for name in ("os", "architecture", "variant")]
    is_implied = names[1:] == ["arm64", "v8"]  # https://github.com/containerd/platforms/blob/v0.2.1/database.go
    return "/".join(filter(None, names[:2] if is_implied else names)) or "unknown"


def _ask(run: Run, reference: str, part: str) -> dict[str, Any]:
    """Return a part of an image, Manifest or Image. Raises RegistryError."""
    template = f"{{{{json .{part}}}}}"
    result = run(["docker", "buildx", "imagetools", "inspect", "--format", template, reference], quiet=True)
    try:  # warnings follow the answer
        answer, _ = json.JSONDecoder().raw_decode(result.output.lstrip()) if result.ok else (None, 0)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise RegistryError(result.tail(1) or "it gives no answer")
    return answer
