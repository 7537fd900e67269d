from __future__ import annotations

import pytest

from docktasks.verify.probes.references import referenced_paths

HTML, CSS, SCRIPT = "text/html", "text/css", "text/javascript"


@pytest.mark.parametrize(
    ("media_type", "text", "paths"),
    [
        (HTML, '<script src="/a.js"></script>', ["/a.js"]),
        (HTML, '<link rel="modulepreload" href="/a.js">', ["/a.js"]),
        (HTML, '<img src="img/a.png"><source src=./b.webp>', ["/img/a.png", "/b.webp"]),
        (HTML, '<script src="//cdn.example/a.js"></script>', []),
        (HTML, '<script src="//h.example/a.js"></script>', ["/a.js"]),
        (HTML, '<link rel="icon" href="data:image/svg+xml,<svg/>">', []),
        (HTML, '<a href="/about">About</a><link rel="alternate" href="/feed.xml">', []),
        (HTML, "<script src></script><p>", []),
        (HTML, "<script src='http://[x'></script><![x[a]><img src=/b.png>", ["/b.png"]),
        (CSS, "a{b:url(./a.svg)}c{d:url( '../e.woff2' )}", ["/a.svg", "/e.woff2"]),
        (CSS, "a{b:url(data:font/woff2;base64,AA)}c{d:url(#f)}", []),
        (SCRIPT, "import(`./a.js`)", ["/a.js"]),
        ("application/javascript", 'import "./a.mjs";import"../b.css"', ["/a.mjs", "/b.css"]),
        (SCRIPT, 'const a="main.js",b="vue",c="x/y",d="./data.json"', []),
        (SCRIPT, 'new URL("/fonts/a.woff2", import.meta.url)', ["/fonts/a.woff2"]),
        ("text/plain", "import('./a.js')", []),
    ],
)
def test_references_are_the_files_of_the_site_that_a_browser_loads(
    media_type: str, text: str, paths: list[str]
) -> None:
    """Links to pages, files of other sites, data, and texts that only look like a name are none."""
    assert list(referenced_paths("http://h.example/", media_type, text)) == paths


def test_preload_list_of_vite_is_relative_to_the_base_path() -> None:
    """The base path ends where the folder of the name begins in the path of the chunk."""
    url, text = "http://h.example/app/assets/index-1.js", 'm.f=["assets/About-2.js","other/x.css"]'
    assert list(referenced_paths(url, SCRIPT, text)) == ["/app/assets/About-2.js"]
