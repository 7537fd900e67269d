"""A pushed image is signed by the real cosign, and what is said of it is proved or refuted."""

from __future__ import annotations

import base64
import copy
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from docktasks.ship import attest
from tests.support.commands import docker
from tests.support.image_registry import LocalRegistry, debian_program
from tests.support.long_forms import long
from tests.support.project import ProjectUnderTest

PASSWORD = "the password of the key"  # noqa: S105 - of a key that ends with the test
SIGNING = ("--tlog-upload=false", "--allow-http-registry")
VERIFYING = ("--insecure-ignore-tlog=true", "--allow-http-registry")
VUE = "pkg:npm/%40vue/shared@"
Document = dict[str, Any]


@dataclass(frozen=True)
class Signed:
    """A pushed and signed image, its keys, and what a test says of it with the same key."""

    project: ProjectUnderTest
    folder: Path
    image: str
    environ: dict[str, str]

    def cosign(self, *args: str) -> str:
        """Run cosign, and return its output."""
        environ = os.environ | self.environ
        return subprocess.run(["cosign", *args], env=environ, check=True, capture_output=True, text=True).stdout

    def said(self, kind: str) -> Document:
        """Return the document of a kind that is attached to the image."""
        key = ("--key", str(self.folder / "cosign.pub"))
        line = self.cosign("verify-attestation", *key, *VERIFYING, "--type", kind, self.image)
        content: Document = json.loads(base64.b64decode(json.loads(line)["payload"]))["predicate"]
        return content

    def say(self, kind: str, content: Document) -> None:
        """Attach a document in place of that kind."""
        path = self.folder / "said.json"
        path.write_text(json.dumps(content))
        key = ("--key", str(self.folder / "cosign.key"))
        self.cosign(
            "attest", "--yes", "--replace", *key, *SIGNING, "--type", kind, "--predicate", str(path), self.image
        )

    def verify(self, key: str = "cosign.pub", image: str = "", *, fails: bool = False) -> str:
        """Return what the task says that proves it, or fails."""
        args = ("verify", "--attested", f"--image={image or self.image}", f"--key={self.folder / key}")
        return (self.project.fails if fails else self.project.succeeds)(*args, **self.environ)


@pytest.fixture(scope="module")
def signed(
    built_project: ProjectUnderTest, registry: LocalRegistry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Signed]:
    """An image that was pushed with --sign."""
    folder = tmp_path_factory.mktemp("keys")
    program = Path(debian_program("cosign", folder))
    environ = {"COSIGN_PASSWORD": PASSWORD, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    subprocess.run(
        [program, "generate-key-pair"], cwd=folder, env=os.environ | environ, check=True, capture_output=True
    )
    repository, record = f"{registry.address}/team/signed", folder / "release.json"
    key = (f"--key={folder / 'cosign.key'}", f"--record={record}", "--tag=revision")
    output = built_project.succeeds("push", f"--to={repository}", "--sign", *key, **environ)
    assert "signed, with SBOM, VEX, provenance and the results of verify" in output
    assert PASSWORD not in output
    yield Signed(built_project, folder, json.loads(record.read_text())["image"], environ)
    names = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository).split()
    docker("image", "rm", *(name for name in names if not name.endswith(":<none>")))


def lying(content: Document) -> Document:
    """Say in a VEX that a package of the bundle is not there."""
    lie = copy.deepcopy(content["vulnerabilities"][0])
    (lie["affects"][0]["ref"],) = {package for package in PRESENT if package.startswith(VUE)}
    return content | {"vulnerabilities": [*content["vulnerabilities"], lie]}


def of_other_files(content: Document) -> Document:
    """Name another content of a file, as the SBOM of an older release does."""
    changed = copy.deepcopy(content)
    changed["components"][0]["components"][0]["hashes"][0]["content"] = 64 * "0"
    return changed


def of_other_image(content: Document) -> Document:
    """Name another image."""
    changed = copy.deepcopy(content)
    changed["metadata"]["component"]["version"] = f"sha256:{64 * '0'}"
    return changed


def of_other_commit(content: Document) -> Document:
    """Name another commit."""
    changed = copy.deepcopy(content)
    changed["buildDefinition"]["externalParameters"]["source"]["digest"]["gitCommit"] = 40 * "0"
    return changed


def without_a_package(content: Document) -> Document:
    """Leave a package of the bundle out."""
    return content | {"components": [one for one in content["components"] if not one["bom-ref"].startswith(VUE)]}


def with_a_failure(content: Document) -> Document:
    """Say that a check failed."""
    failed = content["checks"][0] | {"verdict": "fail", "counts": True}
    return content | {"passed": False, "checks": [failed]}


def unreadable(_: Document) -> Document:
    """Say something that no reader of the kind understands."""
    return {"spdxVersion": "SPDX-2.3"}


PRESENT: set[str] = set()
# tests/unit/ship/test_attested.py has them all, without cosign.
LIES: list[Any] = [
    long(attest.VEX, lying, "is in the bundle, and it says the opposite"),
    long(attest.SBOM, of_other_files, "it has another content of"),
    long(attest.SBOM, of_other_image, "it is about sha256:0000"),
    long(attest.SBOM, without_a_package, f"it lacks a package: {VUE}"),
    long(attest.SBOM, unreadable, "cannot be read"),
    long(attest.VEX, of_other_image, "it is about sha256:0000"),
    long(attest.VEX, unreadable, "cannot be read"),
    long(attest.PROVENANCE, of_other_commit, "it names the commit 0000"),
    long(attest.VERIFY, with_a_failure, "these checks failed"),
    long(attest.VERIFY, unreadable, "cannot be read"),
]


def test_image_is_proved(signed: Signed) -> None:
    """Signature, SBOM, VEX, provenance and results are of this digest, and a wrong key or another digest is not."""
    content = signed.said(attest.SBOM)
    assert {one["name"] for one in content["components"]} >= {"vue-router", "nginx"}
    output = signed.verify()
    assert f"Proved: {signed.image}" in output
    assert "packages of the lock file are not in it" in output
    assert "was not built again" not in output
    for name in ("other.key", "other.pub"):
        (signed.folder / name).write_text((signed.folder / f"cosign{name[5:]}").read_text())
    assert "is a private key, which cannot verify" in signed.verify("other.key", fails=True)
    other = signed.image.partition("@")[0] + f"@sha256:{64 * '1'}"
    assert "has no signature" in signed.verify(image=other, fails=True)


@pytest.mark.long  # what follows the look at the index is the same as for one image
def test_index_is_proved_by_the_image_that_it_names(signed: Signed) -> None:
    """A push for several platforms prints the digest of an index, which is signed and has no documents."""
    tag = f"{signed.image.partition('@')[0]}:index"
    docker("buildx", "imagetools", "create", "--tag", tag, signed.image)
    digest = json.loads(docker("buildx", "imagetools", "inspect", "--format", "{{json .Manifest}}", tag))["digest"]
    index = f"{signed.image.partition('@')[0]}@{digest}"
    assert index != signed.image
    assert "has no signature" in signed.verify(image=index, fails=True)
    signed.cosign("sign", "--yes", "--key", str(signed.folder / "cosign.key"), *SIGNING, index)
    assert f"Proved: {index}" in signed.verify(image=index)


@pytest.mark.parametrize(("kind", "lie", "text"), LIES)
def test_signed_lie_is_refuted(signed: Signed, kind: str, lie: Callable[[Document], Document], text: str) -> None:
    """The right key has signed it, and the image shows something else."""
    PRESENT.update(one["bom-ref"] for one in signed.said(attest.SBOM)["components"])
    truth = signed.said(kind)
    signed.say(kind, lie(truth))
    try:
        assert text in signed.verify(fails=True)
    finally:
        signed.say(kind, truth)


@pytest.mark.long
def test_missing_and_foreign_statements_are_named(signed: Signed) -> None:
    """A key that did not sign, an image without statements, and a password that is wrong."""
    (signed.folder / "second").mkdir()
    program = ["cosign", "generate-key-pair"]
    environ = os.environ | signed.environ
    subprocess.run(program, cwd=signed.folder / "second", env=environ, check=True, capture_output=True)
    assert "is not by this key" in signed.verify("second/cosign.pub", fails=True)
    repository = signed.image.partition("@")[0]
    bare = f"{repository}-bare:1"
    docker("image", "tag", signed.project.image, bare)
    docker("image", "push", bare)
    name = f"{repository}-bare@{signed.image.partition('@')[2]}"
    assert "has no signature" in signed.verify(image=name, fails=True)
    signed.cosign("sign", "--yes", "--key", str(signed.folder / "cosign.key"), *SIGNING, name)
    assert "has no attestation of its SBOM" in signed.verify(image=name, fails=True)
    docker("image", "rm", bare)
    key = f"--key={signed.folder / 'cosign.key'}"
    wrong = signed.project.fails("push", f"--to={repository}", key, **signed.environ | {"COSIGN_PASSWORD": "wrong"})
    assert "Its password is another one. Nothing was pushed." in wrong
