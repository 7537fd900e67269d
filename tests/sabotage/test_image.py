"""Images with something in them that must not be there, or without what must."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from docktasks.answers import Image
from tests.engine.support import Project
from tests.sabotage.spoil import Sabotage, add, image, is_caught

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
]  # fmt: skip


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: sabotage.name)
def test_sabotage_is_caught(spoiling: Project, origin: Image, sabotage: Sabotage, made: ExitStack) -> None:
    """Each fault fails the checks that are about it, and no other."""
    is_caught(spoiling, origin, sabotage, made)
