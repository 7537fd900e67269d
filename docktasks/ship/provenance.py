"""How an image was made: provenance of SLSA 1.0, https://slsa.dev/spec/v1.0/provenance."""

from __future__ import annotations

from collections.abc import Mapping

from docktasks import __version__
from docktasks.ship.image_facts import ImageFacts
from docktasks.ship.sbom import Document

BUILD_TYPE = "urn:hello-dock:build:1"
"""`invoke push`: docker builds the production Dockerfile from a commit (docs/shipping.md)."""
LOCAL_BUILDER = "urn:hello-dock:builder:local"
"""A machine that nobody vouches for."""
SECRET_PARAMETERS = ("INSTALL_ENV", "BUILD_ENV")
"""Parameters with values of variables, of which only the names may be public."""


def document(
    facts: ImageFacts, parameters: Mapping[str, str], node_digest: str, source: str, environ: Mapping[str, str]
) -> Document:
    """Return the provenance of an image: its commit, the parameters of its build, its bases by digest, its builder."""
    builder, invocation = builder_and_invocation(environ)
    commit = {"uri": source or "git", "digest": {"gitCommit": facts.revision}}
    bases = [_base(facts.base_name, facts.base_digest), _base(parameters.get("NODE_IMAGE", ""), node_digest)]
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {"source": commit, "parameters": public_parameters(parameters)},
            "internalParameters": {"architecture": facts.architecture},
            "resolvedDependencies": [commit, *(base for base in bases if base["uri"])],
        },
        "runDetails": {
            "builder": {"id": builder, "version": {"hello-dock": __version__}},
            "metadata": {"invocationId": invocation},
        },
    }


def _base(name: str, digest: str) -> Document:
    """Return a base image. One that no registry has has no digest."""
    return {"uri": name, **({"digest": {"sha256": digest.removeprefix("sha256:")}} if digest else {})}


def public_parameters(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the build arguments that are set. Of variables only the names are there."""
    texts = {name: value for name, value in parameters.items() if value}
    for name in SECRET_PARAMETERS:
        if name in texts:
            lines = [line.removeprefix("export ") for line in texts[name].splitlines() if line.startswith("export ")]
            texts[name] = " ".join(line.partition("=")[0] for line in lines)
    return texts


def builder_and_invocation(environ: Mapping[str, str]) -> tuple[str, str]:
    """Return who has built, and the name of the run in CI, which is empty without.

    It is a workflow of GitHub, a project of GitLab, or a machine that nobody vouches for.
    """
    if environ.get("GITHUB_ACTIONS") != "true":
        return environ.get("CI_PROJECT_URL") or LOCAL_BUILDER, environ.get("CI_JOB_URL", "")
    names = ("SERVER_URL", "WORKFLOW_REF", "REPOSITORY", "RUN_ID")
    server, workflow, repository, run = (environ.get(f"GITHUB_{name}", "") for name in names)
    return f"{server}/{workflow}", f"{server}/{repository}/actions/runs/{run}"
