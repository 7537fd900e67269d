from __future__ import annotations

import pytest
from docker.errors import APIError

from docktasks.background import Once
from docktasks.engine.models import Image
from docktasks.images.archive import Contents, File
from docktasks.verify import catalog
from docktasks.verify.subject import Subject
from tests.unit.fakes.engine import FakeEngine, own_container
from tests.unit.fakes.image_archives import layer, saved, tar
from tests.unit.fakes.sites import Site, connect, subject
from tests.unit.fakes.subjects import project, results

URL = "http://127.0.0.1:8080"
BASE = "org.opencontainers.image.base.name"


def test_subject_has_only_the_parts_that_it_was_given() -> None:
    """A check that uses another part is a bug."""
    address = Subject(URL)
    assert [address.has(need) for need in ("url", "container", "image")] == [True, False, False]
    with pytest.raises(LookupError):
        _ = address.container
    whole = Subject(URL, None, own_container("prod"), Image("sha256:1"))
    assert [whole.has(need) for need in ("url", "container", "image")] == [True, True, True]
    assert (whole.container.role, whole.image.id) == ("prod", "sha256:1")


def test_all_files_that_the_image_ships_are_requested() -> None:
    """Also those that no page references. Not compressed files, deleted files and files that are never served."""
    site = Site()
    site.files |= {"/docs/a.html": "<p>", "/docs/Thumbs.db": "pictures"}
    below, above = "/srv/site/docs/a.html", "/srv/hashed/site/assets/About-C2bRt-8x.js"
    sizes = {
        below: 9,
        f"{below}.gz": 4,
        above: 1,
        "/srv/site/old.txt": 5,
        "/srv/br/docs/b.html": 2,
        "/srv/site/.env": 3,
        "/srv/site/docs/Thumbs.db": 8,
    }
    layers = [
        layer(*(File(path, "file", size) for path, size in sizes.items()), File("/srv/site/docs", "folder")),
        layer(File("/srv/site/old.txt", "whiteout")),
    ]
    shipped_files = {"docs/a.html": 9, "assets/About-C2bRt-8x.js": 1, ".env": 3, "docs/Thumbs.db": 8}
    by_address = subject(site)
    with_image = Subject(URL, None, None, Image("sha256:1"))
    with_image.contents = Once(lambda: Contents(layers, {}, []))
    connect(with_image.site, site)
    assert (by_address.shipped_files, with_image.shipped_files) == ({}, shipped_files)
    assert set(with_image.site.files) == set(by_address.site.files) | {"/docs/a.html", "/docs/Thumbs.db"}
    assert "/docs/Thumbs.db" in [answer.place.path for answer in with_image.survey.hidden]
    (verdict,) = catalog.run_checks(with_image, catalog.select(only=["http.files"]))
    assert verdict.evidence == (
        "/docs/a.html: 3 bytes, but 9 in the image",
        "/assets/About-C2bRt-8x.js: 197 bytes, but 1 in the image",
    )


def test_image_is_read_once() -> None:
    """The layers of the base image are known by the image that the label names."""
    image = Image("sha256:1", labels={BASE: "nginx:1"}, layers=("sha256:0", "sha256:1"))
    engine = FakeEngine(images={"nginx:1": Image("sha256:2", tags=("nginx:1",), layers=("sha256:0",))})
    engine.archive = saved(tar(("a", b"")), tar(("b", b"")))
    judged = Subject("", project(engine), None, image)
    assert [layer.ours for layer in judged.contents().layers] == [False, True]
    assert judged.contents() is judged.contents()
    assert engine.save_count == 1
    assert Subject("", project(FakeEngine()), None, image).base is None


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (Image("sha256:1"), "it has no layer"),
        (Image("sha256:1", layers=("sha256:0",)), "the engine cannot save it: empty export"),
    ],
)
def test_image_that_the_engine_cannot_save_is_skipped(image: Image, reason: str) -> None:
    """The engine is asked once. What needs no layers is judged."""
    engine = FakeEngine()
    engine.save_error = APIError("500 Server Error", explanation="empty export")
    judged = Subject("", project(engine), None, image)
    outcomes = results(judged, "image.user", "image.declaration", "image.contents")
    assert outcomes["image.user"][0] == "fail"
    assert outcomes["image.declaration"] == outcomes["image.contents"] == ("skip", (reason,))
    assert (engine.save_count, judged.shipped_files) == (1, {})


def test_engine_that_goes_away_is_no_reason_to_skip() -> None:
    """The error is raised, because nothing can be judged then."""
    engine = FakeEngine()
    engine.save_error = ConnectionError("gone")
    with pytest.raises(ConnectionError):
        Subject("", project(engine), None, Image("sha256:1")).contents()
