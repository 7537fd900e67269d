"""Tests of the scripts in docktasks/images/node/ that say what is in a layer, and that keep secrets out of it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.unit.fakes.apps import ROOT

NODE = ROOT / "docktasks/images/node"
WORD = "aB3dE6gH9j" * 4


def run_script(name: str, folder: Path, *args: str) -> None:
    """Run a script in a folder."""
    subprocess.run(["sh", NODE / name, *args], cwd=folder, check=True)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (".npmrc", f"//a.example/:_authToken={WORD}"),
        (".npmrc", f"//a.example/:_authToken = {WORD}"),
        (".npmrc", f"_auth={WORD}"),
        (".npmrc", f"//a.example/:username=me\n//a.example/:_password={WORD}"),
        (".npmrc", f'key="-----BEGIN PRIVATE {WORD}"'),
        (".npmrc", f"registry=https://me:{WORD}@a.example/"),
        (".npmrc", f"https-proxy=http://me:{WORD}@proxy:3128"),
        (".npmrc", f"${{PREFIX}}_authToken={WORD}"),
        (".npmrc", f"; old: //a.example/:_authToken={WORD}"),
        (".yarnrc", f'"//a.example/:_authToken" "{WORD}"'),
        (".yarnrc.yml", f"npmAuthToken: {WORD}"),
        ("bunfig.toml", f'[install.scopes]\na = {{ token = "{WORD}", url = "https://a.example/" }}'),
        (".yarnrc.yml", f'npmRegistries:\n  "//a.example":\n    npmAuthIdent: "me:{WORD}"'),
        (".yarnrc.yml", f"npmScopes: {{ a: {{ npmAuthToken: {WORD} }} }}"),
        (".yarnrc.yml", f"httpsProxy: http://me:{WORD}@proxy:3128"),
    ],
)
def test_a_secret_stays_out_of_the_settings(tmp_path: Path, name: str, line: str) -> None:
    """The other lines stay, because the settings decide what is installed and when it is installed again."""
    (tmp_path / name).write_text(f"one\n{line}\ntwo\n")
    run_script("settings.sh", tmp_path, ".", "settings")
    copied = (tmp_path / "settings" / name).read_text()
    assert WORD not in copied
    assert copied.splitlines()[:: len(copied.splitlines()) - 1] == ["one", "two"]
    assert (tmp_path / f"settings/{name.lstrip('.')}.incomplete").exists()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("bunfig.toml", '[install]\nregistry = "https://a.example/"\n'),
        (".npmrc", "legacy-peer-deps=true\nregistry=https://a.example/\n"),
        (".npmrc", "save-exact=true"),
        (".npmrc", "//a.example/:_authToken=${NPM_TOKEN}\nauth-type=legacy\n"),
        (".yarnrc.yml", 'nodeLinker: node-modules\nnpmAuthToken: "${NPM_TOKEN}"\n'),
    ],
)
def test_settings_without_a_secret_are_complete(tmp_path: Path, name: str, text: str) -> None:
    """A variable in a setting is no secret: its value comes from the build's environment."""
    (tmp_path / name).write_text(text)
    run_script("settings.sh", tmp_path, ".", "settings")
    assert [path.name for path in (tmp_path / "settings").iterdir()] == [name]
    assert (tmp_path / "settings" / name).read_text().split() == text.split()


@pytest.mark.parametrize("is_linked", [False, True])
def test_source_is_copied_without_files_that_can_hold_a_secret(tmp_path: Path, *, is_linked: bool) -> None:
    """A build with the source mounted reads them by links, which contain nothing. Packages stay where they are."""
    secret = [".env", ".env.production", ".npmrc", ".yarnrc.yml", "packages/one/.env", "certs/dev.pem", ".netrc"]
    public = ["package.json", "src/a b.js", ".gitignore", ".well-known/x", "packages/one/index.js", "environment.ts"]
    for name in [*secret, *public, "node_modules/stale/index.js", ".pnp.cjs", ".pnp.loader.mjs"]:
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "source" / name).write_text(name)
    app = tmp_path / "app"
    (app / "node_modules/fresh").mkdir(parents=True)
    run_script("copy-source.sh", app, str(tmp_path / "source"), *(["linked"] if is_linked else []))
    files = {str(path.relative_to(app)): path for path in app.rglob("*") if not path.is_dir()}
    assert {name for name, path in files.items() if not path.is_symlink()} == set(public)
    links = {name: path.read_text() for name, path in files.items() if path.is_symlink()}
    assert links == ({name: name for name in secret} if is_linked else {})
    assert [path.name for path in (app / "node_modules").iterdir()] == ["fresh"]


def test_only_what_an_installation_reads_is_copied(tmp_path: Path) -> None:
    """An edit of the source finds the layer with the packages in the cache, also that of a workspace."""
    read = [
        "package.json", "apps/web/package.json", "packages/my ui/package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml",
        "bun.lock", ".yarn/releases/yarn-4.9.2.cjs", ".yarn/plugins/@yarnpkg/plugin-x.cjs", "patches/isarray.patch",
    ]  # fmt: skip
    other = [
        "src/main.js", "apps/web/index.html", "node_modules/vue/package.json", "apps/web/node_modules/a/package.json",
        ".env", ".npmrc", ".yarn/cache/vue.zip", ".git/package.json", "apps/web/yarn.lock",
    ]  # fmt: skip
    for name in [*read, *other]:
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "source" / name).write_text(name)
    run_script("manifests.sh", tmp_path, str(tmp_path / "source"), str(tmp_path / "manifests"))
    copied = [path for path in (tmp_path / "manifests").rglob("*") if path.is_file()]
    assert {str(path.relative_to(tmp_path / "manifests")): path.read_text() for path in copied} == {
        name: name for name in read
    }


def test_scripts_of_an_installation_are_taken_out(tmp_path: Path) -> None:
    """Other scripts and fields stay. A byte order mark is no fault."""
    manifest = {"name": "a", "scripts": {"postinstall": "x", "prepare": "y", "build": "vite build"}}
    (tmp_path / "a b.json").write_text("\ufeff" + json.dumps(manifest))
    (tmp_path / "none.json").write_text("{}")
    command = ["node", str(NODE / "without-scripts.mjs")]
    subprocess.run(command, cwd=tmp_path, input="a b.json\nnone.json\n", text=True, check=True)
    assert json.loads((tmp_path / "a b.json").read_text()) == {"name": "a", "scripts": {"build": "vite build"}}
    assert json.loads((tmp_path / "none.json").read_text()) == {}


@pytest.mark.parametrize(
    ("name", "dependencies", "names"),
    [("web", {"vite": "8.0.16"}, ""), ("shop", {"vite": "8.0.16"}, "shop\n"), ("shop", {"vite": "8.1.7"}, "")],
)
def test_a_renamed_package_of_a_workspace_is_told_from_a_lock_file_that_does_not_fit(
    tmp_path: Path, name: str, dependencies: dict[str, str], names: str
) -> None:
    """npm refuses both. Only in the first case nothing of the registry changes."""
    link = {"resolved": "apps/web", "link": True}
    entries = {"apps/web": {"version": "1.0.0", "dependencies": {"vite": "8.0.16"}}, "node_modules/web": link}
    (tmp_path / "package-lock.json").write_text(json.dumps({"packages": entries}))
    (tmp_path / "apps/web").mkdir(parents=True)
    (tmp_path / "apps/web/package.json").write_text(json.dumps({"name": name, "dependencies": dependencies}))
    command = ["node", str(NODE / "renamed-packages.mjs")]
    process = subprocess.run(
        command, cwd=tmp_path, input="./apps/web/package.json\n", capture_output=True, text=True, check=True
    )
    assert process.stdout == names


@pytest.mark.parametrize(
    ("step", "variable", "code"), [("with-source", "", 0), ("mounted", "", 0), ("mounted", "1", 1)]
)
def test_lefthook_does_nothing_in_an_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, variable: str, code: int
) -> None:
    """A script of the app runs it by npm's link, in a build and in dev. build.env can ask for it."""
    monkeypatch.setenv("BUILD_ENV", variable and f"export LEFTHOOK={variable}")
    app, programs = tmp_path / "app", tmp_path / "bin"
    for folder in (app / "node_modules/.bin", app / "node_modules/lefthook/bin", programs):
        folder.mkdir(parents=True)
    (app / "package.json").write_text('{"scripts": {"prepare": "lefthook install"}}')
    for path, script in [
        (programs / "npm", '#!/bin/sh\nPATH="$PWD/node_modules/.bin:$PATH" sh -c "lefthook install"'),
        (app / "node_modules/lefthook/bin/index.js", "#!/usr/bin/env node\nprocess.exit(1)"),
    ]:
        path.write_text(script)
        path.chmod(0o755)
    (app / "node_modules/.bin/lefthook").symlink_to("../lefthook/bin/index.js")
    assert install(app, step, programs).returncode == code


@pytest.mark.parametrize(
    ("address", "calls"),
    [
        ("https://packages.example/a.tgz", ["ci --cache"]),
        ("", ["ci --prefer-offline --cache"]),
        ("unknown", ["ci --prefer-offline --cache", "ci --cache"]),
    ],
)
def test_npm_asks_for_what_the_lock_file_lacks_only_if_an_earlier_answer_lacks_it(
    tmp_path: Path, address: str, calls: list[str]
) -> None:
    """A lock file without addresses makes npm ask for each package, whose versions it may know from before."""
    app, programs = tmp_path / "app", tmp_path / "bin"
    app.mkdir()
    programs.mkdir()
    resolved = {"resolved": address} if address.startswith("https:") else {}
    (app / "package.json").write_text('{"dependencies": {"a": "1.0.0"}}')
    (app / "package-lock.json").write_text(
        json.dumps({"packages": {"node_modules/a": {"version": "1.0.0", **resolved}}})
    )
    knows_version = "false" if address == "unknown" else "true"
    (programs / "npm").write_text(
        f'#!/bin/sh\necho "$@" | tee -a calls\n[ "$2" != --prefer-offline ] || {knows_version} || exit 1\n'
        "mkdir -p node_modules/a && echo '{}' >node_modules/a/package.json\n"
    )
    (programs / "npm").chmod(0o755)
    process = install(app, "before-source", programs)
    assert process.returncode == 0, process.stderr
    assert [call.rpartition(" ")[0] for call in (app / "calls").read_text().splitlines()] == calls
    assert [line.rpartition(" ")[0] for line in process.stdout.splitlines()] == calls[-1:], "an error is said once"


def test_failed_installation_says_so_behind_the_errors_of_npm(tmp_path: Path) -> None:
    """What reads the output takes the errors before it for the cause. There is one stream."""
    app, programs = tmp_path / "app", tmp_path / "bin"
    app.mkdir()
    programs.mkdir()
    (app / "package.json").write_text("{}")
    (programs / "npm").write_text("#!/bin/sh\necho 'npm error code ETIMEDOUT' >&2\nexit 1\n")
    (programs / "npm").chmod(0o755)
    lines = install(app, "before-source", programs).stdout.splitlines()
    assert lines[-2:] == ["npm error code ETIMEDOUT", "NOT INSTALLED: npm could not install the dependencies"]


def test_files_of_plug_n_play_stay_in_the_checkout(tmp_path: Path) -> None:
    """Yarn removes them where it installs into node_modules, and git has them."""
    app, programs = tmp_path / "app", tmp_path / "bin"
    app.mkdir()
    programs.mkdir()
    names = (".pnp.cjs", ".pnp.loader.mjs")
    for name, text in (("package.json", "{}"), ("yarn.lock", ""), *((name, f"// {name}") for name in names)):
        (app / name).write_text(text)
    yarn = 'if [ "$1" = --version ]; then echo 4.9.2; else rm .pnp.*; exit 1; fi'
    for name, script in (("npm", "echo https://registry.example/"), ("yarn", yarn)):
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    assert install(app, "mounted", programs, "yarn").stdout.splitlines()[-1].startswith("NOT INSTALLED: yarn")
    assert {path.name: path.read_text() for path in app.glob(".pnp.*")} == {name: f"// {name}" for name in names}


def test_lock_file_of_yarn_stays_when_npm_installs(tmp_path: Path) -> None:
    """npm brings it up to date by its own view, although its package-lock.json is the one that counts."""
    app, programs = tmp_path / "app", tmp_path / "bin"
    app.mkdir()
    programs.mkdir()
    for name, text in (("package.json", "{}"), ("package-lock.json", "{}"), ("yarn.lock", "# yarn's")):
        (app / name).write_text(text)
    (programs / "npm").write_text("#!/bin/sh\necho npm >yarn.lock\nmkdir -p node_modules\n")
    (programs / "npm").chmod(0o755)
    assert install(app, "mounted", programs).returncode == 0
    assert (app / "yarn.lock").read_text() == "# yarn's"


def test_lock_file_that_cannot_be_put_back_fails_the_installation(tmp_path: Path) -> None:
    """As on a full disk. The checkout would have npm's one in its place."""
    app, programs = tmp_path / "app", tmp_path / "bin"
    app.mkdir()
    programs.mkdir()
    for name, text in (("package.json", "{}"), ("package-lock.json", "{}"), ("yarn.lock", "# yarn's")):
        (app / name).write_text(text)
    (programs / "npm").write_text("#!/bin/sh\nrm yarn.lock; mkdir -p yarn.lock/yarn.lock node_modules\n")
    (programs / "npm").chmod(0o755)
    result = install(app, "mounted", programs)
    assert result.returncode == 1
    assert result.stdout.splitlines()[-1].startswith("NOT INSTALLED: npm")


def install(app: Path, step: str, programs: Path, manager: str = "npm") -> subprocess.CompletedProcess[str]:
    """Run install.sh in the app's folder, with programs that come first, and nothing of this machine."""
    script, environment = ((NODE / name).read_text() for name in ("install.sh", "environment.sh"))
    script = script.replace(". /tools/node/environment.sh", environment)
    for name in ("/tmp", "/var/cache", "/settings", "/source", "/run/secrets"):  # noqa: S108 (they are the image's)
        script = script.replace(f"{name}/", f"{app.parent}/none{name}/")
    Path(f"{app.parent}/none/tmp").mkdir(parents=True)
    script = script.replace("/tools/node", str(NODE))
    command = ["sh", "-c", script, "install.sh", manager, "", step]
    environ = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}
    return subprocess.run(command, cwd=app, env=environ, capture_output=True, text=True, check=False)
