"""The SBOM of an image, as CycloneDX 1.6: https://cyclonedx.org/docs/1.6/json/."""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from docktasks import __version__
from docktasks.ship.base_packages import BasePackage
from docktasks.ship.bundle import Bundle, Package
from docktasks.ship.image_facts import ImageFacts

SPDX_IDS = frozenset((
    "0BSD", "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-2.0", "Artistic-2.0", "BlueOak-1.0.0", "BSD-2-Clause",
    "BSD-3-Clause", "BSL-1.0", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC0-1.0", "EPL-2.0", "GPL-2.0-only",
    "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later", "ISC", "LGPL-2.1-only", "LGPL-2.1-or-later",
    "LGPL-3.0-only", "LGPL-3.0-or-later", "MIT", "MIT-0", "MPL-2.0", "OFL-1.1", "Python-2.0", "Unicode-3.0",
    "Unlicense", "WTFPL", "Zlib",
))  # fmt: skip
"""Those of https://spdx.org/licenses/ that packages of npm have most. The schema accepts no other word as an id."""
EXPRESSION = re.compile(r"[\w.+-]+(?: WITH [\w.+-]+)?(?: (?:OR|AND) [\w.+-]+(?: WITH [\w.+-]+)?)*")
HASHES = {"sha1": "SHA-1", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}
Document = dict[str, Any]


def document(facts: ImageFacts, bundle: Bundle) -> Document:
    """Return the SBOM of an image: its site's files, the packages in them, and those of its base."""
    app = _app(bundle)
    packages = [_package(package) for package in bundle.packages]
    base = [component(package, licenses=licenses(package.license)) for package in facts.base.packages]
    root = image_component(facts)
    refs = [component["bom-ref"] for component in packages]
    content = {
        **envelope(facts, "sbom"),
        "components": [app, *packages, *base],
        "dependencies": [
            {"ref": root["bom-ref"], "dependsOn": [app["bom-ref"], *(entry["bom-ref"] for entry in base)]},
            {"ref": app["bom-ref"], "dependsOn": refs},
        ],
    }
    if bundle.helpers:
        content["formulation"] = [{"bom-ref": "build", "components": [_helper(helper) for helper in bundle.helpers]}]
    return content


def envelope(facts: ImageFacts, kind: str) -> Document:
    """Return what each CycloneDX document of an image begins with. The same image has the same."""
    time = facts.created
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{facts.image.reference}#{kind}')}",
        "version": 1,
        "metadata": {
            **({"timestamp": time} if re.match(r"\d{4}-\d\d-\d\dT", time) else {}),
            "tools": {"components": [{"type": "application", "name": "hello-dock", "version": __version__}]},
            "component": image_component(facts),
        },
    }


def image_component(facts: ImageFacts) -> Document:
    """Return the component that stands for the image, with its digest and its commit."""
    repository, digest = facts.image.repository, facts.image.digest
    properties = {
        "hello-dock:revision": facts.revision,
        "hello-dock:base": facts.base_name,
        "hello-dock:base-digest": facts.base_digest,
        "hello-dock:distribution": facts.base.distribution,
    }
    component: Document = {"type": "container", "bom-ref": "image", "name": repository}
    if digest:
        name = repository.rpartition("/")[2]
        component["version"] = digest
        component["purl"] = f"pkg:oci/{name}@{quote(digest, safe='')}?repository_url={quote(repository, safe='')}"
        component["hashes"] = [{"alg": "SHA-256", "content": digest.removeprefix("sha256:")}]
    component["properties"] = [{"name": name, "value": value} for name, value in properties.items() if value]
    return component


def purls_in(content: Mapping[str, Any]) -> set[str]:
    """Return the names of the packages of npm that an SBOM lists. Raises LookupError, TypeError."""
    purls = (str(entry.get("purl", "")) for entry in content["components"])
    return {purl for purl in purls if purl.startswith("pkg:npm/")}


def licenses(text: str) -> list[Document]:
    """Return a license as CycloneDX writes it: an id or an expression of SPDX, or else a name."""
    text = text.strip().removeprefix("(").removesuffix(")") if text.count("(") == 1 else text.strip()
    if not text:
        return []
    if text in SPDX_IDS:
        return [{"license": {"id": text}}]
    return [{"expression": text}] if EXPRESSION.fullmatch(text) and " " in text else [{"license": {"name": text}}]


def _app(bundle: Bundle) -> Document:
    files = [
        {"type": "file", "bom-ref": f"file:{name}", "name": name, "hashes": [{"alg": "SHA-256", "content": digest}]}
        for name, digest in sorted(bundle.files.items())
    ]
    unrecorded = [{"name": "hello-dock:unrecorded", "value": name} for name in bundle.unrecorded]
    return {
        "type": "application", "bom-ref": "app", "name": bundle.name or "app", "version": bundle.version,
        **_optional(licenses=licenses(bundle.license), properties=unrecorded), "components": files,
    }  # fmt: skip


def component(package: Package | BasePackage, **fields: Any) -> Document:
    """Return the component of a package, with those of these other fields that are not empty."""
    own = {"type": "library", "bom-ref": package.purl, "name": package.name, "version": package.version}
    return {**own, "purl": package.purl, **_optional(**fields)}


def _package(package: Package) -> Document:
    return component(
        package,
        scope="required",
        hashes=list(_hashes(package.integrity)),
        licenses=licenses(package.license),
        evidence={"occurrences": [{"location": name} for name in package.files]},
        properties=[{"name": "hello-dock:workspace", "value": "true"}] if package.is_sibling else [],
    )


def _helper(package: Package) -> Document:
    """Return a tool of the build, with those of its modules that are in the site."""
    properties = [{"name": "hello-dock:module", "value": module} for module in package.helpers]
    return {**component(package, properties=properties), "type": "application", "bom-ref": f"build:{package.purl}"}


def _hashes(integrity: str) -> Iterator[Document]:
    """Yield the hashes of https://www.w3.org/TR/SRI/ that a lock file has for a package's archive."""
    for word in integrity.split():
        algorithm, _, digest = word.partition("-")
        try:
            content = base64.b64decode(digest, validate=True).hex()
        except binascii.Error:
            continue
        if algorithm in HASHES:
            yield {"alg": HASHES[algorithm], "content": content}


def _optional(**fields: Any) -> Document:
    return {name: value for name, value in fields.items() if value}
