"""docktasks/images/nginx/assemble.mjs: what it makes of a build. Needs node, as the app does."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from docktasks.waiting import Probe, wait_until

ROOT = Path(__file__).parents[3]


def hashed(folder: Path, built: list[str], public: tuple[str, ...] = ()) -> set[str]:
    """The files that a build of these, and of these from public/, has put with the hashed ones."""
    for name in ("index.html", *built, *public):
        write(folder / "dist" / name)
    for name in public:
        write(folder / "public" / name)
    assemble(folder)
    trees = {name: folder / "out/srv" / name for name in ("hashed/site", "site")}
    found = {
        name: {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
        for name, tree in trees.items()
    }
    assert found["hashed/site"] | found["site"] == {"index.html", *built, *public}
    return found["hashed/site"]


def assemble(folder: Path, build: str = "true") -> str:
    """Have the image's files made in `out` of what this shell command builds; what it printed."""
    (folder / "version").write_text("nginx version: nginx/1.30.6")
    (folder / "package.json").write_text('{"name": "app"}')
    (folder / "kept").mkdir(exist_ok=True)
    nginx = str(ROOT / "docktasks/images/nginx")
    line = 'touch started && sh -c "$0" >&2 && node "$@"'
    args = [
        "sh",
        "-c",
        line,
        build,
        f"{nginx}/assemble.mjs",
        "dist",
        "started",
        nginx,
        "version",
        "out",
        "built/dist",
        "kept",
    ]
    return subprocess.run(args, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout


def write(path: Path) -> None:
    """A file too small for a compressed twin."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")


@pytest.mark.parametrize(
    "name",
    ["app-Abcdef12.js", "app-abcdef_1.css", "app--bcdef1H.css", "app-12345678-Abcdef12.js", "-Abcdef12.js",
     "app-Abcdef12.chunk.js", "deep/er/logo-Abcdef12.svg"],
)  # fmt: skip
def test_a_hash_is_known(tmp_path: Path, name: str) -> None:
    """Vite's default, a dash and eight characters, among names of any kind."""
    assert hashed(tmp_path, [f"assets/{name}", "assets/app.js"]) == {f"assets/{name}"}


@pytest.mark.parametrize(
    "name",
    ["app.js", "user-settings.js", "report-20261101.pdf", "app-Abcdef1.js", "app-Abcdef123.js", "app-Abcde+12.js",
     "app-Abcdef12", "app-Abcdef12.", "Abcdef12.js", "app-Abcdef12/app.js", "page-Abcdef12.html"],
)  # fmt: skip
def test_another_name_is_not(tmp_path: Path, name: str) -> None:
    """It may stay the same while the file changes, so nobody is told to keep it, nor is it carried over."""
    assert hashed(tmp_path, [f"assets/{name}", "assets/own.js"]) == set()


def test_a_hash_of_small_letters_is_known_among_its_like(tmp_path: Path) -> None:
    """About one hash in a thousand looks like a word. Where all that was built there has a hash, so has this one."""
    built = ["assets/index-Abcdef12.js", "assets/ServingView-xaurrsun.js", "assets/style-20261101.css"]
    assert hashed(tmp_path, [*built, "robots.txt"], ("assets/logo.svg",)) == set(built)


def test_a_file_of_public_is_not(tmp_path: Path) -> None:
    """Its name is its own, however it ends."""
    public = ("assets/cover-portrait.jpg", "assets/scan-IMG_2024.jpg", "photo-Abcdef12.jpg")
    assert hashed(tmp_path, ["assets/index-Abcdef12.js"], public) == {"assets/index-Abcdef12.js"}


def page(folder: Path, text: str) -> None:
    """A build of one page and one script."""
    write(folder / "assets/index-Abcdef12.js")
    (folder / "index.html").write_text(text)


def test_the_folder_that_the_build_filled_is_found(tmp_path: Path) -> None:
    """Where it is not the one that is expected: by its page, which is newer than the build's beginning."""
    for name in ("public", "build/web", "old", "build/web/docs", "node_modules/pkg"):
        write(tmp_path / name / "index.html")
        os.utime(tmp_path / name / "index.html", (1_700_000_000, 1_700_000_000))
    written = "touch build/web/index.html build/web/docs/index.html node_modules/pkg/index.html"
    assert "NOTICE: the build filled build/web, not dist" in assemble(tmp_path, written)
    assert (tmp_path / "out/srv/site/docs/index.html").is_file()
    assert not (tmp_path / "out/srv/site/web").exists()


def test_an_older_builds_result_is_not_taken_for_this_ones(tmp_path: Path) -> None:
    """Where the source came with one, in the folder that is expected."""
    write(tmp_path / "dist/index.html")
    write(tmp_path / "dist/old.html")
    old = (tmp_path / "dist/index.html").stat().st_ctime
    wait_until(lambda: Probe(time.time() > old + 0.03), limit=5)  # by more than install.sh takes
    assert "NOTICE: the build filled web, not dist" in assemble(tmp_path, "mkdir web; echo new >web/index.html")
    assert [path.name for path in (tmp_path / "out/srv/site").iterdir()] == ["index.html"]


def test_a_page_that_was_there_before_is_the_site_where_there_is_no_other(tmp_path: Path) -> None:
    """A build may have nothing to do."""
    write(tmp_path / "dist/index.html")
    assert "NOTICE" not in assemble(tmp_path)


def test_a_page_that_is_copied_with_its_time_is_this_builds(tmp_path: Path) -> None:
    """Though another is younger."""
    write(tmp_path / "page/index.html")
    os.utime(tmp_path / "page/index.html", (1_700_000_000, 1_700_000_000))
    assert "NOTICE" not in assemble(tmp_path, "mkdir dist; cp -p page/index.html dist; touch page/index.html")


def test_a_link_is_left_out_and_told(tmp_path: Path) -> None:
    """What it names is shipped under its own name alone."""
    said = assemble(tmp_path, "mkdir dist; echo page >dist/index.html; ln -s index.html dist/404.html")
    assert re.search("NOTICE: left out, since it is a link .*: 404.html\n", said)
    assert [path.name for path in (tmp_path / "out/srv/site").iterdir()] == ["index.html"]


def test_a_folder_that_is_a_link_is_followed(tmp_path: Path) -> None:
    """The site, and what the build wrote, are the folder's that it names."""
    assemble(tmp_path, "mkdir -p build/web; echo page >build/web/index.html; ln -s build/web dist")
    assert (tmp_path / "out/srv/site/index.html").read_text() == "page\n"
    assert (tmp_path / "built/dist/index.html").read_text() == "page\n"


def test_a_build_that_filled_nothing_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A page that was there before is not what it wrote."""
    write(tmp_path / "public/index.html")
    os.utime(tmp_path / "public/index.html", (1_700_000_000, 1_700_000_000))
    with pytest.raises(subprocess.CalledProcessError):
        assemble(tmp_path)
    assert "dist/index.html does not exist after the build" in capfd.readouterr().err


@pytest.mark.parametrize("build", ["echo cannot resolve ./App.vue; exit 3", "kill -KILL $$"])
def test_a_build_that_fails_makes_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str], build: str) -> None:
    """Though an earlier one's result is there: the step fails, and with it the image's build."""
    write(tmp_path / "dist/index.html")
    with pytest.raises(subprocess.CalledProcessError):
        assemble(tmp_path, build)
    assert "The build did not come to its end" in capfd.readouterr().err
    assert not (tmp_path / "out/srv/site/index.html").exists()


@pytest.mark.parametrize(
    ("text", "rewrite"),
    [
        ('<script type="module" src="/shop/assets/index-Abcdef12.js"></script>', 'rewrite "^/shop/(.*)$" /$1 last;'),
        ('<script src="/a.b/c/assets/index-Abcdef12.js"></script>', r'rewrite "^/a\.b/c/(.*)$" /$1 last;'),
        ('<script type="module" src="/assets/index-Abcdef12.js"></script>', ""),
        ('<script type="module" src="./assets/index-Abcdef12.js"></script>', ""),
        ('<script src="https://cdn.example/shop/assets/index-Abcdef12.js"></script>', ""),
        ('<link rel="canonical" href="/shop/"><p>/shop/assets/index-Abcdef12.js</p>', ""),
    ],
)
def test_a_base_path_is_read_from_the_page(tmp_path: Path, text: str, rewrite: str) -> None:
    """What the page loads stands below it, and is served from there."""
    page(tmp_path / "dist", text)
    said = assemble(tmp_path)
    conf = tmp_path / "out/etc/nginx/base/base.conf"
    assert (conf.read_text().strip() if conf.exists() else "") == rewrite
    assert ("the site is served at" in said) == bool(rewrite)


def compressed(folder: Path, text: str) -> bytes:
    """The brotli twin of a script with this text, of a build that may use what the one before has made."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    shutil.rmtree(folder / "built", ignore_errors=True)
    write(folder / "dist/index.html")
    (folder / "dist/app.js").write_text(text)
    assemble(folder)
    return (folder / "out/srv/br/app.js").read_bytes()


def test_a_twin_is_compressed_once(tmp_path: Path) -> None:
    """The same file's twin is what the last build made of it; another file's is made, and takes its place."""
    one, other = compressed(tmp_path, "one " * 500), compressed(tmp_path, "other " * 500)
    assert one != other
    (kept,) = (tmp_path / "kept").iterdir()
    marked = (
        "const v8 = require('node:v8'), fs = require('node:fs'); const [path] = process.argv.slice(1);"
        "const twins = v8.deserialize(fs.readFileSync(path)); if (twins.size !== 1) throw new Error('kept too many');"
        "for (const of of twins.keys()) twins.set(of, Buffer.from('marked'));"
        "fs.writeFileSync(path, v8.serialize(twins))"
    )
    subprocess.run(["node", "-e", marked, str(kept)], check=True)
    assert compressed(tmp_path, "other " * 500) == b"marked"
    assert compressed(tmp_path, "one " * 500) == one


def test_brotlis_highest_level_is_for_what_is_not_large(tmp_path: Path) -> None:
    """From 128 kB on it would keep an edit waiting for a fiftieth of the bytes."""
    sizes = (128 * 1024 - 1, 128 * 1024)
    at_level = (
        "const [size, level] = process.argv.slice(1).map(Number), zlib = require('node:zlib'), { constants } = zlib;"
        "const params = { [constants.BROTLI_PARAM_QUALITY]: level, [constants.BROTLI_PARAM_SIZE_HINT]: size,"
        "[constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT };"
        "const text = require('node:fs').readFileSync(0);"
        "process.stdout.write(zlib.brotliCompressSync(text.subarray(0, size), { params }))"
    )
    numbers = "".join(f"{number * number}\n" for number in range(20_000))
    for size, level in zip(sizes, (11, 10), strict=True):
        by_level = {
            each: subprocess.run(
                ["node", "-e", at_level, str(size), str(each)], input=numbers.encode(), check=True, capture_output=True
            ).stdout
            for each in (10, 11)
        }
        assert by_level[10] != by_level[11]
        assert compressed(tmp_path, numbers[:size]) == by_level[level]


def test_a_builds_own_twin_is_replaced_whichever_comes_first(tmp_path: Path) -> None:
    """Some plugins make them. What the image gets is one form of the file; what the build wrote stays what it is."""
    noise = "head -c 400000 /dev/urandom | base64"  # which keeps one of the eight at work, so that the others go ahead
    build = (
        f"mkdir dist; echo page >dist/index.html; {noise} >dist/0.js; touch dist/1 dist/2 dist/3 dist/4 dist/5 dist/6;"
        "for name in 7 8 9; do seq 1000 >dist/$name.js; echo other >dist/$name.js.gz; done"
    )
    assemble(tmp_path, build)
    numbers = "".join(f"{number}\n" for number in range(1, 1001))
    for name in "789":
        assert gzip.decompress((tmp_path / f"out/srv/site/{name}.js.gz").read_bytes()).decode() == numbers
        assert (tmp_path / f"built/dist/{name}.js.gz").read_text() == "other\n"


def test_what_is_kept_and_cannot_be_read_is_made_again(tmp_path: Path) -> None:
    """A cache is nothing to rely on."""
    one = compressed(tmp_path, "one " * 500)
    (kept,) = (tmp_path / "kept").iterdir()
    kept.write_bytes(b"cut sho")
    assert compressed(tmp_path, "one " * 500) == one
    assert [each.name for each in (tmp_path / "kept").iterdir()] == [kept.name]
