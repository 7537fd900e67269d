from __future__ import annotations

import gzip
import hashlib
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from docktasks.commands import Result
from docktasks.engine.models import Image
from docktasks.settings import Settings
from docktasks.verify import catalog, registry
from docktasks.verify.probes.image_archive import Contents, File, Layer
from docktasks.verify.probes.secret_patterns import found
from docktasks.verify.subject import Subject
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.image_archives import layer
from tests.unit.fakes.runner import Runner
from tests.unit.fakes.sites import compress

OCI = "org.opencontainers.image"
BASE = "nginx:stable-alpine"
COMMIT = "0a1b2c3d" * 5
TEXT = b"a text that is long enough to shrink " * 20


def shipped(path: str, content: bytes = b"x", **given: Any) -> File:
    """A file of ours."""
    usual: dict[str, Any] = {
        "mode": 0o644, "digest": hashlib.sha256(content).digest(), "content": content, "secrets": found(content),
    }  # fmt: skip
    return File(path, "file", len(content), **(usual | given))


SITE = [
    File("/srv/run", "link", mode=0o777),
    File("/srv/carried", "folder", mode=0o755),
    shipped("/srv/site/index.html", TEXT),
    shipped("/srv/site/index.html.gz", gzip.compress(TEXT)),
    shipped("/srv/br/index.html", compress(TEXT)),
    shipped("/srv/hashed/site/assets/index-Abcdef12.js"),
    shipped("/etc/nginx/nginx.conf", b"user nobody;"),
]


@dataclass
class Made:
    """An image as `invoke build-prod` makes it, but for what a test changes."""

    user: str = "101:101"
    labels: dict[str, str] = field(
        default_factory=lambda: {
            f"{OCI}.title": "shop", f"{OCI}.version": "1.0.0", f"{OCI}.revision": COMMIT, f"{OCI}.base.name": BASE,
            "hello-dock.built-for": "hello-dock",
        }
    )  # fmt: skip
    environment: dict[str, str] = field(default_factory=lambda: {"NGINX_VERSION": "1.30.6", "PATH": "/usr/bin"})
    config: dict[str, Any] = field(
        default_factory=lambda: {
            "Entrypoint": ["/docker-entrypoint.sh"], "Cmd": ["nginx", "-g", "daemon off;"],
            "StopSignal": "SIGQUIT", "Healthcheck": {"Test": ["CMD", "wget"]},
        }
    )  # fmt: skip
    history: list[dict[str, Any]] = field(default_factory=lambda: [{"created_by": "COPY /out/image/ / # buildkit"}])
    files: list[File] = field(default_factory=lambda: [*SITE])
    above: list[Layer] = field(default_factory=list)
    has_base: bool = True
    base_is_ours: bool = False

    def judged(self, name: str, settings: Settings | None = None, run: Runner | None = None) -> registry.Verdict:
        """The verdict of one check."""
        image = Image("sha256:1", labels=self.labels, environment=self.environment, user=self.user)
        known = {BASE: Image("sha256:2", tags=(BASE,), layers=("sha256:0",))} if self.has_base else {}
        known["node:lts-alpine"] = Image("sha256:3", tags=("node:lts-alpine",))
        subject = Subject("", FakeEngine(images=known), None, image, run=run or Runner(), settings=settings)
        layers = [layer(shipped("/etc/os-release"), ours=self.base_is_ours), layer(*self.files), *self.above]
        vars(subject)["contents"] = Contents(layers, self.config, self.history)
        (verdict,) = catalog.run_checks(subject, catalog.select(only=[name]))
        return verdict

    def evidence(self, name: str, settings: Settings | None = None) -> tuple[str, ...]:
        """What is found to be wrong; nothing when the check passes."""
        verdict = self.judged(name, settings)
        assert verdict.outcome == ("fail" if verdict.evidence else "pass")
        return verdict.evidence


@pytest.mark.parametrize("name", [each.id for each in catalog.select(["image"]) if each.id != "image.site"])
def test_what_build_prod_makes_passes(name: str) -> None:
    """Every check of the group."""
    assert Made().evidence(name) == ()


@pytest.mark.parametrize("user", ["101", "65532:0"])
def test_a_numeric_user_passes(user: str) -> None:
    """An orchestrator can see that it is not root."""
    assert Made(user=user).evidence("image.user") == ()


@pytest.mark.parametrize(
    ("user", "evidence"),
    [
        ("", "USER is not set, so root: a name cannot be judged without running the image"),
        ("nginx", "USER is nginx: a name cannot be judged without running the image"),
        ("0", "USER is 0, root"),
        ("0:101", "USER is 0, root"),
        ("root", "USER is root: a name cannot be judged without running the image"),
    ],
)
def test_root_or_a_name_fails(user: str, evidence: str) -> None:
    """A name may be root's in another /etc/passwd."""
    assert Made(user=user).evidence("image.user") == (evidence,)


@pytest.mark.parametrize(
    "path",
    [
        "/usr/local/bin/node",
        "/usr/local/bin/npm",
        "/app/package.json",
        "/app/package-lock.json",
        "/app/yarn.lock",
        "/app/node_modules/vue/index.js",
        "/srv/site/assets/index-1a.js.map",
        "/app/src/App.vue",
        "/app/src/main.ts",
        "/app/src/main.tsx",
        "/app/vite.config.js",
        "/app/.env",
        "/app/.env.production",
        "/app/.npmrc",
        "/app/.git/config",
    ],
)
def test_what_belongs_to_the_builder_fails(path: str) -> None:
    """Tools, source, lock files, secrets and source maps, with the layer they are in, also where they were deleted."""
    made = Made(above=[layer(shipped(path)), layer(File(path, "whiteout"))])
    assert made.evidence("image.contents")[0] == f"{path} (layer 3)"


@pytest.mark.parametrize(
    ("name", "changes", "evidence"),
    [
        ("image.command", {"Cmd": None, "Entrypoint": None}, "neither ENTRYPOINT nor CMD is set"),
        ("image.command", {"Cmd": ["/bin/sh", "-c", "nginx"]}, "CMD is run by a shell: /bin/sh -c nginx"),
        ("image.command", {"Entrypoint": ["sh", "-c", "nginx"]}, "ENTRYPOINT is run by a shell: sh -c nginx"),
        ("image.stop-signal", {"StopSignal": "SIGTERM"}, "STOPSIGNAL is SIGTERM"),
        ("image.stop-signal", {"StopSignal": None}, "STOPSIGNAL is not set, so SIGTERM"),
        ("image.health-check", {"Healthcheck": None}, "HEALTHCHECK is not set"),
        ("image.health-check", {"Healthcheck": {"Test": ["NONE"]}}, "HEALTHCHECK is NONE"),
    ],
)
def test_what_the_configuration_lacks_fails(name: str, changes: dict[str, Any], evidence: str) -> None:
    """By the image's own words."""
    assert Made(config=Made().config | changes).evidence(name) == (evidence,)


def test_the_signal_of_another_server_is_its_own() -> None:
    """SIGQUIT is nginx's way."""
    assert Made(environment={}).judged("image.stop-signal").outcome == "skip"


@pytest.mark.parametrize(
    ("changes", "evidence"),
    [
        ({f"{OCI}.title": ""}, f"{OCI}.title is missing"),
        ({f"{OCI}.revision": ""}, f"{OCI}.revision is missing: no commit"),
        ({f"{OCI}.revision": "main"}, f"{OCI}.revision is main: no commit"),
    ],
)
def test_labels_that_say_nothing_fail(changes: dict[str, str], evidence: str) -> None:
    """An image that is found somewhere has to tell where it is from."""
    assert Made(labels=Made().labels | changes).evidence("image.labels") == (evidence,)


def test_an_app_in_no_checkout_has_no_commit(settings: Settings) -> None:
    """Nobody can name one."""
    verdict = Made(labels=Made().labels | {f"{OCI}.revision": ""}).judged("image.labels", settings)
    assert (verdict.outcome, verdict.evidence) == (
        "skip",
        ("the app is in no git checkout, so there is no commit to name",),
    )


def git(folder: Path, *args: str) -> str:
    """What git says in a folder."""
    who = ["-c", "user.name=x", "-c", "user.email=x@localhost"]
    ran = subprocess.run(["git", "-C", str(folder), *who, *args], capture_output=True, text=True, check=True)
    return ran.stdout.strip()


@pytest.fixture
def commit(settings: Settings) -> str:
    """The commit of a checkout that has one."""
    git(settings.root, "init", "--quiet")
    git(settings.root, "add", "--all")
    git(settings.root, "commit", "--quiet", "--message", "x")
    return git(settings.root, "rev-parse", "HEAD")


def test_a_revision_is_a_commit_of_the_checkout(settings: Settings, commit: str) -> None:
    """Of an image that was built here; with local changes, too. Without a checkout nobody can tell."""
    for revision in (commit, f"{commit}-dirty"):
        made = Made(labels=Made().labels | {f"{OCI}.revision": revision})
        assert made.evidence("image.labels", settings) == ()
    assert Made().evidence("image.labels", settings) == (f"{OCI}.revision is {COMMIT}: not a commit of the checkout",)
    other = Made(labels=Made().labels | {"hello-dock.built-for": "shop"})
    assert other.evidence("image.labels", settings) == ()


@pytest.mark.parametrize(
    ("name", "environment", "evidence"),
    [
        ("", {"NGINX_VERSION": "1"}, f"{OCI}.base.name is missing"),
        ("nginx", {"NGINX_VERSION": "1"}, f"{OCI}.base.name is nginx: no tag"),
        ("localhost:5000/nginx", {"NGINX_VERSION": "1"}, f"{OCI}.base.name is localhost:5000/nginx: no tag"),
        (BASE, {"PATH": "/"}, "no variable of the image tells a version, such as NGINX_VERSION"),
    ],
)
def test_a_base_that_is_not_named_fails(name: str, environment: dict[str, str], evidence: str) -> None:
    """Nobody could tell what is below it."""
    made = Made(labels=Made().labels | {f"{OCI}.base.name": name}, environment=environment)
    assert made.evidence("image.base") == (evidence,)


# In two parts each, so that nobody takes this file for a leak.
GIVEN_AWAY = [
    "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq",
    "-----BEGIN " + "PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG",
    "npm_" + "a1B2" * 9,
    "//registry.example/:_auth" + "Token=abcdefgh12",
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "a1B2_" * 10,
    "glpat-" + "a1B2_" * 4,
    "AKIA" + "ABCD2345" * 2,
    "xoxb-" + "1234567890-" * 2,
    "sk_live_" + "a1B2" * 6,
    "https://user:" + "hunter2@example.com/",
]


@pytest.mark.parametrize("secret", GIVEN_AWAY)
def test_a_secret_is_found_wherever_it_is(secret: str) -> None:
    """In a file, also one that was deleted; in a variable, a label, and a step of the history."""
    text = f"a = 1; {secret} \n"
    deleted = [layer(shipped("/x", text.encode())), layer(File("/x", "whiteout"))]
    assert len(Made(above=deleted).evidence("image.secrets")) == 1
    for made in (
        Made(environment={"A": text}),
        Made(labels=Made().labels | {"a": text}),
        Made(history=[{"created_by": text}]),
    ):
        assert len(made.evidence("image.secrets")) == 1
        assert secret not in made.evidence("image.secrets")[0]


@pytest.mark.parametrize(
    "text",
    [
        "const url=`https://${user}:${password}@${host}/`;e=t?.token||'';a={password:\"secret\"}",
        "https://example.com:8080/a@b",
        "if(!pem.startsWith('-----BEGIN " + "PRIVATE KEY-----'))throw Error('no key')",
        "a url such as https://user:" + "password@example.com",
        "AIza" + "a1B2_" * 7,  # a browser's key of Firebase, which is public
        "//registry.example/:_auth" + "Token=${NPM_TOKEN}",
        "data:image/png;base64,AKIAabc",
        "git@example.com:a/b.git http://a.example/?x=http://b:80/c@d",
    ],
)
def test_what_looks_like_one_is_none(text: str) -> None:
    """A minified script names tokens, and builds addresses."""
    assert Made(files=[*SITE, shipped("/srv/site/a.js", text.encode())]).evidence("image.secrets") == ()


@pytest.mark.parametrize(
    "name", [".netrc", "id_rsa", "id_ed25519", "id_ecdsa_sk", "app.p12", "App.PFX", "release.keystore", "a.jks"]
)
def test_a_file_of_keys_fails_by_its_name(name: str) -> None:
    """Whatever shape what is in it has."""
    made = Made(files=[*SITE, shipped(f"/root/{name}", b"\0")])
    assert made.evidence("image.secrets") == (f"/root/{name}: a file of keys or passwords",)


@pytest.mark.parametrize("name", ["id_rsa.pub", "my.netrc", "id_rsa.js", "keystore", "p12.css", "id_rsahtml"])
def test_a_name_that_is_like_one_passes(name: str) -> None:
    """A public key is for everyone."""
    files = [*SITE, shipped(f"/srv/site/{name}"), File("/root/id_rsa", "folder", mode=0o755)]
    assert Made(files=files).evidence("image.secrets") == ()


def test_secrets_outside_of_the_layers_are_found_without_the_base() -> None:
    """What is in a variable needs no layer."""
    verdict = Made(has_base=False, environment={"DB_PASSWORD": "x"}).judged("image.secrets")
    assert (verdict.outcome, verdict.evidence) == ("fail", ("environment: DB_PASSWORD has a value",))


def test_a_variable_that_is_named_like_a_secret_fails() -> None:
    """Whatever its value looks like."""
    made = Made(environment={"DB_PASSWORD": "x", "NPM_TOKEN": "", "TOKENS_PER_MINUTE": "9"})
    assert made.evidence("image.secrets") == ("environment: DB_PASSWORD has a value",)


@pytest.mark.parametrize(
    ("name", "file", "evidence"),
    [
        ("image.ownership", shipped("/srv/site/a", uid=101), "/srv/site/a is of uid 101, gid 0"),
        ("image.ownership", shipped("/srv/site/a", gid=101), "/srv/site/a is of uid 0, gid 101"),
        ("image.ownership", shipped("/srv/site/a", mode=0o666), "/srv/site/a has mode 666"),
        ("image.ownership", File("/srv", "folder", mode=0o775), "/srv has mode 775"),
        ("image.setuid", shipped("/usr/bin/a", mode=0o4755), "/usr/bin/a has mode 4755"),
        ("image.setuid", shipped("/usr/bin/a", mode=0o2755), "/usr/bin/a has mode 2755"),
        ("image.setuid", shipped("/usr/bin/a", capabilities=1 << 10), "/usr/bin/a has capabilities 0000000000000400"),
        ("image.waste", shipped("/root/.npm/a"), "/root/.npm/a: 1 bytes of a cache"),
        ("image.waste", shipped("/var/cache/apk/a"), "/var/cache/apk/a: 1 bytes of a cache"),
        ("image.waste", shipped("/tmp/a"), "/tmp/a: 1 bytes of a cache"),  # noqa: S108 - a path in the image
    ],
)
def test_a_file_that_must_not_be_so_fails(name: str, file: File, evidence: str) -> None:
    """Of ours: the base image's are its own."""
    assert Made(files=[*SITE, file]).evidence(name) == (evidence,)


@pytest.mark.parametrize("kind", ["file", "whiteout"])
def test_what_a_later_layer_replaces_is_waste(kind: str) -> None:
    """It is sent and stored all the same."""
    made = Made(above=[layer(shipped("/a", b"12345")), layer(File("/a", kind))])
    assert made.evidence("image.waste") == ("/a: 5 bytes that a later layer replaces or deletes",)


def test_without_its_base_nothing_is_said_of_our_layers() -> None:
    """Which those are is then unknown."""
    verdict = Made(has_base=False).judged("image.setuid")
    assert (verdict.outcome, verdict.evidence) == (
        "skip", (f"which layers are the base image's is unknown: {BASE} is not here",),
    )  # fmt: skip
    labels = Made().labels | {f"{OCI}.base.name": ""}
    assert Made(labels=labels).judged("image.setuid").evidence == ("no base is named",)


BY_LAYER = [
    "image.secrets",
    "image.ownership",
    "image.setuid",
    "image.waste",
    "image.site",
    "image.twins",
    "image.size",
]


@pytest.mark.parametrize("name", BY_LAYER)
def test_on_another_base_than_the_one_that_is_here_nothing_is_said_of_our_layers(name: str) -> None:
    """Its name has moved on: all layers would be taken for ours, and what is the base's for a fault of ours."""
    verdict = Made(base_is_ours=True).judged(name)
    assert (verdict.outcome, verdict.evidence) == (
        "skip", (f"which layers are the base image's is unknown: {BASE} is another by now than it was built on",),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("path", "content", "evidence"),
    [
        ("/srv/br/index.html", b"garbage", "/srv/br/index.html: does not decode to /srv/site/index.html"),
        ("/srv/br/index.html", compress(b"other"), "/srv/br/index.html: does not decode to /srv/site/index.html"),
        ("/srv/br/index.html", compress(TEXT + b"!"), "/srv/br/index.html: does not decode to /srv/site/index.html"),
        ("/srv/br/index.html", compress(TEXT[:-1]), "/srv/br/index.html: does not decode to /srv/site/index.html"),
        ("/srv/br/index.html", compress(TEXT)[:-2], "/srv/br/index.html: does not decode to /srv/site/index.html"),
        ("/srv/site/index.html.gz", b"", "/srv/site/index.html.gz: does not decode to /srv/site/index.html"),
        ("/srv/site/index.html.gz", gzip.compress(TEXT, 0),
         "/srv/site/index.html.gz: 763 bytes, where /srv/site/index.html has 740"),
    ],
)  # fmt: skip
def test_a_twin_that_is_another_file_fails(path: str, content: bytes, evidence: str) -> None:
    """Half of the visitors would get something else; one that is no smaller is for nothing."""
    found = [file for file in SITE if file.path != path]
    assert Made(files=[*found, shipped(path, content)]).evidence("image.twins") == (evidence,)


def test_twins_that_nobody_could_keep_are_not_judged() -> None:
    """A skip, for it is not known."""
    found = [*SITE[:3], replace(SITE[3], content=None)]
    assert Made(files=found).judged("image.twins").outcome == "skip"


def test_an_image_without_a_site_of_ours_is_not_judged_for_one() -> None:
    """Another image has it elsewhere."""
    for name in ("image.twins", "image.size", "image.site"):
        verdict = Made(files=[shipped("/usr/share/nginx/html/index.html")]).judged(name)
        assert (verdict.outcome, verdict.evidence) == ("skip", ("there is no site in /srv/site",))


SPENT = (
    "30,012 bytes beside the site, allowed are 30,000; "
    "the largest: /opt/tool 30,000, /etc/nginx/nginx.conf 12, /srv/run 0"
)


@pytest.mark.parametrize(
    ("path", "size", "evidence"),
    [
        ("/srv/notes.txt", 1, "/srv/notes.txt: neither of the site nor one of its twins"),
        ("/srv/br/b.html", 1, "/srv/br/b.html: a twin of no file"),
        (
            "/opt/tool",
            30_000,
            SPENT,
        ),
    ],
)
def test_what_is_beside_the_site_is_bounded(path: str, size: int, evidence: str) -> None:
    """An image carries only what serves the app."""
    assert Made(files=[*SITE, shipped(path, b"x" * size)]).evidence("image.size") == (evidence,)


WROTE = {"index.html": TEXT, "assets/index-Abcdef12.js": b"x"}


class Exports(Runner):
    """A build that gives what it wrote."""

    def __init__(self, wrote: dict[str, bytes], code: int = 0) -> None:
        super().__init__()
        self.wrote, self.code = wrote, code

    def __call__(self, args: list[str], *, quiet: bool = False) -> Result:
        """Write it where it is wanted."""
        assert args[:5] == ["docker", "image", "build", "--target", "dist"]
        assert "NGINX_IMAGE=nginx:stable-alpine" in args
        folder = Path(args[args.index("--output") + 1].removeprefix("type=local,dest="))
        for path, content in self.wrote.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        super().__call__(args, quiet=quiet)
        return Result(self.code, "ERROR: no")


@pytest.mark.parametrize(
    ("changes", "evidence"),
    [
        ({}, ()),
        ({"index.html": b"other"}, ("index.html: other bytes than the build wrote",)),
        ({"new.txt": b""}, ("new.txt: written by the build, and not in the image",)),
        ({"index.html.gz": b"a plugin's own twin"}, ()),
        ({"alone.gz": b""}, ("alone.gz: written by the build, and not in the image",)),
        ({"assets/index-Abcdef12.js": None}, ("assets/index-Abcdef12.js: not written by the build",)),
    ],
)
def test_the_site_is_what_the_build_wrote(
    settings: Settings, commit: str, changes: dict[str, bytes | None], evidence: tuple[str, ...]
) -> None:
    """File by file, byte by byte."""
    wrote = {path: content for path, content in (WROTE | changes).items() if content is not None}
    made = Made(labels=Made().labels | {f"{OCI}.revision": commit})
    assert made.judged("image.site", settings, Exports(wrote)).evidence == evidence


def test_a_build_of_something_else_proves_nothing(settings: Settings, commit: str) -> None:
    """Another commit, local changes, another project's image, a build that fails: each is said, none is judged."""
    built = Made().labels | {f"{OCI}.revision": commit}
    others = Made(labels=built | {"hello-dock.built-for": "shop"})
    assert others.judged("image.site", settings, Exports(WROTE)).evidence == ("the image is not this project's build",)
    verdict = Made().judged("image.site", settings, Exports(WROTE))
    assert (verdict.outcome, verdict.evidence) == ("skip", (f"built from {COMMIT}, and the checkout holds {commit}",))
    verdict = Made(labels=built).judged("image.site", settings, Exports(WROTE, code=1))
    assert verdict.evidence == ("the build does not give its output again: ERROR: no",)
    (settings.app_dir / "package.json").write_text((settings.app_dir / "package.json").read_text() + "\n")
    verdict = Made(labels=built).judged("image.site", settings, Exports(WROTE))
    assert verdict.evidence == (f"built from {commit}, and the checkout holds {commit}-dirty",)
