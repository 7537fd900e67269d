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


def test_what_is_saved_at_the_time_of_the_edit_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program may save the file after it was read and before it is written."""
    file = tmp_path / "style.css"
    file.write_text("a {}\n")
    real = Path.stat

    def save_then_look(path: Path, **options: bool) -> os.stat_result:
        if path == file:
            file.write_bytes(b"a {}\nb {}\n")
        return real(path, **options)

    monkeypatch.setattr(Path, "stat", save_then_look)
    with temporary_edit(file, "c {}\n"):
        assert file.read_bytes() == b"a {}\nb {}\n"
    assert file.read_bytes() == b"a {}\nb {}\n"


@pytest.mark.parametrize(
    "saved", ["a {}\r\n\r\n:root { --mark: 1 }\r\nb {}\r\n", "a {}\n\n:root {\n  --mark: 1;\n}\nb {}\n"]
)
def test_mark_goes_from_a_file_that_an_editor_has_rewritten(tmp_path: Path, saved: str) -> None:
    """It may write other ends of lines, or format the file."""
    file = tmp_path / "style.css"
    file.write_text("a {}\n")
    with marked_edit(file, "--mark"):
        file.write_bytes(saved.encode())
    text = file.read_bytes().decode()
    assert "--mark" not in text
    assert [line for line in text.splitlines() if line] == ["a {}", "b {}"]


def test_mark_of_a_script_is_read_so_that_esbuild_keeps_it(tmp_path: Path) -> None:
    """esbuild leaves out a text that nothing reads. An editor may write other quotes and a semicolon."""
    file = tmp_path / "main.ts"
    file.write_text("a()\n")
    with marked_edit(file, "--mark"):
        assert file.read_text() == "a()\n\nvoid '--mark'.valueOf()\n"
        file.write_text('a();\n\nvoid "--mark".valueOf();\nb();\n')
    assert file.read_text() == "a();\n\nb();\n"


@pytest.mark.parametrize(
    ("text", "edited"),
    [
        (
            "<template>\n</template>\n<style lang='scss'>\na {}\n</style>\n<i18n>{}</i18n>\n",
            "<template>\n</template>\n<style lang='scss'>\na {}\n\n:root { --mark: 1; }\n</style>\n<i18n>{}</i18n>\n",
        ),
        (
            "<script>w('<style>')</script>\n<!-- <style></style> -->\n<style></style>",
            "<script>w('<style>')</script>\n<!-- <style></style> -->\n<style>\n:root { --mark: 1; }\n</style>",
        ),
        ("<style scoped>a {}</style>", "<style scoped>a {}\n:global(:root) { --mark: 1; }\n</style>"),
        (
            "<style src='./a.css'></style><style lang=\"sass\">a</style><style></style>",
            "<style src='./a.css'></style><style lang=\"sass\">a</style><style>\n:root { --mark: 1; }\n</style>",
        ),
    ],
)
def test_component_is_edited_in_a_style_that_it_has(tmp_path: Path, text: str, edited: str) -> None:
    """A second style reaches no page when Vite knows it from an earlier edit."""
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
