"""Build the image of a role with `docker image build`."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Mapping

from docktasks import resources
from docktasks.app import git, inputs, vite_options
from docktasks.app.build_script import BUILD, build_command
from docktasks.app.package import App
from docktasks.app.project import Project
from docktasks.app.siblings import siblings_of
from docktasks.commands import Result, flags
from docktasks.engine.models import Image
from docktasks.engine.protocol import Engine
from docktasks.errors import BuildError
from docktasks.images import base_images, build_context, build_output, own_files
from docktasks.images.references import split_digest
from docktasks.labels import BUILT_FOR, INPUTS_LABEL, LABEL, SOURCE_MAPS_LABEL
from docktasks.roles import PROD, Role
from docktasks.settings import Settings

OCI = "org.opencontainers.image"
"""Prefix of the labels that say what an image is: https://specs.opencontainers.org/image-spec/annotations/"""

BASE_LABEL = f"{OCI}.base.name"
"""The label that names an image's base."""

BASE_DIGEST_LABEL = f"{OCI}.base.digest"
"""The label with the digest that the registry had for its base."""

Texts = dict[str, str]
"""Values by name: those of the build arguments of an image, or those of its labels."""


def origin_labels(settings: Settings, values: Texts) -> Texts:
    """Return the labels that say where the app comes from. An empty one has nothing to say."""
    texts = {
        "source": settings.build.source_url,
        "revision": values.get("REVISION", ""),
        "version": values.get("VERSION", ""),
    }
    return {f"{OCI}.{name}": text for name, text in texts.items()}


def input_labels(values: Texts) -> Texts:
    """Return labels for `verify`: whether source maps are public, and a digest of what the build was given.

    By the digest of variables, mode and names of secrets it knows whether the same would be given again.
    """
    texts = [values.get(name, "") for name in ("INSTALL_ENV", "BUILD_ENV", "SECRETS", vite_options.VARIABLE)]
    digest = hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:12] if any(texts) else ""
    labels = {INPUTS_LABEL: digest, SOURCE_MAPS_LABEL: values.get("HELLO_DOCK_SOURCE_MAPS", "")}
    return {name: value for name, value in labels.items() if value}


def labels_over(base: Image | None, labels: Texts) -> Texts:
    """Return these labels without empty ones, and an empty one for each other that the image would inherit.

    Docker can remove no label of a base image, and its version would look like the app's. The Dockerfiles set the rest.
    """
    inherited = [name for name in (base.labels if base else {}) if name.startswith(f"{OCI}.")]
    hidden = {name: "" for name in sorted(inherited) if not name.endswith((".title", ".description"))}
    return hidden | {name: value for name, value in labels.items() if value}


def base_reference(labels: Mapping[str, str]) -> str:
    """Return the name of the base image that labels name, by its digest where they have one; "" without a name."""
    name, digest = labels.get(BASE_LABEL, ""), labels.get(BASE_DIGEST_LABEL, "")
    return f"{name}@{digest}" if name and digest and "@" not in name else name


def base_image(engine: Engine, labels: Mapping[str, str]) -> Image | None:
    """Return the base image that labels name: by its digest, or else the one that has its name here."""
    names = dict.fromkeys(filter(None, (base_reference(labels), labels.get(BASE_LABEL))))
    return next(filter(None, map(engine.image, names)), None)


def build_args(settings: Settings, app: App, role: Role, values: Texts, labels: Texts | None = None) -> list[str]:
    """Return the command that builds the image of a role. `values` has its build arguments; empty ones are left out."""
    # The dev image has its packages in a volume, so it has no layer that is worth a cache.
    caches = [*flags("--cache-from", settings.build.cache_from), *flags("--cache-to", settings.build.cache_to)]
    labels = {**(labels or {}), BUILT_FOR: settings.app.name, BASE_LABEL: split_digest(values[role.base])[0]}
    return [
        *["docker", "image", "build", *flags("--platform", role.platform)],
        *["--tag", settings.image(role.name)],
        *_value_args(settings, app, values, role.dockerfile),
        *(caches if role.dockerfile == PROD.dockerfile else []),
        *flags("--label", *(f"{name}={value}" for name, value in labels.items())),
        *build_context.context_args(settings, app, role.dockerfile),
    ]


def dist_args(settings: Settings, app: App, values: Texts, folder: str) -> list[str]:
    """Return the command that writes the site of a production build with these values into a folder, from the cache.

    With the value maps for PART these are the site's source maps.
    """
    output = ["docker", "image", "build", "--target", "dist", "--output", f"type=local,dest={folder}"]
    return [
        *output,
        *_value_args(settings, app, values, PROD.dockerfile),
        *build_context.context_args(settings, app, PROD.dockerfile),
    ]


def write_dist(project: Project, values: Texts, folder: str) -> Result:
    """Write the site of a production build with these values into a folder, as dist_args() says."""
    if not project.dry:
        build_context.write_context(project.settings, project.app, PROD.dockerfile)
    os.environ.update(inputs.secret_environ(project.settings, os.environ))
    return project.run(dist_args(project.settings, project.app, values, folder), quiet=True)


def _value_args(settings: Settings, app: App, values: Texts, dockerfile: str) -> list[str]:
    """Return the build arguments. The app's own Dockerfile gets all: its defaults are the settings of `init`."""
    manager = app.package_manager
    values = values | {"MANAGER": "" if manager.name == "npm" else manager.name, "MANAGER_PACKAGE": manager.package}
    defaults = {}
    if own_files.own_file(app.root, dockerfile):
        defaults = own_files.argument_defaults(resources.path(settings.root, dockerfile).read_text(encoding="utf-8"))
    names = [name for name, value in values.items() if value or name in defaults]
    return flags("--build-arg", *(f"{name}={values[name] or defaults[name]}" for name in names))


def prod_values(settings: Settings, app: App, node: str, nginx: str, source: git.Source) -> Texts:
    """Return the values of the production image's build arguments; empty where the Dockerfile's default is right."""
    command = build_command(app)
    return {
        "NODE_IMAGE": node,
        "NGINX_IMAGE": nginx,
        "DIST_DIR": "" if settings.app.dist == "dist" else settings.app.dist,
        "BUILD_COMMAND": "" if command == app.package_manager.run(BUILD) else shlex.join(command),
        "PATH_IN_ROOT": "" if app.path_in_root == "." else app.path_in_root,
        "SIBLINGS": " ".join(sibling.path for sibling in siblings_of(app)),
        "HELLO_DOCK_FALLBACK": "" if settings.prod.fallback == "auto" else settings.prod.fallback,
        "SOURCE_DATE_EPOCH": source.epoch,
        "TITLE": "" if settings.app.name == LABEL else settings.app.name,
        "REVISION": source.revision,
        "VERSION": source.version,
        **inputs.build_values(settings, os.environ),
        "HELLO_DOCK_SOURCE_MAPS": "" if settings.build.source_maps == "private" else settings.build.source_maps,
        "HELLO_DOCK_CSP": "" if settings.prod.csp == "compatible" else settings.prod.csp,
        "HELLO_DOCK_CSP_SOURCES": settings.prod.csp_sources,
        vite_options.VARIABLE: vite_options.for_build(settings),
    }


def values_now(project: Project) -> Texts:
    """Return prod_values() for the checkout as it is, and this machine's base images."""
    node, nginx = (base_images.resolve(project, kind).reference for kind in ("node", "nginx"))
    source = git.source(project.app, project.settings)
    return prod_values(project.settings, project.app, node, nginx, source)


def build_image(project: Project, role: Role, values: Texts) -> Image:
    """Build the image of a role, remove the one that it replaces, and return the new one. Raises BuildError."""
    tag = project.settings.image(role.name)
    replaced = project.engine.image(tag)
    if not project.dry:
        build_context.write_context(project.settings, project.app, role.dockerfile)
    base = project.engine.image(values[role.base])
    own_labels = {BASE_DIGEST_LABEL: base_images.base_digest(base, values[role.base])}
    if role.dockerfile == PROD.dockerfile:
        own_labels |= origin_labels(project.settings, values) | input_labels(values)
    labels = labels_over(base, own_labels)
    os.environ.update(inputs.secret_environ(project.settings, os.environ))
    result = project.run(build_args(project.settings, project.app, role, values, labels))
    if not result.ok:
        raise build_output.explain_build(result, project)
    project.progress(f"built {tag}")
    image = project.engine.image(tag)
    if image is None:
        raise BuildError(
            f"The build succeeded, but the engine has no image {tag}.",
            "The selected builder is not the engine's own, and keeps the image to itself.",
            "Select the engine's builder: docker buildx use default",
            evidence=result.tail(3),
        )
    texts = build_output.notices(result.output)
    if role == PROD and not project.dry:
        texts = build_output.remembered(project.settings, "".join(image.layers[-1:]), result.output)
    for text in [] if role.platform else texts:  # they are the same for each platform
        project.progress.note(text)
    if replaced and replaced.id != image.id:
        remove_untagged(project, replaced.id)
    return image


def remove_untagged(project: Project, image_id: str) -> None:
    """Remove an image by its id if it has no tag any more. Docker refuses it while a container uses the image."""
    image = project.engine.image(image_id)
    if image is not None and not image.tags:
        project.run(["docker", "image", "rm", image_id], quiet=True)
