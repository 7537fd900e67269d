"""Sabotage of a site that answers every request, but is broken in a browser."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from docktasks.engine.models import Image
from tests.sabotage.faults import Sabotage, assert_caught, cases, site
from tests.support.project import ProjectUnderTest

# Without its compressed files, which would be served in place of a changed index.html.
INDEX_ONLY = "cd /srv/site; rm /srv/br/index.html index.html.gz"
HASHED = "/srv/hashed/site/assets"


def page(name: str, script: str, *fails: str) -> Sabotage:
    """Sabotage of the page, by a shell script in the folder of index.html."""
    return site(name, f"{INDEX_ONLY}; {script}", *fails)


def loads(kind: str, text: str) -> str:
    """A script for page(): the page loads one more file with this text; `kind` is js or css."""
    tag = {"js": "<script src=/late.js></script>", "css": "<link rel=stylesheet href=/late.css>"}[kind]
    return f"echo '{text}' >late.{kind}; sed -i 's|</head>|{tag}&|' index.html"


PALE = "p, h1, h2 { color: #bbb !important; background: #ccc !important }"
BELOW = 'document.documentElement.removeAttribute("lang"); document.documentElement.style.minWidth = "2000px"'

LINKED = (
    "@media (max-width: 500px) { main { min-width: 700px } } "
    "@media (prefers-color-scheme: dark) { main p, main h1 { color: #2a2a2a !important } }"
)

COVER = 'body::before { content: ""; position: fixed; inset: 0; z-index: 9; background: white; pointer-events: none }'
LOCKED = "html, body { height: 100%; overflow: hidden } p { color: white !important; background: white !important }"

FONT = "@font-face { font-family: Half; src: url(/half.woff2) }"

GONE = 'document.body.textContent = ""'
EMPTY = f"setTimeout(() => {{ {GONE} }}, 1200)"
WAS_RELOADED = 'if (performance.getEntriesByType("navigation")[0].type === "reload")'
"""True in the page that stays open during the whole visit, and in one that is closed soon."""

GREEDY = (
    "const all = []; setInterval(() => { if (all.length < 160) all.push(new Array(3e5).fill(1.5)); "
    'fetch("/robots.txt?" + Date.now()) }, 100)'
)
PUSH = 'history.pushState(null, "")'
STOP = "(event) => event.stopImmediatePropagation()"
KEEP = 'if (event.key === "Tab" && document.activeElement.localName === "a") event.preventDefault()'
INTERRUPT = (
    "setTimeout(() => Notification.requestPermission(), 900); "
    'addEventListener("beforeunload", (event) => event.preventDefault()); '
    'const link = document.createElement("a"); link.href = "/robots.txt"; link.download = "x"; link.click()'
)

EDITOR = (
    'const box = document.createElement("div"); box.contentEditable = "true"; box.role = "textbox"; '
    'box.ariaLabel = "text"; '
    'box.addEventListener("keydown", (event) => { event.preventDefault(); box.textContent += "x"; '
    'addEventListener("beforeunload", (leaving) => leaving.preventDefault()) }); document.body.prepend(box); '
)
LIVELY = (
    'addEventListener("load", () => { ' + EDITOR + 'history.replaceState({ at: 1 }, "") }); '
    'new SharedWorker("/env.js"); globalThis.once = new Array(4e6).fill(1.5); '
    "new OscillatorNode(new AudioContext()).start(); "
    'for (const part of ["a", "b", "c"]) setInterval(() => fetch("/?part=" + part), 700)'
)

SABOTAGES = [
    site("throws", f"cd {HASHED}; echo \"throw new Error('sunk')\" >$(ls index-*.js); "
         "rm index-*.js.gz ../../br/assets/index-*.js", "browser.renders", "browser.console"),
    page("logs-asks-and-has-inline-code", loads("js", 'console.error("adrift"); alert(1)')
         + "; sed -i 's|<body>|&<script>1</script>|' index.html",
         "browser.console", "browser.policy", "browser.interruptions"),
    page("pale-wide-and-without-language", loads("css", f"{PALE} #app {{ min-width: 700px }}")
         + "; sed -i 's| lang=\"en\"||' index.html", "browser.accessible", "browser.no-sideways-scroll"),
    page("wide-and-without-language-below", loads("js", f'if (location.pathname !== "/") {{ {BELOW} }}'),
         "browser.accessible", "browser.no-sideways-scroll"),
    site("wide-and-dark-on-a-linked-page", f"cd {HASHED}; echo '{LINKED}' >>$(ls TasksView-*.css); "
         "rm TasksView-*.css.gz ../../br/assets/TasksView-*.css", "browser.accessible", "browser.no-sideways-scroll"),
    page("no-picture-below", loads("css", ".low { margin-top: 9999px }")
         + "; sed -i 's|</body>|<img class=low alt=map loading=lazy width=9 height=9 src=/lost.png>&|' index.html",
         "browser.network"),
    page("half-a-font-and-no-icon", loads("css", FONT)
         + "; head -c 999 /dev/urandom >half.woff2; echo >favicon.svg; rm favicon.svg.gz /srv/br/favicon.svg",
         "browser.network"),
    page("empty-in-the-dark", loads("css", "@media (prefers-color-scheme: dark) { #app { opacity: 0 } }"),
         "browser.renders", "browser.deep-link"),
    page("hidden-in-the-dark", loads("css", "@media (prefers-color-scheme: dark) { #app { visibility: hidden } }"),
         "browser.renders", "browser.deep-link"),
    page("covered", loads("css", COVER), "browser.renders", "browser.deep-link"),
    page("locked-and-white", loads("css", LOCKED), "browser.accessible", "browser.reach"),
    page("empties-after-a-while", loads("js", f"if (innerWidth < 400) {EMPTY}"),
         "browser.renders", "browser.deep-link"),
    page("fails-after-a-while", loads("js", 'setTimeout(() => { throw new Error("sunk") }, 1200)'), "browser.console"),
    site("loads-itself-again", f"cd {HASHED}; echo 'setTimeout(() => location.reload(), 800)' >>$(ls TasksView-*.js); "
         "rm TasksView-*.js.gz ../../br/assets/TasksView-*.js", "browser.idle"),
    page("loads-itself-now-and-then", loads("js", "setTimeout(() => location.reload(), 4000)"), "browser.idle"),
    page("asks-and-grows-without-end", loads("js", GREEDY), "browser.idle"),
    page("grows-without-end", loads("js", "const all = []; setInterval(() => { if (all.length < 150) "
         "all.push(new Array(1e5).fill(1.5)) }, 100)"), "browser.idle"),
    page("throws-at-a-key", loads("js", 'addEventListener("keydown", () => { throw new Error("sunk") })'),
         "browser.console"),
    page("blocks-for-seconds", loads("js", "const end = Date.now() + 4500; while (Date.now() < end);"), "browser.idle"),
    page("keeps-who-goes-back", loads("js", f'{PUSH}; addEventListener("popstate", () => {PUSH})'),
         "browser.navigation"),
    page("keeps-no-history", loads("js", "history.pushState = history.replaceState"), "browser.navigation"),
    page("goes-back-by-the-address-only", loads("js", f'addEventListener("popstate", {STOP}, true)'),
         "browser.navigation"),
    page("goes-back-twice", loads("js", f'addEventListener("click", () => {PUSH}, true)'), "browser.navigation"),
    page("empties-when-it-becomes-narrow", loads("js", f'matchMedia("(width < 500px)").onchange = () => {{ {GONE} }}'),
         "browser.renders", "browser.deep-link"),
    page("fails-much-later", loads("js", f"{WAS_RELOADED} setTimeout(() => {{ alert(1); {GONE}; throw 1 }}, 6500)"),
         "browser.renders", "browser.interruptions", "browser.console"),
    page("keeps-the-focus", loads("js", f'addEventListener("keydown", (event) => {{ {KEEP} }})'),
         "browser.accessible"),
    page("interrupts-below", loads("js", f'if (location.pathname !== "/") {{ {INTERRUPT} }}'), "browser.interruptions"),
    site("lost-chunk", "rm /srv/hashed/*/assets/TasksView-*.js",
         "browser.navigation", "browser.network", "browser.console"),
    site("deep-links-404", "sed -i 's|$unknown_page|/never|g' site.conf",
         "browser.deep-link", "browser.network"),
    site("no-policy", "sed -i '/^add_header Content-Security-Policy/d' security.conf", "browser.injection"),
    site("policy-of-no-scripts", "sed -i \"s|script-src 'self'|script-src 'none'|\" ../policy/policy.conf",
         "browser.renders", "browser.policy"),
]  # fmt: skip


@pytest.mark.usefixtures("chromium")
@pytest.mark.parametrize("sabotage", cases(SABOTAGES))
def test_sabotage_is_caught(
    sabotaged_project: ProjectUnderTest, built_image: Image, sabotage: Sabotage, cleanup: ExitStack
) -> None:
    """Exactly the expected checks of the browser fail."""
    assert_caught(sabotaged_project, built_image, sabotage, cleanup, ["browser"])


@pytest.mark.usefixtures("chromium")
def test_lively_page_is_healthy(sabotaged_project: ProjectUnderTest, built_image: Image, cleanup: ExitStack) -> None:
    """An editor, a shared worker, silent sound, parts that ask one address, and memory taken once are no faults."""
    assert_caught(sabotaged_project, built_image, page("lively", loads("js", LIVELY)), cleanup, ["browser"])
