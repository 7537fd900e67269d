"""The argument lists of `docker container run` for the dev image."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from docktasks import resources
from docktasks.app import inputs, vite_options
from docktasks.containers.app_mount import APP_PATH, Checkout, source_args
from docktasks.containers.networks import join_args
from docktasks.containers.ports import WORKING_DIR_LABEL, Bind
from docktasks.containers.run_args import hardening_args, label_args, mount_args, read_only_args
from docktasks.dev import certificate
from docktasks.dev.dev_script import ADDRESS
from docktasks.labels import LABEL, SHARED
from docktasks.roles import DEV
from docktasks.settings import Settings

COMPILE_CACHE = f"{APP_PATH}/node_modules/.vite/compiled"
"""Node's compile cache, which Vite switches on: https://nodejs.org/api/module.html#module-compile-cache. By default it
is in /tmp and lost with the container. In the volume it saves the next start an eighth of its time. Tools do not use
it, because it makes the coverage of tests less precise."""

TOOLS_FOLDER = "/usr/local/lib/hello-dock"
"""Where the dev container sees what gives Vite's command more options."""

DOWNLOADS_PATH = "/var/cache/npm"
"""Where a container sees the volume of the package managers' downloads (docktasks/images/node/install.sh)."""

CA_FILE = "/run/secrets/ca"
"""Where a container sees the certificate authorities of build.ca_file."""


@dataclass(frozen=True)
class DevRunSpec:
    """How a container of the dev image is run.

    `checkout` is mounted. `volume` is the name of the volume for its node_modules, empty for a new one that is removed
    with the container. `user` is `uid:gid`, `revision` the app's commit, and `command` replaces the image's own. With
    `polling`, Vite looks at the files again and again instead of waiting for file events. With `needs_preload` the
    server gets its address from preload.cjs. `docker_options` are more options of Docker.
    """

    checkout: Checkout
    volume: str
    user: str
    revision: str = ""
    command: tuple[str, ...] = ()
    polling: bool = False
    needs_preload: bool = False
    docker_options: tuple[str, ...] = ()

    @property
    def volumes(self) -> list[str]:
        """The volume of each node_modules, in the order of Checkout.modules; empty names for new ones."""
        numbers = range(1, len(self.checkout.modules))
        return [self.volume, *(f"{self.volume}-{number}" if self.volume else "" for number in numbers)]

    def with_command(self, *command: str) -> DevRunSpec:
        """Return the same with another command."""
        return replace(self, command=command)


def dev_args(settings: Settings, bind: Bind, run_spec: DevRunSpec, socket_port: int = 0) -> list[str]:
    """Return the command that starts the dev container: the source bind-mounted, node_modules in a volume over it.

    `socket_port` is that of vite.port_for_socket().
    """
    return [
        "docker", "container", "run", "--detach", "--init",
        "--name", settings.container("dev"),
        *label_args(settings, "dev"),
        "--label", f"{WORKING_DIR_LABEL}={settings.app_dir}",
        *join_args(settings, DEV),
        *bind.args(DEV.container_port),
        "--env", f"NODE_COMPILE_CACHE={COMPILE_CACHE}",
        *_vite_args(settings, run_spec, socket_port),
        *certificate.certificate_args(settings),
        *pnp_args(run_spec.checkout.root),
        *_shared_args(settings, run_spec),
    ]  # fmt: skip


def pnp_args(root: Path) -> list[str]:
    """Return the arguments that hide the files of Yarn's Plug'n'Play, which know nothing of node_modules.

    `yarn run` makes node load them wherever they are. An installation, which Yarn begins by removing them, sees them.
    """
    files = sorted(path.name for path in root.glob(".pnp.*") if path.is_file())
    return [arg for name in files for arg in read_only_args(Path(os.devnull), f"{APP_PATH}/{name}")]


def downloads_volume(user: str) -> str:
    """Return the volume of the package managers' downloads, which all projects of a user (`uid:gid`) share."""
    return f"{LABEL}-shared-downloads-{user.partition(':')[0]}"


def downloads_args(user: str) -> list[str]:
    """Return the arguments that mount it. Docker makes it when it is missing, with the mode of the image's folder."""
    labels = [f"volume-label={LABEL}.{name}" for name in (f"project={SHARED}", "role=downloads")]
    return mount_args("type=volume", f"source={downloads_volume(user)}", f"target={DOWNLOADS_PATH}", *labels)


def tool_args(settings: Settings, name: str, run_spec: DevRunSpec, ca_file: str, *, terminal: bool) -> list[str]:
    """Return the command that runs a tool, such as the tests, in a container that is removed when it ends.

    `name` is the container's. A package manager trusts the certificates in `ca_file`, a path on this machine; it may be
    empty. With `terminal` the container gets one.
    """
    return [
        "docker", "container", "run", "--rm", "--init", "--interactive", *(["--tty"] if terminal else []),
        "--name", name,
        *label_args(settings, "dev"),
        *join_args(settings, DEV),
        *_trust_args(ca_file),
        *_shared_args(settings, run_spec),
    ]  # fmt: skip


def install_args(settings: Settings, name: str, run_spec: DevRunSpec, ca_file: str) -> list[str]:
    """Return the command that installs the packages, in the root of the checkout, into the volumes of `run_spec`.

    `name` is the container's.
    """
    return [
        "docker", "container", "run", "--rm", "--init", "--name", name,
        *label_args(settings, "dev"),
        *join_args(settings, DEV),
        *downloads_args(run_spec.user),
        *_trust_args(ca_file),
        *_shared_args(settings, replace(run_spec, checkout=replace(run_spec.checkout, app="."))),
    ]  # fmt: skip


def open_args(settings: Settings, run_spec: DevRunSpec) -> list[str]:
    """Return the command that lets every user write into new volumes: the image has a folder only for the first."""
    targets = [f"{APP_PATH}/{path}" for path in run_spec.checkout.modules]
    return [
        "docker", "container", "run", "--rm", "--network", "none",
        *label_args(settings, "dev"),
        *hardening_args(settings),
        "--user", "0:0",
        *_volume_args(run_spec),
        settings.image("dev"), "chmod", "0777", *targets[1:],
    ]  # fmt: skip


def _vite_args(settings: Settings, run_spec: DevRunSpec, socket_port: int) -> list[str]:
    options = vite_options.for_dev(settings, socket_port)
    if not (options or run_spec.needs_preload):
        return []
    folders = [vite_options.FOLDER, *([vite_options.POLICY_FOLDER] if vite_options.reports_policy(settings) else [])]
    return [
        *[arg for folder in folders for arg in _tools_args(settings, folder)],
        "--env", f"NODE_OPTIONS=--require={TOOLS_FOLDER}/node/vite/preload.cjs",
        *(["--env", f"{vite_options.VARIABLE}={options}"] if options else []),
        *(["--env", f"HELLO_DOCK_ADDRESS={' '.join(ADDRESS)}"] if run_spec.needs_preload else []),
    ]  # fmt: skip


def _tools_args(settings: Settings, folder: str) -> list[str]:
    target = f"{TOOLS_FOLDER}/{folder.removeprefix('docktasks/images/')}"
    return read_only_args(resources.path(settings.root, folder), target)


def _trust_args(ca_file: str) -> list[str]:
    if not ca_file:
        return []
    return [*read_only_args(Path(ca_file).resolve(), CA_FILE), "--env", f"NODE_EXTRA_CA_CERTS={CA_FILE}"]


def _shared_args(settings: Settings, run_spec: DevRunSpec) -> list[str]:
    checkout = run_spec.checkout
    return [
        *hardening_args(settings),
        "--user", run_spec.user,
        "--env", f"REVISION={run_spec.revision}",
        "--env", "NO_COLOR", "--env", "FORCE_COLOR",  # as they are in the task's environment
        # Vite's watcher reads it: https://github.com/paulmillr/chokidar/tree/3.6.0#performance
        *(["--env", "CHOKIDAR_USEPOLLING=true"] if run_spec.polling else []),
        *inputs.container_args(settings, os.environ),
        *run_spec.docker_options,
        *source_args(checkout.root),
        *_volume_args(run_spec),
        *(["--workdir", checkout.workdir] if checkout.workdir != APP_PATH else []),
        settings.image("dev"),
        *run_spec.command,
    ]  # fmt: skip


def _volume_args(run_spec: DevRunSpec) -> list[str]:
    """Return the arguments that mount the volumes. What a tool installs into packages is in memory.

    Docker would give a new volume without a name to root where the image has no folder.
    """
    args = []
    uid, _, gid = run_spec.user.partition(":")
    for volume, path in zip(run_spec.volumes, run_spec.checkout.modules, strict=True):
        fields = ["type=volume", *([f"source={volume}"] if volume else []), f"target={APP_PATH}/{path}"]
        is_in_memory = not volume and path != run_spec.checkout.modules[0]
        memory = f"{APP_PATH}/{path}:exec,uid={uid},gid={gid}"
        args += ["--tmpfs", memory] if is_in_memory else mount_args(*fields)
    return args
