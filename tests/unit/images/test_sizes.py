from __future__ import annotations

import pytest

from docktasks.app.project import Project
from docktasks.engine.models import Image
from docktasks.images import sizes
from docktasks.settings import Settings
from tests.unit.fakes.engine import FakeEngine
from tests.unit.fakes.image_archives import saved, tar
from tests.unit.fakes.runner import Runner

IMAGE = Image("sha256:1", 37_000_000, layers=("sha256:0", "sha256:1"))


class ContainerdEngine(FakeEngine):
    """An engine with containerd's store, which has the archive of one image."""

    containerd_store = True

    def __init__(self) -> None:
        super().__init__()
        self.archive = saved(tar(("a", b"123"), ("b", b"45")), tar(("c", b"6789")))


def size(engine: FakeEngine, settings: Settings, image: Image = IMAGE) -> int:
    """Return the unpacked size of an image."""
    return sizes.unpacked_size(Project(Runner(engine), engine, settings), image)


def test_size_in_the_classic_store_is_that_of_the_engine(settings: Settings) -> None:
    """It counts the files of the layers, unpacked. Nothing is read or written."""
    engine = FakeEngine()
    assert (size(engine, settings), engine.save_count) == (37_000_000, 0)
    assert not (settings.root / ".cache").exists()


def test_size_in_the_containerd_store_is_read_from_the_layers_once(settings: Settings) -> None:
    """Another image of the same layers is not read, either. A base image has the first layers."""
    engine = ContainerdEngine()
    (settings.root / ".cache").mkdir()
    base = Image("sha256:2", 36_000_000, layers=IMAGE.layers[:1])
    assert [size(engine, settings), size(engine, settings), size(engine, settings, base)] == [9, 9, 5]
    assert engine.save_count == 1


@pytest.mark.parametrize("text", ["", "{", '{"sha256:0": 5'])
def test_damaged_file_of_sizes_is_written_again(settings: Settings, text: str) -> None:
    """A task that is killed may leave a part of the file."""
    (settings.root / ".cache").mkdir()
    (settings.root / ".cache" / sizes.SIZES_FILE).write_text(text)
    engine = ContainerdEngine()
    assert [size(engine, settings), size(engine, settings), engine.save_count] == [9, 9, 1]


def test_size_is_known_without_a_cache_folder(settings: Settings) -> None:
    """The folder may be missing, full or read-only. The layers are then read each time."""
    engine = ContainerdEngine()
    assert [size(engine, settings), size(engine, settings), engine.save_count] == [9, 9, 2]


def test_size_of_layers_that_cannot_be_read_is_not_known(settings: Settings) -> None:
    """Layers compressed by zstd, and an image without layers, which the engine cannot save."""
    engine = ContainerdEngine()
    engine.archive = saved(b"\x28\xb5\x2f\xfd", b"")
    assert size(engine, settings) == 0
    assert size(engine, settings, Image("sha256:3")) == 0
