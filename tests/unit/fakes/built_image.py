"""An image as `invoke build-prod` makes it, and the verdicts of the image checks on it."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

from docktasks.background import Once
from docktasks.engine.models import Image
from docktasks.images.archive import MAP_COMMENT, Contents, File, Layer
from docktasks.secret_patterns import find_secrets
from docktasks.settings import Settings
from docktasks.verify import catalog
from docktasks.verify.checks.image.metadata import DECLARED
from docktasks.verify.registry import Verdict
from docktasks.verify.subject import Subject
from tests.unit.fakes.apps import ROOT, configured
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.image_archives import layer
from tests.unit.fakes.runner import Runner
from tests.unit.fakes.sites import compress
from tests.unit.fakes.subjects import project

OCI = "org.opencontainers.image"
BASE = "nginx:stable-alpine"
COMMIT = "0a1b2c3d" * 5
TEXT = b"a text that is long enough to shrink " * 20


def shipped(path: str, content: bytes = b"x", **changes: Any) -> File:
    """Return a file of the layers that our build made."""
    attributes: dict[str, Any] = {
        "mode": 0o644,
        "digest": hashlib.sha256(content).digest(),
        "content": content,
        "secrets": find_secrets(content),
        "source_maps": tuple(MAP_COMMENT.findall(content)),
    }
    return File(path, "file", len(content), **(attributes | changes))


SITE = [
    File("/srv/run", "link", mode=0o777),
    File("/srv/carried", "folder", mode=0o755),
    shipped("/srv/site/index.html", TEXT),
    shipped("/srv/site/index.html.gz", gzip.compress(TEXT)),
    shipped("/srv/br/index.html", compress(TEXT)),
    shipped("/srv/hashed/site/assets/index-Abcdef12.js"),
    shipped("/etc/nginx/nginx.conf", b"user nobody;"),
]


HISTORY: list[dict[str, Any]] = [
    {"created_by": "ADD rootfs.tar /"},
    {"created_by": "ENV NGINX_VERSION=1.30.7", "empty_layer": True},
    {"created_by": "COPY /out/image/ / # buildkit", "created": "2026-11-29T06:29:26Z"},
]


def _another_project() -> Settings:
    """Return the settings of a project that did not build the image."""
    settings = configured(ROOT)
    return replace(settings, app=replace(settings.app, name="another"))


@dataclass
class BuiltImage:
    """An image as `invoke build-prod` makes it. A test changes single fields."""

    user: str = "101:101"
    labels: dict[str, str] = field(
        default_factory=lambda: {
            f"{OCI}.title": "shop", f"{OCI}.version": "1.0.0", f"{OCI}.revision": COMMIT, f"{OCI}.base.name": BASE,
            "hello-dock.built-for": "hello-dock",
        }
    )  # fmt: skip
    environment: dict[str, str] = field(default_factory=lambda: {"NGINX_VERSION": "1.30.7", "PATH": "/usr/bin"})
    config: dict[str, Any] = field(
        default_factory=lambda: {
            "Entrypoint": ["/docker-entrypoint.sh"],
            **DECLARED,
        }
    )  # fmt: skip
    history: list[dict[str, Any]] = field(default_factory=lambda: [*HISTORY])
    files: list[File] = field(default_factory=lambda: [*SITE])
    layers_above: list[Layer] = field(default_factory=list)
    base_labels: dict[str, str] = field(default_factory=dict)
    base_environment: dict[str, str] = field(default_factory=dict)
    base_config: dict[str, Any] = field(default_factory=lambda: {"Entrypoint": ["/docker-entrypoint.sh"]})
    nginx: str = "nginx version: nginx/1.30.7\n"
    """What nginx would print as its version."""
    has_base: bool = True
    base_is_another: bool = False
    """True if the engine has another image under the name of the base."""
    base_name: str = BASE
    own_layers_are_known: bool = True
    base_created: str = ""
    base_digests: tuple[str, ...] = ()

    def verdict(self, check_id: str, settings: Settings | None = None, run: Runner | None = None) -> Verdict:
        """Return the verdict of one check. The default settings are those of a project that did not build the image."""
        layers = ("sha256:0", "sha256:1", *(f"sha256:above{number}" for number in range(len(self.layers_above))))
        image = Image("sha256:1", labels=self.labels, environment=self.environment, user=self.user, layers=layers)
        base_layers = ("sha256:moved",) if self.base_is_another else ("sha256:0",)
        base = Image("sha256:2", tags=(self.base_name,), labels=self.base_labels, layers=base_layers)
        base = replace(base, environment=self.base_environment, config=self.base_config)
        base = replace(base, created=self.base_created, digests=self.base_digests)
        images = {self.base_name: base} if self.has_base else {}
        images["node:lts-alpine"] = Image("sha256:3", tags=("node:lts-alpine",))
        engine = FakeEngine(images=images)
        subject = Subject("", project(engine, settings or _another_project(), run), None, image)
        passwd = shipped("/etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nnginx:x:101:101::/:\nother:x:102:0::/:\n")
        base_files = shipped("/etc/os-release"), shipped("/usr/bin/nginx", self.nginx.encode(), mode=0o755), passwd
        base_layer = layer(*base_files, ours=not self.own_layers_are_known)
        contents = Contents([base_layer, layer(*self.files), *self.layers_above], self.config, self.history)
        subject.contents = Once(lambda: contents)
        (verdict,) = catalog.run_checks(subject, catalog.select(only=[check_id]))
        return verdict

    def evidence(self, check_id: str, settings: Settings | None = None) -> tuple[str, ...]:
        """Return the faults that the check reports; none if it passes. It must not be skipped."""
        verdict = self.verdict(check_id, settings)
        assert verdict.outcome == ("fail" if verdict.evidence else "pass")
        return verdict.evidence


def with_labels(**changes: str) -> BuiltImage:
    """Return an image with these labels of the OCI specification."""
    labels = {f"{OCI}.{name.replace('_', '.')}": value for name, value in changes.items()}
    return BuiltImage(labels=BuiltImage().labels | labels)
