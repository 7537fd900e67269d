"""The SBOM and the VEX of an image, and the official schema of CycloneDX 1.6."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from docktasks.errors import BuildError
from docktasks.ship import base_packages, bundle, sbom, vex
from docktasks.ship.image_facts import ImageFacts
from docktasks.ship.names import ShippedImage

DIGEST = "sha256:" + 64 * "a"
REVISION = 40 * "1"
LOCK = [
    {"name": "@scope/used", "version": "1.0.0+x", "integrity": "sha512-" + 86 * "A" + "=="},
    {"name": "vite", "version": "8.4.0", "integrity": ""},
    {"name": "shaken", "version": "2.0.0", "integrity": "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="},
]
REPORT: dict[str, Any] = {
    "app": {"name": "shop", "version": "1.2.3", "license": "MIT"},
    "unrecorded": ["assets/b.js"],
    "files": {"index.html": 64 * "0", "assets/a.js": 64 * "1", "assets/b.js": 64 * "2"},
    "packages": [
        {
            "name": "@scope/used", "version": "1.0.0+x", "license": "(MIT OR Apache-2.0)", "isSibling": False,
            "files": ["assets/a.js"],
        },
        {"name": "ui", "version": "0.0.0", "license": "SEE LICENSE IN it", "isSibling": True, "files": ["assets/a.js"]},
    ],
    "helpers": [{"name": "vite", "version": "8.4.0", "modules": ["vite/preload-helper.js"]}],
    "virtual": [],
    "lock": {"file": "package-lock.json", "packages": LOCK},
}  # fmt: skip
APK = "P:musl\nV:1.2.5-r10\nA:x86_64\nL:MIT\n\nP:nginx\nV:1.30.6-r1\nA:x86_64\nL:BSD-2-Clause\n"
RELEASE = 'ID=alpine\nVERSION_ID="3.22.1"\n'


def described(texts: dict[str, str] | None = None) -> ImageFacts:
    """Return an image with the site of the report, on Alpine."""
    texts = texts or {"/lib/apk/db/installed": APK, "/etc/os-release": RELEASE}
    base = base_packages.base_of(texts, {"NGINX_VERSION": "1.30.6"})
    labels = {"org.opencontainers.image.revision": REVISION, "org.opencontainers.image.base.name": "nginx:stable"}
    image = ShippedImage("registry.example/team/shop", DIGEST)
    return ImageFacts(image, REPORT["files"], labels, base, "amd64", "2026-11-29T10:00:00Z")


@cache
def schema() -> Draft7Validator:
    """Return the schema of CycloneDX 1.6, with those that it refers to."""
    folder = resources.files("cyclonedx.schema") / "_res"
    names = {name: f"{name}.SNAPSHOT.schema.json" for name in ("bom-1.6", "spdx", "jsf-0.82")}
    contents = {name: json.loads((folder / file).read_text()) for name, file in names.items()}
    registry: Registry[Any] = Registry()
    for name, file in names.items():
        registry = registry.with_resource(f"http://cyclonedx.org/schema/{file}", Resource.from_contents(contents[name]))
    return Draft7Validator(contents["bom-1.6"], registry=registry, format_checker=Draft7Validator.FORMAT_CHECKER)


@pytest.mark.parametrize("write", [sbom.document, vex.document])
def test_document_is_valid_by_the_official_schema(write: Any) -> None:
    """A file that the schema refuses would be of no use to other programs."""
    content = write(described(), bundle.from_report(REPORT))
    assert [error.message for error in schema().iter_errors(content)] == []
    assert list(schema().iter_errors(content | {"specVersion": 1.6})) != []


def test_sbom_has_the_packages_of_the_bundle_and_of_the_base() -> None:
    """Each package of npm has its version, its license, the hash of the lock file, and the files that it is in."""
    content = sbom.document(described(), bundle.from_report(REPORT))
    components = {component["bom-ref"]: component for component in content["components"]}
    used = components["pkg:npm/%40scope/used@1.0.0%2Bx"]
    assert (used["name"], used["version"], used["licenses"]) == (
        "@scope/used", "1.0.0+x", [{"expression": "MIT OR Apache-2.0"}],
    )  # fmt: skip
    assert used["hashes"] == [{"alg": "SHA-512", "content": 128 * "0"}]
    assert used["evidence"]["occurrences"] == [{"location": "assets/a.js"}]
    assert components["pkg:npm/ui@0.0.0"]["licenses"] == [{"license": {"name": "SEE LICENSE IN it"}}]
    assert components["pkg:apk/alpine/musl@1.2.5-r10?arch=x86_64&distro=alpine-3.22.1"]["licenses"][0]["license"] == {
        "id": "MIT"
    }
    assert sbom.purls_in(content) == {used["purl"], "pkg:npm/ui@0.0.0"}
    files = {entry["name"]: entry["hashes"][0]["content"] for entry in components["app"]["components"]}
    assert files == REPORT["files"]
    assert components["app"]["properties"] == [{"name": "hello-dock:unrecorded", "value": "assets/b.js"}]
    assert [name for name in components if "nginx" in name] == [
        "pkg:apk/alpine/nginx@1.30.6-r1?arch=x86_64&distro=alpine-3.22.1"
    ]
    assert content["formulation"][0]["components"][0]["purl"] == "pkg:npm/vite@8.4.0"


def test_vex_says_which_packages_of_the_lock_file_are_not_there() -> None:
    """A tool of the build with a little code in the site is not among them, and is named."""
    content = vex.document(described(), bundle.from_report(REPORT))
    assert vex.absent_in(content) == {"pkg:npm/shaken@2.0.0"}
    analyses = {entry["affects"][0]["ref"]: entry["analysis"] for entry in content["vulnerabilities"]}
    assert analyses["pkg:npm/shaken@2.0.0"]["justification"] == "code_not_present"
    assert "vite/preload-helper.js" in analyses["pkg:npm/vite@8.4.0"]["detail"]
    assert analyses["pkg:npm/vite@8.4.0"]["state"] == "in_triage"


def test_same_image_has_the_same_documents() -> None:
    """They are signed, and a second push changes nothing."""
    first, second = (sbom.document(described(), bundle.from_report(REPORT)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("texts", "purls"),
    [
        (
            {
                "/var/lib/dpkg/status": "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\n"
                "Version: 2.41-12\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n",
                "/usr/lib/os-release": "ID=debian\nVERSION_ID=13\n",
            },
            ["pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=debian-13", "pkg:generic/nginx@1.30.6"],
        ),
        (
            {"/var/lib/dpkg/status.d/zlib1g": "Package: zlib1g\nVersion: 1:1.3.1\nArchitecture: amd64\n"},
            ["pkg:deb/linux/zlib1g@1%3A1.3.1?arch=amd64", "pkg:generic/nginx@1.30.6"],
        ),
        ({}, ["pkg:generic/nginx@1.30.6"]),
    ],
)
def test_packages_of_the_base_come_from_its_database(texts: dict[str, str], purls: list[str]) -> None:
    """The databases of dpkg, of distroless, and none: nginx itself is always there."""
    base = base_packages.base_of(texts, {"NGINX_VERSION": "1.30.6"})
    assert sorted(package.purl for package in base.packages) == purls
    assert base_packages.base_of({}, {}).packages == ()


def test_site_of_another_build_is_refused() -> None:
    """What a second build records is true only of the same bytes."""
    recorded = bundle.from_report(REPORT).files
    bundle.require_same_site(recorded, dict(recorded))
    for other in ({}, {**recorded, "b.js": "0"}, {**recorded, "index.html": "0"}):
        with pytest.raises(BuildError, match="gives other files: "):
            bundle.require_same_site(recorded, other)


def test_bundle_without_a_record_is_refused() -> None:
    """A build by other tools, or by an old Node.js, would have an empty list, which would be a lie."""
    bundle.require_recorded(REPORT)
    bundle.require_recorded({"files": {"index.html": ""}, "unrecorded": []})
    with pytest.raises(BuildError, match="recorded no bundle"):
        bundle.require_recorded(REPORT | {"unrecorded": ["assets/a.js", "assets/b.js"]})
