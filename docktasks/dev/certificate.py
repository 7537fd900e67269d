"""The certificate of a dev server over https (dev.https): mkcert's, or one of the user's own."""

from __future__ import annotations

import os
import shutil
import ssl
from contextlib import suppress
from pathlib import Path

from docktasks import workspace
from docktasks.app.project import Project
from docktasks.app.vite_options import CERT, HTTPS_FOLDER, KEY
from docktasks.commands import output_of
from docktasks.containers.app_mount import give_to_owner
from docktasks.containers.run_args import read_only_args
from docktasks.errors import AppError, SetupError
from docktasks.settings import Settings

HOSTS = ("127.0.0.1", "localhost")
"""Where the dev server is published. A certificate must be valid for one of them; the first comes first."""

HANDSHAKE_ROUNDS = 4


def certificate_args(settings: Settings) -> list[str]:
    """Return the arguments that give the certificate to the dev container; none without one."""
    return read_only_args(_folder(settings), HTTPS_FOLDER) if settings.dev.https else []


def host(project: Project) -> str:
    """Return the host of HOSTS for which the certificate is valid, with its files in the project's cache folder.

    Empty without dev.https. Raises AppError for a certificate that does not fit, SetupError without mkcert.
    """
    https = project.settings.dev.https
    if not https or project.dry:
        return ""
    if https == ("mkcert",):
        return _host_by_mkcert(project)
    cert, key = (project.settings.app_dir / path for path in https)
    valid_host = check(cert, key)
    for source, name in ((cert, CERT), (key, KEY)):
        _write(project.settings, name, source.read_bytes())
    return valid_host


def check(cert: Path, key: Path) -> str:
    """Return the first of HOSTS for which a certificate is valid today. Raises AppError for one that does not fit."""
    faults = []
    for name in HOSTS:
        try:
            fault = _fault(cert, key, name, _browser(cert))
        except ssl.SSLError:
            fault = "it is no certificate"
        except OSError as error:
            fault = f"{error.filename or cert} cannot be read: {error.strerror}"
        if not fault:
            return name
        faults.append(fault)
    raise AppError(
        f"The certificate {cert} does not fit: {faults[-1]}.",
        "dev.https names it and its key, and the dev server serves https://127.0.0.1 and https://localhost with it.",
        "Name files that fit (CERTIFICATE KEY), or let mkcert make them: INVOKE_DEV_HTTPS=mkcert",
    )


def _browser(trusted: Path) -> ssl.SSLContext:
    """Return the settings of a browser that trusts the certificates in a file. Raises OSError, or SSLError for others.

    They need not be an authority's: the certificate of the server itself will do.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(trusted)
    return context


def _fault(cert: Path, key: Path, name: str, client: ssl.SSLContext) -> str:
    """Let a browser shake hands with a server that has the certificate, and say why it refuses; empty if it accepts.

    Raises OSError for a file that cannot be read.
    """
    key_text = key.read_bytes()  # the errors of ssl do not say which file
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        server.load_cert_chain(cert, key, password=lambda: b"")  # else OpenSSL asks on the terminal
        _shake_hands(server, client, name)
    except ssl.SSLCertVerificationError as error:
        return error.verify_message.rstrip(".")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            return f"{key} is the key of another certificate"
        if b"ENCRYPTED" in key_text:
            return f"{key} is locked with a password"
        return f"OpenSSL cannot use it with the key {key} ({error.reason or error})"
    return ""


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> None:
    """Connect two ends in memory. Raises SSLError."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(HANDSHAKE_ROUNDS):
        for end in ends:
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()


def _host_by_mkcert(project: Project) -> str:
    """Make a certificate where there is none, or none that mkcert's authority stands for. It is used for two years."""
    if not shutil.which("mkcert"):
        raise SetupError(
            "There is no mkcert on this machine.",
            "dev.https: mkcert asks it for a certificate of an authority of this machine.",
            "Install it, and let this machine trust its authority: invoke setup --https",
        )
    folder = _folder(project.settings)
    cert, key = folder / CERT, folder / KEY
    with suppress(OSError):
        if not _fault(cert, key, HOSTS[0], _browser(authority_file())):
            give_to_owner(key, project.settings.app_dir)
            return HOSTS[0]
    with workspace.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    error = SetupError("mkcert made no certificate.", "", "Correct what it says")
    project.run_or_raise(["mkcert", "-cert-file", str(cert), "-key-file", str(key), *HOSTS, "::1"], error)
    give_to_owner(key, project.settings.app_dir)
    project.progress("made a certificate by mkcert")
    return check(cert, key)


def authority_file() -> Path:
    """Return the file with the authority of mkcert, which may not exist yet."""
    return Path(output_of(["mkcert", "-CAROOT"])) / "rootCA.pem"


def notices(project: Project) -> list[str]:
    """Return a notice where this machine does not trust mkcert's authority. A browser then warns of the page."""
    if project.dry or project.settings.dev.https != ("mkcert",):
        return []
    folder = _folder(project.settings)
    if not _fault(folder / CERT, folder / KEY, HOSTS[0], ssl.create_default_context()):
        return []
    return ["This machine does not trust mkcert's authority, so a browser warns. To trust it: invoke setup --https"]


def _write(settings: Settings, name: str, content: bytes) -> None:
    """Write a file that only the dev container's user may read."""
    folder = _folder(settings)
    with workspace.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(content)
    give_to_owner(path, settings.app_dir)


def _folder(settings: Settings) -> Path:
    return settings.root / workspace.cache_path(settings.root) / f"https-{settings.app.name}"
