"""Images with something in them that must not be there, or without what must."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from docktasks.engine.client import DockerEngine
from docktasks.engine.models import Image
from docktasks.images.build import BASE_LABEL
from docktasks.verify.catalog import run_checks, select
from docktasks.verify.probes.image_archive import CAPABILITY
from tests.engine.support import Project, docker, new_name
from tests.sabotage.spoil import Sabotage, add, image, is_caught, subject_of
from tests.unit.fakes.image_archives import tar

# In two parts, so that nobody takes this file for a leak.
KEY = "-----BEGIN " + "PRIVATE KEY----- MIIEvQIBADANBgkqhkiG"
TOKEN = "npm_" + "a1B2" * 9


# An image with a program that gains a capability: what serves an app has nothing by which to make one.
TOOL = f"{new_name()}:tool"
CAN_BIND = bytes.fromhex("01000002 00040000 00000000 00000000 00000000")

SCRIPT = "hashed/site/assets/$(ls hashed/site/assets | grep js$ | head -n 1)"


def step(script: str) -> str:
    """A layer that a shell script makes, as root, in /srv."""
    return f"USER root\nWORKDIR /srv\nRUN {script}\nUSER 101:101"


SABOTAGES = [
    image("root", "USER root", "image.user"),
    image("root-by-number", "USER 0:101", "image.user"),
    image("user-by-name", "USER nginx", "image.user"),
    image("environment-file", add("/srv/site/.env"), "image.contents", "image.site"),
    image("environment-file-of-a-mode", add("/srv/site/.env.production"), "image.contents", "image.site"),
    image("npm-token", add("/etc/npm/.npmrc"), "image.contents"),
    image("node", add("/usr/bin/node"), "image.contents"),
    image("npm", add("/usr/local/bin/npm"), "image.contents"),
    image("lock-file", add("/app/package-lock.json"), "image.contents"),
    image("modules", add("/app/node_modules/vue/index.js"), "image.contents"),
    image("component", add("/app/src/App.vue"), "image.contents"),
    image("configuration", add("/app/vite.config.js"), "image.contents"),
    image("source-map", add("/srv/hashed/site/assets/index-12345678.js.map"), "image.contents", "image.site"),
    image("history", add("/srv/site/.git/config"), "image.contents", "image.site"),
    image("deleted-later", add("/srv/site/.env") + "\nUSER root\nRUN rm /srv/site/.env\nUSER 101", "image.contents",
          "image.waste"),
    image("command-in-a-shell", "CMD nginx -g 'daemon off;'", "image.command"),
    image("entrypoint-in-a-shell", "ENTRYPOINT exec nginx -g 'daemon off;'", "image.command"),
    image("signal-of-docker", "STOPSIGNAL SIGTERM", "image.stop-signal"),
    image("no-health-check", "HEALTHCHECK NONE", "image.health-check"),
    image("no-title", 'LABEL org.opencontainers.image.title=""', "image.labels"),
    # image.site says that it cannot be judged: which commit it was built from is not known
    image("a-branch-for-a-commit", "LABEL org.opencontainers.image.revision=main", "image.labels"),
    image("a-commit-of-elsewhere", f"LABEL org.opencontainers.image.revision={'0a1b' * 10}", "image.labels"),
    image("private-key", step(f"echo '{KEY}' >/etc/nginx/key.pem"), "image.secrets"),
    image("token-in-a-script", step(f"echo 'const a = \"{TOKEN}\"' >>{SCRIPT}"), "image.secrets", "image.site",
          "image.twins", "image.waste"),
    image("token-in-the-environment", f"ENV NPM_TOKEN={TOKEN}", "image.secrets"),
    image("password-in-the-history", "ARG FROM=https://me:" + "hunter2@example.com/\nRUN : $FROM", "image.secrets"),
    image("key-deleted-later", step(f"echo '{KEY}' >/etc/key") + "\nUSER root\nRUN rm /etc/key\nUSER 101",
          "image.secrets", "image.waste"),
    image("key-by-its-name", step("mkdir -p /root && echo >/root/.netrc"), "image.secrets"),
    image("token-in-a-large-file", step(f"{{ dd if=/dev/zero bs=1M count=3 | tr '\\0' ' '; echo {TOKEN}; }} >/opt/a"),
          "image.secrets", "image.size"),
    image("owned-by-nginx", step("chown 101:101 site/robots.txt"), "image.ownership", "image.waste"),
    image("writable-by-all", step("chmod 666 /etc/nginx/nginx.conf"), "image.ownership", "image.waste"),
    image("setuid", step("echo >/usr/bin/tool; chmod 4755 /usr/bin/tool"), "image.setuid"),
    image("capability", f"COPY --from={TOOL} /tool /usr/bin/tool", "image.setuid"),
    image("cache", step("mkdir -p /root/.npm/_cacache; echo >/root/.npm/_cacache/a"), "image.waste"),
    image("replaced", step("sed -i s/a/b/ /etc/nginx/nginx.conf"), "image.waste"),
    image("changed-page", step("sed -i s/hello/hullo/ site/index.html"), "image.site", "image.twins", "image.waste"),
    image("lost-file", step("rm site/robots.txt"), "image.site", "image.waste"),
    image("new-file", step("echo >site/new.txt"), "image.site"),
    image("brotli-of-another", step("cp br/favicon.svg br/index.html"), "image.twins", "image.waste"),
    image("gzip-cut-short", step("truncate -s 100 site/index.html.gz"), "image.twins", "image.waste"),
    image("beside-the-site", step("echo >notes.txt"), "image.size"),
    image("too-much", step("dd if=/dev/zero of=/opt/tool bs=1k count=30"), "image.size"),
    image("twin-of-nothing", step("echo >br/nothing.html"), "image.size"),
    image("no-base", 'LABEL org.opencontainers.image.base.name=""', "image.base"),
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def tool(engine: DockerEngine) -> Iterator[None]:
    """That image, imported from a tar as `setcap cap_net_bind_service=ep` leaves a file."""
    program = tarfile.TarInfo("tool")
    program.mode, program.pax_headers = 0o755, {CAPABILITY: CAN_BIND.decode("utf-8", "surrogateescape")}
    repository, _, tag = TOOL.partition(":")
    engine.client.api.import_image_from_data(tar(program), repository=repository, tag=tag)
    yield
    docker("image", "rm", TOOL)


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: sabotage.name)
def test_sabotage_is_caught(spoiling: Project, origin: Image, sabotage: Sabotage, made: ExitStack) -> None:
    """Each fault fails the checks that are about it, and no other."""
    is_caught(spoiling, origin, sabotage, made, groups=["image"])


def test_a_base_that_has_moved_on_is_no_fault(spoiling: Project, origin: Image) -> None:
    """The engine has another image by the base's name: what is said of our layers is skipped, with that reason."""
    spoiled = spoiling.engine.image(spoiling.stage(origin.tags[0], f"LABEL {BASE_LABEL}={TOOL}"))
    verdicts = list(run_checks(subject_of(spoiling, None, spoiled), select(["image"])))
    assert not [verdict for verdict in verdicts if verdict.outcome == "fail"]
    skipped = {verdict.check.id: verdict.evidence for verdict in verdicts if verdict.outcome == "skip"}
    assert skipped.keys() >= {f"image.{name}" for name in ("ownership", "setuid", "waste", "size", "twins", "secrets")}
    assert all(f"{TOOL} is another by now" in reason for (reason,) in skipped.values())
