from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from docktasks.settings import Settings
from docktasks.verify import catalog
from tests.unit.fakes.built_image import BASE, OCI, BuiltImage, with_labels


@pytest.mark.parametrize("check_id", [check.id for check in catalog.select(["image"], skip=["image.site"])])
def test_image_of_build_prod_passes(check_id: str) -> None:
    """Every check of the group but image.site, which needs a build."""
    assert BuiltImage().evidence(check_id) == ()


@pytest.mark.parametrize("user", ["101", "65532:65532"])
def test_numeric_user_passes(user: str) -> None:
    """An orchestrator can see that it is not root."""
    assert BuiltImage(user=user).evidence("image.user") == ()


@pytest.mark.parametrize(
    ("user", "evidence"),
    [
        ("", "USER is not set, so it runs as root"),
        ("nginx", "USER is nginx, a name: which uid that is cannot be seen before it runs"),
        ("0", "USER is 0, root"),
        ("0:101", "USER is 0, root"),
        ("101:0", "USER is 101:0: files that root's group may write can be changed"),
        ("1001", "USER is 1001: files that root's group may write can be changed"),
        ("102", "USER is 102: files that root's group may write can be changed"),
        ("root", "USER is root, a name: which uid that is cannot be seen before it runs"),
    ],
)
def test_root_or_a_user_name_fails(user: str, evidence: str) -> None:
    """A name may belong to root in another /etc/passwd. There a number has its group, or root's."""
    assert BuiltImage(user=user).evidence("image.user") == (evidence,)


@pytest.mark.parametrize(
    ("changes", "evidence"),
    [
        ({"Cmd": None, "Entrypoint": None}, "neither ENTRYPOINT nor CMD is set"),
        (
            {"Cmd": ["/bin/sh", "-c", "nginx"]},
            "CMD is run by a shell, which keeps signals from nginx: /bin/sh -c nginx",
        ),
        (
            {"Entrypoint": ["sh", "-c", "nginx"]},
            "ENTRYPOINT is run by a shell, which keeps signals from nginx: sh -c nginx",
        ),
        ({"StopSignal": "SIGTERM"}, "STOPSIGNAL is SIGTERM, at which nginx drops open requests"),
        ({"StopSignal": None}, "STOPSIGNAL is not set, so SIGTERM, at which nginx drops open requests"),
        ({"Healthcheck": None}, "HEALTHCHECK is not set"),
        ({"Healthcheck": {"Test": ["NONE"]}}, "HEALTHCHECK is NONE"),
        *(
            (
                {"Healthcheck": {"Test": test}},
                f"HEALTHCHECK {' '.join(test)}: it does not ask the server, or never fails",
            )
            for test in (
                ["CMD-SHELL", "true"],
                ["CMD", "/bin/true"],
                ["CMD-SHELL", "test -f /tmp/nginx.pid"],
                ["CMD-SHELL", "wget -q localhost || exit 0"],
            )
        ),
    ],
)
def test_wrong_declaration_fails(changes: dict[str, Any], evidence: str) -> None:
    """The image's own configuration is judged."""
    assert BuiltImage(config=BuiltImage().config | changes).evidence("image.declaration") == (evidence,)


@pytest.mark.parametrize(
    "command",
    [
        "wget -q localhost",
        "node probe.js",
        "http --check-status :80",
        "/ask",
        "test -f /a && wget -q localhost",
        "curl -f localhost || exit 1; exit 0",
        "if ! wget -q localhost; then exit 1; fi; exit 0",
    ],
)
def test_health_check_by_any_program_passes(command: str) -> None:
    """Only a command that asks nobody is surely wrong."""
    config = BuiltImage().config | {"Healthcheck": {"Test": ["CMD-SHELL", command]}}
    assert BuiltImage(config=config).evidence("image.declaration") == ()


@pytest.mark.parametrize(
    ("changes", "variables", "evidence", "severity"),
    [
        *(
            ({field: value}, {}, f"{line}: neither the base image nor our Dockerfile declares it", "minor")
            for field, value, line in (
                ("ExposedPorts", {"80/tcp": {}, "8081/tcp": {}}, "EXPOSE 8081/tcp"),
                ("Volumes", {"/data": {}}, "VOLUME /data"),
                ("OnBuild", ["RUN x"], "ONBUILD RUN x"),
                ("WorkingDir", "/srv", "WORKDIR /srv"),
                ("Shell", ["/bin/bash", "-c"], "SHELL /bin/bash -c"),
                ("Cmd", ["nginx"], "CMD nginx"),
                ("Healthcheck", {"Test": ["CMD", "wget"]}, 'HEALTHCHECK {"Test": ["CMD", "wget"]}'),
            )
        ),
        ({"Entrypoint": []}, {}, "ENTRYPOINT /docker-entrypoint.sh is missing", "minor"),
        ({}, {"DEBUG": "1"}, "ENV DEBUG: neither the base image nor our Dockerfile has this value", "minor"),
        ({}, {"LD_PRELOAD": "/x"}, "ENV LD_PRELOAD: neither the base image nor our Dockerfile has this value", "major"),
    ],
)
def test_declaration_without_a_use_fails_in_an_image_of_ours(
    settings: Settings, changes: dict[str, Any], variables: dict[str, str], evidence: str, severity: str
) -> None:
    """Nobody knows what another image needs."""
    image = BuiltImage(config=BuiltImage().config | changes)
    image.environment, image.base_environment = image.environment | variables, image.environment
    verdict = image.verdict("image.declaration", settings)
    assert (verdict.evidence, verdict.severity) == ((evidence,), severity)
    assert image.evidence("image.declaration") == ()


def test_declaration_of_the_base_image_passes(settings: Settings) -> None:
    """Its ports are added to ours. A time of 0 in the health check is the default."""
    image = BuiltImage()
    image.base_environment, image.base_config["ExposedPorts"] = image.environment, {"8080/tcp": {}}
    image.config["ExposedPorts"] = {"80/tcp": {}, "8080/tcp": {}}
    image.config["Healthcheck"] = image.config["Healthcheck"] | {"StartInterval": 0}
    assert image.evidence("image.declaration", settings) == ()


def test_stop_signal_of_another_server_is_not_judged() -> None:
    """SIGQUIT is nginx's signal for a graceful stop."""
    config = BuiltImage().config | {"Cmd": ["caddy", "run"], "StopSignal": None}
    assert BuiltImage(environment={}, config=config).evidence("image.declaration") == ()


@pytest.mark.parametrize(
    ("changes", "evidence"),
    [
        ({"title": ""}, f"{OCI}.title is missing"),
        ({"revision": ""}, f"{OCI}.revision is missing: no commit"),
        ({"revision": "main"}, f"{OCI}.revision is main: no commit"),
        ({"source": ""}, f"{OCI}.source is empty"),
        ({"licenses": ""}, f"{OCI}.licenses is empty"),
    ],
)
def test_missing_or_wrong_label_fails(changes: dict[str, str], evidence: str) -> None:
    """The labels of an image must tell where it is from."""
    assert with_labels(**changes).evidence("image.labels") == (evidence,)


def test_empty_label_that_hides_one_of_the_base_image_passes() -> None:
    """Docker passes the base's labels on, and an image can remove none."""
    image = with_labels(licenses="", source="https://s.example/shop")
    assert replace(image, base_labels={f"{OCI}.licenses": "BSD-2-Clause"}).evidence("image.labels") == ()


def test_revision_of_an_app_without_a_repository_is_not_judged(settings: Settings) -> None:
    """There is no commit to name."""
    verdict = with_labels(revision="").verdict("image.labels", settings)
    reason = "the app is in no git checkout, so there is no commit to name"
    assert (verdict.outcome, verdict.evidence) == ("skip", (reason,))


@pytest.mark.parametrize(
    ("base_name", "environment", "evidence"),
    [
        ("", {"NGINX_VERSION": "1"}, f"{OCI}.base.name is missing"),
        ("nginx", {"NGINX_VERSION": "1"}, f"{OCI}.base.name is nginx: no tag"),
        ("localhost:5000/nginx", {"NGINX_VERSION": "1"}, f"{OCI}.base.name is localhost:5000/nginx: no tag"),
        (BASE, {"PATH": "/"}, "no variable gives a version, such as NGINX_VERSION"),
    ],
)
def test_base_without_a_tag_or_a_version_fails(base_name: str, environment: dict[str, str], evidence: str) -> None:
    """Nobody could tell what the image is built on."""
    image = with_labels(base_name=base_name)
    image.environment = environment
    assert image.evidence("image.base") == (evidence,)


@pytest.mark.parametrize(
    ("digests", "days", "evidence", "notes"),
    [
        (("nginx@sha256:0",), 181, (f"{BASE} was built 181 days ago",), ()),
        (("nginx@sha256:0",), 180, (), (f"{BASE} was built 180 days ago",)),
        ((), 9000, (), (f"{BASE} was built 9,000 days ago",)),
    ],
)
def test_old_base_of_a_registry_fails(
    monkeypatch: pytest.MonkeyPatch,
    digests: tuple[str, ...],
    days: int,
    evidence: tuple[str, ...],
    notes: tuple[str, ...],
) -> None:
    """The registry has newer ones. Nobody has a newer one of a base that was made by hand, or of a stand-in."""
    monkeypatch.setattr("docktasks.verify.checks.image.metadata.age_days", lambda created: days if created else None)
    verdict = BuiltImage(base_created="2026-01-01T00:00:00Z", base_digests=digests).verdict("image.base")
    assert (verdict.evidence, verdict.notes) == (evidence, notes)
    assert BuiltImage(base_digests=digests).verdict("image.base").notes == ()


OLD_NGINX = "nginx 1.30.4 is older than 1.30.7, the first safe one of line 1.30"
NGINX_OF_DEBIAN = "nginx 1.30.6 is older than 1.30.7, the first safe one of line 1.30"


@pytest.mark.parametrize(
    ("version", "is_standin", "evidence", "notes"),
    [
        ("1.30.7", False, (), ()),
        ("1.31.9", False, (), ()),
        ("1.30.4", False, (OLD_NGINX,), ()),
        ("1.29.8", False, ("nginx 1.29.8 is not safe, and line 1.29 has no safe one: take 1.30.7",), ()),
        ("1.30.6", True, (), (NGINX_OF_DEBIAN,)),
        ("1.30.4", True, (OLD_NGINX.replace("nginx", "nginx of Debian").replace("0.7", "0.6"),), (OLD_NGINX,)),
    ],
)
def test_unsafe_nginx_fails_unless_its_source_has_no_newer_one(
    version: str, *, is_standin: bool, evidence: tuple[str, ...], notes: tuple[str, ...]
) -> None:
    """A stand-in can have no newer nginx than Debian, so that is a note. The data's age is a note, too."""
    labels = BuiltImage().labels | ({"hello-dock.standin": BASE} if is_standin else {})
    printed = f"nginx version: nginx/{version}\n"
    image = BuiltImage(nginx=printed, environment={"NGINX_VERSION": version}, labels=labels)
    if is_standin:
        image.base_name = "hello-dock-base-nginx:1.30.6"
        image.labels |= {f"{OCI}.base.name": image.base_name}
    verdict = image.verdict("image.nginx-version")
    assert (verdict.evidence, verdict.notes[:-1]) == (evidence, notes)
    assert verdict.notes[-1].startswith("The table of safe versions is of")


def test_version_is_that_of_the_program() -> None:
    """A variable may lie. An image without nginx is not judged."""
    evidence = BuiltImage(environment={"NGINX_VERSION": "1.31.9"}).evidence("image.nginx-version")
    assert evidence == ("NGINX_VERSION is 1.31.9, but the program says 1.30.7",)
    assert BuiltImage(nginx="nginx version: openresty/1.27.1.2").verdict("image.nginx-version").outcome == "skip"
    assert BuiltImage(environment={}).evidence("image.nginx-version") == ()
