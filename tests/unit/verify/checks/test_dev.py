from __future__ import annotations

import json
import os
import ssl
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from docktasks.api import Api, Upstream
from docktasks.containers import networks
from docktasks.engine.models import ContainerConfig
from docktasks.roles import DEV
from docktasks.settings import Settings
from docktasks.verify.catalog import run_checks, select
from docktasks.verify.subject import Subject
from tests.support.certificates import make_certificate
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.subjects import STATUS, Result, project, release, results
from tests.unit.fakes.web import Web

URL = "http://127.0.0.1:3000"
PUBLISHED = (("127.0.0.1", 3000, 3000),)
PACKAGE = "/home/node/app/node_modules/vite/package.json"


def result(settings: Settings, check_id: str, files: dict[str, str] | None = None, **changes: Any) -> Result:
    """The result of one check on a dev container with these files and changes."""
    container = own_container("dev", **({"published": PUBLISHED} | changes))
    engine = FakeEngine(container)
    engine.files = files or {}
    return results(Subject("", project(engine, settings), dev=container), check_id)[check_id]


def status(**fields: str) -> dict[str, str]:
    """The container's /proc/1/status, with these fields changed."""
    return {"/proc/1/status": "".join(f"{name}:\t{value}\n" for name, value in (STATUS | fields).items())}


def test_only_the_loopback_address_passes(settings: Settings) -> None:
    """The dev container has no --public."""
    assert result(settings, "dev.loopback") == ("pass", ())
    public = (("0.0.0.0", 3000, 3000),)  # noqa: S104 - read, not bound
    outcome = result(settings, "dev.loopback", published=public, labels={"hello-dock.public": "true"})
    assert outcome == ("fail", ("--publish 0.0.0.0:3000:3000: other machines reach it",))


def test_dev_container_that_others_reach_fails(settings: Settings) -> None:
    """What Docker says of its networks, and a request of the release to the dev server's own address."""
    own = {"hello-dock-dev": "172.19.0.2"}
    engine = FakeEngine(own_container("dev", networks=own, published=PUBLISHED), release())
    networks.ensure(project(engine, settings), DEV)
    subject = Subject(
        "", project(engine, settings), engine.by_name["hello-dock-prod"], dev=engine.by_name["hello-dock-dev"]
    )
    assert results(subject, "dev.network")["dev.network"] == ("pass", ())
    engine.is_open = True
    reached = "hello-dock-prod reaches it at http://172.19.0.2:3000/"
    assert results(subject, "dev.network")["dev.network"] == ("fail", (reached,))
    assert result(settings, "dev.network", networks={"bridge": "172.17.0.2"}) == (
        "fail", ("it is in the network bridge", "it is not in the project's own network hello-dock-dev")
    )  # fmt: skip


def test_release_reaches_the_dev_container_in_the_network_of_the_api_on_purpose(settings: Settings) -> None:
    """Both are in it, so only the dev container's other addresses count."""
    other = replace(settings, api=Api((Upstream("/api", "http://api:8000"),), "shop"))
    engine = FakeEngine(own_container("dev", networks={"shop": "172.20.0.2", "hello-dock-dev": ""}), release())
    engine.is_open = True
    networks.ensure(project(engine, other), DEV)
    dev, prod = (engine.by_name[f"hello-dock-{role}"] for role in ("dev", "prod"))
    assert results(Subject("", project(engine, other), prod, dev=dev), "dev.network")["dev.network"] == ("pass", ())


def test_dev_container_in_the_process_namespace_of_the_machine_is_judged_by_its_own_process(settings: Settings) -> None:
    """Process 1 is the machine's there. dev.options reports the option."""
    container = own_container("dev", published=PUBLISHED)
    engine = FakeEngine(container)
    engine.config = ContainerConfig(options={"PidMode": {"": "host"}})
    engine.files = {"/proc/self/status": status()["/proc/1/status"], **status(Uid="0\t0\t0\t0", CapEff="400")}
    subject = Subject("", project(engine, settings), dev=container)
    assert results(subject, "dev.unprivileged")["dev.unprivileged"] == ("pass", ())


def test_root_fails_unless_it_owns_the_checkout(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a rootless engine, root in the container is the owner outside."""
    root = status(Uid="0\t0\t0\t0")
    monkeypatch.setattr("docktasks.verify.checks.dev_container.user_for", lambda *_: "1000:1000")
    assert result(settings, "dev.unprivileged", status()) == ("pass", ())
    assert result(settings, "dev.unprivileged", root) == (
        "fail", ("--user is root: uids 0, 0, 0, 0; the checkout belongs to uid 1000",)
    )  # fmt: skip
    monkeypatch.setattr("docktasks.verify.checks.dev_container.user_for", lambda *_: "0:0")
    assert result(settings, "dev.unprivileged", root) == ("pass", ())
    assert result(settings, "dev.unprivileged", status(CapEff="400", NoNewPrivs="0")) == (
        "fail", ("no --cap-drop ALL: CapEff 400", "no --security-opt no-new-privileges: NoNewPrivs 0")
    )  # fmt: skip


DEV_OPTIONS = {
    "Mounts": {
        "/home/node/app": "bind {app} rw",
        "/home/node/app/node_modules": "volume shop-node-modules-1 rw",
        "/home/node/app/.git": "tmpfs  rw",
        "/home/node/app/.pnp.cjs": "bind /dev/null ro",
        "/usr/local/lib/hello-dock/node/vite": "bind /any/vite ro",
    },
    "Env": {
        "REVISION": "1",
        "CHOKIDAR_USEPOLLING": "true",
        "NODE_OPTIONS": "--require=/usr/local/lib/hello-dock/node/vite/preload.cjs",
        "SHOP_TOKEN": "of build.secrets\nin two lines",
        "MY_API": "of build.env_prefixes",
    },
    "Command": {"": "pnpm dev"},
}


@pytest.mark.parametrize(
    ("field", "values", "evidence"),
    [
        ("Mounts", {"/mnt": "bind /root ro"}, "--volume /root:/mnt:ro: it has a folder or file of the machine"),
        ("Mounts", {"/home/node/app": "bind /root rw"},
         "--volume /root:/home/node/app: it has a folder or file of the machine"),
        ("PidMode", {"": "host"}, "--pid host: it shares this namespace with the machine"),
        ("Env", {"NODE_OPTIONS": "--inspect=0.0.0.0"},
         "--env NODE_OPTIONS: it changes what its programs load, or whom they ask"),
        ("Env", {"NODE_ENV": "production"},
         "--env NODE_ENV=production: packages and the server take another mode"),
        ("Env", {"GITHUB_TOKEN": "x"},
         "--env GITHUB_TOKEN: all its programs read this secret, which no setting names"),
        ("Env", {"TOKENIZERS_PARALLELISM": "false"},
         "--env TOKENIZERS_PARALLELISM: neither the image nor a setting has it"),
        ("Env", {"TZ": "Asia/Tokyo"}, "--env TZ: neither the image nor a setting has it"),
        ("LogOptions", {"max-size": "-1"}, "no --log-opt max-size: a log without a limit"),
    ],
)  # fmt: skip
def test_option_that_invoke_dev_does_not_give_fails(
    settings: Settings, field: str, values: dict[str, str], evidence: str
) -> None:
    """The checkout, the packages, and Vite's options are mounted; the settings may have variables."""
    build = replace(settings.build, secrets=("SHOP_TOKEN",), env_prefixes=("MY_",))
    settings = replace(settings, build=build)
    container = own_container("dev", published=PUBLISHED)
    engine = FakeEngine(container)
    own = json.loads(json.dumps(DEV_OPTIONS).replace("{app}", str(settings.app_dir)))
    engine.expected_config = ContainerConfig(options={"LogOptions": {"max-size": "10m"}})
    subject = Subject("", project(engine, settings), dev=container)
    for options, expected in ((own, ("pass", ())), (own | {field: own.get(field, {}) | values}, ("fail", (evidence,)))):
        engine.config = ContainerConfig(options={"LogOptions": {"max-size": "1m"}} | options)
        assert results(subject, "dev.options")["dev.options"] == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "does not tell CapAmb, CapBnd, CapEff, CapPrm, NoNewPrivs, Uid"), ("Uid:\t1\n", "does not tell CapAmb")],
)
def test_process_status_without_the_needed_fields_is_skipped(settings: Settings, text: str, reason: str) -> None:
    """The reason names the missing fields."""
    outcome, evidence = result(settings, "dev.unprivileged", {"/proc/1/status": text})
    assert outcome == "skip"
    assert reason in evidence[0]


@pytest.mark.parametrize(
    ("package", "version", "outcome", "evidence"),
    [
        ("vite", "8.3.8", "pass", ""), ("vite", "9.0.0-beta.1", "pass", ""),
        ("vite", "8.3.2", "fail", "Vite 8.3.2 is older than 8.3.7, the first safe one of line 8.3"),
        ("vite", "8.0.16", "fail", "Vite 8.0.16 is not safe, and line 8.0 has no safe one: take 8.1.7"),
        ("vite", "", "fail", "The version of Vite, '', is no version number"),
        ("rolldown-vite", "7.3.1", "fail", "rolldown-vite 7.3.1 gets no security releases: Vite took its place"),
        ("@voidzero-dev/vite-plus-core", "1.0.0", "skip", "node_modules/vite is the package @voidzero-dev/vite-p"),
    ],
)  # fmt: skip
def test_unsafe_vite_fails_by_the_package_that_is_installed(
    settings: Settings, package: str, version: str, outcome: str, evidence: str
) -> None:
    """package.json of node_modules counts, not the app's: that may have a range or an alias."""
    files = {PACKAGE: json.dumps({"name": package, "version": version})}
    assert result(settings, "dev.vite-version", files)[0] == outcome
    assert "".join(result(settings, "dev.vite-version", files)[1]).startswith(evidence)


@pytest.mark.parametrize("folder", ["astro/..", "vitepress/..", "nuxt/../@nuxt/vite-builder/../.."])
def test_vite_that_a_framework_brings_is_judged(settings: Settings, folder: str) -> None:
    """pnpm has no link to it in the app's node_modules."""
    files = {PACKAGE.replace("vite/", f"{folder}/vite/"): '{"name": "vite", "version": "8.3.2"}'}
    assert result(settings, "dev.vite-version", files)[0] == "fail"
    assert result(settings, "dev.vite-version", {}) == ("skip", ("node_modules has no package vite",))


def vite(request: httpx.Request) -> httpx.Response:
    """A dev server with default settings."""
    if request.headers["host"] != "127.0.0.1:3000":
        return httpx.Response(403, text="Blocked request")
    pages = {
        "/": '<script type="module" src="/@vite/client"></script><script type="module" src="/src/main.js"></script>',
        "/@vite/client": 'const wsToken = "secret5f2c";',
        "/src/main.js": 'import "/@vite/client"; import App from "/src/App.vue"; import "/src/style.css?t=12"',
        "/src/App.vue": 'import "/src/App.vue?vue&type=style&index=0"; import("/src/main.js")',
    }
    return httpx.Response(200, text=pages.get(request.url.path, ""))


def answer_all(**headers: str) -> Callable[[httpx.Request], httpx.Response]:
    """A dev server that answers every request with these headers."""
    return lambda _request: httpx.Response(200, headers=headers, text="")


def test_server_that_accepts_foreign_hosts_or_origins_fails(settings: Settings, web: Web) -> None:
    """With its default settings it refuses both, and passes."""
    web.answer = vite
    assert result(settings, "dev.foreign-host") == ("pass", ())
    assert result(settings, "dev.foreign-origin") == ("pass", ())
    web.answer = answer_all(**{"access-control-allow-origin": "*"})
    assert result(settings, "dev.foreign-host")[0] == "fail"
    outcome, evidence = result(settings, "dev.foreign-origin")
    assert outcome == "fail"
    assert "/@vite/client: Access-Control-Allow-Origin is * for Origin http://hello-dock-stranger.example" in evidence


@pytest.mark.parametrize(
    "origin", ["null", "http://localhost.hello-dock-stranger.example", "https://hello-dock-stranger-localhost.example"]
)
def test_server_that_lets_a_module_be_read_by_some_foreign_origin_fails(
    settings: Settings, web: Web, origin: str
) -> None:
    """A pattern for localhost may match a name that contains it, and a plugin may answer for some addresses only."""

    def answer(request: httpx.Request) -> httpx.Response:
        is_read = str(request.url).endswith("/src/App.vue") and request.headers.get("origin") == origin
        response = vite(request)
        response.headers.update({"access-control-allow-origin": origin} if is_read else {})
        return response

    web.answer = answer
    expected = (f"/src/App.vue: Access-Control-Allow-Origin is {origin} for Origin {origin}",)
    assert result(settings, "dev.foreign-origin") == ("fail", expected)


def test_server_that_answers_any_host_of_a_domain_fails(settings: Settings, web: Web) -> None:
    """Everybody can have a name in .com."""
    web.answer = lambda request: (
        httpx.Response(200) if request.headers["host"].endswith(".com") else vite(request)
    )  # fmt: skip
    outcome, evidence = result(settings, "dev.foreign-host")
    assert (outcome, evidence[0]) == ("fail", "/: 200 for Host hello-dock-stranger.com")


def test_server_that_answers_the_hosts_of_another_domain_fails(settings: Settings, web: Web) -> None:
    """A server may answer for one domain only."""
    web.answer = lambda request: httpx.Response(200) if request.headers["host"].endswith(".io") else vite(request)
    assert result(settings, "dev.foreign-host") == ("fail", ("/: 200 for Host hello-dock-stranger.io",))


def test_file_of_the_container_that_is_served_fails(settings: Settings, web: Web) -> None:
    """A folder may be allowed, a link in the app may lead out of it, and the app's own middleware may serve files."""
    (settings.app_dir / "vite.config.js").write_text("import { files } from './files'\n")
    (settings.app_dir / "files.js").write_text("middlewares.use('/show', (r) => q.searchParams.get('name'))")
    container = own_container("dev", published=PUBLISHED)
    engine = FakeEngine(container)
    engine.files = {"/etc/passwd": "root:x:0:0:a line"}
    engine.listed = [
        ["/etc/passwd", "root:x:0:0:a line", ""],
        ["/opt/a.txt", "a text of opt", ""],
        ["/etc/issue", "a greeting", "/public/more/issue"],
    ]
    served = {
        "/@fs/opt/a.txt": "a text of opt",
        "/more/issue": "a greeting",
        "/show?name=/etc/passwd": "root:x:0:0:a line",
    }

    def answer(request: httpx.Request) -> httpx.Response:
        text = served.get(request.url.raw_path.decode())
        return httpx.Response(200, text=text) if text else vite(request)

    subject = Subject("", project(engine, settings), dev=container)
    web.answer = vite
    assert results(subject, "dev.leaks")["dev.leaks"] == ("pass", ())
    web.answer = answer
    files = {"/@fs/opt/a.txt": "/opt/a.txt", "/more/issue": "/etc/issue", "/show?name=/etc/passwd": "/etc/passwd"}
    lines = tuple(f"{address}: it gives {path} away" for address, path in files.items())
    assert results(subject, "dev.leaks")["dev.leaks"] == ("fail", lines)


def test_module_with_the_value_of_a_secret_variable_fails(settings: Settings, web: Web) -> None:
    """envPrefix or define may put every variable into the page. A key that begins with VITE_ is meant for it."""
    (settings.app_dir / ".env").write_text("API_TOKEN='geheim-4711'\nPUBLIC_NAME=shop-of-mine\nDB_PASSWORD=abc\n")
    files = {"/etc/passwd": "root:x:0:0:a line that no page has"}

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=f"{vite(request).text}; 'geheim-4711 shop-of-mine abc'")

    web.answer = vite
    assert result(settings, "dev.leaks", files) == ("pass", ())
    web.answer = answer
    outcome, evidence = result(settings, "dev.leaks", files)
    text = "it has the value of API_TOKEN, a secret of a .env file"
    assert (outcome, [*evidence[:2]]) == ("fail", [f"{path}: {text}" for path in ("/", "/@vite/client")])
    assert not [line for line in evidence if "PUBLIC" in line or "DB_" in line or "geheim" in line]
    (settings.app_dir / ".env").write_text("VITE_MAP_API_KEY=geheim-4711\n")
    assert result(settings, "dev.leaks", files) == ("pass", ())
    (settings.app_dir / ".env").write_text("VITE_MAP_SECRET=geheim-4711\n")
    assert result(settings, "dev.leaks", files)[0] == "fail"
    (settings.app_dir / ".env").unlink()
    secret = replace(settings, build=replace(settings.build, secrets=("NPM_KEY",)))
    outcome, evidence = result(secret, "dev.leaks", files, environment={"NPM_KEY": "geheim-4711"})
    assert (outcome, evidence[0]) == ("fail", "/: it has the value of NPM_KEY, one of build.secrets")


def test_server_over_https_needs_a_certificate_that_is_not_for_foreign_hosts(
    settings: Settings, web: Web, tmp_path: Path
) -> None:
    """Over https Vite answers every host, and a browser refuses the certificate. Its issuer does not matter."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.scheme == "http":
            raise httpx.RemoteProtocolError("closed", request=request)
        return httpx.Response(200)

    web.answer = answer
    names = "IP:127.0.0.1,DNS:localhost"
    for folder, more, outcome in (("own", "", "pass"), ("any", ",DNS:hello-dock-stranger.example", "fail")):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*make_certificate(tmp_path / folder, names + more))
        with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
            server.socket = context.wrap_socket(server.socket, server_side=True)
            Thread(target=server.serve_forever, daemon=True).start()
            published = (("127.0.0.1", server.server_port, 3000),)
            assert result(settings, "dev.foreign-host", published=published)[0] == outcome
            server.shutdown()


def test_server_that_does_not_answer_is_reported_by_one_check(settings: Settings) -> None:
    """The evidence has the address of the dev server. The checks after it are skipped, and none passes by itself."""
    fault = "Connection refused"
    subject = Subject("", project(FakeEngine(), settings), dev=own_container("dev", published=PUBLISHED))
    assert [*results(subject, "dev.source", "dev.foreign-host").values()] == [
        ("fail", (f"{URL} does not answer: {fault}",)),
        ("skip", (f"see dev.foreign-host: {fault}",)),
    ]
    assert result(settings, "dev.source") == ("fail", (f"{URL} does not answer: {fault}",))


@pytest.mark.parametrize(("error", "severity"), [(httpx.ReadTimeout, "major"), (httpx.ConnectError, "critical")])
def test_late_answer_is_a_lesser_fault_than_none(
    settings: Settings, web: Web, error: type[httpx.TransportError], severity: str
) -> None:
    """A machine with much to do answers late, too."""

    def answer(request: httpx.Request) -> httpx.Response:
        raise error("", request=request)

    web.answer = answer
    subject = Subject("", project(FakeEngine(), settings), dev=own_container("dev", published=PUBLISHED))
    assert [verdict.severity for verdict in run_checks(subject, select(only=["dev.source"]))] == [severity]


def test_file_of_another_owner_fails(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Links are not followed, and what is in node_modules does not count."""
    app = settings.app_dir
    (app / "src").mkdir()
    (app / "src" / "main.js").touch()
    (app / "node_modules" / "vue").mkdir(parents=True)
    (app / "dangling").symlink_to("/nowhere")
    assert result(settings, "dev.file-owners") == ("pass", ())
    real_lstat, another_uid = Path.lstat, app.stat().st_uid + 1

    def lstat(path: Path) -> os.stat_result:
        stat = real_lstat(path)
        uid = another_uid if path.name in ("main.js", "vue") else stat.st_uid
        return os.stat_result((*stat[:4], uid, *stat[5:]))

    monkeypatch.setattr(Path, "lstat", lstat)
    outcome, evidence = result(settings, "dev.file-owners")
    assert outcome == "fail"
    assert [line.partition(":")[0] for line in evidence] == ["src/main.js"]
