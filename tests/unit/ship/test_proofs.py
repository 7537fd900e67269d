"""What is said of an image is compared with it; keys, and what cosign answers."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.errors import DockError, PushError, SettingsError, VerifyError
from docktasks.settings import Settings
from docktasks.ship import attest, bundle, claims, cosign, keys, proofs, provenance, sbom, vex
from docktasks.ship.keys import Key
from docktasks.ship.names import ShippedImage
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.runner import Runner
from tests.unit.ship.test_sbom import DIGEST, REPORT, REVISION, described

IMAGE = ShippedImage("127.0.0.1:5000/team/app", DIGEST)
BUNDLE = bundle.from_report(REPORT)
Document = dict[str, Any]
TRUTH: dict[str, Document] = {
    "SBOM": sbom.document(described(), BUNDLE),
    "VEX": vex.document(described(), BUNDLE),
    "provenance": provenance.document(
        described(),
        {"BUILD_ENV": "export TOKEN=x", "NODE_IMAGE": "node:lts", "REVISION": REVISION},
        f"sha256:{64 * 'c'}", "", {}
    ),
    "results of verify": {
        "schema": 1,
        "passed": True,
        "checks": [
            {"id": "image.user", "verdict": "pass", "severity": "critical", "counts": False},
            {"id": "image.size", "verdict": "fail", "severity": "minor", "counts": False},
        ],
        "summary": {"pass": 1, "fail": 1, "skip": 0},
        "image": {"digest": DIGEST},
    },
}  # fmt: skip


def faults(name: str, content: Document, *, is_rebuilt: bool = True) -> list[str]:
    """Return what is not true in a document of the image of test_sbom."""
    _, faults_of = claims.CLAIMS[name]
    return list(faults_of(content, described(), BUNDLE if is_rebuilt else None))


@pytest.mark.parametrize("is_rebuilt", [True, False])
@pytest.mark.parametrize("name", TRUTH)
def test_truth_has_no_fault(name: str, is_rebuilt: bool) -> None:  # noqa: FBT001
    """Also where the source is not here to be built again."""
    assert faults(name, TRUTH[name], is_rebuilt=is_rebuilt) == []


def put(*path: str | int, value: Any) -> Callable[[Document], None]:
    """Return a change of the value at a path; None removes it."""

    def change(content: Any) -> None:
        for step in path[:-1]:
            content = content[step]
        if value is None:
            del content[path[-1]]
        else:
            content[path[-1]] = value

    return change


def add(*path: str | int, value: Any) -> Callable[[Document], None]:
    """Return a change that adds an item to the list at a path."""

    def change(content: Any) -> None:
        for step in path:
            content = content[step]
        content.append(value)

    return change


OTHER, NONE = f"sha256:{64 * 'b'}", 64 * "0"
USED = "pkg:npm/%40scope/used@1.0.0%2Bx"
SBOM_LIES: list[tuple[Callable[[Document], None], str, bool]] = [
    # What it says of the image, its files and its base shows without the source, too.
    (put("metadata", "component", "version", value=OTHER), f"metadata, component, version is {OTHER}, not", True),
    (put("metadata", "component", "hashes", 0, "content", value=NONE), f"SHA-256, content is {NONE}, not aaaa", True),
    (put("metadata", "component", "properties", 0, "value", value="0"), "hello-dock:revision, value is 0, not 1", True),
    (put("metadata", "component", "properties", 1, "value", value="scratch"), "hello-dock:base, value is scr", True),
    (put("components", 0, "components", 0, "hashes", 0, "content", value="0"), "SHA-256, content is 0, not 1", True),
    (put("components", 0, "components", 0, value=None), "it lacks components, app, components, file:assets/a.js", True),
    (
        add("components", 0, "components", value={"name": "x", "hashes": []}),
        "it has components, app, components, x, name: x",
        True,
    ),
    (
        add("components", 0, "components", 0, "hashes", value={"alg": "SHA-256", "content": NONE}),
        f"content: {NONE}",
        True,
    ),
    (put("components", 3, value=None), "pkg:apk/alpine/musl", True),
    (put("components", 3, "version", value="9"), "version is 9, not 1.2.5-r10", True),
    (add("components", value={"name": "left-pad", "version": "1"}), "it has components, left-pad, version: 1", True),
    (add("components", value={"name": "left-pad", "purl": "pkg:pypi/left@1"}), "pkg:pypi/left@1", True),
    (put("vulnerabilities", value=[{"affects": [{"ref": USED}]}]), "vulnerabilities", True),
    (add("components", value={"bom-ref": "pkg:npm/x@1", "purl": "pkg:apk/x@1"}), "says that it is pkg:apk/x@1", True),
    (add("components", value={"bom-ref": "app", "purl": "pkg:apk/x@1"}), "app says that it is pkg:apk/x@1", True),
    (put("components", 1, "components", value=[{"purl": "pkg:apk/x@1"}]), "components, purl: pkg:apk/x@1", True),
    # Packages of npm take a build of the same commit.
    (put("components", 1, value=None), f"it lacks components, {USED}, type", False),
    (put("components", 1, "version", value="9"), "version is 9, not 1.0.0+x", False),
    (put("components", 1, "name", value="left-pad"), "name is left-pad, not @scope/used", False),
    (put("components", 1, "hashes", 0, "content", value="00"), "content is 00, not", False),
    (put("components", 1, "licenses", value=[]), "it lacks components", False),
    (put("formulation", value=None), "formulation, build", False),
]
DENIED = {"analysis": {"state": "not_affected"}, "affects": [{"ref": USED}]}
ALIAS = {"bom-ref": "pkg:npm/shaken@2.0.0", "purl": "pkg:npm/@scope/used@1.0.0+x?type=x"}
VEX_LIES: list[tuple[Callable[[Document], None], str, bool]] = [
    (put("metadata", "component", "version", value=OTHER), f"version is {OTHER}, not", True),
    (put("vulnerabilities", 1, "analysis", "state", value="not_affected"), "says the opposite", False),
    (put("vulnerabilities", 0, value=None), "code_not_present", False),
    (
        lambda document: (
            add("components", value={"bom-ref": USED, "purl": USED})(document),
            add("vulnerabilities", value=DENIED)(document),
        )[0],
        "says the opposite",
        False,
    ),
    (put("components", 0, value=ALIAS), "says the opposite", False),
]
PROVENANCE_LIES: list[tuple[Callable[[Document], None], str, bool]] = [
    (
        put("buildDefinition", "externalParameters", "source", "digest", "gitCommit", value="0"),
        "Commit is 0, not",
        True,
    ),
    (put("buildDefinition", "resolvedDependencies", 0, "digest", "gitCommit", value="0"), "gitCommit is 0, not", True),
    (
        put("buildDefinition", "resolvedDependencies", 0, value=None),
        "it lacks buildDefinition, resolvedDependencies",
        True,
    ),
    (put("buildDefinition", "resolvedDependencies", 1, "digest", value={"sha256": "0"}), "nginx:stable, digest", True),
    (
        add("buildDefinition", "resolvedDependencies", value={"uri": "nginx:stable"}),
        "nginx:stable, uri: nginx:stable",
        True,
    ),
    (put("buildDefinition", "externalParameters", "parameters", "REVISION", value="0"), "REVISION is 0, not 1", True),
    (put("buildDefinition", "internalParameters", "architecture", value="s390x"), "is s390x, not amd64", True),
    (put("buildDefinition", "buildType", value="https://other.example"), "buildType is https://other.example", True),
]
VERIFY_LIES: list[tuple[Callable[[Document], None], str, bool]] = [
    (put("image", "digest", value=OTHER), f"it is the result of {OTHER}", True),
    (put("passed", value=False), "these checks failed", True),
    (put("checks", value=[]), "do not add up", True),
    (put("summary", "pass", value=99), "do not add up", True),
    (put("checks", 1, "severity", value="critical"), "these checks failed: image.size", True),
    (put("checks", 1, "severity", value="major"), "these checks failed: image.size", True),
    (put("checks", 1, "counts", value=True), "these checks failed: image.size", True),
    (put("checks", 1, "verdict", value="error"), "do not add up", True),
]
LIES = [
    (name, *lie)
    for name, lies in zip(TRUTH, (SBOM_LIES, VEX_LIES, PROVENANCE_LIES, VERIFY_LIES), strict=True)
    for lie in lies
]


@pytest.mark.parametrize(("name", "change", "text", "shows_without_source"), LIES)
def test_lie_is_named(
    name: str,
    change: Callable[[Document], None],
    text: str,
    shows_without_source: bool,  # noqa: FBT001
) -> None:
    """Each lie is signed by the right key, and the image shows something else."""
    content = copy.deepcopy(TRUTH[name])
    change(content)
    assert any(text in fault for fault in faults(name, content)), faults(name, content)
    assert bool(faults(name, content, is_rebuilt=False)) is shows_without_source


def test_vex_is_compared_with_the_sbom_without_the_source() -> None:
    """It must not deny a package that the SBOM lists, also by another spelling or by a name of its own."""
    content = copy.deepcopy(TRUTH["VEX"])
    present = sbom.purls_in(TRUTH["SBOM"])
    assert list(claims.lies(content, present)) == []
    content["components"][0] = ALIAS
    assert "says the opposite" in next(claims.lies(content, present))
    content["components"].clear()
    with pytest.raises(LookupError):
        list(claims.lies(content, present))


def test_documents_of_a_copy_and_of_another_version_are_judged_alike() -> None:
    """A copy has another registry's name. What another version wrote may differ by its form, and the error says so."""
    for name in ("SBOM", "VEX"):
        content = copy.deepcopy(TRUTH[name])
        content["metadata"]["tools"]["components"][0]["version"] = "0.0.1"
        assert faults(name, content) == []
        content["metadata"].update({f"x-{number}": number for number in range(10)})
        _, faults_of = claims.CLAIMS[name]
        with pytest.raises(VerifyError, match=r"hello-dock 0\.0\.1 wrote it, .*: repeat this with that version"):
            proofs.require_true(name, IMAGE, faults_of(content, described(), BUNDLE))
        moved = replace(described(), image=replace(described().image, repository="mirror.example/shop"))
        assert list(faults_of(TRUTH[name], moved, BUNDLE)) == []


@pytest.mark.parametrize("name", TRUTH)
@pytest.mark.parametrize("content", [{}, {"bomFormat": "SPDX", "specVersion": "2.3"}, {"schema": 2, "metadata": []}])
def test_unknown_form_is_one_clear_error(name: str, content: Document) -> None:
    """It proves nothing, and the error says of which document."""
    _, faults_of = claims.CLAIMS[name]
    with pytest.raises(VerifyError, match=f"The attestation of its {name} cannot be read") as caught:
        proofs.require_true(name, IMAGE, faults_of(content, described(), BUNDLE))
    assert caught.value.how


def test_provenance_has_the_names_of_variables_only() -> None:
    """A variable may hold a token, and a provenance is public."""
    content = json.dumps(TRUTH["provenance"])
    assert '"BUILD_ENV": "TOKEN"' in content
    assert "export" not in content
    assert {"uri": "node:lts", "digest": {"sha256": 64 * "c"}} in json.loads(content)["buildDefinition"][
        "resolvedDependencies"
    ]
    github = {"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "o/r",
              "GITHUB_WORKFLOW_REF": "o/r/.github/workflows/ci.yml@refs/heads/main", "GITHUB_RUN_ID": "7"}  # fmt: skip
    builder, invocation = provenance.builder_and_invocation(github)
    assert builder == "https://github.com/o/r/.github/workflows/ci.yml@refs/heads/main"
    assert invocation == "https://github.com/o/r/actions/runs/7"
    assert provenance.builder_and_invocation({}) == (provenance.LOCAL_BUILDER, "")


def test_commands_of_cosign_are_these(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key file goes without a transparency log; a loopback registry without TLS; others by Docker's authorities."""
    monkeypatch.setattr(cosign, "CERTS", tmp_path)
    monkeypatch.setattr(cosign, "version_flags", tuple)
    key, http, name = Key("/k/cosign.key"), "--allow-http-registry", IMAGE.reference
    signing = ["--yes", "--key", "/k/cosign.key", "--tlog-upload=false", http]
    assert cosign.sign_args(key, IMAGE) == ["cosign", "sign", *signing, name]
    assert cosign.attest_args(key, IMAGE, "urn:x", "p.json") == [
        "cosign", "attest", "--yes", "--replace", *signing[1:], "--type", "urn:x", "--predicate", "p.json", name,
    ]  # fmt: skip
    verifying = ["--key", "/k/cosign.key", "--insecure-ignore-tlog=true", http]
    assert cosign.verify_args(key, IMAGE) == ["cosign", "verify", *verifying, name]
    assert cosign.attestation_args(key, IMAGE, "urn:x", "o") == [
        "cosign", "verify-attestation", *verifying, "--type", "urn:x", "--output-file", "o", name,
    ]  # fmt: skip
    (tmp_path / "harbour.example:444").mkdir()
    (tmp_path / "harbour.example:444/ca.crt").touch()
    other = replace(IMAGE, repository="harbour.example:444/app")
    authority = ["--registry-cacert", str(tmp_path / "harbour.example:444/ca.crt")]
    assert cosign.sign_args(Key(), other) == ["cosign", "sign", "--yes", *authority, other.reference]
    identity = ["--certificate-identity", "me@example.com", "--certificate-oidc-issuer", "https://idp.example"]
    parsed = Key.parse("https://idp.example,me@example.com")
    assert cosign.verify_args(parsed, other) == ["cosign", "verify", *identity, *authority, other.reference]


@pytest.mark.parametrize(("known", "count"), [("--key --tlog-upload", 0), ("--key --use-signing-config", 2)])
def test_cosign_3_signs_in_the_form_of_cosign_2(
    known: str, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own form takes a public log, or a file that names none, and cosign 2 does not verify it."""
    program = tmp_path / "cosign"
    program.write_text(f"#!/bin/sh\necho ' {known}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    cosign.version_flags.cache_clear()
    assert len(cosign.version_flags()) == count
    cosign.version_flags.cache_clear()


@pytest.mark.parametrize(
    ("text", "content", "error"),
    [
        ("cosign.key", "-----BEGIN PUBLIC KEY-----", "is a public key, which cannot sign"),
        ("cosign.key", "-----BEGIN OPENSSH PRIVATE KEY-----", "is no private key of cosign"),
        ("cosign.key", "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----", "The password of "),
        ("cosign.key", b"\xff", "cannot be read: it is no text"),
        ("missing.key", "", "cannot be read: No such file"),
    ],
)
def test_key_that_cannot_sign_is_refused(
    text: str, content: str | bytes, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was built yet."""
    monkeypatch.delenv(keys.PASSWORD, raising=False)
    (tmp_path / "cosign.key").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SettingsError, match=error) as caught:
        keys.require_private(Key(str(tmp_path / text)))
    assert caught.value.how


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----", "is a private key, which cannot verify"),
        ("ssh-ed25519 AAAA", "is no public key"),
    ],
)
def test_key_that_cannot_verify_is_refused(content: str, error: str, tmp_path: Path) -> None:
    """The right one is usually next to it."""
    (tmp_path / "k").write_text(content)
    with pytest.raises(SettingsError, match=error):
        keys.require_public(Key.parse(str(tmp_path / "k")))
    with pytest.raises(SettingsError, match="No key says whose signature"):
        keys.require_public(Key.parse(""))
    keys.require_public(Key.parse("https://issuer.example,me"))
    keys.require_public(Key.parse("gcpkms://x"))


@pytest.mark.parametrize(
    ("output", "what", "how"),
    [
        ("Error: no signatures found", "has no signature", "--sign"),
        (
            "Error: no matching signatures: invalid or missing digest in claim: sha256:1",
            "belongs to another",
            "Do not run",
        ),
        ("Error: no matching signatures: invalid signature when validating ASN.1", "is not by this key", "public key"),
        ("Error: Get https://x: UNAUTHORIZED: authentication required", "cannot be verified", "docker login"),
        ("Error: connect: connection refused", "cannot be verified", "when the registry answers"),
    ],
)
def test_answer_of_cosign_becomes_a_clear_error(output: str, what: str, how: str, settings: Settings) -> None:
    """One that does not verify, and one that cannot be asked, are different things."""
    project = Project(Runner(answers={"cosign verify": Result(1, f"WARNING: x\n{output}\n")}), FakeEngine(), settings)
    with pytest.raises(VerifyError, match=what) as caught:
        cosign.require_signed(project, Key("k"), IMAGE)
    assert how in caught.value.how
    assert "WARNING" not in caught.value.evidence


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ("Error: no matching attestations: \n", "Nobody has signed it"),
        ("Error: none of the attestations matched the predicate type: x, found: https://spdx.dev/Document", "spdx.dev"),
        ("Error: no matching attestations: accepted signatures do not match threshold, Found: 0", "Another key"),
    ],
)
def test_missing_attestation_is_named(output: str, why: str, settings: Settings) -> None:
    """The error says which document is missing, and what is there."""
    project = Project(Runner(answers={"cosign verify-attestation": Result(1, output)}), FakeEngine(), settings)
    with pytest.raises(VerifyError, match="SBOM") as caught:
        cosign.attestations(project, Key("k"), IMAGE, attest.SBOM, "SBOM")
    assert why in caught.value.why


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ({"subject": [{"digest": {"sha256": "0"}}], "predicate": {}}, "it speaks of 0"),
        ({"subject": [{"digest": {"sha256": 64 * "a"}}], "predicate": []}, "it speaks of"),
        ({"predicate": {}}, "it is no statement of in-toto"),
    ],
)
def test_statement_of_another_form_proves_nothing(statement: Document, reason: str) -> None:
    """Also when the key has signed it."""
    line = json.dumps({"payload": base64.b64encode(json.dumps(statement).encode()).decode()})
    with pytest.raises(VerifyError, match=reason):
        list(cosign.statements(line, IMAGE, "SBOM"))


def test_missing_cosign_is_one_error(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """It says how to install it. A wrong password ends a push before anything is pushed."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SettingsError, match="cosign is not installed") as caught:
        cosign.require_cosign()
    assert "apt-get install cosign" in caught.value.how
    wrong = Runner(answers={"cosign public-key": Result(1, "Error: decrypt: encrypted: decryption failed")})
    with pytest.raises(PushError, match="cannot be used") as refused:
        cosign.public_key(Project(wrong, FakeEngine(), settings), Key("k"), "/tmp")  # noqa: S108 - not written
    assert refused.value.why == "The password is wrong. Nothing was pushed."
    assert isinstance(refused.value, DockError)
