from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path
from typing import Any

import pytest
from invoke.config import Config

from docktasks import api
from docktasks.errors import SettingsError
from docktasks.mistyped import RENAMED
from docktasks.parsers import https
from docktasks.settings import SECTIONS, Settings, load, parsers
from tests.unit.fakes.apps import ROOT, configured, invoke_yaml

INVOKES_OWN = Config.global_defaults()


def problems(config: dict[str, Any], environ: dict[str, str] | None = None) -> list[str]:
    """Return the problems that loading finds."""
    with pytest.raises(SettingsError) as caught:
        load(Path("/checkout"), config, environ or {}, INVOKES_OWN)
    return caught.value.evidence.splitlines()


def with_value(section: str, key: str, value: object) -> dict[str, Any]:
    """Return invoke.yaml with one value changed."""
    config = invoke_yaml()
    config[section][key] = value
    return config


def test_defaults_of_invoke_yaml_are_valid() -> None:
    """A number comes out as a number."""
    loaded = load(Path("/checkout"), invoke_yaml(), {}, INVOKES_OWN)
    assert (loaded.dev.host_port, loaded.prod.host_port) == (3000, 8080)
    assert (loaded.prod.memory, loaded.prod.pids_limit, loaded.prod.deploy_timeout) == ("64m", 64, 60)
    assert (loaded.prod.drain_timeout, loaded.prod.retain_releases, loaded.prod.env_prefixes) == (
        30,
        3,
        ("API_", "APP_", "PUBLIC_"),
    )
    assert (loaded.bases.node_image, loaded.bases.nginx_image) == ("node:lts-alpine", "nginx:stable-alpine")


def test_invoke_yaml_has_every_setting() -> None:
    """Each setting has its default there, in quotes, and no other key is there."""
    assert {section: set(values) for section, values in invoke_yaml().items()} == {
        **{section: set(parsers(section)) for section in SECTIONS},
        "api": set(api.KEYS),
    }
    assert all(isinstance(value, str) for values in invoke_yaml().values() for value in values.values())


def test_code_has_no_default() -> None:
    """invoke.yaml is the only place for defaults. Each field has a parser."""
    with pytest.raises(TypeError, match="missing"):
        SECTIONS["prod"]()
    for section, kind in SECTIONS.items():
        assert {field.name for field in fields(kind)} == parsers(section).keys()


def test_settings_are_frozen(settings: Settings) -> None:
    """A task cannot change what another function reads."""
    with pytest.raises(FrozenInstanceError):
        settings.prod.host_port = 1  # type: ignore[misc]


@pytest.mark.parametrize("port", ["0", "1", "80", "65535"])
def test_port_is_a_number_from_0_to_65535(port: str) -> None:
    """0 stands for any free port."""
    assert load(Path("/checkout"), with_value("prod", "host_port", port), {}, INVOKES_OWN).prod.host_port == int(port)


@pytest.mark.parametrize(
    "port", ["abc", "99999", "65536", "-1", "", " 80", "8080 ", "80.0", "0x50", "\uff11\uff12", "\u00b2"]
)
@pytest.mark.parametrize("section", ["dev", "prod"])
def test_other_text_is_not_a_port(section: str, port: str) -> None:
    """The problem names the value, and what it must be. Digits of other scripts are refused."""
    assert problems(with_value(section, "host_port", port)) == [
        f"{section}.host_port is {port!r}, but must be a port number (0: any free one), 0 to 65535"
    ]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("app.name", ["", "Hello", "hello_dock", "-hello", "hello-", "a--b", "a/b", "a b", "a\n", "a" * 41]),
        ("app.dir", [""]),
        ("app.dist", ["", "/srv", "..", "../", "a/../b", "../a/../b", ".", "./", "./."]),
        ("prod.memory", ["", "0m", "64", "64M", "64mb", "1.5g", "5m", "6143k", "6291455b"]),
        ("prod.log_max_size", ["", "10", "10 m"]),
        ("prod.pids_limit", ["", "7", "32769", "many"]),
        ("prod.log_max_files", ["0", "101"]),
        ("prod.drain_timeout", ["", "0", "3601", "30s", "-1"]),
        ("prod.retain_releases", ["", "0", "51", "all"]),
        ("prod.env_prefixes", ["API", "api_", "API_,APP_", "_", "1_", "API-", "API_ *", "API_ VITE"]),
        ("prod.fallback", ["", "Auto", "/index.html", "../index.html", "index", "a b.html", "a$b.html", "a;b.html"]),
        ("bases.source", ["", "Auto", "local"]),
        ("build.cache_from", ["runner", "ref=a", "type=local, src=a"]),
        ("build.cache_to", ["type", "--push type=gha"]),
        ("bases.node_image", ["", "Node:lts", "node lts", "--privileged"]),
        ("bases.nginx_image", ["", "-x"]),
        ("prod.deploy_timeout", ["0", "3601", "1m"]),
        ("dev.https", ["", "on", "cert.pem", "a b c", "'a b"]),
    ],
)
def test_invalid_value_is_a_problem(name: str, values: list[str]) -> None:
    """Docker would refuse the value later, or understand something else."""
    section, _, key = name.partition(".")
    for value in values:
        (problem,) = problems(with_value(section, key, value))
        assert problem.startswith(f"{name} is {value!r}, but must be ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("app_name", "my-app.v2"),
        ("app_name", "a" * 40),
        ("app_dist", "build/client"),
        ("app_dist", "../../dist/apps/web"),
        ("app_dist", "./.output/public"),
        ("bases_node_image", "registry.example:5000/mirror/node:26-alpine@sha256:0a1b"),
        ("prod_memory", "1g"),
        ("prod_memory", "6m"),
        ("prod_memory", "6144k"),
        ("prod_memory", "6291456b"),
        ("prod_log_max_size", "1k"),
        ("prod_drain_timeout", "1"),
        ("prod_retain_releases", "1"),
        ("bases_source", "standin"),
    ],
)
def test_valid_value_is_accepted(name: str, value: str) -> None:
    """Names, folders, registries and sizes other than the defaults are valid."""
    section, _, key = name.partition("_")
    assert str(getattr(getattr(configured(Path("/checkout"), **{name: value}), section), key)) == value


def test_https_is_a_word_or_two_files() -> None:
    """A shell's quotes hold the name of a file with a space together."""
    words = {"off": (), "mkcert": ("mkcert",), "'my cert.pem' key.pem": ("my cert.pem", "key.pem")}
    assert {text: https(text) for text in words} == words


@pytest.mark.parametrize(
    ("text", "prefixes"),
    [("API_ APP_", ("API_", "APP_")), ("  MY_OWN_  ", ("MY_OWN_",)), ("", ()), (" ", ()), ("A1_", ("A1_",))],
)
def test_prefixes_are_separated_by_spaces(text: str, prefixes: tuple[str, ...]) -> None:
    """No prefix is a valid choice: a release then takes no --env."""
    assert configured(Path("/checkout"), prod_env_prefixes=text).prod.env_prefixes == prefixes


def test_all_problems_are_in_one_error() -> None:
    """Two invalid values, an unknown key and an unknown variable are four lines."""
    config = invoke_yaml()
    config["prod"] |= {"host_port": "abc", "memry": "1g"}
    config["dev"]["deploy_timeout"] = "soon"
    with pytest.raises(SettingsError) as caught:
        load(Path("/checkout"), config, {"INVOKE_DEV_PORT": "1"}, INVOKES_OWN)
    assert str(caught.value).splitlines() == [
        "4 settings cannot be used:",
        "    INVOKE_DEV_PORT in the environment is not a setting. Did you mean INVOKE_DEV_HOST_PORT?",
        "    dev.deploy_timeout is 'soon', but must be seconds, 1 to 3600",
        "    prod.memry is not a setting. Did you mean prod.memory?",
        "    prod.host_port is 'abc', but must be a port number (0: any free one), 0 to 65535",
        "Settings come from invoke.yaml, hello-dock.yaml in the app's folder, INVOKE_<SECTION>_<KEY>, and flags.",
        f"Correct them there; {ROOT}/invoke.yaml lists every setting with its default.",
    ]


def test_missing_key_is_a_problem() -> None:
    """A default that was removed from invoke.yaml is not replaced by a hidden one."""
    config = invoke_yaml()
    del config["prod"]["memory"]
    assert problems(config) == [
        "prod.memory is '', but must be a size such as 64m, at least Docker's own minimum of 6m"
    ]


def test_key_without_a_value_is_empty() -> None:
    """`ca_file:` means the same as `ca_file: ""`."""
    assert load(Path("/checkout"), with_value("build", "ca_file", None), {}, INVOKES_OWN).build.ca_file == ""


@pytest.mark.parametrize("value", ["my-app", 8081, ["name"]])
def test_section_without_settings_is_a_problem(value: object) -> None:
    """`app: my-app` is a mistake for `app.name`."""
    assert [problem for problem in problems(invoke_yaml() | {"app": value}) if problem.startswith("app ")]


def test_missing_section_is_a_problem() -> None:
    """Each of its keys is named."""
    config = invoke_yaml()
    del config["dev"]
    assert problems(config)[:1] == ["dev.host_port is '', but must be a port number (0: any free one), 0 to 65535"]


@pytest.mark.parametrize("section", sorted(Config.global_defaults()))
def test_sections_of_invoke_are_not_read(section: str) -> None:
    """Invoke itself checks its own settings."""
    load(Path("/checkout"), invoke_yaml() | {section: {"anything": "goes"}}, {}, INVOKES_OWN)


@pytest.mark.parametrize(
    "name",
    ["INVOKE_RUN_ECHO", "INVOKE_DEBUG", "INVOKE_TASKS_SEARCH_ROOT", "INVOKE_PROD_HOST_PORT", "PROD_HOST_PORT", "HOME"],
)
def test_known_and_unrelated_variables_are_accepted(name: str) -> None:
    """A variable is a problem only if it begins with INVOKE_ and sets nothing."""
    load(Path("/checkout"), invoke_yaml(), {name: "1"}, INVOKES_OWN)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("INVOKE_PROD_PORT", "INVOKE_PROD_HOST_PORT"),
        ("INVOKE_PRD_HOST_PORT", "INVOKE_PROD_HOST_PORT"),
        ("INVOKE_prod_host_port", "INVOKE_PROD_HOST_PORT"),
        ("INVOKE_APP_NMAE", "INVOKE_APP_NAME"),
        ("INVOKE_API_UPSTREAM", "INVOKE_API_UPSTREAMS"),
        ("INVOKE_RUN_ECH", "INVOKE_RUN_ECHO"),
        ("INVOKE_PROD", ""),
        ("INVOKE_SHOP_COLOUR", ""),
    ],
)
def test_mistyped_variable_is_a_problem(name: str, meant: str) -> None:
    """Invoke ignores a variable that it does not know, so the setting would have no effect."""
    question = f". Did you mean {meant}?" if meant else ""
    assert problems(invoke_yaml(), {name: "8081"}) == [f"{name} in the environment is not a setting{question}"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [("prod.memry", "prod.memory"), ("dev.port", "dev.host_port"), ("prod.ca_file", "build.ca_file"), ("app.xyz", "")],
)
def test_mistyped_key_is_a_problem(name: str, meant: str) -> None:
    """A setting of a similar name is proposed, else one of the same name in another section."""
    question = f". Did you mean {meant}?" if meant else ""
    section, key = name.split(".")
    assert problems(with_value(section, key, "1")) == [f"{name} is not a setting{question}"]


def test_mistyped_section_is_a_problem() -> None:
    """A section of another project is none: it has no key of ours, or another name."""
    others = {"proud": {"colour": "red"}, "shop": {"host_port": "1"}, "dve": "text"}
    load(Path("/checkout"), invoke_yaml() | others, {}, INVOKES_OWN)
    assert problems(invoke_yaml() | {"porduction": {}, "prd": {"memory": "1g", "x": 1}}) == [
        "prd is no section of settings. Did you mean prod?"
    ]


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_old_name_of_a_setting_leads_to_the_new_one(old: str, new: str) -> None:
    """invoke.yaml and the environment are checked, so that an upgrade says what to change."""
    section, _, key = old.partition(".")
    config = invoke_yaml()
    config.setdefault(section, {})[key] = "30"
    assert problems(config) == [f"{old} is called {new} now"]
    variable = f"INVOKE_{section}_{key}".upper()
    (problem,) = problems(invoke_yaml(), {variable: "30"})
    assert problem.startswith(f"{variable} in the environment is called INVOKE_PROD_")
    for name in new.split(" and "):
        section, _, key = name.partition(".")
        assert key in parsers(section)


def test_names_derive_from_app_name(settings: Settings) -> None:
    """Two checkouts with different names have different images, containers and labels."""
    assert settings.image("prod") == "hello-dock:prod"
    assert settings.container("prod") == "hello-dock-prod"
    other = configured(settings.root, app_name="shop")
    assert other.image("dev") == "shop:dev"
    assert other.container("prod-candidate") == "shop-prod-candidate"
    assert other.labels("dev") == {"hello-dock.project": "shop", "hello-dock.role": "dev"}


def test_app_dir_is_relative_to_the_checkout_or_absolute(settings: Settings) -> None:
    """The folder where invoke was called does not matter."""
    assert settings.app_dir == settings.root / "hello-dock"
    assert configured(settings.root, app_dir="/srv/shop").app_dir == Path("/srv/shop")
    assert configured(settings.root, app_dir="../shop").app_dir == settings.root.parent / "shop"


def test_app_of_a_checkout_reached_over_a_link_is_not_external(settings: Settings, tmp_path: Path) -> None:
    """The repository's own app is recognised, whichever path leads to the checkout."""
    link = tmp_path / "link"
    link.symlink_to(settings.root)
    assert not replace(settings, root=link).is_external_app
