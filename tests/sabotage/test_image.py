"""Sabotage of an image, which the checks see without running it."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from docktasks.engine.client import DockerEngine
from docktasks.engine.models import Image
from docktasks.images.build import BASE_LABEL, OCI
from docktasks.images.capabilities import CAPABILITY_HEADER
from docktasks.labels import INPUTS_LABEL, SOURCE_MAPS_LABEL
from docktasks.verify.catalog import run_checks, select
from tests.sabotage.faults import Sabotage, add, assert_caught, cases, image, subject_of
from tests.support.commands import docker
from tests.support.project import ProjectUnderTest, new_name
from tests.unit.fakes.image_archives import tar

# In two parts, so that no scanner takes this file for a leak.
KEY = "-----BEGIN " + "PRIVATE KEY----- MIIEvQIBADANBgkqhkiG"
TOKEN = "npm_" + "a1B2" * 9
WORD = "a1B2" * 9
BINARY_KEY = r"\060\202\004\275\002\001\000\060\015\006\011"
INLINE_MAP = "sourceMappingURL=data:application/json;base64,"


# An image with a program that gains a capability. It is imported, because the image of an app has no setcap.
TOOL = f"{new_name()}:tool"
CAN_BIND = bytes.fromhex("01000002 00040000 00000000 00000000 00000000")

SCRIPT = "hashed/site/assets/$(ls hashed/site/assets | grep js$ | head -n 1)"


def step(script: str) -> str:
    """A layer made by a shell script, which runs as root in /srv."""
    return f"USER root\nRUN cd /srv; {script}\nUSER 101:101"


SABOTAGES = [
    image("root", "USER root", "image.user"),
    image("root-by-number", "USER 0:101", "image.user"),
    image("user-without-a-group", "USER 4711", "image.user"),
    image("user-by-name", "USER nginx", "image.user"),
    image("environment-file", add("/srv/site/.env"), "image.contents", "image.site"),
    image("environment-file-of-a-mode", add("/srv/site/.env.production"), "image.contents", "image.site"),
    image("npm-token", add("/etc/npm/.npmrc"), "image.contents"),
    image("yarn-settings", add("/etc/npm/.yarnrc.yml"), "image.contents"),
    image("node", add("/usr/bin/node"), "image.contents"),
    image("npm", add("/usr/local/bin/npm"), "image.contents"),
    image("lock-file", add("/app/package-lock.json"), "image.contents"),
    image("modules", add("/app/node_modules/vue/index.js"), "image.contents"),
    image("component", add("/app/src/App.vue"), "image.contents"),
    image("configuration", add("/app/vite.config.js"), "image.contents"),
    image("no-program-for-the-health-check", step("rm /usr/bin/wget"), "image.contents"),
    image("second-server", add("/etc/nginx/site/second.conf"), "image.contents"),
    image("source-map", add("/srv/hashed/site/assets/index-12345678.js.map"), "image.contents", "image.site"),
    image("history", add("/srv/site/.git/config"), "image.contents", "image.site"),
    image("deleted-later", add("/srv/site/.env") + "\nUSER root\nRUN rm /srv/site/.env\nUSER 101", "image.contents",
          "image.leftovers"),
    image("command-in-a-shell", "CMD nginx -g 'daemon off;'", "image.declaration"),
    image("entrypoint-in-a-shell", "ENTRYPOINT exec nginx -g 'daemon off;'", "image.declaration"),
    image("signal-of-docker", "STOPSIGNAL SIGTERM", "image.declaration"),
    image("another-folder", "WORKDIR /srv", "image.declaration"),
    image("another-shell", 'SHELL ["/bin/sh", "-x", "-c"]', "image.declaration"),
    image("health-that-never-fails", "HEALTHCHECK CMD wget -q -O /dev/null http://127.0.0.1/ || exit 0",
          "image.declaration"),
    image("a-repository-of-elsewhere", f"LABEL {OCI}.source=https://git.example/else/where", "image.claims"),
    image("a-time-of-elsewhere", f"LABEL {OCI}.created=2019-01-01T00:00:00Z", "image.claims"),
    image("no-health-check", "HEALTHCHECK NONE", "image.declaration"),
    image("no-title", 'LABEL org.opencontainers.image.title=""', "image.labels"),
    image("empty-label", 'LABEL org.opencontainers.image.source=""', "image.labels"),
    image("a-branch-for-a-commit", "LABEL org.opencontainers.image.revision=main", "image.labels"),
    image("a-commit-of-elsewhere", f"LABEL org.opencontainers.image.revision={'0a1b' * 10}", "image.claims"),
    image("a-version-of-elsewhere", "LABEL org.opencontainers.image.version=99.9.9", "image.claims"),
    image("a-base-of-elsewhere", "LABEL org.opencontainers.image.base.name=alpine:3.20", "image.claims"),
    image("variables-of-elsewhere", f"LABEL {INPUTS_LABEL}=0a1b2c3d4e5f", "image.claims"),
    image("a-label-for-a-source-map", step("echo {} >site/a-1.js.map") + f"\nLABEL {SOURCE_MAPS_LABEL}=public",
          "image.claims", "image.contents", "image.site"),
    image("no-label-and-setuid", step("echo >/usr/bin/tool; chmod 4755 /usr/bin/tool")
          + '\nLABEL org.opencontainers.image.base.name=""', "image.base", "image.labels", "image.setuid"),
    image("a-commit-of-elsewhere-for-a-page", step("echo >site/new.txt")
          + f"\nLABEL org.opencontainers.image.revision={'0a1b' * 10}", "image.claims", "image.site"),
    image("private-key", step(f"echo '{KEY}' >/etc/nginx/key.pem"), "image.secrets"),
    image("token-in-a-script", step(f"echo 'const a = \"{TOKEN}\"' >>{SCRIPT}"), "image.secrets", "image.site",
          "image.precompressed", "image.leftovers"),
    image("token-in-the-environment", f"ENV NPM_TOKEN={TOKEN}", "image.secrets"),
    image("token-of-yarn", step(f"echo 'npmAuthToken: {WORD}' >/etc/nginx/yarn.yml"), "image.secrets"),
    image("old-token-of-npm", step(f"echo '_auth = {WORD}' >/etc/nginx/npm.conf"), "image.secrets"),
    image("docker-login", step("mkdir -p /root/.docker && echo {} >/root/.docker/config.json"), "image.secrets"),
    image("password-in-the-history", "ARG FROM=https://me:" + "hunter2@example.com/\nRUN : $FROM", "image.secrets"),
    image("key-deleted-later", step(f"echo '{KEY}' >/etc/key") + "\nUSER root\nRUN rm /etc/key\nUSER 101",
          "image.secrets", "image.leftovers"),
    image("token-in-an-argument", "ARG NPM_TOKEN=" + "hunter2pw\nRUN : $NPM_TOKEN", "image.secrets"),
    image("login-in-an-argument", "ARG DEPLOY_AUTH=" + "hunter2pw", "image.secrets"),
    image("health-of-nothing", "HEALTHCHECK CMD true", "image.declaration"),
    image("health-of-a-shell", 'HEALTHCHECK CMD ["exit", "0"]', "image.declaration"),
    image("token-in-a-setting", step("echo 'proxy_set_header Authorization \"Bearer " + "0123456789abcdef" * 2
          + "\";' >/etc/nginx/site/login.conf"), "image.secrets"),
    image("login-in-the-history", step("echo curl -u me:" + "hunter2pw https://a.example >/dev/null"), "image.secrets"),
    image("password-in-json", step("echo '{\"pass" + "word\": \"letmein\"}' >/etc/app.json"), "image.secrets"),
    image("password-in-json-of-the-site", step("echo '{\"pass" + "word\": \"hunter2\"}' >site/c.json"),
          "image.secrets", "image.site"),
    image("password-file", step("echo 'me:$apr1$abcdefgh$0123456789abcdefghijkl' >/etc/nginx/users"), "image.secrets"),
    image("password-file-by-its-name", step("echo me:x >/etc/nginx/.htpasswd"), "image.secrets"),
    image("key-in-binary-form", step(f"printf '{BINARY_KEY}%0400d' 0 >/etc/nginx/key"), "image.secrets"),
    image("login-by-a-name", "ENV NPM_AUTH=bWU6eA", "image.secrets"),
    image("password-by-a-name", "ENV MAIL_PWD=x", "image.secrets"),
    image("token-in-a-label", f"LABEL deploy=x:{TOKEN}", "image.secrets"),
    image("token-in-the-command", f'CMD ["nginx", "-g", "daemon off;", "{TOKEN}"]', "image.secrets"),
    image("key-by-its-name", step("mkdir -p /root && echo >/root/.netrc"), "image.secrets"),
    image("token-in-a-large-file", step(f"{{ dd if=/dev/zero bs=1M count=3 | tr '\\0' ' '; echo {TOKEN}; }} >/opt/a"),
          "image.secrets", "image.contents"),
    image("owned-by-nginx", step("chown 101:101 site/robots.txt"), "image.ownership", "image.leftovers"),
    image("writable-by-all", step("chmod 666 /etc/nginx/nginx.conf"), "image.ownership", "image.leftovers"),
    image("for-everybody", step("chmod 1777 hashed"), "image.ownership"),
    image("backup", step("cp site/robots.txt site/robots.txt.bak"), "image.contents", "image.site"),
    image("backup-of-the-configuration", step("cp /etc/nginx/nginx.conf /etc/nginx/nginx.conf~"), "image.contents"),
    image("source-in-a-script", step(f"echo '//# {INLINE_MAP}{WORD}{WORD}' >>{SCRIPT}"),
          "image.contents", "image.site", "image.precompressed", "image.leftovers"),
    image("second-site", step("mkdir -p /var/www && echo hi >/var/www/index.html"), "image.contents"),
    image("setuid", step("echo >/usr/bin/tool; chmod 4755 /usr/bin/tool"), "image.setuid"),
    image("capability", f"COPY --from={TOOL} /tool /usr/bin/tool", "image.setuid"),
    image("cache", step("mkdir -p /root/.npm/_cacache; echo >/root/.npm/_cacache/a"), "image.leftovers"),
    image("replaced", step("sed -i s/a/b/ /etc/nginx/nginx.conf"), "image.leftovers"),
    image("changed-page", step("sed -i s/hello/hullo/ site/index.html"), "image.site",
          "image.precompressed", "image.leftovers"),
    image("lost-file", step("rm site/robots.txt"), "image.site", "image.leftovers"),
    image("new-file", step("echo >site/new.txt"), "image.site"),
    image("brotli-of-another", step("cp br/favicon.svg br/index.html"), "image.precompressed", "image.leftovers"),
    image("gzip-cut-short", step("truncate -s 100 site/index.html.gz"), "image.precompressed", "image.leftovers"),
    image("next-to-the-site", step("echo >notes.txt"), "image.contents"),
    image("too-much", step("dd if=/dev/zero of=/opt/tool bs=1k count=30"), "image.contents"),
    image("gzip-with-a-second-part", step("gzip -c site/index.html >>site/index.html.gz"),
          "image.precompressed", "image.leftovers"),
    image("compressed-copy-of-nothing", step("echo >br/nothing.html"), "image.precompressed"),
    image("dockerfile", add("/app/Dockerfile"), "image.contents"),
    image("settings-of-an-editor", add("/srv/app/.vscode/settings.json"), "image.contents"),
    image("program-of-another", step("cp /bin/true /usr/local/bin/tool"), "image.contents"),
    image("another-port", "EXPOSE 8081", "image.declaration"),
    image("another-library", "ENV LD_PRELOAD=/tmp/x.so", "image.declaration"),
    image("volume", "VOLUME /data", "image.declaration"),
    image("group-of-root", "USER 101:0", "image.user"),
    image("digest-of-elsewhere", f"LABEL org.opencontainers.image.base.digest=sha256:{'0a1b' * 16}", "image.claims"),
    image("key-in-base64", step(f"echo 'tls: LS0tLS1CRUdJTiBQUk{'lWQVRFIEtFWS0tLS0tCk1JSUV2'}' >/etc/values.yaml"),
          "image.secrets"),
    image("login-in-the-configuration", step(f"echo '# \"Bas{'ic'} {WORD}\"' >>/etc/nginx/nginx.conf"),
          "image.secrets", "image.leftovers"),
    image("base-without-a-tag", "LABEL org.opencontainers.image.base.name=hello-dock-base-nginx", "image.base",
          "image.claims"),
    image("old-nginx", step("printf '#!/bin/sh\\necho nginx version: nginx/1.28.0 >&2\\n' >/usr/sbin/nginx"),
          "image.nginx-version", "image.contents"),
    image("version-that-lies", "ENV NGINX_VERSION=1.31.9", "image.nginx-version"),
    image("no-base", 'LABEL org.opencontainers.image.base.name=""', "image.base", "image.labels"),
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def tool(engine: DockerEngine) -> Iterator[None]:
    """The image TOOL, with a file as `setcap cap_net_bind_service=ep` leaves it."""
    program = tarfile.TarInfo("tool")
    program.mode, program.pax_headers = 0o755, {CAPABILITY_HEADER: CAN_BIND.decode("utf-8", "surrogateescape")}
    repository, _, tag = TOOL.partition(":")
    engine.client.api.import_image_from_data(tar(program), repository=repository, tag=tag)
    yield
    docker("image", "rm", TOOL)


@pytest.mark.parametrize("sabotage", cases(SABOTAGES))
def test_sabotage_is_caught(
    sabotaged_project: ProjectUnderTest, built_image: Image, sabotage: Sabotage, cleanup: ExitStack
) -> None:
    """Exactly the expected checks fail."""
    assert_caught(sabotaged_project, built_image, sabotage, cleanup, groups=["image"])


def test_moved_tag_of_the_base_leaves_no_check_out(sabotaged_project: ProjectUnderTest, built_image: Image) -> None:
    """The engine has another image under the name of the base. The step of the build shows the own layers."""
    staged_project = sabotaged_project.stage(built_image.tags[0], f"LABEL {BASE_LABEL}={TOOL}")
    subject = subject_of(sabotaged_project, None, sabotaged_project.engine.image(staged_project))
    verdicts = {verdict.check.id: verdict for verdict in run_checks(subject, select(["image"]))}
    assert not [verdict for verdict in verdicts.values() if verdict.outcome == "skip"]
    assert verdicts["image.claims"].evidence[0].startswith(f"{BASE_LABEL} is {TOOL}, but the image has other layers")
