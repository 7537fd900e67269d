"""For every check something really broken that it must catch: an image with a layer too much, a container let loose."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from invoke.config import Config

from docktasks import containers, ports, settings
from docktasks.answers import Container, Image
from docktasks.checks import REGISTRY, all_checks, judge
from docktasks.checks.subject import Subject
from docktasks.engine import Engine
from docktasks.probes import Probe, answers, wait_until
from tests.engine.support import ROOT, Project, docker, free_port

HTTP = {
    "http.files", "http.deep-link", "http.missing", "http.cache-policy", "http.security-headers", "http.encoding",
}  # fmt: skip


@dataclass(frozen=True)
class Sabotage:
    """One fault, and exactly the checks that must fail: a Dockerfile `layer`, or options of `docker container run`."""

    name: str
    fails: frozenset[str]
    layer: str = ""
    without: tuple[str, ...] = ()
    plus: tuple[str, ...] = ()
    runs: bool = True


def image(name: str, layer: str, *fails: str) -> Sabotage:
    """A fault that is seen without running the image."""
    return Sabotage(name, frozenset(fails), layer, runs=False)


def run(name: str, *fails: str, without: tuple[str, ...] = (), plus: tuple[str, ...] = ()) -> Sabotage:
    """A fault of how the container is run."""
    return Sabotage(name, frozenset(fails), "", without, plus)


def site(name: str, script: str, *fails: str) -> Sabotage:
    """A fault in what is served, made by a shell script in the image."""
    return Sabotage(name, frozenset(fails), f"USER root\nRUN cd /etc/nginx/serving; set -e; {script}\nUSER 101:101")


def add(path: str) -> str:
    """A layer with one more file."""
    return f"USER root\nRUN mkdir -p $(dirname {path}) && echo content >{path}\nUSER 101:101"


HASHED = "/srv/hashed"
NAMED = "$(cd /srv/hashed/site/assets; ls -S *.{kind} | {which})"
LARGEST = NAMED.format(kind="js", which="head -n 1")
SMALLEST = NAMED.format(kind="js", which="tail -n 1")
STYLE = NAMED.format(kind="css", which="head -n 1")

SABOTAGES = [
    image("root", "USER root", "image.user"),
    image("root-by-number", "USER 0:101", "image.user"),
    image("user-by-name", "USER nginx", "image.user"),
    image("environment-file", add("/srv/site/.env"), "image.contents"),
    image("environment-file-of-a-mode", add("/srv/site/.env.production"), "image.contents"),
    image("npm-token", add("/etc/npm/.npmrc"), "image.contents"),
    image("node", add("/usr/bin/node"), "image.contents"),
    image("npm", add("/usr/local/bin/npm"), "image.contents"),
    image("lock-file", add("/app/package-lock.json"), "image.contents"),
    image("modules", add("/app/node_modules/vue/index.js"), "image.contents"),
    image("component", add("/app/src/App.vue"), "image.contents"),
    image("configuration", add("/app/vite.config.js"), "image.contents"),
    image("source-map", add("/srv/hashed/site/assets/index-12345678.js.map"), "image.contents"),
    image("history", add("/srv/site/.git/config"), "image.contents"),
    image("deleted-later", add("/srv/site/.env") + "\nUSER root\nRUN rm /srv/site/.env\nUSER 101", "image.contents"),
    run("everywhere", "container.loopback", without=("--publish",), plus=("--publish", "0.0.0.0::80")),
    run("everywhere-by-default", "container.loopback", without=("--publish",), plus=("--publish", "80")),
    run("also-everywhere", "container.loopback", plus=("--publish", "0.0.0.0::80")),
    run("capabilities", "container.unprivileged", without=("--cap-drop",)),
    run("one-capability", "container.unprivileged", plus=("--cap-add", "NET_BIND_SERVICE")),
    run("new-privileges", "container.unprivileged", without=("--security-opt",)),
    run("privileged", "container.unprivileged", plus=("--privileged",)),
    Sabotage("user-0", frozenset({"container.unprivileged"}),
             "USER root\nRUN sed -i '1i user root;' /etc/nginx/nginx.conf\nUSER 101:101",
             without=("--tmpfs",), plus=("--user", "0:0", "--tmpfs", "/tmp")),  # noqa: S108 - the container's own
    run("writable", "container.read-only", without=("--read-only",)),
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


@pytest.fixture(scope="session")
def origin(good: Project) -> Image:
    """The good image, to be spoiled."""
    found = good.engine.image(good.image)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def spoiling(engine: Engine, checkout: Path, good: Project) -> Iterator[Project]:
    """One project for all: each sabotage takes its name from the one before."""
    project = Project(engine, checkout)
    project.stage(good.image)
    yield project
    project.end()


@pytest.fixture
def made() -> Iterator[contextlib.ExitStack]:
    """Whatever is made is removed."""
    with contextlib.ExitStack() as stack:
        yield stack


def start(project: Project, sabotage: Sabotage, made: contextlib.ExitStack) -> Container:
    """Run an image as run-prod does, but for what the sabotage changes, and wait until it answers."""
    config = Config(project_location=ROOT)
    config.load_project()
    given = {section: dict(config[section]) for section in settings.SECTIONS}
    found = settings.load(ROOT, given, {}, {})
    found = replace(found, app=replace(found.app, name=project.name))
    release = containers.Release(Image(project.image))
    args = containers.prod_args(found, "prod", release, ports.Bind(0).args(80), project.engine.api)
    for option in sabotage.without:
        place = args.index(option)
        del args[place : place + (1 if option == "--read-only" else 2)]
    made.callback(docker, "container", "rm", "--force", found.container("prod"))
    docker(*args[1:-1], *sabotage.plus, project.image)

    def look() -> Probe:
        container = project.container()
        assert container.state == "running", project.engine.logs(container.name)
        answer = answers(container.url)
        return Probe(answer.ready or " answers " in answer.status)

    looked = wait_until(look, limit=20, interval=0.02)
    print(*project.logs())
    assert looked.ready, looked.status
    return project.container()


def failed(subject: Subject) -> dict[str, tuple[str, ...]]:
    """The checks that fail, with their evidence."""
    verdicts = list(judge(subject, all_checks()))
    if subject.url:
        subject.client.close()
    return {verdict.check.id: verdict.evidence for verdict in verdicts if verdict.outcome == "fail"}


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: sabotage.name)
def test_sabotage_is_caught(spoiling: Project, good: Project, sabotage: Sabotage, made: contextlib.ExitStack) -> None:
    """Each fault fails the checks that are about it, and no other."""
    spoiled = good.engine.image(spoiling.stage(good.image, sabotage.layer))
    assert spoiled is not None
    container = start(spoiling, sabotage, made) if sabotage.runs else None
    subject = Subject(container.url if container else "", good.engine, container, spoiled)
    evidence = failed(subject)
    assert evidence.keys() == sabotage.fails, evidence
    assert all(evidence.values())


def test_nothing_answers(good: Project, origin: Image) -> None:
    """Where nobody listens, every check of what a user gets fails, and says that nothing answers."""
    evidence = failed(Subject(f"http://127.0.0.1:{free_port()}", good.engine, None, origin))
    assert evidence.keys() == HTTP
    assert all("does not answer" in lines[0] for lines in evidence.values())


def test_healthy_release_passes_everything(spoiling: Project, good: Project, made: contextlib.ExitStack) -> None:
    """A good build, run as run-prod runs it, fails no check, and none is skipped."""
    spoiling.stage(good.image)
    container = start(spoiling, Sabotage("none", frozenset()), made)
    subject = Subject(container.url, good.engine, container, good.engine.image(spoiling.image))
    outcomes = {verdict.check.id: (verdict.outcome, verdict.evidence) for verdict in judge(subject, all_checks())}
    subject.client.close()
    assert outcomes == dict.fromkeys(REGISTRY, ("pass", ()))


def test_every_check_has_a_sabotage() -> None:
    """A check that nothing here makes fail proves nothing: each registered one has a sabotage, and no id is unknown."""
    caught = {name for sabotage in SABOTAGES for name in sabotage.fails}
    assert caught == {check.id for check in all_checks()}
    assert all(sabotage.fails for sabotage in SABOTAGES)
