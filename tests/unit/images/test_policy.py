"""Tests of the modules in docktasks/images/nginx that make the policy of a site from its files. They need node."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

NGINX = Path(__file__).parents[3] / "docktasks/images/nginx"
SCRIPT = """
import { readSettings } from 'NGINX/policy.mjs'
import { sitePolicy } from 'NGINX/site-policy.mjs'
const [profile, sources, files] = JSON.parse(process.argv[1])
console.log(JSON.stringify(sitePolicy(readSettings(profile, sources), Object.keys(files), (name) => files[name])))
"""


OWN = ["'self'", "'report-sample'"]
"""What script-src begins with."""


def run(script: str, *values: object) -> str:
    """Return what a script prints that reads the values as JSON from its arguments."""
    command = ["node", "--input-type=module", "--eval", script.replace("NGINX", NGINX.as_uri()), json.dumps(values)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def digest(code: str) -> str:
    """Return the source that allows code: https://www.w3.org/TR/CSP3/#match-element-to-source-list."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"


class Policy(NamedTuple):
    """The configuration of a site, and the notices for the user."""

    configuration: str
    notices: list[str]

    def header(self, page: str = "index.html") -> dict[str, list[str]]:
        """Return the sources of each directive that nginx sends with a page."""
        has_sets = "$inline_set" in self.configuration
        number = self.value("$inline_set", page, key=f'"/{page}"') if has_sets else ""
        text = re.search(r'map \$uri \$built_policy \{\n    default "(.*)";', self.configuration)
        assert text
        filled = re.sub(
            r"\$\w+", lambda name: "" if name[0] == "$connect" else self.value(name[0], page, number), text[1]
        )
        return {name: sources for name, *sources in map(str.split, filled.split(";"))}

    def value(self, variable: str, page: str, key: str) -> str:
        """Return the value of a variable of nginx."""
        block = re.search(rf"map \S+ {re.escape(variable)} {{\n(.*?)\n}}", self.configuration, re.DOTALL)
        assert block, (variable, page)
        row = re.search(rf'^    {re.escape(key)} "(.*)";$', block[1], re.MULTILINE) if key else None
        return row[1] if row else ""


def policy(profile: str = "compatible", sources: str = "", **files: str) -> Policy:
    """Return the policy of a site with these files; `a_js` stands for a.js."""
    names = {re.sub(r"_(?=[a-z]+$)", ".", name): text for name, text in files.items()}
    result: dict[str, Any] = json.loads(run(SCRIPT, profile, sources, names))
    return Policy(result["configuration"], result["notices"])


@pytest.mark.parametrize(
    ("html", "code"),
    [
        ("<script>a()</script>", "a()"),
        ("<script type='module'>a()\r\nb()</script>", "a()\nb()"),
        ("<script type=' Text/JavaScript '>é</script>", "é"),
        ("<script type=importmap>{}</script>", "{}"),
        ("<script type=speculationrules>{}</script>", "{}"),
        ("<script language=javascript>a()</script>", "a()"),
        ("<template><script>a()</script></template>", "a()"),
        ("<svg><script>a&amp;b</script></svg>", "a&b"),
        ("<iframe srcdoc='<script>a(&quot;&quot;)</script>'></iframe>", 'a("")'),
    ],
)
def test_inline_script_is_in_the_policy_of_its_page(html: str, code: str) -> None:
    """The hash is that of the text which a browser sees."""
    assert policy(index_html=html).header()["script-src"] == [*OWN, digest(code)]


@pytest.mark.parametrize(
    ("html", "codes"),
    [
        ('<a onclick="a(&quot;x&quot;)">', ['a("x")']),
        ("<body onload=a() ONERROR=b()>", ["a()", "b()"]),
        ('<a href="javascript:void(0)">', ["javascript:void(0)"]),
        ("<a href=' java&#10;script:a(%22é%22)'>", ["javascript:a(%22%C3%A9%22)", 'javascript:a("é")']),
        ("<svg><a xlink:href='javascript:a()'>", ["javascript:a()"]),
    ],
)
def test_handler_is_in_the_policy_by_its_hash(html: str, codes: list[str]) -> None:
    """A browser takes the hash of an attribute only with 'unsafe-hashes'."""
    expected = [*OWN, "'unsafe-hashes'", *map(digest, codes)]
    assert policy(index_html=html).header()["script-src"] == expected


@pytest.mark.parametrize(
    "html",
    ["<script src=/a.js></script>", "<script type=application/json>{}</script>", "<script></script>", "<p title=on>",
     "<script type='text/javascript; charset=utf-8'>a()</script>", "<!-- <script>a()</script> -->", "<a href=/x>",
     "<noscript><p>Switch it on</noscript>", "<script src=/a.js>a()</script>", "<a onclick>"],
)  # fmt: skip
def test_page_without_inline_code_adds_nothing(html: str) -> None:
    """What a browser does not run is not in the policy, and there is no 'unsafe-hashes' without need."""
    assert policy(index_html=html).header()["script-src"] == OWN


def test_pages_have_policies_of_their_own() -> None:
    """The hashes of one page do not let the code of another run. Names that differ in case are different pages."""
    site = policy(index_html="<script>a</script>", About_html="<script>b</script>", about_html="<script>c</script>")
    assert site.header()["script-src"] == [*OWN, digest("a")]
    assert '"~^/About\\\\.html$"' in site.configuration
    assert '"~^/about\\\\.html$"' in site.configuration


def test_equal_pages_share_their_hashes() -> None:
    """A site of many pages with the same script has it once in its configuration."""
    pages = {f"page{number}_html": "<script>a</script>" for number in range(9)}
    site = policy(**pages)
    assert site.configuration.count(digest("a")) == 1
    assert site.header("page8.html")["script-src"] == [*OWN, digest("a")]


def test_pages_that_astro_swaps_share_their_policy() -> None:
    """The router of Astro runs the inline scripts of the next page in the page that is open. There is a limit."""
    marked = '<meta name="astro-view-transitions-enabled" content="true"><script>{}</script>'
    site = policy(index_html=marked.format("a"), about_html=marked.format("b"), plain_html="<script>c</script>")
    assert site.header()["script-src"] == [*OWN, digest("a"), digest("b")] == site.header("about.html")["script-src"]
    assert site.header("plain.html")["script-src"] == [*OWN, digest("c")]
    many = policy(**{f"page{number}_html": marked.format(number) for number in range(60)})
    assert many.header("page7.html")["script-src"] == [*OWN, digest("7")]
    assert any("ClientRouter" in notice for notice in many.notices)


def test_page_of_many_scripts_fits_into_the_words_of_nginx() -> None:
    """nginx does not start with a word of more than 4,096 bytes. A proxy may refuse the header, which is said."""
    scripts = [f"a({number})" for number in range(150)]
    site = policy(index_html="".join(f"<script>{script}</script>" for script in scripts))
    assert site.header()["script-src"] == [*OWN, *map(digest, scripts)]
    assert max(map(len, site.configuration.split('"'))) < 4_000
    assert any("proxy_buffer_size" in notice for notice in site.notices)


def test_compatible_takes_hosts_that_the_scheme_of_the_page_reaches() -> None:
    """A page over http asks //host by http, which `https:` does not let through."""
    html = "<link rel=stylesheet href=//a.example/x.css><img src=//b.example:81/x.png><img src=https://c.example/x.png>"
    result = policy(index_html=html, x_css="@font-face { src: url(//d.example/x.woff2) }")
    header = result.header()
    assert [header[name][-1] for name in ("style-src", "img-src", "font-src", "media-src")] == [
        "a.example", "b.example:81", "d.example", "https:",
    ]  # fmt: skip
    assert result.notices == []
    assert "a.example" not in policy("strict", index_html=html).header()["style-src"]


def test_compatible_takes_the_origins_of_scripts_in_the_html() -> None:
    """A script element, an import map, an import and an element's src name them."""
    html = """<script src=https://a.example/x.js></script><script src="//b.example:8443/x.js"></script>
<script type=importmap>{"imports": {"x": "https://c.example/x"}}</script><link rel=modulepreload href=https://d.example>
<script>import('https://e.example/x'); s.src = 'https://f.example/x'; go('https://g.example/x.js?1')</script>
<a href=https://no.example/x.js></a><img src=https://no.example/x>"""
    sources = policy(index_html=html).header()["script-src"]
    hosts = ["https://a.example", "b.example:8443", *(f"https://{letter}.example" for letter in "cdefg")]
    assert [source for source in sources if "example" in source] == hosts
    assert not [source for source in policy("strict", index_html=html).header()["script-src"] if "example" in source]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("add_wasm", "", True),
        ("a_js", "WebAssembly.instantiate(x)", True),
        ("a_js", "const w=WebAssembly;w.compile(x)", True),
        ("a_js", "a='data:application/wasm;base64,AGFzbQ=='", True),
        ("a_js", "say('WebAssembly.instantiate')", False),
        ("a_js", "// WebAssembly.instantiate(x)", False),
        ("readme_txt", "WebAssembly.instantiate(x)", False),
    ],
)
def test_webassembly_is_allowed_where_the_build_has_it(name: str, text: str, *, expected: bool) -> None:
    """The policy of every file has it, because a worker has that of its own file."""
    site = policy(index_html="", **{name: text})
    assert ("'wasm-unsafe-eval'" in site.header()["script-src"]) is expected


def test_strict_takes_the_hashes_of_styles() -> None:
    """Style elements by their hashes, attributes with 'unsafe-hashes'. compatible allows all inline styles."""
    html = "<style>a{}</style><p style='color: red'></p>"
    style = policy("strict", index_html=html).header()["style-src"]
    assert style == ["'self'", digest(""), digest("a{}"), "'unsafe-hashes'", digest("color: red")]
    compatible = policy(index_html=html).header()["style-src"]
    assert "'unsafe-inline'" in compatible
    assert not [source for source in compatible if source.startswith("'sha")]


def test_profiles_are_those_of_the_documentation() -> None:
    """Scripts are the site's own in both. strict has no origin but the site's."""
    compatible, strict = policy(index_html="").header(), policy("strict", index_html="").header()
    assert (compatible["default-src"], strict["default-src"]) == (["'self'"], ["'none'"])
    assert compatible["script-src"] == strict["script-src"] == OWN
    assert (compatible["base-uri"], compatible["frame-ancestors"]) == (["'self'"], ["'self'"])
    assert (strict["base-uri"], strict["frame-ancestors"]) == (["'none'"], ["'none'"])
    assert not {"https:", "*"} & {source for sources in strict.values() for source in sources}
    for name in ("img-src", "font-src", "media-src", "worker-src", "frame-src"):
        assert compatible[name] == ["'self'", "data:", "blob:", "https:"]
    assert compatible["connect-src"] == ["'self'", "data:", "blob:", "https:", "wss:"]


@pytest.mark.parametrize(
    ("sources", "directive", "expected"),
    [
        ("frame-src https://pay.example", "frame-src", ["'self'", "https://pay.example"]),
        ("object-src 'self'", "object-src", ["'self'"]),
        ("img-src 'none'", "img-src", ["'none'"]),
        ("script-src 'none'", "script-src", ["'none'"]),
        ("script-src 'unsafe-inline'", "script-src", [*OWN, "'unsafe-inline'"]),
        ("style-src 'unsafe-inline'", "style-src", ["'self'", "'unsafe-inline'"]),
        ("connect-src 'none'", "connect-src", ["'none'"]),
    ],
)
def test_sources_of_the_app_are_added(sources: str, directive: str, expected: list[str]) -> None:
    """'none' replaces what the profile has. A browser ignores 'unsafe-inline' next to a hash, so the hashes go."""
    site = policy("strict", sources, index_html="<script>a</script><style>b</style>")
    assert site.header()[directive] == expected
    assert ("$connect" in site.configuration) is (sources != "connect-src 'none'")


@pytest.mark.parametrize(("profile", "sources"), [("loose", ""), ("strict", "x-src a"), ("strict", 'img-src "$x')])
def test_build_by_hand_with_settings_that_are_none_ends(profile: str, sources: str) -> None:
    """The tasks check the settings. A build argument by hand is checked here."""
    with pytest.raises(subprocess.CalledProcessError) as caught:
        policy(profile, sources, index_html="")
    assert "HELLO_DOCK_CSP" in caught.value.stderr


def test_worker_may_load_the_scripts_that_its_file_imports() -> None:
    """The policy of a worker is that of its own file. No other file's policy has the origin."""
    site = policy(index_html="", sw_js="importScripts(\n  '/b.js', `https://a.example/workbox-sw.js`\n)")
    assert site.header("sw.js")["script-src"] == [*OWN, "https://a.example"]
    assert site.header()["script-src"] == OWN
    assert site.notices == []


@pytest.mark.parametrize(
    ("profile", "files", "line"),
    [
        ("compatible", {"a_js": "new Function('return 42')()"}, "script-src 'unsafe-eval'"),
        ("compatible", {"a_js": "x=eval(y)"}, "script-src 'unsafe-eval'"),
        ("compatible", {"a_js": "import('https://a.example/x')"}, "script-src https://a.example"),
        ("strict", {"sw_js": "importScripts('/b.js', 'https://a.example/x')"}, "script-src https://a.example"),
        ("compatible", {"a_js": "load('https://a.example/w.js')"}, "script-src https://a.example"),
        ("compatible", {"a_js": "api = 'http://localhost:3001/v1'"}, "connect-src http://localhost:3001"),
        ("compatible", {"index_html": "<img src=http://a.example/x>"}, "img-src http://a.example"),
        ("strict", {"index_html": "<img srcset='https://a.example/x 2x'>"}, "img-src https://a.example"),
        ("strict", {"index_html": "<script src=https://a.example/x></script>"}, "script-src https://a.example"),
        ("strict", {"a_css": "@import 'https://a.example/x'"}, "style-src https://a.example"),
        ("strict", {"a_css": "@font-face{src:url(https://a.example/x)}"}, "font-src https://a.example"),
        ("strict", {"a_css": "p{background:url('//a.example/x')}"}, "img-src a.example"),
        ("strict", {"a_js": "fetch(`https://a.example/${x}`)"}, "connect-src https://a.example"),
        ("strict", {"a_js": "fetch('data:text/plain,x')"}, "connect-src data:"),
        ("strict", {"a_js": "new Worker(URL.createObjectURL(new Blob([x],{type:'text/javascript'})))"},
         "worker-src blob:"),
        ("strict", {"a_js": "document.createElement('style')"}, "style-src 'unsafe-inline'"),
        ("strict", {"a_js": "p.innerHTML = '<i style=\"color: red\">'"}, "style-src 'unsafe-inline'"),
    ],
)  # fmt: skip
def test_user_is_told_what_the_policy_blocks(profile: str, files: dict[str, str], line: str) -> None:
    """One notice has the file and the line to add. With that line the notice is gone."""
    notices = policy(profile, **({"index_html": ""} | files)).notices
    assert len(notices) == 1
    assert f'prod.csp_sources: "{line}"' in notices[0]
    assert policy(profile, line, **({"index_html": ""} | files)).notices == []


@pytest.mark.parametrize(
    "script",
    ["Function('return this')()", "try { new Function('') } catch {}", "try { new Function(``) } catch {}",
     "say('new Function(x)')", "// eval(x)",
     "`text ${`eval(x)`} eval(y)`", "x=/[\"']/; y='eval(z)'", "a.eval(x)", "function eval(a){}", "y = 'http://localhost'",
     "a = 'https://a.example/docs'", "xmlns = 'http://www.w3.org/2000/svg'"],
)  # fmt: skip
def test_common_code_brings_no_notice(script: str) -> None:
    """Trials of libraries, strings and comments run nothing."""
    assert policy("compatible", index_html="", a_js=script).notices == []


@pytest.mark.parametrize("address", ["/shop/assets/a.js", "./assets/a.js", "assets/a.js?v=1", "/assets/a.js#x"])
def test_script_for_old_browsers_brings_no_notice(address: str) -> None:
    """As the polyfills of @vitejs/plugin-legacy. A script that browsers with modules run, too, brings one."""
    script = "new Function('x', 'return x')"
    page = f"<script nomodule src='{address}'></script>"

    def notices(html: str, name: str) -> list[str]:
        return policy("compatible", **{"index_html": html, f"{name}_js": script}).notices

    assert notices(page, "assets/a") == []
    assert notices(page, "assets/aa")
    assert notices(page, "a")  # the root's own
    assert notices(page.replace("nomodule", "defer"), "assets/a")
    assert notices("<script nomodule src='http://[x'></script>", "a")


def test_styles_of_google_need_their_fonts_too() -> None:
    """The styles come from one origin, and name fonts of another."""
    notices = policy("strict", index_html="<link rel=stylesheet href=https://fonts.googleapis.com/css2>").notices
    assert sum("https://fonts.gstatic.com" in notice for notice in notices) == 1


def test_strict_asks_for_the_features_that_scripts_name() -> None:
    """compatible sends no Permissions-Policy, because frames and scripts of other origins may ask, too."""
    strict = policy("strict", index_html="", a_js="navigator.geolocation.getCurrentPosition(x)").configuration
    assert "camera=(), geolocation=(self), microphone=()" in strict
    assert 'map "" $permissions_policy {\n    default "";' in policy(index_html="").configuration


def test_integrity_is_added_for_the_files_of_the_site() -> None:
    """Other origins, /env.js and elements that have one keep what they have. A base path and other folders count."""
    script = """
import { withIntegrity } from 'NGINX/integrity.mjs'
const [html, page, names] = JSON.parse(process.argv[1])
process.stdout.write(withIntegrity(html, page, new Set(names), (name) => name))
"""
    html = """<script src=/shop/assets/a.js></script><link rel="stylesheet" href="../assets/a.css"/>
<link href='/assets/a%20b.js?v=1' rel=modulepreload><script src=/env.js></script><script src=//x/assets/a.js></script>
<script integrity=x src=/assets/a.js></script><link rel=icon href=/assets/a.css>
<script>'<script src=/assets/a.js>'</script>"""
    names = ["assets/a.js", "assets/a.css", "assets/a b.js", "env.js"]
    expected = html
    for start, name in (("<script", names[0]), ("<link", names[1]), ("<link", names[2])):
        value = base64.b64encode(hashlib.sha384(name.encode()).digest()).decode()
        tag = {names[0]: "<script src=/shop", names[1]: '<link rel="style', names[2]: "<link href='/assets"}[name]
        expected = expected.replace(tag, f'{start} integrity="sha384-{value}"{tag[len(start) :]}', 1)
    assert run(script, html, "docs/index.html", names) == expected
