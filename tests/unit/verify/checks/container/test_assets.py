from __future__ import annotations

from dataclasses import replace

import httpx

from docktasks.engine.models import ContainerConfig
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.production import A, image
from tests.unit.fakes.sites import Site
from tests.unit.fakes.subjects import CONFIG, Result, release, release_subject, results

RELEASES = "/srv/carried/releases"
CARRIED = {
    f"{RELEASES}/{A}/site/assets/index-Dk1aQz7_.js": "",
    f"{RELEASES}/{A}/site/assets/index-Dk1aQz7_.js.gz": "",
    f"{RELEASES}/0123456789ab/site/assets/About-C2bRt-8x.js": "",
}


def result(files: dict[str, str], config: ContainerConfig = CONFIG, *, earlier_release: str = A) -> Result:
    """The result of container.assets with these files in the volume, on a site that serves what Vite builds."""
    container = release()
    kept = replace(image("a"), tags=(f"hello-dock:{A}",))
    earlier_tags = (f"hello-dock:{earlier_release}",)
    earlier = replace(image("b"), release=earlier_release, tags=earlier_tags)
    engine = FakeEngine(container, images={"hello-dock:prod": kept, earlier_tags[0]: earlier})
    engine.files, engine.config = files, config
    subject = release_subject(engine, container)
    subject.site.client.transport = httpx.MockTransport(Site())
    return results(subject, "container.assets")["container.assets"]


def test_assets_of_every_release_are_served() -> None:
    """Those of this release and of an earlier one pass. Compressed files are not requested by their own names."""
    assert result(CARRIED) == ("pass", ())


def test_asset_that_is_missing_or_not_immutable_fails() -> None:
    """A page from before the swap would request it."""
    missing = {f"{RELEASES}/0123456789ab/site/assets/Old-C2bRt-8x.js": ""}
    mutable = {f"{RELEASES}/0123456789ab/site/favicon.svg": ""}
    assert result(CARRIED | missing | mutable) == (
        "fail",
        (
            "/assets/Old-C2bRt-8x.js of release 0123456789ab: 404, Cache-Control: no-store",
            "/favicon.svg of release 0123456789ab: 200, Cache-Control: no-cache",
        ),
    )


def test_kept_release_without_assets_fails() -> None:
    """A rollback to it is possible, and its pages may still be open."""
    expected = ("fail", (f"release {'c' * 12}: its assets are not in the volume",))
    assert result(CARRIED, earlier_release="c" * 12) == expected


def test_container_without_the_volume_fails() -> None:
    """A volume whose files cannot be listed does not pass either."""
    assert result(CARRIED, replace(CONFIG, mounts=())) == (
        "fail",
        ("no volume with the assets of earlier releases is mounted at /srv/carried",),
    )
    assert result({}) == ("fail", (f"release {A}: its assets are not in the volume",))
