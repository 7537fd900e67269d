"""What `invoke setup` installs on request: a Chromium for the browser checks, and mkcert for dev.https."""

from __future__ import annotations

import shutil

from docktasks.apt import apt_install, can_be_root, is_debian_like, os_release
from docktasks.commands import Run
from docktasks.dev.certificate import authority_file
from docktasks.errors import SetupError
from docktasks.progress import Progress
from docktasks.resources import install_extra
from docktasks.verify.chromium_path import find_chromium, has_driver

FONT = "fonts-dejavu-core"
"""Debian's package of a font. Without a font a page shows boxes in place of letters."""

MKCERT_PACKAGES = ["mkcert", "libnss3-tools"]
"""mkcert, and certutil, by which it reaches the certificates of Chromium and Firefox."""


def ensure_browser(run: Run, progress: Progress, configured: str = "") -> str:
    """Find a Chromium, or install Debian's or Playwright's. Return a line that names it. Raises SetupError."""
    if not has_driver():
        why = "Playwright drives the browser, and axe judges whether a page is accessible."
        raise SetupError("The extra browser is not installed.", why, f"Install it: {install_extra('browser')}")
    path = "" if run.dry else find_chromium(configured)
    if not path:
        if os_release().get("ID") == "debian" and can_be_root():  # Ubuntu's package is a snap
            apt_install(run, ["chromium", FONT])
        else:
            run(["playwright", "install", "chromium"])
        progress("installed a Chromium")
        path = "" if run.dry else find_chromium(configured)
    if run.dry:
        return "Dry run: not checked whether this is needed."
    if not path:
        raise SetupError(
            "No Chromium could be installed.",
            "The browser checks and the README's pictures need one.",
            "Install Chromium or Chrome, or name one: INVOKE_BROWSER_EXECUTABLE=/path/to/chromium",
        )
    return f"Chromium: {path}"


def ensure_authority(run: Run, progress: Progress) -> str:
    """Install mkcert where it is missing, and let it install its authority. Return a line. Raises SetupError."""
    if not shutil.which("mkcert"):
        if not (is_debian_like() and can_be_root()):
            raise SetupError(
                "There is no mkcert on this machine.",
                "It makes an authority for this machine, and certificates for dev.https.",
                "Install it, then try again: https://github.com/FiloSottile/mkcert#installation",
            )
        apt_install(run, MKCERT_PACKAGES)
        progress("installed mkcert")
    result = run(["mkcert", "-install"])
    if not result.ok:
        raise SetupError(
            "mkcert could not install its authority.", "", "Correct what it says above", evidence=result.tail(4)
        )
    return "Dry run: nothing was changed." if run.dry else f"This machine trusts mkcert's authority: {authority_file()}"
