"""The production image's command `carry`, and how nginx serves the assets that it keeps of several releases."""

from __future__ import annotations

import re
import shlex
from urllib.parse import quote

import httpx
import pytest

from benchmarks.checkout import ROOT
from docktasks.commands import Result
from tests.support.commands import clean_environ, docker, run_command
from tests.support.image_sandbox import BARE, ImageSandbox
from tests.support.long_forms import IS_LONG_FORM
from tests.support.project import ProjectUnderTest


def at(volume: str, *, writable: bool = False) -> list[str]:
    """The options that mount a volume where nginx looks for the assets of other releases."""
    return ["--mount", f"type=volume,source={volume},target=/srv/carried{'' if writable else ',readonly'}"]


def carry(image: str, volume: str, *args: str, wrap: tuple[str, ...] = ()) -> Result:
    """Run the image's `carry` with the rights that it needs, and no others."""
    run = [
        "container",
        "run",
        "--rm",
        "--init",
        "--network",
        "none",
        *BARE,
        "--user",
        "0:0",
        *at(volume, writable=True),
    ]
    return run_command(["docker", *run, image, *wrap, "carry", *args], ROOT, clean_environ())


def carries(image: str, volume: str, *args: str) -> None:
    """Run the image's `carry`, which must succeed."""
    done = carry(image, volume, *args)
    assert done.code == 0, done.output


def listing(image: str, *args: str, folder: str = "/srv/carried") -> dict[str, list[str]]:
    """The files below a folder of a container, by path: owner, mode, links, inode, size, and time of modification.

    The copy for the port holder is left out, which tests/engine/test_recovery.py looks at.
    """
    script = f"cd {folder} && find . -type f -exec stat -c '%u:%g %a %h %i %s %Y %n' {{}} +"
    printed = docker("container", "run", "--rm", *BARE, *args, image, "sh", "-c", script)
    rows = [line.split(" ", 6) for line in printed.splitlines()]
    return {row[6].removeprefix("./"): row[:6] for row in rows if not row[6].startswith("./.current.")}


def holding(image: str, volume: str) -> set[str]:
    """The files of the copy from which the port holder would serve."""
    script = "cd /srv/carried/current/ && find . -type f"
    return set(docker("container", "run", "--rm", *BARE, *at(volume), image, "sh", "-c", script).split())


def served(files: dict[str, list[str]]) -> set[str]:
    """The files that nginx serves."""
    return {path for path in files if path.startswith(("site/", "br/"))}


NAMES = [
    "assets/app-Abcdef12.js", "assets/deep/er/app-Abcdef12.js", "assets/two words-Abcdef12.js", "page-Abcdef12.pdf",
    "assets/quote'\"$(id)-Abcdef12.js",
]  # fmt: skip


def test_hashed_files_are_immutable_and_carried_and_no_others_are(sandbox: ImageSandbox) -> None:
    """The folder decides, and not the name: the builder has put the hashed files in a folder of their own."""
    names = " ".join(shlex.quote(name) for name in NAMES)
    make = 'path="$tree/$name"; mkdir -p "${path%/*}"; echo "$name" >"$path"'
    image = sandbox.image(f"for name in {names}; do for tree in site/un hashed/site/in; do {make}; done; done")
    volume = sandbox.volume()
    carries(image, volume, "add", "one")
    carried = served(listing(image, *at(volume)))
    _, address = sandbox.serve(image)
    asked = {
        name: httpx.get(f"{address}/{quote(name)}", trust_env=False)
        for name in (f"{folder}/{name}" for folder in ("un", "in") for name in NAMES)
    }
    assert {answer.status_code for answer in asked.values()} == {httpx.codes.OK}
    immutable = {name for name, answer in asked.items() if "immutable" in answer.headers["cache-control"]}
    assert immutable == {f"in/{name}" for name in NAMES}
    assert {path for path in carried if path.startswith(("site/in", "site/un"))} == {
        f"site/{name}" for name in immutable
    }


def test_carry_links_the_images_files_with_their_compressed_copies(sandbox: ImageSandbox) -> None:
    """Each asset keeps its size and time, belongs to root, and is one file with two names: served, and recorded."""
    image, volume = sandbox.image(), sandbox.volume()
    carries(image, volume, "add", "one")
    shipped = listing(image, folder="/srv/hashed")
    carried = listing(image, *at(volume))
    assets = {path for path in shipped if path.startswith(("site/assets/", "br/assets/"))}
    assert {path.split("/")[0] for path in assets} == {"site", "br"}
    assert any(path.endswith(".js.gz") for path in assets)
    assert served(carried) == assets
    assert set(carried) == assets | {f"releases/one/{path}" for path in assets}
    for path in assets:
        owner, mode, links, inode, size, modified = carried[path]
        assert (owner, mode, links) == ("0:0", "644", "2"), path
        assert [size, modified] == shipped[path][4:], path
        assert carried[f"releases/one/{path}"][3] == inode, path


def test_a_carried_asset_is_answered_as_by_its_own_release(sandbox: ImageSandbox) -> None:
    """The other release sends the same body and the same headers: type, encoding, ETag, caching."""
    path = "assets/old-Abcdef12.js"
    old = sandbox.image(
        f"cd hashed; seq 500 >site/{path}; gzip -k site/{path}; seq 9 >br/{path}; "
        f"touch -d @500000000 site/{path}* br/{path}"
    )
    new, volume = sandbox.image(), sandbox.volume()
    carries(old, volume, "add", "old")

    def asked(address: str, coding: str) -> tuple[int, bytes, list[tuple[str, str]]]:
        with httpx.stream("GET", f"{address}/{path}", headers={"Accept-Encoding": coding}, trust_env=False) as answer:
            headers = [(name, value) for name, value in answer.headers.multi_items() if name != "date"]
            return answer.status_code, b"".join(answer.iter_raw()), headers

    carrying, origin, without = (sandbox.serve(*args)[1] for args in ((new, *at(volume)), (old,), (new,)))
    for coding in ("identity", "gzip", "gzip, br"):
        assert asked(carrying, coding) == asked(origin, coding)
        assert asked(without, coding)[0] == httpx.codes.NOT_FOUND


def test_carry_add_replaces_no_file(sandbox: ImageSandbox) -> None:
    """A file that another release brought is linked. Adding a release a second time changes nothing."""
    image, volume = sandbox.image(), sandbox.volume()
    other = sandbox.image("cd hashed/site/assets; echo new >new-Abcdef12.js; for f in index-*; do touch $f; done")
    carries(image, volume, "add", "one")
    before = listing(image, *at(volume))
    carries(other, volume, "add", "two")
    after = listing(image, *at(volume))
    assert served(after) - served(before) == {"site/assets/new-Abcdef12.js"}
    for path in served(before):
        assert after[path][3:] == before[path][3:], path
        assert after[path][3] == after[f"releases/two/{path}"][3], path
    carries(other, volume, "add", "two")
    assert listing(image, *at(volume)) == after


def test_carry_refuses_other_bytes_under_the_same_name(sandbox: ImageSandbox) -> None:
    """It names the file and the release, and changes nothing. Of equal size and of another, deep or not, both count."""
    paths = ["app-Abcdef12.js", "deep/two words-Abcdef12.js"]
    write = 'mkdir -p hashed/site/assets/deep; cd hashed/site/assets; for f in {}; do echo {} >"$f"; done; {}'
    names = " ".join(shlex.quote(path) for path in paths)
    old = sandbox.image(write.format(names, "one", f"touch -d @5 {names}"))
    same = sandbox.image(write.format(names, "one", f"touch -d @7 {names}; touch added-Abcdef12.js"))
    volume = sandbox.volume()
    carries(old, volume, "add", "old")
    carries(same, volume, "add", "same")
    before = listing(old, *at(volume))
    for content in ("two", "longer"):
        new = sandbox.image(write.format(names, content, "touch -d @9 *"))
        refusal = carry(new, volume, "add", "new")
        assert refusal.code == 3, refusal.output
        differences = [f"assets/{path} differs from release {release}" for path in paths for release in ("old", "same")]
        assert sorted(refusal.output.splitlines()) == sorted(differences)
        assert listing(old, *at(volume)) == before


@pytest.mark.long  # only a new compressor makes them
def test_carry_takes_other_compressed_copies_of_the_same_file(sandbox: ImageSandbox) -> None:
    """Another version of a compressor makes other bytes, which decode to the same file."""
    image, volume = sandbox.image(), sandbox.volume()
    other = sandbox.image(
        "for f in $(find hashed -name '*.js.gz'); do gzip -1 <${f%.gz} >$f; done; "
        "for f in $(find hashed/br -type f); do echo >>$f; done"
    )
    carries(image, volume, "add", "one")
    carries(other, volume, "add", "two")


def test_carry_keep_removes_the_other_releases(sandbox: ImageSandbox) -> None:
    """It removes the assets that no kept release has, and leaves every other file in the volume."""
    old = sandbox.image(
        "cd hashed; mkdir site/assets/deep; for name in old deep/old; do echo old >site/assets/$name-Abcdef12.js; done"
    )
    new, volume = sandbox.image("echo new >hashed/site/assets/new-Abcdef12.js"), sandbox.volume()
    carries(old, volume, "add", "old")
    carries(new, volume, "add", "new")
    carries(new, volume, "add", "new.1")
    ours = ["container", "run", "--rm", "--user", "0:0", *at(volume, writable=True), new, "sh", "-c"]
    docker(*ours, "echo mine >/srv/carried/mine; mkdir /srv/carried/folder")
    before = listing(new, *at(volume))
    carries(new, volume, "keep", "new", "no-such-release")
    after = listing(new, *at(volume))
    gone = {path for path in before if path.startswith(("releases/old/", "releases/new.1/"))}
    assert set(before) - set(after) == gone | {"site/assets/old-Abcdef12.js", "site/assets/deep/old-Abcdef12.js"}
    assert after["mine"] == before["mine"]
    assert all(after[path][3:] == before[path][3:] for path in after)
    folders = docker(*ours, "cd /srv/carried && find . -type d").splitlines()
    assert "./folder" in folders
    assert "./site/assets/deep" not in folders
    assert not [folder for folder in folders if folder.endswith(("/old", "/new.1"))]


def test_carry_serves_no_part_of_a_file_when_the_disk_is_full(sandbox: ImageSandbox) -> None:
    """When there is room again, the same command brings the file."""
    big = "assets/big-Abcdef12.js"
    image = sandbox.image(f"dd if=/dev/zero of=hashed/site/{big} bs=1M count=2")
    volume = sandbox.volume("--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", "o=size=3m,mode=0755")
    name, address = sandbox.serve(image, *at(volume))
    ours = ["container", "run", "--rm", "--user", "0:0", *at(volume, writable=True), image, "sh", "-c"]
    docker(*ours, "dd if=/dev/zero of=/srv/carried/ballast bs=1M count=2")
    done = carry(image, volume, "add", "one")
    assert (done.code, "No space left on device" in done.output) == (1, True)
    assert f"site/{big}" not in listing(image, *at(volume))
    docker(*ours, "rm /srv/carried/ballast")
    carries(image, volume, "add", "one")
    assert listing(image, *at(volume))[f"site/{big}"][4] == str(2 << 20)
    assert httpx.get(address, trust_env=False).status_code == httpx.codes.OK, name


LIST = "/usr/local/share/hello-dock/built"


def built(sandbox: ImageSandbox, *names: str, text: str = "") -> str:
    """An image whose build wrote these files under names without a hash, with this text."""
    loop = (
        f'for name in {" ".join(map(shlex.quote, names))}; do echo "{text}" >"site/$name"; echo "$name" >>{LIST}; done'
    )
    return sandbox.image(f"mkdir -p site/app; {loop}")


def answers(sandbox: ImageSandbox, image: str, volume: str, names: list[str]) -> list[tuple[int, str, str]]:
    """Status, text and Cache-Control of each name from a release with the volume."""
    _, address = sandbox.serve(image, *at(volume))
    gets = [httpx.get(f"{address}/{quote(name)}", trust_env=False) for name in names]
    return [(get.status_code, get.text.strip(), get.headers["cache-control"]) for get in gets]


def test_built_file_without_a_hash_comes_from_the_latest_kept_release(sandbox: ImageSandbox) -> None:
    """The current release's own comes first, and a browser asks again each time. A file of no kept release is gone."""
    names = ["app/lazy one.js", "app/other.js", "app/gone.js"]
    oldest = built(sandbox, "app/gone.js", text="oldest")
    old = built(sandbox, "app/lazy one.js", "app/other.js", text="old")
    later, current = built(sandbox, "app/other.js", text="later"), sandbox.image("echo own >site/own.js")
    volume = sandbox.volume()
    for release, image, kept in (("1", oldest, "1"), ("2", old, "2 1"), ("3", later, "3 2 1"), ("4", current, "4 3 2")):
        carries(image, volume, "add", release)
        carries(image, volume, "keep", *kept.split())
    asked = answers(sandbox, current, volume, [*names, "own.js"])
    assert [status for status, _, _ in asked] == [200, 200, 404, 200]
    assert [text for status, text, _ in asked if status == httpx.codes.OK] == ["old", "later", "own"]
    assert [policy for _, _, policy in asked] == ["no-cache", "no-cache", "no-store", "no-cache"]
    assert answers(sandbox, old, volume, names[:2]) == [(200, "old", "no-cache")] * 2


@pytest.mark.long  # the test before has the recorded ones
def test_built_file_of_a_release_that_is_not_recorded_replaces_no_other(sandbox: ImageSandbox) -> None:
    """A release may fail after its files were added. Until it is recorded it has the last word nowhere."""
    first, second = built(sandbox, "a.js", text="one"), built(sandbox, "a.js", "b.js", text="two")
    current, volume = sandbox.image(), sandbox.volume()
    carries(first, volume, "add", "1")
    carries(first, volume, "keep", "1")
    carries(current, volume, "add", "2")
    carries(current, volume, "keep", "2", "1")
    carries(second, volume, "add", "3")
    assert [text for _, text, _ in answers(sandbox, current, volume, ["a.js", "b.js"])] == ["one", "two"]
    carries(current, volume, "keep", "2", "1")
    assert [text for _, text, _ in answers(sandbox, current, volume, ["a.js"])] == ["one"]
    assert not [path for path in listing(current, *at(volume)) if "releases/3" in path or path.endswith("b.js")]


def test_compressed_copy_belongs_to_the_file_that_is_served(sandbox: ImageSandbox) -> None:
    """A later release whose file is too small for a compressed copy does not get the copy of an earlier one."""
    big = f"seq 500 >site/a.js; gzip -k site/a.js; seq 9 >br/a.js; echo a.js >>{LIST}"
    old, later, current = sandbox.image(big), built(sandbox, "a.js", text="later"), sandbox.image()
    volume = sandbox.volume()
    for release, image, kept in (("1", old, "1"), ("2", later, "2 1"), ("3", current, "3 2 1")):
        carries(image, volume, "add", release)
        carries(image, volume, "keep", *kept.split())
    _, address = sandbox.serve(current, *at(volume))
    for accepted in ("identity", "gzip", "br"):
        answer = httpx.get(f"{address}/a.js", headers={"Accept-Encoding": accepted}, trust_env=False)
        assert (answer.text, answer.headers.get("content-encoding")) == ("later\n", None)


FILES, NEXT_MOMENT = (5000, 1.4) if IS_LONG_FORM else (400, 3)
"""The number of files that are carried, and by how much longer the next run may take before it is killed."""

MANY = f"for i in $(seq 100001 {100_000 + FILES}); do echo $i >hashed/site/assets/f-AB$i.js; done"


def test_carry_can_be_killed_at_any_moment(sandbox: ImageSandbox) -> None:
    """What is served is complete, kept releases stay, and the next run completes the work."""
    image, many, volume = sandbox.image(), sandbox.image(MANY), sandbox.volume()
    carries(image, volume, "add", "one")
    carries(image, volume, "keep", "one")
    other = sandbox.volume()
    carries(many, other, "keep", "two")
    first, held = listing(image, *at(volume)), [holding(image, volume), holding(many, other)]
    assert len(held[1]) - len(held[0]) == FILES
    whole = {path: row[4] for path, row in listing(many, folder="/srv/hashed").items()}
    moment, killed, code = 0.1, 0, 1
    while code:
        code = carry(many, volume, "add", "two", wrap=("timeout", "-s", "KILL", f"{moment:.2f}")).code
        assert code in {0, 137}
        killed += code != 0
        assets = listing(image, *at(volume))
        assert not served(first) - served(assets)
        assert all(assets[path][4] == whole[path] for path in served(assets))
        carry(many, volume, "keep", "one", "two", wrap=("timeout", "-s", "KILL", f"{moment / 4:.2f}"))
        assert set(listing(image, *at(volume))) >= set(first)
        assert holding(image, volume) in held
        moment *= NEXT_MOMENT
    assert killed, "no moment was early enough to kill anything"
    assert carry(many, volume, "keep", "one", wrap=("timeout", "-s", "KILL", "0.15")).code in {0, 137}
    assert set(listing(image, *at(volume))) >= set(first)
    carries(many, volume, "add", "two")
    assets = listing(image, *at(volume))
    assert len(served(assets)) == len(served(first)) + FILES
    assert {path.removeprefix("releases/two/") for path in assets if "/two/" in path} == served(assets)
    carries(many, volume, "keep", "one")
    assert listing(image, *at(volume)) == first


WRONG_ARGS: list[tuple[str, ...]] = [
    (), ("drop", "one"), ("add",), ("add", ""), ("add", "one/two"), ("add", ".."), ("add", "one", "two"), ("keep",),
    ("keep", "one", "../two"),
]  # fmt: skip


@pytest.mark.long  # only run-prod calls it
def test_carry_refuses_wrong_arguments(sandbox: ImageSandbox, built_project: ProjectUnderTest) -> None:
    """A missing verb or release, or a name that is a path, gives exit code 2 and a message, and changes nothing."""
    volume = sandbox.volume()
    for args in WRONG_ARGS:
        done = carry(built_project.image, volume, *args)
        assert done.code == 2, args
        assert re.match(r"carry: .+\nusage: carry add RELEASE", done.output), args
    assert listing(built_project.image, *at(volume)) == {}
