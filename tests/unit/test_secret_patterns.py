"""Tests of the patterns of secrets. Each example is joined from parts, so that no scanner reports this file."""

from __future__ import annotations

import json

import pytest

from docktasks.secret_patterns import (
    GZIP_MAGIC,
    OVERLAP_BYTES,
    SECRET_PATTERNS,
    SECRET_VARIABLE,
    SecretSearch,
    find_secrets,
    kind_of,
)

MIX = "aB3dE6gH9j"  # small letters, capitals and digits
WORD = MIX * 20


def fake(*parts: str) -> str:
    """Return an invented secret, joined from its parts."""
    return "".join(parts)


EXAMPLES = {
    "a private key": [
        fake("-----BEGIN RSA ", "PRIVATE KEY-----\n", WORD[:64]),
        fake("-----BEGIN OPENSSH ", "PRIVATE KEY-----\\n", WORD[:64]),
        fake("-----BEGIN PGP ", "PRIVATE KEY BLOCK-----\n\n", WORD[:64]),
    ],
    "a Discord webhook": [fake("https://discord.com/api/", "webhooks/", "123456789" * 2, "/", WORD[:68])],
    "a Stripe webhook secret": [fake("whsec", "_", WORD[:32])],
    "a Mapbox secret token": [fake("sk.", "eyJ", WORD[:60], ".", WORD[:22])],
    "an age key": [fake("AGE-SECRET", "-KEY-1", "QPZRY9X8GF" * 5, "2TVDW0S3")],
    "an npm token": [
        fake("npm", "_", WORD[:36]),
        fake("//a.example/:_auth", "Token = ", WORD[:36]),
        fake("registry=https://a.example\n_auth", " = ", WORD[:24]),
        fake("email=me\n_auth", 'Token="', WORD[:24], '"'),
        fake('"//a.example/:_auth', 'Token" "', WORD[:36], '"'),
        fake("  npmAuth", "Token: ", WORD[:36]),
        fake('{"npmAuth', 'Ident": "me:', WORD[:9], '"}'),
    ],
    "a PyPI token": [fake("pypi-", "AgEIcHlwaS5vcmc", WORD[:150]), fake("pypi-", "AgENdGVzdC5weXBpLm9yZ", WORD[:90])],
    "a GitHub token": [fake("ghp", "_", WORD[:36]), fake("github", "_pat_", WORD[:22], "_", WORD[:59])],
    "a GitLab token": [fake("glpat", "-", WORD[:20]), fake("glpat", "-", WORD[:27], ".01.", WORD[:9])],
    "a Docker Hub token": [fake("dckr", "_pat_", WORD[:27]), fake("dckr", "_oat_", WORD[:32])],
    "a Hugging Face token": [fake("hf", "_", WORD[:34])],
    "an OpenAI key": [
        fake("sk-", WORD[:20], "T3Blbk", "FJ", WORD[:20]),
        fake("sk-", "proj-", WORD[:58], "_-T3Blbk", "FJ", WORD[:58], "-_"),
    ],
    "an Anthropic key": [fake("sk-", "ant-api03-", WORD[:93], "AA"), fake("sk-", "ant-oat01-", WORD[:90], "_-AA")],
    "an AWS key": [fake("AKIA", "ABCD2345" * 2), fake("ASIA", "ABCD2345" * 2)],
    "an Azure storage key": [fake("AccountName=a;Account", "Key=", WORD[:86], "==;EndpointSuffix=x")],
    "a Vault token": [
        fake("hvs", ".", WORD[:24]),
        fake("hvs", ".CAESI", WORD[:95]),
        fake("hvb", ".AAAAAQ", WORD[:120]),
    ],
    "a SendGrid key": [fake("SG", ".", WORD[:22], ".", WORD[:43])],
    "a Slack token": [
        fake("xoxb", "-123456789012-123456789012-", WORD[:24]),
        fake("xoxp", "-1-2-3-", WORD[:32]),
        fake("xapp", "-1-A0B1C2D3E4F-1234567890123-", "0a1b2c3d" * 8),
    ],
    "a Slack webhook": [
        fake("https://hooks.slack", ".com/services/T0A1B2C3D/B0A1B2C3D4E/", WORD[:24]),
        fake("https://hooks.slack", ".com/workflows/T0A1B2C3D/A0A1B2C3D4E/123456789012345678/", WORD[:24]),
    ],
    "a Stripe key": [fake("sk", "_live_", WORD[:24]), fake("rk", "_live_", WORD[:99])],
    "an address with a password": [fake("postgres://user:", "hunter2@db.example:5432/a")],
    "a password in a setting": [
        fake('{"pass', 'word": "letmein"}'),
        fake("db_pass", "word: hunter2"),
        fake("API_", "KEY=", WORD[:20]),
        fake("client-se", "cret = '", WORD[:20], "'"),
    ],
    "a line of a password file": [fake("admin:$apr1$", WORD[:8], "$", WORD[:22]), fake("me:$2y$05$", WORD[:53])],
    "a login of .netrc": [fake("machine api.example login me pass", "word hunter2")],
    "a login of a command": [fake("curl -u me:", "hunter2 https://a.example"), fake("login --pass", "word hunter2")],
    "a private key in base64": [
        fake("LS0tLS1CRUdJ", f"TiB{kind}")
        for kind in (
            "QUklWQVRFIEtFWS0tLS0tCk1JSUU",
            "SU0EgUFJJVkFURSBLRVktLS0tLQ",
            "FQyBQUklWQVRFIEtFWS0tLS0t",
            "PUEVOU1NIIFBSSVZBVEUgS0VZLS0tLS0",
        )
    ],
    "an Authorization header": [
        fake("Authoriz", "ation: Basic ", WORD[:24]),
        fake("Authoriz", "ation: Bearer ", WORD),
        fake("Authorization 'Bas", "ic ", WORD[:24], "'"),
        fake("Authorization 'Bea", "rer ", "0123456789abcdef" * 2, "'"),
    ],
    "a JSON Web Token": [fake("eyJ", WORD[:20], ".eyJ", WORD[:50], ".", WORD[:43])],
    "a Google OAuth secret": [fake("GOCSPX", "-", WORD[:28])],
    "a DigitalOcean token": [fake("dop", "_v1_", "0a1b2c3d" * 8)],
    "a Shopify token": [fake("shpat", "_", "0a1b2c3d" * 4)],
    "a Linear key": [fake("lin_", "api_", WORD[:40])],
    "an Atlassian token": [fake("ATATT", "3x", WORD[:180])],
    "a Sentry token": [fake("sntrys", "_", WORD[:150])],
    "a Netlify token": [fake("nfp", "_", WORD[:36])],
    "a Grafana token": [fake("glsa", "_", WORD[:32], "_0a1b2c3d")],
    "a Postman key": [fake("PMAK", "-", "0a1b2c" * 4, "-", "0a1b2c" * 5, "0a1b")],
    "a Databricks token": [fake("dapi", "0a1b2c3d" * 4)],
    "a Telegram token": [fake("1234567890", ":AA", WORD[:33])],
    "a Mailgun key": [fake("key", "-", "0a1b2c3d" * 4)],
    "a PuTTY key": [fake("PuTTY-User-", "Key-File-3: ssh-ed25519")],
}
OF_PAGES = {
    "a Supabase service key": [
        fake("eyJ", WORD[:33], ".eyJ", WORD[:40], "c2VydmljZV9yb2xl", WORD[:20], ".", WORD[:43])
    ],
    "a password in a setting": [
        fake("{clientSe", 'cret:"', WORD[:24], '"}'),
        fake("const pass", "word = 'S3cretWord'"),
    ],
    "an AWS secret key": [fake("{secretAccess", 'Key:"', WORD[:40], '"}')],
    "an address with a password": [fake("wss://user:", "hunter2@db.shop-live.com/a")],
}
"""What is a secret in a script or a page, too."""
NEAR_MISSES = [
    fake("-----BEGIN ", "PRIVATE KEY-----`)||t.includes(`"),
    fake("-----BEGIN ", "PUBLIC KEY-----\n", WORD[:64]),
    fake("LS0tLS1CRUdJ", "TiBDRVJUSUZJQ0FURS0tLS0tCk1JSUM"),  # a certificate
    "HTTP Basic authentication-scheme, Bearer tokens-of-the-standard",
    fake("AGE-SECRET", "-KEY-1…"),
    fake("age1", "qpzry9x8gf" * 5, "2tvdw0s3"),  # the public part of an age key
    fake("npm", "_config_registry_of_a_long_name_that_no_token_has=1"),
    fake("//a.example/:_auth", "Token=${NPM_TOKEN}"),
    fake("_auth", "=${NPM_TOKEN}"),
    fake("npmAuth", 'Token: "${NPM_TOKEN:-none}"'),
    fake("npmAuth", "Token: <your token>"),
    fake("this._auth", "=createAuthentication()"),
    fake("pypi-", "AgE", WORD[:90]),
    fake("pypi-", "attestations-", WORD[:90]),
    fake("ghp", "_", WORD[:20]),
    fake("fooghp", "_", WORD[:36]),
    fake("glpat", "-example"),
    fake("dckr", "_pat_…"),
    fake("hf", "_", WORD[:33]),
    fake("hf", "_", WORD[:35]),
    fake(".shf", "_", WORD[:34]),
    fake("sk-", WORD[:48]),  # a class of a style sheet, or an old kind of key
    fake(".sk-", "cube-grid .sk-cube1{animation:sk-cube-grid-scale-delay 1.3s infinite}", "T3Blbk", "FJ"),
    fake("mask-", WORD[:20], "T3Blbk", "FJ", WORD[:20]),
    fake("sk-", "ant-api03-your-key-here"),
    fake("AKIA", "abcd2345" * 2),
    fake("XAKIA", "ABCD2345" * 2),
    fake("Account", "Key=${account.key}"),
    fake("hvs", ".dangerouslySetInnerHTMLs"),
    fake("hvs", ".someMethodOfTwentyFourss", "()"),
    fake("e.hvs", ".", WORD[:24]),
    fake("SG", ".", WORD[:22]),
    fake("MSG", ".", WORD[:22], ".", WORD[:43]),
    fake("SG", ".", WORD[:22], ".", WORD[:60]),
    fake("xoxb", "-your-token-goes-here-please"),
    fake("https://hooks.slack", ".com/services/T00000000/B00000000/", "X" * 24),
    fake("sk", "_test_", WORD[:24]),
    fake("https://user:", "password@example.com"),
    *(
        fake("https://me:", f"{word}@db.example")
        for word in ("your-password", "testpwd", "YOUR_SECRET", "xxxx", "changeme")
    ),
    "const u=`${a}://${b}:${c}@${d}`,v=/^(\\w+):\\/\\/([^:]+):([^@]+)@/.exec(x)",
    "https://example.com:8080/a@b c://d:e f@g",
]


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in EXAMPLES.items() for text in texts])
@pytest.mark.parametrize("around", ["{}", 'a="{}";', "// {}\n", "({})", "A={}\r\n"])
def test_secret_is_found_by_its_pattern_only(name: str, text: str, around: str) -> None:
    """The secret may be in code, in a comment, or in a line of its own. No other pattern matches it."""
    assert find_secrets(around.format(text).encode()) == (name,)


def test_each_pattern_has_an_example() -> None:
    """A pattern without an example would not be tested."""
    assert EXAMPLES.keys() | OF_PAGES.keys() == {secret.name for secret in SECRET_PATTERNS}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in OF_PAGES.items() for text in texts])
def test_secret_of_a_page_is_found(name: str, text: str) -> None:
    """Every visitor can read it."""
    assert find_secrets(f"a();{text};b()".encode(), "page") == (name,)


@pytest.mark.parametrize(
    "text",
    [
        fake("<code>postgres://user:", "hunter2@localhost/app</code>"),
        fake("mysql://root:", "s3cret@db:3306/app and redis://:", "s3cret@cache.example.com"),
        fake('{password:"Pass', 'word",token:"Zugangscode",secret:"Geheimnis1"}'),
        fake('type:"pass', 'word",autocomplete:"new-password"'),
        fake("curl -u me:", "hunter2 https://a.example"),
        fake("Authoriz", "ation: Bearer ", WORD),
        fake('{apiKey:"AIza', WORD[:35], '"}'),  # of Firebase: every page has one
        fake('supabaseKey:"eyJ', WORD[:20], ".eyJ", WORD[:50], ".", WORD[:43], '"'),
    ],
)
def test_example_in_a_page_is_no_secret(text: str) -> None:
    """Documentation shows how a login looks, scripts have words for people, and some keys are for everybody."""
    assert find_secrets(text.encode(), "page") == ()


def test_translation_of_the_word_is_no_secret() -> None:
    """The data of a site has texts for people. A password has a digit, and no space."""
    words = {"password": "Heslo", "secret": "Passwort vergessen? 24 h", "token": "Zugangscode"}
    assert find_secrets(json.dumps(words).encode(), kind_of("/srv/site/locales/de.json")) == ()
    secret = fake('{"pass', 'word": "hunter2"}')
    assert find_secrets(secret.encode(), kind_of("/srv/site/config.json")) == ("a password in a setting",)


@pytest.mark.parametrize(
    ("digits", "is_key"),
    [
        ("308204a40201000282", True),  # RSA
        ("308204bd020100300d06092a864886f70d010101", True),  # PKCS#8
        ("302e020100300506032b657004220420", True),  # PKCS#8 of Ed25519
        ("30770201010420", True),  # EC
        ("30820a1c0201033082", True),  # PKCS#12
        ("3082052e305806092a864886f70d01050d", True),  # encrypted PKCS#8
        ("feedfeed00000002", True),
        ("308203b13082029902", False),  # a certificate
        ("30820122300d06092a864886f70d01010105000382010f", False),  # a public key
        ("89504e470d0a1a0a", False),
    ],
)
def test_binary_key_is_found_by_its_beginning(digits: str, is_key: bool) -> None:  # noqa: FBT001 - the case
    """Such a key has no text to search for."""
    name = ("a private key, in binary form",) if is_key else ()
    assert find_secrets(bytes.fromhex(digits) + bytes(range(40)), "page") == name


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("NPM_AUTH", True), ("DB_PWD", True), ("MAIL_PASS", True), ("STRIPE_SECRET_KEY", True), ("SIGNING_KEY", True),
        ("npm_config__authToken", True), ("GITHUB_TOKEN", True), ("AWS_ACCESS_KEY_ID", True),
        ("STRIPE_PUBLISHABLE_KEY", False), ("SUPABASE_ANON_KEY", False), ("RECAPTCHA_SITE_KEY", False),
        ("PWD", False), ("AUTH_URL", False), ("KEYCLOAK_URL", False), ("NGINX_VERSION", False), ("PATH", False),
    ],
)  # fmt: skip
def test_variable_of_a_secret_is_known_by_its_name(name: str, is_secret: bool) -> None:  # noqa: FBT001 - the case
    """Its value may look like any word."""
    assert bool(SECRET_VARIABLE.search(name)) is is_secret


@pytest.mark.parametrize("text", NEAR_MISSES)
@pytest.mark.parametrize("around", ["{}", "a={};", '"{}"'])
def test_near_miss_is_no_secret(text: str, around: str) -> None:
    """Such a text is public, a part of a script, or an example in documentation."""
    assert find_secrets(around.replace("{}", text).encode()) == ()


def in_chunks(before: int, text: str, size: int, after: int) -> tuple[str, ...]:
    """Return the secrets of a text in chunks of `size`, after `before` spaces and before `after` pairs of signs."""
    search = SecretSearch()
    search.feed(b" " * before)
    for at in range(0, len(text), size):
        search.feed(text[at : at + size].encode())
    search.feed(b" ;" * after)
    return search.end()


@pytest.mark.parametrize(("name", "text"), [(name, texts[0]) for name, texts in EXAMPLES.items()])
@pytest.mark.parametrize("size", [7, 50, OVERLAP_BYTES])
def test_secret_is_found_across_chunks(name: str, text: str, size: int) -> None:
    """A secret may begin at any place in a chunk, and may be cut at any place."""
    for before in (0, 1, OVERLAP_BYTES - 9, OVERLAP_BYTES + 1):
        assert in_chunks(before, text, size, 0) == in_chunks(before, text, size, OVERLAP_BYTES) == (name,)


@pytest.mark.parametrize("text", [fake("hf", "_", WORD[:35]), fake("shf", "_", WORD[:34])])
@pytest.mark.parametrize("size", [1, 36, 37, OVERLAP_BYTES])
def test_long_word_that_is_cut_by_a_chunk_is_no_secret(text: str, size: int) -> None:
    """The whole word is too long for the pattern; only its beginning would match."""
    assert in_chunks(0, text, size, 9) == in_chunks(OVERLAP_BYTES, text, size, OVERLAP_BYTES) == ()


@pytest.mark.parametrize("kept", range(36, 39))
def test_word_without_its_beginning_is_no_secret(kept: int) -> None:
    """The part of a chunk that is searched again may begin in the middle of a word."""
    assert in_chunks(9, fake("shf", "_", WORD[:34]) + " " * (OVERLAP_BYTES - kept), OVERLAP_BYTES * 2, 9) == ()


def test_binary_file_is_searched_for_what_no_picture_has_by_chance() -> None:
    """A program may contain a token. A word and a sign of a setting mean nothing in it."""
    token, setting = EXAMPLES["a GitLab token"][0].encode(), EXAMPLES["a password in a setting"][1].encode()
    assert find_secrets(b"\0\1 " + token + b" " + setting) == ("a GitLab token",)
    assert find_secrets(b" " * OVERLAP_BYTES + b"\0 " + setting) == ("a password in a setting",)


def test_search_keeps_one_chunk_and_the_overlap() -> None:
    """The search of a large file needs no more memory than that of a small one."""
    search, chunk = SecretSearch(), b"://a:b" * (1 << 18)
    for _ in range(9):
        search.feed(chunk)
        assert len(vars(search)["_buffer"]) <= OVERLAP_BYTES + 1 + len(chunk)
    assert search.end() == ()


def test_compressed_copy_is_not_searched() -> None:
    """Its bytes are no text. The file that it is a copy of is searched, and image.precompressed compares the two."""
    token = EXAMPLES["a GitLab token"][0].encode()
    assert find_secrets(GZIP_MAGIC + token) == find_secrets(token, kind_of("/srv/hashed/br/assets/a.js")) == ()
    assert find_secrets(token, kind_of("/srv/site/a.js.gz")) == ("a GitLab token",)
