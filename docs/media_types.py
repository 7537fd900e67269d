"""Write nginx's table of media types from mime-db, the table that npm's packages share: python docs/media_types.py."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from pathlib import Path

TABLE = Path(__file__).parent.parent / "docktasks/images/nginx/serving/media-types.conf"
PACKAGE = "mime-types@3.0.2"
"""It chooses one type for each extension of mime-db: https://github.com/jshttp/mime-types."""
OVERRIDES = {"cjs": "text/javascript", "ico": "image/x-icon", "m4v": "video/mp4"}
"""Extension -> media type, where browsers and nginx's own table know another name better than mime-db's."""
FOR_BROWSERS = re.compile(
    r"(?:audio|font|image|model|text|video)/(?!vnd|x-vnd|prs)"
    r"|application/(?:[\w.-]+\+json|(?:atom|gpx|rss|xhtml)\+xml|dash\+xml|ecmascript|epub\+zip|gzip|json5?|ogg|pdf|rtf"
    r"|vnd\.(?:apple\.mpegurl|google-earth\.km[lz]|ms-fontobject)|wasm|xml|zip)$"
)
"""Types that a browser acts on. It saves a file of another type, as it does with a file of unknown type."""


def main() -> None:
    """Install the package into a temporary folder, and write the table."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "install", "--silent", "--no-save", "--prefix", folder, PACKAGE], check=True)
        program = "console.log(JSON.stringify(require('mime-types').types))"
        dump = subprocess.run(["node", "-e", program], cwd=folder, check=True, capture_output=True, text=True)
        version = json.loads(Path(folder, "node_modules/mime-db/package.json").read_text())["version"]
    TABLE.write_text(render(json.loads(dump.stdout) | OVERRIDES, version))


def render(types: dict[str, str], version: str) -> str:
    """Return the configuration file for these types by their extensions."""
    extensions: dict[str, list[str]] = {}
    for extension, media_type in sorted(types.items()):
        if not FOR_BROWSERS.match(media_type):
            continue
        extensions.setdefault(media_type, []).append(extension)
    lines = [f"    {media_type} {' '.join(names)};" for media_type, names in sorted(extensions.items())]
    return "\n".join(
        [
            f"# The type of a file, by its extension: mime-db {version}, https://github.com/jshttp/mime-db. `verify`",
            "# reads this table, too. Written by docs/media_types.py. Do not edit it.",
            "types {",
            *lines,
            "}",
            "",
        ]
    )


if __name__ == "__main__":
    main()
