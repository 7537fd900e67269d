"""Tests of docktasks/images/nginx/assemble.mjs, which makes the image's files from a build. They need node."""

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


def assemble(folder: Path, build: str = "true") -> str:
    """Run the shell command `build`, then assemble.mjs, which fills `out`. Return the output of assemble.mjs."""
    (folder / "version").write_text("nginx version: nginx/1.30.6")
    (folder / "package.json").write_text('{"name": "app"}')
    (folder / "cache").mkdir(exist_ok=True)
    nginx = str(ROOT / "docktasks/images/nginx")
    script = 'touch started && sh -c "$0" >&2 && node "$@"'
    words = f"{nginx}/assemble.mjs dist started {nginx} version out built/dist cache".split()
    args = ["sh", "-c", script, build, *words]
    return subprocess.run(args, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout


def write(path: Path) -> None:
    """Write a file that is too small for a compressed copy."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")


def test_site_without_a_hashed_name_has_the_folder_that_carry_reads(tmp_path: Path) -> None:
    """A release without such files is carried like every other."""
    write(tmp_path / "dist/index.html")
    assemble(tmp_path)
    assert list((tmp_path / "out/srv/hashed").iterdir()) == []


def page(folder: Path, text: str) -> None:
    """Write a page with this text, and one script."""
    write(folder / "assets/index-Abcdef12.js")
    (folder / "index.html").write_text(text)


def test_another_output_folder_is_recognised_by_its_new_page(tmp_path: Path) -> None:
    """The page is younger than the start of the build. Older pages, and pages in node_modules, do not count."""
    for name in ("public", "build/web", "old", "build/web/docs", "node_modules/pkg"):
        write(tmp_path / name / "index.html")
        os.utime(tmp_path / name / "index.html", (1_700_000_000, 1_700_000_000))
    written = "touch build/web/index.html build/web/docs/index.html node_modules/pkg/index.html"
    assert "NOTICE: The build filled build/web, not dist" in assemble(tmp_path, written)
    assert (tmp_path / "out/srv/site/docs/index.html").is_file()
    assert not (tmp_path / "out/srv/site/web").exists()


def test_old_page_in_dist_is_ignored_when_the_build_fills_another_folder(tmp_path: Path) -> None:
    """The source may have the output of an earlier build in the folder of app.dist."""
    write(tmp_path / "dist/index.html")
    write(tmp_path / "dist/old.html")
    wait_for_new_times(tmp_path / "dist/index.html")
    assert "NOTICE: The build filled web, not dist" in assemble(tmp_path, "mkdir web; echo new >web/index.html")
    assert [path.name for path in (tmp_path / "out/srv/site").iterdir()] == ["index.html"]


def test_old_page_in_dist_is_the_site_when_the_build_writes_no_page(tmp_path: Path) -> None:
    """A build without changes may write nothing."""
    write(tmp_path / "dist/index.html")
    assert "NOTICE" not in assemble(tmp_path)


def test_page_that_the_build_copied_with_an_old_time_is_the_site(tmp_path: Path) -> None:
    """The copy in dist is older than the build, and the page in the source is newer."""
    write(tmp_path / "page/index.html")
    os.utime(tmp_path / "page/index.html", (1_700_000_000, 1_700_000_000))
    assert "NOTICE" not in assemble(tmp_path, "mkdir dist; cp -p page/index.html dist; touch page/index.html")


def test_symbolic_link_is_left_out_with_a_notice(tmp_path: Path) -> None:
    """The image has the target of the link under the target's own name only."""
    output = assemble(tmp_path, "mkdir dist; echo page >dist/index.html; ln -s index.html dist/404.html")
    assert re.search("NOTICE: Left out, because it is a link .*: 404.html\n", output)
    assert [path.name for path in (tmp_path / "out/srv/site").iterdir()] == ["index.html"]


def test_dist_folder_may_be_a_symbolic_link(tmp_path: Path) -> None:
    """The image and the stage `dist` get the files of the link's target."""
    assemble(tmp_path, "mkdir -p build/web; echo page >build/web/index.html; ln -s build/web dist")
    assert (tmp_path / "out/srv/site/index.html").read_text() == "page\n"
    assert (tmp_path / "built/dist/index.html").read_text() == "page\n"


@pytest.mark.parametrize(
    ("build", "message"),
    [
        ("mkdir dist; echo 1 >dist/lib.js", "The build wrote no HTML page into dist"),
        (
            "mkdir dist; echo >dist/index.html; touch \"$(printf 'dist/a\\nb.txt')\"",
            r'names no address can hold: "a\nb.txt"',
        ),
        (
            "mkdir dist; echo >dist/index.html; touch \"$(printf 'dist/a\\377.txt')\"",
            'names no address can hold: "a\N{REPLACEMENT CHARACTER}.txt"',
        ),
    ],
    ids=["no page", "control character", "no UTF-8"],
)
def test_build_that_cannot_be_served_is_an_error(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], build: str, message: str
) -> None:
    """An old page in another folder of the source is no page of the build."""
    write(tmp_path / "public/index.html")
    os.utime(tmp_path / "public/index.html", (1_700_000_000, 1_700_000_000))
    wait_for_new_times(tmp_path / "public/index.html")
    with pytest.raises(subprocess.CalledProcessError):
        assemble(tmp_path, build)
    assert message in capfd.readouterr().err


def wait_for_new_times(path: Path) -> None:
    """Wait until a new file gets a later time than this one: file times have steps of some milliseconds."""
    changed = path.stat().st_ctime
    wait_until(lambda: Probe(time.time() > changed + 0.03), limit=5)


def files(folder: Path) -> set[str]:
    """Return the paths of the files below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("build", "folder", "site"),
    [
        ("at dist/src/pages/index.html /assets/a.js; at dist/assets/a.js", "dist",
         {"src/pages/index.html", "assets/a.js"}),
        ("at build/client/index.html /assets/a.js; at build/client/assets/a.js; at build/server/s.js", "build/client",
         {"index.html", "assets/a.js"}),
        ("at dist/client/index.html ./a.js; at dist/client/a.js; at dist/server/s.js", "dist/client",
         {"index.html", "a.js"}),
        ("at docs/.vitepress/dist/index.html /a.js; at docs/.vitepress/dist/a.js", "docs/.vitepress/dist",
         {"index.html", "a.js"}),
        ("at .output/public/index.html; at .nuxt/dist/index.html; ln -s .output/public dist", "dist", {"index.html"}),
        ("at .output/public/index.html; at .svelte-kit/index.html", ".output/public", {"index.html"}),
        ("at build/index.html; at .svelte-kit/output/index.html", "build", {"index.html"}),
        ("at dist/en/docs/guide.html; at dist/en/start.html", "dist", {"en/docs/guide.html", "en/start.html"}),
        ("at web/shop/index.html /shop/a/a.js; at web/shop/a/a.js", "web", {"shop/index.html", "shop/a/a.js"}),
    ],
    ids=["page in a folder", "React Router", "client and server", "VitePress", "Nuxt's link", "Nuxt", "SvelteKit",
         "no index.html", "base path as a folder"],
)  # fmt: skip
def test_site_is_the_folder_that_has_what_its_page_loads(
    tmp_path: Path, build: str, folder: str, site: set[str]
) -> None:
    """The image has all that belongs to the site, and nothing else."""
    write(tmp_path / "public/old.html")
    wait_for_new_times(tmp_path / "public/old.html")
    function = 'at() { mkdir -p "${1%/*}"; echo "<script src=$2></script>" >"$1"; }; '
    output = assemble(tmp_path, function + build)
    shipped = files(tmp_path / "out/srv/site") | files(tmp_path / "out/srv/hashed/site")
    assert shipped == site
    assert (f"NOTICE: The build filled {folder}, not dist" in output) == (folder != "dist")


def test_site_without_a_page_at_its_root_says_which_pages_it_has(tmp_path: Path) -> None:
    """A visitor who follows the printed address would get an error, and the user reads why."""
    output = assemble(tmp_path, "mkdir -p dist/a; for page in b a/c d; do echo >dist/$page.html; done")
    assert "but / with /b.html, because the build wrote /a/c.html, /b.html, /d.html, and no page for /" in output


def test_only_page_of_a_site_is_its_page_at_the_root(tmp_path: Path) -> None:
    """Vite keeps the folder of a page, and the printed address must show the app."""
    output = assemble(tmp_path, "mkdir -p dist/src/pages; echo >dist/src/pages/index.html")
    assert "the page src/pages/index.html, because it is the only page that the build wrote" in output


@pytest.mark.parametrize(
    ("text", "base"),
    [
        (
            '<script type="module" src="/shop/assets/index-Abcdef12.js"></script>',
            "/shop/",
        ),
        (
            '<script src="/a.b/c/assets/index-Abcdef12.js"></script>',
            r"/a\.b/c/",
        ),
        ('<script type="module" src="/assets/index-Abcdef12.js"></script>', ""),
        ('<script type="module" src="./assets/index-Abcdef12.js"></script>', ""),
        ('<script src="https://cdn.example/shop/assets/index-Abcdef12.js"></script>', ""),
        ('<link rel="canonical" href="/shop/"><p>/shop/assets/index-Abcdef12.js</p>', ""),
    ],
)
def test_base_path_follows_from_the_addresses_in_the_page(tmp_path: Path, text: str, base: str) -> None:
    """The site is served below the path from which the page loads its scripts."""
    page(tmp_path / "dist", text)
    output = assemble(tmp_path)
    conf = tmp_path / "out/etc/nginx/base/base.conf"
    rewrite = f'rewrite "^{base}(?<below_base>.*)$" /$below_base last;\n'
    assert (conf.read_text() if conf.exists() else "") == (rewrite if base else "")
    assert ("The site is served at" in output) == bool(base)
    health = tmp_path / "out/etc/nginx/site/base.conf"
    named = base.replace("\\", "")
    assert (f"The base path is {named}." in health.read_text() if health.exists() else False) == bool(base)


def compressed(folder: Path, text: str) -> bytes:
    """Build a script with this text, with the cache of earlier builds. Return the script's brotli copy."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    shutil.rmtree(folder / "built", ignore_errors=True)
    write(folder / "dist/index.html")
    (folder / "dist/app.js").write_text(text)
    assemble(folder)
    return (folder / "out/srv/br/app.js").read_bytes()


def test_unchanged_file_is_not_compressed_again(tmp_path: Path) -> None:
    """Its brotli copy comes from the cache, which has only the copies of the last build."""
    first, other = compressed(tmp_path, "one " * 500), compressed(tmp_path, "other " * 500)
    assert first != other
    (stored,) = (tmp_path / "cache").iterdir()
    marked = (
        "const v8 = require('node:v8'), fs = require('node:fs'); const [path] = process.argv.slice(1);"
        "const copies = v8.deserialize(fs.readFileSync(path)); if (copies.size !== 1) throw new Error('too many');"
        "for (const key of copies.keys()) copies.set(key, Buffer.from('marked'));"
        "fs.writeFileSync(path, v8.serialize(copies))"
    )
    subprocess.run(["node", "-e", marked, str(stored)], check=True)
    assert compressed(tmp_path, "other " * 500) == b"marked"
    assert compressed(tmp_path, "one " * 500) == first


def test_files_below_128_kib_get_the_highest_brotli_level(tmp_path: Path) -> None:
    """For a larger file that level takes long and saves only 2 % of the bytes."""
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
            other: subprocess.run(
                ["node", "-e", at_level, str(size), str(other)], input=numbers.encode(), check=True, capture_output=True
            ).stdout
            for other in (10, 11)
        }
        assert by_level[10] != by_level[11]
        assert compressed(tmp_path, numbers[:size]) == by_level[level]


def test_gzip_copy_of_the_build_is_replaced(tmp_path: Path) -> None:
    """The image gets a gzip copy of the file's real content, in any order of work. The build's output stays."""
    noise = "head -c 400000 /dev/urandom | base64"  # a large file, so that other files are finished before it
    build = (
        f"mkdir dist; echo page >dist/index.html; {noise} >dist/0.js; touch dist/1 dist/2 dist/3 dist/4 dist/5 dist/6;"
        "for name in 7 8 9; do seq 1000 >dist/$name.js; echo other >dist/$name.js.gz; done"
    )
    assemble(tmp_path, build)
    numbers = "".join(f"{number}\n" for number in range(1, 1001))
    for name in "789":
        assert gzip.decompress((tmp_path / f"out/srv/site/{name}.js.gz").read_bytes()).decode() == numbers
        assert (tmp_path / f"built/dist/{name}.js.gz").read_text() == "other\n"


def test_broken_cache_is_replaced(tmp_path: Path) -> None:
    """The copies are made and stored again."""
    first = compressed(tmp_path, "one " * 500)
    (stored,) = (tmp_path / "cache").iterdir()
    stored.write_bytes(b"cut sho")
    assert compressed(tmp_path, "one " * 500) == first
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [stored.name]


def test_build_without_the_command_vite_is_refused_when_a_setting_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """node/vite/preload.cjs leaves a file where Vite's command has run with the options of the settings."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("HELLO_DOCK_VITE", '{"mode":"staging","runtimeEnv":["VITE_A"]}')
    with pytest.raises(subprocess.CalledProcessError):
        assemble(tmp_path, "mkdir dist; echo page >dist/index.html")
    error = capfd.readouterr().err
    assert "REFUSED: The script `build` does not run the command `vite`." in error
    assert "No other command gets build.mode and prod.runtime_env." in error
    assert '"build": "astro build --mode staging"' in error
    (tmp_path / "hello-dock-vite.config.mjs").touch()
    page = "<script src=/env.js></script>"
    assert "env.js" not in assemble(tmp_path, f"echo '{page}' >dist/index.html")
    assert "NOTICE: more.html does not load /env.js" in assemble(tmp_path, "rm -r out built; echo page >dist/more.html")
    with pytest.raises(subprocess.CalledProcessError):
        assemble(tmp_path, "rm -r out built dist/more.html; echo page >dist/index.html")
    assert "REFUSED: No page loads /env.js, for example index.html." in capfd.readouterr().err


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("vite.config.ts", "export default { build: { outDir: '../../out/web', emptyOutDir: true } }"),
        ("package.json", '{"scripts": {"build": "vite build --outDir ../../out/web/"}}'),
    ],
)
def test_folder_outside_of_the_apps_is_found_by_its_name(tmp_path: Path, name: str, text: str) -> None:
    """nx lets each app of a workspace build there. An old page in dist does not count."""
    app = tmp_path / "apps/web"
    write(app / "dist/index.html")
    os.utime(app / "dist/index.html", (1_700_000_000, 1_700_000_000))
    (tmp_path / "text").write_text(text)
    output = assemble(app, f"cp ../../text {name}; mkdir -p ../../out/web; echo page >../../out/web/index.html")
    assert "NOTICE: The build filled ../../out/web, not dist" in output
    assert (app / "out/srv/site/index.html").read_text() == "page\n"


SOURCE_MAP = '{"version":3,"mappings":"AAAA","sources":["secret.ts"]}'


@pytest.mark.parametrize(("setting", "is_public"), [("", False), ("public", True)])
def test_source_maps_are_in_the_site_only_when_they_are_public(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, *, is_public: bool
) -> None:
    """They are written next to the site in both cases. A file of another program may be called .map, too."""
    monkeypatch.setenv("HELLO_DOCK_SOURCE_MAPS", setting)
    maps = ["assets/a-Abcdef12.js.map", "assets/a-Abcdef12.js.map.gz", "maps/other.map", "lib/lib.css.map"]
    for name in ("index.html", "assets/a-Abcdef12.js", "levels/one.map", *maps):
        write(tmp_path / "site" / name)
    (tmp_path / "site/maps/other.map").write_text(SOURCE_MAP)
    output = assemble(tmp_path, "cp -r site dist")
    served = {str(path.relative_to(tmp_path / "out/srv")) for path in (tmp_path / "out/srv").rglob("*.map*")}
    written = {str(path.relative_to(tmp_path / "built/maps")) for path in (tmp_path / "built/maps").rglob("*.map*")}
    assert written == set(maps)
    assert {name.partition("site/")[2] for name in served} >= {"levels/one.map", *(maps if is_public else [])}
    assert ("4 source maps are kept out of the site" in output) is not is_public
    assert is_public or not {name.partition("site/")[2] for name in served} & set(maps)
    assert (tmp_path / "built/dist/maps/other.map").exists() is is_public


@pytest.mark.parametrize(
    ("script", "is_refused"),
    [
        ('precacheAndRoute([{url:"index.html"},{url:"assets/a-Abcdef12.js.map",revision:null}])', True),
        ("cache.addAll(['/', '/assets/a-Abcdef12.js.map'])", True),
        ("precacheAndRoute([])\n//# sourceMappingURL=a-Abcdef12.js.map", False),
        ('say("assets/a-Abcdef12.js.map")', False),
    ],
)
def test_service_worker_that_needs_a_source_map_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], script: str, *, is_refused: bool
) -> None:
    """No map is served, and a browser installs no service worker when a file of its list is missing."""
    for name in ("index.html", "assets/a-Abcdef12.js", "assets/a-Abcdef12.js.map"):
        write(tmp_path / "site" / name)
    (tmp_path / "site/sw.js").write_text(script)
    if not is_refused:
        assemble(tmp_path, "cp -r site dist")
        return
    with pytest.raises(subprocess.CalledProcessError):
        assemble(tmp_path, "cp -r site dist")
    error = capfd.readouterr().err
    assert "REFUSED: The service worker's list in sw.js has the source map assets/a-Abcdef12.js.map." in error
    assert "globIgnores: ['**/*.map']" in error


def test_source_map_inside_of_a_script_is_named(tmp_path: Path) -> None:
    """It cannot be left out without another content of the script."""
    write(tmp_path / "site/index.html")
    comment = "//# sourceMappingURL=data:application/json;base64,"
    (tmp_path / "site/a.js").write_text(f"go()\n{comment}{'e30=' * 8}")
    (tmp_path / "site/library.js").write_text(
        f"const a = (map) => `\n{comment}${{btoa(map)}}`, b = '{comment}{'e30=' * 8}'"
    )
    assert "NOTICE: The source of the app is in a.js, where" in assemble(tmp_path, "cp -r site dist")


def test_files_with_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    """Editors on Windows write it, and npm and Vite pass over it."""
    write(tmp_path / "dist/index.html")
    (tmp_path / "dist/_redirects").write_text("\ufeff/old /new 301\n")
    assemble(tmp_path, "printf '\\357\\273\\277{}' >package.json")
    assert "~^/old" in (tmp_path / "out/etc/nginx/site/redirects.conf").read_text()
