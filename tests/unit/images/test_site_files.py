"""Tests of the classes of a site's files: docktasks/images/nginx/site-files.mjs, hashed-names.mjs. They need node."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from docktasks.waiting import Probe, wait_until

NGINX = Path(__file__).parents[3] / "docktasks/images/nginx"
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
HEX = "0123456789abcdef"


def hashed(*folders: Iterable[str]) -> list[set[str]]:
    """Return, of the names of each site, those that hashed-names.mjs takes for hashed."""
    script = (
        f"import {{ hashedAmong }} from '{NGINX}/hashed-names.mjs'; import {{ readFileSync }} from 'node:fs';"
        "const folders = JSON.parse(readFileSync(0, 'utf8'));"
        "console.log(JSON.stringify(folders.map((names) => [...hashedAmong(names)])))"
    )
    command, sites = ["node", "--input-type=module", "-e", script], [list(names) for names in folders]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, input=json.dumps(sites)).stdout
    return [set(names) for names in json.loads(output)]


@pytest.mark.parametrize(
    "name",
    ["assets/index-DZQuaRKp.js", "assets/index-D26ty3Ew.js", "assets/index.CX_oY03V.css", "assets/index_B0Pz1_R7.js",
     "_app/immutable/chunks/B2iPLyUM.js", "_app/immutable/entry/start.D4Lgay0q.js", "_nuxt/BQfM_LMv.js",
     "_astro/hoisted.Dj1TGiMC.js", "_astro/houston.DZQuaRKp_Z2gCfYj.webp", "assets/guide_start.md.C_gcIYdA.lean.js",
     "assets/chunks/theme.Wr5K8QSH.js", "assets/style-B6Opl8PE.module.css", "assets/types.d.DVsSRdQ5.ts",
     "assets/index-aB3xQ9kLm2Zt.js", "assets/logo-BR-l9zjD4Kq.svg", "app--QdMvsKi9.css"],
)  # fmt: skip
def test_name_with_a_hash_is_recognised_by_itself(name: str) -> None:
    """Each is the pattern of a bundler or a framework, and no other file helps."""
    assert hashed([name, "index.html"]) == [{name}]


NO_HASHES = [
    "app.js", "user-settings.js", "DarkMode.js", "header-DarkMode.js", "JohnSmith.js", "team/JohnSmith.png",
    "splash-640x1136.svg", "icon-512x512.png", "a-1920x1080.png", "iPad-Pro-11in-1x.png", "changes-20261128.json",
    "report-20261128T1200.json", "release-2026-11-28T12-00-00.json", "IMG_20261128.jpg", "DSC00042.jpg", "Img_2024.png",
    "build-1a2b3c4d.json", "build-1a2b3c4d.txt", "3f2a1b4c-9d8e-4f7a-b6c5-1a2b3c4d5e6f.json", "facade01.js",
    "28feb2026.js", "price-2026list.json", "menu-Autumn26.txt", "v1.2.3-beta.4.js", "app-1.2.3.js", "guide-Chapter1.js",
    "Windows11.js", "iPhone15.js", "GoToPage.js", "sw-precache.js", "NotFoundPage.js", "OpenSans-BoldItalic.woff2",
    "KaTeX_Size1-Regular.woff2", "fa-solid-900.woff2", "createGeometryFromPositions.js", "locale-pt_BR-formal.js",
    "12345678.js", "app-12345678.js", "app-Abcdef1.js", "Abcdef12", "page-12345678.css",
]  # fmt: skip


def test_word_date_size_version_or_id_is_no_hash() -> None:
    """A person or a plugin chose such a name, next to nothing else, to hashes of Vite, and to those of Vite 4."""
    base64 = [f"index{sign}{token}.js" for sign in "-._" for token in ("DZQuaRKp", "D26ty3Ew", "CX_oY03V")]
    base16 = [f"index{sign}{token}.js" for sign in "-._" for token in ("3f2a1b4c", "9d8e4f7a", "b6c51a2b")]
    for others in ([], base64, base16):
        sites = [[name, *others] for name in NO_HASHES]
        assert [name for name, names in zip(NO_HASHES, hashed(*sites), strict=True) if name in names] == []


@pytest.mark.parametrize(
    ("separator", "length", "letters", "count", "most_missed"),
    [
        ("-", 8, BASE64, 10, 0.05), (".", 8, BASE64, 10, 0.05), ("", 8, BASE64, 10, 0.05), ("_", 8, BASE64, 10, 0.05),
        ("-", 12, BASE64, 10, 0.02), ("", 20, BASE64, 3, 0.02), (".", 8, HEX, 10, 0.05), ("-", 12, HEX, 5, 0.02),
        ("-", 8, BASE64, 2, 0.12), ("-", 8, BASE64, 1, 0.16),
    ],
)  # fmt: skip
def test_few_random_hashes_are_missed(
    separator: str, length: int, letters: str, count: int, most_missed: float
) -> None:
    """In a folder of several files few are in doubt; a single file has nothing to be compared with."""
    generator = random.Random(16)  # noqa: S311 - the same names in each run
    stem = "index" if separator else ""
    sites = [
        [f"assets/{stem}{separator}{''.join(generator.choices(letters, k=length))}.js" for _ in range(count)]
        for _ in range(600)
    ]
    missed = [set(names) - hashed_names for names, hashed_names in zip(sites, hashed(*sites), strict=True)]
    assert sum(map(len, missed)) <= most_missed * 600 * count


BUILD = {
    "index.html": "<link rel=manifest href='/app-Dj1TGiMC.json'><script src=/assets/index-DZQuaRKp.js></script>",
    "about/index.html": "",
    "assets/index-DZQuaRKp.js": "navigator.serviceWorker.register('/worker-CX_oY03V.js')",
    "assets/index-DZQuaRKp.js.map": "{}",
    "assets/index-DZQuaRKp.js.LEGAL.txt": "licence",
    "assets/more.js": "export{}",
    "assets/logo.svg": "<svg/>",
    "app-Dj1TGiMC.json": "{}",
    "worker-CX_oY03V.js": "self",
    "sw.js": "self",
    "registerSW.js": "",
    "site.webmanifest": "{}",
    ".vite/manifest.json": "{}",
    "_app/version.json": "{}",
    "sitemap.xml": "<urlset/>",
    "data/posts.json": "[]",
    "splash-D26ty3Ew.png": "png",
    "robots.txt": "User-agent: *",
}
SOURCE = {
    "src/more.js": "import('./other')",
    "src/assets/logo.svg": "<svg/>",
    "src/assets/unused.svg": "<svg/>",
    "client/static/splash-D26ty3Ew.png": "png",
    "client/static/robots.txt": "User-agent: *",
    "client/index.html": "<script src=main.ts></script>",
    "node_modules/pkg/data/posts.json": "[]",
}


def test_classes_of_a_build(tmp_path: Path) -> None:
    """Pages, service workers, manifests and versions belong to one release, and copies of a public folder as well."""
    for name, text in SOURCE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    started = time.time() * 1000
    wait_until(lambda: Probe(time.time() * 1000 > started + 30), limit=5)  # file times have steps of some milliseconds
    for name, text in BUILD.items():
        (tmp_path / "dist" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "dist" / name).write_text(text)
    script = (
        f"import {{ classify }} from '{NGINX}/site-files.mjs';"
        "const [names, started] = JSON.parse(process.argv[1]);"
        "const classes = await classify('dist', new Set(names), started);"
        "console.log(JSON.stringify(Object.entries(classes).map(([name, files]) => [name, [...files].sort()])))"
    )
    command = ["node", "--input-type=module", "-e", script, json.dumps([list(BUILD), started + 15])]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=tmp_path).stdout
    assert dict(json.loads(output)) == {
        "pages": ["about/index.html", "index.html"],
        "hashed": ["assets/index-DZQuaRKp.js"],
        "built": ["assets/logo.svg", "assets/more.js", "data/posts.json"],
        "copied": ["robots.txt", "splash-D26ty3Ew.png"],
    }
