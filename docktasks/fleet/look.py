"""Looks at a node from outside: at the page that it serves, and at the files of another release."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from docktasks.errors import reason_of
from docktasks.fleet.swarm import Node
from docktasks.waiting import Probe, wait_until

TIMEOUT_S = 3.0
SAME_ANSWERS = 10
"""How many connections in a row must get the new page. Two tasks that listen would each get some of them."""
MAX_ADDRESSES = 32
"""Nodes that are looked at at the same time."""


def address(node: Node, port: int) -> str:
    """Return the address of the site on a node."""
    host = f"[{node.address}]" if ":" in node.address else node.address
    return f"http://{host}:{port}"


def page_digest(url: str) -> str:
    """Return a digest of the page at the root of the site, or why there is none, on a connection of its own."""
    import httpx

    try:
        response = httpx.get(f"{url}/", timeout=TIMEOUT_S, trust_env=False, follow_redirects=True)
    except httpx.HTTPError as error:
        return f"no answer ({reason_of(error)})"
    if response.status_code != httpx.codes.OK:
        return f"status {response.status_code}"
    return hashlib.sha256(response.content).hexdigest()


def fault_of_page(url: str, digest: str, limit_s: float) -> str:
    """Return what is wrong with a node that should serve the page of this digest, "" if only that page is served."""
    same_count = 0

    def look() -> Probe:
        nonlocal same_count
        answer = page_digest(url)
        same_count = same_count + 1 if answer == digest else 0
        return Probe(same_count >= SAME_ANSWERS, "another page" if len(answer) == len(digest) else answer)

    probe = wait_until(look, limit_s, 0.02)
    return "" if probe.ready else f"{url}/ has {probe.status}"


def missing_files(urls: Iterable[str], paths: Iterable[str]) -> list[str]:
    """Return a line for each of the files that an address does not have."""
    paths = [*paths]
    with ThreadPoolExecutor(MAX_ADDRESSES) as pool:
        return [line for lines in pool.map(lambda url: _missing_at(url, paths), urls) for line in lines]


def _missing_at(url: str, paths: list[str]) -> list[str]:
    from docktasks.verify.probes.crawler import Site

    with closing(Site(url)) as site:
        answers = site.get_all(paths, "HEAD")
    return [f"{url}{answer.path}: {answer.summary}" for answer in answers if not answer.is_ok]
