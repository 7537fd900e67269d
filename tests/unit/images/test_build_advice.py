"""What an error says that a failed build lacks: variables, an .env file, a lock file."""

from __future__ import annotations

import pytest

from docktasks.settings import Settings
from tests.unit.fakes.apps import configured
from tests.unit.images.test_build_output import FAILED, STEP, explain


@pytest.mark.parametrize(
    ("line", "names", "how"),
    [
        ("Error: Missing environment variable VITE_API_URL", "VITE_API_URL", "build.env_prefixes: VITE_"),
        ("Error: SENTRY_AUTH_TOKEN is required", "SENTRY_AUTH_TOKEN", "build.secrets: SENTRY_AUTH_TOKEN"),
        ("Error: process.env.API_HOST is undefined", "API_HOST", "build.env: API_HOST"),
        ("Usage Error: Environment variable not found (NPM_TOKEN) in .yarnrc.yml", "NPM_TOKEN", "build.secrets"),
        ('error: "PUB_X" is not exported by "virtual:env/static/public"', "PUB_X", "build.env: PUB_X"),
        ("Error: no SET_HERE", "SET_HERE", "build.env: SET_HERE"),
    ],
)
def test_variable_that_the_build_does_not_get_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, line: str, names: str, how: str
) -> None:
    """A line complains about it, or the environment has it."""
    monkeypatch.setenv("SET_HERE", "1")
    error = explain(FAILED.format(step=STEP, line=f"{line}\n#12 0.5 ERR_MODULE_NOT_FOUND"), settings)
    assert error.why == f"It names {names}, and the build does not get it."
    assert how in error.how


def test_example_of_the_apps_env_file_is_named(settings: Settings) -> None:
    """A new checkout has none of its own yet."""
    app_dir = settings.app_dir
    (app_dir / ".env.example").write_text("OTHER=1\n")
    (app_dir / ".env.sample").write_text("# the API\nPUB_X=\n")
    error = explain(
        FAILED.format(step=STEP, line="Error: PUB_X is not exported by virtual:env/static/public"), settings
    )
    copy = f"Copy .env.sample to .env, and put the values in, in {app_dir}. Or: Set it, and give it"
    assert error.how.startswith(copy)
    line = FAILED.format(step=STEP, line="Error: PUB_X is not exported by virtual:env/static/public")
    installation = FAILED.format(step=STEP, line="Error: PUB_X is missing\n#12 0.9 NOT INSTALLED: npm ci")
    assert explain(installation, settings).how.startswith("Set it")  # npm reads no .env
    (app_dir / ".env").write_text("PRECIOUS=1\n")
    assert explain(line, settings).how.startswith(f"Add PUB_X to .env, as in .env.sample, in {app_dir}. Or: Set it")
    (app_dir / ".env").write_text("PUB_X=1\n")
    assert explain(line, settings).how.startswith("Set it")  # the step reads no .env
    (app_dir / ".env").unlink()
    (app_dir / ".dockerignore").write_text(".env\n")
    assert explain(line, settings).how.startswith("Set it")  # a copy would not reach the build


@pytest.mark.parametrize(("lock", "is_named"), [("package-lock.json", False), ("other.json", True)])
def test_failed_build_without_a_lock_file_says_that_its_versions_are_the_newest(
    settings: Settings, lock: str, *, is_named: bool
) -> None:
    """A build that works elsewhere, with older packages, may fail here."""
    app_dir = settings.app_dir
    (app_dir / "package-lock.json").rename(app_dir / lock)
    error = explain(FAILED.format(step=STEP, line="main.ts(1,2): error TS1361: x"), settings)
    assert ("commit the lock file from there" in error.how) == is_named
    error = explain(FAILED.format(step=STEP, line="Error: VITE_X is not defined"), settings)
    assert "lock file" not in error.how  # the cause is known


def test_variable_that_the_build_gets_is_not_named(settings: Settings) -> None:
    """The cause is another."""
    named = configured(settings.root, build_env="API_HOST=1")
    error = explain(FAILED.format(step=STEP, line="Error: API_HOST is required to be an address"), named)
    assert error.why.endswith("Nothing was replaced.")


def test_failed_build_without_a_script_is_named_without_the_variables_of_its_shell(settings: Settings) -> None:
    """What to try without Docker has them, because a shell finds the programs by them."""
    (settings.app_dir / "package.json").write_text('{"devDependencies": {"vite": "8"}}')
    error = explain(FAILED.format(step="RUN touch /tmp/started", line="main.ts(1,2): error TS1361: x"), settings)
    assert error.what == "`vite build` failed."
    assert '/node_modules/.bin:$PATH"; vite build' in error.how
