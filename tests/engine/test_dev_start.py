from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import NewProject
from tests.engine.apps import OWNER, own, write_app
from tests.engine.support import Project

COMPILED = "/home/node/app/node_modules/.vite/compiled"
NOT_YET = 3
SERVER = f"""
import {{ createServer }} from 'node:http'
let asked = 0
createServer((request, response) => {{
  asked += 1
  if (asked > {NOT_YET}) response.end(String(asked))
  else response.writeHead(503).end()
}}).listen(3000)
"""
FILES = {
    "package.json": json.dumps({"name": "slip", "private": True, "scripts": {"serve": "node server.mjs"}}),
    "package-lock.json": json.dumps({"name": "slip", "lockfileVersion": 3, "packages": {"": {"name": "slip"}}}),
    "server.mjs": SERVER,
}


@pytest.fixture
def project(new_project: NewProject, tmp_path: Path) -> Project:
    """An app that says how often it was asked, and serves from the fourth time on."""
    return new_project(APP_DIR=str(own(write_app(tmp_path / "slip", FILES))))


def compiled(project: Project) -> set[tuple[int, int]]:
    """Owners of what node compiled and keeps beside the modules."""
    listed = project.engine.exec(
        f"{project.name}-dev", ["find", COMPILED, "-type", "f", "-exec", "ls", "-ln", "{}", ";"]
    )
    return {(int(line.split()[2]), int(line.split()[3])) for line in listed.output.splitlines()}


def test_ready_is_the_first_page(project: Project) -> None:
    """dev waits until the page is served, and has asked for it once then: each more is one that a browser waits for."""
    project.does("dev", "--detach")
    assert project.page(role="dev").text == str(NOT_YET + 2)


def test_what_node_compiled_is_there_the_next_time(project: Project) -> None:
    """It is in the volume, and its files are the checkout's owner's."""
    project.does("dev", "--detach")
    assert project.engine.exec(f"{project.name}-dev", ["npm", "--version"]).ok  # which has node keep it
    assert compiled(project) == {OWNER}
    project.does("stop")
    project.does("dev", "--detach")
    assert compiled(project) == {OWNER}
