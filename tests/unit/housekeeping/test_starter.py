"""The files that `init` writes, and those that it leaves alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from docktasks.app import repository
from docktasks.app.project import Project
from docktasks.errors import AppError
from docktasks.housekeeping import starter
from docktasks.images import own_files
from docktasks.images.own_files import RECORD
from tests.support.checkouts import make_repository
from tests.unit.fakes.apps import ROOT, configured, make_app
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.runner import Runner

OWN = ["Dockerfile", "Dockerfile.dev", ".dockerignore", ".devcontainer/devcontainer.json", "tasks.py", "noxfile.py"]
OWN += [".github/workflows/hello-dock.yml"]


def project(root: Path, *, dry: bool = False, **settings: str) -> Project:
    """Return the project of a repository whose app is in its root, unless `app_dir` names another folder."""
    changes = {"app_dir": ".", "app_name": "shop", **settings}
    return Project(Runner(dry=dry), FakeEngine(), configured(root, **changes))


def init(root: Path, **settings: str) -> str:
    """Call `init`, and return all that it says."""
    return "\n".join(starter.init(project(root, dry=False, **settings)))


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A repository without git that is a Vite app."""
    return make_app(tmp_path / "shop", name="shop", scripts={"dev": "vite", "build": "vite build"})


def test_every_file_is_written_once(shop: Path) -> None:
    """The second call has nothing to do."""
    output = init(shop)
    assert [name for name in OWN if f"written: shop/{name}\n" in f"{output}\n"] == OWN
    assert (shop / ".hello-dock/nginx/nginx.conf").read_bytes() == (
        ROOT / "docktasks/images/nginx/nginx.conf"
    ).read_bytes()
    assert (shop / ".hello-dock/nginx/assemble.mjs").read_text().startswith("/* eslint-disable ")
    before = {path: path.read_bytes() for path in shop.rglob("*") if path.is_file()}
    assert init(shop).startswith("Nothing to do: ")
    assert {path: path.read_bytes() for path in shop.rglob("*") if path.is_file()} == before


def test_dockerfiles_need_nothing_of_this_checkout(shop: Path) -> None:
    """They build the repository itself, with the scripts next to them."""
    init(shop)
    for name in ("Dockerfile", "Dockerfile.dev"):
        text = (shop / name).read_text()
        assert "docktasks" not in text
        assert re.findall(r"(?m)^COPY (?!--from)(\S+)", text) == [
            f".hello-dock/{folder}/" for folder in ("nginx", "node") if name == "Dockerfile" or folder == "node"
        ]
    assert "ARG APP_DIR=.\n" in (shop / "Dockerfile").read_text()
    command = "sh /tools/node/install.sh npm '' mounted && exec npm run dev -- --host 0.0.0.0 --port 3000 --strictPort"
    assert f"CMD {json.dumps(['sh', '-c', command])}\n" in (shop / "Dockerfile.dev").read_text()


def test_settings_become_the_defaults_of_the_dockerfile(shop: Path) -> None:
    """Plain Docker has no other way to know them. What belongs to one call stays out."""
    (shop / "package-lock.json").unlink()
    (shop / "pnpm-lock.yaml").write_text("lockfileVersion: '9.0'\n")
    changes = {"prod_csp_sources": "script-src 'unsafe-eval'", "build_mode": "staging", "app_dist": "out"}
    init(shop, **changes, build_env='REGION=eu "NODE_OPTIONS=--a $b" TOKEN', bases_node_image="node:22-alpine")
    defaults = own_files.argument_defaults((shop / "Dockerfile").read_text())
    names = ("MANAGER", "MANAGER_PACKAGE", "DIST_DIR", "NODE_IMAGE", "HELLO_DOCK_CSP_SOURCES", "SECRETS", "TITLE")
    assert [defaults[name] for name in names] == [
        "pnpm", "pnpm@10", "out", "node:22-alpine", "script-src 'unsafe-eval'", "", "shop",
    ]  # fmt: skip
    text = (shop / "Dockerfile").read_text()
    assert r'''INSTALL_ENV="export REGION=eu; export NODE_OPTIONS='--a \$b'"''' in text
    assert r'\"mode\":\"staging\"}"' in text


def test_app_of_a_workspace_is_built_from_its_root(tmp_path: Path) -> None:
    """Docker's files are in the root, and the tasks know the folder of the app."""
    root = make_app(tmp_path / "mono", workspaces=["apps/*"])
    make_app(root / "apps/admin", name="admin", devDependencies={"vite": "8"})
    make_app(root / "apps/web", name="web", scripts={"dev": "vite", "build": "vite build"})
    init(root, app_dir="apps/web")
    assert "PATH_IN_ROOT=apps/web" in (root / "Dockerfile").read_text()
    assert " && cd apps/web && exec npm run dev " in (root / "Dockerfile.dev").read_text()
    assert "/apps/web/dist\n" in (root / ".dockerignore").read_text()
    assert (root / "invoke.yaml").read_text() == 'app:\n  dir: "apps/web"\n'


def test_workflow_is_in_the_repositorys_root(tmp_path: Path) -> None:
    """The app may be in a folder of a git repository."""
    (tmp_path / ".git").mkdir()
    init(make_app(tmp_path / "web"))
    text = (tmp_path / ".github/workflows/hello-dock.yml").read_text()
    assert 'working-directory: "web"' in text
    assert "FOLDER" not in text
    assert "VERSION" not in text


@pytest.mark.parametrize("name", ["Dockerfile", "tasks.py", ".github/workflows/hello-dock.yml"])
def test_file_of_the_repository_stays_and_its_difference_is_shown(shop: Path, name: str) -> None:
    """Nothing is lost, in the first call and in later ones."""
    (shop / name).parent.mkdir(parents=True, exist_ok=True)
    (shop / name).write_text("# mine\n")
    for _ in range(2):
        output = init(shop)
        assert f"kept: shop/{name}\n--- {name} (yours)\n" in output
        assert "\n-# mine\n" in output
        assert (shop / name).read_text() == "# mine\n"
    assert ("! Dockerfile stays as it is" in output) is (name == "Dockerfile")
    assert own_files.own_file(shop, name) is None


def test_later_version_updates_only_what_nobody_changed(shop: Path) -> None:
    """A file is untouched when it has the hash that was recorded, also with the ends of lines of Windows."""
    init(shop)
    record = json.loads((shop / RECORD).read_text())
    old = "# of an earlier version\n"
    for name in ("Dockerfile", "tasks.py", ".hello-dock/nginx/gone.conf", ".hello-dock/nginx/changed.conf"):
        (shop / name).write_text(old)
        record["files"][name] = starter._digest(old.encode())  # noqa: SLF001
    (shop / RECORD).write_text(json.dumps(record))
    (shop / "tasks.py").write_bytes(b"# of an earlier version\r\n")
    (shop / "Dockerfile").write_text(f"{old}RUN mine\n")
    (shop / ".hello-dock/nginx/changed.conf").write_text("mine")
    output = init(shop)
    assert "updated: shop/tasks.py\n" in output
    assert "kept: shop/Dockerfile\n" in output
    assert "! Dockerfile stays" not in output  # the tasks build by it
    assert "removed: shop/.hello-dock/, 1 file\n" in output
    assert "not needed any more: shop/.hello-dock/nginx/changed.conf\n" in output
    assert (shop / "tasks.py").read_text().startswith('"""The tasks of hello-dock')
    assert (shop / "Dockerfile").read_text() == f"{old}RUN mine\n"
    assert not (shop / ".hello-dock/nginx/gone.conf").exists()
    assert (shop / ".hello-dock/nginx/changed.conf").read_text() == "mine"


def test_removed_file_stays_away(shop: Path) -> None:
    """Somebody did not want it. What the Dockerfile needs comes back."""
    init(shop)
    (shop / "noxfile.py").unlink()
    (shop / ".hello-dock/node/install.sh").unlink()
    assert "removed by you: shop/noxfile.py\n" in init(shop)
    assert not (shop / "noxfile.py").exists()
    assert (shop / ".hello-dock/node/install.sh").is_file()


def test_ignore_file_that_hides_the_scripts_is_named(shop: Path) -> None:
    """A build would not find them."""
    (shop / ".dockerignore").write_text(".*\n")
    assert "! .dockerignore keeps .hello-dock out of the build. Add at its end: !.hello-dock" in init(shop)


def test_files_are_the_same_on_every_machine(shop: Path) -> None:
    """A name that another app has on this machine gets a suffix there, which no file has."""
    suffix = repository._suffix(shop)  # noqa: SLF001
    output = init(shop, app_name=f"shop{suffix}")
    assert "--tag shop:prod" in output
    assert suffix not in output + (shop / "Dockerfile").read_text()
    assert init(shop).startswith("Nothing to do: ")


def test_folder_that_python_writes_is_named_where_git_does_not_ignore_it(shop: Path) -> None:
    """It would be in the next commit."""
    assert "__pycache__" not in init(shop)
    make_repository(shop)
    assert "Add a line to .gitignore: __pycache__/" in init(shop)
    (shop / ".gitignore").write_text("__pycache__/\n")
    assert "__pycache__" not in init(shop)


def test_dry_run_writes_nothing(shop: Path) -> None:
    """It says what would be written."""
    before = sorted(shop.rglob("*"))
    output = "\n".join(starter.init(project(shop, dry=True)))
    assert "written: shop/Dockerfile\n" in output
    assert sorted(shop.rglob("*")) == before


@pytest.mark.parametrize("text", ["{", "[]", '{"files": 3}'])
def test_damaged_record_is_an_error(shop: Path, text: str) -> None:
    """Without it nobody knows which files were changed."""
    (shop / ".hello-dock").mkdir()
    (shop / RECORD).write_text(text)
    with pytest.raises(AppError, match="cannot be read"):
        init(shop)


def test_own_app_of_a_checkout_is_refused() -> None:
    """It has these files, in the checkout's root."""
    with pytest.raises(AppError, match="has its files already"):
        init(ROOT, app_dir="hello-dock")


def test_dev_container_installs_as_the_image_does(shop: Path) -> None:
    """An editor in the container finds the types of the packages in its volume."""
    init(shop)
    settings = json.loads((shop / ".devcontainer/devcontainer.json").read_text())
    assert settings["postCreateCommand"] in (shop / "Dockerfile.dev").read_text()
    assert settings["build"] == {"dockerfile": "../Dockerfile.dev", "context": ".."}
