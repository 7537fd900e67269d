"""The patterns of docktasks/images/build_faults.json: lines that only look like the cause of a failed build."""

from __future__ import annotations

import pytest

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.errors import DockError
from docktasks.images import build_output
from docktasks.settings import Settings
from tests.unit.fakes.apps import make_app
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.git import commit_all, git
from tests.unit.fakes.runner import Runner

LIBRARY = "x: error while loading shared libraries: liba.so.5: cannot open shared object file"
LEFTHOOK = 'prepare: Error: exec: "git": executable file not found in $PATH'
GYP = "npm error gyp ERR! find Python Python is not set from command line or npm configuration"
BADENGINE = "npm error code EBADENGINE\nnpm error notsup Required: "
OPTIONAL = 'info a@1.0.0: The engine "node" is incompatible with this module. Expected version ">=30". Got "24.1.0"'


def explain(lines: str, settings: Settings) -> DockError:
    """Return the error for the lines of a failed build."""
    output = f"{lines}\n------\n > [builder 6/8] RUN npm run build:\n1.0 at the end\n------\n"
    return build_output.explain_build(Result(1, output), Project(Runner(), FakeEngine(), settings))


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (LIBRARY, "the library liba.so.5"),
        (LEFTHOOK, "such as lefthook, calls git"),
        ("sh: 1: python3: not found", "calls python3"),
        ("sh: jq: not found", "calls jq"),
        ("reason: getaddrinfo ENOTFOUND git.example\nNOT INSTALLED: ", "cannot reach git.example"),
        (f"{GYP}\nNOT INSTALLED: ", "has to be compiled"),
        (f"{GYP}\nnpm error getaddrinfo ENOTFOUND git.example\nNOT INSTALLED: ", "cannot reach git.example"),
        (f'{BADENGINE}{{"node":">=18"}}', "such as 18"),
    ],
)
def test_line_that_the_script_tolerates_is_not_the_cause(settings: Settings, line: str, what: str) -> None:
    """Vite ran after it, and says why it failed. The same line is the cause without that, or in what Vite says."""
    assert what in explain(line, settings).what
    vite = "error during build:\nCould not resolve './Foo.vue' in src/App.vue"
    tolerated = line.removesuffix("NOT INSTALLED: ").replace("npm error code EB", "npm warn EB")
    assert explain(f"{tolerated}\n{vite}", settings).what == "`npm run build` failed."
    assert what in explain(f"{vite}\n{line}", settings).what


@pytest.mark.parametrize(
    "lines",
    [
        "npm warn EBADENGINE Unsupported engine {\nnpm error code EINVALID\nExpected version 3",
        f"{OPTIONAL}\nError: Expected version 3",
        f"{OPTIONAL}\nerror during build:\nExpected version: 3",
    ],
)
def test_package_without_which_the_build_goes_on_asks_for_no_other_image(settings: Settings, lines: str) -> None:
    """A manager warns of it, or leaves it out."""
    assert "such as" not in explain(lines, settings).what


@pytest.mark.parametrize(
    ("lines", "major"),
    [
        (f'{BADENGINE}{{"node":">=18","npm":">=12"}}', ""),
        (f'{BADENGINE}{{"npm":">=12","node":">=18"}}', ""),
        (f'{BADENGINE}{{"node":"<23"}}', ""),
        (f'{BADENGINE}{{"node":"< 23 || <=21.0.0-0 || <= 20 || >25"}}', ""),
        (f'{BADENGINE}{{"node":"<23 >=18.1"}}', "18"),
        (f'{BADENGINE}{{"node":"^20.19.0 || >=22.12.0"}}', "20"),
        (OPTIONAL.replace("info", "error").replace(">=30", "<23"), ""),
        (OPTIONAL.replace("info", "error"), "30"),
    ],
)
def test_only_a_version_that_fits_is_proposed(settings: Settings, lines: str, major: str) -> None:
    """An upper bound is none, nor the version of a manager that does not fit, nor the one that the build has."""
    error = explain(lines, settings)
    assert "another version of Node.js" in error.what
    assert (f"such as {major}." in error.what) if major else ("such as" not in error.what)
    assert f"node:{major or 'VERSION'}-alpine" in error.how


@pytest.mark.parametrize("program", ["bash", "curl", "gcc", "jq", "make", "perl", "python", "python3", "rsync", "zip"])
def test_image_is_proposed_only_for_a_program_that_it_has(settings: Settings, program: str) -> None:
    """node:lts is Debian's, with what builds packages."""
    how = explain(f"sh: line 1: {program}: not found", settings).how
    assert ("node:lts" in how) is (program not in {"jq", "python", "rsync", "zip"})
    assert "o without it in the script" in how


def test_failed_script_is_named_as_the_build_runs_it(settings: Settings) -> None:
    """BuildKit prints the line of the Dockerfile with its arguments in place, and quotes."""
    output = (
        ' > [builder 1/1] RUN sh /tools/x.sh && npm run "build" && node /tools/y.mjs:\n1.0 src/a.ts(1,1): error TS1'
    )
    error = build_output.explain_build(Result(1, output), Project(Runner(), FakeEngine(), settings))
    assert error.what == "`npm run build` failed."


def test_failed_build_without_its_submodules_names_them(settings: Settings) -> None:
    """A clone has only their empty folders, and what fails for that says it in many ways."""
    source = settings.root / "other"
    make_app(source)
    commit_all(source)
    commit_all(settings.app_dir)
    allowed = ("-c", "protocol.file.allow=always")
    git(settings.app_dir, *allowed, "submodule", "--quiet", "add", str(source), "libs/router")
    line = "src/a.ts(1,1): error TS2307: Cannot find module 'router'"
    assert explain(line, settings).why.endswith("Nothing was replaced.")
    git(settings.app_dir, "submodule", "--quiet", "deinit", "--force", "libs/router")
    error = explain(line, settings)
    assert error.why == "git has not fetched the submodules libs/router: their folders are empty."
    assert f"(cd {settings.app_dir} && git submodule update --init --recursive)" in error.how
