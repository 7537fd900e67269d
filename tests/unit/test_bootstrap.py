"""bootstrap: by which program it installs the locked packages."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.fakes.apps import ROOT

TOOLS = ("sh", "cat", "chmod", "cmp", "cp", "dirname", "mkdir", "sed")
PYTHON = """#!/bin/sh
echo "python $*" >>log
case "$*" in
"-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
*--version) exit "$PIP" ;;
*uv.lock) cp "$UV" .venv/bin/uv && cp .venv/uv.lock installed ;;
esac
"""
UV = """#!/bin/sh
echo "uv ${*##* }" >>log
exit "$REACHED"
"""
PIP = "python -m pip --python .venv/bin/python"
FLAGS = "install --quiet --disable-pip-version-check --require-hashes --requirement"
LOCK = ".ci/requirements.lock"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with bootstrap, its lock, and a PATH in bin/ that has no uv."""
    (tmp_path / "bin").mkdir()
    (tmp_path / ".ci").mkdir()
    for name in ("bootstrap", LOCK):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in TOOLS:
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    for path, text in {"bin/python3": PYTHON, "bin/invoke": "#!/bin/sh\n", "uv": UV}.items():
        (tmp_path / path).write_text(text)
        (tmp_path / path).chmod(0o755)
    return tmp_path


def installed(checkout: Path, *, pip: bool = True, reached: bool = True) -> list[str]:
    """Run bootstrap, where Python has a new pip, and uv reaches an index. Return the calls that install."""
    variables = {"PATH": f"{checkout}/bin", "UV": f"{checkout}/uv"}
    variables |= {"PIP": str(int(not pip)), "REACHED": str(int(not reached))}
    subprocess.run(["sh", "bootstrap", "invoke"], cwd=checkout, env=variables, check=True, capture_output=True)
    calls = (checkout / "log").read_text().splitlines()
    return [call for call in calls if not call.startswith("python -c") and "--version" not in call][1:]


def test_bootstrap_installs_by_the_uv_of_the_machine(checkout: Path) -> None:
    """pip is not needed then."""
    shutil.copy(checkout / "uv", checkout / "bin/uv")
    assert installed(checkout) == [f"uv {LOCK}"]


def test_bootstrap_installs_uv_by_pip_and_all_by_uv(checkout: Path) -> None:
    """pip gets one package of the lock, with its hashes."""
    assert installed(checkout) == [f"{PIP} {FLAGS} .venv/uv.lock", f"uv {LOCK}"]
    lines = (checkout / "installed").read_text().splitlines()
    assert lines[0].startswith("uv==")
    assert all("--hash=sha256:" in line for line in lines[1:])
    assert not lines[-1].endswith("\\")


def test_bootstrap_installs_all_by_pip_where_uv_reaches_no_index(checkout: Path) -> None:
    """uv does not read pip's settings, which may name a mirror."""
    calls = installed(checkout, reached=False)
    assert calls[1:] == [f"uv {LOCK}", f"{PIP} {FLAGS} {LOCK}"]


def test_bootstrap_gives_the_environment_a_pip_where_python_has_none(checkout: Path) -> None:
    """Debian's python3-venv has ensurepip, and no pip."""
    calls = installed(checkout, pip=False)
    assert calls == ["python -m ensurepip", f"python -m pip {FLAGS} .venv/uv.lock", f"uv {LOCK}"]
