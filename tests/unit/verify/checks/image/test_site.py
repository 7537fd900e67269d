from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from docktasks.commands import Result
from docktasks.settings import Settings
from tests.unit.fakes.built_image import COMMIT, SITE, TEXT, BuiltImage, shipped, with_labels
from tests.unit.fakes.git import commit_all
from tests.unit.fakes.runner import Runner
from tests.unit.fakes.sites import compress

HTML_BR, HTML_GZ, HTML = "/srv/br/index.html", "/srv/site/index.html.gz", "/srv/site/index.html"


@pytest.mark.parametrize(
    ("path", "content", "evidence"),
    [
        (HTML_BR, b"garbage", f"{HTML_BR}: does not decode to {HTML}"),
        (HTML_BR, compress(b"other"), f"{HTML_BR}: does not decode to {HTML}"),
        (HTML_BR, compress(TEXT + b"!"), f"{HTML_BR}: does not decode to {HTML}"),
        (HTML_BR, compress(TEXT[:-1]), f"{HTML_BR}: does not decode to {HTML}"),
        (HTML_BR, compress(TEXT)[:-2], f"{HTML_BR}: does not decode to {HTML}"),
        (HTML_GZ, b"", f"{HTML_GZ}: does not decode to {HTML}"),
        (HTML_GZ, gzip.compress(TEXT, 0), f"{HTML_GZ}: 763 bytes, but {HTML} has 740"),
    ],
)
def test_compressed_file_with_other_content_fails(path: str, content: bytes, evidence: str) -> None:
    """Visitors would get another file. A file that is not smaller is useless."""
    others = [file for file in SITE if file.path != path]
    assert BuiltImage(files=[*others, shipped(path, content)]).evidence("image.precompressed") == (evidence,)


def test_compressed_file_that_is_too_large_is_not_judged() -> None:
    """Its content was not kept in memory."""
    files = [*SITE[:3], replace(SITE[3], content=None)]
    assert BuiltImage(files=files).verdict("image.precompressed").outcome == "skip"


@pytest.mark.parametrize("name", ["precompressed", "site"])
def test_image_without_our_site_is_not_judged(name: str) -> None:
    """Other images have their site in another folder."""
    verdict = BuiltImage(files=[shipped("/usr/share/nginx/html/index.html")]).verdict(f"image.{name}")
    assert (verdict.outcome, verdict.evidence) == ("skip", ("there is no site in /srv/site",))


def test_compressed_form_of_no_file_fails() -> None:
    """It would be served for a file that is not there."""
    files = [*SITE, shipped("/srv/br/b.html")]
    expected = ("/srv/br/b.html: the compressed form of no file",)
    assert BuiltImage(files=files).evidence("image.precompressed") == expected


BUILT = {"index.html": TEXT, "assets/index-Abcdef12.js": b"x"}


class ExportingRunner(Runner):
    """A build that exports these files, by their path."""

    def __init__(self, files: dict[str, bytes], code: int = 0) -> None:
        super().__init__()
        self.files, self.code = files, code

    def __call__(self, args: list[str], *, quiet: bool = False) -> Result:
        """Write the files to the folder of --output."""
        assert args[:5] == ["docker", "image", "build", "--target", "dist"]
        assert "NGINX_IMAGE=nginx:stable-alpine" in args
        folder = Path(args[args.index("--output") + 1].removeprefix("type=local,dest="))
        for path, content in self.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        super().__call__(args, quiet=quiet)
        return Result(self.code, "ERROR: no")


@pytest.fixture
def commit(settings: Settings) -> str:
    """The commit of a checkout without uncommitted changes."""
    return commit_all(settings.root)


@pytest.mark.parametrize(
    ("changes", "evidence"),
    [
        ({}, ()),
        ({"index.html": b"other"}, ("index.html: other bytes than the build wrote",)),
        ({"new.txt": b""}, ("new.txt: written by the build, but not in the image",)),
        ({"index.html.gz": b"of a Vite plugin"}, ()),
        ({"alone.gz": b""}, ("alone.gz: written by the build, but not in the image",)),
        ({"assets/index-Abcdef12.js": None}, ("assets/index-Abcdef12.js: not written by the build",)),
    ],
)
def test_site_is_compared_with_the_build(
    settings: Settings, commit: str, changes: dict[str, bytes | None], evidence: tuple[str, ...]
) -> None:
    """Each file, byte by byte. A compressed file next to its original is not compared."""
    files = {path: content for path, content in (BUILT | changes).items() if content is not None}
    image = with_labels(revision=commit)
    assert image.verdict("image.site", settings, ExportingRunner(files)).evidence == evidence


@pytest.mark.parametrize("node", ["docker.io/library/node:lts-alpine", "index.docker.io/node:lts-alpine"])
def test_site_is_judged_by_each_spelling_of_the_node_image(settings: Settings, commit: str, node: str) -> None:
    """The engine lists the image as node:lts-alpine."""
    changed = replace(settings, bases=replace(settings.bases, node_image=node))
    verdict = with_labels(revision=commit).verdict("image.site", changed, ExportingRunner(BUILT))
    assert (verdict.outcome, verdict.evidence) == ("pass", ())


def test_site_of_another_build_is_not_judged(settings: Settings, commit: str) -> None:
    """Another project's image, another commit, a build that fails, or uncommitted changes are reasons to skip."""
    runner = ExportingRunner(BUILT)
    another_project = replace(settings, app=replace(settings.app, name="shop"))
    image = with_labels(revision=commit)
    verdict = image.verdict("image.site", another_project, runner)
    assert verdict.evidence == ("the image was not built by this project",)
    verdict = BuiltImage().verdict("image.site", settings, runner)
    assert verdict.outcome == "skip"
    assert verdict.evidence == (f"it was built from {COMMIT}, but the checkout has {commit}",)
    verdict = image.verdict("image.site", settings, ExportingRunner(BUILT, code=1))
    assert verdict.evidence == ("the build cannot be repeated: ERROR: no",)
    package = settings.app_dir / "package.json"
    package.write_text(package.read_text() + "\n")
    verdict = image.verdict("image.site", settings, runner)
    assert "changes that are not committed" in verdict.evidence[0]
