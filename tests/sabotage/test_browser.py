"""Sites that answer every request, and are broken all the same for whoever looks at them."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from docktasks.engine.models import Image
from tests.engine.support import Project
from tests.sabotage.spoil import Sabotage, is_caught, site

# The shell without its twins, which would be served instead.
SHELL = "cd /srv/site; rm /srv/br/index.html index.html.gz"
HASHED = "/srv/hashed/site/assets"


def page(name: str, script: str, *fails: str) -> Sabotage:
    """A fault in the page itself, made by a shell script beside its index.html."""
    return site(name, f"{SHELL}; {script}", *fails)


def loads(kind: str, text: str) -> str:
    """A script for page(): it loads one more file, with this text."""
    tag = {"js": "<script src=/late.js></script>", "css": "<link rel=stylesheet href=/late.css>"}[kind]
    return f"echo '{text}' >late.{kind}; sed -i 's|</head>|{tag}&|' index.html"


PALE = "p, h1, h2 { color: #bbb !important; background: #ccc !important }"
BELOW = 'document.documentElement.removeAttribute("lang"); document.documentElement.style.minWidth = "2000px"'

SABOTAGES = [
    site("throws", f"cd {HASHED}; echo \"throw new Error('sunk')\" >$(ls index-*.js); "
         "rm index-*.js.gz ../../br/assets/index-*.js", "browser.renders", "browser.console"),
    page("logs-asks-and-has-inline-code", loads("js", 'console.error("adrift"); alert(1)')
         + "; sed -i 's|<body>|&<script>1</script>|' index.html", "browser.console", "browser.policy"),
    page("pale-wide-and-without-language", loads("css", f"{PALE} #app {{ min-width: 700px }}")
         + "; sed -i 's| lang=\"en\"||' index.html", "browser.accessible", "browser.fits"),
    page("wide-and-without-language-below", loads("js", f'if (location.pathname !== "/") {{ {BELOW} }}'),
         "browser.accessible", "browser.fits"),
    site("lost-chunk", "rm /srv/hashed/*/assets/TasksView-*.js",
         "browser.navigation", "browser.network", "browser.console"),
    site("deep-links-404", "sed -i 's|/$tree/index.html /site/index.html =404|=404|' site.conf",
         "browser.deep-link", "browser.network"),
    site("no-policy", "sed -i /Content-Security-Policy/d security.conf", "browser.injection"),
]  # fmt: skip


@pytest.mark.usefixtures("chromium")
@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: sabotage.name)
def test_sabotage_is_caught(spoiling: Project, origin: Image, sabotage: Sabotage, made: ExitStack) -> None:
    """Each fault fails the checks that are about it, and no other of the browser's."""
    is_caught(spoiling, origin, sabotage, made, ["browser"])
