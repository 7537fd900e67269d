from __future__ import annotations

import pytest

from docktasks.verify.probes.references import find_references

HTML, CSS, SCRIPT = "text/html", "text/css", "text/javascript"
URL = "http://h.example/"


@pytest.mark.parametrize(
    ("media_type", "text", "paths"),
    [
        (HTML, '<script type="module" src="/a.js"></script><script src="/config.js"></script>', ["/a.js"]),
        (HTML, '<link rel="modulepreload" href="/a.js">', ["/a.js"]),
        (HTML, '<img src="img/a.png"><source src=./b.webp>', ["/img/a.png"]),
        (HTML, '<base href="/app/"><script type=module src="a.js"></script>', ["/app/a.js"]),
        (HTML, '<script src="//cdn.example/a.js"></script>', []),
        (HTML, '<script type=MODULE src="//h.example/a.js"></script>', ["/a.js"]),
        (HTML, '<link rel=icon href=/a.ico><link rel="apple-touch-icon manifest" href=/a.png>', []),
        (HTML, "<img loading=lazy src=/a.png><video preload=none src=/b.mp4></video><audio src=/c.mp3>", ["/c.mp3"]),
        (HTML, '<script nomodule src=/a.js></script><script type="text/template" src=/b.js></script>', []),
        (HTML, '<link rel=stylesheet disabled href=/a.css><link rel="preload stylesheet" href=/b.css>', ["/b.css"]),
        (HTML, '<img srcset="/a.png 2x"><meta property="og:image" content="/b.png"><link rel=canonical href=/c>', []),
        (HTML, '<link rel="icon" href="data:image/svg+xml,<svg/>">', []),
        (HTML, '<a href="/about">About</a><link rel="alternate" href="/feed.xml"><link rel=next href=/2>', []),
        (
            HTML,
            "<template><img src=/a.png></template><noscript><img src=/b></noscript><img src=/c.png>",
            ["/c.png"],
        ),
        (HTML, "<script src></script><p>", []),
        (HTML, "<script src='http://[x'></script><![x[a]><img src=/b.png>", ["/b.png"]),
        (CSS, "a{b:url(./a.svg)}c{d:url( '../e.woff2' )}", ["/a.svg", "/e.woff2"]),
        (CSS, """a{cursor:url("data:image/svg+xml,<g filter='url(%23shadow)'/>") 2 2, url( 'b.cur' )}""", ["/b.cur"]),
        (CSS, """a{content:"url(c.png)"}b{content:'\\'url(d.png)'}@IMPORT url("e.css") print;""", ["/e.css"]),
        (CSS, r"a{b:URL(../f\(1\).png);c:url(data:image/png;base64,iVB/w==)}", ["/f(1).png"]),
        (CSS, '@import "b.css";/* url(c.png) */a{b:url(var(--x))}', ["/b.css"]),
        (CSS, "a{b:url(data:font/woff2;base64,AA)}c{d:url(#f)}", []),
        (
            CSS,
            "@font-face{src:url(a.eot);src:url(a.eot?#iefix) format('eot'),url(a.woff2),url(a.woff)}b{c:url(d.png)}",
            ["/a.woff2", "/d.png"],
        ),
        (CSS, "@font-face{src:url(data:font/woff2;base64,AA),url(a.woff)}@font-face{src:url(b.ttf)}", ["/b.ttf"]),
        (SCRIPT, "export * from './e.js'; export { a }", ["/e.js"]),
        (SCRIPT, "const f = () => import(`./About-Bx12ab_9.js`)", ["/About-Bx12ab_9.js"]),
        ("application/javascript", 'import "./a.mjs";import{c as d}from"../b.css"', ["/a.mjs", "/b.css"]),
        ("text/plain", "import('./a.js')", []),
    ],
)
def test_loaded_references_are_files_of_the_site(media_type: str, text: str, paths: list[str]) -> None:
    """Links to pages, files of other sites, data, and what a browser does not load, as an old font, are none."""
    assert find_references(URL, media_type, text).loaded == tuple(paths)


@pytest.mark.parametrize(
    ("link", "paths"),
    [
        ('</a.woff2>; rel=preload; as=font, <b.js>;rel="modulepreload"', ("/a.woff2", "/b.js")),
        ("</2>; rel=next, <//cdn.example/c.js>; as=script; rel=preload, </d>; rel=preconnect", ()),
    ],
)
def test_what_the_header_link_preloads_is_loaded(link: str, paths: tuple[str, ...]) -> None:
    """A browser loads it with the page, and knows no `base` of the page yet."""
    assert find_references(URL, HTML, "<base href=/app/>", link).loaded == paths
    assert find_references(URL, CSS, "", link).loaded == ()


def test_target_of_a_search_is_a_page() -> None:
    """A form by GET leads there, as a link does. One by POST does not."""
    text = "<form action=/search><input name=q></form><form method=post action=/save></form>"
    assert find_references(URL, HTML, text).pages == ("/search",)


@pytest.mark.parametrize(
    ("media_type", "text", "addresses"),
    [
        (CSS, "/* @import '//a.example/a.css'; */@import 'b.css';@IMPORT url( https://c.example/c.css ) print;",
         ["https://c.example/c.css"]),
        (CSS, "a{b:url(https://c.example/c.png)}", []),
        (SCRIPT, "import a from'https://a.example/a.js';export*from'//b.example/b.js';import'./c//d.js'",
         ["https://a.example/a.js", "//b.example/b.js"]),
        (SCRIPT, "const a = () => import('https://a.example/a.js'), b = 'import \"https://b.example/b.js\"'", []),
    ],
)  # fmt: skip
def test_imported_code_of_other_hosts_is_foreign(media_type: str, text: str, addresses: list[str]) -> None:
    """A picture runs nothing, and what a script may import later is maybe never used."""
    assert find_references(URL, media_type, text).foreign == tuple(addresses)


def test_other_forms_of_a_font_are_only_possible() -> None:
    """A browser takes the first that it reads, so a release without the others loses nothing."""
    text = "@font-face{src:url(a.eot?#iefix) format('eot'),url(a.woff2),url(a.woff)}"
    assert find_references(URL, CSS, text).possible == ("/a.eot", "/a.woff")


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ('const a="main.js",b="vue",c="x/y",d="./data.json"', ["/data.json"]),
        ('new URL("/fonts/a.woff2", import.meta.url)', ["/fonts/a.woff2"]),
        ('const worker = "./pdf.worker.mjs"', ["/pdf.worker.mjs"]),
        ('const sample = `import { area } from "./geometry.js"`', ["/geometry.js"]),
        ("const sample = 'import \"./geometry.js\"' // import './b.js'", ["/geometry.js", "/b.js"]),
        ('import("/plugins/optional.js").catch(() => {})', ["/plugins/optional.js"]),
        ('import("/plugins/chart-Bx12ab_9.js").catch(() => {})', ["/plugins/chart-Bx12ab_9.js"]),
        ('import("./plugin-optional.js").catch(() => {})', ["/plugin-optional.js"]),
        ("import(name); import(`./${name}.js`)", ["/${name}.js"]),
        ('const worker = new Worker(new URL("./worker.js", import.meta.url))', ["/worker.js"]),
        ("const css = `a{b:url(./a.png)}@import './b.css'`; //# sourceMappingURL=./c.js.map", ["/b.css"]),
        ('const json = JSON.parse(`{"import":"./a.js"}`)', ["/a.js"]),
        ('precache([{url:"assets/a.js",revision:null},{url:"/b.js"}])', ["/b.js"]),
        ('const text = "const __vite__mapDeps=[\\"./a.js\\"]"', []),
        ('const pages = {"./pages/a.js": () => import("./a-Bx12ab_9.js")}', ["/pages/a.js"]),
    ],
)
def test_name_in_a_string_is_only_possible(text: str, paths: list[str]) -> None:
    """A code sample, a default of a library or a key is no promise that there is such a file."""
    references = find_references(URL, SCRIPT, text)
    assert [path for path in references.loaded if "Bx12ab_9" not in path] == []
    assert references.possible == tuple(paths)


def test_pictures_for_other_screens_and_icons_of_an_app_are_only_possible() -> None:
    """A page works without them. An address may have a comma, and data has no address."""
    html = '<img src=a.png srcset="a-2.png 2x, /b,c.png 3x"><video poster=/d.jpg></video><img srcset="data:,x 2x">'
    assert find_references(URL, HTML, html).possible == ("/a-2.png", "/b,c.png", "/d.jpg")
    manifest = '{"name": "a", "icons": [{"src": "icons/1.png"}], "screenshots": [{"src": "/2.png"}]}'
    references = find_references(f"{URL}app/site.webmanifest", "application/manifest+json", manifest)
    assert (references.loaded, references.possible) == ((), ("/app/icons/1.png", "/2.png"))


@pytest.mark.parametrize(
    "names",
    [
        '["assets/About-2.js","other/x.css"]',
        '["./About-2.js"]',
    ],
)
def test_preload_list_of_vite_is_relative_to_the_base_path_or_the_chunk(names: str) -> None:
    """The base path ends where the folder of the name begins in the path of the chunk."""
    url = "http://h.example/app/assets/index-1.js"
    text = f"const __vite__mapDeps=(i,m=__vite__mapDeps,d=(m.f||(m.f={names})))=>i.map(i=>d[i]);"
    assert find_references(url, SCRIPT, text).loaded == ("/app/assets/About-2.js",)
