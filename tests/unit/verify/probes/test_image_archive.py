from __future__ import annotations

import hashlib
import tarfile

import pytest
from docker.errors import APIError

from docktasks.engine.models import Image
from docktasks.verify import catalog
from docktasks.verify.probes import image_archive
from docktasks.verify.probes.image_archive import File, final
from docktasks.verify.subject import Subject
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.image_archives import layer, saved, tar

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
            {"created_by": "COPY /out/image/ /"},
        ],
    )
    found = image_archive.read([archive[:100], archive[100:]], ["sha256:0"])
    base, ours = found.layers
    assert (base.ours, base.command, base.files["/etc/passwd"]) == (
        False,
        "ADD /",
        File("/etc/passwd", "file", 4, 0o644),
    )
    assert (ours.ours, ours.command, ours.size, list(ours.files)) == (
        True, "COPY /out/image/ /", 3, ["/srv", "/srv/site/index.html", "/etc/passwd"],
    )  # fmt: skip
    page = ours.files["/srv/site/index.html"]
    assert (page.content, page.digest) == (b"<p>", hashlib.sha256(b"<p>").digest())
    assert [ours.files[path].kind for path in ("/srv", "/etc/passwd")] == ["folder", "whiteout"]
    assert found.config == {"Cmd": ["nginx"]}


@pytest.mark.parametrize("base", [[], ["sha256:9"], ["sha256:0", "sha256:9"]])
def test_without_its_base_every_layer_counts_as_ours(base: list[str]) -> None:
    """An image on another base than it says has none of it."""
    found = image_archive.read([saved(tar(("a", b"")), tar(("b", b"")))], base)
    assert [each.ours for each in found.layers] == [True, True]


def test_a_compressed_layer_is_read() -> None:
    """As an engine with containerd's store gives it."""
    (found,) = image_archive.read([saved(tar(("a", b"text"), mode="w:gz"))], []).layers
    assert found.files["/a"].content == b"text"


def test_what_a_program_gains_and_what_nobody_should_read_is_known_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file of ours, also where its content is not kept."""
    monkeypatch.setattr(image_archive, "KEPT", 5)
    tool = tarfile.TarInfo("tool")
    # version 2, effective; permitted: bits 10 and 33
    given = bytes.fromhex("01000002 00040000 00000000 02000000 00000000")
    tool.pax_headers = {image_archive.CAPABILITY: given.decode("utf-8", "surrogateescape")}
    large = b"x " * (1 << 20) + b"glpat-" + b"a1B2_" * 4
    (found,) = image_archive.read([saved(tar(tool, ("large", large)))], []).layers
    assert (found.files["/tool"].capabilities, found.files["/large"].capabilities) == (1 << 10 | 1 << 33, 0)
    assert (found.files["/large"].content, found.files["/large"].secrets) == (None, ("a GitLab token",))
    base, _ = image_archive.read([saved(tar(("a", large)), tar(("b", b"")))], ["sha256:0"]).layers
    assert base.files["/a"].secrets == ()


def without(archive: bytes, name: str) -> bytes:
    """An archive in which nothing has that name."""
    return archive.replace(name.encode(), b"x" * len(name))


WHOLE = saved(tar(("a", b"text" * 1000), mode="w:gz"))
RAW = saved(tar(("a", b"text" * 1000)))
NOT_READ = {
    "empty": (b"", "its archive is damaged: empty file"),
    "no-tar": (b"x" * 2000, "its archive is damaged: "),
    "cut-short": (RAW[:3000], "its archive is damaged: unexpected end of data"),
    "layer-cut-short": (saved(tar(("a", b"text" * 1000))[:2000]), "its archive is damaged: unexpected end of data"),
    "gzip-cut-short": (saved(tar(("a", b"text" * 1000), mode="w:gz")[:50]), "its archive is damaged: "),
    "gzip-spoiled": (saved(tar(("a", b"text" * 1000), mode="w:gz").replace(b"\x00\xff", b"\xff\x00")[:-30]), "its"),
    "layer-is-no-tar": (saved(b"x" * 2000), "its archive is damaged: "),
    "no-manifest": (without(WHOLE, "manifest.json"), "its archive has no file manifest.json"),
    "no-configuration": (without(WHOLE, "config.json"), "its archive has no file "),
    "no-such-layer": (tar(("manifest.json", b'[{"Config": "c", "Layers": ["l"]}]'), ("c", b"{}")),
                      "its archive has no file l"),
    "odd-manifest": (tar(("manifest.json", b"{}")), "its archive does not describe it: "),
    "no-list": (tar(("manifest.json", b"1")), "its archive does not describe it: "),
    "no-json": (tar(("manifest.json", b"[")), "its archive does not describe it: "),
    "no-object": (tar(("manifest.json", b'[{"Config": "c", "Layers": ["l"]}]'), ("c", b"[]")),
                  "its archive does not describe it: "),
    "no-layers": (saved(), "it has no layer"),
    "null-layers": (tar(("manifest.json", b'[{"Config": "c", "Layers": null}]'), ("c", b"{}")), "it has no layer"),
    "zstd": (
        saved(tar(("a", b"")), image_archive.ZSTD + b"..."),
        "layer 2 is compressed by zstd, which is not read here",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("archive", "reason"), NOT_READ.values(), ids=NOT_READ)
def test_what_cannot_be_read_says_why(archive: bytes, reason: str) -> None:
    """One reason, by which checks are skipped, whatever is wrong with it."""
    with pytest.raises(image_archive.Unreadable) as raised:
        image_archive.read([archive], [])
    assert str(raised.value).startswith(reason)


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (Image("sha256:1"), "it has no layer"),
        (Image("sha256:1", layers=("sha256:0",)), "the engine gives no archive of it: empty export"),
    ],
)
def test_an_engine_that_gives_no_archive_has_checks_skipped(image: Image, reason: str) -> None:
    """It is asked once. What of the image is known without, is judged; what is served is, as of an address."""
    engine = FakeEngine()
    engine.save_error = APIError("500 Server Error", explanation="empty export")
    subject = Subject("", engine, None, image)
    wanted = catalog.select(only=["image.user", "image.command", "image.contents"])
    assert [(found.outcome, found.evidence) for found in catalog.run_checks(subject, wanted)][1:] == [
        ("skip", (reason,))
    ] * 2
    assert (engine.save_count, subject.shipped) == (1, {})


def test_an_engine_that_is_gone_is_no_reason_to_skip() -> None:
    """Then nothing can be judged."""
    engine = FakeEngine()
    engine.save_error = ConnectionError("gone")
    with pytest.raises(ConnectionError):
        Subject("", engine, None, Image("sha256:1")).contents.layers.clear()


def test_large_files_are_known_by_their_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept in memory ends somewhere; a smaller file after it still finds room."""
    monkeypatch.setattr(image_archive, "KEPT", 5)
    (found,) = image_archive.read([saved(tar(("a", b"1234"), ("b", b"5678"), ("c", b"9")))], []).layers
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
    engine.archive = saved(tar(("a", b"")), tar(("b", b"")))
    subject = Subject("", engine, None, image)
    assert [each.ours for each in subject.layers] == [False, True]
    engine.archive = b""
    assert subject.contents.layers is subject.layers
    assert Subject("", FakeEngine(), None, image).base is None
