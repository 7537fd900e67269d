"""The keys that sign an image and verify it: files of cosign, addresses of a KMS, or identities of a provider."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from docktasks.errors import SettingsError

PASSWORD = "COSIGN_PASSWORD"  # noqa: S105 - the name of the variable
"""The variable from which cosign takes the password of a key file."""
PRIVATE = re.compile(r"-----BEGIN ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY-----")
PUBLIC = "-----BEGIN PUBLIC KEY-----"


@dataclass(frozen=True)
class Key:
    """What signs or verifies: a file, the address of a KMS, or without both an identity that its issuer confirms."""

    name: str = ""
    identity: str = ""
    issuer: str = ""

    @classmethod
    def parse(cls, text: str) -> Key:
        """Return the key of a flag: a file, an address, or ISSUER,IDENTITY, where the issuer is an https address."""
        if not text.startswith("https://"):
            key = cls(text)
            return cls(str(Path(text).absolute())) if key.is_file else key  # commands run in the repository
        issuer, _, identity = text.partition(",")
        return cls("", identity, issuer)

    @property
    def is_file(self) -> bool:
        """True for a key file, False for an address or an identity."""
        return bool(self.name) and not re.match(r"[a-z0-9]+:", self.name)


def require_private(key: Key) -> None:
    """Raise SettingsError if a key file cannot sign."""
    if not key.is_file:
        return
    text = _read(key.name, "--key")
    if not PRIVATE.search(text):
        is_public = PUBLIC in text
        raise SettingsError(
            f"{key.name} is {'a public key' if is_public else 'no private key of cosign'}, which cannot sign.",
            "cosign signs with a file that `cosign generate-key-pair` or `cosign import-key-pair` has written.",
            f"Name {'the private key' if is_public else 'such a file'}, usually cosign.key",
        )
    if PASSWORD not in os.environ:
        raise SettingsError(
            f"The password of {key.name} is not known.",
            f"cosign takes it from {PASSWORD}. A task asks no question.",
            f'export {PASSWORD}="$(cat FILE)" (empty for a key without a password)',
        )


def require_public(key: Key) -> None:
    """Raise SettingsError if nothing, or a file that is no public key, is to verify."""
    if not key.name and not (key.identity and key.issuer):
        raise SettingsError(
            "No key says whose signature to trust.",
            "Anybody can sign an image. --attested compares with one key, or with one identity.",
            "Name it: --key=cosign.pub, the address of a KMS, or --key=https://ISSUER,IDENTITY",
        )
    if key.is_file and PUBLIC not in (text := _read(key.name, "--key")):
        is_private = "PRIVATE KEY" in text
        raise SettingsError(
            f"{key.name} is {'a private key' if is_private else 'no public key'}, which cannot verify.",
            "A signature is verified with the public key of the pair, as PEM.",
            f"Name {'the public key' if is_private else 'such a file'}, usually cosign.pub",
        )


def _read(path: str, flag: str) -> str:
    """Return the content of a file that a flag names. Raises SettingsError."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingsError(f"{flag}={path} cannot be read: {reason}.", "", "Name the file, or correct it") from error
