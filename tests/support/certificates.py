"""Certificates for tests, made by openssl."""

from __future__ import annotations

import shutil
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

OPENSSL = shutil.which("openssl") or "openssl"
"""Found before a test replaces PATH."""

CONFIGURATION = """
[ca]
default_ca = own
[own]
database = index
serial = serial
new_certs_dir = .
default_md = sha256
policy = names
x509_extensions = extensions
[names]
commonName = supplied
[req]
distinguished_name = names
[extensions]
subjectAltName = {names}
"""


def make_certificate(folder: Path, names: str = "IP:127.0.0.1,DNS:localhost", *, days: int = 2) -> tuple[Path, Path]:
    """Make a self-signed certificate for `names` and its key in a new folder, and return their paths.

    It is valid since ten days ago, and for `days` days from now.
    """
    folder.mkdir(parents=True)
    (folder / "configuration").write_text(CONFIGURATION.format(names=names))
    (folder / "index").touch()
    (folder / "serial").write_text("01")
    now = datetime.now(timezone.utc)
    start, end = (f"{now + timedelta(days):%Y%m%d%H%M%SZ}" for days in (-10, days))
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    rest = ["-notext", "-startdate", start, "-enddate", end]
    for args in (
        ["req", "-new", *curve, "-nodes", "-subj", "/CN=tests", "-keyout", "key.pem", "-out", "request"],
        ["ca", "-batch", "-selfsign", "-keyfile", "key.pem", "-in", "request", *rest, "-out", "cert.pem"],
    ):
        command = [OPENSSL, *args, "-config", "configuration"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"
