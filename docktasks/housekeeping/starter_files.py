"""The files that `init` writes for an app: for plain Docker, for Invoke, nox and CI, and for an editor."""

from __future__ import annotations

import json
import os
import posixpath
import re
import shlex
from pathlib import Path

from docktasks import __version__, resources
from docktasks.app import build_script, git, inputs, repository
from docktasks.app.project import Project
from docktasks.app.siblings import siblings_of
from docktasks.containers.app_mount import APP_PATH
from docktasks.dev.dev_script import ADDRESS, DevCommand, dev_command
from docktasks.errors import AppError
from docktasks.images import build, build_context, own_files
from docktasks.roles import DEV

TEMPLATES = Path(__file__).with_name("starter")
OF_ONE_BUILD = ("SOURCE_DATE_EPOCH", "REVISION", "VERSION", "BUILD_ENV", "SECRETS")
"""Build arguments that belong to a commit, or to the environment of one call."""

NOT_SOURCE = (
    "/.github", "/.devcontainer", "/.venv", "/.nox", "/Dockerfile*", "/.dockerignore", "/tasks.py", "/noxfile.py",
    "/invoke.yaml", "**/__pycache__",
)  # fmt: skip
"""What a build of the site does not read: an edit of it would build again."""

NOT_LINTED = b"/* eslint-disable -- hello-dock wrote this file */\n"
"""The first line of a script, which is not in the style of the repository."""

PLACES = {
    "docktasks/images/nginx/": f"{own_files.FOLDER}/nginx/",
    "docktasks/images/node/": f"{own_files.FOLDER}/node/",
    ", or a stand-in (docktasks/images/bases/)": "",
    "a mirror, a newer image.": "a mirror or a newer image.",
    "# Our scripts and nginx's configuration. For an app outside of this repository, `": "# The build's scripts. `",
    "# Our scripts. For an app outside of this repository, `": "# The build's scripts. `",
}
"""What the Dockerfiles of a checkout say, and what they say in another repository."""


def starter_files(project: Project) -> dict[Path, bytes]:
    """Return the content of each file by its absolute path. Raises AppError for an app that cannot be built or run."""
    settings, root = project.settings, project.app.root
    build_script.require(project.app)
    texts = {
        root / "Dockerfile": _dockerfile(project),
        root / "Dockerfile.dev": _dev_dockerfile(project, dev_command(project.app)),
        root / ".dockerignore": _ignore_file(project),
        root / ".devcontainer/devcontainer.json": _dev_container(project),
        settings.root / "tasks.py": _template("tasks.py.txt"),
        settings.root / "noxfile.py": _template("noxfile.py.txt"),
        _repository(settings.root) / ".github/workflows/hello-dock.yml": _workflow(settings.root),
    }
    if not _is_found(project):
        texts[settings.root / "invoke.yaml"] = f"app:\n  dir: {json.dumps(settings.app.dir)}\n"
    tools = {
        root / own_files.FOLDER / path: (NOT_LINTED if path.suffix in (".mjs", ".cjs") else b"") + content
        for path, content in build_context.tools(resources.path(settings.root, resources.IMAGES)).items()
    }
    return {path: text.encode() for path, text in texts.items()} | tools


def _is_found(project: Project) -> bool:
    """Return True when a task finds the app without a setting that names its folder."""
    settings = project.settings
    try:
        return repository.find_app(settings.root, settings.app.dist) == settings.app.dir
    except AppError:
        return False


def name_of(project: Project) -> str:
    """Return the project's name on every machine."""
    return repository.shared_name(project.settings.app.name, project.settings.app_dir)


def _template(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _with_defaults(project: Project, name: str, values: dict[str, str]) -> str:
    """Return one of our Dockerfiles as it reads in another repository, with these defaults that are not empty."""
    text = resources.path(project.settings.root, name).read_text(encoding="utf-8")
    for ours, theirs in PLACES.items():
        text = text.replace(ours, theirs)
    manager = project.app.package_manager
    values = {**values, "MANAGER": manager.name, "MANAGER_PACKAGE": manager.package}
    return own_files.with_defaults(text, {name: value for name, value in values.items() if value})


def _dockerfile(project: Project) -> str:
    settings, app = project.settings, project.app
    values = build.prod_values(
        settings, app, settings.bases.node_image, settings.bases.nginx_image, git.Source(app.version)
    )
    fixed = {name: value for name, value in settings.build.env if value is not None}
    values |= {"APP_DIR": ".", "TITLE": name_of(project), "INSTALL_ENV": inputs.exports(fixed, "; ")}
    lasting = {name: value for name, value in values.items() if name not in OF_ONE_BUILD}
    return _with_defaults(project, "Dockerfile", lasting)


def _dev_dockerfile(project: Project, command: DevCommand) -> str:
    """Return the Dockerfile of the dev image, whose command also installs the packages, as plain Docker needs it."""
    text = _with_defaults(project, "Dockerfile.dev", {"NODE_IMAGE": project.settings.bases.node_image})
    words = command.args or ("npm", "run", "serve", "--", *ADDRESS)
    serve = [f"cd {shlex.quote(project.app.path_in_root)}"] if project.app.path_in_root != "." else []
    script = " && ".join([_install(project), *serve, f"exec {shlex.join(words)}"])
    preload = (
        "COPY --from=tools /node/vite/ /usr/local/lib/hello-dock/\n"
        f'ENV NODE_OPTIONS=--require=/usr/local/lib/hello-dock/preload.cjs HELLO_DOCK_ADDRESS="{" ".join(ADDRESS)}"\n'
        if command.needs_preload
        else ""
    )
    new_command = f"# Installs what the volume for node_modules lacks.\n{preload}CMD {json.dumps(['sh', '-c', script])}"
    return re.sub(r"(?m)^CMD .*$", lambda _: new_command, text)


def _install(project: Project) -> str:
    return f"sh /tools/node/install.sh {project.app.package_manager.name} '' mounted"


def _ignore_file(project: Project) -> str:
    app = project.app
    outputs = [path for sibling in siblings_of(app) for path in sibling.outputs]
    dist = posixpath.normpath(f"{app.path_in_root}/{project.settings.app.dist}")
    patterns = [*build_context.NEVER_SENT, *NOT_SOURCE, *(f"/{path}" for path in (dist, *outputs))]
    return "\n".join(["# What a build does not see: what is made from the rest, and what is private.", *patterns, ""])


def _dev_container(project: Project) -> str:
    """Return the settings of a dev container (containers.dev), in which an editor sees the packages' types."""
    modules = f"source=${{localWorkspaceFolderBasename}}-node_modules,target={APP_PATH}/node_modules,type=volume"
    settings = {
        "name": name_of(project),
        "build": {"dockerfile": "../Dockerfile.dev", "context": ".."},
        "workspaceMount": f"source=${{localWorkspaceFolder}},target={APP_PATH},type=bind",
        "workspaceFolder": APP_PATH,
        "mounts": [modules],
        "postCreateCommand": _install(project),
        "forwardPorts": [DEV.container_port],
        "remoteUser": "node",
    }
    return json.dumps(settings, indent=2) + "\n"


def _repository(folder: Path) -> Path:
    """Return the root of the git repository that a folder is in; without git the folder itself."""
    return next((path for path in (folder, *folder.parents) if (path / ".git").exists()), folder)


def _workflow(folder: Path) -> str:
    path = os.path.relpath(folder, _repository(folder))
    text = _template("workflow.yml").replace("VERSION", __version__)
    return text.replace("        working-directory: FOLDER", f"        working-directory: {json.dumps(path)}")
