from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from docktasks.engine.models import ContainerConfig
from docktasks.verify.probes.http_client import Response
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.image_archives import saved, tar
from tests.unit.fakes.production import A, image
from tests.unit.fakes.sites import Site, connect
from tests.unit.fakes.subjects import CONFIG, Result, release, release_subject, results


def served_text(path: str) -> str:
    """The content of a file of the fake site."""
    return httpx.Client(transport=httpx.MockTransport(Site())).get(f"http://site{path}").text


RELEASES = "/srv/carried/releases"
CARRIED = {
    f"{RELEASES}/{A}/site/assets/index-Dk1aQz7_.js": "",
    f"{RELEASES}/{A}/site/assets/index-Dk1aQz7_.js.gz": "",
    f"{RELEASES}/0123456789ab/site/assets/About-C2bRt-8x.js": "",
}


def result(
    files: dict[str, str],
    config: ContainerConfig = CONFIG,
    *,
    earlier_release: str = A,
    check_id: str = "container.assets",
    served: str = "",
) -> Result:
    """The result of a check with these files in the volume, on a site that serves what Vite builds."""
    container = release()
    kept = replace(image("a"), tags=(f"hello-dock:{A}",))
    earlier_tags = (f"hello-dock:{earlier_release}",)
    earlier = replace(image("b"), release=earlier_release, tags=earlier_tags)
    engine = FakeEngine(container, images={"hello-dock:prod": kept, earlier_tags[0]: earlier})
    engine.files, engine.config, engine.served = files, config, served
    subject = release_subject(engine, container)
    connect(subject.site, Site())
    return results(subject, check_id)[check_id]


def test_assets_of_every_release_are_served() -> None:
    """Those of this release and of an earlier one pass. Compressed files are not requested by their own names."""
    assert result(CARRIED) == ("pass", ())


def test_file_that_is_missing_fails() -> None:
    """A page from before the swap would request it, whether its name has a hash or not."""
    missing = {f"{RELEASES}/0123456789ab/site/assets/Old-C2bRt-8x.js": ""}
    built = {f"{RELEASES}/0123456789ab/built/site/{name}": "" for name in ("lazy.js", "favicon.svg")}
    assert result(CARRIED | missing | built) == (
        "fail",
        ("/assets/Old-C2bRt-8x.js of release 0123456789ab: 404", "/lazy.js of release 0123456789ab: 404"),
    )


def test_file_for_which_there_was_no_time_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """All requests together have a limit. What other requests took is no fault of this file."""
    reason = "not seen within 120 s"
    answers = [Response("/assets/About-C2bRt-8x.js", fault=reason)]
    monkeypatch.setattr("docktasks.verify.probes.crawler.Site.get_all", lambda *_args, **_headers: answers)
    assert result(CARRIED) == ("skip", (f"there was no time for all: {reason}",))


def test_kept_release_without_assets_fails() -> None:
    """A rollback to it is possible, and its pages may still be open."""
    expected = ("fail", (f"release {'c' * 12}: its assets are not in the volume",))
    assert result(CARRIED, earlier_release="c" * 12) == expected


def test_file_that_the_volume_has_lost_or_damaged_fails() -> None:
    """The image of the kept release still has it. A page of that release asks for it, or a rollback does."""
    built = {"whole-C2bRt-8x.js": b"whole", "half-C2bRt-8x.js": b"half of it", "lost-C2bRt-8x.js": b"lost"}
    layers = tar(*((f"srv/hashed/site/assets/{name}", text) for name, text in built.items()))
    container, release_id = release(), "0123456789ab"
    current = replace(image("a"), tags=(f"hello-dock:{A}",))
    earlier = replace(image("b"), release=release_id, tags=(f"hello-dock:{release_id}",))
    engine = FakeEngine(container, images={current.tags[0]: current, earlier.tags[0]: earlier})
    engine.config, engine.archive = CONFIG, saved(layers, history=[{"created_by": "COPY /out/image/ /"}])
    folder = f"{RELEASES}/{release_id}/site/assets"
    engine.files = CARRIED | {f"{folder}/whole-C2bRt-8x.js": "whole", f"{folder}/half-C2bRt-8x.js": "half"}
    subject = release_subject(engine, container)
    site = Site()
    site.files |= {f"/assets/{name}": text.decode() for name, text in built.items()}
    connect(subject.site, site)
    assert results(subject, "container.assets")["container.assets"] == (
        "fail",
        (
            f"/assets/half-C2bRt-8x.js of release {release_id}: the volume has other bytes of it",
            f"/assets/lost-C2bRt-8x.js of release {release_id}: the volume has lost it",
        ),
    )


def test_container_without_the_volume_fails() -> None:
    """A volume whose files cannot be listed does not pass either."""
    assert result(CARRIED, replace(CONFIG, options={})) == (
        "fail",
        ("no volume with the assets of earlier releases is mounted at /srv/carried",),
    )
    assert result({}) == ("fail", (f"release {A}: its assets are not in the volume",))


def test_same_name_with_other_bytes_in_two_releases_fails() -> None:
    """One of the two gets the other's code. Compressed copies may differ, because they decode to the same file."""
    path, other = "/site/assets/index-Dk1aQz7_.js", f"{RELEASES}/0123456789ab"
    served = served_text("/assets/index-Dk1aQz7_.js")
    same = {f"{RELEASES}/{A}{path}": served, f"{other}{path}": served}
    copies = {f"{RELEASES}/{A}{path}.gz": "one", f"{other}{path}.gz": "two"}
    built = {f"{RELEASES}/{A}/built{path}": "1", f"{other}/built{path}": "2"}  # the current one's is served
    assert result(same | copies | built, check_id="container.asset-bytes") == ("pass", ())
    outcome, evidence = result(same | {f"{other}{path}": "1"}, check_id="container.asset-bytes")
    assert outcome == "fail"
    assert evidence == (f"/assets/index-Dk1aQz7_.js: other bytes in each of the releases 0123456789ab, {A}",)


def test_served_bytes_of_another_release_fail() -> None:
    """The current release answers first, with its own file of that name; each encoding is asked for."""
    outcome, evidence = result({f"{RELEASES}/{A}/site/assets/index-Dk1aQz7_.js": "1"}, check_id="container.asset-bytes")
    assert outcome == "fail"
    assert evidence == tuple(
        f"/assets/index-Dk1aQz7_.js, {encoding}: other bytes than in release {A}"
        for encoding in ("identity", "gzip", "br")
    )


def test_volume_that_cannot_be_read_is_no_pass() -> None:
    """Without the files nothing was compared."""
    assert result({}, check_id="container.asset-bytes")[0] == "skip"


def test_file_that_no_release_has_written_into_the_volume_fails() -> None:
    """nginx would serve it. What a release has, has a name in its folder, too."""
    served = "2 site/assets/a.js\n1 built/site/login.html\nfind: br: No such file or directory\n"
    outcome, evidence = result(CARRIED, check_id="container.asset-bytes", served=served)
    assert outcome == "fail"
    assert evidence[0] == "/srv/carried/built/site/login.html: no release has it. Releasing a change removes it"
