from __future__ import annotations

import hashlib
import tarfile

import pytest

from docktasks.images import archive as image_archive
from docktasks.images.archive import File, final_files
from docktasks.images.capabilities import CAPABILITY_HEADER
from tests.unit.fakes.image_archives import layer, saved, tar


def member(name: str, kind: bytes, **attributes: int) -> tarfile.TarInfo:
    """Return a member of a tar that is not a regular file."""
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in attributes.items():
        setattr(info, key, value)
    return info


def test_archive_has_every_layer_with_its_files() -> None:
    """A layer has the command that made it, and whether it is the base image's. The image has its configuration."""
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
    contents = image_archive.read([archive[:100], archive[100:]], ["sha256:0"])
    base, ours = contents.layers
    assert (base.ours, base.command, base.files["/etc/passwd"]) == (
        False,
        "ADD /",
        File("/etc/passwd", "file", 4, 0o644),
    )
    assert (ours.ours, ours.command, ours.size, list(ours.files)) == (
        True, "COPY /out/image/ /", 3, ["/srv", "/srv/site/index.html", "/etc/passwd"],
    )  # fmt: skip
    page = ours.files["/srv/site/index.html"]
    assert (page.content, page.digest) == (None, hashlib.sha256(b"<p>").digest())
    assert [ours.files[path].kind for path in ("/srv", "/etc/passwd")] == ["folder", "whiteout"]
    assert contents.config == {"Cmd": ["nginx"]}


def test_site_has_the_content_of_its_compressed_copies_only() -> None:
    """The digest of a file is enough to compare its copies with. A script's comments about source maps are read."""
    script = b"a()\n//# sourceMappingURL=a.js.map\n/*# sourceMappingURL=data:application/json;base64,AAAA */"
    paths = ["srv/site/a.js", "srv/site/a.js.gz", "srv/hashed/site/b.css", "srv/br/a.js", "srv/site/a.txt", "etc/a"]
    contents = image_archive.read([saved(tar(*((path, script) for path in paths)))], [])
    files = contents.layers[0].files
    assert [path for path in paths if files[f"/{path}"].content] == ["srv/site/a.js.gz", "srv/br/a.js", "etc/a"]
    assert files["/srv/site/a.js"].source_maps == (b"a.js.map", b"data:application/json;base64,AAAA")
    assert files["/srv/site/a.txt"].source_maps == ()


def test_digests_are_those_of_the_files_that_a_container_sees() -> None:
    """A later layer may change a file, or delete it. Files elsewhere, and folders, do not count."""
    lower = tar(
        member("srv/a", tarfile.DIRTYPE, mode=0o755), ("srv/a/x.js", b"1"), ("srv/a/y.js", b"2"), ("etc/z", b"3")
    )
    archive = saved(lower, tar(("srv/a/x.js", b"4"), ("srv/a/.wh.y.js", b"")))
    assert image_archive.digests([archive], "/srv/a/") == {"x.js": hashlib.sha256(b"4").digest()}
    with pytest.raises(image_archive.Unreadable, match="its archive is damaged"):
        image_archive.digests([b"no archive"], "/srv/a/")


@pytest.mark.parametrize("base", [[], ["sha256:9"], ["sha256:0", "sha256:9"]])
def test_layers_are_ours_unless_they_begin_with_all_of_the_base(base: list[str]) -> None:
    """The image may be built on another image than its label says."""
    contents = image_archive.read([saved(tar(("a", b"")), tar(("b", b"")))], base)
    assert [layer.ours for layer in contents.layers] == [True, True]


def test_compressed_layer_is_read() -> None:
    """An engine with containerd's image store saves such layers."""
    (only,) = image_archive.read([saved(tar(("a", b"text"), mode="w:gz"))], []).layers
    assert only.files["/a"].content == b"text"


def test_file_of_any_size_has_its_capabilities_and_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of ours is searched even if its content is not kept. Files of the base image are not read."""
    monkeypatch.setattr(image_archive, "MAX_KEPT_BYTES", 5)
    tool = tarfile.TarInfo("tool")
    # version 2, effective; permitted: bits 10 and 33
    capability = bytes.fromhex("01000002 00040000 00000000 02000000 00000000")
    tool.pax_headers = {CAPABILITY_HEADER: capability.decode("utf-8", "surrogateescape")}
    large = b"x " * (1 << 20) + b"glpat-" + b"a1B2_" * 4
    (only,) = image_archive.read([saved(tar(tool, ("large", large)))], []).layers
    assert (only.files["/tool"].capabilities, only.files["/large"].capabilities) == (1 << 10 | 1 << 33, 0)
    assert (only.files["/large"].content, only.files["/large"].secrets) == (None, ("a GitLab token",))
    base, _ = image_archive.read([saved(tar(("a", large)), tar(("b", b"")))], ["sha256:0"]).layers
    assert base.files["/a"].secrets == ()


def without(archive: bytes, name: str) -> bytes:
    """Return the archive with this name replaced by x characters."""
    return archive.replace(name.encode(), b"x" * len(name))


WHOLE = saved(tar(("a", b"text" * 1000), mode="w:gz"))
RAW = saved(tar(("a", b"text" * 1000)))
DAMAGED = {
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
        saved(tar(("a", b"")), image_archive.ZSTD_MAGIC + b"..."),
        "layer 2 is compressed by zstd, which is not read here",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("archive", "reason"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_archive_is_unreadable(archive: bytes, reason: str) -> None:
    """The message is the reason with which checks are skipped."""
    with pytest.raises(image_archive.Unreadable) as raised:
        image_archive.read([archive], [])
    assert str(raised.value).startswith(reason)


def test_file_beyond_the_limit_has_a_digest_and_no_content(monkeypatch: pytest.MonkeyPatch) -> None:
    """The content of a later, smaller file is kept if it fits."""
    monkeypatch.setattr(image_archive, "MAX_KEPT_BYTES", 5)
    (only,) = image_archive.read([saved(tar(("a", b"1234"), ("b", b"5678"), ("c", b"9")))], []).layers
    assert [file.content for file in only.files.values()] == [b"1234", None, b"9"]
    assert only.files["/b"].digest == hashlib.sha256(b"5678").digest()


def test_file_that_is_always_kept_leaves_the_others_their_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when it is larger than what may be kept."""
    monkeypatch.setattr(image_archive, "MAX_KEPT_BYTES", 5)
    layers = [saved(tar(("a", b"123456789"), ("b", b"5678")), tar(("c", b"9")))]
    files = final_files(image_archive.read(layers, [], lambda path: path == "/a").layers)
    assert files["/a"].content == b"123456789"
    assert [files[path].digest for path in ("/b", "/c")] == [hashlib.sha256(text).digest() for text in (b"5678", b"9")]


def test_final_files_are_the_topmost_without_deleted_ones() -> None:
    """A later layer can delete a file, a folder, or with an opaque whiteout the content of a folder."""
    below = [File(path, "file", 1) for path in ("/a", "/b", "/c/d", "/c/e", "/f/g", "/fg")]
    above = [File("/b", "file", 2), File("/a", "whiteout"), File("/c", "whiteout"), File("/f/.wh..opq", "whiteout")]
    files = final_files([layer(*below, File("/f", "folder")), layer(*above, File("/f/h", "file", 3))])
    assert {path: file.size for path, file in files.items()} == {"/b": 2, "/f": 0, "/f/h": 3, "/fg": 1}


def test_files_of_the_site_have_no_compressed_copies() -> None:
    """The site's own archive stays, and a dotfile. What nginx sends as brotli is no file of the site."""
    files = {"/srv/site/index.html": 1, "/srv/site/index.html.gz": 2, "/srv/site/data.gz": 3, "/srv/site/.env": 4,
             "/srv/hashed/site/assets/a.js": 5, "/srv/br/b.html": 6, "/etc/passwd": 7}  # fmt: skip
    assert image_archive.site_files(files) == {"index.html": 1, "data.gz": 3, ".env": 4, "assets/a.js": 5}
