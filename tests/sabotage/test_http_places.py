"""Sabotage of one place of what is served, or of one way of asking for it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

import pytest

from docktasks.engine.models import Image
from tests.sabotage import test_http
from tests.sabotage.faults import Sabotage, assert_caught, cases, site
from tests.sabotage.test_http import HASHED, LARGEST, SMALLEST, STYLE
from tests.support.project import ProjectUnderTest

TRACE = r"Error: no page\n    at Object.<anonymous> (/srv/app/server.js:31:9)\n"
KEPT = (
    "old=releases/0123456789ab/site/assets; mkdir -p $old site/assets; echo 1 >$old/Old-B1fKq0Zy.js; "
    "ln $old/Old-B1fKq0Zy.js site/assets/"
)
"""An asset of an earlier release, which nginx serves from the volume."""
ORIGIN = "Access-Control-Allow-Origin"
ACCESS = (
    "limit_req_zone $server_name zone=all:1m rate={rate}r/s; limit_req zone=all burst={burst} nodelay; "
    "limit_req_status {status};"
)


def by(variable: str, pattern: str, value: str, name: str, usual: str) -> str:
    """A script that gives a header of security.conf another value where a variable of nginx matches."""
    text = f'map {variable} $sabotaged {{ default {usual}; "~{pattern}" "{value}"; }}'
    return f"sed -i 's#^add_header {name} .*#{text} add_header {name} $sabotaged always;#' security.conf"


def header(name: str, value: str, variable: str = "$request_uri", pattern: str = "") -> str:
    """A script that adds a header where a variable of nginx matches."""
    text = f'map {variable} $sabotaged {{ default ""; "~{pattern}" "{value}"; }}'
    return f"echo '{text} add_header {name} $sabotaged always;' >>security.conf"


def answer(location: str, text: str) -> str:
    """A script that answers a path in another way."""
    return f"sed -i 's#^    location @carried {{#    location {location} {{ {text} }}\\n&#' site.conf"


def first(text: str) -> str:
    """A script that adds nginx's directives before all others of the server."""
    return f"sed -i 's#if ($writing) {{#{text}\\n&#' site.conf"


CUT = "cut() { head -c 90 $1 >/tmp/cut; cat /tmp/cut >$1; rm /tmp/cut; }; cut"
FAR = "Thu, 31 Dec 2037 23:55:55 GMT"
NOSNIFF, CSP = ("X-Content-Type-Options", "nosniff"), ("Content-Security-Policy", "$content_security_policy")
SABOTAGES = [
    site("no-nosniff-on-a-page", by("$request_uri", "^/image", "", *NOSNIFF), "http.security-headers"),
    site("no-nosniff-on-styles", by("$request_uri", "[.]css", "", *NOSNIFF), "http.security-headers"),
    site("no-policy-on-405", by("$status", "405", "", *CSP), "http.security-headers"),
    site("loose-policy-on-a-page", by("$request_uri", "^/tasks", "default-src *", *CSP), "http.csp"),
    site("loose-policy-on-an-icon", by("$request_uri", "[.]svg", "script-src https:", *CSP), "http.csp"),
    site("loose-referrer-on-404", by("$status", "404", "unsafe-url", "Referrer-Policy", "no-referrer"),
         "http.cross-origin-headers"),
    site("features-for-everybody", "sed -i 's|^add_header Permissions-Policy.*|"
         "add_header Permissions-Policy \"camera=*\" always;|' security.conf", "http.cross-origin-headers"),
    site("page-reports-elsewhere", by("$request_uri", "^/image", "$built_policy; report-uri https://r.example/", *CSP),
         "http.csp"),
    site("style-loads-from-elsewhere", by("$request_uri", "[.]css", "$built_policy; prefetch-src https:", *CSP),
         "http.csp"),
    site("origin-of-the-configuration", header(ORIGIN, "$http_origin", "$uri", "env[.]js$"), "http.cors"),
    site("no-cache-of-a-header", "sed -i 's|w+ [$]\" * no-cache;|w+ $\" \\x27no-cache=\"Set-Cookie\"\\x27;|' "
         "caching.conf", "http.cache-policy"),
    site("errors-lead-elsewhere", "sed -i 's|^<title>|<meta http-equiv=refresh content=0;url=//r.example>\\n&|' "
         "errors.conf", "http.cookies"),
    site("dictionary-for-everything", "sed -i 's|[$]dictionary_type\"|\"|' deltas.conf", "http.dictionaries"),
    site("no-room-for-robots", first("if ($http_user_agent ~ Googlebot) { return 503; }"), "http.answers"),
    site("trace-in-json", first('set $asked "$http_accept $uri"; if ($asked ~ "json .*no-such") '
         "{ rewrite ^ /trace last; }") + "; " + answer("= /trace", f'internal; return 404 "{TRACE}";'),
         "http.server-version"),
    site("page-fails", answer("= /tasks", "return 500;"), "http.answers"),
    site("asset-fails-as-brotli", first('set $form "$tree$uri"; if ($form ~ "^br/assets/.*css") { return 502; }'),
         "http.answers"),
    site("no-page-with-a-slash", answer("= /image/", "return 404;"), "http.deep-link"),
    site("page-is-forbidden", answer("= /tasks", "return 403;"), "http.deep-link"),
    site("page-loops", answer("= /image", "return 301 /image/;") + "; "
         + answer("= /image/", "return 301 /image;"), "http.deep-link"),
    site("page-leads-around", answer("= /image", "return 302 /around;") + "; "
         + answer("= /around", "return 302 /image;"), "http.deep-link"),
    site("page-is-text", answer("= /tasks", "root /srv/site; types {} default_type text/plain; "
         "try_files /index.html =404;"), "http.deep-link"),
    site("page-leads-home", answer("= /image", "return 302 /;"), "http.deep-link"),
    site("closed-without-an-answer", answer("= /image", "return 444;"), "http.answers"),
    site("closed-on-icons", answer("= /favicon.svg", "return 444;"), "http.answers"),
    site("limit-on-requests", f"echo '{ACCESS.format(rate=20, burst=40, status=503)}' >>security.conf",
         "http.answers"),
    site("limit-with-429", f"echo '{ACCESS.format(rate=5, burst=90, status=429)}' >>security.conf", "http.answers"),
    site("post-to-a-file",
         first('set $asked "$request_method$uri"; if ($asked = POST/robots.txt) { return 200 ok; }'), "http.methods"),
    site("delete-of-assets",
         first('set $asked "$request_method$uri"; if ($asked ~ "^DELETE/assets/") { return 204; }'), "http.methods"),
    site("allows-what-it-refuses", "sed -i 's|405     \"GET, HEAD\"|405 \"GET, HEAD, PUT, DELETE\"|' security.conf",
         "http.methods"),
    site("shared-caches-keep-pages", header("CDN-Cache-Control", "max-age=600"), "http.cache-policy"),
    site("shared-caches-keep-a-page", header("Surrogate-Control", "max-age=9", pattern="^/image"),
         "http.cache-policy"),
    site("pages-while-revalidated", "sed -i 's|w+ [$]\" * no-cache|w+ $\" "
         "\"no-cache, stale-while-revalidate=60\"|' caching.conf", "http.cache-policy"),
    site("fixed-time-in-the-etag", "find /srv/site /srv/hashed /srv/br -type f -exec touch -d @1577836800 {} +",
         "http.validators"),
    site("time-of-an-archive", "touch -d @315532800 /srv/site/robots.txt*", "http.validators"),
    site("nonce-that-stays", "sed -i \"s|script-src 'self'|& 'nonce-r4nd0m'|\" ../policy/policy.conf", "http.csp"),
    site("archive-of-the-site", "cp /srv/site/robots.txt /srv/site/dist.zip", "http.hidden-files"),
    site("copy-of-a-package-manager", "cp /srv/site/robots.txt /srv/site/robots.txt.dpkg-dist", "http.hidden-files"),
    site("copy-of-a-file-manager", "mkdir /srv/site/data; cp /srv/site/robots.txt /srv/site/data/Thumbs.db",
         "http.hidden-files"),
    site("status-of-the-server-elsewhere", answer("= /counters", "stub_status;"), "http.hidden-files",
         "http.cache-policy", "http.variants"),
    site("copy-of-a-chunk", f"cp /srv/site/robots.txt {HASHED}/site/assets/{SMALLEST}.backup", "http.hidden-files"),
    site("list-of-another-folder", "mkdir -p /srv/site/docs; cp /srv/site/robots.txt /srv/site/docs/; "
         + answer("= /docs/", "root /srv/site; autoindex on;"), "http.directories"),
    site("redirect-without-the-port", answer("= /assets", "return 301 $scheme://$host/assets/;"),
         "http.redirects", "http.host"),
    site("redirect-to-another-host", first("merge_slashes off; rewrite ^/(.+)/$ /$1 permanent;"), "http.redirects",
         "http.deep-link"),
    site("line-ends-in-a-redirect", answer("~ ^/assets/(?<rest>[^@]*)/$", "return 302 /$rest;"), "http.malformed"),
    site("alias-of-a-folder", answer("~ ^/assets(?<rest>[.][.]/.*)$", "alias /srv/hashed/site/assets/$rest;"),
         "http.traversal"),
    site("alias-nobody-names", answer("/files", "alias /srv/br/;"), "http.traversal"),
    site("any-origin-reads", header(ORIGIN, "$http_origin"), "http.cors"),
    site("any-origin-reads-icons", header(ORIGIN, "$http_origin", pattern="[.]svg"), "http.cors"),
    site("page-for-a-missing-module", answer("~ [.](?:wasm|PNG)$", "try_files /site$uri /site/index.html =404;"),
         "http.missing"),
    site("page-for-a-missing-folder", answer("~ ^/assets/.+/", "try_files /site$uri /site/index.html =404;"),
         "http.missing"),
    site("manifest-of-the-app", "cp /srv/site/robots.txt /srv/site/package.json", "http.hidden-files"),
    site("any-origin-reads-values", header(ORIGIN, "*", pattern="env[.]js"), "http.cors"),
    site("origin-that-ends-alike", f"echo 'map $http_origin $sabotaged {{ default \"\"; ~:[0-9]+$ $http_origin; }} "
         f"add_header {ORIGIN} $sabotaged always;' >>security.conf", "http.cors"),
    site("any-origin-reads-pages", header(ORIGIN, "*"), "http.cors"),
    site("null-origin-reads", "echo 'map $http_origin $sabotaged { default \"\"; null null; } "
         f"add_header {ORIGIN} $sabotaged always;' >>security.conf", "http.cors"),
    replace(site("headers-lost-on-kept-files", "sed -i 's|location @carried {|& add_header X-Kept yes;|' site.conf",
                 "http.security-headers", "http.cache-policy", "http.headers"),
            volume_script=KEPT),
    replace(site("kept-files-for-an-hour", "sed -i 's#^add_header Cache-Control .cache_control#map $uri $own { "
                 "default $cache_control; ~^/carried/ max-age=3600; } add_header Cache-Control $own#' caching.conf",
                 "http.cache-policy"), volume_script=KEPT),
    site("delta-for-every-dictionary", "echo 'let old' >/srv/hashed/delta.js; "
         "sed -i 's|/carried/deltas/$dictionary$uri|/hashed/delta.js|' deltas.conf", "http.dictionaries"),
    site("dictionary-without-vary", "sed -i 's|, Available-Dictionary||; s| Available-Dictionary;| \"\";|' "
         "compression.conf", "http.dictionaries"),
    site("cookie-by-a-query", header("Set-Cookie", "seen=1", pattern="[?]"), "http.cookies"),
    site("cookie-on-styles", header("Set-Cookie", "visitor=1", pattern="[.]css"), "http.cookies"),
    site("cleared-on-errors", header("Clear-Site-Data", "cookies", "$status", "404"), "http.cookies"),
    site("version-of-another-server", header("X-Powered-By", "Express", pattern="[.]js$"), "http.server-version"),
    site("trace-on-an-error", f"sed -i 's#^    default  *\"$status $error_title[.] .*#    default \"{TRACE}\";#' "
         "errors.conf", "http.server-version"),
    site("source-map-in-a-style", f"cd {HASHED}; f=site/assets/{STYLE}; rm br/assets/{STYLE} $f.gz; "
         "printf '\\n/*# sourceMappingURL=data:application/json;base64,%0200d */' 1 >>$f; gzip -k $f",
         "http.source-maps", "http.brotli"),
    site("worker-of-a-folder", header("Service-Worker-Allowed", "/", pattern="[.]js$"), "http.headers"),
    site("map-in-a-header", header("SourceMap", "https://maps.example/a.map", pattern="[.]css"), "http.headers"),
    site("page-loads-from-elsewhere", header("Link", "<https://other.example/a.js>; rel=preload", pattern="^/tasks"),
         "http.headers"),
    site("visits-are-reported", header("NEL", "report", "$status", "404"), "http.headers"),
    site("two-dates", header("Date", "Thu, 01 Jan 2026 00:00:00 GMT", pattern="^/tasks"), "http.headers"),
    site("two-types", header("Content-Type", "text/plain", pattern="[.]css"), "http.headers"),
    site("old-for-caches", header("Age", "999999", pattern="^/image"), "http.headers"),
    site("expires-in-years", header("Expires", FAR, pattern="^/tasks"), "http.cache-policy"),
    site("errors-expire-in-years", header("Expires", FAR, "$status", "404"), "http.cache-policy"),
    site("errors-expire-without-a-policy", "sed -i 's|default  *no-store;|default \"\";|' caching.conf; "
         + header("Expires", FAR, "$status", "404"), "http.cache-policy"),
    site("errors-may-be-kept", "sed -i 's|default  *no-store;|default \"\";|' caching.conf", "http.cache-policy"),
    site("edge-keeps-a-page", header("Edge-Control", "cache-maxage=1d", pattern="^/image"), "http.cache-policy"),
    site("styles-vary-by-everything", header("Vary", "*", pattern="[.]css"), "http.vary"),
    site("page-varies-by-cookie", header("Vary", "Cookie", pattern="^/tasks"), "http.vary"),
    site("last-modified-of-icons", header("Last-Modified", "Sat, 26 Oct 1985 00:00:00 GMT", pattern="[.]svg"),
         "http.validators"),
    site("day-in-an-etag", "touch -d @946684800 /srv/site/robots.txt*", "http.validators"),
    site("style-without-a-compressed-form", f"rm {HASHED}/site/assets/{STYLE}.gz {HASHED}/br/assets/{STYLE}",
         "http.encoding", "http.brotli"),
    site("brotli-cut-short", f"{CUT} {HASHED}/br/assets/{LARGEST}", "http.encoding"),
    site("icon-cut-short-as-brotli", f"{CUT} /srv/br/favicon.svg", "http.encoding"),
    site("redirect-to-the-next", first("if ($arg_next) { return 302 $arg_next; }"), "http.redirects"),
    site("redirect-of-one-page", first('set $to "$arg_url$uri"; if ($to ~ "^(.+)/tasks$") { return 302 $1; }'),
         "http.redirects"),
    site("redirect-to-what-follows", f"{first('merge_slashes off;')}; "
         + answer("~ ^/go(?<rest>//.*)$", "return 302 $rest;"), "http.redirects"),
    site("redirect-without-index",
         first('merge_slashes off; if ($request_uri ~ "^/([^?]+)/index$") { return 302 /$1; }'), "http.redirects"),
    site("line-ends-behind-a-folder", answer("~ ^/out/(?<rest>[^.]*)$", "return 302 /$rest;"), "http.malformed"),
    site("redirect-by-scheme", first("if ($http_x_forwarded_proto = http) { return 301 https://$host$request_uri; }"),
         "http.redirects"),
    site("browsers-are-refused", first("if ($http_user_agent ~ Mozilla) { return 403; }"), "http.files"),
    site("browsers-get-no-icon", answer("= /favicon.svg", "if ($http_user_agent ~ Mozilla) { return 404; } "
         "try_files /site/favicon.svg =404;"), "http.files"),
    site("redirect-of-one-page-by-host", first('set $to "$http_x_forwarded_host$uri"; if ($to ~ "^(.+)/tasks$") '
         "{ return 302 https://$1/; }"), "http.redirects"),
    site("one-page-with-a-slash-by-host", first('set $to "$http_x_forwarded_host$uri"; if ($to ~ "^(.+)/image/$") '
         "{ return 302 https://$1/; }"), "http.redirects"),
    site("refused-by-host", first("if ($http_x_forwarded_host) { return 403; }"), "http.variants"),
    site("answer-by-a-header", first("if ($http_x_trace) { return 200 traced; }"), "http.variants"),
    site("method-by-the-query", first("if ($arg__method = DELETE) { return 204; }"), "http.variants"),
    site("method-of-one-file", first('set $asked "$uri$arg__method"; if ($asked = /robots.txtDELETE) { return 204; }'),
         "http.variants"),
    site("method-by-a-header", first("if ($http_x_http_method_override = DELETE) { return 200 deleted; }"),
         "http.methods", "http.variants"),
    site("options-of-assets",
         first('set $asked "$request_method$uri"; if ($asked ~ "^OPTIONS/assets/") { return 204; }'), "http.methods"),
    site("no-page-of-three-levels", answer("~ ^/[^/.]+/[^/.]+/[^/.]+/?$", "return 404;"), "http.deep-link"),
    site("no-page-with-a-dot", answer("~ ^/[a-z]+/[a-z]+[.][a-z]+$", "return 404;"), "http.deep-link"),
    site("no-page-of-another-script", first('if ($request_uri ~ "%[89A-F]") { return 400; }'), "http.deep-link"),
    site("campaigns-lead-home", first("if ($arg_utm_source) { return 302 /; }"), "http.deep-link",
         "http.variants"),
    site("answer-by-the-language", first("if ($http_accept_language ~ ^de) { return 410; }"), "http.variants"),
    site("page-of-robots", first("if ($http_user_agent ~ Googlebot) { rewrite ^ /robots.txt; }"), "http.variants"),
    site("another-answer-by-the-old-protocol", first("if ($server_protocol = HTTP/1.0) { return 426; }"),
         "http.variants"),
    site("no-page-with-capitals", answer("~ /[A-Z]+$", "return 404;"), "http.deep-link"),
    site("list-for-programs", answer("= /assets/", "autoindex on; autoindex_format json; root /srv/hashed/site;"),
         "http.directories"),
    site("status-of-the-server", answer("= /nginx_status", "stub_status;"), "http.hidden-files", "http.cache-policy",
         "http.variants"),
    site("line-end-in-a-query", answer("~ ^/share/(.+)$", "return 302 /?to=$1;"), "http.malformed"),
    site("header-of-a-proxy", header("X-Served-By", "10.0.0.3:8080", pattern="^/assets"), "http.headers"),
    site("file-that-is-saved", header("Content-Disposition", "attachment", pattern="robots"), "http.headers"),
    site("browsers-report-elsewhere", header("X-XSS-Protection", "1; report=https://r.example/", pattern="^/image"),
         "http.headers"),
    site("trace-of-another-framework", "sed -i 's|^    404 .*|    404 \"System.NullReferenceException: "
         "at App.Main() in App.cs:line 3\";|' errors.conf", "http.server-version"),
    site("path-in-an-error", "sed -i 's#^    default  *\"$status $error_title[.] .*#    default "
         "\"open() /srv/site$request_path failed\";#' errors.conf", "http.server-version"),
    site("version-in-via", header("Via", "1.1 varnish-6.0.1", pattern="[.]css"), "http.server-version"),
    site("host-in-a-text", "sed -i 's|^    404 .*|    404 \"Not at $http_host\";|' errors.conf", "http.host"),
    site("path-in-a-page", "sed -i 's|^    404 .*|    404 \"No $request_path\";|' errors.conf", "http.malformed"),
    site("referrer-in-a-page", "sed -i 's|^    404 .*|    404 \"No, $http_referer\";|' errors.conf", "http.malformed"),
    site("version-in-the-health-check", "sed -i 's#return 200 \"ok#&  nginx/$nginx_version#' site.conf",
         "http.server-version"),
    site("purge-of-assets",
         first('set $asked "$request_method$uri"; if ($asked ~ "^PURGE/assets/") { return 200 ok; }'), "http.methods"),
    site("host-in-a-405", "sed -i 's|^    405 .*|    405 \"$http_host answers GET only\";|' errors.conf", "http.host"),
    site("path-in-a-405", "sed -i 's|^    405 .*|    405 \"Not for $request_uri\";|' errors.conf", "http.malformed"),
    site("old-protocol-gets-no-style", first('set $asked "$server_protocol$uri"; if ($asked ~ "1[.]0/assets/.*css") '
         "{ return 426; }"), "http.variants"),
    site("style-imports-from-another-host", f"cd {HASHED}; f=site/assets/{STYLE}; rm br/assets/{STYLE}; "
         "sed -i '1s|^|@import \"//cdn.example/a.css\";|' $f; gzip -kf $f", "http.third-party", "http.brotli"),
    site("script-of-another-host", "cd /srv/site; sed -i 's|</head>|<script src=https://cdn.example/a.js></script>&|' "
         "index.html; gzip -kf index.html; rm /srv/br/index.html", "http.third-party", "http.brotli"),
]  # fmt: skip


@pytest.mark.parametrize("sabotage", cases(SABOTAGES, test_http.SABOTAGES))
def test_sabotage_is_caught(
    sabotaged_project: ProjectUnderTest, built_image: Image, sabotage: Sabotage, cleanup: ExitStack
) -> None:
    """Exactly the expected checks fail."""
    assert_caught(sabotaged_project, built_image, sabotage, cleanup, groups=["http"])
