from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from docktasks.app import git
from docktasks.app.package import App
from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.engine.models import Image
from docktasks.errors import BuildError, DockError, EngineError
from docktasks.images import build, build_errors
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured, make_app
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.runner import Runner
from tests.unit.fakes.store import built_id

PROD = {"NODE_IMAGE": "node:lts-alpine", "NGINX_IMAGE": "nginx:stable-alpine", "REVISION": "", "VERSION": "1.2.3"}

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


def explained(output: str, settings: Settings) -> DockError:
    """What a failed build with this output is."""
    return build_errors.explain_build(Result(1, output), Project(Runner(), FakeEngine(), settings))


def test_the_production_build(settings: Settings) -> None:
    """The command that builds the production image, word for word; empty build arguments are left out."""
    assert shlex.join(build.build_args(settings, App.load(settings).package_manager, "prod", PROD)) == (
        "docker image build --tag hello-dock:prod"
        " --build-arg NODE_IMAGE=node:lts-alpine --build-arg NGINX_IMAGE=nginx:stable-alpine --build-arg VERSION=1.2.3"
        " --label hello-dock.built-for=hello-dock"
        " --label org.opencontainers.image.base.name=nginx:stable-alpine"
        " ."
    )


def test_the_dev_build(settings: Settings) -> None:
    """The command that builds the dev image, word for word."""
    assert shlex.join(
        build.build_args(settings, App.load(settings).package_manager, "dev", {"NODE_IMAGE": "node:lts-alpine"})
    ) == (
        "docker image build --tag hello-dock:dev --target mounted --build-arg NODE_IMAGE=node:lts-alpine"
        " --label hello-dock.built-for=hello-dock"
        " --label org.opencontainers.image.base.name=node:lts-alpine"
        " --file Dockerfile.dev ."
    )


def test_the_build_of_a_foreign_app(settings: Settings) -> None:
    """Another app's folder is the context, with our Dockerfile and nginx/ given to it."""
    shop = make_app(settings.root.parent / "shop")
    foreign = configured(settings.root, app_dir=str(shop), app_name="shop")
    assert shlex.join(build.build_args(foreign, App.load(foreign).package_manager, "prod", PROD)) == (
        "docker image build --tag shop:prod"
        " --build-arg NODE_IMAGE=node:lts-alpine --build-arg NGINX_IMAGE=nginx:stable-alpine --build-arg VERSION=1.2.3"
        " --label hello-dock.built-for=shop"
        " --label org.opencontainers.image.base.name=nginx:stable-alpine"
        " --file .cache/shop/Dockerfile --build-arg APP_DIR=. --build-context tools=.cache/shop/tools"
        f" {shop}"
    )


def test_no_certificate_authorities_are_given_by_default(settings: Settings) -> None:
    """npm's own are enough, where none is named."""
    assert "--build-context" not in build.build_args(
        settings, App.load(settings).package_manager, "dev", {"NODE_IMAGE": "n"}
    )


def test_the_build_arguments_of_the_production_image(settings: Settings) -> None:
    """The Dockerfile's own defaults are left alone, what differs from them is given."""
    origin = git.Source("1.2.3", "abc-dirty", "1700000000")
    assert build.prod_build(settings, "n", "x", origin) == {
        "NODE_IMAGE": "n",
        "NGINX_IMAGE": "x",
        "DIST_DIR": "",
        "SOURCE_DATE_EPOCH": "1700000000",
        "TITLE": "",
        "SOURCE": "",
        "REVISION": "abc-dirty",
        "VERSION": "1.2.3",
    }
    other = configured(
        settings.root, app_name="shop", app_dist="build/client", build_source_url="https://s.example/shop"
    )
    given = build.prod_build(other, "n", "x", origin)
    assert (given["TITLE"], given["DIST_DIR"], given["SOURCE"]) == ("shop", "build/client", "https://s.example/shop")


def test_the_builds_output_is_asked_for_as_it_was_built(settings: Settings) -> None:
    """By the app's own package manager, so that the step is in Docker's cache."""
    (settings.app_dir / "package-lock.json").rename(settings.app_dir / "pnpm-lock.yaml")
    line = shlex.join(build.dist_args(settings, App.load(settings).package_manager, PROD, "out"))
    assert "--build-arg MANAGER=pnpm" in line
    assert "--build-arg MANAGER=pnpm" in shlex.join(
        build.build_args(settings, App.load(settings).package_manager, "prod", PROD)
    )


BUILT = built_id("hello-dock:prod")


def test_build_returns_the_image(settings: Settings) -> None:
    """A first build is one command, and what it made comes back."""
    engine = FakeEngine()
    run = Runner(engine)
    assert build.build(Project(run, engine, settings), "prod", PROD).id == BUILT
    assert run.ran == [build.build_args(settings, App.load(settings).package_manager, "prod", PROD)]


def holding(image_id: str, *names: str) -> FakeEngine:
    """An engine where one image has these names, `hello-dock:prod` first."""
    tags = ("hello-dock:prod", *names)
    return FakeEngine(images={"hello-dock:prod": Image(image_id, tags=tags)})


def test_build_removes_the_image_it_replaced(settings: Settings) -> None:
    """By its id, and no other: what somebody built on top of ours has our labels, too."""
    engine = holding("sha256:before")
    engine.image_store["on top"] = Image("sha256:on-top", labels={"hello-dock.built-for": "hello-dock"})
    run = Runner(engine)
    build.build(Project(run, engine, settings), "prod", PROD)
    assert run.lines[1:] == ["docker image rm sha256:before"]
    assert {image.id for image in engine.image_store.values()} == {BUILT, "sha256:on-top"}


def test_build_keeps_a_replaced_image_that_has_another_name(settings: Settings) -> None:
    """Somebody gave it that name to keep it."""
    engine = holding("sha256:before", "hello-dock:mine")
    run = Runner(engine)
    build.build(Project(run, engine, settings), "prod", PROD)
    assert len(run.ran) == 1


def test_build_takes_a_replaced_image_that_is_gone_for_removed(settings: Settings) -> None:
    """Docker itself drops an image that loses its last name, where it is set to."""

    class Forgetful(FakeEngine):
        def apply(self, args: list[str]) -> Result:
            """Keep nothing without a name."""
            obeyed = super().apply(args)
            self.image_store.pop("sha256:before", None)
            return obeyed

    engine = Forgetful(images=holding("sha256:before").image_store)
    run = Runner(engine)
    build.build(Project(run, engine, settings), "prod", PROD)
    assert len(run.ran) == 1


def test_an_image_that_docker_does_not_remove_is_no_fault_of_the_build(settings: Settings) -> None:
    """It is refused while a container uses the image; the swap removes it then."""
    engine = holding("sha256:before")
    run = Runner(engine, {"docker image rm": Result(1, "conflict: unable to delete before (cannot be forced)")})
    assert build.build(Project(run, engine, settings), "prod", PROD).id == BUILT


def test_build_removes_nothing_when_nothing_changed(settings: Settings) -> None:
    """The same image again is no replacement."""
    engine = holding(BUILT)
    run = Runner(engine)
    build.build(Project(run, engine, settings), "prod", PROD)
    assert len(run.ran) == 1


def test_a_failed_build_removes_nothing(settings: Settings) -> None:
    """What was there before stays."""
    engine = holding("sha256:before")
    run = Runner(engine, {"docker image build": Result(1, FAILED.format(step=STEP, line="no Foo.vue"))})
    with pytest.raises(BuildError, match="`npm run build` failed"):
        build.build(Project(run, engine, settings), "prod", PROD)
    assert len(run.ran) == 1


def test_a_build_whose_image_the_engine_lacks_is_explained(settings: Settings) -> None:
    """A builder of its own keeps its results to itself."""
    run = Runner(answers={"docker image build": Result(0, "WARNING: No output specified")})
    with pytest.raises(BuildError, match="the engine has no image hello-dock:prod") as caught:
        build.build(Project(run, FakeEngine(), settings), "prod", PROD)
    assert "docker buildx use default" in caught.value.how


def test_a_missing_certificate_file_is_told_before_the_build(settings: Settings) -> None:
    """BuildKit's own message would not say where the name came from."""
    run = Runner()
    with pytest.raises(BuildError, match=r"There is no file /nowhere/ca\.pem") as caught:
        build.build(
            Project(run, FakeEngine(), configured(settings.root, build_ca_file="/nowhere/ca.pem")), "prod", PROD
        )
    assert "NODE_EXTRA_CA_CERTS" in caught.value.why
    assert run.ran == []
    with pytest.raises(BuildError, match="cannot be read"):  # a folder, here
        build.build(
            Project(run, FakeEngine(), configured(settings.root, build_ca_file=str(settings.root))), "prod", PROD
        )


def test_a_dry_build_writes_nothing(settings: Settings) -> None:
    """Under --dry not even the cache folder is made."""
    foreign = configured(settings.root, app_dir=str(make_app(settings.root.parent / "shop")))
    build.build(Project(Runner(dry=True), FakeEngine(images={"hello-dock:prod": Image("0")}), foreign), "prod", PROD)
    assert not (settings.root / ".cache").exists()


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
        "hello-dock/package-lock.json is out of step with package.json.",
        "(cd hello-dock && npm install)",
    ),
    (
        BuildError,
        FAILED.format(step=STEP, line="npm error code SELF_SIGNED_CERT_IN_CHAIN"),
        "npm does not trust the certificate it was shown.",
        "NODE_EXTRA_CA_CERTS=/path/to/ca.pem",
    ),
    (
        BuildError,
        FAILED.format(step=STEP, line="npm error unable to get local issuer certificate"),
        "npm does not trust the certificate it was shown.",
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
        "docktasks/images/nginx/assemble.mjs failed: it compresses what `npm run build` wrote.",
        "report it",
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
        "Mend what its last lines say",
    ),
]


@pytest.mark.parametrize(("kind", "output", "what", "how"), FAULTS, ids=[what for _, _, what, _ in FAULTS])
def test_a_failed_build_is_explained(
    settings: Settings, kind: type[DockError], output: str, what: str, how: str
) -> None:
    """Each known fault of a build is told in words, with what to type next; the cause goes before its consequence."""
    error = explained(output, settings)
    assert type(error) is kind
    assert error.what.startswith(what)
    assert how in error.how


@pytest.mark.parametrize(("kind", "output", "what", "how"), FAULTS, ids=[what for _, _, what, _ in FAULTS])
def test_a_failed_build_is_explained_from_a_terminal_too(
    settings: Settings, kind: type[DockError], output: str, what: str, how: str
) -> None:
    """Colours, cursor moves and carriage returns, as BuildKit writes them to a terminal, hide nothing."""
    drawn = "".join(f"\x1b[1A\x1b[0G\x1b[?25h\x1b[31m{line}\x1b[0m\r\n" for line in output.splitlines())
    error = explained(drawn, settings)
    assert (type(error), error.evidence) == (kind, explained(output, settings).evidence)
    assert error.what.startswith(what)
    assert how in error.how


def test_the_evidence_is_what_the_failed_step_printed(settings: Settings) -> None:
    """Neither the steps before nor the Dockerfile's lines are in it."""
    assert explained(FAILED.format(step=STEP, line="no Foo.vue"), settings).evidence == "no Foo.vue"


PLAIN = """\
#12 [builder 6/8] RUN npm run build
#12 0.868 vite v8.3.8 building client environment for production...
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


def test_the_evidence_starts_with_the_error_and_has_no_call_stack(settings: Settings) -> None:
    """BuildKit's own summary keeps the last lines alone, which are Vite's call stack, or npm's usage."""
    assert explained(PLAIN, settings).evidence.splitlines() == [
        "x Build failed in 162ms",
        "error during build:",
        "Could not resolve './Foo.vue' in src/App.vue",
    ]


def test_long_evidence_ends_with_the_last_lines(settings: Settings) -> None:
    """Where no line tells of an error, the last fifteen are enough to see what went wrong."""
    line = "\n#12 0.444 ".join(f"line {number}" for number in range(100))
    evidence = explained(FAILED.format(step=STEP, line=line), settings).evidence.splitlines()
    assert (len(evidence), evidence[-1]) == (15, "line 99")


def test_without_a_failed_step_the_evidence_is_the_tail(settings: Settings) -> None:
    """A fault before any step has its own last lines."""
    output = "".join(f"line {number}\n\n" for number in range(100))
    assert explained(output, settings).evidence.splitlines() == [f"line {number}" for number in range(85, 100)]


def test_a_build_that_writes_elsewhere_is_not_blamed_for_failing(settings: Settings) -> None:
    """It succeeded, and app.dist is wrong: the same step finds that out."""
    step = "RUN --mount=type=bind,from=tools,target=/tools     npm run build &&     node assemble.mjs dist"
    drawn = (
        f"\x1b[0m\x1b[31m => ERROR [builder 6/6] {step}         0.7s\r\n"
        f"\x1b[0m\x1b[?25h------\r\n > [builder 6/6] {step}:\r\n"
        "0.444 dist/index.html does not exist after the build: DIST_DIR names the folder it writes.\r\n------\r\n"
    )
    error = explained(drawn, settings)
    assert error.what == "`npm run build` left no index.html in hello-dock/dist."
    assert "INVOKE_APP_DIST=" in error.how
    assert error.evidence.startswith("dist/index.html does not exist")


def test_a_checkout_reached_over_a_link_is_not_foreign(settings: Settings, tmp_path: Path) -> None:
    """The repository's own app stays its own, whichever way leads to the checkout."""
    link = tmp_path / "link"
    link.symlink_to(settings.root)
    assert not replace(settings, root=link).is_external_app
