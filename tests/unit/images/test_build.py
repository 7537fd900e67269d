from __future__ import annotations

import shlex

import pytest

from docktasks.app import git
from docktasks.app.package import App
from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.engine.models import Image
from docktasks.errors import BuildError
from docktasks.images import build, build_output
from docktasks.roles import DEV, PROD
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured, make_app
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.runner import Runner
from tests.unit.fakes.store import built_id

VALUES = {"NODE_IMAGE": "node:lts-alpine", "NGINX_IMAGE": "nginx:stable-alpine", "REVISION": "", "TITLE": "shop"}


def test_build_args_of_prod(settings: Settings) -> None:
    """Empty build arguments are left out."""
    assert shlex.join(build.build_args(settings, App.load(settings), PROD, VALUES)) == (
        "docker image build --tag hello-dock:prod"
        " --build-arg NODE_IMAGE=node:lts-alpine --build-arg NGINX_IMAGE=nginx:stable-alpine --build-arg TITLE=shop"
        " --label hello-dock.built-for=hello-dock"
        " --label org.opencontainers.image.base.name=nginx:stable-alpine"
        " ."
    )


def test_build_args_of_dev(settings: Settings) -> None:
    """The dev image has a Dockerfile of its own."""
    assert shlex.join(build.build_args(settings, App.load(settings), DEV, {"NODE_IMAGE": "node:lts-alpine"})) == (
        "docker image build --tag hello-dock:dev --build-arg NODE_IMAGE=node:lts-alpine"
        " --label hello-dock.built-for=hello-dock"
        " --label org.opencontainers.image.base.name=node:lts-alpine"
        " --file Dockerfile.dev ."
    )


@pytest.mark.parametrize(
    ("source", "target"),
    [("type=registry,ref=ghcr.io/me/site:cache", "type=registry,ref=ghcr.io/me/site:cache,mode=max"),
     ("type=local,src=../cache", "type=local,dest=../cache,mode=max"),
     ("type=gha,scope=site", "type=gha,scope=site,mode=max")],
)  # fmt: skip
def test_production_build_takes_and_keeps_layers_in_a_cache(settings: Settings, source: str, target: str) -> None:
    """Without settings there is no argument, and the dev image gets none."""
    cached = configured(settings.root, build_cache_from=source, build_cache_to=target)
    args = shlex.join(build.build_args(cached, App.load(settings), PROD, VALUES))
    assert f" --cache-from {source} --cache-to {target} --label " in args
    assert f" --cache-from {source} " in shlex.join(
        build.build_args(cached, App.load(settings), PROD.on("linux/arm64"), VALUES)
    )
    assert "--cache-" not in shlex.join(build.build_args(cached, App.load(settings), DEV, VALUES))
    assert "--cache-" not in shlex.join(build.build_args(settings, App.load(settings), PROD, VALUES))


def test_image_of_another_platform_has_a_tag_of_its_own(settings: Settings) -> None:
    """The image of the engine's own platform stays what run-prod runs."""
    args = shlex.join(build.build_args(settings, App.load(settings), PROD.on("linux/arm/v7"), VALUES))
    assert args.startswith("docker image build --platform linux/arm/v7 --tag hello-dock:prod-arm-v7 ")


def test_label_names_the_base_image_as_the_engine_lists_it(settings: Settings) -> None:
    """It has a tag, also where the settings have none."""
    values = VALUES | {"NGINX_IMAGE": "docker.io/library/nginx"}
    args = build.build_args(settings, App.load(settings), PROD, values)
    assert "NGINX_IMAGE=docker.io/library/nginx" in args
    assert f"{build.BASE_LABEL}=nginx:latest" in args


def test_build_args_of_another_app(settings: Settings) -> None:
    """The app's folder is the context. Our Dockerfile and our tools are added to it."""
    shop = make_app(settings.root.parent / "shop")
    shop_settings = configured(settings.root, app_dir=str(shop), app_name="shop")
    assert shlex.join(build.build_args(shop_settings, App.load(shop_settings), PROD, VALUES)) == (
        "docker image build --tag shop:prod"
        " --build-arg NODE_IMAGE=node:lts-alpine --build-arg NGINX_IMAGE=nginx:stable-alpine --build-arg TITLE=shop"
        " --label hello-dock.built-for=shop"
        " --label org.opencontainers.image.base.name=nginx:stable-alpine"
        " --file .cache/context-shop/Dockerfile --build-arg APP_DIR=. --build-context tools=.cache/context-shop/tools"
        f" {shop}"
    )


def test_build_has_no_certificate_authorities_by_default(settings: Settings) -> None:
    """npm's own are used where none are named."""
    assert "--build-context" not in build.build_args(settings, App.load(settings), DEV, {"NODE_IMAGE": "n"})


def test_build_arguments_of_prod_differ_from_the_defaults_of_the_dockerfile(settings: Settings) -> None:
    """A value that the Dockerfile has as its default is empty."""
    source = git.Source("1.2.3", "abc-dirty", "1700000000")
    assert build.prod_values(settings, App.load(settings), "n", "x", source) == {
        "NODE_IMAGE": "n",
        "NGINX_IMAGE": "x",
        "DIST_DIR": "",
        "BUILD_COMMAND": "",
        "PATH_IN_ROOT": "",
        "SIBLINGS": "",
        "HELLO_DOCK_FALLBACK": "",
        "SOURCE_DATE_EPOCH": "1700000000",
        "TITLE": "",
        "REVISION": "abc-dirty",
        "VERSION": "1.2.3",
        **dict.fromkeys(("INSTALL_ENV", "BUILD_ENV", "SECRETS"), ""),
        "HELLO_DOCK_SOURCE_MAPS": "",
        "HELLO_DOCK_CSP": "",
        "HELLO_DOCK_CSP_SOURCES": "",
        "HELLO_DOCK_VITE": "",
    }
    shop = configured(
        settings.root, app_name="shop", app_dist="build/client", prod_csp="strict", prod_csp_sources="img-src https:",
        prod_fallback="200.html",
    )  # fmt: skip
    values = build.prod_values(shop, App.load(shop), "n", "x", source)
    assert (values["TITLE"], values["DIST_DIR"]) == ("shop", "build/client")
    assert (values["HELLO_DOCK_CSP"], values["HELLO_DOCK_CSP_SOURCES"]) == ("strict", "img-src https:")
    assert values["HELLO_DOCK_FALLBACK"] == "200.html"


def test_label_without_anything_to_say_is_left_out(settings: Settings) -> None:
    """There is no empty label, whichever of them has no value."""
    labels = build.origin_labels(settings, {"VERSION": "", "REVISION": ""})
    assert labels.keys() == {f"{build.OCI}.{name}" for name in ("source", "revision", "version")}
    assert build.labels_over(Image("sha256:base"), labels) == {}
    url = "https://s.example/shop"
    labels = build.origin_labels(
        configured(settings.root, build_source_url=url), {"VERSION": "1.2.3", "REVISION": "abc"}
    )
    assert build.labels_over(None, labels) == {
        f"{build.OCI}.source": url,
        f"{build.OCI}.revision": "abc",
        f"{build.OCI}.version": "1.2.3",
    }


def test_label_of_the_base_image_is_hidden(settings: Settings) -> None:
    """Its version and licence are no statement about the app. A label of ours takes the place of the base's."""
    base_labels = {f"{build.OCI}.{name}": "of the base" for name in ("version", "licenses", "title", "revision")}
    base = Image("sha256:base", tags=("nginx:stable-alpine",), labels={**base_labels, "maintainer": "nginx"})
    engine = FakeEngine(images={"nginx:stable-alpine": base})
    run = Runner(engine)
    build.build_image(Project(run, engine, settings), PROD, VALUES | {"REVISION": "abc"})
    assert [word for word in run.ran[0] if word.startswith(f"{build.OCI}.")] == [
        f"{build.OCI}.licenses=",
        f"{build.OCI}.revision=abc",
        f"{build.OCI}.version=",
        f"{build.OCI}.base.name=nginx:stable-alpine",
    ]


def test_dist_args_have_the_same_build_arguments_as_the_build(settings: Settings) -> None:
    """The app's own package manager is one of them. So Docker takes the step from its cache."""
    (settings.app_dir / "package-lock.json").rename(settings.app_dir / "pnpm-lock.yaml")
    line = shlex.join(build.dist_args(settings, App.load(settings), VALUES, "out"))
    assert "--build-arg MANAGER=pnpm" in line
    assert "--build-arg MANAGER=pnpm" in shlex.join(build.build_args(settings, App.load(settings), PROD, VALUES))


BUILT = built_id("hello-dock:prod")


def test_build_image_returns_the_image(settings: Settings) -> None:
    """A first build is one command."""
    engine = FakeEngine()
    run = Runner(engine)
    assert build.build_image(Project(run, engine, settings), PROD, VALUES).id == BUILT
    assert run.ran == [build.build_args(settings, App.load(settings), PROD, VALUES)]


def engine_with(image_id: str, *names: str) -> FakeEngine:
    """Return an engine whose only image has the tag `hello-dock:prod` and these tags."""
    tags = ("hello-dock:prod", *names)
    return FakeEngine(images={"hello-dock:prod": Image(image_id, tags=tags)})


def test_build_image_removes_the_image_that_it_replaced(settings: Settings) -> None:
    """That image is removed by its id. An image that others built on top of ours has our labels, and stays."""
    engine = engine_with("sha256:before")
    engine.image_store["on top"] = Image("sha256:on-top", labels={"hello-dock.built-for": "hello-dock"})
    run = Runner(engine)
    build.build_image(Project(run, engine, settings), PROD, VALUES)
    assert run.lines[1:] == ["docker image rm sha256:before"]
    assert {image.id for image in engine.image_store.values()} == {BUILT, "sha256:on-top"}


def test_build_image_keeps_a_replaced_image_that_has_another_tag(settings: Settings) -> None:
    """A user gave it that tag to keep it."""
    engine = engine_with("sha256:before", "hello-dock:mine")
    run = Runner(engine)
    build.build_image(Project(run, engine, settings), PROD, VALUES)
    assert len(run.ran) == 1


def test_build_image_accepts_that_the_replaced_image_is_gone(settings: Settings) -> None:
    """An engine may remove an image that loses its last tag."""

    class PruningEngine(FakeEngine):
        def apply(self, args: list[str]) -> Result:
            """Apply the command, and remove the image that has lost its tag."""
            result = super().apply(args)
            self.image_store.pop("sha256:before", None)
            return result

    engine = PruningEngine(images=engine_with("sha256:before").image_store)
    run = Runner(engine)
    build.build_image(Project(run, engine, settings), PROD, VALUES)
    assert len(run.ran) == 1


def test_build_image_succeeds_when_docker_keeps_the_replaced_image(settings: Settings) -> None:
    """Docker refuses to remove an image while a container uses it. The swap removes it later."""
    engine = engine_with("sha256:before")
    run = Runner(engine, {"docker image rm": Result(1, "conflict: unable to delete before (cannot be forced)")})
    assert build.build_image(Project(run, engine, settings), PROD, VALUES).id == BUILT


def test_build_image_removes_nothing_when_the_image_is_the_same(settings: Settings) -> None:
    """A build in which nothing changed has the same image id."""
    engine = engine_with(BUILT)
    run = Runner(engine)
    build.build_image(Project(run, engine, settings), PROD, VALUES)
    assert len(run.ran) == 1


def test_failed_build_removes_nothing(settings: Settings) -> None:
    """The image that had the tag before keeps it."""
    engine = engine_with("sha256:before")
    run = Runner(engine, {"docker image build": Result(1, "failed to solve")})
    with pytest.raises(BuildError, match="`docker image build` failed"):
        build.build_image(Project(run, engine, settings), PROD, VALUES)
    assert len(run.ran) == 1


def test_image_that_the_engine_lacks_is_an_error(settings: Settings) -> None:
    """A builder other than the engine's own keeps the image to itself."""
    run = Runner(answers={"docker image build": Result(0, "WARNING: No output specified")})
    with pytest.raises(BuildError, match="the engine has no image hello-dock:prod") as caught:
        build.build_image(Project(run, FakeEngine(), settings), PROD, VALUES)
    assert "docker buildx use default" in caught.value.how


def test_missing_certificate_file_is_an_error_before_the_build(settings: Settings) -> None:
    """BuildKit's own message does not say which setting named the file."""
    run = Runner()
    with pytest.raises(BuildError, match=r"/nowhere/ca\.pem cannot be read: No such file") as caught:
        build.build_image(
            Project(run, FakeEngine(), configured(settings.root, build_ca_file="/nowhere/ca.pem")), PROD, VALUES
        )
    assert "NODE_EXTRA_CA_CERTS" in caught.value.why
    assert run.ran == []
    with pytest.raises(BuildError, match="cannot be read"):  # the path is a folder
        build.build_image(
            Project(run, FakeEngine(), configured(settings.root, build_ca_file=str(settings.root))), PROD, VALUES
        )


def test_dry_build_writes_nothing(settings: Settings) -> None:
    """Under --dry not even the cache folder is made."""
    shop_settings = configured(settings.root, app_dir=str(make_app(settings.root.parent / "shop")))
    build.build_image(
        Project(Runner(dry=True), FakeEngine(images={"hello-dock:prod": Image("0")}), shop_settings), PROD, VALUES
    )
    assert not (settings.root / ".cache").exists()


@pytest.mark.parametrize(
    ("output", "texts"),
    [
        ("#12 1.234 NOTICE: The site is served at /shop/\n#12 DONE\n#13 0.1 NOTICE: The site is served at /shop/\n", 1),
        (" => => # NOTICE: The site is served at /shop/   \x1b[0m\n => => # NOTICE: The site is serv\x1b[0m\n", 1),
        ("#12 1.234 built in 1 s\n", 0),
    ],
)
def test_notices_of_a_build_are_read_from_its_output(output: str, texts: int) -> None:
    """Each is read once, from plain lines and from BuildKit's drawing, which may cut a line."""
    assert build_output.notices(output) == ["The site is served at /shop/"][:texts]


def test_notices_of_a_cached_build_are_those_of_the_build_that_ran(settings: Settings) -> None:
    """Docker repeats no step, so nothing says them again. A build without any replaces them."""
    ran = "#9 [builder 1/1] RUN sh install.sh\n#9 1.2 NOTICE: The site is served at /shop/\n#9 DONE 2.0s\n"
    cached = "#9 [builder 1/1] RUN sh install.sh\n#9 CACHED\n"
    drawn = "\x1b[34m => CACHED [builder 1/1] RUN sh inst  0.0s\n"
    first = build_output.remembered(settings, "sha256:1", ran)
    assert first == ["The site is served at /shop/"]
    assert build_output.remembered(settings, "sha256:1", cached) == first
    assert build_output.remembered(settings, "sha256:1", drawn) == first
    assert build_output.remembered(settings, "sha256:2", cached) == []
    (settings.root / f".cache/notices-{settings.app.name}.json").write_text("{cut")
    assert build_output.remembered(settings, "sha256:1", cached) == []
    build_output.remembered(settings, "sha256:1", ran)
    build_output.remembered(settings, "sha256:1", ran.replace("NOTICE", "note"))
    assert build_output.remembered(settings, "sha256:1", cached) == []


def test_own_dockerfile_of_an_app_gets_every_argument(settings: Settings) -> None:
    """Its defaults are the settings of an earlier day, so the defaults of our Dockerfile are given, too."""
    shop = make_app(settings.root.parent / "shop")
    shop_settings = configured(shop.parent, app_dir="shop", app_name="shop")
    (shop / ".hello-dock").mkdir()
    (shop / ".hello-dock/files.json").write_text('{"files": {"Dockerfile": "x"}}')
    values = VALUES | {"HELLO_DOCK_CSP": "", "DIST_DIR": "out"}
    without = build.build_args(shop_settings, App.load(shop_settings), PROD, values)
    assert not any(arg.startswith("HELLO_DOCK_CSP=") for arg in without)
    (shop / "Dockerfile").write_text("FROM scratch\n")
    args = build.build_args(shop_settings, App.load(shop_settings), PROD, values)
    assert {"HELLO_DOCK_CSP=compatible", "DIST_DIR=out", "MANAGER=npm", "REVISION="} <= set(args)
