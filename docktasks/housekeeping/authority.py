"""Let this machine trust the authority of mkcert, which signs the certificates of dev.https."""

from __future__ import annotations

import shutil

from docktasks.apt import apt_install, is_debian_like, is_root, sudo_works
from docktasks.commands import Run
from docktasks.dev.certificate import authority_file
from docktasks.errors import SetupError
from docktasks.progress import Progress

PACKAGES = ["mkcert", "libnss3-tools"]
"""mkcert, and certutil, by which it reaches the certificates of Chromium and Firefox."""


def ensure_trusted(run: Run, progress: Progress) -> str:
    """Install mkcert where it is missing, and let it install its authority. Return a line. Raises SetupError."""
    if not shutil.which("mkcert"):
        if not (is_debian_like() and (is_root() or sudo_works())):
            raise SetupError(
                "There is no mkcert on this machine.",
                "It makes an authority for this machine, and certificates for dev.https.",
                "Install it, then try again: https://github.com/FiloSottile/mkcert#installation",
            )
        apt_install(run, PACKAGES)
        progress("installed mkcert")
    result = run(["mkcert", "-install"])
    if not result.ok:
        raise SetupError(
            "mkcert could not install its authority.", "", "Correct what it says above", evidence=result.tail(4)
        )
    return "Dry run: nothing was changed." if run.dry else f"This machine trusts mkcert's authority: {authority_file()}"
