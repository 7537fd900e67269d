"""The certificate of a dev server over https, before anything is started."""

from __future__ import annotations

import ssl
import stat
import subprocess
from pathlib import Path

import pytest

from docktasks.app import vite_options
from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.dev import certificate
from docktasks.errors import AppError, SetupError
from docktasks.settings import Settings
from tests.support.certificates import OPENSSL, make_certificate
from tests.unit.fakes.apps import configured
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.programs import Programs
from tests.unit.fakes.runner import Runner


def project_with(settings: Settings, https: str, run: Runner | None = None) -> Project:
    """Return a project with this dev.https."""
    return Project(run or Runner(), FakeEngine(), configured(settings.root, dev_https=https))


def test_own_certificate_is_copied_to_the_cache(settings: Settings) -> None:
    """Only its user may read the key. The paths are the app's, or absolute."""
    cert, key = make_certificate(settings.app_dir / "tls")
    project = project_with(settings, f"tls/cert.pem '{key}'")
    assert certificate.host(project) == "127.0.0.1"
    folder = settings.root / ".cache/https-hello-dock"
    assert (folder / "cert.pem").read_bytes() == cert.read_bytes()
    assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
    assert certificate.certificate_args(project.settings) == [
        "--mount", f"type=bind,source={folder},target=/run/secrets/https,readonly"
    ]  # fmt: skip
    assert '"server":{"https":{"cert":"/run/secrets/https/cert.pem",' in vite_options.for_dev(project.settings)
    assert certificate.notices(project) == []


def test_certificate_for_localhost_only_names_that_host(tmp_path: Path) -> None:
    """The printed address must be one that a browser takes."""
    assert certificate.check(*make_certificate(tmp_path / "tls", "DNS:localhost")) == "localhost"


def test_without_the_setting_nothing_is_done(project: Project) -> None:
    """The dev server then speaks http, or what the app's own configuration says."""
    assert certificate.host(project) == ""
    assert certificate.certificate_args(project.settings) == []
    assert vite_options.for_dev(project.settings) == ""


@pytest.mark.parametrize(
    ("names", "days", "fault"),
    [
        ("DNS:app.example", 2, "Hostname mismatch, certificate is not valid for 'localhost'"),
        ("IP:192.168.1.2,DNS:*.example", 2, "Hostname mismatch, certificate is not valid for 'localhost'"),
        ("DNS:localhost", -1, "certificate has expired"),
    ],
)
def test_certificate_that_a_browser_refuses_is_an_error(tmp_path: Path, names: str, days: int, fault: str) -> None:
    """The error has the words of the check that refuses it."""
    cert, key = make_certificate(tmp_path / "tls", names, days=days)
    with pytest.raises(AppError) as caught:
        certificate.check(cert, key)
    assert caught.value.what == f"The certificate {cert} does not fit: {fault}."


def test_files_that_are_no_pair_are_an_error(tmp_path: Path) -> None:
    """The key of another certificate, a locked one, a file that is no certificate, and one that is missing."""
    cert, key = make_certificate(tmp_path / "one")
    other_cert, other_key = make_certificate(tmp_path / "two")
    locked, text = tmp_path / "locked.pem", tmp_path / "text"
    text.write_text("text")
    lock = [OPENSSL, "pkcs8", "-topk8", "-in", str(key), "-out", str(locked), "-passout", "pass:word"]
    subprocess.run(lock, check=True, capture_output=True)
    missing = tmp_path / "missing.pem"
    for pair, fault in (
        ((cert, other_key), f"{other_key} is the key of another certificate"),
        ((cert, locked), f"{locked} is locked with a password"),
        ((text, key), "it is no certificate"),
        ((cert, missing), f"{missing} cannot be read: No such file or directory"),
        ((other_cert, text), f"OpenSSL cannot use it with the key {text} ("),
        ((missing, key), f"{missing} cannot be read: No such file or directory"),
    ):
        with pytest.raises(AppError) as caught:
            certificate.check(*pair)
        assert fault in caught.value.what


def test_mkcert_that_is_missing_is_an_error(settings: Settings, programs: Programs) -> None:
    """Nothing is installed without being asked for."""
    assert programs.calls == []
    with pytest.raises(SetupError, match="There is no mkcert on this machine"):
        certificate.host(project_with(settings, "mkcert"))


def test_mkcert_is_asked_once(settings: Settings, programs: Programs, tmp_path: Path) -> None:
    """It is asked again when its authority is another one, and what it says when it fails is in the error."""
    root = tmp_path / "root"
    cert, key = make_certificate(root)
    (root / "rootCA.pem").write_bytes(cert.read_bytes())
    programs.add("mkcert", prints=str(root))
    folder = settings.root / ".cache/https-hello-dock"

    class Mkcert(Runner):
        def _result(self, args: list[str]) -> Result:
            assert args[0] == "mkcert"
            (folder / "cert.pem").write_bytes(cert.read_bytes())
            (folder / "key.pem").write_bytes(key.read_bytes())
            return Result()

    run = Mkcert()
    project = project_with(settings, "mkcert", run)
    assert [certificate.host(project), certificate.host(project)] == ["127.0.0.1", "127.0.0.1"]
    files = f"-cert-file {folder}/cert.pem -key-file {folder}/key.pem"
    assert run.lines == [f"mkcert {files} 127.0.0.1 localhost ::1"]
    (root / "rootCA.pem").write_bytes(make_certificate(tmp_path / "other")[0].read_bytes())
    failing = Runner(answers={"mkcert": Result(1, "ERROR: no space")})
    with pytest.raises(SetupError) as caught:
        certificate.host(project_with(settings, "mkcert", failing))
    assert caught.value.evidence == "ERROR: no space"


def test_authority_that_this_machine_does_not_trust_is_a_notice(
    settings: Settings, programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notice names the task that lets this machine trust it."""
    cert, _ = make_certificate(settings.root / ".cache/https-hello-dock")
    programs.add("mkcert", prints=str(tmp_path))
    project = project_with(settings, "mkcert")
    assert certificate.notices(project_with(settings, "off")) == []
    (notice,) = certificate.notices(project)
    assert "invoke setup --https" in notice
    trusting = ssl.create_default_context(cafile=cert)
    monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)
    assert certificate.notices(project) == []
