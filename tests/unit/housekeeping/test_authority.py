from __future__ import annotations

import pytest

from docktasks.commands import Result
from docktasks.errors import SetupError
from docktasks.housekeeping import optional_tools
from docktasks.progress import Progress
from tests.unit.fakes.machines import FEDORA, TRIXIE, Machine
from tests.unit.fakes.programs import Programs
from tests.unit.fakes.runner import Runner

SILENT = Progress(silent=True)


def test_mkcert_is_installed_from_debian_and_installs_its_authority(machine: Machine) -> None:
    """certutil comes along, by which mkcert reaches Chromium's and Firefox's certificates."""
    machine(release=TRIXIE)
    run = Runner(dry=True)
    assert optional_tools.ensure_authority(run, SILENT) == "Dry run: nothing was changed."
    assert run.lines == [
        "apt-get update",
        "apt-get install --yes --no-install-recommends mkcert libnss3-tools",
        "mkcert -install",
    ]


def test_installed_mkcert_is_used(machine: Machine, programs: Programs) -> None:
    """The line names its authority's file. What mkcert says when it fails is in the error."""
    machine(release=FEDORA)
    programs.add("mkcert", prints="/home/me/mkcert")
    run = Runner()
    line = "This machine trusts mkcert's authority: /home/me/mkcert/rootCA.pem"
    assert optional_tools.ensure_authority(run, SILENT) == line
    assert run.lines == ["mkcert -install"]
    with pytest.raises(SetupError) as caught:
        optional_tools.ensure_authority(Runner(answers={"mkcert": Result(1, "ERROR: no certutil")}), SILENT)
    assert caught.value.evidence == "ERROR: no certutil"


@pytest.mark.parametrize(("release", "uid"), [(FEDORA, 0), (TRIXIE, 1000)])
def test_mkcert_elsewhere_is_installed_by_hand(machine: Machine, release: dict[str, str], uid: int) -> None:
    """The error says where mkcert describes that."""
    machine(release=release, uid=uid)
    with pytest.raises(SetupError, match="There is no mkcert on this machine"):
        optional_tools.ensure_authority(Runner(), SILENT)
