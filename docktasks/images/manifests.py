"""Ask a registry for the digests of an image by platform. An index has one for each, another image has one."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from docktasks.commands import Run
from docktasks.errors import RegistryError

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
"""https://github.com/opencontainers/image-spec/blob/v1.1.0/descriptor.md#registered-algorithms"""


@dataclass(frozen=True)
class Manifests:
    """The digest of a name in a registry, and the digest of each platform's image, such as linux/arm64."""

    digest: str
    platforms: dict[str, str] = field(default_factory=dict)


def inspect_args(reference: str, part: str) -> list[str]:
    """Return the command that asks a registry for a part of an image: Manifest or Image."""
    return ["docker", "buildx", "imagetools", "inspect", "--format", f"{{{{json .{part}}}}}", reference]


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
    result = run(inspect_args(reference, part), quiet=True)
    try:  # warnings follow the answer
        answer, _ = json.JSONDecoder().raw_decode(result.output.lstrip()) if result.ok else (None, 0)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise RegistryError(result.tail(1) or "it gives no answer")
    return answer
