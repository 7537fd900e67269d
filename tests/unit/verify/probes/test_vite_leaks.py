from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from docktasks.verify.probes.vite_client import ViteClient
from docktasks.verify.probes.vite_leaks import QUERIES, Canary, leaks_by_request
from tests.unit.fakes.web import Web

CANARY = Canary("/home/node/app/.env.x", "CANARY=5f2c 5f2c\n", "/.env.x")


@pytest.mark.parametrize(
    ("body", "is_in"),
    [
        ("CANARY=5f2c 5f2c\n", True),
        ('export default "CANARY=5f2c 5f2c\\n"', True),
        ("data:text/plain,CANARY%3D5f2c%205f2c%0A", True),
        ("<!doctype html>", False),
        ("\ufffd", False),
        ("403: /home/node/app/.env.x is denied", False),
    ],
)
def test_canary_is_known_by_its_content(body: str, *, is_in: bool) -> None:
    """The content counts in every form in which Vite serves a file; the name does not."""
    assert CANARY.is_in(body) is is_in


def test_canary_is_asked_for_by_its_path_and_its_address() -> None:
    """Each way has every query. A file outside the app has no address."""
    targets = [*CANARY.targets()]
    assert len(targets) == len(set(targets))
    for query in QUERIES:
        assert {f"/@fs{CANARY.path}{query}", f"/.env.x{query}"} <= {*targets}
    assert {"/.env.x/", f"//@fs{CANARY.path}?raw", "/@fs%2Fhome%2Fnode%2Fapp%2F.env.x"} <= {*targets}
    assert not any(".env" in target for target in Canary("/etc/passwd", "root:x").targets())


@pytest.mark.parametrize("base", ["/", "/app/"])
def test_server_that_gives_a_file_away_is_found(web: Web, base: str) -> None:
    """The address goes out as it is spelled, below Vite's base path."""
    page = f'<script type="module" src="{base}@vite/client"></script>'
    way = f"{base.rstrip('/')}//@fs{CANARY.path}"

    def answer(request: httpx.Request) -> httpx.Response:
        leaks = request.url.raw_path.decode() == way
        return httpx.Response(200, text=CANARY.content if leaks else page)

    web.answer = answer
    vite = ViteClient("http://127.0.0.1:3000")
    assert list(leaks_by_request(vite, CANARY, CANARY.targets())) == [f"{way}: it gives /home/node/app/.env.x away"]
    vite.close()


def raising(error: Exception) -> Callable[[httpx.Request], httpx.Response]:
    """A server that serves the page and answers nothing else."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/":
            return httpx.Response(200)
        raise error

    return answer


def test_server_that_hangs_up_gives_nothing_away(web: Web) -> None:
    """Only a server that does not answer at all ends the search."""
    web.answer = raising(httpx.RemoteProtocolError("gone"))
    vite = ViteClient("http://127.0.0.1:3000")
    assert list(leaks_by_request(vite, CANARY, CANARY.targets())) == []
    web.answer = raising(httpx.ReadTimeout("slow"))
    with pytest.raises(TimeoutError, match="did not answer /@fs/home/node/app"):
        list(leaks_by_request(vite, CANARY, CANARY.targets()))
    vite.close()
