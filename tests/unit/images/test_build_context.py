from __future__ import annotations

import os
from pathlib import Path

import pytest

from docktasks.app.package import App
from docktasks.images import build, build_context
from docktasks.roles import DEV
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured, make_app


@pytest.mark.parametrize(("setting", "variable", "content"), [("a", "", "a"), ("", "b", "b"), ("a", "b", "a")])
def test_certificate_authorities_are_in_the_tools_context(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, setting: str, variable: str, content: str
) -> None:
    """The setting comes before NODE_EXTRA_CA_CERTS. The file is mounted in the build, and is in no image."""
    paths = {name: settings.root.parent / f"{name}.pem" for name in "ab"}
    for name, path in paths.items():
        path.write_text(name)
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(paths.get(variable, "")))
    changed = configured(settings.root, build_ca_file=str(paths.get(setting, "")))
    args = build.build_args(changed, App.load(changed), DEV, {"NODE_IMAGE": "n"})
    build_context.write_context(changed, App.load(changed), "Dockerfile.dev")
    assert args[args.index("--build-context") + 1] == "tools=.cache/context-hello-dock/tools"
    assert (settings.root / ".cache/context-hello-dock/tools/node/ca.pem").read_text() == content


def test_settings_of_the_package_manager_are_secrets_of_the_build(settings: Settings) -> None:
    """They may have a token. Their names are an argument, because a secret is not part of the cache's key."""
    folder = make_app(settings.root / "shop")
    shop = configured(settings.root, app_dir="shop")
    app = App.load(shop)
    assert "--secret" not in build_context.context_args(shop, App.load(shop), "Dockerfile")
    for name in (".npmrc", ".yarnrc.yml"):
        (folder / name).touch()
    for args in (build.build_args(shop, app, DEV, {"NODE_IMAGE": "n"}), build.dist_args(shop, app, {}, "out")):
        at = args.index("--secret")
        assert args[at : at + 6] == [
            "--secret", f"id=npmrc,src={folder}/.npmrc", "--secret", f"id=yarnrc.yml,src={folder}/.yarnrc.yml",
            "--build-arg", "SETTINGS=npmrc yarnrc.yml",
        ]  # fmt: skip


def test_tools_are_written_again_only_where_they_changed(settings: Settings) -> None:
    """A changed file is written even when its size and time are the same. A removed file goes, others keep their time.

    A build that is reading a file gets the whole old content.
    """
    paths = [
        settings.root / "docktasks/images" / name
        for name in ("nginx/serving/site.conf", "node/install.sh", "node/old.sh")
    ]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("one")
    shop_settings = configured(settings.root, app_dir=str(make_app(settings.root.parent / "shop")), app_name="shop")
    build_context.write_context(shop_settings, App.load(shop_settings), "Dockerfile")
    tools = settings.root / ".cache/context-shop/tools"
    unchanged, before = (tools / "node/install.sh").stat(), paths[0].stat()
    paths[0].write_text("two")
    os.utime(paths[0], ns=(before.st_atime_ns, before.st_mtime_ns))
    paths[2].unlink()
    with (tools / "nginx/serving/site.conf").open() as file:
        build_context.write_context(shop_settings, App.load(shop_settings), "Dockerfile")
        assert file.read() == "one"
    assert {str(path.relative_to(tools)): path.read_text() for path in tools.rglob("*") if path.is_file()} == {
        "nginx/serving/site.conf": "two",
        "node/install.sh": "one",
    }
    assert (tools / "nginx/serving/site.conf").stat().st_mode & 0o777 == 0o644
    assert (tools / "nginx/serving/site.conf").stat().st_mtime_ns != before.st_mtime_ns
    assert (tools / "node/install.sh").stat().st_mtime_ns == unchanged.st_mtime_ns


def test_another_app_gets_our_dockerfile_and_an_ignore_file(settings: Settings) -> None:
    """Both are written to the cache, and the app's own folder does not change."""
    shop = make_app(settings.root.parent / "shop")
    before = sorted(path.name for path in shop.iterdir())
    shop_settings = configured(settings.root, app_dir=str(shop), app_name="shop", app_dist="out")
    build_context.write_context(shop_settings, App.load(shop_settings), "Dockerfile")
    build_context.write_context(shop_settings, App.load(shop_settings), "Dockerfile")
    folder = settings.root / ".cache/context-shop"
    assert sorted(path.name for path in folder.iterdir()) == ["Dockerfile", "Dockerfile.dockerignore"]
    assert (folder / "Dockerfile").read_text() == "# Dockerfile\n"
    ignored = (folder / "Dockerfile.dockerignore").read_text().splitlines()
    assert {"**/node_modules", "**/.git", "**/.env.local", "**/.env.*.local", "/out"} <= set(ignored)
    assert not {"**/.env*", "**/.env", "**/.env.*", "**/.env.production"} & set(ignored)  # Vite reads these in a build
    assert sorted(path.name for path in shop.iterdir()) == before


def test_read_only_checkout_has_its_context_in_the_users_cache(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The build command names the files there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("docktasks.workspace.os.access", lambda _path, _mode: False)
    shop_settings = configured(settings.root, app_dir=str(make_app(settings.root.parent / "shop")))
    build_context.write_context(shop_settings, App.load(shop_settings), "Dockerfile")
    args = build_context.context_args(shop_settings, App.load(shop_settings), "Dockerfile")
    written = Path(args[args.index("--file") + 1])
    assert written.read_text() == "# Dockerfile\n"
    assert written.is_relative_to(tmp_path)
    assert not (settings.root / ".cache").exists()


def test_hello_docks_own_build_writes_nothing(settings: Settings) -> None:
    """The checkout is the context, with its Dockerfile and its .dockerignore."""
    build_context.write_context(settings, App.load(settings), "Dockerfile")
    assert not (settings.root / ".cache").exists()


def test_old_build_outside_of_the_apps_folder_stays_out(settings: Settings) -> None:
    """Vite does not empty such a folder, so that its files would get into the site."""
    repo = settings.root.parent / "repo"
    app = make_app(repo / "apps/web")
    (repo / "package.json").write_text('{"workspaces": ["apps/*"]}')
    (app / "vite.config.ts").write_text("export default { build: { outDir: '../../out/web' } }")
    named = configured(settings.root, app_dir=str(app), app_name="shop", app_dist="../../dist/web")
    build_context.write_context(named, App.load(named), "Dockerfile")
    lines = (settings.root / ".cache/context-shop/Dockerfile.dockerignore").read_text().splitlines()
    assert {"/dist/web", "/out/web"} < set(lines)


def test_owners_ignore_file_comes_before_ours(settings: Settings) -> None:
    """What it keeps out stays out. It cannot let in what no build gets."""
    shop = make_app(settings.root.parent / "shop")
    (shop / ".dockerignore").write_text("# ours\n.env\n!node_modules\n")
    shop_settings = configured(settings.root, app_dir=str(shop), app_name="shop")
    build_context.write_context(shop_settings, App.load(shop_settings), "Dockerfile")
    lines = (settings.root / ".cache/context-shop/Dockerfile.dockerignore").read_text().splitlines()
    assert lines[:3] == ["# ours", ".env", "!node_modules"]
    assert lines.index("**/node_modules") > 2


def test_build_takes_the_files_that_init_wrote_into_the_repository(settings: Settings) -> None:
    """A Dockerfile and scripts of somebody else are not taken."""
    shop = make_app(settings.root.parent / "shop")
    own = configured(settings.root, app_dir=str(shop), app_name="shop")
    written = settings.root / ".cache/context-shop"
    (shop / ".hello-dock/node").mkdir(parents=True)
    (shop / ".hello-dock/node/install.sh").write_text("own")
    (shop / "Dockerfile.dev").write_text("FROM own\n")
    build_context.write_context(own, App.load(own), "Dockerfile.dev")
    assert (written / "Dockerfile.dev").read_text() != "FROM own\n"
    record = '{"files": {"Dockerfile.dev": "x", ".hello-dock/node/install.sh": "y"}}'
    (shop / ".hello-dock/files.json").write_text(record)
    build_context.write_context(own, App.load(own), "Dockerfile.dev")
    assert (written / "Dockerfile.dev").read_text() == "FROM own\n"
    assert [path.name for path in (written / "tools").rglob("*") if path.is_file()] == ["install.sh"]
