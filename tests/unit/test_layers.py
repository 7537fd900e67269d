from __future__ import annotations

import hashlib
import tarfile

import pytest

from docktasks.answers import Image
from docktasks.checks import layers
from docktasks.checks.layers import File, final
from docktasks.checks.subject import Subject
from tests.unit.fakes import FakeEngine
from tests.unit.images import layer, saved, tar

BASE = "org.opencontainers.image.base.name"


def member(name: str, kind: bytes, **given: int) -> tarfile.TarInfo:
    """What is no file of its own."""
    found = tarfile.TarInfo(name)
    found.type = kind
    for key, value in given.items():
        setattr(found, key, value)
    return found


def test_every_layer_is_read() -> None:
    """What each has, which is the base's, what made it; and what the image says of itself."""
    archive = saved(
        tar(("etc/passwd", b"root")),
        tar(member("srv", tarfile.DIRTYPE, mode=0o755), ("./srv/site/index.html", b"<p>"), ("etc/.wh.passwd", b"")),
        config={"Cmd": ["nginx"]},
        history=[
            {"created_by": "ADD /"},
            {"created_by": "ENV A=1", "empty_layer": True},
            {"created_by": "COPY /out/ /"},
        ],
    )
    found = layers.read([archive[:100], archive[100:]], ["sha256:0"])
    base, ours = found.layers
    assert (base.ours, base.command, base.files["/etc/passwd"]) == (
        False,
        "ADD /",
        File("/etc/passwd", "file", 4, 0o644),
    )
    assert (ours.ours, ours.command, ours.size, list(ours.files)) == (
        True, "COPY /out/ /", 3, ["/srv", "/srv/site/index.html", "/etc/passwd"],
    )  # fmt: skip
    page = ours.files["/srv/site/index.html"]
    assert (page.content, page.digest) == (b"<p>", hashlib.sha256(b"<p>").digest())
    assert [ours.files[path].kind for path in ("/srv", "/etc/passwd")] == ["folder", "whiteout"]
    assert found.config == {"Cmd": ["nginx"]}


@pytest.mark.parametrize("base", [[], ["sha256:9"], ["sha256:0", "sha256:9"]])
def test_without_its_base_every_layer_counts_as_ours(base: list[str]) -> None:
    """An image on another base than it says has none of it."""
    found = layers.read([saved(tar(("a", b"")), tar(("b", b"")))], base)
    assert [each.ours for each in found.layers] == [True, True]


def test_a_compressed_layer_is_read() -> None:
    """As an engine with containerd's store gives it."""
    (found,) = layers.read([saved(tar(("a", b"text"), mode="w:gz"))], []).layers
    assert found.files["/a"].content == b"text"


def test_large_files_are_known_by_their_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept in memory ends somewhere; a smaller file after it still finds room."""
    monkeypatch.setattr(layers, "KEPT", 5)
    (found,) = layers.read([saved(tar(("a", b"1234"), ("b", b"5678"), ("c", b"9")))], []).layers
    assert [each.content for each in found.files.values()] == [b"1234", None, b"9"]
    assert found.files["/b"].digest == hashlib.sha256(b"5678").digest()


def test_what_a_container_finds() -> None:
    """The topmost of each path, without what a later layer deletes: a file, a folder, or all that a folder had."""
    below = [File(path, "file", 1) for path in ("/a", "/b", "/c/d", "/c/e", "/f/g", "/fg")]
    above = [File("/b", "file", 2), File("/a", "whiteout"), File("/c", "whiteout"), File("/f/.wh..opq", "whiteout")]
    found = final([layer(*below, File("/f", "folder")), layer(*above, File("/f/h", "file", 3))])
    assert {path: file.size for path, file in found.items()} == {"/b": 2, "/f": 0, "/f/h": 3, "/fg": 1}


def test_two_groups_read_an_image_once() -> None:
    """The base's layers come from the image that is named as the base; without one here, none is known."""
    image = Image("sha256:1", labels={BASE: "nginx:1"})
    engine = FakeEngine(images={"nginx:1": Image("sha256:2", tags=("nginx:1",), layers=("sha256:0",))})
    engine.saved = saved(tar(("a", b"")), tar(("b", b"")))
    subject = Subject("", engine, None, image)
    assert [each.ours for each in subject.layers] == [False, True]
    engine.saved = b""
    assert subject.contents.layers is subject.layers
    assert Subject("", FakeEngine(), None, image).base is None
