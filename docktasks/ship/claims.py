"""What the documents about an image have to say: each claim of them that the image, or a build of it, shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from docktasks import __version__
from docktasks.ship import attest, provenance, sbom, vex
from docktasks.ship.bundle import Bundle
from docktasks.ship.image_facts import ImageFacts

Content = Mapping[str, Any]
Path = tuple[str, ...]
NAMES = ("bom-ref", "ref", "uri", "name", "location", "alg", "id")
"""The keys by which the items of a list are told apart."""
DERIVED = ("$schema", "serialNumber", "version")
"""Keys of CycloneDX that say nothing of the image."""


Faults = Callable[[Content, ImageFacts, Bundle | None], Iterator[str]]
"""Yields what a document says that is not so of an image, by its facts, and by its bundle as a build of its commit
records it; None without the source."""


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield each single value of a document with its path, in which a name stands for the number of an item."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, (*path, *_names(item)[:1]))
    else:
        yield path, str(value)


def _names(item: Any) -> list[str]:
    return [str(item[key]) for key in NAMES if isinstance(item, Mapping) and key in item]


def differences(claimed: Content, real: Content, is_open: Callable[[Path], bool] = lambda _: False) -> Iterator[str]:
    """Yield each value that only one of two documents has, apart from paths that are `open`: nothing shows them."""
    ours, theirs = (Counter(leaf for leaf in leaves(content) if not is_open(leaf[0])) for content in (real, claimed))
    missing, wrong = dict((ours - theirs).keys()), dict((theirs - ours).keys())
    for path, value in wrong.items():
        name = ", ".join(path)
        yield f"{name} is {value}, not {missing[path]}" if path in missing else f"it has {name}: {value}"
    yield from (f"it lacks {', '.join(path)}: {value}" for path, value in missing.items() if path not in wrong)


def _document_faults(content: Content, real: Content, is_open: Callable[[Path], bool]) -> Iterator[str]:
    """Yield what a document of CycloneDX says that the one which is made of the image now does not."""
    if (content["bomFormat"], content["specVersion"]) != ("CycloneDX", "1.6"):
        raise LookupError("CycloneDX 1.6")
    (tool,) = content["metadata"]["tools"]["components"]
    claimed, shown = ({key: values[key] for key in values if key not in DERIVED} for values in (content, real))
    metadata = {**claimed["metadata"], "tools": shown["metadata"]["tools"]}
    faults = list(differences({**claimed, "metadata": metadata}, shown, is_open))
    if faults and tool["version"] != __version__:
        yield f"hello-dock {tool['version']} wrote it, and this is {__version__}: repeat this with that version"
    yield from faults


def _named(content: Content, facts: ImageFacts) -> ImageFacts:
    """Return the facts under the name that a document has for the image, which may be a copy in another registry."""
    return replace(facts, image=replace(facts.image, repository=content["metadata"]["component"]["name"]))


def _sbom_faults(content: Content, facts: ImageFacts, bundle: Bundle | None) -> Iterator[str]:
    """Yield what an SBOM says that is not so. Without the source nothing shows the packages of npm."""
    facts = _named(content, facts)
    real = sbom.document(facts, bundle or Bundle("", "", "", facts.site))
    yield from _document_faults(content, real, lambda path: not bundle and _is_of_npm(path))
    for component in content["components"]:
        name, purl = "".join(_names(component)[:1]), component.get("purl", "")
        if _is_of_npm(("components", name)) and purl != (name if name != "app" else ""):
            yield f"{name} says that it is {purl or 'no package'}"


def _is_of_npm(path: Path) -> bool:
    section, name, *rest = (*path, "")
    is_named = name == "app" or name.startswith("pkg:npm/")
    return section == "formulation" or (
        section in ("components", "dependencies") and is_named and rest[:1] != ["components"]
    )


def _vex_faults(content: Content, facts: ImageFacts, bundle: Bundle | None) -> Iterator[str]:
    """Yield what a VEX says that is not so. Without the source it must not deny what the SBOM lists: see lies()."""
    real = vex.document(_named(content, facts), bundle or Bundle("", "", "", {}))
    if bundle:
        yield from lies(content, {package.purl for package in (*bundle.packages, *bundle.helpers)})
    yield from _document_faults(content, real, lambda path: not bundle and path[0] in ("components", "vulnerabilities"))


def lies(content: Content, present: set[str]) -> Iterator[str]:
    """Yield the packages of which a VEX says that they are not there, and that are."""
    names = {unquote(purl) for purl in present}
    denied = (purl for purl in sorted(vex.absent_in(content)) if unquote(purl).partition("?")[0] in names)
    yield from (f"{purl} is in the bundle, and it says the opposite" for purl in denied)


def _provenance_faults(content: Content, facts: ImageFacts, _: Bundle | None) -> Iterator[str]:
    """Yield what a provenance says of the commit, the base or the platform that the image does not have.

    Nothing shows who has built it, with which other parameters and on which image of Node.js.
    """
    definition = content["buildDefinition"]
    external = definition["externalParameters"]
    parameters, node = external["parameters"], external["parameters"].get("NODE_IMAGE", "")
    nodes = [entry.get("digest", {}) for entry in definition["resolvedDependencies"] if entry["uri"] == node]
    digest = nodes[0].get("sha256", "") if nodes else ""
    real = provenance.document(facts, {"NODE_IMAGE": node}, digest, external["source"]["uri"], {})
    real["buildDefinition"]["externalParameters"]["parameters"] = {**parameters, "REVISION": facts.revision}
    yield from differences(content, {**real, "runDetails": content["runDetails"]})


def _verify_faults(content: Content, facts: ImageFacts, _: Bundle | None) -> Iterator[str]:
    """Yield what the results of `verify` lack: they are this image's, add up, and no critical or major check failed."""
    if content["schema"] != 1:
        raise LookupError("schema 1")
    digest, checks = content["image"]["digest"], content["checks"]
    if digest != facts.image.digest:
        yield f"it is the result of {digest}"
    verdicts = Counter(check["verdict"] for check in checks)
    if {name: count for name, count in content["summary"].items() if count} != verdicts or not verdicts["pass"]:
        yield f"its {len(checks)} checks do not add up to its summary"
    serious = [check for check in checks if check["counts"] or check["severity"] != "minor"]
    failed = [check["id"] for check in serious if check["verdict"] == "fail"]
    if failed or not content["passed"]:
        yield f"these checks failed: {', '.join(failed)}"


CLAIMS: dict[str, tuple[str, Faults]] = {
    "SBOM": (attest.SBOM, _sbom_faults),
    "VEX": (attest.VEX, _vex_faults),
    "provenance": (attest.PROVENANCE, _provenance_faults),
    "results of verify": (attest.VERIFY, _verify_faults),
}
"""The kind of each document, and what finds its faults."""
