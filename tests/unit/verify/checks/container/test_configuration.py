from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from docktasks.api import Api, Upstream
from docktasks.background import Once
from docktasks.images.archive import Contents
from docktasks.images.media_types import TABLE
from docktasks.verify import catalog
from docktasks.verify.probes.nginx_config import parse, parse_file
from docktasks.verify.registry import Verdict
from docktasks.verify.subject import Subject
from tests.unit.fakes.apps import ROOT, configured
from tests.unit.fakes.built_image import shipped
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.image_archives import layer
from tests.unit.fakes.production import image
from tests.unit.fakes.subjects import project, release

FOLDER = TABLE.parents[1]
FILES = {
    str(path.relative_to(FOLDER)): path.read_text() for path in (FOLDER / "nginx.conf", *TABLE.parent.glob("*.conf"))
}
POLICY = {"policy/policy.conf": "map $uri $built_policy { default \"default-src 'self'\"; }"}
API = Api((Upstream("/api", "http://api:8000"),))
API_FILES = {
    "/tmp/api/http.conf": "resolver 127.0.0.11 valid=1s;",  # noqa: S108 - the container's own
    "/tmp/api/locations.conf": "location = /api { set $api_address http://api:8000; set $api_origin http://api:8000; }",  # noqa: S108
}


class Trial:
    """What the copies of a container showed."""

    def __init__(self, output: str) -> None:
        self.intact, self.configuration = self, output

    def result(self) -> Trial:
        """The results of the intact copy."""
        return self


def verdict(
    files: dict[str, str], *, built: dict[str, str] | None = None, api: Api | None = None, late: tuple[str, ...] = ()
) -> Verdict:
    """The verdict on a container whose nginx has loaded these files, and whose image was built with `built`.

    `late` are files that were written after nginx has started.
    """
    container = release(health="healthy")
    engine = FakeEngine(container, images={"hello-dock:prod": image("a")})
    engine.files.update(dict.fromkeys(late, ""))
    settings = replace(configured(ROOT), api=api or Api())
    subject = Subject(container.url, project(engine, settings), container, engine.image(container.image_id))
    parts = [
        f"# configuration file {name if name[0] == '/' else f'/etc/nginx/{name}'}:\n{text}"
        for name, text in files.items()
    ]
    trial: Any = Trial("\n".join(parts))
    subject.trial, subject.health = Once(lambda: trial), Once(lambda: "healthy")
    written = {**FILES, **POLICY} if built is None else built
    own = layer(*(shipped(f"/etc/nginx/{name}", text.encode()) for name, text in written.items()))
    subject.contents = Once(lambda: Contents([layer(ours=False), own], {}, []))
    (result,) = catalog.run_checks(subject, catalog.select(only=["container.configuration"]))
    return result


def changed(name: str, old: str, new: str) -> Verdict:
    """The verdict on a configuration with one change."""
    assert old in FILES[name]
    return verdict(FILES | POLICY | {name: FILES[name].replace(old, new, 1)})


def test_configuration_of_the_build_passes() -> None:
    """Also that of an older hello-dock, and what a container writes for its API."""
    assert verdict(FILES | POLICY).outcome == "pass"
    assert verdict(FILES | POLICY | API_FILES, api=API).outcome == "pass"
    older = FILES | {"serving/files.conf": "sendfile off; tcp_nodelay on;"}
    assert verdict(older | POLICY, built=older | POLICY).outcome == "pass"
    assert verdict(FILES, built={}).outcome == "pass"


SITE = "serving/site.conf"
CARRIED = "    location @carried {"


@pytest.mark.parametrize(
    ("line", "directive", "danger"),
    [
        ("location /x { alias /etc/; }", "in location /x: alias /etc/", "also what is next to it"),
        ("location /x/ { root /usr/share/nginx; }", "in location /x/: root /usr/share/nginx", "another folder"),
        ("location /x/ { autoindex on; }", "in location /x/: autoindex on", "lists the files"),
        ("location /x { proxy_pass http://10.0.0.1; }", "in location /x: proxy_pass http://10.0.0.1", "another server"),
        ("location /x { fastcgi_pass 10.0.0.1:9000; }", "in location /x: fastcgi_pass 10.0.0.1:9000", "another server"),
        ("location /x { mirror /y; }", "in location /x: mirror /y", "to another address"),
        ("location = /x { stub_status; }", "in location = /x: stub_status", "what the server does"),
        ("location /x { dav_methods PUT; }", "in location /x: dav_methods PUT", "write files"),
        ("location /x { add_header X-A b; }", "in location /x: add_header X-A b", "all headers of the site"),
        ("location /x { sub_filter a b; }", "in location /x: sub_filter a b", "changes what the build wrote"),
        ("location = /x { return 200 $http_authorization; }", "in location = /x: return 200 $http_authorization",
         "keeps secret"),
        ("location = /x { return 200 ok; }", "in server: location = /x", "the build wrote another"),
        ("access_log /tmp/log;", "in server: access_log /tmp/log", "another log"),
        ("include /tmp/more/*.conf;", "in server: include /tmp/more/*.conf", "others can write"),
        ("resolver 8.8.8.8;", "in server: resolver 8.8.8.8", "the settings name no API"),
        ("listen 8081;", "in server: listen 8081", "another address"),
        ("server_tokens on;", "in server: server_tokens on", "version of nginx"),
    ],
)  # fmt: skip
def test_dangerous_directive_fails(line: str, directive: str, danger: str) -> None:
    """No request can guess where it is. The evidence names the file, the block and what happens."""
    verdict = changed(SITE, CARRIED, f"    {line}\n{CARRIED}")
    assert (verdict.outcome, verdict.severity) == ("fail", "major")
    assert [line for line in verdict.evidence if line.startswith(f"{SITE} {directive}") and danger in line], (
        verdict.evidence
    )
    assert max(map(len, verdict.evidence)) <= 160


def test_second_server_and_header_in_the_log_fail() -> None:
    """Each is reported once."""
    second = changed("serving/files.conf", "sendfile on;", "sendfile on; server { root /srv; }")
    assert [line for line in second.evidence if line.endswith(": server: it is a second server")]
    logged = changed("serving/logging.conf", '"$http_user_agent"', '"$http_user_agent" $http_cookie')
    assert [line for line in logged.evidence if line.endswith("it uses what a visitor's request keeps secret")]


def test_changed_and_lost_directives_are_found() -> None:
    """What decides about an answer is a fault. What only makes nginx slower is a minor one."""
    lost = changed("serving/security.conf", "server_tokens off;", "")
    assert lost.evidence == ("serving/security.conf: server_tokens off: the build wrote it, and it is gone",)
    slower = changed("serving/files.conf", "sendfile on;", "sendfile off;")
    assert (slower.evidence, slower.severity) == (
        ("serving/files.conf: sendfile off: the build wrote another",),
        "minor",
    )
    policy = verdict(FILES | {"policy/policy.conf": 'map $uri $built_policy { default ""; }'})
    assert (policy.outcome, policy.severity) == ("fail", "major")
    extra = verdict(FILES | POLICY | {"conf.d/extra.conf": "if ($http_x_a) { return 302 https://else.example; }"})
    assert len(extra.evidence) == 2


def test_file_that_was_written_after_the_start_fails() -> None:
    """The copy that prints its configuration has no such file."""
    late = verdict(FILES | POLICY, late=("/tmp/api/locations-1.conf",))  # noqa: S108
    assert late.evidence[0].startswith("/tmp/api/locations-1.conf: written after nginx has started")  # noqa: S108


def test_api_must_be_that_of_the_settings() -> None:
    """An IP address may stand in place of its name, as in /etc/hosts."""
    other = {name: text.replace("http://api:8000", "http://evil:8000") for name, text in API_FILES.items()}
    assert len(verdict(FILES | POLICY | other, api=API).evidence) == 2
    by_ip = {
        name: text.replace("$api_address http://api", "$api_address http://10.0.0.1")
        for name, text in API_FILES.items()
    }
    assert verdict(FILES | POLICY | by_ip, api=API).outcome == "pass"
    assert verdict(FILES | POLICY | API_FILES).outcome == "fail"


def test_nginx_that_prints_nothing_is_skipped() -> None:
    """Such as another server."""
    assert verdict({}).outcome == "skip"


def test_parser_reads_what_nginx_reads() -> None:
    """Quotes, escapes, variables in braces, comments, and blocks within blocks."""
    text = """a 'b; c' "d \\" { e"; # f;
    map $x $y { default "";  "~^/(?<z>.*)$"  ${z}w; }
    server { location ~ ^/[a-z]+\\.js$ { return 200 "x#y"; } if ($a ~ "}") { break; } }"""
    read = [(line.block, line.text) for line in parse_file("x.conf", text)]
    assert read == [
        ((), 'a b; c d \\" { e'),
        ((), "map $x $y"),
        (("map $x $y",), "default "),
        (("map $x $y",), "~^/(?<z>.*)$ ${z}w"),
        ((), "server"),
        (("server",), "location ~ ^/[a-z]+\\.js$"),
        (("server", "location ~ ^/[a-z]+\\.js$"), "return 200 x#y"),
        (("server",), "if ($a ~ } )"),
        (("server", "if ($a ~ } )"), "break"),
    ]
    assert parse("nginx: [warn] x\n# configuration file /etc/nginx/a.conf:\nuser b;\n")[0].file == "a.conf"
    assert parse("sh: nginx: not found") == []
