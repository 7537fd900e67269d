from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.checkouts import OTHER_OWNER, chown_tree, write_app
from tests.support.project import ProjectFactory, ProjectUnderTest

COMPILED = "/home/node/app/node_modules/.vite/compiled"
FAILING_REQUESTS = 3
"""The number of requests that the server answers with 503 before it serves."""
SERVER = f"""
import {{ createServer }} from 'node:http'
let requests = 0
createServer((request, response) => {{
  requests += 1
  if (requests > {FAILING_REQUESTS}) response.end(String(requests))
  else response.writeHead(503).end()
}}).listen(3000)
"""
FILES = {
    "package.json": json.dumps({"name": "slip", "private": True, "scripts": {"serve": "node server.mjs"}}),
    "package-lock.json": json.dumps({"name": "slip", "lockfileVersion": 3, "packages": {"": {"name": "slip"}}}),
    "server.mjs": SERVER,
}


@pytest.fixture
def project(new_project: ProjectFactory, tmp_path: Path) -> ProjectUnderTest:
    """The project of an app whose page is the number of requests so far, and which serves from the fourth on."""
    return new_project(APP_DIR=str(chown_tree(write_app(tmp_path / "slip", FILES))))


def owners_of_compiled_files(project: ProjectUnderTest) -> set[tuple[int, int]]:
    """Return uid and gid of the files that node has compiled and keeps next to the modules."""
    listing = project.engine.exec(
        f"{project.name}-dev", ["find", COMPILED, "-type", "f", "-exec", "ls", "-ln", "{}", ";"]
    )
    return {(int(line.split()[2]), int(line.split()[3])) for line in listing.output.splitlines()}


def test_dev_is_ready_with_the_first_page(project: ProjectUnderTest) -> None:
    """dev waits until the page is served and then asks for it once, because a browser waits for every request."""
    project.succeeds("dev", "--detach")
    assert project.get(role="dev").text == str(FAILING_REQUESTS + 2)


@pytest.mark.long  # test_files.py has the owners of all files
def test_compiled_files_of_node_are_kept_and_belong_to_the_owner(project: ProjectUnderTest) -> None:
    """node's compiled files are in the volume after a restart, and belong to the owner of the checkout."""
    project.succeeds("dev", "--detach")
    assert project.engine.exec(f"{project.name}-dev", ["npm", "--version"]).ok  # node keeps what it compiles for this
    assert owners_of_compiled_files(project) == {OTHER_OWNER}
    project.succeeds("stop")
    project.succeeds("dev", "--detach")
    assert owners_of_compiled_files(project) == {OTHER_OWNER}
