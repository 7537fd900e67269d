from __future__ import annotations

import pytest

from docktasks.errors import SetupError
from docktasks.housekeeping import optional_tools
from docktasks.progress import Progress
from docktasks.verify import chromium_path
from tests.unit.fakes.machines import FEDORA, TRIXIE, UBUNTU, Machine
from tests.unit.fakes.programs import Programs
from tests.unit.fakes.runner import Runner

SILENT = Progress(silent=True)


def test_configured_browser_comes_first(programs: Programs) -> None:
    """The setting is a name on PATH or a path. Without it, the first known browser on PATH is used."""
    usual, own = programs.add("google-chrome"), programs.add("my-chromium")
    assert chromium_path.find_chromium() == str(usual)
    assert chromium_path.find_chromium("my-chromium") == str(own)
    assert chromium_path.find_chromium(str(own)) == str(own)
    assert chromium_path.find_chromium("/nowhere/chromium") == str(usual)


def test_installed_browser_is_used(programs: Programs) -> None:
    """Nothing is installed, and the line names the browser."""
    path = programs.add("chromium")
    run = Runner()
    assert optional_tools.ensure_browser(run, SILENT) == f"Chromium: {path}"
    assert run.ran == []


def test_browser_on_debian_is_a_package(machine: Machine) -> None:
    """A font is installed with it, because a page would show boxes."""
    machine(release=TRIXIE)
    run = Runner(dry=True)
    optional_tools.ensure_browser(run, SILENT)
    assert run.lines == [
        "apt-get update",
        "apt-get install --yes --no-install-recommends chromium fonts-dejavu-core",
    ]


@pytest.mark.parametrize(("release", "uid"), [(FEDORA, 0), (UBUNTU, 0), (TRIXIE, 1000)])
def test_browser_on_other_machines_is_playwrights(machine: Machine, release: dict[str, str], uid: int) -> None:
    """Ubuntu's package is a snap, and without root no package can be installed."""
    machine(release=release, uid=uid)
    run = Runner(dry=True)
    optional_tools.ensure_browser(run, SILENT)
    assert run.lines == ["playwright install chromium"]


def test_browser_that_cannot_be_installed_is_an_error(machine: Machine) -> None:
    """The error names the setting for a browser that is somewhere else."""
    machine(release=FEDORA)
    with pytest.raises(SetupError, match="No Chromium could be installed") as caught:
        optional_tools.ensure_browser(Runner(), SILENT)
    assert "INVOKE_BROWSER_EXECUTABLE" in caught.value.how
