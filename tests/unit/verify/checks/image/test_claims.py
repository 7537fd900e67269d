from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from docktasks.engine.models import Image
from docktasks.labels import BUILT_FOR, INPUTS_LABEL, SOURCE_MAPS_LABEL
from docktasks.settings import Settings
from docktasks.verify.subject import Subject
from tests.unit.fakes.built_image import BASE, COMMIT, HISTORY, OCI, BuiltImage, with_labels
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.git import commit_all
from tests.unit.fakes.subjects import project

CHECK = "image.claims"


@pytest.fixture
def commit(settings: Settings) -> str:
    """The commit of a checkout without uncommitted changes."""
    return commit_all(settings.root)


def test_base_of_other_layers_is_a_lie() -> None:
    """The engine has the image that the label names, and this one does not begin with it."""
    lie = f"{OCI}.base.name is alpine:3, but the image has other layers: it does not begin with them"
    image = with_labels(base_name="alpine:3")
    assert replace(image, base_name="alpine:3", base_is_another=True).evidence(CHECK) == (lie,)


def test_base_that_has_moved_is_no_lie() -> None:
    """The tag of the configured base image names a newer image now."""
    verdict = BuiltImage(base_is_another=True).verdict(CHECK)
    assert (verdict.outcome, verdict.notes) == (
        "pass", (f"{BASE} is another image now than the one that it was built on",)
    )  # fmt: skip


def test_base_with_too_few_layers_is_a_lie() -> None:
    """It is an image on which the base itself was built."""
    history = [{"created_by": "ADD alpine.tar /"}, {"created_by": "RUN apk add nginx"}, HISTORY[-1]]
    evidence = BuiltImage(history=history).evidence(CHECK)
    assert evidence == (f"{OCI}.base.name is {BASE}, which has 1 layers, but 2 are below the build's",)


def test_base_that_is_not_here_is_compared_with_what_is() -> None:
    """The longest image with whose layers it begins. Without one, a note says that nothing was compared."""
    lie = f"{OCI}.base.name is alpine:3, which is not here, but the image begins with the layers of {BASE}"
    assert with_labels(base_name="alpine:3").evidence(CHECK) == (lie,)
    verdict = BuiltImage(has_base=False).verdict(CHECK)
    assert (verdict.outcome, verdict.notes) == ("pass", (f"{BASE} is not here, so its layers are not compared",))


def test_base_is_the_longest_image_that_hello_dock_did_not_build() -> None:
    """Whatever the label says."""
    layers = tuple("abcd")
    images = {
        "alpine:3": Image("1", tags=("alpine:3",), layers=layers[:1]),
        "nginx:1": Image("2", tags=("nginx:1",), layers=layers[:2]),
        "shop:prod": Image("3", tags=("shop:prod",), layers=layers[:3], labels={BUILT_FOR: "shop"}),
        "other:1": Image("4", tags=("other:1",), layers=("x",)),
    }
    engine = FakeEngine(images=images)
    for labels in ({}, {f"{OCI}.base.name": "other:1"}, {f"{OCI}.base.name": "gone:1"}):
        judged = Subject("", project(engine), None, Image("5", layers=layers, labels=labels))
        assert judged.base == images["nginx:1"]


@pytest.mark.parametrize(
    ("digest", "base_digests", "fault"),
    [("0", (), "is sha256:0: no digest"),
     ("1" * 64, (f"nginx@sha256:{'2' * 64}",), f"but {BASE} with the layers of this image is sha256:{'2' * 64}"),
     ("1" * 64, (f"nginx@sha256:{'1' * 64}",), ""), ("1" * 64, (), ""), ("1" * 64, ("other@sha256:2",), "")],
)  # fmt: skip
def test_digest_of_the_base_is_that_of_its_registry(digest: str, base_digests: tuple[str, ...], fault: str) -> None:
    """An image that was loaded from a file has no digest here, so nothing contradicts the label."""
    image = replace(with_labels(base_digest=f"sha256:{digest}"), base_digests=base_digests)
    evidence = image.evidence(CHECK)
    assert len(evidence) == bool(fault)
    assert fault in "".join(evidence)


def test_standin_label_on_another_base_is_a_lie() -> None:
    """It would excuse a version of nginx that is not safe."""
    labels = BuiltImage().labels | {"hello-dock.standin": BASE}
    lie = f"hello-dock.standin is {BASE}, but the image is built on {BASE}"
    assert BuiltImage(labels=labels).evidence(CHECK) == (lie,)
    old = BuiltImage(nginx="nginx version: nginx/1.30.6\n", environment={"NGINX_VERSION": "1.30.6"}, labels=labels)
    assert old.verdict("image.nginx-version").outcome == "fail"


def test_revision_must_be_a_commit_of_the_checkout(settings: Settings, commit: str) -> None:
    """An image of another project may have any commit."""
    assert with_labels(revision=commit, version="1.2.3").evidence(CHECK, settings) == ()
    expected = (f"{OCI}.revision is {COMMIT}: not a commit of the checkout",)
    assert BuiltImage().evidence(CHECK, settings) == expected
    another_project = replace(settings, app=replace(settings.app, name="shop"))
    assert BuiltImage().evidence(CHECK, another_project) == ()


def test_revision_of_another_commit_is_seen_by_the_time_of_the_layer(
    settings: Settings, commit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The build gives its layer the time of the commit. A time that no commit has is that of the build itself."""
    image, other = with_labels(revision=commit, version="1.2.3"), "b" * 40
    monkeypatch.setattr("docktasks.app.git.commits_at", lambda _folder, epoch: [other] if epoch == 1795933766 else [])
    lie = f"{OCI}.revision is {commit[:12]}, but the layer of the build has the time of commit {other[:12]}"
    assert image.evidence(CHECK, settings) == (lie,)
    monkeypatch.setattr("docktasks.app.git.commits_at", lambda *_: [other, commit])
    assert image.evidence(CHECK, settings) == ()


def test_label_that_no_build_sets_is_a_minor_fault(settings: Settings, commit: str) -> None:
    """Such as a time of elsewhere. The base image may have it."""
    image = with_labels(revision=commit, version="1.2.3", created="2019-01-01T00:00:00Z")
    line = f"{OCI}.created is 2019-01-01T00:00:00Z: neither the build nor the base image sets it"
    assert (image.verdict(CHECK, settings).evidence, image.verdict(CHECK, settings).severity) == ((line,), "minor")
    inherited = {name: value for name, value in image.labels.items() if name.endswith("created")}
    assert replace(image, base_labels=inherited).evidence(CHECK, settings) == ()


@pytest.mark.parametrize(
    "remote",
    [
        "git@git.example:me/shop.git",
        "ssh://git@git.example:2222/me/shop",
        "https://token:x@git.example/me/shop.git/",
        "git+ssh://git.example/me/shop",
    ],
)
def test_repository_must_be_the_one_of_the_checkout(settings: Settings, commit: str, remote: str) -> None:
    """By the setting, or by a remote of git, whichever scheme or user its address has. Without both nobody knows."""
    image = with_labels(revision=commit, version="1.2.3", source="https://git.example/me/shop")
    assert image.evidence(CHECK, settings) == ()
    subprocess.run(["git", "-C", settings.root, "remote", "add", "b", "https://git.example/me/fork"], check=True)
    (line,) = image.evidence(CHECK, settings)
    assert line.endswith("that is not build.source_url, and no remote of the checkout")
    named = replace(settings, build=replace(settings.build, source_url="https://git.example/me/shop"))
    assert image.evidence(CHECK, named) == ()
    subprocess.run(["git", "-C", settings.root, "remote", "add", "a", remote], check=True)
    assert image.evidence(CHECK, settings) == ()


def test_uncommitted_changes_must_be_there(settings: Settings, commit: str) -> None:
    """Whoever checks the commit out does not get what is in the image. It may have been changed since."""
    image = with_labels(revision=f"{commit}-dirty", version="1.2.3")
    evidence = f"{OCI}.revision is {commit[:12]}…-dirty, but the checkout of that commit has no changes now"
    assert (image.verdict(CHECK, settings).evidence, image.verdict(CHECK, settings).severity) == ((evidence,), "minor")
    (settings.root / "Dockerfile").write_text("FROM scratch")
    assert image.evidence(CHECK, settings) == ()


def test_digest_of_the_base_must_be_one_that_it_has() -> None:
    """A registry's digest, or the id. A label of the base image about its own base says nothing of this image."""
    lie, own = "sha256:" + "01" * 32, "sha256:" + "ab" * 32
    image = replace(with_labels(base_digest=lie), base_digests=(f"nginx@{own}",))
    assert image.evidence(CHECK) == (f"{OCI}.base.digest is {lie}, but {BASE} with the layers of this image is {own}",)
    assert replace(with_labels(base_digest=own), base_digests=(f"nginx@{own}",)).evidence(CHECK) == ()
    assert replace(image, base_labels={f"{OCI}.base.digest": lie}).evidence(CHECK) == ()


def test_version_must_be_that_of_the_commit(settings: Settings, commit: str) -> None:
    """package.json has it."""
    (evidence,) = with_labels(revision=commit, version="9.9.9").evidence(CHECK, settings)
    assert evidence.startswith(f"{OCI}.version is 9.9.9, but package.json of that commit says ")


@pytest.mark.parametrize(
    ("label", "value", "fault"),
    [
        (INPUTS_LABEL, "0a1b2c3d4e5f", "a build now would have none: it has another mode or other variables"),
        (SOURCE_MAPS_LABEL, "public", "build.source_maps is private"),
    ],
)
def test_label_of_another_build_is_a_minor_fault(
    settings: Settings, commit: str, label: str, value: str, fault: str
) -> None:
    """Whoever built it may have had other settings."""
    image = with_labels(revision=commit, version="1.2.3")
    image.labels |= {label: value}
    verdict = image.verdict(CHECK, settings)
    assert (verdict.evidence, verdict.severity) == ((f"{label} is {value}, but {fault}",), "minor")
