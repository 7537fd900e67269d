"""Sites that are served wrongly."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from docktasks.answers import Image
from tests.engine.support import Project
from tests.sabotage.spoil import Sabotage, is_caught, site

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
    site("script-is-text", "sed -i 's|^ *text/javascript .*||' types.conf", "http.files"),
    site("style-is-plain", "sed -i 's|css;|xcss;|; s|  txt;|  txt css;|' types.conf", "http.files"),
    site("page-is-a-download", "sed -i 's|html htm;|htm;|' types.conf", "http.files"),
    site("nothing-named", "echo '<p>soon</p>' >/srv/site/index.html; rm /srv/br/index.html /srv/site/index.html.gz",
         "http.files"),
    site("deep-links-404", "sed -i 's|/$tree/index.html /site/index.html =404|=404|' site.conf",
         "http.deep-link", "http.cache-policy"),
    site("deep-links-redirect", "sed -i 's|/$tree/index.html /site/index.html =404|@home|; "
         "s|^    location /assets/|    location @home { return 302 /; }\\n&|' site.conf",
         "http.deep-link", "http.cache-policy"),
    site("deep-links-elsewhere", "sed -i 's|/$tree/index.html /site/index.html =404|/site/robots.txt =404|' site.conf",
         "http.deep-link"),
    site("shell-for-missing-files", "sed -i 's|/carried/site$uri =404|/site/index.html|' site.conf", "http.missing"),
    site("missing-is-forbidden", "sed -i 's|/carried/site$uri =404|/carried/site$uri =403|' site.conf", "http.missing"),
    site("shell-is-kept", "sed -i 's|/(?:site.br)/\" * no-cache|/(?:site\\|br)/\" max-age=3600|' caching.conf",
         "http.cache-policy"),
    site("shell-says-nothing", "sed -i 's|/(?:site.br)/\" * no-cache|/(?:site\\|br)/\" \"\"|' caching.conf",
         "http.cache-policy"),
    site("errors-are-immutable", "sed -i 's|default  *no-store|default \"max-age=31536000, immutable\"|' caching.conf",
         "http.cache-policy"),
    site("errors-are-kept", "sed -i 's|default  *no-store|default max-age=60|' caching.conf", "http.cache-policy"),
    site("assets-for-an-hour", "sed -i 's|max-age=31536000, immutable|max-age=3600|' caching.conf",
         "http.cache-policy"),
    site("everything-immutable", "sed -i 's|^add_header Cache-Control.*|add_header Cache-Control "
         "\"public, max-age=31536000, immutable\" always;|' caching.conf", "http.cache-policy"),
    site("header-in-a-location", "sed -i 's|location ~ .\\.\\[^/\\]+$ {|& add_header X-Frame-Options DENY;|' site.conf",
         "http.security-headers", "http.cache-policy", "http.encoding"),
    site("header-on-the-shell", "sed -i 's|location / {|& add_header X-Frame-Options DENY;|' site.conf",
         "http.security-headers", "http.cache-policy", "http.encoding"),
    site("no-policy", "sed -i /Content-Security-Policy/d security.conf", "http.security-headers"),
    site("policy-of-anything", "sed -i \"s|default-src 'self'; script-src 'self'|default-src *|\" security.conf",
         "http.security-headers"),
    site("policy-of-inline-scripts", "sed -i \"s|script-src 'self'|& 'unsafe-inline'|\" security.conf",
         "http.security-headers"),
    site("no-nosniff", "sed -i /X-Content-Type-Options/d security.conf", "http.security-headers"),
    site("not-on-errors", "sed -i 's|nosniff always|nosniff|' security.conf", "http.security-headers"),
    site("twice", "echo 'add_header X-Content-Type-Options nosniff always;' >>security.conf", "http.security-headers"),
    site("tells-everything", "sed -i 's|strict-origin-when-cross-origin|unsafe-url|' security.conf",
         "http.security-headers"),
    site("version", "sed -i 's|server_tokens off|server_tokens on|' security.conf", "http.security-headers"),
    site("no-brotli", "sed -i '/  *br;$/d' compression.conf", "http.encoding"),
    site("no-gzip", "sed -i 's|gzip_static on|gzip_static off|' compression.conf", "http.encoding"),
    site("brotli-for-everyone", "sed -i 's|default  *site;|default br;|' compression.conf", "http.encoding"),
    site("brotli-unsaid", "sed -i '/^add_header Content-Encoding/d' compression.conf", "http.encoding"),
    site("no-vary", "sed -i '/^add_header Vary/d; /gzip_vary/d' compression.conf", "http.encoding"),
    site("other-brotli", f"cd {HASHED}/br/assets; cp {SMALLEST} {LARGEST}", "http.encoding"),
    site("other-gzip", f"cd {HASHED}/site/assets; cp {SMALLEST}.gz {LARGEST}.gz", "http.encoding"),
    site("garbage-for-brotli", f"echo garbage >{HASHED}/br/assets/{LARGEST}", "http.encoding"),
    site("other-brotli-of-a-small-chunk", f"cd {HASHED}/br/assets; cp {LARGEST} {SMALLEST}", "http.encoding"),
    site("old-brotli-shell", "cp /srv/br/favicon.svg /srv/br/index.html", "http.encoding"),
    site("errors-500", "sed -i 's|if ($writing) {|if ($uri) { return 500; }\\n&|' site.conf",
         "http.files", "http.deep-link", "http.cache-policy"),
]  # fmt: skip


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: sabotage.name)
def test_sabotage_is_caught(spoiling: Project, origin: Image, sabotage: Sabotage, made: ExitStack) -> None:
    """Each fault fails the checks that are about it, and no other."""
    is_caught(spoiling, origin, sabotage, made)
