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
FOR_OTHER_PROGRAMS = re.compile(r"(?:application|model|text)/(?:vnd\.|x-|prs\.)|chemical/|message/|x-")
"""Types that a browser only saves, as it does with a file of unknown type: they would double the table."""
KEPT = {"application/vnd.ms-fontobject", "application/x-shockwave-flash", *OVERRIDES.values()}


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
        if FOR_OTHER_PROGRAMS.match(media_type) and media_type not in KEPT:
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
