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

import httpx
import pytest

from benchmarks.local_registry import LocalRegistry, debian_program
from docktasks.ship import attest, cosign
from tests.support.commands import docker
from tests.support.long_forms import long
from tests.support.project import ProjectUnderTest

PASSWORD = "the password of the key"  # noqa: S105 - of a key that ends with the test
SIGNING = ("--tlog-upload=false", "--allow-http-registry")
VERIFYING = ("--insecure-ignore-tlog=true", "--allow-http-registry")
VUE = "pkg:npm/%40vue/shared@"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
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
            "attest", "--yes", "--replace", *key, *signing(), "--type", kind, "--predicate", str(path), self.image
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


def signing() -> tuple[str, ...]:
    """Return how to sign by hand as the task does."""
    return (*SIGNING, *cosign.version_flags())


def lying(content: Document) -> Document:
    """Say in a VEX that a package of the bundle is not there, under another name for it."""
    (present,) = (package for package in PRESENT if package.startswith(VUE))
    changed = copy.deepcopy(content)
    changed["components"][0]["purl"] = present
    return changed


def put(*path: str | int, value: Any) -> Callable[[Document], Document]:
    """Return a lie: the value at a path."""

    def change(content: Document) -> Document:
        changed: Any = copy.deepcopy(content)
        parent = changed
        for step in path[:-1]:
            parent = parent[step]
        parent[path[-1]] = value
        return changed  # type: ignore[no-any-return]

    return change


def without_a_package(content: Document) -> Document:
    """Leave a package of the bundle out."""
    return content | {
        "components": [component for component in content["components"] if not component["bom-ref"].startswith(VUE)]
    }


def unreadable(_: Document) -> Document:
    """Say something that no reader of the kind understands."""
    return {"spdxVersion": "SPDX-2.3"}


NONE = 64 * "0"
COMMIT = ("externalParameters", "source", "digest", "gitCommit")
PRESENT: set[str] = set()
# tests/unit/ship/test_proofs.py has them all, without cosign.
LIES: list[Any] = [
    long(attest.VEX, lying, "is in the bundle, and it says the opposite"),
    long(attest.SBOM, put("components", 0, "components", 0, "hashes", 0, "content", value=NONE), f"content is {NONE}"),
    long(attest.SBOM, put("metadata", "component", "version", value="sha256:0"), "version is sha256:0, not sha256:"),
    long(attest.SBOM, without_a_package, f"it lacks components, {VUE}"),
    long(attest.SBOM, unreadable, "cannot be read"),
    long(attest.VEX, unreadable, "cannot be read"),
    long(attest.PROVENANCE, put("buildDefinition", *COMMIT, value=NONE[:40]), "gitCommit is 0000"),
    long(attest.VERIFY, put("checks", 0, "verdict", value="fail"), "do not add up"),
    long(attest.VERIFY, unreadable, "cannot be read"),
]


def test_image_is_proved(signed: Signed) -> None:
    """Signature, SBOM, VEX, provenance and results are of this digest, and a wrong key or another digest is not."""
    content = signed.said(attest.SBOM)
    assert {component["name"] for component in content["components"]} >= {"vue-router", "nginx"}
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
    signed.cosign("sign", "--yes", "--key", str(signed.folder / "cosign.key"), *signing(), index)
    assert f"Proved: {index}" in signed.verify(image=index)


@pytest.mark.parametrize(("kind", "lie", "text"), LIES)
def test_signed_lie_is_refuted(signed: Signed, kind: str, lie: Callable[[Document], Document], text: str) -> None:
    """The right key has signed it, and the image shows something else."""
    PRESENT.update(component["bom-ref"] for component in signed.said(attest.SBOM)["components"])
    truth = signed.said(kind)
    signed.say(kind, lie(truth))
    try:
        assert text in signed.verify(fails=True)
    finally:
        signed.say(kind, truth)


@pytest.mark.long
def test_missing_and_foreign_statements_are_named(signed: Signed) -> None:
    """A key that did not sign, an image without statements or with another image's, and a password that is wrong."""
    (signed.folder / "second").mkdir()
    program = ["cosign", "generate-key-pair"]
    environ = os.environ | signed.environ
    subprocess.run(program, cwd=signed.folder / "second", env=environ, check=True, capture_output=True)
    assert "is not by this key" in signed.verify("second/cosign.pub", fails=True)
    repository, digest = signed.image.split("@")
    other = f"{repository}:other"
    signed.project.stage(signed.project.image, "LABEL other=1", tag=other)
    docker("image", "push", other)
    name = docker("image", "inspect", "--format", "{{index .RepoDigests 0}}", other).strip()
    assert "has no signature" in signed.verify(image=name, fails=True)
    copy_tag(repository, digest, name.split("@")[1], "sig")
    assert "belongs to another image" in signed.verify(image=name, fails=True)
    signed.cosign("sign", "--yes", "--key", str(signed.folder / "cosign.key"), *signing(), name)
    assert "has no attestation of its SBOM" in signed.verify(image=name, fails=True)
    copy_tag(repository, digest, name.split("@")[1], "att")
    assert "belongs to another image" in signed.verify(image=name, fails=True)
    docker("image", "rm", other)
    key = f"--key={signed.folder / 'cosign.key'}"
    wrong = signed.project.fails("push", f"--to={repository}", key, **signed.environ | {"COSIGN_PASSWORD": "wrong"})
    assert "The password is wrong. Nothing was pushed." in wrong


def copy_tag(repository: str, digest: str, other: str, kind: str) -> None:
    """Give an image what cosign has attached to another one: anybody may who can push."""
    host, _, path = repository.partition("/")
    url = f"http://{host}/v2/{path}/manifests/"
    with httpx.Client(base_url=url, trust_env=False) as client:
        manifest = client.get(f"{digest.replace(':', '-')}.{kind}", headers={"Accept": MANIFEST})
        assert manifest.is_success, manifest.text
        headers = {"Content-Type": manifest.headers["content-type"]}
        copied = client.put(f"{other.replace(':', '-')}.{kind}", content=manifest.content, headers=headers)
        assert copied.is_success, copied.text
