from __future__ import annotations

import pytest

from docktasks.engine.models import Container, Published


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),  # noqa: S104 - read, not bound
        ("::", "http://127.0.0.1:8080"),
        ("", "http://127.0.0.1:8080"),
        ("192.168.0.2", "http://192.168.0.2:8080"),
    ],
)
def test_url_is_the_address_on_this_machine(host: str, url: str) -> None:
    """A container that is published on every address is reached on the loopback address, and says where else."""
    container = Container("0", "web", published=(Published(host, 8080, 80),))
    assert container.url == url
    is_public = host in ("0.0.0.0", "::", "")  # noqa: S104 - read, not bound
    assert container.public_bind == ("0.0.0.0:8080" if is_public else "")
    assert container.address == f"{url}{' (every address of this machine: 0.0.0.0:8080)' if is_public else ''}"
