from __future__ import annotations

import pytest

from docktasks import checks
from docktasks.answers import Image
from docktasks.checks.subject import Entry, Subject

SHIPPED = [
    "/srv/site/index.html",
    "/srv/site/assets/index-1a.js",
    "/srv/site/assets/index-1a.js.gz",
    "/srv/site/env.js",
    "/srv/site/nodes/a.svg",
    "/etc/nginx/nginx.conf",
    "/usr/share/nginx/modules",
    "/etc/environment",
]


def judged(name: str, user: str = "101:101", *extra: str) -> tuple[str, tuple[str, ...]]:
    """Outcome and evidence of one check on an image."""
    subject = Subject("", None, None, Image("sha256:1", user=user))
    subject.entries = [*(Entry(path, 0) for path in SHIPPED), *(Entry(path, 1) for path in extra)]
    wanted = [check for check in checks.all_checks() if check.id == name]
    (verdict,) = checks.judge(subject, wanted)
    return verdict.outcome, verdict.evidence


@pytest.mark.parametrize("user", ["101", "101:101", "65532:0"])
def test_a_numeric_user_passes(user: str) -> None:
    """An orchestrator can see that it is not root."""
    assert judged("image.user", user) == ("pass", ())


@pytest.mark.parametrize(
    ("user", "evidence"),
    [
        ("", "USER is not set, so root: a name cannot be judged without running the image"),
        ("nginx", "USER is nginx: a name cannot be judged without running the image"),
        ("0", "USER is 0, root"),
        ("0:101", "USER is 0, root"),
        ("root", "USER is root: a name cannot be judged without running the image"),
    ],
)
def test_root_or_a_name_fails(user: str, evidence: str) -> None:
    """A name may be root's in another /etc/passwd."""
    assert judged("image.user", user) == ("fail", (evidence,))


def test_what_serves_the_app_passes() -> None:
    """Neither a site's own files nor nginx's look like source."""
    assert judged("image.contents") == ("pass", ())


@pytest.mark.parametrize(
    "path",
    [
        "/usr/local/bin/node",
        "/usr/local/bin/npm",
        "/app/package.json",
        "/app/package-lock.json",
        "/app/yarn.lock",
        "/app/node_modules/vue/index.js",
        "/srv/site/assets/index-1a.js.map",
        "/app/src/App.vue",
        "/app/src/main.ts",
        "/app/src/main.tsx",
        "/app/vite.config.js",
        "/app/.env",
        "/app/.env.production",
        "/app/.npmrc",
        "/app/.git/config",
    ],
)
def test_what_belongs_to_the_builder_fails(path: str) -> None:
    """Tools, source, lock files, secrets and source maps, with the layer they are in."""
    assert judged("image.contents", "101", path) == ("fail", (f"{path} (layer 2)",))
