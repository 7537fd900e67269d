from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from docktasks.app import inputs
from docktasks.errors import SettingsError
from docktasks.settings import Settings
from tests.unit.fakes.apps import ROOT, configured

ENVIRON = {"VITE_API_URL": "https://a.example/?a=1&b='2'", "VITE_": "", "NPM_TOKEN": "s3cret", "HOME": "/root"}


@pytest.fixture
def shop(settings: Settings) -> Settings:
    """Settings that name variables and secrets."""
    env = 'HUSKY=1 "NODE_OPTIONS=--a --b" REGION'
    return configured(settings.root, build_env_prefixes="VITE_ NPM_", build_env=env, build_secrets="NPM_TOKEN SENTRY")


def environment_of(shell: str) -> dict[str, str]:
    """Return the environment after a shell has run lines."""
    output = subprocess.run(["sh", "-c", f"{shell}\nenv -0"], capture_output=True, text=True, check=True, env={}).stdout
    return dict(line.split("=", 1) for line in output.split("\0") if "=" in line)


def test_variables_are_build_arguments_without_secrets(shop: Settings) -> None:
    """The names of the secrets are there, too: they belong to the cache's key. Their values are not."""
    values = inputs.build_values(shop, ENVIRON | {"REGION": "eu"})
    assert "s3cret" not in str(values)
    assert values["SECRETS"] == "NPM_TOKEN SENTRY"
    build_env, install_env = environment_of(values["BUILD_ENV"]), environment_of(values["INSTALL_ENV"])
    assert build_env.items() >= {"VITE_API_URL": ENVIRON["VITE_API_URL"], "VITE_": ""}.items()
    assert install_env.items() >= {"HUSKY": "1", "NODE_OPTIONS": "--a --b", "REGION": "eu"}.items()


def test_nothing_is_given_by_default(settings: Settings) -> None:
    """A build gets no variable of the environment that nobody has named."""
    assert set(inputs.build_values(settings, ENVIRON).values()) == {""}
    assert inputs.container_args(settings, ENVIRON) == inputs.secret_args(settings) == []
    assert inputs.secret_environ(settings, ENVIRON) == {}


def test_secrets_travel_in_the_environment_of_the_docker_process(shop: Settings) -> None:
    """BuildKit takes one text, which a shell turns into the variables again."""
    assert inputs.secret_args(shop) == ["--secret", "id=environment,env=HELLO_DOCK_SECRETS"]
    environ = inputs.secret_environ(shop, ENVIRON | {"SENTRY": "two\n'lines'"})
    assert environment_of(environ[inputs.SECRETS_VARIABLE])["SENTRY"] == "two\n'lines'"


def test_container_gets_values_of_the_environment_by_name_only(shop: Settings) -> None:
    """A command line is no place for a secret. Docker takes the value from its own environment."""
    environ = ENVIRON | {"REGION": "eu", "https_proxy": "http://proxy:1"}
    assert shlex.join(inputs.container_args(shop, environ)) == (
        "--env HUSKY=1 --env 'NODE_OPTIONS=--a --b' --env REGION=eu --env VITE_ --env VITE_API_URL"
        " --env NPM_TOKEN --env SENTRY --env https_proxy"
    )


def test_named_secret_or_variable_must_be_set(shop: Settings) -> None:
    """An empty secret, as a CI system gives to a fork, is none. An empty variable is a value."""
    with pytest.raises(SettingsError, match=r"NPM_TOKEN, SENTRY, REGION\.") as caught:
        inputs.require(shop, {"NPM_TOKEN": ""})
    assert "build.secrets and build.env" in str(caught.value)
    inputs.require(shop, {"NPM_TOKEN": "a", "SENTRY": "b", "REGION": ""})


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:3128", "localhost:3128", "http://[::1]:1"])
def test_proxy_on_the_loopback_is_left_out_with_a_notice(proxy: str) -> None:
    """A container has a loopback of its own. NO_PROXY may name it."""
    environ = {"HTTP_PROXY": proxy, "https_proxy": "http://u:p@proxy.example:1", "NO_PROXY": "localhost"}
    assert inputs.proxies(environ) == ["https_proxy", "NO_PROXY"]
    (notice,) = inputs.proxy_notices(environ)
    assert notice.startswith("HTTP_PROXY: not used")
    assert inputs.proxy_notices({"HTTP_PROXY": "http://proxy:1"}) == []


@pytest.mark.parametrize(
    ("key", "text"), [("secrets", "NPM_TOKEN=s3cret"), ("env", "=1"), ("env", "'a"), ("mode", "a b"), ("mode", "local")]
)
def test_setting_that_cannot_be_used_is_refused(settings: Settings, key: str, text: str) -> None:
    """A value that stands where a name belongs may be a secret, and is not shown."""
    with pytest.raises(SettingsError, match=f"build.{key} is") as caught:
        configured(settings.root, **{f"build_{key}": text})
    assert "s3cret" not in str(caught.value)


def test_lists_and_mappings_of_yaml_are_read(settings: Settings) -> None:
    """An app's file may have them, because they are clearer than a text."""
    values = {"build_secrets": ["A", "B"], "build_env": {"HUSKY": 0, "NODE_OPTIONS": "--a --b", "FAST": True}}
    build = configured(settings.root, **values).build  # type: ignore[arg-type]
    assert build.secrets == ("A", "B")
    assert dict(build.env) == {"HUSKY": "0", "NODE_OPTIONS": "--a --b", "FAST": "true"}


def test_build_takes_variables_and_secrets_and_leaves_out_downloads(tmp_path: Path, shop: Settings) -> None:
    """What build.env sets comes before what a build leaves out by default."""
    script = (ROOT / "docktasks/images/node/environment.sh").read_text()
    values = inputs.build_values(shop, ENVIRON)
    (tmp_path / "environment").write_text(inputs.secret_environ(shop, ENVIRON)[inputs.SECRETS_VARIABLE])
    lines = [f"{name}={shlex.quote(values[name])}" for name in ("INSTALL_ENV", "BUILD_ENV")]
    lines += ["HTTPS_PROXY=http://proxy:1", script.replace("/run/secrets", str(tmp_path))]
    environment = environment_of("set -eu\n" + "\n".join(lines))
    expected = {
        "CYPRESS_INSTALL_BINARY": "0",
        "HUSKY": "1",
        "NPM_TOKEN": "s3cret",
        "YARN_HTTPS_PROXY": "http://proxy:1",
    }
    assert environment.items() >= expected.items()
    assert environment["VITE_API_URL"] == ENVIRON["VITE_API_URL"]


def test_every_build_argument_is_declared(settings: Settings) -> None:
    """BuildKit does not complain about an argument that the Dockerfile does not use."""
    text = (ROOT / "Dockerfile").read_text()
    for name in inputs.build_values(settings, {}):
        assert f'{name}=""' in text
