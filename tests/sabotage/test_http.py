"""Sabotage of what is served."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from docktasks.engine.models import Image
from tests.sabotage.faults import Sabotage, assert_caught, cases, site
from tests.support.project import ProjectUnderTest

HASHED = "/srv/hashed"
NAMED = "$(cd /srv/hashed/site/assets; ls -S *.{kind} | {which})"
LARGEST = NAMED.format(kind="js", which="head -n 1")
SMALLEST = NAMED.format(kind="js", which="tail -n 1")
STYLE = NAMED.format(kind="css", which="head -n 1")

SABOTAGES = [
    site("deleted-chunk", f"rm /srv/hashed/*/assets/{SMALLEST}", "http.files"),
    site("deleted-plain-chunk", f"rm /srv/hashed/site/assets/{SMALLEST}", "http.files"),
    site("deleted-style", f"rm /srv/hashed/*/assets/{STYLE}", "http.files"),
    site("deleted-icon", "rm /srv/*/favicon.svg*", "http.files"),
    site("script-is-text", "sed -i '/text.javascript/d' media-types.conf", "http.files"),
    site("style-is-plain", "sed -i '/text.css/d; s| txt;| txt css;|' media-types.conf", "http.files"),
    site("page-is-a-download", "sed -i 's|htm html|htm|' media-types.conf", "http.files"),
    site("nothing-named", "echo '<p>soon</p>' >/srv/site/index.html; rm /srv/br/index.html /srv/site/index.html.gz",
         "http.files"),
    site("deep-links-404", "sed -i 's|$unknown_page|/never|g' site.conf", "http.deep-link"),
    site("deep-links-redirect",
         "sed -i 's|set $unknown unknown;|& if ($request_kind = page) { return 302 /; }|' site.conf", "http.deep-link"),
    site("deep-links-elsewhere", "sed -i '/~^page/s|/index.html|/robots.txt|' ../site/pages.conf", "http.deep-link"),
    site("shell-for-missing-files", "sed -i 's|$unknown_page =404|$unknown_page /site/index.html =404|' site.conf",
         "http.missing"),
    site("missing-is-forbidden", "sed -i 's|$unknown_page =404|$unknown_page =403|' site.conf", "http.missing"),
    site("api-is-the-site",
         "echo 'map \"\" $health_api { default \"The API answers below: /api\\\\n\"; }' >../site/api.conf", "http.api"),
    site("shell-is-kept", "sed -i 's|w+ [$]\" * no-cache|w+ $\" max-age=3600|' caching.conf",
         "http.cache-policy"),
    site("shell-says-nothing", "sed -i 's|w+ [$]\" * no-cache|w+ $\" \"\"|' caching.conf",
         "http.cache-policy"),
    site("errors-are-immutable", "sed -i 's|default  *no-store|default \"max-age=31536000, immutable\"|' caching.conf",
         "http.cache-policy"),
    site("errors-are-kept", "sed -i 's|default  *no-store|default max-age=60|' caching.conf", "http.cache-policy"),
    site("assets-for-an-hour", "sed -i 's|max-age=31536000, immutable|max-age=3600|' caching.conf",
         "http.cache-policy"),
    site("styles-are-asked-for", "sed -i 's|^add_header Cache-Control .cache_control|map $uri $own { default "
         "$cache_control; \"~/hashed/.*[.]css$\" no-cache; }\\nadd_header Cache-Control $own|' caching.conf",
         "http.cache-policy"),
    site("everything-immutable", "sed -i 's|^add_header Cache-Control.*|add_header Cache-Control "
         "\"public, max-age=31536000, immutable\" always;|' caching.conf", "http.cache-policy"),
    site("header-on-unknown-paths", "sed -i 's|location @unknown {|& add_header X-Frame-Options DENY;|' site.conf",
         "http.security-headers", "http.csp", "http.cache-policy", "http.encoding",
         "http.brotli", "http.vary"),
    site("header-in-a-location", "sed -i 's|location / {|& add_header X-Frame-Options DENY;|' site.conf",
         "http.security-headers", "http.csp", "http.cache-policy", "http.encoding",
         "http.brotli"),
    site("no-policy", "sed -i '/^add_header Content-Security-Policy/d' security.conf",
         "http.security-headers", "http.csp"),
    site("policy-of-anything", "sed -i \"s|default-src 'none'; script-src 'self'|default-src *|\" "
         "../policy/policy.conf", "http.csp"),
    site("policy-of-inline-scripts", "sed -i \"s|script-src 'self'|& 'unsafe-inline'|\" ../policy/policy.conf",
         "http.csp"),
    site("inline-script", "cd /srv/site; sed -i 's|</head>|<script>go()</script>&|' index.html; gzip -kf index.html; "
         "rm /srv/br/index.html", "http.csp-allows-page", "http.brotli"),
    site("inline-handler", "cd /srv/site; sed -i 's|<body|& onload=go()|' index.html; gzip -kf index.html; "
         "rm /srv/br/index.html", "http.csp-allows-page", "http.brotli"),
    site("variable-in-the-title", "cd /srv/site; sed -i 's|<title>|&%VITE_NAME%|' index.html; gzip -kf index.html; "
         "rm /srv/br/index.html", "http.files", "http.brotli"),
    site("no-nosniff", "sed -i /X-Content-Type-Options/d security.conf", "http.security-headers"),
    site("not-on-errors", "sed -i 's|nosniff always|nosniff|' security.conf", "http.security-headers"),
    site("twice", "echo 'add_header X-Content-Type-Options nosniff always;' >>security.conf", "http.security-headers"),
    site("twice-behind-the-end", "sed -i '/error_page 416/d' site.conf",
         "http.security-headers", "http.cross-origin-headers"),
    site("tells-everything", "sed -i 's|strict-origin-when-cross-origin|unsafe-url|' security.conf",
         "http.cross-origin-headers"),
    site("open-to-windows", "sed -i /Cross-Origin-Opener/d security.conf", "http.cross-origin-headers"),
    site("version", "sed -i 's|server_tokens off|server_tokens on|' security.conf", "http.server-version"),
    site("other-charset", "sed -i 's|^charset utf-8|charset iso-8859-1|' types.conf", "http.charset"),
    site("no-head", "sed -i 's|if ($writing) {|if ($request_method = HEAD) { return 204; }\\n&|' site.conf",
         "http.head"),
    site("ranges-ignored", "echo 'max_ranges 0; add_header Accept-Ranges bytes;' >>security.conf", "http.ranges"),
    site("list", "sed -i 's|^    location @carried {|    location = /assets/ "
         "{ root /srv/hashed/site; autoindex on; }\\n&|' site.conf", "http.directories"),
    site("inside-port", "sed -i 's|absolute_redirect off|absolute_redirect on|; "
         "s|^    location @carried {|    location = /assets { return 301 /assets/; }\\n&|' site.conf",
         "http.redirects", "http.host"),
    site("redirect-to-host", "sed -i 's|^    location @carried {|    location = /assets { return 302 "
         "$scheme://$http_host/assets/; }\\n&|' site.conf", "http.host"),
    site("no-etag", "echo 'etag off;' >>caching.conf", "http.revalidation"),
    site("unchanged-is-not-kept", "sed -i 's/:20.06.|304)/:20[06])/' caching.conf", "http.revalidation"),
    site("date-decides", "sed -i 's|if_modified_since off|if_modified_since before|' caching.conf", "http.validators"),
    site("fixed-time", "find /srv/site /srv/hashed /srv/br -type f -exec touch -d @0 {} +; "
         "sed -i '/^add_header Last-Modified/d' caching.conf", "http.validators"),
    site("one-etag-for-all-codings", "echo 'etag off; add_header ETag \"\\\"$uri\\\"\";' >>caching.conf",
         "http.validators", "http.revalidation"),
    site("editor-left-it", "sed -i 's/(?:~|#|/(?:/' site.conf; cp /srv/site/robots.txt '/srv/site/#index.html#'; "
         "cp /srv/site/robots.txt /srv/site/index.html~", "http.hidden-files"),
    site("hidden-file", "sed -i 's|^    location ~. .*well-known.*|    location = /never {|' site.conf; "
         "echo x:y >/srv/site/.htpasswd", "http.hidden-files"),
    site("off-by-a-slash", "sed -i 's|^    location @carried {|    location ~ ^/assets(?<rest>[.][.]/.*)$ "
         "{ alias /srv/$rest; }\\n&|' site.conf",
         "http.traversal"),
    site("every-method", "sed -i 's|return 405;|return 200;|' site.conf", "http.methods"),
    site("no-allow", "sed -i '/^add_header Allow/d' security.conf", "http.methods"),
    site("path-in-a-header", "echo 'add_header X-Path $asked always;' >>security.conf; sed -i 's|if ($writing) {|"
         "if ($uri !~ \"^/.error\") { set $asked $uri; }\\n&|' site.conf", "http.malformed", "http.headers"),
    site("breaks-on-a-header", "sed -i 's|if ($writing) {|if ($http_x_a) { return 500; }\\n&|' site.conf",
         "http.malformed"),
    site("no-brotli", "sed -i '/  *br;$/d' compression.conf", "http.brotli"),
    site("no-gzip", "sed -i 's|gzip_static on|gzip_static off|' compression.conf", "http.encoding", "http.vary"),
    site("brotli-for-everyone", "sed -i 's|default  *site;|default br;|' compression.conf",
         "http.encoding", "http.negotiation"),
    site("brotli-for-who-refuses-it", "sed -i 's|^    \"~\\*(?:^.*|    ~*br br;|' compression.conf",
         "http.negotiation"),
    site("brotli-unsaid", "sed -i '/^add_header Content-Encoding/d' compression.conf", "http.encoding", "http.brotli"),
    site("no-vary", "sed -i '/^add_header Vary/d; /gzip_vary/d' compression.conf", "http.vary",
         "http.dictionaries"),
    site("other-brotli", f"cd {HASHED}/br/assets; cp {SMALLEST} {LARGEST}", "http.encoding"),
    site("other-gzip", f"cd {HASHED}/site/assets; cp {SMALLEST}.gz {LARGEST}.gz", "http.encoding"),
    site("garbage-for-brotli", f"echo garbage >{HASHED}/br/assets/{LARGEST}", "http.encoding"),
    site("other-brotli-of-a-small-chunk", f"cd {HASHED}/br/assets; cp {LARGEST} {SMALLEST}", "http.encoding"),
    site("old-brotli-shell", "cp /srv/br/favicon.svg /srv/br/index.html", "http.encoding"),
    site("errors-500", "sed -i 's|if ($writing) {|if ($uri) { return 500; }\\n&|' site.conf", "http.files"),
]  # fmt: skip


@pytest.mark.parametrize("sabotage", cases(SABOTAGES))
def test_sabotage_is_caught(
    sabotaged_project: ProjectUnderTest, built_image: Image, sabotage: Sabotage, cleanup: ExitStack
) -> None:
    """Exactly the expected checks fail."""
    assert_caught(sabotaged_project, built_image, sabotage, cleanup, groups=["http"])
