"""cosign, which signs an image in its registry, and keeps attestations there: https://docs.sigstore.dev/cosign/.

Tried with cosign 2.5 and 3.1 and key files. A key of a KMS, or an identity in place of a key, is passed on as it is.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from docktasks.app.project import Project
from docktasks.commands import Result, output_of
from docktasks.errors import PushError, SettingsError, VerifyError
from docktasks.faults import cause
from docktasks.images.registry import advice
from docktasks.ship.keys import PASSWORD, Key
from docktasks.ship.names import ShippedImage

CERTS = Path("/etc/docker/certs.d")
"""Where Docker has the authorities of a registry: https://docs.docker.com/engine/security/certificates/."""
LOOPBACK = re.compile(r"(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?")
FAULTS_FILE = Path(__file__).with_name("signature_faults.json")
"""Why cosign does not verify a signature or an attestation."""


def require_cosign(*, dry: bool = False) -> None:
    """Raise SettingsError if cosign is not installed."""
    if not dry and not shutil.which("cosign"):
        raise SettingsError(
            "cosign is not installed.",
            "It signs images, and verifies their signatures and attestations.",
            "Install it (Debian, Ubuntu: apt-get install cosign), or see "
            "https://docs.sigstore.dev/cosign/system_config/installation/",
        )


@cache
def version_flags() -> tuple[str, ...]:
    """Return what cosign 3 needs to sign without a public log, and in the form that cosign 2 verifies, too."""
    known = output_of(["cosign", "sign", "--help"])
    return ("--use-signing-config=false", "--new-bundle-format=false") if "--use-signing-config" in known else ()


def public_key(project: Project, key: Key, folder: str) -> Path:
    """Write the public key of a private one into a folder, which shows that its password is right. Raises PushError."""
    path = Path(folder) / "cosign.pub"
    result = project.run(["cosign", "public-key", "--key", key.name, "--outfile", str(path)], quiet=True)
    if not result.ok:
        is_password = "decrypt" in result.output
        raise PushError(
            f"{key.name} cannot be used.",
            "The password is wrong. Nothing was pushed." if is_password else "Nothing was pushed.",
            f"Correct {PASSWORD}, or the file with it" if is_password else "Correct what cosign reports above",
            evidence="" if is_password else _reason(result),
        )
    return path


def sign_args(key: Key, image: ShippedImage) -> list[str]:
    """Return the command that signs an image."""
    return ["cosign", "sign", "--yes", *_signing(key, image), image.reference]


def attest_args(key: Key, image: ShippedImage, kind: str, path: str) -> list[str]:
    """Return the command that attaches a document of a kind to an image, in place of an earlier one of that kind."""
    words = ["cosign", "attest", "--yes", "--replace", *_signing(key, image)]
    return [*words, "--type", kind, "--predicate", path, image.reference]


def verify_args(key: Key, image: ShippedImage) -> list[str]:
    """Return the command that verifies the signature of an image."""
    return ["cosign", "verify", *_verifying(key, image), image.reference]


def attestation_args(key: Key, image: ShippedImage, kind: str, path: str) -> list[str]:
    """Return the command that verifies the attestations of a kind, and writes them into a file."""
    words = ["cosign", "verify-attestation", *_verifying(key, image), "--type", kind]
    return [*words, "--output-file", path, image.reference]


def sign(project: Project, key: Key, image: ShippedImage, documents: Mapping[str, Any]) -> None:
    """Sign an image, and attach documents to it by their kind. Raises PushError."""
    with tempfile.TemporaryDirectory() as folder:
        commands = [sign_args(key, image)]
        for number, (kind, content) in enumerate(documents.items()):
            path = Path(folder) / f"{number}.json"
            path.write_text(json.dumps(content), encoding="utf-8")
            commands.append(attest_args(key, image, kind, str(path)))
        for command in commands:
            result = project.run(command, quiet=True)
            if not result.ok:
                raise PushError(
                    f"{image.reference} is pushed, but not signed.",
                    f"`cosign {command[1]}` failed. No tag after the first was moved.",
                    advice(result.output, image.repository),
                    evidence=_reason(result),
                )


def require_signed(project: Project, key: Key, image: ShippedImage) -> None:
    """Raise VerifyError unless the key has signed this digest."""
    result = project.run(verify_args(key, image), quiet=True)
    if not result.ok:
        raise _explain(result, image, "signature")


def attestations(project: Project, key: Key, image: ShippedImage, kind: str, name: str) -> list[dict[str, Any]]:
    """Return the statements of a kind about this digest that the key has signed, at least one. Raises VerifyError.

    `name` is the kind's for a reader, as "SBOM".
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "attestations"
        result = project.run(attestation_args(key, image, kind, str(path)), quiet=True)
        if project.dry:
            return []
        if not result.ok:
            raise _explain(result, image, f"attestation of its {name}")
        return list(statements(path.read_text(encoding="utf-8"), image, name))


def statements(text: str, image: ShippedImage, name: str) -> Iterator[dict[str, Any]]:
    """Yield what the statements of in-toto in these lines say of an image. Raises VerifyError."""
    for line in text.splitlines():
        try:
            statement = json.loads(base64.b64decode(json.loads(line)["payload"]))
            digests = [subject["digest"]["sha256"] for subject in statement["subject"]]
            content = statement["predicate"]
        except (ValueError, LookupError, TypeError) as error:
            raise unknown_format(image, name, f"it is no statement of in-toto ({error!r})") from error
        if digests != [image.digest.removeprefix("sha256:")] or not isinstance(content, dict):
            raise unknown_format(image, name, f"it speaks of {', '.join(digests)}")
        yield content


def unknown_format(image: ShippedImage, name: str, reason: str) -> VerifyError:
    """Return the error of an attestation that says something else than its kind promises."""
    return VerifyError(
        f"The attestation of its {name} cannot be read: {reason}.",
        f"The key has signed it for {image.reference}, but it proves nothing.",
        "Push again with --sign, which replaces it",
    )


def _explain(result: Result, image: ShippedImage, name: str) -> VerifyError:
    """Return the error of a signature or an attestation that does not verify."""
    how = advice(result.output, image.repository)
    fault = cause(FAULTS_FILE, result.output, name=name, reference=image.reference, advice=how)
    return VerifyError(fault["what"], fault["why"], fault["how"], evidence=_reason(result))


def _reason(result: Result) -> str:
    lines = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    return "\n".join(line.removeprefix("Error: ") for line in lines) or result.tail(3)


def _signing(key: Key, image: ShippedImage) -> list[str]:
    words = ["--key", key.name, "--tlog-upload=false", *version_flags()] if key.name else []
    return [*words, *_registry(image)]


def _verifying(key: Key, image: ShippedImage) -> list[str]:
    if key.name:
        words = ["--key", key.name, "--insecure-ignore-tlog=true"]
    else:
        words = ["--certificate-identity", key.identity, "--certificate-oidc-issuer", key.issuer]
    return [*words, *_registry(image)]


def _registry(image: ShippedImage) -> list[str]:
    """Return how to reach the registry, as Docker does: without TLS on the loopback address, by its authorities."""
    host = image.repository.partition("/")[0]
    authorities = sorted((CERTS / host).glob("*.crt"))
    http = ["--allow-http-registry"] if LOOPBACK.fullmatch(host) else []
    return [*http, *(["--registry-cacert", str(authorities[0])] if authorities else [])]
