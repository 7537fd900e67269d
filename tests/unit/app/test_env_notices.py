from __future__ import annotations

from pathlib import Path

import pytest

from docktasks.app import env_notices, env_usage
from docktasks.app.package import App
from docktasks.settings import Settings
from tests.unit.fakes.apps import PACKAGE, configured, make_app

USE = "fetch(import.meta.env.VITE_A)"


@pytest.mark.parametrize(
    "text",
    [
        USE,
        "fetch(`${import.meta.env.VITE_A}/x`)",
        "const u = 'https://x'; go(import.meta.env.VITE_A)",
        "const { MODE, VITE_A } = import.meta.env",
        "const { VITE_A: url }: ImportMetaEnv = import.meta.env",
        "const env = import.meta.env\nfetch(env.VITE_A)",
        "import.meta.env['VITE_A']",
        "import.meta.env.VITE_A!",
        "(import.meta as any).env.VITE_A",
        "const url = import.meta.env.VITE_A\nfetch(url)",
        "const url: string = import.meta.env.VITE_A;\nif (!url) throw new Error('VITE_A')",
        "if (!import.meta.env.VITE_A) { throw new Error() }",
    ],
)
def test_use_of_a_variable_is_seen(text: str) -> None:
    """A source that throws without the variable needs it, too."""
    assert "VITE_A" in set(env_usage.names_in(text))


@pytest.mark.parametrize(
    "text",
    [
        "import.meta.env.VITE_A ?? 'x'",
        "import.meta.env.VITE_A || 'x'",
        "import.meta.env.VITE_A\n  ?? 'x'",
        "Number(import.meta.env.VITE_A) || 3",
        "parseInt(import.meta.env.VITE_A, 10) || 3",
        "(import.meta.env.VITE_A as string) ?? ''",
        "import.meta.env.VITE_A?.split(',')",
        "import.meta.env.VITE_A === 'true'",
        "import.meta.env.VITE_A && <a/>",
        "if (import.meta.env.VITE_A) go()",
        "const { VITE_A = 'd' } = import.meta.env",
        "const env: ImportMetaEnv = import.meta.env; env.VITE_A ?? 1",
        "const url = import.meta.env.VITE_A\nfetch(url ?? '/')",
    ],
)
def test_variable_whose_absence_is_handled_is_none(text: str) -> None:
    """A value instead of it, or a test, shows that the source works without it."""
    assert list(env_usage.names_in(text)) == []


def notices(folder: Path, files: dict[str, str], settings: Settings, **environ: str) -> list[str]:
    """Return the notices about an app with these files."""
    make_app(folder)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return env_notices.notices(App(folder, PACKAGE), settings, environ)


@pytest.mark.parametrize(
    "files",
    [
        {"src/a.js": "import.meta.env.MODE + import.meta.env.BASE_URL + import.meta.env.DEV + import.meta.env.SSR"},
        {"src/a.js": f"// {USE}\n/* {USE} */"},
        {"index.html": "<!-- %VITE_A% --> 50%25"},
        {"src/a.js": USE, ".env": "\ufeffVITE_A=1"},
        {"src/a.js": USE, ".env.production": "export VITE_A=1"},
        {"src/a.js": USE, "vite.config.js": "define: { 'import.meta.env.VITE_A': '1' }"},
        {"src/a.js": USE, "vite.config.js": "process.env.VITE_A = version"},
        {"src/a.js": USE, "vite.config.js": "envDir: './env'", "env/.env": "VITE_A=1"},
        {"src/a.test.js": USE, "tests/a.js": USE, "node_modules/x/a.js": USE, "dist/a.js": USE, "src/a.d.ts": USE},
        {"src/a.js": "import.meta.env.APP_A"},
    ],
)
def test_nothing_is_said_without_a_missing_variable(tmp_path: Path, settings: Settings, files: dict[str, str]) -> None:
    """Vite has variables of its own. A comment and a test are no part of the site."""
    assert notices(tmp_path / "app", files, settings) == []


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"src/a.js": USE}, "VITE_A: src/a.js uses it, and the build does not get it. Set it in .env.production"),
        ({"index.html": "<title>%VITE_A%</title>"}, "VITE_A: index.html uses it"),
        ({"src/A.vue": f"<script setup>{USE}</script>"}, "VITE_A: src/A.vue uses it"),
        ({"src/a.js": USE, ".env.staging": "VITE_A=1"}, "VITE_A: src/a.js uses it"),
        ({"src/a.js": USE, ".env.local": "VITE_A=1"}, "No build gets .env.local."),
        (
            {"src/a.js": USE, ".env": "VITE_A=1", ".dockerignore": ".env"},
            "No build gets .env, because .dockerignore names it.",
        ),
        ({"src/a.js": "import.meta.env.APP_A", "vite.config.js": "envPrefix: ['APP_']"}, "APP_A: src/a.js"),
    ],
)
def test_variable_that_nothing_sets_is_named(
    tmp_path: Path, settings: Settings, files: dict[str, str], text: str
) -> None:
    """The notice says which file uses it, and how it can be set."""
    (notice,) = notices(tmp_path / "app", files, settings)
    assert text in notice


def test_variable_of_the_environment_needs_to_be_named(tmp_path: Path, settings: Settings) -> None:
    """Also where a .env file sets it: on the host, the environment's value counts."""
    files = {"src/a.js": USE, ".env": "VITE_A=1"}
    (notice,) = notices(tmp_path / "one", files, settings, VITE_A="2")
    assert notice.endswith("but the build does not get it: INVOKE_BUILD_ENV_PREFIXES=VITE_")
    at_run = configured(settings.root, prod_runtime_env="VITE_A")
    assert notices(tmp_path / "run", {"src/a.js": USE}, at_run, VITE_A="x") == []
    named = configured(settings.root, build_env_prefixes="VITE_")
    assert notices(tmp_path / "two", files, named, VITE_A="2") == []


def test_notice_names_the_file_of_the_scripts_mode(tmp_path: Path, settings: Settings) -> None:
    """The file of production is read by no build in another mode."""
    (make_app(tmp_path / "app") / "a.js").write_text(USE)
    for scripts, file in (({"build": "vite build --mode prod"}, ".env.prod"), ({"build": "x"}, ".env.production")):
        (notice,) = env_notices.notices(App(tmp_path / "app", PACKAGE | {"scripts": scripts}), settings, {})
        assert f"Set it in {file}, or" in notice


def test_mode_of_the_script_counts(tmp_path: Path, settings: Settings) -> None:
    """The file of another script's mode is read by no build."""
    files = {"src/a.js": USE, ".env.staging": "VITE_A=1"}
    assert notices(tmp_path / "one", files, configured(settings.root, build_mode="staging")) == []
    scripts = {"build": "npm run compile", "compile": "vite build --mode staging"}
    app = App(tmp_path / "one", PACKAGE | {"scripts": scripts})
    assert env_notices.notices(app, settings, {}) == []


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("//npm.example.com/:_authToken=${NPM_TOKEN}", "INVOKE_BUILD_SECRETS=NPM_TOKEN"),
        ("a=1\n//a/:_authToken=${A}\n//b/:_authToken=${B}", "INVOKE_BUILD_SECRETS='A B'"),
        ("# //a/:_authToken=${A}\n; b=${B}\nregistry=https://a.example/", ""),
        ("registry=${REGISTRY-https://a.example/}", ""),
        ("//a/:_authToken=${GIVEN}", ""),
    ],
)
def test_variable_of_the_package_managers_settings_is_named(
    tmp_path: Path, settings: Settings, text: str, setting: str
) -> None:
    """npm sends its name instead of its value to the registry, which answers that the package is not there."""
    (make_app(tmp_path / "app") / ".npmrc").write_text(text)
    named = configured(settings.root, build_env="GIVEN=1")
    notices_of_npmrc = env_notices.registry_notices(App(tmp_path / "app", {}), named, {})
    assert [notice.rpartition(": ")[2] for notice in notices_of_npmrc] == ([setting] if setting else [])
