"""`verify --url … --image …`: every answer of an address is compared with the image's own, byte for byte."""

from __future__ import annotations

import errno
import json
import re
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address
from urllib.parse import urlsplit

from docktasks import api
from docktasks.app.project import Project
from docktasks.app.runtime_config import MAX_CHARACTERS
from docktasks.engine.models import Image
from docktasks.errors import SettingsError, VerifyError
from docktasks.release import build as release_build
from docktasks.release import gate
from docktasks.release.run_args import Release
from docktasks.ship import image_facts, rebuild
from docktasks.ship.names import ShippedImage
from docktasks.verify.probes.connection import Connection, port_of
from docktasks.verify.probes.crawler import Site
from docktasks.verify.probes.http_client import Request, Response
from docktasks.verify.run import subject_at

CODINGS = ("identity", "gzip", "br")
IN_FRONT = re.compile(
    "age|alt-svc|cf-(cache-status|ray)|connection|content-length|date|keep-alive|nel|report-to|server(-timing)?"
    "|strict-transport-security|transfer-encoding|via|x-amz-cf-(id|pop)|x-cache(-hits)?|x-request-id|x-served-by|x-timer"
)
"""Headers that a proxy or a CDN sets, and the ones of a single connection. All others must be the image's."""
OF_A_CONNECTION = {"age", "connection", "content-length", "date", "keep-alive", "server", "transfer-encoding"}
"""These may differ also where the image itself sends them."""
CONFIGURATION = re.compile(rb"globalThis\.env = Object\.freeze\((.*)\);\n", re.DOTALL)
"""What env.sh makes of the configuration that `run-prod --env` or `deploy --env-from` gives."""
MISSING = ("hello-dock-no-such-page", "assets/hello-dock-no-such-file-1a2b3c4d.js")
MAX_EVIDENCE = 10
MAX_VALUE_CHARS = 160
Answers = dict[Request, Response]
UNREACHABLE = (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


@dataclass(frozen=True)
class Server:
    """One address of a server: the URL, and the IP address that is asked, where the URL's name has several."""

    url: str
    address: str = ""

    def __str__(self) -> str:
        return f"{self.url} at {self.address}" if self.address else self.url

    def site(self) -> Site:
        """The site there."""
        site = Site(self.url)
        site.client.connect = lambda: Connection(site.origin, self.address)
        return site


def compare(project: Project, urls: Sequence[str], image: str, revision: str, *, is_alone: bool = True) -> str:
    """Compare what each address serves with an image, or with the one that a commit gives.

    Return a text that says what was compared. It `is_alone` without flags that choose or
    report checks. Raises VerifyError if an answer differs.
    """
    _require_one(urls, image, revision)
    if not is_alone:
        raise SettingsError(
            "What is served is compared as a whole, and not by checks.",
            "--group, --only, --skip, --list, --strict and the reports are about checks.",
            "Leave them out, or leave out --image and --revision",
        )
    if project.dry:
        return f"Would compare {', '.join(urls)} with {image or f'commit {revision}'}."
    servers = [server for url in urls for server in servers_of(url)]
    with (
        project.lock(),
        _chosen(project, image, revision) as (chosen, name),
        _run(project, chosen, servers[0]) as (originals, file_count),
    ):
        faults = {server: [*_differences(server, originals)] for server in servers}
    paths = {request.path for request in originals}  # each is asked for in several codings
    lines = [f"Compared with {name}: {file_count:,} files, {len(paths):,} addresses."]
    for server, texts in faults.items():
        lines.append(f"{server}: {f'{len(texts):,} of them differ' if texts else 'all as the image has them'}")
    _require_none(faults, lines)
    return "\n".join(lines)


def _require_one(urls: Sequence[str], image: str, revision: str) -> None:
    """Raise SettingsError unless there is something to compare, and one thing to compare it with."""
    if not urls or bool(image) == bool(revision):
        raise SettingsError(
            "Name one or more --url, and either --image or --revision.",
            "What the addresses serve is compared with one image.",
            "Example: --url=https://app.example --image=registry.example/team/app@sha256:…",
        )
    if len({urlsplit(url).path.rstrip("/") for url in urls}) > 1:
        raise SettingsError("The addresses have different paths.", "An image is built for one.", "Name them one by one")


@contextmanager
def _chosen(project: Project, image: str, revision: str) -> Iterator[tuple[Image, str]]:
    """Yield the image to compare with, and what to call it."""
    if image:
        here = project.engine.image(image)
        yield here or release_build.pulled_build(project, image).image, image
    else:
        with rebuild.image_of(project, revision) as (built, commit):
            yield built, f"commit {commit[:12]}, built again"


def servers_of(url: str) -> list[Server]:
    """Return one server for each address that the name in a URL has. Raises VerifyError if there is no answer."""
    subject_at(url)
    origin = Site(url).origin
    entries = socket.getaddrinfo(urlsplit(origin).hostname, port_of(origin), type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in entries))
    usable = [address for address in addresses if len(addresses) == 1 or _answers(origin, address)]
    return [Server(url.rstrip("/"), address if len(usable) > 1 else "") for address in usable]


def _answers(origin: str, address: str) -> bool:
    """Return False for an address that this machine cannot have, such as ::1 of a name that also has 127.0.0.1."""
    try:
        socket.create_connection((address, port_of(origin)), timeout=5).close()
    except OSError as error:
        return not (ip_address(address).is_loopback or error.errno in UNREACHABLE)
    return True


@contextmanager
def _run(project: Project, image: Image, server: Server) -> Iterator[tuple[Answers, int]]:
    """Run the image here with the configuration of a server. Yield all its answers, and the number of its files.

    Raises VerifyError.
    """
    files = image_facts.read_facts(project, image, ShippedImage(image.short_id)).site
    own = replace(project, settings=replace(project.settings, api=api.Api()))
    with ExitStack() as stack:
        url = stack.enter_context(gate.candidate(own, Release(image, _configuration(server))))
        site = stack.enter_context(closing(Site(f"{url}{urlsplit(server.url).path}")))
        requests = [_request(path, coding) for path in _paths(site, files) for coding in CODINGS]
        answers = dict(zip(requests, site.client.send_all(requests), strict=True))
        for request, answer in answers.items():
            if not answer.status or answer.fault:
                raise VerifyError(f"The image itself answers {request.path} with {answer.summary}.", "", "Try again")
        for name, digest in files.items():
            answer = answers[_request(site.address(name), "identity")]
            if answer.is_ok and answer.digest.hex() != digest and name != "env.js":
                raise VerifyError(f"The image itself serves other bytes than its file {name}.", "", "Build it again")
        yield answers, len(files)


def _request(path: str, coding: str) -> Request:
    return Request(path, "GET", (("accept-encoding", coding),))


def _paths(site: Site, files: Iterable[str]) -> list[str]:
    """Return the address of each file and page, and of some that are missing."""
    names = sorted(files)
    pages = [re.sub(r"(?:(?<=/)|^)index\.html$|\.html$", "", name) for name in names if name.endswith(".html")]
    return list(dict.fromkeys(map(site.address, (*names, *pages, "", *MISSING))))


def _configuration(server: Server) -> str:
    """Return the JSON object that a release got as its configuration, as its /env.js shows it; "" for none."""
    with closing(server.site()) as site:
        answer = site.get("/env.js")
    match = CONFIGURATION.fullmatch(answer.body) if answer.is_ok else None
    with suppress(ValueError, RecursionError):
        if match and len(match[1]) <= MAX_CHARACTERS and isinstance(json.loads(match[1]), dict):
            return match[1].decode()
    return ""


def _differences(server: Server, originals: Answers) -> Iterator[str]:
    """Yield a text for each path of a server with an answer that is not the image's: for the first of its codings."""
    with closing(server.site()) as site:
        answers = site.client.send_all(originals)
    last_path = ""
    for (request, own), served in zip(originals.items(), answers, strict=True):
        text = difference(own, served)
        if text and request.path != last_path:
            last_path, coding = request.path, dict(request.headers)["accept-encoding"]
            yield f"{request.path}{'' if coding == 'identity' else f' as {coding}'}: {text}"


def difference(own: Response, served: Response) -> str:
    """Say what distinguishes an answer from the image's own; "" for nothing that counts."""
    if served.fault or served.status != own.status:
        return f"{served.summary}, not {own.status}"
    if served.digest != own.digest:
        sizes = f"{served.size:,} bytes, not {own.size:,}" if served.size != own.size else f"{own.size:,} bytes"
        return f"other bytes ({sizes}, SHA-256 {served.digest.hex()[:12]}, not {own.digest.hex()[:12]})"
    sent = {name for name, _ in own.headers} - OF_A_CONNECTION
    names = [name for name, _ in (*own.headers, *served.headers) if name in sent or not IN_FRONT.fullmatch(name)]
    for name in dict.fromkeys(("content-type", "content-encoding", *names)):  # an ETag follows from these
        values, others = own.get_list(name), served.get_list(name)
        if values != others:
            theirs, ours = ("; ".join(lines)[:MAX_VALUE_CHARS] or "missing" for lines in (others, values))
            return f"{name} is {theirs}, and in the image {ours}"
    return ""


def _require_none(faults: dict[Server, list[str]], lines: list[str]) -> None:
    """Raise VerifyError that names the first answer that differs."""
    texts = [f"{server}: {text}" for server, texts in faults.items() for text in texts]
    if texts:
        raise VerifyError(
            f"{texts[0]}.",
            "It is not what the image serves there.",
            "Run the image there again, or correct what is in front of it",
            evidence="\n".join([*lines, *texts[1:MAX_EVIDENCE]]),
        )
