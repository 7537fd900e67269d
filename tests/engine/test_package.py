"""The package, as its users have it: the wheel in an environment of its own, called in repositories of their own."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from benchmarks.checkout import ROOT, VITE_VERSION
from docktasks import __version__
from docktasks.engine.client import DockerEngine
from tests.engine.test_matrix import TEMPLATES, new_app
from tests.support.checkouts import copy_checkout, make_repository, write_app
from tests.support.commands import clean_environ, run_command
from tests.support.package import Package

MAX_WHEEL_BYTES = 680_000
MAX_INSTALLED_BYTES = 25_000_000
PAGE = """<!doctype html>
<html lang="en">
  <head><meta charset="utf-8" /><title>Harbour</title></head>
  <body><h1>Harbour</h1><div id="app"></div><script type="module" src="/src/main.js"></script></body>
</html>
"""
SOURCE = {"index.html": PAGE, "src/main.js": "document.querySelector('#app').textContent = 'tide'\n"}
TASKS = """from docktasks.tasks import namespace as docker
from docktasks.tasks import run_prod
from invoke import Collection, task


@task
def verify(c):
    "Check the spelling."
    print("spelling:", c.config.spelling.language)


namespace = Collection(verify, docker=docker)
namespace.add_task(run_prod, name="release")
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The installed package, without a browser."""
    return Package(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def name() -> str:
    """A name in package.json that no other project has."""
    return f"hd-{secrets.token_hex(4)}"


def manifest(name: str) -> str:
    """Return the package.json of an app without a lock file."""
    scripts = {"dev": "vite", "build": "vite build"}
    return json.dumps({"name": name, "version": "0.3.0", "scripts": scripts, "devDependencies": {"vite": VITE_VERSION}})


@pytest.fixture(scope="module")
def repositories(
    engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory, package: Package, name: str
) -> Iterator[tuple[Path, Path]]:
    """Two repositories whose apps have the same name: one with git and a path with spaces, one without git."""
    parent = tmp_path_factory.mktemp("repositories")
    first = make_repository(write_app(parent / "my häfen", {"package.json": manifest(f"@acme/{name}"), **SOURCE}))
    web = {f"web/{path}": text for path, text in SOURCE.items()}
    second = write_app(parent / "second", {"web/package.json": manifest(f"@acme/{name}"), **web})
    yield first, second
    for folder in (first, second):
        package.succeeds("hello-dock", folder, "clean")
    assert not [tag for image in engine.images(name) for tag in image.tags]


def url_of(output: str) -> str:
    """Return the address that a task says to serve."""
    match = re.search(r"^Serving: (\S+)$", output, flags=re.MULTILINE)
    assert match, output
    return match.group(1)


def folder_bytes(folder: Path) -> int:
    """Return how many bytes the files of a folder have."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def test_wheel_and_installation_are_small(package: Package) -> None:
    """Nobody waits for a browser's driver that they do not use. The documents have both sizes."""
    wheel, installation = package.wheel.stat().st_size, folder_bytes(package.venv)
    assert wheel <= MAX_WHEEL_BYTES
    assert installation <= MAX_INSTALLED_BYTES
    assert documented("docs/CONTRIBUTING.md", r"The wheel has (\d+) kB\.") * 1_000 == pytest.approx(wheel, rel=0.05)
    mb = documented("docs/in-your-repository.md", r"An installation has (\d+) MB, ")
    assert mb * 1_000_000 == pytest.approx(installation, rel=0.05)


def documented(page: str, pattern: str) -> int:
    """Return the figure that a document has in a sentence."""
    (figure,) = re.findall(pattern, (ROOT / page).read_text())
    return int(figure)


def test_two_repositories_serve_at_the_same_time(package: Package, repositories: tuple[Path, Path], name: str) -> None:
    """Names and ports do not clash, nothing is written into a repository, and verify finds no fault."""
    first, second = repositories
    outputs = [package.succeeds("hello-dock", folder, "run-prod") for folder in repositories]
    urls = list(map(url_of, outputs))
    assert len(set(urls)) == 2
    assert f"The project acme-{name} is the app in {first}, so this one is called acme-{name}-" in outputs[1]
    assert re.search(r"! Port \d+ is in use by container \S+ .*, so run-prod takes port \d+\.", outputs[1])
    for url in urls:
        assert "<title>Harbour</title>" in httpx.get(url, trust_env=False).text
    verdicts = package.succeeds("hello-dock", first, "verify")
    assert " 0 failed" in verdicts
    assert " checks skipped: the extra browser is not installed: pip install 'hello-dock[browser]'" in verdicts
    git = run_command(["git", "status", "--porcelain", "--ignored"], first, clean_environ())
    assert git.output == ""
    assert {path.name for path in second.iterdir()} == {"web"}
    assert f"acme-{name}-prod " in package.succeeds("hello-dock", first / "src", "status")


def test_error_names_the_command(package: Package, tmp_path: Path) -> None:
    """What a user types next is what they typed before. There is no traceback."""
    assert "Did you mean run-prod?" in package.fails("hello-dock", tmp_path, "run-pord")
    assert "There is no Vite app in " in package.fails("hello-dock", tmp_path, "run-prod")
    for folder in ("a", "b"):
        write_app(tmp_path / folder, {"package.json": manifest("x"), **SOURCE})
    assert "--app=a, INVOKE_APP_DIR=a" in package.fails("hello-dock", tmp_path, "run-prod")
    assert "Start it: hello-dock run-prod" in package.succeeds("hello-dock", tmp_path, "--app=b", "status")
    assert "bench is not in the package." in package.fails("hello-dock", tmp_path, "bench")
    assert "pip install 'hello-dock[browser]'" in package.fails("hello-dock", tmp_path, "setup", "--browser")
    (tmp_path / "invoke.yaml").write_text("prod: [\n")
    assert "invoke.yaml cannot be read." in package.fails("hello-dock", tmp_path, "status")
    (tmp_path / "tasks.py").write_text("from docktasks.tasks import namespace\n")
    assert "invoke.yaml cannot be read." in package.fails("inv", tmp_path, "status")


def test_settings_of_the_repository_come_before_the_defaults(package: Package, tmp_path: Path) -> None:
    """The order is: our default, invoke.yaml, the app's file, the environment, a flag."""
    app = write_app(tmp_path / "shop", {"package.json": manifest("x"), **SOURCE})

    def published(*args: str, **env: str) -> str:
        output = package.succeeds("hello-dock", app, "--dry", "run-prod", "--no-build", *args, **env)
        match = re.search(r"--publish 127\.0\.0\.1:(\d+):80", output.replace("\\\n", ""))
        assert match, output
        return match[1]

    assert published() == "8080"
    (app / "invoke.yaml").write_text("prod: {host_port: 8181}\napp: {name: other}\n")
    assert published() == "8181"
    (app / "hello-dock.yaml").write_text("prod: {host_port: 8282}\n")
    assert published() == "8282"
    assert published(INVOKE_PROD_HOST_PORT="8383") == "8383"
    assert published("--port=8484", INVOKE_PROD_HOST_PORT="8383") == "8484"
    assert "INVOKE_PROD_HOST_PROT in the environment is not" in package.fails(
        "hello-dock", app, "status", INVOKE_PROD_HOST_PROT="1"
    )


def test_tasks_next_to_those_of_the_repository(package: Package, repositories: tuple[Path, Path]) -> None:
    """A tasks.py has the collection below a namespace, one task below another name, and a task of its own."""
    repository = repositories[0]
    files = {"tasks.py": TASKS, "invoke.yaml": "spelling: {language: en}\nprod: {host_port: 0}\n"}
    write_app(repository, files)
    try:
        listed = package.succeeds("inv", repository, "--list")
        names = re.findall(r"^  (\S+)", listed, flags=re.MULTILINE)
        assert names[:4] == ["release", "verify", "docker.dev", "docker.build-prod"]
        assert package.succeeds("inv", repository, "verify", INVOKE_SPELLING_LANGUAGE="de") == "spelling: de\n"
        assert "inv docker.npm -- install" in package.succeeds("inv", repository, "--help", "docker.npm")
        url = url_of(package.succeeds("inv", repository, "release", INVOKE_RUN_QUIET="1"))
        assert httpx.get(url, trust_env=False).status_code == 200
        assert " 0 failed" in package.succeeds("inv", repository, "docker.verify", "--group=container")
        assert "Build the app's own: inv docker.build-prod" in package.fails(
            "inv", repository, "docker.verify", "--image=x"
        )
    finally:
        for file in files:
            (repository / file).unlink()


def replace(path: Path, old: str, new: str) -> None:
    """Replace a text in a file, which has it."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.long  # tests/unit/housekeeping/test_starter.py has the same steps with a record of an earlier version
def test_init_of_a_later_version_updates_what_nobody_has_changed(package: Package, tmp_path: Path) -> None:
    """The wheels of two versions, one after the other. A changed file stays, and its difference is shown."""
    shop = write_app(tmp_path / "shop", {"package.json": manifest("shop"), **SOURCE})
    package.succeeds("hello-dock", shop, "init")
    with (shop / "Dockerfile.dev").open("a") as file:
        file.write("RUN mine\n")
    changed = (shop / "Dockerfile.dev").read_text()

    checkout = copy_checkout(tmp_path / "checkout")
    replace(checkout / "docktasks/__init__.py", f'"{__version__}"', '"99.1.0"')
    for name in ("Dockerfile", "Dockerfile.dev"):
        replace(checkout / name, "EXPOSE", "ENV NEW=1\nEXPOSE")
    (checkout / "docktasks/images/nginx/carry.sh").rename(checkout / "docktasks/images/nginx/new.sh")
    later = Package(tmp_path / "later", checkout)
    assert later.succeeds("hello-dock", shop, "--version") == "hello-dock 99.1.0\n"
    output = later.succeeds("hello-dock", shop, "init")
    assert [line for line in output.splitlines() if line.startswith(("updated", "written", "removed", "kept"))] == [
        "written: shop/.hello-dock/, 1 file",
        "removed: shop/.hello-dock/, 1 file",
        "updated: shop/Dockerfile",
        "kept: shop/Dockerfile.dev",
        "updated: shop/.github/workflows/hello-dock.yml",
    ]
    assert "kept: shop/Dockerfile.dev\n--- Dockerfile.dev (yours)\n+++ Dockerfile.dev (hello-dock 99.1.0)\n" in output
    assert {"-RUN mine", "+ENV NEW=1"} <= set(output.splitlines())
    assert "ENV NEW=1\nEXPOSE" in (shop / "Dockerfile").read_text()
    assert "hello-dock[browser]==99.1.0" in (shop / ".github/workflows/hello-dock.yml").read_text()
    assert (shop / "Dockerfile.dev").read_text() == changed
    assert not (shop / ".hello-dock/nginx/carry.sh").exists()
    assert "updated" not in later.succeeds("hello-dock", shop, "init")


@pytest.mark.long
@pytest.mark.usefixtures("chromium")
def test_browser_checks_run_with_the_extra(
    package: Package, repositories: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """With the extra, the gate and verify open the pages, and no check misses the browser."""
    with_browser = Package(tmp_path_factory.mktemp("browser"))
    with_browser.environ |= {name: package.environ[name] for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME")}
    with_browser.install(f"hello-dock[browser] @ {with_browser.wheel.as_uri()}")
    assert " in Chromium" in with_browser.succeeds("hello-dock", repositories[0], "run-prod")
    output = with_browser.succeeds("hello-dock", repositories[0], "verify", "--group=browser", "--only=browser.renders")
    assert "1 passed, 0 failed, 0 skipped" in output


@pytest.mark.long
@pytest.mark.parametrize("template", TEMPLATES)
def test_app_of_each_template_is_released_and_verified(package: Package, template: str, tmp_path: Path) -> None:
    """Each template of create-vite, called in the new app's folder, without a setting. No file of it changes."""
    app = make_repository(new_app(tmp_path, f"hd-{secrets.token_hex(4)}", template))
    try:
        assert httpx.get(url_of(package.succeeds("hello-dock", app, "run-prod")), trust_env=False).status_code == 200
        assert " 0 failed" in package.succeeds("hello-dock", app, "verify")
        assert run_command(["git", "status", "--porcelain"], app, clean_environ()).output == ""
    finally:
        package.succeeds("hello-dock", app, "clean")
