from __future__ import annotations

import json

import pytest

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.errors import BuildError, DockError, EngineError
from docktasks.images import build_output
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.runner import Runner

FAILED = """\
#12 [builder 5/7] {step}
#12 0.444 {line}
#12 ERROR: process "/bin/sh -c {step}" did not complete successfully: exit code: 1
------
 > [builder 5/7] {step}:
0.401 before
0.444 {line}
------
Dockerfile:32
--------------------
  31 |     # hadolint ignore=DL4006
  32 | >>> {step}
  33 |     FROM scratch AS dist
--------------------
ERROR: failed to solve: process "/bin/sh -c {step}" did not complete successfully: exit code: 1
"""
"""What `docker image build` of Docker 26 prints at the end, with --progress=plain."""


STEP = "RUN --mount=target=/tools sh install.sh npm with-source && touch started && npm run build && node assemble.mjs"


NOT_INSTALLED = "#12 0.445 NOT INSTALLED: npm could not install the dependencies"


def explain(output: str, settings: Settings) -> DockError:
    """Return the error that a failed build with this output means."""
    return build_output.explain_build(Result(1, output), Project(Runner(), FakeEngine(), settings))


def test_installation_of_dev_is_called_so(settings: Settings) -> None:
    """It is no build, and the command to try again is another one."""
    project = Project(Runner(), FakeEngine(), settings)
    output = "npm error code SELF_SIGNED_CERT_IN_CHAIN\nNOT INSTALLED: npm could not install the dependencies"
    error = build_output.explain_build(Result(1, output), project, "installation")
    assert error.why.endswith("needs that authority inside the installation.")
    assert error.how.endswith("invoke dev")


FAULTS = [
    (
        BuildError,
        FAILED.format(step=STEP, line=f"npm error code E404\n{NOT_INSTALLED}") + "Canceled: context canceled",
        "The build was interrupted.",
        "Start it again",
    ),
    (
        EngineError,
        "ERROR: BuildKit is enabled but the buildx component is missing or broken.\n       Install the buildx",
        "The docker CLI has no BuildKit",
        "unset DOCKER_BUILDKIT",
    ),
    (
        EngineError,
        "the --mount option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/",
        "The docker CLI has no BuildKit",
        "invoke setup",
    ),
    (
        BuildError,
        "ERROR: Cache export is not supported for the docker driver.\nSwitch to a different driver",
        "This engine's builder cannot export a cache.",
        "leave build.cache_to empty",
    ),
    (
        BuildError,
        "ERROR: failed to solve: write /var/lib/docker/tmp/x: no space left on device",
        "The disk is full.",
        "docker system df",
    ),
    (
        BuildError,
        FAILED.format(step=STEP, line="npm error nospc ENOSPC: no space left on device, write"),
        "The disk is full.",
        "docker builder prune",
    ),
    (
        BuildError,
        FAILED.format(step=STEP, line="cp: write error: No space left on device"),
        "The disk is full.",
        "docker builder prune",
    ),
    (
        BuildError,
        FAILED.format(
            step=STEP,
            line="npm error `npm ci` can only install packages when your package.json and package-lock.json or "
            "npm-shrinkwrap.json are in sync.",
        ),
        "hello-dock/package-lock.json does not match package.json, or is damaged.",
        "`npm install` (in a container: invoke npm -- install)",
    ),
    (
        BuildError,
        FAILED.format(step=STEP, line="npm error The `npm ci` command can only install with an existing"),
        "hello-dock/package-lock.json does not match package.json, or is damaged.",
        "`npm install` (in a container: invoke npm -- install)",
    ),
    (
        BuildError,
        FAILED.format(step=STEP, line=f"INCOMPLETE: npm did not install a@1.0.0 (for b), c@1.0.0\n{NOT_INSTALLED}"),
        "npm did not install a@1.0.0 (for b), c@1.0.0.",
        "Start it again.",
    ),
    (
        BuildError,
        FAILED.format(step=STEP, line=f"npm error 503 Service Unavailable - GET https://x/a.tgz\n{NOT_INSTALLED}"),
        "The registry did not deliver the app's dependencies.",
        "Start it again.",
    ),
    (
        BuildError,
        FAILED.format(step=STEP, line="npm error code SELF_SIGNED_CERT_IN_CHAIN"),
        "npm does not trust the certificate of the registry.",
        "NODE_EXTRA_CA_CERTS=/path/to/ca.pem",
    ),
    (
        BuildError,
        FAILED.format(step=STEP, line="npm error unable to get local issuer certificate"),
        "npm does not trust the certificate of the registry.",
        "NODE_EXTRA_CA_CERTS=/path/to/ca.pem",
    ),
    (
        BuildError,
        FAILED.format(step=STEP, line="[vite]: Rolldown failed to resolve import ./Foo.vue"),
        "`npm run build` failed.",
        "(cd hello-dock && npm run build)",
    ),
    (
        BuildError,
        FAILED.format(step=STEP, line="Error: EIO, link 'dist/a'\n0.444     at file:///tools/nginx/assemble.mjs:188:1"),
        "docktasks/images/nginx/assemble.mjs failed. It compresses what `npm run build` wrote.",
        "Report it",
    ),
    (
        BuildError,
        FAILED.format(step=STEP, line="npm error Lifecycle script `build` failed with error:"),
        "`npm run build` failed.",
        "(cd hello-dock && npm run build)",
    ),
    (
        BuildError,
        FAILED.format(step=STEP, line=f"npm error code E404\n{NOT_INSTALLED}"),
        "npm could not install the app's dependencies.",
        "(cd hello-dock && npm ci)",
    ),
    (
        BuildError,
        FAILED.format(step=STEP, line=f"npm ERR! code ETARGET\n{NOT_INSTALLED}"),
        "npm could not install the app's dependencies.",
        "(cd hello-dock && npm ci)",
    ),
    (
        BuildError,
        "ERROR: failed to solve: something new",
        "`docker image build` failed.",
        "Correct what its last lines say",
    ),
]


@pytest.mark.parametrize(("kind", "output", "what", "how"), FAULTS, ids=[what for _, _, what, _ in FAULTS])
def test_known_fault_of_a_build_is_explained(
    settings: Settings, kind: type[DockError], output: str, what: str, how: str
) -> None:
    """The error says what to type next. A cause is recognised before its consequences."""
    error = explain(output, settings)
    assert type(error) is kind
    assert error.what.startswith(what)
    assert how in error.how


@pytest.mark.parametrize(("kind", "output", "what", "how"), FAULTS, ids=[what for _, _, what, _ in FAULTS])
def test_known_fault_is_explained_in_the_output_of_a_terminal(
    settings: Settings, kind: type[DockError], output: str, what: str, how: str
) -> None:
    """BuildKit writes colours, cursor moves and carriage returns there."""
    terminal = "".join(f"\x1b[1A\x1b[0G\x1b[?25h\x1b[31m{line}\x1b[0m\r\n" for line in output.splitlines())
    error = explain(terminal, settings)
    assert (type(error), error.evidence) == (kind, explain(output, settings).evidence)
    assert error.what.startswith(what)
    assert how in error.how


def test_evidence_is_what_the_failed_step_printed(settings: Settings) -> None:
    """The output of earlier steps and the lines of the Dockerfile are left out."""
    assert explain(FAILED.format(step=STEP, line="no Foo.vue"), settings).evidence == "no Foo.vue"


PLAIN = """\
#12 [builder 6/8] RUN npm run build
#12 0.868 vite v8.3.8 building client environment for production...
#12 0.900 Warning: no commit: Error: sh: git: not found
#12 1.030 x Build failed in 162ms
#12 1.031 error during build:
#12 1.038     at aggregateErrors (file:///app/node_modules/rolldown/error.mjs:50:18)
#12 1.038 Could not resolve './Foo.vue' in src/App.vue
#12 ERROR: process "/bin/sh -c npm run build" did not complete successfully: exit code: 1
------
 > [builder 6/8] RUN npm run build:
1.038     at aggregateErrors (file:///app/node_modules/rolldown/error.mjs:50:18)
------
"""


def test_evidence_starts_with_the_error_and_has_no_call_stack(settings: Settings) -> None:
    """BuildKit's own summary has only the last lines, which are Vite's call stack, or npm's usage."""
    assert explain(PLAIN, settings).evidence.splitlines() == [
        "error during build:",
        "Could not resolve './Foo.vue' in src/App.vue",
    ]
    assert explain(PLAIN, settings).what == "`npm run build` failed."


def test_evidence_does_not_start_with_the_name_of_a_built_file(settings: Settings) -> None:
    """A framework lists its error pages among the files that it built, long before it fails."""
    lines = ["dist/_nuxt/error-404.Bb87HomL.css 2.42 kB", "src/errors/failed.js 1 kB", "Error: 3 errors", "at the end"]
    output = "\n".join(f"#12 0.4 {line}" for line in lines) + "\n#12 ERROR: process"
    assert explain(output, settings).evidence.splitlines() == lines[2:]


@pytest.mark.parametrize("summary", ["1 problem (0 errors, 1 warning)", "Found no errors", "Tests: 0 failed, 9 passed"])
def test_evidence_does_not_start_with_the_summary_of_a_tool_that_passed(settings: Settings, summary: str) -> None:
    """A linter counts no errors, long before the build fails. A count of ten is no count of none."""
    lines = [summary, *[f"dist/{number}.js 1 kB" for number in range(20)], "10 errors", "[TypeError: fetch failed] {"]
    output = "\n".join(f"#12 0.4 {line}" for line in lines) + "\n#12 ERROR: process"
    assert explain(output, settings).evidence.splitlines() == lines[-2:]


@pytest.mark.parametrize("line", ["vite 7.0 failed to load config", "tsc v5.0 error TS2304", "0.0 Error: x"])
def test_version_before_an_error_is_no_count(settings: Settings, line: str) -> None:
    """The cause stands there, and a call stack after it."""
    lines = [*[f"dist/{number}.js 1 kB" for number in range(20)], line, *[f"in {number}" for number in range(20)]]
    output = "\n".join(f"#12 0.4 {line}" for line in lines) + "\n#12 ERROR: process"
    assert explain(output, settings).evidence.splitlines()[0] == line


@pytest.mark.parametrize("line", ["➤ YN0035: │ left-pad@npm:9: Package not found", "ERR_PNPM_FETCH_404  GET /left-pad"])
def test_evidence_has_the_cause_of_a_failed_installation(settings: Settings, line: str) -> None:
    """yarn and pnpm name the package in a line without the word error. The bars of pnpm would fill its place."""
    bars = ["Progress: resolved 9, reused 0"] * 20 + ["+" * 80]
    lines = ["➤ YN0086: │ Some peer dependencies are met", line, *bars, "➤ YN0000: · Failed with errors in 9s 821ms"]
    output = "\n".join(f"#12 0.4 {text}" for text in lines) + "\n#12 ERROR: process"
    assert explain(output, settings).evidence.splitlines() == [line, lines[-1]]


def test_evidence_without_an_error_line_is_the_last_fifteen_lines(settings: Settings) -> None:
    """Where no line has the word error, the last lines are shown."""
    line = "\n#12 0.444 ".join(f"line {number}" for number in range(100))
    evidence = explain(FAILED.format(step=STEP, line=line), settings).evidence.splitlines()
    assert (len(evidence), evidence[-1]) == (15, "line 99")


def test_evidence_without_a_failed_step_is_the_end_of_the_output(settings: Settings) -> None:
    """A fault before the first step has no lines of a step."""
    output = "".join(f"line {number}\n\n" for number in range(100))
    assert explain(output, settings).evidence.splitlines() == [f"line {number}" for number in range(85, 100)]


def test_build_into_another_folder_is_recognised(settings: Settings) -> None:
    """The build succeeded, and app.dist is wrong. The same step of the Dockerfile finds that out."""
    step = "RUN --mount=type=bind,from=tools,target=/tools     npm run build &&     node assemble.mjs dist"
    terminal = (
        f"\x1b[0m\x1b[31m => ERROR [builder 6/6] {step}         0.7s\r\n"
        f"\x1b[0m\x1b[?25h------\r\n > [builder 6/6] {step}:\r\n"
        "0.444 The build wrote no HTML page into dist, which DIST_DIR names, nor into another folder.\r\n------\r\n"
    )
    error = explain(terminal, settings)
    assert error.what == "`npm run build` left no HTML page in hello-dock/dist, nor in another folder of the app."
    assert "INVOKE_APP_DIST=" in error.how
    assert error.evidence.startswith("The build wrote no HTML page")


def test_refusal_of_the_assembler_is_the_error(settings: Settings) -> None:
    """It says what is wrong, why, and how to correct it, without evidence. A line that BuildKit cut is no error."""
    step = "RUN npm run build && node assemble.mjs"
    line = "REFUSED: prod.fallback is x.html. | The build wrote no such page. | Set it to auto ||"
    terminal = (
        f"\x1b[0m => => # {line[:50]}\r\n\x1b[31m => ERROR [builder 6/6] {step}   0.7s\r\n"
        f"\x1b[0m\x1b[?25h------\r\n > [builder 6/6] {step}:\r\n0.444 {line}\r\n------\r\n"
    )
    for output in (terminal, f"#13 [builder] {step}\n#13 0.868 {line}\n#13 ERROR: process did not complete\n"):
        error = explain(output, settings)
        assert error.what == "prod.fallback is x.html."
        assert error.why == "The build wrote no such page. Nothing was replaced."
        assert error.how == "Set it to auto"
        assert not error.evidence


@pytest.mark.parametrize(
    ("manager", "line"),
    [
        (
            "npm",
            "npm error 404  The requested resource '@acme/ui@1.0.0' could not be found or you do not have permission",
        ),
        ("npm", "npm ERR! 404  '@acme/ui@1.0.0' is not in this registry."),
        ("pnpm", "@acme/ui is not in the npm registry, or you have no permission to fetch it."),
        ("yarn", "➤ YN0035: │ @acme/ui@npm:1.0.0: Package not found"),
        ("yarn", 'error Couldn\'t find package "@acme/ui" on the "npm" registry.'),
        ("bun", "error: @acme/ui@1.0.0 failed to resolve"),
    ],
)
def test_a_package_that_no_registry_has_is_named(settings: Settings, manager: str, line: str) -> None:
    """Each package manager says it in its own words, which are the evidence."""
    (settings.app_dir / "package.json").write_text(json.dumps({"packageManager": f"{manager}@1.0.0"}))
    error = explain(FAILED.format(step=STEP, line=f"{line}\n{NOT_INSTALLED}"), settings)
    assert error.what == f"{manager} cannot get the package @acme/ui."
    assert line in error.evidence or "Package not found" in error.evidence


def test_what_no_installation_says_is_no_missing_package(settings: Settings) -> None:
    """A bundler has words of its own for a file that it does not find."""
    error = explain(FAILED.format(step=STEP, line="error: Rollup failed to resolve import 'x' from 'y'"), settings)
    assert error.what == "`npm run build` failed."


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("npm error code E401", "The registry refuses to give bun the app's dependencies."),
        ("error: GET https://r.example/@acme%2fui - 403", "The registry refuses to give bun the app's dependencies."),
        ("npm error code ERESOLVE", "bun finds no versions of the app's dependencies that fit each other."),
        (
            "error: lockfile had changes, but lockfile is frozen",
            "hello-dock/bun.lock does not match package.json, or is",
        ),
        ("error: something else", "bun could not install the app's dependencies."),
    ],
)
def test_advice_is_in_the_words_of_the_package_manager(settings: Settings, line: str, what: str) -> None:
    """bun's lock file and its commands are named, not npm's."""
    (settings.app_dir / "bun.lock").touch()
    (settings.app_dir / "package-lock.json").unlink()
    error = explain(FAILED.format(step=STEP, line=f"{line}\n{NOT_INSTALLED}"), settings)
    assert error.what.startswith(what)
    assert "npm ci" not in f"{error.why}{error.how}"


def test_a_sibling_that_cannot_be_built_is_named(settings: Settings) -> None:
    """Its own build failed, not the app's."""
    error = explain(FAILED.format(step=STEP, line="SIBLING NOT BUILT: packages/ui"), settings)
    assert error.what == "`npm run build` failed in hello-dock/packages/ui."
    assert error.how.endswith("(cd hello-dock/packages/ui && npm run build)")


@pytest.mark.parametrize(
    ("line", "what", "how"),
    [
        ('npm error code EBADENGINE\nnpm error Required: {"node":">=14 <16"}', "such as 14.", "node:14-alpine"),
        ("UNSUPPORTED_ENGINE] a\nYour Node version\nExpected version: >=24.1 <25", "such as 24.", "=node:24-alpine"),
        ("GET https://r.example/@a/b/-/b-1.0.0.tgz: Not Found - 404\nadded 502", "get the package @a/b", "private"),
        ("npm error code EBADENGINE", "another version of Node.js", "INVOKE_BASES_NODE_IMAGE="),
        (" ERR_PNPM_UNSUPPORTED_ENGINE  Unsupported environment", "another version of Node.js", "BASES_NODE_IMAGE"),
        ('error x@1.0.0: The engine "node" is incompatible with this module.', "another version", "BASES_NODE_IMAGE"),
        ("x: error while loading shared libraries: liba.so.5: cannot open", "the library liba.so.5", "node:lts"),
        ("sh: line 0: bash: not found\n ELIFECYCLE  Command failed.", "calls bash", "IMAGE=node:lts;"),
        ('. prepare: Error: exec: "git": executable file not found in $PATH', "lefthook", "BASES_NODE_IMAGE=node:lts"),
        ("Error: Unable to update lock within the stale threshold", "yarn lost the lock", "Start it again"),
        ("reason: getaddrinfo ENOTFOUND git.example", "cannot reach git.example", "HTTPS_PROXY"),
        ("npm error syscall spawn git", "comes from a git repository", "node:lts"),
        ("/bin/sh: git: not found", "calls git", "process.env.REVISION"),
        ("Error: spawn git ENOENT", "calls git", "process.env.REVISION"),
        ("fatal: not a git repository (or any of the parent directories): .git", "calls git", "REVISION"),
    ],
)
def test_advice_fits_what_the_build_lacks(settings: Settings, line: str, what: str, how: str) -> None:
    """A build has one version of Node.js, and neither git nor .git."""
    error = explain(FAILED.format(step=STEP, line=f"{line}\n{NOT_INSTALLED}"), settings)
    assert what in error.what
    assert how in error.how
    assert error.evidence.startswith(line.splitlines()[0])
