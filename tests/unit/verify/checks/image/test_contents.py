from __future__ import annotations

import re
from dataclasses import replace

import pytest

from docktasks.images.archive import File
from docktasks.labels import SOURCE_MAPS_LABEL
from docktasks.settings import Settings
from docktasks.verify.checks.image.contents import RELEASE_FILE
from tests.unit.fakes.apps import ROOT
from tests.unit.fakes.built_image import BASE, SITE, BuiltImage, shipped, with_labels
from tests.unit.fakes.image_archives import layer

ASSEMBLER = ROOT / "docktasks/images/nginx/assemble.mjs"
SCRIPT_TARGETS = re.findall(r"'([\w/.-]+(?:bin|d)/[\w.-]+|usr/local/share/[\w./-]+)'", ASSEMBLER.read_text())


def test_each_script_that_the_builder_writes_is_one_that_a_release_needs() -> None:
    """A script that is new there is known here, too."""
    assert {"usr/local/bin/drain", "usr/local/share/hello-dock/deltas.mjs"} < set(SCRIPT_TARGETS)
    assert not [target for target in SCRIPT_TARGETS if not RELEASE_FILE.match(f"/{target}")]


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
        "/app/.yarnrc",
        "/app/.yarnrc.yml",
        "/app/.git/config",
    ],
)
def test_file_of_the_builder_fails(path: str) -> None:
    """Tools, source, lock files, secrets and source maps fail, also if a later layer deletes them."""
    image = BuiltImage(layers_above=[layer(shipped(path)), layer(File(path, "whiteout"))])
    assert image.evidence("image.contents")[0] == f"{path} (layer 3)"


MAP = "/srv/site/assets/index-1a.js.map"


def test_source_map_is_private() -> None:
    """Also one that is compressed. A file of another program may be called .map, too."""
    image = BuiltImage(layers_above=[layer(shipped(MAP), shipped(f"{MAP}.gz"), shipped("/srv/site/level.map"))])
    assert image.evidence("image.contents") == (f"{MAP} (layer 3)", f"{MAP}.gz (layer 3)")


def test_public_source_map_is_accepted_if_a_script_names_it_or_the_setting_says_so(settings: Settings) -> None:
    """The label is what the build wrote. Alone it proves nothing, because anybody can write one."""
    script = shipped("/srv/site/assets/index-1a.js", b"a()\n//# sourceMappingURL=index-1a.js.map")
    image = BuiltImage(layers_above=[layer(shipped(MAP))])
    image.labels |= {SOURCE_MAPS_LABEL: "public"}
    assert image.evidence("image.contents") == (f"{MAP} (layer 3)",)
    assert replace(image, layers_above=[layer(shipped(MAP), script)]).evidence("image.contents") == ()
    public = replace(settings, build=replace(settings.build, source_maps="public"))
    assert image.evidence("image.contents", public) == ()


def test_source_map_in_a_script_fails() -> None:
    """It has the app's source. A script that writes such a line, as bundlers do, has none."""
    line = "//# sourceMappingURL=" + "data:application/json;base64,"
    scripts = {"a.js": f"a()\n{line}{'eyJ2' * 20}", "b.js": f'x="{line}"+btoa(y)', "c.css": f"/*{line}{'eyJ2' * 20} */"}
    files = [shipped(f"/srv/site/{name}", text.encode()) for name, text in scripts.items()]
    fault = "(layer 2): its source map, with the source, is in it"
    evidence = BuiltImage(files=[*SITE, *files]).evidence("image.contents")
    assert evidence == (f"/srv/site/a.js {fault}", f"/srv/site/c.css {fault}")


@pytest.mark.parametrize("name", ["index.html.bak", "site.conf~", "#a.js#", "a.orig", ".a.swp", "b.old", ".DS_Store"])
def test_backup_in_the_own_layers_fails(name: str) -> None:
    """Editors leave such files behind. Those of the base image are not judged."""
    image = BuiltImage(files=[*SITE, shipped(f"/srv/site/{name}")])
    assert image.evidence("image.contents") == (f"/srv/site/{name} (layer 2)",)


# In two parts each, so that no scanner takes this file for a leak.
SECRETS = [
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


@pytest.mark.parametrize("secret", SECRETS)
def test_secret_is_found_in_every_place(secret: str) -> None:
    """In a file that a later layer deletes, a variable, a label and the history. The evidence does not repeat it."""
    text = f"a = 1; {secret} \n"
    deleted = [layer(shipped("/x", text.encode())), layer(File("/x", "whiteout"))]
    assert len(BuiltImage(layers_above=deleted).evidence("image.secrets")) == 1
    for image in (
        BuiltImage(environment={"A": text}),
        BuiltImage(labels=BuiltImage().labels | {"a": text}),
        BuiltImage(history=[{"created_by": text}]),
    ):
        assert len(image.evidence("image.secrets")) == 1
        assert secret not in image.evidence("image.secrets")[0]


@pytest.mark.parametrize("step", ["ARG NPM_AUTH=bWU6eA", "RUN |2 A=1 NPM_AUTH=bWU6eA /bin/sh -c : # buildkit"])
def test_argument_of_a_build_with_the_name_of_a_secret_is_found(step: str) -> None:
    """The history of an image keeps its value."""
    evidence = BuiltImage(history=[{"created_by": step}]).evidence("image.secrets")
    assert evidence == ("history: NPM_AUTH has a value",)
    assert not BuiltImage(history=[{"created_by": step.replace("NPM_AUTH", "NPM_TAG")}]).evidence("image.secrets")


@pytest.mark.parametrize("shell", ["/bin/sh -c", "/bin/bash -o pipefail -c", "sh -c", "/bin/ash -e"])
def test_variable_in_the_command_of_a_step_is_no_argument(shell: str) -> None:
    """A secret mount is read there, and its value is not in the history."""
    step = f"RUN |1 V=1 {shell} export API_TOKEN=$(cat /run/secrets/token) # buildkit"
    assert not BuiltImage(history=[{"created_by": step}]).evidence("image.secrets")


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
def test_text_that_resembles_a_secret_passes(text: str) -> None:
    """A minified script contains names of tokens, and builds addresses."""
    assert BuiltImage(files=[*SITE, shipped("/srv/site/a.js", text.encode())]).evidence("image.secrets") == ()


@pytest.mark.parametrize(
    "name", [".netrc", "id_rsa", "id_ed25519", "id_ecdsa_sk", "app.p12", "App.PFX", "release.keystore", "a.jks"]
)
def test_key_file_fails_by_its_name(name: str) -> None:
    """Its content may have any form."""
    image = BuiltImage(files=[*SITE, shipped(f"/root/{name}", b"\0")])
    assert image.evidence("image.secrets") == (f"/root/{name}: a file of keys or passwords",)


@pytest.mark.parametrize("name", ["id_rsa.pub", "my.netrc", "id_rsa.js", "keystore", "p12.css", "id_rsahtml"])
def test_name_that_resembles_a_key_file_passes(name: str) -> None:
    """A public key, a folder and other files are no secrets."""
    files = [*SITE, shipped(f"/srv/site/{name}"), File("/root/id_rsa", "folder", mode=0o755)]
    assert BuiltImage(files=files).evidence("image.secrets") == ()


def test_secret_in_a_variable_is_found_without_the_base_image() -> None:
    """A variable can be judged without the layers."""
    verdict = BuiltImage(has_base=False, environment={"DB_PASSWORD": "x"}).verdict("image.secrets")
    assert (verdict.outcome, verdict.evidence) == ("fail", ("environment: DB_PASSWORD has a value",))


@pytest.mark.parametrize("name", ["Entrypoint", "Cmd", "Healthcheck"])
def test_secret_in_a_command_is_found(name: str) -> None:
    """Whoever gets the image can read them."""
    config = BuiltImage().config | {name: {"Test": ["CMD", f"x {SECRETS[2]}"]}}
    assert BuiltImage(config=config).evidence("image.secrets") == (f"{name}: an npm token",)


def test_variable_with_the_name_of_a_secret_fails() -> None:
    """Its value may have any form; without a value it passes."""
    image = BuiltImage(environment={"DB_PASSWORD": "x", "NPM_TOKEN": "", "TOKENS_PER_MINUTE": "9"})
    assert image.evidence("image.secrets") == ("environment: DB_PASSWORD has a value",)


@pytest.mark.parametrize(
    ("check_id", "file", "evidence"),
    [
        ("image.ownership", shipped("/srv/site/a", uid=101), "/srv/site/a belongs to uid 101, gid 0"),
        ("image.ownership", shipped("/srv/site/a", gid=101), "/srv/site/a belongs to uid 0, gid 101"),
        ("image.ownership", shipped("/srv/site/a", mode=0o666), "/srv/site/a has mode 666"),
        ("image.ownership", File("/srv", "folder", mode=0o775), "/srv has mode 775"),
        ("image.ownership", File("/srv", "folder", mode=0o1777), "/srv has mode 1777"),
        ("image.ownership", File("/tmp", "folder", mode=0o777), "/tmp has mode 777"),  # noqa: S108 - a path in an image
        *[
            ("image.contents", shipped(path), f"{path}: no release needs it")
            for path in (
                "/usr/share/nginx/html/a.html",
                "/srv/notes.txt",
                "/app/Dockerfile",
                "/app/tsconfig.json",
                "/a/.vscode/b",
                "/etc/nginx/serving/old/site.conf",
                "/usr/local/bin/tool",
            )
        ],
        ("image.setuid", shipped("/usr/bin/a", mode=0o4755), "/usr/bin/a has mode 4755"),
        ("image.setuid", shipped("/usr/bin/a", mode=0o2755), "/usr/bin/a has mode 2755"),
        ("image.setuid", shipped("/usr/bin/a", capabilities=1 << 10), "/usr/bin/a has capabilities 0000000000000400"),
        ("image.leftovers", shipped("/root/.npm/a"), "/root/.npm/a: 1 bytes of a cache"),
        ("image.leftovers", shipped("/var/cache/apk/a"), "/var/cache/apk/a: 1 bytes of a cache"),
        ("image.leftovers", shipped("/tmp/a"), "/tmp/a: 1 bytes of a cache"),  # noqa: S108 - a path in the image
    ],
)
def test_wrong_file_of_the_own_layers_fails(check_id: str, file: File, evidence: str) -> None:
    """The files of the base image are not judged."""
    assert BuiltImage(files=[*SITE, file]).evidence(check_id) == (evidence,)


TOO_LARGE = (
    "65,011 bytes next to the site, of 65,000 allowed; "
    "the largest: /usr/local/bin/carry 64,999, /etc/nginx/nginx.conf 12"
)


def test_file_that_an_own_dockerfile_adds_is_a_minor_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever changes what `init` wrote may have a reason."""
    image = BuiltImage(files=[*SITE, shipped("/etc/nginx/snippets/a.conf")])
    assert image.verdict("image.contents").severity == "major"
    monkeypatch.setattr("docktasks.verify.checks.image.contents.recorded", lambda _root: {"Dockerfile": "0a1b"})
    assert image.verdict("image.contents").severity == "minor"


@pytest.mark.parametrize(
    "name", ["base/base.conf", "redirects/first-types.conf", "site/pages.conf", "serving/deltas.conf"]
)
def test_configuration_that_an_app_may_have_is_needed(name: str) -> None:
    """One with a base path, types of its own, several pages. The script that makes deltas is in each image."""
    files = [*SITE, shipped(f"/etc/nginx/{name}"), shipped("/usr/local/share/hello-dock/deltas.mjs")]
    assert BuiltImage(files=files).evidence("image.contents") == ()


@pytest.mark.parametrize(
    ("later", "verb"), [(shipped("/etc/nginx/nginx.conf", b"user root;"), "changes"),
                        (File("/etc/nginx/nginx.conf", "whiteout"), "deletes")],
)  # fmt: skip
def test_configuration_that_a_later_step_changes_fails(later: File, verb: str) -> None:
    """The image alone shows it, before anything runs. The same bytes again are no change."""
    verdict = BuiltImage(layers_above=[layer(later)]).verdict("image.contents")
    evidence = f"/etc/nginx/nginx.conf: a later step {verb} what the build wrote"
    assert (verdict.evidence, verdict.severity) == ((evidence,), "major")
    same = layer(shipped("/etc/nginx/nginx.conf", b"user nobody;"))
    assert BuiltImage(layers_above=[same]).evidence("image.contents") == ()


def test_configuration_that_a_later_step_adds_fails() -> None:
    """Its place and its name are those of a file that a build may write."""
    evidence = "/etc/nginx/site/more.conf: a later step adds it"
    assert BuiltImage(layers_above=[layer(shipped("/etc/nginx/site/more.conf"))]).evidence("image.contents") == (
        evidence,
    )


def test_program_of_the_base_that_a_step_deletes_is_missing() -> None:
    """The health check runs wget. Whoever deletes other programs makes the image smaller, or safer."""
    names = ("/usr/bin/wget", "/usr/bin/curl", "/tmp/more", "/usr/lib/libpng.so.16", "/srv/x/.wh..opq")  # noqa: S108
    deleted = [File(name, "whiteout") for name in names]
    evidence = "/usr/bin/wget: a step deletes this program, which the container runs"
    assert BuiltImage(layers_above=[layer(*deleted)]).evidence("image.contents") == (evidence,)


def test_image_that_adds_too_much_fails() -> None:
    """The files have the right names. What grows with the site does not count."""
    verdict = BuiltImage(files=[*SITE, shipped("/usr/local/bin/carry", b"x" * 64_999)]).verdict("image.contents")
    assert (verdict.evidence, verdict.severity) == ((TOO_LARGE,), "major")


def test_file_that_another_check_reports_is_reported_once() -> None:
    """One cause is one finding."""
    for file in (
        shipped("/etc/key", SECRETS[0].encode()),
        shipped("/root/.netrc"),
        shipped("/usr/bin/a", mode=0o4755),
        shipped("/root/.npm/a"),
    ):
        assert BuiltImage(files=[*SITE, file]).evidence("image.contents") == ()


def test_folder_for_everybody_with_its_usual_mode_passes() -> None:
    """With the sticky bit nobody deletes another's files."""
    assert BuiltImage(files=[*SITE, File("/tmp", "folder", mode=0o1777)]).evidence("image.ownership") == ()  # noqa: S108 - the image's


@pytest.mark.parametrize("kind", ["file", "whiteout"])
def test_file_that_a_later_layer_replaces_is_a_leftover(kind: str) -> None:
    """It is stored and sent with the image."""
    image = BuiltImage(layers_above=[layer(shipped("/a", b"12345")), layer(File("/a", kind))])
    assert image.evidence("image.leftovers") == ("/a: 5 bytes that a later layer replaces or deletes",)


@pytest.mark.parametrize("name", ["ownership", "setuid", "leftovers", "precompressed"])
def test_what_needs_the_own_layers_is_skipped_if_they_are_unknown(name: str) -> None:
    """All layers would count as own layers, and faults of the base image as faults of this one."""
    verdict = BuiltImage(has_base=False, own_layers_are_known=False).verdict(f"image.{name}")
    reason = f"its base image {BASE} is not here, or is another one now, so its own layers are unknown"
    assert (verdict.outcome, verdict.evidence) == ("skip", (reason,))
    nameless = with_labels(base_name="")
    nameless.own_layers_are_known = False
    assert nameless.verdict(f"image.{name}").evidence == ("it names no base image, so its own layers are unknown",)


@pytest.mark.parametrize(
    "check_id", ["image.secrets", "image.ownership", "image.setuid", "image.leftovers", "image.contents"]
)
@pytest.mark.parametrize("name", ["", "alpine:3", BASE])
def test_label_of_the_base_leaves_no_check_out(check_id: str, name: str) -> None:
    """The layer of the build is known by its step. Without it, secrets are looked for in every layer."""
    image = with_labels(base_name=name)
    image.has_base = False
    assert image.evidence(check_id) == ()
    image.own_layers_are_known = False
    image.layers_above = [layer(shipped("/x", SECRETS[0].encode()))]
    assert image.verdict("image.secrets").outcome == "fail"
