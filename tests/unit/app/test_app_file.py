"""The settings in an app's own folder: where they come from, what they may be, and what comes before them."""

from __future__ import annotations

from pathlib import Path

import pytest
from invoke.config import Config
from invoke.context import Context

from docktasks.app import session
from docktasks.app.app_file import NAME, OF_THE_MACHINE, OTHER_NAMES, AppFile
from docktasks.app.sources import merged
from docktasks.errors import SettingsError
from docktasks.settings import SECTIONS, Settings, parsers
from tests.unit.fakes.apps import ROOT, invoke_yaml


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an app that app.dir names."""
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.setenv("INVOKE_APP_DIR", str(folder))
    return folder


def loaded(overrides: session.Overrides | None = None, runtime: Path | None = None) -> Settings:
    """Return the settings as a task loads them: from invoke.yaml, the app, the environment and flags."""
    config = Config(project_location=ROOT, runtime_path=runtime, lazy=True)
    config.load_project()
    config.load_runtime()
    config.load_shell_env()
    return session.load_settings(Context(config), overrides)


def problems(app: Path, text: str) -> list[str]:
    """Return what the error says about a file with this text."""
    (app / NAME).write_text(text)
    with pytest.raises(SettingsError) as caught:
        loaded()
    return caught.value.evidence.splitlines()


def test_value_of_the_app_comes_before_the_one_of_invoke_yaml(app: Path) -> None:
    """The other keys of the section keep their defaults. A number needs no quotes."""
    (app / NAME).write_text("app:\n  name: shop\n  dist: build/client\nprod:\n  host_port: 8090\n")
    settings = loaded()
    assert (settings.app.name, settings.app.dist, settings.prod.host_port) == ("shop", "build/client", 8090)
    assert (settings.prod.memory, settings.app_dir) == ("64m", app)


@pytest.mark.parametrize(("text", "section"), [(":::", "::"), ("proud:", "proud"), ("prod:\nproud:\n", "proud")])
def test_unknown_section_without_a_value_is_an_error(app: Path, text: str, section: str) -> None:
    """Nobody would notice that the file has no effect. A section of ours may be empty."""
    (problem,) = problems(app, text)
    assert f"{section} is no section of settings" in problem


def test_environment_comes_before_the_app(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One value for this machine, or for one call. The app's other values stay."""
    (app / NAME).write_text("prod:\n  host_port: 8090\n  memory: 32m\n")
    monkeypatch.setenv("INVOKE_PROD_HOST_PORT", "8091")
    assert (loaded().prod.host_port, loaded().prod.memory) == (8091, "32m")


def test_flag_comes_before_the_environment_and_the_app(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag that is not given changes nothing."""
    (app / NAME).write_text("prod:\n  host_port: 8090\n")
    assert loaded({"prod": {"host_port": "8092"}}).prod.host_port == 8092
    assert loaded({"prod": {"host_port": ""}}).prod.host_port == 8090
    monkeypatch.setenv("INVOKE_PROD_HOST_PORT", "8091")
    assert loaded({"prod": {"host_port": "8092"}}).prod.host_port == 8092


def test_file_that_invoke_is_given_comes_before_the_app(app: Path, tmp_path: Path) -> None:
    """`invoke --config FILE` is a choice of one call, as the environment is."""
    (app / NAME).write_text("prod:\n  host_port: 8090\n")
    (tmp_path / "call.yaml").write_text("prod:\n  host_port: '8093'\n")
    assert loaded(runtime=tmp_path / "call.yaml").prod.host_port == 8093


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "prod:\n", "\ufeffprod:\n  memory: 64m\n"])
def test_file_without_a_change_changes_nothing(app: Path, text: str) -> None:
    """An empty file and an empty section are valid, and so is a byte order mark."""
    before = loaded()
    (app / NAME).write_text(text)
    assert loaded() == before


@pytest.mark.parametrize("folder", ["", "nowhere", "file"])
def test_folder_without_the_file_is_no_error_here(
    app: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: str
) -> None:
    """A folder that is no app is named when package.json is read."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("INVOKE_APP_DIR", str(tmp_path / folder if folder else app))
    assert loaded().prod.memory == "64m"


def test_every_mistake_is_named_with_the_file_and_the_key(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mistakes of the environment are in the same error, without the file."""
    monkeypatch.setenv("INVOKE_PROD_PIDS_LIMIT", "many")
    text = "prod:\n  memry: 1g\n  host_port: abc\n  keep: 2\n  1: x\nproud:\n  csp: strict\nbuild: fast\n"
    file = app / NAME
    assert problems(app, text) == [
        f"{file}: prod.1 is not a setting",
        f"{file}: prod.keep is called prod.retain_releases now",
        f"{file}: prod.memry is not a setting. Did you mean prod.memory?",
        f"{file}: prod.host_port is 'abc', but must be a port number (0: any free one), 0 to 65535",
        "prod.pids_limit is 'many', but must be a number of processes, 8 to 32768",
        f"{file}: proud is no section of settings: {', '.join((*SECTIONS, 'api'))}. Did you mean prod?",
        f"{file}: build is 'fast', but must hold settings",
    ]


def test_mistake_of_a_flag_is_not_blamed_on_the_file(app: Path) -> None:
    """The file's own value is valid."""
    (app / NAME).write_text("prod:\n  host_port: 8090\n")
    with pytest.raises(SettingsError) as caught:
        loaded({"prod": {"host_port": "abc"}})
    assert caught.value.evidence.startswith("prod.host_port is 'abc'")


@pytest.mark.parametrize("name", OF_THE_MACHINE)
def test_setting_of_the_machine_is_refused(app: Path, name: str) -> None:
    """An app that was cloned a minute ago does not choose a program of this machine, or whom it trusts."""
    section, _, key = name.partition(".")
    assert key in parsers(section)
    assert problems(app, f"{section}:\n  {key}: ''\n")[-1].startswith(f"{app / NAME}: {name} cannot be set there: ")


def test_every_other_setting_can_be_made(app: Path) -> None:
    """The file has the same sections and keys as invoke.yaml."""
    defaults = invoke_yaml()
    lines = []
    for section in SECTIONS:
        keys = [key for key in parsers(section) if f"{section}.{key}" not in OF_THE_MACHINE]
        lines += [f"{section}:", *(f"  {key}: {defaults[section][key]!r}" for key in keys)]
    (app / NAME).write_text("\n".join(lines))
    loaded()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"prod: [", "line 1, column 8"),
        (b"prod:\n\tcsp: strict\n", "cannot start any token"),
        (b"prod: \xff\n", "codec can't decode"),
        (b"!!python/object/apply:os.system ['true']\n", "could not determine a constructor"),
    ],
)
def test_file_that_is_not_yaml_is_one_clear_error(app: Path, content: bytes, reason: str) -> None:
    """The error names the file and the line. A tag runs no code."""
    (app / NAME).write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        loaded()
    assert caught.value.what == f"{app / NAME} cannot be read:"
    assert reason in caught.value.evidence


@pytest.mark.parametrize("text", ["strict\n", "- prod\n", "7\n"])
def test_file_without_sections_is_one_clear_error(app: Path, text: str) -> None:
    """A list or a word has no settings."""
    (app / NAME).write_text(text)
    with pytest.raises(SettingsError, match="has no sections"):
        loaded()


def test_folder_in_place_of_the_file_is_one_clear_error(app: Path) -> None:
    """It is not taken for an app without settings."""
    (app / NAME).mkdir()
    with pytest.raises(SettingsError, match="cannot be read"):
        loaded()


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_file_under_a_similar_name_is_refused(app: Path, name: str) -> None:
    """Its settings would have no effect, and nobody would notice."""
    (app / name).write_text("prod:\n  memory: 32m\n")
    with pytest.raises(SettingsError, match=r"is not read.") as caught:
        loaded()
    assert caught.value.how == f"Rename it to {NAME}"


def test_app_names_its_api_also_where_invoke_yaml_has_no_such_section() -> None:
    """Its prefixes are added to those of invoke.yaml."""
    file = AppFile("app/hello-dock.yaml", {"api": {"/api": "http://api:8000"}})
    config = merged({"api": {"/ws": "http://ws"}}, file.settings)
    assert config["api"] == {"/ws": "http://ws", "/api": "http://api:8000"}
    for repository in ({"api": None}, dict[str, object]()):
        config = merged(repository, file.settings)
        assert config["api"] == {"/api": "http://api:8000"}
        assert file.origins(config) == {"api./api": "app/hello-dock.yaml: "}
