"""Engines with one of the two image stores, and a small app for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from docktasks.engine.client import DockerEngine
from tests.support.project import ProjectUnderTest

BUILD_JS = """import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'

const script = readFileSync('raft.js')
const name = `assets/raft-${createHash('sha256').update(script).digest('hex').slice(0, 8)}.js`
mkdirSync('dist/assets', { recursive: true })
writeFileSync(`dist/${name}`, script)
writeFileSync('dist/index.html', readFileSync('index.html', 'utf8').replace('raft.js', name))
"""
RAFT = {
    "package.json": json.dumps({
        "name": "raft", "version": "0.1.0", "private": True, "type": "module", "scripts": {"build": "node build.js"},
    }),
    "build.js": BUILD_JS,
    "raft.js": "document.body.append('An app without packages. '.repeat(40))\n",
    "index.html": '<!doctype html><html lang="en"><title>Raft</title><script type="module" src="/raft.js"></script>\n',
}  # fmt: skip


@dataclass
class Store:
    """An engine with one of the image stores; `host` is its address, `prefix` enters its network."""

    engine: DockerEngine
    host: str = ""
    prefix: tuple[str, ...] = ()

    def project(self, checkout: Path, app: Path) -> ProjectUnderTest:
        """Return a project of the app on this engine."""
        project = ProjectUnderTest(self.engine, checkout, APP_DIR=str(app)).with_prefix(*self.prefix)
        project.environ |= {"DOCKER_HOST": self.host} if self.host else {}
        return project
