from __future__ import annotations

import pytest

from docktasks.images.archive import File
from docktasks.labels import SOURCE_MAPS_LABEL
from tests.unit.fakes.built_image import BASE, SITE, BuiltImage, shipped, with_labels
from tests.unit.fakes.image_archives import layer


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


def test_source_map_is_accepted_where_a_setting_makes_it_public() -> None:
    """The build says so by a label. A file of another program may be called .map, too."""
    path = "/srv/site/assets/index-1a.js.map"
    image = BuiltImage(layers_above=[layer(shipped(path), shipped("/srv/site/level.map"))])
    assert image.evidence("image.contents") == (f"{path} (layer 3)",)
    image.labels |= {SOURCE_MAPS_LABEL: "public"}
    assert image.evidence("image.contents") == ()


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


@pytest.mark.parametrize("kind", ["file", "whiteout"])
def test_file_that_a_later_layer_replaces_is_a_leftover(kind: str) -> None:
    """It is stored and sent with the image."""
    image = BuiltImage(layers_above=[layer(shipped("/a", b"12345")), layer(File("/a", kind))])
    assert image.evidence("image.leftovers") == ("/a: 5 bytes that a later layer replaces or deletes",)


def test_own_layers_are_unknown_without_the_base_image() -> None:
    """The engine does not have it, or no label names it."""
    verdict = BuiltImage(has_base=False).verdict("image.setuid")
    assert (verdict.outcome, verdict.evidence) == (
        "skip",
        (f"its base image {BASE} is not here, so its own layers are unknown",),
    )
    expected = ("it names no base image, so its own layers are unknown",)
    assert with_labels(base_name="").verdict("image.setuid").evidence == expected


@pytest.mark.parametrize("name", ["secrets", "ownership", "setuid", "leftovers", "site", "precompressed", "size"])
def test_own_layers_are_unknown_if_the_base_tag_has_moved(name: str) -> None:
    """All layers would count as own layers, and faults of the base image as faults of this one."""
    verdict = BuiltImage(base_is_another=True).verdict(f"image.{name}")
    reason = f"{BASE} is now another image than the one it was built on, so its own layers are unknown"
    assert (verdict.outcome, verdict.evidence) == ("skip", (reason,))
