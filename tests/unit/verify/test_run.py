from __future__ import annotations

import re
from typing import Any

import pytest

from docktasks.app.project import Project
from docktasks.engine.models import Container, Image, Published
from docktasks.errors import ConflictError, SettingsError, VerifyError
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


def without_opener_policy(_request: object, answer: Answer) -> None:
    """Answers without a header, which is a minor fault."""
    answer.headers.pop("cross-origin-opener-policy", None)


def options(*groups: str, **target: Any) -> VerifyOptions:
    """The checks of these groups, or all, on what is named."""
    return VerifyOptions(tuple(catalog.select(groups)), **target)


def project_with(settings: Settings, *containers: Container) -> Project:
    """A project whose engine has these containers, and two images."""
    images = {"hello-dock:prod": Image("sha256:2"), "before": Image("sha256:1")}
    return project(FakeEngine(*containers, images=images), settings)


def test_address_is_judged_without_an_engine(settings: Settings, web: Web) -> None:
    """A healthy site passes. Checks of a container or an image are left out, and those of a browser are skipped."""

    class NoEngine:
        def __getattr__(self, name: str) -> object:
            raise AssertionError(f"the engine was asked: {name}")

    web.answer = Site()
    no_engine: Any = NoEngine()
    verify_run = run.verify(Project(Runner(), no_engine, settings), options(url=URL))
    assert verify_run.subject.url == URL
    outcomes = {verdict.check.group: verdict.outcome for verdict in verify_run.verdicts}
    assert outcomes == {"http": "pass", "browser": "skip"}
    assert {check.group for check in verify_run.left_out} == {"image", "container", "dev"}
    assert verify_run.left_out_reason == "--url names only an address"
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
    with pytest.raises(VerifyError, match=r"does not answer: Connection refused\."):
        run.verify(project_with(settings), options(url=URL))
    assert web.requests == [f"{URL}/"]


def test_failed_check_is_an_error_that_names_it(settings: Settings, web: Web) -> None:
    """The exit code is then 1."""
    web.answer = Site(without_type)
    verify_run = run.verify(project_with(settings), options(url=URL))
    with pytest.raises(VerifyError, match=r"of \d+ checks failed: .*http\.files"):
        run.require_passed(verify_run)


def test_strict_counts_a_skip_as_failed(settings: Settings, web: Web) -> None:
    """A missing browser is a skip, which is named. What --url does not ask for is none. Without strict all is well."""
    web.answer = Site()
    run.require_passed(run.verify(project_with(settings), options(url=URL)))
    strict_run = run.verify(project_with(settings), options(url=URL, strict=True))
    with pytest.raises(VerifyError) as caught:
        run.require_passed(strict_run)
    skipped, total = len(strict_run.ids("skip")), len(strict_run.verdicts)
    assert re.match(rf"{skipped} of {total} checks skipped: browser\.renders, .*\. --strict counts ", caught.value.what)
    assert caught.value.how == "The lines above have the reason of each skip"
    assert "image." not in caught.value.what
    assert strict_run.summary.endswith(": --strict counts a skip as failed")


def test_strict_passes_when_all_that_is_there_was_looked_at(settings: Settings, web: Web) -> None:
    """Nine checks of a dev container that nobody asked for do not fail the run."""
    web.answer = Site()
    http = [check for check in catalog.CHECKS if check.group in ("http", "dev")]
    verify_run = run.verify(project_with(settings), VerifyOptions(tuple(http), url=URL, strict=True))
    run.require_passed(verify_run)
    assert verify_run.passed
    assert {check.group for check in verify_run.left_out} == {"dev"}


def test_failure_and_skip_are_both_in_the_error(settings: Settings, web: Web) -> None:
    """The last line is true of each of them."""
    web.answer = Site(without_type)
    with pytest.raises(VerifyError) as caught:
        run.require_passed(run.verify(project_with(settings), options(url=URL, strict=True)))
    assert re.match(r"\d+ of \d+ checks failed: .*\. \d+ of \d+ checks skipped: ", caught.value.what)
    assert caught.value.how.endswith("fix of each failed check, and the reason of each skip")


def test_fail_on_chooses_what_fails(settings: Settings, web: Web) -> None:
    """A minor fault is advice by default, and ends nothing with 1."""
    web.answer = Site(without_opener_policy)
    minor = tuple(catalog.select(only=["http.cross-origin-headers"]))

    def passes(fail_on: str) -> bool:
        return run.verify(project_with(settings), VerifyOptions(minor, url=URL, fail_on=fail_on)).passed

    assert [passes(fail_on) for fail_on in ("minor", "major", "critical")] == [False, True, True]
    with pytest.raises(SettingsError, match="--fail-on=worst: there is no such severity") as caught:
        passes("worst")
    assert caught.value.how == "Choose one of these: minor, major, critical"


def test_run_in_which_every_check_is_skipped_is_an_error(settings: Settings, web: Web) -> None:
    """Nothing was checked, also without strict."""
    web.answer = Site()
    verify_run = run.verify(project_with(settings), options("browser", url=URL))
    assert verify_run.summary.endswith("s: nothing was checked")
    with pytest.raises(VerifyError, match=r"checks skipped: browser\.renders, .*So nothing was checked\."):
        run.require_passed(verify_run)


@pytest.mark.parametrize(
    ("target", "group", "reason"),
    [
        ({"url": URL}, "image", "--url names only an address"),
        ({"url": URL}, "dev", "--url names only an address"),
        ({"image": "hello-dock:prod"}, "http", "--image names only an image"),
    ],
)
def test_checks_that_were_asked_for_and_do_not_apply_are_an_error(
    settings: Settings, web: Web, target: dict[str, Any], group: str, reason: str
) -> None:
    """The error names the group and says why. So does a selection of which no check is left."""
    web.answer = Site()
    selected = tuple(catalog.select([group, "http", "image"]))
    unmixed = tuple(catalog.select([group]))
    for chosen in (
        VerifyOptions(selected, **target, named=frozenset({group})),
        VerifyOptions(unmixed, **target),
    ):
        with pytest.raises(VerifyError) as caught:
            run.verify(project_with(settings), chosen)
        assert caught.value.what == f"There is nothing to verify for {group}: {reason}."


def test_dry_notice_names_what_would_be_checked(settings: Settings) -> None:
    """The running containers, the address, or the image."""
    notices = [run.dry_notice(project_with(settings), options(**target))
               for target in ({}, {"url": URL}, {"image": "shop:1"})]  # fmt: skip
    assert notices == [
        "Would check containers hello-dock-prod and hello-dock-dev, if they run.",
        f"Would check {URL}.",
        "Would check image shop:1.",
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
    states = [container.state for container in containers if container.name == "hello-dock-prod"]
    assert caught.value.what.endswith("does not run (it is exited).") == (states == ["exited"])


def test_dev_container_is_judged_with_or_without_a_release(settings: Settings) -> None:
    """Each container that runs is judged."""
    for chosen in (options(), options("dev")):
        subject = run.find_subject(project_with(settings, DEV), chosen)
        assert (subject.name, subject.dev, subject.has("url"), subject.has("container")) == (DEV.url, DEV, False, False)
    release = own_container("prod", published=PROD_ADDRESS, image_id="sha256:1")
    both = run.find_subject(project_with(settings, DEV, release), options())
    assert (both.name, both.dev, both.container.role) == (URL, DEV, "prod")
    assert run.find_subject(project_with(settings, DEV, release), options("dev")).name == DEV.url


def test_headline_names_a_public_bind(settings: Settings) -> None:
    """The checks ask the address of this machine, and the name says where else the app is served."""
    release = own_container("prod", published=(Published("0.0.0.0", 8080, 80),), image_id="sha256:1")  # noqa: S104
    subject = run.find_subject(project_with(settings, release), options())
    assert subject.url == "http://127.0.0.1:8080"
    assert subject.name == "http://127.0.0.1:8080 (every address of this machine: 0.0.0.0:8080)"


@pytest.mark.parametrize(
    ("groups", "container", "how"),
    [
        (["dev"], own_container("prod", published=PROD_ADDRESS, image_id="sha256:1"), "invoke dev"),
        (["http"], DEV, "invoke run-prod"),
        (["browser", "image"], DEV, "invoke run-prod"),
    ],
)
def test_container_of_the_chosen_groups_must_run(
    settings: Settings, groups: list[str], container: Container, how: str
) -> None:
    """The message names the task that starts it."""
    chosen = options(*groups, named=frozenset(groups))
    with pytest.raises(VerifyError, match=r"There is nothing to verify for .*: container .* does not run") as caught:
        run.verify(project_with(settings, container), chosen)
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
