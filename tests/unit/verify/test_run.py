from __future__ import annotations

from typing import Any

import pytest

from docktasks.app.project import Project
from docktasks.engine.models import Container, Image
from docktasks.errors import ConflictError, VerifyError
from docktasks.settings import Settings
from docktasks.verify import catalog, run
from docktasks.verify.run import VerifyOptions
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.runner import Runner
from tests.unit.fakes.sites import Answer, Site
from tests.unit.fakes.subjects import project
from tests.unit.fakes.web import Web

URL = "http://127.0.0.1:8080"
PROD_ADDRESS = (("127.0.0.1", 8080, 80),)
DEV = own_container("dev", published=(("127.0.0.1", 3000, 3000),))


def without_type(_request: object, answer: Answer) -> None:
    """Answers without a content type."""
    answer.headers.pop("content-type", None)


def options(*groups: str, **target: Any) -> VerifyOptions:
    """The checks of these groups, or all, on what is named."""
    return VerifyOptions(tuple(catalog.select(groups)), **target)


def project_with(settings: Settings, *containers: Container) -> Project:
    """A project whose engine has these containers, and two images."""
    images = {"hello-dock:prod": Image("sha256:2"), "before": Image("sha256:1")}
    return project(FakeEngine(*containers, images=images), settings)


def test_address_is_judged_without_an_engine(settings: Settings, web: Web) -> None:
    """A healthy site passes. Checks that need a container or an image are skipped."""

    class NoEngine:
        def __getattr__(self, name: str) -> object:
            raise AssertionError(f"the engine was asked: {name}")

    web.answer = Site()
    no_engine: Any = NoEngine()
    verify_run = run.verify(Project(Runner(), no_engine, settings), options(url=URL))
    assert verify_run.subject.url == URL
    outcomes = {verdict.check.group: verdict.outcome for verdict in verify_run.verdicts}
    assert outcomes == {"image": "skip", "container": "skip", "http": "pass", "dev": "skip", "browser": "skip"}
    assert verify_run.count()["fail"] == 0


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "localhost", "ftp://127.0.0.1", "http://", "://x"])
def test_invalid_address_is_an_error(settings: Settings, web: Web, url: str) -> None:
    """The message has an example. No request is sent."""
    with pytest.raises(VerifyError, match="is not an address") as caught:
        run.verify(project_with(settings), options(url=url))
    assert url in caught.value.what
    assert "http://127.0.0.1:8080" in caught.value.how
    assert web.requests == []


def test_address_that_does_not_answer_is_one_error(settings: Settings, web: Web) -> None:
    """One request is sent, and no check runs."""
    with pytest.raises(VerifyError, match=r"does not answer: \[Errno 111\] Connection refused\."):
        run.verify(project_with(settings), options(url=URL))
    assert web.requests == [f"{URL}/"]


def test_failed_check_is_an_error_that_names_it(settings: Settings, web: Web) -> None:
    """The exit code is then 1."""
    web.answer = Site(without_type)
    verify_run = run.verify(project_with(settings), options(url=URL))
    with pytest.raises(VerifyError, match=r"of \d+ checks failed: .*http\.files"):
        run.require_passed(verify_run)


def test_strict_counts_a_skip_as_failed(settings: Settings, web: Web) -> None:
    """A check that could not run is named, too. Without strict it is no error."""
    web.answer = Site()
    verify_run = run.verify(project_with(settings), options(url=URL))
    run.require_passed(verify_run)
    with pytest.raises(VerifyError, match=r"checks did not pass: image\.user, .*container\.loopback"):
        run.require_passed(verify_run, strict=True)


def test_dry_notice_names_what_would_be_checked(settings: Settings) -> None:
    """The running container, the address, or the image."""
    count = len(catalog.CHECKS)
    notices = [run.dry_notice(project_with(settings), options(**target))
               for target in ({}, {"url": URL}, {"image": "shop:1"})]  # fmt: skip
    assert notices == [
        f"Would run {count} checks on container hello-dock-prod.",
        f"Would run {count} checks on {URL}.",
        f"Would run {count} checks on image shop:1.",
    ]


def test_running_container_is_judged_with_its_image(settings: Settings) -> None:
    """Its address and the image that it runs, and not the image that was built since."""
    container = own_container("prod", published=PROD_ADDRESS, image_id="sha256:1")
    subject = run.find_subject(project_with(settings, container), options())
    assert (subject.url, subject.container, subject.image.id) == (URL, container, "sha256:1")


@pytest.mark.parametrize(
    "containers",
    [
        [],
        [own_container("prod", state="exited")],
        [own_container("prod")],
        [own_container("prod", cut_off=True)],
        [own_container("prod", name="hello-dock-prod-port", published=PROD_ADDRESS)],
        [own_container("dev", state="exited", published=DEV.published)],
        [Container("0", "hello-dock-dev", published=DEV.published)],
    ],
    ids=["none", "stopped", "without a port", "cut off", "only a port holder", "dev stopped", "dev of another project"],
)
def test_nothing_running_is_an_error(settings: Settings, containers: list[Container]) -> None:
    """The message names the task that starts the app, and --url."""
    with pytest.raises(VerifyError, match="There is nothing to verify") as caught:
        run.verify(project_with(settings, *containers), options())
    assert "invoke run-prod" in caught.value.how
    assert "--url=" in caught.value.how


def test_dev_container_is_judged_with_or_without_a_release(settings: Settings) -> None:
    """Each container that runs is judged."""
    for chosen in (options(), options("dev")):
        alone = run.find_subject(project_with(settings, DEV), chosen)
        assert (alone.name, alone.dev, alone.has("url"), alone.has("container")) == (DEV.url, DEV, False, False)
    release = own_container("prod", published=PROD_ADDRESS, image_id="sha256:1")
    both = run.find_subject(project_with(settings, DEV, release), options())
    assert (both.name, both.dev, both.container.role) == (URL, DEV, "prod")


@pytest.mark.parametrize(
    ("groups", "container", "how"),
    [
        (["dev"], own_container("prod", published=PROD_ADDRESS), "invoke dev"),
        (["http"], DEV, "invoke run-prod"),
        (["browser", "image"], DEV, "invoke run-prod"),
    ],
)
def test_container_of_the_chosen_groups_must_run(
    settings: Settings, groups: list[str], container: Container, how: str
) -> None:
    """The message names the task that starts it."""
    with pytest.raises(VerifyError, match="There is nothing to verify") as caught:
        run.find_subject(project_with(settings, container), options(*groups))
    assert how in caught.value.how


def test_container_of_another_project_is_not_judged(settings: Settings) -> None:
    """It has the name of ours, which is the error."""
    with pytest.raises(ConflictError):
        run.find_subject(project_with(settings, Container("0", "hello-dock-prod")), options())


def test_image_is_judged_without_a_container(settings: Settings) -> None:
    """Its container and its address are not looked for."""
    subject = run.find_subject(project_with(settings), options(image="before"))
    assert subject.image.id == "sha256:1"
    assert (subject.has("image"), subject.has("container"), subject.has("url")) == (True, False, False)


def test_unknown_image_is_an_error(settings: Settings) -> None:
    """The message has its name."""
    with pytest.raises(VerifyError, match=r"There is no image shop:1\."):
        run.find_subject(project_with(settings), options(image="shop:1"))


def test_image_and_address_together_are_an_error(settings: Settings, web: Web) -> None:
    """The verdicts would be about two things."""
    with pytest.raises(VerifyError, match="two things to check"):
        run.find_subject(project_with(settings), options(image="shop:1", url=URL))
    assert web.requests == []
