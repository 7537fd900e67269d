"""What a build is sent: for this app, for foreign ones, and from a checkout that is for reading alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from docktasks.app.package import App
from docktasks.images import build, build_context
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured, make_app


@pytest.mark.parametrize(("setting", "variable", "wanted"), [("a", "", "a"), ("", "b", "b"), ("a", "b", "a")])
def test_certificate_authorities_are_given_as_a_context(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, setting: str, variable: str, wanted: str
) -> None:
    """The setting is taken before NODE_EXTRA_CA_CERTS; the file is mounted in the build, and stays out of the image."""
    paths = {name: settings.root.parent / f"{name}.pem" for name in "ab"}
    for name, path in paths.items():
        path.write_text(name)
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(paths.get(variable, "")))
    given = configured(settings.root, build_ca_file=str(paths.get(setting, "")))
    args = build.build_args(given, App.load(given).package_manager, "dev", {"NODE_IMAGE": "n"})
    build_context.write_context(given, "Dockerfile.dev")
    assert args[args.index("--build-context") + 1] == "tools=.cache/hello-dock/tools"
    assert (settings.root / ".cache/hello-dock/tools/node/ca.pem").read_text() == wanted


def test_the_tools_are_written_where_they_changed(settings: Settings) -> None:
    """One of the same size and time is another file then; what is no longer there goes, and what is as it was stays.

    Who is reading one meanwhile has it whole.
    """
    paths = [
        settings.root / "docktasks/images" / name
        for name in ("nginx/serving/site.conf", "node/install.sh", "node/old.sh")
    ]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("one")
    foreign = configured(settings.root, app_dir=str(make_app(settings.root.parent / "shop")), app_name="shop")
    build_context.write_context(foreign, "Dockerfile")
    tools = settings.root / ".cache/shop/tools"
    still, before = (tools / "node/install.sh").stat(), paths[0].stat()
    paths[0].write_text("two")
    os.utime(paths[0], ns=(before.st_atime_ns, before.st_mtime_ns))
    paths[2].unlink()
    with (tools / "nginx/serving/site.conf").open() as reading:
        build_context.write_context(foreign, "Dockerfile")
        assert reading.read() == "one"
    assert {str(path.relative_to(tools)): path.read_text() for path in tools.rglob("*") if path.is_file()} == {
        "nginx/serving/site.conf": "two",
        "node/install.sh": "one",
    }
    assert (tools / "nginx/serving/site.conf").stat().st_mode & 0o777 == 0o644
    assert (tools / "nginx/serving/site.conf").stat().st_mtime_ns != before.st_mtime_ns
    assert (tools / "node/install.sh").stat().st_mtime_ns == still.st_mtime_ns


def test_a_foreign_app_gets_our_dockerfile_and_an_ignore_file(settings: Settings) -> None:
    """Both are written to the cache, so that the app's own folder stays as it is."""
    shop = make_app(settings.root.parent / "shop")
    before = sorted(path.name for path in shop.iterdir())
    foreign = configured(settings.root, app_dir=str(shop), app_name="shop", app_dist="out")
    build_context.write_context(foreign, "Dockerfile")
    build_context.write_context(foreign, "Dockerfile")
    folder = settings.root / ".cache/shop"
    assert sorted(path.name for path in folder.iterdir()) == ["Dockerfile", "Dockerfile.dockerignore"]
    assert (folder / "Dockerfile").read_text() == "# Dockerfile\n"
    ignored = (folder / "Dockerfile.dockerignore").read_text().splitlines()
    assert {"**/node_modules", "**/.git", "**/.env.local", "**/.env.*.local", "/out"} <= set(ignored)
    assert not {"**/.env*", "**/.env", "**/.env.*", "**/.env.production"} & set(ignored)  # Vite builds with these
    assert sorted(path.name for path in shop.iterdir()) == before


def test_a_checkout_for_reading_has_them_elsewhere(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where the build is told to look for them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("docktasks.workspace.os.access", lambda _path, _mode: False)
    foreign = configured(settings.root, app_dir=str(make_app(settings.root.parent / "shop")))
    build_context.write_context(foreign, "Dockerfile")
    args = build_context.context_args(foreign, "Dockerfile")
    written = Path(args[args.index("--file") + 1])
    assert written.read_text() == "# Dockerfile\n"
    assert written.is_relative_to(tmp_path)
    assert not (settings.root / ".cache").exists()


def test_hello_dock_itself_needs_no_cache(settings: Settings) -> None:
    """The repository's own context has its Dockerfile and its .dockerignore."""
    build_context.write_context(settings, "Dockerfile")
    assert not (settings.root / ".cache").exists()
