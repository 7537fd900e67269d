from __future__ import annotations

import os
from pathlib import Path

import pytest

from docktasks.verify.probes.app_files import marked_edit, temporary_edit, temporary_secret


def test_temporary_edit_restores_the_bytes_and_the_time(tmp_path: Path) -> None:
    """It does so when it is interrupted, and in a file whose last line does not end."""
    file = tmp_path / "style.css"
    file.write_bytes(b"a {}\r\nb {}")
    os.utime(file, ns=(1_000_000_001, 2_000_000_002))

    def edit_and_fail() -> None:
        with temporary_edit(file, "\nc {}\n"):
            assert file.read_bytes() == b"a {}\r\nb {}\nc {}\n"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        edit_and_fail()
    assert file.read_bytes() == b"a {}\r\nb {}"
    assert file.stat().st_mtime_ns == 2_000_000_002


def test_temporary_edit_keeps_what_another_program_saves(tmp_path: Path) -> None:
    """Only the text of the edit is removed."""
    file = tmp_path / "style.css"
    file.write_text("a {}")
    with temporary_edit(file, "\nc {}\n"):
        file.write_text("a { color: red }\nc {}\nd {}\n")
    assert file.read_text() == "a { color: red }d {}\n"


@pytest.mark.parametrize(
    ("text", "edited"),
    [
        (
            "<template>\n</template>\n<style lang='scss'>\na {}\n</style>\n<i18n>{}</i18n>\n",
            "<template>\n</template>\n<style lang='scss'>\na {}\n\n:root { --mark: 1 }\n</style>\n<i18n>{}</i18n>\n",
        ),
        ("<style scoped>a {}</style>", "<style scoped>a {}\n:global(:root) { --mark: 1 }\n</style>"),
        (
            "<style src='./a.css'></style><style lang=\"sass\">a</style><style></style>",
            "<style src='./a.css'></style><style lang=\"sass\">a</style><style>\n:root { --mark: 1 }\n</style>",
        ),
    ],
)
def test_component_is_edited_in_a_style_that_it_has(tmp_path: Path, text: str, edited: str) -> None:
    """A style that comes anew reaches no page, if Vite knows one from an edit before."""
    file = tmp_path / "App.vue"
    file.write_text(text)
    with marked_edit(file, "--mark"):
        assert file.read_text() == edited
    assert file.read_text() == text


def test_temporary_secret_is_removed(tmp_path: Path) -> None:
    """It is removed on an interrupt, too. Its name does not hold its content, because an error page may repeat it."""

    def create_and_fail() -> None:
        with temporary_secret(tmp_path) as (name, content):
            (file,) = tmp_path.iterdir()
            assert (file.name, file.read_text()) == (name, content)
            assert content.strip().removeprefix("CANARY=") not in file.name
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        create_and_fail()
    assert list(tmp_path.iterdir()) == []
