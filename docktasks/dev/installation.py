"""Install the app's packages into the volumes for node_modules, in a container that has the checkout mounted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from docktasks import waiting
from docktasks.app.project import Project
from docktasks.app.siblings import siblings_of
from docktasks.containers import networks
from docktasks.containers.run_args import remove_args
from docktasks.dev.node_modules import Volume, install_container
from docktasks.dev.run_args import DevRunSpec, install_args, open_args, pnp_args
from docktasks.errors import StartError
from docktasks.images import build_context
from docktasks.images.build_output import explain_build, notices
from docktasks.roles import DEV


def install(project: Project, run_spec: DevRunSpec, volume: Volume) -> list[str]:
    """Fill the new volumes, and return what the installation says to the user. Call it with the project's lock held.

    The package manager runs as the checkout's owner, with the source at hand, as on the host. Raises BuildError, and
    removes the volumes, when it fails or is interrupted.
    """
    manager = project.app.package_manager.name
    with _container(project, volume.discard) as name:
        if len(run_spec.volumes) > 1:
            _open_volumes(project, run_spec)
        output = _run(project, run_spec.with_command("sh", "/tools/node/install.sh", manager, "", "mounted"), name)
    volume.mark_filled()
    project.progress("installed the dependencies")
    return notices(output)


def build_siblings(project: Project, run_spec: DevRunSpec) -> list[str]:
    """Build, in the checkout, the packages that the app needs of its workspace and of which files are missing.

    Returns a notice of those whose built files the app uses. Raises BuildError when one cannot be built.
    """
    siblings = siblings_of(project.app)
    paths = [sibling.path for sibling in siblings if not sibling.is_built]
    manager = project.app.package_manager.name
    if paths:
        with _container(project) as name:
            command = ("sh", "/tools/node/build-siblings.sh", manager, " ".join(paths))
            spec = replace(run_spec.with_command(*command), docker_options=tuple(pnp_args(project.app.root)))
            _run(project, spec, name)
        project.progress(f"built {', '.join(paths)}")
    names = [sibling.path for sibling in siblings if sibling.outputs]
    if not names:
        return []
    again = f"(cd {names[0]} && {manager} run build)"
    return [f"Used as built: {', '.join(names)}. Build it again after an edit there: {again}"]


@contextmanager
def _container(project: Project, undo: Callable[[], object] = lambda: None) -> Iterator[str]:
    """Yield the name of the container that installs or builds. After a failure, remove it and its network, and undo."""
    name = install_container(project.settings)

    def remove() -> None:
        project.run(remove_args(name), quiet=True)
        undo()
        networks.remove_unused(project, DEV)

    with waiting.on_failure(remove):
        networks.ensure(project, DEV)
        yield name


def _run(project: Project, run_spec: DevRunSpec, name: str) -> str:
    """Run a command in a container with this name, and return what it printed. Raises BuildError when it fails."""
    result = project.run(install_args(project.settings, name, run_spec, build_context.ca_file(project.settings)))
    if not result.ok:
        raise explain_build(result, project, "installation")
    return result.output


def _open_volumes(project: Project, run_spec: DevRunSpec) -> None:
    error = StartError(
        "The volumes for node_modules could not be prepared.",
        "The packages of the workspace have a volume each, into which the checkout's owner has to write.",
        "Correct what Docker reports, then try again",
    )
    project.run_or_raise(open_args(project.settings, run_spec), error)
