from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import DockerException

from docktasks.engine import connect
from docktasks.engine.models import Container, Image, Published
from docktasks.errors import ConflictError, EngineError, VerifyError
from docktasks.settings import Settings
from docktasks.verify import catalog, run
from docktasks.verify.run import VerifyOptions
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.runner import Runner
from tests.unit.fakes.sites import Answer, Site
from tests.unit.fakes.web import Web

URL = "http://127.0.0.1:8080"


def missing_type(_request: object, answer: Answer) -> None:
    """Files without a type."""
    answer.headers.pop("content-type", None)


def wanted(**given: Any) -> VerifyOptions:
    """All checks of what is running, or of what is given."""
    return VerifyOptions(tuple(catalog.all_checks()), **given)


def judged(settings: Settings, *, strict: bool = False, json_file: str = "") -> None:
    """`invoke verify --url=…`."""
    files = {"json": json_file} if json_file else {}
    run.verify(Runner(), settings, wanted(url=URL, strict=strict, files=files))


def with_engine(monkeypatch: pytest.MonkeyPatch, *held: Container) -> FakeEngine:
    """The engine that `connect` finds."""
    found = FakeEngine(*held, images={"hello-dock:prod": Image("sha256:2"), "before": Image("sha256:1")})
    monkeypatch.setattr(connect, "connect", lambda: found)
    return found


def test_an_address_is_judged_without_an_engine(
    settings: Settings, web: Web, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A healthy site passes; what needs a container or an image is skipped, and the table says so."""

    def refuse() -> None:
        raise DockerException("no engine here")

    monkeypatch.setattr(docker, "from_env", refuse)
    web.answer = Site()
    judged(settings)
    out = capsys.readouterr().out
    assert f"verify {URL}" in out
    assert "0 failed" in out
    assert "needs a running container" in out


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "localhost", "ftp://127.0.0.1", "http://", "://x"])
def test_what_is_no_address_is_told_before_anybody_is_asked(settings: Settings, web: Web, url: str) -> None:
    """The message holds an example."""
    with pytest.raises(VerifyError, match="is no address") as caught:
        run.verify(Runner(), settings, wanted(url=url))
    assert url in caught.value.what
    assert "http://127.0.0.1:8080" in caught.value.how
    assert web.requests == []


def test_an_address_that_does_not_answer_is_one_message(settings: Settings, web: Web, tmp_path: Path) -> None:
    """It is asked once, not by every check, and there are no verdicts to write."""
    path = tmp_path / "verdicts.json"
    with pytest.raises(VerifyError, match=r"does not answer: \[Errno 111\] Connection refused\."):
        judged(settings, json_file=str(path))
    assert web.requests == [f"{URL}/"]
    assert not path.exists()


def test_a_failed_check_is_an_error_that_names_it(settings: Settings, web: Web) -> None:
    """The exit code is 1, and the table has the evidence."""
    web.answer = Site(missing_type)
    with pytest.raises(VerifyError, match=r"of \d+ checks failed: .*http\.files"):
        judged(settings)


def test_strict_takes_no_skip(settings: Settings, web: Web) -> None:
    """A check that could not run counts as failed, by name."""
    web.answer = Site()
    with pytest.raises(VerifyError, match=r"checks did not pass: image\.user, .*container\.loopback"):
        judged(settings, strict=True)


def test_the_verdicts_are_written_where_asked(settings: Settings, web: Web, tmp_path: Path) -> None:
    """Before the error of a failure, so that CI has the file when it needs it."""
    web.answer = Site(missing_type)
    path = tmp_path / "verdicts.json"
    with pytest.raises(VerifyError):
        judged(settings, json_file=str(path))
    data = json.loads(path.read_text())
    assert data["subject"]["url"] == URL
    assert "http.files" in [each["id"] for each in data["checks"] if each["verdict"] == "fail"]


def test_a_file_that_cannot_be_written_is_told(settings: Settings, web: Web, tmp_path: Path) -> None:
    """The system's reason, and which flag named it."""
    web.answer = Site()
    with pytest.raises(VerifyError, match=r"cannot be written: No such file or directory") as caught:
        judged(settings, json_file=str(tmp_path / "missing" / "x.json"))
    assert "--json" in caught.value.why


def test_a_dry_verify_asks_nobody(settings: Settings, web: Web, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what it would judge."""
    for given in ({}, {"url": URL}, {"image": "shop:1"}):
        run.verify(Runner(dry=True), settings, wanted(**given))
    first, second, third = capsys.readouterr().out.splitlines()
    assert first.startswith("Would judge container hello-dock-prod by ")
    assert second.startswith(f"Would judge {URL} by ")
    assert third.startswith("Would judge image shop:1 by ")
    assert web.requests == []


def test_the_running_container_is_judged_with_its_image(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its published address, its id, and the image it runs, not the one that was built since."""
    current = own_container("prod", published=(Published("127.0.0.1", 8080, 80),), image_id="sha256:1")
    found = with_engine(monkeypatch, current)
    subject = run.running(Runner(), settings)
    assert (subject.url, subject.container, subject.image.id) == (URL, current, "sha256:1")
    assert subject.engine is found


@pytest.mark.parametrize(
    "held",
    [
        [],
        [own_container("prod", state="exited")],
        [own_container("prod")],
        [own_container("prod", cut_off=True)],
        [own_container("prod", name="hello-dock-prod-port", published=(Published("127.0.0.1", 8080, 80),))],
        [own_container("dev", state="exited", published=(Published("127.0.0.1", 3000, 3000),))],
        [Container("0", "hello-dock-dev", published=(Published("127.0.0.1", 3000, 3000),))],
    ],
    ids=["none", "stopped", "without a port", "cut off", "port holder alone", "dev stopped", "a stranger's dev"],
)
def test_with_nothing_running_there_is_nothing_to_verify(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, held: list[Container]
) -> None:
    """The message names both ways out."""
    with_engine(monkeypatch, *held)
    with pytest.raises(VerifyError, match="There is nothing to verify") as caught:
        run.verify(Runner(), settings, wanted())
    assert "invoke run-prod" in caught.value.how
    assert "--url=" in caught.value.how


DEV = own_container("dev", published=(Published("127.0.0.1", 3000, 3000),))


def of(*groups: str) -> VerifyOptions:
    """The checks of these groups."""
    return VerifyOptions(tuple(catalog.select(groups)))


def test_the_dev_container_is_judged_alone_or_beside(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever runs is judged; the checks of the other are skipped."""
    with_engine(monkeypatch, DEV)
    for chosen in (of(), of("dev")):
        alone = run.find(Runner(), settings, chosen)
        assert (alone.name, alone.dev, alone.has("url"), alone.has("container")) == (DEV.url, DEV, False, False)
    with_engine(
        monkeypatch, DEV, own_container("prod", published=(Published("127.0.0.1", 8080, 80),), image_id="sha256:1")
    )
    both = run.find(Runner(), settings, of())
    assert (both.name, both.dev, both.container.role) == (URL, DEV, "prod")


@pytest.mark.parametrize(
    ("groups", "held", "how"),
    [
        (["dev"], own_container("prod", published=(Published("127.0.0.1", 8080, 80),)), "invoke dev"),
        (["http"], DEV, "invoke run-prod"),
        (["browser", "image"], DEV, "invoke run-prod"),
    ],
)
def test_what_the_chosen_groups_are_about_has_to_run(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, groups: list[str], held: Container, how: str
) -> None:
    """The message names the task that starts it."""
    with_engine(monkeypatch, held)
    with pytest.raises(VerifyError, match="There is nothing to verify") as caught:
        run.find(Runner(), settings, of(*groups))
    assert how in caught.value.how


def test_a_strangers_container_is_not_judged(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is taken by somebody else, and that is what is told."""
    with_engine(monkeypatch, Container("0", "hello-dock-prod"))
    with pytest.raises(ConflictError):
        run.running(Runner(), settings)


def test_without_an_engine_the_way_to_one_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever names no address needs one."""

    def refuse() -> None:
        raise DockerException("Error while fetching server API version")

    monkeypatch.setattr(docker, "from_env", refuse)
    with pytest.raises(EngineError, match="invoke setup"):
        run.verify(Runner(), settings, wanted())


def test_an_image_is_judged_alone(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it runs or not; nothing is asked of an address, nor of a container."""
    with_engine(monkeypatch)
    subject = run.find(Runner(), settings, wanted(image="before"))
    assert subject.image.id == "sha256:1"
    assert (subject.has("image"), subject.has("container"), subject.has("url")) == (True, False, False)


def test_an_image_that_there_is_not_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has its name."""
    with_engine(monkeypatch)
    with pytest.raises(VerifyError, match=r"There is no image shop:1\."):
        run.find(Runner(), settings, wanted(image="shop:1"))


def test_an_image_and_an_address_are_two_subjects(settings: Settings, web: Web) -> None:
    """One verdict about both would be about neither."""
    with pytest.raises(VerifyError, match="two things to judge"):
        run.find(Runner(), settings, wanted(image="shop:1", url=URL))
    assert web.requests == []
